//! The window: who has which number of a clinic, one appointment, and giving one back (F16).

use crate::views::{ClinicView, StaffAppointmentView};
use crate::{Action, App, body};
use domain::appointment::{Appointment, AppointmentKey, CancelledBy, MoveError};
use domain::clinic::{Slot, Taken};
use domain::event::Actor;
use domain::id::{AppointmentId, ClinicId};
use futures_util::{StreamExt, TryStreamExt, stream};
use runtime::Refusal;
use runtime::http::Call;
use serde::{Deserialize, Serialize};
use store::appointments::MoveFailed;
use store::clinics::ClinicWithSlots;
use web::Response;
use web::problem::Problem;

/// Appointments of a clinic read at one time.
const READS_AT_ONCE: usize = 16;

pub(crate) async fn clinic(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let id: ClinicId = call.params.parse("clinic")?;
    let found = app.desk.table.clinic(&id).await?.ok_or_else(Problem::not_found)?;
    let taken = appointments_in(app, &found).await?;
    tracing::info!(who = call.staff()?, what = "read_clinic", %id, appointments = taken.len(), "staff action");
    Ok(call.show(&ClinicView::of(&found, &taken, call.now)))
}

/// The appointments behind the taken numbers. One may be missing for a moment: the number is claimed first.
async fn appointments_in(app: &App, found: &ClinicWithSlots) -> Result<Vec<Appointment>, Refusal> {
    let taken = found.slots.iter().flat_map(Slot::holders);
    let keys: Vec<_> = taken.map(|(id, taken)| key_of(found, id, taken)).collect();
    let reads: Vec<_> = keys.iter().map(|key| app.desk.table.appointment(key)).collect();
    let read: Vec<_> = stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await?;
    Ok(read.into_iter().flatten().collect())
}

fn key_of(found: &ClinicWithSlots, id: &AppointmentId, taken: &Taken) -> AppointmentKey {
    AppointmentKey { patient: taken.patient.clone(), date: found.clinic.date, id: id.clone() }
}

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let key: AppointmentKey = call.params.parse("appointment")?;
    let appointment = app.desk.table.appointment(&key).await?.ok_or_else(Problem::not_found)?;
    tracing::info!(who = call.staff()?, what = "read_appointment", appointment = %key.id, "staff action");
    answer(app, call, &appointment).await
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CancelRequest {
    by: By,
    reason: Reason,
}

/// On whose behalf.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum By {
    /// The patient's, who came or called: until the turn begins.
    #[default]
    Window,
    /// The hospital's: at any time, and never held against the patient.
    Hospital,
}

/// Why, for the audit. A closed list: free text would carry health data into the log.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Reason {
    /// The patient asked for it.
    #[default]
    PatientAsked,
    /// The wrong person, department or time was booked.
    BookedWrongly,
    /// The doctor cannot come, or the clinic is moved.
    ClinicChanged,
    /// Anything else.
    Other,
}

pub(crate) async fn cancel(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let key: AppointmentKey = call.params.parse("appointment")?;
    let request: CancelRequest = body::json(call)?;
    let by = match request.by {
        By::Window => CancelledBy::Window,
        By::Hospital => CancelledBy::Hospital,
    };
    let actor = Actor::Staff(call.staff()?.to_owned());
    let cancelled = app.desk.table.cancel(&app.profile().await?, &key, by, &actor, call.now).await.map_err(refused)?;
    let (who, reason) = (call.staff()?, request.reason);
    tracing::info!(who, what = "cancel_appointment", appointment = %key.id, ?by, ?reason, "staff action");
    answer(app, call, &cancelled).await
}

/// The patients' text sends them to the window; at the window, once the turn has begun, the hospital is what remains.
fn refused(error: MoveFailed) -> Refusal {
    match error {
        MoveFailed::Refused(MoveError::CancelDeadlinePassed) => {
            let text = "就诊时段已开始，窗口不能再取消。如由医院承担，请以医院名义取消（by: hospital）";
            Problem::conflict("cancel_too_late", text).into()
        }
        other => other.into(),
    }
}

async fn answer(app: &App, call: &Call<Action>, appointment: &Appointment) -> Result<Response, Refusal> {
    let order = app.desk.table.order(&appointment.out_trade_no()).await?;
    Ok(call.show(&StaffAppointmentView::of(appointment, order.as_ref(), call.now)))
}
