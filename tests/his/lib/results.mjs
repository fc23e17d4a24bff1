// Results: what the hospital sends of itself, signed by its machine for whoever carries it to the desk; the list it keeps of
// them, for who missed some; and the critical values it hears of in turn.
import crypto from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Refusal } from './refusal.mjs';
import { ShapeError, id, instant, literal, nullable, object, text } from './shape.mjs';
import { signRequest } from './signing.mjs';
import { announce, mark } from './timetable.mjs';

const NONCE_BYTES = 16;
const REPORTS_PER_PAGE = 20;
const NUMBER_CHARS_MAX = 64;

const reportNo = text(NUMBER_CHARS_MAX);

/** Headers for a body (base64) posted to a path of the desk. */
export function signForDesk(world, { path, body_base64 = '' }) {
  const { app_id, key } = world.config;
  const [timestamp, nonce] = [world.clock.now_s(), crypto.randomBytes(NONCE_BYTES).toString('hex')];
  const bytes = Buffer.from(body_base64, 'base64');
  const signature = signRequest(key, { method: 'POST', target: path, timestamp, nonce, bytes });
  return { 'x-his-app': app_id, 'x-his-timestamp': String(timestamp), 'x-his-nonce': nonce, 'x-his-signature': signature };
}

export const freshResults = () => ({ reports: [], alerts: {} });

/** The list in its order: the mark is the place in it, so a report that changed stands in it again. */
function reports(world, { card_no, since }) {
  const after = since === null ? 0 : Number(since);
  const later = world.state.reports.map((report, index) => ({ mark: String(index + 1), report })).slice(after);
  const theirs = later.filter(({ report }) => card_no === null || report.cardNo === card_no);
  return { data: { reports: theirs.slice(0, REPORTS_PER_PAGE), more: theirs.length > REPORTS_PER_PAGE } };
}

function report(world, { report_no }) {
  const found = world.state.reports.findLast(({ reportId }) => reportId === report_no) ?? null;
  return { data: found && { report: found }, isEmpty: found === null };
}

/** A clinician is called: once for a serial. */
function criticalAlert(world, body) {
  const earlier = world.state.alerts[body.serial];
  if (earlier && !isDeepStrictEqual(earlier, body)) throw new Refusal('SERIAL_REUSED', '流水号已用于其他内容');
  world.state.alerts[body.serial] = body;
  world.changed();
  return { data: null, isEmpty: true };
}

/** Every operation: what its body must look like, and what it does. */
export const RESULT_OPERATIONS = {
  reports: { shape: object({ card_no: nullable(id), since: nullable(mark) }), run: reports },
  report: { shape: object({ report_no: reportNo }), run: report },
  'critical-alert': {
    shape: object({ serial: id, report_no: reportNo, card_no: nullable(id), since: instant, overdue: literal(true, false) }),
    run: criticalAlert,
  },
};

/** A report goes onto the list, in the words of the desk's own entry for results; `told`: among the changes as well. */
function keepReport(world, { report: kept, told = false }) {
  if (typeof kept?.reportId !== 'string') throw new ShapeError('report.reportId');
  world.state.reports.push(kept);
  if (told) announce(world, { kind: 'reported', report_no: kept.reportId });
  world.changed();
  return { mark: String(world.state.reports.length) };
}

export const RESULT_GETS = { '/control/alerts': (world) => ({ alerts: Object.values(world.state.alerts) }) };
export const RESULT_POSTS = { '/control/sign': signForDesk, '/control/reports': keepReport };
