// What the stand-in remembers: people, chats, tokens, orders, deadlines, faults, and its clock.
import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomHex, randomText } from './crypto.mjs';

const PEOPLE_FILE = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', 'people.json');
const CHAT_LIMIT = 300;
const CALLS_LIMIT = 1000;
const SAVE_DELAY_MS = 50;
const KEEP_S = 86_400;
const TASK_POLL_MS = 50;
const PERSON_ID = /^[a-z][a-z0-9-]{0,30}$/;

/** Real time plus an offset in whole seconds that lives in a file the hospital reads too. */
export class Clock {
  constructor(file) {
    this.file = file;
  }
  get offset_s() {
    try {
      return Number.parseInt(fs.readFileSync(this.file, 'utf8'), 10) || 0;
    } catch {
      return 0;
    }
  }
  set offset_s(seconds) {
    fs.writeFileSync(`${this.file}.new`, `${Math.trunc(seconds)}\n`);
    fs.renameSync(`${this.file}.new`, this.file);
  }
  now_ms() {
    return Date.now() + this.offset_s * 1000;
  }
  now_s() {
    return Math.floor(this.now_ms() / 1000);
  }
}

/** RFC 3339 with the fixed offset of China. */
export const chinaTime = (ms) => `${new Date(ms + 8 * 3600_000).toISOString().slice(0, 19)}+08:00`;
export const chinaDay = (ms) => chinaTime(ms).slice(0, 10);

const freshState = () => ({
  people: {},
  chats: {},
  menu: null,
  qrcodes: {},
  tokens: { stable: null, plain: [] },
  ticket: null,
  codes: {},
  web_tokens: {},
  counters: {},
  sent: {},
  orders: {},
  prepays: {},
  refunds: {},
  notifications: [],
  notification_mode: 'normal',
  notification_skew_s: 0,
  notification_delay_s: 0,
  bill_changes: {},
  tasks: [],
  faults: [],
  sequence: 0,
});

export class World extends EventEmitter {
  constructor({ directory, config, keys, clock, options }) {
    super();
    Object.assign(this, { directory, config, keys, clock, options });
    this.file = path.join(directory, 'state.json');
    this.calls = [];
    this.bills = new Map();
    this.handlers = {};
    this.state = { ...freshState(), ...this.#load() };
    if (Object.keys(this.state.people).length === 0) this.#invitePeople();
    this.poll = setInterval(() => this.runDueTasks(), TASK_POLL_MS);
  }

  #load() {
    return fs.existsSync(this.file) ? JSON.parse(fs.readFileSync(this.file, 'utf8')) : {};
  }

