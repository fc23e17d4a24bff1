// What the chat answers: webhook; and the menu and codes that console publishes.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Person } from './lib/person.mjs';
import { HOSPITAL, control, fault, noFaults, staff, until } from './lib/stack.mjs';

let person;
test.before(async () => {
  person = await Person.invent('聊天');
  await person.follow();
});

const answer = async (deed, body) => {
  const { callback } = await person.do(deed, body);
  assert.deepEqual(callback.statuses, [200], JSON.stringify(callback));
  assert.equal(callback.error, undefined);
  return callback.reply?.text;
};
const say = (content) => answer('text', { content });

test('WeChat’s console accepts the address', async () => {
  assert.deepEqual(await control('verify-callback', {}), { ok: true, status: 200 });
});

test('keywords', async (t) => {
  const keywords = { 我想挂号: '/booking', 怎么退号: '/appointments', 停车场在哪: '/guide', 我要办卡: '/patients', 有哪些专家: '/departments' };
  for (const [content, path] of Object.entries(keywords)) {
    await t.test(content, async () => assert.ok((await say(content)).includes(`<a href="${HOSPITAL}${path}">`)));
  }
});

test('an emergency comes before everything, and without a link to booking', async () => {
  const text = await say('挂号，我胸口痛');
  assert.match(text, /120/);
  assert.doesNotMatch(text, /href/);
});

test('what nobody understands, and what is no text', async () => {
  const profile = /没有听懂/;
  assert.match(await say('吱吱吱'), profile);
  assert.match(await answer('image', {}), profile);
});

test('every button of the menu works', async (t) => {
  const { menu } = await control('phone');
  const buttons = menu.flatMap((button, at) => (button.sub_button?.length ? button.sub_button.map((sub, index) => [sub, [at, index]]) : [[button, [at]]]));
  assert.ok(buttons.length >= 5);
  for (const [button, path] of buttons) {
    await t.test(button.name, async () => {
      const result = await person.do('menu', { path });
      if (button.type === 'click') assert.ok(result.callback.reply.text.length > 10);
      else assert.equal((await person.open(button.url)).status, 200);
    });
  }
});

test('a code on a door leads to its department', async () => {
  const made = await staff('POST', 'wechat/qrcodes', JSON.stringify({ payload: 'dept:XNK', expire_s: 600 }));
  assert.equal(made.status, 200, made.text);
  const { ticket } = made.json;
  assert.ok((await answer('scan', { ticket })).includes(`${HOSPITAL}/booking/XNK`));
  const stranger = await Person.invent('扫码');
  const { callback } = await stranger.do('scan', { ticket });
  assert.ok(callback.reply.text.includes(`${HOSPITAL}/booking/XNK`), 'following by the code leads there too');
});

test('a delivery that comes twice is answered alike', async () => {
  await fault({ path: 'callback', kind: 'duplicate' });
  assert.match(await say('地址'), /松林路/);
  await noFaults();
});

test('who leaves and comes back is welcomed again', async () => {
  await answer('unfollow');
  assert.match(await answer('follow'), /欢迎关注/);
  await until('the chat has the welcome', async () => (await person.chat()).some(({ text }) => /欢迎关注/.test(text ?? '')));
});
