// What the stand-in remembers: cards, bills, payments, refunds, visits, the timetable, used nonces, faults.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Memory } from '../../stand-in/memory.mjs';
import { admitCardList, freshPersons } from './persons.mjs';
import { freshResults } from './results.mjs';
import { fenOf } from './shape.mjs';

const DEMO_FILE = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', 'demo-bills.json');

const fresh = () => ({
  cards: [],
  ...freshPersons(),
  ...freshResults(),
  bills: {},
  payments: {},
  refunds: {},
  visits: {},
  departments: [],
  doctors: [],
  schedules: {},
  registrations: {},
  events: [],
  version: 0,
  nonces: {},
  clinicQueues: {},
  fhirReports: [],
  cardQueues: {},
  tampering: {},
  faults: [],
  down: false,
  sequence: 0,
});

export class World extends Memory {
  constructor({ cardsFile, ...kept }) {
    super({ ...kept, fresh });
    this.cardsFile = cardsFile;
    this.lying = [];
    if (this.isNew) this.#open();
    else this.#admitCards();
  }

  #admitCards() {
    if (this.cardsFile) admitCardList(this, this.cardsFile);
  }

  /** The first day: the hospital's cards, and a few bills for the demo's patient, if they are one of them. */
  #open() {
    this.#admitCards();
    const { card_no, bills } = JSON.parse(fs.readFileSync(DEMO_FILE, 'utf8'));
    if (this.state.cards.includes(card_no)) for (const bill of bills) this.addBill({ card_no, ...bill });
  }

  /** A deed that was taken in and not done yet. */
  leaveLying(deed) {
    this.lying.push(deed);
  }

  /** What was left lying is done now, however late; answers how many deeds. */
  arrive() {
    const deeds = this.lying.splice(0);
    for (const deed of deeds) deed();
    return deeds.length;
  }

  reset() {
    super.reset();
    this.lying = [];
    this.#open();
  }

  /** A number of the hospital's own, never used twice. */
  nextNumber(prefix) {
    this.state.sequence += 1;
    this.changed();
    return `${prefix}${this.today().replaceAll('-', '')}${String(this.state.sequence).padStart(6, '0')}`;
  }

  admitCard(card_no) {
    if (!this.state.cards.includes(card_no)) this.state.cards.push(card_no);
    this.changed();
  }

  /** A doctor has ordered something: one unpaid bill. */
  addBill({ card_no, visit, kind, items, place }) {
    this.admitCard(card_no);
    const bill_no = this.nextNumber('B');
    const bill = {
      bill_no,
      card_no,
      visit: { visit_no: visit.visit_no ?? this.nextNumber('V'), date: visit.date ?? this.today(), department: visit.department, doctor: visit.doctor },
      kind,
      items: items.map(({ amount, ...item }, index) => ({ item_no: `${bill_no}-${index + 1}`, ...item, fen: fenOf(amount), performed: false, refunded_by: null })),
      place,
      state: 'unpaid',
      paid_by: null,
    };
    this.state.bills[bill_no] = bill;
    this.changed();
    return bill;
  }

  /** Takes one use of the first fault for this path, or for `METHOD path`; `*` matches anything. */
  takeFault(target, method) {
    const escaped = (part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
    const matches = (pattern) => {
      const whole = new RegExp(`^${pattern.split('*').map(escaped).join('.*')}$`);
      return whole.test(target) || whole.test(`${method} ${target}`);
    };
    return this.useFault((entry) => matches(entry.path));
  }
}
