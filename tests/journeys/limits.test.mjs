// Two people at one counter, and one person with two phones: booking, signup.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Person, free } from './lib/person.mjs';
import { openClinic, openDepartment } from './lib/stack.mjs';

const code = (answer) => answer.json.error?.code;

test('two people want the last number: one gets it', async () => {
  const where = await openClinic({ name: '一号难求', numbers: 1 });
  const people = await Promise.all(['甲', '乙', '丙'].map((name) => Person.ready(`抢号${name}`)));
  const answers = await Promise.all(people.map((person) => person.tryHold(where)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409, 409]);
  assert.ok(answers.filter(({ status }) => status === 409).every((answer) => code(answer) === 'sold_out'));
  assert.equal(await free(people[0], where), 0);
});

test('two numbers of one slot differ', async () => {
  const where = await openClinic({ name: '两号门诊', numbers: 2 });
  const people = await Promise.all([Person.ready('前排'), Person.ready('后排')]);
  const keys = await Promise.all(people.map((person) => person.hold(where)));
  const numbers = await Promise.all(keys.map(async (key, at) => (await people[at].appointment(key)).number));
  assert.notEqual(numbers[0], numbers[1]);
});

test('one person from two accounts is one person', async (t) => {
  const where = await openClinic({ name: '两个微信', numbers: 3 });
  const first = await Person.ready('一人');
  const second = await Person.invent('一人');
  second.demo = first.demo;
  await second.follow();
  await second.signIn();
  const linked = await second.register({ relation: 'family' });
  assert.equal(linked.patient, first.patient);

  await t.test('whoever does not know the name is not let in', async () => {
    const stranger = await Person.invent('冒名');
    await stranger.signIn();
    const answer = await stranger.post('/patients', { document_kind: '03', relation: 'family', consent: 'on', ...first.demo, name: '别人' });
    assert.equal(answer.status, 409);
    assert.equal(code(answer), 'not_proven');
  });
  const key = await first.hold(where);
  await t.test('the same clinic', async () => {
    assert.equal(code(await second.tryHold(where)), 'same_clinic');
  });
  await t.test('another unpaid number', async () => {
    const other = await openClinic({ name: '另一科', numbers: 1 });
    assert.equal(code(await second.tryHold(other)), 'unpaid_hold');
  });
  await t.test('either account sees it, and either may pay', async () => {
    assert.equal((await second.appointment(key)).state, 'held');
    await second.pay(key);
    await first.state(key, 'booked');
  });
});

test('one department a day, three numbers a day', async () => {
  const person = await Person.ready('贪心');
  const department = await openDepartment('每日限号');
  const booked = await openClinic({ department, in_min: 75, stay_min: 300 });
  await person.book(booked);
  for (const name of ['第二科', '第三科']) await person.book(await openClinic({ name, in_min: 75 }));
  const fourth = await openClinic({ name: '第四科', in_min: 75 });
  assert.equal(code(await person.tryHold(fourth)), 'limit_day');
});
