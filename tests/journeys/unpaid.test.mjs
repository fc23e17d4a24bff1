// Numbers nobody pays, and payments that come at the last moment: payment, sweeper, pay-notify.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Person, free } from './lib/person.mjs';
import { advance, control, noFaults, openClinic, orderOf, refundsOf, tick, until } from './lib/stack.mjs';

const HOLD_S = 10 * 60;

const swept = (what, probe) => until(what, async () => {
  await tick();
  return probe();
});

test('a number that is not paid comes back', async () => {
  const where = await openClinic({ name: '逾期门诊', numbers: 1 });
  const [person, next] = [await Person.ready('忘付'), await Person.ready('候补')];
  const key = await person.hold(where);
  const request = await person.prepay(key);
  assert.equal((await next.tryHold(where)).json.error.code, 'sold_out');
  await advance(HOLD_S + 60);
  await swept('the number is free', async () => (await free(person, where)) === 1);
  assert.equal((await person.appointment(key)).state, 'expired');
  assert.equal((await orderOf(key))[0].state, 'CLOSED');
  const late = await person.do('pay', { ...request, decision: 'pay' });
  assert.equal(late.result, 'fail');
  assert.equal((await person.post(`/appointments/${key}/payment-check`)).json.state, 'closed');
  await next.hold(where);
});

test('a number nobody began to pay comes back too', async () => {
  const where = await openClinic({ name: '未付门诊', numbers: 1 });
  const person = await Person.ready('没付');
  const key = await person.hold(where);
  await advance(HOLD_S + 60);
  await swept('the number is free', async () => (await free(person, where)) === 1);
  assert.equal((await person.appointment(key)).state, 'expired');
});

test('nobody begins to pay in the last moments of a hold', async () => {
  const where = await openClinic({ name: '临期门诊', numbers: 1 });
  const person = await Person.ready('磨蹭');
  const key = await person.hold(where);
  await advance(HOLD_S - 60);
  const answer = await person.post(`/appointments/${key}/prepay`);
  assert.equal(answer.status, 409);
  assert.equal(answer.json.error.code, 'hold_ending');
});

test('paid in the last second, and no notification comes: the sweeper asks and books', async () => {
  const where = await openClinic({ name: '末秒门诊', numbers: 1 });
  const person = await Person.ready('末秒');
  const key = await person.hold(where);
  const request = await person.prepay(key);
  await control('faults', { notifications: 'off' });
  try {
    await advance(HOLD_S - 20);
    const paid = await person.do('pay', { ...request, decision: 'pay' });
    assert.equal(paid.result, 'ok', paid.err_desc);
    await advance(60);
    await swept('the number is booked', async () => (await person.appointment(key)).state === 'booked');
    assert.deepEqual(await refundsOf(key), []);
    assert.equal(await free(person, where), 0);
  } finally {
    await noFaults();
  }
});

test('the page asks WeChat when no notification comes', async () => {
  const where = await openClinic({ name: '查单门诊', numbers: 1 });
  const person = await Person.ready('查单');
  const key = await person.hold(where);
  await control('faults', { notifications: 'off' });
  try {
    await person.pay(key);
    assert.equal((await person.post(`/appointments/${key}/payment-check`)).json.state, 'paid');
    assert.equal((await person.appointment(key)).state, 'booked');
  } finally {
    await noFaults();
  }
});
