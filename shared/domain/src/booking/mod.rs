//! Booking rules: what may be booked when, by whom, how often, and until when it may be cancelled.
//!
//! What is per person is decided on the person's [`Gate`]; what is per number is decided by the slot's own write.

mod gate;
mod window;

pub use gate::{Gate, GateEntry, GateError, Pass};
pub use window::{Product, SELL_BEFORE_END_S, WindowError, follow_up_days, follows_up, window};

use crate::quota::Quotas;
use crate::time;
use crate::waitlist::WaitlistPolicy;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};

/// Until when a paid number may be cancelled online.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "rule")]
pub enum CancelPolicy {
    /// So many minutes before the slot starts.
    BeforeStart {
        /// Minutes before the start; 0 = until the start itself.
        minutes: i64,
    },
    /// Until a time on the day before the visit.
    DayBefore {
        /// Wall-clock time on the day before.
        time: Time,
    },
}

impl Default for CancelPolicy {
    fn default() -> Self {
        Self::BeforeStart { minutes: 60 }
    }
}

impl CancelPolicy {
    /// The last instant that still counts, inclusive (E02).
    pub fn deadline(self, date: Date, starts_at: Timestamp) -> Timestamp {
        match self {
            Self::BeforeStart { minutes } => time::add_minutes(starts_at, -minutes),
            Self::DayBefore { time: at } => time::instant(time::add_days(date, -1), at),
        }
    }
}

/// How often one person may book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Numbers of one doctor on one day.
    pub per_doctor_day: u32,
    /// Numbers of one department on one day.
    pub per_department_day: u32,
    /// Numbers on one day.
    pub per_day: u32,
    /// Unpaid holds at one time (against hoarding).
    pub held: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_doctor_day: 1, per_department_day: 1, per_day: 3, held: 1 }
    }
}

/// How long a number rests that comes back, in minutes: a random time between the two, drawn when it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RestPolicy {
    /// At least.
    pub least_min: u16,
    /// At most.
    pub most_min: u16,
}

impl Default for RestPolicy {
    fn default() -> Self {
        Self { least_min: 1, most_min: 30 }
    }
}

impl RestPolicy {
    /// The rest that random bytes mean.
    pub fn drawn(&self, random: [u8; 8]) -> u16 {
        let choices = u64::from(self.most_min.saturating_sub(self.least_min)) + 1;
        let extra = u16::try_from(u64::from_be_bytes(random) % choices).unwrap_or(0);
        self.least_min.saturating_add(extra)
    }
}

/// The hospital's booking policy; defaults are the middle of what real hospitals do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BookingPolicy {
    /// Days ahead that can be booked, today not counted.
    pub horizon_days: i32,
    /// Wall-clock time at which a day's numbers are released, `horizon_days` before.
    pub release_time: Time,
    /// On the day before, advance booking closes at this time; the same-day window opens at midnight.
    pub advance_close: Time,
    /// Same-day registration for the morning closes at this time.
    pub same_day_close_morning: Time,
    /// Same-day registration for the afternoon closes at this time.
    pub same_day_close_afternoon: Time,
    /// Minutes a number is held for payment; WeChat's `time_expire` is the same instant.
    pub hold_min: i64,
    /// How often one person may book.
    pub limits: Limits,
    /// How long a number rests that comes back.
    pub rest: RestPolicy,
    /// What is set apart for those who cannot use a phone, unless a schedule says otherwise.
    pub quotas: Quotas,
    /// Numbers set apart for old people are for whoever is so old in the year of the visit.
    pub elder_age_years: u16,
    /// From this time on the day itself, what is left of it is everybody's.
    pub pool_time: Time,
    /// How often one visit may be moved to another time.
    pub moves_max: u8,
    /// Days, the day of the visit included, on which following it up is free (复诊); 0 = never.
    pub free_followup_days: i32,
    /// Waiting for a number of a full clinic.
    pub waitlist: WaitlistPolicy,
}

impl Default for BookingPolicy {
    fn default() -> Self {
        Self {
            horizon_days: 7,
            release_time: Time::constant(7, 0, 0, 0),
            advance_close: Time::constant(17, 0, 0, 0),
            same_day_close_morning: Time::constant(11, 0, 0, 0),
            same_day_close_afternoon: Time::constant(16, 0, 0, 0),
            hold_min: 10,
            limits: Limits::default(),
            rest: RestPolicy::default(),
            quotas: Quotas::NONE,
            elder_age_years: 60,
            pool_time: Time::constant(6, 0, 0, 0),
            moves_max: 1,
            free_followup_days: 3,
            waitlist: WaitlistPolicy::default(),
        }
    }
}

impl BookingPolicy {
    /// Whether somebody born in a year takes numbers set apart for old people, for a visit on `date`. The year alone is
    /// known: who comes of this age in it counts.
    pub fn is_elder(&self, birth_year: Option<i16>, date: Date) -> bool {
        birth_year.is_some_and(|year| date.year() - year >= i16::try_from(self.elder_age_years).unwrap_or(i16::MAX))
    }

    /// When the numbers of a clinic on `date` are released.
    pub fn release_at(&self, date: Date) -> Timestamp {
        time::instant(time::add_days(date, -self.horizon_days), self.release_time)
    }

    /// When what is set apart of a clinic on `date` becomes everybody's.
    pub fn pooled_at(&self, date: Date) -> Timestamp {
        time::instant(date, self.pool_time)
    }
}

/// A prepay is not started in the last seconds of a hold: it could be paid after the number was freed.
pub const PREPAY_MARGIN_S: i64 = 90;

#[cfg(test)]
mod tests;
