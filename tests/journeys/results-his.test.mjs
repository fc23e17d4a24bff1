// What a hospital may have besides: a list of its reports, from which those missed are fetched (`reports_every_min`); a call
// of its own for critical values (`alerts_his`); codes that staff map before a report is read (`by_code_tables`). The
// functions: his-sync, result-notify, console, sweeper.
import assert from 'node:assert/strict';
import test from 'node:test';
import { his, hisDown, hisFault, noHisFaults } from './lib/hospital.mjs';
import { inTurns, staffPost } from './lib/money.mjs';
import { withCard } from './lib/phone.mjs';
import { PROFILE, putProfile } from './lib/profile.mjs';
import { codeOf, oru, sendResults } from './lib/results.mjs';
import { PULL, pull } from './lib/timetable.mjs';
import { advance, now, staff, tick, until } from './lib/stack.mjs';

const HL7 = 'application/hl7-v2';
const TAIL_CHARS = 6;
const REPORTS_EVERY_MIN = 5;
const HALF_HOUR_S = 30 * 60;

test.after(() => putProfile());

/** A report as the hospital's own list has it. */
const listed = (card, reportId, result) => ({
  reportId, cardNo: card, reportType: '检验', reportStatus: '已审核', hospitalName: 'LIS', reportName: '电解质',
  items: [{ itemCode: 'K', itemName: '血钾', result, unit: 'mmol/L', refRange: '3.5-5.5', abnormalFlag: 'N' }],
});

/** What a person reads: all their reports, whole. */
async function reportsOf(person) {
  await person.signIn();
  const proven = await person.post('/reports/proof?to=%2Freports', { patient: person.patient, tail: person.demo.document.slice(-TAIL_CHARS) });
  assert.equal(proven.status, 303, proven.text);
  const { json } = await person.get(`/reports?patient=${person.patient}`);
  return Promise.all(json.reports.map(async ({ report }) => (await person.get(`/reports/${report}`)).json));
}
const itemsOf = (report) => report.sections.flatMap(({ items }) => items);
const keptFor = async (why, card) => {
  const { messages } = (await staff('GET', 'results')).json;
  const bodies = await Promise.all(messages.filter((one) => one.why === why).map(async ({ message }) => (await staff('GET', `results/${message}`)).json));
  return bodies.filter(({ body }) => body.includes(card));
};

test('reports that were missed are fetched from the hospital’s list, each once', async (t) => {
  await putProfile({ numbers: { ...PROFILE.numbers, pull: { ...PULL, reports_every_min: REPORTS_EVERY_MIN } } });
  const { person, card } = await withCard('漏收报告');
  const put = (number, value) => his('reports', { report: listed(card, `${number}-${card}`, value) });
  await t.test('what came while nobody here could take it', async () => {
    await hisDown();
    await put('Q1', '4.1');
    await put('Q2', '4.2');
    await advance(REPORTS_EVERY_MIN * 60);
    await hisDown(false);
    await inTurns('both are read', async () => (await reportsOf(person)).length === 2);
    const values = (await reportsOf(person)).flatMap(itemsOf).flatMap((item) => item.values);
    assert.deepEqual(values.sort(), ['4.1', '4.2']);
    await person.noticeByDay('report_ready');
  });
  await t.test('by itself, and only what came since', async () => {
    await put('Q3', '4.3');
    await advance(REPORTS_EVERY_MIN * 60 + 1);
    await tick();
    await inTurns('the third is read', async () => (await reportsOf(person)).length === 3);
    const told = await until('all three are told', async () => (await person.notices('report_ready')).length === 3);
    assert.ok(told);
    assert.equal((await pull()).report.reports, 0, 'the list has nothing more');
    assert.equal((await person.notices('report_ready')).length, 3);
  });
});

test('a critical value is called through to the hospital’s own system, and again when nobody came', async (t) => {
  await putProfile({ reports: { ...PROFILE.reports, alerts_his: true } });
  t.after(noHisFaults);
  const { card } = await withCard('危急外呼');
  const number = `A1-${card}`;
  const alerts = async () => (await his('alerts')).alerts.filter((alert) => alert.report_no === number);
  await hisFault('critical-alert', 'fail_after', { count: 1 });
  const message = oru({ card, number, at: (await now()) - 1_000, value: '7.9', flag: 'HH' });
  assert.equal(codeOf(await sendResults('hl7v2', HL7, message)), 'AA');
  await t.test('called once, though the first answer was lost', async () => {
    await inTurns('the HIS knows', async () => (await alerts()).length === 1);
    await advance(5 * 60);
    await tick();
    const [first, ...others] = await alerts();
    assert.deepEqual([first.overdue, first.card_no, others], [false, card, []]);
  });
  await t.test('half an hour later once more, as overdue', async () => {
    await advance(HALF_HOUR_S);
    await inTurns('the HIS is told again', async () => (await alerts()).length === 2);
    assert.equal((await alerts())[1].overdue, true);
  });
  await t.test('what somebody has taken on is called through no more', async () => {
    const { critical } = (await staff('GET', 'critical')).json;
    for (const { report } of critical) assert.equal((await staffPost(`critical/${report}`, { deed: 'treated' })).status, 200);
    await advance(HALF_HOUR_S);
    await tick();
    assert.equal((await alerts()).length, 2);
  });
});

test('codes go by the tables: an unknown one is noted and waits for staff, then the report is read', async (t) => {
  await putProfile({ reports: { ...PROFILE.reports, by_code_tables: true }, his: { ...PROFILE.his, mapped_only: ['item'] } });
  const { person, card } = await withCard('对照报告');
  const theirs = `L${Date.now()}`;
  await t.test('kept whole, and the code is on the list', async () => {
    const message = oru({ card, number: `C1-${card}`, at: (await now()) - 1_000, code: `${theirs}^血钾^L` });
    assert.equal(codeOf(await sendResults('hl7v2', HL7, message)), 'AE');
    assert.equal((await keptFor('unknown_code', card)).length, 1);
    const { unknown } = (await staff('GET', 'his/codes')).json;
    assert.ok(unknown.some((code) => code.kind === 'item' && code.theirs === theirs), theirs);
    assert.deepEqual(await reportsOf(person), []);
  });
  await t.test('mapped by staff and sent through again', async () => {
    const mapped = await staffPost('his/codes', { kind: 'item', theirs, ours: 'K', name: '血钾' });
    assert.equal(mapped.status, 200, mapped.text);
    const [{ message }] = await keptFor('unknown_code', card);
    const placed = await staffPost(`results/${message}`, { action: 'replay' });
    assert.deepEqual([placed.json.is_open, placed.json.filed], [false, 1], placed.text);
    await person.noticeByDay('report_ready');
    const [report] = await reportsOf(person);
    assert.deepEqual(itemsOf(report).map(({ name, values }) => [name, values]), [['血钾', ['4.1']]]);
  });
  await t.test('the next one is read at once', async () => {
    const message = oru({ card, number: `C2-${card}`, at: (await now()) - 1_000, value: '4.6', code: `${theirs}^血钾^L` });
    assert.equal(codeOf(await sendResults('hl7v2', HL7, message)), 'AA');
    assert.equal((await reportsOf(person)).length, 2);
  });
});
