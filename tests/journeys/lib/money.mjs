// Bills and what becomes of their money: chosen, paid, given back, and what each side's books keep.
import assert from 'node:assert/strict';
import { THREE, writeBills } from './hospital.mjs';
import { Person, newKey } from './person.mjs';
import { advance, books, settings, staff, tick, until } from './stack.mjs';

/** Past the minute between two refunds, and two questions about one. */
const TURN_S = 61;

/** The second of two people: another name, and no right but refunds and finance. */
export const SECOND = settings.STAFF_TOKEN_2;

/** Somebody with a card and bills on it. */
export async function billed(name, bills = THREE) {
  const person = await Person.ready(name);
  person.card = await person.makeCard();
  person.bills = await writeBills(person.card, bills);
  return person;
}

/** All bills of a person as one order, not paid yet: its number. */
export async function chosen(person) {
  const bills = person.bills.map(({ bill_no }) => ['bill', bill_no]);
  const answer = await person.post('/bills/orders', [['patient', person.patient], ['idempotency_key', newKey()], ...bills]);
  assert.equal(answer.status, 200, answer.text);
  return answer.json.order;
}

/** Pays an order on the phone's sheet. */
export async function payOrder(person, order) {
  const prepay = await person.post(`/orders/${order}/prepay`);
  assert.equal(prepay.status, 200, prepay.text);
  const paid = await person.do('pay', { ...prepay.json.request, decision: 'pay' });
  assert.equal(paid.result, 'ok', paid.err_desc);
}

/** Chooses all bills, pays, and has the hospital's receipt: the order's number. */
export async function paidOrder(person) {
  const order = await chosen(person);
  await payOrder(person, order);
  const check = await person.post(`/orders/${order}/payment-check`);
  assert.equal(check.json.state, 'paid', check.text);
  return order;
}

/** An order as its payer sees it. */
export async function seen(person, order) {
  const answer = await person.get(`/orders/${order}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

/** The first order of an appointment. */
export const orderNumber = (key) => `${key.split('-').at(-1)}_01`;

/** Lets the schedules run, a minute a turn, until `probe` gives something true. */
export const inTurns = (what, probe) => until(what, async () => {
  const found = await probe();
  if (found) return found;
  await advance(TURN_S);
  await tick();
  return undefined;
}, { max_ms: 60_000 });

/** What WeChat keeps of an order: paid less accepted refunds, in fen. */
export async function wechatKeeps(order) {
  const { orders, refunds } = await books();
  const paid = orders.filter(({ body, transaction_id }) => body.out_trade_no === order && transaction_id !== undefined);
  const back = refunds.filter(({ out_trade_no, status }) => out_trade_no === order && status !== 'CLOSED');
  return paid.reduce((sum, { body }) => sum + body.amount.total, 0) - back.reduce((sum, { body }) => sum + body.amount.refund, 0);
}

// What staff do ------------------------------------------------------------------------------

const sent = (body) => (body === undefined ? undefined : JSON.stringify(body));
export const staffPost = (where, body, options) => staff('POST', where, sent(body ?? {}), options);

/** An order as staff see it. */
export async function staffOrder(order) {
  const answer = await staff('GET', `orders/${order}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

/** What of an order needs people now, by key. */
export async function workOf(order) {
  const answer = await staff('GET', 'worklist');
  assert.equal(answer.status, 200, answer.text);
  return answer.json.orders.find(({ out_trade_no }) => out_trade_no === order)?.work ?? [];
}

/** Staff give lines of an order back: the answer. */
export const staffRefund = (order, lines, { key = newKey(), ...options } = {}) =>
  staffPost(`orders/${order}/refunds`, { ...(lines ? { lines } : {}), idempotency_key: key }, options);

export const decide = (order, refund, word, options) => staffPost(`orders/${order}/refunds/${refund}/${word}`, {}, options);
