// The hospital as FHIR R4 resources: what there is, as it is now. Written from the document, not from shared/his.
import crypto from 'node:crypto';
import { surviving, shownPerson } from './persons.mjs';
import { isTaken, holderOf, standingOf, clinicOf } from './timetable.mjs';

const URN = 'urn:menzhen:fhir:';
export const VISIT = `${URN}visit`;
export const ORDER = `${URN}order`;
export const PERSON_WRITE = `${URN}person-write`;
export const DEPARTMENT = `${URN}department`;
export const DOCTOR = `${URN}doctor`;
export const CLINIC = `${URN}clinic`;
export const NUMBER = `${URN}number`;
export const PERSON = `${URN}person`;
export const CARD = `${URN}card`;
export const DOCUMENT = `${URN}document:`;
export const REFUSAL = `${URN}refusal`;
export const HELD_UNTIL = `${URN}held-until`;
export const PAID = `${URN}paid`;
export const RELATION = 'http://terminology.hl7.org/CodeSystem/v3-RoleCode';
export const PARTICIPATION = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType';
export const DEPARTMENT_TYPE = 'http://terminology.hl7.org/CodeSystem/organization-type|dept';
const NAME_WRITING = 'http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation';

const HALF_HOUR_MS = 30 * 60 * 1000;
/** Changes are counted, not timed: this is when the count was nothing, and a change takes a second. */
const FIRST_CHANGE_MS = Date.UTC(2026, 0, 1);
const CHANGE_MS = 1000;

const hash = (text) => crypto.createHash('sha256').update(text).digest('hex').slice(0, 32);
export const idOf = (kind, key) => `${kind.slice(0, 3).toLowerCase()}-${hash(key)}`;
export const changedAt = (version) => new Date(FIRST_CHANGE_MS + version * CHANGE_MS).toISOString();
/** Between the last change and the next. */
export const lookedAt = ({ state }) => new Date(FIRST_CHANGE_MS + state.version * CHANGE_MS + CHANGE_MS / 2).toISOString();

/** Without what is empty: FHIR has no empty values. */
function lean(value) {
  if (Array.isArray(value)) return value.map(lean);
  if (value === null || typeof value !== 'object') return value;
  const isThere = (field) => field !== undefined && field !== null && field !== '' && !(Array.isArray(field) && field.length === 0);
  return Object.fromEntries(Object.entries(value).filter(([, field]) => isThere(field)).map(([name, field]) => [name, lean(field)]));
}

/** A resource with its version, which is what it says. */
function made(resourceType, id, fields, lastUpdated) {
  const content = lean(fields);
  return { resourceType, id, meta: lean({ versionId: hash(JSON.stringify(content)).slice(0, 16), lastUpdated }), ...content };
}

export const concept = (system, code) => ({ coding: [{ system, code }] });
export const identified = (system, value) => ({ system, value });
export const named = (type, system, value) => ({ type, identifier: { system, value } });
const money = (url, yuan) => ({ url, valueMoney: { value: Number(yuan), currency: 'CNY' } });

/** The instant of a day and a half hour, `HHMM`. */
export const instantOf = (day, start) => Date.parse(`${day}T${start.slice(0, 2)}:${start.slice(2)}:00+08:00`);
const iso = (ms) => new Date(ms).toISOString();

// Departments and doctors ---------------------------------------------------------------------

export const organizations = ({ state }) => state.departments.map(({ code, name, parent }) => made('Organization', idOf('Organization', code), {
  identifier: [identified(DEPARTMENT, code)],
  active: true,
  type: [concept('http://terminology.hl7.org/CodeSystem/organization-type', 'dept')],
  name,
  partOf: parent && { reference: `Organization/${idOf('Organization', parent)}` },
}));

export const healthcareServices = ({ state }) => state.departments.map(({ code, name, location, campus, intro }) => made('HealthcareService', idOf('HealthcareService', code), {
  active: true,
  providedBy: { reference: `Organization/${idOf('Organization', code)}` },
  name,
  location: location && [{ display: location }],
  coverageArea: campus && [{ display: campus }],
  extraDetails: intro,
}));

