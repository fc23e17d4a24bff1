// Makes, once, the identities that WeChat and WeChat Pay would have issued: keys, ids, secrets.
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { randomDigits, randomHex, randomText } from './lib/crypto.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const CERTIFICATE_DAYS = 1825;
const MODES = ['safe', 'compatible', 'plain'];

function writeSecret(directory, name, content) {
  fs.writeFileSync(path.join(directory, name), content, { mode: 0o600 });
  return name;
}

function rsaPair(directory, name) {
  const { privateKey, publicKey } = crypto.generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return {
    private_key_file: writeSecret(directory, `${name}_key.pem`, privateKey),
    public_key_file: writeSecret(directory, `${name}_public.pem`, publicKey),
  };
}

/** Node cannot issue X.509 certificates; the openssl command can. */
function platformCertificate(directory, name = 'platform_certificate') {
  const serial = `5${randomHex(20).slice(1).toUpperCase()}`;
  const files = { certificate_file: `${name}.pem`, private_key_file: `${name}_key.pem` };
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', String(CERTIFICATE_DAYS), '-sha256',
    '-subj', '/CN=Stand-in WeChat Pay', '-set_serial', `0x${serial}`,
    '-keyout', path.join(directory, files.private_key_file), '-out', path.join(directory, files.certificate_file),
  ], { stdio: ['ignore', 'ignore', 'pipe'] });
  fs.chmodSync(path.join(directory, files.private_key_file), 0o600);
  return { serial, ...files };
}

const platformPublicKey = (directory, name = 'platform_public') => ({ id: `PUB_KEY_ID_01${randomDigits(30)}`, ...rsaPair(directory, name) });
const newSerial = () => randomHex(20).toUpperCase();

function templatesFrom(file) {
  return JSON.parse(fs.readFileSync(file, 'utf8')).map((template) => ({ id: randomText(43), ...template }));
}

function createIdentities(directory, { mode, templatesFile, accountName }) {
  return {
    account_name: accountName,
    app_id: `wx${randomHex(8)}`,
    app_secret: randomHex(16),
    original_id: `gh_${randomHex(6)}`,
    token: randomText(24),
    aes_key: randomText(43),
    mode,
    mch_id: `19${randomDigits(8)}`,
    merchant_serial: newSerial(),
    merchant: rsaPair(directory, 'merchant'),
    api_v3_key: randomText(32),
    platform_certificate: platformCertificate(directory),
    platform_public_key: platformPublicKey(directory),
    previous: {},
    templates: templatesFrom(templatesFile),
  };
}

/** The templates of the file, and those issued earlier that it does not name. */
function renewTemplates(config, templatesFile) {
  const listed = templatesFrom(templatesFile);
  const names = new Set(listed.map((template) => template.name));
  return { ...config, templates: [...listed, ...config.templates.filter((template) => !names.has(template.name))] };
}

/** Reads `DIR/config.json`, creating it and its key files when absent. */
export function loadIdentities(directory, options = {}) {
  const { mode, accountName, templatesFile = path.join(HERE, 'templates.json') } = options;
  if (mode && !MODES.includes(mode)) throw new Error(`mode must be one of ${MODES.join(', ')}`);
  fs.mkdirSync(directory, { recursive: true });
  const file = path.join(directory, 'config.json');
  let config = fs.existsSync(file)
    ? renewTemplates(JSON.parse(fs.readFileSync(file, 'utf8')), templatesFile)
    : createIdentities(directory, { mode: mode ?? 'safe', templatesFile, accountName: accountName ?? '云杉市人民医院' });
  config = { ...config, mode: mode ?? config.mode, account_name: accountName ?? config.account_name };
  saveIdentities(directory, config);
  return config;
}

