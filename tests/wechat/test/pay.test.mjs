// WeChat Pay, from a client that was written apart from the stand-in.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { startHospital, startStandIn, until } from './helpers.mjs';

const JSAPI = '/v3/pay/transactions/jsapi';
const REFUNDS = '/v3/refund/domestic/refunds';
let hospital;
let wechat;
let openid;
let answer;
before(async () => {
  hospital = await startHospital(() => answer());
  wechat = await startStandIn(hospital);
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

const query = (number) => `/v3/pay/transactions/out-trade-no/${number}?mchid=${wechat.config.mch_id}`;
const prepay = async (order) => (await wechat.merchant.call('POST', JSAPI, order)).value.prepay_id;
const pay = async (order, decision = 'pay', who = 'lin') => wechat.control(`people/${who}/pay`, { ...wechat.merchant.sheet(await prepay(order)), decision });
const notified = (count = 1) => until(() => hospital.of('/pay/notify').length >= count && hospital.of('/pay/notify'));
const records = async () => (await wechat.control('books')).notifications;

async function paidOrder(change) {
  const order = wechat.merchant.order(openid, change);
  assert.equal((await pay(order)).result, 'ok');
  return order;
}

test('prepay, sheet, notification, query: the whole round', async () => {
  const order = wechat.merchant.order(openid, { attach: 'a-1' });
  const made = await wechat.merchant.call('POST', JSAPI, order);
  assert.equal(made.status, 200);
  assert.ok(made.signed);
  const before = await wechat.merchant.call('GET', query(order.out_trade_no));
  assert.deepEqual([before.value.trade_state, before.value.attach, before.signed], ['NOTPAY', undefined, true]);
  const sheet = wechat.merchant.sheet(made.value.prepay_id);
  const preview = await wechat.control('people/lin/pay', { ...sheet, decision: 'preview' });
  assert.deepEqual([preview.result, preview.fen, preview.description], ['preview', 2500, '门诊服务费']);
  assert.equal((await wechat.control('people/lin/pay', { ...sheet, decision: 'cancel' })).result, 'cancel');
  assert.equal((await wechat.control('people/lin/pay', { ...sheet, decision: 'pay' })).result, 'ok');
  const [call] = await notified();
  assert.ok(wechat.merchant.verify(call.headers, call.body));
  const event = JSON.parse(call.body);
  const resource = wechat.merchant.open(event);
  const after = await wechat.merchant.call('GET', query(order.out_trade_no));
  assert.equal(event.event_type, 'TRANSACTION.SUCCESS');
  assert.deepEqual(resource, after.value);
  assert.deepEqual([resource.trade_state, resource.attach, resource.amount.total, resource.payer.openid], ['SUCCESS', 'a-1', 2500, openid]);
  const byId = await wechat.merchant.call('GET', `/v3/pay/transactions/id/${resource.transaction_id}?mchid=${wechat.config.mch_id}`);
  assert.deepEqual(byId.value, after.value);
  assert.equal((await wechat.control('people/lin/pay', { ...sheet, decision: 'pay' })).result, 'fail');
});

test('answers are signed with the key that was asked for', async () => {
  const { platform_certificate, platform_public_key } = wechat.config;
  for (const serial of [platform_certificate.serial, platform_public_key.id]) {
    const reply = await wechat.merchant.call('POST', JSAPI, wechat.merchant.order(openid), { headers: { 'wechatpay-serial': serial } });
    assert.ok(reply.signed);
    assert.equal(reply.headers['wechatpay-serial'], serial);
  }
  assert.equal((await wechat.merchant.call('POST', JSAPI, wechat.merchant.order(openid), { headers: { 'wechatpay-serial': 'PUB_KEY_ID_9' } })).status, 400);
});

test('wrong signatures are refused', async () => {
  const now_s = wechat.world.clock.now_s();
  const wrong = {
    'another body': { signedBody: '{}' },
    'another merchant': { mchid: '1900000000' },
    'another serial': { serial: 'AB' },
    'too old': { timestamp: String(now_s - 301) },
    'too new': { timestamp: String(now_s + 301) },
    'no header': { headers: { authorization: 'Bearer x' } },
  };
  for (const [name, change] of Object.entries(wrong)) {
    const { status, value } = await wechat.merchant.call('POST', JSAPI, wechat.merchant.order(openid), change);
    assert.deepEqual([status, value.code], [401, 'SIGN_ERROR'], name);
  }
  assert.equal((await wechat.merchant.call('POST', JSAPI, wechat.merchant.order(openid), { timestamp: String(now_s - 290) })).status, 200);
});

test('order fields out of bounds are refused', async () => {
  const wrong = {
    out_trade_no: ['short', 'x'.repeat(33), '有中文的号码', undefined],
    description: ['', 'x'.repeat(128), '门'.repeat(43), undefined],
    notify_url: ['http://hospital.example/notify', `${hospital.url}/notify?a=1`, `https://a.example/${'x'.repeat(250)}`],
    time_expire: ['2026-11-23T10:00:00Z', 'soon', '2099-01-01T00:00:00+08:00'],
    attach: ['x'.repeat(129), null],
    amount: [{ total: 0, currency: 'CNY' }, { total: 2.5 }, { total: '2500' }, { total: 1, currency: 'USD' }, { total: 1, fee: 2 }],
    payer: [{}, { openid: '' }],
    unknown: ['field'],
    mchid: ['1900000000'],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      const reply = await wechat.merchant.call('POST', JSAPI, wechat.merchant.order(openid, { [name]: value }));
      assert.deepEqual([reply.status, reply.value.code], [400, 'PARAM_ERROR'], `${name} ${JSON.stringify(value)}`);
    }
  }
  const code = async (change) => (await wechat.merchant.call('POST', JSAPI, wechat.merchant.order(openid, change))).value.code;
  assert.equal(await code({ appid: 'wx1' }), 'APPID_MCHID_NOT_MATCH');
  assert.equal(await code({ payer: { openid: 'o1' } }), 'OPENID_MISMATCH');
});

test('the same order again: same parameters give a new prepay id, changed ones are refused', async () => {
  const order = wechat.merchant.order(openid);
  const first = await prepay(order);
  assert.notEqual(await prepay(order), first);
  const changed = await wechat.merchant.call('POST', JSAPI, { ...order, amount: { total: 1, currency: 'CNY' } });
  assert.deepEqual([changed.status, changed.value.code], [400, 'INVALID_REQUEST']);
  assert.match(changed.headers['request-id'], /-268498688$/);
  await pay(order);
  assert.equal((await wechat.merchant.call('POST', JSAPI, order)).value.code, 'ORDERPAID');
});

test('close: 204 again and again, not once paid, and no payment after', async () => {
  const order = wechat.merchant.order(openid);
  const sheet = wechat.merchant.sheet(await prepay(order));
  const close = (number) => wechat.merchant.call('POST', `/v3/pay/transactions/out-trade-no/${number}/close`, { mchid: wechat.config.mch_id });
  for (let i = 0; i < 2; i += 1) {
    const closed = await close(order.out_trade_no);
    assert.deepEqual([closed.status, closed.signed], [204, true]);
  }
  assert.equal((await wechat.control('people/lin/pay', { ...sheet, decision: 'pay' })).result, 'fail');
  assert.equal((await wechat.merchant.call('POST', JSAPI, order)).value.code, 'ORDER_CLOSED');
  assert.equal((await wechat.merchant.call('GET', query(order.out_trade_no))).value.trade_state, 'CLOSED');
  assert.equal((await close('NOBODY1')).status, 404);
  const paid = await paidOrder();
  assert.deepEqual([(await close(paid.out_trade_no)).status, (await close(paid.out_trade_no)).value.code], [400, 'ORDERPAID']);
});

test('queries: unknown orders and foreign merchants find nothing', async () => {
  const order = wechat.merchant.order(openid);
  await prepay(order);
  assert.equal((await wechat.merchant.call('GET', query('NOBODY1'))).value.code, 'ORDER_NOT_EXIST');
  assert.equal((await wechat.merchant.call('GET', query(order.out_trade_no).replace(/mchid=.*/, 'mchid=1'))).status, 404);
});

test('the sheet refuses wrong signatures, other people, old prepays, expired orders', async () => {
  const now_ms = Date.now();
  const expire = new Date(now_ms + 8 * 3600_000 + 120_000).toISOString().slice(0, 19);
  const order = wechat.merchant.order(openid, { time_expire: `${expire}+08:00` });
  const sheet = wechat.merchant.sheet(await prepay(order));
  const result = async (change, who = 'lin') => (await wechat.control(`people/${who}/pay`, { ...sheet, decision: 'pay', ...change })).result;
  assert.equal(await result({ nonceStr: 'other' }), 'fail');
  assert.equal(await result({ signType: 'MD5' }), 'fail');
  assert.equal(await result({ paySign: undefined }), 'fail');
  assert.equal(await result({}, 'zhou'), 'fail');
  await wechat.control('clock', { advance_s: 121 });
  assert.match((await wechat.control('people/lin/pay', { ...sheet, decision: 'pay' })).err_desc, /截止/);
  const second = wechat.merchant.sheet(await prepay(wechat.merchant.order(openid)));
  await wechat.control('clock', { advance_s: 7200 });
  assert.match((await wechat.control('people/lin/pay', { ...second, decision: 'pay' })).err_desc, /2 小时/);
});

test('notifications come with both key kinds', async () => {
  const serials = new Set();
  for (const mode of ['cert', 'pubkey', 'normal', 'normal']) {
    hospital.seen.length = 0;
    await wechat.control('faults', { notifications: mode });
    await paidOrder();
    const [call] = await notified();
    assert.ok(wechat.merchant.verify(call.headers, call.body), mode);
    if (mode === 'normal') serials.add(call.headers['wechatpay-serial']);
    if (mode === 'cert') assert.equal(call.headers['wechatpay-serial'], wechat.config.platform_certificate.serial);
    if (mode === 'pubkey') assert.equal(call.headers['wechatpay-serial'], wechat.config.platform_public_key.id);
  }
  assert.equal(serials.size, 2);
});

test('notifications: off, doubled, probed, forged', async () => {
  await wechat.control('faults', { notifications: 'off' });
  await paidOrder();
  assert.equal((await records())[0].state, 'suppressed');
  await wechat.control('faults', { notifications: 'duplicate' });
  await paidOrder();
  const doubled = await notified(2);
  assert.notEqual(JSON.parse(doubled[0].body).id, JSON.parse(doubled[1].body).id);
  hospital.seen.length = 0;
  await wechat.control('faults', { notifications: 'probe' });
  await paidOrder();
  const [probe, honest] = await notified(2);
  assert.match(probe.headers['wechatpay-signature'], /^WECHATPAY\/SIGNTEST\//);
  assert.ok(!wechat.merchant.verify(probe.headers, probe.body) && wechat.merchant.verify(honest.headers, honest.body));
  hospital.seen.length = 0;
  await wechat.control('faults', { notifications: 'forged' });
  await paidOrder();
  const [forged] = await notified();
  assert.ok(!wechat.merchant.verify(forged.headers, forged.body));
});

test('a refused notification comes again on schedule until it is taken', async () => {
  let calls = 0;
  answer = () => {
    calls += 1;
    return calls < 3 ? { status: 500, body: '{"code":"FAIL"}' } : { body: '{"code":"SUCCESS"}' };
  };
  await paidOrder();
  await notified();
  await wechat.control('clock', { advance_s: 15 });
  await notified(2);
  await wechat.control('clock', { advance_s: 15 });
  const all = await notified(3);
  assert.equal(new Set(all.map((call) => wechat.merchant.open(JSON.parse(call.body)).transaction_id)).size, 1);
  await until(async () => (await records())[0].state === 'taken');
});

test('refunds: processing, then success with a notification', async () => {
  const order = await paidOrder();
  await notified();
  const wish = { out_trade_no: order.out_trade_no, out_refund_no: 'R-1', reason: '取消预约', notify_url: order.notify_url, amount: { refund: 1000, total: 2500, currency: 'CNY' } };
  const made = await wechat.merchant.call('POST', REFUNDS, wish);
  assert.deepEqual([made.status, made.value.status, made.signed], [200, 'PROCESSING', true]);
  const [, call] = await notified(2);
  const event = JSON.parse(call.body);
  const resource = wechat.merchant.open(event);
  assert.deepEqual([event.event_type, event.resource.original_type, resource.refund_status, resource.amount.refund], ['REFUND.SUCCESS', 'refund', 'SUCCESS', 1000]);
  assert.equal((await wechat.merchant.call('GET', `${REFUNDS}/R-1`)).value.status, 'SUCCESS');
  assert.equal((await wechat.merchant.call('POST', REFUNDS, wish)).value.refund_id, made.value.refund_id);
  assert.equal((await wechat.merchant.call('GET', query(order.out_trade_no))).value.trade_state, 'REFUND');
  const code = async (change) => (await wechat.merchant.call('POST', REFUNDS, { ...wish, ...change })).value.code;
  assert.equal(await code({ reason: '别的' }), 'INVALID_REQUEST');
  assert.equal(await code({ out_refund_no: 'R-2' }), 'FREQUENCY_LIMITED');
  await wechat.control('clock', { advance_s: 60 });
  assert.equal(await code({ out_refund_no: 'R-2', amount: { refund: 1501, total: 2500, currency: 'CNY' } }), 'INVALID_REQUEST');
  assert.equal(await code({ out_refund_no: 'R-2', amount: { refund: 1500, total: 2400, currency: 'CNY' } }), 'INVALID_REQUEST');
  assert.equal(await code({ out_refund_no: 'R-2', amount: { refund: 1500, total: 2500, currency: 'CNY' } }), undefined);
});

test('refunds: fields, unpaid and unknown orders, too late, too many', async () => {
  const order = await paidOrder({ amount: { total: 100, currency: 'CNY' } });
  const wish = { out_trade_no: order.out_trade_no, out_refund_no: 'R-1', amount: { refund: 1, total: 100, currency: 'CNY' } };
  const code = async (change) => (await wechat.merchant.call('POST', REFUNDS, { ...wish, ...change })).value.code;
  assert.equal(await code({ transaction_id: '4200' }), 'PARAM_ERROR');
  assert.equal(await code({ out_trade_no: undefined }), 'PARAM_ERROR');
  assert.equal(await code({ out_refund_no: 'R?1' }), 'PARAM_ERROR');
  assert.equal(await code({ reason: '因'.repeat(27) }), 'PARAM_ERROR');
  assert.equal(await code({ amount: { refund: 1, total: 100 } }), 'PARAM_ERROR');
  assert.equal(await code({ note: 'x' }), 'PARAM_ERROR');
  assert.equal(await code({ out_trade_no: 'NOBODY1' }), 'RESOURCE_NOT_EXISTS');
  const unpaid = wechat.merchant.order(openid);
  await prepay(unpaid);
  assert.equal(await code({ out_trade_no: unpaid.out_trade_no, amount: { refund: 1, total: 2500, currency: 'CNY' } }), 'INVALID_REQUEST');
  for (let i = 0; i < 50; i += 1) {
    assert.equal(await code({ out_refund_no: `R-${i}` }), undefined);
    await wechat.control('clock', { advance_s: 60 });
  }
  assert.equal(await code({ out_refund_no: 'R-50' }), 'RULE_LIMIT');
  const late = await paidOrder();
  await wechat.control('clock', { advance_s: 366 * 86_400 });
  assert.equal(await code({ out_trade_no: late.out_trade_no, out_refund_no: 'L-1', amount: { refund: 1, total: 2500, currency: 'CNY' } }), 'RULE_LIMIT');
});

test('a refund may end abnormal', async () => {
  const order = await paidOrder();
  await notified();
  await wechat.control('faults', { path: 'refund', kind: 'abnormal' });
  await wechat.merchant.call('POST', REFUNDS, { out_trade_no: order.out_trade_no, out_refund_no: 'R-1', amount: { refund: 1, total: 2500, currency: 'CNY' } });
  const [, call] = await notified(2);
  assert.equal(JSON.parse(call.body).event_type, 'REFUND.ABNORMAL');
});

test('faults of the pay API: before, after, code, bad signatures', async () => {
  const order = wechat.merchant.order(openid);
  await wechat.control('faults', { path: JSAPI, kind: 'fail_after', status: 503 });
  const failed = await fetchStatus(order);
  assert.equal(failed, 503);
  assert.equal((await wechat.merchant.call('GET', query(order.out_trade_no))).value.trade_state, 'NOTPAY');
  await wechat.control('faults', { path: JSAPI, kind: 'errcode', code: 'SYSTEM_ERROR', status: 500 });
  assert.equal(await fetchStatus(order), 500);
  for (const kind of ['probe', 'forged']) {
    await wechat.control('faults', { path: 'pay-response', kind });
    assert.equal((await wechat.merchant.call('GET', query(order.out_trade_no))).signed, false);
  }
});

const fetchStatus = async (order) => {
  try {
    return (await wechat.merchant.call('POST', JSAPI, order)).status;
  } catch {
    // The client verifies every answer; a failed one carries no signature, so the log tells its status.
    return (await wechat.control('calls')).calls.at(-1).status;
  }
};
