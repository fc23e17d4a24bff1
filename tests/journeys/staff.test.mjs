// What staff and the hospital's machines do: console.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { Person, free } from './lib/person.mjs';
import { HOSPITAL, advance, civilDate, importCsv, now, openClinic, openDepartment, read, refundsOf, staff, tick, until } from './lib/stack.mjs';

const RESTS_AT_MOST_S = 31 * 60;
const DEPARTMENTS = '科室编码,科室名称,位置,科室介绍,院区';
const SCHEDULES = '日期,科室编码,医生编码,时段,开始时间,结束时间,每半小时号数,挂号费,诊室,院区,号别';
const dryRun = (kind, rows) => staff('POST', `import/${kind}?dry_run=true`, rows.join('\n'), { type: 'text/csv; charset=utf-8' });

test('a dry run says what would be done and does nothing', async () => {
  const rows = [DEPARTMENTS, 'DRYRUN,试运行科,1 层,不写入。,主院区'];
  const answer = await dryRun('departments', rows);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json.dry_run, true);
  assert.equal(answer.json.items.new, 1, answer.text);
  const again = await dryRun('departments', rows);
  assert.equal(again.json.items.new, 1, 'still new: nothing was written');
});

test('every mistake is named by its line, and nothing is written', async () => {
  const answer = await importCsv('departments', [DEPARTMENTS, 'OKAY,好的科,1 层,好。,主院区', ',没有编码,1 层,坏。,主院区', 'OKAY,重复,1 层,坏。,主院区']);
  assert.equal(answer.status, 422);
  assert.equal(answer.json.error.code, 'import_errors');
  assert.deepEqual([...new Set(answer.json.errors.map(({ line }) => line))].sort(), [3, 4]);
  assert.ok(answer.json.errors.every(({ code, text }) => /^[a-z_]+$/.test(code) && /^第 \d+ 行/.test(text)), answer.text);
  assert.equal((await read(await fetch(`${HOSPITAL}/departments/OKAY`))).status, 404);
});

test('a file from an old Excel is read, and read again changes nothing', async () => {
  const code = await openDepartment('老表格');
  const date = civilDate(await now(), 3);
  const text = [SCHEDULES, `${date},${code},,上午,8:00,12:00,4,10,902 诊室,主院区,普通`].join('\r\n');
  const bytes = execFileSync('iconv', ['-f', 'UTF-8', '-t', 'GB18030'], { input: text });
  const send = () => staff('POST', 'import/schedules', bytes, { type: 'application/octet-stream' });
  const first = await send();
  assert.equal(first.status, 200, first.text);
  assert.equal(first.json.items.new, 1, first.text);
  assert.equal(first.json.slots.new, 8, first.text);
  const second = await send();
  assert.equal(second.json.items.unchanged, 1, second.text);
  assert.equal(second.json.slots.unchanged, 8, second.text);
  const shown = await read(await fetch(`${HOSPITAL}/booking/${code}?date=${date}`, { headers: { accept: 'application/json' } }));
  assert.equal(shown.json.clinics[0].room, '902 诊室');
});

test('a token that is none, and one that is missing', async () => {
  for (const token of ['', 'not-a-token']) {
    const answer = await staff('POST', 'import/departments', DEPARTMENTS, { type: 'text/csv', token });
    assert.equal(answer.status, 401);
    assert.equal(answer.json.error.code, 'staff_token_required');
  }
});

test('what has been booked survives a new timetable', async () => {
  const where = await openClinic({ name: '改表门诊', numbers: 2 });
  const person = await Person.ready('不变');
  const key = await person.book(where);
  const again = await openClinic({ department: where.department, numbers: 5 });
  assert.equal(again.clinic, where.clinic);
  assert.equal((await person.appointment(key)).state, 'booked');
  const seen = await staff('GET', `clinics/${where.clinic}`);
  assert.equal(seen.status, 200);
  assert.doesNotMatch(seen.text, /不变/, 'names are masked');
});

test('the window looks an appointment up and cancels it', async () => {
  const where = await openClinic({ name: '窗口门诊', in_min: 150, numbers: 1 });
  const person = await Person.ready('窗口');
  const key = await person.book(where);
  const found = await staff('GET', `appointments/${key}`);
  assert.equal(found.status, 200, found.text);
  const cancelled = await staff('POST', `appointments/${key}/cancel`, JSON.stringify({ by: 'window', reason: 'patient_asked' }));
  assert.equal(cancelled.status, 200, cancelled.text);
  assert.equal((await person.appointment(key)).state, 'cancelled');
  await until('the money is back', async () => {
    await tick();
    return (await refundsOf(key))[0]?.status === 'SUCCESS';
  });
  // It rests, so that nobody can hand it over; then it is anybody's.
  await advance(RESTS_AT_MOST_S);
  await person.signIn();
  await until('the number is free', async () => {
    await tick();
    return (await free(person, where)) === 1;
  });
  await person.notice('cancelled');
});

test('a profile with mistakes is refused with all of them', async () => {
  const answer = await staff('PUT', 'profile', JSON.stringify({ name: '' }));
  assert.equal(answer.status, 422, answer.text);
  assert.equal(answer.json.error.code, 'profile_errors');
  assert.ok(answer.json.errors.length >= 1);
});
