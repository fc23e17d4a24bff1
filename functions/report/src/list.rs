//! A person's reports.

use crate::access::{self, PATIENT};
use crate::views::list::{ChooserView, ListView, Progress, RowParts, RowView};
use crate::views::report::kind_text;
use crate::views::times::when_text;
use crate::{Action, App};
use domain::Timestamp;
use domain::id::{PatientId, hashed_text};
use domain::report::release::Progress as Released;
use domain::report::{Line, Policy, Reader, Status, Visibility};
use domain::time;
use runtime::Refusal;
use runtime::http::Call;
use std::collections::BTreeMap;
use store::account::Link;
use store::reports::ListedReport;
use web::Response;

/// Reports on one page.
const ROWS_MAX: usize = 20;
/// What is waited for and shown at most: older ones will not come any more.
const WAITING_MAX: usize = 10;
/// Parameter: which page, from 1 on.
const PAGE: &str = "page";

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let links = app.desk.table.links_of(call.account()?).await?;
    let patient = match (call.meta.query(PATIENT), links.as_slice()) {
        (Some(_), _) => access::patient_of(call)?,
        (None, [only]) => only.patient.clone(),
        (None, links) => return Ok(call.show(&chooser(links))),
    };
    let access = match access::enter(app, call, &patient).await? {
        Ok(access) => access,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let keys = app.identity.get(call.now).await?;
    let table = &app.desk.table;
    let patient = access.patient.id.clone();
    let (reports, marks) =
        tokio::try_join!(table.reports_of_person(&keys, &patient), table.read_marks(&access.account, &patient))?;
    let policy = &call.profile()?.reports;
    let sight = Sight { policy, reader: access.reader, marks: &marks, now: call.now };
    let name = access.patient.identity.name_masked.clone();
    Ok(call.show(&sight.list(&reports, &patient, name, others(&links, &patient), page_of(call))))
}

fn page_of(call: &Call<Action>) -> usize {
    call.meta.query(PAGE).and_then(|text| text.parse().ok()).filter(|page| *page > 0).unwrap_or(1)
}

fn chooser(links: &[Link]) -> ChooserView {
    let named = links.iter().map(|link| (link.name_masked.clone(), link.patient.to_string()));
    ChooserView { patients: named.collect() }
}

fn others(links: &[Link], patient: &PatientId) -> Vec<(String, String)> {
    let others = links.iter().filter(|link| link.patient != *patient);
    let named = others.map(|link| (link.name_masked.clone(), format!("/reports?{PATIENT}={}", link.patient)));
    named.collect()
}

/// What a list is seen with.
struct Sight<'a> {
    policy: &'a Policy,
    reader: Reader,
    marks: &'a BTreeMap<String, String>,
    now: Timestamp,
}

impl Sight<'_> {
    fn list(
        &self,
        reports: &[ListedReport],
        patient: &PatientId,
        name: String,
        others: Vec<(String, String)>,
        page: usize,
    ) -> ListView {
        let (waiting, come): (Vec<_>, Vec<_>) =
            reports.iter().partition(|report| self.progress(&report.line).is_awaited());
        let come: Vec<RowView> = come.into_iter().map(|report| self.row(report)).collect();
        let unread = come.iter().filter(|row| row.is_unread).count();
        let skipped = (page - 1).saturating_mul(ROWS_MAX);
        let has_more = come.len() > skipped.saturating_add(ROWS_MAX);
        let waiting = if page == 1 { waiting } else { Vec::new() };
        ListView {
            patient: patient.to_string(),
            name,
            unread,
            waiting: waiting.into_iter().take(WAITING_MAX).map(|report| self.row(report)).collect(),
            reports: come.into_iter().skip(skipped).take(ROWS_MAX).collect(),
            next: has_more.then(|| format!("/reports?{PATIENT}={patient}&{PAGE}={}", page + 1)),
            others,
        }
    }

    fn row(&self, listed: &ListedReport) -> RowView {
        let ListedReport { id, listed_at, line } = listed;
        let progress = self.progress(line);
        let day = line.collected_at.as_ref().or(line.issued_at.as_ref()).map(when_text);
        let is_open = matches!(progress, Progress::Ready | Progress::Partly);
        let name = line.name.as_str();
        let is_told = !line.is_sensitive() && !name.is_empty();
        RowView::of(RowParts {
            report: id.to_string(),
            title: if is_told { name } else { kind_text(line.category) }.to_owned(),
            day: day.unwrap_or_else(|| time::wall_clock(*listed_at).strftime("%Y年%-m月%-d日").to_string()),
            progress,
            expected: progress.is_awaited().then(|| line.expected_at.as_ref().map(when_text)).flatten(),
            is_corrected: line.is_corrected && is_open,
            is_unread: is_open && self.marks.get(id.as_str()) != Some(&mark_of(line)),
        })
    }

    fn progress(&self, line: &Line) -> Progress {
        match line.status {
            Status::Cancelled => return Progress::Cancelled,
            Status::EnteredInError => return Progress::Withheld(Visibility::Withdrawn),
            Status::Registered if line.collected_at.is_none() => return Progress::Ordered,
            status if !status.is_settled() => return Progress::Waiting,
            _ => {}
        }
        let Some(final_at) = line.final_at else { return Progress::Waiting };
        let released = Released { final_at, confirmed_at: line.confirmed_at, awaits_clinician: false };
        let seen = |class: &domain::report::ItemClass| {
            self.policy.class_for(self.reader, line.status, *class, released, self.now)
        };
        let all: Vec<Visibility> = line.classes.iter().map(seen).collect();
        let hidden = all.iter().find(|visibility| **visibility != Visibility::Visible);
        match (all.contains(&Visibility::Visible), hidden) {
            (_, None) => Progress::Ready,
            (true, Some(_)) => Progress::Partly,
            (false, Some(why)) => Progress::Withheld(*why),
        }
    }
}

/// What a reader has read of a report: another version, or a doctor's word, makes it unread again.
pub(crate) fn mark_of(line: &Line) -> String {
    let issued = line.issued_at.as_ref().map_or("", |when| when.sent.as_str());
    let confirmed = line.confirmed_at.map(|at| at.as_second().to_string()).unwrap_or_default();
    let corrected = if line.is_corrected { "1" } else { "" };
    hashed_text(&[line.status.patient_text(), issued, &confirmed, corrected])
}
