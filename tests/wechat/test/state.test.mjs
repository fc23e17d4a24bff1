// Identities are made once; what happened survives a restart; the clock is shared through its file.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { hospitalSecrets, loadIdentities } from '../identities.mjs';
import { start } from '../server.mjs';
import { startHospital } from './helpers.mjs';

/** A folder that goes away after the test, once all that use it are closed. */
const folder = (t, users = []) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wechat-'));
  t.after(async () => {
    for (const user of users) await user.close();
    fs.rmSync(directory, { recursive: true });
  });
  return directory;
};

test('identities are created once and fit together', (t) => {
  const directory = folder(t);
  const config = loadIdentities(directory);
  assert.deepEqual(loadIdentities(directory), config);
  const { wechat, pay } = hospitalSecrets(directory, config);
  assert.match(wechat.aes_keys[0], /^[A-Za-z0-9]{43}$/);
  assert.equal(pay.api_v3_keys[0].length, 32);
  const [publicKey, certificate] = pay.platform_keys;
  assert.match(publicKey.id, /^PUB_KEY_ID_\d{32}$/);
  assert.equal(new crypto.X509Certificate(certificate.certificate_pem).serialNumber, certificate.id);
  assert.ok(crypto.createPrivateKey(pay.merchant_key_pem));
  assert.equal(fs.statSync(path.join(directory, config.merchant.private_key_file)).mode & 0o077, 0);
  assert.throws(() => loadIdentities(directory, { mode: 'open' }), /mode/);
});

test('a restart keeps people, chats and menu; the clock file moves the clock and ticks', async (t) => {
  const users = [];
  const directory = folder(t, users);
  const clockFile = path.join(directory, 'clock');
  const hospital = await startHospital(() => ({ body: 'success' }));
  users.push(hospital);
  const options = { port: 0, state: directory, menzhenUrl: hospital.url, clockFile, tickUrls: [`${hospital.url}/tick`] };
  const first = await start(options);
  const call = (app, name, body) => fetch(`${app.url}/control/${name}`, body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }).then((response) => response.json());
  await call(first, 'people/lin/follow', {});
  const added = await call(first, 'people', { name: '吴秀兰' });
  const before = await call(first, 'people');
  await first.close();
  const second = await start(options);
  users.push(second);
  assert.deepEqual((await call(second, 'people')).people.map(({ openid, follows }) => [openid, follows]), before.people.map(({ openid, follows }) => [openid, follows]));
  assert.ok((await call(second, `people/${added.id}`)).openid);
  assert.deepEqual((await call(second, 'clock', { advance_s: 1800 })).ticks, [200]);
  assert.equal(fs.readFileSync(clockFile, 'utf8'), '1800\n');
  assert.equal(hospital.of('/tick').at(-1).body, '{}');
  fs.writeFileSync(clockFile, '60\n');
  assert.equal((await call(second, 'clock')).offset_s, 60);
  const { now } = await call(second, 'clock', { set: '2030-01-02T07:00:00+08:00' });
  assert.match(now, /^2030-01-02T07:00:0/);
  assert.equal((await call(second, 'clock', { reset: true })).offset_s, 0);
});
