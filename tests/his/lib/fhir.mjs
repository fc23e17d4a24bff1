// The FHIR R4 face: searches with pages, conditional creates and updates, transactions. The deeds are those of the other
// languages; what FHIR asks for beyond them (versions, conditions, one way to write a thing) is held to here.
import { isDeepStrictEqual } from 'node:util';
import { OPERATIONS } from './operations.mjs';
import { SEARCHES, surviving } from './persons.mjs';
import { Refusal } from './refusal.mjs';
import { ShapeError } from './shape.mjs';
import * as resources from './fhir-resources.mjs';
import { CARD, CLINIC, DEPARTMENT, DEPARTMENT_TYPE, DOCTOR, DOCUMENT, HELD_UNTIL, NUMBER, ORDER, PAID, PARTICIPATION, PERSON, PERSON_WRITE, REFUSAL, RELATION, VISIT } from './fhir-resources.mjs';

export const FHIR_PATH = '/his/v1/fhir';
export const isFhir = (pathname) => pathname === FHIR_PATH || pathname.startsWith(`${FHIR_PATH}/`);

const JSON_TYPE = /^application\/fhir\+json; charset=utf-8$/i;
const FORM_TYPE = 'application/x-www-form-urlencoded';
/** A server gives what it likes at a time, whatever was asked for. */
const PAGE_MAX = 10;
const HALF_HOUR_MS = 30 * 60 * 1000;

const STATUSES = { NUMBER_TAKEN: 409, SERIAL_OVER: 409, NOT_FOUND: 404, BAD_REQUEST: 400, VERSION: 412, METHOD: 400 };
const ISSUES = { 400: 'invalid', 404: 'not-found', 409: 'conflict', 412: 'conflict', 401: 'security' };
/** Reasons only HTTP has a word for. */
const WITHOUT_CODE = ['VERSION', 'NOT_FOUND'];

const need = (condition, where) => {
  if (!condition) throw new Refusal('BAD_REQUEST', `资源不符：${where}`);
};

// Answers -------------------------------------------------------------------------------------

const written = (status, resource, headers = {}) => ({
  status, headers: { 'content-type': 'application/fhir+json; charset=utf-8', ...headers }, body: JSON.stringify(resource), code: 0, error: '',
});

/** A refusal, with the code of the other languages where it has one. */
export function operationOutcome({ code, message }, status = STATUSES[code] ?? 422) {
  const details = WITHOUT_CODE.includes(code) ? { text: message } : { coding: [{ system: REFUSAL, code }], text: message };
  const issue = [{ severity: 'error', code: ISSUES[status] ?? 'business-rule', details }];
  return { ...written(status, { resourceType: 'OperationOutcome', issue }), code: -1, error: code };
}

const shown = (status, resource) => written(status, resource, { etag: `W/"${resource.meta.versionId}"`, location: `${FHIR_PATH}/${resource.resourceType}/${resource.id}` });

// Requests ------------------------------------------------------------------------------------

/** Only these fields, and those that must be there. */
function fields(value, where, needed, allowed = []) {
  need(value !== null && typeof value === 'object' && !Array.isArray(value), where);
  for (const name of needed) need(Object.hasOwn(value, name), `${where}.${name}`);
  for (const name of Object.keys(value)) need(needed.includes(name) || allowed.includes(name), `${where}.${name}`);
  return value;
}

function bodyOf({ headers, bytes }) {
  need(JSON_TYPE.test(headers['content-type'] ?? ''), 'content-type');
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new Refusal('BAD_REQUEST', '不是 JSON');
  }
}

/** Values under their names, each name once but for those that may repeat. */
function paramsOf(search, rules) {
  const params = {};
  for (const [name, value] of new URLSearchParams(search)) {
    need(Object.hasOwn(rules, name) && rules[name].test(value), `${name}=${value}`);
    (params[name] ??= []).push(value);
  }
  return params;
}

const one = (params, name) => {
  need(params[name]?.length === 1, name);
  return params[name][0];
};

const unescape = (value) => value.replace(/\\(.)/g, '$1');

/** `system|value,system|value` as pairs. */
function tokensOf(text) {
  const tokens = text.match(/(?:\\.|[^,\\])+/g) ?? [];
  return tokens.map((token) => {
    const at = token.indexOf('|');
    need(at > 0, 'identifier');
    return { system: token.slice(0, at), value: unescape(token.slice(at + 1)) };
  });
}

