//! What sign-in, accounts and the audit show: each view is the page and the JSON alike.

use domain::civil::Date;
use domain::staff::{Role, Scope, StaffAccount};
use domain::time;
use maud::{Markup, html};
use serde::Serialize;
use store::audit::AuditEntry;
use web::StatusCode;
use web::components::{
    Button, Cell, Field, FieldKind, Look, Page, Tone, csrf_field, field, heading, key_values, list, notice, page, title,
};
use web::form::Form;
use web::problem::{Problem, STAFF_PASSWORD};
use web::session::{CsrfToken, RETURN_TO_PARAM, STAFF_SIGN_IN};
use web::view::{PageContext, View};

/// Characters a sign-in field takes.
const LOGIN_CHARS_MAX: u16 = 40;
const PASSWORD_CHARS_MAX: u16 = 128;
const NAME_CHARS_MAX: u16 = 40;
const DEPARTMENTS_CHARS_MAX: u16 = 400;
const DOCTOR_CHARS_MAX: u16 = 64;

fn form_to(context: &PageContext<'_>, action: &str, inside: &Markup) -> Markup {
    html! {
        form method="post" action=(action) {
            @if let Some(token) = context.csrf { (csrf_field(token)) }
            (inside)
        }
    }
}

/// The sign-in of staff.
#[derive(Debug, Serialize)]
pub struct SignInView {
    #[serde(skip)]
    back: String,
    #[serde(skip)]
    form: Form,
    #[serde(skip)]
    problem: Option<Problem>,
}

impl SignInView {
    /// With what was typed before; `back` is where the reader wants to go.
    pub fn of(back: String, form: Form) -> Self {
        Self { back, form, problem: None }
    }

    /// With why it was refused.
    #[must_use]
    pub fn refused(mut self, problem: Problem) -> Self {
        self.problem = Some(problem);
        self
    }
}

impl View for SignInView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let back = percent_encoding::utf8_percent_encode(&self.back, percent_encoding::NON_ALPHANUMERIC);
        let login =
            Field { name: "login", label: "登录名", kind: FieldKind::Login, hint: None, max_chars: LOGIN_CHARS_MAX };
        let password = Field {
            name: "password",
            label: "密码",
            kind: FieldKind::Password,
            hint: None,
            max_chars: PASSWORD_CHARS_MAX,
        };
        let body = html! {
            (heading("员工登录", Some(&context.site.hospital_name)))
            @if let Some(problem) = &self.problem { (notice(Tone::Bad, &problem.text)) }
            (form_to(context, &format!("{STAFF_SIGN_IN}?{RETURN_TO_PARAM}={back}"), &html! {
                div.cells { (field(&self.form, &login)) (field(&self.form, &password)) }
                div.acts { (Button::submit("登录")) }
            }))
        };
        page(context, &Page::new("员工登录"), body)
    }

    fn status(&self) -> StatusCode {
        self.problem.as_ref().map_or(StatusCode::OK, |problem| problem.status)
    }
}

/// Who is signed in, and what they may do here.
#[derive(Debug, Serialize)]
pub struct HomeView {
    login: String,
    name: String,
    roles: Vec<&'static str>,
    scopes: Vec<&'static str>,
    must_change_password: bool,
    /// For programs that sign in: what a change carries in `x-csrf-token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf: Option<String>,
    #[serde(skip)]
    account: StaffAccount,
}

impl HomeView {
    /// From the account.
    pub fn of(account: &StaffAccount) -> Self {
        Self {
            login: account.login.to_string(),
            name: account.name.clone(),
            roles: account.roles.iter().map(|role| role.code()).collect(),
            scopes: account.scopes().into_iter().map(Scope::as_str).collect(),
            must_change_password: account.must_change,
            csrf: None,
            account: account.clone(),
        }
    }

    /// With the token that changes carry.
    #[must_use]
    pub fn with_csrf(mut self, token: &CsrfToken) -> Self {
        self.csrf = Some(token.as_str().to_owned());
        self
    }
}

