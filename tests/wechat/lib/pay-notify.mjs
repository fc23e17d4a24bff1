// Notifications of WeChat Pay: sealed, signed, repeated until taken.
import crypto from 'node:crypto';
import { randomDigits, randomHex, randomText, responseText, rsaSign, sealResource } from './crypto.mjs';
import { post } from './http.mjs';
import { chinaTime } from './world.mjs';

const RETRY_AFTER_S = [15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600];
const TIMEOUT_MS = 5000;
const NOTIFICATIONS_LIMIT = 500;

/** How notifications are sent: once and honest, or one of the ways they go wrong. */
export const NOTIFICATION_MODES = ['normal', 'off', 'duplicate', 'probe', 'forged', 'cert', 'pubkey', 'reencoded', 'unknown_serial', 'skew'];
/** These send one delivery that has to be refused before the honest one. */
const SPOILED_FIRST = ['probe', 'reencoded', 'unknown_serial'];

const strangerKey = () => crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

/** While two keys of a kind are good, now the new one is used and now the old one. */
const oneOf = (keys, turn) => keys[turn % keys.length];

/** `normal` mixes both key kinds, as WeChat does while a merchant changes over. */
function chooseKey(world, mode, turn) {
  const certificate = mode === 'cert' || (mode !== 'pubkey' && turn % 2 === 1);
  return oneOf(certificate ? world.keys.certificate : world.keys.public_key, turn >> 1);
}

function envelope(world, event, turn) {
  const nonce = randomText(12);
  const associatedData = event.original_type;
  const key = oneOf(world.keys.api_v3, turn >> 2);
  return JSON.stringify({
    id: crypto.randomUUID(),
    create_time: chinaTime(world.clock.now_ms()),
    resource_type: 'encrypt-resource',
    event_type: event.event_type,
    summary: event.summary,
    resource: {
      original_type: event.original_type,
      algorithm: 'AEAD_AES_256_GCM',
      ciphertext: sealResource({ key, nonce, associatedData, text: JSON.stringify(event.resource) }),
      associated_data: associatedData,
      nonce,
    },
  });
}

/** The same JSON in other bytes. */
const encodedAgain = (body) => JSON.stringify(JSON.parse(body), null, 2);

/** One signed delivery; `spoil` is `probe`, `forged`, `reencoded`, `unknown_serial` or undefined. */
async function deliver(world, record, mode, spoil) {
  const body = envelope(world, record.event, record.turn);
  const chosen = chooseKey(world, mode, record.turn);
  const serial = spoil === 'unknown_serial' ? `PUB_KEY_ID_01${randomDigits(30)}` : chosen.serial;
  const isStranger = spoil === 'forged' || spoil === 'unknown_serial';
  const skew_s = mode === 'skew' && record.round === 0 ? record.skew_s : 0;
  const timestamp = String(world.clock.now_s() + skew_s);
  const nonce = randomHex(16);
  const honest = rsaSign(isStranger ? strangerKey() : chosen.private, responseText({ timestamp, nonce, body }));
  const answer = await post(world.inward(record.event.url), {
    body: spoil === 'reencoded' ? encodedAgain(body) : body,
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
  record.log.push({ at: chinaTime(world.clock.now_ms()), serial, skew_s, spoil: spoil ?? null, status: answer.status ?? null, error: answer.error ?? null, taken });
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
  if (SPOILED_FIRST.includes(mode) && record.round === 0) await deliver(world, record, mode, mode);
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
    const { notification_skew_s: skew_s = 0, notification_delay_s: delay_s = 0 } = world.state;
    const record = { id: crypto.randomUUID(), mode, skew_s, turn: world.state.turn, round: 0, state: mode === 'off' ? 'suppressed' : 'pending', event, log: [] };
    world.state.notifications.push(record);
    if (world.state.notifications.length > NOTIFICATIONS_LIMIT) world.state.notifications.shift();
    if (mode !== 'off') world.schedule('notify', delay_s, { id: record.id });
    return record;
  };
}
