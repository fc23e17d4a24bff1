// Makes, once, what a hospital's IT department would hand out: an application id and a key.
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const KEY_BYTES = 32;

const newKey = () => crypto.randomBytes(KEY_BYTES).toString('base64');
const configFile = (directory) => path.join(directory, 'config.json');

function save(directory, config) {
  fs.writeFileSync(configFile(directory), `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  return config;
}

/** Reads `DIR/config.json`, creating it when absent. */
export function loadIdentities(directory) {
  fs.mkdirSync(directory, { recursive: true });
  if (fs.existsSync(configFile(directory))) return JSON.parse(fs.readFileSync(configFile(directory), 'utf8'));
  return save(directory, { app_id: `menzhen-${crypto.randomBytes(4).toString('hex')}`, key: newKey() });
}

/** A new key; the one before stays good until the next roll. */
export const rollKey = (directory, { app_id, key }) => save(directory, { app_id, key: newKey(), previous_key: key });

/** The previous key is good no longer. */
export const retireKey = (directory, { app_id, key }) => save(directory, { app_id, key });

/** What the desk holds, in the shape of its `his` secret. */
export const deskSecret = ({ app_id, key, previous_key }) => ({ app_id, keys: previous_key ? [key, previous_key] : [key] });

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      state: { type: 'string', default: process.env.HIS_STATE },
      secrets: { type: 'boolean', default: false },
    },
  });
  if (!values.state) throw new Error('--state DIR is needed');
  const config = loadIdentities(values.state);
  const answer = values.secrets ? deskSecret(config) : { config: configFile(values.state) };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
