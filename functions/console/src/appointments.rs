//! The window: who has which number of a clinic, one appointment, and giving one back (F16).

use crate::views::{ClinicView, StaffAppointmentView};
use crate::{Action, App, body};
use domain::appointment::{Appointment, AppointmentKey};
use domain::id::ClinicId;
use runtime::Refusal;
use runtime::http::Call;
use runtime::window::{self, Behalf, CancelReason, appointments_in};
use serde::Deserialize;
use web::Response;
use web::problem::Problem;

pub(crate) async fn clinic(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let id: ClinicId = call.params.parse("clinic")?;
    let found = app.desk.table.clinic(&id).await?.ok_or_else(Problem::not_found)?;
    let taken = appointments_in(&app.desk, &found).await?;
    app.desk.note(call, "read_clinic", &id).await?;
    Ok(call.show(&ClinicView::of(&found, &taken, call.now)))
}

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let key: AppointmentKey = call.params.parse("appointment")?;
    let appointment = app.desk.table.appointment(&key).await?.ok_or_else(Problem::not_found)?;
    app.desk.note(call, "read_appointment", &key.id).await?;
    answer(app, call, &appointment).await
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CancelRequest {
    by: Behalf,
    reason: CancelReason,
}

pub(crate) async fn cancel(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let key: AppointmentKey = call.params.parse("appointment")?;
    let CancelRequest { by, reason } = body::json(call)?;
    let cancelled = window::cancel(&app.desk, &app.profile().await?, &key, by, call.staff()?, call.now).await?;
    app.desk.note(call, &format!("cancel_appointment:{}", reason.code()), &key.id).await?;
    answer(app, call, &cancelled).await
}

async fn answer(app: &App, call: &Call<Action>, appointment: &Appointment) -> Result<Response, Refusal> {
    let order = app.desk.table.order(&appointment.out_trade_no()).await?;
    Ok(call.show(&StaffAppointmentView::of(appointment, order.as_ref(), call.now)))
}