const identifiersOf = (resource, system) => (resource.identifier ?? []).filter((entry) => entry.system === system);

function identifierOf(resource, system) {
  const found = identifiersOf(resource, system);
  need(found.length === 1 && typeof found[0].value === 'string', `identifier ${system}`);
  return found[0].value;
}

// Searches ------------------------------------------------------------------------------------

const COUNT = /^[1-9]\d*$/;
const DAY = /^(ge|le)\d{4}-\d\d-\d\d$/;
const SINCE = /^ge\d{4}-\d\d-\d\dT[\d:.]+Z$/;
const ANY = /^.+$/;
const exactly = (text) => new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);

const between = (days) => {
  const from = days.find((day) => day.startsWith('ge'))?.slice(2);
  const to = days.find((day) => day.startsWith('le'))?.slice(2);
  need(days.length === 2 && from && to, 'date');
  return ({ date }) => date >= from && date <= to;
};

function changedSince(params) {
  const since = params._lastUpdated ? Date.parse(one(params, '_lastUpdated').slice(2)) : 0;
  return ({ version }) => Date.parse(resources.changedAt(version)) >= since;
}

function searchSchedules(world, params) {
  if (!params.identifier) {
    const [inRange, isNew] = [between(params.date ?? []), changedSince(params)];
    return { matches: resources.schedules(world, (entry) => inRange(entry) && isNew(entry)) };
  }
  const [{ system, value }] = tokensOf(one(params, 'identifier'));
  need(system === CLINIC, 'identifier');
  const is = (entry) => world.state.schedules[value] === entry;
  return { matches: resources.schedules(world, is), included: () => resources.slots(world, is) };
}

function searchSlots(world, params) {
  const [inRange, isNew] = [between(params['schedule.date'] ?? []), changedSince(params)];
  const keep = (entry) => inRange(entry) && isNew(entry);
  return { matches: resources.slots(world, keep), included: () => resources.schedules(world, keep) };
}

function searchAppointments(world, params) {
  const serials = tokensOf(one(params, 'identifier')).map(({ system, value }) => {
    need(system === VISIT, 'identifier');
    return value;
  });
  const entries = serials.map((serial) => resources.visitOf(world, serial)).filter(Boolean);
  const included = () => (params._revinclude ? resources.encounters(world, serials) : []);
  return { matches: entries.map((entry) => resources.appointment(world, entry)), included };
}

/** People by an identifier: a paper, a card that is in use, their number, or one of a write. */
function byToken(world, { system, value }) {
  if (system.startsWith(DOCUMENT)) return SEARCHES.document(world, { document: { kind: system.slice(DOCUMENT.length), number: value } });
  if (system === CARD) return SEARCHES.card(world, { card_no: value });
  if (system === PERSON) return [world.state.people[value]].filter(Boolean);
  need(system === PERSON_WRITE, 'identifier');
  return [world.state.people[world.state.personWrites[value]?.answer.person_no]].filter(Boolean);
}

function peopleBy(world, params) {
  if (params.identifier) return tokensOf(one(params, 'identifier')).flatMap((token) => byToken(world, token));
  if (params.phone) return SEARCHES.phone(world, { phone: one(params, 'phone') });
  const [{ system, value }] = tokensOf(one(params, '_has:RelatedPerson:patient:identifier'));
  need(system.startsWith(DOCUMENT), 'identifier');
  return SEARCHES.guardian(world, { document: { kind: system.slice(DOCUMENT.length), number: value } });
}

function searchPatients(world, params) {
  const found = [...new Set(peopleBy(world, params))];
  const keepers = [...new Set(found.map((person) => surviving(world, person)))].filter((person) => !found.includes(person));
  const included = () => [...keepers.map((person) => resources.patient(world, person)), ...resources.relatedPersons(world, [...found, ...keepers])];
  return { matches: found.map((person) => resources.patient(world, person)), included };
}

