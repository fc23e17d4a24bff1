// Waiting for a number of a full clinic (候补): who comes first is offered first, an unpaid offer goes on to the next, and
// a closed clinic ends the waiting. The functions: booking, sweeper, payment, notifier, console.
import assert from 'node:assert/strict';
import test from 'node:test';
import { inTurns, staffPost, wechatKeeps, orderNumber } from './lib/money.mjs';
import { Person, free, newKey, wakeUp } from './lib/person.mjs';
import { advance, openAhead, until } from './lib/stack.mjs';

const MINUTE_S = 60;
/** The hospital's clock counts seconds. */
const TURN_S = 2;
/** A number that comes back rests half an hour at most. */
const RESTED_S = 31 * MINUTE_S;
/** An offer stands for a day. */
const OFFER_OVER_S = (24 * 60 + 1) * MINUTE_S;
const FEE_FEN = 1_250;

const code = (answer) => answer.json.error?.code;
const line = (where) => `/clinics/${where.clinic}/waitlist`;
const join = (person, where, fields = {}) => person.post(line(where), { patient: person.patient, idempotency_key: newKey(), ...fields });
const leave = (person, where) => person.post(`${line(where)}/leave`, { patient: person.patient });

/** How many are before a person in the line; undefined for who does not wait. */
async function ahead(person, where) {
  const answer = await person.get(line(where));
  assert.equal(answer.status, 200, answer.text);
  return answer.json.places[0]?.ahead;
}

/** Joins the line: how many are before. */
async function wait(person, where) {
  const answer = await join(person, where);
  assert.equal(answer.status, 200, answer.text);
  return answer.json.places[0].ahead;
}

/** The appointments of a person in a clinic's department, as their list shows them. */
const listed = async (person) => (await person.get('/appointments')).json.appointments;

/** A clinic of one number, and who has it. */
async function soldOut(name) {
  // One joins by day.
  await wakeUp();
  const where = await openAhead({ name, days: 4 });
  const holder = await Person.ready('有号');
  const key = await holder.book(where);
  return { where, holder, key };
}

test('two wait: the first lets the offer pass, the second pays', async (t) => {
  const { where, holder, key } = await soldOut('候补科');
  const [first, second, third] = await Promise.all(['候补一', '候补二', '候补三'].map((name) => Person.ready(name)));
  const everybody = [holder, first, second, third];
  /** A session ends after half an hour; the clock has gone further. */
  const later = async (seconds) => {
    await advance(seconds);
    await Promise.all(everybody.map((person) => person.signIn()));
  };
  const { number } = await holder.appointment(key);

  await t.test('where numbers are left, nobody has to wait', async () => {
    const open = await openAhead({ name: '有号科' });
    const refused = await join(first, open);
    assert.deepEqual([refused.status, code(refused)], [409, 'not_full'], refused.text);
    assert.match(refused.json.error.text, /不必候补/);
  });
  await t.test('the page of the full clinic leads to the line', async () => {
    assert.equal((await first.get(`/clinics/${where.clinic}`)).json.can_wait, true);
    const has_one = await join(holder, where);
    assert.equal(code(has_one), 'same_clinic', has_one.text);
  });
  await t.test('who comes first stands first, and joining again keeps the place', async () => {
    for (const [before, person] of [third, first, second].entries()) {
      assert.equal(await wait(person, where), before);
      await advance(TURN_S);
    }
    assert.equal(await wait(first, where), 1);
    assert.match((await second.open(line(where))).text, /前面还有/);
  });
  await t.test('leaving lets the others move up, and nobody leaves for somebody else', async () => {
    const foreign = await first.post(`${line(where)}/leave`, { patient: third.patient });
    assert.equal(foreign.status, 404, foreign.text);
    assert.deepEqual((await leave(third, where)).json.places, []);
    assert.equal((await leave(third, where)).status, 200, 'leaving twice is leaving');
    assert.deepEqual(await Promise.all([third, first, second].map((person) => ahead(person, where))), [undefined, 0, 1]);
  });
  await t.test('a number given back is nobody’s at first', async () => {
    assert.equal((await holder.cancel(key)).json.state, 'cancelled');
    assert.equal(await free(first, where), 0);
    const quick = await third.tryHold(where);
    assert.deepEqual([quick.status, code(quick)], [409, 'sold_out']);
  });
  await t.test('once it has rested, the first is offered it and the second still waits', async () => {
    await later(RESTED_S);
    const notice = await first.notice('waitlist_offered');
    const [offer] = await listed(first);
    assert.deepEqual([offer.state, offer.number, offer.fee_fen], ['held', number, FEE_FEN]);
    assert.ok(notice.url.includes(offer.appointment), notice.url);
    first.offer = offer.appointment;
    assert.deepEqual([await ahead(first, where), await ahead(second, where)], [undefined, 0]);
    assert.equal(code(await third.tryHold(where)), 'sold_out', 'nobody else can take it');
    assert.equal((await second.notices('waitlist_offered')).length, 0);
  });
  await t.test('unpaid, it goes on to the second', async () => {
    await later(OFFER_OVER_S);
    await second.notice('waitlist_offered');
    assert.equal((await first.appointment(first.offer)).state, 'expired');
    assert.equal(await ahead(first, where), undefined);
    assert.equal((await first.notices('waitlist_offered')).length, 1);
  });
  await t.test('who pays has it', async () => {
    const [offer] = await listed(second);
    assert.deepEqual([offer.state, offer.number], ['held', number]);
    await second.pay(offer.appointment);
    await second.state(offer.appointment, 'booked');
    await second.notice('booked');
    assert.equal(await wechatKeeps(orderNumber(offer.appointment)), FEE_FEN);
    assert.deepEqual([await free(third, where), await ahead(second, where)], [0, undefined]);
  });
});

test('nobody in line: a number that has rested is everybody’s', async () => {
  const { where, holder, key } = await soldOut('退号科');
  await holder.cancel(key);
  await advance(RESTED_S);
  await holder.signIn();
  await until('the number is free', async () => (await free(holder, where)) === 1);
});

test('a closed clinic ends the waiting, and says so once', async () => {
  const { where, holder, key } = await soldOut('停诊候补科');
  const [waiting, late] = await Promise.all([Person.ready('还在等'), Person.ready('来晚了')]);
  assert.equal(await wait(waiting, where), 0);
  assert.equal((await staffPost(`clinics/${where.clinic}/close`)).status, 200);
  await inTurns('the holder’s visit is off', async () => (await holder.appointment(key)).state === 'cancelled');
  const notice = await waiting.noticeByDay('waitlist_ended');
  assert.match(JSON.stringify(notice.data), /停诊/);
  await waiting.signIn();
  assert.equal(await ahead(waiting, where), undefined);
  await late.signIn();
  const refused = await join(late, where);
  assert.deepEqual([refused.status, code(refused)], [409, 'clinic_closed'], refused.text);
  await inTurns('the money is back', async () => (await wechatKeeps(orderNumber(key))) === 0);
  assert.equal((await waiting.notices('waitlist_ended')).length, 1);
  assert.equal((await waiting.notices('waitlist_offered')).length, 0, 'its number is offered to nobody');
});
