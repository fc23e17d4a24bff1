// A person with a phone: what they do in the chat, and their browser with its cookies.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { HOSPITAL, PHONE, civilDate, control, moveTo, now, read, settings, tick, until } from './stack.mjs';

const REDIRECTS_MAX = 8;
const PASSPORT = '03';
const CHINA_MS = 8 * 3600_000;
/** The demo hospital's quiet hours. */
const QUIET_FROM_H = 22;
const QUIET_UNTIL_H = 7;

/** A passport number that nobody has. */
export const inventPassport = () => ({ country: 'GBR', document: `Z${crypto.randomInt(1e8).toString().padStart(8, '0')}` });
export const inventPhone = () => `199${crypto.randomInt(1e8).toString().padStart(8, '0')}`;
export const newKey = () => crypto.randomBytes(16).toString('hex');

/** In quiet hours the clock moves on to the morning. */
export async function wakeUp() {
  const at = await now();
  const hour = new Date(at + CHINA_MS).getUTCHours();
  if (hour >= QUIET_FROM_H || hour < QUIET_UNTIL_H) {
    const midnight = Date.parse(`${civilDate(at, hour >= QUIET_FROM_H ? 1 : 0)}T00:00:00+08:00`);
    await moveTo(midnight + QUIET_UNTIL_H * 3600_000);
  }
}

export class Person {
  constructor(id, demo) {
    this.id = id;
    this.demo = demo;
    this.cookies = new Map();
  }

  /** Somebody new. */
  static async invent(name = '测试') {
    const { id } = await control('people', { name });
    return new Person(id, { name, document_kind: PASSPORT, ...inventPassport(), phone: inventPhone() });
  }

  /** Somebody new who follows the account, is signed in and registered: ready to book. */
  static async ready(name) {
    const person = await Person.invent(name);
    await person.follow();
    await person.signIn();
    await person.register();
    return person;
  }

  // The chat

  do(deed, body = {}) {
    return control(`people/${this.id}/${deed}`, body);
  }

  follow() {
    return this.do('follow');
  }

  async chat() {
    return (await control(`people/${this.id}/chat`)).messages;
  }

  /** The messages of a template, oldest first. */
  async notices(template) {
    return (await this.chat()).filter((message) => message.kind === 'template' && message.template === template);
  }

  notice(template, options) {
    return until(`${this.id} is told ${template}`, async () => (await this.notices(template))[0], options);
  }

  /** The `count`th of what lets people sleep: told in the night it waits for the first look at the clock of the morning. */
  async noticeByDay(template, count = 1) {
    return until(`${this.id} is told ${template} by day`, async () => {
      await wakeUp();
      await tick();
      return (await this.notices(template))[count - 1];
    });
  }

  /** The SMS on their phone, oldest first. */
  async sms() {
    const answer = await read(await fetch(`${settings.SMS_CONTROL}/messages?phone=${this.demo.phone}`));
    return answer.json.messages;
  }

  // The browser

  #keep(response) {
    for (const line of response.headers.getSetCookie()) {
      const [pair] = line.split(';');
      const at = pair.indexOf('=');
      const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
      if (value === '' || /max-age=0(;|$)/i.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
  }

  /** One request, redirects not followed. */
  async request(method, target, { headers = {}, body } = {}) {
    const url = new URL(target, HOSPITAL);
    const own = url.origin === PHONE ? { 'x-phone-person': this.id } : {};
    const cookie = url.origin === HOSPITAL ? [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ') : '';
    const response = await fetch(url, { method, redirect: 'manual', body, headers: { ...own, ...(cookie ? { cookie } : {}), ...headers } });
    if (url.origin === HOSPITAL) this.#keep(response);
    return { ...(await read(response)), location: response.headers.get('location') };
  }

  /** Opens a page as the browser does, through WeChat's sign-in if need be: the last answer, with its `url`. */
  async open(target) {
    let url = new URL(target, HOSPITAL).href;
    for (let hop = 0; hop <= REDIRECTS_MAX; hop += 1) {
      const answer = await this.request('GET', url, { headers: { accept: 'text/html' } });
      if (!answer.location) return { ...answer, url };
      url = new URL(answer.location, url).href;
    }
    throw new Error(`too many redirects from ${target}`);
  }

  async signIn() {
    const page = await this.open('/signin?to=%2Fpatients%2Fnew');
    assert.equal(page.status, 200, page.text);
    this.csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1];
    assert.ok(this.csrf, 'the form carries a token');
    return page;
  }

  get(target) {
    return this.request('GET', target, { headers: { accept: 'application/json' } });
  }

  /** Sends a form and wants JSON. */
  post(target, fields = {}, headers = {}) {
    return this.request('POST', target, {
      headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded', 'x-csrf-token': this.csrf ?? '', ...headers },
      body: new URLSearchParams(fields).toString(),
    });
  }

  // What patients do

  /** Registers the person of the demo card, or with other fields. */
  async register(changes = {}) {
    const answer = await this.post('/patients', { document_kind: '01', relation: 'oneself', consent: 'on', ...this.demo, ...changes });
    assert.equal(answer.status, 200, answer.text);
    this.patient ??= answer.json.patient;
    return answer.json;
  }

  /** Makes their digital card, which may take the hospital a moment: its number. */
  async makeCard() {
    const path = `/patients/${this.patient}/card`;
    const asked = await this.post(path);
    assert.equal(asked.status, 200, asked.text);
    return until('the card is made', async () => (await this.get(path)).json.card);
  }

  /** Tries to hold a number, with more fields if need be: the answer. */
  tryHold({ clinic, slot }, { patient = this.patient, key = newKey(), ...more } = {}) {
    return this.post('/appointments', { clinic, slot, patient, idempotency_key: key, ...more });
  }

  async hold(where, options) {
    const answer = await this.tryHold(where, options);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.state, 'held');
    return answer.json.appointment;
  }

  async appointment(key) {
    const answer = await this.get(`/appointments/${key}`);
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  }

  async prepay(key) {
    const answer = await this.post(`/appointments/${key}/prepay`);
    assert.equal(answer.status, 200, answer.text);
    return answer.json.request;
  }

  /** Prepares the payment and pays on the sheet. */
  async pay(key, wish = {}) {
    const paid = await this.do('pay', { ...(await this.prepay(key)), decision: 'pay', ...wish });
    assert.equal(paid.result, 'ok', paid.err_desc);
  }

  state(key, wanted, options) {
    return until(`${key} is ${wanted}`, async () => {
      const appointment = await this.appointment(key);
      return appointment.state === wanted && appointment;
    }, options);
  }

  /** Holds, pays, and waits until the number is theirs. */
  async book(where) {
    const key = await this.hold(where);
    await this.pay(key);
    await this.state(key, 'booked');
    return key;
  }

  cancel(key) {
    return this.post(`/appointments/${key}/cancel`);
  }
}

/** The free numbers of a slot, as a signed-in person sees them. */
export async function free(person, { clinic, slot }) {
  const answer = await person.get(`/clinics/${clinic}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json.slots.find((choice) => choice.slot === slot).remaining;
}
