//! Signing in with WeChat: out with a state, back with a code, on with a session.
//!
//! A state is bound to the browser by a cookie and good once. WeChat's browser often requests the way back twice with
//! the same code, which can be exchanged once: whoever comes second is let in by what the first left behind.
//!
//! | code | status | when |
//! |---|---|---|
//! | `sign_in_declined` | 403 | the reader declined |
//! | `sign_in_stale` | 409 | the state is unknown, used, run out, or another browser's |
//! | `sign_in_failed` | 409 | WeChat does not take the code, a second time |
//! | `snapshot_user` | 403 | the page is WeChat's preview, whose user is nobody |

use crate::{Action, App};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::OpenId;
use domain::time::add_seconds;
use runtime::Refusal;
use runtime::http::{Call, Caller};
use runtime::random::hex;
use runtime::refusal::unavailable;
use std::time::Duration;
use store::signin::{ExchangedCode, PendingSignIn, SESSION_LIFE_S, Session};
use web::components::Link;
use web::problem::Problem;
use web::session::{
    AGAIN_PARAM, SESSION_COOKIE, SIGN_IN_COOKIE, SessionSecret, clear_cookie, cookie, cookie_name, return_path,
    sign_in_path,
};
use web::view::{see_other, set_cookie};
use web::{Response, StatusCode};
use wechat::oauth::{OAuthError, Scope, State, WebUser, authorize_url};

/// How long a sign-in may be under way.
const SIGN_IN_LIFE_S: u32 = 600;
/// How long an exchanged code lets its second request in.
const EXCHANGED_LIFE_S: i64 = 300;
/// How often a sign-in is begun again by itself.
const ROUNDS_MAX: u8 = 1;
/// How often, and how far apart, a request looks for the outcome of its twin that is being exchanged.
const TWIN_LOOKS_MAX: u8 = 4;
const TWIN_PAUSE_MS: u64 = 250;

pub(crate) async fn begin(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let return_to = return_path(&call.meta);
    // Who is asked for a fresh proof of who they are goes to WeChat whatever session there is.
    if call.meta.query(AGAIN_PARAM).is_none() && is_signed_in(app, call).await? {
        return Ok(call.go(&return_to));
    }
    send_to_wechat(app, call, return_to, 0).await
}

async fn is_signed_in(app: &App, call: &Call<Action>) -> Result<bool, Refusal> {
    let Some(secret) = SessionSecret::of(&call.meta, call.site()) else { return Ok(false) };
    Ok(app.desk.table.session(&secret.key(), call.now).await?.is_some())
}

async fn send_to_wechat(app: &App, call: &Call<Action>, return_to: String, round: u8) -> Result<Response, Refusal> {
    let state = hex(&app.desk.random.bytes::<16>()?);
    // Kept when there is one: two tabs of a browser sign in side by side.
    let browser = match browser_secret(call) {
        Some(known) => known.to_owned(),
        None => hex(&app.desk.random.bytes::<32>()?),
    };
    let expires_at = add_seconds(call.now, SIGN_IN_LIFE_S.into());
    let pending = PendingSignIn { return_to, browser: hash(&browser), round, expires_at };
    app.desk.table.put_pending_sign_in(&hash(&state), &pending).await?;
    let state = State::parse(state).map_err(|error| unavailable("state", &error))?;
    let account = app.account.get(call.now).await?;
    let back = format!("{}/signin/callback", app.desk.public_url);
    let url = authorize_url(&app.open_url, &account.app_id, &back, Scope::Base, &state);
    let mut response = see_other(&call.context(), &url);
    set_cookie(&mut response, &cookie(call.site(), SIGN_IN_COOKIE, &browser, SIGN_IN_LIFE_S));
    Ok(response)
}

/// Who comes back from WeChat, by hashes of what was kept.
struct Return {
    state: String,
    browser: String,
    code: Option<String>,
}

impl Return {
    fn of(call: &Call<Action>) -> Option<Self> {
        let state = State::parse(call.meta.query("state")?).ok()?;
        let code = call.meta.query("code").filter(|code| !code.is_empty());
        Some(Self { state: hash(state.as_str()), browser: hash(browser_secret(call)?), code })
    }
}

pub(crate) async fn come_back(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let back = Return::of(call).ok_or_else(stale)?;
    let Some(code) = &back.code else { return Err(declined(app, call, &back).await?.into()) };
    let code_hash = hash(code);
    if let Some(first) = first_of_twins(app, call, &back, &code_hash).await? {
        return enter(app, call, first.account, &first.return_to).await;
    }
    let Some(pending) = app.desk.table.take_pending_sign_in(&back.state, call.now).await? else {
        return after_twin(app, call, &back, &code_hash).await;
    };
    if pending.browser != back.browser {
        return Err(stale().into());
    }
    match exchange(app, call, code).await {
        Ok(user) if user.is_snapshot => Err(snapshot(app, &back, &pending).await?.into()),
        Ok(user) => welcome(app, call, user, pending, &code_hash).await,
        Err(OAuthError::CodeUsed | OAuthError::CodeInvalid) => begin_again(app, call, &back, pending, &code_hash).await,
        Err(OAuthError::Api(error)) => {
            let again = Link::new("重新登录", sign_in_path(&pending.return_to));
            Err(unavailable("wechat", &error).with_action(again).into())
        }
    }
}