/// What there is to do, by what it takes.
const PLACES: [(Scope, &str, &str); 13] = [
    (Scope::Desk, "分诊叫号", "/desk"),
    (Scope::Window, "窗口挂号", "/desk/people"),
    (Scope::Critical, "危急值", "/staff/critical"),
    (Scope::Intake, "未入库的报告", "/staff/results"),
    (Scope::Appointments, "电话通知", "/staff/calls"),
    (Scope::Credit, "申诉", "/staff/appeals"),
    (Scope::Finance, "待处理订单", "/staff/worklist"),
    (Scope::Finance, "每日对账", "/staff/reconciliations"),
    (Scope::Catalog, "医院接口调用", "/staff/his/calls"),
    (Scope::Catalog, "编码对照", "/staff/his/codes"),
    (Scope::Catalog, "医院系统同步", "/staff/his/pull"),
    (Scope::Accounts, "员工账号", "/staff/accounts"),
    (Scope::Accounts, "操作记录", "/staff/audit"),
];

impl View for HomeView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let roles: Vec<_> = self.account.roles.iter().map(|role| role.text()).collect();
        let below = format!("{} · {}", self.login, roles.join("、"));
        let places: Vec<_> = PLACES
            .iter()
            .filter(|(scope, ..)| self.account.may(*scope))
            .map(|(_, text, href)| Cell { text, below: None, side: None, href: Some(href) })
            .collect();
        let body = html! {
            (heading(&self.name, Some(&below)))
            @if places.is_empty() { (notice(Tone::Plain, "您的角色目前没有可用的页面。")) } @else { (list(&places)) }
            div.acts {
                (Button::plain_link("修改密码", STAFF_PASSWORD))
                (Button::post(context, "退出登录", "/staff/signout", Look::Plain))
            }
        };
        page(context, &Page::new("工作台"), body)
    }
}

/// The form for another password.
#[derive(Debug, Serialize)]
pub struct PasswordView {
    must_change_password: bool,
    #[serde(skip)]
    form: Form,
}

impl PasswordView {
    /// With what is wrong; passwords are never shown again.
    pub fn of(account: &StaffAccount, form: Form) -> Self {
        Self { must_change_password: account.must_change, form }
    }
}

impl View for PasswordView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let one = |name, label, kind, hint| {
            field(&self.form, &Field { name, label, kind, hint, max_chars: PASSWORD_CHARS_MAX })
        };
        let hint = Some("至少 10 个字符，不含登录名；长一点的一句话最好记");
        let body = html! {
            (heading("修改密码", None))
            @if self.must_change_password { (notice(Tone::Wait, "当前密码由管理员设定，请改成只有您知道的密码。")) }
            (form_to(context, STAFF_PASSWORD, &html! {
                div.cells {
                    (one("password", "当前密码", FieldKind::Password, None))
                    (one("new_password", "新密码", FieldKind::NewPassword, hint))
                    (one("repeated", "再输入一次新密码", FieldKind::NewPassword, None))
                }
                div.acts { (Button::submit("保存")) }
            }))
        };
        page(context, &Page::new("修改密码"), body)
    }
}

/// One account, as administrators see it.
#[derive(Debug, Serialize)]
pub struct AccountView {
    login: String,
    name: String,
    roles: Vec<&'static str>,
    departments: Vec<String>,
    doctor: Option<String>,
    disabled: bool,
    must_change_password: bool,
    #[serde(skip)]
    form: Form,
    #[serde(skip)]
    held: Vec<Role>,
}

impl AccountView {
    /// From the account, with what was typed before.
    pub fn of(account: &StaffAccount, form: Form) -> Self {
        Self {
            login: account.login.to_string(),
            name: account.name.clone(),
            roles: account.roles.iter().map(|role| role.code()).collect(),
            departments: account.departments.iter().map(ToString::to_string).collect(),
            doctor: account.doctor.as_ref().map(ToString::to_string),
            disabled: account.disabled,
            must_change_password: account.must_change,
            form,
            held: account.roles.iter().copied().collect(),
        }
    }

