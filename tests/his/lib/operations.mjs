// What the front-end machine does for the desk. Every write is all or nothing, and known again by the caller's serial.
import { isDeepStrictEqual } from 'node:util';
import * as numbers from './numbers.mjs';
import { PERSON_OPERATIONS } from './persons.mjs';
import { Refusal } from './refusal.mjs';
import { RESULT_OPERATIONS } from './results.mjs';
import { day, either, fenOf, id, instant, integer, list, literal, nullable, object, text, yuan, yuanOf } from './shape.mjs';
import * as timetable from './timetable.mjs';

export { Refusal };

const BILLS_MAX = 50;
const ITEMS_MAX = 500;
const NUMBER_MAX = 9999;
const INVOICE_ORIGIN = 'https://invoice.hospital.example';

const need = (condition, ...refusal) => {
  if (!condition) throw new Refusal(...refusal);
};

const sum = (items) => items.reduce((total, { fen }) => total + fen, 0);
const line = object({ bill_no: id, item_no: id });

/** The answer given before to the same serial; a serial with other content is refused. */
function given(entries, body) {
  const earlier = entries[body.serial];
  if (!earlier) return undefined;
  need(isDeepStrictEqual(earlier.request, body), 'SERIAL_REUSED', '流水号已用于其他内容');
  return earlier.answer;
}

function needFreshSerial(world, { serial }) {
  need(!world.state.payments[serial] && !world.state.refunds[serial], 'SERIAL_REUSED', '流水号已用于其他业务');
}

// Fees ----------------------------------------------------------------------------------------

const shownBill = ({ bill_no, visit, kind, items, place }) => ({
  bill_no,
  visit,
  kind,
  total: yuanOf(sum(items)),
  items: items.map(({ item_no, name, spec, quantity, unit, fen }) => ({ item_no, name, spec, quantity, unit, amount: yuanOf(fen) })),
  place,
});

function feesUnpaid(world, { card_no }) {
  need(world.state.cards.includes(card_no), 'NO_SUCH_CARD', '就诊卡不存在');
  const unpaid = Object.values(world.state.bills).filter((bill) => bill.card_no === card_no && bill.state === 'unpaid');
  return { data: { bills: unpaid.map(shownBill) }, isEmpty: unpaid.length === 0 };
}

function payableBill(world, card_no, { bill_no, amount }) {
  const bill = world.state.bills[bill_no];
  need(bill && bill.card_no === card_no, 'NO_SUCH_BILL', '账单不存在');
  need(bill.state !== 'void', 'BILL_VOID', '账单已作废');
  need(bill.state === 'unpaid', 'BILL_PAID', '账单已支付');
  need(sum(bill.items) === fenOf(amount), 'BILL_CHANGED', '账单金额已变更');
  return bill;
}

function payableBills(world, { card_no, bills, total }) {
  need(new Set(bills.map(({ bill_no }) => bill_no)).size === bills.length, 'BAD_REQUEST', '账单重复');
  const found = bills.map((wanted) => payableBill(world, card_no, wanted));
  need(found.reduce((all, bill) => all + sum(bill.items), 0) === fenOf(total), 'AMOUNT', '总金额不符');
  return found;
}

function feesPost(world, body) {
  const { serial, kind, card_no, total, paid_at, transaction_id } = body;
  const earlier = given(world.state.payments, body);
  if (earlier) return { data: earlier };
  needFreshSerial(world, body);
  need(card_no === null || world.state.cards.includes(card_no), 'NO_SUCH_CARD', '就诊卡不存在');
  need(transaction_id !== null || fenOf(total) === 0, 'BAD_REQUEST', '缺少微信支付订单号');
  const bills = kind === 'bills' ? payableBills(world, body) : [];
  for (const bill of bills) Object.assign(bill, { state: 'paid', paid_by: serial });
  const receipt_no = world.nextNumber('R');
  const answer = {
    receipt_no,
    places: bills.map(({ bill_no, place }) => ({ bill_no, ...place })),
    invoice_url: kind === 'bills' ? `${INVOICE_ORIGIN}/${receipt_no}` : null,
  };
  world.state.payments[serial] = { serial, kind, receipt_no, fen: fenOf(total), at_ms: Date.parse(paid_at), request: body, answer };
  world.changed();
  return { data: answer };
}

function feesPosted(world, { serial }) {
  const answer = world.state.payments[serial]?.answer ?? null;
  return { data: answer, isEmpty: answer === null };
}

// Refunds -------------------------------------------------------------------------------------

function findLine(world, payment, { bill_no, item_no }) {
  const bill = world.state.bills[bill_no];
  const item = bill?.paid_by === payment.serial ? bill.items.find((one) => one.item_no === item_no) : undefined;
  need(item, 'NO_SUCH_BILL', '该笔缴费没有此项目');
  return { bill_no, item_no, item };
}

/** The lines asked for; none named means every line of the payment that was not refunded yet. */
function linesOf(world, payment, items) {
  if (items.length > 0) return items.map((wanted) => findLine(world, payment, wanted));
  return (payment.request.bills ?? []).flatMap(({ bill_no }) =>
    world.state.bills[bill_no].items.filter((item) => item.refunded_by === null).map((item) => ({ bill_no, item_no: item.item_no, item })));
}

