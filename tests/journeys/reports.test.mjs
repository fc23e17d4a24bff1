// Reading results: who may, and how they prove it. The function is `report`.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Person } from './lib/person.mjs';
import { moveTo, now } from './lib/stack.mjs';

const MINUTE_MS = 60_000;
const IDLE_MIN = 15;
const TAIL_CHARS = 6;
const tailOf = (person) => person.demo.document.slice(-TAIL_CHARS);
const prove = (person, tail = tailOf(person), patient = person.patient) => person.post('/reports/proof?to=%2Freports', { patient, tail });
const code = (answer) => answer.json.error.code;

test('results are read after a proof, and after a quarter of an hour without reading after another', async (t) => {
  const person = await Person.ready('林读');
  const list = `/reports?patient=${person.patient}`;
  await t.test('nobody reads by having the phone alone', async () => {
    const answer = await person.get(list);
    assert.deepEqual([answer.status, code(answer)], [403, 'proof_required']);
    const page = await person.open(list);
    assert.match(page.text, /证件号码后 6 位/);
    assert.ok(!page.text.includes(tailOf(person)));
  });
  await t.test('a wrong end is refused, the right one opens', async () => {
    const wrong = await prove(person, '000000');
    assert.deepEqual([wrong.status, code(wrong)], [409, 'not_proven']);
    assert.equal((await prove(person)).status, 303);
    const answer = await person.get(list);
    assert.deepEqual([answer.status, answer.json.reports, answer.headers.get('cache-control')], [200, [], 'no-store']);
    assert.match((await person.open(list)).text, /还没有报告/);
  });
  await t.test('a quarter of an hour later WeChat is asked again, and then the person', async () => {
    await moveTo((await now()) + IDLE_MIN * MINUTE_MS);
    assert.equal(code(await person.get(list)), 'proof_required');
    const late = await prove(person);
    assert.deepEqual([late.status, code(late)], [403, 'sign_in_again']);
    const before = person.cookies.get('sid');
    const page = await person.open(list);
    assert.match(page.text, /证件号码后 6 位/);
    assert.notEqual(person.cookies.get('sid'), before, 'a session of its own');
    person.csrf = /name="csrf" value="([^"]+)"/.exec(page.text)[1];
    assert.equal((await prove(person)).status, 303);
    assert.equal((await person.get(list)).status, 200);
  });
});

test('family reads as long as the person lets it', async (t) => {
  const mother = await Person.ready('陈妈妈');
  const daughter = await Person.invent('陈女儿');
  await daughter.follow();
  await daughter.signIn();
  const { patient } = await daughter.register({ ...mother.demo, relation: 'family' });
  assert.equal(patient, mother.patient);
  const list = `/reports?patient=${patient}`;
  const accounts = `/patients/${patient}/accounts`;
  const family = async () => (await mother.get(accounts)).json.accounts.find((account) => !account.is_own);
  await t.test('not before she says so', async () => {
    assert.equal(code(await daughter.get(list)), 'consent_required');
    assert.match((await daughter.open(list)).text, /请本人在自己的微信中/);
    assert.equal((await daughter.post('/reports/consent', { patient, consent: 'on' })).status, 403);
    const other = await daughter.get(accounts);
    assert.ok(other.json.accounts.every((account) => account.sees_reports === undefined), 'who is not asked is not told');
  });
  await t.test('from then on', async () => {
    const { account } = await family();
    assert.equal((await daughter.post(`${accounts}/${account}/reports`, { allow: 'on' })).status, 409, 'nobody allows themselves');
    const answer = await mother.post(`${accounts}/${account}/reports`, { allow: 'on' });
    assert.equal(answer.json.accounts.find((one) => one.account === account).sees_reports, true);
    assert.equal((await prove(daughter, tailOf(mother), patient)).status, 303);
    assert.equal((await daughter.get(list)).status, 200);
  });
  await t.test('and not a moment longer', async () => {
    const { account } = await family();
    await mother.post(`${accounts}/${account}/reports`);
    assert.equal(code(await daughter.get(list)), 'consent_required');
  });
});

test('results of somebody else are not there', async () => {
  const [owner, stranger] = await Promise.all([Person.ready('主人'), Person.ready('旁人')]);
  for (const where of [`/reports?patient=${owner.patient}`, `/reports/proof?patient=${owner.patient}`, '/reports/nothing', '/reports/nothing/print']) {
    assert.equal((await stranger.get(where)).status, 404, where);
  }
  assert.equal((await prove(stranger, tailOf(owner), owner.patient)).status, 404);
});
