// The minute of the release (放号): nothing before it, a try for who is let in, every number once, and when to come back; while
// a crowd reloads the board, the chat answers. The functions: booking, webhook, sweeper.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Person } from './lib/person.mjs';
import { HOSPITAL, advance, civilDate, moveTo, now, openAhead, read, until } from './lib/stack.mjs';

const HORIZON_DAYS = 7;
const MINUTE_MS = 60_000;
const MINUTE_S = 60;
/** The demo hospital releases at seven; people gather from ten minutes before on. */
const RELEASE = 'T07:00:00+08:00';
const EARLY_MS = 5 * MINUTE_MS;
const PEOPLE = 10;
const HALF_HOURS = 2;
const LOOKERS = 8;
/** WeChat waits five seconds for an answer to a message. */
const CHAT_MAX_MS = 5_000;
/** Ten minutes to pay; then a number rests half an hour at most. */
const UNPAID_S = 11 * MINUTE_S;
const RESTED_S = 31 * MINUTE_S;

const code = (answer) => answer.json.error?.code;
const page = async (person, where) => {
  const answer = await person.get(`/clinics/${where.clinic}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
};

/** Reloads the day's board without end, as people do who are not let in: how often it was answered, and what went wrong. */
function crowd(where) {
  const seen = { answered: 0, wrong: [] };
  let isOver = false;
  const look = async () => {
    while (!isOver) {
      const answer = await read(await fetch(`${HOSPITAL}/booking/${where.department}?date=${where.date}`, { headers: { accept: 'text/html' } }));
      if (answer.status === 200) seen.answered += 1;
      else seen.wrong.push(answer.status);
    }
  };
  const lookers = Array.from({ length: LOOKERS }, look);
  return { seen, end: async () => { isOver = true; await Promise.all(lookers); } };
}

test('the minute of the release', async (t) => {
  const at = await now();
  const release_ms = [0, 1].map((days) => Date.parse(`${civilDate(at, days)}${RELEASE}`)).find((ms) => ms - EARLY_MS > at);
  await moveTo(release_ms - EARLY_MS);
  const where = await openAhead({ name: '放号科', days: HORIZON_DAYS, half_hours: HALF_HOURS, numbers: 1 });
  const people = [];
  for (let one = 0; one < PEOPLE; one += 1) people.push(await Person.ready(`抢号${'甲乙丙丁戊己庚辛壬癸'[one]}`));
  const numbers = HALF_HOURS;

  await t.test('before it: no try, and a request is refused by the server’s clock', async () => {
    const early = await people[0].tryHold(where);
    assert.deepEqual([early.status, code(early)], [409, 'not_released'], early.text);
    const shown = await page(people[0], where);
    assert.equal(shown.admission, undefined);
    assert.ok(shown.slots.every(({ off }) => off === '未放号'));
  });
  await moveTo(release_ms + 1_000);
  const storm = crowd(where);
  const held = [];
  await t.test('all come at once: each number once, the others are told why', async () => {
    const outcomes = await Promise.all(people.map(async (person, index) => {
      const { admission, slots, look_again, next_back } = await page(person, where);
      if (!admission) return look_again || next_back ? 'told' : 'nothing said';
      const free = slots.filter(({ off }) => !off);
      const { slot } = free[index % Math.max(free.length, 1)] ?? slots[0];
      const answer = await person.tryHold({ ...where, slot }, { admission });
      if (answer.status !== 200) return code(answer);
      held.push({ person, key: answer.json.appointment, place: `${slot}-${answer.json.number}` });
      return 'held';
    }));
    assert.ok(outcomes.every((outcome) => ['held', 'told', 'sold_out'].includes(outcome)), outcomes.join());
    for (const slot of where.slots) {
      if (held.some(({ place }) => place.startsWith(slot))) continue;
      for (const person of people.filter((one) => !held.some((winner) => winner.person === one))) {
        const { admission } = await page(person, where);
        const answer = admission && (await person.tryHold({ ...where, slot }, { admission }));
        if (answer?.status === 200) {
          held.push({ person, key: answer.json.appointment, place: `${slot}-${answer.json.number}` });
          break;
        }
      }
    }
    assert.deepEqual([held.length, new Set(held.map(({ place }) => place)).size], [numbers, numbers]);
  });
  await t.test('the chat answers meanwhile', async () => {
    const [person, began] = [people.at(-1), Date.now()];
    const { callback } = await person.do('text', { content: '怎么退号' });
    assert.match(callback.reply.text, /原路退回/);
    assert.ok(Date.now() - began < CHAT_MAX_MS);
  });
  const loser = people.find((person) => !held.some((winner) => winner.person === person));
  await t.test('without a try nobody gets in, whatever they send', async () => {
    const forged = await loser.tryHold(where, { admission: 'AAAA' });
    assert.deepEqual([forged.status, code(forged)], [409, 'admission_required'], forged.text);
    assert.match(forged.json.error.text, /门诊页面/);
  });
  await t.test('the page says when numbers may come back, and lets people wait for them', async () => {
    const shown = await until('it knows that all are gone', async () => {
      const seen = await page(loser, where);
      return seen.next_back && seen;
    });
    assert.match(shown.next_back, /^7:1\d$/);
    // Another instance may still show a board of two seconds ago.
    await until('it has something better', async () =>
      /号已约满。登记候补后，有人退号时按先后顺序为您保留号源/.test((await loser.open(`/clinics/${where.clinic}`)).text));
  });
  await storm.end();
  assert.deepEqual(storm.seen.wrong, [], 'the board was there for everybody');
  assert.ok(storm.seen.answered > PEOPLE, String(storm.seen.answered));
  await t.test('and they do', async () => {
    const [first, ...others] = held;
    await first.person.pay(first.key);
    await first.person.state(first.key, 'booked');
    await advance(UNPAID_S);
    await advance(RESTED_S);
    await loser.signIn();
    await until('the unpaid number is free', async () => {
      const { slots } = await page(loser, where);
      return slots.reduce((sum, { remaining }) => sum + remaining, 0) === others.length;
    });
    const { slots } = await page(loser, where);
    const key = await loser.hold({ ...where, slot: slots.find(({ remaining }) => remaining > 0).slot });
    await loser.cancel(key);
  });
});
