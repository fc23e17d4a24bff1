// Bills of exams, lab and drugs: payment, his-sync, sweeper. Chosen, paid, where to go, given back; and everything that
// goes wrong between WeChat and the hospital's own system.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Person, newKey } from './lib/person.mjs';
import { his, hisDown, hisFault, hisKeeps, noHisFaults } from './lib/hospital.mjs';
import { billed as patient, inTurns, paidOrder, payOrder, seen as orderOf, wechatKeeps as paidAtWechat } from './lib/money.mjs';
import { advance, noFaults } from './lib/stack.mjs';

const THREE_FEN = 13_980;
const HIS_WITHIN_S = 15 * 60;

const shown = async (person) => {
  const answer = await person.get(`/bills?patient=${person.patient}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
};
const listed = (view) => view.visits.flatMap((visit) => visit.bills);
const numbers = (bills) => bills.map(({ bill_no }) => bill_no);

/** The answer to a wish to pay these bills. */
function choose(person, bills = numbers(person.bills), { of = person.patient, more = [] } = {}) {
  const fields = [['patient', of], ['idempotency_key', newKey()], ...bills.map((bill) => ['bill', bill]), ...more];
  return person.post('/bills/orders', fields);
}

async function chosen(person, ...rest) {
  const answer = await choose(person, ...rest);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

const check = async (person, order) => {
  const answer = await person.post(`/orders/${order}/payment-check`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
};

const giveBack = (person, order, lines, key = newKey()) =>
  person.post(`/orders/${order}/refunds`, [['idempotency_key', key], ...lines.map((line) => ['line', String(line)])]);

/** Lets the schedules run until the order is as wanted: the order then. */
const eventually = (what, person, order, wanted) => inTurns(what, async () => {
  const view = await orderOf(person, order);
  return wanted(view) ? view : undefined;
});
const arrived = (view) => view.refunds.length > 0 && view.refunds.every(({ state }) => state === 'succeeded');

test.afterEach(async () => {
  await noHisFaults();
  await noFaults();
});

test('bills are shown by visit, paid in one payment, and the receipt says where to go', async () => {
  const person = await patient('缴费');
  const view = await shown(person);
  assert.equal(view.total_fen, THREE_FEN);
  assert.equal(view.visits.length, 1);
  assert.deepEqual(listed(view).map(({ kind }) => kind).sort(), ['检查', '检验', '药品'].sort());
  assert.deepEqual(listed(view).find(({ kind }) => kind === '药品').items[0],
    { name: '阿托伐他汀钙片', spec: '20mg×7片', quantity: 2, unit: '盒', amount_fen: 6_180 });
  const first = await chosen(person);
  assert.equal(first.state, 'awaiting_pay');
  assert.equal(first.amount_fen, THREE_FEN);
  assert.equal((await chosen(person)).order, first.order, 'a repeat is the same order');
  await payOrder(person, first.order);
  assert.equal((await check(person, first.order)).state, 'paid');
  const receipt = await orderOf(person, first.order);
  assert.equal(receipt.state, 'posted');
  assert.deepEqual(receipt.receipt.places.map(({ text }) => text).sort(),
    ['门诊楼 2 层 采血处 3 号窗口（请空腹）', '门诊楼 3 层 心电图室', '门诊楼 1 层 西药房 5 号窗口'].sort());
  assert.match(receipt.receipt.invoice_url, /^https:/);
  assert.equal(await hisKeeps(first.order), THREE_FEN);
  const after = await shown(person);
  assert.deepEqual(listed(after), []);
  assert.deepEqual(after.orders.map(({ order, state }) => [order, state]), [[first.order, 'posted']]);
  assert.equal((await chosen(person)).order, first.order, 'bills that are paid lead to their receipt');
});

test('one item goes back, once, and arrives', async () => {
  const person = await patient('退一项');
  const order = await paidOrder(person);
  const { lines } = await orderOf(person, order);
  const drug = lines.find(({ name }) => name.startsWith('阿托伐他汀')).line;
  const key = newKey();
  const asked = await giveBack(person, order, [drug], key);
  assert.equal(asked.status, 200, asked.text);
  assert.deepEqual(asked.json.refunds.map(({ state, amount_fen }) => [state, amount_fen]), [['requested', 6_180]]);
  assert.equal((await giveBack(person, order, [drug], key)).json.refunds.length, 1, 'a repeat is the same refund');
  assert.equal((await giveBack(person, order, [drug])).json.error.code, 'not_refundable');
  const view = await eventually('the money is back', person, order, arrived);
  assert.equal(view.state, 'posted');
  assert.doesNotMatch(JSON.stringify(view.receipt.places), /西药房/, 'nobody queues for what was given back');
  assert.equal(await paidAtWechat(order), THREE_FEN - 6_180);
  assert.equal(await hisKeeps(order), THREE_FEN - 6_180);
});

test('what has been performed is not given back', async () => {
  const person = await patient('已检查');
  const order = await paidOrder(person);
  const exam = person.bills.find(({ kind }) => kind === 'exam');
  await his('perform', { bill_no: exam.bill_no, item_no: exam.items[0].item_no });
  const answer = await giveBack(person, order, [1, 2, 3]);
  assert.equal(answer.status, 409);
  assert.equal(answer.json.error.code, 'already_performed');
  assert.match(answer.json.error.text, /常规心电图/);
  assert.doesNotMatch(answer.json.error.text, /血脂四项/);
  assert.deepEqual((await orderOf(person, order)).refunds, []);
});

test('nothing chosen, and lines that are none', async () => {
  const person = await patient('乱点');
  assert.equal((await choose(person, [])).json.error.code, 'bad_form');
  const order = await paidOrder(person);
  assert.equal((await giveBack(person, order, [])).json.error.code, 'bad_form');
  assert.equal((await giveBack(person, order, ['x'])).json.error.code, 'bad_request');
  assert.equal((await giveBack(person, order, [0])).json.error.code, 'not_refundable');
  assert.equal((await giveBack(person, order, [4])).json.error.code, 'not_refundable');
});

test('amounts come from the hospital, whatever the form says', async () => {
  const person = await patient('改价');
  const more = [['amount', '0.01'], ['total', '1'], ['total_fen', '1'], ['amount_fen', '1']];
  assert.equal((await chosen(person, numbers(person.bills), { more })).amount_fen, THREE_FEN);
});

test('a price that changed before the payment began makes another order', async () => {
  const person = await patient('调价');
  const first = await chosen(person);
  const { bill_no, items } = person.bills[0];
  await his('change', { bill_no, item_no: items[0].item_no, amount: '50.00' });
  const second = await chosen(person);
  assert.notEqual(second.order, first.order);
  assert.equal(second.amount_fen, THREE_FEN + 200);
  assert.equal((await orderOf(person, first.order)).state, 'closed');
});

test('a bill that is gone is not paid', async () => {
  const person = await patient('已作废');
  await his('void', { bill_no: person.bills[0].bill_no });
  const answer = await choose(person);
  assert.equal(answer.status, 409);
  assert.equal(answer.json.error.code, 'bills_changed');
  const page = await person.request('POST', '/bills/orders', {
    headers: { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded', 'x-csrf-token': person.csrf },
    body: new URLSearchParams([['patient', person.patient], ...numbers(person.bills).map((bill) => ['bill', bill])]).toString(),
  });
  assert.equal(page.status, 409);
  assert.match(page.text, /所选账单有变化/);
  assert.match(page.text, /常规心电图/, 'the list is shown again');
});

test('paid at the window meanwhile: everything goes back, and the page says why', async () => {
  const person = await patient('窗口');
  const { order } = await chosen(person);
  await his('pay-at-window', { bill_no: person.bills[0].bill_no });
  await payOrder(person, order);
  assert.equal((await check(person, order)).state, 'refunding');
  const view = await orderOf(person, order);
  assert.equal(view.state, 'refused');
  assert.match(view.why, /已在窗口或别处缴清/);
  await eventually('the money is back', person, order, arrived);
  assert.equal(await paidAtWechat(order), 0);
  assert.equal(await hisKeeps(order), 0);
});

test('the HIS stays silent: after fifteen minutes everything goes back', async () => {
  const person = await patient('失联');
  const { order } = await chosen(person);
  await hisDown();
  await payOrder(person, order);
  assert.equal((await check(person, order)).state, 'paid');
  const page = await person.open(`/orders/${order}`);
  assert.match(page.text, /已支付，医院正在入账/);
  await advance(HIS_WITHIN_S + 1);
  await eventually('given up', person, order, ({ state }) => state === 'silent');
  await hisDown(false);
  await eventually('the money is back', person, order, arrived);
  assert.equal(await paidAtWechat(order), 0);
  assert.equal(await hisKeeps(order), 0);
  const again = await chosen(person);
  assert.notEqual(again.order, order, 'the bills can be paid again');
});

test('the answer of the HIS is lost: asked by serial, posted once', async () => {
  const person = await patient('丢应答');
  const { order } = await chosen(person);
  await hisFault('fees-post', 'fail_after');
  await payOrder(person, order);
  await check(person, order);
  await eventually('posted', person, order, ({ state }) => state === 'posted');
  assert.equal(await hisKeeps(order), THREE_FEN);
});

test('a slow HIS is waited for', async () => {
  const person = await patient('久等');
  await hisFault('fees-unpaid', 'slow', { ms: 1500 });
  assert.equal(listed(await shown(person)).length, 3);
});

test('the HIS is down: said in words, and what was paid stays visible', async () => {
  const person = await patient('停机');
  const order = await paidOrder(person);
  await hisDown();
  const view = await shown(person);
  assert.equal(view.unavailable, 'his_down');
  assert.deepEqual(view.orders.map((row) => row.order), [order]);
  const page = await person.open(`/bills?patient=${person.patient}`);
  assert.match(page.text, /医院系统暂时没有响应/);
  assert.match(page.text, /href="tel:/);
  const asked = await giveBack(person, order, [1]);
  assert.equal(asked.status, 503);
  assert.equal(asked.json.error.code, 'his_down');
});

test('a bill that does not add up is left to the window', async () => {
  const person = await patient('错账');
  await hisFault('fees-unpaid', 'wrong_total');
  const view = await shown(person);
  assert.ok(view.wrong_bills > 0);
  assert.equal(listed(view).length + view.wrong_bills, 3);
});

test('two of a family pay the same bills: one payment is kept', async (t) => {
  const mother = await patient('母亲');
  const son = await Person.ready('儿子');
  await son.register({ ...mother.demo, relation: 'family' });
  await t.test('one after the other: the second closes the first', async () => {
    const first = await chosen(mother);
    const prepaid = (await mother.post(`/orders/${first.order}/prepay`)).json.request;
    const seen = await orderOf(son, first.order);
    assert.equal(seen.is_payer, false);
    assert.equal((await son.post(`/orders/${first.order}/prepay`)).json.error.code, 'other_payer');
    const second = await chosen(son, numbers(mother.bills), { of: mother.patient });
    assert.notEqual(second.order, first.order);
    const late = await mother.do('pay', { ...prepaid, decision: 'pay' });
    assert.equal(late.result, 'fail');
    await payOrder(son, second.order);
    assert.equal((await check(son, second.order)).state, 'paid');
    assert.equal(await hisKeeps(second.order), THREE_FEN);
    assert.equal((await chosen(mother)).order, second.order, 'the mother is shown the receipt');
  });
  await t.test('who paid keeps the receipt after the link has ended, and nobody else sees it', async () => {
    const { order } = await chosen(mother);
    await son.post(`/patients/${mother.patient}/unlink`);
    assert.equal((await orderOf(son, order)).state, 'posted');
    assert.equal((await son.get(`/bills?patient=${mother.patient}`)).status, 404);
    const stranger = await Person.ready('路人');
    for (const answer of [await stranger.get(`/orders/${order}`), await giveBack(stranger, order, [1])]) {
      assert.equal(answer.status, 404);
      assert.equal(answer.json.error.code, 'not_found');
    }
    assert.equal((await choose(stranger, numbers(mother.bills), { of: mother.patient })).status, 404);
  });
});

test('some of the bills after all of them: the first order is closed', async () => {
  const person = await patient('少付');
  const all = await chosen(person);
  const one = await chosen(person, numbers(person.bills).slice(0, 1));
  assert.equal(one.amount_fen, 4_800);
  assert.equal((await orderOf(person, all.order)).state, 'closed');
  assert.equal((await person.post(`/orders/${all.order}/prepay`)).json.error.code, 'order_over');
  await payOrder(person, one.order);
  await check(person, one.order);
  assert.equal(listed(await shown(person)).length, 2);
});

test('given up, the bills can be chosen again', async () => {
  const person = await patient('不付了');
  const first = await chosen(person);
  assert.equal((await person.post(`/orders/${first.order}/cancel`)).json.state, 'closed');
  const second = await chosen(person);
  assert.notEqual(second.order, first.order);
  assert.equal((await person.post(`/orders/${second.order}/cancel`, {}, { accept: 'text/html' })).location, `/bills?patient=${person.patient}`);
});

test('bills that cost nothing skip WeChat', async () => {
  const person = await patient('免费', [{ kind: 'lab', items: [{ name: '免费筛查', amount: '0.00' }] }]);
  const order = await chosen(person);
  assert.equal(order.state, 'posted');
  assert.equal(order.amount_fen, 0);
  assert.equal(await paidAtWechat(order.order), 0);
});

test('without a card one is told how to get one', async () => {
  const person = await Person.ready('无卡');
  const page = await person.open('/bills');
  assert.match(page.text, /领取就诊卡/);
  assert.ok(page.text.includes(`/patients/${person.patient}/card`));
  assert.equal((await choose(person, ['B1'])).json.error.code, 'no_card');
});
