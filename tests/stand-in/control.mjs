// The control plane of any stand-in: routes of plain functions, and what was wrong with a wish in words.
import { json } from '../wechat/lib/http.mjs';

/** A wish that cannot be granted, with the status that says so. */
export class Wrong extends Error {
  constructor(message, status = 400) {
    super(message);
    this.status = status;
  }
}

export const need = (condition, message, status) => {
  if (!condition) throw new Wrong(message, status);
};

/** The fields of a JSON body; none without a body. */
export const readFields = (bytes) => {
  if (bytes.length === 0) return {};
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new Wrong('the body is not JSON');
  }
};

/** What every stand-in can be told: that it is down, and to forget everything. */
export const setDown = (world, { on = true }) => {
  world.state.down = on;
  world.changed();
  return { faults: world.state.faults, down: world.state.down };
};

export const reset = (world) => {
  world.reset();
  return {};
};

/** Answers one call: GETs get the address, POSTs the fields. */
export function answerRoutes(gets, posts, world, { method, url, bytes }) {
  try {
    const route = (method === 'GET' ? gets : method === 'POST' ? posts : {})[url.pathname];
    need(route, 'no such control', 404);
    return json(route(world, method === 'POST' ? readFields(bytes) : url));
  } catch (error) {
    if (error instanceof Wrong) return json({ error: error.message }, error.status);
    throw error;
  }
}
