// The control plane: what a test tells the stand-in to do, and what its books say.
import { answerRoutes, need, reset, setDown } from '../../stand-in/control.mjs';
import { COMMON_KINDS } from '../../stand-in/faults.mjs';
import { json } from '../../wechat/lib/http.mjs';
import { deskSecret, retireKey, rollKey } from '../identities.mjs';
import * as timetable from './timetable-control.mjs';
import { keepFhirReport } from './fhir.mjs';
import { PERSON_GETS, PERSON_POSTS } from './persons.mjs';
import { RESULT_GETS, RESULT_POSTS } from './results.mjs';
import { ShapeError, day, fenOf, id, integer, list, literal, nullable, object, text, yuan } from './shape.mjs';

const ITEMS_MAX = 500;
const KINDS = ['lab', 'exam', 'drug', 'treatment'];
const FAULT_KINDS = [...COMMON_KINDS, 'forged', 'wrong_total', 'late'];
const DEFAULT_VISIT = { department: '心血管内科', doctor: '沈怀远' };
const DEFAULT_PLACE = { building: '门诊楼', floor: '2 层', window: '3 号窗口', note: '' };
const DEFAULT_ITEM = { spec: '', quantity: 1, unit: '次' };

const check = (rules, body) => object(rules)(body);
const orEmpty = (rule) => (value, where) => value === '' || rule(value, where);
const optional = (rule) => (value, where) => value === undefined || rule(value, where);

const newBill = {
  card_no: id,
  kind: literal(...KINDS),
  visit: object({ visit_no: optional(id), date: optional(day), department: text(50), doctor: text(50) }),
  items: list(object({ name: text(100), spec: orEmpty(text(100)), quantity: integer(1, 9999), unit: text(20), amount: yuan }), 1, ITEMS_MAX),
  place: object({ building: text(50), floor: text(50), window: text(50), note: orEmpty(text(200)) }),
};

function addBill(world, { card_no, kind = 'lab', visit = {}, items = [], place = {} }) {
  const { visit_no, date } = visit;
  const wish = {
    card_no,
    kind,
    visit: { ...DEFAULT_VISIT, ...visit, visit_no, date },
    items: items.map((item) => ({ ...DEFAULT_ITEM, ...item })),
    place: { ...DEFAULT_PLACE, ...place },
  };
  check(newBill, wish);
  return world.addBill(wish);
}

function billOf(world, { bill_no }) {
  const bill = world.state.bills[bill_no];
  need(bill, 'no such bill', 404);
  return bill;
}

function itemOf(bill, { item_no }) {
  const item = bill.items.find((one) => one.item_no === item_no);
  need(item, 'no such item', 404);
  return item;
}

const QUEUE_STATES = ['waiting', 'called', 'in_room', 'missed', 'done'];
const toldEntry = object({ appointment: id, state: literal(...QUEUE_STATES), room: orEmpty(text(50)), times: integer(0, 9) });
const cardQueue = object({ kind: literal('pharmacy', 'exam', 'lab', 'treatment'), place: text(50), number: orEmpty(text(20)), ahead: nullable(integer(0, 999)), called: literal(true, false) });

/** The hospital's own system calls: the whole queue of a clinic as it now stands, in its order. */
function setClinicQueue(world, { clinic, entries = [] }) {
  const whole = entries.map((entry) => ({ room: '', times: 0, ...entry }));
  check({ clinic: id, entries: list(toldEntry, 0, ITEMS_MAX) }, { clinic, entries: whole });
  world.state.clinicQueues[clinic] = whole;
  world.changed();
  return {};
}

/** Where the holder of a card waits: pharmacy windows, examination rooms. */
function setCardQueues(world, { card_no, queues = [] }) {
  const whole = queues.map((queue) => ({ number: '', ahead: null, called: false, ...queue }));
  check({ card_no: id, queues: list(cardQueue, 0, ITEMS_MAX) }, { card_no, queues: whole });
  world.admitCard(card_no);
  world.state.cardQueues[card_no] = whole;
  world.changed();
  return {};
}

function unpaidBill(world, body) {
  const bill = billOf(world, body);
  need(bill.state === 'unpaid', `the bill is ${bill.state}`, 409);
  return bill;
}

function changed(world, bill) {
  world.changed();
  return bill;
}

