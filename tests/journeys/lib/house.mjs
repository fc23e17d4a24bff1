// The routes of every function, read from its source.
import fs from 'node:fs';
import path from 'node:path';
import { ROOT } from './stack.mjs';

const rustFiles = (name) => fs.readdirSync(path.join(ROOT, 'functions', name, 'src'), { recursive: true }).filter((file) => file.endsWith('.rs'));
const CONSTANTS = { 'payments::NOTIFY_PATH': '/pay/notify' };

export const functions = fs.readdirSync(path.join(ROOT, 'functions')).sort();

/** `{name, method, path, access, scope}` of every route: access is Public, Account, Staff (within a scope) or Signed. */
export function routes() {
  return functions.flatMap((name) => {
    const text = rustFiles(name).map((file) => fs.readFileSync(path.join(ROOT, 'functions', name, 'src', file), 'utf8')).join('\n');
    const table = /\bROUTES\b[^;]*;\s*\d+\]\s*=\s*\[([\s\S]*?)\];/.exec(text)?.[1] ?? '';
    return [...table.matchAll(/Method::([A-Z]+),\s*path:\s*([^,]+),\s*access:\s*Access::(\w+)(?:\(Scope::(\w+)\))?/g)].map(([, method, where, access, scope]) => ({
      name, method, access, scope, path: CONSTANTS[where.trim()] ?? where.trim().slice(1, -1),
    }));
  });
}

/** A path with its parameters replaced. */
export const fill = (where, values) => where.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? 'nothing');
