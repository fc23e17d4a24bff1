// Bills as a person pays them: by touching the phone. And their pages at the width of a phone.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import test from 'node:test';
import { Phone, measure, openPhones, shot, startBrowser } from './lib/browser.mjs';
import { writeBills } from './lib/hospital.mjs';
import { Person } from './lib/person.mjs';
import { PHONE, advance, control, tick, until } from './lib/stack.mjs';

const WIDTHS_PX = [320, 375, 430];
const REFUND_APART_S = 60;

let browser;
test.before(async () => { browser = await startBrowser(); });
test.after(() => browser?.close());

/** A name nobody else on the page of the phones has: phones are found by it. */
const ownName = () => `缴费${String.fromCharCode(0x4e00 + crypto.randomInt(0x5000))}`;

/** Somebody with a card and three bills on it. */
async function patient(name) {
  const person = await Person.ready(name);
  person.bills = (await writeBills(await person.makeCard())).map(({ bill_no }) => bill_no);
  return person;
}

const choose = async (person) =>
  (await person.post('/bills/orders', [['patient', person.patient], ...person.bills.map((bill) => ['bill', bill])])).json.order;

async function pay(phone) {
  await phone.tap(/^微信支付/);
  await phone.screen.getByRole('dialog', { name: '确认支付' }).getByRole('button', { name: '支付', exact: true }).click();
  await phone.screen.getByRole('button', { name: '完成', exact: true }).click();
}

test('payment: three items in one go, and one given back', async () => {
  const person = await patient(ownName());
  const { page, problems } = await openPhones(browser);
  const { people } = await control('people');
  const phone = new Phone(page, people.find(({ id }) => id === person.id));
  const bill = (kind) => phone.web.locator('label.choice').filter({ hasText: kind });
  await phone.screen.scrollIntoViewIfNeeded();
  await phone.menu('我的号', '诊间缴费');
  await phone.see('心血管内科');
  await phone.see('139.80元');
  await shot(page, 'bills-01-list');
  await bill('药品').click();
  await phone.see('78.00元');
  await bill('药品').click();
  await phone.tap('去缴费');
  await phone.see('确认并支付');
  await shot(page, 'bills-02-pay');
  await pay(phone);
  await phone.see('接下来去哪里');
  await phone.see('门诊楼 2 层 采血处 3 号窗口（请空腹）');
  await shot(page, 'bills-03-receipt');
  await phone.web.locator('summary').click();
  await phone.web.locator('label.choice').filter({ hasText: '阿托伐他汀钙片' }).click();
  await shot(page, 'bills-04-give-back');
  await phone.web.getByRole('button', { name: '申请退费', exact: true }).click();
  await phone.see('退款处理中');
  await shot(page, 'bills-05-asked');
  const order = (await person.get(`/bills?patient=${person.patient}`)).json.orders[0].order;
  await until('the money is back', async () => {
    await advance(REFUND_APART_S + 1);
    await tick();
    return (await person.get(`/orders/${order}`)).json.refunds[0].state === 'succeeded';
  });
  await phone.closePage();
  await phone.menu('我的号', '诊间缴费');
  await phone.tap(/等3项/);
  await phone.see('已到账');
  await shot(page, 'bills-06-arrived');
  assert.deepEqual(problems, []);
  await page.close();
});

test('the pages of bills fit a phone', async (t) => {
  const [listing, paying, cardless] = [await patient('版面缴费'), await patient('版面支付'), await Person.ready('版面无卡')];
  const order = await choose(paying);
  const done = await patient('版面收据');
  const receipt = await choose(done);
  const sheet = (await done.post(`/orders/${receipt}/prepay`)).json.request;
  await done.do('pay', { ...sheet, decision: 'pay' });
  await done.post(`/orders/${receipt}/payment-check`);
  const pages = [['bills', listing, '/bills'], ['pay-bills', paying, `/orders/${order}`], ['receipt', done, `/orders/${receipt}`], ['no-card', cardless, '/bills'], ['home', done, '/']];
  for (const width of WIDTHS_PX) {
    const context = await browser.newContext({ viewport: { width, height: 740 }, deviceScaleFactor: width === 375 ? 2 : 1, isMobile: true, hasTouch: true, locale: 'zh-CN' });
    const page = await context.newPage();
    for (const [name, who, path] of pages) {
      await t.test(`${name} at ${width} px`, async () => {
        await page.goto(`http://${who.id}.phone.localhost:${new URL(PHONE).port}${path}`);
        await page.evaluate(() => document.querySelectorAll('details').forEach((node) => { node.open = true; }));
        await page.screenshot({ path: `target/screenshots/page-${width}-${name}.png`, fullPage: true });
        const { overflow, small } = await measure(page);
        assert.equal(overflow, 0, 'nothing is wider than the page');
        assert.deepEqual(small, [], 'every target is at least 44 px');
      });
    }
    await context.close();
  }
});
