// The authorise page of web sign-in.
import { issueCode } from './account-api.mjs';
import { escapeHtml, html, redirect } from './http.mjs';

const SCOPES = ['snsapi_base', 'snsapi_userinfo'];
const STATE = /^[a-zA-Z0-9]{0,128}$/;

const errorPage = (number, text) =>
  html(`<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Oops!</title>
<body style="font:16px sans-serif;text-align:center;padding:30vh 1em"><h1>${escapeHtml(text)}</h1><p>错误码 ${number}</p>`, 400);

const withQuery = (target, fields) => {
  const url = new URL(target);
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
};

/** Checks the query of the authorise page; `{problem}` or the parsed wish. */
function readWish(world, query) {
  const target = query.get('redirect_uri');
  if (query.get('appid') !== world.config.app_id) return { problem: errorPage(10013, 'AppID 参数错误') };
  if (!target) return { problem: errorPage(10011, 'redirect_uri 为空') };
  if (!URL.canParse(target) || !world.isHospital(new URL(target))) return { problem: errorPage(10003, 'redirect_uri 域名与后台配置不一致') };
  if (!query.get('scope')) return { problem: errorPage(10010, 'scope 不能为空') };
  if (!SCOPES.includes(query.get('scope'))) return { problem: errorPage(10005, 'scope 参数错误或没有 scope 权限') };
  if (query.get('response_type') !== 'code') return { problem: errorPage(10012, 'response_type 必须为 code') };
  if (!STATE.test(query.get('state') ?? '')) return { problem: errorPage(10014, 'state 参数不合规') };
  return { target, scope: query.get('scope'), state: query.get('state') ?? '' };
}

function consentPage(world, person, wish, query) {
  const link = (decision) => {
    const copy = new URLSearchParams(query);
    copy.set('__decision', decision);
    return `/connect/oauth2/authorize?${copy}`;
  };
  return html(`<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>微信登录</title>
<style>body{font:17px/1.5 -apple-system,"PingFang SC","Noto Sans CJK SC",sans-serif;margin:0;padding:48px 24px;color:#111}
.who{display:flex;align-items:center;gap:12px;margin:24px 0;padding:16px 0;border-top:1px solid #eee;border-bottom:1px solid #eee}
.face{width:48px;height:48px;border-radius:6px;display:grid;place-items:center;color:#fff;background:${escapeHtml(person.colour)}}
a{display:block;text-align:center;border-radius:8px;padding:12px;margin:12px auto;width:180px;text-decoration:none;font-weight:600}
.yes{background:#07c160;color:#fff}.no{background:#f2f2f2;color:#06ae56}</style>
<p>${escapeHtml(world.config.account_name)} 申请</p><h2>获取你的昵称、头像</h2>
<div class="who"><div class="face">${escapeHtml(person.nickname.slice(0, 1))}</div>${escapeHtml(person.nickname)}</div>
<a class="yes" href="${escapeHtml(link('allow'))}">允许</a><a class="no" href="${escapeHtml(link('refuse'))}">拒绝</a>`);
}

/**
 * Answers the authorise page for a known person. `asSeen` maps the hospital's address to the one the
 * person's browser uses; `prefetch` asks for an address as that browser would, and forgets the answer.
 */
export async function authorize(world, person, query, { asSeen, prefetch }) {
  const wish = readWish(world, query);
  if (wish.problem) return wish.problem;
  if (!person) return errorPage(10016, '请在微信客户端打开链接');
  const decision = query.get('__decision');
  if (wish.scope === 'snsapi_userinfo' && !decision) return consentPage(world, person, wish, query);
  if (decision === 'refuse') return redirect(asSeen(withQuery(wish.target, { state: wish.state })));
  const fault = world.takeFault('oauth', ['snapshot', 'double_callback']);
  const code = issueCode(world, person, wish.scope, fault?.kind === 'snapshot');
  const back = withQuery(wish.target, { code, state: wish.state });
  if (fault?.kind === 'double_callback') await prefetch(back);
  return redirect(asSeen(back));
}
