// The control plane: what a test or the phone tells the stand-in to do.
import { KEY_KINDS, readKeys, retireKey, rollKey, undoRoll } from '../identities.mjs';
import { need, readFields } from '../../stand-in/control.mjs';
import { changeBill } from './bill.mjs';
import { pushCallback, verifyCallback } from './callback.mjs';
import { html, json, post } from './http.mjs';
import { returnAbnormal } from './pay-api.mjs';
import { NOTIFICATION_MODES } from './pay-notify.mjs';
import { drawQr } from './qr.mjs';
import { useSheet } from './sheet.mjs';
import { chinaTime } from './world.mjs';

const DAY_S = 86_400;
const TEXT_WINDOW = { left: 5, life_s: 2 * DAY_S };
const EVENT_WINDOW = { left: 3, life_s: 60 };
const TICK_TIMEOUT_MS = 30_000;
const FAULT_KINDS = {
  callback: ['drop', 'forged', 'duplicate'],
  oauth: ['snapshot', 'double_callback'],
  refund: ['abnormal', 'closed'],
  'pay-response': ['probe', 'forged', 'unsigned'],
  'template-delivery': ['failed'],
  'bill-file': ['altered', 'cut'],
};
const API_FAULT_KINDS = ['fail_before', 'fail_after', 'timeout_before', 'timeout_after', 'errcode'];

function openWindow(world, person, kind, { left, life_s }) {
  person.windows = person.windows.filter((window) => window.kind !== kind);
  person.windows.push({ kind, left, until_s: world.clock.now_s() + life_s });
}

const event = (Event, fields = {}) => ({ MsgType: 'event', Event, ...fields });

// What a person does --------------------------------------------------------------------------

async function follow(world, person, { scene, ticket } = {}) {
  if (person.follows) return { already: true };
  Object.assign(person, {
    follows: true,
    subscribe_at_s: world.clock.now_s(),
    subscribe_scene: scene ? 'ADD_SCENE_QR_CODE' : 'ADD_SCENE_SEARCH',
    qr_scene: scene ?? '',
  });
  world.say(person, { from: 'system', kind: 'notice', text: `你已关注${world.config.account_name}` });
  openWindow(world, person, 'subscribe', EVENT_WINDOW);
  const fields = scene ? { EventKey: `qrscene_${scene}`, ...(ticket ? { Ticket: ticket } : {}) } : { EventKey: '' };
  return { callback: await pushCallback(world, person, event('subscribe', fields)) };
}

async function unfollow(world, person) {
  if (!person.follows) return { already: true };
  Object.assign(person, { follows: false, windows: [] });
  world.say(person, { from: 'system', kind: 'notice', text: '你已取消关注' });
  return { callback: await pushCallback(world, person, event('unsubscribe', { EventKey: '' }), { silent: true }) };
}

async function text(world, person, { content }) {
  need(typeof content === 'string' && content !== '', 'content is needed');
  need(person.follows, 'only followers can write', 409);
  world.say(person, { from: 'person', kind: 'text', text: content });
  openWindow(world, person, 'text', TEXT_WINDOW);
  return { callback: await pushCallback(world, person, { MsgType: 'text', Content: content }) };
}

async function image(world, person, { media_id = `m${world.nextId()}` }) {
  need(person.follows, 'only followers can write', 409);
  world.say(person, { from: 'person', kind: 'image', media_id });
  openWindow(world, person, 'text', TEXT_WINDOW);
  return { callback: await pushCallback(world, person, { MsgType: 'image', PicUrl: 'http://mmbiz.qpic.cn/stand-in', MediaId: media_id }) };
}

function findScene(world, { scene, ticket }) {
  if (!ticket) return { scene: String(scene ?? '') };
  const entry = world.state.qrcodes[ticket];
  need(entry, 'no such ticket', 404);
  need(entry.expires_s === null || entry.expires_s > world.clock.now_s(), 'the code has expired', 410);
  return { scene: entry.scene, ticket };
}

async function scan(world, person, wish) {
  const found = findScene(world, wish);
  need(found.scene, 'scene or ticket is needed');
  if (!person.follows) return follow(world, person, found);
  openWindow(world, person, 'scan', EVENT_WINDOW);
  return { callback: await pushCallback(world, person, event('SCAN', { EventKey: found.scene, Ticket: found.ticket ?? 'none' })) };
}

function findButton(world, { path, key, url }) {
  const buttons = world.state.menu?.button ?? [];
  if (path) return path.reduce((found, index) => (found ? found.sub_button : buttons)?.[index], undefined);
  const all = buttons.flatMap((button) => (button.sub_button?.length ? button.sub_button : [button]));
  return all.find((button) => (key !== undefined ? button.key === key : button.url === url));
}

