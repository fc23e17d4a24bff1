// Messages that have to arrive: reminders, once each; and who is not reached in WeChat gets an SMS, then a call. notifier,
// reminder, webhook, signup, console.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Person } from './lib/person.mjs';
import { advance, civilDate, fault, moveTo, noFaults, now, openAhead, openClinic, smsControl, staff, tick, until } from './lib/stack.mjs';

const SEND = '/cgi-bin/message/template/send';
const TRIED_MS = 60_000;
/** The SMS service is asked first. */
const ASKED_AFTER_S = 5 * 60;
const CLOSE = JSON.stringify({ by: 'hospital', reason: 'clinic_changed' });

const booked = async (name) => {
  const where = await openClinic({ name: `${name}门诊`, numbers: 1 });
  const person = await Person.ready(name);
  const key = await person.book(where);
  await person.notice('booked');
  return { person, key, where };
};
const cancelByHospital = async (key) => {
  const answer = await staff('POST', `appointments/${key}/cancel`, CLOSE);
  assert.equal(answer.status, 200, answer.text);
};
const messages = async (key) => (await staff('GET', `appointments/${key}/messages`)).json.messages;
const messageOf = async (key, kind, by) => (await messages(key)).find((one) => one.kind === kind && one.by === by);
const callOf = async (key) => (await staff('GET', 'calls')).json.calls.find((call) => call.appointment === key);
const isSms = async (person, template) => (await person.sms()).some((message) => message.template === template);

test.afterEach(async () => {
  await noFaults();
  await smsControl('faults', { clear: true });
});

test('the day before, with one touch to cancel; doubled ticks send nothing twice', async () => {
  const where = await openAhead({ name: '复诊科', days: 2 });
  const person = await Person.ready('复诊');
  const key = await person.book(where);
  await moveTo(Date.parse(`${civilDate(where.starts_ms, -1)}T18:00:00+08:00`));
  const notice = await person.notice('day_before');
  await tick();
  await tick();
  assert.equal((await person.notices('day_before')).length, 1);
  assert.match(notice.data.thing5.value, /前可点此取消$/);
  // The session of two days ago has ended.
  await person.signIn();
  const page = await person.open(notice.url);
  assert.match(page.text, /来不了，取消挂号/);
  assert.equal((await person.get(new URL(notice.url).pathname)).json.state, 'booked');
  assert.equal((await person.cancel(key)).json.state, 'cancelled');
  assert.doesNotMatch((await person.open(notice.url)).text, /来不了，取消挂号/);
});

test('who left WeChat gets an SMS when the hospital cancels, and the ledger says so', async () => {
  const { person, key } = await booked('短信');
  await person.do('unfollow');
  await cancelByHospital(key);
  await until('the SMS arrives', () => isSms(person, 'cancelled'));
  await tick();
  assert.equal((await person.sms()).length, 1);
  assert.match((await person.sms())[0].text, /^【云杉市人民医院】/);
  assert.equal((await person.notices('cancelled')).length, 0);
  const wechat = await messageOf(key, 'cancelled', 'wechat');
  assert.deepEqual([wechat.state, wechat.why], ['dropped', 'not_following']);
  assert.equal((await messageOf(key, 'cancelled', 'sms')).state, 'sent');
  assert.equal(await callOf(key), undefined);
});

test('who no message reaches is rung up', async () => {
  const { person, key } = await booked('电话');
  await person.do('unfollow');
  await smsControl('block', { phone: person.demo.phone });
  await cancelByHospital(key);
  const call = await until('the call is on the list', () => callOf(key));
  assert.equal(call.why, 'number_refused');
  assert.equal(call.phone, undefined, 'the list shows no number');
  const opened = await staff('GET', `calls/${call.call}`);
  assert.equal(opened.json.phone, person.demo.phone);
  assert.equal((await staff('POST', `calls/${call.call}`, JSON.stringify({ outcome: 'not_reached' }))).json.tries, 1);
  assert.ok(await callOf(key), 'still to be called');
  assert.equal((await staff('POST', `calls/${call.call}`, JSON.stringify({ outcome: 'reached' }))).json.reached, true);
  assert.equal(await callOf(key), undefined);
});

