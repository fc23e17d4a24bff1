// The daily trade bill, read by a parser that was written apart from the stand-in.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { startHospital, startStandIn, until } from './helpers.mjs';

const JSAPI = '/v3/pay/transactions/jsapi';
const REFUNDS = '/v3/refund/domestic/refunds';
const CHINA_MS = 8 * 3600_000;
let hospital;
let wechat;
let openid;
before(async () => {
  hospital = await startHospital(() => ({ status: 204 }));
  wechat = await startStandIn(hospital);
});
after(async () => {
  await wechat.close();
  await hospital.close();
});
beforeEach(async () => {
  await wechat.control('reset', {});
  openid = (await wechat.control('people')).people[0].openid;
});

const civil = (ms) => new Date(ms + CHINA_MS).toISOString().slice(0, 10);
const today = () => civil(wechat.world.clock.now_ms());
const nextDayAt = (day, hour) => new Date(Date.parse(`${day}T00:00:00+08:00`) + (24 + hour) * 3600_000).toISOString();
const ask = (day, rest = '&bill_type=ALL&tar_type=GZIP') => wechat.merchant.call('GET', `/v3/bill/tradebill?bill_date=${day}${rest}`);

async function pay(change) {
  const order = wechat.merchant.order(openid, change);
  const { value } = await wechat.merchant.call('POST', JSAPI, order);
  const paid = await wechat.control('people/lin/pay', { ...wechat.merchant.sheet(value.prepay_id), decision: 'pay', coupon_fen: 0 });
  assert.equal(paid.result, 'ok', paid.err_desc);
  return order;
}

async function refund(order, fen, number) {
  const body = { out_trade_no: order.out_trade_no, out_refund_no: number, amount: { refund: fen, total: order.amount.total, currency: 'CNY' } };
  const { status } = await wechat.merchant.call('POST', REFUNDS, body);
  assert.equal(status, 200);
  await until(() => wechat.world.state.refunds[number].status === 'SUCCESS');
}

/** The download of a link: its text, checked against the hash unless told otherwise. */
async function download({ hash_type, hash_value, download_url }, { check = true } = {}) {
  const { pathname, search, origin } = new URL(download_url);
  assert.deepEqual([hash_type, origin], ['SHA1', wechat.url]);
  const answer = await wechat.merchant.call('GET', pathname + search);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['wechatpay-signature'], undefined);
  const clear = gunzipSync(answer.bytes);
  const sha1 = crypto.createHash('sha1').update(clear).digest('hex');
  if (check) assert.equal(sha1, hash_value);
  else assert.notEqual(sha1, hash_value);
  return clear.toString();
}

/** Rows and summary as objects by column. */
function parse(text) {
  assert.ok(text.startsWith('\uFEFF') && text.endsWith('\r\n'));
  const lines = text.slice(1).trimEnd().split('\r\n');
  const summaryAt = lines.findIndex((line) => line.startsWith('总交易单数'));
  const read = (header, line) => {
    const fields = line.slice(1).split(',`');
    assert.equal(fields.length, header.length, line);
    return Object.fromEntries(header.map((name, index) => [name, fields[index]]));
  };
  const header = lines[0].split(',');
  return { rows: lines.slice(1, summaryAt).map((line) => read(header, line)), summary: read(lines[summaryAt].split(','), lines[summaryAt + 1]) };
}

/** The bill of today, as it is tomorrow at eleven. */
async function billOf(day, options) {
  await wechat.control('clock', { set: nextDayAt(day, 11) });
  const { status, value, signed } = await ask(day);
  assert.deepEqual([status, signed], [200, true], JSON.stringify(value));
  return parse(await download(value, options));
}

