//! Critical values as clinicians see them: whose, which, since when, and who has taken them on.

use domain::id::CardNo;
use domain::report::filed::{Acknowledged, Critical, Deed};
use domain::report::{Flag, Item, Meaning, Report, Role, Value, flag};
use domain::{Timestamp, time};
use maud::{Markup, html};
use serde::Serialize;
use store::reports::KnownReport;
use web::components::{Page, Tone, badge, csrf_field, key_values, notice, page, title};
use web::view::{PageContext, View};

/// What waits for a clinician.
#[derive(Debug, Serialize)]
pub struct CriticalListView {
    critical: Vec<CriticalView>,
}

impl CriticalListView {
    /// In this order.
    pub fn new(critical: Vec<CriticalView>) -> Self {
        Self { critical }
    }
}

/// A report with critical values.
#[derive(Debug, Serialize)]
pub struct CriticalView {
    report: String,
    patient_name_masked: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<String>,
    name: String,
    status_text: &'static str,
    /// Who ordered it: code and name of the department, name of the doctor.
    #[serde(skip_serializing_if = "Option::is_none")]
    department: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    department_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    doctor: Option<String>,
    values: Vec<ValueView>,
    since: String,
    waited_min: i64,
    /// Whether the time to take it on has run out.
    is_late: bool,
    is_escalated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged: Option<AcknowledgedView>,
}

#[derive(Debug, Serialize)]
struct ValueView {
    name: String,
    value: String,
    unit: String,
    range: String,
    flag: &'static str,
}

#[derive(Debug, Serialize)]
struct AcknowledgedView {
    by: String,
    at: String,
    deed: &'static str,
    deed_text: &'static str,
}

fn clock(at: Timestamp) -> String {
    time::wall_clock(at).strftime("%Y-%m-%d %H:%M").to_string()
}

fn meaning(flags: &[Flag]) -> Option<Meaning> {
    flag::gravest(flags).filter(|meaning| meaning.is_critical())
}

impl ValueView {
    fn of(item: &Item, meaning: Meaning) -> Self {
        let values: Vec<&str> = item.values.iter().map(|value: &Value| value.sent.as_str()).collect();
        Self {
            name: item.code.name().to_owned(),
            value: values.join("；"),
            unit: item.unit.as_ref().map_or(String::new(), |unit| unit.as_str().to_owned()),
            range: item.range_sent.as_ref().map_or(String::new(), |range| range.as_str().to_owned()),
            flag: meaning.patient_text(),
        }
    }
}

impl AcknowledgedView {
    fn of(acknowledged: &Acknowledged) -> Self {
        let Acknowledged { by, at, deed } = acknowledged;
        Self { by: by.clone(), at: clock(*at), deed: deed.code(), deed_text: deed.text() }
    }
}

/// The number and the name of who had this part in a report.
fn party(report: &Report, role: Role) -> (Option<String>, Option<String>) {
    let found = report.parties.iter().find(|party| party.role == role);
    let text = |text: &Option<domain::report::Text>| text.as_ref().map(|text| text.as_str().to_owned());
    found.map_or((None, None), |party| (text(&party.id), text(&party.name)))
}

impl CriticalView {
    /// From a report and who its patient is.
    pub fn of(known: &KnownReport, name_masked: &str, card: Option<&CardNo>, now: Timestamp) -> Self {
        let report = known.dossier.history.current();
        let critical = known.filed.critical.as_ref();
        let (department, department_name) =
            report.map_or((None, None), |report| party(report, Role::OrderingDepartment));
        let items = report.into_iter().flat_map(Report::items);
        let since = critical.map_or(now, |critical| critical.since);
        Self {
            report: known.filed.id.to_string(),
            patient_name_masked: name_masked.to_owned(),
            card: card.map(ToString::to_string),
            name: report.map_or(String::new(), |report| report.code.name().to_owned()),
            status_text: known.filed.status.patient_text(),
            department,
            department_name,
            doctor: report.and_then(|report| party(report, Role::Orderer).1),
            values: items.filter_map(|item| Some(ValueView::of(item, meaning(&item.flags)?))).collect(),
            since: clock(since),
            waited_min: (now.as_second() - since.as_second()) / 60,
            is_late: critical.is_some_and(|critical| critical.is_open() && critical.due_at() <= now),
            is_escalated: critical.is_some_and(|critical: &Critical| critical.escalated_at.is_some()),
            acknowledged: critical.and_then(|critical| critical.acknowledged.as_ref()).map(AcknowledgedView::of),
        }
    }

    /// Whether it was ordered by one of these departments.
    pub fn is_of(&self, departments: &[String]) -> bool {
        self.department.as_ref().is_some_and(|department| departments.contains(department))
    }

    fn facts(&self) -> Markup {
        let or_nothing = |text: &Option<String>| html! { (text.as_deref().unwrap_or("—")) };
        let mut rows = vec![
            ("患者", html! { (self.patient_name_masked) @if let Some(card) = &self.card { " " (card) } }),
            ("检查", html! { (self.name) "（" (self.status_text) "）" }),
            ("申请科室", or_nothing(&self.department_name)),
            ("申请医生", or_nothing(&self.doctor)),
        ];
        let values: Vec<_> = self
            .values
            .iter()
            .map(|value| html! { (value.value) " " (value.unit) " " (value.flag) @if !value.range.is_empty() { "（参考 " (value.range) "）" } })
            .collect();
        rows.extend(self.values.iter().zip(values).map(|(value, shown)| (value.name.as_str(), shown)));
        rows.push(("等待", html! { (self.waited_min) " 分钟，自 " (self.since) }));
        key_values(&rows)
    }

    fn block(&self, context: &PageContext<'_>) -> Markup {
        html! {
            section {
                @if self.is_escalated { (badge(Tone::Bad, "超时未确认，已上报")) }
                @else if self.is_late { (badge(Tone::Bad, "已超过30分钟")) }
                (self.facts())
                @match &self.acknowledged {
                    Some(done) => { (notice(Tone::Good, &format!("{} {} {}", done.at, done.by, done.deed_text))) }
                    None => {
                        form method="post" action=(format!("/staff/critical/{}", self.report)) {
                            @if let Some(token) = context.csrf { (csrf_field(token)) }
                            div.acts {
                                @for deed in Deed::ALL {
                                    button.btn.plain name="deed" value=(deed.code()) { (deed.text()) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

impl View for CriticalView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        page(context, &Page::new("危急值"), html! { (title("危急值")) (self.block(context)) })
    }
}

impl View for CriticalListView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let body = html! {
            (title("危急值"))
            @if self.critical.is_empty() { (notice(Tone::Good, "没有待确认的危急值。")) }
            @for one in &self.critical { (one.block(context)) }
        };
        page(context, &Page::new("危急值"), body)
    }
}
