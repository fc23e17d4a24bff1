// The hospital's own system as the one that knows the timetable: what it tells of it, and where a visit stands with it.
import assert from 'node:assert/strict';
import { his } from './hospital.mjs';
import { appointmentId, civilDate, now, staff, tick, until } from './stack.mjs';

export const FEE_FEN = 1_250;
const FEE = '12.50';
const START = '0900';
const NUMBERS_MAX = 60;
/** Changes are asked for on demand in a journey; by itself as seldom as that. */
export const PULL = { catalog_every_min: 1440, schedules_every_min: 5 };
let departments = 0;

/** A department as the hospital's own system tells of it, under a code of its own. */
export function newDepartment(name) {
  departments += 1;
  const code = `H${process.pid.toString(36).toUpperCase()}${departments}`;
  return { code, name, parent: null, location: '门诊楼 8 层', campus: '主院区', intro: '' };
}

/** Has the hospital's system tell of a department and of one morning clinic on each of these days: their numbers. */
export async function tell(department, days, numbers = 2) {
  assert.ok(numbers <= NUMBERS_MAX);
  const at = await now();
  const schedules = days.map((ahead) => ({
    date: civilDate(at, ahead), period: 'morning', department: department.code, doctor: null, kind: 'ordinary', fee: FEE, room: '902 诊室', campus: '主院区',
    slots: [{ start: START, numbers: Array.from({ length: numbers }, (_, number) => number + 1) }],
  }));
  const { clinics } = await his('timetable', { departments: [department], doctors: [], schedules });
  return clinics.map((clinic, index) => ({ clinic, slot: START, department: department.code, date: schedules[index].date }));
}

/** What the last pull was asked for, and what came of it. */
export async function pullState() {
  const answer = await staff('GET', 'his/pull');
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

/** Asks for everything now, and waits until it has come. */
export async function pull() {
  const asked = await staff('POST', 'his/pull', '{}');
  assert.equal(asked.status, 200, asked.text);
  return until('the timetable is pulled', async () => {
    await tick();
    const state = await pullState();
    return !state.asked_at && !state.leased_until && state.report.is_complete && state;
  });
}

/** Where a visit stands with the hospital's own system: `locked`, `confirmed`, `over`; undefined where it knows nothing. */
export async function standing(key) {
  const { registrations } = await his('timetable');
  return registrations.find(({ serial }) => serial === appointmentId(key))?.standing;
}

/** Which calls of the desk the hospital's system took, in their order: those that have this serial in their body. */
export async function callsAbout(serial) {
  const { calls } = await his('calls');
  return calls.filter(({ body }) => JSON.stringify(body ?? {}).includes(serial));
}
