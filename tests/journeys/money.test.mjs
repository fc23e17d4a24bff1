// Refunds that staff decide, what needs people, and payments nobody told of: console, reconcile, his-sync, notifier.
import assert from 'node:assert/strict';
import test from 'node:test';
import { his, hisFault, hisKeeps, noHisFaults } from './lib/hospital.mjs';
import { SECOND, billed, decide, inTurns, orderNumber, paidOrder, seen, staffOrder, staffPost, staffRefund, wechatKeeps, workOf } from './lib/money.mjs';
import { Person, newKey } from './lib/person.mjs';
import { advance, control, fault, noFaults, openClinic, orderOf, refundsOf, staff, tick } from './lib/stack.mjs';
import { makeNotification, sendNotification, transactionOf } from './lib/wechat.mjs';

const CHEAP_FEN = 4_800;
const DEAR_FEN = 18_600;
/** Of the demo hospital's profile, the default: above this, two people decide. */
const CHECKER_ABOVE_FEN = 10_000;
const BILLS = [
  { kind: 'lab', items: [{ name: '血脂四项', amount: '48.00' }] },
  { kind: 'exam', items: [{ name: '心脏彩超', amount: '186.00' }] },
];
const TOTAL_FEN = CHEAP_FEN + DEAR_FEN;

const lineOf = async (order, fen) => (await staffOrder(order)).lines.find(({ amount_fen }) => amount_fen === fen).line;
const refunds = async (order) => (await staffOrder(order)).refunds;
const arrived = (order) => inTurns('the money is back', async () => (await refunds(order)).every(({ state }) => state === 'succeeded'));
const code = (answer) => answer.json.error?.code;

/** A patient who has paid a cheap and a dear item. */
async function paidTwo(name) {
  const person = await billed(name, BILLS);
  return { person, order: await paidOrder(person) };
}

test.afterEach(async () => {
  await noHisFaults();
  await noFaults();
});

test('staff give one item back: once, and the patient is told', async (t) => {
  const { person, order } = await paidTwo('窗口退费');
  const [line, key] = [await lineOf(order, CHEAP_FEN), newKey()];
  assert.ok(CHEAP_FEN <= CHECKER_ABOVE_FEN);
  const asked = await staffRefund(order, [line], { key });
  assert.equal(asked.status, 200, asked.text);
  assert.deepEqual(asked.json.refunds.map(({ amount_fen, by, lines }) => [amount_fen, by, lines]), [[CHEAP_FEN, 'his-import', [line]]]);

  await t.test('a repeat is the same refund', async () => {
    const again = await staffRefund(order, [line], { key });
    assert.equal(again.status, 200, again.text);
    assert.equal(again.json.refunds.length, 1);
  });
  await t.test('nobody gives the same item back again', async () => {
    assert.equal(code(await staffRefund(order, [line])), 'not_refundable');
    assert.equal(code(await staffRefund(order, [line], { token: SECOND })), 'not_refundable');
  });
  await t.test('the money is back, in all books', async () => {
    await arrived(order);
    assert.equal(await wechatKeeps(order), DEAR_FEN);
    assert.equal(await hisKeeps(order), DEAR_FEN);
    assert.equal((await staffOrder(order)).kept_fen, DEAR_FEN);
  });
  await t.test('the patient reads so, in the chat and on the receipt', async () => {
    const view = await seen(person, order);
    assert.deepEqual(view.refunds.map(({ state, text }) => [state, text]), [['succeeded', '已到账']]);
    await person.noticeByDay('refunded');
    assert.match((await person.open(`/orders/${order}`)).text, /已到账/);
  });
});

test('above the amount of the profile two people decide', async (t) => {
  const { person, order } = await paidTwo('两人复核');
  const dear = await lineOf(order, DEAR_FEN);
  const asked = await staffRefund(order, [dear], { token: SECOND });
  assert.equal(asked.status, 200, asked.text);
  const [{ out_refund_no: first, state, by }] = asked.json.refunds;
  assert.deepEqual([state, by], ['proposed', 'cashier']);

  await t.test('until then nothing moves, and the work is on the list', async () => {
    await advance(120);
    assert.equal(await wechatKeeps(order), TOTAL_FEN);
    assert.deepEqual(await workOf(order), [{ work: `approve-${first}`, text: '退款待复核' }]);
    assert.deepEqual((await seen(person, order)).refunds.map(({ text }) => text), ['审核中']);
  });
  await t.test('who asked is not the one who agrees, nor who says no', async () => {
    for (const word of ['approve', 'decline']) {
      const own = await decide(order, first, word, { token: SECOND });
      assert.deepEqual([own.status, code(own)], [403, 'same_person']);
    }
  });
  await t.test('declined: the item stays paid, and can be asked for again', async () => {
    const declined = await decide(order, first, 'decline');
    assert.equal(declined.status, 200, declined.text);
    assert.deepEqual(declined.json.refunds.map(({ state }) => state), ['declined']);
    assert.equal(declined.json.kept_fen, TOTAL_FEN);
    assert.deepEqual(await workOf(order), []);
    assert.deepEqual((await seen(person, order)).refunds.map(({ text }) => text), ['未通过']);
    assert.equal((await decide(order, first, 'decline')).status, 200, 'a repeat says the same');
  });
  await t.test('agreed: the money goes back', async () => {
    const again = (await staffRefund(order, [dear], { token: SECOND })).json.refunds.at(-1);
    const agreed = await decide(order, again.out_refund_no, 'approve');
    assert.equal(agreed.status, 200, agreed.text);
    await inTurns('the money is back', async () => (await refunds(order)).at(-1).state === 'succeeded');
    assert.equal(await wechatKeeps(order), CHEAP_FEN);
    assert.equal(await hisKeeps(order), CHEAP_FEN);
  });
});

