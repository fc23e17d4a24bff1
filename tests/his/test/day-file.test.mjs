// The file of a day: when it is there, what is in it, and what a test can make wrong with it.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import test from 'node:test';
import zlib from 'node:zlib';
import { paidAt, postOf, refundOf, startStandIn } from './helpers.mjs';

const DAY = '2026-11-23';
const at = (world, time) => { world.clock.offset_s = Math.ceil((Date.parse(time) - Date.now()) / 1000); };

async function rowsOf(his, day = DAY) {
  const answer = await his.dayFile(`day=${day}`);
  assert.deepEqual([answer.status, answer.headers.get('content-type'), answer.isSigned], [200, 'application/gzip', true]);
  const text = zlib.gunzipSync(answer.bytes).toString();
  assert.equal(answer.headers.get('x-his-sha256'), crypto.createHash('sha256').update(text).digest('hex'));
  const [header, ...rows] = text.trimEnd().split('\n');
  assert.equal(header, 'serial,kind,original_serial,amount,at,receipt_no');
  return rows;
}

async function dayOfTrade(t) {
  const his = await startStandIn(t);
  at(his.world, '2026-11-23T08:00:00+08:00');
  const bill = await his.bill('10.00', '2.00');
  const { data } = await his.call('fees-post', postOf('a_01', [{ bill_no: bill.bill_no, amount: '12.00' }], '12.00'));
  const items = [{ bill_no: bill.bill_no, item_no: bill.items[1].item_no }];
  const late = { refunded_at: '2026-11-23T16:00:00Z' };
  const { data: refund } = await his.call('refund-post', refundOf('a_01_R1', 'a_01', items, '2.00', late));
  return { his, receipt_no: data.receipt_no, refund_no: refund.refund_no };
}

test('a day is told when it is over, and by the clock of China', async (t) => {
  const { his, receipt_no, refund_no } = await dayOfTrade(t);
  const early = await his.dayFile(`day=${DAY}`);
  assert.deepEqual([early.status, JSON.parse(early.bytes).error, early.isSigned], [200, 'DAY_OPEN', true]);
  at(his.world, '2026-11-25T10:00:00+08:00');
  assert.deepEqual(await rowsOf(his), [`a_01,PAY,,12.00,${paidAt},${receipt_no}`]);
  assert.deepEqual(await rowsOf(his, '2026-11-24'), [`a_01_R1,REFUND,a_01,2.00,2026-11-24T00:00:00+08:00,${refund_no}`]);
  assert.deepEqual(await rowsOf(his, '2026-11-22'), []);
  for (const query of ['day=2026-11-31', 'day=', 'date=2026-11-22', 'day=2026-11-22&x=1']) {
    assert.equal(JSON.parse((await his.dayFile(query)).bytes).error, 'BAD_REQUEST', query);
  }
  assert.equal((await his.dayFile(`day=${DAY}`, { signedTarget: '/his/v1/day-file' })).status, 401);
});

test('a file can be made wrong, and right again', async (t) => {
  const { his, receipt_no } = await dayOfTrade(t);
  at(his.world, '2026-11-25T10:00:00+08:00');
  const right = await rowsOf(his);
  await his.control('day-file', { day: DAY, alter: 'a_01', amount: '12.01' });
  assert.deepEqual(await rowsOf(his), [`a_01,PAY,,12.01,${paidAt},${receipt_no}`]);
  await his.control('day-file', { day: DAY, drop: 'a_01' });
  const add = { serial: 'b_01', kind: 'PAY', original_serial: '', amount: '1.00', at: paidAt, receipt_no: 'R0' };
  await his.control('day-file', { day: DAY, add });
  assert.deepEqual(await rowsOf(his), [`b_01,PAY,,1.00,${paidAt},R0`]);
  await his.control('day-file', { day: DAY, clear: true });
  assert.deepEqual(await rowsOf(his), right);
  for (const wrong of [{}, { drop: 'a', add }, { alter: 'a_01' }, { drop: 1 }]) {
    assert.ok((await his.control('day-file', { day: DAY, ...wrong })).error);
  }
});
