//! Who comes up in which order.
//!
//! Emergencies first. Then, of those in turn: by slot, within the slot those with priority, then by check-in. Somebody
//! with results is called every `results_every` calls; who missed a turn comes up after `missed_behind` others.
//!
//! Nobody waits for ever: people with priority go before others of *their own slot* only, and who comes after their slot
//! counts for the slot of the moment. So once the half hour of somebody's slot is over, whoever comes later goes before
//! them only as an emergency, with results (one of `results_every` calls), or having missed a turn (`missed_max` times
//! each). Emergencies alone have no bound.

use super::{Entry, Priority, Queue, QueuePolicy, Turn};
use crate::clinic::SlotStart;
use crate::id::AppointmentId;
use std::cmp::Ordering;

/// The turn of a waiting person after somebody else was called.
pub(super) fn after_a_call(turn: Turn) -> Turn {
    match turn {
        Turn::Behind(others) => Turn::Behind(others.saturating_sub(1)),
        Turn::Ordinary | Turn::Results | Turn::Last => turn,
    }
}

/// Who is called next.
pub(super) fn next<'a>(entries: &'a [Entry], calls_since_results: u8, policy: &QueuePolicy) -> Option<&'a Entry> {
    let waiting: Vec<_> = entries.iter().filter(|entry| entry.is_waiting()).map(Candidate::of).collect();
    best(&waiting, calls_since_results, policy).map(|candidate| candidate.entry)
}

/// Everybody who waits, in the order in which they come up if nothing else happens.
pub fn line<'a>(queue: &'a Queue, policy: &QueuePolicy) -> Vec<&'a Entry> {
    let waiting = queue.entries.iter().filter(|entry| entry.is_waiting()).map(Candidate::of).collect();
    order(waiting, queue.calls_since_results, policy)
}

/// How many are called before this person: one who waits, or one who is expected, as if they checked in last.
pub(super) fn ahead(queue: &Queue, entry: &Entry, policy: &QueuePolicy) -> usize {
    let mut waiting: Vec<_> = queue.entries.iter().filter(|other| other.is_waiting()).map(Candidate::of).collect();
    if !entry.is_waiting() {
        waiting.push(Candidate { checked_in_s: i64::MAX, ..Candidate::of(entry) });
    }
    let line = order(waiting, queue.calls_since_results, policy);
    line.iter().position(|other| other.appointment == entry.appointment).unwrap_or(line.len())
}

/// Somebody waiting, with the turn as it will be after the calls before.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    entry: &'a Entry,
    turn: Turn,
    checked_in_s: i64,
}

impl<'a> Candidate<'a> {
    fn of(entry: &'a Entry) -> Self {
        Self { entry, turn: entry.turn, checked_in_s: entry.checked_in_s }
    }

    /// Where the person stands among those of the same sort. The id makes the order total.
    fn key(&self) -> (SlotStart, bool, i64, u16, &'a AppointmentId) {
        let in_turn = self.entry.priority == Priority::None;
        (self.entry.band, in_turn, self.checked_in_s, self.entry.number, &self.entry.appointment)
    }

    /// Which sort comes first. `results_due`: the next call goes to somebody with results.
    fn rank(&self, results_due: bool) -> (u8, u8) {
        match self.turn {
            _ if self.entry.priority == Priority::Emergency => (0, 0),
            Turn::Behind(0) => (1, 0),
            Turn::Results if results_due => (2, 0),
            Turn::Ordinary => (3, 0),
            Turn::Results => (4, 0),
            // Nobody is left to let go first: the one with the fewest to come.
            Turn::Behind(others) => (5, others),
            Turn::Last => (6, 0),
        }
    }
}

fn order<'a>(mut waiting: Vec<Candidate<'a>>, mut since_results: u8, policy: &QueuePolicy) -> Vec<&'a Entry> {
    let mut line = Vec::with_capacity(waiting.len());
    while let Some(called) = best(&waiting, since_results, policy).copied() {
        waiting.retain(|other| other.entry.appointment != called.entry.appointment);
        for other in &mut waiting {
            other.turn = after_a_call(other.turn);
        }
        since_results = if called.turn == Turn::Results { 0 } else { since_results.saturating_add(1) };
        line.push(called.entry);
    }
    line
}

fn best<'a, 'b>(waiting: &'b [Candidate<'a>], since_results: u8, policy: &QueuePolicy) -> Option<&'b Candidate<'a>> {
    let results_due = since_results.saturating_add(1) >= policy.results_every;
    let first = |a: &&Candidate<'_>, b: &&Candidate<'_>| -> Ordering {
        a.rank(results_due).cmp(&b.rank(results_due)).then_with(|| a.key().cmp(&b.key()))
    };
    waiting.iter().min_by(first)
}
