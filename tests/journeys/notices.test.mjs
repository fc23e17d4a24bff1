// Messages when WeChat does not take them: event-relay, notifier, wechat-token, reminder, and the queue of what failed.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { Person } from './lib/person.mjs';
import { ROOT, control, fault, noFaults, openClinic, peek, sendToQueue, setQueue, settings, tick, until } from './lib/stack.mjs';

const SEND = '/cgi-bin/message/template/send';
const RETRY_MAX_MS = 60_000;
const run = promisify(execFile);

/** How often WeChat was asked to tell somebody something. */
async function sends(person) {
  const { openid } = await control(`people/${person.id}`);
  return (await control('calls')).calls.filter(({ path, body }) => path === SEND && body?.touser === openid).length;
}
const booking = async (name) => {
  const where = await openClinic({ name: `${name}门诊`, numbers: 1 });
  const person = await Person.ready(name);
  return { person, where };
};

test.afterEach(noFaults);

test('what WeChat cannot take now comes later, once', async (t) => {
  const wishes = { 'too fast': { kind: 'errcode', errcode: 45011 }, 'system busy': { kind: 'errcode', errcode: -1 }, 'no answer': { kind: 'fail_before', status: 502 } };
  for (const [name, wish] of Object.entries(wishes)) {
    await t.test(name, async () => {
      const { person, where } = await booking('重试');
      await fault({ path: SEND, ...wish });
      await person.book(where);
      await person.notice('booked', { max_ms: RETRY_MAX_MS });
      assert.equal((await person.notices('booked')).length, 1);
    });
  }
});

test('a message that was taken although no answer came is not sent twice', async () => {
  const { person, where } = await booking('重发');
  await fault({ path: SEND, kind: 'fail_after', status: 502 });
  await person.book(where);
  await until('it was tried again', async () => (await sends(person)) >= 2, { max_ms: RETRY_MAX_MS });
  assert.equal((await person.notices('booked')).length, 1);
});

test('who left is not written to, and nothing waits for them', async () => {
  const { person, where } = await booking('取关');
  await person.do('unfollow');
  const key = await person.book(where);
  await tick();
  assert.equal((await person.appointment(key)).state, 'booked');
  assert.equal((await person.notices('booked')).length, 0);
});

test('a reader WeChat does not know is dropped', async () => {
  const { person, where } = await booking('拒收');
  await fault({ path: SEND, kind: 'errcode', errcode: 43004 });
  await person.book(where);
  await until('WeChat refused it', async () => (await sends(person)) > 0);
  await tick();
  assert.equal((await person.notices('booked')).length, 0);
});

test('a token WeChat no longer takes is replaced, and the message arrives', async () => {
  const { person, where } = await booking('换证');
  await fault({ path: SEND, kind: 'errcode', errcode: 40001 });
  await person.book(where);
  await until('the message arrives', async () => {
    await tick();
    return (await person.notices('booked')).length === 1;
  }, { max_ms: RETRY_MAX_MS });
});

test('what nobody can read ends in the dead-letter queue, and replay brings it back', async () => {
  const poison = JSON.stringify({ poison: `p${Date.now()}` });
  const isThere = async () => (await peek('notice-dlq')).includes(poison);
  // Three receptions, three minutes apart: the test does not wait as long as a hospital does.
  await setQueue('notice', { VisibilityTimeout: '1' });
  try {
    await sendToQueue('notice', poison);
    await until('it is set aside', isThere, { max_ms: RETRY_MAX_MS });
    const python = path.join(ROOT, 'target/local/venv/bin/python');
    const { stdout } = await run(python, [path.join(ROOT, 'infra/replay.py')], { env: { ...process.env, ...settings } });
    assert.match(stdout, /notice-dlq: [1-9]\d* sent through again/);
    await until('it was tried again, and is set aside again', isThere, { max_ms: RETRY_MAX_MS });
  } finally {
    await setQueue('notice', { VisibilityTimeout: '180' });
  }
});
