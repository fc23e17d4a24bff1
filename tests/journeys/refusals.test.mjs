// What is refused: forged, replayed, altered, oversized, garbage. Always 4xx with a stable code, never 5xx, and nothing moves.
// The functions: webhook, pay-notify, and every other that takes a POST.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import test from 'node:test';
import { fill, routes } from './lib/house.mjs';
import { Person } from './lib/person.mjs';
import { HOSPITAL, control, fault, noFaults, openClinic, orderOf, read, settings, tick, until } from './lib/stack.mjs';
import { makeNotification, pushCallback, sendNotification, textMessage, transactionOf } from './lib/wechat.mjs';

const isRefusal = ({ status, text }, note = '') => assert.ok(status >= 400 && status < 500, `${note} ${status} ${text.slice(0, 200)}`);
const stranger = () => crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

test('callbacks', async (t) => {
  const xml = textMessage('oNobodyNobodyNobodyNobody1', '你好');
  const refused = async (name, status, code, wish) => t.test(name, async () => {
    const answer = await pushCallback(xml, wish);
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.text, code);
  });
  await t.test('a good one is answered', async () => assert.equal((await pushCallback(xml)).status, 200));
  await refused('signed with another token', 403, 'bad_signature', { token: 'somebodyelse' });
  await refused('signature of something else', 403, 'bad_signature', { query: { msg_signature: '0'.repeat(40) } });
  await refused('an hour old', 403, 'stale_timestamp', { query: { timestamp: '1600000000' } });
  await refused('no time', 400, 'bad_timestamp', { query: { timestamp: 'now' } });
  await refused('no signature', 400, 'missing_parameter', { query: { msg_signature: undefined } });
  await refused('another account’s', 400, 'bad_cipher', { sealing: { appId: 'wx0000000000000000' } });
  await refused('another key’s', 400, 'bad_cipher', { sealing: { aesKey: crypto.randomBytes(32).toString('base64').slice(0, 43) } });
  await refused('too large', 413, 'too_large', { body: `<xml>${'x'.repeat(70_000)}</xml>` });
  await t.test('no XML', async () => isRefusal(await pushCallback(xml, { body: 'hello' })));
  await t.test('clear text where it should be sealed', async () => isRefusal(await pushCallback(xml, { query: { encrypt_type: undefined, msg_signature: undefined }, body: xml })));
  await t.test('forged by the stand-in: tried three times, and the chat stays silent', async () => {
    const person = await Person.invent('被冒充');
    await person.follow();
    await fault({ path: 'callback', kind: 'forged' });
    const { callback } = await person.do('text', { content: '你好' });
    await noFaults();
    assert.deepEqual(callback.statuses, [403, 403, 403]);
  });
});

test('payment notifications', async (t) => {
  const where = await openClinic({ name: '假通知门诊', numbers: 1 });
  const person = await Person.ready('收款');
  const key = await person.hold(where);
  await control('faults', { notifications: 'off' });
  t.after(noFaults);
  await person.prepay(key);
  const [order] = await orderOf(key);
  const { openid } = await control(`people/${person.id}`);
  const wish = { out_trade_no: order.body.out_trade_no, openid, fen: 1250 };
  const genuine = await transactionOf(wish);
  const refused = async (name, code, status, make) => t.test(name, async () => {
    const answer = await sendNotification(await make());
    assert.equal(answer.status, status, answer.text);
    assert.deepEqual(answer.json, { code: 'FAIL', message: code });
    assert.equal((await person.appointment(key)).state, 'held', 'nothing moved');
  });
  await refused('signed by a stranger', 'SIGN_ERROR', 401, () => makeNotification(genuine, { key: stranger() }));
  await refused('under an unknown serial', 'SIGN_ERROR', 401, () => makeNotification(genuine, { serial: 'PUB_KEY_ID_0000000000000000000000000000' }));
  await refused('an hour old', 'SIGN_ERROR', 401, async () => makeNotification(genuine, { timestamp: 1_600_000_000 }));
  await refused('altered on the way', 'SIGN_ERROR', 401, async () => {
    const made = await makeNotification(genuine);
    return { ...made, body: made.body.replace('TRANSACTION.SUCCESS', 'TRANSACTION.CLOSED') };
  });
  await refused('sealed with another key', 'UNREADABLE', 400, () => makeNotification(genuine, { apiV3Key: 'k'.repeat(32) }));
  await refused('another amount', 'MISMATCH', 400, async () => makeNotification(await transactionOf({ ...wish, fen: 1 })));
  await refused('an order nobody made', 'ORDER_NOT_EXIST', 404, async () => makeNotification(await transactionOf({ ...wish, out_trade_no: 'nobody_01' })));
  await refused('another merchant’s', 'UNREADABLE', 400, async () => makeNotification(await transactionOf({ ...wish, changes: { mchid: '1000000000' } })));
  await t.test('too large', async () => {
    const answer = await sendNotification({ headers: { 'content-type': 'application/json' }, body: 'x'.repeat(70_000) });
    assert.equal(answer.status, 413, answer.text);
  });
  await t.test('no JSON', async () => isRefusal(await sendNotification({ headers: {}, body: 'hello' })));
  await t.test('a genuine one, three times over, books once', async () => {
    await person.do('pay', { ...(await person.prepay(key)), decision: 'pay' });
    const paid = await makeNotification({ ...genuine, transaction_id: (await orderOf(key))[0].transaction_id });
    for (const answer of [await sendNotification(paid), await sendNotification(paid), await sendNotification(paid)]) assert.equal(answer.status, 200, answer.text);
    await person.state(key, 'booked');
    await tick();
    await person.notice('booked');
    assert.equal((await person.notices('booked')).length, 1);
  });
});

