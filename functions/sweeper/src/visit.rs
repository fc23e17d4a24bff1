//! What is due of an appointment: completing a cancellation, noticing that nobody came, and letting the credit record and
//! the queue follow.

use crate::{App, SweepError, cancellation};
use domain::appointment::{Appointment, Command, Place, check_at};
use domain::due::{Deadline, Worker};
use domain::event::Actor;
use domain::profile::HospitalProfile;
use domain::queue::QueueOwner;
use domain::{Timestamp, time};
use runtime::payments::FollowError;
use store::appointments::MoveFailed;
use store::key::Key;

pub(crate) async fn sweep(app: &App, key: &Key, now: Timestamp) -> Result<(), SweepError> {
    let Some(appointment) = app.desk.table.appointment_at(key).await? else { return Ok(()) };
    let due: Vec<_> = appointment.deadlines.due(now).filter(|kind| kind.worker() == Worker::Sweeper).collect();
    for kind in due {
        match kind {
            Deadline::Release => cancellation::complete(app, &appointment, now).await?,
            Deadline::Miss => miss(app, &appointment, now).await?,
            Deadline::Credit => follow(app, &appointment, now).await?,
            Deadline::Queue => queue(app, &appointment, now).await?,
            _ => return Err(SweepError::Unknown),
        }
    }
    Ok(())
}

/// The slot is over. How long to wait after it is the profile's to say, as it is now.
async fn miss(app: &App, appointment: &Appointment, now: Timestamp) -> Result<(), SweepError> {
    let (table, profile) = (&app.desk.table, app.desk.profile().await.map_err(FollowError::from)?);
    let missed_at = missed_at(&appointment.place, &profile);
    if now < missed_at {
        let wait_s = missed_at.as_second() - now.as_second();
        return Ok(table.postpone_deadline(&appointment.key(), Deadline::Miss, now, wait_s).await?);
    }
    match table.move_appointment(&appointment.key(), Command::MissVisit, &Actor::Schedule, profile.cancel, now).await {
        Ok(missed) => record(app, &profile, &missed, now).await,
        // Came, cancelled or noticed in between; whoever came has no such deadline any more.
        Err(MoveFailed::NotFound) => Ok(()),
        Err(MoveFailed::Refused(_)) => Ok(table.clear_deadline(&appointment.key(), Deadline::Miss).await?),
        Err(MoveFailed::Store(error)) => Err(error.into()),
    }
}

/// When somebody who has not come has missed a visit. Where the hospital's own system runs the queue it alone knows who
/// came: nobody is told before it was asked in the night.
fn missed_at(place: &Place, profile: &HospitalProfile) -> Timestamp {
    match profile.queue.owner {
        QueueOwner::Menzhen => time::add_minutes(place.ends_at(), profile.credit.grace_min),
        QueueOwner::His => check_at(place.date, 1),
    }
}

async fn follow(app: &App, appointment: &Appointment, now: Timestamp) -> Result<(), SweepError> {
    let profile = app.desk.profile().await.map_err(FollowError::from)?;
    record(app, &profile, appointment, now).await
}

/// Checked in, seen or cancelled, and the place in the queue has not followed.
async fn queue(app: &App, appointment: &Appointment, now: Timestamp) -> Result<(), SweepError> {
    let profile = app.desk.profile().await.map_err(FollowError::from)?;
    Ok(app.desk.table.follow_in_queue(&profile, appointment, now).await.map(drop)?)
}

/// An appeal that was answered, and the record has not followed.
pub(crate) async fn follow_appeal(app: &App, key: &Key, now: Timestamp) -> Result<(), SweepError> {
    let Some(appeal) = app.desk.table.appeal_at(key).await? else { return Ok(()) };
    let profile = app.desk.profile().await.map_err(FollowError::from)?;
    Ok(app.desk.table.follow_appeal(&profile, &appeal, now).await?)
}

async fn record(
    app: &App,
    profile: &HospitalProfile,
    appointment: &Appointment,
    now: Timestamp,
) -> Result<(), SweepError> {
    Ok(app.desk.table.follow_credit(profile, appointment, now).await?)
}
