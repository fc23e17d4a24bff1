// Answers as values, and the few helpers around node:http.

const BODY_LIMIT_BYTES = 1024 * 1024;
/** Longer than any client keeps a connection: one closed at the moment of a request would look like a fault nobody asked for. */
export const KEEP_ALIVE_MS = 120_000;

/** The whole body of a request or response, as bytes. */
export async function readBody(stream, limit = BODY_LIMIT_BYTES) {
  const chunks = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > limit) throw new Error('body too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export const json = (value, status = 200, headers = {}) => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
  body: JSON.stringify(value),
});

export const html = (body, status = 200) => ({ status, headers: { 'content-type': 'text/html; charset=utf-8' }, body });
export const redirect = (location) => ({ status: 302, headers: { location }, body: '' });
export const empty = (status = 204, headers = {}) => ({ status, headers, body: '' });

export function send(response, answer) {
  if (response.destroyed || response.headersSent) return;
  const body = Buffer.from(answer.body);
  const headers = { ...answer.headers };
  if (answer.status !== 204) headers['content-length'] = body.length;
  response.writeHead(answer.status, headers);
  response.end(answer.status === 204 ? undefined : body);
}

export const escapeHtml = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** POSTs and answers `{status, headers, text}`; network failure and time-out become `{error}`. */
export async function post(url, { body, headers = {}, timeout_ms }) {
  try {
    const response = await fetch(url, { method: 'POST', body, headers, redirect: 'manual', signal: AbortSignal.timeout(timeout_ms) });
    return { status: response.status, headers: response.headers, text: await response.text() };
  } catch (error) {
    return { error: error.name === 'TimeoutError' ? 'timeout' : error.cause?.code ?? error.message };
  }
}
