// The control plane: what a test tells the stand-in to do, and what it asks.
import { json } from '../../wechat/lib/http.mjs';

const FAULT_KINDS = ['refuse', 'slow', 'fail_before', 'fail_after', 'timeout_before', 'timeout_after'];

class Wrong extends Error {
  constructor(message, status = 400) {
    super(message);
    this.status = status;
  }
}

const need = (condition, message, status) => {
  if (!condition) throw new Wrong(message, status);
};

const showFaults = ({ state }) => ({ faults: state.faults, down: state.down, blocked: state.blocked });

function setFaults(world, body) {
  if (body.clear) Object.assign(world.state, { faults: [], down: false });
  if (body.kind !== undefined) {
    need(FAULT_KINDS.includes(body.kind), `kind is one of ${FAULT_KINDS.join(', ')}`);
    need(body.kind !== 'slow' || Number.isInteger(body.ms), 'slow needs ms');
    need(body.kind !== 'refuse' || typeof body.code === 'string', 'refuse needs code');
    world.addFault(body);
  }
  world.changed();
  return showFaults(world);
}

function setDown(world, { on = true }) {
  world.state.down = on;
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
  '/control/reset': (world) => { world.reset(); return {}; },
};

const readBody = (bytes) => {
  try {
    return bytes.length === 0 ? {} : JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new Wrong('the body is not JSON');
  }
};

/** Answers one call of the control plane. */
export function answerControl(world, { method, url, bytes }) {
  try {
    const route = (method === 'GET' ? GETS : method === 'POST' ? POSTS : {})[url.pathname];
    need(route, 'no such control', 404);
    return json(route(world, method === 'POST' ? readBody(bytes) : url));
  } catch (error) {
    if (error instanceof Wrong) return json({ error: error.message }, error.status);
    throw error;
  }
}
