// WeChat Pay API v3 for a direct merchant: JSAPI orders and refunds.
import { isDeepStrictEqual } from 'node:util';
import { BILL_KEPT_MS, billReadyMs, dayStartMs, isBillDay, takeBill, writeBill } from './bill.mjs';
import { empty, json } from './http.mjs';
import { randomDigits, randomHex, requestText, responseText, rsaSign, rsaVerify, randomText } from './crypto.mjs';
import { chinaTime } from './world.mjs';

const SIGNATURE_WINDOW_S = 300;
const PREPAY_LIFE_S = 7200;
const TIME_EXPIRE_MINIMUM_S = 60;
const TIME_EXPIRE_LIMIT_S = 90 * 86_400;
const REFUND_WITHIN_S = 365 * 86_400;
const REFUNDS_PER_ORDER = 50;
const REFUNDS_APART_S = 60;
const SCHEME = 'WECHATPAY2-SHA256-RSA2048 ';

const NUMBER_UNKNOWN_FIELD = 270924358;
const NUMBER_CHANGED = 268498688;
const NUMBER_PAID = 268449538;
const NUMBER_NO_ORDER = 268512771;
const NUMBER_SIGNATURE = 268443699;
const NUMBER_APP = 268445527;
const NUMBER_OPENID = 268501013;
const NUMBER_OTHER = 268435456;

class PayError extends Error {
  constructor(status, code, message, number = NUMBER_OTHER) {
    super(message);
    Object.assign(this, { status, code, number });
  }
}

const require = (condition, ...error) => {
  if (!condition) throw new PayError(...error);
};
const badParameter = (name, why, number) => new PayError(400, 'PARAM_ERROR', `输入源“/body/${name}”${why}`, number);

// Field rules ---------------------------------------------------------------------------------

const text = (limit_bytes, pattern) => (value) =>
  typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= limit_bytes && (!pattern || pattern.test(value));
const whole = (minimum) => (value) => Number.isSafeInteger(value) && value >= minimum;
const flag = (value) => typeof value === 'boolean';
const list = (value) => Array.isArray(value) && value.length > 0;
const required = (check) => ({ check, required: true });
const optional = (check) => ({ check, required: false });

/** Loopback may be plain HTTP, since the whole stack of one machine is; everything else must be https. */
function notifyUrl(limit_bytes) {
  return (value) => {
    if (typeof value !== 'string' || Buffer.byteLength(value) > limit_bytes || !URL.canParse(value)) return false;
    const url = new URL(value);
    const local = url.hostname === '127.0.0.1' || url.hostname === 'localhost' || url.hostname.endsWith('.localhost');
    return (url.protocol === 'https:' || (local && url.protocol === 'http:')) && url.search === '' && !value.includes('?');
  };
}

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\+08:00$/;

const ORDER_RULES = {
  appid: required(text(32)),
  mchid: required(text(32)),
  description: required(text(127)),
  out_trade_no: required(text(32, /^[0-9A-Za-z_\-|*]{6,32}$/)),
  time_expire: optional((value) => typeof value === 'string' && TIME.test(value) && !Number.isNaN(Date.parse(value))),
  attach: optional(text(128)),
  notify_url: required(notifyUrl(255)),
  goods_tag: optional(text(32)),
  support_fapiao: optional(flag),
  amount: required({ total: required(whole(1)), currency: optional((value) => value === 'CNY') }),
  payer: required({ openid: required(text(128)) }),
  detail: optional({ cost_price: optional(whole(0)), invoice_id: optional(text(32)), goods_detail: optional(list) }),
  scene_info: optional({ payer_client_ip: required(text(45)), device_id: optional(text(32)), store_info: optional((value) => typeof value === 'object') }),
  settle_info: optional({ profit_sharing: optional(flag) }),
  limit_pay: optional(list),
};

