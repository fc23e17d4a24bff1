// What any stand-in keeps: its state in a file, the log of calls, its clock.
import fs from 'node:fs';
import path from 'node:path';
import { chinaDay, chinaTime } from '../wechat/lib/world.mjs';

const CALLS_LIMIT = 1000;
const SAVE_DELAY_MS = 50;

export class Memory {
  #fresh;
  #file;
  #saving;

  /** `fresh` gives the state of the first day; `isNew` says whether this is it. */
  constructor({ directory, config, clock, fresh }) {
    Object.assign(this, { directory, config, clock });
    this.#fresh = fresh;
    this.#file = path.join(directory, 'state.json');
    this.calls = [];
    this.isNew = !fs.existsSync(this.#file);
    this.state = { ...fresh(), ...(this.isNew ? {} : JSON.parse(fs.readFileSync(this.#file, 'utf8'))) };
  }

  close() {
    clearTimeout(this.#saving);
    this.#save();
  }

  #save() {
    this.#saving = undefined;
    fs.writeFileSync(`${this.#file}.new`, JSON.stringify(this.state), { mode: 0o600 });
    fs.renameSync(`${this.#file}.new`, this.#file);
  }

  /** Call after any change: saves soon. */
  changed() {
    this.#saving ??= setTimeout(() => this.#save(), SAVE_DELAY_MS);
  }

  reset() {
    this.state = this.#fresh();
    this.calls = [];
    this.changed();
  }

  now() {
    return chinaTime(this.clock.now_ms());
  }

  today() {
    return chinaDay(this.clock.now_ms());
  }

  addFault(fault) {
    const entry = { count: 1, ...fault };
    this.state.faults.push(entry);
    this.changed();
    return entry;
  }

  /** Takes one use of the first fault that `matches`. */
  useFault(matches) {
    const fault = this.state.faults.find(matches);
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
