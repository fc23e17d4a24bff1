// The FHIR face: written as the document says, and strict about conditions and versions.
import assert from 'node:assert/strict';
import test from 'node:test';
import { CARD, startStandIn } from './helpers.mjs';

const BASE = '/his/v1/fhir';
const CLINIC = '20270104-am-XNK-D1';
const URN = 'urn:menzhen:fhir:';
const FHIR = { 'content-type': 'application/fhir+json; charset=utf-8' };

const department = { code: 'XNK', name: '心血管内科', parent: null, location: '3 层', campus: '', intro: '' };
const doctor = { code: 'D1', name: '沈怀远', pinyin: 'shen huaiyuan', title: '主任医师', department: 'XNK', expert: true, specialty: '高血压', intro: '' };
const clinic = { date: '2027-01-04', period: 'morning', department: 'XNK', doctor: 'D1', kind: 'expert', fee: '25.50', slots: [{ start: '0800', numbers: [1, 2] }, { start: '0830', numbers: [3] }] };

async function open(t) {
  const his = await startStandIn(t);
  await his.bill('1.00');
  await his.control('timetable', { departments: [department], doctors: [doctor], schedules: [clinic] });
  const call = async (method, path, body, headers = {}) => {
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await his.send(method, `${BASE}${path}`, text, { headers: { ...FHIR, ...headers } });
    assert.equal(answer.isSigned, true);
    return { status: answer.status, body: JSON.parse(answer.bytes) };
  };
  const found = async (path) => (await call('GET', path)).body.entry?.map(({ resource }) => resource) ?? [];
  const visit = async (serial) => (await found(`/Appointment?identifier=${URN}visit|${serial}`))[0];
  return { his, call, found, visit };
}

const appointment = (serial, number, change = {}) => ({
  resourceType: 'Appointment',
  identifier: [{ system: `${URN}visit`, value: serial }],
  status: 'booked',
  slot: [{ type: 'Slot', identifier: { system: `${URN}number`, value: `${CLINIC}.${number}` } }],
  start: '2027-01-04T00:00:00Z',
  end: '2027-01-04T00:30:00Z',
  participant: [
    { type: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'SBJ' }] }], actor: { type: 'Patient', identifier: { system: `${URN}card`, value: CARD } }, status: 'accepted' },
    { actor: { type: 'HealthcareService', identifier: { system: `${URN}department`, value: 'XNK' } }, status: 'accepted' },
    { actor: { type: 'Practitioner', identifier: { system: `${URN}doctor`, value: 'D1' } }, status: 'accepted' },
  ],
  ...change,
});
const unless = (serial) => ({ 'if-none-exist': `identifier=${encodeURIComponent(`${URN}visit|${serial}`)}` });

test('a clinic is a schedule, and its numbers are slots', async (t) => {
  const { found } = await open(t);
  const [schedule, ...slots] = await found(`/Schedule?identifier=${URN}clinic|${CLINIC}&_revinclude=Slot:schedule`);
  assert.equal(schedule.extension[0].valueMoney.value, 25.5);
  assert.deepEqual(slots.map(({ identifier, status }) => [identifier[0].value, status]), [[`${CLINIC}.1`, 'free'], [`${CLINIC}.2`, 'free'], [`${CLINIC}.3`, 'free']]);
  assert.deepEqual(await found(`/Schedule?identifier=${URN}clinic|20270104-pm-XNK-D1&_revinclude=Slot:schedule`), []);
  const [role, person] = await found('/PractitionerRole?active=true&_include=PractitionerRole:practitioner&_include=PractitionerRole:organization');
  assert.equal(role.practitioner.reference, `Practitioner/${person.id}`);
});

test('what changed since is listed', async (t) => {
  const { his, call } = await open(t);
  const days = 'date=ge2027-01-01&date=le2027-01-31';
  const { body } = await call('GET', `/Schedule?${days}`);
  assert.equal(body.entry.length, 1);
  const since = `_lastUpdated=ge${body.meta.lastUpdated}`;
  assert.equal((await call('GET', `/Schedule?${days}&${since}`)).body.entry, undefined);
  await his.control('sell', { clinic: CLINIC, number: 1 });
  assert.equal((await call('GET', `/Schedule?${days}&${since}`)).body.entry.length, 1);
});

