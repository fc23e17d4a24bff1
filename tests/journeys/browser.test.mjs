// The whole way again, as a person goes it: by touching the phone. And every page at the width of a phone.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Phone, measure, openPhones, shot, startBrowser } from './lib/browser.mjs';
import { Person } from './lib/person.mjs';
import { PHONE, civilDate, control, now, openClinic, stayInDay } from './lib/stack.mjs';

const EMERGENCY = '急诊医学科';
const MINUTE_MS = 60_000;
const HALF_HOUR_MIN = 30;
const PERIODS = [[8, '夜间'], [12, '上午'], [18, '下午'], [24, '晚上']];
const WIDTHS_PX = [320, 375, 430];

let browser;
test.before(async () => { browser = await startBrowser(); });
test.after(() => browser?.close());

/** A slot of today's emergency clinics with time left before it: its value, and the name of its period. */
async function slotAhead(minutes) {
  const at = await now();
  const midnight_ms = Date.parse(`${civilDate(at)}T00:00:00+08:00`);
  const minute = Math.ceil(((at - midnight_ms) / MINUTE_MS + minutes) / HALF_HOUR_MIN) * HALF_HOUR_MIN;
  const slot = `${String(Math.floor(minute / 60)).padStart(2, '0')}${String(minute % 60).padStart(2, '0')}`;
  return { slot, starts_ms: midnight_ms + minute * MINUTE_MS, period: PERIODS.find(([until_h]) => minute < until_h * 60)[1] };
}

async function register(phone) {
  await phone.see('登记就诊人');
  await phone.fill();
  await phone.web.locator('input[name="consent"]').check();
  await phone.tap('提交登记');
}

async function choose(phone, { slot, period }) {
  await phone.tap(new RegExp(EMERGENCY));
  await phone.tap(new RegExp(`^${period}`));
  await phone.web.locator(`label.tile:has(input[value="${slot}"])`).click();
}

async function pay(phone) {
  await phone.tap(/^微信支付/);
  await phone.screen.getByRole('dialog', { name: '确认支付' }).getByRole('button', { name: '支付', exact: true }).click();
  await phone.screen.getByRole('button', { name: '完成', exact: true }).click();
  await phone.see('挂号成功');
}

