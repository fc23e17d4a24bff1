//! What the HIS is to be told of a visit, and the nightly check: a visit nobody checked in for may have taken place all the
//! same, and only the HIS knows (E50).
//!
//! Each missed visit has a deadline of its own at 02:00, so there is no list to run over and no run to miss. What the HIS
//! cannot say is asked again; after the third night it is nobody's fault but the hospital's (E52).

use crate::{App, SyncError};
use domain::Timestamp;
use domain::appointment::{Appointment, State, check_again_at};
use domain::due::Deadline;
use domain::event::Actor;
use domain::visit::VisitFate;
use his::{Call, His, VisitQuery, VisitStatus};
use runtime::enrolment;
use store::credit::Verdict;
use store::key::Key;

pub(crate) async fn sync(app: &App, key: &Key, now: Timestamp) -> Result<(), SyncError> {
    let Some(appointment) = app.desk.table.appointment_at(key).await? else { return Ok(()) };
    let is_due = appointment.deadlines.get(Deadline::Enrol).is_some_and(|due| due <= now);
    if !is_due {
        return check(app, appointment, now).await;
    }
    let his = app.his.get(now).await?;
    let told = Box::pin(enrolment::follow(&app.desk, &his.client, appointment, now)).await?;
    check(app, told, now).await
}

async fn check(app: &App, appointment: Appointment, now: Timestamp) -> Result<(), SyncError> {
    let table = &app.desk.table;
    if appointment.deadlines.get(Deadline::Check).is_none_or(|due| due > now) {
        return Ok(());
    }
    if appointment.state != State::NoShow {
        return Ok(table.clear_deadline(&appointment.key(), Deadline::Check).await?);
    }
    match ask(app, &appointment, now).await? {
        Some(VisitStatus::Visited) => clear(app, &appointment, now).await,
        Some(VisitStatus::NotVisited) => settle(app, &appointment, Verdict::Certain, now).await,
        None => match check_again_at(appointment.place.date, now) {
            Some(again) => {
                let wait_s = again.as_second() - now.as_second();
                Ok(table.postpone_deadline(&appointment.key(), Deadline::Check, now, wait_s).await?)
            }
            None => settle(app, &appointment, Verdict::Unknown, now).await,
        },
    }
}

/// What the HIS says; none when it knows nothing or does not answer.
async fn ask(app: &App, appointment: &Appointment, now: Timestamp) -> Result<Option<VisitStatus>, SyncError> {
    let his = app.his.get(now).await?;
    let place = &appointment.place;
    let visit = VisitQuery {
        appointment: appointment.id.clone(),
        clinic: place.clinic.clone(),
        number: place.number,
        date: place.date,
    };
    let call = Call { now, random: app.desk.random.bytes()? };
    Ok(his.client.visit_status(&visit, call).await.unwrap_or_else(|error| {
        tracing::warn!(%error, appointment = %appointment.id, "the HIS cannot say whether a visit took place");
        None
    }))
}

/// The visit took place: the strike goes.
async fn clear(app: &App, appointment: &Appointment, now: Timestamp) -> Result<(), SyncError> {
    let (table, profile) = (&app.desk.table, app.desk.profile().await?);
    table.follow_hospital(&profile, appointment, VisitFate::Seen, &Actor::Schedule, now).await?;
    Ok(())
}

async fn settle(app: &App, appointment: &Appointment, verdict: Verdict, now: Timestamp) -> Result<(), SyncError> {
    let profile = app.desk.profile().await?;
    Ok(app.desk.table.settle_missed(&profile, appointment, verdict, now).await?)
}
