// How a call is written, by its content type: JSON or XML, in UTF-8 or GB18030. The answer is written alike.
import * as gb18030 from './gb18030.mjs';
import { Refusal } from './refusal.mjs';
import { parse, write } from './xml.mjs';

const CONTENT_TYPE = /^application\/(json|xml)(?:; ?charset=(utf-8|gb18030))?$/i;

/** The format of a call; JSON in UTF-8 when it declares none of them. */
export function formatOf({ 'content-type': declared = 'application/json' }) {
  const [, syntax, charset = 'utf-8'] = CONTENT_TYPE.exec(declared) ?? [];
  return { syntax: syntax?.toLowerCase() ?? 'json', charset: charset.toLowerCase() };
}

function textOf(bytes, charset) {
  try {
    return charset === 'gb18030' ? gb18030.decode(bytes) : new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refusal('BAD_REQUEST', `不是 ${charset}`);
  }
}

function readXml(text, charset, shape) {
  const { root, encoding } = parse(text);
  if (encoding !== null && encoding.toLowerCase() !== charset) throw new Error('another encoding is declared');
  if (root.name !== 'request' || root.children.length !== 1 || root.children[0].name !== 'params') throw new Error('not a request');
  return shape.cast(root.children[0]);
}

/** The body of a call; what XML leaves open, the operation's shape decides. */
export function readBody({ syntax, charset }, bytes, shape) {
  const text = textOf(bytes, charset);
  try {
    return syntax === 'json' ? JSON.parse(text) : readXml(text, charset, shape);
  } catch {
    throw new Refusal('BAD_REQUEST', `不是 ${syntax.toUpperCase()}`);
  }
}

/** An answer as it goes out. */
export function written({ syntax, charset }, answer, status = 200) {
  const text = syntax === 'json' ? JSON.stringify(answer) : `<?xml version="1.0" encoding="${charset.toUpperCase()}"?>\n${write('response', answer)}\n`;
  const body = charset === 'gb18030' ? gb18030.encode(text) : Buffer.from(text);
  return { status, headers: { 'content-type': `application/${syntax}; charset=${charset}` }, body };
}
