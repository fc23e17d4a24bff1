// Field rules: a body is exactly what the protocol says, or it is refused with the name of the field.

/** Names the first field that is wrong. */
export class ShapeError extends Error {}

const need = (condition, where) => {
  if (!condition) throw new ShapeError(where || 'body');
};

/** A rule, and how XML, where all is text, is cast for it. Without a cast it takes the text. */
const rule = (check, cast = ({ text: words }) => words) => Object.assign(check, { cast });
const castBy = (inner, element) => (inner.cast ?? (({ text: words }) => words))(element);

export const text = (chars_max, pattern = /^[^\p{Cc}]+$/u) => rule((value, where) =>
  need(typeof value === 'string' && value !== '' && [...value].length <= chars_max && pattern.test(value), where));

const numberOf = (words) => (/^-?(0|[1-9]\d*)$/.test(words) ? Number(words) : words);
const literalOf = (values) => ({ text: words }) => values.find((value) => String(value) === words) ?? words;

export const literal = (...values) => rule((value, where) => need(values.includes(value), where), literalOf(values));
export const integer = (min, max) => rule(
  (value, where) => need(Number.isInteger(value) && value >= min && value <= max, where),
  ({ text: words }) => numberOf(words),
);

const isBlank = ({ text: words, children }) => words === '' && children.length === 0;
export const nullable = (inner) => rule(
  (value, where) => value === null || inner(value, where),
  (element) => (isBlank(element) ? null : castBy(inner, element)),
);

export const list = (inner, min, max) => rule((value, where) => {
  need(Array.isArray(value) && value.length >= min && value.length <= max, where);
  value.forEach((entry, index) => inner(entry, `${where}[${index}]`));
}, ({ name, children }) => children.map((child) => {
  need(child.name === 'item', `${name}.${child.name}`);
  return castBy(inner, child);
}));

export const object = (rules) => rule((value, where = '') => {
  need(value !== null && typeof value === 'object' && !Array.isArray(value), where);
  for (const name of Object.keys(value)) need(Object.hasOwn(rules, name), `${where}.${name}`);
  for (const [name, inner] of Object.entries(rules)) {
    need(Object.hasOwn(value, name), `${where}.${name}`);
    inner(value[name], `${where}.${name}`);
  }
}, ({ name, children }) => {
  need(new Set(children.map((child) => child.name)).size === children.length, name);
  return Object.fromEntries(children.map((child) => [child.name, Object.hasOwn(rules, child.name) ? castBy(rules[child.name], child) : child.text]));
});

/** One of several shapes, by the text of a field. */
export const either = (field, shapes, otherwise) => {
  const chosen = (value) => shapes[value] ?? otherwise;
  return rule(
    (value, where) => chosen(value?.[field])(value, where),
    (element) => chosen(element.children.find(({ name }) => name === field)?.text).cast(element),
  );
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
