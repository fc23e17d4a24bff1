// A stand-in for Tencent Cloud SMS. For one machine only.
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { json, readBody, send } from '../wechat/lib/http.mjs';
import { Clock } from '../wechat/lib/world.mjs';
import { loadIdentities } from './identities.mjs';
import { answerControl } from './lib/control.mjs';
import { HANG, HANG_UP, answerService } from './lib/service.mjs';
import { World } from './lib/world.mjs';

const HANG_MS = 60_000;

/** What the log of calls keeps: the code of each answer. */
function logCall(world, result) {
  const { Response: answer } = typeof result === 'object' && result.body ? JSON.parse(result.body) : {};
  const codes = answer?.Error ? [answer.Error.Code] : (answer?.SendStatusSet ?? []).map(({ Code }) => Code);
  world.logCall({ status: result.status ?? null, codes });
}

async function answer(world, call) {
  if (call.url.pathname === '/' && call.method === 'POST') {
    const result = await answerService(world, call);
    logCall(world, result);
    return result;
  }
  if (!call.url.pathname.startsWith('/control/')) return json({ error: 'not found' }, 404);
  // Pages of other sites must not drive the control plane.
  return call.headers.origin === undefined ? answerControl(world, call) : json({ error: 'another site' }, 403);
}

async function serve(world, request, response) {
  const url = new URL(request.url, 'http://sms');
  const result = await answer(world, { method: request.method, url, headers: request.headers, bytes: await readBody(request) });
  if (result === HANG_UP) request.socket.destroy();
  else if (result === HANG) setTimeout(() => request.socket.destroy(), HANG_MS).unref();
  else send(response, result);
}

/** Starts the stand-in; answers `{url, world, close}`. */
export async function start(options) {
  const directory = path.resolve(options.state);
  const config = loadIdentities(directory);
  const clock = new Clock(options.clockFile ?? path.join(directory, 'clock'));
  const world = new World({ directory, config, clock });
  const server = http.createServer((request, response) => {
    serve(world, request, response).catch((error) => {
      console.error(error.stack);
      send(response, json({ error: 'the stand-in failed' }, 500));
    });
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(options.port ?? 9300, '127.0.0.1', resolve));
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
      port: { type: 'string', default: environment.SMS_PORT ?? '9300' },
      state: { type: 'string', default: environment.SMS_STATE },
      'clock-file': { type: 'string', default: environment.CLOCK_FILE },
    },
  });
  if (!values.state) throw new Error('--state DIR is needed');
  return { port: Number(values.port), state: values.state, clockFile: values['clock-file'] };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url, close } = await start(readOptions());
  process.stdout.write(`${JSON.stringify({ url })}\n`);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => close().then(() => process.exit(0)));
}
