// How a service of a stand-in fails on demand: late, without an answer, before or after the deed.
const STATUS_DROPPED = 502;

/** Answers that are none: the line goes dead at once, or only later. */
export const HANG_UP = Symbol('hang up');
export const HANG = Symbol('hang');

/** Kinds of faults that any service has. */
export const COMMON_KINDS = ['fail_before', 'fail_after', 'timeout_before', 'timeout_after', 'slow', 'refuse'];

const dropped = ({ kind, status = STATUS_DROPPED }) => (kind.startsWith('timeout') ? HANG : { status, headers: {}, body: '' });
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** Runs the deed through a fault, if there is one: before it, after it, or late. */
export async function through(fault, run) {
  if (fault?.kind.endsWith('before')) return dropped(fault);
  if (fault?.kind === 'slow') await pause(fault.ms);
  const answer = await run();
  return fault?.kind.endsWith('after') ? dropped(fault) : answer;
}
