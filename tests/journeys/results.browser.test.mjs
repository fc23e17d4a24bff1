// Results as a person reads them on a small phone, without script and in large type; and as staff work on those that did not
// get in. The functions: report, result-notify, card, console.
import assert from 'node:assert/strict';
import test from 'node:test';
import { measure, shot, startBrowser } from './lib/browser.mjs';
import { openDesk } from './lib/desk.mjs';
import { his } from './lib/hospital.mjs';
import { BLOOD, bloodCount, chestScan, culture, withValue } from './lib/lab.mjs';
import { Person } from './lib/person.mjs';
import { enlarge, phoneOf as openPhone, withCard } from './lib/phone.mjs';
import { codeOf, sendResults } from './lib/results.mjs';
import { advance, now, until } from './lib/stack.mjs';

const HL7 = 'application/hl7-v2';
const WIDTHS_PX = [320, 375];
const TAIL_CHARS = 6;
const HOUR_MS = 3600_000;
const HOUR_S = 3600;
/** Imaging waits for the doctor who ordered it, a day at most. */
const IMAGING_S = 25 * HOUR_S;
const WAIT_MAX_MS = 10_000;

let browser;
test.before(async () => { browser = await startBrowser(); });
test.after(() => browser?.close());

const phoneOf = (person, options) => openPhone(browser, person, options);

const lookAt = async (page, name) => {
  await page.screenshot({ path: `target/screenshots/${name}.png`, fullPage: true });
  const { overflow, small } = await measure(page);
  assert.equal(overflow, 0, `${name}: nothing is wider than the page`);
  assert.deepEqual(small, [], `${name}: every target is at least 44 px`);
};

test('a person reads their results on a small phone, without script', async (t) => {
  const { person, card } = await withCard('读报告');
  const number = (suffix) => `B${suffix}-${card}`;
  const send = async (message) => assert.equal(codeOf(await sendResults('hl7v2', HL7, message)), 'AA');
  let at = await now();
  await send(bloodCount({ card, number: number(1), at: at - 60 * 24 * HOUR_MS, items: withValue(BLOOD, '血红蛋白', '121', 'N') }));
  await send(bloodCount({ card, number: number(2), at: at - 30 * 24 * HOUR_MS, items: withValue(BLOOD, '血红蛋白', '109', 'L') }));
  await sendResults('front-end', 'application/xml', chestScan({ card, number: number(3), at: at - HOUR_MS }));
  await advance(IMAGING_S);
  at = await now();
  await send(bloodCount({ card, number: number(4), at: at - 2 * HOUR_MS }));
  await send(bloodCount({ card, number: number(4), at: at - HOUR_MS, status: 'C', items: withValue(BLOOD, '血小板', '342', 'N') }));
  await send(bloodCount({ card, number: number(5), at: at - HOUR_MS / 2, title: '电解质', items: [BLOOD[3]] }));
  const grown = await sendResults('front-end', 'application/json', culture({ card, number: number(6), at: at - HOUR_MS }));
  assert.equal(grown.json.code, 0, grown.text);
  await send(bloodCount({ card, number: number(7), at: at - HOUR_MS / 4, status: 'P', title: '甲状腺功能', items: [['3016-3^促甲状腺激素^LN', '', 'mIU/L', '0.27-4.2', '']] }));
  await person.signIn();
  const { reports } = await until('all have come', async () => {
    await person.post('/reports/proof?to=%2Freports', { patient: person.patient, tail: person.demo.document.slice(-TAIL_CHARS) });
    const { json } = await person.get(`/reports?patient=${person.patient}`);
    return json.reports?.length === 6 && json;
  });
  const of = (title) => reports.filter((report) => report.title === title).map(({ report }) => `/reports/${report}`);
  const corrected = reports.find((report) => report.is_corrected);
  assert.ok(corrected, 'the corrected one says so in the list');
  const pages = {
    list: `/reports?patient=${person.patient}`,
    lab: `/reports/${corrected.report}`,
    versions: `/reports/${corrected.report}/versions`,
    normal: of('电解质')[0],
    imaging: of('胸部CT平扫')[0],
    culture: of('痰培养及药敏')[0],
  };
  for (const width of WIDTHS_PX) {
    for (const large of [false, true]) {
      await t.test(`${width} px${large ? ', large type' : ''}`, async () => {
        const phone = await phoneOf(person, { width, large });
        for (const [name, path] of Object.entries(pages)) {
          assert.ok(path, name);
          await phone.open(path);
          await lookAt(phone.page, `results-${width}${large ? '-large' : ''}-${name}`);
        }
        await phone.open(pages.lab);
        await phone.page.getByRole('link', { name: '查看历次变化' }).first().click();
        if (large) await enlarge(phone.page);
        assert.equal(await phone.page.locator('svg.trend > circle').count(), 3, 'each result is a dot');
        await lookAt(phone.page, `results-${width}${large ? '-large' : ''}-trend`);
        await phone.close();
      });
    }
  }
  await t.test('what the pages say', async () => {
    const phone = await phoneOf(person);
    const says = async (path, ...words) => {
      await phone.open(path);
      const text = await phone.page.locator('main').innerText();
      for (const word of words) assert.ok(text.includes(word), `${path} lacks ${word}: ${text}`);
    };
    await says(pages.list, '等待结果', '甲状腺功能', '已更正');
    await says(pages.lab, '偏低', '参考范围 115-150', '已更正');
    await says(pages.versions, '412', '342');
    await says(pages.normal, '均在参考范围内');
    await says(pages.imaging, '检查所见', '诊断意见', '建议 12 个月后复查');
    await says(pages.culture, '大肠埃希菌', '耐药', '敏感');
    await phone.open(pages.lab);
    const drawn = (shape) => phone.page.locator(`svg.bar > ${shape}`).count();
    assert.deepEqual([await drawn('path.in'), await drawn('path.mark')], [BLOOD.length, BLOOD.length], 'each value is drawn within its range');
    await phone.page.getByRole('link', { name: '打印或保存' }).click();
    assert.ok((await phone.page.locator('main').innerText()).includes('保存方法'));
    await lookAt(phone.page, 'results-375-paper');
    await phone.page.emulateMedia({ media: 'print' });
    await phone.page.setViewportSize({ width: 794, height: 1123 });
    await phone.page.screenshot({ path: 'target/screenshots/results-print.png', fullPage: true });
    await phone.close();
  });
});

