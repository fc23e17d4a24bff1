// People and visit cards: who is who by paper, card, phone or guardian; made once, whatever is repeated.
import fs from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { Refusal } from './refusal.mjs';
import { announce } from './timetable.mjs';
import { ShapeError, either, id, literal, nullable, object, text } from './shape.mjs';

const NAME_CHARS_MAX = 50;
const NUMBER_CHARS_MAX = 40;
/** Characters of a permit of Hong Kong and Macau that stay when it is renewed. */
const PERMIT_LIFELONG = 9;
const PERMIT = '06';
const KINDS = { 居民身份证: '01', 户口簿: '02', 护照: '03', 军官证: '04', 港澳居民来往内地通行证: PERMIT, 台湾居民来往大陆通行证: '07', 出生医学证明: '111', 港澳台居民居住证: '112', 外国人永久居留身份证: '113', 其他证件: '99' };
/** One number of the public register, whatever it is printed on. */
const CITIZEN_KINDS = ['01', '02', '112'];

const need = (condition, ...refusal) => {
  if (!condition) throw new Refusal(...refusal);
};

const phone = text(11, /^1[3-9]\d{9}$/);
const documentShape = object({ kind: literal(...Object.values(KINDS)), number: text(NUMBER_CHARS_MAX) });
const guardianShape = object({ name: text(NAME_CHARS_MAX), document: documentShape });

export const freshPersons = () => ({ people: {}, personWrites: {} });

export const personsOf = (world) => Object.values(world.state.people);
const wholeNumber = ({ kind, number }) => (kind === PERMIT ? number.slice(0, PERMIT_LIFELONG) : number);
const family = (kind) => (CITIZEN_KINDS.includes(kind) || kind === '113' ? '01' : kind);
const sameDocument = (one, other) => family(one.kind) === family(other.kind) && wholeNumber(one) === wholeNumber(other);
const has = (person, wanted) => person.documents.some((held) => sameDocument(held, wanted));
const isGone = (person) => person.merged_into !== null;

/** Whoever a person was merged into, in the end. */
export const surviving = (world, person) => (isGone(person) ? surviving(world, world.state.people[person.merged_into]) : person);

const ofCard = (world, card_no) => personsOf(world).find(({ cards }) => cards.some((card) => card.card_no === card_no && card.active));

export const SEARCHES = {
  document: (world, { document }) => personsOf(world).filter((person) => has(person, document)),
  card: (world, { card_no }) => [ofCard(world, card_no)].filter(Boolean),
  phone: (world, body) => personsOf(world).filter((person) => person.phone === body.phone),
  guardian: (world, { document }) => personsOf(world).filter(({ guardian }) => guardian && sameDocument(guardian.document, document)),
};

/** A survivor has the cards and papers of all that were merged into it. */
export function shownPerson(world, person) {
  const all = personsOf(world).filter((one) => surviving(world, one) === person);
  const { person_no, name, phone: number, guardian, deceased } = person;
  return { person_no, name, documents: all.flatMap(({ documents }) => documents), phone: number, cards: all.flatMap(({ cards }) => cards), guardian, deceased };
}

function personFind(world, body) {
  const found = new Set(SEARCHES[body.by](world, body).map((person) => surviving(world, person)));
  return { data: { persons: [...found].map((person) => shownPerson(world, person)) }, isEmpty: found.size === 0 };
}

/** Adds a person; the numbers of their cards become known everywhere. */
export function addPerson(world, { name, documents, phone: number = null, cards = [], guardian = null, deceased = false }) {
  const person = { person_no: world.nextNumber('P'), name, documents, phone: number, cards, guardian, deceased, merged_into: null };
  world.state.people[person.person_no] = person;
  for (const { card_no } of cards) world.admitCard(card_no);
  world.changed();
  return person;
}

/** A write is known again by its serial: the same answer for the same body. */
function once(world, body, deed) {
  const { personWrites } = world.state;
  const earlier = personWrites[body.serial];
  if (earlier) {
    need(isDeepStrictEqual(earlier.request, body), 'SERIAL_REUSED', '流水号已用于其他内容');
    return { data: earlier.answer };
  }
  const answer = deed();
  personWrites[body.serial] = { request: body, answer };
  world.changed();
  return { data: answer };
}

/** Who has the paper under the same name is known already; under another name nobody is made. */
function personCreate(world, body) {
  return once(world, body, () => {
    const known = personsOf(world).find((person) => has(person, body.document));
    need(!known || known.name === body.name, 'PERSON_DIFFERS', '证件已登记在另一姓名下');
    const { name, document, phone: number, guardian } = body;
    const person = known ? surviving(world, known) : addPerson(world, { name, documents: [document], phone: number, guardian });
    return { person_no: person.person_no, card_no: null };
  });
}

function livePerson(world, person_no) {
  const person = world.state.people[person_no];
  need(person, 'NO_SUCH_PERSON', '没有此人');
  return surviving(world, person);
}

