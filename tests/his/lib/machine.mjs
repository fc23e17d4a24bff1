// The front-end machine: takes a signed call, answers it signed, and fails on demand.
import zlib from 'node:zlib';
import { HANG_UP, through } from '../../stand-in/faults.mjs';
import { dayFile } from './day-file.mjs';
import { isFhir, operationOutcome, performFhir } from './fhir.mjs';
import { formatOf, readBody, written } from './format.mjs';
import { HL7_PATH, acknowledgement, readMessage } from './hl7.mjs';
import { OPERATIONS } from './operations.mjs';
import { Refusal } from './refusal.mjs';
import { ShapeError, day as dayShape, fenOf, yuanOf } from './shape.mjs';
import { SignatureError, authenticate, foreignKey, sha256, signAnswer } from './signing.mjs';

const BASE = '/his/v1/';
const DAY_FILE = `${BASE}day-file`;

export const ownsPath = (pathname) => pathname.startsWith(BASE);

const answered = ({ data, isEmpty = false }) => ({ code: isEmpty ? 1 : 0, error: '', message: '', data });
const refused = ({ code, message }) => ({ code: -1, error: code, message, data: null });

function signed(answer, key, nonce) {
  const bytes = Buffer.from(answer.body);
  return { ...answer, headers: { ...answer.headers, 'x-his-signature': signAnswer(key, { status: answer.status, nonce, bytes }) } };
}

function perform(world, call) {
  const { shape, run } = OPERATIONS[call.url.pathname.slice(BASE.length)];
  const body = readBody(call.format, call.bytes, shape);
  shape(body);
  return { outcome: answered(run(world, body)) };
}

/** A message is held to the same shapes as the other languages. */
function performMessage(world, call) {
  const { operation, body } = readMessage(call);
  const { shape, run } = OPERATIONS[operation];
  shape(body);
  return { outcome: answered(run(world, body)) };
}

/** The body for the log of calls; null when it cannot be read. */
export function bodyOf({ method, url, format, bytes }) {
  if (isFhir(url.pathname)) return bytes.toString();
  const operation = OPERATIONS[url.pathname.slice(BASE.length)];
  try {
    return method === 'POST' && operation ? readBody(format, bytes, operation.shape) : null;
  } catch {
    return null;
  }
}

function fetchDayFile(world, { url, bytes }) {
  const { day, ...others } = Object.fromEntries(url.searchParams);
  dayShape(day, 'day');
  if (Object.keys(others).length > 0 || bytes.length > 0) throw new ShapeError('query');
  if (day >= world.today()) throw new Refusal('DAY_OPEN', '该日尚未结束');
  const text = dayFile(world, day);
  return { file: { status: 200, headers: { 'content-type': 'application/gzip', 'x-his-sha256': sha256(text) }, body: zlib.gzipSync(text) } };
}

/** Runs one operation; whatever is wrong with it is an answer too. */
function run(world, call) {
  try {
    if (isFhir(call.url.pathname)) return { file: performFhir(world, call) };
    if (call.url.pathname === HL7_PATH) return performMessage(world, call);
    return call.url.pathname === DAY_FILE ? fetchDayFile(world, call) : perform(world, call);
  } catch (error) {
    if (error instanceof Refusal) return { outcome: refused(error) };
    if (error instanceof ShapeError) return { outcome: refused({ code: 'BAD_REQUEST', message: `字段不符：${error.message}` }) };
    throw error;
  }
}

const isKnown = ({ method, url }) =>
  isFhir(url.pathname) ? ['GET', 'POST', 'PUT'].includes(method) : url.pathname === DAY_FILE ? method === 'GET' : method === 'POST' && (url.pathname === HL7_PATH || Object.hasOwn(OPERATIONS, url.pathname.slice(BASE.length)));

/** The first bill's total one fen too high: no longer the sum of its items. */
function withWrongTotal({ outcome }) {
  const body = structuredClone(outcome);
  for (const bill of body.data?.bills?.slice(0, 1) ?? []) bill.total = yuanOf(fenOf(bill.total) + 1);
  return { outcome: body };
}

/** What goes out; the code of an answer is kept for the log of calls. */
function sentAs(call, { file, outcome }, status = 200) {
  if (file) return file;
  if (isFhir(call.url.pathname)) return operationOutcome({ code: outcome.error, message: outcome.message }, status === 200 ? undefined : status);
  const isMessage = call.url.pathname === HL7_PATH && status === 200;
  return { ...(isMessage ? acknowledgement(call, outcome) : written(call.format, outcome, status)), code: outcome.code, error: outcome.error };
}

/** A refusal of the signature is signed with the current key where there is a nonce to sign. */
function refusedSignature(world, call, error) {
  const { 'x-his-app': app, 'x-his-nonce': nonce } = call.headers;
  const answer = sentAs(call, { outcome: refused(error) }, 401);
  return app === world.config.app_id && nonce ? signed(answer, world.config.key, nonce) : answer;
}

function answerSigned(world, call, fault) {
  let key;
  try {
    key = authenticate(world, call);
  } catch (error) {
    if (error instanceof SignatureError) return refusedSignature(world, call, error);
    throw error;
  }
  const answer = fault?.kind === 'refuse' ? { outcome: refused({ code: fault.error, message: '拒绝' }) } : run(world, call);
  const sent = fault?.kind === 'wrong_total' ? withWrongTotal(answer) : answer;
  return signed(sentAs(call, sent), fault?.kind === 'forged' ? foreignKey() : key, call.headers['x-his-nonce']);
}

/** Taken in and left lying: no answer, and the deed is done when a test says that it is time. */
function delay(world, call) {
  authenticate(world, call);
  world.leaveLying(() => run(world, call));
  return HANG_UP;
}

/** Answers one call of the desk, or says how to leave it without an answer. */
export async function answerDesk(world, call) {
  call.format = formatOf(call.headers);
  if (world.state.down) return HANG_UP;
  if (!isKnown(call)) return sentAs(call, { outcome: refused({ code: 'NOT_FOUND', message: '没有此接口' }) }, 404);
  const fault = world.takeFault(call.url.pathname, call.method);
  if (fault?.kind === 'late') return delay(world, call);
  return through(fault, () => answerSigned(world, call, fault));
}