test('an appointment is made once, and a number has one', async (t) => {
  const { call, visit } = await open(t);
  const made = await call('POST', '/Appointment', appointment('a', 1), unless('a'));
  assert.deepEqual([made.status, made.body.status], [201, 'booked']);
  assert.deepEqual((await call('POST', '/Appointment', appointment('a', 1), unless('a'))), { status: 200, body: made.body });
  const taken = await call('POST', '/Appointment', appointment('b', 1), unless('b'));
  assert.deepEqual([taken.status, taken.body.issue[0].details.coding[0].code], [409, 'NUMBER_TAKEN']);
  assert.equal(await visit('b'), undefined);
  assert.equal((await call('POST', '/Appointment', appointment('c', 2), unless('d'))).status, 400);
  assert.equal((await call('POST', '/Appointment', { ...appointment('c', 2), colour: 'red' }, unless('c'))).status, 400);
});

test('a change is of the version that was read', async (t) => {
  const { call, visit } = await open(t);
  const { body } = await call('POST', '/Appointment', appointment('a', 1), unless('a'));
  const put = (resource, tag) => call('PUT', `/Appointment/${body.id}`, resource, tag && { 'if-match': tag });
  const cancelled = { ...body, status: 'cancelled' };
  assert.equal((await put(cancelled)).status, 400);
  assert.equal((await put(cancelled, 'W/"0"')).status, 412);
  const tag = `W/"${body.meta.versionId}"`;
  assert.equal((await put({ ...cancelled, start: '2027-01-04T00:30:00Z' }, tag)).status, 400);
  assert.equal((await put(cancelled, tag)).body.status, 'cancelled');
  assert.equal((await put(cancelled, tag)).status, 412);
  assert.equal((await visit('a')).status, 'cancelled');
});

test('a visit moves with both or neither', async (t) => {
  const { his, call, visit } = await open(t);
  await call('POST', '/Appointment', appointment('a', 1), unless('a'));
  const before = await visit('a');
  const move = (tag) => ({
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      { resource: { ...before, status: 'cancelled' }, request: { method: 'PUT', url: `Appointment/${before.id}`, ifMatch: tag } },
      {
        resource: appointment('b', 2, { supportingInformation: [{ type: 'Appointment', identifier: { system: `${URN}visit`, value: 'a' } }] }),
        request: { method: 'POST', url: 'Appointment', ifNoneExist: unless('b')['if-none-exist'] },
      },
    ],
  });
  assert.equal((await call('POST', '', move('W/"0"'))).status, 412);
  await his.control('sell', { clinic: CLINIC, number: 2 });
  const tag = `W/"${before.meta.versionId}"`;
  assert.equal((await call('POST', '', move(tag))).body.issue[0].details.coding[0].code, 'NUMBER_TAKEN');
  assert.deepEqual([(await visit('a')).status, await visit('b')], ['booked', undefined]);
});

test('people are not asked for in addresses', async (t) => {
  const { his, call } = await open(t);
  await his.control('persons', { name: '江望', documents: [], phone: '19900000088', cards: [{ card_no: 'V7' }] });
  assert.equal((await call('GET', '/Patient?phone=19900000088')).status, 400);
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const { body } = await call('POST', '/Patient/_search', 'phone=19900000088', form);
  assert.deepEqual(body.entry.map(({ resource }) => resource.name[0].text), ['江望']);
});

test('a list has pages', async (t) => {
  const { his, call } = await open(t);
  const departments = Array.from({ length: 23 }, (_, index) => ({ ...department, code: `K${index}` }));
  await his.control('timetable', { departments });
  const codes = [];
  let path = '/Organization?type=http://terminology.hl7.org/CodeSystem/organization-type|dept';
  while (path) {
    const { body } = await call('GET', path);
    const matches = body.entry.filter(({ search }) => search.mode === 'match');
    codes.push(...matches.map(({ resource }) => resource.identifier[0].value));
    path = body.link?.find(({ relation }) => relation === 'next')?.url.slice(BASE.length);
  }
  assert.deepEqual(codes, departments.map(({ code }) => code));
});
