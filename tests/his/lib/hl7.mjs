// HL7 v2 over HTTP: bookings told as SIU^S12, S13 and S15, people as ADT^A28 and A31, each answered by an acknowledgement.
import * as gb18030 from './gb18030.mjs';
import { Refusal } from './refusal.mjs';

export const HL7_PATH = '/his/v1/hl7';

const CONTENT_TYPE = /^x-application\/hl7-v2\+er7; charset=(utf-8|gb18030)$/i;
const CHARSETS = { 'UNICODE UTF-8': 'utf-8', 'GB 18030-2000': 'gb18030' };
const TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)00\+0800$/;
const CONTROL_ID = /^[0-9A-Za-z]{1,20}$/;
const START_BLOCK = '\x0b';
const END_BLOCK = '\x1c\r';

const need = (condition, where) => {
  if (!condition) throw new Refusal('BAD_REQUEST', `消息不符：${where}`);
};

function textOf(bytes, declared) {
  try {
    return declared === 'gb18030' ? gb18030.decode(bytes) : new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Refusal('BAD_REQUEST', `不是 ${declared}`);
  }
}

/** Segments by name, each a list of fields from 1; MSH counts its delimiter as the first. */
function segmentsOf(text) {
  need(text.startsWith('MSH|^~\\&|') && text.endsWith('\r'), 'MSH');
  const segments = {};
  for (const line of text.slice(0, -1).split('\r')) {
    const [name, ...fields] = line.split('|');
    need(/^[A-Z][A-Z0-9]{2}$/.test(name) && !segments[name], name);
    segments[name] = name === 'MSH' ? ['', '|', ...fields] : ['', ...fields];
  }
  return segments;
}

const field = (segments, name, number) => segments[name]?.[number] ?? '';
const part = (segments, name, number) => field(segments, name, number).split('^')[0];

/** The day and the half hour of a time. */
function startOf(segments) {
  const [, year, month, day, hour, minute] = TIME.exec(field(segments, 'TQ1', 7)) ?? [];
  need(year, 'TQ1-7');
  return { date: `${year}-${month}-${day}`, start: `${hour}${minute}` };
}

function visitOf(segments) {
  const { date, start } = startOf(segments);
  need(field(segments, 'AIG', 4) === 'NUMBER', 'AIG-4');
  const serial = field(segments, 'SCH', 1);
  const registration = {
    appointment: serial,
    clinic: field(segments, 'SCH', 5),
    number: Number(field(segments, 'AIG', 3)),
    department: part(segments, 'AIL', 3),
    doctor: part(segments, 'AIP', 3) || null,
    date,
  };
  return { serial, card_no: part(segments, 'PID', 3) || null, registration, start, payment: null };
}

const repetitions = (segments, name, number) => field(segments, name, number).split('~').map((one) => one.split('^'));
const numbered = (segments, authority, kind) => repetitions(segments, 'PID', 3).find((parts) => parts[3] === authority && parts[4] === kind)?.[0] ?? '';
const documentOf = ([number, , , authority, kind]) => (authority === '' ? { kind, number } : null);
const legalName = (segments, name, number) => {
  const parts = field(segments, name, number).split('^');
  need(parts[6] === 'L', `${name}-${number}.7`);
  return parts[0];
};

/** Somebody new: who they are, and who answers for them. */
function personOf(segments) {
  const guardian = segments.NK1 ? { name: legalName(segments, 'NK1', 2), document: documentOf(repetitions(segments, 'NK1', 33)[0]) } : null;
  need(!segments.NK1 || field(segments, 'NK1', 3) === 'GRD', 'NK1-3');
  return {
    serial: numbered(segments, 'MENZHEN', 'PI'),
    name: legalName(segments, 'PID', 5),
    document: repetitions(segments, 'PID', 3).map(documentOf).find(Boolean),
    phone: part(segments, 'PID', 13) || null,
    guardian,
  };
}

const cardOf = (segments) => ({ serial: numbered(segments, 'MENZHEN', 'PI'), person_no: numbered(segments, 'HIS', 'PI'), card_no: numbered(segments, 'HIS', 'MR') });

const PEOPLE = { A28: { operation: 'person-create', bodyOf: personOf }, A31: { operation: 'card-bind', bodyOf: cardOf } };
const EVENTS = {
  S12: { operation: 'confirm', action: 'A', bodyOf: visitOf },
  S13: { operation: 'reschedule', action: 'U', bodyOf: (segments) => ({ from: field(segments, 'SCH', 23), ...visitOf(segments) }) },
  S15: { operation: 'cancel', action: 'D', bodyOf: (segments) => ({ serial: field(segments, 'SCH', 1) }) },
};

/** What a message asks for, in the names of the other languages. */
export function readMessage({ headers, bytes }) {
  const declared = CONTENT_TYPE.exec(headers['content-type'] ?? '')?.[1].toLowerCase();
  need(declared, 'content-type');
  const segments = segmentsOf(textOf(bytes, declared));
  need(CHARSETS[field(segments, 'MSH', 18)] === declared, 'MSH-18');
  need(CONTROL_ID.test(field(segments, 'MSH', 10)), 'MSH-10');
  need(field(segments, 'MSH', 12) === '2.5.1' && field(segments, 'MSH', 11) === 'P', 'MSH-12');
  const [kind, event, structure] = field(segments, 'MSH', 9).split('^');
  if (kind === 'ADT') {
    need(structure === 'ADT_A05' && PEOPLE[event] && field(segments, 'EVN', 1) === event, 'MSH-9');
    return { operation: PEOPLE[event].operation, body: PEOPLE[event].bodyOf(segments) };
  }
  const told = EVENTS[event];
  need(kind === 'SIU' && structure === 'SIU_S12' && told, 'MSH-9');
  need(field(segments, 'RGS', 2) === told.action, 'RGS-2');
  return { operation: told.operation, body: told.bodyOf(segments) };
}

/** The control id of a message, whatever else is wrong with it. */
const controlIdOf = (bytes) => /^MSH\|(?:[^|\r]*\|){8}([^|\r]*)/.exec(Buffer.from(bytes).toString('latin1'))?.[1] ?? '';

/** The acknowledgement, in an MLLP frame as some machines send it. */
export function acknowledgement({ bytes }, { code, error }) {
  const verdict = code === -1 ? 'AE' : 'AA';
  const lines = [`MSH|^~\\&|HIS||MENZHEN||20261123||ACK|${Date.now()}|P|2.5.1||||||UNICODE UTF-8`, `MSA|${verdict}|${controlIdOf(bytes)}`];
  if (verdict === 'AE') lines.push(`ERR|||207^Application internal error^HL70357|E|${error}`);
  const text = `${START_BLOCK}${lines.map((line) => `${line}\r`).join('')}${END_BLOCK}`;
  return { status: 200, headers: { 'content-type': 'x-application/hl7-v2+er7; charset=utf-8' }, body: text };
}
