// Field rules: a body is exactly what the protocol says, or it is refused with the name of the field.

/** Names the first field that is wrong. */
export class ShapeError extends Error {}

const need = (condition, where) => {
  if (!condition) throw new ShapeError(where || 'body');
};

export const text = (chars_max, pattern = /^[^\p{Cc}]+$/u) => (value, where) =>
  need(typeof value === 'string' && value !== '' && [...value].length <= chars_max && pattern.test(value), where);

export const literal = (...values) => (value, where) => need(values.includes(value), where);
export const integer = (min, max) => (value, where) => need(Number.isInteger(value) && value >= min && value <= max, where);
export const nullable = (rule) => (value, where) => value === null || rule(value, where);

export const list = (rule, min, max) => (value, where) => {
  need(Array.isArray(value) && value.length >= min && value.length <= max, where);
  value.forEach((entry, index) => rule(entry, `${where}[${index}]`));
};

export const object = (rules) => (value, where = '') => {
  need(value !== null && typeof value === 'object' && !Array.isArray(value), where);
  for (const name of Object.keys(value)) need(Object.hasOwn(rules, name), `${where}.${name}`);
  for (const [name, rule] of Object.entries(rules)) {
    need(Object.hasOwn(value, name), `${where}.${name}`);
    rule(value[name], `${where}.${name}`);
  }
};

const ID = /^[0-9A-Za-z_-]+$/;
const DAY = /^\d{4}-\d\d-\d\d$/;
const YUAN = /^(0|[1-9]\d{0,7})\.\d\d$/;
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

export const id = text(64, ID);
export const yuan = text(11, YUAN);
export const day = (value, where) => {
  text(10, DAY)(value, where);
  need(new Date(`${value}T00:00:00Z`).toJSON()?.startsWith(value), where);
};
export const instant = (value, where) => {
  text(40, RFC3339)(value, where);
  need(!Number.isNaN(Date.parse(value)), where);
};

/** Yuan text to fen and back, by digits. */
export const fenOf = (amount) => Number(amount.replace('.', ''));
export const yuanOf = (fen) => `${Math.trunc(fen / 100)}.${String(fen % 100).padStart(2, '0')}`;
