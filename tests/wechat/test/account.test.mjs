// The account API refuses what the real one refuses.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { startHospital, startStandIn, until } from './helpers.mjs';

let hospital;
let wechat;
before(async () => {
  hospital = await startHospital(() => ({ body: 'success' }));
  wechat = await startStandIn(hospital);
});
after(async () => {
  await wechat.close();
  await hospital.close();
});
beforeEach(() => wechat.control('reset', {}));

const person = async (id = 'lin') => (await wechat.control('people')).people.find((entry) => entry.id === id);
const follower = async (id = 'lin') => {
  await wechat.control(`people/${id}/follow`, {});
  return person(id);
};
const booked = () => wechat.config.templates.find((template) => template.name === 'booked');
const values = (change = {}) => ({
  thing1: { value: '林*梅' },
  thing2: { value: '心血管内科' },
  thing3: { value: '王大夫' },
  time4: { value: '2026年11月23日 09:00~09:30' },
  thing5: { value: '请按时到院就诊' },
  ...change,
});

test('tokens: what is checked, in which order', async () => {
  const { app_id: appid, app_secret: secret } = wechat.config;
  const wish = { grant_type: 'client_credential', appid, secret };
  const errcode = async (change) => (await wechat.json('/cgi-bin/stable_token', { ...wish, ...change })).errcode;
  assert.equal(await errcode({ grant_type: 'x' }), 40002);
  assert.equal(await errcode({ appid: '' }), 41002);
  assert.equal(await errcode({ secret: '' }), 41004);
  assert.equal(await errcode({ appid: 'wx' }), 40013);
  assert.equal(await errcode({ secret: 'x' }), 40125);
  assert.equal((await wechat.json('/cgi-bin/stable_token')).errcode, 43002);
  assert.equal((await wechat.json('/cgi-bin/nothing')).errcode, 40066);
  const menu = async (token) => (await wechat.json(`/cgi-bin/menu/get?access_token=${token}`)).errcode;
  assert.equal(await menu(''), 41001);
  assert.equal(await menu('short'), 40014);
  assert.equal(await menu('x'.repeat(100)), 40001);
  assert.match((await wechat.json('/cgi-bin/menu/get')).errmsg, /rid: \w+-\w+-\w+$/);
});

test('a stable token stays, overlaps near its end, and dies when forced', async () => {
  const first = await wechat.token();
  assert.equal(await wechat.token(), first);
  await wechat.control('clock', { advance_s: 7200 - 200 });
  const second = await wechat.token();
  assert.notEqual(second, first);
  assert.equal((await wechat.json(`/cgi-bin/getcallbackip?access_token=${first}`)).ip_list.length, 1);
  await wechat.control('clock', { advance_s: 300 });
  assert.equal((await wechat.json(`/cgi-bin/getcallbackip?access_token=${first}`)).errcode, 42001);
  const { app_id: appid, app_secret: secret } = wechat.config;
  const { access_token: third } = await wechat.json('/cgi-bin/stable_token', { grant_type: 'client_credential', appid, secret, force_refresh: true });
  assert.notEqual(third, second);
  assert.equal((await wechat.json(`/cgi-bin/getcallbackip?access_token=${second}`)).errcode, 40001);
  const { access_token: fourth } = await wechat.json('/cgi-bin/stable_token', { grant_type: 'client_credential', appid, secret, force_refresh: true });
  assert.equal(fourth, third, 'a second forced call within 30 s has no effect');
});

test('plain tokens are separate and replace one another', async () => {
  const { app_id, app_secret } = wechat.config;
  const get = () => wechat.json(`/cgi-bin/token?grant_type=client_credential&appid=${app_id}&secret=${app_secret}`);
  const stable = await wechat.token();
  const first = await get();
  const second = await get();
  assert.notEqual(first.access_token, second.access_token);
  assert.equal((await wechat.json(`/cgi-bin/getcallbackip?access_token=${stable}`)).ip_list.length, 1);
  await wechat.control('clock', { advance_s: 301 });
  assert.equal((await wechat.json(`/cgi-bin/getcallbackip?access_token=${first.access_token}`)).errcode, 42001);
});

test('a template message: shown, told about, sent once per client id', async () => {
  const { openid } = await follower();
  const message = { touser: openid, template_id: booked().id, url: `${hospital.url}/appointments/1`, client_msg_id: 'b-1', data: values() };
  const first = await wechat.account('message/template/send', message);
  assert.equal(first.errcode, 0);
  assert.deepEqual(await wechat.account('message/template/send', message), first);
  const { messages } = await wechat.control('people/lin/chat');
  assert.equal(messages.filter((entry) => entry.kind === 'template').length, 1);
  await until(async () => (await wechat.control('calls')).calls.some((call) => call.event === 'TEMPLATESENDJOBFINISH'));
  await wechat.control('clock', { advance_s: 601 });
  await wechat.account('message/template/send', message);
  assert.equal((await wechat.control('people/lin/chat')).messages.filter((entry) => entry.kind === 'template').length, 2);
});

