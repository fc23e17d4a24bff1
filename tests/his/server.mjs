// A stand-in for a hospital information system behind its front-end machine. For one machine only.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { json, readBody, send } from '../wechat/lib/http.mjs';
import { Clock } from '../wechat/lib/world.mjs';
import { loadIdentities } from './identities.mjs';
import { answerControl } from './lib/control.mjs';
import { HANG, HANG_UP, answerDesk, ownsPath } from './lib/machine.mjs';
import { World } from './lib/world.mjs';

const HANG_MS = 60_000;

/** What the log of calls keeps: the request, and the code of the answer. */
function logCall(world, { method, url, bytes }, result) {
  const isJson = /json/.test(result.headers?.['content-type'] ?? '');
  const { code = null, error = null } = isJson ? JSON.parse(result.body) : {};
  const asJson = () => {
    try {
      return JSON.parse(bytes.toString('utf8'));
    } catch {
      return null;
    }
  };
  world.logCall({ method, path: url.pathname, query: url.search, body: asJson(), status: result.status ?? null, code, error });
}

async function answer(world, call) {
  if (ownsPath(call.url.pathname)) {
    const result = await answerDesk(world, call);
    logCall(world, call, result);
    return result;
  }
  if (!call.url.pathname.startsWith('/control/')) return json({ error: 'not found' }, 404);
  // Pages of other sites must not drive the control plane.
  return call.headers.origin === undefined ? answerControl(world, call) : json({ error: 'another site' }, 403);
}

async function serve(world, request, response) {
  const url = new URL(request.url, 'http://his');
  const call = { method: request.method, url, target: request.url, headers: request.headers, bytes: await readBody(request) };
  const result = await answer(world, call);
  if (result === HANG_UP) request.socket.destroy();
  else if (result === HANG) setTimeout(() => request.socket.destroy(), HANG_MS).unref();
  else send(response, result);
}

/** Starts the stand-in; answers `{url, world, close}`. */
export async function start(options) {
  const directory = path.resolve(options.state);
  const config = loadIdentities(directory);
  const clock = new Clock(options.clockFile ?? path.join(directory, 'clock'));
  const world = new World({ directory, config, clock, cardsFile: options.cardsFile });
  const server = http.createServer((request, response) => {
    serve(world, request, response).catch((error) => {
      console.error(error.stack);
      send(response, json({ error: 'the stand-in failed' }, 500));
    });
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(options.port ?? 9200, '127.0.0.1', resolve));
  const close = () => {
    world.close();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${server.address().port}`, world, close };
}

function readOptions() {
  const environment = process.env;
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: environment.HIS_PORT ?? '9200' },
      state: { type: 'string', default: environment.HIS_STATE },
      'clock-file': { type: 'string', default: environment.CLOCK_FILE },
      cards: { type: 'string' },
    },
  });
  if (!values.state) throw new Error('--state DIR is needed');
  if (values.cards && !fs.existsSync(values.cards)) throw new Error('--cards names no file');
  return { port: Number(values.port), state: values.state, clockFile: values['clock-file'], cardsFile: values.cards };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url, close } = await start(readOptions());
  process.stdout.write(`${JSON.stringify({ url })}\n`);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => close().then(() => process.exit(0)));
}
