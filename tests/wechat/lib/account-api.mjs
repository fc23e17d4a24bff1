// The account API under /cgi-bin and /sns: tokens, messages, menus, QR codes, users.
import { randomHex, randomText } from './crypto.mjs';
import { json } from './http.mjs';
import { drawQr } from './qr.mjs';
import { checkKeywords } from './keywords.mjs';
import { checkMenu } from './menu.mjs';
import { chinaDay } from './world.mjs';

const TOKEN_LIFE_S = 7200;
const TOKEN_OVERLAP_S = 300;
const TOKEN_CALLS_PER_DAY = 2000;
const STABLE_CALLS_PER_DAY = 500_000;
const FORCED_PER_DAY = 20;
const FORCED_APART_S = 30;
const CLEARS_PER_MONTH = 10;
const TEMPLATE_SENDS_PER_DAY = 100_000;
const DEDUPE_S = 600;
const CODE_LIFE_S = 300;
const DAY_S = 86_400;
const QR_TEMPORARY_LIMIT_S = 2_592_000;
const QR_TEMPORARY_DEFAULT_S = 60;
const CLIENT_MSG_ID_LIMIT = 64;

/** A refusal: HTTP 200 with `errcode`, as the account API answers everything. */
export class Refusal extends Error {
  constructor(errcode, errmsg) {
    super(errmsg);
    this.errcode = errcode;
  }
}

const rid = () => `${randomHex(4)}-${randomHex(4)}-${randomHex(4)}`;
export const refusal = (errcode, errmsg) => json({ errcode, errmsg: `${errmsg} rid: ${rid()}` });

const require = (condition, errcode, errmsg) => {
  if (!condition) throw new Refusal(errcode, errmsg);
};

const ok = (extra = {}) => ({ errcode: 0, errmsg: 'ok', ...extra });

// Tokens --------------------------------------------------------------------------------------

const newToken = (now_s) => ({ value: `${Math.floor(now_s / 60)}_${randomText(136)}`, expires_s: now_s + TOKEN_LIFE_S });

function checkApp(world, appid, secret) {
  require(appid, 41002, 'appid missing');
  require(secret, 41004, 'appsecret missing');
  require(appid === world.config.app_id, 40013, 'invalid appid');
  require(secret === world.config.app_secret, 40125, 'invalid appsecret');
}

function liveTokens(world) {
  const { stable, plain } = world.state.tokens;
  return [...(stable ? [stable.current, stable.previous] : []), ...plain].filter(Boolean);
}

function checkToken(world, token) {
  require(token, 41001, 'access_token missing');
  require(token.length >= 20, 40014, 'invalid access_token');
  const known = liveTokens(world).find((entry) => entry.value === token);
  require(known, 40001, 'invalid credential, access_token is invalid or not latest');
  require(known.expires_s > world.clock.now_s(), 42001, 'access_token expired');
}

function plainToken(world, { query }) {
  const now_s = world.clock.now_s();
  require(query.get('grant_type') === 'client_credential', 40002, 'invalid grant_type');
  checkApp(world, query.get('appid'), query.get('secret'));
  require(world.spend('/cgi-bin/token', chinaDay(world.clock.now_ms()), TOKEN_CALLS_PER_DAY), 45009, 'reach max api daily quota limit');
  const [last] = world.state.tokens.plain;
  const old = last ? [{ ...last, expires_s: Math.min(last.expires_s, now_s + TOKEN_OVERLAP_S) }] : [];
  const token = newToken(now_s);
  world.state.tokens.plain = [token, ...old];
  return { access_token: token.value, expires_in: TOKEN_LIFE_S };
}

function stableToken(world, { body }) {
  const now_s = world.clock.now_s();
  require(body.grant_type === 'client_credential', 40002, 'invalid grant_type');
  checkApp(world, body.appid, body.secret);
  const day = chinaDay(world.clock.now_ms());
  require(world.spend('/cgi-bin/stable_token', day, STABLE_CALLS_PER_DAY), 45009, 'reach max api daily quota limit');
  let stable = world.state.tokens.stable;
  if (!stable) stable = { current: newToken(now_s), previous: null, forced_s: 0 };
  if (body.force_refresh === true && now_s - stable.forced_s >= FORCED_APART_S) {
    require(world.spend('stable_token/forced', day, FORCED_PER_DAY), 45009, 'reach max api daily quota limit');
    stable = { current: newToken(now_s), previous: null, forced_s: now_s };
  } else if (stable.current.expires_s - now_s <= TOKEN_OVERLAP_S) {
    stable = { ...stable, current: newToken(now_s), previous: stable.current };
  }
  world.state.tokens.stable = stable;
  return { access_token: stable.current.value, expires_in: stable.current.expires_s - now_s };
}

