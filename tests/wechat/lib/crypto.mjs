// The cryptography of WeChat, written from the published descriptions alone.
// Nothing here is shared with the hospital's own code, so that the two check each other.
import crypto from 'node:crypto';

const CALLBACK_BLOCK_BYTES = 32;
const GCM_TAG_BYTES = 16;

export class CryptoError extends Error {}

export const randomText = (length, alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789') =>
  Array.from({ length }, () => alphabet[crypto.randomInt(alphabet.length)]).join('');
export const randomDigits = (length) => randomText(length, '0123456789');
export const randomHex = (bytes) => crypto.randomBytes(bytes).toString('hex');

const sha1 = (text) => crypto.createHash('sha1').update(text, 'utf8').digest('hex');

/** Server callback signature: SHA-1 of the byte-sorted, joined parts. */
export const callbackSignature = (...parts) =>
  sha1(parts.map((part) => Buffer.from(String(part))).sort(Buffer.compare).join(''));

/** JS-SDK page signature. */
export const jssdkSignature = ({ ticket, nonce, timestamp, url }) =>
  sha1(`jsapi_ticket=${ticket}&noncestr=${nonce}&timestamp=${timestamp}&url=${url.split('#')[0]}`);

const callbackKey = (encodingKey) => {
  const key = Buffer.from(`${encodingKey}=`, 'base64');
  if (key.length !== 32) throw new CryptoError('the EncodingAESKey is not 43 symbols');
  return key;
};

/** Seals a callback text: 16 random bytes, length, text, app id, padded to 32, AES-256-CBC. */
export function sealCallback({ aesKey, appId, text, random16 = crypto.randomBytes(16) }) {
  const key = callbackKey(aesKey);
  const message = Buffer.from(text, 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(message.length);
  const clear = Buffer.concat([random16, length, message, Buffer.from(appId)]);
  const padding = CALLBACK_BLOCK_BYTES - (clear.length % CALLBACK_BLOCK_BYTES);
  const cipher = crypto.createCipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false);
  return Buffer.concat([cipher.update(Buffer.concat([clear, Buffer.alloc(padding, padding)])), cipher.final()]).toString('base64');
}

/** Opens what `sealCallback` makes; throws CryptoError on anything malformed. */
export function openCallback({ aesKey, appId, sealed }) {
  const bytes = Buffer.from(sealed, 'base64');
  if (bytes.length === 0 || bytes.length % 16 !== 0) throw new CryptoError('cipher text is not whole blocks');
  const key = callbackKey(aesKey);
  const cipher = crypto.createDecipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false);
  const padded = Buffer.concat([cipher.update(bytes), cipher.final()]);
  const padding = padded[padded.length - 1];
  const tail = padded.subarray(padded.length - padding);
  if (padding < 1 || padding > CALLBACK_BLOCK_BYTES || padding > padded.length || !tail.every((byte) => byte === padding)) {
    throw new CryptoError('wrong padding');
  }
  const clear = padded.subarray(0, padded.length - padding);
  if (clear.length < 20) throw new CryptoError('too short');
  const end = 20 + clear.readUInt32BE(16);
  if (end > clear.length) throw new CryptoError('length runs past the end');
  if (clear.subarray(end).toString('utf8') !== appId) throw new CryptoError('sealed for another app id');
  return clear.subarray(20, end).toString('utf8');
}

export const rsaSign = (privateKey, text) => crypto.sign('RSA-SHA256', Buffer.from(text), privateKey).toString('base64');

export function rsaVerify(publicKey, text, signature) {
  try {
    return crypto.verify('RSA-SHA256', Buffer.from(text), publicKey, Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
}

/** The text a merchant signs for a request. */
export const requestText = ({ method, target, timestamp, nonce, body }) =>
  Buffer.concat([Buffer.from(`${method}\n${target}\n${timestamp}\n${nonce}\n`), Buffer.from(body), Buffer.from('\n')]);

/** The text WeChat Pay signs for a response or a notification. */
export const responseText = ({ timestamp, nonce, body }) => `${timestamp}\n${nonce}\n${body}\n`;

/** The text a merchant signs for the payment sheet of a page in WeChat. */
export const paySignText = ({ appId, timeStamp, nonceStr, package: prepay }) => `${appId}\n${timeStamp}\n${nonceStr}\n${prepay}\n`;

const gcmName = (key) => `aes-${Buffer.byteLength(key) * 8}-gcm`;

export function sealResource({ key, nonce, associatedData, text }) {
  const cipher = crypto.createCipheriv(gcmName(key), Buffer.from(key), Buffer.from(nonce));
  cipher.setAAD(Buffer.from(associatedData));
  return Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64');
}

export function openResource({ key, nonce, associatedData = '', ciphertext }) {
  const bytes = Buffer.from(ciphertext, 'base64');
  const decipher = crypto.createDecipheriv(gcmName(key), Buffer.from(key), Buffer.from(nonce));
  decipher.setAAD(Buffer.from(associatedData));
  decipher.setAuthTag(bytes.subarray(bytes.length - GCM_TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(0, bytes.length - GCM_TAG_BYTES)), decipher.final()]).toString('utf8');
}