test('WeChat Pay’s own ways to test a merchant: a probe and forgeries are refused, the real one counts', async () => {
  const where = await openClinic({ name: '探测门诊', numbers: 1 });
  const person = await Person.ready('探测');
  const key = await person.hold(where);
  await control('faults', { notifications: 'probe' });
  try {
    await person.pay(key);
    await person.state(key, 'booked');
    const [order] = await orderOf(key);
    const { notifications } = await control('books');
    const { log } = notifications.find(({ event }) => event.resource.out_trade_no === order.body.out_trade_no);
    assert.deepEqual(log.map(({ spoil, taken }) => [spoil, taken]), [['probe', false], [null, true]]);
  } finally {
    await noFaults();
  }
});

test('an answer of WeChat Pay that is not signed by it is not believed', async () => {
  const where = await openClinic({ name: '假应答门诊', numbers: 1 });
  const person = await Person.ready('假应答');
  const key = await person.hold(where);
  await fault({ path: 'pay-response', kind: 'forged', count: 4 });
  try {
    const answer = await person.post(`/appointments/${key}/prepay`);
    assert.notEqual(answer.status, 200, answer.text);
    assert.ok(answer.json.error.code, answer.text);
  } finally {
    await noFaults();
  }
  await until('it works again', async () => (await person.post(`/appointments/${key}/prepay`)).status === 200);
});

test('garbage', async (t) => {
  const where = await openClinic({ name: '乱码门诊', numbers: 1 });
  const person = await Person.ready('乱码');
  const values = { patient: person.patient, appointment: await person.hold(where), clinic: where.clinic, kind: 'schedules' };
  const bodies = {
    nothing: ['application/x-www-form-urlencoded', ''],
    'half an escape': ['application/x-www-form-urlencoded', 'name=%zz&document=%e4%b8&&=&a=b=c'],
    'broken JSON': ['application/json', '{"name": '],
    'JSON of another shape': ['application/json', '[[[["x"]]]]'],
    bytes: ['application/octet-stream', crypto.randomBytes(2000)],
    'another kind of body': ['multipart/form-data; boundary=x', '--x\r\n\r\nx'],
    'too many bytes': ['application/x-www-form-urlencoded', `name=${'x'.repeat(200_000)}`],
  };
  const withBody = routes().filter(({ method, path }) => method !== 'GET' && !/signout|unlink|cancel|close$|prepay|payment-check|menu|unmerge$|\/card$/.test(path));
  assert.ok(withBody.length >= 7);
  for (const { name, method, path, access } of withBody) {
    for (const [kind, [type, body]] of Object.entries(bodies)) {
      await t.test(`${name}: ${method} ${path}: ${kind}`, async () => {
        const headers = { accept: 'application/json', 'content-type': type };
        const authorization = access === 'Staff' ? { authorization: `Bearer ${settings.STAFF_TOKEN}` } : { 'x-csrf-token': person.csrf };
        const answer = await person.request(method, fill(path, values), { headers: { ...headers, ...authorization }, body });
        isRefusal(answer);
        if (access === 'Account' || access === 'Staff') assert.match(answer.json?.error.code ?? '', /^[a-z_]+$/);
      });
    }
  }
});

test('addresses nobody has', async (t) => {
  const person = await Person.ready('乱走');
  const odd = ['/nothing', '/patients/%00/card', '/patients/../../etc', `/clinics/${'x'.repeat(300)}`, '/clinics/%E4%B8%8D', '/appointments/a-b-c', '/booking/%2e%2e', '/assets/..%2f..%2fCargo.toml', '/doctors/%F0%9F%98%80', '/departments/?', '/booking/XNK?date=tomorrow'];
  for (const where of odd) {
    await t.test(where.slice(0, 40), async () => {
      const answer = await person.get(where);
      assert.ok(answer.status < 500, `${answer.status} ${answer.text}`);
    });
  }
  await t.test('another method', async () => {
    const answer = await read(await fetch(`${HOSPITAL}/booking`, { method: 'DELETE' }));
    isRefusal(answer);
  });
});