function jsapiTicket(world, { query }) {
  require(query.get('type') === 'jsapi', 40097, 'invalid args');
  const now_s = world.clock.now_s();
  if (!world.state.ticket || world.state.ticket.expires_s - now_s <= 0) {
    world.state.ticket = { value: randomText(86), expires_s: now_s + TOKEN_LIFE_S };
  }
  return ok({ ticket: world.state.ticket.value, expires_in: world.state.ticket.expires_s - now_s });
}

function clearQuota(world, { body }) {
  require(body.appid === world.config.app_id, 40013, 'invalid appid');
  require(world.spend('/cgi-bin/clear_quota', chinaDay(world.clock.now_ms()).slice(0, 7), CLEARS_PER_MONTH), 48006, 'forbid to clear quota because of reaching the limit');
  for (const key of Object.keys(world.state.counters)) if (!key.startsWith('/cgi-bin/clear_quota@')) delete world.state.counters[key];
  return ok();
}

// Web sign-in ---------------------------------------------------------------------------------

function exchangeCode(world, { query }) {
  checkApp(world, query.get('appid'), query.get('secret'));
  require(query.get('grant_type') === 'authorization_code', 40002, 'invalid grant_type');
  const code = query.get('code');
  require(code, 41008, 'missing code');
  const entry = world.state.codes[code];
  const now_s = world.clock.now_s();
  require(entry, 40029, 'invalid code');
  require(!entry.used, 40163, 'code been used');
  require(entry.expires_s > now_s, 42003, 'code expired');
  entry.used = true;
  const token = randomText(89);
  const person = world.person(entry.person);
  world.state.web_tokens[token] = { person: entry.person, openid: entry.openid, scope: entry.scope, expires_s: now_s + TOKEN_LIFE_S };
  return {
    access_token: token,
    expires_in: TOKEN_LIFE_S,
    refresh_token: randomText(89),
    openid: entry.openid,
    scope: entry.scope,
    ...(entry.scope === 'snsapi_userinfo' ? { unionid: person.unionid } : {}),
    ...(entry.snapshot ? { is_snapshotuser: 1 } : {}),
  };
}

/** A one-use code for a person who agreed to `scope`; a snapshot code names a virtual person. */
export function issueCode(world, person, scope, snapshot) {
  const code = randomText(32);
  const openid = snapshot ? `o${randomText(27)}` : person.openid;
  world.state.codes[code] = { person: person.id, openid, scope, snapshot, used: false, expires_s: world.clock.now_s() + CODE_LIFE_S };
  world.changed();
  return code;
}

function webToken(world, query) {
  const entry = world.state.web_tokens[query.get('access_token')];
  require(entry && entry.openid === query.get('openid'), 40001, 'invalid credential, access_token is invalid or not latest');
  require(entry.expires_s > world.clock.now_s(), 42001, 'access_token expired');
  return entry;
}

function webUser(world, { query }) {
  const entry = webToken(world, query);
  require(entry.scope === 'snsapi_userinfo', 48001, 'api unauthorized');
  const person = world.person(entry.person);
  return { openid: entry.openid, nickname: person.nickname, sex: 0, language: '', city: '', province: '', country: '', headimgurl: '', privilege: [], unionid: person.unionid };
}

// Messages ------------------------------------------------------------------------------------

const KNOWN_SEND_FIELDS = ['touser', 'template_id', 'url', 'miniprogram', 'client_msg_id', 'data', 'topcolor'];

function findTemplate(world, id) {
  const template = world.config.templates.find((entry) => entry.id === id);
  require(template, 40037, 'invalid template_id');
  return template;
}

function findFollower(world, openid) {
  const person = typeof openid === 'string' ? world.personByOpenid(openid) : undefined;
  require(person, 40003, 'invalid openid');
  require(person.follows, 43004, 'require subscribe');
  return person;
}

const asCard = (template, data, url) => ({
  from: 'account',
  kind: 'template',
  template: template.name,
  title: template.title,
  rows: Object.entries(template.keywords).map(([key, label]) => ({ label, value: data[key].value })),
  data,
  url: url ?? null,
});

