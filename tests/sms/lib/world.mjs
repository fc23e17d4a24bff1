// What the stand-in remembers: messages that were taken, faults, and what each number got today.
import fs from 'node:fs';
import path from 'node:path';
import { chinaDay, chinaTime } from '../../wechat/lib/world.mjs';

const CALLS_LIMIT = 1000;
const SAVE_DELAY_MS = 50;

const freshState = () => ({ messages: [], faults: [], blocked: [], down: false, sequence: 0 });

export class World {
  constructor({ directory, config, clock }) {
    Object.assign(this, { directory, config, clock });
    this.file = path.join(directory, 'state.json');
    this.calls = [];
    this.state = { ...freshState(), ...(fs.existsSync(this.file) ? JSON.parse(fs.readFileSync(this.file, 'utf8')) : {}) };
  }

  close() {
    clearTimeout(this.saving);
    this.#save();
  }

  #save() {
    this.saving = undefined;
    fs.writeFileSync(`${this.file}.new`, JSON.stringify(this.state), { mode: 0o600 });
    fs.renameSync(`${this.file}.new`, this.file);
  }

  /** Call after any change: saves soon. */
  changed() {
    this.saving ??= setTimeout(() => this.#save(), SAVE_DELAY_MS);
  }

  reset() {
    this.state = freshState();
    this.calls = [];
    this.changed();
  }

  now() {
    return chinaTime(this.clock.now_ms());
  }

  today() {
    return chinaDay(this.clock.now_ms());
  }

  /** Messages a number has got today. */
  countToday(phone) {
    return this.state.messages.filter((message) => message.phone === phone && message.day === this.today()).length;
  }

  /** The number of a message, as the service gives it. */
  take(phone, template, text) {
    this.state.sequence += 1;
    const serial = `${this.state.sequence}:${this.clock.now_s()}`;
    this.state.messages.push({ serial, phone, template, text, at: this.now(), day: this.today() });
    this.changed();
    return serial;
  }

  addFault(fault) {
    this.state.faults.push({ count: 1, ...fault });
    this.changed();
  }

  /** Takes one use of the first fault. */
  takeFault() {
    const [fault] = this.state.faults;
    if (!fault) return undefined;
    fault.count -= 1;
    this.state.faults = this.state.faults.filter((entry) => entry.count > 0);
    this.changed();
    return fault;
  }

  logCall(call) {
    this.calls.push({ at: this.now(), ...call });
    if (this.calls.length > CALLS_LIMIT) this.calls.shift();
  }
}
