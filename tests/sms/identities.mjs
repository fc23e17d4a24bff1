// Makes, once, what the SMS service's console would show: a key, an application, an approved signature and templates.
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const SIGNATURE = '云杉市人民医院';
const TEMPLATES_FILE = path.join(path.dirname(fileURLToPath(import.meta.url)), 'templates.json');

const randomText = (characters) => crypto.randomBytes(characters).toString('base64url').slice(0, characters).replaceAll(/[-_]/g, '0');

/** The templates the service has approved: text with `{1}`… for the variables. */
export const readTemplates = () => JSON.parse(fs.readFileSync(TEMPLATES_FILE, 'utf8'));

/** Reads `DIR/config.json`, creating it when absent. */
export function loadIdentities(directory) {
  fs.mkdirSync(directory, { recursive: true });
  const file = path.join(directory, 'config.json');
  if (!fs.existsSync(file)) {
    const config = { secret_id: `AKID${randomText(32)}`, secret_key: randomText(32), sdk_app_id: '1400000000', region: 'ap-guangzhou' };
    fs.writeFileSync(file, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  }
  return { ...JSON.parse(fs.readFileSync(file, 'utf8')), signature: SIGNATURE, templates: readTemplates() };
}

/** What the desk holds, in the shape of its `sms` secret. */
export const deskSecret = ({ secret_id, secret_key, sdk_app_id, region }) => ({ secret_id, secret_key, sdk_app_id, region });

/** What the hospital's profile says of SMS. */
export const profileSection = ({ signature, templates }) => ({
  signature,
  templates: Object.fromEntries(templates.filter(({ fields }) => fields).map(({ name, id, fields }) => [name, { template_id: id, fields }])),
  code_template_id: templates.find(({ name }) => name === 'card_code').id,
});

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      state: { type: 'string', default: process.env.SMS_STATE },
      secrets: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
    },
  });
  if (!values.state) throw new Error('--state DIR is needed');
  const config = loadIdentities(values.state);
  const answer = values.secrets ? deskSecret(config) : values.profile ? profileSection(config) : { config: path.join(values.state, 'config.json') };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
