//! What is still to be done about an appointment, and when.

use super::{Appointment, State};
use crate::due::{Deadline, Deadlines};
use crate::time;
use jiff::Timestamp;
use jiff::civil::{Date, Time};

/// The reminder goes out this long before the turn (the study, 3.2).
pub const REMIND_BEFORE_MIN: i64 = 30;

/// The reminder of the day before goes out at this time (domain sheet 2.5); a profile may say later, or never.
pub const DAY_BEFORE_AT: Time = Time::constant(18, 0, 0, 0);

/// A message that the stream has not led to within this time is queued again.
pub const NOTIFY_WITHIN_S: i64 = 120;

/// A place in the queue that has not followed within this time is put right by the sweeper.
pub const QUEUE_WITHIN_S: i64 = 60;

/// The hospital's own record of the day is complete by then.
const CHECK_TIME: Time = Time::constant(2, 0, 0, 0);

/// Asking ends with the night: by day the front-end machine has patients to serve.
const CHECK_ENDS: Time = Time::constant(6, 0, 0, 0);

/// Minutes between two questions of one night.
const CHECK_AGAIN_MIN: i64 = 30;

/// Nights after the day of the visit in which the hospital's own record is asked.
const CHECK_NIGHTS_MAX: i32 = 3;

/// When the hospital's own record is asked about a missed visit: at 02:00, so many nights after the day of the visit.
pub fn check_at(date: Date, nights: i32) -> Timestamp {
    time::instant(time::add_days(date, nights), CHECK_TIME)
}

/// When the hospital's own record is asked again after it knew nothing or did not answer; none when it has had its time,
/// and a doubt that the hospital cannot settle is not the patient's fault.
pub fn check_again_at(date: Date, now: Timestamp) -> Option<Timestamp> {
    if now >= time::instant(time::add_days(date, CHECK_NIGHTS_MAX), CHECK_ENDS) {
        return None;
    }
    let wall = time::wall_clock(now);
    let is_night = (CHECK_TIME..CHECK_ENDS).contains(&wall.time());
    let tonight = time::instant(wall.date(), CHECK_TIME);
    Some(match is_night {
        true => time::add_minutes(now, CHECK_AGAIN_MIN),
        false if now < tonight => tonight,
        false => check_at(wall.date(), 1),
    })
}

/// What has to be done once `state` is reached. Every message and every follow-up write has a deadline here.
pub(super) fn deadlines_after(before: &Appointment, state: State, now: Timestamp) -> Deadlines {
    let notify = Deadlines::none().with(Deadline::Notify, time::add_seconds(now, NOTIFY_WITHIN_S));
    match state {
        State::Booked => {
            let remind_at = time::add_minutes(before.place.starts_at(), -REMIND_BEFORE_MIN);
            let day_before_at = time::instant(time::add_days(before.place.date, -1), DAY_BEFORE_AT);
            let notify = notify.with(Deadline::Miss, before.place.ends_at());
            // Who books closer to the turn than that has just been told everything.
            [(Deadline::Remind, remind_at), (Deadline::DayBefore, day_before_at)]
                .into_iter()
                .filter(|(_, at)| *at > now)
                .fold(notify, |deadlines, (kind, at)| deadlines.with(kind, at))
        }
        // 停诊 meets somebody who waits already: the queue must forget them.
        State::Cancelled { .. } if before.state == State::CheckedIn => {
            notify.with(Deadline::Release, now).with(Deadline::Queue, now)
        }
        State::Cancelled { .. } => notify.with(Deadline::Release, now),
        // It had a number, a place on the gate and a paid order already.
        State::Refused { .. } if matches!(before.state, State::Confirming { .. }) => {
            notify.with(Deadline::Release, now)
        }
        State::Refused { .. } => notify,
        // What the person still has to be told stays; the queue follows, should whoever moves this be cut off.
        State::CheckedIn => {
            let over = [Deadline::DayBefore, Deadline::Miss, Deadline::Check];
            let still = over.into_iter().fold(before.deadlines.clone(), Deadlines::without);
            still.with(Deadline::Queue, time::add_seconds(now, QUEUE_WITHIN_S))
        }
        State::Fulfilled => Deadlines::none().with(Deadline::Queue, time::add_seconds(now, QUEUE_WITHIN_S)),
        State::Held { .. } | State::Confirming { .. } | State::NoShow | State::Expired => Deadlines::none(),
    }
}
