// The server of a stand-in: the service it stands for, and its control plane, on one port of this machine.
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { json, KEEP_ALIVE_MS, readBody, send } from '../wechat/lib/http.mjs';
import { Clock } from '../wechat/lib/world.mjs';
import { HANG, HANG_UP } from './faults.mjs';

const HANG_MS = 60_000;

/** Where a stand-in keeps its files, and the clock it shares with the hospital. */
export function place({ state, clockFile }) {
  const directory = path.resolve(state);
  return { directory, clock: new Clock(clockFile ?? path.join(directory, 'clock')) };
}

async function answer({ world, owns, service, control }, call) {
  if (owns(call)) return service(world, call);
  if (!call.url.pathname.startsWith('/control/')) return json({ error: 'not found' }, 404);
  // Pages of other sites must not drive the control plane.
  return call.headers.origin === undefined ? control(world, call) : json({ error: 'another site' }, 403);
}

async function serve(standIn, request, response) {
  const url = new URL(request.url, 'http://stand-in');
  const call = { method: request.method, url, target: request.url, headers: request.headers, bytes: await readBody(request) };
  const result = await answer(standIn, call);
  if (result === HANG_UP) request.socket.destroy();
  else if (result === HANG) setTimeout(() => request.socket.destroy(), HANG_MS).unref();
  else send(response, result);
}

/** Listens; answers `{url, world, close}`. `owns` says which calls are the service's, everything else is control. */
export async function listen(standIn, port) {
  const server = http.createServer((request, response) => {
    serve(standIn, request, response).catch((error) => {
      console.error(error.stack);
      send(response, json({ error: 'the stand-in failed' }, 500));
    });
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const close = () => {
    standIn.world.close();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${server.address().port}`, world: standIn.world, close };
}

/** Runs a stand-in for as long as its process, if `module` is what was started: says its address, stops when told. */
export async function runAlone(module, start) {
  if (process.argv[1] !== fileURLToPath(module)) return;
  const { url, close } = await start();
  process.stdout.write(`${JSON.stringify({ url })}\n`);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => close().then(() => process.exit(0)));
}