test('payments and refunds of a day are rows, and the summary adds them up', async () => {
  const day = today();
  const [first, second] = [await pay({ attach: 'a,b' }), await pay({ amount: { total: 1005, currency: 'CNY' } })];
  await refund(first, 790, 'R-1');
  const { rows, summary } = await billOf(day);
  assert.deepEqual(rows.map((row) => [row['商户订单号'], row['交易状态'], row['订单金额'], row['申请退款金额'], row['商户退款单号'], row['退款状态']]), [
    [first.out_trade_no, 'SUCCESS', '25.00', '0.00', '0', ''],
    [second.out_trade_no, 'SUCCESS', '10.05', '0.00', '0', ''],
    [first.out_trade_no, 'REFUND', '0.00', '7.90', 'R-1', 'SUCCESS'],
  ]);
  assert.deepEqual([summary['总交易单数'], summary['订单总金额'], summary['申请退款总金额']], ['3', '35.05', '7.90']);
  assert.equal(rows[0]['商户数据包'], 'a,b');
  assert.match(rows[0]['交易时间'], new RegExp(`^${day} \\d\\d:\\d\\d:\\d\\d$`));
  assert.equal((await ask(civil(wechat.world.clock.now_ms() - 48 * 3600_000))).value.code, 'NO_STATEMENT_EXIST');
});

test('a bill is there from ten on, and a link for five minutes', async () => {
  const day = today();
  await pay();
  for (const hour of [0, 9.99]) {
    await wechat.control('clock', { set: nextDayAt(day, hour) });
    const { status, value } = await ask(day);
    assert.deepEqual([status, value.code], [400, 'STATEMENT_CREATING']);
  }
  await wechat.control('clock', { set: nextDayAt(day, 10) });
  const { value } = await ask(day);
  const target = value.download_url.slice(wechat.url.length);
  assert.equal((await fetch(value.download_url, { headers: { accept: '*/*' } })).status, 401);
  assert.equal((await wechat.merchant.call('GET', target)).status, 200);
  await wechat.control('clock', { advance_s: 300 });
  assert.equal((await wechat.merchant.call('GET', target)).status, 404);
  assert.equal((await wechat.merchant.call('GET', '/v3/billdownload/file?token=none')).status, 404);
});

test('what is asked wrongly is refused', async () => {
  for (const [day, rest, code] of [
    ['2026-02-30', undefined, 'PARAM_ERROR'], ['20260201', undefined, 'PARAM_ERROR'], [today(), '&bill_type=SUCCESS', 'PARAM_ERROR'],
    [today(), '&tar_type=ZIP', 'PARAM_ERROR'], ['2020-01-01', undefined, 'INVALID_REQUEST'], ['2999-01-01', undefined, 'INVALID_REQUEST'],
  ]) assert.equal((await ask(day, rest)).value.code, code, day);
});

test('a bill can be spoiled: rows gone, altered, made up', async () => {
  const day = today();
  const [gone, altered] = [await pay(), await pay()];
  const change = (body) => wechat.control('bill', { day, ...body });
  await change({ drop: gone.out_trade_no });
  await change({ alter: { number: altered.out_trade_no, amount_fen: 2501 } });
  await change({ add: { out_trade_no: 'MADE-UP-1', total_fen: 99 } });
  await change({ add: { out_trade_no: 'MADE-UP-2', out_refund_no: 'MADE-UP-2R', refund_fen: 5 } });
  const { rows, summary } = await billOf(day);
  const found = Object.fromEntries(rows.map((row) => [row['商户退款单号'] === '0' ? row['商户订单号'] : row['商户退款单号'], [row['订单金额'], row['申请退款金额']]]));
  assert.deepEqual(found, { [altered.out_trade_no]: ['25.01', '0.00'], 'MADE-UP-1': ['0.99', '0.00'], 'MADE-UP-2R': ['0.00', '0.05'] });
  assert.deepEqual([summary['总交易单数'], summary['订单总金额']], ['3', '26.00']);
  await change({ clear: true });
  assert.equal((await billOf(day)).rows.length, 2);
  assert.match((await change({})).error, /needed/);
});

test('a file can differ from its hash', async () => {
  const day = today();
  await pay();
  await wechat.control('clock', { set: nextDayAt(day, 11) });
  for (const kind of ['altered', 'cut']) {
    await wechat.control('faults', { path: 'bill-file', kind });
    await download((await ask(day)).value, { check: false });
  }
  await download((await ask(day)).value);
});
