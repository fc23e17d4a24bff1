// What the stand-in remembers: messages that were taken and what became of them, faults, and what each number got today.
import { Memory } from '../../stand-in/memory.mjs';

const fresh = () => ({ messages: [], faults: [], blocked: [], delivery: {}, down: false, sequence: 0 });

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
    const status = this.state.delivery[phone] ?? 'SUCCESS';
    this.state.messages.push({ serial, phone, template, text, at: this.now(), day: this.today(), status });
    this.changed();
    if (status === 'SUCCESS') this.deliver({ phone, text });
    return serial;
  }

  /** What the carrier has said of the messages of a number that were sent between two instants. */
  reports(phone, begin_s, end_s) {
    const isWithin = ({ at }) => Date.parse(at) >= begin_s * 1000 && Date.parse(at) <= end_s * 1000;
    return this.state.messages.filter((message) => message.phone === phone && message.status !== 'NONE' && isWithin(message));
  }
}