const paymentOf = (world, serial) => {
  const payment = world.state.payments[serial];
  need(payment, 'NO_SUCH_SERIAL', '原流水号不存在');
  return payment;
};

function refundCheck(world, { serial, items }) {
  const lines = linesOf(world, paymentOf(world, serial), items);
  const named = (chosen) => chosen.map(({ bill_no, item_no }) => ({ bill_no, item_no }));
  return {
    data: {
      refundable: named(lines.filter(({ item }) => !item.performed && item.refunded_by === null)),
      performed: named(lines.filter(({ item }) => item.performed)),
    },
  };
}

const refundedBefore = (world, payment) => Object.values(world.state.refunds).filter(({ original_serial }) => original_serial === payment.serial);

function refundBills(world, payment, { serial, items, amount }) {
  const lines = linesOf(world, payment, items);
  need(new Set(lines.map(({ item_no }) => item_no)).size === lines.length, 'BAD_REQUEST', '项目重复');
  need(lines.every(({ item }) => !item.performed), 'PERFORMED', '项目已执行，不能退费');
  need(lines.every(({ item }) => item.refunded_by === null) && sum(lines.map(({ item }) => item)) === fenOf(amount) && lines.length > 0, 'AMOUNT', '退费金额不符');
  for (const { item } of lines) item.refunded_by = serial;
}

function refundRegistration(world, payment, { items, amount }) {
  need(items.length === 0, 'NO_SUCH_BILL', '该笔缴费没有此项目');
  need(refundedBefore(world, payment).length === 0 && payment.fen === fenOf(amount), 'AMOUNT', '退费金额不符');
}

function refundPost(world, body) {
  const { serial, original_serial, amount, refunded_at } = body;
  const earlier = given(world.state.refunds, body);
  if (earlier) return { data: earlier };
  needFreshSerial(world, body);
  const payment = paymentOf(world, original_serial);
  (payment.kind === 'bills' ? refundBills : refundRegistration)(world, payment, body);
  const refund_no = world.nextNumber('T');
  world.state.refunds[serial] = { serial, original_serial, refund_no, fen: fenOf(amount), at_ms: Date.parse(refunded_at), request: body, answer: { refund_no } };
  world.changed();
  return { data: { refund_no } };
}

function refundPosted(world, { serial }) {
  const answer = world.state.refunds[serial]?.answer ?? null;
  return { data: answer, isEmpty: answer === null };
}

// Queues ---------------------------------------------------------------------------------------

function clinicQueue(world, { clinic }) {
  const entries = world.state.clinicQueues[clinic] ?? [];
  return { data: { entries }, isEmpty: entries.length === 0 };
}

function cardQueues(world, { card_no }) {
  need(world.state.cards.includes(card_no), 'NO_SUCH_CARD', '就诊卡不存在');
  const queues = world.state.cardQueues[card_no] ?? [];
  return { data: { queues }, isEmpty: queues.length === 0 };
}

// Visits --------------------------------------------------------------------------------------

/** Whether somebody came: what a control noted, else no for a registration the HIS has booked; of others it knows nothing. */
function visitStatus(world, { appointment }) {
  const isPaid = Object.values(world.state.payments).some(({ request }) => request.registration?.appointment === appointment);
  const isBooked = isPaid || world.state.registrations[appointment]?.standing === 'confirmed';
  const visited = world.state.visits[appointment] ?? (isBooked ? false : null);
  return { data: visited === null ? null : { visited }, isEmpty: visited === null };
}

// The table -----------------------------------------------------------------------------------

const paid = {
  serial: id,
  card_no: nullable(id),
  total: yuan,
  paid_at: instant,
  transaction_id: nullable(id),
  channel: literal('wechat'),
};
const billsPaid = object({ ...paid, card_no: id, kind: literal('bills'), bills: list(object({ bill_no: id, amount: yuan }), 1, BILLS_MAX) });
const registrationPaid = object({
  ...paid,
  kind: literal('registration'),
  registration: object({ appointment: id, clinic: id, number: integer(1, NUMBER_MAX), department: id, doctor: nullable(id), date: day }),
});

/** Every operation: what its body must look like, and what it does. */
export const OPERATIONS = {
  ...PERSON_OPERATIONS,
  ...RESULT_OPERATIONS,
  'fees-unpaid': { shape: object({ card_no: id }), run: feesUnpaid },
  'fees-post': { shape: either('kind', { registration: registrationPaid }, billsPaid), run: feesPost },
  'fees-posted': { shape: object({ serial: id }), run: feesPosted },
  'refund-check': { shape: object({ serial: id, items: list(line, 0, ITEMS_MAX) }), run: refundCheck },
  'refund-post': {
    shape: object({ serial: id, original_serial: id, items: list(line, 0, ITEMS_MAX), amount: yuan, refunded_at: instant, reason: text(80) }),
    run: refundPost,
  },
  'refund-posted': { shape: object({ serial: id }), run: refundPosted },
  'clinic-queue': { shape: object({ clinic: id }), run: clinicQueue },
  'card-queues': { shape: object({ card_no: id }), run: cardQueues },
  ...timetable.OPERATIONS,
  ...numbers.OPERATIONS,
  'visit-status': { shape: object({ appointment: id, clinic: id, number: integer(1, NUMBER_MAX), date: day }), run: visitStatus },
};
