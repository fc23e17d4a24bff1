// Every link of every page leads somewhere: a patient's, and those of each role of the staff. The functions: all with pages.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Staff } from './lib/desk.mjs';
import { Person } from './lib/person.mjs';
import { HOSPITAL, openClinic } from './lib/stack.mjs';

const ROLES = ['nurse', 'registrar', 'doctor', 'quality', 'finance', 'content', 'admin'];
/** Pages that differ only in what they are about are alike. */
const ALIKE_MAX = 3;
const PAGES_MAX = 150;
const FILES = /^\/assets\/|\/export$/;

/** What kind of page an address is: without the names of what it is about. */
const kindOf = ({ pathname }) => pathname.split('/').map((part) => (/[\d_-]|[A-Z]|.{15}/.test(part) ? '*' : part)).join('/');

const linksOf = (text) => [...text.matchAll(/<a\b[^>]*?\shref="([^"]+)"/g)].map(([, href]) => href.replaceAll('&amp;', '&'));

/** Follows the links of a page, and of those they lead to: each that leads nowhere, with the page it stands on. */
async function follow(start, read) {
  const [seen, alike, wrong] = [new Set([start]), new Map(), []];
  const open = [{ where: start, from: 'the start' }];
  while (open.length > 0 && seen.size < PAGES_MAX) {
    const { where, from } = open.shift();
    const answer = await read(where);
    if (answer.status >= 400) wrong.push(`${where} on ${from}: ${answer.status}`);
    for (const href of linksOf(answer.text)) {
      const url = new URL(href, new URL(where, HOSPITAL));
      const next = url.pathname + url.search;
      const kind = kindOf(url) + [...url.searchParams.keys()].join();
      const times = alike.get(kind) ?? 0;
      if (url.origin !== HOSPITAL || seen.has(next) || FILES.test(url.pathname) || times >= ALIKE_MAX) continue;
      alike.set(kind, times + 1);
      seen.add(next);
      open.push({ where: next, from: where });
    }
  }
  return { wrong, seen };
}

test('a patient’s pages lead to pages', async () => {
  const person = await Person.ready('走遍');
  await person.makeCard();
  const where = await openClinic({ name: '走遍科', in_min: 150, numbers: 3 });
  await person.book(where);
  const { wrong, seen } = await follow('/', (path) => person.open(path));
  assert.deepEqual(wrong, []);
  for (const path of ['/booking', '/appointments', '/patients', '/guide']) assert.ok(seen.has(path), `${path} is found`);
});

for (const role of ROLES) {
  test(`the pages of ${role} lead to pages`, async () => {
    const staff = await Staff.signIn(role);
    const read = async (path) => {
      const answer = await staff.get(path, { accept: 'text/html' });
      const to = answer.headers.get('location');
      return to ? staff.get(new URL(to, HOSPITAL).href.slice(HOSPITAL.length), { accept: 'text/html' }) : answer;
    };
    const { wrong, seen } = await follow('/staff', read);
    assert.deepEqual(wrong, []);
    assert.ok(seen.size > 1, [...seen].join());
  });
}
