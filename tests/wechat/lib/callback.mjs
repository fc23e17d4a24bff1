// What WeChat sends to the hospital's server address, and what it makes of the answer.
import { callbackSignature, openCallback, randomDigits, sealCallback } from './crypto.mjs';
import { post } from './http.mjs';
import { readXml, writeXml } from './xml.mjs';

const TRIES = 3;
const UNAVAILABLE_NOTICE = '该公众号暂时无法提供服务，请稍后再试';

class BadReply extends Error {}

const callbackUrl = (world) => `${world.options.menzhenOrigin}/wechat`;

/** The query and body of one push in the mode of the account. */
function wrap(world, person, xml, { forged = false } = {}) {
  const { app_id, aes_key, token, original_id, mode } = world.config;
  const timestamp = String(world.clock.now_s());
  const nonce = randomDigits(10);
  const query = new URLSearchParams({ signature: callbackSignature(token, timestamp, nonce), timestamp, nonce, openid: person.openid });
  if (mode === 'plain') {
    if (forged) query.set('signature', callbackSignature('not the token', timestamp, nonce));
    return { query, nonce, body: `<xml>${xml}</xml>` };
  }
  const sealed = sealCallback({ aesKey: aes_key, appId: app_id, text: `<xml>${xml}</xml>` });
  query.set('encrypt_type', 'aes');
  query.set('msg_signature', callbackSignature(forged ? 'not the token' : token, timestamp, nonce, sealed));
  const clear = mode === 'compatible' ? xml : writeXml({ ToUserName: original_id });
  return { query, nonce, body: `<xml>${clear}${writeXml({ Encrypt: sealed })}</xml>` };
}

function openReply(world, text) {
  const { app_id, aes_key, token, mode } = world.config;
  const outer = readXml(text).xml;
  if (!outer) throw new BadReply('the reply is not <xml>');
  if (outer.Encrypt === undefined) {
    if (mode === 'safe') throw new BadReply('a clear reply in safe mode');
    return outer;
  }
  if (mode === 'plain') throw new BadReply('an encrypted reply in plain mode');
  if (callbackSignature(token, outer.TimeStamp, outer.Nonce, outer.Encrypt) !== outer.MsgSignature) throw new BadReply('wrong MsgSignature');
  return readXml(openCallback({ aesKey: aes_key, appId: app_id, sealed: outer.Encrypt })).xml;
}

const REPLY_KINDS = {
  text: (reply) => reply.Content && { kind: 'text', text: reply.Content },
  image: (reply) => reply.Image?.MediaId && { kind: 'image', media_id: reply.Image.MediaId },
  voice: (reply) => reply.Voice?.MediaId && { kind: 'voice', media_id: reply.Voice.MediaId },
  video: (reply) => reply.Video?.MediaId && { kind: 'video', media_id: reply.Video.MediaId },
  music: (reply) => reply.Music?.ThumbMediaId && { kind: 'music', title: reply.Music.Title ?? '' },
  news: (reply) => {
    const item = reply.Articles?.item;
    if (reply.ArticleCount !== '1' || !item || Array.isArray(item) || !item.Title) return undefined;
    return { kind: 'news', article: { title: item.Title, description: item.Description ?? '', url: item.Url ?? null } };
  },
  transfer_customer_service: () => ({ kind: 'notice', text: '已转人工客服' }),
};

/** The chat message a passive reply means, or null for an acknowledgement. */
export function readReply(world, person, text) {
  if (text === '' || text === 'success') return null;
  const reply = openReply(world, text);
  if (reply.ToUserName !== person.openid) throw new BadReply('ToUserName is not the sender');
  if (reply.FromUserName !== world.config.original_id) throw new BadReply('FromUserName is not the account');
  if (!/^\d+$/.test(reply.CreateTime ?? '')) throw new BadReply('CreateTime is not whole seconds');
  const read = REPLY_KINDS[reply.MsgType];
  const message = read?.(reply);
  if (!message) throw new BadReply('MsgType or its fields are wrong');
  return message;
}

const attempt = (world, push) =>
  post(`${callbackUrl(world)}?${push.query}`, {
    body: push.body,
    headers: { 'content-type': 'text/xml', 'user-agent': 'Mozilla/4.0' },
    timeout_ms: world.options.callbackTimeoutMs,
  });

const asXmlValue = (value) => (value?.number !== undefined ? BigInt(value.number) : value);

/** Pushes one message or event, up to three times, and shows the reply in the chat. */
export async function pushCallback(world, person, fields, { silent = false } = {}) {
  const { MsgType, ...own } = fields;
  const message = {
    ToUserName: world.config.original_id,
    FromUserName: person.openid,
    CreateTime: world.clock.now_s(),
    MsgType,
    ...Object.fromEntries(Object.entries(own).map(([key, value]) => [key, asXmlValue(value)])),
    ...(MsgType === 'event' ? {} : { MsgId: BigInt(world.nextId()) }),
  };
  const xml = writeXml(message);
  const fault = world.takeFault('callback');
  const outcome = { tries: 0, statuses: [], reply: null };
  if (fault?.kind === 'drop') return { ...outcome, dropped: true };
  const push = wrap(world, person, xml, { forged: fault?.kind === 'forged' });
  if (fault?.kind === 'duplicate') attempt(world, wrap(world, person, xml)).then(() => undefined);
  let answer;
  do {
    outcome.tries += 1;
    answer = await attempt(world, outcome.tries === 1 ? push : wrap(world, person, xml, { forged: fault?.kind === 'forged' }));
    outcome.statuses.push(answer.error ?? answer.status);
  } while (answer.status !== 200 && outcome.tries < TRIES);
  world.logCall({ direction: 'out', path: '/wechat', event: fields.Event ?? MsgType, statuses: outcome.statuses });
  return { ...outcome, ...settle(world, person, answer, silent) };
}

function settle(world, person, answer, silent) {
  const complain = (text, error) => {
    if (!silent) world.say(person, { from: 'system', kind: 'notice', text });
    return { error };
  };
  if (answer.status !== 200) return complain(UNAVAILABLE_NOTICE, String(answer.error ?? answer.status));
  try {
    const reply = readReply(world, person, answer.text);
    if (reply && !silent) world.say(person, { from: 'account', ...reply });
    return { reply };
  } catch (error) {
    return complain(UNAVAILABLE_NOTICE, error.message);
  }
}

/** The GET with which WeChat checks a server address when it is saved in the console. */
export async function verifyCallback(world) {
  const timestamp = String(world.clock.now_s());
  const nonce = randomDigits(10);
  const echostr = randomDigits(19);
  const query = new URLSearchParams({ signature: callbackSignature(world.config.token, timestamp, nonce), timestamp, nonce, echostr });
  try {
    const response = await fetch(`${callbackUrl(world)}?${query}`, { signal: AbortSignal.timeout(world.options.callbackTimeoutMs) });
    const text = await response.text();
    return { ok: response.status === 200 && text === echostr, status: response.status };
  } catch (error) {
    return { ok: false, error: error.cause?.code ?? error.name };
  }
}

export function startCallbacks(world) {
  world.onTask('callback', ({ person, fields, silent }) => {
    const who = world.person(person);
    return who ? pushCallback(world, who, fields, { silent }) : undefined;
  });
}
