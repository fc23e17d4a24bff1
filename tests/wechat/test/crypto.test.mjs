// The published vectors, and what must be refused.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import test from 'node:test';
import { callbackSignature, CryptoError, jssdkSignature, openCallback, openResource, responseText, rsaVerify, sealCallback, sealResource } from '../lib/crypto.mjs';
import { encodeQr } from '../lib/qr.mjs';
import { readXml, writeXml, XmlError } from '../lib/xml.mjs';

const { vectors } = JSON.parse(fs.readFileSync(new URL('../../../shared/wechat/tests/vectors/wechat.json', import.meta.url)));
const group = (name) => vectors.filter((vector) => vector.group === name);

for (const { id, input, expect } of group('oa-signature')) {
  test(id, () => assert.equal(callbackSignature(input.token, input.timestamp, input.nonce), expect.signature));
}

for (const { id, input, expect } of group('oa-decrypt')) {
  test(id, () => {
    assert.equal(callbackSignature(input.token, input.timestamp, input.nonce, input.encrypt), input.msg_signature);
    assert.equal(openCallback({ aesKey: input.encoding_aes_key, appId: expect.appid_in_text, sealed: input.encrypt }), expect.msg);
    assert.throws(() => openCallback({ aesKey: input.encoding_aes_key, appId: 'wx', sealed: input.encrypt }), CryptoError);
  });
}

for (const { id, input, expect } of group('oa-encrypt')) {
  test(id, () => {
    const sealed = sealCallback({ aesKey: input.encoding_aes_key, appId: input.appid, text: input.msg, random16: Buffer.from(input.random16) });
    assert.equal(sealed, expect.encrypt);
    assert.equal(callbackSignature(input.token, input.timestamp, input.nonce, sealed), expect.msg_signature);
  });
}

for (const { id, input, expect } of group('jssdk')) {
  test(id, () => assert.equal(jssdkSignature({ ticket: input.jsapi_ticket, nonce: input.noncestr, timestamp: input.timestamp, url: input.url }), expect.signature));
}

for (const { id, input } of group('pay-verify')) {
  test(id, () => {
    assert.ok(rsaVerify(input.public_key_pem, responseText(input), input.signature));
    assert.ok(!rsaVerify(input.public_key_pem, responseText({ ...input, body: `${input.body} ` }), input.signature));
    assert.ok(!rsaVerify(input.public_key_pem, responseText(input), 'WECHATPAY/SIGNTEST/x'));
  });
}

for (const { id, input, expect } of group('pay-gcm')) {
  test(id, () => {
    const key = input.apiv3_key;
    assert.equal(openResource({ key, nonce: input.nonce, associatedData: input.associated_data, ciphertext: input.ciphertext }), expect.plaintext);
    assert.equal(sealResource({ key, nonce: input.nonce, associatedData: input.associated_data, text: expect.plaintext }), input.ciphertext);
  });
}

for (const { id, input, expect } of group('pay-notify')) {
  test(id, () => {
    const { headers, body } = input;
    const { publicKey } = new crypto.X509Certificate(input.platform_certificate_pem);
    const text = responseText({ timestamp: headers['Wechatpay-Timestamp'], nonce: headers['Wechatpay-Nonce'], body });
    assert.ok(rsaVerify(publicKey, text, headers['Wechatpay-Signature']));
    const { resource } = JSON.parse(body);
    assert.equal(openResource({ key: input.apiv3_key, nonce: resource.nonce, associatedData: resource.associated_data, ciphertext: resource.ciphertext }), expect.clear);
  });
}

test('every padding length opens', () => {
  const aesKey = 'kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR';
  for (let length = 0; length < 32; length += 1) {
    const text = '门'.repeat(length);
    assert.equal(openCallback({ aesKey, appId: 'wx1', sealed: sealCallback({ aesKey, appId: 'wx1', text }) }), text);
  }
});

test('malformed callbacks are refused', () => {
  const aesKey = 'A'.repeat(43);
  for (const sealed of ['', 'AAAA', 'A'.repeat(64), Buffer.alloc(32).toString('base64')]) {
    assert.throws(() => openCallback({ aesKey, appId: 'wx1', sealed }), CryptoError);
  }
});

test('XML survives a round trip and refuses document types', () => {
  const fields = { Content: 'a ]]> b <c> & d', CreateTime: 12, List: [{ Id: 'x' }, { Id: 'y' }] };
  assert.deepEqual(JSON.parse(JSON.stringify(readXml(`<xml>${writeXml(fields)}</xml>`).xml)), { ...fields, CreateTime: '12' });
  for (const bad of ['<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', '<a><b></a></b>', '<a>', '<a x="1"></a>']) assert.throws(() => readXml(bad), XmlError);
});

test('a QR code is the one that readers accept', () => {
  // The modules of this code were read back by an independent decoder when the hash was taken.
  const picture = encodeQr('http://weixin.qq.com/q/02abcdefgh').map((row) => row.map(Number).join('')).join('\n');
  assert.equal(crypto.createHash('sha256').update(picture).digest('hex').slice(0, 16), 'a3d306483c62f261');
  assert.throws(() => encodeQr('x'.repeat(300)), /too long/);
});
