//! Staff accounts and the audit, for who administers them (F80).
//!
//! | code | status | when |
//! |---|---|---|
//! | `login_taken` | 409 | there is such a login |
//! | `own_account` | 409 | nobody closes, or takes the rights from, the account they act with |

use super::password::hash;
use super::views::{AccountView, AccountsView, AuditView, NewAccountView};
use crate::{Action, App};
use domain::civil::Date;
use domain::id::{DepartmentId, DoctorId};
use domain::staff::{Login, NewPassword, Role, StaffAccount};
use domain::time;
use runtime::http::Call;
use runtime::{Refusal, refusal::unavailable};
use std::collections::BTreeSet;
use web::Response;
use web::form::{Form, respond_invalid};
use web::negotiate::Face;
use web::problem::Problem;

/// Longest name of a member of staff, in characters.
const NAME_CHARS_MAX: usize = 40;
/// Most departments somebody may have for their own.
const DEPARTMENTS_MAX: usize = 20;

pub(crate) async fn list(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let accounts = app.desk.table.staff_accounts().await?;
    Ok(call.show(&AccountsView::of(&accounts, Form::default())))
}

/// What the form says about an account.
struct Wanted {
    name: String,
    roles: BTreeSet<Role>,
    departments: BTreeSet<DepartmentId>,
    doctor: Option<DoctorId>,
}

impl Wanted {
    fn read(form: &mut Form) -> Option<Self> {
        let name = form.required("name", "请填写姓名", |text| {
            Some(text.to_owned()).filter(|text| text.chars().count() <= NAME_CHARS_MAX).ok_or("姓名太长")
        });
        let given: Vec<_> = form.fields().all("roles").map(Role::from_code).collect();
        let roles: Option<BTreeSet<_>> = given.into_iter().collect();
        if roles.as_ref().is_none_or(BTreeSet::is_empty) {
            form.reject("roles", "请至少选择一个角色");
        }
        let departments = form.optional("departments", departments).unwrap_or_default();
        let doctor = form.optional("doctor", |text| text.parse::<DoctorId>().map_err(|_| "医生编码不正确"));
        form.is_valid().then_some(Self { name: name?, roles: roles?, departments, doctor })
    }

    fn put_on(&self, account: &StaffAccount) -> StaffAccount {
        let with_roles =
            if account.roles == self.roles { account.clone() } else { account.with_roles(self.roles.clone()) };
        let (name, departments) = (self.name.clone(), self.departments.clone());
        StaffAccount { name, departments, doctor: self.doctor.clone(), ..with_roles }
    }
}

/// Codes between commas or blanks.
fn departments(text: &str) -> Result<BTreeSet<DepartmentId>, &'static str> {
    let codes = text.split([',', '，', '、', ' ']).filter(|code| !code.is_empty());
    let codes: Result<BTreeSet<_>, _> = codes.map(str::parse).collect();
    codes.ok().filter(|codes| codes.len() <= DEPARTMENTS_MAX).ok_or("科室编码不正确，或太多")
}

pub(crate) async fn create(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let mut form = Form::new(call.fields()?);
    let login = form.required("login", "请填写登录名", |text| {
        text.parse::<Login>().map_err(|_| "登录名为 3 到 32 位小写字母、数字或 . _ -，以字母开头")
    });
    let (Some(login), Some(wanted)) = (login, Wanted::read(&mut form)) else {
        let accounts = app.desk.table.staff_accounts().await?;
        return Ok(respond_invalid(&call.context(), &form, &AccountsView::of(&accounts, form.clone())));
    };
    let initial = InitialPassword::make(app, &login)?;
    let account = StaffAccount {
        login: login.clone(),
        name: wanted.name,
        roles: wanted.roles,
        departments: wanted.departments,
        doctor: wanted.doctor,
        password: initial.hash,
        must_change: true,
        disabled: false,
        sessions: 1,
        created_at: call.now,
        ver: 1,
    };
    if !app.desk.table.create_staff_account(&account).await?.is_done() {
        return Err(Problem::conflict("login_taken", "已有这个登录名，请换一个").into());
    }
    app.desk.note(call, "create_account", &login).await?;
    Ok(call.show(&NewAccountView::of(&account, initial.clear)))
}

