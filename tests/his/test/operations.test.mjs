// What the front-end machine does, and what it will not.
import assert from 'node:assert/strict';
import test from 'node:test';
import { CARD, postOf, refundOf, startStandIn } from './helpers.mjs';

const amountOf = (bill) => ({ bill_no: bill.bill_no, amount: bill.items.map(({ fen }) => fen).reduce((a, b) => a + b, 0) });
const payable = (bill) => {
  const { bill_no, amount } = amountOf(bill);
  return { bill_no, amount: `${Math.trunc(amount / 100)}.${String(amount % 100).padStart(2, '0')}` };
};
const line = (bill, index) => ({ bill_no: bill.bill_no, item_no: bill.items[index].item_no });
const registration = { appointment: 'zzzz', clinic: '20261123-am-XNK-D0101', number: 7, department: 'XNK', doctor: 'D0101', date: '2026-11-23' };

function registrationPost(serial, change = {}) {
  const { bills, ...post } = postOf(serial, [], '25.00', { kind: 'registration', card_no: null, registration });
  return { ...post, ...change };
}

test('a bill is shown with its items until it is paid', async (t) => {
  const his = await startStandIn(t);
  const bill = await his.bill('48.00', '8.50');
  const { code, data } = await his.call('fees-unpaid', { card_no: CARD });
  assert.equal(code, 0);
  assert.deepEqual(data.bills.map(({ bill_no, total, items }) => [bill_no, total, items.map(({ amount }) => amount)]), [[bill.bill_no, '56.50', ['48.00', '8.50']]]);
  const { data: receipt } = await his.call('fees-post', postOf('a_01', [payable(bill)], '56.50'));
  assert.match(receipt.receipt_no, /^R\d{14}$/);
  assert.equal(receipt.places[0].window, '3 号窗口');
  assert.match(receipt.invoice_url, /^https:/);
  const empty = await his.call('fees-unpaid', { card_no: CARD });
  assert.deepEqual([empty.code, empty.data], [1, { bills: [] }]);
  assert.deepEqual((await his.call('fees-posted', { serial: 'a_01' })).data, receipt);
});

test('a post is all or nothing', async (t) => {
  const his = await startStandIn(t);
  const [good, changed, paid, gone] = [await his.bill('10.00'), await his.bill('20.00'), await his.bill('30.00'), await his.bill('40.00')];
  await his.control('change', { bill_no: changed.bill_no, item_no: changed.items[0].item_no, amount: '20.01' });
  await his.control('pay-at-window', { bill_no: paid.bill_no });
  await his.control('void', { bill_no: gone.bill_no });
  const refusal = async (bill, total) => (await his.call('fees-post', postOf('a_01', [payable(good), payable(bill)], total))).error;
  assert.equal(await refusal(changed, '30.00'), 'BILL_CHANGED');
  assert.equal(await refusal(paid, '40.00'), 'BILL_PAID');
  assert.equal(await refusal(gone, '50.00'), 'BILL_VOID');
  assert.equal(await refusal(good, '20.00'), 'BAD_REQUEST');
  assert.equal((await his.call('fees-post', postOf('a_01', [payable(good)], '10.01'))).error, 'AMOUNT');
  assert.equal((await his.call('fees-post', postOf('a_01', [{ bill_no: 'B0', amount: '1.00' }], '1.00'))).error, 'NO_SUCH_BILL');
  assert.equal((await his.call('fees-post', postOf('a_01', [payable(good)], '10.00', { card_no: 'V0' }))).error, 'NO_SUCH_CARD');
  assert.equal((await his.call('fees-unpaid', { card_no: 'V0' })).error, 'NO_SUCH_CARD');
  const books = await his.control('books');
  assert.equal(books.payments.length, 0);
  assert.equal(books.bills.find(({ bill_no }) => bill_no === good.bill_no).state, 'unpaid');
});

test('a serial names one thing for ever', async (t) => {
  const his = await startStandIn(t);
  const [first, second] = [await his.bill('10.00'), await his.bill('10.00')];
  const post = postOf('a_01', [payable(first)], '10.00');
  const { data } = await his.call('fees-post', post);
  assert.deepEqual((await his.call('fees-post', post)).data, data);
  assert.equal((await his.call('fees-post', postOf('a_01', [payable(second)], '10.00'))).error, 'SERIAL_REUSED');
  assert.equal((await his.call('fees-post', { ...post, paid_at: '2026-11-23T09:00:01+08:00' })).error, 'SERIAL_REUSED');
  assert.equal((await his.call('refund-post', refundOf('a_01', 'a_01', [], '10.00'))).error, 'SERIAL_REUSED');
  const refund = refundOf('a_01_R1', 'a_01', [], '10.00');
  const { data: refunded } = await his.call('refund-post', refund);
  assert.deepEqual((await his.call('refund-post', refund)).data, refunded);
  assert.equal((await his.call('fees-post', postOf('a_01_R1', [payable(second)], '10.00'))).error, 'SERIAL_REUSED');
  const { payments, refunds } = await his.control('books');
  assert.deepEqual([payments.length, refunds.length], [1, 1]);
});

