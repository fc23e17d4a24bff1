// Web sign-in and each person's browser.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { request, startHospital, startStandIn } from './helpers.mjs';

let hospital;
let wechat;
before(async () => {
  hospital = await startHospital(({ url, headers }) => {
    const pages = {
      '/page': { headers: { 'content-type': 'text/html; charset=utf-8', 'set-cookie': ['sid=1; Path=/; Domain=hospital.example; HttpOnly', 'b=2'], 'x-frame-options': 'DENY', 'content-security-policy': "default-src 'none'; script-src 'nonce-1'; frame-ancestors 'none'" }, body: `<!doctype html><html><head><title>页</title></head><body><a href="${hospital?.url}/next">下一页</a></body></html>` },
      '/echo': { headers: { 'content-type': 'application/json' }, body: JSON.stringify(headers) },
      '/away': { status: 302, headers: { location: `${hospital?.url}/page?x=1` } },
      '/signin': { status: 302, headers: { location: `${authorizeUrl()}#wechat_redirect` } },
      '/broken-signin': { status: 302, headers: { location: authorizeUrl() } },
    };
    return pages[url.pathname] ?? { body: 'ok' };
  });
  wechat = await startStandIn(hospital);
});
after(async () => {
  await wechat.close();
  await hospital.close();
});
beforeEach(() => wechat.control('reset', {}));

const host = (person) => `${person}.phone.localhost:${wechat.world.port}`;
const browse = (person, target, options = {}) => request(wechat.url, { target, ...options, headers: { host: host(person), ...options.headers } });

function authorizeUrl(change = {}) {
  const fields = { appid: wechat.config.app_id, redirect_uri: `${hospital.url}/signin/callback`, response_type: 'code', scope: 'snsapi_base', state: 'abc123', ...change };
  return `${wechat.url}/connect/oauth2/authorize?${new URLSearchParams(fields)}`;
}
const authorize = (change, person = 'lin') => request(wechat.url, { target: authorizeUrl(change).slice(wechat.url.length), headers: { 'x-phone-person': person } });
const exchange = (code, change = {}) => {
  const fields = { appid: wechat.config.app_id, secret: wechat.config.app_secret, code, grant_type: 'authorization_code', ...change };
  return wechat.json(`/sns/oauth2/access_token?${new URLSearchParams(fields)}`);
};
const codeOf = (answer) => new URL(answer.headers.location).searchParams.get('code');

test('base scope: silent, one code, one use, five minutes', async () => {
  const back = await authorize();
  const location = new URL(back.headers.location);
  assert.deepEqual([back.status, location.origin + location.pathname, location.searchParams.get('state')], [302, `${hospital.url}/signin/callback`, 'abc123']);
  const { people } = await wechat.control('people');
  const first = await exchange(codeOf(back));
  assert.equal(first.openid, people[0].openid);
  assert.equal(first.unionid, undefined);
  assert.equal((await exchange(codeOf(back))).errcode, 40163);
  assert.equal((await exchange('nothing')).errcode, 40029);
  assert.equal((await exchange('')).errcode, 41008);
  assert.equal((await exchange('x', { secret: 'x' })).errcode, 40125);
  const late = codeOf(await authorize());
  await wechat.control('clock', { advance_s: 301 });
  assert.equal((await exchange(late)).errcode, 42003);
  assert.equal((await wechat.json(`/sns/userinfo?access_token=${first.access_token}&openid=${first.openid}`)).errcode, 48001);
});

test('userinfo scope asks first; a refusal brings no code', async () => {
  const page = await authorize({ scope: 'snsapi_userinfo' });
  assert.equal(page.status, 200);
  const links = [...page.body.matchAll(/href="([^"]+)"/g)].map(([, link]) => link.replaceAll('&#38;', '&'));
  const follow = (link) => request(wechat.url, { target: link, headers: { 'x-phone-person': 'lin' } });
  const allowed = await follow(links[0]);
  const { access_token, openid } = await exchange(codeOf(allowed));
  assert.equal((await wechat.json(`/sns/userinfo?access_token=${access_token}&openid=${openid}`)).nickname, '晓梅');
  const refused = new URL((await follow(links[1])).headers.location);
  assert.deepEqual([refused.searchParams.get('code'), refused.searchParams.get('state')], [null, 'abc123']);
});

