// The hospital's plain local address. MiniStack answers an HTTP API only under the API's own host name;
// this gives that name and passes everything else through untouched. It also ticks the schedules on request.
import http from 'node:http';
import { parseArgs } from 'node:util';

const LOOPBACK = '127.0.0.1';
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'proxy-connection']);
const CONNECTIONS_MAX = 512;

const { values: options } = parseArgs({
  options: {
    port: { type: 'string' },
    'emulator-port': { type: 'string' },
    'api-host': { type: 'string' },
    'tick-functions': { type: 'string', default: '' },
    'emulator-authorization': { type: 'string', default: '' },
  },
});
const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX });
const emulator = { host: LOOPBACK, port: Number(options['emulator-port']), agent };

/** Header pairs as they came, repeated ones included, less those that concern one connection only. */
function endToEnd(rawHeaders, ...dropped) {
  const kept = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i].toLowerCase();
    if (!HOP_BY_HOP.has(name) && !dropped.includes(name)) kept.push(rawHeaders[i], rawHeaders[i + 1]);
  }
  return kept;
}

function forward(request, response) {
  const headers = endToEnd(request.rawHeaders, 'host', 'x-forwarded-for');
  headers.push('Host', options['api-host'], 'X-Forwarded-For', request.socket.remoteAddress ?? LOOPBACK);
  const onward = http.request({ ...emulator, method: request.method, path: request.url, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.statusMessage, endToEnd(answer.rawHeaders));
    answer.pipe(response);
  });
  onward.on('error', () => {
    if (!response.headersSent) response.writeHead(502, { 'content-type': 'text/plain' });
    response.end('the emulator does not answer\n');
  });
  response.on('close', () => onward.destroy());
  request.pipe(onward);
}

function invoke(functionName) {
  return new Promise((resolve, reject) => {
    const path = `/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`;
    const headers = { authorization: options['emulator-authorization'], 'content-type': 'application/json' };
    const call = http.request({ ...emulator, method: 'POST', path, headers }, (answer) => {
      const failed = answer.statusCode >= 300 || answer.headers['x-amz-function-error'];
      answer.resume().on('end', () => (failed ? reject(new Error(`${functionName} failed`)) : resolve()));
    });
    call.on('error', reject);
    call.end('{}');
  });
}

/** Runs what EventBridge runs each minute, for a clock that was just moved. */
async function tick(response) {
  const results = await Promise.allSettled(options['tick-functions'].split(',').filter(Boolean).map(invoke));
  const failures = results.filter(({ status }) => status === 'rejected').map(({ reason }) => reason.message);
  response.writeHead(failures.length ? 502 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ failures }));
}

const server = http.createServer((request, response) => {
  if (request.method === 'POST' && request.url === '/.local/tick') tick(response);
  else forward(request, response);
});
server.keepAliveTimeout = 60_000;
server.listen({ host: LOOPBACK, port: Number(options.port), backlog: CONNECTIONS_MAX });
process.on('SIGTERM', () => process.exit(0));
