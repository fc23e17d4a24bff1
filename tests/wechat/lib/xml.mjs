// The small XML of WeChat messages: elements, text and CDATA; no attributes, no document types.

export class XmlError extends Error {}

const cdata = (text) => `<![CDATA[${String(text).replaceAll(']]>', ']]]]><![CDATA[>')}]]>`;

/** Writes `{Name: text | number | bigint | {…} | [{…}]}` as elements. */
export function writeXml(fields) {
  return Object.entries(fields)
    .map(([name, value]) => {
      if (Array.isArray(value)) return value.map((item) => writeXml({ [name]: item })).join('');
      if (value !== null && typeof value === 'object') return `<${name}>${writeXml(value)}</${name}>`;
      return `<${name}>${['number', 'bigint'].includes(typeof value) ? value : cdata(value)}</${name}>`;
    })
    .join('');
}

const TOKEN = /<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)([A-Za-z_][\w.-]*)\s*(\/?)>|([^<]+)/gy;
const ENTITIES = { '&lt;': '<', '&gt;': '>', '&amp;': '&', '&quot;': '"', '&apos;': "'" };
const unescape = (text) => text.replace(/&(lt|gt|amp|quot|apos);/g, (entity) => ENTITIES[entity]);

/** Reads one document; a repeated child becomes an array. */
export function readXml(source) {
  const root = { name: '', children: {}, text: '' };
  const open = [root];
  TOKEN.lastIndex = 0;
  const text = source.replace(/^\uFEFF?\s*(<\?xml[^>]*\?>)?/, '');
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text);
    if (!match) throw new XmlError('not the XML of a WeChat message');
    const [, data, closing, name, empty, plain] = match;
    const here = open[open.length - 1];
    if (data !== undefined) here.text += data;
    else if (plain !== undefined) here.text += unescape(plain);
    else if (closing) {
      if (here.name !== name || open.length === 1) throw new XmlError('elements do not nest');
      open.pop();
      const value = Object.keys(here.children).length > 0 ? here.children : here.text.trim();
      const parent = open[open.length - 1].children;
      if (name in parent) parent[name] = [].concat(parent[name], value);
      else parent[name] = value;
    } else if (empty) here.children[name] = '';
    else open.push({ name, children: Object.create(null), text: '' });
  }
  if (open.length !== 1) throw new XmlError('an element is not closed');
  return root.children;
}
