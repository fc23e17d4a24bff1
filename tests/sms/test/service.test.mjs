// The service takes what is signed, approved and within its limits, and nothing else.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { sign } from '../lib/signing.mjs';
import { start } from '../server.mjs';

const PHONE = '19900000001';
const CONTENT_TYPE = 'application/json; charset=utf-8';

async function startStandIn(t, directory = fs.mkdtempSync(path.join(os.tmpdir(), 'sms-'))) {
  const app = await start({ port: 0, state: directory });
  t.after(async () => {
    await app.close();
    fs.rmSync(directory, { recursive: true, force: true });
  });
  const control = async (name, body) => (await fetch(`${app.url}/control/${name}`, body && { method: 'POST', body: JSON.stringify(body) })).json();
  const call = async (changes = {}, { key, headers = {}, timestamp = app.world.clock.now_s(), signed } = {}) => {
    const { config } = app.world;
    const template = config.templates[0];
    const body = JSON.stringify({
      PhoneNumberSet: [`+86${PHONE}`], SmsSdkAppId: config.sdk_app_id, SignName: config.signature, TemplateId: template.id,
      TemplateParamSet: template.fields.map(() => '值'), ...changes,
    });
    const date = new Date(timestamp * 1000).toISOString().slice(0, 10);
    const host = new URL(app.url).host;
    const signature = sign(key ?? config.secret_key, { date, timestamp, headers: [['content-type', CONTENT_TYPE], ['host', host]], bytes: Buffer.from(signed ?? body) });
    const authorization = `TC3-HMAC-SHA256 Credential=${config.secret_id}/${date}/sms/tc3_request, SignedHeaders=content-type;host, Signature=${signature}`;
    const all = {
      'content-type': CONTENT_TYPE, authorization, 'x-tc-action': 'SendSms', 'x-tc-version': '2021-01-11', 'x-tc-region': config.region,
      'x-tc-timestamp': String(timestamp), ...headers,
    };
    const answer = await fetch(`${app.url}/`, { method: 'POST', headers: all, body });
    const { Response: response } = await answer.json();
    return response.Error?.Code ?? response.SendStatusSet?.[0].Code ?? response.PullSmsSendStatusSet;
  };
  return { ...app, control, call };
}

test('the signature is that of the service’s documentation', () => {
  const bytes = Buffer.from('{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}');
  const headers = [['content-type', CONTENT_TYPE], ['host', 'cvm.tencentcloudapi.com']];
  const signature = sign('Gu5t9xGARNpq86cd98joQYCN3EXAMPLE', { date: '2019-02-25', timestamp: '1551113065', service: 'cvm', headers, bytes });
  assert.equal(signature, '72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168');
});

test('what is approved and signed is taken, and read by its owner', async (t) => {
  const sms = await startStandIn(t);
  assert.equal(await sms.call(), 'Ok');
  const { messages } = await sms.control(`messages?phone=${PHONE}`);
  assert.equal(messages.length, 1);
  assert.match(messages[0].text, /^【云杉市人民医院】值已挂号：值/);
});

test('what is not signed by the account is refused', async (t) => {
  const sms = await startStandIn(t);
  const now_s = sms.world.clock.now_s();
  assert.equal(await sms.call({}, { key: 'other' }), 'AuthFailure.SignatureFailure');
  assert.equal(await sms.call({}, { signed: '{}' }), 'AuthFailure.SignatureFailure');
  assert.equal(await sms.call({}, { timestamp: now_s - 302 }), 'AuthFailure.SignatureExpire');
  assert.equal(await sms.call({}, { headers: { authorization: '' } }), 'AuthFailure.InvalidAuthorization');
  assert.equal(await sms.call({}, { headers: { 'x-tc-action': 'Other' } }), 'InvalidAction');
  assert.equal((await sms.control('messages')).messages.length, 0);
});

