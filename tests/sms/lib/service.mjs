// The service: `SendSms` of version 2021-01-11, and failures on demand.
import crypto from 'node:crypto';
import { HANG_UP, through } from '../../stand-in/faults.mjs';
import { json } from '../../wechat/lib/http.mjs';
import { ApiError, authenticate } from './signing.mjs';

const ACTION = 'SendSms';
const VERSION = '2021-01-11';
const NUMBERS_MAX = 200;
const DAILY_MAX = 10;
const VALUE_CHARS_MAX = 30;
const FIELDS = ['PhoneNumberSet', 'SmsSdkAppId', 'SignName', 'TemplateId', 'TemplateParamSet'];

const respond = (content) => json({ Response: { ...content, RequestId: crypto.randomUUID() } });
const refuse = (error) => respond({ Error: { Code: error.code, Message: error.message } });

const need = (condition, code, message) => {
  if (!condition) throw new ApiError(code, message);
};

function parse(bytes) {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new ApiError('InvalidParameter', 'the body is not JSON');
  }
}

/** The approved text with the values filled in. */
function textOf(world, { SignName, TemplateId, TemplateParamSet }) {
  need(SignName === world.config.signature, 'FailedOperation.SignatureIncorrectOrUnapproved', 'signature');
  const template = world.config.templates.find(({ id }) => id === TemplateId);
  need(template, 'FailedOperation.TemplateIncorrectOrUnapproved', 'template');
  const variables = new Set(template.text.match(/\{\d+\}/g)).size;
  need(TemplateParamSet.length === variables, 'FailedOperation.TemplateParamSetNotMatchApprovedTemplate', 'number of values');
  for (const value of TemplateParamSet) {
    need(typeof value === 'string' && value !== '' && [...value].length <= VALUE_CHARS_MAX && !/[\r\n]/.test(value), 'InvalidParameterValue.TemplateParameterFormatError', 'value');
  }
  const filled = TemplateParamSet.reduce((text, value, index) => text.replaceAll(`{${index + 1}}`, value), template.text);
  return { template: template.name, text: `【${SignName}】${filled}` };
}

const failed = (number, code, message) => ({ SerialNo: '', PhoneNumber: number, Fee: 0, SessionContext: '', Code: code, Message: message, IsoCode: '' });

/** One number of a call: each is taken or refused by itself. */
function sendTo(world, number, { template, text }) {
  if (!/^\+861[3-9]\d{9}$/.test(number)) return failed(number, 'InvalidParameterValue.IncorrectPhoneNumber', 'incorrect number');
  if (world.state.blocked.includes(number.slice(3))) return failed(number, 'FailedOperation.PhoneNumberInBlacklist', 'the number is in a blacklist');
  if (world.countToday(number.slice(3)) >= DAILY_MAX) return failed(number, 'LimitExceeded.PhoneNumberDailyLimit', 'too many today');
  const SerialNo = world.take(number.slice(3), template, text);
  return { SerialNo, PhoneNumber: number, Fee: 1, SessionContext: '', Code: 'Ok', Message: 'send success', IsoCode: 'CN' };
}

function sendSms(world, { headers, bytes }) {
  authenticate(world, { headers, bytes });
  need(headers['x-tc-action'] === ACTION, 'InvalidAction', 'action');
  need(headers['x-tc-version'] === VERSION, 'NoSuchVersion', 'version');
  need(headers['x-tc-region'] === world.config.region, 'UnsupportedRegion', 'region');
  const body = parse(bytes);
  for (const name of Object.keys(body)) need(FIELDS.includes(name), 'UnknownParameter', name);
  for (const name of FIELDS) need(body[name] !== undefined, 'MissingParameter', name);
  need(body.SmsSdkAppId === world.config.sdk_app_id, 'UnauthorizedOperation.SdkAppIdIsDisabled', 'SmsSdkAppId');
  need(Array.isArray(body.PhoneNumberSet) && body.PhoneNumberSet.length >= 1 && body.PhoneNumberSet.length <= NUMBERS_MAX, 'InvalidParameterValue', 'PhoneNumberSet');
  need(Array.isArray(body.TemplateParamSet), 'InvalidParameter', 'TemplateParamSet');
  const text = textOf(world, body);
  return respond({ SendStatusSet: body.PhoneNumberSet.map((number) => sendTo(world, number, text)) });
}

function run(world, call) {
  try {
    return sendSms(world, call);
  } catch (error) {
    if (error instanceof ApiError) return refuse(error);
    throw error;
  }
}

/** Answers one call, or says how to leave it without an answer. */
export async function answerService(world, call) {
  if (world.state.down) return HANG_UP;
  const fault = world.useFault(() => true);
  if (fault?.kind === 'refuse') return refuse(new ApiError(fault.code, 'as wished'));
  return through(fault, () => run(world, call));
}
