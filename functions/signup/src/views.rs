//! What the pages of this function show: each view is the page and the JSON alike.

use crate::messages::{COPIES, RECEIVE, SAVE, SMS};
use crate::registration::{CONSENT, GUARDIAN, RELATION};
use domain::id::PatientId;
use domain::notice::NoticeGroup;
use domain::person::DocumentKind;
use domain::profile::Consent;
use domain::report::FamilyScope;
use domain::time;
use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use std::collections::BTreeSet;
use store::account::{Link, Relation};
use store::patients::Patient;
use web::components::{
    Button, Cell, Choice, Look, Page, Person, State, Switch, Tab, Tone, choices, csrf_field, heading, list, notice,
    page, people, prose, state, switches, tick, title,
};
use web::form::Form;
use web::negotiate::Cache;
use web::problem::Problem;
use web::session::RETURN_TO_PARAM;
use web::view::{PageContext, View};
use web::{StatusCode, identity};

/// How long the consent text may be kept by browsers and the edge.
const CONSENT_AGE_S: u32 = 60;

/// What one agrees to.
#[derive(Debug, Serialize)]
pub struct ConsentView {
    version: String,
    paragraphs: Vec<String>,
}

impl ConsentView {
    /// From the profile.
    pub fn of(consent: &Consent) -> Self {
        Self { version: consent.version.clone(), paragraphs: consent.paragraphs.clone() }
    }
}

impl View for ConsentView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let version = format!("版本 {}", self.version);
        let body = html! {
            (heading("个人信息处理告知与同意", Some(&version)))
            (prose(&self.paragraphs))
        };
        page(context, &Page::new("个人信息处理告知与同意"), body)
    }

    fn cache(&self) -> Cache {
        Cache::Public { max_age_s: CONSENT_AGE_S }
    }
}

/// One person the reader acts for.
#[derive(Debug, Serialize)]
pub struct PatientView {
    patient: String,
    name: String,
    relation: &'static str,
    document: String,
    phone: String,
    /// The visit card, once there is one.
    card: Option<String>,
    /// Whether the window has to look at the document first.
    needs_window: bool,
}

impl PatientView {
    /// From the person and the reader's link.
    pub fn of(link: &Link, patient: &Patient) -> Self {
        Self {
            patient: patient.id.to_string(),
            name: link.name_masked.clone(),
            relation: link.relation.text(),
            document: patient.identity.document_masked.clone(),
            phone: patient.identity.phone_masked.clone(),
            card: patient.card.as_ref().map(ToString::to_string),
            needs_window: patient.needs_window,
        }
    }

    fn tags(&self) -> Vec<(Tone, &'static str)> {
        let card = if self.card.is_some() { (Tone::Good, "已有就诊卡") } else { (Tone::Plain, "未领就诊卡") };
        let window = self.needs_window.then_some((Tone::Wait, "待窗口核验"));
        window.into_iter().chain([card]).collect()
    }

    fn credit_path(&self) -> String {
        format!("/patients/{}/credit", self.patient)
    }

    fn unlink_button(&self, context: &PageContext<'_>) -> Markup {
        let (text, action) = (format!("解除 {}", self.name), format!("/patients/{}/unlink", self.patient));
        html! { (Button::post(context, &text, &action, Look::Warn)) }
    }
}

impl View for PatientView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        page(context, &Page::new("就诊人").tab(Tab::Patients), listed(std::slice::from_ref(self)))
    }
}

fn listed(patients: &[PatientView]) -> Markup {
    let texts: Vec<_> = patients
        .iter()
        .map(|one| (format!("证件 {}", one.document), one.tags(), format!("/patients/{}/card", one.patient)))
        .collect();
    let persons: Vec<_> = patients
        .iter()
        .zip(&texts)
        .map(|(one, (below, tags, href))| Person {
            name: &one.name,
            role: one.relation,
            below: Some(below),
            tags,
            side: None,
            href: Some(href),
        })
        .collect();
    people(&persons)
}