/// A password for somebody to sign in with once: shown to who made it, and never again.
struct InitialPassword {
    clear: String,
    hash: String,
}

impl InitialPassword {
    /// 80 random bits as 16 letters and digits that nobody confuses.
    fn make(app: &App, login: &Login) -> Result<Self, Refusal> {
        let clear = domain::id::base32(app.desk.random.bytes()?);
        let password = NewPassword::parse(&clear, login).map_err(|error| unavailable("password", &error))?;
        Ok(Self { hash: hash(&password, app.desk.random.bytes()?)?, clear })
    }
}

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let login: Login = call.params.parse("login")?;
    let account = app.desk.table.staff_account(&login).await?.ok_or_else(Problem::not_found)?;
    Ok(call.show(&AccountView::of(&account, Form::default())))
}

/// What is asked of an account.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Save,
    Disable,
    Enable,
    ResetPassword,
}

impl Change {
    fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "save" => Ok(Self::Save),
            "disable" => Ok(Self::Disable),
            "enable" => Ok(Self::Enable),
            "reset_password" => Ok(Self::ResetPassword),
            _ => Err("没有这种操作"),
        }
    }

    fn deed(self) -> &'static str {
        match self {
            Self::Save => "save_account",
            Self::Disable => "disable_account",
            Self::Enable => "enable_account",
            Self::ResetPassword => "reset_password",
        }
    }
}

pub(crate) async fn change(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let login: Login = call.params.parse("login")?;
    let account = app.desk.table.staff_account(&login).await?.ok_or_else(Problem::not_found)?;
    let mut form = Form::new(call.fields()?);
    let change = form.required("change", "请选择操作", Change::parse).ok_or_else(|| Problem::bad_form(&form))?;
    let is_own = call.staff_account().is_some_and(|own| own.login == login);
    let after = match change {
        Change::Save => {
            let Some(wanted) = Wanted::read(&mut form) else {
                return Ok(respond_invalid(&call.context(), &form, &AccountView::of(&account, form.clone())));
            };
            if is_own && wanted.roles != account.roles {
                return Err(own_account().into());
            }
            write(app, &login, |seen| wanted.put_on(seen)).await?
        }
        Change::Disable | Change::Enable if is_own => return Err(own_account().into()),
        Change::Disable => write(app, &login, |seen| seen.with_disabled(true)).await?,
        Change::Enable => write(app, &login, |seen| seen.with_disabled(false)).await?,
        Change::ResetPassword => {
            let initial = InitialPassword::make(app, &login)?;
            let after = write(app, &login, |seen| seen.with_password(initial.hash.clone(), true)).await?;
            app.desk.table.forget_staff_tries(&login).await?;
            app.desk.note(call, change.deed(), &login).await?;
            return Ok(call.show(&NewAccountView::of(&after, initial.clear)));
        }
    };
    app.desk.note(call, change.deed(), &login).await?;
    Ok(match call.meta.face() {
        Face::Json => call.show(&AccountView::of(&after, Form::default())),
        Face::Page => call.go(&format!("/staff/accounts/{login}")),
    })
}

fn own_account() -> Problem {
    Problem::conflict("own_account", "不能停用自己正在使用的账号，也不能更改自己的角色，请由另一位管理员操作")
}

async fn write(
    app: &App,
    login: &Login,
    decide: impl Fn(&StaffAccount) -> StaffAccount,
) -> Result<StaffAccount, Refusal> {
    Ok(app.desk.table.change_staff_account(login, decide).await?)
}

pub(crate) async fn audit(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let date = match call.meta.query("date") {
        Some(text) => text.parse::<Date>().map_err(|_| Problem::bad_request())?,
        None => time::today(call.now),
    };
    let who = call.meta.query("who").filter(|who| !who.is_empty());
    let mut entries = app.desk.table.audit_of(date).await?;
    entries.retain(|entry| who.as_ref().is_none_or(|who| *who == entry.who));
    app.desk.note(call, "read_audit", date).await?;
    Ok(call.show(&AuditView::of(date, who, &entries)))
}
