// The stack the journeys walk through: where it is, its clock, its functions, and waiting for what it does by itself.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const PREFIX = 'menzhen';
const WAIT_MAX_MS = 30_000;
const POLL_MS = 100;
const MINUTE_MS = 60_000;
const CHINA_MS = 8 * 3600_000;
const HALF_HOUR_MIN = 30;
const DAY_MIN = 24 * 60;
/** Clinics of a later day begin at nine. */
const AHEAD_FROM_MIN = 9 * 60;

/** What `make run` wrote down, unless the test runner says it itself. */
function readSettings() {
  if (process.env.MENZHEN_URL) return process.env;
  const text = fs.readFileSync(path.join(ROOT, 'target/local.env'), 'utf8');
  return Object.fromEntries(text.trim().split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

export const settings = readSettings();
export const HOSPITAL = settings.MENZHEN_URL;
export const PHONE = settings.PHONE_URL;

/** An answer with its body read: `{status, headers, text, json}`. */
export async function read(response) {
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, text, json: isJson && text ? JSON.parse(text) : undefined };
}

/** Asks until `probe` gives something true, and gives that; what is not true in time fails with its name. */
export async function until(what, probe, { max_ms = WAIT_MAX_MS } = {}) {
  const end = Date.now() + max_ms;
  let last;
  do {
    last = await probe();
    if (last) return last;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  } while (Date.now() < end);
  throw new Error(`not within ${max_ms / 1000} s: ${what}`);
}

// The stand-in WeChat -------------------------------------------------------------------------

/** Tells the stand-in something (`body`), or asks it. */
export async function control(name, body) {
  const options = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const answer = await read(await fetch(`${PHONE}/control/${name}`, options));
  if (answer.status !== 200) throw new Error(`control ${name}: ${answer.text}`);
  return answer.json;
}

export const fault = (wish) => control('faults', wish);
export const noFaults = () => control('faults', { clear: true });
export const books = () => control('books');
export const orderOf = async (appointment) =>
  (await books()).orders.filter((order) => order.body.out_trade_no.startsWith(`${appointmentId(appointment)}_`));
export const refundsOf = async (appointment) =>
  (await books()).refunds.filter((refund) => refund.out_trade_no.startsWith(`${appointmentId(appointment)}_`));

/** The id in an appointment's address: `patient-date-id`. */
export const appointmentId = (key) => key.split('-').at(-1);

// The stand-in SMS service ---------------------------------------------------------------------

/** Tells the stand-in something. */
export async function smsControl(name, body) {
  const answer = await read(await fetch(`${settings.SMS_CONTROL}/${name}`, { method: 'POST', body: JSON.stringify(body) }));
  if (answer.status !== 200) throw new Error(`SMS control ${name}: ${answer.text}`);
  return answer.json;
}

// The clock -----------------------------------------------------------------------------------

/** The hospital's time in epoch milliseconds. */
export const now = async () => Date.parse((await control('clock')).now);

const wall = (ms) => new Date(ms + CHINA_MS).toISOString();
/** The hospital's civil date `days` ahead. */
export const civilDate = (ms, days = 0) => wall(ms + days * DAY_MIN * MINUTE_MS).slice(0, 10);

/** Moves the clock ahead and lets the schedules run. */
export const advance = (seconds) => control('clock', { advance_s: Math.ceil(seconds) });
export const moveTo = async (ms) => {
  const ahead_s = Math.ceil((ms - (await now())) / 1000);
  return ahead_s > 0 ? advance(ahead_s) : tick();
};

/** Runs what runs every minute. */
export async function tick() {
  const answer = await read(await fetch(settings.TICK_URL, { method: 'POST', body: '{}' }));
  if (answer.status !== 200) throw new Error(`tick: ${answer.text}`);
}

/** Makes sure that the hospital's day has this many minutes left: a journey of one day must not cross midnight. */
export async function stayInDay(minutes) {
  const at = await now();
  const minute = Math.floor((at + CHINA_MS) / MINUTE_MS) % DAY_MIN;
  if (minute + minutes < DAY_MIN) return;
  await moveTo(at - (at % MINUTE_MS) + (DAY_MIN - minute + 1) * MINUTE_MS);
}

// Functions -----------------------------------------------------------------------------------

const AUTHORIZATION = 'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request';

/** Invokes the live version of a function: `{status, error, result}`. */
export async function invoke(name, event) {
  const address = `${settings.AWS_ENDPOINT_URL}/2015-03-31/functions/${PREFIX}-${name}/invocations?Qualifier=live`;
  const response = await fetch(address, { method: 'POST', headers: { authorization: AUTHORIZATION }, body: JSON.stringify(event) });
  const text = await response.text();
  return { status: response.status, error: response.headers.get('x-amz-function-error'), result: text ? JSON.parse(text) : null };
}

// Staff ---------------------------------------------------------------------------------------

/** A call of the staff API. */
export async function staff(method, name, body, { type = 'application/json', token = settings.STAFF_TOKEN } = {}) {
  const headers = { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': type }), ...(token ? { authorization: `Bearer ${token}` } : {}) };
  return read(await fetch(`${HOSPITAL}/staff/${name}`, { method, headers, body }));
}

export const importCsv = (kind, rows, options) => staff('POST', `import/${kind}`, rows.join('\r\n'), { type: 'text/csv; charset=utf-8', ...options });

const PERIODS = [
  { until_h: 8, text: '夜间', start: '0:00', end: '8:00' },
  { until_h: 12, text: '上午', start: '8:00', end: '12:00' },
  { until_h: 18, text: '下午', start: '12:00', end: '18:00' },
  { until_h: 24, text: '晚上', start: '18:00', end: '24:00' },
];
const hhmm = (minute) => `${String(Math.floor(minute / 60)).padStart(2, '0')}${String(minute % 60).padStart(2, '0')}`;
let departments = 0;

/** A department of a journey's own, so that journeys do not meet: its code. */
export async function openDepartment(name) {
  departments += 1;
  const code = `J${process.pid.toString(36).toUpperCase()}${departments}`;
  const answer = await importCsv('departments', ['科室编码,科室名称,位置,科室介绍,院区', `${code},${name},门诊楼 9 层,只在测试里有的科室。,主院区`]);
  if (answer.status !== 200) throw new Error(answer.text);
  return code;
}

/**
 * A clinic of today with a slot that starts at least `in_min` minutes from now (the hour before the next half hour is
 * not counted): `{clinic, slot, starts_ms, department, date}`. It is an emergency clinic: those alone are open at any hour.
 */
export async function openClinic({ name = '测试科', in_min = 75, numbers = 2, fee = '12.50', department, stay_min = in_min + 90 } = {}) {
  await stayInDay(stay_min);
  const at = await now();
  const code = department ?? (await openDepartment(name));
  const minute = Math.ceil((((at + CHINA_MS) / MINUTE_MS) % DAY_MIN + in_min) / HALF_HOUR_MIN) * HALF_HOUR_MIN;
  const period = PERIODS.find(({ until_h }) => minute < until_h * 60);
  const date = civilDate(at);
  const clinic = await openSession(`${date},${code},,${period.text},${period.start},${period.end},${numbers},${fee},901 诊室,主院区,急诊`, { code, date });
  const midnight_ms = Date.parse(`${date}T00:00:00+08:00`);
  return { clinic, slot: hhmm(minute), starts_ms: midnight_ms + minute * MINUTE_MS, department: code, date };
}

/**
 * An ordinary clinic some days ahead, in the half hours of a morning from nine o'clock on:
 * `{clinic, slot, slots, starts_ms, department, date}`.
 */
export async function openAhead({ name = '预约科', days = 3, half_hours = 1, numbers = 1, fee = '12.50', department, apart = '' } = {}) {
  const code = department ?? (await openDepartment(name));
  const date = civilDate(await now(), days);
  const slots = Array.from({ length: half_hours }, (_, at) => hhmm(AHEAD_FROM_MIN + at * HALF_HOUR_MIN));
  const end_min = AHEAD_FROM_MIN + half_hours * HALF_HOUR_MIN;
  const end = `${Math.floor(end_min / 60)}:${String(end_min % 60).padStart(2, '0')}`;
  const clinic = await openSession(`${date},${code},,上午,9:00,${end},${numbers},${fee},902 诊室,主院区,普通`, { code, date, apart });
  return { clinic, slot: slots[0], slots, starts_ms: Date.parse(`${date}T09:00:00+08:00`), department: code, date };
}

/** Imports one row of a schedule, the only one of its department and day: the clinic's id. */
async function openSession(row, { code, date, apart = '' }) {
  const answer = await importCsv('schedules', ['日期,科室编码,医生编码,时段,开始时间,结束时间,每半小时号数,挂号费,诊室,院区,号别,渠道预留', `${row},${apart}`]);
  if (answer.status !== 200) throw new Error(answer.text);
  // An instance shows what it has read for a second more.
  return until(`${code} has a clinic on ${date}`, async () => {
    const listed = await read(await fetch(`${HOSPITAL}/booking/${code}?date=${date}`, { headers: { accept: 'application/json' } }));
    return listed.json.clinics[0]?.clinic;
  });
}

// Queues --------------------------------------------------------------------------------------

async function sqs(action, body) {
  const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${action}`, authorization: AUTHORIZATION.replace('/lambda/', '/sqs/') };
  const response = await fetch(settings.AWS_ENDPOINT_URL, { method: 'POST', headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${action}: ${text}`);
  return text ? JSON.parse(text) : {};
}

const queueUrl = async (name) => (await sqs('GetQueueUrl', { QueueName: `${PREFIX}-${name}` })).QueueUrl;

export const sendToQueue = async (name, body) => sqs('SendMessage', { QueueUrl: await queueUrl(name), MessageBody: body });
export const setQueue = async (name, Attributes) => sqs('SetQueueAttributes', { QueueUrl: await queueUrl(name), Attributes });

/** What a queue holds, without taking it away. */
export async function peek(name) {
  const { Messages = [] } = await sqs('ReceiveMessage', { QueueUrl: await queueUrl(name), MaxNumberOfMessages: 10, VisibilityTimeout: 0 });
  return Messages.map(({ Body }) => Body);
}
