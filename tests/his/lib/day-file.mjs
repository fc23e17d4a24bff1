// The file of one accounting day: every payment and refund the desk has posted, by +08:00.
import { chinaDay, chinaTime } from '../../wechat/lib/world.mjs';
import { yuanOf } from './shape.mjs';

const COLUMNS = ['serial', 'kind', 'original_serial', 'amount', 'at', 'receipt_no'];

const paymentRow = ({ serial, fen, at_ms, receipt_no }) => ({ serial, kind: 'PAY', original_serial: '', amount: yuanOf(fen), at: chinaTime(at_ms), receipt_no });
const refundRow = ({ serial, original_serial, fen, at_ms, refund_no }) => ({ serial, kind: 'REFUND', original_serial, amount: yuanOf(fen), at: chinaTime(at_ms), receipt_no: refund_no });

/** What a test asked to be wrong: a row left out, one with another amount, one too many. */
function tampered(rows, deeds) {
  return deeds.reduce((left, { drop, alter, amount, add }) => {
    if (drop) return left.filter(({ serial }) => serial !== drop);
    if (alter) return left.map((row) => (row.serial === alter ? { ...row, amount } : row));
    return [...left, add];
  }, rows);
}

/** The text of the file. */
export function dayFile(world, day) {
  const ofDay = (entries) => Object.values(entries).filter(({ at_ms }) => chinaDay(at_ms) === day);
  const rows = [...ofDay(world.state.payments).map(paymentRow), ...ofDay(world.state.refunds).map(refundRow)].sort((a, b) => (a.at < b.at ? -1 : 1));
  const lines = tampered(rows, world.state.tampering[day] ?? []).map((row) => COLUMNS.map((name) => row[name]).join(','));
  return `${[COLUMNS.join(','), ...lines].join('\n')}\n`;
}
