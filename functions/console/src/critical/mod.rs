//! Critical values (危急值): who has them, and who takes them on.

pub mod views;

use crate::critical::views::{CriticalListView, CriticalView};
use crate::{Action, App};
use domain::id::ReportId;
use domain::report::filed::Deed;
use runtime::Refusal;
use runtime::http::Call;
use store::reports::KnownReport;
use web::Response;
use web::negotiate::Face;
use web::problem::Problem;

/// The list, by which a form comes back to it.
const LIST: &str = "/staff/critical";

/// Every critical value that waits, longest waiting first; those of the caller's own departments come first.
pub(crate) async fn list(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let keys = app.identity.get(call.now).await?;
    let mut entries = Vec::new();
    for filed in app.desk.table.critical_reports().await? {
        let Some(known) = app.desk.table.report(&keys, &filed.id).await? else { continue };
        entries.push(entry(app, call, &known).await?);
    }
    if let Some(account) = call.staff_account() {
        let own: Vec<String> = account.departments.iter().map(ToString::to_string).collect();
        entries.sort_by_key(|entry| !entry.is_of(&own));
    }
    app.desk.note(call, "read_critical", entries.len()).await?;
    Ok(call.show(&CriticalListView::new(entries)))
}

async fn entry(app: &App, call: &Call<Action>, known: &KnownReport) -> Result<CriticalView, Refusal> {
    let patient = app.desk.table.patient(&known.filed.patient).await?;
    let name = patient.as_ref().map_or("", |patient| patient.identity.name_masked.as_str());
    let card = patient.as_ref().and_then(|patient| patient.card.as_ref());
    Ok(CriticalView::of(known, name, card, call.now))
}

/// Takes one on: who, when, and what was done.
pub(crate) async fn acknowledge(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let id: ReportId = call.params.parse("report")?;
    let deed = call.fields()?.text("deed").and_then(Deed::from_code).ok_or_else(Problem::bad_request)?;
    let taken = app.desk.table.acknowledge_critical(&id, call.staff()?, deed, call.now).await?;
    if taken.is_none() {
        app.desk.table.filed_report(&id).await?.ok_or_else(Problem::not_found)?;
        return Err(Problem::conflict("already_acknowledged", "该危急值已有人处理").into());
    }
    app.desk.note(call, "acknowledge_critical", &id).await?;
    match call.meta.face() {
        Face::Page => Ok(call.go(LIST)),
        Face::Json => {
            let keys = app.identity.get(call.now).await?;
            let known = app.desk.table.report(&keys, &id).await?.ok_or_else(Problem::not_found)?;
            Ok(call.show(&entry(app, call, &known).await?))
        }
    }
}
