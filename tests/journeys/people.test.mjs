// Who a person is in the hospital: cards on proof, cards made once, two records that are one person and two again.
// The functions: card, his-sync, console, booking, signup.
import assert from 'node:assert/strict';
import test from 'node:test';
import { his, hisDown } from './lib/hospital.mjs';
import { inTurns, staffPost } from './lib/money.mjs';
import { Person } from './lib/person.mjs';
import { openClinic, until } from './lib/stack.mjs';

const code = (answer) => answer.json.error?.code;
const cardPath = (person) => `/patients/${person.patient}/card`;
const card = async (person) => (await person.get(cardPath(person))).json;
const paper = ({ demo }) => ({ kind: '03', number: `${demo.country}/${demo.document}` });
const known = (person, cards, change = {}) =>
  his('persons', { name: person.demo.name, documents: [paper(person)], phone: person.demo.phone, cards: cards.map((card_no) => ({ card_no })), ...change });
const theirs = async (person) =>
  (await his('persons')).persons.filter(({ documents }) => documents.some(({ number }) => number === paper(person).number));

/** The code that came by SMS. */
const sentCode = async (person) => {
  const { text } = await until('a code arrives', async () => (await person.sms()).at(-1));
  return text.match(/\d{6}/)[0];
};

test('a card is asked for while the hospital’s system is down: under way, then made once', async () => {
  const person = await Person.ready('停机领卡');
  await hisDown();
  try {
    const asked = await person.post(cardPath(person));
    assert.equal(asked.status, 200, asked.text);
    assert.deepEqual([asked.json.card, asked.json.pending], [null, true]);
    assert.match((await person.open(cardPath(person))).text, /正在办理/);
  } finally {
    await hisDown(false);
  }
  const made = await inTurns('the card is made', async () => (await card(person)).card);
  assert.equal((await person.post(cardPath(person))).json.card, made);
  const [only, ...others] = await theirs(person);
  assert.deepEqual([only.cards.map(({ card_no }) => card_no), others], [[made], []]);
});

test('whom the hospital knows gets all their cards with the code, and chooses', async () => {
  const person = await Person.ready('老病人');
  const numbers = [`K${Date.now()}`, `K${Date.now() + 1}`];
  await known(person, numbers);
  const asked = await person.post(cardPath(person));
  assert.equal(asked.json.card, null);
  assert.equal(asked.json.code_sent_to, `199****${person.demo.phone.slice(-4)}`);
  assert.equal(code(await person.post(`${cardPath(person)}/code`, { code: 'x' })), 'wrong_code');
  const proven = await person.post(`${cardPath(person)}/code`, { code: await sentCode(person) });
  assert.deepEqual([proven.json.card, proven.json.cards], [numbers[0], numbers]);
  const chosen = await person.post(`${cardPath(person)}/main`, { card: numbers[1] });
  assert.equal(chosen.json.card, numbers[1]);
});

test('another phone, another name, no such card: the same words, and no code', async () => {
  const person = await Person.ready('枚举');
  const number = `K${Date.now()}`;
  await known(person, [number]);
  const claim = (change) => person.post(`${cardPath(person)}/bind`, { ...person.demo, card: number, ...change });
  const answers = [await claim({ card: 'K1' }), await claim({ name: '枚芳' }), await claim({ phone: '19900000003' })];
  for (const answer of answers) assert.deepEqual([answer.status, answer.json], [409, answers[0].json]);
  assert.equal(code(answers[0]), 'not_proven');
  assert.deepEqual(await person.sms(), []);
});

test('two records are one person: numbers, rights and what counts; then two again', async () => {
  const [stays, gone] = [await Person.ready('合并留'), await Person.ready('合并走')];
  const where = await openClinic({ name: '合并科', in_min: 150, numbers: 4, fee: '0.00' });
  const held = await gone.tryHold(where);
  assert.equal(held.json.state, 'booked', held.text);
  const merged = await staffPost(`patients/${gone.patient}/merge`, { into: stays.patient });
  assert.deepEqual([merged.status, merged.json.records, merged.json.changed], [200, [stays.patient, gone.patient], true]);
  assert.equal((await staffPost(`patients/${gone.patient}/merge`, { into: stays.patient })).json.changed, false);
  const people = async (person) => (await person.get('/patients')).json.patients.map(({ patient }) => patient);
  assert.deepEqual([await people(stays), await people(gone)], [[stays.patient], [stays.patient]]);
  const appointments = async (person) => (await person.get('/appointments')).json.appointments.map(({ appointment }) => appointment);
  assert.deepEqual(await appointments(stays), [held.json.appointment]);
  assert.equal(code(await stays.tryHold(where)), 'same_clinic');
  assert.equal((await gone.tryHold(where)).status, 404, 'the record that is gone takes no numbers');
  const parted = await staffPost(`patients/${gone.patient}/unmerge`, {});
  assert.deepEqual([parted.status, parted.json.records], [200, [gone.patient]]);
  assert.deepEqual([await appointments(stays), await appointments(gone)], [[], [held.json.appointment]]);
  assert.deepEqual([await people(stays), await people(gone)], [[stays.patient], [gone.patient]]);
  const own = await stays.tryHold(where);
  assert.equal(own.json.state, 'booked', own.text);
});