test('what the hospital has performed is not given back, and all of the rest is', async () => {
  const { person, order } = await paidTwo('已执行');
  const [lab, exam] = person.bills;
  await his('perform', { bill_no: exam.bill_no, item_no: exam.items[0].item_no });
  const asked = (await staffRefund(order)).json.refunds[0];
  assert.equal(asked.amount_fen, TOTAL_FEN, 'no lines named: everything');
  await decide(order, asked.out_refund_no, 'approve', { token: SECOND });
  await inTurns('the hospital says no', async () => (await refunds(order))[0].state === 'declined');
  await person.noticeByDay('refund_declined');
  assert.match((await seen(person, order)).refunds[0].text, /已执行或已取走/);
  assert.equal(await wechatKeeps(order), TOTAL_FEN);
  assert.equal((await staffRefund(order, [await lineOf(order, CHEAP_FEN)])).status, 200, `${lab.bill_no} was not performed`);
  await inTurns('the rest is back', async () => (await refunds(order)).at(-1).state === 'succeeded');
  assert.equal(await wechatKeeps(order), DEAR_FEN);
  assert.equal(await hisKeeps(order), DEAR_FEN);
});

test('a registration goes back by cancelling the visit', async () => {
  const where = await openClinic({ name: '挂号退费', in_min: 150, numbers: 1 });
  const person = await Person.ready('挂号退费');
  const order = orderNumber(await person.book(where));
  const answer = await staffRefund(order);
  assert.deepEqual([answer.status, code(answer)], [409, 'cancel_instead']);
  assert.equal((await refunds(order)).length, 0);
});

test('orders and refunds that are not there, and wishes that are none', async () => {
  const { order } = await paidTwo('乱填');
  assert.equal((await staff('GET', 'orders/nobody_01')).status, 404);
  assert.equal((await staffRefund('nobody_01')).status, 404);
  assert.equal(code(await decide(order, `${order}_R9`, 'approve')), 'cannot_refund');
  for (const lines of [[], [0], [9]]) assert.equal(code(await staffRefund(order, lines)), 'not_refundable', `${lines}`);
  assert.equal(code(await staffRefund(order, [1], { key: '' })), 'bad_request');
  assert.equal((await staffPost(`orders/${order}/refunds`, { lines: ['1'], idempotency_key: newKey() })).status, 400);
});

test('a refund WeChat cannot return is for people', async (t) => {
  const { person, order } = await paidTwo('卡已注销');
  await fault({ path: 'refund', kind: 'abnormal' });
  const number = (await staffRefund(order, [await lineOf(order, CHEAP_FEN)])).json.refunds[0].out_refund_no;
  await inTurns('it is on the worklist', async () => (await workOf(order)).length > 0);

  await t.test('with its reason, to staff and to the patient', async () => {
    assert.deepEqual(await workOf(order), [{ work: `return-${number}`, text: '退款异常：付款卡已注销或冻结' }]);
    assert.match((await seen(person, order)).refunds[0].text, /请联系收费处/);
    assert.equal(code(await staffRefund(order, [await lineOf(order, CHEAP_FEN)])), 'not_refundable', 'it is not asked for a second time');
    assert.equal(code(await staffPost(`orders/${order}/remarks`, { work: `return-${number}`, text: '已处理' })), 'cannot_refund', 'a remark alone is no money');
  });
  await t.test('asked about again before anybody has handled it: still for people', async () => {
    assert.equal((await decide(order, number, 'retry')).json.refunds[0].state, 'accepted');
    await inTurns('it is back on the worklist', async () => (await workOf(order)).length > 0);
  });
  await t.test('finance handled it at WeChat: asked about, and done', async () => {
    await control('refund-returned', { out_refund_no: number });
    assert.equal((await decide(order, number, 'retry')).status, 200);
    await arrived(order);
    assert.deepEqual(await workOf(order), []);
    await person.noticeByDay('refunded');
  });
});