test('a template message: every refusal', async () => {
  const { openid } = await follower();
  const stranger = await person('zhou');
  const send = async (change) => (await wechat.account('message/template/send', { touser: openid, template_id: booked().id, data: values(), ...change }));
  assert.equal((await send({ touser: 'nobody' })).errcode, 40003);
  assert.equal((await send({ touser: stranger.openid })).errcode, 43004);
  assert.equal((await send({ template_id: 'x' })).errcode, 40037);
  assert.equal((await send({ color: 'red' })).errcode, 47001);
  for (const [key, value] of [['thing1', ''], ['thing1', 'a\nb'], ['thing2', '一'.repeat(21)], ['time4', '明天'], ['time4', '2026年11月23日 25:00']]) {
    const answer = await send({ data: values({ [key]: { value } }) });
    assert.equal(answer.errcode, 47003, value);
    assert.match(answer.errmsg, new RegExp(`data\\.${key}\\.value`));
  }
  assert.equal((await send({ data: { ...values(), thing9: { value: 'x' } } })).errcode, 47003);
  assert.equal((await send({ data: undefined })).errcode, 47003);
  for (const value of ['2026年11月23日 09:00', '09:00', '2026-11-23 09:00', '2026年11月23日 23:30~24:00']) assert.equal((await send({ data: values({ time4: { value } }) })).errcode, 0, value);
});

test('value limits by keyword type', async () => {
  const { openid } = await follower();
  const cases = {
    amount: [['¥25.00', '25.00元', '25'], ['25.000元', '12345678901', '二十五元']],
    character_string: [['HSP-1_2'], ['挂号1', 'x'.repeat(33)]],
    name: [['林晓梅', 'Anna Smith'], ['林'.repeat(11), 'a'.repeat(21)]],
    phrase: [['已取消'], ['已取消了预约吗', 'ok']],
    number: [['3', '2.5'], ['3号', '1'.repeat(33)]],
    letter: [['ABC'], ['A1']],
    date: [['2026年11月23日', '2026-11-23 09:00'], ['明天']],
    phone_number: [['0100-00000000'], ['1'.repeat(18)]],
    car_number: [['京A00000'], ['京A00000000']],
    symbol: [['!?'], ['!!!!!!', 'a']],
  };
  for (const [type, [good, bad]] of Object.entries(cases)) {
    const id = `t-${type}`;
    await wechat.control('templates', { name: id, title: type, id, keywords: { [`${type}1`]: '值' } });
    const send = async (value) => (await wechat.account('message/template/send', { touser: openid, template_id: id, data: { [`${type}1`]: { value } } })).errcode;
    for (const value of good) assert.equal(await send(value), 0, `${type} ${value}`);
    for (const value of bad) assert.equal(await send(value), 47003, `${type} ${value}`);
  }
});

test('someone who blocks the account is told of as failed, and sees nothing', async () => {
  const { openid } = await follower();
  await wechat.control('people/lin/block', { on: true });
  await wechat.account('message/template/send', { touser: openid, template_id: booked().id, data: values() });
  assert.ok((await wechat.control('people/lin/chat')).messages.every((entry) => entry.kind !== 'template'));
});

test('customer-service messages need a window, and use it up', async () => {
  const { openid } = await follower();
  const send = async () => (await wechat.account('message/custom/send', { touser: openid, msgtype: 'text', text: { content: '您好' } })).errcode;
  assert.deepEqual([await send(), await send(), await send(), await send()], [0, 0, 0, 45047]);
  await wechat.control('clock', { advance_s: 61 });
  assert.equal(await send(), 45015);
  await wechat.control('people/lin/text', { content: '在吗' });
  for (let i = 0; i < 5; i += 1) assert.equal(await send(), 0);
  assert.equal(await send(), 45047);
  await wechat.control('clock', { advance_s: 48 * 3600 });
  assert.equal(await send(), 45015);
});

test('subscription notices need one consent each', async () => {
  const { openid } = await person();
  const send = async () => (await wechat.account('message/subscribe/bizsend', { touser: openid, template_id: booked().id, data: values() })).errcode;
  assert.equal(await send(), 43101);
  await wechat.control('people/lin/consent', { template_id: booked().id });
  assert.deepEqual([await send(), await send()], [0, 43101]);
});

