// The whole way of a patient, from following the account to the reminder before the turn: webhook, signup, card,
// booking, payment, pay-notify, event-relay, notifier, reminder.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Person, free } from './lib/person.mjs';
import { advance, control, moveTo, openClinic, orderOf, tick, until } from './lib/stack.mjs';

const REMINDED_BEFORE_MS = 30 * 60_000;

test('a patient follows, registers, gets a card, books, pays, is told, is reminded', async (t) => {
  const lin = await Person.invent('林晓梅');
  const { demo } = lin;
  let where;
  let key;

  await t.test('following is answered with a welcome', async () => {
    const { callback } = await lin.follow();
    assert.deepEqual(callback.statuses, [200]);
    assert.match(callback.reply.text, /欢迎关注/);
    assert.match(callback.reply.text, /<a href="[^"]+\/booking">/);
  });

  await t.test('without a session a page leads through sign-in and back', async () => {
    const page = await lin.open('/patients');
    assert.equal(page.status, 200);
    assert.equal(new URL(page.url).pathname, '/patients');
    assert.equal(new URL(page.url).search, '', 'neither code nor state stays in the address');
    await lin.signIn();
  });

  await t.test('registering asks for everything at once', async () => {
    const answer = await lin.post('/patients', { relation: 'oneself' });
    assert.equal(answer.status, 422);
    assert.deepEqual(Object.keys(answer.json.error.fields).sort(), ['consent', 'document', 'document_kind', 'name', 'phone']);
  });

  await t.test('registering, and registering again', async () => {
    const first = await lin.register();
    assert.equal(first.name, '林*梅');
    const again = await lin.register();
    assert.equal(again.patient, first.patient);
    assert.doesNotMatch(JSON.stringify(again), new RegExp(`${demo.document}|${demo.phone}|${demo.name}`));
  });

  await t.test('a visit card is made once', async () => {
    const path = `/patients/${lin.patient}/card`;
    assert.equal((await lin.get(path)).json.card, null);
    const card = await lin.makeCard();
    assert.equal((await lin.post(path)).json.card, card);
    assert.match((await lin.open(path)).text, /<svg/);
  });

  await t.test('department, day, clinic, slot', async () => {
    where = await openClinic({ name: '晨间门诊' });
    const departments = await lin.get('/booking');
    assert.ok(departments.json.departments.some(({ id }) => id === where.department));
    const day = await lin.get(`/booking/${where.department}?date=${where.date}`);
    assert.equal(day.json.clinics[0].state, '有号');
    assert.equal(await free(lin, where), 2);
  });

  await t.test('a number is held, the same request holds no second one', async () => {
    const repeat = { key: '0123456789abcdef0123456789abcdef' };
    key = await lin.hold(where, repeat);
    assert.equal(await lin.hold(where, repeat), key);
    assert.equal(await free(lin, where), 1);
    const page = await lin.open(`/appointments/${key}/pay`);
    assert.match(page.text, /微信支付 ¥?12\.50/);
  });

  await t.test('paying makes it theirs', async () => {
    assert.equal((await lin.post(`/appointments/${key}/payment-check`)).json.state, 'pending');
    await lin.pay(key);
    await lin.state(key, 'booked');
    assert.equal((await lin.post(`/appointments/${key}/payment-check`)).json.state, 'paid');
    const [order] = await orderOf(key);
    assert.equal(order.state, 'SUCCESS');
    assert.equal(order.body.amount.total, 1250);
  });

  await t.test('the chat says so', async () => {
    const notice = await lin.notice('booked');
    assert.ok(notice.url.endsWith(`/appointments/${key}`));
    assert.equal(notice.rows.find(({ label }) => label === '就诊人').value, '林*梅');
    assert.doesNotMatch(JSON.stringify(notice), /林晓梅/);
  });

  await t.test('the chat knows the number too', async () => {
    const { callback } = await lin.do('text', { content: '我的号' });
    assert.match(callback.reply.text, /晨间门诊/);
  });

  await t.test('nobody is reminded early', async () => {
    await moveTo(where.starts_ms - REMINDED_BEFORE_MS - 60_000);
    await advance(1);
    assert.equal((await lin.notices('turn_soon')).length, 0);
  });

  await t.test('thirty minutes before the turn one reminder comes, however often the schedule runs', async () => {
    await moveTo(where.starts_ms - REMINDED_BEFORE_MS + 1_000);
    await Promise.all([tick(), tick()]);
    const reminder = await lin.notice('turn_soon');
    assert.equal(reminder.rows.find(({ label }) => label === '就诊地点').value, '901 诊室');
    await tick();
    // A second reminder would have come as fast as this message does.
    await lin.do('text', { content: '谢谢' });
    assert.equal((await lin.notices('turn_soon')).length, 1);
  });

  await t.test('signing out ends the session', async () => {
    await lin.signIn();
    const before = lin.cookies.get('sid');
    assert.equal((await lin.post('/signout')).status, 303);
    lin.cookies.set('sid', before);
    assert.equal((await lin.get('/appointments')).status, 401);
  });
});

test('WeChat asks twice with the same code: one sign-in', async () => {
  const person = await Person.invent('双击');
  await control('faults', { path: 'oauth', kind: 'double_callback' });
  const page = await person.open('/patients');
  assert.equal(page.status, 200, page.text);
  await control('faults', { clear: true });
});

test('the hospital card of old is bound by its holder alone', async () => {
  const { people } = await control('people');
  const { demo } = people.find((known) => known.id === 'zhou');
  const zhou = new Person('zhou', demo);
  await zhou.follow();
  await zhou.signIn();
  await zhou.register();
  const bind = (changes) => zhou.post(`/patients/${zhou.patient}/card/bind`, { document_kind: '01', ...demo, ...changes });
  const wrong = await bind({ card: 'V20190112' });
  assert.equal(wrong.status, 409);
  assert.equal(wrong.json.error.code, 'not_proven');
  const claimed = await bind({ card: 'v2018 0031' });
  assert.equal(claimed.status, 200, claimed.text);
  assert.deepEqual([claimed.json.card, claimed.json.code_sent_to], [null, '199****0002']);
  const { text } = (await zhou.sms()).at(-1);
  const bound = await zhou.post(`/patients/${zhou.patient}/card/code`, { code: text.match(/\d{6}/)[0] });
  assert.equal(bound.status, 200, bound.text);
  assert.equal(bound.json.card, 'V20180031');
  await until('the card page shows it', async () => (await zhou.get(`/patients/${zhou.patient}/card`)).json.card === 'V20180031');
});