/// What can be set: messages, and for each person who acts for them.
fn settings(accounts: &[(String, String)]) -> Vec<Cell<'_>> {
    let messages = Cell { text: "消息设置", below: None, side: None, href: Some("/messages/preferences") };
    let accounts = accounts.iter().map(|(text, href)| Cell { text, below: None, side: None, href: Some(href) });
    std::iter::once(messages).chain(accounts).collect()
}

/// The people the reader acts for.
#[derive(Debug, Serialize)]
pub struct PatientsView {
    /// All of them.
    pub patients: Vec<PatientView>,
    /// Whether there is room for one more.
    pub can_add: bool,
}

impl PatientsView {
    fn credit_links(&self) -> Markup {
        let texts: Vec<_> =
            self.patients.iter().map(|one| (format!("诚信记录 {}", one.name), one.credit_path())).collect();
        let cells: Vec<_> =
            texts.iter().map(|(text, href)| Cell { text, below: None, side: None, href: Some(href) }).collect();
        list(&cells)
    }

    fn list(&self, context: &PageContext<'_>) -> Markup {
        let hrefs: Vec<_> = self
            .patients
            .iter()
            .map(|one| (format!("{} 绑定的微信", one.name), format!("/patients/{}/accounts", one.patient)))
            .collect();
        html! {
            (title("我的就诊人"))
            (listed(&self.patients))
            @if self.patients.iter().any(|one| one.needs_window) {
                (notice(Tone::Wait, "“待窗口核验”的就诊人：请携带登记的证件原件到挂号窗口核验；\
                    儿童请由监护人同行，并带上监护人身份证和户口簿或出生医学证明。"))
            }
            (self.credit_links())
            div.acts {
                @if self.can_add { (Button::primary_link("添加就诊人", "/patients/new")) }
            }
            (list(&settings(&hrefs)))
            details.cells {
                summary.cell { span.main { "解除绑定" } span.side aria-hidden="true" { "▾" } }
                (prose(&["解除后，您将不能再为其挂号和查看信息；已挂的号和就诊记录仍然保留。"]))
                div.acts { @for one in &self.patients { (one.unlink_button(context)) } }
            }
        }
    }
}

impl View for PatientsView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let add = [Button::primary_link("添加就诊人", "/patients/new")];
        let body = html! {
            @if self.patients.is_empty() {
                (state(State::Empty, "还没有就诊人", "实名登记后即可挂号，只需一次；家人也可以由您登记", &add))
            } @else {
                (self.list(context))
            }
            div.acts { (Button::post(context, "退出登录", "/signout", Look::Plain)) }
        };
        page(context, &Page::new("就诊人").tab(Tab::Patients), body)
    }
}

/// A WeChat user who acts for a person. Who it is stays WeChat's secret; since when tells families apart.
#[derive(Debug, Serialize)]
pub struct AccountView {
    account: String,
    is_own: bool,
    relation: &'static str,
    since: String,
    /// Whether the reader may send it away: it came later than theirs.
    removable: bool,
    /// Whether it may see results as family; none where the reader is not the one to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    sees_reports: Option<bool>,
}

impl AccountView {
    /// From a link, what it is called in addresses, and the reader's own.
    pub fn of(link: &Link, account: String, own: &Link) -> Self {
        Self {
            account,
            is_own: link.account == own.account,
            relation: link.relation.text(),
            since: time::wall_clock(link.since).strftime("%Y-%m-%d %H:%M").to_string(),
            removable: link.since > own.since,
            sees_reports: (own.relation == Relation::Oneself && link.relation == Relation::Family)
                .then_some(link.reports == FamilyScope::Granted),
        }
    }
}

/// Who acts for a person, the first first.
#[derive(Debug, Serialize)]
pub struct AccountsView {
    /// The person.
    pub patient: String,
    /// Their name, masked.
    pub name: String,
    /// All accounts.
    pub accounts: Vec<AccountView>,
}

