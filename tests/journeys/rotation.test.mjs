// Every key rolls over while people pay: merchant key, APIv3 key, platform certificate, public key. Nothing is lost.
// The functions: payment, pay-notify, sweeper.
import assert from 'node:assert/strict';
import test from 'node:test';
import { issuedSecret, readSecret, retireKey, rollKey, storeSecret, undoRoll } from './lib/keys.mjs';
import { Person } from './lib/person.mjs';
import { advance, books, control, noFaults, openClinic, orderOf, refundsOf, tick, until } from './lib/stack.mjs';

const KINDS = ['merchant', 'api_v3', 'certificate', 'public_key'];
/** An instance keeps a secret for 300 s. */
const SECRET_AGE_S = 300;
/** Past the pause between two readings out of turn. */
const REFRESH_PAUSE_S = 61;

const notificationsOf = async (order) => (await books()).notifications.filter((record) => record.event.resource.out_trade_no === order.body.out_trade_no);

async function bookInTurn(where, name) {
  const person = await Person.ready(name);
  const key = await person.hold(where);
  await person.pay(key);
  return { person, key };
}

const isBooked = ({ person, key }) => person.state(key, 'booked', { max_ms: 60_000 });

test('payments go on while each key rolls over', async (t) => {
  const before = await readSecret();
  const rolled = [];
  t.after(async () => {
    for (const kind of rolled) await undoRoll(kind);
    await storeSecret(before);
    await noFaults();
    await advance(SECRET_AGE_S);
    await tick();
  });
  const where = await openClinic({ name: '换钥门诊', numbers: 40 });
  const visits = [];

  for (const kind of KINDS) {
    await t.test(`${kind}: rolled at WeChat, paid, then stored here`, async () => {
      await rollKey(kind);
      rolled.push(kind);
      const paid = [];
      for (const name of ['甲', '乙', '丙', '丁', '戊', '己', '庚', '辛']) paid.push(await bookInTurn(where, `换钥${name}`));
      await storeSecret(issuedSecret());
      // Notifications that came before have made an instance read its secret, which it does at most once a minute.
      await advance(REFRESH_PAUSE_S);
      for (const visit of paid) await isBooked(visit);
      visits.push(...paid);
    });
  }

  await t.test('each kind of key, old and new, was taken', async () => {
    const records = (await Promise.all(visits.map(async ({ key }) => notificationsOf((await orderOf(key))[0])))).flat();
    assert.ok(records.every((record) => record.log.at(-1).taken), 'every notification was taken in the end');
    assert.equal(new Set(records.flatMap((record) => record.log.filter(({ taken }) => taken).map(({ serial }) => serial))).size, 4);
  });

  await t.test('requests are signed with the new merchant key once the instances have read it', async () => {
    await advance(SECRET_AGE_S);
    const { person, key } = await bookInTurn(where, '换钥壬');
    await isBooked({ person, key });
    // Were the old key still in use, WeChat would refuse from here on.
    rolled.splice(rolled.indexOf('merchant'), 1);
    await retireKey('merchant');
    const last = await bookInTurn(where, '换钥癸');
    await isBooked(last);
    visits.push({ person, key }, last);
    before.merchant_serial = issuedSecret().merchant_serial;
    before.merchant_key_pem = issuedSecret().merchant_key_pem;
  });

  await t.test('everybody paid once, and nothing went back', async () => {
    for (const { key } of visits) {
      const orders = await orderOf(key);
      assert.deepEqual(orders.map((order) => order.state), ['SUCCESS']);
      assert.equal((await refundsOf(key)).length, 0);
    }
  });
});

test('what WeChat, a proxy or a clock does to a notification loses nothing', async (t) => {
  t.after(noFaults);
  const where = await openClinic({ name: '错签门诊', numbers: 8 });
  const wishes = [
    { notifications: 'probe' }, { notifications: 'reencoded' }, { notifications: 'unknown_serial' },
    { notifications: 'skew', skew_s: 301 }, { notifications: 'skew', skew_s: -301 }, { notifications: 'skew', skew_s: 290 },
  ];
  for (const wish of wishes) {
    await t.test(`${wish.notifications} ${wish.skew_s ?? ''}`.trim(), async () => {
      await control('faults', wish);
      const visit = await bookInTurn(where, '错签');
      await isBooked(visit);
      const [record] = await until('the notification was taken', async () => {
        const records = await notificationsOf((await orderOf(visit.key))[0]);
        return records[0]?.state === 'taken' && records;
      });
      const isRefusedFirst = wish.skew_s !== 290;
      assert.equal(record.log[0].taken, !isRefusedFirst);
      if (isRefusedFirst) assert.equal(record.log[0].status, 401);
      assert.equal(record.log.at(-1).taken, true);
    });
  }
});
