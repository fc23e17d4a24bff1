//! Deadlines: what an item still has to see done, and when the next of it is due.
//!
//! An item carries its deadlines by kind. `due_at`, the earliest, is recomputed on each write by [`Deadlines::earliest`]
//! and puts the item in the one time index; an item with nothing due is not in it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Something that has to be done about an item at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deadline {
    /// Slot: a hold runs out.
    HoldExpires,
    /// Order: a payment was recorded, the number, gate and appointment must follow.
    Settle,
    /// Order: a refund must be asked for.
    Refund,
    /// Order: the outcome of an accepted refund must be looked up.
    RefundQuery,
    /// Order: nobody has heard of a payment yet; WeChat is asked, and closes the order in the end.
    Query,
    /// Order: money moved, or the hospital's own system will not have it: our books must say so.
    Book,
    /// Order: the hospital's own system must be told of a payment or a refund.
    Post,
    /// Clinic: it was closed, and not everybody in it has been cancelled yet.
    Close,
    /// Appointment: a cancellation was recorded, the order, number and gate must follow.
    Release,
    /// Appointment or order: a message must have gone out; the stream was the fast path. Message of the ledger: its wait
    /// is over, or it did not arrive.
    Notify,
    /// Appointment: the turn is near.
    Remind,
    /// Day of reconciliation: it must be compared (again).
    Reconcile,
    /// Appointment: its place in the queue must follow.
    Queue,
    /// Appointment: the visit is tomorrow.
    DayBefore,
    /// Queue: the hospital's own system calls, and is asked whom.
    CallState,
    /// Appointment: the slot is over; who has not come has missed it.
    Miss,
    /// Appointment: what happened to it is on record, the patient's gate must follow.
    Credit,
    /// Appointment: it was missed; the hospital's own record is asked whether the visit took place all the same.
    Check,
    /// Place on a waitlist: a number may be free, or the list has ended.
    Waitlist,
    /// Errand to the hospital's own system about a person: it has not been done there yet.
    Card,
    /// Merge of two records of a person: not everything has followed yet.
    Merge,
    /// Closure: not everybody it concerns has been cancelled or told yet.
    Closure,
    /// Report: the time to show it has come.
    Publish,
    /// Report: nobody has taken on its critical value in time.
    Escalate,
    /// Report: the hospital's own system must be told that a critical value waits for a clinician.
    Alert,
    /// Message with results that could not be placed: it is tried again.
    Replay,
    /// Appointment: the hospital's own system must be told of the visit, or asked where it stands.
    Enrol,
}

/// The function that acts on a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worker {
    /// `functions/sweeper`
    Sweeper,
    /// `functions/reminder`
    Reminder,
    /// `functions/reconcile`
    Reconcile,
    /// `functions/his-sync`
    HisSync,
    /// `functions/his-sync` as well: queues are asked for all day, and payments do not wait behind them.
    HisQueue,
    /// `functions/his-sync` as well: a burst of results of unknown people does not hold up payments.
    HisResults,
}

impl Worker {
    /// The first part of `due_pk`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Sweeper => "sweeper",
            Self::Reminder => "reminder",
            Self::Reconcile => "reconcile",
            Self::HisSync => "his-sync",
            Self::HisQueue => "his-queue",
            Self::HisResults => "his-results",
        }
    }
}

impl Deadline {
    /// Who acts on it.
    pub fn worker(self) -> Worker {
        match self {
            Self::Notify | Self::Remind | Self::DayBefore => Worker::Reminder,
            Self::HoldExpires
            | Self::Release
            | Self::Close
            | Self::Queue
            | Self::Miss
            | Self::Credit
            | Self::Waitlist
            | Self::Merge
            | Self::Closure
            | Self::Publish
            | Self::Escalate => Worker::Sweeper,
            Self::Settle | Self::Query | Self::Refund | Self::RefundQuery | Self::Book | Self::Reconcile => {
                Worker::Reconcile
            }
            Self::Post | Self::Check | Self::Card | Self::Enrol => Worker::HisSync,
            Self::CallState => Worker::HisQueue,
            Self::Replay | Self::Alert => Worker::HisResults,
        }
    }
}

