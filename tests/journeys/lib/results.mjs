// Results as the hospital's laboratories send them: signed by the stand-in HIS, carried by the journey.
import { HOSPITAL, read, settings } from './stack.mjs';

const MINUTE_MS = 60_000;
const CHINA_MS = 8 * 3600_000;

async function signed(path, bytes) {
  const wish = JSON.stringify({ path, body_base64: bytes.toString('base64') });
  const answer = await read(await fetch(`${settings.HIS_CONTROL}/sign`, { method: 'POST', body: wish }));
  if (answer.status !== 200) throw new Error(`HIS control sign: ${answer.text}`);
  return answer.json;
}

/** Sends a body to `hl7v2`, `fhir` or `front-end`; with `headers` in place of the signature. */
export async function sendResults(language, type, body, { headers } = {}) {
  const [path, bytes] = [`/results/${language}`, Buffer.from(body)];
  const all = { 'content-type': type, ...(headers ?? (await signed(path, bytes))) };
  return read(await fetch(HOSPITAL + path, { method: 'POST', headers: all, body: bytes }));
}

/** A signature that can be used again. */
export const signatureOf = (language, body) => signed(`/results/${language}`, Buffer.from(body));

const digits = (at) => new Date(at + CHINA_MS).toISOString().replace(/\D/g, '').slice(0, 14);

/** An ORU^R01 with one item. */
export function oru({ card, name = '', number, at, status = 'F', value = '4.1', flag = 'N', code = 'K^血钾^L' }) {
  const time = digits(at);
  return [
    `MSH|^~\\&|LIS|LAB|DESK|H|${time}||ORU^R01|M-${number}-${status}-${value}|P|2.5||||||UNICODE UTF-8`,
    `PID|1||${card}^^^H^MR||${name}`,
    `OBR|1|O-${number}|${number}|${code}|||${digits(at - 60 * MINUTE_MS)}|||||||||||||||${time}|||${status}`,
    `OBX|1|NM|${code}||${value}|mmol/L|3.5-5.5|${flag}|||${status}`,
    '',
  ].join('\r');
}

/** A SIU about a visit of ours, as the hospital's own system tells of it. */
export function siu({ event, key, card, at, status = '' }) {
  const serial = key.split('-').at(-1);
  return [
    `MSH|^~\\&|HIS|H|DESK|H|${digits(at)}||SIU^${event}^SIU_S12|${event}-${serial}-${status}|P|2.5.1||||||UNICODE UTF-8`,
    `SCH|${serial}|F-${serial}|||||||||||||||||||||||${status}`,
    `PID|1||${card}^^^H^MR`,
    '',
  ].join('\r');
}

/** MSA-1 of an answer. */
export const codeOf = ({ text }) => text.match(/MSA\|(\w\w)\|/)?.[1];
