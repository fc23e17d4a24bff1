// As much XML as the protocol has: elements and text. Whatever else is in it is refused.
const ENTITIES = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const NAME = /[A-Za-z_][\w.-]*/y;
const DECLARATION = /^<\?xml version="1\.0"(?: encoding="([\w-]+)")?\?>\s*/;

export class XmlError extends Error {}

function unescape(text) {
  return text.replace(/&([^;]*);?/g, (whole, name) => {
    const meant = /^#\d+$/.test(name) ? String.fromCodePoint(Number(name.slice(1))) : ENTITIES[name];
    if (meant === undefined || !whole.endsWith(';')) throw new XmlError('entity');
    return meant;
  });
}

class Parser {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  take(expected) {
    if (!this.text.startsWith(expected, this.at)) throw new XmlError(`${expected} expected at ${this.at}`);
    this.at += expected.length;
  }

  name() {
    NAME.lastIndex = this.at;
    const [name] = NAME.exec(this.text) ?? [];
    if (!name) throw new XmlError(`name expected at ${this.at}`);
    this.at += name.length;
    return name;
  }

  words() {
    const end = this.text.indexOf('<', this.at);
    if (end < 0) throw new XmlError('open element');
    const words = this.text.slice(this.at, end);
    this.at = end;
    return unescape(words);
  }

  element() {
    this.take('<');
    const name = this.name();
    if (this.text.startsWith('/>', this.at)) {
      this.at += 2;
      return { name, text: '', children: [] };
    }
    this.take('>');
    const [children, texts] = [[], [this.words()]];
    while (!this.text.startsWith('</', this.at)) {
      children.push(this.element());
      texts.push(this.words());
    }
    this.take(`</${name}>`);
    const text = texts.join('');
    if (children.length > 0 && text.trim() !== '') throw new XmlError(`text beside elements in ${name}`);
    return { name, text, children };
  }
}

/** The root element `{name, text, children}`, and the encoding it declares. */
export function parse(text) {
  const [declaration = '', encoding = null] = DECLARATION.exec(text) ?? [];
  const parser = new Parser(text.slice(declaration.length).trimEnd());
  const root = parser.element();
  if (parser.at !== parser.text.length) throw new XmlError('more than one root');
  return { root, encoding };
}

const escape = (text) => text.replace(/[<>&]/g, (character) => ({ '<': '&lt;', '>': '&gt;', '&': '&amp;' })[character]);

/** A value as an element; the entries of a list are elements `item`. Broken into lines, as such machines do. */
export function write(name, value) {
  if (value === null || value === '') return `<${name}/>`;
  if (typeof value !== 'object') return `<${name}>${escape(String(value))}</${name}>`;
  const parts = Array.isArray(value) ? value.map((entry) => write('item', entry)) : Object.entries(value).map(([key, field]) => write(key, field));
  return `<${name}>\n${parts.join('\n')}\n</${name}>`;
}
