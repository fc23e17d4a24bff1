// The service: `SendSms` and `PullSmsSendStatusByPhoneNumber` of version 2021-01-11, and failures on demand.
import crypto from 'node:crypto';
import { HANG_UP, through } from '../../stand-in/faults.mjs';
import { json } from '../../wechat/lib/http.mjs';
import { ApiError, authenticate } from './signing.mjs';

const VERSION = '2021-01-11';
const NUMBERS_MAX = 200;
const DAILY_MAX = 10;
const VALUE_CHARS_MAX = 30;
const FIELDS = ['PhoneNumberSet', 'SmsSdkAppId', 'SignName', 'TemplateId', 'TemplateParamSet'];
const REPORT_FIELDS = ['BeginTime', 'EndTime', 'Offset', 'Limit', 'PhoneNumber', 'SmsSdkAppId'];
const REPORTS_MAX = 100;
/** For how long reports can be asked for. */
const REPORTS_S = 7 * 24 * 3600;
const NUMBER = /^\+861[3-9]\d{9}$/;
const DESCRIPTIONS = { SUCCESS: 'DELIVRD', FAIL: 'UNDELIV' };

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
  if (!NUMBER.test(number)) return failed(number, 'InvalidParameterValue.IncorrectPhoneNumber', 'incorrect number');
  if (world.state.blocked.includes(number.slice(3))) return failed(number, 'FailedOperation.PhoneNumberInBlacklist', 'the number is in a blacklist');
  if (world.countToday(number.slice(3)) >= DAILY_MAX) return failed(number, 'LimitExceeded.PhoneNumberDailyLimit', 'too many today');
  const SerialNo = world.take(number.slice(3), template, text);
  return { SerialNo, PhoneNumber: number, Fee: 1, SessionContext: '', Code: 'Ok', Message: 'send success', IsoCode: 'CN' };
}

function sendSms(world, body) {
  need(Array.isArray(body.PhoneNumberSet) && body.PhoneNumberSet.length >= 1 && body.PhoneNumberSet.length <= NUMBERS_MAX, 'InvalidParameterValue', 'PhoneNumberSet');
  need(Array.isArray(body.TemplateParamSet), 'InvalidParameter', 'TemplateParamSet');
  const text = textOf(world, body);
  return respond({ SendStatusSet: body.PhoneNumberSet.map((number) => sendTo(world, number, text)) });
}

/** What the carriers say of the texts of one number; asking takes nothing away. */
function reportsOf(world, { BeginTime, EndTime, Offset, Limit, PhoneNumber }) {
  for (const instant of [BeginTime, EndTime]) need(Number.isInteger(instant), 'InvalidParameter', 'an instant in seconds');
  need(BeginTime >= world.clock.now_s() - REPORTS_S && BeginTime <= EndTime, 'InvalidParameterValue.BeginTimeVerifyFail', 'BeginTime');
  need(Offset === 0, 'InvalidParameterValue', 'Offset is 0');
  need(Number.isInteger(Limit) && Limit >= 1 && Limit <= REPORTS_MAX, 'InvalidParameterValue', 'Limit');
  need(NUMBER.test(PhoneNumber), 'InvalidParameterValue.IncorrectPhoneNumber', 'PhoneNumber');
  const told = world.reports(PhoneNumber.slice(3), BeginTime, EndTime).slice(0, Limit);
  const PullSmsSendStatusSet = told.map(({ serial, at, status }) => ({
    UserReceiveTime: Math.floor(Date.parse(at) / 1000), CountryCode: '86', SubscriberNumber: PhoneNumber.slice(3), PhoneNumber,
    SerialNo: serial, ReportStatus: status, Description: DESCRIPTIONS[status], SessionContext: '',
  }));
  return respond({ PullSmsSendStatusSet });
}

const ACTIONS = {
  SendSms: { fields: FIELDS, run: sendSms },
  PullSmsSendStatusByPhoneNumber: { fields: REPORT_FIELDS, run: reportsOf },
};

function act(world, { headers, bytes }) {
  authenticate(world, { headers, bytes });
  const action = ACTIONS[headers['x-tc-action']];
  need(action, 'InvalidAction', 'action');
  need(headers['x-tc-version'] === VERSION, 'NoSuchVersion', 'version');
  need(headers['x-tc-region'] === world.config.region, 'UnsupportedRegion', 'region');
  const body = parse(bytes);
  for (const name of Object.keys(body)) need(action.fields.includes(name), 'UnknownParameter', name);
  for (const name of action.fields) need(body[name] !== undefined, 'MissingParameter', name);
  need(body.SmsSdkAppId === world.config.sdk_app_id, 'UnauthorizedOperation.SdkAppIdIsDisabled', 'SmsSdkAppId');
  return action.run(world, body);
}

function run(world, call) {
  try {
    return act(world, call);
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