test('menus: limits, and back as they were', async () => {
  const create = async (button) => (await wechat.account('menu/create', { button })).errcode;
  const view = { name: '挂号', type: 'view', url: `${hospital.url}/booking` };
  assert.equal((await wechat.account('menu/get')).errcode, 46003);
  assert.equal(await create([]), 40016);
  assert.equal(await create([view, view, view, view]), 40016);
  assert.equal(await create([{ ...view, name: '一二三四五六' }]), 40018);
  assert.equal(await create([{ name: '多', sub_button: Array(6).fill(view) }]), 40023);
  assert.equal(await create([{ name: '点', type: 'click' }]), 40019);
  assert.equal(await create([{ ...view, url: 'booking' }]), 40055);
  assert.equal(await create([{ ...view, url: `https://a.example/${'x'.repeat(1024)}` }]), 40020);
  assert.equal(await create([{ name: '空', type: 'nothing' }]), 40017);
  assert.equal(await create([view, { name: '更多', sub_button: [{ ...view, name: '我的预约和就诊人' }] }]), 0);
  assert.equal((await wechat.account('menu/get')).menu.button.length, 2);
  assert.equal((await wechat.account('menu/delete')).errcode, 0);
  assert.equal((await wechat.account('menu/get')).errcode, 46003);
});

test('QR codes: limits, picture, scan', async () => {
  const create = (body) => wechat.account('qrcode/create', body);
  const text = (scene_str) => ({ action_name: 'QR_STR_SCENE', expire_seconds: 600, action_info: { scene: { scene_str } } });
  assert.equal((await create({ ...text('a'), action_name: 'QR' })).errcode, 40035);
  assert.equal((await create(text('x'.repeat(65)))).errcode, 40053);
  assert.equal((await create({ ...text('a'), expire_seconds: 2592001 })).errcode, 40052);
  assert.equal((await create({ action_name: 'QR_SCENE', action_info: { scene: { scene_id: 0 } } })).errcode, 40053);
  const code = await create(text('dept-1'));
  const picture = await fetch(`${wechat.url}/cgi-bin/showqrcode?ticket=${encodeURIComponent(code.ticket)}`);
  assert.equal(picture.headers.get('content-type'), 'image/svg+xml');
  await wechat.control('people/lin/scan', { ticket: code.ticket });
  const { openid } = await person();
  const info = await wechat.account('user/info', undefined, `&openid=${openid}`);
  assert.deepEqual([info.subscribe, info.qr_scene_str, info.nickname], [1, 'dept-1', '']);
  assert.equal((await wechat.account('user/info', undefined, `&openid=${(await person('zhou')).openid}`)).subscribe, 0);
  await wechat.control('clock', { advance_s: 601 });
  assert.match((await wechat.control('people/lin/scan', { ticket: code.ticket })).error, /expired/);
});

test('bodies must be JSON; quotas can be cleared', async () => {
  const token = await wechat.token();
  const post = async (body) => (await (await fetch(`${wechat.url}/cgi-bin/menu/create?access_token=${token}`, { method: 'POST', body })).json()).errcode;
  assert.equal(await post(''), 44002);
  assert.equal(await post('{'), 47001);
  assert.equal((await wechat.account('clear_quota', { appid: wechat.config.app_id })).errcode, 0);
});

test('faults: before, after, code, and only as often as asked', async () => {
  const { openid } = await follower();
  const message = { touser: openid, template_id: booked().id, data: values() };
  const token = await wechat.token();
  const send = () => fetch(`${wechat.url}/cgi-bin/message/template/send?access_token=${token}`, { method: 'POST', body: JSON.stringify(message) });
  const shown = async () => (await wechat.control('people/lin/chat')).messages.filter((entry) => entry.kind === 'template').length;
  await wechat.control('faults', { path: '/cgi-bin/message/*', kind: 'fail_before' });
  assert.equal((await send()).status, 502);
  assert.equal(await shown(), 0);
  await wechat.control('faults', { path: '/cgi-bin/message/*', kind: 'fail_after' });
  assert.equal((await send()).status, 502);
  assert.equal(await shown(), 1);
  await wechat.control('faults', { path: '/cgi-bin/message/template/send', kind: 'errcode', errcode: 45011, count: 2 });
  assert.equal((await (await send()).json()).errcode, 45011);
  assert.equal((await (await send()).json()).errcode, 45011);
  assert.equal((await (await send()).json()).errcode, 0);
  await wechat.control('faults', { path: '/cgi-bin/message/template/send', kind: 'timeout_after' });
  await assert.rejects(fetch(`${wechat.url}/cgi-bin/message/template/send?access_token=${token}`, { method: 'POST', body: JSON.stringify(message), signal: AbortSignal.timeout(200) }));
  assert.equal(await shown(), 3);
});

test('the log of calls keeps no secret', async () => {
  const token = await wechat.token();
  const log = JSON.stringify(await wechat.control('calls'));
  assert.ok(!log.includes(token) && !log.includes(wechat.config.app_secret));
});