  #invitePeople() {
    for (const person of JSON.parse(fs.readFileSync(PEOPLE_FILE, 'utf8'))) this.addPerson(person);
  }

  close() {
    clearInterval(this.poll);
    clearTimeout(this.saving);
    this.#save();
  }

  /** Forgets codes, web tokens and client message ids that ended a day ago. */
  #prune() {
    const limit_s = this.clock.now_s() - KEEP_S;
    for (const name of ['codes', 'web_tokens', 'sent']) {
      this.state[name] = Object.fromEntries(Object.entries(this.state[name]).filter(([, entry]) => (entry.expires_s ?? entry.at_s) > limit_s));
    }
  }

  #save() {
    this.saving = undefined;
    this.#prune();
    fs.writeFileSync(`${this.file}.new`, JSON.stringify(this.state), { mode: 0o600 });
    fs.renameSync(`${this.file}.new`, this.file);
  }

  /** Call after any change: saves soon and tells the phones. */
  changed() {
    this.saving ??= setTimeout(() => this.#save(), SAVE_DELAY_MS);
    this.emit('changed');
  }

  reset() {
    this.state = freshState();
    this.calls = [];
    this.clock.offset_s = 0;
    this.#invitePeople();
    this.changed();
  }

  /** A number that never repeats, for message and event ids. */
  nextId() {
    this.state.sequence += 1;
    return `24${String(Date.now()).slice(-11)}${String(this.state.sequence % 1000000).padStart(6, '0')}`;
  }

  // People ------------------------------------------------------------------------------------

  addPerson({ id, nickname, name, colour = '#7d8aa5', about = '', demo }) {
    const key = id ?? `p${randomHex(4)}`;
    if (!PERSON_ID.test(key)) throw new Error('a person id is a lower-case host label');
    if (this.state.people[key]) throw new Error('this person exists');
    const person = {
      id: key,
      nickname: nickname ?? name ?? key,
      colour,
      about,
      demo: demo ?? { name: name ?? key },
      openid: `o${randomText(27)}`,
      unionid: `u${randomText(27)}`,
      follows: false,
      subscribe_at_s: 0,
      subscribe_scene: '',
      qr_scene: '',
      blocks: false,
      windows: [],
      consents: {},
      browser: null,
    };
    this.state.people[key] = person;
    this.state.chats[key] = [];
    this.changed();
    return person;
  }

  person(id) {
    return this.state.people[id];
  }

  personByOpenid(openid) {
    return Object.values(this.state.people).find((person) => person.openid === openid);
  }

  say(person, message) {
    const chat = this.state.chats[person.id];
    const entry = { id: this.nextId(), at_ms: this.clock.now_ms(), ...message };
    chat.push(entry);
    if (chat.length > CHAT_LIMIT) chat.splice(0, chat.length - CHAT_LIMIT);
    this.changed();
    return entry;
  }

  // Addresses ---------------------------------------------------------------------------------

  get origin() {
    return `http://127.0.0.1:${this.port}`;
  }

  get phoneOrigin() {
    return `http://phone.localhost:${this.port}`;
  }

  personOrigin(person) {
    return `http://${person.id}.phone.localhost:${this.port}`;
  }

  isHospital(url) {
    return url.origin === this.options.publicOrigin || url.origin === this.options.menzhenOrigin;
  }

  isWechat(url) {
    return [this.origin, this.phoneOrigin, `http://localhost:${this.port}`, 'https://open.weixin.qq.com'].includes(url.origin);
  }

  /** The address under which a person's browser opens a page of the hospital or of WeChat. */
  outward(person, text) {
    const url = new URL(text);
    if (!this.isHospital(url) && !this.isWechat(url)) return text;
    return `${this.personOrigin(person)}${url.pathname}${url.search}${url.hash}`;
  }

  /** The address at which the hospital listens, for a public one. */
  inward(text) {
    const url = new URL(text);
    return this.isHospital(url) ? `${this.options.menzhenOrigin}${url.pathname}${url.search}` : text;
  }

  // Deadlines ---------------------------------------------------------------------------------

  onTask(kind, handler) {
    this.handlers[kind] = handler;
  }

  schedule(kind, delay_s, data) {
    this.state.tasks.push({ kind, due_ms: this.clock.now_ms() + delay_s * 1000, data });
    this.changed();
  }

  runDueTasks() {
    const now_ms = this.clock.now_ms();
    const due = this.state.tasks.filter((task) => task.due_ms <= now_ms);
    if (due.length === 0) return;
    this.state.tasks = this.state.tasks.filter((task) => task.due_ms > now_ms);
    this.changed();
    for (const task of due) {
      Promise.resolve(this.handlers[task.kind](task.data)).catch((error) => console.error(`${task.kind}: ${error.stack}`));
    }
  }

  /** Moves the clock; deadlines keep their distance when it goes back. */
  moveClock(offset_s) {
    const back_s = this.clock.offset_s - offset_s;
    if (back_s > 0) for (const task of this.state.tasks) task.due_ms -= back_s * 1000;
    this.clock.offset_s = offset_s;
    this.changed();
    this.runDueTasks();
  }

  // Faults ------------------------------------------------------------------------------------

  addFault(fault) {
    const entry = { count: 1, ...fault };
    this.state.faults.push(entry);
    this.changed();
    return entry;
  }

  /** Takes one use of the first fault for this path (`*` matches anything) and, if given, these kinds. */
  takeFault(target, kinds) {
    const matches = (pattern) => new RegExp(`^${pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`).test(target);
    const fault = this.state.faults.find((entry) => entry.count > 0 && matches(entry.path) && (!kinds || kinds.includes(entry.kind)));
    if (!fault) return undefined;
    fault.count -= 1;
    this.state.faults = this.state.faults.filter((entry) => entry.count > 0);
    this.changed();
    return fault;
  }

  logCall(call) {
    this.calls.push({ at: chinaTime(this.clock.now_ms()), ...call });
    if (this.calls.length > CALLS_LIMIT) this.calls.shift();
  }

  /** Counts one use; false when the limit of the period is used up. */
  spend(name, period, limit) {
    const key = `${name}@${period}`;
    this.state.counters[key] = (this.state.counters[key] ?? 0) + 1;
    return this.state.counters[key] <= limit;
  }
}