const REFUND_RULES = {
  transaction_id: optional(text(32)),
  out_trade_no: optional(text(32, /^[0-9A-Za-z_\-|*]{6,32}$/)),
  out_refund_no: required(text(64, /^[0-9A-Za-z_\-|*@]{1,64}$/)),
  reason: optional(text(80)),
  notify_url: optional(notifyUrl(256)),
  funds_account: optional((value) => ['AVAILABLE', 'UNSETTLED'].includes(value)),
  amount: required({ refund: required(whole(1)), total: required(whole(1)), currency: required((value) => value === 'CNY'), from: optional(list) }),
  goods_detail: optional(list),
};

const CLOSE_RULES = { mchid: required(text(32)) };

function checkFields(rules, body, at = '') {
  require(body !== null && typeof body === 'object' && !Array.isArray(body), 400, 'PARAM_ERROR', '请求体不是 JSON 对象');
  for (const name of Object.keys(body)) {
    if (!(name in rules)) throw badParameter(at + name, '未知的参数', NUMBER_UNKNOWN_FIELD);
    if (body[name] === null) throw badParameter(at + name, '值不能为 null', NUMBER_UNKNOWN_FIELD);
  }
  for (const [name, rule] of Object.entries(rules)) {
    const value = body[name];
    if (value === undefined) {
      if (rule.required) throw badParameter(at + name, '必填参数缺失');
    } else if (typeof rule.check === 'object') checkFields(rule.check, value, `${at}${name}/`);
    else if (!rule.check(value)) throw badParameter(at + name, '值不符合规则');
  }
}

// Orders --------------------------------------------------------------------------------------

function checkMerchant(world, mchid) {
  require(mchid === world.config.mch_id, 400, 'PARAM_ERROR', '商户号与签名商户号不一致', NUMBER_APP);
}

function findOrder(world, out_trade_no) {
  const order = world.state.orders[out_trade_no];
  require(order, 404, 'ORDER_NOT_EXIST', '订单不存在', NUMBER_NO_ORDER);
  return order;
}

function checkReentry(order, body) {
  require(order.state !== 'SUCCESS' && order.state !== 'REFUND', 400, 'ORDERPAID', '该订单已支付', NUMBER_PAID);
  require(order.state !== 'CLOSED', 400, 'ORDER_CLOSED', '订单已关闭');
  require(isDeepStrictEqual(order.body, body), 400, 'INVALID_REQUEST', '请求重入时，参数与首次请求时不一致', NUMBER_CHANGED);
}

/** When paying ends: at least a minute ahead, whatever was asked. */
function payUntil(body, now_s) {
  if (body.time_expire === undefined) return null;
  const asked_s = Math.floor(Date.parse(body.time_expire) / 1000);
  if (asked_s - now_s > TIME_EXPIRE_LIMIT_S) throw badParameter('time_expire', '超过 90 天');
  return Math.max(asked_s, now_s + TIME_EXPIRE_MINIMUM_S);
}

function prepay(world, { body }) {
  checkFields(ORDER_RULES, body);
  checkMerchant(world, body.mchid);
  require(body.appid === world.config.app_id, 400, 'APPID_MCHID_NOT_MATCH', 'appid和mch_id不匹配', NUMBER_APP);
  const payer = world.personByOpenid(body.payer.openid);
  require(payer, 400, 'OPENID_MISMATCH', 'openid和appid不匹配', NUMBER_OPENID);
  const now_s = world.clock.now_s();
  const known = world.state.orders[body.out_trade_no];
  if (known) checkReentry(known, body);
  else {
    world.state.orders[body.out_trade_no] = { body, payer: payer.id, state: 'NOTPAY', created_s: now_s, pay_until_s: payUntil(body, now_s), notified: false };
  }
  const prepay_id = `wx${chinaTime(world.clock.now_ms()).replace(/\D/g, '').slice(0, 14)}${randomHex(10)}0000`;
  world.state.prepays[prepay_id] = { out_trade_no: body.out_trade_no, until_s: now_s + PREPAY_LIFE_S };
  return json({ prepay_id });
}

const STATE_WORDS = { SUCCESS: '支付成功', REFUND: '转入退款', NOTPAY: '订单未支付', CLOSED: '订单已关闭' };

