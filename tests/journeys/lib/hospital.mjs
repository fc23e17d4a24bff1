// The hospital's own system: bills its doctors write, what becomes of them, and its moods.
import { read, settings } from './stack.mjs';

/** Tells the stand-in something (`body`), or asks it. */
export async function his(name, body) {
  const options = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const answer = await read(await fetch(`${settings.HIS_CONTROL}/${name}`, options));
  if (answer.status !== 200) throw new Error(`HIS ${name}: ${answer.text}`);
  return answer.json;
}

export const hisFault = (path, kind, more = {}) => his('faults', { path: `/his/v1/${path}`, kind, ...more });
export const noHisFaults = () => his('faults', { clear: true });
export const hisDown = (on = true) => his('down', { on });

const LAB = { kind: 'lab', items: [{ name: '血脂四项', spec: '静脉血', amount: '48.00' }], place: { building: '门诊楼', floor: '2 层', window: '采血处 3 号窗口', note: '请空腹' } };
const EXAM = { kind: 'exam', items: [{ name: '常规心电图', spec: '十二导联', amount: '30.00' }], place: { building: '门诊楼', floor: '3 层', window: '心电图室', note: '' } };
const DRUG = { kind: 'drug', items: [{ name: '阿托伐他汀钙片', spec: '20mg×7片', quantity: 2, unit: '盒', amount: '61.80' }], place: { building: '门诊楼', floor: '1 层', window: '西药房 5 号窗口', note: '' } };
export const THREE = [LAB, EXAM, DRUG];

/** A doctor orders something on a card, in one visit: the bills, with their numbers and items. */
export const writeBills = async (card_no, bills = THREE) => {
  const written = [];
  for (const bill of bills) written.push(await his('bills', { card_no, visit: { visit_no: `V-${card_no}` }, ...bill }));
  return written;
};

/** What the HIS keeps of our payments of these bills: payments less refunds, in fen. */
export async function hisKeeps(order) {
  const { payments, refunds } = await his('books');
  const sum = (entries) => entries.reduce((total, { fen }) => total + fen, 0);
  return sum(payments.filter(({ serial }) => serial === order)) - sum(refunds.filter(({ original_serial }) => original_serial === order));
}
