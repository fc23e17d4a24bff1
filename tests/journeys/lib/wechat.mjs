// Deliveries made by hand, with the real keys of the stand-in or with others: callbacks and payment notifications.
import crypto from 'node:crypto';
import fs from 'node:fs';
import { HOSPITAL, now, read, settings } from './stack.mjs';

const sha1 = (...parts) => crypto.createHash('sha1').update(parts.sort().join('')).digest('hex');
const hex = (bytes) => crypto.randomBytes(bytes).toString('hex');
const nowSeconds = async () => Math.floor((await now()) / 1000);

/** AES-256-CBC with WeChat's own framing and padding to 32 bytes. */
function seal(text, { appId = settings.WECHAT_APP_ID, aesKey = settings.WECHAT_AES_KEY } = {}) {
  const key = Buffer.from(`${aesKey}=`, 'base64');
  const message = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(message.length);
  const plain = Buffer.concat([crypto.randomBytes(16), length, message, Buffer.from(appId)]);
  const padding = 32 - (plain.length % 32);
  const cipher = crypto.createCipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false);
  return Buffer.concat([cipher.update(Buffer.concat([plain, Buffer.alloc(padding, padding)])), cipher.final()]).toString('base64');
}

export const textMessage = (from, content, id = crypto.randomInt(2 ** 47)) =>
  `<xml><ToUserName>${settings.WECHAT_ORIGINAL_ID}</ToUserName><FromUserName>${from}</FromUserName><CreateTime>${Math.floor(Date.now() / 1000)}</CreateTime>`
  + `<MsgType>text</MsgType><Content>${content}</Content><MsgId>${id}</MsgId></xml>`;

/** POSTs an encrypted callback; `query` and `body` replace what would be sent. */
export async function pushCallback(xml, { query = {}, body, sealing, token = settings.WECHAT_TOKEN } = {}) {
  const [timestamp, nonce, sealed] = [String(await nowSeconds()), hex(5), seal(xml, sealing)];
  const all = {
    signature: sha1(token, timestamp, nonce), timestamp, nonce, encrypt_type: 'aes',
    msg_signature: sha1(token, timestamp, nonce, sealed), ...query,
  };
  const parameters = new URLSearchParams(Object.entries(all).filter(([, value]) => value !== undefined));
  const clear = `<xml><ToUserName>${settings.WECHAT_ORIGINAL_ID}</ToUserName><Encrypt>${sealed}</Encrypt></xml>`;
  return read(await fetch(`${HOSPITAL}/wechat?${parameters}`, { method: 'POST', headers: { 'content-type': 'text/xml' }, body: body ?? clear }));
}

/** A payment notification about `resource`, as `{headers, body}`, signed by `key` under `serial`. */
export async function makeNotification(resource, {
  key = fs.readFileSync(settings.PAY_PUBLIC_KEY_PRIVATE_FILE), serial = settings.PAY_PUBLIC_KEY_ID, apiV3Key = settings.PAY_API_V3_KEY,
  timestamp, eventType = 'TRANSACTION.SUCCESS', originalType = 'transaction',
} = {}) {
  const nonce = crypto.randomBytes(6).toString('hex');
  const cipher = crypto.createCipheriv('aes-256-gcm', apiV3Key, nonce).setAAD(Buffer.from(originalType));
  const ciphertext = Buffer.concat([cipher.update(JSON.stringify(resource)), cipher.final(), cipher.getAuthTag()]).toString('base64');
  const body = JSON.stringify({
    id: crypto.randomUUID(), create_time: new Date(await now()).toISOString(), resource_type: 'encrypt-resource', event_type: eventType, summary: '',
    resource: { original_type: originalType, algorithm: 'AEAD_AES_256_GCM', ciphertext, associated_data: originalType, nonce },
  });
  const [at, salt] = [String(timestamp ?? (await nowSeconds())), hex(16)];
  const signature = crypto.createSign('RSA-SHA256').update(`${at}\n${salt}\n${body}\n`).sign(key, 'base64');
  return {
    body,
    headers: {
      'content-type': 'application/json', 'wechatpay-serial': serial, 'wechatpay-timestamp': at, 'wechatpay-nonce': salt,
      'wechatpay-signature': signature, 'wechatpay-signature-type': 'WECHATPAY2-SHA256-RSA2048',
    },
  };
}

export const sendNotification = async ({ headers, body }) => read(await fetch(settings.PAY_NOTIFY_URL, { method: 'POST', headers, body }));

/** A transaction as WeChat Pay describes it when it was paid. */
export async function transactionOf({ out_trade_no, openid, fen, changes = {} }) {
  return {
    appid: settings.WECHAT_APP_ID, mchid: settings.PAY_MCH_ID, out_trade_no, transaction_id: `4200${Date.now()}${crypto.randomInt(1e8)}`,
    trade_type: 'JSAPI', trade_state: 'SUCCESS', trade_state_desc: '支付成功', bank_type: 'OTHERS', attach: '',
    success_time: `${new Date((await now()) + 8 * 3600_000).toISOString().slice(0, 19)}+08:00`,
    payer: { openid }, amount: { total: fen, payer_total: fen, currency: 'CNY', payer_currency: 'CNY' }, ...changes,
  };
}