export const practitioners = ({ state }) => state.doctors.map(({ code, name, pinyin, title, intro }) => made('Practitioner', idOf('Practitioner', code), {
  extension: intro && [{ url: `${URN}intro`, valueMarkdown: intro }],
  identifier: [identified(DOCTOR, code)],
  active: true,
  name: [{ text: name }, ...(pinyin ? [{ extension: [{ url: NAME_WRITING, valueCode: 'SYL' }], text: pinyin }] : [])],
  qualification: title && [{ code: { text: title } }],
}));

export const practitionerRoles = ({ state }) => state.doctors.map(({ code, department, expert, specialty }) => made('PractitionerRole', idOf('PractitionerRole', code), {
  active: true,
  practitioner: { reference: `Practitioner/${idOf('Practitioner', code)}` },
  organization: { reference: `Organization/${idOf('Organization', department)}` },
  code: [concept(`${URN}role`, expert ? 'expert' : 'ordinary')],
  specialty: specialty && [{ text: specialty }],
}));

// Schedules and numbers -----------------------------------------------------------------------

function schedule(entry) {
  const { date, period, department, doctor, kind, fee, room, campus, closed, slots, version } = entry;
  const clinic = clinicOf(entry);
  const starts = slots.map(({ start }) => instantOf(date, start));
  return made('Schedule', idOf('Schedule', clinic), {
    extension: [money(`${URN}fee`, fee), ...(campus ? [{ url: `${URN}campus`, valueString: campus }] : [])],
    identifier: [identified(CLINIC, clinic)],
    active: !closed,
    serviceCategory: [concept(`${URN}period`, period)],
    serviceType: [concept(`${URN}clinic-kind`, kind)],
    actor: [
      named('HealthcareService', DEPARTMENT, department),
      ...(doctor ? [named('Practitioner', DOCTOR, doctor)] : []),
      ...(room ? [{ type: 'Location', display: room }] : []),
    ],
    planningHorizon: { start: iso(Math.min(...starts)), end: iso(Math.max(...starts) + HALF_HOUR_MS) },
  }, changedAt(version));
}

const statusOfNumber = (world, clinic, number) => {
  if (!isTaken(world, clinic, number)) return 'free';
  return holderOf(world, clinic, number)?.standing === 'locked' ? 'busy-tentative' : 'busy';
};

function slotsOf(world, entry) {
  const clinic = clinicOf(entry);
  return entry.slots.flatMap(({ start, numbers }) => numbers.map((number) => made('Slot', idOf('Slot', `${clinic}.${number}`), {
    identifier: [identified(NUMBER, `${clinic}.${number}`)],
    schedule: { reference: `Schedule/${idOf('Schedule', clinic)}` },
    status: statusOfNumber(world, clinic, number),
    start: iso(instantOf(entry.date, start)),
    end: iso(instantOf(entry.date, start) + HALF_HOUR_MS),
  }, changedAt(entry.version))));
}

export const schedules = (world, keep = () => true) => Object.values(world.state.schedules).filter(keep).map(schedule);
export const slots = (world, keep = () => true) => Object.values(world.state.schedules).filter(keep).flatMap((entry) => slotsOf(world, entry));

// Visits --------------------------------------------------------------------------------------

const dayOf = (clinic) => `${clinic.slice(0, 4)}-${clinic.slice(4, 6)}-${clinic.slice(6, 8)}`;

function statusOf(world, entry) {
  const standing = standingOf(world, entry);
  if (standing === 'over') return 'cancelled';
  if (standing === 'locked') return 'pending';
  const visited = world.state.visits[entry.serial];
  if (visited === undefined) return 'booked';
  return visited ? 'arrived' : 'noshow';
}

/** A registration that was paid for is at the beginning of its part of the day, unless the timetable says better. */
const STARTS = { am: '0800', pm: '1400', ev: '1800', nt: '2200' };
const startOf = ({ state }, clinic, number) => state.schedules[clinic]?.slots.find(({ numbers }) => numbers.includes(number))?.start ?? STARTS[clinic.split('-')[1]];

