// The daily trade bill, written from the stand-in's own books in the dialect of the real one: BOM, CRLF, a backtick before
// every field, yuan with decimals, a summary at the end. A test may spoil the bill of a day.
import crypto from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { randomDigits, randomHex } from './crypto.mjs';
import { chinaDay, chinaTime } from './world.mjs';

const LINK_LIFE_S = 300;
const HOUR_MS = 3600_000;
const CHINA_MS = 8 * HOUR_MS;
/** From the beginning of the day to 10:00 of the next. */
const READY_AFTER_MS = 34 * HOUR_MS;
export const BILL_KEPT_MS = 92 * 24 * HOUR_MS;
/** Of a thousand. */
const FEE_RATE = 6;

const HEADER = '交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注';
const SUMMARY = '总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额';
/** Bills keep the words of the older interface. */
const BILL_STATUS = { SUCCESS: 'SUCCESS', PROCESSING: 'PROCESSING', CLOSED: 'FAILED', ABNORMAL: 'CHANGE' };

export const dayStartMs = (day) => Date.parse(`${day}T00:00:00Z`) - CHINA_MS;
export const isBillDay = (day) => /^\d{4}-\d{2}-\d{2}$/.test(day ?? '') && !Number.isNaN(dayStartMs(day)) && chinaDay(dayStartMs(day)) === day;
export const billReadyMs = (day) => dayStartMs(day) + READY_AFTER_MS;

const yuan = (fen) => `${fen < 0 ? '-' : ''}${Math.trunc(Math.abs(fen) / 100)}.${String(Math.abs(fen) % 100).padStart(2, '0')}`;
const localTime = (s) => chinaTime(s * 1000).slice(0, 19).replace('T', ' ');
const feeOf = (fen) => Math.round((fen * FEE_RATE) / 1000);
const sum = (rows, field) => rows.reduce((total, row) => total + row[field], 0);

// Rows ----------------------------------------------------------------------------------------

const payment = (order) => ({
  at_s: order.paid_s,
  number: order.body.out_trade_no,
  order,
  settled_fen: order.payer_total,
  coupon_fen: order.body.amount.total - order.payer_total,
  total_fen: order.body.amount.total,
  refund_fen: 0,
  fee_fen: feeOf(order.payer_total),
});

const refund = (order, entry) => ({
  at_s: entry.created_s,
  number: entry.body.out_refund_no,
  order,
  refund: entry,
  settled_fen: 0,
  coupon_fen: 0,
  total_fen: 0,
  refund_fen: entry.body.amount.refund,
  fee_fen: -feeOf(entry.body.amount.refund),
});

/** What was paid and what was accepted as a refund on a day, by the books. */
function rowsOfBooks({ orders, refunds }, day) {
  const isOfDay = ({ at_s }) => chinaDay(at_s * 1000) === day;
  const paid = Object.values(orders).filter((order) => order.transaction_id !== undefined).map(payment);
  const back = Object.values(refunds).map((entry) => refund(orders[entry.out_trade_no], entry));
  return [...paid, ...back].filter(isOfDay);
}

/** A row of which the books know nothing. */
function inventedRow(day, { out_trade_no, total_fen, out_refund_no, refund_fen }) {
  const at_s = dayStartMs(day) / 1000 + 12 * 3600;
  const total = total_fen ?? refund_fen;
  const order = {
    body: { out_trade_no, description: '门诊服务费', amount: { total }, payer: { openid: 'o-nobody' } },
    transaction_id: `4200${randomDigits(24)}`, paid_s: at_s, payer_total: total,
  };
  if (out_refund_no === undefined) return payment(order);
  return refund(order, { created_s: at_s, refund_id: `5030${randomDigits(25)}`, status: 'SUCCESS', body: { out_refund_no, amount: { refund: refund_fen } } });
}

function alteredRow(row, amount_fen) {
  if (row.refund) return { ...row, refund_fen: amount_fen };
  return { ...row, total_fen: amount_fen, settled_fen: amount_fen - row.coupon_fen };
}

