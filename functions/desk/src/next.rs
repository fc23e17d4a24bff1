//! 诊间预约: the next visit, taken in the consulting room while the patient is there. Free of charge where the rules of
//! following up say so (复诊); what costs something is paid at the window or shown to the patient's own phone.
//!
//! | code | status | when |
//! |---|---|---|
//! | `not_here` | 409 | nobody with this number is, or was, in the consulting room |

use crate::views::next::{Choice, NextView};
use crate::views::prints::SlipView;
use crate::{Action, App};
use domain::appointment::{Appointment, AppointmentKey, Booker, State};
use domain::booking::{follows_up, window};
use domain::civil::Date;
use domain::clinic::{Channel, Clinic, ClinicState, SlotStart};
use domain::id::{AppointmentId, ClinicId};
use futures_util::future::try_join_all;
use runtime::Refusal;
use runtime::follow_up::{department_ahead, free_days};
use runtime::http::Call;
use store::clinics::ClinicWithSlots;
use store::registration::HoldRequest;
use web::Response;
use web::components::Link;
use web::negotiate::Face;
use web::problem::Problem;
use web::session::IdempotencyKey;

/// Half hours offered at most.
const OPTIONS_MAX: usize = 40;

/// A visit that is taking place, or did today.
async fn visit(app: &App, call: &Call<Action>) -> Result<Appointment, Refusal> {
    let key: AppointmentKey = call.params.parse("appointment")?;
    let visit = app.desk.table.appointment(&key).await?.ok_or_else(Problem::not_found)?;
    if matches!(visit.state, State::CheckedIn | State::Fulfilled) {
        return Ok(visit);
    }
    Err(Problem::conflict("not_here", "患者尚未报到就诊，不能在诊间预约").into())
}

/// What may be taken next, and on which days it is free.
struct Ahead {
    clinics: Vec<Clinic>,
    free_days: Vec<Date>,
}

impl Ahead {
    async fn of(app: &App, call: &Call<Action>, visit: &Appointment) -> Result<Self, Refusal> {
        let policy = &call.profile()?.booking;
        let mut clinics = department_ahead(&app.desk, policy, &visit.place, call.now).await?;
        let free_days = free_days(policy, &visit.place, &clinics, call.now);
        clinics.retain(|clinic| clinic.state == ClinicState::Open && clinic.id != visit.place.clinic);
        clinics.sort_by_key(|clinic| (clinic.date, clinic.period, clinic.id.to_string()));
        Ok(Self { clinics, free_days })
    }

    /// Whether this clinic follows the visit up free of charge.
    fn is_free(&self, visit: &Appointment, clinic: &Clinic) -> bool {
        visit.history.followed_up_by.is_none()
            && follows_up(&visit.place, clinic)
            && self.free_days.contains(&clinic.date)
    }
}

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let visit = visit(app, call).await?;
    let ahead = Ahead::of(app, call, &visit).await?;
    let read = try_join_all(ahead.clinics.iter().map(|clinic| app.desk.table.clinic(&clinic.id))).await?;
    let mut options = Vec::new();
    for found in read.iter().flatten() {
        options.extend(bookable(call, found, ahead.is_free(&visit, &found.clinic))?);
    }
    options.truncate(OPTIONS_MAX);
    let key = IdempotencyKey::from_random(app.desk.random.bytes()?);
    Ok(call.show(&NextView::of(&visit, options, key)))
}

fn bookable(call: &Call<Action>, found: &ClinicWithSlots, is_free: bool) -> Result<Vec<Choice>, Refusal> {
    let policy = &call.profile()?.booking;
    let open = found
        .slots
        .iter()
        .filter(|slot| slot.state == ClinicState::Open && window(&found.clinic, slot.start, policy, call.now).is_ok());
    let free = open.map(|slot| (slot.start, slot.free_for(Channel::Window, call.now).len()));
    let free = free.filter(|(_, free)| *free > 0);
    Ok(free.map(|(start, free)| Choice::of(&found.clinic, start, free, is_free, call.now)).collect())
}

pub(crate) async fn book(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let visit = visit(app, call).await?;
    let fields = call.fields()?;
    let key = call.idempotency_key(&fields)?;
    let (clinic, start) = chosen(fields.text("option").unwrap_or_default())?;
    let ahead = Ahead::of(app, call, &visit).await?;
    let found = ahead.clinics.iter().find(|found| found.id == clinic).ok_or_else(Problem::not_found)?;
    let appointment = AppointmentId::of_request(call.staff()?, key.as_str(), &visit.patient, &clinic, start);
    let next = AppointmentKey { patient: visit.patient.clone(), date: found.date, id: appointment.clone() };
    // A repeat finds the visit followed up by itself.
    let is_free = ahead.is_free(&visit, found) || visit.history.followed_up_by.as_ref() == Some(&next);
    let request = HoldRequest {
        appointment,
        booker: Booker::Staff(call.staff()?.to_owned()),
        patient: visit.patient.clone(),
        patient_name_masked: visit.patient_name_masked.clone(),
        clinic: found.clone(),
        start,
        channel: Channel::Window,
        rest_min: call.profile()?.booking.rest.drawn(app.desk.random.bytes()?),
        follow_up_of: is_free.then(|| visit.key()),
    };
    let booked = app.desk.table.hold(call.profile()?, &request, call.now).await;
    let booked = booked.map_err(|error| back_to(&visit, error.into()))?;
    app.desk.note(call, "book_next_visit", &booked.id).await?;
    Ok(match call.meta.face() {
        Face::Json => call.show(&SlipView::of(&booked, None, call.profile()?)),
        Face::Page => call.go(&format!("/desk/appointments/{}/slip", booked.key())),
    })
}

/// A clinic and a half hour of it, as one button says it.
fn chosen(text: &str) -> Result<(ClinicId, SlotStart), Problem> {
    let (clinic, start) = text.split_once('@').ok_or_else(Problem::bad_request)?;
    let clinic = clinic.parse().map_err(|_| Problem::bad_request())?;
    Ok((clinic, start.parse().map_err(|_| Problem::bad_request())?))
}

/// A refusal with the way back to the choice.
fn back_to(visit: &Appointment, refusal: Refusal) -> Refusal {
    Refusal(refusal.0.with_action(Link::new("重新选择", format!("/desk/appointments/{}/next", visit.key()))))
}