async fn exchange(app: &App, call: &Call<Action>, code: &str) -> Result<WebUser, OAuthError> {
    let account = app.account.get(call.now).await.map_err(|error| {
        tracing::error!(%error, "no service account");
        OAuthError::Api(wechat::api::ApiError::Request("the service account is not readable"))
    })?;
    app.api.exchange_code(&account.app_id, &account.app_secret, code).await
}

/// What an earlier request with the same code left behind, for the same browser only.
async fn first_of_twins(
    app: &App,
    call: &Call<Action>,
    back: &Return,
    code_hash: &str,
) -> Result<Option<ExchangedCode>, Refusal> {
    let found = app.desk.table.exchanged_code(code_hash, call.now).await?;
    Ok(found.filter(|exchanged| exchanged.browser == back.browser))
}

/// The state is gone: its twin may be exchanging the code at this moment, so this request looks a few times.
async fn after_twin(app: &App, call: &Call<Action>, back: &Return, code_hash: &str) -> Result<Response, Refusal> {
    for _ in 0..TWIN_LOOKS_MAX {
        if let Some(first) = first_of_twins(app, call, back, code_hash).await? {
            return enter(app, call, first.account, &first.return_to).await;
        }
        tokio::time::sleep(Duration::from_millis(TWIN_PAUSE_MS)).await;
    }
    Err(stale().into())
}

/// WeChat does not take the code: perhaps its twin had it, else sign-in begins again, once.
async fn begin_again(
    app: &App,
    call: &Call<Action>,
    back: &Return,
    pending: PendingSignIn,
    code_hash: &str,
) -> Result<Response, Refusal> {
    if let Some(first) = first_of_twins(app, call, back, code_hash).await? {
        return enter(app, call, first.account, &first.return_to).await;
    }
    if pending.round < ROUNDS_MAX {
        return send_to_wechat(app, call, pending.return_to, pending.round + 1).await;
    }
    let failed = Problem::conflict("sign_in_failed", "微信登录未成功，请重新登录。");
    Err(failed.with_action(Link::new("重新登录", sign_in_path(&pending.return_to))).into())
}

async fn welcome(
    app: &App,
    call: &Call<Action>,
    user: WebUser,
    pending: PendingSignIn,
    code_hash: &str,
) -> Result<Response, Refusal> {
    let account = OpenId::try_from(user.openid).map_err(|error| unavailable("openid", &error))?;
    let PendingSignIn { return_to, browser, .. } = pending;
    let expires_at = add_seconds(call.now, EXCHANGED_LIFE_S);
    let exchanged = ExchangedCode { account: account.clone(), browser, return_to, expires_at };
    app.desk.table.put_exchanged_code(code_hash, &exchanged).await?;
    enter(app, call, account, &exchanged.return_to).await
}

/// Starts a session and leads on, to an address without code and state.
async fn enter(app: &App, call: &Call<Action>, account: OpenId, return_to: &str) -> Result<Response, Refusal> {
    let secret = SessionSecret::from_random(app.desk.random.bytes()?);
    let session = Session::begin(account, call.now);
    app.desk.table.put_session(&secret.key(), &session).await?;
    let mut response = call.go(return_to);
    set_cookie(&mut response, &secret.cookie(call.site(), SESSION_LIFE_S));
    Ok(response)
}

async fn declined(app: &App, call: &Call<Action>, back: &Return) -> Result<Problem, Refusal> {
    let pending = app.desk.table.take_pending_sign_in(&back.state, call.now).await?;
    let ours = pending.filter(|pending| pending.browser == back.browser).ok_or_else(stale)?;
    let text = "您没有同意微信登录。挂号和就诊人管理需要登录后使用。";
    let problem = Problem::new(StatusCode::FORBIDDEN, "sign_in_declined", text);
    Ok(problem.with_action(Link::new("重新登录", sign_in_path(&ours.return_to))))
}

/// In WeChat's preview the user is virtual. The state stays good, because leaving the preview loads this very address
/// again: the used code then begins the sign-in anew.
async fn snapshot(app: &App, back: &Return, pending: &PendingSignIn) -> Result<Problem, Refusal> {
    app.desk.table.put_pending_sign_in(&back.state, pending).await?;
    let text = "当前页面是微信的预览页，不能登录。请点击右下角“使用完整服务”后继续。";
    Ok(Problem::new(StatusCode::FORBIDDEN, "snapshot_user", text))
}

fn stale() -> Problem {
    let problem = Problem::conflict("sign_in_stale", "本次登录已失效，请重新登录。");
    problem.with_action(Link::new("重新登录", sign_in_path("/")))
}

pub(crate) async fn sign_out(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    if let Caller::Account { secret, .. } = &call.caller {
        app.desk.table.end_session(&secret.key()).await?;
    }
    let mut response = call.go("/");
    set_cookie(&mut response, &clear_cookie(call.site(), SESSION_COOKIE));
    Ok(response)
}

/// What this browser got when it began to sign in.
fn browser_secret(call: &Call<Action>) -> Option<&str> {
    let name = cookie_name(call.site(), SIGN_IN_COOKIE);
    call.meta.cookie(&name).filter(|text| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}
