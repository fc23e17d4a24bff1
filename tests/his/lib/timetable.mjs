// The hospital's timetable as its own system keeps it: departments, doctors, clinics with their numbers, and what changed.
import { Refusal } from './refusal.mjs';
import { id, list, literal, nullable, object, text, yuan, day, integer } from './shape.mjs';

const EVENTS_PER_PAGE = 100;
const LISTED_MAX = 5000;
const MARK = /^(0|[1-9]\d{0,12})$/;
const START = /^([01]\d|2[0-3])(00|30)$/;
const PERIOD_CODES = { morning: 'am', afternoon: 'pm', evening: 'ev', night: 'nt' };

const orEmpty = (rule) => (value, where) => value === '' || rule(value, where);
const prose = orEmpty(text(2000, /^[^]*$/));
export const start = text(4, START);
export const mark = text(13, MARK);

export const department = object({ code: id, name: text(100), parent: nullable(id), location: orEmpty(text(100)), campus: orEmpty(text(100)), intro: prose });
export const doctor = object({
  code: id, name: text(100), pinyin: orEmpty(text(100)), title: orEmpty(text(100)), department: id, expert: literal(true, false), specialty: orEmpty(text(100)), intro: prose,
});
export const schedule = object({
  date: day,
  period: literal(...Object.keys(PERIOD_CODES)),
  department: id,
  doctor: nullable(id),
  kind: literal('ordinary', 'expert', 'special', 'emergency'),
  fee: yuan,
  room: orEmpty(text(100)),
  campus: orEmpty(text(100)),
  closed: literal(true, false),
  slots: list(object({ start, numbers: list(integer(1, 999), 1, 60) }), 1, 48),
});

/** What desk and hospital both call a clinic. */
export const clinicOf = ({ date, period, department: code, doctor: who }) => `${date.replaceAll('-', '')}-${PERIOD_CODES[period]}-${code}-${who ?? 'pool'}`;

/** Notes that a clinic, or who has its numbers, changed. */
export function touch(world, clinic) {
  const entry = world.state.schedules[clinic];
  if (entry) entry.version = world.state.version += 1;
  world.changed();
}

export function announce(world, event) {
  world.state.events.push(event);
  world.changed();
}

export function putSchedule(world, entry) {
  const clinic = clinicOf(entry);
  const { windowSold = [] } = world.state.schedules[clinic] ?? {};
  world.state.schedules[clinic] = { ...entry, windowSold };
  touch(world, clinic);
  return clinic;
}

/** The registration that has a number now: confirmed, or locked and not run out. */
export const holderOf = (world, clinic, number) =>
  Object.values(world.state.registrations).find((entry) => entry.clinic === clinic && entry.number === number && standingOf(world, entry) !== 'over');

/** Where a registration stands now: a lock ends by itself. */
export const standingOf = (world, { standing, until_ms }) => (standing === 'locked' && until_ms <= world.clock.now_ms() ? 'over' : standing);

export const isTaken = (world, clinic, number) => world.state.schedules[clinic].windowSold.includes(number) || holderOf(world, clinic, number) !== undefined;

function schedules(world, { from, to, since }) {
  const after = since === null ? 0 : Number(since);
  const changed = Object.values(world.state.schedules).filter(({ date, version }) => date >= from && date <= to && version > after);
  const shown = ({ slots: _, windowSold: __, version: ___, ...entry }) => entry;
  return { data: { schedules: changed.map(shown), mark: String(world.state.version) } };
}

function slots(world, { clinic }) {
  const entry = world.state.schedules[clinic];
  if (!entry) throw new Refusal('NO_SUCH_CLINIC', '没有此出诊');
  const half = ({ start: at, numbers }) => {
    const taken = numbers.filter((number) => isTaken(world, clinic, number));
    return { start: at, free: numbers.filter((number) => !taken.includes(number)), taken };
  };
  return { data: { slots: entry.slots.map(half) } };
}

function events(world, { since }) {
  const after = since === null ? 0 : Number(since);
  const page = world.state.events.slice(after, after + EVENTS_PER_PAGE).map((event, index) => ({ mark: String(after + index + 1), ...event }));
  return { data: { events: page, more: after + page.length < world.state.events.length } };
}

const nothing = object({});

export const OPERATIONS = {
  departments: { shape: nothing, run: ({ state }) => ({ data: { departments: state.departments } }) },
  doctors: { shape: nothing, run: ({ state }) => ({ data: { doctors: state.doctors } }) },
  schedules: { shape: object({ from: day, to: day, since: nullable(mark) }), run: schedules },
  slots: { shape: object({ clinic: id }), run: slots },
  events: { shape: object({ since: nullable(mark) }), run: events },
};

export const catalog = { departments: list(department, 0, LISTED_MAX), doctors: list(doctor, 0, LISTED_MAX), schedules: list(schedule, 0, LISTED_MAX) };
