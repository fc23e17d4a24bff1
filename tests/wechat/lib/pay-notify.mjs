// Notifications of WeChat Pay: sealed, signed, repeated until taken.
import crypto from 'node:crypto';
import { randomHex, randomText, responseText, rsaSign, sealResource } from './crypto.mjs';
import { post } from './http.mjs';
import { chinaTime } from './world.mjs';

const RETRY_AFTER_S = [15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600];
const TIMEOUT_MS = 5000;
const NOTIFICATIONS_LIMIT = 500;

/** How notifications are sent: once and honest, or one of the ways they go wrong. */
export const NOTIFICATION_MODES = ['normal', 'off', 'duplicate', 'probe', 'forged', 'cert', 'pubkey'];

const strangerKey = () => crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

/** `normal` mixes both key kinds, as WeChat does while a merchant changes over. */
function chooseKey(world, mode, turn) {
  const certificate = mode === 'cert' || (mode !== 'pubkey' && turn % 2 === 1);
  return certificate
    ? { serial: world.config.platform_certificate.serial, key: world.keys.certificatePrivate }
    : { serial: world.config.platform_public_key.id, key: world.keys.platformPrivate };
}

function envelope(world, event) {
  const nonce = randomText(12);
  const associatedData = event.original_type;
  return JSON.stringify({
    id: crypto.randomUUID(),
    create_time: chinaTime(world.clock.now_ms()),
    resource_type: 'encrypt-resource',
    event_type: event.event_type,
    summary: event.summary,
    resource: {
      original_type: event.original_type,
      algorithm: 'AEAD_AES_256_GCM',
      ciphertext: sealResource({ key: world.config.api_v3_key, nonce, associatedData, text: JSON.stringify(event.resource) }),
      associated_data: associatedData,
      nonce,
    },
  });
}

/** One signed delivery; `spoil` is `probe`, `forged` or undefined. */
async function deliver(world, record, mode, spoil) {
  const body = envelope(world, record.event);
  const { serial, key } = chooseKey(world, mode, record.turn);
  const timestamp = String(world.clock.now_s());
  const nonce = randomHex(16);
  const honest = rsaSign(spoil === 'forged' ? strangerKey() : key, responseText({ timestamp, nonce, body }));
  const answer = await post(world.inward(record.event.url), {
    body,
    timeout_ms: TIMEOUT_MS,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      'user-agent': 'Mozilla/4.0',
      'request-id': randomHex(16),
      'wechatpay-serial': serial,
      'wechatpay-timestamp': timestamp,
      'wechatpay-nonce': nonce,
      'wechatpay-signature': spoil === 'probe' ? `WECHATPAY/SIGNTEST/${honest.slice(19)}` : honest,
      'wechatpay-signature-type': 'WECHATPAY2-SHA256-RSA2048',
    },
  });
  const taken = !answer.error && [200, 204].includes(answer.status) && !saysFail(answer.text);
  record.log.push({ at: chinaTime(world.clock.now_ms()), serial, spoil: spoil ?? null, status: answer.status ?? null, error: answer.error ?? null, taken });
  return taken;
}

function saysFail(text) {
  try {
    return JSON.parse(text).code === 'FAIL';
  } catch {
    return false;
  }
}

/** One round of the schedule: what the mode asks for, then the next round unless it was taken. */
async function round(world, record) {
  const mode = record.mode;
  let taken = false;
  if (mode === 'probe' && record.round === 0) await deliver(world, record, mode, 'probe');
  if (mode === 'forged') await deliver(world, record, mode, 'forged');
  else if (mode === 'duplicate') taken = (await Promise.all([deliver(world, record, mode), deliver(world, record, mode)])).some(Boolean);
  else taken = await deliver(world, record, mode);
  const wait_s = RETRY_AFTER_S[record.round];
  record.round += 1;
  if (taken) record.state = 'taken';
  else if (wait_s === undefined || mode === 'forged') record.state = 'given up';
  else world.schedule('notify', wait_s / world.options.retryFactor, { id: record.id });
  world.changed();
}

/** Starts the sender; answers `notify({url, event_type, original_type, summary, resource})`. */
export function startNotifications(world) {
  const find = (id) => world.state.notifications.find((record) => record.id === id);
  world.onTask('notify', ({ id }) => {
    const record = find(id);
    return record && record.state === 'pending' ? round(world, record) : undefined;
  });
  return (event) => {
    const mode = world.state.notification_mode;
    world.state.turn = (world.state.turn ?? 0) + 1;
    const record = { id: crypto.randomUUID(), mode, turn: world.state.turn, round: 0, state: mode === 'off' ? 'suppressed' : 'pending', event, log: [] };
    world.state.notifications.push(record);
    if (world.state.notifications.length > NOTIFICATIONS_LIMIT) world.state.notifications.shift();
    if (mode !== 'off') world.schedule('notify', 0, { id: record.id });
    return record;
  };
}
