// Another time for a visit (改约), and following one up free of charge (复诊): booking, sweeper, reconcile, desk, notifier.
import assert from 'node:assert/strict';
import test from 'node:test';
import { ROOM, Staff } from './lib/desk.mjs';
import { inTurns, orderNumber, staffOrder, wechatKeeps } from './lib/money.mjs';
import { Person, free, newKey } from './lib/person.mjs';
import { advance, appointmentId, openAhead, openClinic, openDepartment, orderOf, refundsOf, until } from './lib/stack.mjs';

const FEE_FEN = 1_250;
/** A number that comes back rests half an hour at most. */
const RESTED_S = 31 * 60;

const code = (answer) => answer.json.error?.code;
const options = (person, key) => person.get(`/appointments/${key}/options`);
const move = (person, key, { clinic, slot }, idempotency_key = newKey()) =>
  person.post(`/appointments/${key}/reschedule`, { clinic, slot, idempotency_key });

test('a paid visit moves once, and the payment goes with it', async (t) => {
  const department = await openDepartment('改约科');
  const [from, to, dearer, full] = await Promise.all([
    openAhead({ department, days: 3 }),
    openAhead({ department, days: 4 }),
    openAhead({ department, days: 5, fee: '20.00' }),
    openAhead({ department, days: 6 }),
  ]);
  const [person, other] = await Promise.all([Person.ready('改期'), Person.ready('先到')]);
  await other.book(full);
  const old = await person.book(from);
  const order = orderNumber(old);
  let key;

  await t.test('only times of the same fee with numbers left are offered', async () => {
    const offered = (await options(person, old)).json;
    assert.equal(offered.purpose, 'reschedule');
    assert.deepEqual(offered.options.map(({ clinic }) => clinic), [to.clinic]);
    assert.match((await person.open(`/appointments/${old}/options`)).text, /不必重新支付/);
  });
  await t.test('what cannot be had leaves the visit as it is', async () => {
    const costs_more = await move(person, old, dearer);
    assert.deepEqual([costs_more.status, code(costs_more)], [409, 'other_fee'], costs_more.text);
    assert.match(costs_more.json.error.text, /挂号费不同/);
    const taken = await move(person, old, full);
    assert.deepEqual([taken.status, code(taken)], [409, 'sold_out'], taken.text);
    assert.equal((await move(other, old, to)).status, 404, 'nobody moves another person’s visit');
    assert.equal((await person.appointment(old)).state, 'booked');
    assert.deepEqual([await free(person, dearer), await free(person, to)], [1, 1], 'and keeps no second number');
  });
  await t.test('moved, and a repeat of the request is the same move', async () => {
    const once = newKey();
    const moved = await move(person, old, to, once);
    assert.equal(moved.status, 200, moved.text);
    assert.equal(moved.json.state, 'booked');
    key = moved.json.appointment;
    assert.equal((await move(person, old, to, once)).json.appointment, key);
    const left = await person.appointment(old);
    assert.deepEqual([left.state, left.moved_to], ['moved', key]);
    assert.equal(await free(person, to), 0);
    const notice = await person.notice('moved');
    assert.ok(notice.url.includes(key), notice.url);
  });
  await t.test('nothing is paid again and nothing goes back', async () => {
    assert.deepEqual([await wechatKeeps(order), (await refundsOf(old)).length, (await orderOf(key)).length], [FEE_FEN, 0, 0]);
    assert.equal((await staffOrder(order)).kept_fen, FEE_FEN);
    assert.equal((await person.notices('cancelled')).length, 0);
  });
  await t.test('a second time is refused in words', async () => {
    const again = await move(person, key, from);
    assert.deepEqual([again.status, code(again)], [409, 'moved_too_often'], again.text);
    assert.match(again.json.error.text, /已改约过/);
    assert.equal(code(await options(person, key)), 'moved_too_often');
    assert.equal(code(await move(person, old, to)), 'cannot_cancel', 'what has been left is left');
  });
  await t.test('the old number comes back after its rest', async () => {
    assert.equal(await free(person, from), 0);
    await advance(RESTED_S);
    await person.signIn();
    await until('the old number is free', async () => (await free(person, from)) === 1);
  });
  await t.test('cancelled, the visit gives its payment back once', async () => {
    assert.equal((await person.cancel(key)).json.state, 'cancelled');
    await inTurns('the money is back', async () => (await wechatKeeps(order)) === 0);
    assert.deepEqual((await refundsOf(old)).map(({ body }) => body.amount.refund), [FEE_FEN]);
  });
});

test('a visit is followed up free of charge, once', async (t) => {
  const department = await openDepartment('复诊科室');
  const today = await openClinic({ department, in_min: 45 });
  const [ahead, later] = await Promise.all([openAhead({ department, days: 2, half_hours: 2 }), openAhead({ department, days: 4 })]);
  const person = await Person.ready('复诊人');
  const visit = await person.book(today);
  const followUp = ({ clinic, slot }) =>
    person.post('/appointments', { clinic, slot, patient: person.patient, follow_up: visit, idempotency_key: newKey() });

  await t.test('not before the visit', async () => {
    const early = await followUp(ahead);
    assert.deepEqual([early.status, code(early)], [409, 'no_follow_up'], early.text);
  });
  await t.test('the visit takes place', async () => {
    const [nurse, desk] = [await Staff.signIn('nurse'), `/desk/clinics/${today.clinic}`];
    await nurse.post(`${desk}/check-in`, { who: visit });
    await nurse.post(`${desk}/queue`, { deed: 'call_next', room: ROOM });
    await nurse.post(`${desk}/queue`, { deed: 'finish', room: ROOM, appointment: appointmentId(visit) });
    await person.state(visit, 'fulfilled');
  });
  await t.test('within three days it costs nothing', async () => {
    const offered = (await options(person, visit)).json;
    assert.equal(offered.purpose, 'follow_up');
    assert.deepEqual(offered.options.map(({ clinic, slot, fee_fen }) => [clinic, slot, fee_fen]), ahead.slots.map((slot) => [ahead.clinic, slot, 0]));
    assert.equal(code(await followUp(later)), 'no_follow_up', 'the fifth day is too late');
    const held = await followUp(ahead);
    assert.equal(held.status, 200, held.text);
    assert.deepEqual([held.json.state, held.json.fee_fen], ['booked', 0]);
    assert.deepEqual(await orderOf(held.json.appointment), [], 'it never went to WeChat');
    person.followed = held.json.appointment;
  });
  await t.test('a second time it does not', async () => {
    assert.equal(code(await options(person, visit)), 'no_options');
    const again = await followUp({ ...ahead, slot: ahead.slots[1] });
    assert.deepEqual([again.status, code(again)], [409, 'no_follow_up'], again.text);
    assert.match(again.json.error.text, /可按普通挂号办理/);
  });
  await t.test('what was given back makes room for another', async () => {
    assert.equal((await person.cancel(person.followed)).json.state, 'cancelled');
    const held = await followUp({ ...ahead, slot: ahead.slots[1] });
    assert.deepEqual([held.json.state, held.json.fee_fen], ['booked', 0], held.text);
  });
});
