//! Other numbers than the one somebody has: to move a visit to (改约), instead of one the hospital cancelled, or to follow
//! one up free of charge (复诊). One tap takes one.

mod views;

use crate::appointments::{answer, linked};
use crate::{Action, App};
use domain::appointment::{Appointment, AppointmentKey, CancelledBy, Place, RefusedWhy, State};
use domain::booking::{follows_up, window};
use domain::clinic::{Channel, Clinic, ClinicState, SlotStart};
use domain::event::Actor;
use domain::id::{AppointmentId, ClinicId};
use futures_util::future::try_join_all;
use runtime::follow_up::{department_ahead, free_days};
use runtime::http::Call;
use runtime::{Refusal, enrolment};
use store::appointments::MoveFailed;
use store::clinics::ClinicWithSlots;
use store::registration::HoldError;
use store::reschedule::MoveRequest;
use views::{OptionView, OptionsView};
use web::Response;
use web::problem::Problem;
use web::session::IdempotencyKey;

/// Numbers offered on one page at most.
const OPTIONS_MAX: usize = 24;

/// What another number is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// 改约
    Move,
    /// The hospital cancelled.
    Replace,
    /// 复诊
    FollowUp,
}

impl Purpose {
    /// What an appointment as it is leaves to want.
    fn of(appointment: &Appointment) -> Option<Self> {
        match appointment.state {
            State::Booked => Some(Self::Move),
            State::Cancelled { by: CancelledBy::Hospital, .. }
            | State::Refused { why: RefusedWhy::ClinicClosed | RefusedWhy::ClinicChanged } => Some(Self::Replace),
            State::Fulfilled if appointment.history.followed_up_by.is_none() => Some(Self::FollowUp),
            _ => None,
        }
    }
}

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let key: AppointmentKey = call.params.parse("appointment")?;
    linked(app, call, &key.patient).await?;
    let appointment = app.desk.table.appointment(&key).await?.ok_or_else(Problem::not_found)?;
    let purpose = Purpose::of(&appointment)
        .ok_or_else(|| Problem::conflict("no_options", "该号现在不能改约或复诊，可直接挂新的号"))?;
    if purpose == Purpose::Move {
        let policy = &call.profile()?.booking;
        let may = appointment.may_move(call.profile()?.cancel, policy.moves_max, call.now);
        may.map_err(MoveFailed::from)?;
    }
    let found = candidates(app, call, &appointment, purpose).await?;
    let options = options(call, &appointment, purpose, &found)?;
    let key = IdempotencyKey::from_random(app.desk.random.bytes()?);
    Ok(call.show(&OptionsView::of(&appointment, purpose, options, key, call.now)))
}

/// Clinics that would do, those of the nearest days first.
async fn candidates(
    app: &App,
    call: &Call<Action>,
    appointment: &Appointment,
    purpose: Purpose,
) -> Result<Vec<ClinicWithSlots>, Refusal> {
    let place = &appointment.place;
    let policy = &call.profile()?.booking;
    let mut clinics = department_ahead(&app.desk, policy, place, call.now).await?;
    match purpose {
        Purpose::Move => clinics.retain(|clinic| clinic.kind == place.kind && clinic.fee == appointment.fee),
        Purpose::Replace => clinics.retain(|clinic| clinic.kind == place.kind),
        Purpose::FollowUp => {
            let days = free_days(policy, place, &clinics, call.now);
            clinics.retain(|clinic| follows_up(place, clinic) && days.contains(&clinic.date));
        }
    }
    clinics.retain(|clinic| clinic.state == ClinicState::Open);
    clinics.sort_by_key(|clinic| ((clinic.date - place.date).get_days().abs(), clinic.date, clinic.period));
    let read = clinics.iter().map(|clinic| app.desk.table.clinic(&clinic.id));
    Ok(try_join_all(read).await?.into_iter().flatten().collect())
}

fn options(
    call: &Call<Action>,
    appointment: &Appointment,
    purpose: Purpose,
    found: &[ClinicWithSlots],
) -> Result<Vec<OptionView>, Refusal> {
    let policy = &call.profile()?.booking;
    let mut options = Vec::new();
    for ClinicWithSlots { clinic, slots } in found {
        for slot in slots {
            // What was closed may be open again: only who still has the number needs another.
            let is_same = clinic.id == appointment.place.clinic && slot.start == appointment.place.start;
            let is_own = purpose == Purpose::Move && is_same;
            let remaining = slot.free_for(Channel::Wechat, call.now).len();
            let is_open = slot.state == ClinicState::Open && window(clinic, slot.start, policy, call.now).is_ok();
            if is_open && remaining > 0 && !is_own {
                options.push(OptionView::of(clinic, slot.start, remaining, call.now));
            }
        }
    }
    options.truncate(OPTIONS_MAX);
    Ok(options)
}

pub(crate) async fn reschedule(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let from: AppointmentKey = call.params.parse("appointment")?;
    linked(app, call, &from.patient).await?;
    let fields = call.fields()?;
    let key = call.idempotency_key(&fields)?;
    let clinic: ClinicId = fields.text("clinic").and_then(|text| text.parse().ok()).ok_or_else(Problem::not_found)?;
    let start: SlotStart = fields.text("slot").and_then(|text| text.parse().ok()).ok_or_else(Problem::not_found)?;
    let found = app.desk.table.clinic(&clinic).await?.ok_or_else(Problem::not_found)?;
    let request = MoveRequest {
        to: AppointmentId::of_request(call.account()?.as_str(), key.as_str(), &from.patient, &clinic, start),
        from,
        clinic: found.clinic,
        start,
        rest_min: call.profile()?.booking.rest.drawn(app.desk.random.bytes()?),
    };
    let actor = Actor::Account(call.account()?.clone());
    let lock = async |place: &Place, until| {
        let his = app.his.get(call.now).await.map_err(|error| {
            tracing::error!(%error, "a number cannot be locked");
            HoldError::HisDown
        })?;
        enrolment::lock_for_move(&app.desk, &his.client, &request.to, place, until, call.now).await
    };
    let moved = app.desk.table.reschedule(call.profile()?, &request, &actor, call.now, lock).await?;
    answer(call, &told(app, call, moved).await)
}

/// Where the hospital's own system gives the numbers, the visit stands once that has confirmed it: told at once. Else it is
/// told by his-sync.
async fn told(app: &App, call: &Call<Action>, moved: Appointment) -> Appointment {
    if !moved.is_number_of_his() {
        return moved;
    }
    enrolment::at_once(&app.desk, &app.his, moved, call.now).await
}

/// The visit that a hold asks to follow up, if clinic and day allow it; whether it was followed up already, the hold
/// decides.
pub(crate) async fn follow_up(
    app: &App,
    call: &Call<Action>,
    visit: &str,
    clinic: &Clinic,
) -> Result<AppointmentKey, Refusal> {
    let key: AppointmentKey = visit.parse().map_err(|_| Problem::not_found())?;
    linked(app, call, &key.patient).await?;
    let visit = app.desk.table.appointment(&key).await?.ok_or_else(Problem::not_found)?;
    let policy = &call.profile()?.booking;
    let ahead = department_ahead(&app.desk, policy, &visit.place, call.now).await?;
    let days = free_days(policy, &visit.place, &ahead, call.now);
    let is_free = follows_up(&visit.place, clinic) && days.contains(&clinic.date);
    if is_free { Ok(key) } else { Err(HoldError::NoFollowUp.into()) }
}
