//! 停诊 and 替诊: a clinic, or the rest of it from some hour on, does not take place, or with another doctor. The record of
//! it names everybody it concerns, until the last one has been told and refunded.

use crate::appointment::AppointmentKey;
use crate::clinic::SlotStart;
use crate::due::{Deadline, Deadlines};
use crate::id::{ClinicId, DoctorId};
use crate::time;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What is not finished is looked at again after so many seconds.
const LOOK_AGAIN_S: i64 = 60;

/// What happens to those who are booked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ClosureKind {
    /// 停诊: cancelled on the hospital's account.
    Close,
    /// 替诊: seen by another doctor, and free to cancel until the turn.
    Substitute {
        /// The doctor who comes.
        doctor: DoctorId,
        /// As patients read it.
        who: String,
    },
}

/// One decision about a clinic and everybody it concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closure {
    /// The clinic.
    pub clinic: ClinicId,
    /// From this slot on; none: all of it.
    pub from: Option<SlotStart>,
    /// What happens.
    #[serde(flatten)]
    pub kind: ClosureKind,
    /// Who decided, by name.
    pub by: String,
    /// When, in milliseconds: part of its key.
    pub at: Timestamp,
    /// Everybody it concerns.
    #[serde(default)]
    pub people: BTreeSet<AppointmentKey>,
    /// What still has to be done.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// Counts writes.
    pub ver: u64,
}

impl Closure {
    /// A decision nobody has been told of yet.
    pub fn decided(clinic: ClinicId, from: Option<SlotStart>, kind: ClosureKind, by: String, now: Timestamp) -> Self {
        let deadlines = Deadlines::none().with(Deadline::Closure, now);
        Self { clinic, from, kind, by, at: now, people: BTreeSet::new(), deadlines, ver: 1 }
    }

    /// Whether it concerns a slot.
    pub fn concerns(&self, start: SlotStart) -> bool {
        self.from.is_none_or(|from| start >= from)
    }

    /// True once everybody has been cancelled or told.
    pub fn is_done(&self) -> bool {
        self.deadlines.get(Deadline::Closure).is_none()
    }

    /// The same with these people; none when all of them are on it already.
    #[must_use]
    pub fn with_people(&self, people: &BTreeSet<AppointmentKey>) -> Option<Self> {
        let all: BTreeSet<_> = self.people.union(people).cloned().collect();
        (all.len() > self.people.len()).then(|| Self { people: all, ver: self.ver + 1, ..self.clone() })
    }

    /// The same after a run that left somebody, or nobody.
    #[must_use]
    pub fn after_run(&self, is_finished: bool, now: Timestamp) -> Self {
        let rest = self.deadlines.clone().without(Deadline::Closure);
        let again = time::add_seconds(now, LOOK_AGAIN_S);
        let deadlines = if is_finished { rest } else { rest.with(Deadline::Closure, again) };
        Self { deadlines, ver: self.ver + 1, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_hour_is_closed_from_its_first_slot_on() {
        let now: Timestamp = "2026-11-22T02:00:00Z".parse().unwrap();
        let from = Some("1100".parse().unwrap());
        let closure = Closure::decided("c".parse().unwrap(), from, ClosureKind::Close, "office".into(), now);
        let concerns = |start: &str| closure.concerns(start.parse().unwrap());
        assert!(!concerns("1030") && concerns("1100") && concerns("1130"));
        assert!(
            !closure.is_done() && !closure.after_run(false, now).is_done() && closure.after_run(true, now).is_done()
        );
    }
}