/** Reports in the order of their changes; each resource once, as it was kept last. */
function searchReports(world, params) {
  const after = params._lastUpdated ? Date.parse(one(params, '_lastUpdated').slice(2)) : 0;
  const number = params.identifier && one(params, 'identifier');
  const [card] = params['subject:Patient.identifier'] ? tokensOf(one(params, 'subject:Patient.identifier')) : [];
  const isAsked = ({ report, version }) =>
    Date.parse(resources.changedAt(version)) > after &&
    (!number || report.identifier?.some(({ value }) => value === number)) &&
    (!card || (card.system === CARD && report.subject?.identifier?.value === card.value));
  const kept = world.state.fhirReports.filter(isAsked);
  const matches = kept.map(({ report, version }) => ({ ...report, meta: { versionId: String(version), lastUpdated: resources.changedAt(version) } }));
  return { matches, included: () => kept.flatMap(({ others }) => others), isWhole: true };
}

/** A bundle of a report and what is with it joins the list; the same report again stands at its end. */
export function keepFhirReport(world, bundle) {
  const all = bundle.entry.map(({ resource }) => resource);
  const [report] = all.filter(({ resourceType }) => resourceType === 'DiagnosticReport');
  world.state.version += 1;
  const rest = world.state.fhirReports.filter((kept) => kept.report.id !== report.id);
  world.state.fhirReports = [...rest, { report, others: all.filter((resource) => resource !== report), version: world.state.version }];
  world.changed();
  return { id: report.id };
}

const SEARCHED = {
  Organization: {
    rules: { type: exactly(DEPARTMENT_TYPE), _revinclude: exactly('HealthcareService:organization'), _count: COUNT },
    run: (world) => ({ matches: resources.organizations(world), included: () => resources.healthcareServices(world) }),
  },
  PractitionerRole: {
    rules: { active: /^true$/, _include: /^PractitionerRole:(practitioner|organization)$/, _count: COUNT },
    run: (world) => ({ matches: resources.practitionerRoles(world), included: () => [...resources.practitioners(world), ...resources.organizations(world)] }),
  },
  Schedule: { rules: { identifier: ANY, date: DAY, _lastUpdated: SINCE, _revinclude: exactly('Slot:schedule'), _count: COUNT }, run: searchSchedules },
  Slot: { rules: { 'schedule.date': DAY, _lastUpdated: SINCE, _include: exactly('Slot:schedule'), _count: COUNT }, run: searchSlots },
  Appointment: { rules: { identifier: ANY, _revinclude: exactly('Encounter:appointment') }, run: searchAppointments },
  Patient: {
    rules: {
      identifier: ANY,
      phone: /^1[3-9]\d{9}$/,
      '_has:RelatedPerson:patient:identifier': ANY,
      '_include:iterate': exactly('Patient:link'),
      '_revinclude:iterate': exactly('RelatedPerson:patient'),
    },
    run: searchPatients,
    isPrivate: true,
  },
  DiagnosticReport: {
    rules: {
      identifier: ANY,
      'subject:Patient.identifier': ANY,
      _lastUpdated: /^gt\d{4}-\d\d-\d\dT[\d:.]+Z$/,
      _sort: /^_lastUpdated$/,
      _count: COUNT,
      _include: /^DiagnosticReport:(subject|result|specimen|based-on)$/,
      '_include:iterate': exactly('Observation:has-member'),
    },
    run: searchReports,
    isPrivate: true,
  },
};

/** What goes with a page: the resources its matches refer to, or that refer to them. */
function alongside(page, included) {
  const text = JSON.stringify(page);
  const places = page.map(({ resourceType, id }) => `"${resourceType}/${id}"`);
  return included.filter((entry) => text.includes(`"${entry.resourceType}/${entry.id}"`) || places.some((place) => JSON.stringify(entry).includes(place)));
}

function page(world, kind, search, offset) {
  const { rules, run } = SEARCHED[kind];
  const { matches, included = () => [], isWhole = false } = run(world, paramsOf(search, rules));
  const shownNow = matches.slice(offset, offset + PAGE_MAX);
  const next = Buffer.from(JSON.stringify({ kind, search, offset: offset + PAGE_MAX })).toString('base64url');
  const entry = (mode) => (resource) => ({ fullUrl: `https://his.hospital.example${FHIR_PATH}/${resource.resourceType}/${resource.id}`, resource, search: { mode } });
  const link = offset + PAGE_MAX < matches.length ? [{ relation: 'next', url: `${FHIR_PATH}?page=${next}` }] : [];
  const entries = [...shownNow.map(entry('match')), ...(isWhole ? included() : alongside(shownNow, included())).map(entry('include'))];
  const bundle = { resourceType: 'Bundle', meta: { lastUpdated: resources.lookedAt(world) }, type: 'searchset', total: matches.length };
  return written(200, { ...bundle, ...(link.length > 0 ? { link } : {}), ...(entries.length > 0 ? { entry: entries } : {}) });
}

