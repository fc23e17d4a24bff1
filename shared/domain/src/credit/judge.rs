//! Judging a record by a policy at a moment.

use super::policy::{BanLength, Count, CreditPolicy, Outage, Rule, Scope, Step, Terms, Window};
use super::record::{Breach, Record, Strike, StrikeState};
use crate::booking::{CancelPolicy, Product};
use crate::calendar::Calendar;
use crate::clinic::ClinicKind;
use crate::time::{self, DAY_S, SHANGHAI};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cmp::Reverse;

/// An end to booking ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ban {
    /// What it ends.
    pub scope: Scope,
    /// From when on: the strike that brought it about.
    pub since: Timestamp,
    /// Until when; none: until staff lift it.
    pub until: Option<Timestamp>,
}

impl Ban {
    fn is_in_force(&self, now: Timestamp) -> bool {
        self.since <= now && self.until.is_none_or(|until| now < until)
    }

    /// Whether it ends later than another, or ends more.
    pub(super) fn outlasts(&self, other: &Self) -> bool {
        let wider = self.scope == Scope::AdvanceBooking && other.scope != self.scope;
        wider || (self.scope == other.scope && self.end() > other.end())
    }

    /// The later its end, the longer.
    fn end(&self) -> Timestamp {
        self.until.unwrap_or(Timestamp::MAX)
    }

    /// Of two with the same end, the one that began first.
    fn rank(&self) -> (Timestamp, Reverse<Timestamp>) {
        (self.end(), Reverse(self.since))
    }
}

/// Where somebody stands with a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The bans in force, at most one of each scope.
    pub bans: Vec<Ban>,
    /// How many strikes the rule counts that is nearest to a ban.
    pub counted: u32,
    /// How many more until its next ban, at least 1.
    pub left: u32,
    warn: bool,
}

impl Standing {
    /// The ban that keeps somebody from booking such a clinic ahead, if one does.
    pub fn bars(&self, kind: ClinicKind, product: Product) -> Option<&Ban> {
        self.bans.iter().find(|ban| product == Product::Advance && ban.scope.covers(kind))
    }

    /// The widest ban in force.
    pub fn ban(&self) -> Option<&Ban> {
        self.bans.iter().max_by_key(|ban| (ban.scope == Scope::AdvanceBooking, ban.rank()))
    }

    /// One more ends booking ahead: warn. Nobody is warned who has done nothing.
    pub fn is_last_warning(&self) -> bool {
        self.warn && self.bans.is_empty() && self.counted > 0 && self.left == 1
    }
}

/// A policy and what it needs to know of the hospital.
#[derive(Clone, Debug)]
pub struct Judge<'a> {
    terms: Cow<'a, Terms>,
    outages: &'a [Outage],
    online: CancelPolicy,
    calendar: &'a Calendar,
    factor: u32,
    warn: bool,
}

impl<'a> Judge<'a> {
    /// Of people. `online` is until when one may cancel online.
    pub fn new(policy: &'a CreditPolicy, online: CancelPolicy, calendar: &'a Calendar) -> Self {
        let CreditPolicy { outages, warn, .. } = policy;
        Self { terms: policy.terms(), outages, online, calendar, factor: 1, warn: *warn }
    }

    /// Of accounts, which may collect more; none when accounts are not judged.
    pub fn of_accounts(policy: &'a CreditPolicy, online: CancelPolicy, calendar: &'a Calendar) -> Option<Self> {
        let factor = policy.account_factor;
        (factor > 0).then(|| Self { factor, ..Self::new(policy, online, calendar) })
    }

    /// Where the owner of a record stands at `now`.
    pub fn standing(&self, record: &Record, now: Timestamp) -> Standing {
        let mut bans: Vec<Ban> = Vec::new();
        for scope in [Scope::AdvanceBooking, Scope::Experts] {
            let rules = self.terms.rules.iter().filter(|rule| rule.scope == scope);
            let in_force = rules.flat_map(|rule| self.bans(rule, record)).filter(|ban| ban.is_in_force(now));
            bans.extend(in_force.max_by_key(Ban::rank));
        }
        let tallies = self.terms.rules.iter().map(|rule| self.tally(rule, record, now));
        let (counted, left) = tallies.min_by_key(|(counted, left)| nearest(*counted, *left)).unwrap_or((0, 1));
        Standing { bans, counted, left, warn: self.warn }
    }

    /// How many strikes there are with this one, and how many are left until the next ban, by the rule nearest to one;
    /// none when no rule holds it against anybody.
    pub fn tally_with(&self, record: &Record, strike: &Strike, now: Timestamp) -> Option<(u32, u32)> {
        let rules = self.terms.rules.iter().filter(|rule| self.counts(rule, record, strike));
        rules.map(|rule| self.tally(rule, record, now)).min_by_key(|(counted, left)| nearest(*counted, *left))
    }

    /// Whether giving a booked number back now is held against the patient, by itself or together with others.
    pub fn cancelling_counts(&self, kind: ClinicKind, starts_at: Timestamp, now: Timestamp) -> bool {
        let (breach, state) = (Breach::Cancelled, StrikeState::Final);
        let strike = Strike { breach, at: now, visit: starts_at, kind, state, seq: 1, decision: None };
        self.terms.rules.iter().any(|rule| self.is_of(rule, &strike))
    }