function saveIdentities(directory, config) {
  fs.writeFileSync(path.join(directory, 'config.json'), `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
}

// Roll-over ------------------------------------------------------------------------------------

/** What each key consists of in the configuration, and how the next one is made. */
const ROLLS = {
  merchant: (directory, name) => ({ merchant_serial: newSerial(), merchant: rsaPair(directory, name) }),
  api_v3: () => ({ api_v3_key: randomText(32) }),
  certificate: (directory, name) => ({ platform_certificate: platformCertificate(directory, name) }),
  public_key: (directory, name) => ({ platform_public_key: platformPublicKey(directory, name) }),
};
export const KEY_KINDS = Object.keys(ROLLS);

/** A new key of a kind; the one before stays good until it is retired. */
export function rollKey(directory, config, kind) {
  const next = ROLLS[kind](directory, `${kind}_${randomHex(4)}`);
  const before = Object.fromEntries(Object.keys(next).map((name) => [name, config[name]]));
  const rolled = { ...config, ...next, previous: { ...config.previous, [kind]: before } };
  saveIdentities(directory, rolled);
  return rolled;
}

/** Back to the key before; the new one was never issued. */
export function undoRoll(directory, config, kind) {
  const { [kind]: before, ...previous } = config.previous ?? {};
  const undone = { ...config, ...before, previous };
  saveIdentities(directory, undone);
  return undone;
}

/** The end of the key before. */
export function retireKey(directory, config, kind) {
  const { [kind]: gone, ...previous } = config.previous ?? {};
  const retired = { ...config, previous };
  saveIdentities(directory, retired);
  return retired;
}

/** The current key of a kind, then the one before while it is good. */
const currentAndPrevious = (config, kind) => [config, config.previous?.[kind]].filter(Boolean);

/** The identities with the key files read in, of each kind the current one first. */
export function readKeys(directory, config) {
  const read = (name) => fs.readFileSync(path.join(directory, name), 'utf8');
  return {
    merchant: currentAndPrevious(config, 'merchant').map(({ merchant_serial, merchant }) => ({
      serial: merchant_serial, private: read(merchant.private_key_file), public: read(merchant.public_key_file),
    })),
    api_v3: currentAndPrevious(config, 'api_v3').map(({ api_v3_key }) => api_v3_key),
    certificate: currentAndPrevious(config, 'certificate').map(({ platform_certificate }) => ({
      serial: platform_certificate.serial, private: read(platform_certificate.private_key_file), public: read(platform_certificate.certificate_file),
    })),
    public_key: currentAndPrevious(config, 'public_key').map(({ platform_public_key }) => ({
      serial: platform_public_key.id, private: read(platform_public_key.private_key_file), public: read(platform_public_key.public_key_file),
    })),
  };
}

/** The halves a hospital holds, in the shape of its `wechat` (less its own scene key) and `pay` secrets. */
export function hospitalSecrets(directory, config) {
  const keys = readKeys(directory, config);
  return {
    wechat: {
      app_id: config.app_id,
      app_secret: config.app_secret,
      original_id: config.original_id,
      token: config.token,
      aes_keys: [config.aes_key],
      mode: config.mode,
    },
    pay: {
      mch_id: config.mch_id,
      merchant_serial: config.merchant_serial,
      merchant_key_pem: keys.merchant[0].private,
      api_v3_keys: keys.api_v3,
      platform_keys: [
        ...keys.public_key.map(({ serial, public: pem }) => ({ id: serial, public_key_pem: pem })),
        ...keys.certificate.map(({ serial, public: pem }) => ({ id: serial, certificate_pem: pem })),
      ],
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      state: { type: 'string', default: process.env.WECHAT_STATE },
      mode: { type: 'string' },
      templates: { type: 'string' },
      'account-name': { type: 'string' },
      secrets: { type: 'boolean', default: false },
    },
  });
  if (!values.state) throw new Error('--state DIR is needed');
  const config = loadIdentities(values.state, { mode: values.mode, templatesFile: values.templates, accountName: values['account-name'] });
  const answer = values.secrets ? hospitalSecrets(values.state, config) : { config: path.join(values.state, 'config.json') };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