/** A person has one electronic card. */
function cardCreate(world, body) {
  return once(world, body, () => {
    const person = livePerson(world, body.person_no);
    const held = person.cards.find(({ digital, active }) => digital && active);
    const card = held ?? { card_no: world.nextNumber('E'), digital: true, active: true };
    if (!held) person.cards.push(card);
    world.admitCard(card.card_no);
    return { person_no: person.person_no, card_no: card.card_no };
  });
}

function cardBind(world, body) {
  return once(world, body, () => {
    const person = livePerson(world, body.person_no);
    const holder = ofCard(world, body.card_no);
    need(holder, 'NO_SUCH_CARD', '就诊卡不存在');
    need(surviving(world, holder) === person, 'CARD_BOUND', '就诊卡属于他人');
    return { person_no: person.person_no, card_no: body.card_no };
  });
}

function personPosted(world, { serial }) {
  const answer = world.state.personWrites[serial]?.answer ?? null;
  return { data: answer, isEmpty: answer === null };
}

const byDocument = object({ by: literal('document'), document: documentShape });
const searchShape = either('by', {
  card: object({ by: literal('card'), card_no: id }),
  phone: object({ by: literal('phone'), phone }),
  guardian: object({ by: literal('guardian'), document: documentShape }),
}, byDocument);

/** Every operation: what its body must look like, and what it does. */
export const PERSON_OPERATIONS = {
  'person-find': { shape: searchShape, run: personFind },
  'person-create': {
    shape: object({ serial: id, name: text(NAME_CHARS_MAX), document: documentShape, phone: nullable(phone), guardian: nullable(guardianShape) }),
    run: personCreate,
  },
  'card-create': { shape: object({ serial: id, person_no: id }), run: cardCreate },
  'card-bind': { shape: object({ serial: id, person_no: id, card_no: id }), run: cardBind },
  'person-posted': { shape: object({ serial: id }), run: personPosted },
};

/** The hospital's card list as people: one for each paper, with all their cards. */
export function admitCardList(world, file) {
  const lines = fs.readFileSync(file, 'utf8').trim().split(/\r?\n/).slice(1);
  for (const [card_no, name, kind, number, telephone] of lines.map((line) => line.split(','))) {
    if (ofCard(world, card_no)) continue;
    const card = { card_no, digital: false, active: true };
    const document = { kind: KINDS[kind], number };
    const known = personsOf(world).find((person) => has(person, document));
    if (known) known.cards.push(card);
    else addPerson(world, { name, documents: [document], phone: telephone || null, cards: [card] });
    world.admitCard(card_no);
  }
}

// Control -------------------------------------------------------------------------------------

const cardShape = object({ card_no: id, digital: literal(true, false), active: literal(true, false) });
const listOf = (rule) => (value, where) => {
  if (!Array.isArray(value)) throw new ShapeError(where);
  value.forEach((entry, index) => rule(entry, `${where}[${index}]`));
};
const newPerson = object({ name: text(NAME_CHARS_MAX), documents: listOf(documentShape), phone: nullable(phone), cards: listOf(cardShape), guardian: nullable(guardianShape), deceased: literal(true, false) });

/** The window has registered somebody. */
function controlAdd(world, { cards = [], ...told }) {
  const wish = { documents: [], phone: null, guardian: null, deceased: false, ...told, cards: cards.map((card) => ({ digital: false, active: true, ...card })) };
  newPerson(wish, '');
  return addPerson(world, wish);
}

/** The window has changed what is on record: phone, name, papers, cards. */
function controlChange(world, { person_no, ...change }) {
  const person = world.state.people[person_no];
  if (!person) throw new ShapeError('person_no');
  const { merged_into, person_no: _, ...rest } = { ...person, ...change };
  newPerson(rest, '');
  Object.assign(person, change);
  world.changed();
  return person;
}

const cardsOf = ({ cards }) => cards.map(({ card_no }) => card_no);

/** Two records are one person; `told`: among the changes as well. */
function controlMerge(world, { into, from, told = false }) {
  const [keeper, gone] = [into, from].map((person_no) => world.state.people[person_no]);
  if (!keeper || !gone || surviving(world, keeper) === gone || isGone(gone)) throw new ShapeError('from');
  gone.merged_into = into;
  if (told) announce(world, { kind: 'merged', stays: cardsOf(keeper), gone: cardsOf(gone) });
  world.changed();
  return shownPerson(world, surviving(world, keeper));
}

/** They were two people after all. */
function controlUnmerge(world, { from, told = false }) {
  const person = world.state.people[from];
  if (!person || !isGone(person)) throw new ShapeError('from');
  const keeper = world.state.people[person.merged_into];
  person.merged_into = null;
  if (told) announce(world, { kind: 'unmerged', stays: cardsOf(keeper), gone: cardsOf(person) });
  world.changed();
  return shownPerson(world, person);
}

export const PERSON_GETS = { '/control/persons': (world) => ({ persons: personsOf(world), writes: world.state.personWrites }) };
export const PERSON_POSTS = {
  '/control/persons': controlAdd,
  '/control/persons/change': controlChange,
  '/control/persons/merge': controlMerge,
  '/control/persons/unmerge': controlUnmerge,
};
