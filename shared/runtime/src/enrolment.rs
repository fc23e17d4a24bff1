//! Telling the hospital's own system (HIS) of visits, and having it keep numbers where it gives them. Pages and his-sync share
//! it: whoever comes first does it, and what was sent without an answer is asked for before anything else is sent.

use crate::Desk;
use crate::desk::ProfileError;
use crate::random::NoRandomness;
use crate::secrets::{HisAccount, Secret, SecretError};
use domain::Timestamp;
use domain::appointment::{Appointment, Place, State};
use domain::enrolment::{Known, VisitAnswer, VisitTask};
use domain::id::AppointmentId;
use domain::profile::HospitalProfile;
use domain::time;
use his::{Call, His, HisError, NumberLock, PaidBy, Refusal, Registration, Standing, VisitBooking};
use store::StoreError;
use store::registration::HoldError;

/// Steps of one visit in one go: asked, locked, confirmed, and once more for each lost answer.
const STEPS_MAX: usize = 6;

/// Why the HIS could not be told. It stays due.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The HIS gives no usable answer.
    #[error(transparent)]
    His(#[from] HisError),
    /// There is no profile.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// No random bytes.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The keys of the HIS cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Tells the HIS at once what it must know of a visit. That it does not answer is not the patient's problem: the visit says
/// what is due, and his-sync goes on.
pub async fn at_once(desk: &Desk, his: &Secret<HisAccount>, visit: Appointment, now: Timestamp) -> Appointment {
    let told = match his.get(now).await {
        Ok(his) => follow(desk, &his.client, visit.clone(), now).await,
        Err(error) => Err(error.into()),
    };
    told.unwrap_or_else(|error| {
        tracing::warn!(%error, appointment = %visit.id, "the HIS is told later");
        visit
    })
}

/// Tells the HIS everything of a visit that it does not know, and answers with the visit after it. A visit that comes to
/// nothing for it gives its number back.
pub async fn follow(
    desk: &Desk,
    his: &impl His,
    appointment: Appointment,
    now: Timestamp,
) -> Result<Appointment, EnrolError> {
    let profile = desk.profile().await?;
    let mut visit = give_up(desk, &profile, appointment, now).await?;
    for _ in 0..STEPS_MAX {
        let Some(task) = visit.visit_task() else { break };
        let before = visit.enrolment.clone();
        let key = visit.key();
        // Written first: a crash after the HIS was told only means asking it where the visit stands.
        let Some(asked) = desk.table.change_visit(&key, |seen| seen.his_asked(&task, now)).await? else { break };
        let told = tell(desk, his, &profile, &asked, &task, now).await;
        let answer = answer_of(&told, &task);
        let answered = desk.table.change_visit(&key, |seen| seen.his_answered(&task, &answer, &before, now)).await?;
        visit = answered.unwrap_or(asked);
        settle(desk, &profile, &visit, now).await?;
        match told {
            Err(error) if answer == VisitAnswer::Unsent => return Err(error.into()),
            // No answer to a question: another one now would get none either.
            _ if answer == VisitAnswer::Unclear && task == VisitTask::Find => break,
            _ => {}
        }
        if visit.visit_task().as_ref() == Some(&task) {
            break;
        }
    }
    Ok(visit)
}

/// A paid number that the HIS does not confirm in time goes back.
async fn give_up(
    desk: &Desk,
    profile: &HospitalProfile,
    visit: Appointment,
    now: Timestamp,
) -> Result<Appointment, EnrolError> {
    let within_s = profile.numbers.confirm_within_min * 60;
    if visit.his_silent(within_s, profile.cancel, now).is_err() {
        return Ok(visit);
    }
    tracing::error!(alarm = "his_silent", appointment = %visit.id, "not confirmed by the HIS in time: it goes back");
    let given_up = desk.table.change_visit(&visit.key(), |seen| seen.his_silent(within_s, profile.cancel, now)).await?;
    let visit = given_up.unwrap_or(visit);
    release(desk, profile, &visit, now).await?;
    Ok(visit)
}

/// What follows when the HIS says no to a number it gives: nobody here has it any more.
async fn settle(desk: &Desk, profile: &HospitalProfile, visit: &Appointment, now: Timestamp) -> Result<(), EnrolError> {
    let Known::Refused { code } = &visit.enrolment.known else { return Ok(()) };
    match visit.state {
        State::Expired | State::Refused { .. } if visit.is_number_of_his() => {
            desk.table.leave_gate(&visit.patient, &visit.id).await?;
            desk.table.lose_number(visit).await?;
            release(desk, profile, visit, now).await
        }
        _ => {
            tracing::error!(alarm = "visit_refused", appointment = %visit.id, code, "the HIS does not take a visit");
            Ok(())
        }
    }
}

/// Best effort now, by the sweeper otherwise: the deadline is on the appointment.
async fn release(
    desk: &Desk,
    profile: &HospitalProfile,
    visit: &Appointment,
    now: Timestamp,
) -> Result<(), EnrolError> {
    if matches!(visit.state, State::Refused { .. })
        && let Err(error) = desk.table.release_cancelled(profile, visit, now).await
    {
        tracing::warn!(%error, "what hangs on a refused visit is left to the sweeper");
    }
    Ok(())
}

async fn tell(
    desk: &Desk,
    his: &impl His,
    profile: &HospitalProfile,
    visit: &Appointment,
    task: &VisitTask,
    now: Timestamp,
) -> Result<VisitAnswer, HisError> {
    let Ok(random) = desk.random.bytes() else { return Err(HisError::Unavailable) };
    let call = Call { now, random };
    let done = match task {
        VisitTask::Lock => his.lock(&lock_of(visit, profile), call).await,
        VisitTask::Unlock => his.unlock(&visit.id, call).await,
        VisitTask::Cancel => his.cancel(&visit.id, call).await,
        VisitTask::Leave(former) => his.cancel(former, call).await,
        VisitTask::Confirm => his.confirm(&booking_of(desk, visit).await?, call).await,
        VisitTask::Move(former) => his.reschedule(former, &booking_of(desk, visit).await?, call).await,
        VisitTask::Find => {
            return his.standing(&visit.id, call).await.map(|found| VisitAnswer::Stands(found.map(stands)));
        }
    };
    done.map(|()| VisitAnswer::Done)
}

/// What was answered, an error included: a refusal is an answer, and after no clear one the HIS is asked.
fn answer_of(told: &Result<VisitAnswer, HisError>, task: &VisitTask) -> VisitAnswer {
    match told {
        Ok(answer) => answer.clone(),
        Err(HisError::Refused { code: Refusal::SerialReused }) => VisitAnswer::Unclear,
        Err(HisError::Refused { code: Refusal::NoSuchSerial }) if matches!(task, VisitTask::Move(_)) => {
            VisitAnswer::UnknownBefore
        }
        Err(HisError::Refused { code }) => VisitAnswer::Refused(code.code().to_owned()),
        Err(error) if error.is_outcome_unknown() => VisitAnswer::Unclear,
        Err(_) => VisitAnswer::Unsent,
    }
}

fn stands(standing: Standing) -> domain::enrolment::Standing {
    match standing {
        Standing::Locked => domain::enrolment::Standing::Locked,
        Standing::Confirmed => domain::enrolment::Standing::Confirmed,
        Standing::Over => domain::enrolment::Standing::Over,
    }
}

/// Kept beyond the time to pay: what is paid in the last second still has to be confirmed.
fn lock_of(visit: &Appointment, profile: &HospitalProfile) -> NumberLock {
    let end = match visit.state {
        State::Held { expires_at } => expires_at,
        _ => visit.place.starts_at(),
    };
    number_lock(&visit.id, &visit.place, time::add_minutes(end, profile.numbers.confirm_within_min))
}

fn number_lock(serial: &AppointmentId, place: &Place, until: Timestamp) -> NumberLock {
    NumberLock { serial: serial.clone(), clinic: place.clinic.clone(), start: place.start, number: place.number, until }
}

/// The visit as the HIS is told of it. What cannot be read now is read when it is told again.
async fn booking_of(desk: &Desk, visit: &Appointment) -> Result<VisitBooking, HisError> {
    let read = desk.table.patient(&visit.patient).await;
    let patient = read.inspect_err(|error| tracing::warn!(%error, "a visit is told of later"));
    let card = patient.map_err(|_| HisError::Unavailable)?.and_then(|patient| patient.card);
    let place = &visit.place;
    let registration = Registration {
        appointment: visit.id.clone(),
        clinic: place.clinic.clone(),
        number: place.number,
        department: place.department.clone(),
        doctor: place.doctor.clone(),
        date: place.date,
    };
    let paid_by = (!visit.payable().is_zero()).then(|| PaidBy { order: visit.out_trade_no(), total: visit.fee });
    Ok(VisitBooking { registration, start: place.start, card_no: card.filter(|card| !card.is_digital()), paid_by })
}

/// Has the HIS keep the number of a hold before anybody pays for it. What it does not keep is given up at once: nobody waits
/// in a line for a system that does not answer.
pub async fn lock(desk: &Desk, his: &impl His, held: Appointment, now: Timestamp) -> Result<Appointment, LockError> {
    if !held.awaits_lock() {
        return Ok(held);
    }
    let visit = match Box::pin(follow(desk, his, held.clone(), now)).await {
        Ok(visit) => visit,
        Err(EnrolError::Store(error)) => return Err(HoldError::Store(error).into()),
        Err(error) => {
            tracing::warn!(%error, "a number cannot be locked");
            held
        }
    };
    match (visit.state, &visit.enrolment.known) {
        (State::Held { .. }, Known::Locked) => Ok(visit),
        (State::Held { .. }, _) => {
            let profile = desk.profile().await?;
            desk.table.drop_hold(&profile, &visit, false, now).await.map_err(HoldError::Store)?;
            Err(HoldError::HisDown.into())
        }
        (_, Known::Refused { .. }) => Err(HoldError::NumberTaken.into()),
        _ => Ok(visit),
    }
}

/// Has the HIS keep a number that no appointment has yet (改约). It ends there by itself should nothing come of it.
pub async fn lock_for_move(
    desk: &Desk,
    his: &impl His,
    serial: &AppointmentId,
    place: &Place,
    until: Timestamp,
    now: Timestamp,
) -> Result<(), HoldError> {
    let wanted = number_lock(serial, place, until);
    let call = || desk.random.bytes().map(|random| Call { now, random }).map_err(|_| HoldError::HisDown);
    let locked = match his.lock(&wanted, call()?).await {
        Err(error) if error.is_outcome_unknown() => match his.standing(serial, call()?).await {
            Ok(Some(Standing::Locked)) => Ok(()),
            _ => Err(error),
        },
        other => other,
    };
    match locked {
        Ok(()) => Ok(()),
        Err(HisError::Refused { code }) => {
            tracing::info!(%code, "a number cannot be locked");
            Err(HoldError::NumberTaken)
        }
        Err(error) => {
            tracing::warn!(%error, "a number cannot be locked");
            Err(HoldError::HisDown)
        }
    }
}

/// Why a number is not kept.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Taken at the hospital, or nobody there answers.
    #[error(transparent)]
    Hold(#[from] HoldError),
    /// There is no profile.
    #[error(transparent)]
    Profile(#[from] ProfileError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_no_is_a_no() {
        let of = |error, task: &VisitTask| answer_of(&Err(error), task);
        let refused = |code| HisError::Refused { code };
        assert_eq!(of(refused(Refusal::NumberTaken), &VisitTask::Lock), VisitAnswer::Refused("NUMBER_TAKEN".into()));
        assert_eq!(of(refused(Refusal::SerialReused), &VisitTask::Lock), VisitAnswer::Unclear);
        let former = VisitTask::Move("a".parse().unwrap());
        assert_eq!(of(refused(Refusal::NoSuchSerial), &former), VisitAnswer::UnknownBefore);
        for open in [HisError::UnknownOutcome, HisError::Forged, HisError::Unreadable, HisError::TooLarge] {
            assert_eq!(of(open, &VisitTask::Confirm), VisitAnswer::Unclear);
        }
        // Our key or clock is wrong, or nothing was sent: that says nothing about the visit.
        let code = Refusal::Other("SIGNATURE".into());
        for unsent in [HisError::Unauthorized { code }, HisError::Unavailable] {
            assert_eq!(of(unsent, &VisitTask::Confirm), VisitAnswer::Unsent);
        }
    }
}