function changed(rows, day, { drop, alter, add }) {
  if (drop !== undefined) return rows.filter((row) => row.number !== drop);
  if (alter !== undefined) return rows.map((row) => (row.number === alter.number ? alteredRow(row, alter.amount_fen) : row));
  return [...rows, inventedRow(day, add)];
}

/** Spoils the bill of a day, or mends it: `{day, drop | alter: {number, amount_fen} | add: {…} | clear: true}`. */
export function changeBill(world, { day, clear, ...change }, need) {
  need(isBillDay(day), 'day is a date');
  const wishes = ['drop', 'alter', 'add'].filter((name) => change[name] !== undefined);
  need(clear ? wishes.length === 0 : wishes.length === 1, 'one of drop, alter, add, clear is needed');
  need(change.alter === undefined || (change.alter.number && Number.isInteger(change.alter.amount_fen)), 'alter needs number and amount_fen');
  need(change.add === undefined || (change.add.out_trade_no && Number.isInteger(change.add.refund_fen ?? change.add.total_fen)), 'add needs out_trade_no and total_fen or out_refund_no and refund_fen');
  world.state.bill_changes[day] = clear ? [] : [...(world.state.bill_changes[day] ?? []), change];
  world.changed();
}

// The file ------------------------------------------------------------------------------------

const line = (fields) => `${fields.map((field) => `\`${field}`).join(',')}\r\n`;

function rowLine(config, row) {
  const { order, refund: entry } = row;
  return line([
    localTime(row.at_s), config.app_id, config.mch_id, '0', '', order.transaction_id, order.body.out_trade_no, order.body.payer.openid,
    'JSAPI', entry ? 'REFUND' : 'SUCCESS', 'OTHERS', 'CNY', yuan(row.settled_fen), yuan(row.coupon_fen),
    entry?.refund_id ?? '0', entry?.body.out_refund_no ?? '0', yuan(row.refund_fen), '0.00', entry ? 'ORIGINAL' : '', entry ? BILL_STATUS[entry.status] : '',
    order.body.description, order.body.attach ?? '', `${yuan(row.fee_fen)}000`, '0.60%', yuan(row.total_fen), yuan(row.refund_fen), '',
  ]);
}

function billText(config, rows) {
  const totals = [
    rows.length, yuan(sum(rows, 'settled_fen')), yuan(sum(rows, 'refund_fen')), '0.00', `${yuan(sum(rows, 'fee_fen'))}000`,
    yuan(sum(rows, 'total_fen')), yuan(sum(rows, 'refund_fen')),
  ];
  return `\uFEFF${HEADER}\r\n${rows.map((row) => rowLine(config, row)).join('')}${SUMMARY}\r\n${line(totals)}`;
}

const sha1 = (text) => crypto.createHash('sha1').update(text, 'utf8').digest('hex');

/** What a fault makes of a finished file whose hash is already told. */
function spoiled(world, text) {
  const fault = world.takeFault('bill-file', ['altered', 'cut']);
  if (fault?.kind === 'altered') return text.replace('CNY', 'USD');
  return fault?.kind === 'cut' ? text.slice(0, text.length / 2) : text;
}

/** Writes the bill of a day: `{hash, token}`, or undefined when there is nothing to tell. The token lives five minutes. */
export function writeBill(world, day, isPacked) {
  const changes = world.state.bill_changes[day] ?? [];
  const rows = changes.reduce((rows, change) => changed(rows, day, change), rowsOfBooks(world.state, day)).sort((a, b) => a.at_s - b.at_s);
  if (rows.length === 0) return undefined;
  const text = billText(world.config, rows);
  const bytes = Buffer.from(spoiled(world, text));
  const token = randomHex(32);
  world.bills.set(token, { until_s: world.clock.now_s() + LINK_LIFE_S, bytes: isPacked ? gzipSync(bytes) : bytes });
  return { hash: sha1(text), token };
}

/** The file a token names, while it lives. */
export function takeBill(world, token) {
  const bill = world.bills.get(token);
  for (const [known, { until_s }] of world.bills) if (until_s <= world.clock.now_s()) world.bills.delete(known);
  return bill && bill.until_s > world.clock.now_s() ? bill.bytes : undefined;
}
