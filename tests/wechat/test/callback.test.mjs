// What the hospital's server address receives in each mode, and what a broken answer shows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callbackSignature, openCallback, sealCallback } from '../lib/crypto.mjs';
import { readXml, writeXml } from '../lib/xml.mjs';
import { startHospital, startStandIn } from './helpers.mjs';

const NOTICE = '该公众号暂时无法提供服务，请稍后再试';

async function scene(t, mode, answer) {
  const hospital = await startHospital((call) => answer(call));
  const wechat = await startStandIn(hospital, { mode });
  t.after(async () => {
    await wechat.close();
    await hospital.close();
  });
  return { hospital, wechat };
}

const replyTo = (message, fields) => `<xml>${writeXml({ ToUserName: message.FromUserName, FromUserName: message.ToUserName, CreateTime: 1, ...fields })}</xml>`;

function sealed(config, xml) {
  const text = sealCallback({ aesKey: config.aes_key, appId: config.app_id, text: xml });
  const MsgSignature = callbackSignature(config.token, '1', 'n', text);
  return `<xml>${writeXml({ Encrypt: text, MsgSignature, TimeStamp: 1, Nonce: 'n' })}</xml>`;
}

/** Opens a push as the hospital would. */
function opened(config, call) {
  const outer = readXml(call.body).xml;
  if (config.mode === 'plain') {
    assert.equal(call.url.searchParams.get('signature'), callbackSignature(config.token, call.url.searchParams.get('timestamp'), call.url.searchParams.get('nonce')));
    return outer;
  }
  const { searchParams: query } = call.url;
  assert.equal(query.get('encrypt_type'), 'aes');
  assert.equal(query.get('msg_signature'), callbackSignature(config.token, query.get('timestamp'), query.get('nonce'), outer.Encrypt));
  assert.equal(outer.FromUserName !== undefined, config.mode === 'compatible');
  return readXml(openCallback({ aesKey: config.aes_key, appId: config.app_id, sealed: outer.Encrypt })).xml;
}

for (const mode of ['plain', 'compatible', 'safe']) {
  test(`${mode}: a message goes in and its reply comes back`, async (t) => {
    let config;
    const { wechat } = await scene(t, mode, (call) => {
      const message = opened(config, call);
      if (message.MsgType !== 'text') return { body: 'success' };
      const xml = replyTo(message, { MsgType: 'text', Content: `收到：${message.Content}` });
      return { body: mode === 'plain' ? xml : sealed(config, xml) };
    });
    config = wechat.config;
    await wechat.control('people/lin/follow', {});
    await wechat.control('people/lin/text', { content: '你好 ]]> <b>' });
    const { messages } = await wechat.control('people/lin/chat');
    assert.equal(messages.at(-1).text, '收到：你好 ]]> <b>');
  });
}

test('broken answers show the notice', async (t) => {
  let body;
  let status = 200;
  const { wechat } = await scene(t, 'safe', () => ({ status, body }));
  await wechat.control('people/lin/follow', {});
  const { config } = wechat;
  const { openid } = (await wechat.control('people')).people[0];
  const message = { FromUserName: openid, ToUserName: config.original_id };
  const good = replyTo(message, { MsgType: 'text', Content: 'x' });
  const broken = {
    'an error page': '{"message":"Internal Server Error"}',
    'a clear reply': good,
    'a foreign receiver': sealed(config, replyTo({ ...message, FromUserName: 'o1' }, { MsgType: 'text', Content: 'x' })),
    'a foreign sender': sealed(config, replyTo({ ...message, ToUserName: 'gh_1' }, { MsgType: 'text', Content: 'x' })),
    'an unknown kind': sealed(config, replyTo(message, { MsgType: 'poem', Content: 'x' })),
    'a wrong signature': sealed(config, good).replace(/<MsgSignature>.*<\/MsgSignature>/, '<MsgSignature><![CDATA[0]]></MsgSignature>'),
  };
  const ask = async () => {
    await wechat.control('people/lin/text', { content: '?' });
    return (await wechat.control('people/lin/chat')).messages.at(-1);
  };
  for (const [name, text] of Object.entries(broken)) {
    body = text;
    assert.equal((await ask()).text, NOTICE, name);
  }
  body = sealed(config, good);
  assert.equal((await ask()).text, 'x');
  for (const acknowledgement of ['', 'success']) {
    body = acknowledgement;
    assert.equal((await ask()).from, 'person');
  }
  status = 500;
  assert.equal((await ask()).text, NOTICE);
});

test('a slow hospital is asked three times with the same message id', async (t) => {
  const ids = [];
  let config;
  const { wechat } = await scene(t, 'safe', async (call) => {
    const message = opened(config, call);
    if (message.MsgType !== 'text') return { body: 'success' };
    ids.push(message.MsgId);
    await new Promise((resolve) => { setTimeout(resolve, 600).unref(); });
    return { body: 'success' };
  });
  config = wechat.config;
  await wechat.control('people/lin/follow', {});
  const { callback } = await wechat.control('people/lin/text', { content: '?' });
  assert.deepEqual(callback.statuses, ['timeout', 'timeout', 'timeout']);
  assert.equal(ids.length, 3);
  assert.equal(new Set(ids).size, 1);
});

test('events say what happened, and faults spoil or double them', async (t) => {
  const events = [];
  let config;
  let refused = 0;
  const { wechat } = await scene(t, 'safe', (call) => {
    if (call.method === 'GET') return { body: call.url.searchParams.get('echostr') };
    try {
      const { Event, EventKey } = opened(config, call);
      events.push([Event, EventKey]);
      return { body: 'success' };
    } catch {
      refused += 1;
      return { status: 401 };
    }
  });
  config = wechat.config;
  assert.deepEqual(await wechat.control('verify-callback', {}), { ok: true, status: 200 });
  await wechat.account('menu/create', { button: [{ name: '时间', type: 'click', key: 'HOURS' }, { name: '页', type: 'view', url: 'http://127.0.0.1:1/a' }] });
  await wechat.control('people/lin/scan', { scene: 'd-1' });
  await wechat.control('people/lin/scan', { scene: 'd-2' });
  await wechat.control('people/lin/menu', { path: [0] });
  await wechat.control('people/lin/menu', { url: 'http://127.0.0.1:1/a' });
  await wechat.control('faults', { path: 'callback', kind: 'forged' });
  await wechat.control('people/lin/menu', { key: 'HOURS' });
  await wechat.control('people/lin/unfollow', {});
  assert.deepEqual(events, [['subscribe', 'qrscene_d-1'], ['SCAN', 'd-2'], ['CLICK', 'HOURS'], ['VIEW', 'http://127.0.0.1:1/a'], ['unsubscribe', '']]);
  assert.equal(refused, 3);
  await wechat.control('faults', { path: 'callback', kind: 'duplicate' });
  await wechat.control('people/lin/follow', {});
  assert.equal(events.filter(([name]) => name === 'subscribe').length, 3);
});
