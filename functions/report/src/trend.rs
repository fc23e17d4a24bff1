//! An item over time.

use crate::access;
use crate::views::trend::TrendView;
use crate::{Action, App};
use domain::id::PatientId;
use domain::report::{Item, Report, trend};
use runtime::Refusal;
use runtime::http::Call;
use store::seal::Keyring;
use web::Response;
use web::problem::Problem;

/// Reports looked through, latest first: years of a chronic illness.
const REPORTS_MAX: usize = 40;
/// Parameter: which item.
const ITEM: &str = "item";
/// Characters of a handle: 96 bits.
const HANDLE_CHARS: usize = 16;
const PURPOSE: &str = "report-item";

/// What an item of a person is called in addresses: a keyed hash, for its code would tell what was examined.
pub(crate) fn handle_of(keys: &Keyring, patient: &PatientId, item: &Item) -> Option<String> {
    handles_of(keys, patient, item).into_iter().next()
}

/// Under every live key, current first.
fn handles_of(keys: &Keyring, patient: &PatientId, item: &Item) -> Vec<String> {
    let text = format!("{patient}\n{}", item.identity());
    let short = |index: String| index.split_once('.').and_then(|(_, tag)| tag.get(..HANDLE_CHARS)).map(str::to_owned);
    keys.indexes(&text, PURPOSE).into_iter().filter_map(short).collect()
}

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let patient = access::patient_of(call)?;
    let access = match access::enter(app, call, &patient).await? {
        Ok(access) => access,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let wanted = call.meta.query(ITEM).ok_or_else(Problem::not_found)?;
    let (keys, table, policy) = (app.identity.get(call.now).await?, &app.desk.table, &call.profile()?.reports);
    let mut reports: Vec<Report> = Vec::new();
    let patient = access.patient.id.clone();
    let listed = table.reports_of_person(&keys, &patient).await?;
    for listed in listed.iter().filter(|listed| listed.line.status.is_valid()).take(REPORTS_MAX) {
        let Some(known) = table.report(&keys, &listed.id).await? else { continue };
        let progress = known.filed.progress_for_reader(call.now);
        let current = known.dossier.history.current();
        reports.extend(current.map(|report| policy.seen_by(report, access.reader, progress, call.now).report));
    }
    let points = trend::points(&reports, |item| handles_of(&keys, &patient, item).contains(&wanted));
    if points.is_empty() {
        return Err(Problem::not_found().into());
    }
    Ok(call.show(&TrendView::of(&points, &access.patient.identity.name_masked, patient.as_str())))
}