async function menu(world, person, wish) {
  const button = findButton(world, wish);
  need(button && !button.sub_button?.length, 'no such button', 404);
  need(person.follows, 'only followers see the menu', 409);
  if (button.type === 'view') {
    const callback = await pushCallback(world, person, event('VIEW', { EventKey: button.url, MenuId: { number: world.state.menu.id } }), { silent: true });
    return { callback, ...open(world, person, { url: button.url }) };
  }
  openWindow(world, person, 'click', EVENT_WINDOW);
  return { callback: await pushCallback(world, person, event(button.type === 'click' ? 'CLICK' : button.type, { EventKey: button.key })) };
}

function open(world, person, { url }) {
  need(typeof url === 'string' && URL.canParse(url), 'url is needed');
  const address = world.outward(person, url);
  person.browser = { address, sequence: (person.browser?.sequence ?? 0) + 1 };
  world.changed();
  return { open: address };
}

function closeBrowser(world, person) {
  if (person.browser) person.browser = { ...person.browser, address: null };
  world.changed();
  return {};
}

async function consent(world, person, { template_id, accept = true }) {
  if (accept) person.consents[template_id] = (person.consents[template_id] ?? 0) + 1;
  const fields = { SubscribeMsgPopupEvent: { List: { TemplateId: template_id, SubscribeStatusString: accept ? 'accept' : 'reject', PopupScene: '1' } } };
  return { callback: await pushCallback(world, person, event('subscribe_msg_popup_event', fields), { silent: true }) };
}

function block(world, person, { on = true }) {
  person.blocks = on;
  world.changed();
  return { blocks: on };
}

const DEEDS = { follow, unfollow, text, image, scan, menu, open, close: closeBrowser, consent, block };

// The rest ------------------------------------------------------------------------------------

const withoutKeys = ({ app_id, original_id, mode, mch_id, account_name, templates, merchant_serial, platform_certificate, platform_public_key }) => ({
  app_id,
  original_id,
  mode,
  mch_id,
  account_name,
  templates,
  merchant_serial,
  platform_certificate_serial: platform_certificate.serial,
  platform_public_key_id: platform_public_key.id,
});

const showClock = (world) => ({ now: chinaTime(world.clock.now_ms()), offset_s: world.clock.offset_s });

async function moveClock(world, { advance_s, set, reset }) {
  if (reset) world.moveClock(0);
  else if (set !== undefined) {
    need(!Number.isNaN(Date.parse(set)), 'set is not RFC 3339');
    world.moveClock(Math.ceil((Date.parse(set) - Date.now()) / 1000));
  } else {
    need(Number.isInteger(advance_s), 'advance_s is whole seconds');
    world.moveClock(world.clock.offset_s + advance_s);
  }
  const ticks = await Promise.all(
    world.options.tickUrls.map((url) => post(url, { body: '{}', headers: { 'content-type': 'application/json' }, timeout_ms: TICK_TIMEOUT_MS })),
  );
  return { ...showClock(world), ticks: ticks.map((tick) => tick.error ?? tick.status) };
}

function setFaults(world, body) {
  if (body.clear) {
    world.state.faults = [];
    Object.assign(world.state, { notification_mode: 'normal', notification_skew_s: 0, notification_delay_s: 0 });
  }
  if (body.notifications !== undefined) {
    need(NOTIFICATION_MODES.includes(body.notifications), `notifications is one of ${NOTIFICATION_MODES.join(', ')}`);
    need(Number.isInteger(body.skew_s ?? 0), 'skew_s is whole seconds');
    Object.assign(world.state, { notification_mode: body.notifications, notification_skew_s: body.skew_s ?? 0 });
  }
  if (body.notification_delay_s !== undefined) {
    need(body.notification_delay_s >= 0, 'notification_delay_s is seconds');
    world.state.notification_delay_s = body.notification_delay_s;
  }
  if (body.path !== undefined) {
    const kinds = FAULT_KINDS[body.path] ?? API_FAULT_KINDS;
    need(kinds.includes(body.kind), `kind is one of ${kinds.join(', ')}`);
    need(body.kind !== 'errcode' || body.errcode !== undefined || body.code !== undefined, 'errcode (account) or code (pay) is needed');
    world.addFault(body);
  }
  world.changed();
  return showFaults(world);
}

const showFaults = (world) => ({ faults: world.state.faults, notifications: world.state.notification_mode });

function books(world) {
  const { orders, refunds, notifications } = world.state;
  return { orders: Object.values(orders), refunds: Object.values(refunds), notifications };
}

