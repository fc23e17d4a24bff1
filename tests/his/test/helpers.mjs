// What the tests share: a stand-in on its own folder, and a desk written from the document.
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { start } from '../server.mjs';

export const CARD = 'V20180031';

const hex = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');
const hmac = (key, text) => crypto.createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('hex');

/** A folder that goes away after the test, once all that use it are closed. */
export function folder(t, users = []) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'his-'));
  t.after(async () => {
    for (const user of users) await user.close();
    fs.rmSync(directory, { recursive: true });
  });
  return directory;
}

/** A stand-in of the test's own, with helpers to call it. */
export async function startStandIn(t, options = {}) {
  const users = [];
  const directory = options.state ?? folder(t, users);
  const app = await start({ port: 0, state: directory, ...options });
  users.push(app);
  return { ...app, directory, ...callers(app) };
}

/** `change` may alter the parts of the signature, the headers or the body before they are sent. */
export function callers(app) {
  const send = async (method, target, body, change = {}) => {
    const { app_id, key } = app.world.config;
    const timestamp = change.timestamp ?? String(app.world.clock.now_s());
    const nonce = change.nonce ?? crypto.randomBytes(16).toString('hex');
    const signature = hmac(change.key ?? key, `${method}\n${change.signedTarget ?? target}\n${timestamp}\n${nonce}\n${hex(change.signedBody ?? body)}`);
    const headers = { 'x-his-app': app_id, 'x-his-timestamp': timestamp, 'x-his-nonce': nonce, 'x-his-signature': signature, ...change.headers };
    const answer = await fetch(app.url + target, { method, headers, ...(method === 'GET' ? {} : { body }) });
    const bytes = Buffer.from(await answer.arrayBuffer());
    const expected = hmac(change.answerKey ?? change.key ?? key, `${answer.status}\n${nonce}\n${hex(bytes)}`);
    return { status: answer.status, headers: answer.headers, bytes, isSigned: answer.headers.get('x-his-signature') === expected };
  };
  const call = async (operation, body, change = {}) => {
    const text = change.text ?? JSON.stringify(body);
    const answer = await send('POST', `/his/v1/${operation}`, text, change);
    return { status: answer.status, isSigned: answer.isSigned, ...(answer.bytes.length > 0 ? JSON.parse(answer.bytes) : {}) };
  };
  const dayFile = (query, change) => send('GET', `/his/v1/day-file?${query}`, '', change);
  const control = async (name, body) => {
    const answer = await fetch(`${app.url}/control/${name}`, body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) });
    return answer.json();
  };
  const bill = (...amounts) => control('bills', { card_no: CARD, items: amounts.map((amount) => ({ name: '项目', amount })) });
  return { send, call, dayFile, control, bill };
}

export const paidAt = '2026-11-23T09:00:00+08:00';

/** A post of bills, with changes. */
export const postOf = (serial, bills, total, change = {}) => ({
  serial, card_no: CARD, kind: 'bills', bills, total, paid_at: paidAt, transaction_id: '4200000001', channel: 'wechat', ...change,
});

/** A refund, with changes. */
export const refundOf = (serial, original_serial, items, amount, change = {}) => ({
  serial, original_serial, items, amount, refunded_at: paidAt, reason: '患者申请退费', ...change,
});
