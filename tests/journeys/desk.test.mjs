// A morning at the desk: staff sign in, people come, are called, miss their turn, are seen; the window, the prints, the wall.
import assert from 'node:assert/strict';
import test from 'node:test';
import { measure, shot, startBrowser } from './lib/browser.mjs';
import { FORM, ROOM, Staff, openDesk } from './lib/desk.mjs';
import { Person, inventPassport, inventPhone } from './lib/person.mjs';
import { HOSPITAL, advance, openClinic, read, staff } from './lib/stack.mjs';

// A desk is stale for two seconds at most; a browser under test gets some more for itself.
const FRESH_WITHIN_MS = 5000;

let where;
let path;
let people;
let keys;
let nurse;
let registrar;
test.before(async () => {
  where = await openClinic({ name: '早晨门诊', in_min: 45, numbers: 9, fee: '0.00', stay_min: 240 });
  path = `/desk/clinics/${where.clinic}`;
  people = await Promise.all(['甲一', '乙二', '丙三'].map((name) => Person.ready(name)));
  keys = [];
  for (const person of people) {
    const held = await person.tryHold(where);
    assert.equal(held.status, 200, held.text);
    keys.push(held.json.appointment);
  }
  [nurse, registrar] = await Promise.all([Staff.signIn('nurse'), Staff.signIn('registrar')]);
});

const number = async (at) => (await people[at].appointment(keys[at])).number;
const deed = (name, fields = {}) => nurse.post(`${path}/queue`, { deed: name, room: ROOM, ...fields });
const idOf = (key) => key.split('-').at(-1);

test('roles: each opens its own part of the house, and nothing opens without the page’s token', async () => {
  const [doctor, admin] = await Promise.all([Staff.signIn('doctor'), Staff.signIn('admin')]);
  assert.equal((await doctor.get(path)).status, 200);
  assert.equal((await doctor.get('/desk/people')).status, 403);
  assert.equal((await admin.get('/desk')).status, 403);
  assert.equal((await admin.get('/staff/accounts')).status, 200);
  assert.equal((await nurse.get('/staff/accounts')).status, 403);
  const forged = await nurse.request('POST', `${path}/queue`, { fields: { deed: 'call_next', room: ROOM }, headers: { 'x-csrf-token': 'Zm9yZ2Vk' } });
  assert.deepEqual([forged.status, forged.json.error.code], [403, 'csrf']);
  const wrong = await read(await fetch(`${HOSPITAL}/staff/signin`, { method: 'POST', headers: { accept: 'application/json', 'content-type': FORM }, body: 'login=nurse&password=wrong' }));
  assert.deepEqual([wrong.status, wrong.json.error.code], [401, 'sign_in_wrong']);
});

test('from the door to the end of the visit', async () => {
  const here = await nurse.post(`${path}/check-in`, { who: `${HOSPITAL}/appointments/${keys[0]}` });
  assert.match(here.said, /已报到/);
  // The clock has whole seconds: who came first is first, whatever the number.
  await advance(1);
  const second = await nurse.post(`${path}/check-in`, { who: String(await number(1)) });
  assert.equal(second.waiting.length, 2);
  assert.equal((await people[0].appointment(keys[0])).state, 'checked_in');

  const called = await deed('call_next');
  assert.equal(called.rooms[0].current.id, idOf(keys[0]));
  const missed = await deed('miss', { appointment: idOf(keys[0]) });
  assert.equal(missed.waiting.find(({ id }) => id === idOf(keys[0])).turn, '过号');
  const next = await deed('call_next');
  assert.equal(next.rooms[0].current.id, idOf(keys[1]));
  const after = await deed('finish_next', { appointment: idOf(keys[1]) });
  assert.equal(after.rooms[0].current.id, idOf(keys[0]), 'who missed the turn comes up again');
  assert.equal((await people[1].appointment(keys[1])).state, 'fulfilled');
  assert.equal((await deed('results', { appointment: idOf(keys[1]) })).waiting.length, 1);
  await deed('finish', { appointment: idOf(keys[0]) });
});

