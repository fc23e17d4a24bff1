//! Who may try for a number while the many come at once (放号): about three times as many as there are numbers, in turns
//! of a minute. Whoever is not among them is told so, cheaply, and when to look again.

use crate::clinic::Clinic;
use crate::time;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The rush ends this many minutes after the release, when the first unpaid numbers have come back and gone again: what
/// comes later the table bears without help.
pub const RUSH_MIN: i64 = 15;
/// From this many minutes before the release pages are shown from the board alone: people wait and refresh.
pub const GATHERING_MIN: i64 = 10;
/// Tries given out for each free number: some people find nothing that suits them, or are refused.
pub const TRIES_PER_NUMBER: usize = 3;
/// Seconds of a turn: then tries are counted anew, for the numbers still free.
pub const TURN_S: i64 = 60;
/// Seconds a try is good for: enough to choose a time and a person.
pub const TRY_S: i64 = 120;
/// A try with less than this many seconds left is not given again: it would run out in somebody's hand.
const TRY_LEFT_MIN_S: i64 = 20;

/// Requests of one account or for one person in a minute from which on the table counts them too.
pub const ATTEMPTS_SUSPICIOUS: u32 = 20;
/// Requests of one account or for one person in a minute that are answered. Nobody taps this often.
pub const ATTEMPTS_PER_MINUTE_MAX: u32 = 60;

/// How near a clinic is to its release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Far from it: everything is open to everybody.
    Quiet,
    /// People gather before the release.
    Gathering,
    /// The minutes after it: a try must have been given.
    Rush,
}

impl Phase {
    /// Of a clinic at `now`.
    pub fn of(clinic: &Clinic, now: Timestamp) -> Self {
        let at = clinic.release_at;
        match () {
            () if now < time::add_minutes(at, -GATHERING_MIN) => Self::Quiet,
            () if now < at => Self::Gathering,
            () if now < time::add_minutes(at, RUSH_MIN) => Self::Rush,
            () => Self::Quiet,
        }
    }
}

/// A minute of the clock, in which tries are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Turn(i64);

impl Turn {
    /// The turn of an instant.
    pub fn at(now: Timestamp) -> Self {
        Self(now.as_second().div_euclid(TURN_S))
    }

    /// Its number, growing with time.
    pub fn number(self) -> i64 {
        self.0
    }

    /// When the next one begins.
    pub fn next_at(self) -> Timestamp {
        Timestamp::from_second(self.0.saturating_add(1).saturating_mul(TURN_S)).unwrap_or(Timestamp::MAX)
    }
}

/// How many tries a turn has for so many free numbers.
pub fn tries(free: usize) -> usize {
    free.saturating_mul(TRIES_PER_NUMBER)
}

/// A try that was given to a person, with its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    /// Until when it is good.
    #[serde(with = "crate::clinic::epoch_s")]
    pub until: Timestamp,
}

impl Try {
    /// One given at `now`.
    pub fn given(now: Timestamp) -> Self {
        Self { until: time::add_seconds(now, TRY_S) }
    }

    /// Whether it can still be used.
    pub fn is_good(self, now: Timestamp) -> bool {
        now <= self.until
    }

    /// Whether it is handed out again to the person who comes back for it.
    pub fn is_worth_having(self, now: Timestamp) -> bool {
        time::add_seconds(now, TRY_LEFT_MIN_S) <= self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::add_seconds;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_rush_begins_to_the_millisecond_and_ends() {
        let release_at = at("2026-11-22T23:00:00Z");
        let day = "2026-11-30".parse().unwrap();
        let department = "NK".parse().unwrap();
        let clinic = Clinic {
            id: crate::id::ClinicId::of(day, crate::clinic::Period::Morning, &department, None).unwrap(),
            date: day,
            period: crate::clinic::Period::Morning,
            department,
            department_name: String::new(),
            doctor: None,
            doctor_name: String::new(),
            doctor_title: String::new(),
            kind: crate::clinic::ClinicKind::Ordinary,
            fee: crate::money::Fen::ZERO,
            room: String::new(),
            campus: String::new(),
            release_at,
            state: crate::clinic::ClinicState::Open,
        };
        for (now, phase) in [
            ("2026-11-22T22:49:59.999Z", Phase::Quiet),
            ("2026-11-22T22:50:00Z", Phase::Gathering),
            ("2026-11-22T22:59:59.999Z", Phase::Gathering),
            ("2026-11-22T23:00:00Z", Phase::Rush),
            ("2026-11-22T23:14:59.999Z", Phase::Rush),
            ("2026-11-22T23:15:00Z", Phase::Quiet),
        ] {
            assert_eq!(Phase::of(&clinic, at(now)), phase, "{now}");
        }
    }

    #[test]
    fn turns_are_minutes_of_the_clock() {
        let turn = Turn::at(at("2026-11-22T23:00:59.999Z"));
        assert_eq!(turn, Turn::at(at("2026-11-22T23:00:00Z")));
        assert_eq!(turn.next_at(), at("2026-11-22T23:01:00Z"));
        assert!(Turn::at(turn.next_at()) > turn);
        assert_eq!((tries(0), tries(6), tries(usize::MAX)), (0, 18, usize::MAX));
    }

    #[test]
    fn a_try_is_good_for_two_minutes_and_given_again_while_it_is_of_use() {
        let now = at("2026-11-22T23:00:00Z");
        let given = Try::given(now);
        let good = [0, 120, 121].map(|seconds| given.is_good(add_seconds(now, seconds)));
        assert_eq!(good, [true, true, false]);
        let worth = [0, 100, 101].map(|seconds| given.is_worth_having(add_seconds(now, seconds)));
        assert_eq!(worth, [true, true, false]);
    }
}
