// Keys roll over: the new and the old one are good side by side until the old one is retired.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { hospitalSecrets } from '../identities.mjs';
import { startHospital, startStandIn, until } from './helpers.mjs';

const JSAPI = '/v3/pay/transactions/jsapi';
const KINDS = ['merchant', 'api_v3', 'certificate', 'public_key'];
const ROUND = 8;
let hospital;
let wechat;
let openid;
let answer;
before(async () => {
  hospital = await startHospital((call) => answer(call));
  wechat = await startStandIn(hospital, { retryFactor: 1000 });
});
after(async () => {
  await wechat.close();
  await hospital.close();
});
beforeEach(async () => {
  answer = () => ({ status: 204 });
  hospital.seen.length = 0;
  await wechat.control('reset', {});
  openid = (await wechat.control('people')).people[0].openid;
});

const roll = (kind) => wechat.control('keys', { roll: kind });
const retire = (kind) => wechat.control('keys', { retire: kind });
const notifications = () => hospital.of('/pay/notify');

async function pay(merchant) {
  const { value } = await merchant.call('POST', JSAPI, merchant.order(openid));
  const paid = await wechat.control('people/lin/pay', { ...merchant.sheet(value.prepay_id), decision: 'pay' });
  assert.equal(paid.result, 'ok', paid.err_desc);
}

/** Pays often enough that every key that is good has signed and sealed something. */
async function payRound(merchant) {
  hospital.seen.length = 0;
  for (let count = 0; count < ROUND; count += 1) await pay(merchant);
  await until(() => notifications().length === ROUND);
  return notifications();
}

test('a merchant key and its successor both sign until the first is retired', async () => {
  const old = wechat.merchantNow();
  const { merchant_serial } = await roll('merchant');
  const next = wechat.merchantNow();
  await pay(old);
  await pay(next);
  assert.notEqual(merchant_serial, wechat.config.merchant_serial);
  await retire('merchant');
  await pay(next);
  assert.equal((await old.call('POST', JSAPI, old.order(openid), { serial: wechat.config.merchant_serial })).status, 401);
  assert.match((await retire('merchant')).error, /no key before/);
});

test('notifications mix old and new keys of every kind, and afterwards use the new alone', async () => {
  const old = wechat.merchantNow();
  for (const kind of KINDS.slice(1)) await roll(kind);
  const now = wechat.merchantNow();
  const calls = await payRound(now);
  const opens = (merchant, call) => {
    try {
      return merchant.verify(call.headers, call.body) && Boolean(merchant.open(JSON.parse(call.body)));
    } catch {
      return false;
    }
  };
  assert.ok(calls.every((call) => opens(now, call)));
  const known = calls.filter((call) => opens(old, call)).length;
  assert.ok(known > 0 && known < ROUND, `${known} of ${ROUND} by old keys alone`);
  assert.equal(new Set(calls.map((call) => call.headers['wechatpay-serial'])).size, 4);
  for (const kind of KINDS.slice(1)) await retire(kind);
  const afterwards = await payRound(wechat.merchantNow());
  assert.equal(new Set(afterwards.map((call) => call.headers['wechatpay-serial'])).size, 2);
  assert.ok(!afterwards.some((call) => opens(old, call)));
});

test('answers are signed with the key asked for, old or new', async () => {
  const old = wechat.merchantNow();
  const { id } = wechat.world.config.platform_public_key;
  await roll('public_key');
  const reply = await old.call('POST', JSAPI, old.order(openid), { headers: { 'wechatpay-serial': id } });
  assert.deepEqual([reply.status, reply.signed], [200, true]);
  await retire('public_key');
});

test('the secrets of the hospital hold the current and the previous keys', async () => {
  for (const kind of KINDS) await roll(kind);
  const config = JSON.parse(fs.readFileSync(path.join(wechat.directory, 'config.json'), 'utf8'));
  const { pay: rolled } = hospitalSecrets(wechat.directory, config);
  assert.deepEqual([rolled.api_v3_keys.length, rolled.platform_keys.length, rolled.merchant_serial], [2, 4, config.merchant_serial]);
  for (const kind of KINDS) await retire(kind);
  const { pay: retired } = hospitalSecrets(wechat.directory, wechat.world.config);
  assert.deepEqual([retired.api_v3_keys, retired.platform_keys.length], [[rolled.api_v3_keys[0]], 2]);
  assert.match((await wechat.control('keys', { roll: 'aes' })).error, /one of/);
  assert.match((await wechat.control('keys', {})).error, /needed/);
});

test('a roll can be undone', async () => {
  const before = hospitalSecrets(wechat.directory, wechat.world.config);
  for (const kind of KINDS) await roll(kind);
  for (const kind of KINDS) await wechat.control('keys', { undo: kind });
  assert.deepEqual(hospitalSecrets(wechat.directory, wechat.world.config), before);
  await payRound(wechat.merchantNow());
});

test('a delivery that has to be refused comes before the honest one', async () => {
  const merchant = wechat.merchantNow();
  for (const mode of ['reencoded', 'unknown_serial']) {
    hospital.seen.length = 0;
    await wechat.control('faults', { notifications: mode });
    answer = (call) => (merchant.verify(call.headers, call.body) ? { status: 204 } : { status: 401 });
    await pay(merchant);
    await until(() => notifications().length === 2);
    const [spoiled, honest] = notifications();
    assert.deepEqual([spoiled, honest].map((call) => merchant.verify(call.headers, call.body)), [false, true], mode);
    if (mode === 'reencoded') {
      assert.notEqual(spoiled.body, honest.body);
      assert.equal(JSON.parse(spoiled.body).event_type, 'TRANSACTION.SUCCESS');
    }
  }
});

test('the clock of a notification can be off, once', async () => {
  const merchant = wechat.merchantNow();
  const skew = (call) => Number(call.headers['wechatpay-timestamp']) - wechat.world.clock.now_s();
  answer = (call) => (Math.abs(skew(call)) < 300 ? { status: 204 } : { status: 401 });
  await wechat.control('faults', { notifications: 'skew', skew_s: -310 });
  await pay(merchant);
  await until(() => notifications().length === 2);
  const [off, right] = notifications().map(skew);
  assert.ok(off <= -309 && Math.abs(right) < 5, `${off}, ${right}`);
});

test('a notification can be late', async () => {
  await wechat.control('faults', { notification_delay_s: 60 });
  await pay(wechat.merchantNow());
  await new Promise((resolve) => { setTimeout(resolve, 150); });
  assert.equal(notifications().length, 0);
  await wechat.control('clock', { advance_s: 61 });
  await until(() => notifications().length === 1);
  assert.equal((await wechat.control('faults', { clear: true })).notifications, 'normal');
});
