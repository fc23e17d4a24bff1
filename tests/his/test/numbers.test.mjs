// Timetable, numbers and visits: one number for one serial, and what is over stays over.
import assert from 'node:assert/strict';
import test from 'node:test';
import { CARD, startStandIn } from './helpers.mjs';

const CLINIC = '20270104-am-XNK-pool';
const clinic = (change = {}) => ({
  date: '2027-01-04', period: 'morning', department: 'XNK', doctor: null, kind: 'ordinary', fee: '10.00', slots: [{ start: '0800', numbers: [1, 2] }], ...change,
});
const lockOf = (serial, number, change = {}) => ({ serial, clinic: CLINIC, start: '0800', number, until: '2030-01-01T00:00:00Z', ...change });
const visitOf = (serial, number, change = {}) => ({
  serial,
  card_no: CARD,
  registration: { appointment: serial, clinic: CLINIC, number, department: 'XNK', doctor: null, date: '2027-01-04' },
  start: '0800',
  payment: null,
  ...change,
});

async function open(t) {
  const his = await startStandIn(t);
  await his.bill('1.00');
  assert.deepEqual((await his.control('timetable', { schedules: [clinic()] })).clinics, [CLINIC]);
  const code = async (operation, body) => {
    const { code: number, error } = await his.call(operation, body);
    return error || number;
  };
  const standing = async (serial) => (await his.call('standing', { serial })).data?.standing;
  return { his, code, standing };
}

test('a number has one serial', async (t) => {
  const { code, standing } = await open(t);
  assert.deepEqual([await code('lock', lockOf('a', 1)), await code('lock', lockOf('a', 1)), await standing('a')], [0, 0, 'locked']);
  assert.equal(await code('lock', lockOf('b', 1)), 'NUMBER_TAKEN');
  assert.equal(await code('confirm', visitOf('b', 1)), 'NUMBER_TAKEN');
  assert.equal(await code('lock', lockOf('a', 2)), 'SERIAL_REUSED');
  assert.equal(await code('lock', lockOf('c', 3)), 'NO_SUCH_CLINIC');
  assert.deepEqual([await code('confirm', visitOf('a', 1)), await code('confirm', visitOf('a', 1)), await standing('a')], [0, 0, 'confirmed']);
});

test('what is over stays over, and what is unknown is none the worse', async (t) => {
  const { code, standing } = await open(t);
  assert.equal(await code('cancel', { serial: 'a' }), 1);
  await code('lock', lockOf('a', 1));
  assert.deepEqual([await code('unlock', { serial: 'a' }), await code('cancel', { serial: 'a' }), await standing('a')], [0, 0, 'over']);
  assert.equal(await code('confirm', visitOf('a', 1)), 'SERIAL_OVER');
  assert.equal(await code('confirm', visitOf('b', 1)), 0);
});

test('a lock ends by itself', async (t) => {
  const { code, standing } = await open(t);
  await code('lock', lockOf('a', 1, { until: '2020-01-01T00:00:00Z' }));
  assert.equal(await standing('a'), 'over');
  assert.equal(await code('lock', lockOf('b', 1)), 0);
});

test('a visit moves whole or not at all', async (t) => {
  const { his, code, standing } = await open(t);
  await code('confirm', visitOf('a', 1));
  assert.equal(await code('reschedule', { from: 'x', ...visitOf('b', 2) }), 'NO_SUCH_SERIAL');
  await his.control('sell', { clinic: CLINIC, number: 2 });
  assert.equal(await code('reschedule', { from: 'a', ...visitOf('b', 2) }), 'NUMBER_TAKEN');
  assert.deepEqual([await standing('a'), await standing('b')], ['confirmed', undefined]);
  await his.control('numbers', { clinic: CLINIC, start: '0800', numbers: [1, 2, 3] });
  const move = { from: 'a', ...visitOf('c', 3) };
  assert.deepEqual([await code('reschedule', move), await code('reschedule', move)], [0, 0]);
  assert.deepEqual([await standing('a'), await standing('c')], ['over', 'confirmed']);
});

test('only what changed is listed', async (t) => {
  const { his, code } = await open(t);
  const ask = async (since) => (await his.call('schedules', { from: '2027-01-01', to: '2027-01-31', since })).data;
  const first = await ask(null);
  assert.equal(first.schedules.length, 1);
  assert.equal((await ask(first.mark)).schedules.length, 0);
  await code('lock', lockOf('a', 1));
  assert.equal((await ask(first.mark)).schedules.length, 1);
  assert.deepEqual((await his.call('slots', { clinic: CLINIC })).data.slots, [{ start: '0800', free: [2], taken: [1] }]);
  await his.control('close', { clinic: CLINIC });
  await his.control('surprise', {});
  const { events, more } = (await his.call('events', { since: null })).data;
  assert.deepEqual([events.map(({ kind, mark }) => [kind, mark]), more], [[['closed', '1'], ['renovation', '2']], false]);
  assert.equal((await his.call('events', { since: '1' })).data.events.length, 1);
});

test('late: hung up on, and done when it is time', async (t) => {
  const { his, code, standing } = await open(t);
  await his.control('faults', { path: '/his/v1/confirm', kind: 'late' });
  await assert.rejects(code('confirm', visitOf('a', 1)));
  assert.equal(await standing('a'), undefined);
  assert.deepEqual(await his.control('late', {}), { done: 1 });
  assert.equal(await standing('a'), 'confirmed');
});