test('a refund that finance returned by another way', async () => {
  const { person, order } = await paidTwo('线下退回');
  await fault({ path: 'refund', kind: 'abnormal' });
  const number = (await staffRefund(order, [await lineOf(order, CHEAP_FEN)])).json.refunds[0].out_refund_no;
  assert.equal(code(await decide(order, number, 'returned-outside')), 'cannot_refund', 'WeChat may still return it');
  await inTurns('it is on the worklist', async () => (await workOf(order)).length > 0);
  const outside = await decide(order, number, 'returned-outside', { token: SECOND });
  assert.equal(outside.json.refunds[0].state, 'outside');
  assert.equal((await decide(order, number, 'returned-outside')).status, 200, 'a repeat says the same');
  assert.deepEqual(await workOf(order), []);
  assert.equal((await seen(person, order)).refunds[0].text, '已由收费处退回');
  assert.equal((await staffOrder(order)).kept_fen, DEAR_FEN);
});

test('a refund WeChat closed is asked for under a new number', async () => {
  const { order } = await paidTwo('退款关闭');
  await fault({ path: 'refund', kind: 'closed' });
  const number = (await staffRefund(order, [await lineOf(order, CHEAP_FEN)])).json.refunds[0].out_refund_no;
  await inTurns('it is on the worklist', async () => (await workOf(order)).length > 0);
  const again = await decide(order, number, 'retry');
  assert.notEqual(again.json.refunds.at(-1).out_refund_no, number);
  assert.equal(code(await decide(order, number, 'retry')), 'cannot_refund', 'once');
  await inTurns('the money is back', async () => (await refunds(order)).at(-1).state === 'succeeded');
  assert.equal(await wechatKeeps(order), DEAR_FEN);
  assert.equal(await hisKeeps(order), DEAR_FEN);
});

test('the hospital’s own system refuses a registration: the visit stands, staff settle it', async () => {
  const where = await openClinic({ name: '拒绝入账', in_min: 150, numbers: 1 });
  const person = await Person.ready('拒绝入账');
  await hisFault('fees-post', 'refuse', { error: 'NO_SUCH_CARD' });
  const key = await person.book(where);
  const order = orderNumber(key);
  await inTurns('it is on the worklist', async () => (await workOf(order)).length > 0);
  const [{ work, text }] = await workOf(order);
  assert.deepEqual([work, text], ['his_refused', '医院系统未接受挂号收费（NO_SUCH_CARD）']);
  assert.equal((await person.appointment(key)).state, 'booked');
  assert.deepEqual(await refundsOf(key), []);
  const remark = (body) => staffPost(`orders/${order}/remarks`, body);
  assert.deepEqual([(await remark({ work, text: ' ' })).status, code(await remark({ work, text: ' ' }))], [422, 'bad_remark']);
  assert.equal(code(await remark({ work: 'disputed-x', text: '无此事' })), 'cannot_refund');
  const settled = await remark({ work, text: '已在窗口补录' });
  assert.deepEqual(settled.json.remarks.map(({ by, text }) => [by, text]), [['his-import', '已在窗口补录']]);
  assert.deepEqual(await workOf(order), []);
});

test('WeChat reports another amount: nothing moves, and people look at it', async () => {
  const where = await openClinic({ name: '金额不符', in_min: 150, numbers: 1 });
  const person = await Person.ready('金额不符');
  const key = await person.hold(where);
  const request = await person.prepay(key);
  const order = orderNumber(key);
  const { body } = (await orderOf(key))[0];
  const paid = await transactionOf({ out_trade_no: order, openid: body.payer.openid, fen: body.amount.total - 1 });
  const answer = await sendNotification(await makeNotification(paid));
  assert.deepEqual([answer.status, answer.json.code], [400, 'FAIL']);
  assert.equal((await person.appointment(key)).state, 'held');
  const [{ work, text }] = await workOf(order);
  assert.deepEqual([work, text], [`disputed-${paid.transaction_id}`, '微信报告的付款与订单不符：12.49元']);
  await staffPost(`orders/${order}/remarks`, { work, text: '微信侧已核实并退回' });
  assert.deepEqual(await workOf(order), []);
  assert.equal((await person.do('pay', { ...request, decision: 'pay' })).result, 'ok');
  await person.state(key, 'booked');
});

test('a payment nobody tells of is found by asking WeChat', async (t) => {
  const where = await openClinic({ name: '丢通知', in_min: 150, numbers: 2 });
  /** Pays, and closes the page before it could ask. */
  const paidUnheard = async (name) => {
    const person = await Person.ready(name);
    const key = await person.hold(where);
    await control('faults', { notifications: 'off' });
    await person.pay(key);
    await person.do('close');
    assert.equal((await person.appointment(key)).state, 'held');
    return { person, key };
  };
  await t.test('a minute after the order was made', async () => {
    const { person, key } = await paidUnheard('一分钟');
    await advance(61);
    await tick();
    await person.state(key, 'booked');
    await person.notice('booked');
    assert.deepEqual(await refundsOf(key), []);
  });
  await t.test('or, when WeChat gives no answer then, five minutes after', async () => {
    const { person, key } = await paidUnheard('五分钟');
    await fault({ path: `/v3/pay/transactions/out-trade-no/${orderNumber(key)}`, kind: 'fail_before', count: 9 });
    await advance(61);
    await tick();
    assert.equal((await person.appointment(key)).state, 'held');
    await noFaults();
    await advance(240);
    await tick();
    await person.state(key, 'booked');
  });
});