test('an SMS nobody answers for is not sent again, but asked after', async () => {
  const { person, key } = await booked('失联');
  await person.do('unfollow');
  await smsControl('faults', { kind: 'fail_after' });
  await cancelByHospital(key);
  const call = await until('the call is on the list', () => callOf(key));
  assert.equal(call.why, 'unknown');
  await tick();
  await tick();
  assert.equal((await person.sms()).length, 1);
});

test('a text that was taken and did not arrive is a call to make; of one that did it is noted', async () => {
  const [lost, got] = [await booked('未达'), await booked('已达')];
  await smsControl('delivery', { phone: lost.person.demo.phone, status: 'FAIL' });
  for (const { person, key } of [lost, got]) {
    await person.do('unfollow');
    await cancelByHospital(key);
    await until('the service took it', async () => (await messageOf(key, 'cancelled', 'sms'))?.state === 'sent');
  }
  assert.equal(await callOf(lost.key), undefined, 'accepted is not delivered, nor is it lost');
  await advance(ASKED_AFTER_S);
  const call = await until('the call is on the list', async () => {
    await tick();
    return callOf(lost.key);
  });
  assert.deepEqual([call.why, (await messageOf(lost.key, 'cancelled', 'sms')).state], ['failed', 'failed']);
  await until('the other arrived', async () => (await messageOf(got.key, 'cancelled', 'sms')).state === 'delivered');
  assert.equal(await callOf(got.key), undefined);
});

test('what WeChat took and did not deliver goes by SMS', async () => {
  const { person, key } = await booked('拉黑');
  const before = await until('it was delivered', async () => {
    const message = await messageOf(key, 'booked', 'wechat');
    return message.state === 'delivered' && message;
  });
  assert.equal(before.is_copy, false);
  await person.do('block');
  await cancelByHospital(key);
  await until('the SMS arrives', async () => {
    await tick();
    return isSms(person, 'cancelled');
  }, { max_ms: TRIED_MS });
  assert.deepEqual([(await messageOf(key, 'cancelled', 'wechat')).why, (await person.sms()).length], ['blocked', 1]);
});

test('a template deleted in mid-day: what matters goes by SMS, the rest is written down', async () => {
  const { person, key } = await booked('模板');
  await fault({ path: SEND, kind: 'errcode', errcode: 40037, count: 1 });
  await cancelByHospital(key);
  await until('the SMS arrives', () => isSms(person, 'cancelled'));
  assert.equal((await messageOf(key, 'cancelled', 'wechat')).why, 'template_gone');
});

test('a used up quota is not asked again today: what matters goes by SMS', async () => {
  const { person, key } = await booked('配额');
  await fault({ path: SEND, kind: 'errcode', errcode: 45009, count: 1 });
  await cancelByHospital(key);
  await until('the SMS arrives', () => isSms(person, 'cancelled'));
  assert.equal((await messageOf(key, 'cancelled', 'wechat')).why, 'quota');
  // The instances that met it send nothing until midnight: the journeys after this one begin a new day.
  await moveTo(Date.parse(`${civilDate(await now(), 1)}T07:30:00+08:00`));
});

test('family is told if it wishes, and what is muted is not', async () => {
  const where = await openClinic({ name: '家人门诊', numbers: 2 });
  const mother = await Person.ready('母亲');
  const daughter = await Person.invent('女儿');
  await daughter.follow();
  await daughter.signIn();
  await daughter.register({ ...mother.demo, relation: 'family' });
  await daughter.post('/messages/preferences', { save: 'on', receive: 'visits', copies: mother.patient });
  await mother.post('/messages/preferences', new URLSearchParams([['save', 'on'], ['receive', 'reminders'], ['receive', 'people']]));
  const linked = await mother.notice('linked');
  assert.match(linked.data.thing3.value, /另一微信已绑定/);
  const { accounts } = (await mother.get(new URL(linked.url).pathname)).json;
  assert.deepEqual(accounts.map(({ is_own }) => is_own).sort(), [false, true]);
  const key = await mother.book(where);
  await daughter.notice('booked');
  const told = (await messages(key)).filter((one) => one.kind === 'booked');
  assert.deepEqual(told.map((one) => [one.is_copy, one.why]).sort(), [[false, 'muted'], [true, undefined]].sort());
  assert.equal((await mother.notices('booked')).length, 0);
});
