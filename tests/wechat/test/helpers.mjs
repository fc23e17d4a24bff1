// What the tests share: a stand-in on its own folder, a little hospital, and a merchant client written from the documents.
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { hospitalSecrets } from '../identities.mjs';
import { start } from '../server.mjs';

const AGENT = 'menzhen-test/1';

/** A hospital that answers every request with `answer({method, url, headers, body})`. */
export async function startHospital(answer) {
  const seen = [];
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const call = { method: request.method, url: new URL(request.url, 'http://hospital'), headers: request.headers, body: Buffer.concat(chunks).toString() };
    seen.push(call);
    const { status = 200, headers = {}, body = '' } = (await answer(call)) ?? {};
    response.writeHead(status, headers).end(body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    seen,
    of: (pathname) => seen.filter((call) => call.url.pathname === pathname),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The stand-in before `hospital`, with helpers to call it. */
export async function startStandIn(hospital, options = {}) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wechat-'));
  const app = await start({ port: 0, state: directory, menzhenUrl: hospital.url, refundDelayS: 0.05, callbackTimeoutMs: 300, ...options });
  const { config } = app.world;
  const json = async (pathname, body, headers = {}) => {
    const response = await fetch(app.url + pathname, body === undefined ? { headers } : { method: 'POST', body: JSON.stringify(body), headers });
    return response.json();
  };
  const control = (pathname, body) => json(`/control/${pathname}`, body);
  const token = async () => (await json('/cgi-bin/stable_token', { grant_type: 'client_credential', appid: config.app_id, secret: config.app_secret })).access_token;
  const account = async (pathname, body, query = '') => json(`/cgi-bin/${pathname}?access_token=${await token()}${query}`, body);
  const close = async () => {
    await app.close();
    fs.rmSync(directory, { recursive: true });
  };
  /** The merchant after keys were rolled. */
  const merchantNow = () => merchantOf(app, directory, app.world.config);
  return { ...app, directory, config, json, control, token, account, close, merchantNow, merchant: merchantNow() };
}

/** One raw request with any Host header: `{status, headers, body}`. */
export function request(base, { method = 'GET', target, headers = {}, body }) {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const call = http.request({ hostname, port, method, path: target, headers }, async (response) => {
      const chunks = [];
      for await (const chunk of response) chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      resolve({ status: response.statusCode, headers: response.headers, bytes, body: bytes.toString() });
    });
    call.on('error', reject);
    call.end(body);
  });
}

/** A merchant with the keys its hospital holds at this moment. */
export function merchantOf(app, directory, config) {
  const { pay } = hospitalSecrets(directory, config);
  const publicKey = ({ public_key_pem, certificate_pem }) => public_key_pem ?? new crypto.X509Certificate(certificate_pem).publicKey;
  const platform = Object.fromEntries(pay.platform_keys.map((key) => [key.id, publicKey(key)]));
  const privateKey = pay.merchant_key_pem;
  const sign = (text) => crypto.createSign('RSA-SHA256').update(text).sign(privateKey, 'base64');
  const verify = (headers, body) => {
    const key = platform[headers['wechatpay-serial']];
    const text = `${headers['wechatpay-timestamp']}\n${headers['wechatpay-nonce']}\n${body}\n`;
    return key !== undefined && crypto.createVerify('RSA-SHA256').update(text).verify(key, headers['wechatpay-signature'], 'base64');
  };
  const openWith = (key, { ciphertext, nonce, associated_data }) => {
    const bytes = Buffer.from(ciphertext, 'base64');
    const cipher = crypto.createDecipheriv('aes-256-gcm', key, nonce);
    cipher.setAAD(Buffer.from(associated_data)).setAuthTag(bytes.subarray(-16));
    return JSON.parse(cipher.update(bytes.subarray(0, -16), undefined, 'utf8') + cipher.final('utf8'));
  };
  /** Opens with the first key that fits. */
  const open = ({ resource }) => {
    for (const key of pay.api_v3_keys.slice(0, -1)) {
      try {
        return openWith(key, resource);
      } catch {
        // The next one may fit.
      }
    }
    return openWith(pay.api_v3_keys.at(-1), resource);
  };
  /** `change` may alter the parts of the signature or the headers before they are sent. */
  const call = async (method, target, value, change = {}) => {
    const body = value === undefined ? '' : JSON.stringify(value);
    const timestamp = change.timestamp ?? String(app.world.clock.now_s());
    const nonce = crypto.randomBytes(16).toString('hex');
    const signature = sign(`${method}\n${target}\n${timestamp}\n${nonce}\n${change.signedBody ?? body}\n`);
    const authorization = `WECHATPAY2-SHA256-RSA2048 mchid="${change.mchid ?? config.mch_id}",nonce_str="${nonce}",timestamp="${timestamp}",serial_no="${change.serial ?? config.merchant_serial}",signature="${signature}"`;
    const headers = { accept: 'application/json', 'user-agent': AGENT, authorization, 'wechatpay-serial': config.platform_public_key.id, ...(body ? { 'content-type': 'application/json' } : {}), ...change.headers };
    const answer = await request(app.url, { method, target, headers, body });
    const isJson = /json/.test(answer.headers['content-type'] ?? '');
    return { ...answer, value: isJson && answer.body ? JSON.parse(answer.body) : null, signed: verify(answer.headers, answer.body) };
  };
  const order = (openid, change = {}) => ({
    appid: config.app_id,
    mchid: config.mch_id,
    description: '门诊服务费',
    out_trade_no: `T${crypto.randomBytes(8).toString('hex')}`,
    notify_url: `${app.world.options.menzhenOrigin}/pay/notify`,
    amount: { total: 2500, currency: 'CNY' },
    payer: { openid },
    ...change,
  });
  const sheet = (prepay_id) => {
    const params = { appId: config.app_id, timeStamp: String(app.world.clock.now_s()), nonceStr: crypto.randomBytes(16).toString('hex'), package: `prepay_id=${prepay_id}` };
    return { ...params, signType: 'RSA', paySign: sign(`${params.appId}\n${params.timeStamp}\n${params.nonceStr}\n${params.package}\n`) };
  };
  return { call, order, sheet, verify, open };
}

/** Waits until `find()` is truthy. */
export async function until(find, limit_ms = 5000) {
  const end = Date.now() + limit_ms;
  for (;;) {
    const found = await find();
    if (found) return found;
    if (Date.now() > end) throw new Error('waited in vain');
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}
