// The credit record: visits nobody came to, what they cost, objecting, the blacklist, and the hospital's word at night.
// The functions: sweeper, his-sync, notifier, booking, signup, console.
import assert from 'node:assert/strict';
import test from 'node:test';
import { his } from './lib/hospital.mjs';
import { staffPost } from './lib/money.mjs';
import { Person } from './lib/person.mjs';
import { appointmentId, civilDate, moveTo, now, openAhead, openClinic, staff, tick, until } from './lib/stack.mjs';

const MINUTE_MS = 60_000;
/** Half an hour of the slot, half an hour of grace, and a minute. */
const MISSED_AFTER_MS = 61 * MINUTE_MS;
const code = (answer) => answer.json.error?.code;

/** Books a free visit of today and does not come. */
async function miss(person) {
  const where = await openClinic({ name: '爽约科', in_min: 75, stay_min: 240, numbers: 2, fee: '0.00' });
  // The clock has moved, or will: a session lasts half an hour.
  await person.signIn();
  const held = await person.tryHold(where);
  assert.equal(held.json.state, 'booked', held.text);
  const key = held.json.appointment;
  const state = async () => (await person.appointment(key)).state;
  await moveTo(where.starts_ms + MISSED_AFTER_MS);
  await person.signIn();
  await until('the visit counts as missed', async () => {
    await tick();
    return (await state()) === 'no_show';
  });
  return key;
}

const record = async (person) => (await person.get(`/patients/${person.patient}/credit`)).json;
const strike = (person, key) => `/patients/${person.patient}/credit/${appointmentId(key)}`;

test('three visits nobody came to end booking ahead, and an appeal opens it again', async (t) => {
  const person = await Person.ready('常爽约');
  const keys = [];
  await t.test('each is told, with what counts', async () => {
    for (const [count, standing] of [[1, 'good'], [2, 'last_warning'], [3, 'suspended']]) {
      keys.push(await miss(person));
      await person.noticeByDay('missed', count);
      assert.equal((await person.notices('missed')).length, count);
      await person.signIn();
      assert.equal((await record(person)).standing, standing);
    }
    const { counted, strikes } = await record(person);
    assert.deepEqual([counted, strikes.length], [3, 3]);
    await person.noticeByDay('suspended');
    const page = await person.open(`/patients/${person.patient}/credit`);
    assert.match(page.text, /已暂停预约挂号/);
    assert.match(page.text, /爽约科/);
  });
  await t.test('booking ahead is refused in words, the day itself is not', async () => {
    const refused = await person.tryHold(await openAhead({ numbers: 2, fee: '0.00' }));
    assert.deepEqual([refused.status, code(refused)], [403, 'no_advance_booking']);
    assert.match(refused.json.error.text, /申诉/);
    const today = await openClinic({ name: '当日科', numbers: 1 });
    const other = await Person.ready('旁人');
    await person.signIn();
    assert.equal((await other.get(strike(person, keys[0]))).status, 404);
    assert.ok([200, 409].includes((await person.tryHold(today)).status), 'at most the limit of a day is in the way');
  });
  await t.test('an appeal is filed once, and answered by the second working day', async () => {
    const empty = await person.post(strike(person, keys[0]), { text: ' ' });
    assert.equal(empty.status, 422, empty.text);
    for (const text of ['当天在本院住院', '再说一遍']) {
      const filed = await person.post(strike(person, keys[0]), { text });
      assert.equal(filed.json.appeal.state, '处理中', filed.text);
    }
    await person.post(strike(person, keys[1]), { text: '忘记了' });
    const open = (await staff('GET', 'appeals')).json.appeals.filter(({ appointment }) => keys.includes(appointment));
    assert.deepEqual(open.map(({ text }) => text).sort(), ['当天在本院住院', '忘记了'].sort());
    assert.ok(open.every(({ due, filed_at }) => due > filed_at.slice(0, 10)));
  });
  await t.test('refused says why, granted lifts the ban at once', async () => {
    const answer = (key, body) => staffPost(`appeals/${key}/answer`, body);
    assert.equal((await answer(keys[1], { granted: false, why: '未提前取消' })).status, 200);
    assert.equal((await person.get(strike(person, keys[1]))).json.appeal.reason, '未提前取消');
    assert.equal((await record(person)).standing, 'suspended');
    assert.equal((await answer(keys[0], { granted: true, why: '有住院记录' })).status, 200);
    assert.equal((await answer(keys[0], { granted: true, why: '有住院记录' })).status, 200, 'a repeat says the same');
    assert.equal(code(await answer(keys[0], { granted: false, why: '改主意' })), 'already_answered');
    assert.equal((await record(person)).standing, 'last_warning');
    await person.noticeByDay('appeal_answered');
    await person.signIn();
    const open = (await staff('GET', 'appeals')).json.appeals;
    assert.ok(open.every(({ appointment }) => !keys.includes(appointment)));
    const seen = (await staff('GET', `credit/patients/${person.patient}`)).json;
    assert.equal(seen.strikes.find(({ appointment }) => appointment === appointmentId(keys[0])).state, 'waived');
  });
  await t.test('another policy can be tried on the same facts', async () => {
    const tried = await staffPost('credit/dry-run', { policy: { preset: 'ophthalmology' } });
    assert.equal(tried.status, 200, tried.text);
    assert.ok(tried.json.newly_banned.some(({ patient }) => patient === person.patient), tried.text);
    assert.equal((await record(person)).standing, 'last_warning', 'nothing has changed');
  });
});