test('items go back one by one, unless they were performed', async (t) => {
  const his = await startStandIn(t);
  const bill = await his.bill('48.00', '8.50', '3.00');
  await his.call('fees-post', postOf('a_01', [payable(bill)], '59.50'));
  await his.control('perform', line(bill, 0));
  const check = (items) => his.call('refund-check', { serial: 'a_01', items });
  assert.deepEqual((await check([])).data, { refundable: [line(bill, 1), line(bill, 2)], performed: [line(bill, 0)] });
  const refusal = async (items, amount, original = 'a_01') => (await his.call('refund-post', refundOf('a_01_R1', original, items, amount))).error;
  assert.equal(await refusal([line(bill, 0)], '48.00'), 'PERFORMED');
  assert.equal(await refusal([], '59.50'), 'PERFORMED');
  assert.equal(await refusal([line(bill, 1)], '8.00'), 'AMOUNT');
  assert.equal(await refusal([line(bill, 1), line(bill, 1)], '17.00'), 'BAD_REQUEST');
  assert.equal(await refusal([{ bill_no: bill.bill_no, item_no: 'other' }], '8.50'), 'NO_SUCH_BILL');
  assert.equal(await refusal([line(bill, 1)], '8.50', 'a_00'), 'NO_SUCH_SERIAL');
  assert.equal(await refusal([line(bill, 1)], '8.50'), '');
  assert.deepEqual((await check([line(bill, 1), line(bill, 2)])).data, { refundable: [line(bill, 2)], performed: [] });
  assert.equal((await his.call('refund-post', refundOf('a_01_R2', 'a_01', [line(bill, 1)], '8.50'))).error, 'AMOUNT');
  assert.match((await his.call('refund-posted', { serial: 'a_01_R1' })).data.refund_no, /^T\d{14}$/);
  assert.equal((await his.call('refund-posted', { serial: 'a_01_R2' })).code, 1);
});

test('a registration is booked, and goes back whole and once', async (t) => {
  const his = await startStandIn(t);
  assert.deepEqual((await his.call('fees-post', registrationPost('g_01'))).data.places, []);
  assert.equal((await his.call('fees-post', registrationPost('g_02', { total: '0.00', transaction_id: null }))).code, 0);
  assert.equal((await his.call('fees-post', registrationPost('g_03', { transaction_id: null }))).error, 'BAD_REQUEST');
  const refund = async (serial, amount, items = []) => (await his.call('refund-post', refundOf(serial, 'g_01', items, amount))).error;
  assert.equal(await refund('g_01_R1', '24.99'), 'AMOUNT');
  assert.equal(await refund('g_01_R1', '25.00', [{ bill_no: 'B1', item_no: '1' }]), 'NO_SUCH_BILL');
  assert.equal(await refund('g_01_R1', '25.00'), '');
  assert.equal(await refund('g_01_R2', '25.00'), 'AMOUNT');
});

test('a body is exactly what the protocol says', async (t) => {
  const his = await startStandIn(t);
  const bill = await his.bill('10.00');
  const post = postOf('a_01', [payable(bill)], '10.00');
  const { channel, ...lacking } = post;
  const wrong = [
    lacking,
    { ...post, tip: '1.00' },
    { ...post, total: 10 },
    { ...post, total: '10.0' },
    { ...post, total: '-10.00' },
    { ...post, channel: 'alipay' },
    { ...post, card_no: null },
    { ...post, kind: 'gift' },
    { ...post, bills: [] },
    { ...post, bills: [{ ...payable(bill), name: '血脂' }] },
    { ...post, paid_at: '2026-11-23' },
    { ...post, paid_at: '2026-13-23T09:00:00+08:00' },
    { ...post, serial: 'a 01' },
    { ...post, registration },
    registrationPost('a_01', { registration: { ...registration, number: '7' } }),
    registrationPost('a_01', { registration: { ...registration, date: '2026-02-30' } }),
    [],
    null,
  ];
  for (const body of wrong) assert.equal((await his.call('fees-post', body)).error, 'BAD_REQUEST', JSON.stringify(body));
  assert.equal((await his.call('fees-post', undefined, { text: 'no json' })).error, 'BAD_REQUEST');
  assert.equal((await his.call('fees-post', post)).code, 0);
  assert.equal((await his.call('fees-pay', {})).status, 404);
});

test('queues are told as they were set', async (t) => {
  const his = await startStandIn(t);
  const clinic = '20261123-am-XNK-pool';
  assert.equal((await his.call('clinic-queue', { clinic })).code, 1);
  await his.control('clinic-queue', { clinic, entries: [{ appointment: 'a1', state: 'called', room: '305', times: 2 }, { appointment: 'a2', state: 'waiting' }] });
  const { data } = await his.call('clinic-queue', { clinic });
  assert.deepEqual(data.entries.map(({ appointment, state, room }) => [appointment, state, room]), [['a1', 'called', '305'], ['a2', 'waiting', '']]);
  await his.control('card-queues', { card_no: CARD, queues: [{ kind: 'pharmacy', place: '门诊楼 1 层 3 号窗口', ahead: 4 }] });
  assert.deepEqual((await his.call('card-queues', { card_no: CARD })).data.queues, [{ kind: 'pharmacy', place: '门诊楼 1 层 3 号窗口', number: '', ahead: 4, called: false }]);
  assert.equal((await his.call('card-queues', { card_no: 'V0' })).error, 'NO_SUCH_CARD');
  assert.equal((await his.call('clinic-queue', {})).error, 'BAD_REQUEST');
});