/** An order as queries and notifications tell it. */
export function describeOrder(world, order) {
  const { body } = order;
  const paid = order.transaction_id !== undefined;
  return {
    appid: body.appid,
    mchid: body.mchid,
    out_trade_no: body.out_trade_no,
    trade_state: order.state,
    trade_state_desc: STATE_WORDS[order.state],
    promotion_detail: [],
    ...(body.scene_info ? { scene_info: { device_id: body.scene_info.device_id ?? '' } } : {}),
    ...(paid
      ? {
          transaction_id: order.transaction_id,
          trade_type: 'JSAPI',
          bank_type: 'OTHERS',
          attach: body.attach ?? '',
          success_time: order.success_time,
          payer: { openid: body.payer.openid },
          amount: { total: body.amount.total, payer_total: order.payer_total, currency: 'CNY', payer_currency: 'CNY' },
        }
      : { payer: {}, amount: { total: body.amount.total, currency: 'CNY' } }),
  };
}

function queryByNumber(world, { params, query }) {
  require(query.get('mchid') === world.config.mch_id, 404, 'ORDER_NOT_EXIST', '订单不存在', NUMBER_NO_ORDER);
  return json(describeOrder(world, findOrder(world, params[0])));
}

function queryById(world, { params, query }) {
  require(query.get('mchid') === world.config.mch_id, 404, 'ORDER_NOT_EXIST', '订单不存在', NUMBER_NO_ORDER);
  const order = Object.values(world.state.orders).find((entry) => entry.transaction_id === params[0]);
  require(order, 404, 'ORDER_NOT_EXIST', '订单不存在', NUMBER_NO_ORDER);
  return json(describeOrder(world, order));
}

function close(world, { params, body }) {
  checkFields(CLOSE_RULES, body);
  checkMerchant(world, body.mchid);
  const order = findOrder(world, params[0]);
  require(order.transaction_id === undefined, 400, 'ORDERPAID', '该订单已支付', NUMBER_PAID);
  order.state = 'CLOSED';
  return empty();
}

// Refunds -------------------------------------------------------------------------------------

const refundsOf = (world, out_trade_no) => Object.values(world.state.refunds).filter((refund) => refund.out_trade_no === out_trade_no);

function describeRefund(order, refund) {
  const { amount, reason } = refund.body;
  return {
    refund_id: refund.refund_id,
    out_refund_no: refund.body.out_refund_no,
    transaction_id: order.transaction_id,
    out_trade_no: order.body.out_trade_no,
    channel: 'ORIGINAL',
    user_received_account: '支付用户零钱',
    ...(refund.success_time ? { success_time: refund.success_time } : {}),
    create_time: refund.create_time,
    status: refund.status,
    funds_account: refund.body.funds_account ?? 'UNSETTLED',
    ...(reason ? { reason } : {}),
    amount: {
      total: amount.total,
      refund: amount.refund,
      payer_total: order.payer_total,
      payer_refund: amount.refund,
      settlement_refund: amount.refund,
      settlement_total: amount.total,
      discount_refund: 0,
      currency: 'CNY',
    },
    promotion_detail: [],
  };
}

function refundOrder(world, body) {
  require((body.transaction_id === undefined) !== (body.out_trade_no === undefined), 400, 'PARAM_ERROR', 'transaction_id 与 out_trade_no 必须且只能填一个');
  const order = body.out_trade_no
    ? world.state.orders[body.out_trade_no]
    : Object.values(world.state.orders).find((entry) => entry.transaction_id === body.transaction_id);
  require(order, 404, 'RESOURCE_NOT_EXISTS', '订单不存在', NUMBER_NO_ORDER);
  return order;
}

