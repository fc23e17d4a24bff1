//! What the hospital's own system was asked for, when, and what came of it; and asking for it now.

use crate::{Action, App};
use domain::Timestamp;
use domain::profile::PullPolicy;
use domain::pull::Pull;
use domain::time;
use maud::{Markup, html};
use runtime::Refusal;
use runtime::http::Call;
use serde::Serialize;
use web::Response;
use web::components::{Button, Look, Page, Tone, key_values, notice, page, title};
use web::negotiate::Face;
use web::problem::Problem;
use web::view::{PageContext, View};

/// The page's address.
const HERE: &str = "/staff/his/pull";
const OFF: &str = "医院设置中没有开启与医院系统的同步";

/// Where pulling stands.
#[derive(Debug, Serialize)]
pub(crate) struct PullView {
    #[serde(flatten)]
    pull: Pull,
    /// Whether the hospital has it pulled at all.
    is_on: bool,
    /// Whether what is known of numbers is older than it should be.
    is_old: bool,
}

impl PullView {
    fn of(pull: Pull, policy: Option<&PullPolicy>, now: Timestamp) -> Self {
        Self { is_on: policy.is_some(), is_old: policy.is_some_and(|policy| pull.is_old(policy, now)), pull }
    }
}

impl View for PullView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let when = |at: Option<Timestamp>| match at {
            Some(at) => time::wall_clock(at).strftime("%Y-%m-%d %H:%M:%S").to_string(),
            None => "还没有".to_owned(),
        };
        let report = &self.pull.report;
        let facts = [
            ("科室和医生更新于", html! { (when(self.pull.catalog_at)) }),
            ("排班和号源更新于", html! { (when(self.pull.schedules_at)) }),
            ("报告更新于", html! { (when(self.pull.reports_at)) }),
            ("最近一次", html! { @if report.is_complete { "完成" } @else { "未完成" } }),
            ("变更的科室和医生", html! { (report.catalog_changed) }),
            ("变更的门诊", html! { (report.clinics_changed) }),
            ("停诊、替诊等通知", html! { (report.events) }),
            ("取回的报告", html! { (report.reports) }),
            ("无法识别的条目", html! { (report.rejected) }),
        ];
        let body = html! {
            (title("医院系统同步"))
            @if !self.is_on { (notice(Tone::Plain, OFF)) }
            @if self.is_old { (notice(Tone::Bad, "医院系统的数据已经过时，请检查前置机。")) }
            @if self.pull.asked_at.is_some() { (notice(Tone::Plain, "已安排同步，一分钟内开始。")) }
            (key_values(&facts))
            @if !report.oversold.is_empty() {
                p { "以下门诊已售出的号多于医院现有的号，已保留给患者，请核对：" }
                ul { @for clinic in &report.oversold { li { (clinic) } } }
            }
            @if self.is_on { div.acts { (Button::post(context, "立即同步", HERE, Look::Plain)) } }
        };
        page(context, &Page::new("医院系统同步"), body)
    }
}

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let policy = call.profile()?.numbers.pull;
    let pull = app.desk.table.pull().await?;
    tracing::info!(who = call.staff()?, what = "read_pull", "staff action");
    Ok(call.show(&PullView::of(pull, policy.as_ref(), call.now)))
}

/// His-sync begins with its next tick.
pub(crate) async fn ask(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let policy = call.profile()?.numbers.pull.ok_or_else(|| Problem::conflict("pull_off", OFF))?;
    let pull = app.desk.table.ask_for_pull(call.now).await?;
    app.desk.note(call, "ask_for_pull", "pull").await?;
    Ok(match call.meta.face() {
        Face::Json => call.show(&PullView::of(pull, Some(&policy), call.now)),
        Face::Page => call.go(HERE),
    })
}
