// A clinic closes (停诊): everybody in it is cancelled or refused, told, and refunded once, wherever their payment was.
// The functions: console, sweeper, reconcile, his-sync, pay-notify, notifier.
import assert from 'node:assert/strict';
import test from 'node:test';
import { hisKeeps } from './lib/hospital.mjs';
import { inTurns, orderNumber, staffPost, wechatKeeps, workOf } from './lib/money.mjs';
import { Person, free } from './lib/person.mjs';
import { control, noFaults, openAhead, openClinic, orderOf, refundsOf, staff, tick, until } from './lib/stack.mjs';

const FEE_FEN = 1_250;
const OVER = ['cancelled', 'refused'];
const close = (clinic) => staffPost(`clinics/${clinic}/close`);

test('a clinic closes with everybody in it', async (t) => {
  t.after(noFaults);
  const paying = await openClinic({ name: '停诊科', in_min: 150, numbers: 6 });
  const free = await openClinic({ name: '复诊科', in_min: 150, numbers: 2, fee: '0.00' });
  const names = ['已挂号', '未支付', '付款中', '付款后', '复诊'];
  const [booked, unpaid, unheard, late, returning] = await Promise.all(names.map((name) => Person.ready(name)));
  const people = [booked, unpaid, unheard, late, returning];

  booked.visit = await booked.book(paying);
  await inTurns('the hospital has the payment', async () => (await hisKeeps(orderNumber(booked.visit))) === FEE_FEN);
  unpaid.visit = await unpaid.hold(paying);
  await unpaid.prepay(unpaid.visit);
  unheard.visit = await unheard.hold(paying);
  await control('faults', { notifications: 'off' });
  await unheard.pay(unheard.visit);
  await noFaults();
  late.visit = await late.hold(paying);
  const sheet = await late.prepay(late.visit);
  returning.visit = (await returning.tryHold(free)).json.appointment;
  assert.equal((await returning.appointment(returning.visit)).state, 'booked');

  const closed = await close(paying.clinic);
  assert.equal(closed.status, 200, closed.text);
  assert.equal(closed.json.affected, 4);
  // The sheet was open when the clinic closed. A tick that closes the order first makes it fail: that is as well.
  await late.do('pay', { ...sheet, decision: 'pay' });
  assert.equal((await close(free.clinic)).json.affected, 1);

  await t.test('nobody books there any more', async () => {
    for (const where of [paying, free]) {
      const next = await Person.ready('来晚了');
      assert.equal((await next.tryHold(where)).status, 409);
      const listed = await next.get(`/clinics/${where.clinic}`);
      assert.ok(listed.json.slots.length > 0 && listed.json.slots.every(({ off }) => off === '停诊'), listed.text);
    }
  });
  await t.test('every visit is off', async () => {
    await inTurns('all are off', async () => {
      await tick();
      const states = await Promise.all(people.map(async (person) => (await person.appointment(person.visit)).state));
      return states.every((state) => OVER.includes(state));
    });
    assert.equal((await booked.appointment(booked.visit)).text, '医院取消');
    assert.equal((await returning.appointment(returning.visit)).text, '医院取消');
  });
  await t.test('everybody was told, once', async () => {
    for (const person of people) {
      const told = async () => (await Promise.all(OVER.map((template) => person.notices(template)))).flat();
      await until(`${person.demo.name} is told`, async () => (await told()).length > 0);
      assert.equal((await told()).length, 1, person.demo.name);
    }
  });
  const paid = [booked, unheard, late];
  await t.test('who paid has it all back, once', async () => {
    await inTurns('the money is back', async () => {
      const kept = await Promise.all(paid.map(({ visit }) => wechatKeeps(orderNumber(visit))));
      return kept.every((fen) => fen === 0);
    });
    for (const { visit } of [booked, unheard]) {
      assert.deepEqual((await refundsOf(visit)).map(({ body }) => body.amount.refund), [FEE_FEN]);
    }
    assert.ok((await refundsOf(late.visit)).length <= 1);
  });
  await t.test('who had not paid cannot any more', async () => {
    assert.equal((await orderOf(unpaid.visit))[0].state, 'CLOSED');
    assert.deepEqual(await refundsOf(unpaid.visit), []);
    assert.deepEqual(await orderOf(returning.visit), [], 'a free visit never went to WeChat');
  });
  await t.test('the hospital’s books keep nothing of it', async () => {
    await inTurns('the HIS was told', async () => {
      const kept = await Promise.all(paid.map(({ visit }) => hisKeeps(orderNumber(visit))));
      return kept.every((fen) => fen === 0);
    });
  });
  await t.test('closed again: nothing happens twice', async () => {
    const again = await close(paying.clinic);
    assert.equal(again.status, 200, again.text);
    await tick();
    assert.equal((await refundsOf(booked.visit)).length, 1);
    assert.equal((await booked.notices('cancelled')).length, 1);
    for (const { visit } of paid) assert.deepEqual(await workOf(orderNumber(visit)), []);
  });
  await t.test('the staff list shows nobody in it', async () => {
    const listed = await staff('GET', `clinics/${paying.clinic}`);
    assert.ok(listed.json.slots.every(({ taken }) => taken.length === 0), listed.text);
  });
});

