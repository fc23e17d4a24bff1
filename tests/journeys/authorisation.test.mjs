// Who may call what: every route of every function, as declared in its source.
import assert from 'node:assert/strict';
import test from 'node:test';
import { fill, routes } from './lib/house.mjs';
import { SECOND } from './lib/money.mjs';
import { Person, newKey } from './lib/person.mjs';
import { HOSPITAL, appointmentId, openClinic, read } from './lib/stack.mjs';

const all = routes();
const of = (access) => all.filter((route) => route.access === access);
const changes = ({ method }) => method !== 'GET';
const title = ({ name, method, path }) => `${name}: ${method} ${path}`;
const JSON_ONLY = { accept: 'application/json' };
const FORM = { ...JSON_ONLY, 'content-type': 'application/x-www-form-urlencoded' };
const ask = async (method, where, headers, body) => read(await fetch(HOSPITAL + where, { method, headers, body: method === 'GET' ? undefined : body ?? '', redirect: 'manual' }));

let owner;
let other;
let own;
test.before(async () => {
  const where = await openClinic({ name: '权限门诊', in_min: 150, numbers: 2 });
  [owner, other] = await Promise.all([Person.ready('主人'), Person.ready('旁人')]);
  const appointment = await owner.hold(where);
  await owner.prepay(appointment);
  own = { ...where, appointment, order: `${appointmentId(appointment)}_01`, patient: owner.patient, kind: 'departments', department: where.department, doctor: 'D0101', file: 'nothing', owner: 'patients', id: owner.patient };
});

test('the routes were found', () => assert.ok(all.length >= 30, `${all.length} routes`));

test('without a session', async (t) => {
  for (const route of of('Account')) {
    await t.test(title(route), async () => {
      const where = fill(route.path, own);
      const api = await ask(route.method, where, FORM);
      assert.equal(api.status, 401, api.text);
      assert.equal(api.json.error.code, 'sign_in_required');
      const page = await ask(route.method, where, { accept: 'text/html', 'content-type': FORM['content-type'] });
      if (changes(route)) assert.ok([303, 401].includes(page.status));
      else {
        assert.equal(page.status, 303);
        assert.match(page.headers.get('location'), /\/signin\?to=/);
      }
    });
  }
});

test('with somebody else’s session what is theirs does not exist', async (t) => {
  const personal = of('Account').filter(({ path }) => /\{(patient|appointment|order)\}/.test(path));
  assert.ok(personal.length >= 14);
  for (const route of personal) {
    await t.test(title(route), async () => {
      const where = fill(route.path, own);
      const answer = changes(route) ? await other.post(where) : await other.get(where);
      // Unlinking whom one is not linked to is done already: the answer shows one's own people.
      if (route.path.endsWith('/unlink')) {
        assert.equal(answer.status, 200);
        assert.doesNotMatch(answer.text, new RegExp(own.patient));
      } else {
        assert.equal(answer.status, 404, answer.text);
        assert.equal(answer.json.error.code, 'not_found');
      }
    });
  }
  await t.test('nor may their bills be seen or chosen', async () => {
    assert.equal((await other.get(`/bills?patient=${owner.patient}`)).status, 404);
    assert.equal((await other.post('/bills/orders', { patient: owner.patient, bill: 'B1' })).status, 404);
  });
  await t.test('nor may a number be held for them', async () => {
    assert.equal((await other.tryHold(own, { patient: owner.patient })).status, 404);
  });
  await t.test('and nothing of it touched the owner', async () => {
    assert.equal((await owner.appointment(own.appointment)).state, 'held');
    assert.equal((await owner.get('/patients')).json.patients.length, 1);
  });
});

test('a change needs the token of the form, and our origin', async (t) => {
  for (const route of of('Account').filter(changes)) {
    await t.test(title(route), async () => {
      const where = fill(route.path, own);
      const fields = { idempotency_key: newKey() };
      for (const headers of [{ 'x-csrf-token': '' }, { 'x-csrf-token': other.csrf }, { origin: 'https://elsewhere.example' }]) {
        const answer = await owner.post(where, fields, headers);
        assert.equal(answer.status, 403, answer.text);
        assert.equal(answer.json.error.code, 'csrf');
      }
    });
  }
});

test('staff routes want a staff token or a session', async (t) => {
  for (const route of [...of('Staff'), ...of('StaffSession')]) {
    await t.test(title(route), async () => {
      const where = fill(route.path, own);
      for (const headers of [{}, { authorization: 'Bearer nobody' }]) {
        const answer = await ask(route.method, where, { ...JSON_ONLY, ...headers });
        assert.equal(answer.status, 401, answer.text);
        assert.equal(answer.json.error.code, 'staff_token_required');
      }
      const page = await ask('GET', where, { accept: 'text/html' });
      if (!changes(route)) assert.match(page.headers.get('location') ?? '', /\/staff\/signin\?to=/);
      const patient = changes(route) && route.method === 'POST' ? await owner.post(where) : await owner.request(route.method, where, { headers: JSON_ONLY });
      assert.equal(patient.status, 401, 'a patient is no staff');
    });
  }
});

test('a staff token opens what its scopes say, and nothing else', async (t) => {
  for (const route of of('Staff')) {
    assert.ok(route.scope, title(route));
    const isTheirs = ['Refunds', 'Finance'].includes(route.scope);
    await t.test(`${title(route)} ${isTheirs ? 'opens' : 'does not'}`, async () => {
      // With a parameter that names nothing and a body that says nothing, so that nothing comes of it.
      const answer = await ask(route.method, fill(route.path, {}), { ...JSON_ONLY, authorization: `Bearer ${SECOND}`, 'content-type': 'application/json' });
      if (isTheirs) assert.ok(![401, 403].includes(answer.status), answer.text);
      else assert.deepEqual([answer.status, answer.json.error.code], [403, 'forbidden']);
    });
  }
});

test('what WeChat or the hospital signs wants its signature', async (t) => {
  for (const route of of('Signed')) {
    await t.test(title(route), async () => {
      const answer = await ask(route.method, route.path, JSON_ONLY, '{}');
      assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} ${answer.text}`);
    });
  }
});

test('public pages are for everybody', async (t) => {
  for (const route of of('Public').filter((route) => !changes(route) && !route.path.startsWith('/signin'))) {
    await t.test(title(route), async () => {
      const answer = await ask(route.method, fill(route.path, own), { accept: 'text/html' });
      assert.equal(answer.status, route.path.includes('{file}') ? 404 : 200);
    });
  }
});
