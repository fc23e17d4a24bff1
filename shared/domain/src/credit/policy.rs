//! A policy as data: what counts, within which time, how often, and what for.

use super::presets::Preset;
use crate::booking::CancelPolicy;
use crate::calendar::Calendar;
use crate::clinic::ClinicKind;
use crate::time;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Facts one record holds at most: a policy needs the latest few, and an item has an end.
pub const STRIKES_KEPT_MAX: usize = 100;
/// Minutes after the end of a slot before somebody counts as not having come [S52].
const GRACE_MIN: i64 = 30;
/// How many times more an account may collect than a person before it is banned: a mother with two children is not
/// a proxy, somebody who books for ten is (E55).
const ACCOUNT_FACTOR: u32 = 2;

/// Something a rule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Count {
    /// 爽约: did not come.
    NoShow,
    /// Any cancellation of a booked number.
    Cancel,
    /// A cancellation after [`Terms::in_time`].
    LateCancel,
    /// A cancellation on the day of the visit.
    SameDayCancel,
    /// Came after the slot had ended.
    LateArrival,
}

/// Over which time strikes are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// The last so many times 24 hours. 以内 includes the edge: a strike exactly that old still counts (E09).
    RollingDays(u32),
    /// The last so many months, edge included.
    RollingMonths(u32),
    /// So many times 24 hours from the first strike; the first one after that begins anew. A window keeps its beginning
    /// when the strike that began it is waived: otherwise forgiving could make matters worse.
    DaysFromFirst(u32),
    /// The calendar month.
    CalendarMonth,
    /// The calendar year.
    CalendarYear,
    /// Always.
    Lifetime,
}

/// How often is too often. In Chinese rules 以上 includes the number and 超 does not; the data keeps their word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// 达到 n 次、n 次以上
    Reaches(u32),
    /// 超过 n 次
    Exceeds(u32),
}

impl Threshold {
    /// The count that is too many.
    pub fn count(self) -> u32 {
        match self {
            Self::Reaches(count) => count.max(1),
            Self::Exceeds(count) => count.saturating_add(1),
        }
    }
}

/// How long a ban lasts, from the strike that brought it about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BanLength {
    /// So many times 24 hours.
    Days(u32),
    /// So many months.
    Months(u32),
    /// Until the month is over.
    RestOfMonth,
    /// Until staff lift it.
    UntilLifted,
}

/// What a ban ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// 预约挂号: everything booked ahead.
    AdvanceBooking,
    /// Experts and special clinics, booked ahead; ordinary ones stay open.
    Experts,
}

impl Scope {
    /// Whether a ban of this scope keeps somebody from booking such a clinic ahead.
    pub fn covers(self, kind: ClinicKind) -> bool {
        match self {
            Self::AdvanceBooking => true,
            Self::Experts => matches!(kind, ClinicKind::Expert | ClinicKind::Special),
        }
    }
}

/// A step of the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// At how many.
    pub at: Threshold,
    /// For how long.
    pub ban: BanLength,
}

/// One rule: so many of these within that time end that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What counts.
    pub counts: BTreeSet<Count>,
    /// Within which time.
    pub window: Window,
    /// How often, and for how long. Whoever reaches several steps gets the longest ban of them.
    pub ladder: Vec<Step>,
    /// What it ends.
    pub scope: Scope,
}

/// The last moment at which cancelling is in time, inclusive (E02).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "rule", deny_unknown_fields)]
pub enum CutOff {
    /// As long as cancelling online is possible at all.
    Online,
    /// So many minutes before the slot starts.
    BeforeStart {
        /// Minutes.
        minutes: i64,
    },
    /// So many days before the visit at a time; 0 is the day itself.
    DaysBefore {
        /// Days.
        days: i32,
        /// Wall-clock time.
        time: Time,
    },
    /// So many working days before the visit at a time.
    WorkingDaysBefore {
        /// Working days.
        days: u32,
        /// Wall-clock time.
        time: Time,
    },
}

impl CutOff {
    fn at(self, date: Date, starts_at: Timestamp, online: CancelPolicy, calendar: &Calendar) -> Timestamp {
        match self {
            Self::Online => online.deadline(date, starts_at),
            Self::BeforeStart { minutes } => time::add_minutes(starts_at, -minutes),
            Self::DaysBefore { days, time: at } => time::instant(time::add_days(date, days.saturating_neg()), at),
            Self::WorkingDaysBefore { days, time: at } => time::instant(calendar.working_days_before(date, days), at),
        }
    }
}

/// Until when a cancellation is in time, by class of clinic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InTime {
    /// For all clinics, or all but experts.
    pub ordinary: CutOff,
    /// For experts and special clinics, where they differ.
    #[serde(default)]
    pub expert: Option<CutOff>,
}

impl InTime {
    /// The same for every clinic.
    pub const fn all(ordinary: CutOff) -> Self {
        Self { ordinary, expert: None }
    }

    pub(super) fn last_moment(
        self,
        kind: ClinicKind,
        starts_at: Timestamp,
        online: CancelPolicy,
        calendar: &Calendar,
    ) -> Timestamp {
        let expert = self.expert.filter(|_| Scope::Experts.covers(kind));
        expert.unwrap_or(self.ordinary).at(time::today(starts_at), starts_at, online, calendar)
    }
}

/// What a policy says: its rules, and until when a cancellation is in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Each by itself; the strictest wins.
    pub rules: Vec<Rule>,
    /// Until when a cancellation is in time.
    pub in_time: InTime,
}

/// A time in which patients could not do as they should: strikes of visits it touches do not count (E52).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
    /// What failed, for the record.
    pub what: String,
}

/// The hospital's choice: a preset, or terms of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CreditPolicy {
    /// One of the presets.
    pub preset: Preset,
    /// The hospital's own terms, in place of the preset's.
    pub terms: Option<Terms>,
    /// Minutes after the end of the slot before somebody counts as not having come.
    pub grace_min: i64,
    /// Whether the last strike before a ban is announced as such.
    pub warn: bool,
    /// The booking account is banned at so many times the strikes of a person, counted over everybody it books for;
    /// 0: never.
    pub account_factor: u32,
    /// Times that do not count.
    pub outages: Vec<Outage>,
}

impl Default for CreditPolicy {
    fn default() -> Self {
        Self {
            preset: Preset::Paper,
            terms: None,
            grace_min: GRACE_MIN,
            warn: true,
            account_factor: ACCOUNT_FACTOR,
            outages: Vec::new(),
        }
    }
}

impl CreditPolicy {
    /// What applies.
    pub fn terms(&self) -> Cow<'_, Terms> {
        self.terms.as_ref().map_or_else(|| Cow::Owned(self.preset.terms()), Cow::Borrowed)
    }
}
