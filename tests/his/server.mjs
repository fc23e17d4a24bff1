// A stand-in for a hospital information system behind its front-end machine. For one machine only.
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { listen, place, runAlone } from '../stand-in/server.mjs';
import { loadIdentities } from './identities.mjs';
import { answerControl } from './lib/control.mjs';
import { answerDesk, bodyOf, ownsPath } from './lib/machine.mjs';
import { World } from './lib/world.mjs';

/** What the log of calls keeps: the request, and the code of the answer. */
function logCall(world, call, { status = null, code = null, error = null }) {
  const { method, url } = call;
  world.logCall({ method, path: url.pathname, query: url.search, body: bodyOf(call), status, code, error });
}

async function service(world, call) {
  const result = await answerDesk(world, call);
  logCall(world, call, result);
  return result;
}

const owns = ({ url }) => ownsPath(url.pathname);

/** Starts the stand-in; answers `{url, world, close}`. */
export function start(options) {
  const { directory, clock } = place(options);
  const world = new World({ directory, config: loadIdentities(directory), clock, cardsFile: options.cardsFile });
  return listen({ world, owns, service, control: answerControl }, options.port ?? 9200);
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

await runAlone(import.meta.url, () => start(readOptions()));
