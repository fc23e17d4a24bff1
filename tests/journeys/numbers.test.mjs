// Who gives the numbers (numbers.owner), the desk or the hospital's own system: the same journey for both. Told by the HIS,
// booked, paid, confirmed, moved, cancelled, paid back, and closed by the HIS. The functions: booking, payment, his-sync,
// sweeper, reconcile, console, notifier.
import assert from 'node:assert/strict';
import test from 'node:test';
import { his, hisKeeps } from './lib/hospital.mjs';
import { inTurns, orderNumber, wechatKeeps } from './lib/money.mjs';
import { Person, free, newKey, wakeUp } from './lib/person.mjs';
import { putProfile } from './lib/profile.mjs';
import { FEE_FEN, PULL, newDepartment, pull, standing, tell } from './lib/timetable.mjs';
import { HOSPITAL, advance, read, refundsOf, tick, until } from './lib/stack.mjs';

/** A number that comes back rests half an hour at most. */
const RESTED_S = 31 * 60;

const code = (answer) => answer.json.error?.code;
const stands = (key, wanted) => until(`${key} is ${wanted} with the HIS`, async () => {
  await tick();
  return (await standing(key)) === wanted;
});
/** Booked there too: confirmed where the hospital gives the number, else known by its payment, which names the visit. */
const isKnownThere = async (key, owner) => {
  if (owner === 'his') await stands(key, 'confirmed');
  await inTurns('the hospital has the payment', async () => (await hisKeeps(orderNumber(key))) === FEE_FEN);
};
const bookedThere = async (person, key) => {
  await person.pay(key);
  await until(`${key} is booked`, async () => {
    await tick();
    return (await person.appointment(key)).state === 'booked';
  });
};

async function wholeJourney(t, owner, name) {
  const department = newDepartment(name);
  const [first, second] = await tell(department, [3, 4]);
  await pull();
  const [person, other] = await Promise.all([Person.ready('号主'), Person.ready('同诊')]);
  let key;
  let moved;

  await t.test('the timetable is the hospital’s', async () => {
    const listed = await until('the clinics are shown', async () => {
      const answer = await read(await fetch(`${HOSPITAL}/booking/${department.code}?date=${first.date}`, { headers: { accept: 'application/json' } }));
      return answer.json.clinics?.length === 1 && answer.json;
    });
    assert.equal(listed.clinics[0].clinic, first.clinic);
    assert.deepEqual([await free(person, first), await free(person, second)], [2, 2]);
    assert.equal((await pull()).report.clinics_changed, 0, 'the same again changes nothing');
  });
  await t.test('held: locked there first if the number is the hospital’s', async () => {
    key = await person.hold(first);
    assert.equal(await standing(key), owner === 'his' ? 'locked' : undefined);
  });
  await t.test('paid: confirmed there, and told once', async () => {
    await bookedThere(person, key);
    await isKnownThere(key, owner);
    await person.notice('booked');
    assert.equal((await person.notices('booked')).length, 1);
  });
  await t.test('moved: there as here, without another payment', async () => {
    const answer = await person.post(`/appointments/${key}/reschedule`, { ...second, idempotency_key: newKey() });
    assert.deepEqual([answer.status, answer.json.state], [200, 'booked'], answer.text);
    moved = answer.json.appointment;
    await stands(moved, 'confirmed');
    await stands(key, 'over');
    assert.deepEqual([await wechatKeeps(orderNumber(key)), await hisKeeps(orderNumber(key))], [FEE_FEN, FEE_FEN]);
  });
  await t.test('cancelled: free there as here, and the money back in all three books', async () => {
    assert.equal((await person.cancel(moved)).json.state, 'cancelled');
    await stands(moved, 'over');
    await inTurns('the money is back', async () => (await wechatKeeps(orderNumber(key))) === 0 && (await hisKeeps(orderNumber(key))) === 0);
    assert.deepEqual((await refundsOf(key)).map(({ body }) => body.amount.refund), [FEE_FEN]);
    await advance(RESTED_S);
    await person.signIn();
    await until('both numbers are free again', async () => (await free(person, first)) === 2 && (await free(person, second)) === 2);
  });
  await t.test('closed by the hospital: cancelled, told and refunded, once', async () => {
    await wakeUp();
    await other.signIn();
    const visit = await other.hold(first);
    await bookedThere(other, visit);
    await isKnownThere(visit, owner);
    await his('close', { clinic: first.clinic });
    await pull();
    await inTurns('the visit is off and the money back', async () =>
      (await other.appointment(visit)).state === 'cancelled' && (await wechatKeeps(orderNumber(visit))) === 0 && (await hisKeeps(orderNumber(visit))) === 0);
    if (owner === 'his') await stands(visit, 'over');
    await other.notice('cancelled');
    await pull();
    assert.deepEqual([(await other.notices('cancelled')).length, (await refundsOf(visit)).length], [1, 1]);
    await person.signIn();
    assert.equal(code(await person.tryHold(first)), 'clinic_closed');
  });
  return { department, second, person, other };
}

const owned = (owner, more = {}) => putProfile({ numbers: { owner, pull: PULL }, ...more });
test.after(() => putProfile());

test('the desk gives the numbers', async (t) => {
  await owned('menzhen');
  await wholeJourney(t, 'menzhen', '本系统放号科');
});

test('the hospital gives the numbers', async (t) => {
  await owned('his');
  const { second, person, other } = await wholeJourney(t, 'his', '医院放号科');
  await Promise.all([person.signIn(), other.signIn()]);
  await t.test('what a window sells is gone here, and nobody’s number with it', async () => {
    const key = await other.hold(second);
    const { number } = await other.appointment(key);
    await his('sell', { clinic: second.clinic, number: 3 - number });
    const late = await person.tryHold(second);
    assert.deepEqual([late.status, code(late)], [409, 'number_taken'], late.text);
    assert.equal(await free(person, second), 0);
    await bookedThere(other, key);
    await pull();
    assert.equal((await other.appointment(key)).state, 'booked');
    assert.equal(code(await person.tryHold(second)), 'sold_out');
  });
});

test('the hospital gives the numbers and speaks XML in GB18030, and HL7 v2 of visits', async (t) => {
  const operations = Object.fromEntries(['confirm', 'cancel', 'reschedule'].map((operation) => [operation, 'hl7']));
  await owned('his', { his: { default: 'signed_xml', charset: 'gb18030', operations } });
  await wholeJourney(t, 'his', '另种语言科');
});

test('the hospital gives the numbers and speaks FHIR R4 of timetable and visits', async (t) => {
  const spoken = ['departments', 'doctors', 'schedules', 'slots', 'lock', 'unlock', 'confirm', 'cancel', 'reschedule', 'standing'];
  await owned('his', { his: { operations: Object.fromEntries(spoken.map((operation) => [operation, 'fhir'])) } });
  await wholeJourney(t, 'his', '资源放号科');
});