/** Everything the phone shows, in one answer. */
function phone(world) {
  const names = Object.values(world.state.people);
  return {
    account: { name: world.config.account_name, original_id: world.config.original_id },
    clock: showClock(world),
    menu: world.state.menu?.button ?? [],
    qrcodes: Object.entries(world.state.qrcodes).map(([ticket, entry]) => ({ ticket, scene: entry.scene })),
    people: names.map(({ id, nickname, colour, about, demo, follows, browser }) => ({
      id, nickname, colour, about, demo, follows, browser, origin: world.personOrigin({ id }), chat: world.state.chats[id],
    })),
  };
}

const publicPerson = (world, person) => ({ ...person, origin: world.personOrigin(person) });

function addTemplate(world, { name, title, keywords, id }) {
  need(name && title && keywords && id, 'name, title, keywords and id are needed');
  world.config.templates = [...world.config.templates.filter((template) => template.name !== name), { name, title, keywords, id }];
  return { templates: world.config.templates };
}

/** An SMS arrives on the demo phone it is for; other phones are not in the picture. */
function showSms(world, { phone, text }) {
  const people = Object.values(world.state.people).filter((person) => person.demo?.phone === phone);
  for (const person of people) world.say(person, { from: 'system', kind: 'notice', text: `短信 ${text}` });
  return { shown: people.length };
}

const KEY_DEEDS = { roll: rollKey, retire: retireKey, undo: undoRoll };

/** A new key of a kind; the end of the one before; or back to that one, as if nothing had been rolled. */
function rollKeys(world, body) {
  const deeds = Object.keys(KEY_DEEDS).filter((deed) => body[deed] !== undefined);
  need(deeds.length === 1, 'one of roll, retire, undo is needed');
  const [deed] = deeds;
  const kind = body[deed];
  need(KEY_KINDS.includes(kind), `a key is one of ${KEY_KINDS.join(', ')}`);
  need(deed === 'roll' || world.config.previous?.[kind], 'there is no key before', 409);
  world.config = KEY_DEEDS[deed](world.directory, world.config, kind);
  world.keys = readKeys(world.directory, world.config);
  world.changed();
  return withoutKeys(world.config);
}

const GETS = {
  '/control/config': (world) => withoutKeys(world.config),
  '/control/books': books,
  '/control/calls': (world) => ({ calls: world.calls }),
  '/control/faults': showFaults,
  '/control/clock': showClock,
  '/control/people': (world) => ({ people: Object.values(world.state.people).map((person) => publicPerson(world, person)) }),
  '/control/phone': phone,
};

const POSTS = {
  '/control/faults': setFaults,
  '/control/clock': moveClock,
  '/control/reset': (world) => { world.reset(); return {}; },
  '/control/verify-callback': (world) => verifyCallback(world),
  '/control/templates': addTemplate,
  '/control/sms': showSms,
  '/control/keys': rollKeys,
  '/control/bill': (world, body) => { changeBill(world, body, need); return { changes: world.state.bill_changes }; },
  '/control/refund-returned': (world, { out_refund_no }) => {
    need(returnAbnormal(world, out_refund_no), 'no such abnormal refund', 404);
    return {};
  },
  '/control/people': (world, body) => publicPerson(world, world.addPerson(body)),
};

async function answerPerson(world, notify, method, [id, deed], body) {
  const person = world.person(id);
  need(person, 'no such person', 404);
  if (method === 'GET' && deed === undefined) return publicPerson(world, person);
  if (method === 'GET' && deed === 'chat') return { messages: world.state.chats[id] };
  if (method === 'POST' && deed === 'pay') return useSheet(world, notify, person, body);
  need(method === 'POST' && Object.hasOwn(DEEDS, deed), 'no such deed', 404);
  return DEEDS[deed](world, person, body);
}

/** Answers one call of the control plane. */
export async function answerControl(world, notify, { method, url, bytes }) {
  try {
    if (url.pathname === '/control/qr.svg') {
      return { ...html(drawQr(url.searchParams.get('text') ?? '')), headers: { 'content-type': 'image/svg+xml' } };
    }
    const body = method === 'POST' ? readFields(bytes) : undefined;
    const person = /^\/control\/people\/([^/]+)(?:\/([^/]+))?$/.exec(url.pathname);
    if (person) return json(await answerPerson(world, notify, method, person.slice(1), body));
    const route = (method === 'GET' ? GETS : method === 'POST' ? POSTS : {})[url.pathname];
    need(route, 'no such control', 404);
    return json(await route(world, body));
  } catch (error) {
    return json({ error: error.message }, error.status ?? 400);
  }
}