test('the authorise page refuses wrong questions', async () => {
  for (const [change, number] of [[{ appid: 'wx1' }, 10013], [{ redirect_uri: 'https://evil.example/' }, 10003], [{ redirect_uri: '' }, 10011], [{ scope: '' }, 10010], [{ scope: 'all' }, 10005], [{ response_type: 'token' }, 10012], [{ state: 'a-b' }, 10014]]) {
    assert.match((await authorize(change)).body, new RegExp(String(number)));
  }
  assert.equal((await authorize({}, 'nobody')).status, 400);
});

test('snapshot people are virtual; a doubled callback uses the code up', async () => {
  await wechat.control('faults', { path: 'oauth', kind: 'snapshot' });
  const virtual = await exchange(codeOf(await authorize()));
  const { people } = await wechat.control('people');
  assert.equal(virtual.is_snapshotuser, 1);
  assert.notEqual(virtual.openid, people[0].openid);
  await wechat.control('faults', { path: 'oauth', kind: 'double_callback' });
  hospital.seen.length = 0;
  const back = await browse('lin', '/connect/oauth2/authorize?' + authorizeUrl().split('?')[1], { headers: { cookie: 'pre=1' } });
  assert.equal(hospital.of('/signin/callback').length, 1);
  assert.equal(hospital.of('/signin/callback')[0].headers.cookie, 'pre=1');
  assert.match(back.headers.location, new RegExp(`^http://${host('lin')}/signin/callback\\?code=`));
});

test('the browser keeps people apart and hides where it stands', async () => {
  const origin = `http://${host('lin')}`;
  const echo = JSON.parse((await browse('lin', '/echo', { headers: { origin, referer: `${origin}/page`, cookie: 'sid=1', 'x-phone-person': 'zhou' } })).body);
  assert.equal(echo.host, new URL(hospital.url).host);
  assert.equal(echo.origin, hospital.url);
  assert.equal(echo.referer, `${hospital.url}/page`);
  assert.equal(echo.cookie, 'sid=1');
  assert.match(echo['user-agent'], /MicroMessenger/);
  assert.equal(echo['x-phone-person'], undefined);
  assert.equal((await browse('lin', '/away')).headers.location, `${origin}/page?x=1`);
  assert.equal((await browse('nobody', '/page')).status, 404);
});

test('pages get the bridge, may be framed, and keep their links inside', async () => {
  const page = await browse('lin', '/page');
  assert.match(page.body, /<head><script src="\/__wechat\/bridge.js"><\/script>/);
  assert.match(page.body, new RegExp(`href="http://${host('lin')}/next"`));
  assert.deepEqual(page.headers['set-cookie'], ['sid=1; Path=/; HttpOnly', 'b=2']);
  assert.equal(page.headers['x-frame-options'], undefined);
  assert.equal(page.headers['content-security-policy'], "default-src 'none'; script-src 'self' 'nonce-1'");
  assert.match((await browse('lin', '/__wechat/bridge.js')).body, /WeixinJSBridge/);
});

test('sign-in stays in the person\'s browser, and needs its fragment', async () => {
  const away = await browse('zhou', '/signin');
  assert.match(away.headers.location, new RegExp(`^http://${host('zhou')}/connect/oauth2/authorize\\?`));
  const back = await browse('zhou', new URL(away.headers.location).pathname + new URL(away.headers.location).search);
  const { openid } = await exchange(codeOf(back));
  assert.equal(openid, (await wechat.control('people')).people.find((person) => person.id === 'zhou').openid);
  assert.match((await browse('zhou', '/broken-signin')).body, /wechat_redirect/);
});

test('the control plane is not in a person\'s browser, nor open to other sites', async () => {
  hospital.seen.length = 0;
  await browse('lin', '/control/config');
  assert.equal(hospital.of('/control/config').length, 1);
  const foreign = await request(wechat.url, { target: '/control/reset', method: 'POST', headers: { origin: 'http://evil.example' } });
  assert.equal(foreign.status, 403);
  const door = await request(wechat.url, { target: '/' });
  assert.equal(door.headers.location, `http://phone.localhost:${wechat.world.port}/`);
});
