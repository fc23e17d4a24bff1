// The limits of the custom menu.

const NAME_LIMIT_BYTES = 16;
const SUB_NAME_LIMIT_BYTES = 60;
const KEY_LIMIT_BYTES = 128;
const URL_LIMIT_BYTES = 1024;
const BUTTONS_LIMIT = 3;
const SUB_BUTTONS_LIMIT = 5;

const bytes = (text) => Buffer.byteLength(String(text));
const KEYED = ['click', 'scancode_push', 'scancode_waitmsg', 'pic_sysphoto', 'pic_photo_or_album', 'pic_weixin', 'location_select'];

function checkAction(button, refuse) {
  if (KEYED.includes(button.type)) {
    if (typeof button.key !== 'string' || button.key === '') refuse(40019, 'invalid button key size');
    if (bytes(button.key) > KEY_LIMIT_BYTES) refuse(40019, 'invalid button key size');
  } else if (button.type === 'view' || button.type === 'miniprogram') {
    if (typeof button.url !== 'string' || !/^https?:\/\//.test(button.url)) refuse(40055, 'invalid button url domain');
    if (bytes(button.url) > URL_LIMIT_BYTES) refuse(40020, 'invalid button url size');
  } else refuse(40017, 'invalid button type');
}

function checkName(button, limit, refuse) {
  if (typeof button?.name !== 'string' || button.name === '' || bytes(button.name) > limit) refuse(40018, 'invalid button name size');
}

/** Calls `refuse(errcode, errmsg)` for the first rule the menu breaks. */
export function checkMenu(menu, refuse) {
  const buttons = menu.button;
  if (!Array.isArray(buttons) || buttons.length < 1 || buttons.length > BUTTONS_LIMIT) refuse(40016, 'invalid button size');
  for (const button of buttons) {
    checkName(button, NAME_LIMIT_BYTES, refuse);
    const subs = button.sub_button ?? [];
    if (!Array.isArray(subs) || subs.length > SUB_BUTTONS_LIMIT) refuse(40023, 'invalid sub button size');
    if (subs.length === 0) checkAction(button, refuse);
    for (const sub of subs) {
      checkName(sub, SUB_NAME_LIMIT_BYTES, refuse);
      checkAction(sub, refuse);
    }
  }
}