test('a clinic that is not there cannot be closed', async () => {
  assert.equal((await close('20200101-am-NOPE-pool')).status, 404);
});

// What staff decide by a preview -------------------------------------------------------------------

const code = (answer) => answer.json.error?.code;

/** A clinic as staff see it who are about to decide: the preview, and how far earlier decisions have come. */
async function closureOf({ clinic }, from) {
  const answer = await staff('GET', `clinics/${clinic}/closure${from ? `?from=${from}` : ''}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

const decide = ({ clinic }, action, fields = {}) => staffPost(`clinics/${clinic}/closure`, { action, ...fields });

/** Lets the schedules run until the last decision about a clinic has reached everybody: how far it has come. */
const followed = (where) => inTurns('everybody is told and refunded', async () => {
  const { closures } = await closureOf(where);
  return closures.at(-1).done && closures.at(-1);
});

test('the last hour closes for those whom the preview shows, and opens again', async (t) => {
  const where = await openAhead({ name: '半日停诊科', half_hours: 4, numbers: 2 });
  const [early, ten, half_past] = [where.slots[0], where.slots[2], where.slots[3]];
  const at = (slot) => ({ clinic: where.clinic, slot });
  const [stays, goes, unpaid] = await Promise.all(['早到', '后半', '未付'].map((name) => Person.ready(name)));
  stays.visit = await stays.book(at(early));
  goes.visit = await goes.book(at(ten));

  let seen;
  await t.test('the preview says whom it concerns, and what goes back', async () => {
    seen = (await closureOf(where, ten)).preview;
    const { booked, held, waiting, unreachable, refund_fen, window_refund_fen } = seen;
    assert.deepEqual({ booked, held, waiting, unreachable, refund_fen, window_refund_fen },
      { booked: 1, held: 0, waiting: 0, unreachable: 0, refund_fen: FEE_FEN, window_refund_fen: 0 });
    assert.deepEqual(seen.people.map(({ appointment }) => appointment), [goes.visit]);
    assert.equal((await closureOf(where)).preview.booked, 2, 'all of it would concern both');
  });
  await t.test('who books after the preview makes it another decision', async () => {
    unpaid.visit = await unpaid.hold(at(half_past));
    const stale = await decide(where, 'close', { from: ten, fingerprint: seen.fingerprint });
    assert.deepEqual([stale.status, code(stale)], [409, 'preview_changed'], stale.text);
    assert.match(stale.json.error.text, /重新预览/);
    assert.equal((await goes.appointment(goes.visit)).state, 'booked', 'nothing has happened');
  });
  await t.test('closed from ten o’clock on, and from then on only', async () => {
    const { preview } = await closureOf(where, ten);
    assert.deepEqual([preview.booked, preview.held], [1, 1]);
    const closed = await decide(where, 'close', { from: ten, fingerprint: preview.fingerprint });
    assert.equal(closed.status, 200, closed.text);
    assert.deepEqual([closed.json.open, closed.json.closed_slots], [true, [ten, half_past]]);
    const next = await Person.ready('来晚了');
    assert.equal(code(await next.tryHold(at(ten))), 'clinic_closed');
    const { slots } = (await next.get(`/clinics/${where.clinic}`)).json;
    assert.deepEqual(slots.map(({ off }) => off), [undefined, undefined, '停诊', '停诊']);
  });
  await t.test('followed to the last who is told and refunded', async () => {
    const progress = await followed(where);
    assert.deepEqual([progress.kind, progress.from, progress.open, progress.to_call], ['close', ten, 0, 0]);
    const told = Object.fromEntries(progress.people.map((person) => [person.appointment, person]));
    assert.deepEqual([told[goes.visit].told, told[goes.visit].refund], ['wechat', '已退款']);
    assert.deepEqual([told[unpaid.visit].told, told[unpaid.visit].refund], ['wechat', '未缴费']);
    assert.equal((await goes.appointment(goes.visit)).text, '医院取消');
    assert.equal(await wechatKeeps(orderNumber(goes.visit)), 0);
    assert.equal((await goes.notices('cancelled')).length, 1);
  });
  await t.test('the first hours take place', async () => {
    await stays.signIn();
    assert.equal((await stays.appointment(stays.visit)).state, 'booked');
    assert.equal((await stays.notices('cancelled')).length, 0);
    assert.equal(await wechatKeeps(orderNumber(stays.visit)), FEE_FEN);
  });
  await t.test('open again: who was cancelled stays so, and may take one of its numbers', async () => {
    const reopened = await decide(where, 'reopen');
    assert.equal(reopened.status, 200, reopened.text);
    assert.deepEqual(reopened.json.closed_slots, []);
    await goes.signIn();
    assert.equal((await goes.appointment(goes.visit)).state, 'cancelled');
    const instead = (await goes.get(`/appointments/${goes.visit}/options`)).json;
    assert.equal(instead.purpose, 'replace');
    assert.deepEqual(instead.options.map(({ slot }) => slot), where.slots, 'the old time among them: it is open again');
    await goes.book(at(ten));
  });
});

test('another doctor comes, and another for that one: told each time, and free to cancel', async () => {
  const where = await openAhead({ name: '替诊科' });
  const person = await Person.ready('原约');
  const key = await person.book(where);
  assert.equal((await decide(where, 'substitute', { doctor: 'NOBODY', fingerprint: 'any' })).status, 404);
  for (const [count, doctor, name] of [[1, 'D0101', '沈怀远'], [2, 'D0102', '梁静姝']]) {
    const { preview } = await closureOf(where);
    const stale = await decide(where, 'substitute', { doctor, fingerprint: 'another' });
    assert.equal(code(stale), 'preview_changed', stale.text);
    const decided = await decide(where, 'substitute', { doctor, fingerprint: preview.fingerprint });
    assert.equal(decided.status, 200, decided.text);
    const progress = await followed(where);
    assert.deepEqual([progress.kind, progress.people[0].told, progress.people[0].refund], ['substitute', 'wechat', '不退费']);
    assert.ok(progress.who.includes(name), progress.who);
    assert.equal((await person.notices('substituted')).length, count);
    await person.signIn();
    const visit = await person.appointment(key);
    assert.deepEqual([visit.state, visit.substituted, visit.who], ['booked', true, progress.who]);
  }
  assert.equal((await person.cancel(key)).json.state, 'cancelled');
  await inTurns('the money is back', async () => (await wechatKeeps(orderNumber(key))) === 0);
});

test('a limit takes numbers from nobody who has one', async () => {
  const where = await openAhead({ name: '限号科', numbers: 3 });
  const people = await Promise.all(['限一', '限二'].map((name) => Person.ready(name)));
  const keys = [];
  for (const person of people) keys.push(await person.book(where));
  const limited = await decide(where, 'limit', { slot: where.slot, numbers: 1 });
  assert.equal(limited.status, 200, limited.text);
  assert.equal(await free(people[0], where), 0);
  const next = await Person.ready('限外');
  assert.equal(code(await next.tryHold(where)), 'sold_out');
  for (const [who, person] of people.entries()) assert.equal((await person.appointment(keys[who])).state, 'booked');
  assert.equal((await decide(where, 'limit', { slot: where.slot })).status, 200);
  assert.equal(await free(next, where), 1);
  assert.equal((await decide(where, 'limit', { slot: '2330' })).status, 404);
  assert.equal((await decide(where, 'limit', { slot: where.slot, numbers: 'many' })).status, 400);
});