impl AccountsView {
    /// Lets an account of the family see results, or no longer.
    fn scope_form(&self, one: &AccountView, context: &PageContext<'_>) -> Markup {
        let action = format!("/patients/{}/accounts/{}/reports", self.patient, one.account);
        html! {
            @if let Some(sees) = one.sees_reports {
                form method="post" action=(action) {
                    @if let Some(token) = context.csrf { (csrf_field(token)) }
                    @if !sees { input type="hidden" name="allow" value="on"; }
                    div.acts {
                        @let text = format!("{} {} 绑定的微信查看我的报告", if sees { "不再允许" } else { "允许" }, one.since);
                        (Button::submit(&text).look(if sees { Look::Warn } else { Look::Plain }))
                    }
                }
            }
        }
    }
}

impl View for AccountsView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let texts: Vec<_> = self
            .accounts
            .iter()
            .map(|one| {
                let whose = if one.is_own { "本微信" } else { "其他微信" };
                (format!("{whose}（{}）", one.relation), format!("{} 绑定", one.since))
            })
            .collect();
        let cells: Vec<_> =
            texts.iter().map(|(text, below)| Cell { text, below: Some(below), side: None, href: None }).collect();
        let action = |one: &AccountView| format!("/patients/{}/accounts/{}/remove", self.patient, one.account);
        let body = html! {
            (heading(&self.name, Some("以下微信可以为该就诊人挂号和查看信息")))
            (list(&cells))
            @for one in self.accounts.iter().filter(|one| one.removable) {
                div.acts { (Button::post(context, &format!("解除 {} 绑定的微信", one.since), &action(one), Look::Warn)) }
            }
            @for one in &self.accounts { (self.scope_form(one, context)) }
            (notice(Tone::Plain, "如果不认识其中的微信，请解除，并致电医院核实。只能解除比您更晚绑定的微信。"))
        };
        page(context, &Page::new("绑定的微信").tab(Tab::Patients), body)
    }
}

/// What is wished for one of the reader's people.
#[derive(Debug, Serialize)]
pub struct Wished {
    /// Who.
    pub patient: PatientId,
    /// Their name, masked.
    pub name: String,
    /// Whether the reader gets copies of what others are told about them.
    pub copies: bool,
    /// Whether they get copies by SMS.
    pub sms: bool,
}

#[derive(Debug, Serialize)]
struct GroupWish {
    group: &'static str,
    text: &'static str,
    receives: bool,
}

/// What the reader wants to be told.
#[derive(Debug, Serialize)]
pub struct PreferencesView {
    groups: Vec<GroupWish>,
    patients: Vec<Wished>,
}

impl PreferencesView {
    /// From what is muted, and what is wished for each person.
    pub fn of(muted: &BTreeSet<NoticeGroup>, patients: Vec<Wished>) -> Self {
        let group = |group: NoticeGroup| GroupWish {
            group: group.code(),
            text: group.text(),
            receives: !muted.contains(&group),
        };
        Self { groups: NoticeGroup::ALL.map(group).into(), patients }
    }

    fn of_each(&self, on: fn(&Wished) -> bool) -> Vec<Switch<'_>> {
        let switch = |one| switch_of(one, on);
        self.patients.iter().map(switch).collect()
    }
}

fn switch_of(one: &Wished, on: fn(&Wished) -> bool) -> Switch<'_> {
    Switch { value: one.patient.as_str(), text: &one.name, on: on(one) }
}

