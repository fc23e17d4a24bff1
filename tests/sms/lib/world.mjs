// What the stand-in remembers: messages that were taken, faults, and what each number got today.
import { Memory } from '../../stand-in/memory.mjs';

const fresh = () => ({ messages: [], faults: [], blocked: [], down: false, sequence: 0 });

export class World extends Memory {
  constructor({ deliver = () => {}, ...kept }) {
    super({ ...kept, fresh });
    this.deliver = deliver;
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
    this.deliver({ phone, text });
    return serial;
  }
}
