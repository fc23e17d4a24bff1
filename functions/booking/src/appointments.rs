//! Holding a number, and the numbers an account has.

use crate::admission::{self, ADMISSION};
use crate::browse::clinic_view;
use crate::views::{AppointmentView, AppointmentsView, CancelView, WaitingRow};
use crate::{Action, App, attempts, options, set_apart};
use domain::appointment::{Appointment, AppointmentKey, Booker, CancelledBy};
use domain::clinic::{Channel, SlotStart};
use domain::event::Actor;
use domain::id::{AppointmentId, ClinicId, PatientId};
use futures_util::future::try_join_all;
use runtime::http::Call;
use runtime::{Refusal, enrolment};
use store::account::Link;
use store::registration::HoldRequest;
use web::Response;
use web::form::{Form, respond_invalid};
use web::negotiate::Face;
use web::problem::Problem;

/// Appointments shown in one list at most; the newest days come first.
const LISTED_MAX: usize = 60;

pub(crate) async fn hold(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    attempts::admit(app, call.account()?.as_str(), call.now).await?;
    let fields = call.fields()?;
    let key = call.idempotency_key(&fields)?;
    let clinic: ClinicId = fields.text("clinic").and_then(|text| text.parse().ok()).ok_or_else(Problem::not_found)?;
    admission::pass(app, call, &clinic, fields.text(ADMISSION)).await?;
    let mut form = Form::new(fields);
    let start =
        form.required("slot", "请选择就诊时段", |text| text.parse::<SlotStart>().map_err(|_| "请选择就诊时段"));
    let patient =
        form.required("patient", "请选择就诊人", |text| text.parse::<PatientId>().map_err(|_| "请选择就诊人"));
    let (Some(start), Some(patient)) = (start, patient) else {
        let view = clinic_view(app, call, clinic, form.clone()).await?;
        return Ok(respond_invalid(&call.context(), &form, &view));
    };
    attempts::admit(app, patient.as_str(), call.now).await?;
    let link = linked(app, call, &patient).await?;
    // A record that was merged into another takes no new numbers: the other stands for the person.
    if link.former {
        return Err(Problem::not_found().into());
    }
    let found = app.desk.table.clinic(&clinic).await?.ok_or_else(Problem::not_found)?;
    let follow_up_of = match form.value("follow_up") {
        "" => None,
        visit => Some(options::follow_up(app, call, visit, &found.clinic).await?),
    };
    let channel = set_apart::channel(app, call, &form, &patient, &found.clinic).await?;
    let request = HoldRequest {
        appointment: AppointmentId::of_request(call.account()?.as_str(), key.as_str(), &patient, &clinic, start),
        booker: Booker::Account(call.account()?.clone()),
        patient,
        patient_name_masked: link.name_masked,
        clinic: found.clinic,
        start,
        channel,
        rest_min: call.profile()?.booking.rest.drawn(app.desk.random.bytes()?),
        follow_up_of,
    };
    let held = match channel {
        Channel::Referral => set_apart::referred(app, call, &form, &request).await?,
        _ => app.desk.table.hold(call.profile()?, &request, call.now).await?,
    };
    answer(call, &locked(app, call, &request, held).await?)
}

/// Where the hospital's own system gives the numbers, a hold is one only once that keeps it, and a free visit stands once
/// that has confirmed it.
async fn locked(
    app: &App,
    call: &Call<Action>,
    request: &HoldRequest,
    held: Appointment,
) -> Result<Appointment, Refusal> {
    if !held.is_number_of_his() {
        return Ok(held);
    }
    let his = app.his.get(call.now).await?;
    let locked = enrolment::lock(&app.desk, &his.client, held, call.now).await?;
    if !locked.payable().is_zero() {
        return Ok(locked);
    }
    let booked = app.desk.table.hold(call.profile()?, request, call.now).await?;
    Ok(enrolment::at_once(&app.desk, &app.his, booked, call.now).await)
}

pub(crate) fn answer(call: &Call<Action>, held: &Appointment) -> Result<Response, Refusal> {
    let view = AppointmentView::of(held, call.profile()?, call.now);
    Ok(match call.meta.face() {
        Face::Json => call.show(&view),
        Face::Page => call.go(view.next_path()),
    })
}

/// The caller's right to act for a person; whoever has none learns nothing about the person.
pub(crate) async fn linked(app: &App, call: &Call<Action>, patient: &PatientId) -> Result<Link, Refusal> {
    Ok(app.desk.table.link(call.account()?, patient).await?.ok_or_else(Problem::not_found)?)
}

pub(crate) async fn list(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let links = app.desk.table.records_of(call.account()?).await?;
    let lists = try_join_all(links.iter().map(|link| app.desk.table.appointments_of(&link.patient))).await?;
    let mut all: Vec<Appointment> = lists.into_iter().flatten().collect();
    all.sort_by_key(|appointment| std::cmp::Reverse((appointment.place.date, appointment.place.start)));
    all.truncate(LISTED_MAX);
    let places = try_join_all(links.iter().map(|link| app.desk.table.places_of(&link.patient))).await?;
    let waiting = places.iter().flatten().map(|place| WaitingRow::of(place, call.now)).collect();
    let profile = call.profile()?;
    let views = all.iter().map(|appointment| AppointmentView::of(appointment, profile, call.now)).collect();
    Ok(call.show(&AppointmentsView { appointments: views, waiting, has_patients: !links.is_empty() }))
}

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let key: AppointmentKey = call.params.parse("appointment")?;
    linked(app, call, &key.patient).await?;
    let appointment = app.desk.table.appointment(&key).await?.ok_or_else(Problem::not_found)?;
    let refund = app.desk.table.order(&appointment.out_trade_no()).await?;
    let view = AppointmentView::of(&appointment, call.profile()?, call.now).with_order(refund.as_ref());
    Ok(call.show(&view))
}

/// A visit that cannot be cancelled (any more) is shown as it is.
pub(crate) async fn ask_cancel(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let key: AppointmentKey = call.params.parse("appointment")?;
    linked(app, call, &key.patient).await?;
    let appointment = app.desk.table.appointment(&key).await?.ok_or_else(Problem::not_found)?;
    Ok(call.show(&CancelView::of(&appointment, call.profile()?, call.now)))
}

pub(crate) async fn cancel(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let key: AppointmentKey = call.params.parse("appointment")?;
    linked(app, call, &key.patient).await?;
    let actor = Actor::Account(call.account()?.clone());
    let profile = call.profile()?;
    let cancelled = app.desk.table.cancel(profile, &key, CancelledBy::Patient, &actor, call.now).await?;
    Ok(match call.meta.face() {
        Face::Json => call.show(&AppointmentView::of(&cancelled, profile, call.now)),
        Face::Page => call.go(&format!("/appointments/{key}")),
    })
}
