// What the hospital sends of itself: results, signed by its machine for whoever carries them to the desk.
import crypto from 'node:crypto';
import { signRequest } from './signing.mjs';

const NONCE_BYTES = 16;

/** Headers for a body (base64) posted to a path of the desk. */
export function signForDesk(world, { path, body_base64 = '' }) {
  const { app_id, key } = world.config;
  const [timestamp, nonce] = [world.clock.now_s(), crypto.randomBytes(NONCE_BYTES).toString('hex')];
  const bytes = Buffer.from(body_base64, 'base64');
  const signature = signRequest(key, { method: 'POST', target: path, timestamp, nonce, bytes });
  return { 'x-his-app': app_id, 'x-his-timestamp': String(timestamp), 'x-his-nonce': nonce, 'x-his-signature': signature };
}
