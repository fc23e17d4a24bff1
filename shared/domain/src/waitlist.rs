//! 候补: waiting for a number of a clinic that is full. A number that comes back is offered to the first who may have it,
//! for hours; unpaid it goes on to the next.

use crate::appointment::NOTIFY_WITHIN_S;
use crate::clinic::{Clinic, ClinicState, SlotStart};
use crate::due::{Deadline, Deadlines};
use crate::event::{Actor, EventKind, ItemEvent};
use crate::id::{AppointmentId, ClinicId, OpenId, PatientId};
use crate::time;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};

/// An offer is not made for less time than this, in minutes: nobody reads and pays in less.
pub const OFFER_LEAST_MIN: i64 = 30;
/// Clinics one person waits for at most.
pub const WAITING_MAX: usize = 5;
/// Whether a number has become free while somebody joined is looked at after so many seconds.
pub const LOOK_AFTER_S: i64 = 60;

/// When one can wait, and how long an offer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WaitlistPolicy {
    /// One can join from this time of the day on.
    pub opens: Time,
    /// One can join until this time; on the day before the visit the list ends then.
    pub closes: Time,
    /// How long an offer stands, in minutes; never beyond the end of the list.
    pub offer_min: i64,
}

impl Default for WaitlistPolicy {
    fn default() -> Self {
        Self { opens: Time::constant(6, 0, 0, 0), closes: Time::constant(23, 0, 0, 0), offer_min: 24 * 60 }
    }
}

impl WaitlistPolicy {
    /// When the list of a clinic on `date` ends.
    pub fn ends_at(&self, date: Date) -> Timestamp {
        time::instant(time::add_days(date, -1), self.closes)
    }

    /// Until when an offer made at `now` stands; none when there is too little time left.
    pub fn offer_until(&self, date: Date, now: Timestamp) -> Option<Timestamp> {
        let until = time::add_minutes(now, self.offer_min).min(self.ends_at(date));
        (until >= time::add_minutes(now, OFFER_LEAST_MIN.min(self.offer_min))).then_some(until)
    }

    /// Whether somebody may join the list of a clinic at `now`. That it is full is for the caller to know.
    pub fn admits(&self, clinic: &Clinic, now: Timestamp) -> Result<(), WaitlistError> {
        if clinic.state == ClinicState::Closed {
            return Err(WaitlistError::Closed);
        }
        if clinic.release_at > now {
            return Err(WaitlistError::NotFull);
        }
        if !clinic.kind.bookable_ahead() || self.offer_until(clinic.date, now).is_none() {
            return Err(WaitlistError::Over);
        }
        let clock = time::wall_clock(now).time();
        if clock < self.opens || clock > self.closes {
            return Err(WaitlistError::Hours { opens: self.opens, closes: self.closes });
        }
        Ok(())
    }
}

/// Why one cannot wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WaitlistError {
    /// 停诊.
    #[error("the clinic is closed")]
    Closed,
    /// Numbers can be booked, or are not released yet.
    #[error("the clinic is not full")]
    NotFull,
    /// The list of this clinic has ended.
    #[error("the waitlist has ended")]
    Over,
    /// One joins by day.
    #[error("the waitlist takes people from {opens} to {closes}")]
    Hours {
        /// From.
        opens: Time,
        /// To.
        closes: Time,
    },
    /// The person waits for too many clinics.
    #[error("waits for too many clinics")]
    TooMany,
}

/// A person's place in the line of a clinic: its text sorts by when one joined.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ticket(String);

impl Ticket {
    /// Who joins later comes later; two of one millisecond by their ids.
    pub fn of(patient: &PatientId, now: Timestamp) -> Self {
        Self(format!("{:015}-{patient}", now.as_millisecond()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is waited for, as much of it as pages and messages say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitedFor {
    /// The clinic.
    pub id: ClinicId,
    /// Service day.
    pub date: Date,
    /// Department name.
    pub department_name: String,
    /// Who is seen.
    pub who: String,
}

/// Why waiting ended without an offer that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// 停诊.
    Closed,
    /// The list ended and no number came back.
    NoNumber,
}

/// Somebody who waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The place in line.
    pub ticket: Ticket,
    /// For what.
    pub clinic: WaitedFor,
    /// Only for this slot; none: for any.
    pub start: Option<SlotStart>,
    /// Who waits.
    pub patient: PatientId,
    /// The patient's name, masked.
    pub patient_name_masked: String,
    /// Who asked for it, and is told.
    pub account: OpenId,
    /// The appointment an offer will be: the same however often the offer is made.
    pub offer: AppointmentId,
    /// Why it is over; none while the person waits.
    #[serde(default)]
    pub ended: Option<Ended>,
    /// What still has to be done.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// What happened last.
    pub ev: Option<ItemEvent>,
    /// Counts writes.
    pub ver: u64,
}

impl Waiting {
    /// Whether a number of this slot is wanted.
    pub fn wants(&self, start: SlotStart) -> bool {
        self.ended.is_none() && self.start.is_none_or(|wanted| wanted == start)
    }

    /// The place once waiting is over; none when it is over already.
    #[must_use]
    pub fn ended(&self, why: Ended, now: Timestamp) -> Option<Self> {
        if self.ended.is_some() {
            return None;
        }
        let ev = ItemEvent { seq: 1, kind: EventKind::WaitlistEnded, actor: Actor::Schedule, at: now };
        let deadlines = Deadlines::none().with(Deadline::Notify, time::add_seconds(now, NOTIFY_WITHIN_S));
        Some(Self { ended: Some(why), deadlines, ev: Some(ev), ver: self.ver + 1, ..self.clone() })
    }

    /// The place with its next look planned: at the end of the list.
    #[must_use]
    pub fn looked_at(&self, policy: &WaitlistPolicy) -> Self {
        let deadlines = Deadlines::none().with(Deadline::Waitlist, policy.ends_at(self.clinic.date));
        Self { deadlines, ver: self.ver + 1, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_offer_stands_for_hours_and_never_beyond_the_list() {
        let policy = WaitlistPolicy::default();
        let day = date(2026, 11, 25);
        assert_eq!(policy.ends_at(day), at("2026-11-24T15:00:00Z"));
        assert_eq!(policy.offer_until(day, at("2026-11-22T02:00:00Z")), Some(at("2026-11-23T02:00:00Z")));
        assert_eq!(policy.offer_until(day, at("2026-11-24T14:30:00Z")), Some(at("2026-11-24T15:00:00Z")));
        assert_eq!(policy.offer_until(day, at("2026-11-24T14:30:01Z")), None);
    }

    #[test]
    fn places_sort_by_when_one_joined() {
        let ticket = |n: u8, now: &str| Ticket::of(&PatientId::from_bytes([n; 10]), at(now));
        let first = ticket(9, "2026-11-22T02:00:00.001Z");
        assert!(first < ticket(1, "2026-11-22T02:00:00.002Z"));
        assert!(ticket(1, "2026-11-22T02:00:00Z") < first);
    }
}