    /// The last moment at which cancelling such a visit is in time.
    pub fn cancel_in_time_until(&self, kind: ClinicKind, starts_at: Timestamp) -> Timestamp {
        self.terms.in_time.last_moment(kind, starts_at, self.online, self.calendar)
    }

    /// Every ban a rule ever began: each strike that finds a step reached begins it, the longest of those reached.
    fn bans(&self, rule: &'a Rule, record: &'a Record) -> impl Iterator<Item = Ban> {
        let counting = record.strikes.values().filter(|strike| self.counts(rule, record, strike));
        counting.flat_map(move |strike| {
            let count = self.count(rule, record, strike.at);
            let reached = rule.ladder.iter().filter(move |step| self.threshold(step) <= count);
            reached.map(|step| Ban { scope: rule.scope, since: strike.at, until: end_of(step.ban, strike.at) })
        })
    }

    /// How many a rule counts at `now`, and how many are left until its next ban.
    fn tally(&self, rule: &Rule, record: &Record, now: Timestamp) -> (u32, u32) {
        let count = self.count(rule, record, now);
        let ahead = rule.ladder.iter().map(|step| self.threshold(step)).filter(|threshold| *threshold > count);
        // Past the last step each further strike begins its ban again.
        (count, ahead.min().map_or(1, |next| next - count))
    }

    fn threshold(&self, step: &Step) -> u32 {
        step.at.count().saturating_mul(self.factor)
    }

    /// Strikes that count in the window that `at` falls into, up to `at`.
    fn count(&self, rule: &Rule, record: &Record, at: Timestamp) -> u32 {
        let of_rule = || record.strikes.values().filter(|strike| self.is_of(rule, strike) && strike.at <= at);
        let from = window_start(rule.window, at, of_rule().map(|strike| strike.at));
        let counted = of_rule().filter(|strike| from <= strike.at && self.counts(rule, record, strike)).count();
        u32::try_from(counted).unwrap_or(u32::MAX)
    }

    fn counts(&self, rule: &Rule, record: &Record, strike: &Strike) -> bool {
        let is_after_lift = record.lifted_at().is_none_or(|lifted| strike.at > lifted);
        strike.state.counts() && is_after_lift && self.is_of(rule, strike)
    }

    fn is_of(&self, rule: &Rule, strike: &Strike) -> bool {
        let (from, until) = (strike.visit.min(strike.at), strike.visit.max(strike.at));
        let is_excused = self.outages.iter().any(|outage| outage.from <= until && from < outage.until);
        !is_excused && rule.counts.iter().any(|count| self.is(*count, strike))
    }

    fn is(&self, count: Count, strike: &Strike) -> bool {
        match (count, strike.breach) {
            (Count::NoShow, Breach::Missed)
            | (Count::LateArrival, Breach::CameLate)
            | (Count::Cancel, Breach::Cancelled) => true,
            (Count::LateCancel, Breach::Cancelled) => strike.at > self.cancel_in_time_until(strike.kind, strike.visit),
            (Count::SameDayCancel, Breach::Cancelled) => time::today(strike.at) == time::today(strike.visit),
            _ => false,
        }
    }
}

/// The fewer left, the nearer.
fn nearest(counted: u32, left: u32) -> (u32, Reverse<u32>) {
    (left, Reverse(counted))
}

/// The beginning of the window that `at` falls into. `strikes` are those up to `at`, in any order.
fn window_start(window: Window, at: Timestamp, strikes: impl Iterator<Item = Timestamp>) -> Timestamp {
    let first_of = |month: bool| {
        let date = time::today(at);
        let first = date.first_of_month();
        time::instant(if month { first } else { first.first_of_year() }, jiff::civil::Time::midnight())
    };
    match window {
        Window::RollingDays(days) => time::add_seconds(at, -i64::from(days) * DAY_S),
        Window::RollingMonths(months) => add_months(at, -i64::from(months)),
        Window::DaysFromFirst(days) => from_first(at, i64::from(days) * DAY_S, strikes.collect()),
        Window::CalendarMonth => first_of(true),
        Window::CalendarYear => first_of(false),
        Window::Lifetime => Timestamp::MIN,
    }
}

fn from_first(at: Timestamp, length_s: i64, mut strikes: Vec<Timestamp>) -> Timestamp {
    strikes.sort_unstable();
    let anchor = strikes.into_iter().reduce(
        |anchor, next| {
            if next > time::add_seconds(anchor, length_s) { next } else { anchor }
        },
    );
    anchor.filter(|anchor| at <= time::add_seconds(*anchor, length_s)).unwrap_or(at)
}

/// The end of a ban that begins at `since`; none: until staff lift it.
fn end_of(length: BanLength, since: Timestamp) -> Option<Timestamp> {
    match length {
        BanLength::Days(days) => Some(time::add_seconds(since, i64::from(days) * DAY_S)),
        BanLength::Months(months) => Some(add_months(since, i64::from(months))),
        BanLength::RestOfMonth => {
            let last = time::today(since).last_of_month();
            Some(time::instant(time::add_days(last, 1), jiff::civil::Time::midnight()))
        }
        BanLength::UntilLifted => None,
    }
}

/// The same wall-clock time so many months later (negative: earlier); the last day of a shorter month.
fn add_months(at: Timestamp, months: i64) -> Timestamp {
    let zoned = at.to_zoned(TimeZone::fixed(SHANGHAI));
    let moved = Span::new().try_months(months).and_then(|span| zoned.checked_add(span));
    moved.map_or(at, |moved| moved.timestamp())
}