test('two people at their phones', async (t) => {
  await stayInDay(240);
  const { page, problems } = await openPhones(browser);
  const { people } = await control('people');
  const [lin, chen] = ['lin', 'chen'].map((id) => new Phone(page, people.find((person) => person.id === id)));
  let ahead;
  // Each step begins where the one before ended, so the first that fails is the last.
  const step = async (name, go) => {
    let failure;
    await t.test(name, () => go().catch((error) => { failure = error; throw error; }));
    if (failure) throw new Error(`stopped at: ${name}`);
  };

  await step('follow: the account greets', async () => {
    await shot(page, '01-before');
    await lin.follow();
    await lin.chat.getByText('欢迎关注').first().waitFor();
    await shot(page, '02-welcome');
  });
  await step('register: signed in without being asked, the form filled, consent given', async () => {
    await lin.menu('我的号', '就诊人与就诊卡');
    await lin.tap(/添加就诊人/);
    await lin.see('登记就诊人');
    await shot(page, '03-register');
    await register(lin);
    await lin.see('林*梅');
    await shot(page, '04-patients');
  });
  await step('a visit card', async () => {
    await lin.tap(/就诊卡|林\*梅/);
    await lin.tap('领取电子就诊卡');
    await lin.web.locator('svg').first().waitFor();
    await shot(page, '05-card');
    await lin.closePage();
  });
  await step('book: department, clinic, slot', async () => {
    ahead = await slotAhead(75);
    await lin.menu('挂号');
    await lin.see(EMERGENCY);
    await shot(page, '06-departments');
    await choose(lin, ahead);
    await shot(page, '07-slots');
    await lin.tap('确认挂号');
    await lin.see('微信支付');
    await shot(page, '08-pay');
  });
  await step('pay on the sheet', async () => {
    await lin.tap(/^微信支付/);
    const sheet = lin.screen.getByRole('dialog', { name: '确认支付' });
    await sheet.waitFor();
    await shot(page, '09-sheet');
    await sheet.locator('.cancel').click();
    await pay(lin);
    await shot(page, '10-booked');
    await lin.closePage();
  });
  await step('the chat says so, and its card opens the appointment', async () => {
    await lin.card('预约挂号成功通知').first().waitFor();
    await shot(page, '11-told');
    await lin.card('预约挂号成功通知').first().click();
    await lin.see('可取消至');
    await lin.closePage();
  });
  await step('a second person books and cancels', async () => {
    await chen.follow();
    await chen.menu('挂号');
    await chen.closePage();
    await chen.menu('我的号', '就诊人与就诊卡');
    await chen.tap('添加就诊人');
    await register(chen);
    await chen.see('我的就诊人');
    await chen.closePage();
    await chen.menu('挂号');
    await choose(chen, ahead);
    await chen.tap('确认挂号');
    await pay(chen);
    await chen.tap('取消挂号');
    await chen.see('已取消');
    await shot(page, '12-cancelled');
    await chen.closePage();
    await chen.card('预约取消通知').first().waitFor();
  });
  await step('the clock is moved: thirty minutes before, the reminder', async () => {
    while ((await now()) < ahead.starts_ms - 30 * MINUTE_MS) {
      const moved = page.waitForResponse((response) => response.url().endsWith('/control/clock'));
      await page.getByRole('button', { name: '+30 分钟' }).click();
      await moved;
    }
    await lin.card('就诊提醒').first().waitFor();
    await shot(page, '13-reminded');
    assert.equal(await lin.card('就诊提醒').count(), 1);
  });
  await step('writing to the account', async () => {
    await lin.screen.getByRole('button', { name: '键盘' }).click();
    await lin.screen.getByLabel('写消息').fill('怎么退号');
    await lin.screen.getByRole('button', { name: '发送' }).click();
    await lin.chat.getByText('原路退回').first().waitFor();
    await shot(page, '14-answer');
  });
  assert.deepEqual(problems, []);
  await page.close();
});

test('every page of a patient fits a phone', async (t) => {
  const where = await openClinic({ name: '版面门诊', in_min: 150, numbers: 3 });
  const person = await Person.ready('版面');
  const held = await person.hold(where);
  const other = await Person.ready('版面二');
  const booked = await other.book(where);
  const pages = {
    home: '/', departments: '/departments', department: '/departments/XNK', doctor: '/doctors/D0101', guide: '/guide', consent: '/consent',
    booking: '/booking', day: '/booking/XNK', clinic: `/clinics/${where.clinic}`, patients: '/patients', 'patients-new': '/patients/new',
    card: `/patients/${person.patient}/card`, pay: `/appointments/${held}/pay`, held: `/appointments/${held}`, appointments: '/appointments',
    'not-found': '/nothing-here',
  };
  for (const width of WIDTHS_PX) {
    await t.test(`${width} px`, async (wide) => {
      const origin = (who) => `http://${who.id}.phone.localhost:${new URL(PHONE).port}`;
      const context = await browser.newContext({ viewport: { width, height: 740 }, deviceScaleFactor: width === 375 ? 2 : 1, isMobile: true, hasTouch: true, locale: 'zh-CN' });
      const page = await context.newPage();
      const look = async (name, address) => wide.test(name, async () => {
        await page.goto(address);
        await shot(page, `page-${width}-${name}`);
        const { overflow, small } = await measure(page);
        assert.equal(overflow, 0, 'nothing is wider than the page');
        assert.deepEqual(small, [], 'every target is at least 44 px');
      });
      for (const [name, path] of Object.entries(pages)) await look(name, origin(person) + path);
      await look('booked', `${origin(other)}/appointments/${booked}`);
      await context.close();
    });
  }
});
