// The day of the visit: webhook (a scan at the desk), visit (the place in the queue), his-sync (who calls), sweeper.
import assert from 'node:assert/strict';
import test from 'node:test';
import { his, hisFault, noHisFaults } from './lib/hospital.mjs';
import { Person } from './lib/person.mjs';
import { putProfile } from './lib/profile.mjs';
import { HOSPITAL, advance, appointmentId, moveTo, now, openClinic, read, staff, tick, until } from './lib/stack.mjs';

const MINUTE_MS = 60_000;
const REFRESH_BYTES_MAX = 1024;

let where;
let first;
let second;
test.before(async () => {
  await putProfile({ queue: { owner: 'his' } });
  where = await openClinic({ name: '候诊测试科', in_min: 120, numbers: 4, stay_min: 300 });
  [first, second] = await Promise.all([Person.ready('候甲'), Person.ready('候乙')]);
  for (const person of [first, second]) person.visit = await person.book(where);
});
test.after(() => putProfile());

const place = async (person) => {
  const answer = await person.get(`/visits/${person.visit}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
};
const called = (entries) => his('clinic-queue', { clinic: where.clinic, entries });
const entry = (person, state, more = {}) => ({ appointment: appointmentId(person.visit), state, ...more });

let scan;
test('a printed code of the desk checks in, at the right time and place', async (t) => {
  const ticketOf = async (payload) => {
    const made = await staff('POST', 'wechat/qrcodes', JSON.stringify({ payload, expire_s: 86400 }));
    assert.equal(made.status, 200, made.text);
    return made.json.ticket;
  };
  const [desk, other] = await Promise.all([ticketOf(`checkin:dept:${where.department}`), ticketOf('checkin:dept:XNK')]);
  scan = async (person, ticket = desk) => (await person.do('scan', { ticket })).callback.reply.text;
  await t.test('too early', async () => assert.match(await scan(first), /开始签到/));
  assert.equal((await place(first)).place.state, 'unknown');
  // Away from the five minutes that an expected wait is rounded to: a second later it reads the same.
  await moveTo(where.starts_ms - 52 * MINUTE_MS);
  await t.test('at another desk', async () => assert.match(await scan(first, other), /请到候诊测试科/));
  await t.test('here', async () => {
    const told = await scan(first);
    assert.match(told, /已签到/);
    assert.ok(told.includes(`${HOSPITAL}/visits/${first.visit}`), told);
    assert.equal(await scan(first), told, 'a second scan is answered alike');
  });
  // Who comes in the same second goes by number.
  await advance(2);
  await t.test('and the next after them', async () => assert.match(await scan(second), /前面 1 人/));
  await t.test('who has no number today', async () => {
    const nobody = await Person.ready('候丙');
    assert.match(await scan(nobody), /今天没有查到您的号/);
  });
});

test('the page says how many are ahead, and when', async () => {
  const mine = await place(second);
  assert.deepEqual([mine.place.state, mine.place.ahead], ['waiting', '1 人']);
  assert.match(mine.place.wait, /约 \d+–\d+ 分钟/);
  const page = await second.open(`/visits/${second.visit}`);
  assert.match(page.text, /前面还有/);
  assert.ok((await second.do('text', { content: '排队' })).callback.reply.text.includes('前面 1 人'));
});

test('somebody else’s place is nobody’s business', async () => {
  assert.equal((await second.get(`/visits/${first.visit}`)).status, 404);
  assert.equal((await second.get(`/visits/${first.visit}/elsewhere`)).status, 404);
  const guess = await second.post('/visits/checkin', { appointment: first.visit, code: '000000' });
  assert.equal(guess.status, 404, guess.text);
  const wrong = await second.post('/visits/checkin', { appointment: second.visit, code: '000000' });
  assert.equal(wrong.status, 409, wrong.text);
});

test('looking again needs no session, and says nothing when nothing changed', async () => {
  const { live } = await place(second);
  const look = async (headers) => read(await fetch(HOSPITAL + live, { headers: { accept: 'application/json', ...headers } }));
  const seen = await look({});
  assert.equal(seen.status, 200, seen.text);
  assert.ok(seen.text.length < REFRESH_BYTES_MAX && !/候[甲乙]/.test(seen.text));
  const again = await look({ 'if-none-match': seen.headers.get('etag') });
  assert.equal(again.status, 304);
  await advance(601);
  assert.equal((await look({})).status, 410);
  assert.equal((await read(await fetch(`${HOSPITAL}/visits/live?pass=1.2.3`))).status, 404);
});

test('the hospital calls, and the phones know', async (t) => {
  await t.test('called', async () => {
    await called([entry(first, 'called', { room: '905 诊室', times: 1 }), entry(second, 'waiting')]);
    await tick();
    const mine = await until('the call is known', async () => {
      const seen = await place(first);
      return seen.place.state === 'called' && seen;
    });
    assert.match(mine.place.text, /905 诊室/);
    assert.equal((await place(second)).place.ahead, '0 人');
  });
  await t.test('while its system is silent the last word stands', async () => {
    await hisFault('clinic-queue', 'fail_before');
    await tick();
    await noHisFaults();
    assert.equal((await place(first)).place.state, 'called');
  });
  await t.test('seen', async () => {
    await called([entry(first, 'done'), entry(second, 'called', { room: '905 诊室', times: 1 })]);
    await tick();
    await first.state(first.visit, 'fulfilled');
    assert.equal((await place(first)).place.state, 'done');
    assert.equal((await place(second)).place.state, 'called');
  });
});

test('who was called early is reminded once', async () => {
  await moveTo(where.starts_ms + 5 * MINUTE_MS);
  await tick();
  for (const person of [first, second]) assert.ok((await person.notices('turn_soon')).length <= 1);
  assert.ok((await now()) > where.starts_ms);
});