function nextPage(world, token) {
  const { kind, search, offset } = JSON.parse(Buffer.from(token ?? '', 'base64url').toString() || '{}');
  need(SEARCHED[kind], 'page');
  return page(world, kind, search, offset);
}

// Visits --------------------------------------------------------------------------------------

const perform = (world, operation, body) => {
  const { shape, run } = OPERATIONS[operation];
  shape(body);
  return run(world, body).data;
};

/** The half hour of a start, and the day it is on by the hospital's clock. */
function startOf({ start, end }) {
  const begins = Date.parse(start);
  need(begins % HALF_HOUR_MS === 0 && Date.parse(end) === begins + HALF_HOUR_MS, 'start');
  const clock = new Date(begins + 8 * 60 * 60 * 1000).toISOString();
  return { date: clock.slice(0, 10), start: clock.slice(11, 16).replace(':', '') };
}

function numberOf({ slot }) {
  need(Array.isArray(slot) && slot.length === 1 && slot[0].identifier?.system === NUMBER, 'slot');
  const { value } = fields(slot[0].identifier, 'slot.identifier', ['system', 'value']);
  const at = value.lastIndexOf('.');
  return { clinic: value.slice(0, at), number: Number(value.slice(at + 1)) };
}

const isConcept = (value, system, code) => isDeepStrictEqual(value, { coding: [{ system, code }] });

/** Who takes part: the patient first, then the department, then the doctor if there is one. */
function participantsOf({ participant }) {
  need(Array.isArray(participant) && participant.length >= 1, 'participant');
  const [subject, ...actors] = participant;
  need(isConcept(subject.type?.[0], PARTICIPATION, 'SBJ') && subject.status === (subject.actor ? 'accepted' : 'needs-action'), 'participant[0]');
  const of = (type, system) => actors.find(({ actor }) => actor.type === type && actor.identifier.system === system)?.actor.identifier.value;
  return { card_no: subject.actor?.identifier.value ?? null, department: of('HealthcareService', DEPARTMENT), doctor: of('Practitioner', DOCTOR) ?? null, count: participant.length };
}

const extensionOf = ({ extension = [] }, url) => extension.find((entry) => entry.url === url);
const yuanOf = ({ value, currency }) => {
  need(currency === 'CNY', 'currency');
  return value.toFixed(2);
};

const APPOINTMENT_FIELDS = ['resourceType', 'identifier', 'status', 'slot', 'start', 'end', 'participant'];

function lockOf(resource) {
  fields(resource, 'Appointment', [...APPOINTMENT_FIELDS, 'extension']);
  const { count, card_no } = participantsOf(resource);
  need(count === 1 && card_no === null, 'participant');
  const { clinic, number } = numberOf(resource);
  return { serial: identifierOf(resource, VISIT), clinic, start: startOf(resource).start, number, until: extensionOf(resource, HELD_UNTIL).valueInstant };
}

function bookingOf(resource) {
  fields(resource, 'Appointment', APPOINTMENT_FIELDS, ['extension', 'id', 'meta', 'supportingInformation']);
  need(!extensionOf(resource, HELD_UNTIL), 'extension');
  const { card_no, department, doctor } = participantsOf(resource);
  const { clinic, number } = numberOf(resource);
  const { date, start } = startOf(resource);
  const [serial, paid] = [identifierOf(resource, VISIT), extensionOf(resource, PAID)];
  const payment = paid ? { serial: identifierOf(resource, ORDER), total: yuanOf(paid.valueMoney) } : null;
  return { serial, card_no, registration: { appointment: serial, clinic, number, department, doctor, date }, start, payment };
}

/** The condition of a create: nobody has the number it is made under. */
function serialOf(condition, system) {
  const [{ system: of, value }, ...more] = tokensOf(new URLSearchParams(condition ?? '').get('identifier') ?? '');
  need(of === system && more.length === 0, 'if-none-exist');
  return value;
}

const shownVisit = (world, serial) => resources.appointment(world, resources.visitOf(world, serial));