test('what is not approved, or too much, is refused', async (t) => {
  const sms = await startStandIn(t);
  assert.equal(await sms.call({ TemplateId: '1' }), 'FailedOperation.TemplateIncorrectOrUnapproved');
  assert.equal(await sms.call({ SignName: '别家医院' }), 'FailedOperation.SignatureIncorrectOrUnapproved');
  assert.equal(await sms.call({ TemplateParamSet: ['值'] }), 'FailedOperation.TemplateParamSetNotMatchApprovedTemplate');
  assert.equal(await sms.call({ TemplateParamSet: Array(5).fill('长'.repeat(31)) }), 'InvalidParameterValue.TemplateParameterFormatError');
  assert.equal(await sms.call({ PhoneNumberSet: ['+8602388888888'] }), 'InvalidParameterValue.IncorrectPhoneNumber');
  assert.equal(await sms.call({ Extra: '1' }), 'UnknownParameter');
  await sms.control('block', { phone: PHONE });
  assert.equal(await sms.call(), 'FailedOperation.PhoneNumberInBlacklist');
  await sms.control('block', { phone: PHONE, on: false });
  for (let sent = 0; sent < 10; sent += 1) assert.equal(await sms.call(), 'Ok');
  assert.equal(await sms.call(), 'LimitExceeded.PhoneNumberDailyLimit');
});

test('whether texts arrived can be asked for a number, again and again', async (t) => {
  const sms = await startStandIn(t);
  const statuses = ['SUCCESS', 'FAIL', 'NONE'];
  for (const status of statuses) {
    await sms.control('delivery', { phone: PHONE, status });
    assert.equal(await sms.call(), 'Ok');
  }
  const now_s = sms.world.clock.now_s();
  const nothing = Object.fromEntries(['PhoneNumberSet', 'SignName', 'TemplateId', 'TemplateParamSet'].map((name) => [name, undefined]));
  const ask = (changes = {}) => sms.call(
    { ...nothing, BeginTime: now_s - 60, EndTime: now_s + 60, Offset: 0, Limit: 100, PhoneNumber: `+86${PHONE}`, ...changes },
    { headers: { 'x-tc-action': 'PullSmsSendStatusByPhoneNumber' } },
  );
  for (let asked = 0; asked < 2; asked += 1) {
    assert.deepEqual((await ask()).map(({ ReportStatus, Description }) => [ReportStatus, Description]), [['SUCCESS', 'DELIVRD'], ['FAIL', 'UNDELIV']]);
  }
  assert.deepEqual(await ask({ PhoneNumber: '+8619900000002' }), []);
  assert.deepEqual(await ask({ EndTime: now_s - 30 }), []);
  assert.equal(await ask({ Limit: 101 }), 'InvalidParameterValue');
  assert.equal(await ask({ BeginTime: now_s - 8 * 24 * 3600 }), 'InvalidParameterValue.BeginTimeVerifyFail');
  assert.equal(await ask({ PhoneNumber: '199' }), 'InvalidParameterValue.IncorrectPhoneNumber');
});

test('faults come as wished, once', async (t) => {
  const sms = await startStandIn(t);
  await sms.control('faults', { kind: 'refuse', code: 'InternalError.Timeout' });
  assert.equal(await sms.call(), 'InternalError.Timeout');
  await sms.control('faults', { kind: 'fail_after' });
  await assert.rejects(sms.call());
  assert.equal((await sms.control('messages')).messages.length, 1);
  await sms.control('down', { on: true });
  await assert.rejects(sms.call());
  await sms.control('faults', { clear: true });
  assert.equal(await sms.call(), 'Ok');
});

test('the demo phone shows what arrives', async (t) => {
  const { start: startPhone } = await import('../../wechat/server.mjs');
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'sms-phone-'));
  const phone = await startPhone({ port: 0, state: directory });
  t.after(async () => {
    await phone.close();
    fs.rmSync(directory, { recursive: true, force: true });
  });
  const answer = await fetch(`${phone.url}/control/sms`, { method: 'POST', body: JSON.stringify({ phone: PHONE, text: '【云杉市人民医院】到您了' }) });
  assert.deepEqual(await answer.json(), { shown: 1 });
  const { messages } = await (await fetch(`${phone.url}/control/people/lin/chat`)).json();
  assert.equal(messages.at(-1).text, '短信 【云杉市人民医院】到您了');
});
