// Who may call: the right application, now, once, over these very bytes.
import assert from 'node:assert/strict';
import test from 'node:test';
import { signAnswer, signRequest } from '../lib/signing.mjs';
import { startStandIn } from './helpers.mjs';

const KEY = Buffer.from(Array.from({ length: 32 }, (_, index) => index)).toString('base64');
const NONCE = '00112233445566778899aabbccddeeff';
const NOBODY = { serial: 'nobody' };

test('signatures are those that Python computes', () => {
  const request = { method: 'POST', target: '/his/v1/fees-unpaid', timestamp: '1795000000', nonce: NONCE, bytes: Buffer.from('{"card_no":"V20180031"}') };
  assert.equal(signRequest(KEY, request), 'cbd3c0cde57456fdda1612fbb8711e10ddb7f540b6ff654bb9da7d534f00bd2a');
  const bytes = Buffer.from('{"code":0,"error":"","message":"","data":{"note":"空腹"}}');
  assert.equal(signAnswer(KEY, { status: 200, nonce: NONCE, bytes }), '1e2039428f1e6af7b5f0b382e73e86536df4d466608e3c5b0d73e755ca9a39b9');
});

test('a signed call is answered, signed', async (t) => {
  const his = await startStandIn(t);
  const answer = await his.call('fees-posted', NOBODY);
  assert.deepEqual([answer.status, answer.isSigned, answer.code, answer.error, answer.data], [200, true, 1, '', null]);
});

test('a call that is not signed by the desk is refused', async (t) => {
  const his = await startStandIn(t);
  const now_s = his.world.clock.now_s();
  const refused = async (change) => {
    const { status, code, error, data } = await his.call('fees-posted', NOBODY, change);
    assert.deepEqual([status, code, data], [401, -1, null]);
    return error;
  };
  assert.equal(await refused({ key: KEY }), 'SIGNATURE');
  assert.equal(await refused({ signedBody: '{}' }), 'SIGNATURE');
  assert.equal(await refused({ signedTarget: '/his/v1/fees-post' }), 'SIGNATURE');
  assert.equal(await refused({ headers: { 'x-his-signature': '' } }), 'SIGNATURE');
  assert.equal(await refused({ headers: { 'x-his-app': 'other' } }), 'APP');
  for (const nonce of ['', 'short', NONCE.toUpperCase()]) assert.equal(await refused({ nonce }), 'NONCE');
  for (const timestamp of [now_s - 302, now_s + 302, `${now_s}000`, '']) assert.equal(await refused({ timestamp: String(timestamp) }), 'TIMESTAMP');
  for (const timestamp of [now_s - 298, now_s + 298]) assert.equal((await his.call('fees-posted', NOBODY, { timestamp: String(timestamp) })).code, 1);
});

test('a nonce is good once in ten minutes, and only when the call is ours', async (t) => {
  const his = await startStandIn(t);
  assert.equal((await his.call('fees-posted', NOBODY, { nonce: NONCE, key: KEY })).error, 'SIGNATURE');
  assert.equal((await his.call('fees-posted', NOBODY, { nonce: NONCE })).code, 1);
  const again = await his.call('fees-posted', NOBODY, { nonce: NONCE });
  assert.deepEqual([again.status, again.error, again.isSigned], [401, 'NONCE_USED', true]);
  his.world.clock.offset_s = 601;
  assert.equal((await his.call('fees-posted', NOBODY, { nonce: NONCE })).code, 1);
});

test('a key rolls over: both are good until the old one is retired', async (t) => {
  const his = await startStandIn(t);
  const { key: before } = his.world.config;
  const { keys } = await his.control('keys', { roll: true });
  assert.equal(keys[1], before);
  for (const key of keys) {
    const answer = await his.call('fees-posted', NOBODY, { key });
    assert.deepEqual([answer.code, answer.isSigned], [1, true]);
  }
  assert.deepEqual((await his.control('keys', { retire: true })).keys, [keys[0]]);
  const refused = await his.call('fees-posted', NOBODY, { key: before, answerKey: keys[0] });
  assert.deepEqual([refused.error, refused.isSigned], ['SIGNATURE', true]);
});
