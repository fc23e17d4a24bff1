// The desk: members of staff who sign in, by request and in a browser.
import assert from 'node:assert/strict';
import { newKey } from './person.mjs';
import { HOSPITAL, read } from './stack.mjs';

const PASSWORD = 'demo-clinic-day';
export const FORM = 'application/x-www-form-urlencoded';
/** The room of a journey's clinic. */
export const ROOM = '901 诊室';

/** A member of staff at a browser of the demo hospital, signed in. */
export class Staff {
  static async signIn(login) {
    const response = await fetch(`${HOSPITAL}/staff/signin`, {
      method: 'POST', headers: { accept: 'application/json', 'content-type': FORM }, body: new URLSearchParams({ login, password: PASSWORD }).toString(),
    });
    const [cookie] = response.headers.getSetCookie().map((line) => line.split(';')[0]);
    const answer = await read(response);
    assert.equal(answer.status, 200, answer.text);
    return Object.assign(new Staff(), { cookie, csrf: answer.json.csrf });
  }

  async request(method, where, { fields, accept = 'application/json', headers = {} } = {}) {
    const body = fields && new URLSearchParams({ idempotency_key: newKey(), ...fields }).toString();
    const sent = { accept, cookie: this.cookie, ...(body ? { 'content-type': FORM, 'x-csrf-token': this.csrf } : {}), ...headers };
    return read(await fetch(HOSPITAL + where, { method, body, headers: sent, redirect: 'manual' }));
  }

  get(where, options) {
    return this.request('GET', where, options);
  }

  async post(where, fields, options) {
    const answer = await this.request('POST', where, { fields, ...options });
    assert.ok([200, 303].includes(answer.status), answer.text);
    return answer.json;
  }
}

/** Signs in in a browser and goes to a page, by default the desk of a clinic: that is there once `sign` is. */
export async function openDesk(page, login, path, sign = '#who') {
  await page.goto(`${HOSPITAL}/staff/signin?to=${encodeURIComponent(path)}`);
  await page.getByLabel('登录名').fill(login);
  await page.getByLabel('密码').fill(PASSWORD);
  await page.getByRole('button', { name: '登录' }).click();
  await page.locator(sign).first().waitFor();
}
