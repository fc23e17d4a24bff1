//! A doctor has told the patient: what waited for that is shown.

use crate::read::known;
use crate::views::staff::{AwaitingRow, AwaitingView};
use crate::{Action, App};
use domain::id::{PatientId, ReportId};
use runtime::Refusal;
use runtime::http::Call;
use store::StoreError;
use store::reports::Nonces;
use store::seal::SealNonce;
use web::Response;
use web::negotiate::Face;
use web::problem::Problem;

/// Fresh bytes of the desk's randomness.
struct Fresh<'a>(&'a App);

impl Nonces for Fresh<'_> {
    fn fresh(&self) -> Result<SealNonce, StoreError> {
        self.0.desk.random.bytes().map_err(|_| StoreError::Sealed)
    }
}

pub(crate) async fn awaiting(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let patient: PatientId = call.params.parse("patient")?;
    app.desk.note(call, "reports_looked_at", &patient).await?;
    Ok(call.show(&view(app, call, &patient).await?))
}

async fn view(app: &App, call: &Call<Action>, patient: &PatientId) -> Result<AwaitingView, Refusal> {
    let table = &app.desk.table;
    let found = table.patient(patient).await?.ok_or_else(Problem::not_found)?;
    let keys = app.identity.get(call.now).await?;
    let policy = &call.profile()?.reports;
    let reports = table.reports_of_person(&keys, patient).await?;
    let rows = reports.iter().map(|listed| AwaitingRow::of(listed, policy, call.now)).collect();
    Ok(AwaitingView { patient: patient.to_string(), name: found.identity.name_masked, rows })
}

pub(crate) async fn release(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let id: ReportId = call.params.parse("report")?;
    let known = known(app, call, &id).await?;
    if !known.filed.status.is_settled() {
        return Err(Problem::conflict("not_final", "报告尚未审核，不能开放").into());
    }
    let keys = app.identity.get(call.now).await?;
    let (policy, by) = (&call.profile()?.reports, call.staff()?);
    app.desk.table.confirm_report(&keys, &id, policy, by, call.now, &Fresh(app)).await?;
    app.desk.note(call, "report_released", &id).await?;
    let patient = known.filed.patient;
    Ok(match call.meta.face() {
        Face::Json => call.show(&view(app, call, &patient).await?),
        Face::Page => call.go(&format!("/staff/patients/{patient}/reports")),
    })
}
