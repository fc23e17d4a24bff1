// People and cards: found alike by whatever is known of them, made once, two that are one.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { startStandIn } from './helpers.mjs';

const cardsFile = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../../infra/hospital/cards.csv');
const permit = (number) => ({ kind: '06', number });
const newcomer = (serial, change = {}) => ({ serial, name: '江望', document: { kind: '01', number: '899999199001010012' }, phone: '19900000088', guardian: null, ...change });
const names = ({ data }) => (data?.persons ?? []).map(({ name }) => name);

test('a person is found by paper, card and phone', async (t) => {
  const his = await startStandIn(t, { cardsFile });
  assert.deepEqual(names(await his.call('person-find', { by: 'document', document: permit('H0000000001') })), ['陈嘉欣']);
  const { data } = await his.call('person-find', { by: 'card', card_no: 'V20180031' });
  assert.deepEqual(data.persons[0].cards, [{ card_no: 'V20180031', digital: false, active: true }]);
  assert.deepEqual(names(await his.call('person-find', { by: 'phone', phone: '19900000012' })), ['陆子安', '陆小满']);
  assert.equal((await his.call('person-find', { by: 'card', card_no: 'NONE' })).code, 1);
  assert.equal((await his.call('person-find', { by: 'name', name: '陈嘉欣' })).error, 'BAD_REQUEST');
});

test('a child is found by its guardian', async (t) => {
  const his = await startStandIn(t);
  const guardian = { name: '何秀兰', document: { kind: '01', number: '899999195809170029' } };
  await his.control('persons', { name: '孙一诺', documents: [], guardian, cards: [{ card_no: 'V7' }] });
  assert.deepEqual(names(await his.call('person-find', { by: 'guardian', document: guardian.document })), ['孙一诺']);
});

test('a person and a card are made once, whatever is repeated', async (t) => {
  const his = await startStandIn(t, { cardsFile });
  const { data: made } = await his.call('person-create', newcomer('p_1'));
  assert.deepEqual((await his.call('person-create', newcomer('p_1'))).data, made);
  assert.deepEqual((await his.call('person-create', newcomer('p_2'))).data, made);
  assert.equal((await his.call('person-create', newcomer('p_1', { name: '江忘' }))).error, 'SERIAL_REUSED');
  assert.equal((await his.call('person-create', newcomer('p_3', { name: '江忘' }))).error, 'PERSON_DIFFERS');
  const wanted = { serial: 'c_1', person_no: made.person_no };
  const { data: card } = await his.call('card-create', wanted);
  assert.deepEqual((await his.call('card-create', { ...wanted, serial: 'c_2' })).data, card);
  assert.deepEqual((await his.call('person-posted', { serial: 'c_1' })).data, card);
  assert.equal((await his.call('person-posted', { serial: 'c_9' })).code, 1);
  assert.equal((await his.call('fees-unpaid', { card_no: card.card_no })).code, 1);
  const { persons } = await his.control('persons');
  assert.equal(persons.filter(({ name }) => name === '江望').length, 1);
});

test('a card is bound to its own person only', async (t) => {
  const his = await startStandIn(t, { cardsFile });
  const holder = async (card_no) => (await his.call('person-find', { by: 'card', card_no })).data.persons[0].person_no;
  const own = { serial: 'b_1', person_no: await holder('V20180031'), card_no: 'V20180031' };
  assert.equal((await his.call('card-bind', own)).data.card_no, 'V20180031');
  assert.equal((await his.call('card-bind', { ...own, serial: 'b_2', card_no: 'V20190112' })).error, 'CARD_BOUND');
  assert.equal((await his.call('card-bind', { ...own, serial: 'b_3', card_no: 'NONE' })).error, 'NO_SUCH_CARD');
});

test('two that are one are found as one, and are two again', async (t) => {
  const his = await startStandIn(t);
  const add = (name, card_no) => his.control('persons', { name, documents: [], cards: [{ card_no }] });
  const [keeper, gone] = [await add('江望', 'V1'), await add('江 望', 'V2')];
  await his.control('persons/merge', { into: keeper.person_no, from: gone.person_no });
  const found = async () => (await his.call('person-find', { by: 'card', card_no: 'V2' })).data.persons[0];
  assert.deepEqual([(await found()).person_no, (await found()).cards.length], [keeper.person_no, 2]);
  await his.control('persons/unmerge', { from: gone.person_no });
  assert.deepEqual([(await found()).person_no, (await found()).cards.length], [gone.person_no, 1]);
});
