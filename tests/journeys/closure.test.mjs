// A clinic closes (停诊): everybody in it is cancelled or refused, told, and refunded once, wherever their payment was.
// The functions: console, sweeper, reconcile, his-sync, pay-notify, notifier.
import assert from 'node:assert/strict';
import test from 'node:test';
import { hisKeeps } from './lib/hospital.mjs';
import { inTurns, orderNumber, staffPost, wechatKeeps, workOf } from './lib/money.mjs';
import { Person } from './lib/person.mjs';
import { control, noFaults, openClinic, orderOf, refundsOf, staff, tick, until } from './lib/stack.mjs';

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
