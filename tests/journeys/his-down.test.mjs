// The hospital's own system is down, slow, or answers wrongly, and gives the numbers: what patients see, what becomes of
// their money, and what is made up for once it answers again. The functions: booking, payment, his-sync, sweeper, reconcile.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { his, hisDown, hisFault, hisKeeps, noHisFaults } from './lib/hospital.mjs';
import { inTurns, orderNumber, staffPost, wechatKeeps } from './lib/money.mjs';
import { Person, free, newKey } from './lib/person.mjs';
import { putProfile } from './lib/profile.mjs';
import { FEE_FEN, PULL, callsAbout, newDepartment, pull, standing, tell } from './lib/timetable.mjs';
import { HOSPITAL, advance, appointmentId, read, refundsOf, settings, staff, tick, until } from './lib/stack.mjs';

const MINUTE_S = 60;
/** A paid visit waits a quarter of an hour for its confirmation; what is pulled is old after as long. */
const QUARTER_S = 16 * MINUTE_S;
/** Who does not answer is left alone for half a minute. */
const LEFT_ALONE_S = 31;
/** An instance keeps the hospital's codes for five minutes. */
const CODES_AGE_S = 301;
const ALWAYS = 99;

const code = (answer) => answer.json.error?.code;
const owned = (owner, more = {}) => putProfile({ numbers: { owner, pull: PULL }, ...more });

/** A clinic the hospital's system has told of, three days ahead. */
async function toldClinic(name, numbers = 2) {
  const [where] = await tell(newDepartment(name), [3], numbers);
  await pull();
  return where;
}

const reaches = (person, key, state) => until(`${key} is ${state}`, async () => {
  await tick();
  const appointment = await person.appointment(key);
  return appointment.state === state && appointment;
});

/** The hospital's system answers again, and those who left it alone notice. */
async function hisIsBack() {
  await noHisFaults();
  await advance(LEFT_ALONE_S);
  await tick();
}

test.before(() => owned('his'));
test.after(async () => {
  await noHisFaults();
  await putProfile();
});

test('down: people look at what is known and see its age, nobody takes a number, nothing is lost', async (t) => {
  t.after(hisIsBack);
  const where = await toldClinic('停机科');
  const [before, late] = await Promise.all([Person.ready('停机前'), Person.ready('停机时')]);
  const page = async (person) => (await person.get(`/clinics/${where.clinic}`)).json;
  const held = await before.hold(where);
  assert.equal((await page(late)).freshness.is_old, false);
  await hisDown();

  await t.test('who had a number pays, and waits', async () => {
    await before.pay(held);
    const { state, text } = await reaches(before, held, 'confirming');
    assert.deepEqual([state, text], ['confirming', '已支付，医院正在确认，请稍候']);
    assert.match((await before.open(`/appointments/${held}`)).text, /医院正在确认/);
  });
  await t.test('nobody takes another one, and no line forms', async () => {
    const refused = await late.tryHold(where);
    assert.deepEqual([refused.status, code(refused)], [503, 'his_down'], refused.text);
    assert.match(refused.json.error.text, /没有扣费.*窗口/);
    assert.deepEqual((await late.get('/appointments')).json.appointments.filter(({ state }) => state === 'held'), []);
    assert.equal(await free(late, where), 1, 'its number is not kept from others');
  });
  await t.test('it answers again in time: confirmed, told once, and numbers go on', async () => {
    await hisIsBack();
    await reaches(before, held, 'booked');
    assert.equal(await standing(held), 'confirmed');
    await inTurns('the payment is posted', async () => (await hisKeeps(orderNumber(held))) === FEE_FEN);
    assert.equal((await before.notices('booked')).length, 1);
    const again = await late.hold(where);
    assert.equal(await standing(again), 'locked');
  });
  await t.test('for longer: what is known is still shown, and how old it is', async () => {
    await hisDown();
    await advance(QUARTER_S);
    await tick();
    await late.signIn();
    const { freshness, slots } = await page(late);
    assert.equal(freshness.is_old, true, freshness.text);
    assert.equal(slots.length, 1);
    const shown = await late.open(`/clinics/${where.clinic}`);
    assert.match(shown.text, /号源更新于.*医院系统暂时联系不上/);
    const department = await read(await fetch(`${HOSPITAL}/booking/${where.department}?date=${where.date}`, { headers: { accept: 'text/html' } }));
    assert.deepEqual([department.status, /医院系统暂时联系不上/.test(department.text)], [200, true]);
  });
});

test('paid and not confirmed in time: the money goes back, and a late yes is undone there', async (t) => {
  t.after(hisIsBack);
  const where = await toldClinic('迟复科', 1);
  const person = await Person.ready('久等');
  const key = await person.hold(where);
  await hisFault('confirm', 'late', { count: ALWAYS });
  await hisFault('standing', 'fail_before', { count: ALWAYS });
  await person.pay(key);
  await reaches(person, key, 'confirming');
  await until('the hospital is asked to confirm', async () => (await callsAbout(appointmentId(key))).some(({ path }) => path.endsWith('/confirm')));
  await advance(QUARTER_S);
  const { text } = await reaches(person, key, 'refused');
  assert.equal(text, '医院未能确认，费用退回');
  await person.notice('refused');
  await inTurns('the money is back', async () => (await wechatKeeps(orderNumber(key))) === 0);
  await noHisFaults();
  // It may be undone there at once.
  assert.ok((await his('late', {})).done >= 1, 'its yes came late');
  await inTurns('undone there', async () => (await standing(key)) === 'over' && (await hisKeeps(orderNumber(key))) === 0);
  assert.deepEqual([(await refundsOf(key)).map(({ body }) => body.amount.refund), (await person.notices('refused')).length], [[FEE_FEN], 1]);
});