function sendTemplate(world, { body }) {
  require(Object.keys(body).every((key) => KNOWN_SEND_FIELDS.includes(key)), 47001, 'data format error');
  const person = findFollower(world, body.touser);
  const template = findTemplate(world, body.template_id);
  checkKeywords(template, body.data, (errcode, errmsg) => require(false, errcode, errmsg));
  require(body.url === undefined || /^https?:\/\//.test(body.url), 40039, 'invalid url size');
  const now_s = world.clock.now_s();
  const clientId = body.client_msg_id;
  require(clientId === undefined || (typeof clientId === 'string' && clientId.length > 0 && clientId.length <= CLIENT_MSG_ID_LIMIT), 43116, 'invalid client_msg_id');
  const key = `${body.touser} ${clientId}`;
  const earlier = clientId && world.state.sent[key];
  if (earlier && now_s - earlier.at_s < DEDUPE_S) return { raw: messageAnswer(earlier.msgid) };
  require(world.spend('/cgi-bin/message/template/send', chinaDay(world.clock.now_ms()), TEMPLATE_SENDS_PER_DAY), 45009, 'reach max api daily quota limit');
  const msgid = world.nextId();
  if (clientId) world.state.sent[key] = { at_s: now_s, msgid };
  const fault = world.takeFault('template-delivery');
  const status = person.blocks ? 'failed:user block' : fault ? `failed: ${fault.status ?? 'system failed'}` : 'success';
  if (status === 'success') world.say(person, { ...asCard(template, body.data, body.url), msgid });
  world.schedule('callback', 0.1, {
    person: person.id,
    fields: { MsgType: 'event', Event: 'TEMPLATESENDJOBFINISH', MsgID: { number: msgid }, Status: status },
    silent: true,
  });
  return { raw: messageAnswer(msgid) };
}

/** Message ids pass 2^53, so the number is written into the text rather than through a float. */
const messageAnswer = (msgid) => `{"errcode":0,"errmsg":"ok","msgid":${msgid}}`;

function sendSubscription(world, { body }) {
  const person = typeof body.touser === 'string' ? world.personByOpenid(body.touser) : undefined;
  require(person, 40003, 'invalid openid');
  const template = findTemplate(world, body.template_id);
  checkKeywords(template, body.data, (errcode, errmsg) => require(false, errcode, errmsg));
  require((person.consents[template.id] ?? 0) > 0, 43101, 'user refuse to accept the msg');
  person.consents[template.id] -= 1;
  const msgid = world.nextId();
  world.say(person, { ...asCard(template, body.data, body.page), kind: 'subscription', msgid });
  world.schedule('callback', 0.1, {
    person: person.id,
    fields: { MsgType: 'event', Event: 'subscribe_msg_sent_event', SubscribeMsgSentEvent: { List: { TemplateId: template.id, MsgID: msgid, ErrorCode: 0, ErrorStatus: 'success' } } },
    silent: true,
  });
  return ok();
}

/** Uses up one message of the shortest open window. */
function spendWindow(world, person) {
  const now_s = world.clock.now_s();
  const open = person.windows.filter((window) => window.until_s > now_s).sort((a, b) => a.until_s - b.until_s);
  require(open.length > 0, 45015, 'response out of time limit or subscription is canceled');
  const window = open.find((entry) => entry.left === null || entry.left > 0);
  require(window, 45047, 'out of response count limit');
  if (window.left !== null) window.left -= 1;
  person.windows = open;
}

const CUSTOM_KINDS = {
  text: (body) => typeof body.text?.content === 'string' && body.text.content !== '' && { kind: 'text', text: body.text.content },
  image: (body) => body.image?.media_id && { kind: 'image', media_id: body.image.media_id },
  news: (body) => body.news?.articles?.length === 1 && { kind: 'news', article: body.news.articles[0] },
};

function sendCustom(world, { body }) {
  const person = findFollower(world, body.touser);
  const read = CUSTOM_KINDS[body.msgtype];
  require(read, 40008, 'invalid message type');
  const message = read(body);
  require(message, 44004, 'empty content');
  spendWindow(world, person);
  world.say(person, { from: 'account', ...message });
  return ok();
}

// Menu, QR codes, users -----------------------------------------------------------------------

function createMenu(world, { body }) {
  checkMenu(body, (errcode, errmsg) => require(false, errcode, errmsg));
  world.state.menu = { id: world.nextId(), button: body.button };
  return ok();
}

function getMenu(world) {
  require(world.state.menu, 46003, 'menu no exist');
  return { menu: { button: world.state.menu.button.map((button) => ({ sub_button: [], ...button })) } };
}

function deleteMenu(world) {
  world.state.menu = null;
  return ok();
}

const SCENE_RULES = {
  QR_SCENE: ({ scene_id }) => Number.isInteger(scene_id) && scene_id >= 1 && scene_id <= 0xffffffff,
  QR_LIMIT_SCENE: ({ scene_id }) => Number.isInteger(scene_id) && scene_id >= 1 && scene_id <= 100_000,
  QR_STR_SCENE: ({ scene_str }) => typeof scene_str === 'string' && scene_str.length >= 1 && scene_str.length <= 64,
  QR_LIMIT_STR_SCENE: ({ scene_str }) => typeof scene_str === 'string' && scene_str.length >= 1 && scene_str.length <= 64,
};

function createQr(world, { body }) {
  const rule = SCENE_RULES[body.action_name];
  require(rule, 40035, 'invalid action_name');
  const scene = body.action_info?.scene ?? {};
  require(rule(scene), 40053, 'invalid action info');
  const temporary = !body.action_name.includes('LIMIT');
  const life_s = temporary ? body.expire_seconds ?? QR_TEMPORARY_DEFAULT_S : null;
  require(!temporary || (Number.isInteger(life_s) && life_s >= 1 && life_s <= QR_TEMPORARY_LIMIT_S), 40052, 'invalid expire_seconds');
  const ticket = `gQ${randomText(92)}==`;
  const url = `http://weixin.qq.com/q/${randomText(22)}`;
  world.state.qrcodes[ticket] = {
    scene: String(scene.scene_str ?? scene.scene_id),
    url,
    expires_s: temporary ? world.clock.now_s() + life_s : null,
  };
  return { ticket, ...(temporary ? { expire_seconds: life_s } : {}), url };
}

function showQr(world, { query }) {
  const entry = world.state.qrcodes[query.get('ticket')];
  if (!entry) return { answer: { status: 404, headers: { 'content-type': 'text/plain' }, body: 'no such ticket' } };
  return { answer: { status: 200, headers: { 'content-type': 'image/svg+xml' }, body: drawQr(entry.url) } };
}

function userInfo(world, { query }) {
  const person = world.personByOpenid(query.get('openid') ?? '');
  require(person, 40003, 'invalid openid');
  if (!person.follows) return { subscribe: 0, openid: person.openid, tagid_list: [] };
  return {
    subscribe: 1,
    openid: person.openid,
    nickname: '',
    sex: 0,
    language: 'zh_CN',
    city: '',
    province: '',
    country: '',
    headimgurl: '',
    subscribe_time: person.subscribe_at_s,
    unionid: person.unionid,
    remark: '',
    groupid: 0,
    tagid_list: [],
    subscribe_scene: person.subscribe_scene,
    qr_scene: 0,
    qr_scene_str: person.qr_scene,
  };
}

// Dispatch ------------------------------------------------------------------------------------

const withToken = (handler) => (world, call) => {
  checkToken(world, call.query.get('access_token'));
  return handler(world, call);
};

/** path → method and handler; a handler answers an object, `{raw}` JSON text or a whole `{answer}`. */
const ROUTES = {
  '/cgi-bin/token': ['GET', plainToken],
  '/cgi-bin/stable_token': ['POST', stableToken],
  '/cgi-bin/ticket/getticket': ['GET', withToken(jsapiTicket)],
  '/cgi-bin/clear_quota': ['POST', withToken(clearQuota)],
  '/cgi-bin/getcallbackip': ['GET', withToken(() => ({ ip_list: ['127.0.0.1'] }))],
  '/cgi-bin/get_api_domain_ip': ['GET', withToken(() => ({ ip_list: ['127.0.0.1'] }))],
  '/cgi-bin/message/template/send': ['POST', withToken(sendTemplate)],
  '/cgi-bin/message/subscribe/bizsend': ['POST', withToken(sendSubscription)],
  '/cgi-bin/message/custom/send': ['POST', withToken(sendCustom)],
  '/cgi-bin/menu/create': ['POST', withToken(createMenu)],
  '/cgi-bin/menu/get': ['GET', withToken(getMenu)],
  '/cgi-bin/menu/delete': ['GET', withToken(deleteMenu)],
  '/cgi-bin/qrcode/create': ['POST', withToken(createQr)],
  '/cgi-bin/showqrcode': ['GET', showQr],
  '/cgi-bin/user/info': ['GET', withToken(userInfo)],
  '/sns/oauth2/access_token': ['GET', exchangeCode],
  '/sns/userinfo': ['GET', webUser],
  '/sns/auth': ['GET', (world, { query }) => { webToken(world, query); return ok(); }],
};

export const ownsAccountPath = (pathname) => pathname.startsWith('/cgi-bin/') || pathname.startsWith('/sns/');

function parseBody(bytes) {
  require(bytes.length > 0, 44002, 'empty post data');
  try {
    const value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value;
  } catch { /* refused below */ }
  throw new Refusal(47001, 'data format error');
}

/** Answers one call of the account API. */
export function answerAccountCall(world, { method, url, bytes }) {
  const route = ROUTES[url.pathname];
  if (!route) return refusal(40066, 'invalid url');
  const [wanted, handler] = route;
  try {
    require(method === wanted, wanted === 'POST' ? 43002 : 43001, `require ${wanted} method`);
    const result = handler(world, { query: url.searchParams, body: wanted === 'POST' ? parseBody(bytes) : undefined });
    world.changed();
    if (result.answer) return result.answer;
    return result.raw ? { ...json({}), body: result.raw } : json(result);
  } catch (error) {
    if (error instanceof Refusal) return refusal(error.errcode, error.message);
    throw error;
  }
}
