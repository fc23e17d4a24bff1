// Value limits of template and subscription keywords, by type (the letters of the key).

const count = (text) => [...text].length;
const HAN = /\p{Script=Han}/u;
const TIME = String.raw`(\d{4}(年\d{1,2}月\d{1,2}日|-\d{1,2}-\d{1,2}|/\d{1,2}/\d{1,2}))`;
const CLOCK = String.raw`((?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?|24:00)`;
const ONE_TIME = String.raw`(${TIME} ?)?${CLOCK}`;
const ONE_DATE = String.raw`${TIME}( ?${CLOCK})?`;
const pattern = (source) => (value) => new RegExp(`^(${source})$`, 'u').test(value);

const RULES = {
  thing: (value) => count(value) <= 20,
  number: pattern(String.raw`-?\d{1,32}(\.\d+)?`),
  letter: pattern('[A-Za-z]{1,32}'),
  symbol: (value) => count(value) <= 5 && !/[\p{L}\p{N}]/u.test(value),
  character_string: (value) => count(value) <= 32 && !HAN.test(value) && /^[\x20-\x7e]+$/.test(value),
  time: pattern(`${ONE_TIME}( ?~ ?${ONE_TIME})?`),
  date: pattern(`${ONE_DATE}( ?~ ?(${ONE_DATE}|${CLOCK}))?`),
  amount: pattern(String.raw`[¥￥$€]?\d{1,10}(\.\d{1,2})?元?`),
  phone_number: pattern(String.raw`[\d+\-() ]{1,17}`),
  car_number: (value) => count(value) <= 8,
  name: (value) => count(value) <= (HAN.test(value) ? 10 : 20) && !/\d/.test(value),
  phrase: (value) => count(value) <= 5 && /^\p{Script=Han}+$/u.test(value),
};

/** Calls `refuse(errcode, errmsg)` for the first keyword that breaks its rule. */
export function checkKeywords(template, data, refuse) {
  if (data === null || typeof data !== 'object') refuse(47003, 'argument invalid! data is empty');
  for (const key of Object.keys(template.keywords)) {
    const value = data[key]?.value;
    if (typeof value !== 'string' || value.trim() === '') refuse(47003, `argument invalid! data.${key}.value is empty`);
    const rule = RULES[key.replace(/\d+$/, '')];
    if (/[\r\n]/.test(value) || !rule || !rule(value)) refuse(47003, `argument invalid! data.${key}.value invalid`);
  }
  // The real service ignores keywords the template lacks; here they are an error, since nobody would see them.
  const stranger = Object.keys(data).find((key) => !(key in template.keywords));
  if (stranger) refuse(47003, `argument invalid! data.${stranger} is not in the template`);
}

export const keywordTypes = Object.keys(RULES);
