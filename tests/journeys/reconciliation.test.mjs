// The books of a day (对账): WeChat's bill, ours, the hospital's file. A day that agrees closes by itself; one that does not
// is worked off by one person and signed by another. The functions: reconcile, his-sync, console.
import assert from 'node:assert/strict';
import test from 'node:test';
import { his, hisFault, hisKeeps, noHisFaults } from './lib/hospital.mjs';
import { SECOND, billed, chosen, inTurns, orderNumber, paidOrder, payOrder, seen, staffOrder, staffPost, staffRefund, wechatKeeps } from './lib/money.mjs';
import { Person } from './lib/person.mjs';
import { HOSPITAL, civilDate, control, fault, moveTo, noFaults, now, openClinic, refundsOf, settings, staff, tick } from './lib/stack.mjs';

const FEE_FEN = 1_250;
const at = (day, clock) => Date.parse(`${day}T${clock}+08:00`);
const tomorrow = async () => civilDate(await now(), 1);
const code = (answer) => answer.json.error?.code;

const shown = async (day) => {
  const answer = await staff('GET', `reconciliations/${day}`);
  return answer.status === 200 ? answer.json : undefined;
};
/** Goes to the time when the bill of `day` is ready, and lets the day be compared until `wanted`. */
async function compared(day, wanted) {
  await moveTo(at(civilDate(at(day, '12:00:00'), 1), '10:31:00'));
  return inTurns(`${day} is ${wanted}`, async () => {
    await tick();
    const view = await shown(day);
    return view?.state === wanted && view;
  });
}
/** The bytes of the export: reading it as text would swallow its byte order mark. */
const rawExport = async (day) => {
  const answer = await fetch(`${HOSPITAL}/staff/reconciliations/${day}/export`, { headers: { authorization: `Bearer ${settings.STAFF_TOKEN}` } });
  return Buffer.from(await answer.arrayBuffer());
};
const paidVisit = async (where, name) => {
  const person = await Person.ready(name);
  const key = await person.book(where);
  return { person, key, order: orderNumber(key) };
};
const settled = (visits) => inTurns('the hospital has every payment', async () => {
  const kept = await Promise.all(visits.map(({ order }) => hisKeeps(order)));
  return kept.every((fen) => fen === FEE_FEN);
});

test.afterEach(async () => {
  await noHisFaults();
  await noFaults();
});

test('a day whose three books agree closes by itself, and stays as it is', async (t) => {
  const day = await tomorrow();
  await moveTo(at(day, '09:00:00'));
  const where = await openClinic({ name: '平账门诊', in_min: 150, numbers: 3 });
  const kept = await paidVisit(where, '平账');
  const given = await paidVisit(where, '退账');
  await settled([kept, given]);
  await given.person.cancel(given.key);
  const patient = await billed('缴费平账');
  const bills = await paidOrder(patient);
  const { lines } = await staffOrder(bills);
  await staffRefund(bills, [lines[0].line]);
  const left = lines.slice(1).reduce((sum, { amount_fen }) => sum + amount_fen, 0);
  await inTurns('what goes back is back, and the hospital knows', async () =>
    (await wechatKeeps(given.order)) === 0 && (await hisKeeps(given.order)) === 0 && (await wechatKeeps(bills)) === left && (await hisKeeps(bills)) === left);

  const closed = await compared(day, 'balanced_closed');
  await t.test('the sums of the three are the same', () => {
    assert.deepEqual(closed.totals.ours, closed.totals.wechat);
    assert.deepEqual(closed.totals.his, closed.totals.wechat);
    assert.equal(closed.totals.ours.payments.count, 3);
    assert.equal(closed.totals.ours.refunds.count, 2);
    assert.equal(closed.differences, 0);
  });
  await t.test('nothing of it changes any more', async () => {
    for (const what of ['run', 'sign-off']) assert.equal(code(await staffPost(`reconciliations/${day}/${what}`)), 'day_closed', what);
  });
  await t.test('it is in the list of days', async () => {
    const listed = await staff('GET', `reconciliations?from=${day}&to=${day}`);
    assert.deepEqual(listed.json.days.map(({ date, state }) => [date, state]), [[day, 'balanced_closed']]);
  });
  await t.test('a day that is not over cannot be compared', async () => {
    assert.equal(code(await staffPost(`reconciliations/${await tomorrow()}/run`)), 'day_not_comparable');
  });
});

