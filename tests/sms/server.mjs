// A stand-in for Tencent Cloud SMS. For one machine only.
import { parseArgs } from 'node:util';
import { listen, place, runAlone } from '../stand-in/server.mjs';
import { post } from '../wechat/lib/http.mjs';
import { loadIdentities } from './identities.mjs';
import { answerControl } from './lib/control.mjs';
import { answerService } from './lib/service.mjs';
import { World } from './lib/world.mjs';

const PHONE_TIMEOUT_MS = 2_000;

/** What the log of calls keeps: the code of each answer. */
function logCall(world, result) {
  const { Response: answer } = typeof result === 'object' && result.body ? JSON.parse(result.body) : {};
  const codes = answer?.Error ? [answer.Error.Code] : (answer?.SendStatusSet ?? []).map(({ Code }) => Code);
  world.logCall({ status: result.status ?? null, codes });
}

async function service(world, call) {
  const result = await answerService(world, call);
  logCall(world, result);
  return result;
}

/** The demo phone shows what arrives; nobody waits for it. */
const delivery = (phoneUrl) => (message) => {
  if (phoneUrl) post(`${phoneUrl}/control/sms`, { body: JSON.stringify(message), timeout_ms: PHONE_TIMEOUT_MS });
};

const owns = ({ method, url }) => url.pathname === '/' && method === 'POST';

/** Starts the stand-in; answers `{url, world, close}`. */
export function start(options) {
  const { directory, clock } = place(options);
  const world = new World({ directory, config: loadIdentities(directory), clock, deliver: delivery(options.phoneUrl) });
  return listen({ world, owns, service, control: answerControl }, options.port ?? 9300);
}

function readOptions() {
  const environment = process.env;
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: environment.SMS_PORT ?? '9300' },
      state: { type: 'string', default: environment.SMS_STATE },
      'clock-file': { type: 'string', default: environment.CLOCK_FILE },
      'phone-url': { type: 'string' },
    },
  });
  if (!values.state) throw new Error('--state DIR is needed');
  return { port: Number(values.port), state: values.state, clockFile: values['clock-file'], phoneUrl: values['phone-url'] };
}

await runAlone(import.meta.url, () => start(readOptions()));