function createAppointment(world, { headers }, resource) {
  const serial = serialOf(headers['if-none-exist'], VISIT);
  need(identifierOf(resource, VISIT) === serial, 'identifier');
  if (resources.visitOf(world, serial)) return shown(200, shownVisit(world, serial));
  need(['pending', 'booked'].includes(resource.status), 'status');
  if (resource.status === 'pending') perform(world, 'lock', lockOf(resource));
  else perform(world, 'confirm', bookingOf(resource));
  return shown(201, shownVisit(world, serial));
}

/** What is changed, as it is now; whoever has read another version starts anew. */
function current(resource, tag) {
  need(tag, 'if-match');
  if (tag !== `W/"${resource.meta.versionId}"`) throw new Refusal('VERSION', '版本已变更');
  return resource;
}

function visitAt(world, id) {
  const serial = resources.serialsOf(world).find((one) => resources.idOf('Appointment', one) === id);
  if (!serial) throw new Refusal('NOT_FOUND', '没有此资源');
  return resources.visitOf(world, serial);
}

const without = (resource, ...names) => Object.fromEntries(Object.entries(resource).filter(([name]) => !names.includes(name)));

/** Giving back changes the status and nothing else. */
function needGivenBack(before, resource) {
  need(resource.status === 'cancelled' && isDeepStrictEqual(without(resource, 'status'), without(before, 'status')), 'Appointment');
}

function updateAppointment(world, { headers }, id, resource) {
  const entry = visitAt(world, id);
  const { serial } = entry;
  const before = current(shownVisit(world, serial), headers['if-match']);
  need(resource.id === id && identifierOf(resource, VISIT) === serial, 'id');
  if (resource.status === 'cancelled') {
    needGivenBack(before, resource);
    // Known by its payment alone until now.
    world.state.registrations[serial] ??= entry;
    perform(world, 'cancel', { serial });
  } else {
    need(resource.status === 'booked' && before.status === 'pending', 'status');
    perform(world, 'confirm', bookingOf(resource));
  }
  return shown(200, shownVisit(world, serial));
}

// People --------------------------------------------------------------------------------------

function paperOf(resource) {
  const papers = (resource.identifier ?? []).filter(({ system }) => system.startsWith(DOCUMENT));
  need(papers.length === 1, 'identifier');
  return { kind: papers[0].system.slice(DOCUMENT.length), number: papers[0].value };
}

const nameOf = ({ name }) => {
  need(name?.length === 1, 'name');
  return fields(name[0], 'name', ['text']).text;
};

function personOf(resource, guardian) {
  fields(resource, 'Patient', ['resourceType', 'identifier', 'active', 'name'], ['telecom']);
  const [telecom] = resource.telecom ?? [];
  need(resource.active === true && (!telecom || (telecom.system === 'phone' && telecom.use === 'mobile')), 'telecom');
  return { serial: identifierOf(resource, PERSON_WRITE), name: nameOf(resource), document: paperOf(resource), phone: telecom?.value ?? null, guardian };
}

const shownPatient = (world, person_no) => resources.patient(world, world.state.people[person_no]);

function createPatient(world, { headers }, resource) {
  const serial = serialOf(headers['if-none-exist'], PERSON_WRITE);
  const earlier = world.state.personWrites[serial];
  if (earlier) return shown(200, shownPatient(world, earlier.answer.person_no));
  return shown(201, shownPatient(world, perform(world, 'person-create', personOf(resource, null)).person_no));
}

/** One more number of a write, and nothing else: a card that is used here, or somebody who was known already. */
function updatePatient(world, { headers }, id, resource) {
  if (!world.state.people[id]) throw new Refusal('NOT_FOUND', '没有此资源');
  const before = current(shownPatient(world, id), headers['if-match']);
  const added = resource.identifier?.at(-1);
  const rest = { ...resource, identifier: resource.identifier?.slice(0, -1) };
  need(added?.system === PERSON_WRITE && isDeepStrictEqual(without(rest), without(before)), 'Patient');
  if (world.state.personWrites[added.value]) throw new Refusal('SERIAL_REUSED', '流水号已用于其他内容');
  const [card] = added.type?.coding ?? [];
  if (card) perform(world, 'card-bind', { serial: added.value, person_no: id, card_no: card.code });
  else world.state.personWrites[added.value] = { request: null, answer: { person_no: id, card_no: null } };
  world.changed();
  return shown(200, shownPatient(world, id));
}