    fn below(&self) -> String {
        let roles: Vec<_> = self.held.iter().map(|role| role.text()).collect();
        format!("{} · {}", self.login, roles.join("、"))
    }

    fn state(&self) -> &'static str {
        match (self.disabled, self.must_change_password) {
            (true, _) => "已停用",
            (false, true) => "待改密码",
            (false, false) => "正常",
        }
    }

    fn act(context: &PageContext<'_>, action: &str, change: &str, text: &str) -> Markup {
        form_to(
            context,
            action,
            &html! {
                input type="hidden" name="change" value=(change);
                (Button::submit(text).look(Look::Plain))
            },
        )
    }
}

impl View for AccountView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let action = format!("/staff/accounts/{}", self.login);
        let body = html! {
            (heading(&self.name, Some(&self.below())))
            (key_values(&[("状态", html! { (self.state()) })]))
            (form_to(context, &action, &html! {
                input type="hidden" name="change" value="save";
                (fields(&self.form, Some(self)))
                div.acts { (Button::submit("保存")) }
            }))
            div.acts {
                @if self.disabled { (Self::act(context, &action, "enable", "恢复账号")) }
                @else { (Self::act(context, &action, "disable", "停用账号")) }
                (Self::act(context, &action, "reset_password", "重设密码"))
            }
        };
        page(context, &Page::new("员工账号"), body)
    }
}

/// The fields of an account: as typed, or as it is.
fn fields(form: &Form, account: Option<&AccountView>) -> Markup {
    let typed = !form.value("name").is_empty() || !form.is_valid();
    let text = |name: &'static str, label, kept: String, hint, max_chars| {
        let value = if typed { form.value(name).to_owned() } else { kept };
        html! {
            div.field {
                label for=(name) { (label) }
                input #(name) name=(name) value=(value) maxlength=(max_chars) autocomplete="off" spellcheck="false";
                @if let Some(error) = form.error(name) { p.error { (error) } }
                @else if let Some(hint) = hint { small { (hint) } }
            }
        }
    };
    let chosen = |role: Role| {
        if typed {
            form.fields().all("roles").any(|code| code == role.code())
        } else {
            account.is_some_and(|account| account.held.contains(&role))
        }
    };
    let kept = |get: &dyn Fn(&AccountView) -> String| account.map(get).unwrap_or_default();
    html! {
        div.cells {
            (text("name", "姓名", kept(&|account| account.name.clone()), None, NAME_CHARS_MAX))
        }
        fieldset {
            legend.title { "角色" }
            @if let Some(error) = form.error("roles") { p.error.cell { (error) } }
            div.cells {
                @for role in Role::ALL {
                    label.choice {
                        input type="checkbox" name="roles" value=(role.code()) checked[chosen(role)];
                        span.mark aria-hidden="true" {}
                        span.main { (role.text()) }
                    }
                }
            }
        }
        div.cells {
            (text("departments", "所在科室编码", kept(&|account| account.departments.join(",")),
                Some("可不填；多个用逗号隔开，登录后先看到这些科室"), DEPARTMENTS_CHARS_MAX))
            (text("doctor", "医生编码", kept(&|account| account.doctor.clone().unwrap_or_default()),
                Some("医生本人的编码，可不填；登录后先看到自己的门诊"), DOCTOR_CHARS_MAX))
        }
    }
}

/// All accounts, and the form for another.
#[derive(Debug, Serialize)]
pub struct AccountsView {
    accounts: Vec<AccountView>,
    #[serde(skip)]
    form: Form,
}

impl AccountsView {
    /// With what was typed before.
    pub fn of(accounts: &[StaffAccount], form: Form) -> Self {
        Self { accounts: accounts.iter().map(|one| AccountView::of(one, Form::default())).collect(), form }
    }
}