test('slow: what it did after all is found by its number, never done twice', async (t) => {
  t.after(hisIsBack);
  const where = await toldClinic('慢答科');
  const person = await Person.ready('慢等');
  await hisFault('lock', 'timeout_after');
  const key = await person.hold(where);
  assert.equal(await standing(key), 'locked');
  await hisFault('confirm', 'timeout_after');
  await person.pay(key);
  await reaches(person, key, 'booked');
  const sent = (await callsAbout(appointmentId(key))).map((call) => call.path.split('/').at(-1));
  assert.deepEqual(sent.filter((operation) => ['lock', 'confirm'].includes(operation)), ['lock', 'confirm']);
  assert.ok(sent.includes('standing'), sent.join());
});

test('wrong: an answer somebody else signed counts as none', async (t) => {
  t.after(hisIsBack);
  const where = await toldClinic('伪答科');
  const person = await Person.ready('不轻信');
  await t.test('the question after it finds what was done', async () => {
    await hisFault('lock', 'forged');
    const key = await person.hold(where);
    assert.equal(await standing(key), 'locked');
    assert.equal((await person.cancel(key)).status, 200);
    await until('given back there', async () => {
      await tick();
      return (await standing(key)) === 'over';
    });
  });
  await t.test('when all are forged nobody gets a number', async () => {
    await hisFault('*', 'forged', { count: ALWAYS });
    const refused = await person.tryHold(where);
    assert.deepEqual([refused.status, code(refused)], [503, 'his_down'], refused.text);
  });
});

test('wrong: a code nobody has mapped is left out, wakes somebody, and is there once it is mapped', async (t) => {
  t.after(() => owned('his'));
  await owned('his', { his: { mapped_only: ['department'] } });
  const [theirs, ours] = [newDepartment('待对照科'), newDepartment('已对照科')];
  const map = (department, code_) => staffPost('his/codes', { kind: 'department', theirs: department.code, ours: code_, name: department.name });
  const [where] = await tell(theirs, [3]);
  const { report } = await pull();
  assert.ok(report.rejected > 0, 'left out');
  const codes = await staff('GET', 'his/codes');
  assert.equal(codes.status, 200, codes.text);
  assert.ok(codes.json.unknown.some((unknown) => unknown.theirs === theirs.code && unknown.kind === 'department'), codes.text);
  const log = path.join(path.dirname(settings.PROFILE_FILE), 'emulator.log');
  await until('an alarm', () => fs.readFileSync(log, 'utf8').includes('his_code_unknown'));
  const mapped = await map(theirs, ours.code);
  assert.equal(mapped.status, 200, mapped.text);
  await advance(CODES_AGE_S);
  await pull();
  const listed = await until('the clinic is there', async () => {
    const answer = await read(await fetch(`${HOSPITAL}/booking/${ours.code}?date=${where.date}`, { headers: { accept: 'application/json' } }));
    return answer.status === 200 && answer.json.clinics.length === 1 && answer.json;
  });
  const person = await Person.ready('对照');
  const key = await person.hold({ ...where, clinic: listed.clinics[0].clinic });
  assert.equal(await standing(key), 'locked', 'locked under the code of theirs');
});

test('back again: what was done here meanwhile is told there in its order', async (t) => {
  t.after(hisIsBack);
  await owned('menzhen');
  const department = newDepartment('补报科');
  const [first, second] = await tell(department, [3, 4]);
  await pull();
  const [mover, newcomer] = await Promise.all([Person.ready('改退人'), Person.ready('新号人')]);
  const key = await mover.book(first);
  await inTurns('told', async () => (await hisKeeps(orderNumber(key))) === FEE_FEN);
  await hisDown();

  const fresh = await newcomer.book(first);
  const answer = await mover.post(`/appointments/${key}/reschedule`, { ...second, idempotency_key: newKey() });
  assert.deepEqual([answer.status, answer.json.state], [200, 'booked'], answer.text);
  const moved = answer.json.appointment;
  await advance(MINUTE_S);
  await tick();
  assert.equal((await mover.cancel(moved)).json.state, 'cancelled');
  await inTurns('the money is back although nobody answers there', async () => (await wechatKeeps(orderNumber(key))) === 0);
  assert.deepEqual([await hisKeeps(orderNumber(key)), await hisKeeps(orderNumber(fresh))], [FEE_FEN, 0], 'there nothing has happened yet');

  await hisIsBack();
  await inTurns('all is told', async () => (await hisKeeps(orderNumber(key))) === 0 && (await hisKeeps(orderNumber(fresh))) === FEE_FEN);
  for (const visit of [key, moved]) assert.ok([undefined, 'over'].includes(await standing(visit)), visit);
  const about = [...(await callsAbout(appointmentId(key))), ...(await callsAbout(appointmentId(fresh)))];
  assert.deepEqual(about.filter((call) => call.code === -1), [], 'nothing came before what it stands on');
  const money = (await callsAbout(orderNumber(key))).filter((call) => call.code === 0).map((call) => call.path.split('/').at(-1));
  assert.deepEqual(money.filter((operation) => operation.endsWith('-post')), ['fees-post', 'refund-post']);
});