impl View for PreferencesView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let groups: Vec<_> = self
            .groups
            .iter()
            .map(|group| Switch { value: group.group, text: group.text, on: group.receives })
            .collect();
        let body = html! {
            (heading("消息设置", Some("停诊、号源变动等重要通知始终发送")))
            form method="post" action="/messages/preferences" {
                @if let Some(token) = context.csrf { (csrf_field(token)) }
                input type="hidden" name=(SAVE) value="on";
                (switches(RECEIVE, "微信里接收", &groups))
                @if !self.patients.is_empty() {
                    (switches(COPIES, "家人为其挂的号也通知我", &self.of_each(|one| one.copies)))
                    (switches(SMS, "同时发短信到就诊人的手机", &self.of_each(|one| one.sms)))
                }
                div.acts { (Button::submit("保存")) }
            }
            (notice(Tone::Plain, "夜间只发送重要通知，其余消息早上再发。年长的就诊人会同时收到短信，可在这里关闭。"))
        };
        page(context, &Page::new("消息设置").tab(Tab::Patients), body)
    }
}

/// A kind of document to choose.
#[derive(Debug, Serialize)]
struct KindChoice {
    code: &'static str,
    text: &'static str,
}

/// The registration form.
#[derive(Debug, Serialize)]
pub struct RegistrationView {
    consent_version: String,
    document_kinds: [KindChoice; 10],
    relations: [&'static str; 2],
    #[serde(skip)]
    back: Option<String>,
    #[serde(skip)]
    form: Form,
    #[serde(skip)]
    problem: Option<Problem>,
}

impl RegistrationView {
    /// With what was typed before; `back` is where the reader wants to go afterwards.
    pub fn of(consent: &Consent, back: Option<String>, form: Form) -> Self {
        Self {
            consent_version: consent.version.clone(),
            document_kinds: DocumentKind::ALL.map(|kind| KindChoice { code: kind.code(), text: kind.label() }),
            relations: ["oneself", "family"],
            back,
            form,
            problem: None,
        }
    }

    /// With why it was refused.
    #[must_use]
    pub fn refused(mut self, problem: Problem) -> Self {
        self.problem = Some(problem);
        self
    }

    fn action(&self) -> String {
        let encode = |path: &String| utf8_percent_encode(path, NON_ALPHANUMERIC).to_string();
        self.back.as_ref().map_or("/patients".into(), |path| format!("/patients?{RETURN_TO_PARAM}={}", encode(path)))
    }

    fn relation(&self) -> Markup {
        let one = |value, text| Choice { value, text, ..Choice::default() };
        let family = Choice { below: Some("父母、子女、配偶等"), ..one("family", "家人") };
        choices(&self.form, RELATION, "与您的关系", &[one("oneself", "本人"), family])
    }

    fn consents(&self) -> Markup {
        let consent = html! { "我已阅读并同意《个人信息处理告知与同意》" };
        // Beside the box, not inside its label: a touch on the words must tick it.
        let text =
            list(&[Cell {
                text: "阅读《个人信息处理告知与同意》", below: None, side: None, href: Some("/consent")
            }]);
        let guardian = html! { "就诊人未满 18 周岁：我是其监护人，并代其同意（成年人不用勾选）" };
        html! { (text) (tick(&self.form, CONSENT, &consent)) (tick(&self.form, GUARDIAN, &guardian)) }
    }
}

impl View for RegistrationView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let body = html! {
            (heading("登记就诊人", Some("请按证件填写，登记一次即可")))
            @if let Some(problem) = &self.problem { (notice(Tone::Bad, &problem.text)) }
            form method="post" action=(self.action()) {
                @if let Some(token) = context.csrf { (csrf_field(token)) }
                (self.relation())
                div.cells { (identity::fields(&self.form)) }
                (self.consents())
                div.acts { (Button::submit("提交登记")) }
            }
            (notice(Tone::Plain, "选择军官证或其他证件、为没有身份证的儿童登记时，登记后还需携带证件原件到窗口核验。"))
        };
        page(context, &Page::new("登记就诊人").tab(Tab::Patients), body)
    }

    fn status(&self) -> StatusCode {
        self.problem.as_ref().map_or(StatusCode::OK, |problem| problem.status)
    }
}