/// When, in epoch seconds (a sort key must be a number).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DueAt(#[serde(with = "crate::clinic::epoch_s")] pub Timestamp);

/// All deadlines of an item.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Deadlines(BTreeMap<Deadline, DueAt>);

impl Deadlines {
    /// None.
    pub fn none() -> Self {
        Self::default()
    }

    /// The same with `kind` due at `at`.
    #[must_use]
    pub fn with(mut self, kind: Deadline, at: Timestamp) -> Self {
        self.0.insert(kind, DueAt(at));
        self
    }

    /// The same without `kind`.
    #[must_use]
    pub fn without(mut self, kind: Deadline) -> Self {
        self.0.remove(&kind);
        self
    }

    /// The same with everything due at `now`.
    #[must_use]
    pub fn hurried(&self, now: Timestamp) -> Self {
        Self(self.0.keys().map(|kind| (*kind, DueAt(now))).collect())
    }

    /// When `kind` is due.
    pub fn get(&self, kind: Deadline) -> Option<Timestamp> {
        self.0.get(&kind).map(|due| due.0)
    }

    /// Every kind that is due at `now`, in a fixed order.
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = Deadline> {
        self.0.iter().filter(move |(_, due)| due.0 <= now).map(|(kind, _)| *kind)
    }

    /// The earliest deadline: what the time index shows.
    pub fn earliest(&self) -> Option<(Worker, Timestamp)> {
        self.0.iter().min_by_key(|(kind, due)| (**due, **kind)).map(|(kind, due)| (kind.worker(), due.0))
    }
}

/// Failed tries of each task in progress: one that fails does not hurry another to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tries(BTreeMap<Deadline, u32>);

impl Tries {
    /// None.
    pub fn none() -> Self {
        Self::default()
    }

    /// How often `kind` was tried in vain.
    pub fn of(&self, kind: Deadline) -> u32 {
        self.0.get(&kind).copied().unwrap_or(0)
    }

    /// The same with one more of `kind`.
    #[must_use]
    pub fn more(mut self, kind: Deadline) -> Self {
        let tries = self.of(kind).saturating_add(1);
        self.0.insert(kind, tries);
        self
    }

    /// The same with at most `tries` of `kind`.
    #[must_use]
    pub fn at_most(mut self, kind: Deadline, tries: u32) -> Self {
        let tries = self.of(kind).min(tries);
        if tries == 0 {
            self.0.remove(&kind)
        } else {
            self.0.insert(kind, tries)
        };
        self
    }

    /// The same without those of `kind`: it was done.
    #[must_use]
    pub fn done(self, kind: Deadline) -> Self {
        self.at_most(kind, 0)
    }

    /// True when `kind` has failed so often that people must look.
    pub fn is_stuck(&self, kind: Deadline) -> bool {
        self.of(kind) >= TRIES_MAX
    }

    /// True when any task has.
    pub fn is_any_stuck(&self) -> bool {
        self.0.keys().any(|kind| self.is_stuck(*kind))
    }
}

/// Seconds to wait before try number `tries` (0-based) of a task that failed: 1, 2, 4 … minutes, at most 32.
pub fn backoff_s(tries: u32) -> i64 {
    60_i64 << tries.min(5)
}

/// After this many failures a task parks: it stays visible with an alarm, and is not tried again by itself.
pub const TRIES_MAX: u32 = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_is_what_the_index_shows() {
        let at = |s| Timestamp::from_second(s).unwrap();
        let none = Deadlines::none();
        assert_eq!(none.earliest(), None);
        let both = none.with(Deadline::Remind, at(90)).with(Deadline::Release, at(50));
        assert_eq!(both.earliest(), Some((Worker::Sweeper, at(50))));
        assert_eq!(both.due(at(60)).collect::<Vec<_>>(), [Deadline::Release]);
        assert_eq!(both.without(Deadline::Release).earliest(), Some((Worker::Reminder, at(90))));
    }

    #[test]
    fn failing_waits_longer_each_time_up_to_half_an_hour() {
        assert_eq!([0, 1, 2, 5, 99].map(backoff_s), [60, 120, 240, 1920, 1920]);
    }
}
