// Results come in: signed, filed once, told once, critical values to the clinician first, what cannot be placed kept.
// The functions: result-notify, and console, sweeper, reminder and notifier behind it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { staffPost } from './lib/money.mjs';
import { withCard } from './lib/phone.mjs';
import { codeOf, oru, sendResults, signatureOf } from './lib/results.mjs';
import { advance, now, staff, tick, until } from './lib/stack.mjs';

const HL7 = 'application/hl7-v2';
const HALF_HOUR_S = 30 * 60;

const criticalOf = async (report) => (await staff('GET', 'critical')).json.critical.find((one) => !report || one.report === report);
const keptFor = async (why) => (await staff('GET', 'results')).json.messages.filter((one) => one.why === why);

test('a result is told once, a correction once more, a recall too', async () => {
  const { person, card } = await withCard('林晓梅');
  const at = await now();
  const send = async (wish) => codeOf(await sendResults('hl7v2', HL7, oru({ card, number: `J1-${card}`, ...wish })));
  assert.equal(await send({ at: at - 5_000, status: 'P' }), 'AA');
  assert.equal(await send({ at: at - 4_000 }), 'AA');
  assert.equal(await send({ at: at - 4_000 }), 'AA', 'the same again');
  const ready = await person.noticeByDay('report_ready');
  assert.doesNotMatch(JSON.stringify(ready), /血钾|4\.1/, 'no value, no name of a test');
  assert.equal(await send({ at: at - 3_000, status: 'C', value: '4.4' }), 'AA');
  await person.noticeByDay('report_corrected');
  assert.equal(await send({ at: at - 4_000 }), 'AA', 'late, and older');
  assert.equal((await person.notices('report_ready')).length, 1);
});

test('a critical value goes to the clinician first', async (t) => {
  const { person, card } = await withCard('周志强');
  const message = oru({ card, number: `J2-${card}`, at: (await now()) - 1_000, value: '7.9', flag: 'HH' });
  assert.equal(codeOf(await sendResults('hl7v2', HL7, message)), 'AA');
  const waiting = await until('it waits for a clinician', async () => criticalOf());
  assert.equal(waiting.values[0].value, '7.9');
  assert.equal((await person.notices('report_ready')).length + (await person.notices('report_critical')).length, 0);
  await t.test('nobody takes it on in time: the call list and the patient', async () => {
    await advance(HALF_HOUR_S + 60);
    await tick();
    await until('the patient is asked to come or call', async () => (await person.notices('report_critical')).length === 1);
    assert.equal((await criticalOf(waiting.report)).is_escalated, true);
    const calls = (await staff('GET', 'calls')).json.calls;
    assert.ok(calls.some(({ kind, why }) => kind === 'report_critical' && why === 'critical_unanswered'));
  });
  await t.test('a clinician takes it on, once', async () => {
    const taken = await staffPost(`critical/${waiting.report}`, { deed: 'patient_reached' });
    assert.equal(taken.status, 200, taken.text);
    assert.equal(taken.json.acknowledged.deed, 'patient_reached');
    const again = await staffPost(`critical/${waiting.report}`, { deed: 'treated' });
    assert.deepEqual([again.status, again.json.error.code], [409, 'already_acknowledged']);
    assert.equal(await criticalOf(waiting.report), undefined);
    assert.equal((await person.notices('report_critical')).length, 1);
  });
});

test('what cannot be placed is kept whole and comes in once the cause is mended', async () => {
  const { person, card } = await withCard('何静');
  const before = (await keptFor('unknown_patient')).length;
  const message = oru({ card: `X${card}`, number: `J3-${card}`, at: (await now()) - 1_000 });
  assert.equal(codeOf(await sendResults('hl7v2', HL7, message)), 'AE');
  const kept = await keptFor('unknown_patient');
  assert.equal(kept.length, before + 1);
  const shown = await staff('GET', `results/${kept.at(-1).message}`);
  assert.match(shown.json.body, new RegExp(`X${card}`));
  const still = await staffPost(`results/${kept.at(-1).message}`, { action: 'replay' });
  assert.deepEqual([still.json.is_open, still.json.why], [true, 'unknown_patient']);
  const placed = await staffPost(`results/${kept.at(-1).message}`, { action: 'replay', card });
  assert.deepEqual([placed.json.is_open, placed.json.filed], [false, 1]);
  await person.noticeByDay('report_ready');
});

test('what is not signed by the hospital, or twice, is refused', async () => {
  const body = '{"reportId":"J4","cardNo":"X"}';
  const headers = await signatureOf('front-end', body);
  assert.equal((await sendResults('front-end', 'application/json', body, { headers })).json.code, -1);
  const again = await sendResults('front-end', 'application/json', body, { headers });
  assert.deepEqual([again.status, again.json.error], [401, 'NONCE_USED']);
  const forged = await sendResults('front-end', 'application/json', body, { headers: { ...(await signatureOf('front-end', body)), 'x-his-signature': '0'.repeat(64) } });
  assert.deepEqual([forged.status, forged.json.error], [401, 'SIGN_ERROR']);
});

test('FHIR and front-end machines are answered in their own ways', async () => {
  const { card } = await withCard('郑雅文');
  const report = { resourceType: 'DiagnosticReport', status: 'final', identifier: [{ system: 'http://lab.example.com', value: `J5-${card}` }], code: { text: '血常规' }, issued: new Date(await now()).toISOString(), subject: { identifier: { value: card } }, conclusion: '未见异常' };
  const filed = await sendResults('fhir', 'application/fhir+json', JSON.stringify(report));
  assert.deepEqual([filed.status, filed.json.resourceType], [201, 'OperationOutcome']);
  assert.match(filed.headers.get('location'), /\/results\/fhir\/DiagnosticReport\//);
  const unread = await sendResults('fhir', 'application/fhir+json', '{"resourceType"');
  assert.equal(unread.status, 400);
  const xml = `<request><params><reportId>J6-${card}</reportId><cardNo>${card}</cardNo><reportStatus>已审核</reportStatus></params></request>`;
  const answer = await sendResults('front-end', 'application/xml', xml);
  assert.match(answer.text, /<code>0<\/code>/);
});
