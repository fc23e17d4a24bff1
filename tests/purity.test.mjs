// What must not be there: I/O in the domain, a movable clock in a release build, features that drag in a second TLS stack.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const tree = (crate) => execFileSync('cargo', ['tree', '--locked', '--package', crate, '--edges', 'normal', '--prefix', 'none'], { cwd: ROOT, encoding: 'utf8' });

test('the domain reaches no I/O', () => {
  const names = new Set(tree('domain').split('\n').map((line) => line.split(' ')[0]));
  for (const forbidden of ['tokio', 'reqwest', 'hyper', 'aws-config', 'aws-sdk-dynamodb', 'lambda_runtime', 'rand', 'getrandom', 'uuid']) {
    assert.ok(!names.has(forbidden), `domain depends on ${forbidden}`);
  }
  assert.ok(names.has('jiff'), 'the tree was read');
});

test('pages and protocol know nothing of the table', () => {
  for (const crate of ['web', 'wechat', 'his']) assert.ok(!/^(aws-sdk|store|runtime) /m.test(tree(crate)), crate);
});

test('a release build with the movable clock does not compile', () => {
  const compile = (...flags) => {
    const source = path.join(ROOT, 'shared/runtime/src/clock.rs');
    const args = ['--edition', '2024', '--crate-type', 'lib', '--out-dir', os.tmpdir(), ...flags, source];
    return spawnSync('rustc', args, { encoding: 'utf8' }).stderr;
  };
  const refusal = /movable-clock is for local builds only/;
  const feature = ['--cfg', 'feature="movable-clock"'];
  assert.match(compile(...feature, '-C', 'debug-assertions=off'), refusal);
  assert.doesNotMatch(compile(...feature, '-C', 'debug-assertions=on'), refusal);
  assert.doesNotMatch(compile('-C', 'debug-assertions=off'), refusal);
});
