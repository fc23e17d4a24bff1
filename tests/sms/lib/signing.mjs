// TC3-HMAC-SHA256 as the service checks it: over the very bytes received.
import crypto from 'node:crypto';

const CLOCK_DIFFERENCE_MAX_S = 300;
const AUTHORIZATION = /^TC3-HMAC-SHA256 Credential=([^/]+)\/(\d{4}-\d\d-\d\d)\/([a-z]+)\/tc3_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/;
const SERVICE = 'sms';

/** A refusal of the whole call, with the service's stable code. */
export class ApiError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const need = (condition, code, message) => {
  if (!condition) throw new ApiError(code, message);
};

const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');
const hmac = (key, text) => crypto.createHmac('sha256', key).update(text).digest();

/** The signature of a call, as hex. `headers` are those that are signed, in order. */
export function sign(secretKey, { date, timestamp, service = SERVICE, headers, bytes }) {
  const names = headers.map(([name]) => name).join(';');
  const canonical = `POST\n/\n\n${headers.map(([name, value]) => `${name}:${value}\n`).join('')}\n${names}\n${sha256(bytes)}`;
  const text = `TC3-HMAC-SHA256\n${timestamp}\n${date}/${service}/tc3_request\n${sha256(canonical)}`;
  const key = hmac(hmac(hmac(`TC3${secretKey}`, date), service), 'tc3_request');
  return hmac(key, text).toString('hex');
}

/** Throws unless the call is the account's own, of now, over these bytes. */
export function authenticate(world, { headers, bytes }) {
  const { secret_id, secret_key } = world.config;
  const timestamp = headers['x-tc-timestamp'] ?? '';
  need(/^[1-9]\d{9}$/.test(timestamp), 'InvalidParameter', 'X-TC-Timestamp');
  need(Math.abs(world.clock.now_s() - Number(timestamp)) <= CLOCK_DIFFERENCE_MAX_S, 'AuthFailure.SignatureExpire', 'timestamp is too old or too new');
  const found = AUTHORIZATION.exec(headers.authorization ?? '');
  need(found, 'AuthFailure.InvalidAuthorization', 'Authorization');
  const [, id, date, service, names, signature] = found;
  need(id === secret_id, 'AuthFailure.SecretIdNotFound', 'no such SecretId');
  need(service === SERVICE && date === new Date(Number(timestamp) * 1000).toISOString().slice(0, 10), 'AuthFailure.SignatureFailure', 'credential scope');
  const signed = names.split(';');
  need(['content-type', 'host'].every((name) => signed.includes(name)), 'AuthFailure.SignatureFailure', 'content-type and host must be signed');
  const values = signed.map((name) => [name, (headers[name] ?? '').trim().toLowerCase()]);
  need(sign(secret_key, { date, timestamp, headers: values, bytes }) === signature, 'AuthFailure.SignatureFailure', 'the signature does not match');
}
