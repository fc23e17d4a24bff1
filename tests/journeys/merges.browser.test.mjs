// Two records of one person: staff make them one, the phones show the visits and reports of both, and two again after staff
// part them. The functions: console, booking, report, signup, result-notify.
import assert from 'node:assert/strict';
import test from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { bloodCount } from './lib/lab.mjs';
import { staffPost } from './lib/money.mjs';
import { phoneOf, withCard } from './lib/phone.mjs';
import { codeOf, sendResults } from './lib/results.mjs';
import { now, openClinic, until } from './lib/stack.mjs';

const HL7 = 'application/hl7-v2';
const AHEAD_MIN = 150;

let browser;
test.before(async () => { browser = await startBrowser(); });
test.after(() => browser?.close());

/** Somebody with a visit to come and a report that is there, and what their phone shows of either. */
async function record(name, department, title) {
  const { person, card } = await withCard(name);
  const held = await person.tryHold(await openClinic({ name: department, in_min: AHEAD_MIN, numbers: 2, fee: '0.00' }));
  assert.equal(held.json.state, 'booked', held.text);
  const report = bloodCount({ card, number: `MG-${card}`, at: (await now()) - 1_000, title });
  assert.equal(codeOf(await sendResults('hl7v2', HL7, report)), 'AA');
  return { person, department, title, phone: await phoneOf(browser, person) };
}

/** Whether a page of a phone says the one thing and not the other. */
async function shows(phone, path, wanted, unwanted = []) {
  const text = await until(`${path} shows ${wanted.join(', ')}`, async () => {
    const seen = await phone.read(path);
    return wanted.every((word) => seen.includes(word)) && seen;
  });
  for (const word of unwanted) assert.ok(!text.includes(word), `${path} shows ${word}: ${text}`);
}

const visits = ({ department }) => department;
const titles = ({ title }) => title;

test('staff make two records one, and two again: visits and reports on the phone', async (t) => {
  const stays = await record('甲合并', '合一科', '血常规甲');
  const gone = await record('乙合并', '分二科', '血常规乙');
  t.after(() => Promise.all([stays.phone.close(), gone.phone.close()]));
  const both = [stays, gone];
  const reportsOf = ({ person }) => `/reports?patient=${person.patient}`;
  const apart = async () => {
    for (const [own, other] of [both, [gone, stays]]) {
      await shows(own.phone, '/appointments', [visits(own)], [visits(other)]);
      await shows(own.phone, reportsOf(own), [titles(own)], [titles(other)]);
    }
  };
  await t.test('each phone shows what is its own', apart);
  await t.test('one person: both phones show both visits, and the reports of both records', async () => {
    const merged = await staffPost(`patients/${gone.person.patient}/merge`, { into: stays.person.patient });
    assert.deepEqual([merged.status, merged.json.changed], [200, true], merged.text);
    for (const { phone } of both) await shows(phone, '/appointments', both.map(visits));
    await shows(stays.phone, reportsOf(stays), both.map(titles));
    await stays.phone.page.getByText(gone.title).first().click();
    assert.match(await stays.phone.page.locator('main').innerText(), /血红蛋白[^]*98/, 'and opens them');
  });
  await t.test('the record that is gone is opened by nobody, not even by its old address', async () => {
    await gone.phone.open(reportsOf(gone));
    assert.ok(!(await gone.phone.page.locator('main').innerText()).includes(gone.title));
  });
  await t.test('two people again: each phone shows what is its own', async () => {
    const parted = await staffPost(`patients/${gone.person.patient}/unmerge`, {});
    assert.deepEqual([parted.status, parted.json.changed], [200, true], parted.text);
    await apart();
  });
});
