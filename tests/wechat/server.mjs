// A stand-in for WeChat and WeChat Pay, with a phone in the browser. For one machine only.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadIdentities, readKeys } from './identities.mjs';
import { answerAccountCall, ownsAccountPath, refusal } from './lib/account-api.mjs';
import { personOfHost, prefetch, serveBrowser } from './lib/browser.mjs';
import { startCallbacks } from './lib/callback.mjs';
import { answerControl } from './lib/control.mjs';
import { json, KEEP_ALIVE_MS, readBody, redirect, send } from './lib/http.mjs';
import { authorize } from './lib/oauth.mjs';
import { answerPayCall, ownsPayPath, payFailure, startRefunds } from './lib/pay-api.mjs';
import { startNotifications } from './lib/pay-notify.mjs';
import { Clock, World } from './lib/world.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const PHONE_FILES = { '/': ['index.html', 'text/html'], '/phone.css': ['phone.css', 'text/css'], '/phone.js': ['phone.js', 'text/javascript'] };
const HANG_MS = 60_000;
const EVENT_DELAY_MS = 30;
const SECRET_PARAMETERS = ['access_token', 'secret', 'code'];

const file = (name, type) => ({ status: 200, headers: { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-cache' }, body: fs.readFileSync(path.join(HERE, 'phone', name)) });

/** Runs a call through the faults set for its path; null means: leave the caller hanging. */
async function withFaults(world, pathname, run, failWith) {
  const fault = world.takeFault(pathname);
  if (!fault) return run();
  if (fault.kind === 'errcode') return failWith(fault);
  if (fault.kind.endsWith('after')) await run();
  return fault.kind.startsWith('timeout') ? null : { status: fault.status ?? 502, headers: {}, body: '' };
}

function hang(request) {
  setTimeout(() => request.destroy(), HANG_MS).unref();
}

const withoutSecrets = (url) => {
  const query = new URLSearchParams(url.searchParams);
  for (const name of SECRET_PARAMETERS) query.delete(name);
  return query.toString();
};

/** What the log of calls keeps of a body: everything but the application's secret. */
function loggedBody(bytes) {
  try {
    const { secret, ...rest } = JSON.parse(bytes.toString('utf8'));
    return rest;
  } catch {
    return null;
  }
}

function streamEvents(world, response) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write('data: changed\n\n');
  let waiting;
  const tell = () => {
    waiting ??= setTimeout(() => {
      waiting = undefined;
      response.write('data: changed\n\n');
    }, EVENT_DELAY_MS);
  };
  world.on('changed', tell);
  response.on('close', () => {
    clearTimeout(waiting);
    world.off('changed', tell);
  });
}

/** Pages of other sites must not drive the control plane. */
const mayControl = (world, { origin }) => origin === undefined || [world.origin, world.phoneOrigin, `http://localhost:${world.port}`].includes(origin);

async function answer(world, notify, request) {
  const url = new URL(request.url, world.origin);
  const call = { method: request.method, url, target: request.url, headers: request.headers, bytes: await readBody(request) };
  const logged = (result) => {
    const reply = result && /json/.test(result.headers['content-type'] ?? '') ? JSON.parse(result.body || '{}') : {};
    world.logCall({ direction: 'in', method: call.method, path: url.pathname, query: withoutSecrets(url), body: loggedBody(call.bytes), status: result?.status ?? null, errcode: reply.errcode ?? null, code: reply.code ?? null });
    return result;
  };
  if (ownsAccountPath(url.pathname)) {
    return logged(await withFaults(world, url.pathname, () => answerAccountCall(world, call), (fault) => refusal(fault.errcode, fault.errmsg ?? 'fault')));
  }
  if (ownsPayPath(url.pathname)) {
    return logged(await withFaults(world, url.pathname, () => answerPayCall(world, call), (fault) => payFailure(fault.status ?? 500, fault.code, 'fault')));
  }
  if (url.pathname === '/connect/oauth2/authorize') {
    const person = world.person(request.headers['x-phone-person']);
    return authorize(world, person, url.searchParams, { asSeen: (address) => address, prefetch: (address) => prefetch(world, person, address) });
  }
  if (url.pathname.startsWith('/control/')) {
    return mayControl(world, request.headers) ? answerControl(world, notify, call) : json({ error: 'another site' }, 403);
  }
  if (url.pathname === '/' && !request.headers.host?.startsWith('phone.localhost')) return redirect(`${world.phoneOrigin}/`);
  const page = PHONE_FILES[url.pathname];
  return page ? file(...page) : json({ error: 'not found' }, 404);
}

async function serve(world, notify, request, response) {
  const host = personOfHost(request.headers.host);
  if (host) {
    const person = world.person(host.id);
    if (!person) return send(response, json({ error: 'no such person' }, 404));
    return serveBrowser(world, person, request, response, { bridge: file('bridge.js', 'text/javascript') });
  }
  if (request.url === '/control/events') return streamEvents(world, response);
  const result = await answer(world, notify, request);
  return result ? send(response, result) : hang(request);
}

/** Starts the stand-in; answers `{url, world, close}`. */
export async function start(options) {
  const directory = path.resolve(options.state);
  const config = loadIdentities(directory, options);
  const clock = new Clock(options.clockFile ?? path.join(directory, 'clock'));
  const menzhenOrigin = new URL(options.menzhenUrl ?? 'http://127.0.0.1:9000').origin;
  const world = new World({
    directory,
    config,
    keys: readKeys(directory, config),
    clock,
    options: {
      menzhenOrigin,
      publicOrigin: options.publicUrl ? new URL(options.publicUrl).origin : menzhenOrigin,
      tickUrls: options.tickUrls ?? [],
      callbackTimeoutMs: options.callbackTimeoutMs ?? 5000,
      refundDelayS: options.refundDelayS ?? 2,
      retryFactor: options.retryFactor ?? 15,
    },
  });
  world.setMaxListeners(0);
  const notify = startNotifications(world);
  startRefunds(world, notify);
  startCallbacks(world);
  const server = http.createServer((request, response) => {
    serve(world, notify, request, response).catch((error) => {
      console.error(error.stack);
      send(response, json({ error: 'the stand-in failed' }, 500));
    });
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise((resolve, reject) => server.once('error', reject).listen(options.port ?? 9100, '127.0.0.1', resolve));
  world.port = server.address().port;
  const close = () => {
    world.close();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url: world.origin, world, close };
}

function readOptions() {
  const environment = process.env;
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: environment.WECHAT_PORT ?? '9100' },
      state: { type: 'string', default: environment.WECHAT_STATE },
      mode: { type: 'string', default: environment.WECHAT_MODE },
      templates: { type: 'string', default: environment.WECHAT_TEMPLATES },
      'account-name': { type: 'string', default: environment.WECHAT_ACCOUNT_NAME },
      'menzhen-url': { type: 'string', default: environment.MENZHEN_URL },
      'public-url': { type: 'string', default: environment.PUBLIC_URL },
      'clock-file': { type: 'string', default: environment.CLOCK_FILE },
      'tick-url': { type: 'string', multiple: true, default: environment.TICK_URLS?.split(',') ?? [] },
      'callback-timeout-ms': { type: 'string', default: '5000' },
      'refund-delay-s': { type: 'string', default: '2' },
      'retry-factor': { type: 'string', default: '15' },
    },
  });
  if (!values.state) throw new Error('--state DIR is needed');
  return {
    port: Number(values.port),
    state: values.state,
    mode: values.mode,
    templatesFile: values.templates,
    accountName: values['account-name'],
    menzhenUrl: values['menzhen-url'],
    publicUrl: values['public-url'],
    clockFile: values['clock-file'],
    tickUrls: values['tick-url'],
    callbackTimeoutMs: Number(values['callback-timeout-ms']),
    refundDelayS: Number(values['refund-delay-s']),
    retryFactor: Number(values['retry-factor']),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url, close } = await start(readOptions());
  process.stdout.write(`${JSON.stringify({ url })}\n`);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => close().then(() => process.exit(0)));
}
