//! Taking and giving back a number at the window, by the rules that hold for phones.

use crate::once::Once;
use crate::views::prints::SlipView;
use crate::{Action, App};
use domain::appointment::{Appointment, AppointmentKey, Booker};
use domain::clinic::{Channel, SlotStart};
use domain::enrolment::NumberOwner;
use domain::id::{AppointmentId, ClinicId, PatientId};
use runtime::Refusal;
use runtime::http::Call;
use runtime::window::{self, Behalf, CancelReason};
use store::registration::HoldRequest;
use web::Response;
use web::components::Link;
use web::form::Fields;
use web::negotiate::Face;
use web::problem::Problem;

pub(crate) async fn register(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let fields = call.fields()?;
    let key = call.idempotency_key(&fields)?;
    let (patient, clinic, start): (PatientId, ClinicId, SlotStart) =
        (parsed(&fields, "patient")?, parsed(&fields, "clinic")?, parsed(&fields, "slot")?);
    if call.profile()?.numbers.owner == NumberOwner::His {
        let text = "号源由医院系统管理，请在医院系统里为患者挂号";
        return Err(back_to(&patient, Problem::conflict("numbers_of_his", text).into()));
    }
    let known = app.desk.table.patient(&patient).await?.ok_or_else(Problem::not_found)?;
    let found = app.desk.table.clinic(&clinic).await?.ok_or_else(Problem::not_found)?;
    let request = HoldRequest {
        appointment: AppointmentId::of_request(call.staff()?, key.as_str(), &patient, &clinic, start),
        booker: Booker::Staff(call.staff()?.to_owned()),
        patient: patient.clone(),
        patient_name_masked: known.identity.name_masked,
        clinic: found.clinic,
        start,
        channel: Channel::Window,
        rest_min: call.profile()?.booking.rest.drawn(app.desk.random.bytes()?),
        follow_up_of: None,
    };
    let booked = app.desk.table.hold(call.profile()?, &request, call.now).await;
    let booked = booked.map_err(|error| back_to(&patient, error.into()))?;
    app.desk.note(call, "register_appointment", &booked.id).await?;
    Ok(match call.meta.face() {
        Face::Json => call.show(&SlipView::of(&booked, None, call.profile()?)),
        Face::Page => call.go(&format!("/desk/appointments/{}/slip", booked.key())),
    })
}

/// A refusal with the way back to the person it is about.
fn back_to(patient: &PatientId, refusal: Refusal) -> Refusal {
    Refusal(refusal.0.with_action(Link::new("返回就诊人", format!("/desk/people/{patient}"))))
}

fn parsed<T: std::str::FromStr>(fields: &Fields, name: &str) -> Result<T, Problem> {
    fields.text(name).and_then(|text| text.parse().ok()).ok_or_else(Problem::bad_request)
}

pub(crate) async fn cancel(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let key: AppointmentKey = call.params.parse("appointment")?;
    let fields = call.fields()?;
    let reason = match fields.text("reason") {
        None => CancelReason::default(),
        Some(code) => CancelReason::from_code(code).ok_or_else(Problem::bad_request)?,
    };
    let once = Once::of(call, &fields, &[reason.code()])?;
    let cancelled = if once.is_done(app).await? {
        app.desk.table.appointment(&key).await?.ok_or_else(Problem::not_found)?
    } else {
        let cancelled = give_back(app, call, &key).await?;
        once.done(app, call, &format!("cancel_appointment:{}", reason.code()), &key.id).await?;
        cancelled
    };
    Ok(match call.meta.face() {
        Face::Json => call.show(&SlipView::of(&cancelled, None, call.profile()?)),
        Face::Page => call.go(&format!("/desk/people/{}", key.patient)),
    })
}

async fn give_back(app: &App, call: &Call<Action>, key: &AppointmentKey) -> Result<Appointment, Refusal> {
    let profile = call.profile()?;
    let cancelled = window::cancel(&app.desk, profile, key, Behalf::Window, call.staff()?, call.now).await;
    cancelled.map_err(|refusal| back_to(&key.patient, refusal))
}
