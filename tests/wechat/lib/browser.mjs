// Each person's WeChat browser: the hospital's pages under `<person>.phone.localhost`, with that person's cookies.
import http from 'node:http';
import { authorize } from './oauth.mjs';
import { html, readBody, send } from './http.mjs';

const PAGE_LIMIT_BYTES = 8 * 1024 * 1024;
const UPSTREAM_TIMEOUT_MS = 35_000;
const WECHAT_AGENT =
  'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0 Mobile Safari/537.36 XWEB/1260 MMWEBSDK/20240801 MicroMessenger/8.0.50.2701 WeChat/arm64 Language/zh_CN';
const BRIDGE = '<script src="/__wechat/bridge.js"></script>';
const HOP_BY_HOP = ['connection', 'keep-alive', 'transfer-encoding', 'te', 'trailer', 'upgrade', 'proxy-authorization', 'proxy-authenticate'];

/** The person whose browser a Host header names, if any: `{id}`. */
export function personOfHost(host) {
  const match = /^([a-z0-9-]+)\.phone\.localhost(:\d+)?$/i.exec(host ?? '');
  return match ? { id: match[1].toLowerCase() } : undefined;
}

function requestHeaders(world, person, headers) {
  const own = new URL(world.options.publicOrigin);
  const outgoing = { ...headers };
  for (const name of [...HOP_BY_HOP, 'x-phone-person', 'accept-encoding']) delete outgoing[name];
  outgoing.host = own.host;
  outgoing['user-agent'] = WECHAT_AGENT;
  const origin = world.personOrigin(person);
  if (outgoing.origin === origin) outgoing.origin = own.origin;
  if (outgoing.referer?.startsWith(`${origin}/`)) outgoing.referer = own.origin + outgoing.referer.slice(origin.length);
  return outgoing;
}

/** One request to the hospital; resolves with the response stream. */
function fetchPage(world, person, { method, target, headers, body }) {
  const inner = new URL(world.options.menzhenOrigin);
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host: inner.hostname, port: inner.port || 80, method, path: target, headers: requestHeaders(world, person, headers), timeout: UPSTREAM_TIMEOUT_MS },
      resolve,
    );
    request.on('timeout', () => request.destroy(new Error('timeout')));
    request.on('error', reject);
    request.end(body);
  });
}

/** Lets the phone frame the page and the bridge run; the real WeChat browser needs neither permission. */
function relaxPolicy(policy) {
  const rules = policy.split(';').map((rule) => rule.trim()).filter((rule) => rule && !/^frame-ancestors/i.test(rule));
  const find = (name) => rules.findIndex((rule) => rule.toLowerCase().split(/\s+/)[0] === name);
  const at = find('script-src');
  const fallback = rules[find('default-src')];
  const sources = (at >= 0 ? rules[at] : fallback)?.split(/\s+/).slice(1).filter((source) => source !== "'none'");
  if (sources && !sources.includes("'self'")) {
    const rule = `script-src ${["'self'", ...sources].join(' ')}`;
    if (at >= 0) rules[at] = rule;
    else rules.push(rule);
  }
  return rules.join('; ');
}

function responseHeaders(world, person, headers) {
  const incoming = { ...headers };
  for (const name of [...HOP_BY_HOP, 'x-frame-options', 'strict-transport-security', 'content-length']) delete incoming[name];
  if (incoming.location && URL.canParse(incoming.location)) incoming.location = world.outward(person, incoming.location);
  if (incoming['set-cookie']) incoming['set-cookie'] = incoming['set-cookie'].map((cookie) => cookie.replace(/;\s*domain=[^;]*/gi, ''));
  if (incoming['content-security-policy']) incoming['content-security-policy'] = relaxPolicy(incoming['content-security-policy']);
  return incoming;
}

function withBridge(world, person, page) {
  const own = page.replaceAll(`"${world.options.publicOrigin}/`, `"${world.personOrigin(person)}/`);
  const head = /<head[^>]*>/i.exec(own);
  const at = head ? head.index + head[0].length : /^\s*(<!doctype[^>]*>)?/i.exec(own)[0].length;
  return own.slice(0, at) + BRIDGE + own.slice(at);
}

const unreachable = (reason) =>
  html(`<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>网页无法打开</title>
<body style="font:16px sans-serif;color:#888;text-align:center;padding-top:30vh">网页无法打开<br><small>${reason}</small>`, 502);

/** The fragment of the authorise address never reaches a server, so it is checked where it passes. */
function lacksFragment(world, location) {
  if (!location || !URL.canParse(location)) return false;
  const url = new URL(location);
  return world.isWechat(url) && url.pathname === '/connect/oauth2/authorize' && url.hash !== '#wechat_redirect';
}

async function proxy(world, person, request, response, bytes) {
  let page;
  try {
    page = await fetchPage(world, person, { method: request.method, target: request.url, headers: request.headers, body: bytes });
  } catch (error) {
    return send(response, unreachable(error.code ?? error.message));
  }
  if (lacksFragment(world, page.headers.location)) return send(response, unreachable('授权链接缺少 #wechat_redirect'));
  const headers = responseHeaders(world, person, page.headers);
  if (!/^text\/html/i.test(headers['content-type'] ?? '') || request.method === 'HEAD') {
    if (page.headers['content-length']) headers['content-length'] = page.headers['content-length'];
    response.writeHead(page.statusCode, headers);
    return page.pipe(response);
  }
  const text = (await readBody(page, PAGE_LIMIT_BYTES)).toString('utf8');
  return send(response, { status: page.statusCode, headers, body: withBridge(world, person, text) });
}

/** Serves everything under a person's host. */
export async function serveBrowser(world, person, request, response, { bridge }) {
  const url = new URL(request.url, world.personOrigin(person));
  if (url.pathname === '/__wechat/bridge.js') return send(response, bridge);
  if (url.pathname === '/connect/oauth2/authorize') {
    const answer = await authorize(world, person, url.searchParams, {
      asSeen: (address) => world.outward(person, address),
      prefetch: (address) => prefetch(world, person, address, request.headers.cookie),
    });
    return send(response, answer);
  }
  return proxy(world, person, request, response, await readBody(request));
}

/** Asks for a page as a person's browser would and forgets the answer. */
export async function prefetch(world, person, address, cookie) {
  const url = new URL(address);
  const headers = { accept: 'text/html', ...(cookie ? { cookie } : {}) };
  const page = await fetchPage(world, person, { method: 'GET', target: url.pathname + url.search, headers }).catch(() => undefined);
  if (page) await readBody(page, PAGE_LIMIT_BYTES).catch(() => undefined);
}