test('asking again costs nothing while nothing changes', async () => {
  const first = await nurse.get(path);
  const again = await nurse.get(path, { headers: { 'if-none-match': first.headers.get('etag') } });
  assert.deepEqual([again.status, again.text], [304, '']);
});

test('the window: somebody without a phone', async () => {
  const passport = inventPassport();
  const person = await registrar.post('/desk/people', { by: 'new', name: 'Window Guest', document_kind: '03', ...passport, phone: inventPhone(), consent: 'on' });
  const found = await registrar.post('/desk/people', { by: 'document', document_kind: '03', ...passport });
  assert.equal(found.patient, person.patient);
  const slip = await registrar.post('/desk/appointments', { patient: person.patient, clinic: where.clinic, slot: where.slot });
  assert.equal(slip.state, 'booked');
  const page = await registrar.get(`/desk/appointments/${slip.appointment}/slip`, { accept: 'text/html' });
  assert.match(page.text, new RegExp(`${slip.number} 号`));
  assert.doesNotMatch(page.text, /Window Guest/);
  const list = await nurse.get(`${path}/paper`);
  assert.ok(list.json.people.some((one) => one.number === slip.number), list.text);
  const off = await registrar.post(`/desk/appointments/${slip.appointment}/cancel`, { reason: 'patient_asked' });
  assert.equal(off.state, 'cancelled');
});

test('what was done is on record', async () => {
  const { json } = await staff('GET', 'audit');
  const seen = new Set(json.entries.map(({ who, what }) => `${who} ${what}`));
  for (const one of ['nurse sign_in', 'nurse check_in', 'nurse miss', 'registrar register_person', 'registrar cancel_appointment:patient_asked']) assert.ok(seen.has(one), one);
  assert.doesNotMatch(JSON.stringify(json), /Window Guest/);
});

test('one nurse at the keys, and the wall', async (t) => {
  const browser = await startBrowser();
  t.after(() => browser.close());
  const desk = await browser.newPage({ viewport: { width: 1280, height: 800 }, locale: 'zh-CN' });
  const wall = await browser.newPage({ viewport: { width: 1280, height: 720 }, locale: 'zh-CN' });
  const problems = [];
  for (const page of [desk, wall]) {
    page.setDefaultTimeout(FRESH_WITHIN_MS);
    page.on('pageerror', (error) => problems.push(error.message));
  }
  await openDesk(desk, 'nurse', path);

  const link = await nurse.get(`/desk/screens/${where.clinic}/link`);
  await wall.addInitScript(() => {
    window.said = [];
    speechSynthesis.speak = (words) => window.said.push(words.text);
  });
  await wall.goto(link.json.url);
  await wall.getByRole('button', { name: '开启语音' }).click();

  await desk.locator('#who').fill(keys[2]);
  await desk.keyboard.press('Enter');
  await desk.getByText(/已报到/).first().waitFor();
  await desk.locator(`#a-${idOf(keys[2])}`).waitFor();
  await desk.keyboard.press('Escape');
  await desk.keyboard.press('n');
  await desk.getByText('已叫 1 次').waitFor();
  await shot(desk, 'desk');
  await wall.locator('.call.fresh').waitFor();
  await shot(wall, 'wall');
  await wall.waitForFunction(() => window.said.some((text) => text.includes('就诊')));
  const words = await wall.evaluate(() => window.said);
  assert.equal(words.filter((text) => text.includes('就诊')).length, 1, 'a call is said once');
  await wall.waitForTimeout(2500);
  assert.equal((await wall.evaluate(() => window.said)).length, words.length, 'and not again');
  await desk.keyboard.press('r');
  await wall.waitForFunction((before) => window.said.length > before, words.length);

  const size = await measure(desk, 40);
  assert.ok(size.overflow <= 0, `${size.overflow} px too wide`);
  await desk.context().setOffline(true);
  await desk.locator('#stale').waitFor();
  await desk.context().setOffline(false);
  await desk.locator('#stale').waitFor({ state: 'hidden' });
  assert.deepEqual(problems, []);
});