function checkRefundable(world, order, body) {
  const now_s = world.clock.now_s();
  const earlier = refundsOf(world, order.body.out_trade_no);
  const given = earlier.filter((refund) => refund.status !== 'CLOSED').reduce((sum, refund) => sum + refund.body.amount.refund, 0);
  require(order.transaction_id !== undefined, 400, 'INVALID_REQUEST', '订单未支付，不能退款');
  require(body.amount.total === order.body.amount.total, 400, 'INVALID_REQUEST', '订单金额与支付时不一致');
  require(now_s - order.paid_s <= REFUND_WITHIN_S, 403, 'RULE_LIMIT', '订单已超过可退款期限');
  require(earlier.length < REFUNDS_PER_ORDER, 403, 'RULE_LIMIT', '部分退款次数超过上限');
  require(given + body.amount.refund <= order.body.amount.total, 400, 'INVALID_REQUEST', '退款金额大于可退金额');
  require(earlier.every((refund) => now_s - refund.created_s >= REFUNDS_APART_S), 429, 'FREQUENCY_LIMITED', '同一订单退款间隔不足 1 分钟');
}

function refund(world, { body }) {
  checkFields(REFUND_RULES, body);
  const order = refundOrder(world, body);
  const known = world.state.refunds[body.out_refund_no];
  if (known) {
    require(isDeepStrictEqual(known.body, body), 400, 'INVALID_REQUEST', '请求重入时，参数与首次请求时不一致', NUMBER_CHANGED);
    return json(describeRefund(order, known));
  }
  checkRefundable(world, order, body);
  const now_ms = world.clock.now_ms();
  const entry = {
    body,
    out_trade_no: order.body.out_trade_no,
    refund_id: `5030${randomDigits(25)}`,
    status: 'PROCESSING',
    created_s: Math.floor(now_ms / 1000),
    create_time: chinaTime(now_ms),
  };
  world.state.refunds[body.out_refund_no] = entry;
  order.state = 'REFUND';
  world.schedule('refund', world.options.refundDelayS, { out_refund_no: body.out_refund_no });
  return json(describeRefund(order, entry));
}

function queryRefund(world, { params }) {
  const entry = world.state.refunds[params[0]];
  require(entry, 404, 'RESOURCE_NOT_EXISTS', '退款单不存在', NUMBER_NO_ORDER);
  return json(describeRefund(world.state.orders[entry.out_trade_no], entry));
}

/** Ends a refund that was being processed: success, unless a fault says `abnormal` or `closed`. */
function settleRefund(world, notify, { out_refund_no }) {
  const entry = world.state.refunds[out_refund_no];
  if (!entry || entry.status !== 'PROCESSING') return;
  const order = world.state.orders[entry.out_trade_no];
  const fault = world.takeFault('refund', ['abnormal', 'closed']);
  entry.status = fault ? fault.kind.toUpperCase() : 'SUCCESS';
  if (entry.status === 'SUCCESS') {
    entry.success_time = chinaTime(world.clock.now_ms());
    const payer = world.person(order.payer);
    if (payer) world.say(payer, { from: 'pay', kind: 'receipt', title: '退款到账通知', fen: entry.body.amount.refund, note: entry.body.reason ?? order.body.description });
  }
  const url = entry.body.notify_url ?? order.body.notify_url;
  const { user_received_account, success_time } = describeRefund(order, entry);
  notify({
    url,
    event_type: `REFUND.${entry.status}`,
    original_type: 'refund',
    summary: { SUCCESS: '退款成功', ABNORMAL: '退款异常', CLOSED: '退款关闭' }[entry.status],
    resource: {
      mchid: order.body.mchid,
      out_trade_no: order.body.out_trade_no,
      transaction_id: order.transaction_id,
      out_refund_no,
      refund_id: entry.refund_id,
      refund_status: entry.status,
      ...(success_time ? { success_time } : {}),
      user_received_account,
      amount: { total: entry.body.amount.total, refund: entry.body.amount.refund, payer_total: order.payer_total, payer_refund: entry.body.amount.refund },
    },
  });
  world.changed();
}

/** The merchant's people have paid an abnormal refund out on WeChat's platform, to another card. True if there was one. */
export function returnAbnormal(world, out_refund_no) {
  const entry = world.state.refunds[out_refund_no];
  if (entry?.status !== 'ABNORMAL') return false;
  Object.assign(entry, { status: 'SUCCESS', success_time: chinaTime(world.clock.now_ms()) });
  world.changed();
  return true;
}

export function startRefunds(world, notify) {
  world.onTask('refund', (data) => settleRefund(world, notify, data));
}