impl View for AccountsView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let texts: Vec<_> =
            self.accounts.iter().map(|one| (one.below(), format!("/staff/accounts/{}", one.login))).collect();
        let cells: Vec<_> = self
            .accounts
            .iter()
            .zip(&texts)
            .map(|(one, (below, href))| Cell {
                text: &one.name,
                below: Some(below),
                side: Some(html! { (one.state()) }),
                href: Some(href),
            })
            .collect();
        let login = Field {
            name: "login",
            label: "登录名",
            kind: FieldKind::Document,
            hint: Some("3 到 32 位小写字母、数字或 . _ -，以字母开头"),
            max_chars: LOGIN_CHARS_MAX,
        };
        let body = html! {
            (heading("员工账号", None))
            @if cells.is_empty() { (notice(Tone::Plain, "还没有员工账号。")) } @else { (list(&cells)) }
            (title("新增账号"))
            (form_to(context, "/staff/accounts", &html! {
                div.cells { (field(&self.form, &login)) }
                (fields(&self.form, None))
                div.acts { (Button::submit("新增")) }
            }))
        };
        page(context, &Page::new("员工账号"), body)
    }
}

/// An account whose password somebody else has just chosen: shown once.
#[derive(Debug, Serialize)]
pub struct NewAccountView {
    #[serde(flatten)]
    account: AccountView,
    /// Good for signing in and choosing another.
    initial_password: Shown,
}

/// A password on its way to the one who asked for it. Prints masked.
#[derive(Serialize)]
#[serde(transparent)]
struct Shown(String);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown(…)")
    }
}

impl NewAccountView {
    /// From the account and its password in the clear.
    pub fn of(account: &StaffAccount, initial_password: String) -> Self {
        Self { account: AccountView::of(account, Form::default()), initial_password: Shown(initial_password) }
    }
}

impl View for NewAccountView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let facts =
            [("登录名", html! { (self.account.login) }), ("初始密码", html! { code { (self.initial_password.0) } })];
        let body = html! {
            (heading(&self.account.name, Some("账号可以使用了")))
            (key_values(&facts))
            (notice(Tone::Wait, "初始密码只显示这一次，请当面交给本人；首次登录后须修改。"))
            div.acts { (Button::primary_link("返回账号列表", "/staff/accounts")) }
        };
        page(context, &Page::new("初始密码"), body)
    }
}

/// What was done on a day.
#[derive(Debug, Serialize)]
pub struct AuditView {
    date: String,
    entries: Vec<EntryView>,
    #[serde(skip)]
    who: Option<String>,
}

#[derive(Debug, Serialize)]
struct EntryView {
    at: String,
    who: String,
    what: String,
    about: String,
    #[serde(skip)]
    clock: String,
}

impl AuditView {
    /// From the entries of a day, of one person or of all.
    pub fn of(date: Date, who: Option<String>, entries: &[AuditEntry]) -> Self {
        let entry = |entry: &AuditEntry| EntryView {
            at: entry.at.to_string(),
            who: entry.who.clone(),
            what: entry.what.clone(),
            about: entry.about.clone(),
            clock: time::wall_clock(entry.at).strftime("%H:%M:%S").to_string(),
        };
        Self { date: date.to_string(), entries: entries.iter().map(entry).collect(), who }
    }
}

impl View for AuditView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let body = html! {
            (heading("操作记录", Some(&self.date)))
            form.search action="/staff/audit" {
                input type="date" name="date" value=(self.date) aria-label="日期";
                input name="who" value=(self.who.as_deref().unwrap_or_default()) placeholder="登录名" aria-label="登录名"
                    maxlength="64";
                button { "查看" }
            }
            @if self.entries.is_empty() { (notice(Tone::Plain, "这一天没有记录。")) } @else {
                table.records {
                    thead { tr { th { "时间" } th { "谁" } th { "操作" } th { "对象" } } }
                    tbody {
                        @for entry in &self.entries {
                            tr { td { (entry.clock) } td { (entry.who) } td { (entry.what) } td { (entry.about) } }
                        }
                    }
                }
            }
        };
        page(context, &Page::new("操作记录"), body)
    }
}
