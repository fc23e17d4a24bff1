//! Referral codes of a clinic.

use domain::referral::{Referral, quota};
use domain::{Timestamp, time};
use maud::{Markup, html};
use serde::Serialize;
use store::clinics::ClinicWithSlots;
use store::patients::Patient;
use web::components::{Button, Page, Tone, form_start_fields, heading, key_values, notice, page, title};
use web::session::IdempotencyKey;
use web::view::{PageContext, View};

/// What became of a code.
#[derive(Debug, Serialize)]
struct Given {
    by: String,
    at: String,
    state: &'static str,
    #[serde(skip)]
    text: &'static str,
}

impl Given {
    fn of(referral: &Referral, now: Timestamp) -> Self {
        let (state, text) = match (&referral.used_for, referral.expires_at <= now) {
            (Some(_), _) => ("used", "已用于挂号"),
            (None, true) => ("expired", "已过期"),
            (None, false) => ("out", "未使用"),
        };
        let at = time::wall_clock(referral.issued_at).strftime("%m-%d %H:%M").to_string();
        Self { by: referral.by.clone(), at, state, text }
    }
}

/// Referral codes of a clinic, and one more to give out.
#[derive(Debug, Serialize)]
pub struct ReferralsView {
    clinic: String,
    who: String,
    day: String,
    /// Numbers set apart for referrals.
    quota: usize,
    /// Codes that may still be given out.
    left: usize,
    given: Vec<Given>,
    /// The code just given out: shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// Until when it is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// For this person only.
    #[serde(skip_serializing_if = "Option::is_none")]
    patient: Option<String>,
    #[serde(skip)]
    name: Option<String>,
    #[serde(skip)]
    key: IdempotencyKey,
}

impl ReferralsView {
    /// From the clinic, its codes, and whom the next is for.
    pub fn of(
        found: &ClinicWithSlots,
        given: &[Referral],
        patient: Option<&Patient>,
        key: IdempotencyKey,
        now: Timestamp,
    ) -> Self {
        let clinic = &found.clinic;
        let quota = quota(&found.slots);
        Self {
            clinic: clinic.id.to_string(),
            who: format!("{} {}", clinic.department_name, clinic.who_text()),
            day: format!("{} {}", time::day_text(clinic.date, time::today(now)), clinic.period.text()),
            quota,
            left: quota.saturating_sub(given.iter().filter(|one| one.is_out(now)).count()),
            given: given.iter().map(|one| Given::of(one, now)).collect(),
            code: None,
            until: None,
            patient: patient.map(|patient| patient.id.to_string()),
            name: patient.map(|patient| patient.identity.name_masked.clone()),
            key,
        }
    }

    /// With the code just given out.
    #[must_use]
    pub fn with_issued(mut self, referral: &Referral) -> Self {
        self.code = Some(referral.code.text());
        let until = time::wall_clock(time::add_seconds(referral.expires_at, -1));
        self.until = Some(until.strftime("%Y-%m-%d").to_string());
        self
    }

    fn given_list(&self) -> Markup {
        html! {
            table.records {
                tbody {
                    @for one in &self.given { tr { td { (one.at) } td { (one.by) } td { (one.text) } } }
                }
            }
        }
    }
}

impl View for ReferralsView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let body = html! {
            (heading("转诊码", Some(&format!("{} · {}", self.day, self.who))))
            @if let (Some(code), Some(until)) = (&self.code, &self.until) {
                div.note role="status" { b { (code) } p { "请抄给或打印给患者，离开本页后不再显示。有效至 " (until) "，限用一次。" } }
            }
            (key_values(&[
                ("转诊预留号", html! { (self.quota) " 个" }),
                ("还可开具", html! { (self.left) " 个" }),
                ("适用", html! { @if let Some(name) = &self.name { "仅限 " (name) } @else { "持码患者均可" } }),
            ]))
            @if self.left > 0 {
                form method="post" action={ "/desk/clinics/" (self.clinic) "/referrals" } {
                    (form_start_fields(context, &self.key))
                    @if let Some(patient) = &self.patient { input type="hidden" name="patient" value=(patient); }
                    div.acts { (Button::submit("开具转诊码")) }
                }
            } @else {
                (notice(Tone::Wait, "该门诊没有可开具的转诊码：未预留转诊号，或预留的号都已开出。"))
            }
            @if !self.given.is_empty() { (title("已开具")) (self.given_list()) }
        };
        page(context, &Page::new("转诊码"), body)
    }
}