// Bills ---------------------------------------------------------------------------------------

/** Where the bill of a day is: `{hash, token}` from bill.mjs, which knows the books. */
function tradeBill(world, { query, host }) {
  const [day, type, packing] = ['bill_date', 'bill_type', 'tar_type'].map((name) => query.get(name));
  require(isBillDay(day), 400, 'PARAM_ERROR', '账单日期格式有误');
  require((type ?? 'ALL') === 'ALL', 400, 'PARAM_ERROR', '这里只有 ALL 账单');
  require(packing === null || packing === 'GZIP', 400, 'PARAM_ERROR', '压缩类型有误');
  const now_ms = world.clock.now_ms();
  require(dayStartMs(day) <= now_ms, 400, 'INVALID_REQUEST', '账单日期未到');
  require(now_ms - billReadyMs(day) <= BILL_KEPT_MS, 400, 'INVALID_REQUEST', '仅支持三个月内的账单');
  require(billReadyMs(day) <= now_ms, 400, 'STATEMENT_CREATING', '账单生成中');
  const bill = writeBill(world, day, packing === 'GZIP');
  require(bill, 400, 'NO_STATEMENT_EXIST', '账单文件不存在');
  return json({ hash_type: 'SHA1', hash_value: bill.hash, download_url: `http://${host}/v3/billdownload/file?token=${bill.token}` });
}

function downloadBill(world, { query }) {
  const bytes = takeBill(world, query.get('token'));
  require(bytes, 404, 'RESOURCE_NOT_EXISTS', '下载地址不存在或已过期');
  return { status: 200, headers: { 'content-type': 'application/octet-stream' }, body: bytes, isFile: true };
}

// Requests and answers ------------------------------------------------------------------------

const ROUTES = [
  ['POST', /^\/v3\/pay\/transactions\/jsapi$/, prepay],
  ['GET', /^\/v3\/pay\/transactions\/out-trade-no\/([^/]+)$/, queryByNumber],
  ['GET', /^\/v3\/pay\/transactions\/id\/([^/]+)$/, queryById],
  ['POST', /^\/v3\/pay\/transactions\/out-trade-no\/([^/]+)\/close$/, close],
  ['POST', /^\/v3\/refund\/domestic\/refunds$/, refund],
  ['GET', /^\/v3\/refund\/domestic\/refunds\/([^/]+)$/, queryRefund],
  ['GET', /^\/v3\/bill\/tradebill$/, tradeBill],
  ['GET', /^\/v3\/billdownload\/file$/, downloadBill],
];

/** The parts of the Authorization header, in any order. */
function readAuthorization(header) {
  require(header?.startsWith(SCHEME), 401, 'SIGN_ERROR', 'Http头缺少Authorization或认证类型不正确', NUMBER_SIGNATURE);
  const parts = {};
  for (const part of header.slice(SCHEME.length).split(',')) {
    const match = /^\s*(mchid|nonce_str|timestamp|serial_no|signature)="([^"]*)"\s*$/.exec(part);
    require(match && !(match[1] in parts), 401, 'SIGN_ERROR', 'Authorization不正确，请检查', NUMBER_SIGNATURE);
    parts[match[1]] = match[2];
  }
  require(Object.keys(parts).length === 5, 401, 'SIGN_ERROR', 'Authorization不正确，请检查', NUMBER_SIGNATURE);
  return parts;
}

function checkSignature(world, { method, target, headers, bytes }) {
  const { mchid, nonce_str, timestamp, serial_no, signature } = readAuthorization(headers.authorization);
  require(mchid === world.config.mch_id, 401, 'SIGN_ERROR', '商户号不正确', NUMBER_SIGNATURE);
  const key = world.keys.merchant.find(({ serial }) => serial === serial_no);
  require(key, 401, 'SIGN_ERROR', '商户证书序列号有误', NUMBER_SIGNATURE);
  require(nonce_str.length >= 1 && nonce_str.length <= 32, 401, 'SIGN_ERROR', '随机串长度不正确', NUMBER_SIGNATURE);
  const distance_s = Math.abs(world.clock.now_s() - Number(timestamp));
  require(/^\d{10}$/.test(timestamp) && distance_s < SIGNATURE_WINDOW_S, 401, 'SIGN_ERROR', '签名时间戳已过期', NUMBER_SIGNATURE);
  const text = requestText({ method, target, timestamp, nonce: nonce_str, body: bytes });
  require(rsaVerify(key.public, text, signature), 401, 'SIGN_ERROR', '签名错误，请检查后再试', NUMBER_SIGNATURE);
}

