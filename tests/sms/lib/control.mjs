// The control plane: what a test tells the stand-in to do, and what it asks.
import { answerRoutes, need, reset, setDown } from '../../stand-in/control.mjs';
import { COMMON_KINDS } from '../../stand-in/faults.mjs';

const showFaults = ({ state }) => ({ faults: state.faults, down: state.down, blocked: state.blocked });

function setFaults(world, body) {
  if (body.clear) Object.assign(world.state, { faults: [], down: false });
  if (body.kind !== undefined) {
    need(COMMON_KINDS.includes(body.kind), `kind is one of ${COMMON_KINDS.join(', ')}`);
    need(body.kind !== 'slow' || Number.isInteger(body.ms), 'slow needs ms');
    need(body.kind !== 'refuse' || typeof body.code === 'string', 'refuse needs code');
    world.addFault(body);
  }
  world.changed();
  return showFaults(world);
}

/** A number whose owner wants no SMS, or does again. */
function block(world, { phone, on = true }) {
  need(/^1[3-9]\d{9}$/.test(phone ?? ''), 'phone is eleven digits');
  world.state.blocked = [...world.state.blocked.filter((one) => one !== phone), ...(on ? [phone] : [])];
  world.changed();
  return showFaults(world);
}

/** What becomes of texts to a number from now on: they arrive, they do not, or nobody says so. */
function setDelivery(world, { phone, status }) {
  need(/^1[3-9]\d{9}$/.test(phone ?? ''), 'phone is eleven digits');
  need(['SUCCESS', 'FAIL', 'NONE'].includes(status), 'status is SUCCESS, FAIL or NONE');
  world.state.delivery[phone] = status;
  world.changed();
  return { delivery: world.state.delivery };
}

const GETS = {
  '/control/messages': ({ state }, url) => {
    const phone = url.searchParams.get('phone');
    return { messages: state.messages.filter((message) => !phone || message.phone === phone) };
  },
  '/control/calls': ({ calls }) => ({ calls }),
  '/control/faults': showFaults,
  '/control/clock': (world) => ({ now: world.now() }),
};

const POSTS = {
  '/control/faults': setFaults,
  '/control/down': setDown,
  '/control/block': block,
  '/control/delivery': setDelivery,
  '/control/reset': reset,
};

/** Answers one call of the control plane. */
export const answerControl = (world, call) => answerRoutes(GETS, POSTS, world, call);