/** A visit by its serial: told as one, or known by what was paid for it. */
export function visitOf(world, serial) {
  const { registrations, payments, refunds } = world.state;
  if (registrations[serial]) return registrations[serial];
  const paid = Object.values(payments).find(({ request }) => request.registration?.appointment === serial);
  if (!paid) return undefined;
  const { registration: { clinic, number }, card_no, total } = paid.request;
  const isOver = Object.values(refunds).some(({ original_serial }) => original_serial === paid.serial);
  return { serial, clinic, number, start: startOf(world, clinic, number), card_no, payment: { serial: paid.serial, total }, standing: isOver ? 'over' : 'confirmed', until_ms: null };
}

/** The serials of all of them. */
export const serialsOf = ({ state }) => [
  ...Object.keys(state.registrations),
  ...Object.values(state.payments).map(({ request }) => request.registration?.appointment).filter(Boolean),
];

const accepted = (actor) => ({ actor, status: 'accepted' });

export function appointment(world, entry) {
  const { serial, clinic, start, number, card_no, payment, moved_from, until_ms, standing } = entry;
  const begins = clinic && start ? instantOf(dayOf(clinic), start) : null;
  const [, , department, doctor] = clinic?.split('-') ?? [];
  const subject = { type: [concept(PARTICIPATION, 'SBJ')], ...(card_no ? accepted(named('Patient', CARD, card_no)) : { status: 'needs-action' }) };
  return made('Appointment', idOf('Appointment', serial), {
    extension: [
      ...(standing === 'locked' ? [{ url: HELD_UNTIL, valueInstant: iso(until_ms) }] : []),
      ...(payment ? [money(PAID, payment.total)] : []),
    ],
    identifier: [identified(VISIT, serial), ...(payment ? [identified(ORDER, payment.serial)] : [])],
    status: statusOf(world, entry),
    supportingInformation: moved_from && [named('Appointment', VISIT, moved_from)],
    start: begins && iso(begins),
    end: begins && iso(begins + HALF_HOUR_MS),
    slot: clinic && [named('Slot', NUMBER, `${clinic}.${number}`)],
    participant: [
      subject,
      ...(department ? [accepted(named('HealthcareService', DEPARTMENT, department))] : []),
      ...(doctor && doctor !== 'pool' ? [accepted(named('Practitioner', DOCTOR, doctor))] : []),
    ],
  });
}

/** What a doctor made of a visit. */
export const encounters = (world, serials) => serials.filter((serial) => world.state.visits[serial]).map((serial) => made('Encounter', idOf('Encounter', serial), {
  status: 'finished',
  class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
  appointment: [{ reference: `Appointment/${idOf('Appointment', serial)}` }],
}));

// People --------------------------------------------------------------------------------------

const paper = ({ kind, number }) => identified(`${DOCUMENT}${kind}`, number);

const cardIdentifier = ({ card_no, digital, active }) => ({
  ...(active ? {} : { use: 'old' }),
  type: concept(`${URN}card-kind`, digital ? 'digital' : 'plastic'),
  ...identified(CARD, card_no),
});

const writesOf = ({ state }, person_no) => Object.entries(state.personWrites)
  .filter(([, { answer }]) => answer.person_no === person_no)
  .map(([serial, { answer }]) => ({ ...(answer.card_no ? { type: concept(CARD, answer.card_no) } : {}), ...identified(PERSON_WRITE, serial) }));

/** A record that is gone says who it is now. */
export function patient(world, person) {
  const keeper = surviving(world, person);
  const isGone = keeper !== person;
  const shown = isGone ? person : shownPerson(world, person);
  return made('Patient', person.person_no, {
    identifier: [identified(PERSON, person.person_no), ...shown.documents.map(paper), ...shown.cards.map(cardIdentifier), ...writesOf(world, person.person_no)],
    active: !isGone,
    name: [{ text: person.name }],
    telecom: person.phone && [{ system: 'phone', value: person.phone, use: 'mobile' }],
    deceasedBoolean: person.deceased || undefined,
    link: isGone ? [{ other: { reference: `Patient/${keeper.person_no}` }, type: 'replaced-by' }] : undefined,
  });
}

export const relatedPersons = (world, people) => people.filter(({ guardian }) => guardian).map(({ person_no, guardian }) => made('RelatedPerson', idOf('RelatedPerson', person_no), {
  identifier: [paper(guardian.document)],
  active: true,
  patient: { reference: `Patient/${person_no}` },
  relationship: [concept(RELATION, 'GUARD')],
  name: [{ text: guardian.name }],
}));
