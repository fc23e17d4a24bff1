// Failing on demand: before or after the deed, silent, slow, forged, wrong, or down altogether.
import assert from 'node:assert/strict';
import test from 'node:test';
import { CARD, postOf, startStandIn } from './helpers.mjs';

const POST = '/his/v1/fees-post';
const UNPAID = '/his/v1/fees-unpaid';

async function oneBill(t) {
  const his = await startStandIn(t);
  const { bill_no } = await his.bill('10.00');
  return { his, post: postOf('a_01', [{ bill_no, amount: '10.00' }], '10.00') };
}

const payments = async (his) => (await his.control('books')).payments.length;

for (const [kind, booked] of [['fail_before', 0], ['fail_after', 1]]) {
  test(kind, async (t) => {
    const { his, post } = await oneBill(t);
    await his.control('faults', { path: POST, kind });
    const answer = await his.call('fees-post', post);
    assert.deepEqual([answer.status, answer.isSigned, await payments(his)], [502, false, booked]);
    assert.equal((await his.call('fees-post', post)).code, 0);
    assert.equal(await payments(his), 1);
  });
}

for (const [kind, booked] of [['timeout_before', 0], ['timeout_after', 1]]) {
  test(kind, async (t) => {
    const { his, post } = await oneBill(t);
    await his.control('faults', { path: '/his/v1/*', kind });
    const silence = new Promise((resolve) => { setTimeout(resolve, 200, 'silence'); });
    assert.equal(await Promise.race([his.call('fees-post', post).catch(() => 'hung up'), silence]), 'silence');
    assert.equal(await payments(his), booked);
  });
}

test('slow, refused, forged, wrong', async (t) => {
  const { his, post } = await oneBill(t);
  const fault = (path, kind, more) => his.control('faults', { path, kind, ...more });
  await fault(UNPAID, 'slow', { ms: 150 });
  const before_ms = performance.now();
  assert.equal((await his.call('fees-unpaid', { card_no: CARD })).code, 0);
  assert.ok(performance.now() - before_ms >= 149);
  await fault(POST, 'refuse', { error: 'BUSY', count: 2 });
  for (let i = 0; i < 2; i += 1) {
    const answer = await his.call('fees-post', post);
    assert.deepEqual([answer.code, answer.error, answer.isSigned], [-1, 'BUSY', true]);
  }
  assert.equal(await payments(his), 0);
  await fault(UNPAID, 'wrong_total');
  const wrong = await his.call('fees-unpaid', { card_no: CARD });
  assert.deepEqual([wrong.data.bills[0].total, wrong.isSigned], ['10.01', true]);
  await fault(POST, 'forged');
  const forged = await his.call('fees-post', post);
  assert.deepEqual([forged.code, forged.isSigned, await payments(his)], [0, false, 1]);
  for (const body of [{ path: POST, kind: 'wrong_total' }, { path: POST, kind: 'sleepy' }, { path: POST, kind: 'slow' }, { path: POST, kind: 'refuse' }]) {
    assert.ok((await his.control('faults', body)).error);
  }
});

test('down is down for the desk, not for the test', async (t) => {
  const { his, post } = await oneBill(t);
  await his.control('down', { on: true });
  await assert.rejects(his.call('fees-post', post), /fetch failed/);
  const { calls } = await his.control('calls');
  assert.deepEqual([calls.at(-1).path, calls.at(-1).status], [POST, null]);
  await his.control('down', { on: false });
  assert.equal((await his.call('fees-post', post)).code, 0);
});