function checkHeaders(world, { method, headers }) {
  require(/application\/json|\*\/\*/.test(headers.accept ?? ''), 406, 'PARAM_ERROR', 'Http头Accept不支持，应为application/json');
  require(headers['user-agent'], 400, 'PARAM_ERROR', 'Http头缺少User-Agent');
  if (method === 'POST') require(/^application\/json/.test(headers['content-type'] ?? ''), 415, 'PARAM_ERROR', 'Http头Content-Type不支持，应为application/json');
  require(platformKey(world, headers['wechatpay-serial']), 400, 'PARAM_ERROR', 'Http头Wechatpay-Serial不正确');
}

const sameSerial = (a, b) => /^[0-9a-f]+$/i.test(a) && BigInt(`0x${a}`) === BigInt(`0x${b}`);

/** The platform key a request asks for; the certificate when it asks for none. */
function platformKey(world, asked) {
  const { public_key, certificate } = world.keys;
  if (asked === undefined) return certificate[0];
  return public_key.find(({ serial }) => serial === asked) ?? certificate.find(({ serial }) => sameSerial(asked, serial));
}

const readJson = (bytes) => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new PayError(400, 'PARAM_ERROR', '请求体不是 JSON');
  }
};

export const payFailure = (status, code, message, number = NUMBER_OTHER) => {
  const answer = json({ code, message }, status);
  return { ...answer, number };
};

function run(world, call) {
  const { method, url, bytes } = call;
  const route = ROUTES.find(([wanted, path]) => wanted === method && path.test(url.pathname));
  if (!route) return payFailure(404, 'RESOURCE_NOT_EXISTS', '接口不存在');
  try {
    checkHeaders(world, call);
    checkSignature(world, call);
    const params = route[1].exec(url.pathname).slice(1).map(decodeURIComponent);
    const answer = route[2](world, { params, query: url.searchParams, body: method === 'POST' ? readJson(bytes) : undefined, host: call.headers.host });
    world.changed();
    return answer;
  } catch (error) {
    if (error instanceof PayError) return payFailure(error.status, error.code, error.message, error.number);
    throw error;
  }
}

/** Signs an answer with the platform key the request asked for; a fault may spoil the signature. */
function signAnswer(world, answer, headers) {
  if (answer.isFile) return answer;
  const { serial, private: key } = platformKey(world, headers['wechatpay-serial']) ?? platformKey(world);
  const timestamp = String(world.clock.now_s());
  const nonce = randomHex(16);
  const fault = world.takeFault('pay-response', ['probe', 'forged', 'unsigned']);
  if (fault?.kind === 'unsigned') return answer;
  const body = fault?.kind === 'forged' ? `${answer.body} ` : answer.body;
  const signature = rsaSign(key, responseText({ timestamp, nonce, body }));
  return {
    ...answer,
    headers: {
      ...answer.headers,
      'request-id': `08${randomText(30, '0123456789ABCDEF')}-${answer.number ?? 0}`,
      'wechatpay-serial': serial,
      'wechatpay-timestamp': timestamp,
      'wechatpay-nonce': nonce,
      'wechatpay-signature': fault?.kind === 'probe' ? `WECHATPAY/SIGNTEST/${signature.slice(19)}` : signature,
      'wechatpay-signature-type': 'WECHATPAY2-SHA256-RSA2048',
    },
  };
}

export const ownsPayPath = (pathname) => pathname.startsWith('/v3/');

/** Answers one call of WeChat Pay; `call` has method, url, target (as sent), headers and bytes. */
export const answerPayCall = (world, call) => signAnswer(world, run(world, call), call.headers);