// Transactions --------------------------------------------------------------------------------

const respond = (...statuses) => written(200, { resourceType: 'Bundle', type: 'transaction-response', entry: statuses.map((status) => ({ response: { status } })) });

/** A visit gives way to another: both or neither. */
function moveVisit(world, [given, taken]) {
  const before = shownVisit(world, visitAt(world, given.request.url.slice('Appointment/'.length)).serial);
  current(before, given.request.ifMatch);
  needGivenBack(before, given.resource);
  const from = identifierOf(given.resource, VISIT);
  need(taken.resource.supportingInformation?.[0]?.identifier?.value === from, 'supportingInformation');
  const booking = bookingOf(taken.resource);
  if (taken.request.method === 'POST') {
    need(serialOf(taken.request.ifNoneExist, VISIT) === booking.serial && taken.request.url === 'Appointment', 'ifNoneExist');
    if (resources.visitOf(world, booking.serial)) throw new Refusal('VERSION', '已有此预约');
  } else {
    current(shownVisit(world, booking.serial), taken.request.ifMatch);
  }
  perform(world, 'reschedule', { from, ...booking });
  return respond('200 OK', taken.request.method === 'POST' ? '201 Created' : '200 OK');
}

/** A child is made known with who answers for it. */
function makeChild(world, [child, guardian]) {
  need(/^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(child.fullUrl ?? ''), 'fullUrl');
  const { resource } = guardian;
  fields(resource, 'RelatedPerson', ['resourceType', 'identifier', 'active', 'patient', 'relationship', 'name']);
  need(resource.patient.reference === child.fullUrl && isConcept(resource.relationship[0], RELATION, 'GUARD'), 'patient');
  const person = personOf(child.resource, { name: nameOf(resource), document: paperOf(resource) });
  need(serialOf(child.request.ifNoneExist, PERSON_WRITE) === person.serial, 'ifNoneExist');
  perform(world, 'person-create', person);
  return respond('201 Created', '201 Created');
}

function transact(world, bundle) {
  fields(bundle, 'Bundle', ['resourceType', 'type', 'entry']);
  need(bundle.resourceType === 'Bundle' && bundle.type === 'transaction' && bundle.entry.length === 2, 'entry');
  const kinds = bundle.entry.map(({ request, resource }) => `${request.method} ${resource.resourceType}`).join(', ');
  if (kinds === 'POST Patient, POST RelatedPerson') return makeChild(world, bundle.entry);
  need(/^PUT Appointment, (PUT|POST) Appointment$/.test(kinds), 'entry');
  return moveVisit(world, bundle.entry);
}

// ---------------------------------------------------------------------------------------------

const CREATED = { Appointment: createAppointment, Patient: createPatient };
const UPDATED = { Appointment: updateAppointment, Patient: updatePatient };

function search(world, { method, url, headers, bytes }, kind) {
  const { isPrivate = false } = SEARCHED[kind] ?? {};
  need(SEARCHED[kind] && (method === 'POST') === isPrivate, 'search');
  if (method === 'GET') return page(world, kind, url.search, 0);
  need(headers['content-type'] === FORM_TYPE && url.search === '', 'content-type');
  return page(world, kind, bytes.toString(), 0);
}

function route(world, call) {
  const { method, url } = call;
  const [kind = '', id, ...more] = url.pathname.slice(FHIR_PATH.length + 1).split('/');
  need(more.length === 0, 'path');
  if (kind === '') return method === 'GET' ? nextPage(world, url.searchParams.get('page')) : transact(world, bodyOf(call));
  if (method === 'GET' ? id === undefined : id === '_search') return search(world, call, kind);
  const resource = bodyOf(call);
  need(resource.resourceType === kind, 'resourceType');
  if (method === 'POST' && id === undefined && CREATED[kind]) return CREATED[kind](world, call, resource);
  need(method === 'PUT' && id !== undefined && UPDATED[kind], 'method');
  return UPDATED[kind](world, call, id, resource);
}

/** Runs one request; whatever is wrong with it is an answer too. */
export function performFhir(world, call) {
  try {
    return route(world, call);
  } catch (error) {
    if (error instanceof Refusal) return operationOutcome(error);
    if (error instanceof ShapeError || error instanceof TypeError) return operationOutcome({ code: 'BAD_REQUEST', message: `字段不符：${error.message}` });
    throw error;
  }
}
