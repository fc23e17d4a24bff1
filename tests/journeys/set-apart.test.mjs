// Numbers set apart: for old people on the phone, and for whoever brings a referral code. The functions: booking, desk,
// signup, console.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import test from 'node:test';
import { Staff } from './lib/desk.mjs';
import { Person, newKey } from './lib/person.mjs';
import { openAhead } from './lib/stack.mjs';

const RESIDENT_ID = '01';
const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/** A resident identity number of nobody, born on a day (GB 11643). */
function inventResident(birth) {
  const body = `110105${birth}${String(crypto.randomInt(1000)).padStart(3, '0')}`;
  const sum = WEIGHTS.reduce((total, weight, at) => total + weight * Number(body[at]), 0);
  return `${body}${'10X98765432'[sum % 11]}`;
}

/** Somebody born on a day, ready to book. */
async function born(name, birth) {
  const person = await Person.invent(name);
  Object.assign(person.demo, { document_kind: RESIDENT_ID, document: inventResident(birth) });
  delete person.demo.country;
  await person.follow();
  await person.signIn();
  await person.register();
  return person;
}

const code = (answer) => answer.json.error?.code;
const number = (answer) => {
  assert.equal(answer.status, 200, answer.text);
  return answer.json.number;
};
const apart = async (person, where) => ((await person.get(`/clinics/${where.clinic}`)).json.set_apart ?? []).map(({ channel }) => channel);

test('what is set apart for old people is theirs, on the phone too', async () => {
  const where = await openAhead({ name: '长者科', numbers: 2, apart: '老年人50' });
  const [old, young, late] = await Promise.all([born('长者', '19490312'), born('青年', '19950312'), Person.ready('来迟')]);
  assert.equal(number(await young.tryHold(where)), 1);
  assert.equal(code(await late.tryHold(where)), 'sold_out');
  assert.deepEqual(await apart(late, where), []);
  const refused = await late.tryHold(where, { channel: 'elder' });
  assert.deepEqual([refused.status, code(refused)], [403, 'not_elder']);
  assert.match(refused.json.error.text, /窗口或电话/);
  assert.deepEqual(await apart(old, where), ['elder']);
  assert.match((await old.open(`/clinics/${where.clinic}`)).text, /长者号/);
  assert.equal(number(await old.tryHold(where, { channel: 'elder' })), 2);
});

test('a referral code opens one number set apart, once', async (t) => {
  const where = await openAhead({ name: '转诊科', numbers: 2, apart: '转诊50' });
  const doctor = await Staff.signIn('doctor');
  const path = `/desk/clinics/${where.clinic}/referrals`;
  const issued = await doctor.post(path, {});
  assert.match(issued.code, /^[0-9A-Z]{4} [0-9A-Z]{4}$/);
  const [first, second, third] = await Promise.all(['转甲', '转乙', '转丙'].map((name) => Person.ready(name)));
  assert.equal(number(await first.tryHold(where)), 1);
  await t.test('a wrong code says nothing', async () => {
    assert.equal(code(await second.tryHold(where, { referral: 'zzzz 9999' })), 'referral_unknown');
  });
  await t.test('as it is typed', async () => {
    const key = newKey();
    const typed = issued.code.toLowerCase().replace(' ', '-');
    assert.equal(number(await second.tryHold(where, { referral: typed, key })), 2);
    assert.equal(number(await second.tryHold(where, { referral: typed, key })), 2, 'a repeat');
  });
  await t.test('and not again', async () => {
    assert.equal(code(await third.tryHold(where, { referral: issued.code })), 'referral_used');
    const refused = await doctor.request('POST', path, { fields: {} });
    assert.deepEqual([refused.status, code(refused)], [409, 'referral_none_left']);
  });
});