const payAtWindow = (world, body) => changed(world, Object.assign(unpaidBill(world, body), { state: 'paid_at_window' }));
const voidBill = (world, body) => changed(world, Object.assign(unpaidBill(world, body), { state: 'void' }));

/** Another amount for one item of an unpaid bill. */
function changeBill(world, body) {
  check({ bill_no: id, item_no: id, amount: yuan }, body);
  const bill = unpaidBill(world, body);
  itemOf(bill, body).fen = fenOf(body.amount);
  return changed(world, bill);
}

function performItem(world, body) {
  const bill = billOf(world, body);
  const item = itemOf(bill, body);
  need(item.refunded_by === null, 'the item was given back', 409);
  item.performed = true;
  return changed(world, bill);
}

/** A doctor has seen somebody, or it is certain that nobody came. */
function noteVisit(world, body) {
  check({ appointment: id, visited: literal(true, false) }, body);
  world.state.visits[body.appointment] = body.visited;
  world.changed();
  return { visits: world.state.visits };
}

const showFaults = (world) => ({ faults: world.state.faults, down: world.state.down });

function setFaults(world, body) {
  if (body.clear) Object.assign(world.state, { faults: [], down: false });
  if (body.path !== undefined) {
    need(FAULT_KINDS.includes(body.kind), `kind is one of ${FAULT_KINDS.join(', ')}`);
    need(body.kind !== 'slow' || Number.isInteger(body.ms), 'slow needs ms');
    need(body.kind !== 'refuse' || typeof body.error === 'string', 'refuse needs error');
    need(body.kind !== 'wrong_total' || body.path.endsWith('/fees-unpaid'), 'only fees-unpaid has totals');
    world.addFault(body);
  }
  world.changed();
  return showFaults(world);
}

const row = object({ serial: id, kind: literal('PAY', 'REFUND'), original_serial: orEmpty(id), amount: yuan, at: text(40), receipt_no: id });

function tamperDayFile(world, { day: of, clear, ...deed }) {
  day(of, 'day');
  if (clear) delete world.state.tampering[of];
  else {
    need(['drop', 'alter', 'add'].filter((name) => deed[name] !== undefined).length === 1, 'one of drop, alter, add, clear is needed');
    check({ drop: optional(id), alter: optional(id), amount: optional(yuan), add: optional(row) }, { drop: undefined, alter: undefined, amount: undefined, add: undefined, ...deed });
    need(deed.alter === undefined || deed.amount !== undefined, 'alter needs amount');
    (world.state.tampering[of] ??= []).push(deed);
  }
  world.changed();
  return { tampering: world.state.tampering };
}

function changeKeys(world, { roll, retire }) {
  need(Boolean(roll) !== Boolean(retire), 'roll or retire is needed');
  world.config = (roll ? rollKey : retireKey)(world.directory, world.config);
  return deskSecret(world.config);
}

function books(world) {
  const { cards, bills, payments, refunds } = world.state;
  return { cards, bills: Object.values(bills), payments: Object.values(payments), refunds: Object.values(refunds) };
}

const GETS = {
  ...timetable.GETS,
  ...PERSON_GETS,
  ...RESULT_GETS,
  '/control/books': books,
  '/control/calls': (world) => ({ calls: world.calls }),
  '/control/faults': showFaults,
  '/control/clock': (world) => ({ now: world.now(), offset_s: world.clock.offset_s }),
};

const POSTS = {
  ...timetable.POSTS,
  ...PERSON_POSTS,
  '/control/fhir-reports': (world, { bundle }) => keepFhirReport(world, bundle),
  ...RESULT_POSTS,
  '/control/bills': addBill,
  '/control/pay-at-window': payAtWindow,
  '/control/change': changeBill,
  '/control/void': voidBill,
  '/control/clinic-queue': setClinicQueue,
  '/control/card-queues': setCardQueues,
  '/control/perform': performItem,
  '/control/visits': noteVisit,
  '/control/faults': setFaults,
  '/control/down': setDown,
  '/control/day-file': tamperDayFile,
  '/control/keys': changeKeys,
  '/control/reset': reset,
};

/** Answers one call of the control plane. */
export function answerControl(world, call) {
  try {
    return answerRoutes(GETS, POSTS, world, call);
  } catch (error) {
    if (error instanceof ShapeError) return json({ error: `wrong field ${error.message}` }, 400);
    throw error;
  }
}
