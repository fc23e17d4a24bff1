//! Signing in, and one's own password.
//!
//! | code | status | when |
//! |---|---|---|
//! | `sign_in_wrong` | 401 | no such login, a closed one, or another password: alike to whoever asks |
//! | `sign_in_paused` | 429 | too many wrong passwords of this login |
//! | `password_wrong` | 403 | the present password is another one |

use super::password::{HashError, hash, is_right};
use super::views::{HomeView, PasswordView, SignInView};
use crate::{Action, App};
use domain::staff::{Login, NewPassword, SESSION_LIFE_S, StaffAccount, StaffSession};
use runtime::http::{Call, Caller};
use runtime::{Refusal, refusal::unavailable};
use store::staff::Try;
use web::form::{Form, respond_invalid};
use web::negotiate::Face;
use web::problem::{Problem, STAFF_PASSWORD};
use web::session::{
    RETURN_TO_PARAM, STAFF_COOKIE, STAFF_SIGN_IN, SessionSecret, check_origin, clear_cookie, return_path,
};
use web::view::{respond, see_other, set_cookie};
use web::{Response, StatusCode};

/// Where a sign-in leads that comes from nowhere.
const HOME: &str = "/staff";

impl From<HashError> for Refusal {
    fn from(error: HashError) -> Self {
        unavailable("password", &error).into()
    }
}

pub(crate) fn home(call: &Call<Action>) -> Result<Response, Refusal> {
    let account = call.staff_account().ok_or_else(Problem::staff_required)?;
    Ok(call.show(&HomeView::of(account)))
}

pub(crate) fn sign_in_page(call: &Call<Action>) -> Response {
    call.show(&SignInView::of(wanted(call), Form::default()))
}

/// Where the reader came from.
fn wanted(call: &Call<Action>) -> String {
    if call.meta.query(RETURN_TO_PARAM).is_some() { return_path(&call.meta) } else { HOME.to_owned() }
}

pub(crate) async fn sign_in(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    check_origin(&call.meta, call.site())?;
    let mut form = Form::new(call.fields()?);
    let login = form.required("login", "请输入登录名", |text| Ok::<_, &str>(text.to_owned()));
    let password = form.required("password", "请输入密码", |text| Ok::<_, &str>(text.to_owned()));
    let (Some(login), Some(password)) = (login, password) else {
        let view = SignInView::of(wanted(call), form.clone());
        return Ok(respond_invalid(&call.context(), &form, &view));
    };
    match admit(app, call, &login, &password).await {
        Ok(account) => enter(app, call, &account).await,
        Err(Refusal(problem)) if call.meta.face() == Face::Page && problem.status.is_client_error() => {
            let view = SignInView::of(wanted(call), form).refused(problem);
            Ok(respond(&call.context(), &view))
        }
        Err(refusal) => Err(refusal),
    }
}

/// The account, if this is its password. Whatever is wrong takes as long and is answered alike.
async fn admit(app: &App, call: &Call<Action>, login: &str, password: &str) -> Result<StaffAccount, Refusal> {
    let login = login.parse::<Login>().ok();
    let account = match &login {
        Some(login) => {
            if let Try::Paused(until) = app.desk.table.take_staff_try(login, call.now).await? {
                return Err(paused(until.as_second() - call.now.as_second()).into());
            }
            app.desk.table.staff_account(login).await?
        }
        None => None,
    };
    let is_right = is_right(password, account.as_ref().map(|account| account.password.as_str()));
    let account = account.filter(|account| is_right && !account.disabled).ok_or_else(wrong)?;
    app.desk.table.forget_staff_tries(&account.login).await?;
    Ok(account)
}

fn wrong() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "sign_in_wrong", "登录名或密码不正确，或账号已停用")
}

fn paused(seconds: i64) -> Problem {
    let minutes = (seconds + 59) / 60;
    let text = format!("密码错误次数过多，请 {minutes} 分钟后再试，或联系系统管理员");
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "sign_in_paused", text);
    problem.with_retry_after(u32::try_from(seconds).unwrap_or_default())
}

async fn enter(app: &App, call: &Call<Action>, account: &StaffAccount) -> Result<Response, Refusal> {
    let secret = SessionSecret::from_random(app.desk.random.bytes()?);
    app.desk.table.put_staff_session(&secret.key(), &StaffSession::begin(account, call.now)).await?;
    app.desk.note_by(account.login.as_str(), "sign_in", &account.login, call.now).await?;
    let mut response = match call.meta.face() {
        // A program has no page to take the form's token from.
        Face::Json => call.show(&HomeView::of(account).with_csrf(&secret.csrf_token())),
        Face::Page if account.must_change => call.go(STAFF_PASSWORD),
        Face::Page => call.go(&wanted(call)),
    };
    let max_age_s = u32::try_from(SESSION_LIFE_S).unwrap_or_default();
    set_cookie(&mut response, &secret.staff_cookie(call.site(), max_age_s));
    Ok(response)
}

pub(crate) async fn sign_out(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    if let Caller::Staff { secret, account } = &call.caller {
        app.desk.table.end_staff_session(&secret.key()).await?;
        app.desk.note(call, "sign_out", &account.login).await?;
    }
    let mut response = see_other(&call.context(), STAFF_SIGN_IN);
    set_cookie(&mut response, &clear_cookie(call.site(), STAFF_COOKIE));
    Ok(response)
}

pub(crate) fn password_page(call: &Call<Action>) -> Result<Response, Refusal> {
    let account = call.staff_account().ok_or_else(Problem::staff_required)?;
    Ok(call.show(&PasswordView::of(account, Form::default())))
}

pub(crate) async fn change_password(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let account = call.staff_account().ok_or_else(Problem::staff_required)?;
    let mut form = Form::new(call.fields()?);
    let present = form.required("password", "请输入当前密码", |text| Ok::<_, &str>(text.to_owned()));
    let parse = |text: &str| NewPassword::parse(text, &account.login).map_err(domain::staff::PasswordError::text);
    let wanted = form.required("new_password", "请输入新密码", parse);
    if form.value("new_password") != form.value("repeated") {
        form.reject("repeated", "两次输入的新密码不一致");
    }
    if wanted.is_some() && form.value("new_password") == form.value("password") {
        form.reject("new_password", "新密码不能与当前密码相同");
    }
    let (Some(present), Some(wanted), true) = (present, wanted, form.is_valid()) else {
        return Ok(respond_invalid(&call.context(), &form, &PasswordView::of(account, form.clone())));
    };
    // A stolen session must not find the password by trying.
    if let Try::Paused(until) = app.desk.table.take_staff_try(&account.login, call.now).await? {
        return Err(paused(until.as_second() - call.now.as_second()).into());
    }
    if !is_right(&present, Some(&account.password)) {
        form.reject("password", "当前密码不正确");
        return Ok(respond_invalid(&call.context(), &form, &PasswordView::of(account, form.clone())));
    }
    let kept = hash(&wanted, app.desk.random.bytes()?)?;
    let changed = app.desk.table.change_staff_account(&account.login, |seen| seen.with_password(kept.clone(), false));
    let changed = changed.await?;
    app.desk.table.forget_staff_tries(&account.login).await?;
    app.desk.note(call, "change_password", &account.login).await?;
    // Every session has ended with the old password; this browser goes on with a new one.
    enter(app, call, &changed).await
}
