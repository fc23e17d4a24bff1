//! 候补: waiting for a number of a clinic that is full.

mod views;

use crate::appointments::linked;
use crate::{Action, App};
use domain::booking::window;
use domain::clinic::{Channel, Slot, SlotStart};
use domain::due::Deadlines;
use domain::id::{AppointmentId, ClinicId, PatientId};
use domain::waitlist::{Ticket, WaitedFor, Waiting, WaitlistError};
use futures_util::future::try_join_all;
use runtime::Refusal;
use runtime::http::Call;
use store::clinics::ClinicWithSlots;
use store::waitlist::JoinError;
use views::{PlaceView, WaitlistView};
use web::Response;
use web::negotiate::Face;
use web::problem::Problem;

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let found = clinic(app, call).await?;
    Ok(call.show(&view(app, call, &found).await?))
}

async fn clinic(app: &App, call: &Call<Action>) -> Result<ClinicWithSlots, Refusal> {
    let id: ClinicId = call.params.parse("clinic")?;
    Ok(app.desk.table.clinic(&id).await?.ok_or_else(Problem::not_found)?)
}

async fn view(app: &App, call: &Call<Action>, found: &ClinicWithSlots) -> Result<WaitlistView, Refusal> {
    let links = app.desk.table.links_of(call.account()?).await?;
    let places = links.iter().map(|link| app.desk.table.place_in_line(&link.patient, &found.clinic.id));
    let places = try_join_all(places).await?.into_iter().flatten();
    let places = places.map(|(waiting, ahead)| PlaceView::of(&waiting, ahead)).collect();
    Ok(WaitlistView::of(&found.clinic, places, &call.profile()?.booking.waitlist, call.now))
}

pub(crate) async fn join(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let found = clinic(app, call).await?;
    let fields = call.fields()?;
    let key = call.idempotency_key(&fields)?;
    let patient: PatientId =
        fields.text("patient").and_then(|text| text.parse().ok()).ok_or_else(Problem::bad_request)?;
    let start = match fields.text("slot") {
        Some(text) => Some(text.parse::<SlotStart>().map_err(|_| Problem::bad_request())?),
        None => None,
    };
    let link = linked(app, call, &patient).await?;
    if has_free(&found, start, call)? {
        return Err(JoinError::from(WaitlistError::NotFull).into());
    }
    let clinic = &found.clinic;
    let first = start.or_else(|| found.slots.first().map(|slot| slot.start)).ok_or_else(Problem::not_found)?;
    let waiting = Waiting {
        ticket: Ticket::of(&patient, app.desk.clock.now_in_order()),
        clinic: WaitedFor {
            id: clinic.id.clone(),
            date: clinic.date,
            department_name: clinic.department_name.clone(),
            who: clinic.who_text(),
        },
        start,
        offer: AppointmentId::of_request(call.account()?.as_str(), key.as_str(), &patient, &clinic.id, first),
        patient,
        patient_name_masked: link.name_masked,
        account: call.account()?.clone(),
        ended: None,
        deadlines: Deadlines::none(),
        ev: None,
        ver: 1,
    };
    app.desk.table.join_waitlist(call.profile()?, &waiting, clinic, call.now).await?;
    done(app, call, &found).await
}

/// Whether a number can be booked at once, in the slot that is wanted or in any.
fn has_free(found: &ClinicWithSlots, start: Option<SlotStart>, call: &Call<Action>) -> Result<bool, Refusal> {
    let policy = &call.profile()?.booking;
    let is_wanted = |slot: &&Slot| start.is_none_or(|start| slot.start == start);
    let is_free = |slot: &Slot| {
        let is_bookable = window(&found.clinic, slot.start, policy, call.now).is_ok();
        is_bookable && !slot.free_for(Channel::Wechat, call.now).is_empty()
    };
    Ok(found.slots.iter().filter(is_wanted).any(is_free))
}

pub(crate) async fn leave(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let found = clinic(app, call).await?;
    let fields = call.fields()?;
    let patient: PatientId =
        fields.text("patient").and_then(|text| text.parse().ok()).ok_or_else(Problem::bad_request)?;
    linked(app, call, &patient).await?;
    app.desk.table.leave_waitlist(&patient, &found.clinic.id).await?;
    done(app, call, &found).await
}

async fn done(app: &App, call: &Call<Action>, found: &ClinicWithSlots) -> Result<Response, Refusal> {
    Ok(match call.meta.face() {
        Face::Json => call.show(&view(app, call, found).await?),
        Face::Page => call.go(&format!("/clinics/{}/waitlist", found.clinic.id)),
    })
}