test('the blacklist ends booking online, in neutral words, until it is lifted', async () => {
  const person = await Person.ready('倒号');
  const block = { why: 'scalping', evidence: '一日内用多人身份抢号', until: null };
  const where = `credit/patients/${person.patient}`;
  assert.equal((await staffPost(`${where}/block`, block)).json.changed, true);
  assert.equal((await staffPost(`${where}/block`, block)).json.changed, false);
  const ahead = await openAhead({ numbers: 2, fee: '0.00' });
  const refused = await person.tryHold(ahead);
  assert.deepEqual([refused.status, code(refused)], [403, 'online_booking_off']);
  assert.doesNotMatch(refused.text, /倒|黑名单|scalping/);
  const emergency = await openClinic({ name: '急诊', numbers: 1, fee: '0.00' });
  await person.signIn();
  assert.equal((await person.tryHold(emergency)).status, 200);
  assert.equal((await staff('GET', where)).json.blocks[0].evidence, block.evidence);
  assert.equal((await staffPost(`${where}/unblock`, { why: '查证有误' })).json.changed, true);
  assert.equal((await person.tryHold(ahead)).status, 200);
  assert.equal((await staffPost('credit/accounts/oNobody/block', block)).status, 200);
});

test('at night the hospital’s own record says who was there after all', async () => {
  const people = await Promise.all([Person.ready('其实到了'), Person.ready('真的没到')]);
  for (const person of people) person.visit = await miss(person);
  const day = civilDate(await now());
  for (const [at, person] of people.entries()) await his('visits', { appointment: appointmentId(person.visit), visited: at === 0 });
  await moveTo(Date.parse(`${day}T00:00:00+08:00`) + 26 * 60 * MINUTE_MS + MINUTE_MS);
  const [came, absent] = people;
  for (const person of people) await person.signIn();
  await until('the hospital has been asked', async () => {
    await tick();
    return (await came.appointment(came.visit)).state === 'fulfilled';
  });
  assert.deepEqual((await record(came)).strikes.map(({ counts }) => counts), [false]);
  assert.equal((await absent.appointment(absent.visit)).state, 'no_show');
  await until('the strike is certain', async () => {
    await tick();
    return (await record(absent)).strikes[0].state === '计入';
  });
});
