// Identities are made once; what happened survives a restart; the control plane keeps to itself.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { deskSecret, loadIdentities } from '../identities.mjs';
import { start } from '../server.mjs';
import { CARD, callers, folder, postOf, startStandIn } from './helpers.mjs';

const CARDS = new URL('../../../infra/hospital/cards.csv', import.meta.url).pathname;

test('identities are created once and kept private', (t) => {
  const directory = folder(t);
  const config = loadIdentities(directory);
  assert.deepEqual(loadIdentities(directory), config);
  assert.deepEqual(deskSecret(config), { app_id: config.app_id, keys: [config.key] });
  assert.equal(Buffer.from(config.key, 'base64').length, 32);
  assert.equal(fs.statSync(path.join(directory, 'config.json')).mode & 0o077, 0);
});

test('a restart keeps the books and the clock of the file', async (t) => {
  const users = [];
  const directory = folder(t, users);
  const clockFile = path.join(directory, 'the-clock');
  const first = await start({ port: 0, state: directory, clockFile });
  const { bill, call } = callers(first);
  const { bill_no } = await bill('10.00');
  const post = postOf('a_01', [{ bill_no, amount: '10.00' }], '10.00');
  const { data } = await call('fees-post', post);
  await first.close();
  fs.writeFileSync(clockFile, '86400\n');
  const second = await start({ port: 0, state: directory, clockFile });
  users.push(second);
  const after = callers(second);
  assert.deepEqual((await after.call('fees-post', post)).data, data);
  assert.equal((await after.control('clock')).offset_s, 86400);
  assert.equal((await after.control('books')).payments.length, 1);
});

test("the demo's patient finds three bills, once", async (t) => {
  const his = await startStandIn(t, { cardsFile: CARDS });
  const { data } = await his.call('fees-unpaid', { card_no: CARD });
  assert.deepEqual(data.bills.map(({ kind, total, items }) => [kind, total, items.length]), [['lab', '56.50', 2], ['exam', '30.00', 1], ['drug', '61.80', 1]]);
  assert.equal((await his.call('fees-unpaid', { card_no: 'V20190112' })).code, 1);
  await his.control('void', { bill_no: data.bills[0].bill_no });
  await his.control('reset', {});
  assert.equal((await his.call('fees-unpaid', { card_no: CARD })).data.bills.length, 3);
});

test('without a card list nobody has a card', async (t) => {
  const his = await startStandIn(t);
  assert.equal((await his.call('fees-unpaid', { card_no: CARD })).error, 'NO_SUCH_CARD');
  await his.bill('1.00');
  assert.equal((await his.call('fees-unpaid', { card_no: CARD })).code, 0);
});

test('a wrong wish is an error, and another site may wish nothing', async (t) => {
  const his = await startStandIn(t);
  const bill = await his.bill('1.00');
  const wrong = [
    ['bills', { card_no: CARD, items: [] }],
    ['bills', { card_no: CARD, items: [{ name: '项目', amount: '1' }] }],
    ['bills', { card_no: CARD, kind: 'meal', items: [{ name: '项目', amount: '1.00' }] }],
    ['change', { bill_no: bill.bill_no, item_no: 'other', amount: '1.00' }],
    ['pay-at-window', { bill_no: 'other' }],
    ['keys', {}],
    ['nothing', {}],
  ];
  for (const [name, body] of wrong) assert.ok((await his.control(name, body)).error, name);
  await his.control('pay-at-window', { bill_no: bill.bill_no });
  assert.match((await his.control('void', { bill_no: bill.bill_no })).error, /paid_at_window/);
  const foreign = await fetch(`${his.url}/control/reset`, { method: 'POST', headers: { origin: 'https://other.example' } });
  assert.equal(foreign.status, 403);
});
