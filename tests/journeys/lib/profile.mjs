// The hospital's profile, changed for a journey and put back after it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { advance, settings, staff } from './stack.mjs';

// An instance keeps the profile for a minute, and what it says of the hospital's own system for five, as long as its key.
const PROFILE_AGE_S = 301;
/** The profile as the hospital has it. */
export const PROFILE = JSON.parse(fs.readFileSync(settings.PROFILE_FILE, 'utf8'));

/** The profile with these parts in place of its own, known to everybody when it returns; without any it is as it was. */
export async function putProfile(changes = {}) {
  const answer = await staff('PUT', 'profile', JSON.stringify({ ...PROFILE, ...changes }));
  assert.equal(answer.status, 200, answer.text);
  await advance(PROFILE_AGE_S);
}
