// What a test tells the hospital about its timetable, and what the hospital's books say of it.
import { need } from '../../stand-in/control.mjs';
import { id, integer, list, nullable, object, yuan } from './shape.mjs';
import { announce, catalog, clinicOf, isTaken, putSchedule, start, touch } from './timetable.mjs';

const check = (rules, body) => object(rules)(body);

function clinicIn(world, clinic) {
  const entry = world.state.schedules[clinic];
  need(entry, 'no such clinic', 404);
  return entry;
}

/** Departments and doctors replace those there were; clinics join them. */
function setTimetable(world, { departments = world.state.departments, doctors = world.state.doctors, schedules = [] }) {
  const whole = schedules.map((entry) => ({ room: '', campus: '', closed: false, ...entry }));
  check(catalog, { departments, doctors, schedules: whole });
  Object.assign(world.state, { departments, doctors });
  return { clinics: whole.map((entry) => putSchedule(world, entry)) };
}

/** Other numbers for a half hour: what is sold stays sold. */
function setNumbers(world, body) {
  check({ clinic: id, start, numbers: list(integer(1, 999), 0, 60) }, body);
  const entry = clinicIn(world, body.clinic);
  entry.slots = entry.slots.map((slot) => (slot.start === body.start ? { ...slot, numbers: body.numbers } : slot));
  touch(world, body.clinic);
  return { clinic: body.clinic };
}

function sell(world, body) {
  check({ clinic: id, number: integer(1, 999) }, body);
  const entry = clinicIn(world, body.clinic);
  need(!isTaken(world, body.clinic, body.number), 'the number is taken', 409);
  entry.windowSold.push(body.number);
  touch(world, body.clinic);
  return { clinic: body.clinic };
}

function close(world, { clinic, from = null }) {
  check({ clinic: id, from: nullable(start) }, { clinic, from });
  const entry = clinicIn(world, clinic);
  if (from === null) entry.closed = true;
  touch(world, clinic);
  announce(world, { kind: 'closed', clinic, from });
  return { clinic };
}

function substitute(world, body) {
  check({ clinic: id, doctor: id }, body);
  clinicIn(world, body.clinic);
  announce(world, { kind: 'substituted', ...body });
  return { clinic: body.clinic };
}

function changeFee(world, body) {
  check({ clinic: id, fee: yuan }, body);
  clinicIn(world, body.clinic).fee = body.fee;
  touch(world, body.clinic);
  announce(world, { kind: 'fee', ...body });
  return { clinic: body.clinic };
}

/** A doctor is done with somebody. */
function see(world, body) {
  check({ clinic: id, appointment: id }, body);
  world.state.visits[body.appointment] = true;
  announce(world, { kind: 'visited', ...body });
  return {};
}

/** Somebody is there, or did not come. */
const tell = (kind) => (world, body) => {
  check({ clinic: id, appointment: id }, body);
  announce(world, { kind, ...body });
  return {};
};

/** Somebody gave the number back at the window. */
function giveBack(world, body) {
  const told = tell('cancelled')(world, body);
  const visit = world.state.registrations[body.appointment];
  if (visit) visit.standing = 'over';
  touch(world, body.clinic);
  return told;
}

/** A change nobody has agreed on. */
function surprise(world) {
  announce(world, { kind: 'renovation', floor: '3' });
  return {};
}

function showTimetable(world) {
  const { departments, doctors, schedules, registrations, events } = world.state;
  const clinics = Object.values(schedules).map((entry) => ({ clinic: clinicOf(entry), ...entry }));
  return { departments, doctors, clinics, registrations: Object.values(registrations), events };
}

export const GETS = { '/control/timetable': showTimetable };

export const POSTS = {
  '/control/timetable': setTimetable,
  '/control/numbers': setNumbers,
  '/control/sell': sell,
  '/control/close': close,
  '/control/substitute': substitute,
  '/control/fee': changeFee,
  '/control/see': see,
  '/control/come': tell('came'),
  '/control/miss': tell('missed'),
  '/control/give-back': giveBack,
  '/control/surprise': surprise,
  '/control/late': (world) => ({ done: world.arrive() }),
};
