// A call is written in JSON or XML, in UTF-8 or GB18030, and answered alike.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as gb18030 from '../lib/gb18030.mjs';
import { parse, write } from '../lib/xml.mjs';
import { CARD, startStandIn } from './helpers.mjs';

const xml = (params, encoding = 'UTF-8') => `<?xml version="1.0" encoding="${encoding}"?><request><params>${params}</params></request>`;

test('GB18030 is written as it is read', () => {
  for (const text of ['abc 空腹血糖', '€', '㐀', '王\u{20BB7}明', 'ḿ', '·']) assert.equal(gb18030.decode(gb18030.encode(text)), text);
  // By the standard's own tables: a character of two bytes, one of four, one of the second plane.
  assert.deepEqual([gb18030.encode('门').toString('hex'), gb18030.encode('㐀').toString('hex'), gb18030.encode('\u{20BB7}').toString('hex')], ['c3c5', '8139ee39', '9534b235']);
});

test('XML is read strictly', () => {
  assert.deepEqual(parse('<a><b>1 &lt; 2</b>\n<c/></a>').root.children.map(({ name, text }) => [name, text]), [['b', '1 < 2'], ['c', '']]);
  for (const wrong of ['', '<a>', '<a></b>', '<a/><b/>', '<a x="1"/>', '<a>&e;</a>', '<a>& b</a>', '<!DOCTYPE a><a/>', '<a>x<b/></a>']) assert.throws(() => parse(wrong), undefined, wrong);
  assert.equal(write('a', { b: [1, null], c: '<' }), '<a>\n<b>\n<item>1</item>\n<item/>\n</b>\n<c>&lt;</c>\n</a>');
});

test('a call in XML and GB18030 is the same call', async (t) => {
  const his = await startStandIn(t);
  const bill = await his.bill('48.00');
  const post = async (text, type) => {
    const headers = { 'content-type': type };
    return his.send('POST', '/his/v1/fees-unpaid', text, { headers });
  };
  const params = `<card_no>${CARD}</card_no>`;
  const utf8 = await post(Buffer.from(xml(params)), 'application/xml; charset=UTF-8');
  assert.deepEqual([utf8.status, utf8.isSigned, utf8.headers.get('content-type')], [200, true, 'application/xml; charset=utf-8']);
  assert.match(utf8.bytes.toString(), new RegExp(`<code>0</code>\n<error/>.*<bill_no>${bill.bill_no}</bill_no>`, 's'));
  const gb = await post(gb18030.encode(xml(params, 'GB18030')), 'application/xml; charset=GB18030');
  assert.match(gb18030.decode(gb.bytes), /encoding="GB18030".*门诊楼/s);
  const json = await post(gb18030.encode(JSON.stringify({ card_no: CARD })), 'application/json; charset=GB18030');
  assert.equal(JSON.parse(gb18030.decode(json.bytes)).data.bills[0].place.building, '门诊楼');
  for (const wrong of [xml(`${params}<more/>`), xml('<card_no>空</card_no>'), '<request/>', xml(params, 'GB18030'), '{}']) {
    assert.match((await post(Buffer.from(wrong), 'application/xml; charset=UTF-8')).bytes.toString(), /BAD_REQUEST/);
  }
});
