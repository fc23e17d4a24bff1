// A morning in a real browser: nurse and doctor at one desk, the wall, and three people who look at their phones. The
// functions: desk, visit, booking.
import assert from 'node:assert/strict';
import test from 'node:test';
import { shot, startBrowser } from './lib/browser.mjs';
import { ROOM, openDesk } from './lib/desk.mjs';
import { Person } from './lib/person.mjs';
import { HOSPITAL, PHONE, appointmentId, openClinic, read, settings } from './lib/stack.mjs';

const NAMES = ['晨甲', '晨乙', '晨丙'];
const PHONE_SIZE = { width: 375, height: 740 };
const DESK_SIZE = { width: 1280, height: 800 };
// What changes at the desk is on every other screen within two seconds; a browser under test gets some more for itself.
const FRESH_WITHIN_MS = 8000;
const LOOK_EVERY_MS = 500;

let browser;
test.before(async () => { browser = await startBrowser(); });
test.after(() => browser?.close());

const problems = [];

async function open(options) {
  const context = await browser.newContext({ locale: 'zh-CN', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(FRESH_WITHIN_MS);
  page.on('pageerror', (error) => problems.push(error.message));
  return page;
}

/** A phone with the page of a visit open. */
class Waiting {
  static async open(person, key, number) {
    const page = await open({ viewport: PHONE_SIZE, isMobile: true, hasTouch: true });
    await page.goto(`http://${person.id}.phone.localhost:${new URL(PHONE).port}/visits/${key}`);
    return Object.assign(new Waiting(), { page, person, key, number, id: appointmentId(key) });
  }

  /** Checks in with the code that the wall shows. */
  async checkIn(code) {
    await this.page.getByRole('link', { name: '我已到院，去签到' }).click();
    await this.page.getByText(`${this.number}号`).click();
    await this.page.getByLabel('签到码').fill(code);
    await this.page.getByRole('button', { name: '签到' }).click();
    await this.page.waitForURL(`**/visits/${this.key}`);
  }

  /** Takes the phone up again and again until a part of the page says this. */
  reads(part, words) {
    const look = ({ part: name, words: wanted }) => {
      document.dispatchEvent(new Event('visibilitychange'));
      return document.querySelector(`[data-part="${name}"]`)?.textContent.includes(wanted);
    };
    return this.page.waitForFunction(look, { part, words }, { polling: LOOK_EVERY_MS });
  }

  isAhead(people) {
    return this.reads('ahead', `${people} 人`);
  }
}

/** One of the buttons that a key presses too. */
const press = async (page, key) => {
  await page.keyboard.press('Escape');
  await page.keyboard.press(key);
};

test('nurse and doctor at the desk, three people with their phones', async (t) => {
  const where = await openClinic({ name: '晨间门诊', in_min: 45, numbers: 3, fee: '0.00', stay_min: 240 });
  const path = `/desk/clinics/${where.clinic}`;
  const people = await Promise.all(NAMES.map((name) => Person.ready(name)));
  const visits = [];
  for (const person of people) {
    const held = await person.tryHold(where);
    assert.equal(held.status, 200, held.text);
    visits.push({ person, key: held.json.appointment, number: held.json.number });
  }
  // Who comes in the same second goes by number: so they come in that order, too.
  visits.sort((a, b) => a.number - b.number);
  const phones = await Promise.all(visits.map(({ person, key, number }) => Waiting.open(person, key, number)));
  const [first, second, third] = phones;
  const [nurse, doctor, wall] = await Promise.all([DESK_SIZE, DESK_SIZE, { width: 1280, height: 720 }].map((viewport) => open({ viewport })));
  const said = () => wall.evaluate(() => window.said);
  const row = (page, phone) => page.locator(`#a-${phone.id}`);
  const shots = async (name) => {
    await Promise.all([shot(nurse, `day-${name}-nurse`), shot(doctor, `day-${name}-doctor`), shot(wall, `day-${name}-wall`)]);
    await Promise.all(phones.map((phone, at) => shot(phone.page, `day-${name}-phone-${at + 1}`)));
  };
  // Each step begins where the one before ended, so the first that fails is the last.
  const step = async (name, go) => {
    let failure;
    await t.test(name, () => go().catch((error) => { failure = error; throw error; }));
    if (failure) throw new Error(`stopped at: ${name}`);
  };

  await step('each signs in at the same desk, and the wall listens', async () => {
    await openDesk(nurse, 'nurse', path);
    await openDesk(doctor, 'doctor', path);
    const link = await read(await fetch(`${HOSPITAL}/desk/screens/${where.clinic}/link`, {
      headers: { accept: 'application/json', authorization: `Bearer ${settings.STAFF_TOKEN}` },
    }));
    await wall.addInitScript(() => {
      window.said = [];
      speechSynthesis.speak = (words) => window.said.push(words.text);
    });
    await wall.goto(link.json.url);
    await wall.getByRole('button', { name: '开启语音' }).click();
  });
  await step('checked in by the nurse, and by the code on the wall: each phone says how many are before', async () => {
    for (const phone of [first, second]) {
      await nurse.locator('#who').fill(String(phone.number));
      await nurse.keyboard.press('Enter');
      await row(nurse, phone).waitFor();
    }
    await third.checkIn(await wall.locator('#checkin b').textContent());
    await row(nurse, third).waitFor();
    for (const [ahead, phone] of phones.entries()) await phone.isAhead(ahead);
    await doctor.getByText('诊室空闲，3 人候诊').waitFor();
    await shots('1-here');
  });
  await step('called: the phone says where to go, the wall shows and says it, the others move up', async () => {
    await press(doctor, 'n');
    await first.reads('text', `请到 ${ROOM} 就诊`);
    await second.isAhead(0);
    await third.isAhead(1);
    await wall.locator('.call.fresh').getByText(`${first.number} 号`).waitFor();
    await nurse.getByText('已叫 1 次').waitFor();
    await shots('2-called');
  });
  await step('missed: the turn goes to the next, and the phone says what to do', async () => {
    await press(doctor, 'm');
    await first.reads('text', '您已过号');
    await first.isAhead(2);
    await press(doctor, 'n');
    await second.reads('text', `请到 ${ROOM} 就诊`);
    await wall.locator('.call.fresh').getByText(`${second.number} 号`).waitFor();
    await press(doctor, 'e');
    await second.reads('text', '就诊中');
    await first.isAhead(1);
    await shots('3-missed');
  });
  await step('who goes away leaves the line, and comes back to it', async () => {
    await row(nurse, third).getByRole('button', { name: '离开' }).click();
    await third.reads('text', '您已退出候诊');
    await first.isAhead(0);
    await row(nurse, third).getByRole('button', { name: '返回队列' }).click();
    await third.isAhead(1);
  });
  await step('finished: the next is called at once', async () => {
    await press(doctor, 'n');
    await second.reads('text', '就诊已结束');
    await first.reads('text', `请到 ${ROOM} 就诊`);
    await third.isAhead(0);
    await nurse.getByText('已就诊 1 人').first().waitFor();
    await shots('4-next');
  });
  await step('until nobody waits', async () => {
    await press(doctor, 'n');
    await first.reads('text', '就诊已结束');
    await third.reads('text', `请到 ${ROOM} 就诊`);
    await press(doctor, 'f');
    await third.reads('text', '就诊已结束');
    await nurse.getByText('诊室空闲，0 人候诊').waitFor();
    for (const { person, key } of phones) assert.equal((await person.appointment(key)).state, 'fulfilled');
    await shots('5-over');
  });
  await step('the wall has said each call once', async () => {
    const numbers = (await said()).flatMap((text) => /请 (\d+) 号/.exec(text)?.[1] ?? []).map(Number);
    assert.deepEqual(numbers, [first, second, first, third].map(({ number }) => number));
  });
  assert.deepEqual(problems, []);
});
