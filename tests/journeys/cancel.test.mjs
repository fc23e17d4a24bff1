// Giving a number back: booking, sweeper, pay-notify, result-notify, notifier.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Person, free } from './lib/person.mjs';
import { codeOf, sendResults, siu } from './lib/results.mjs';
import { advance, fault, moveTo, noFaults, now, openClinic, orderOf, refundsOf, staff, tick, until } from './lib/stack.mjs';

const HOUR_MS = 3600_000;
const RESTS_AT_MOST_S = 31 * 60;
const refunded = (key, status = 'SUCCESS') =>
  until(`${key} is refunded`, async () => {
    await tick();
    const refunds = await refundsOf(key);
    return refunds.length > 0 && refunds.every((refund) => refund.status === status) && refunds;
  });

/** A number given back is nobody's for up to half an hour. */
async function rested(person, where) {
  await advance(RESTS_AT_MOST_S);
  await person.signIn();
  await until('the number is free', async () => {
    await tick();
    return (await free(person, where)) === 1;
  });
}

test('a paid number is cancelled in time', async (t) => {
  const where = await openClinic({ name: '退号门诊', in_min: 150, numbers: 1 });
  const person = await Person.ready('早退');
  const key = await person.book(where);
  assert.equal(await free(person, where), 0);

  await t.test('the number rests, so that nobody can hand it over, and is free again', async () => {
    const answer = await person.cancel(key);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.state, 'cancelled');
    assert.equal(await free(person, where), 0);
    await rested(person, where);
  });
  await t.test('a second touch is told so', async () => {
    const again = await person.cancel(key);
    assert.ok(again.status === 200 || again.json.error.code === 'already_cancelled', again.text);
  });
  await t.test('the money is back, once', async () => {
    const refunds = await refunded(key);
    assert.equal(refunds.length, 1);
    assert.equal(refunds[0].body.amount.refund, 1250);
    await until('the page says so', async () => /已退款/.test((await person.appointment(key)).refund ?? ''));
  });
  await t.test('the chat says so', async () => {
    await person.notice('cancelled');
  });
  await t.test('and somebody else gets it', async () => {
    const next = await Person.ready('后来');
    await next.hold(where);
  });
});

test('an unpaid number is cancelled: no money moves', async () => {
  const where = await openClinic({ name: '未付退号', in_min: 150, numbers: 1 });
  const person = await Person.ready('改主意');
  const key = await person.hold(where);
  await person.prepay(key);
  assert.equal((await person.cancel(key)).json.state, 'cancelled');
  await until('the order is closed at WeChat', async () => {
    await tick();
    return (await orderOf(key))[0].state === 'CLOSED';
  });
  await rested(person, where);
  assert.deepEqual(await refundsOf(key), []);
});

test('after the deadline the window alone can help', async () => {
  const where = await openClinic({ name: '迟退门诊', in_min: 80, numbers: 1 });
  const person = await Person.ready('迟到');
  const key = await person.book(where);
  await moveTo(where.starts_ms - HOUR_MS + 1_000);
  await person.signIn();
  const late = await person.cancel(key);
  assert.equal(late.status, 409);
  assert.equal(late.json.error.code, 'cancel_too_late');
  assert.equal((await person.appointment(key)).cancel_until, undefined);

  const window = await staff('POST', `appointments/${key}/cancel`, JSON.stringify({ by: 'window' }));
  assert.equal(window.status, 200, window.text);
  await refunded(key);
});

test('a number given back at the window of the hospital, which tells of it in HL7', async () => {
  const where = await openClinic({ name: '院内退号', in_min: 150, numbers: 1 });
  const person = await Person.ready('窗口退');
  const card = await person.makeCard();
  const key = await person.book(where);
  const at = await now();
  const say = async (wish) => codeOf(await sendResults('hl7v2', 'application/hl7-v2', siu({ key, card, at, ...wish })));
  assert.equal(await say({ event: 'S15' }), 'AA');
  assert.equal(await say({ event: 'S15' }), 'AA', 'the same again');
  assert.equal(await say({ event: 'S26' }), 'AA', 'what contradicts it does no harm');
  assert.equal((await refunded(key)).length, 1);
  assert.equal((await staff('GET', `appointments/${key}`)).json.state_text, '窗口取消');
  await person.notice('cancelled');
});

test('once the turn has begun the hospital alone can cancel', async () => {
  const where = await openClinic({ name: '停诊门诊', in_min: 80, numbers: 1 });
  const person = await Person.ready('已开始');
  const key = await person.book(where);
  await moveTo(where.starts_ms + 1_000);
  const cancel = (by) => staff('POST', `appointments/${key}/cancel`, JSON.stringify(by));
  assert.equal((await cancel({ by: 'window' })).json.error.code, 'cancel_too_late');
  const hospital = await cancel({ by: 'hospital', reason: 'clinic_changed' });
  assert.equal(hospital.status, 200, hospital.text);
  await person.signIn();
  await refunded(key);
  assert.equal((await person.appointment(key)).text, '医院取消');
});

test('a refund that WeChat does not answer is asked for again, and made once', async () => {
  const where = await openClinic({ name: '退款门诊', in_min: 150, numbers: 1 });
  const person = await Person.ready('再问');
  const key = await person.book(where);
  await fault({ path: '/v3/refund/domestic/refunds', kind: 'fail_after', status: 502 });
  try {
    assert.equal((await person.cancel(key)).status, 200);
    await tick();
    await moveTo(where.starts_ms - 2 * HOUR_MS);
    const refunds = await refunded(key);
    assert.equal(refunds.length, 1);
  } finally {
    await noFaults();
  }
});
