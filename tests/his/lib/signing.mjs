// Signatures of the front-end machine: who asks, when, once; and that the answer is ours, to this very question.
import crypto from 'node:crypto';

const CLOCK_DIFFERENCE_MAX_S = 300;
const NONCE_LIFE_S = 600;
const NONCE = /^[0-9a-f]{32}$/;
const TIMESTAMP = /^[1-9]\d{9}$/;

/** Why a call is not taken for the desk's own. */
export class SignatureError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');
const hmac = (key, text) => crypto.createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('hex');
const same = (left, right) => left.length === right.length && crypto.timingSafeEqual(Buffer.from(left), Buffer.from(right));

export const signRequest = (key, { method, target, timestamp, nonce, bytes }) => hmac(key, [method, target, timestamp, nonce, sha256(bytes)].join('\n'));
export const signAnswer = (key, { status, nonce, bytes }) => hmac(key, [status, nonce, sha256(bytes)].join('\n'));
export const foreignKey = () => crypto.randomBytes(32).toString('base64');

const need = (condition, ...error) => {
  if (!condition) throw new SignatureError(...error);
};

/** Remembers a nonce; false when it was used within the last ten minutes. */
function spendNonce(world, nonce, now_s) {
  const { nonces } = world.state;
  for (const [used, at_s] of Object.entries(nonces)) if (at_s < now_s - NONCE_LIFE_S) delete nonces[used];
  if (Object.hasOwn(nonces, nonce)) return false;
  nonces[nonce] = now_s;
  world.changed();
  return true;
}

/** Answers the key a call is signed with: the caller gets its answer under the same one. */
export function authenticate(world, { method, target, headers, bytes }) {
  const { app_id, key, previous_key } = world.config;
  const { 'x-his-app': app, 'x-his-timestamp': timestamp = '', 'x-his-nonce': nonce = '', 'x-his-signature': signature = '' } = headers;
  const now_s = world.clock.now_s();
  need(app === app_id, 'APP', '未知应用');
  need(NONCE.test(nonce), 'NONCE', '随机串格式不符');
  need(TIMESTAMP.test(timestamp) && Math.abs(now_s - Number(timestamp)) <= CLOCK_DIFFERENCE_MAX_S, 'TIMESTAMP', '时间戳超出范围');
  const signedWith = [key, previous_key].find((one) => one && same(signature, signRequest(one, { method, target, timestamp, nonce, bytes })));
  need(signedWith, 'SIGNATURE', '签名不符');
  need(spendNonce(world, nonce, now_s), 'NONCE_USED', '随机串已使用');
  return signedWith;
}
