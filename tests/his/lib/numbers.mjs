// Numbers and visits: locked, confirmed, moved, given back. Each is known by the caller's serial, and what is over stays over.
import { Refusal } from './refusal.mjs';
import { day, id, instant, integer, nullable, object, yuan } from './shape.mjs';
import { holderOf, isTaken, standingOf, start, touch } from './timetable.mjs';

const NUMBER_MAX = 9999;

const need = (condition, ...refusal) => {
  if (!condition) throw new Refusal(...refusal);
};

const known = (world, serial) => world.state.registrations[serial];

function put(world, entry) {
  world.state.registrations[entry.serial] = entry;
  touch(world, entry.clinic);
}

/** A number is given once. Of a clinic the hospital does not list, the desk gives the numbers. */
function needFree(world, { serial, clinic, start: at, number }) {
  const entry = world.state.schedules[clinic];
  if (entry) {
    const isThere = entry.slots.some((slot) => slot.start === at && slot.numbers.includes(number));
    need(isThere, 'NO_SUCH_CLINIC', '没有此号');
    need(!entry.closed, 'CLINIC_CLOSED', '已停诊');
    const isMine = holderOf(world, clinic, number)?.serial === serial;
    need(isMine || !isTaken(world, clinic, number), 'NUMBER_TAKEN', '号源已被占用');
  } else {
    const holder = holderOf(world, clinic, number);
    need(!holder || holder.serial === serial, 'NUMBER_TAKEN', '号源已被占用');
  }
}

/** A serial means one number for ever. */
function needSame(entry, { clinic, start: at, number }) {
  need(entry.clinic === clinic && entry.start === at && entry.number === number, 'SERIAL_REUSED', '流水号已用于其他内容');
}

function lock(world, body) {
  const { serial, clinic, start: at, number, until } = body;
  const earlier = known(world, serial);
  if (earlier) {
    needSame(earlier, body);
    need(standingOf(world, earlier) !== 'over', 'SERIAL_OVER', '该流水号已结束');
    return { data: {} };
  }
  needFree(world, body);
  put(world, { serial, clinic, start: at, number, standing: 'locked', until_ms: Date.parse(until), card_no: null, payment: null });
  return { data: {} };
}

const visitOf = ({ serial, card_no, registration, start: at, payment }) => ({ serial, clinic: registration.clinic, start: at, number: registration.number, card_no, payment });

function needVisit(world, { serial, card_no, registration }) {
  need(registration.appointment === serial, 'BAD_REQUEST', '流水号与预约不符');
  need(card_no === null || world.state.cards.includes(card_no), 'NO_SUCH_CARD', '就诊卡不存在');
}

function confirm(world, body) {
  const visit = visitOf(body);
  needVisit(world, body);
  const earlier = known(world, visit.serial);
  if (earlier) {
    needSame(earlier, visit);
    need(standingOf(world, earlier) !== 'over', 'SERIAL_OVER', '该流水号已结束');
    if (earlier.standing === 'confirmed') return { data: {} };
  }
  needFree(world, visit);
  put(world, { ...visit, standing: 'confirmed', until_ms: null });
  return { data: {} };
}

function end(world, { serial }) {
  const entry = known(world, serial);
  if (!entry) return { data: null, isEmpty: true };
  if (entry.standing !== 'over') put(world, { ...entry, standing: 'over' });
  return { data: {} };
}

function reschedule(world, body) {
  const { from } = body;
  const visit = visitOf(body);
  needVisit(world, body);
  const before = known(world, from);
  if (before?.moved_to === visit.serial) return { data: {} };
  const isPosted = Object.values(world.state.payments).some(({ request }) => request.registration?.appointment === from);
  need(isPosted || (before && standingOf(world, before) === 'confirmed'), 'NO_SUCH_SERIAL', '原流水号不存在');
  const earlier = known(world, visit.serial);
  if (earlier) {
    needSame(earlier, visit);
    need(standingOf(world, earlier) !== 'over', 'SERIAL_OVER', '该流水号已结束');
  }
  needFree(world, visit);
  put(world, { ...(before ?? { serial: from, clinic: null }), standing: 'over', moved_to: visit.serial });
  put(world, { ...visit, standing: 'confirmed', until_ms: null, moved_from: from });
  return { data: {} };
}

function standing(world, { serial }) {
  const entry = known(world, serial);
  return { data: entry ? { standing: standingOf(world, entry) } : null, isEmpty: !entry };
}

const serial = object({ serial: id });
const registration = object({ appointment: id, clinic: id, number: integer(1, NUMBER_MAX), department: id, doctor: nullable(id), date: day });
const visit = { serial: id, card_no: nullable(id), registration, start, payment: nullable(object({ serial: id, total: yuan })) };

export const OPERATIONS = {
  lock: { shape: object({ serial: id, clinic: id, start, number: integer(1, NUMBER_MAX), until: instant }), run: lock },
  unlock: { shape: serial, run: end },
  confirm: { shape: object(visit), run: confirm },
  cancel: { shape: serial, run: end },
  reschedule: { shape: object({ from: id, ...visit }), run: reschedule },
  standing: { shape: serial, run: standing },
};
