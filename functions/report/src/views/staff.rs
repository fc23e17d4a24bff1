//! What a doctor sees: which reports of a patient wait for a word with them.

use super::report::kind_text;
use super::times::when_text;
use domain::Timestamp;
use domain::report::release::Progress;
use domain::report::{Policy, Reader, Visibility};
use maud::{Markup, html};
use serde::Serialize;
use store::reports::ListedReport;
use web::components::{Button, Look, Page, State, heading, page, state};
use web::view::{PageContext, View};

/// A report of a patient, as staff see it.
#[derive(Debug, Serialize)]
pub(crate) struct AwaitingRow {
    report: String,
    title: String,
    day: String,
    /// How far it is.
    status: &'static str,
    /// Whether a doctor's word would show more of it.
    awaits: bool,
    /// When a doctor gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    released: Option<String>,
}

impl AwaitingRow {
    /// From a line of the list.
    pub(crate) fn of(listed: &ListedReport, policy: &Policy, now: Timestamp) -> Self {
        let line = &listed.line;
        let progress = line.final_at.map(|final_at| Progress {
            final_at,
            confirmed_at: line.confirmed_at,
            awaits_clinician: false,
        });
        let waits = |progress: Progress| {
            line.classes.iter().any(|class| {
                let seen = policy.class_for(Reader::Oneself, line.status, *class, progress, now);
                matches!(seen, Visibility::AfterDoctor | Visibility::From(_))
            })
        };
        let name = line.name.as_str();
        Self {
            report: listed.id.to_string(),
            title: if name.is_empty() { kind_text(line.category) } else { name }.to_owned(),
            day: line.collected_at.as_ref().or(line.issued_at.as_ref()).map(when_text).unwrap_or_default(),
            status: line.status.patient_text(),
            awaits: progress.is_some_and(waits),
            released: line.confirmed_at.map(super::report::instant_text),
        }
    }
}

/// The reports of a patient, as staff see them.
#[derive(Debug, Serialize)]
pub(crate) struct AwaitingView {
    pub(crate) patient: String,
    pub(crate) name: String,
    pub(crate) rows: Vec<AwaitingRow>,
}

impl View for AwaitingView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let body = html! {
            (heading("检验检查报告", Some(&self.name)))
            @if self.rows.is_empty() { (state(State::Empty, "没有报告", "收到报告后在这里显示", &[])) }
            ul.cells {
                @for row in &self.rows {
                    li.cell {
                        span.main {
                            (row.title) span.soft { (row.day) " · " (row.status) }
                            @if let Some(at) = &row.released { span.soft { (at) " 已开放" } }
                        }
                        @if row.awaits {
                            @let action = format!("/staff/reports/{}/release", row.report);
                            (Button::post(context, "已与患者沟通，开放查看", &action, Look::Plain))
                        }
                    }
                }
            }
        };
        page(context, &Page::new("报告"), body)
    }
}