test('every way the books can differ is found, worked off and signed', async (t) => {
  const day = await tomorrow();
  await moveTo(at(day, '09:00:00'));
  const where = await openClinic({ name: '错账门诊', in_min: 150, numbers: 8 });
  const names = ['单边', '微信缺', '院内缺', '金额', '重复', '退款异常'];
  const visits = [];
  for (const name of names) visits.push(await paidVisit(where, name));
  const [alone, notAtWechat, notAtHis, otherAmount, twice, abnormal] = visits;
  await settled(visits);

  await fault({ path: 'refund', kind: 'abnormal' });
  await abnormal.person.cancel(abnormal.key);
  await inTurns('WeChat cannot return it', async () => (await refundsOf(abnormal.key))[0]?.status === 'ABNORMAL');

  const refusedPatient = await billed('拒账');
  await hisFault('fees-post', 'refuse', { error: 'BILL_VOID' });
  const refusedOrder = await chosen(refusedPatient);
  await payOrder(refusedPatient, refusedOrder);
  await inTurns('the money of what the hospital refused is back', async () => (await wechatKeeps(refusedOrder)) === 0);

  // Nobody tells of this payment, and WeChat gives no answer about it until the bill is there.
  const unheard = { person: await Person.ready('无消息') };
  unheard.key = await unheard.person.hold(where);
  unheard.order = orderNumber(unheard.key);
  await control('faults', { notifications: 'off' });
  await fault({ path: `/v3/pay/transactions/out-trade-no/${unheard.order}*`, kind: 'fail_before', count: 9_999 });
  await unheard.person.pay(unheard.key);

  const row = (serial, amount) => ({ serial, kind: 'PAY', original_serial: '', amount, at: `${day}T12:00:00+08:00`, receipt_no: `T${serial}` });
  const [foreign, ofWindow, ofBoth] = ['other-system-1', 'window-only-1', 'both-but-us-1'];
  const bill = (change) => control('bill', { day, ...change });
  const file = (change) => his('day-file', { day, ...change });
  await bill({ add: { out_trade_no: foreign, total_fen: 9_900 } });
  await bill({ add: { out_trade_no: ofBoth, total_fen: 700 } });
  await bill({ add: { out_trade_no: twice.order, total_fen: FEE_FEN } });
  await bill({ drop: alone.order });
  await bill({ drop: notAtWechat.order });
  await bill({ alter: { number: otherAmount.order, amount_fen: FEE_FEN + 1 } });
  await file({ drop: alone.order });
  await file({ drop: notAtHis.order });
  await file({ add: row(ofWindow, '8.00') });
  await file({ add: row(ofBoth, '7.00') });
  await file({ add: row(refusedOrder, '139.80') });

  const found = await compared(day, 'differences');
  const expected = {
    only_wechat: foreign, only_ours: alone.order, only_his: ofWindow, missing_in_ours: ofBoth, missing_at_wechat: notAtWechat.order,
    missing_at_his: notAtHis.order, unexpected_at_his: refusedOrder, amount: otherAmount.order, state: `${abnormal.order}_R1`, twice: twice.order,
  };
  const caseOf = (view, number, kind) => view.cases.find((entry) => entry.number === number && entry.class === kind);
  for (const [kind, number] of Object.entries(expected)) {
    await t.test(`found: ${kind}`, () => assert.equal(caseOf(found, number, kind)?.state, 'open', JSON.stringify(found.cases)));
  }
  await t.test('and nothing else but the payment nobody told of', () => {
    const known = new Set([...Object.values(expected), unheard.order]);
    assert.deepEqual(found.cases.filter(({ number }) => !known.has(number)), []);
    assert.equal(caseOf(found, unheard.order, 'only_wechat')?.state, 'open');
    assert.equal(found.differences, Object.keys(expected).length + 1);
    assert.deepEqual(caseOf(found, otherAmount.order, 'amount').amounts_fen, { wechat: FEE_FEN + 1, ours: FEE_FEN, his: FEE_FEN });
  });

  await t.test('the bill stands in for the lost notification: booked, and given back once, for the turn is over', async () => {
    await noFaults();
    assert.equal((await staffPost(`reconciliations/${day}/run`)).status, 200);
    await inTurns('the difference is gone', async () => {
      await tick();
      const view = await shown(day);
      if (view.state === 'differences' && caseOf(view, unheard.order, 'only_wechat').state === 'gone') return true;
      if (view.state === 'differences') await staffPost(`reconciliations/${day}/run`);
      return false;
    });
    await inTurns('the money is back', async () => (await wechatKeeps(unheard.order)) === 0);
    assert.equal((await refundsOf(unheard.key)).length, 1);
    await unheard.person.notice('refused');
  });
  await t.test('mended at the hospital and compared again: gone by itself', async () => {
    await file({ clear: true });
    await staffPost(`reconciliations/${day}/run`);
    const view = await inTurns('it was compared again', async () => {
      await tick();
      const seenNow = await shown(day);
      return seenNow.state === 'differences' && caseOf(seenNow, notAtHis.order, 'missing_at_his').state === 'gone' && seenNow;
    });
    assert.equal(caseOf(view, ofWindow, 'only_his').state, 'gone');
    assert.equal(caseOf(view, otherAmount.order, 'amount').state, 'open');
  });

  const open = (await shown(day)).cases.filter(({ state }) => state === 'open');
  const work = (entry, word, note, options) => staffPost(`reconciliations/${day}/differences/${entry.difference}/${word}`, { note }, options);
  await t.test('nobody signs while differences are open', async () => {
    assert.equal(code(await staffPost(`reconciliations/${day}/sign-off`, {}, { token: SECOND })), 'differences_open');
  });
  await t.test('notes and resolutions stay with their difference', async () => {
    assert.equal((await work(open[0], 'note', '已联系微信支付，"次日"答复')).status, 200);
    assert.equal(code(await work(open[0], 'note', '')), 'bad_note');
    for (const entry of open) {
      const resolved = await work(entry, 'resolve', '已核实');
      assert.deepEqual([resolved.status, resolved.json.state, resolved.json.resolved_by], [200, 'resolved', 'his-import']);
    }
    assert.equal(code(await work(open[0], 'resolve', '再来一次')), 'difference_not_open');
  });
  await t.test('who resolved the last one does not sign; a second person does', async () => {
    assert.equal(code(await staffPost(`reconciliations/${day}/sign-off`)), 'same_person');
    const signed = await staffPost(`reconciliations/${day}/sign-off`, {}, { token: SECOND });
    assert.deepEqual([signed.json.state, signed.json.signed_by], ['signed_off', 'cashier']);
  });
  await t.test('a closed day cannot change', async () => {
    for (const what of ['run', 'sign-off']) assert.equal(code(await staffPost(`reconciliations/${day}/${what}`)), 'day_closed', what);
    assert.equal(code(await work(open[0], 'note', '晚了')), 'day_closed');
  });
  await t.test('the export opens in a spreadsheet with its Chinese intact', async () => {
    const answer = await staff('GET', `reconciliations/${day}/export`);
    assert.equal(answer.headers.get('content-type'), 'application/octet-stream');
    assert.match(answer.headers.get('content-disposition'), new RegExp(`reconciliation-${day}\\.csv`));
    const bytes = await rawExport(day);
    assert.deepEqual([...bytes.subarray(0, 3)], [0xef, 0xbb, 0xbf]);
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const rows = text.trimEnd().split('\r\n');
    assert.match(rows[0], /^日期,差异编号,差异,类型,单号,/);
    for (const number of Object.values(expected)) assert.ok(rows.some((line) => line.includes(number)), number);
    assert.ok(rows.some((line) => line.includes('金额不符') && line.includes('12.51') && line.includes('12.50')), text);
    assert.ok(text.includes('已联系微信支付，""次日""答复'), text);
    assert.ok(rows.every((line) => !/(^|,)[=+@-]/.test(line)), 'no cell is a formula');
  });
  await t.test('what the books said of it changed nothing for the patients', async () => {
    for (const { person } of [alone, { person: refusedPatient }]) await person.signIn();
    // Days have passed and nobody came: the visit and its money stay as they were.
    assert.equal((await alone.person.appointment(alone.key)).state, 'no_show');
    assert.equal((await seen(refusedPatient, refusedOrder)).state, 'refused');
  });
});