test('a card is bound with the code the hospital’s phone gets, by touching', async () => {
  const person = await Person.ready('绑卡');
  const number = `K${Date.now()}`;
  await his('persons', { name: person.demo.name, documents: [{ kind: '03', number: `${person.demo.country}/${person.demo.document}` }], phone: person.demo.phone, cards: [{ card_no: number }] });
  const phone = await phoneOf(person);
  await phone.open(`/patients/${person.patient}/card`);
  await lookAt(phone.page, 'card-1-none');
  await phone.page.getByRole('button', { name: '领取电子就诊卡' }).click();
  const input = phone.page.locator('input[name="code"]');
  await input.waitFor();
  await lookAt(phone.page, 'card-2-code');
  const { text } = await until('a code arrives', async () => (await person.sms()).at(-1));
  await input.fill(text.match(/\d{6}/)[0]);
  await phone.page.locator('form:has(input[name="code"]) button').click();
  await phone.page.getByText(number.match(/.{1,4}/g).join(' ')).first().waitFor();
  await lookAt(phone.page, 'card-3-bound');
  await phone.close();
});

test('staff place what did not get in, and take on a critical value', async (t) => {
  const { card } = await withCard('待归档');
  const at = await now();
  const message = bloodCount({ card: `Y${card}`, number: `B8-${card}`, at: at - 1_000 });
  assert.equal(codeOf(await sendResults('hl7v2', HL7, message)), 'AE');
  const critical = bloodCount({ card, number: `B9-${card}`, at: at - 1_000, items: withValue(BLOOD, '血钾', '7.2', 'HH') });
  assert.equal(codeOf(await sendResults('hl7v2', HL7, critical)), 'AA');
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'zh-CN' });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MAX_MS);
  await t.test('quarantine: seen whole, placed by its card', async () => {
    await openDesk(page, 'quality', '/staff/results', 'text=未入库的报告');
    await shot(page, 'staff-results-1-list');
    const links = await page.locator('main a[href^="/staff/results/"]').evaluateAll((all) => all.map((link) => link.getAttribute('href')));
    assert.ok(links.length > 0);
    let found;
    for (const link of links) {
      await page.goto(new URL(link, page.url()).href);
      if ((await page.locator('pre').innerText()).includes(`Y${card}`)) { found = link; break; }
    }
    assert.ok(found, 'it is kept');
    await shot(page, 'staff-results-2-message');
    await page.locator('#card').fill(card);
    await page.getByRole('button', { name: '归入该患者' }).click();
    await page.waitForURL('**/staff/results');
    await shot(page, 'staff-results-3-placed');
    assert.equal(await page.locator(`a[href="${found}"]`).count(), 0, 'it is done');
    await page.goto(new URL(found, page.url()).href);
    await page.getByText('已处理').first().waitFor();
  });
  await t.test('critical: taken on once', async () => {
    await openDesk(page, 'doctor', '/staff/critical', 'text=危急值');
    await page.getByText('7.2').first().waitFor();
    await shot(page, 'staff-critical-1');
    const open = page.locator('section').filter({ hasText: card }).filter({ has: page.getByRole('button') });
    await open.getByRole('button').first().click();
    await open.waitFor({ state: 'detached' });
    await shot(page, 'staff-critical-2');
  });
  await context.close();
});
