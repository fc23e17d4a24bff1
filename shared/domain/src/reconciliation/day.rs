//! The life of one reconciled day: due, running, then closed because it balances, or open until its differences are
//! worked off and a second person signs. A closed day never changes again.

use super::matcher::Summary;
use super::{DIFFERENCES_MAX, REPEATABLE_DAYS, STARTS_AT};
use crate::due::{Deadline, Deadlines, backoff_s};
use crate::time;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// How long a run has a day to itself. Longer than the function can live (900 s), so that a run that lost its lease is
/// no longer there to write.
pub const LEASE_S: i64 = 960;
/// From this try on, a day that cannot be compared is an alarm: a bill that is late by an hour is no accident.
pub const ALARM_TRIES: u32 = 5;

/// Where a day stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum DayState {
    /// Waits to be compared, for the first time or again.
    Due,
    /// Somebody compares it.
    Running,
    /// Compared; there are differences.
    Differences,
    /// Compared without a difference, and closed.
    BalancedClosed {
        /// When.
        #[serde(with = "crate::clinic::epoch_s")]
        closed_at: Timestamp,
    },
    /// Every difference was worked off, a second person signed, and it is closed.
    SignedOff {
        /// Who signed.
        signed_by: String,
        /// When.
        #[serde(with = "crate::clinic::epoch_s")]
        closed_at: Timestamp,
    },
}

/// Why a day could not be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delay {
    /// WeChat is still making the bill.
    BillCreating,
    /// WeChat says that there was no trade, and our books say that there was.
    BillMissing,
    /// WeChat's bill could not be had or read.
    BillUnavailable,
    /// The hospital's file could not be had or read.
    HisUnavailable,
    /// A book changed while it was compared.
    BooksChanged,
    /// Our own table did not answer.
    TableUnavailable,
}

/// One day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// Which.
    pub date: Date,
    /// Where it stands.
    #[serde(flatten)]
    pub state: DayState,
    /// Counts comparisons.
    pub run: u32,
    /// Comparisons in a row that could not be made.
    pub tries: u32,
    /// Why the last one could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Delay>,
    /// What the last one found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// What has to be done, and when.
    pub deadlines: Deadlines,
    /// Counts writes. A late entry of our books counts too: a comparison that has not seen it cannot end.
    pub ver: u64,
}

/// Why a day does not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DayError {
    /// It is closed.
    #[error("the day is closed")]
    Closed,
    /// It is being compared.
    #[error("the day is being compared")]
    Running,
    /// It is not yet, or no longer, to be compared.
    #[error("the day is not due")]
    NotDue,
    /// It is not over, or too long ago.
    #[error("the day cannot be compared (any more)")]
    OutOfRange,
    /// It has not been compared, or is to be compared again.
    #[error("the day has not been compared")]
    NotCompared,
    /// There were more differences than are written down.
    #[error("there are too many differences to work them off")]
    TooMany,
    /// Differences are still open.
    #[error("{0} differences are open")]
    Open(usize),
    /// Who worked off the last difference cannot sign.
    #[error("who worked off the last difference cannot sign")]
    SamePerson,
}

/// What signing is about.
#[derive(Clone, Copy, Debug)]
pub struct SignOff<'a> {
    /// Who signs.
    pub by: &'a str,
    /// Differences that are open.
    pub open: usize,
    /// Who worked off the last one; nobody when all went away by themselves.
    pub last_resolver: Option<&'a str>,
}

impl Day {
    /// A day to be compared at [`STARTS_AT`] of the next.
    pub fn due(date: Date) -> Self {
        let at = time::instant(time::add_days(date, 1), STARTS_AT);
        Self {
            date,
            state: DayState::Due,
            run: 0,
            tries: 0,
            delay: None,
            summary: None,
            deadlines: Deadlines::none().with(Deadline::Reconcile, at),
            ver: 1,
        }
    }

    /// Whether nothing about it can change any more.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, DayState::BalancedClosed { .. } | DayState::SignedOff { .. })
    }

    /// A run takes the day for [`LEASE_S`]. A run that was lost is taken over.
    pub fn begun(&self, now: Timestamp) -> Result<Self, DayError> {
        self.open()?;
        if self.deadlines.get(Deadline::Reconcile).is_none_or(|at| at > now) {
            return Err(DayError::NotDue);
        }
        let deadlines = self.due_in(LEASE_S, now);
        Ok(Self { state: DayState::Running, run: self.run + 1, deadlines, ..self.written() })
    }

    /// The run is done: a day without a difference is closed.
    pub fn compared(&self, summary: Summary, now: Timestamp) -> Result<Self, DayError> {
        self.running()?;
        let state = if summary.differences() == 0 {
            DayState::BalancedClosed { closed_at: now }
        } else {
            DayState::Differences
        };
        let deadlines = self.deadlines.clone().without(Deadline::Reconcile);
        Ok(Self { state, summary: Some(summary), tries: 0, delay: None, deadlines, ..self.written() })
    }

    /// The run could not be made; the next one comes after a while that grows.
    pub fn delayed(&self, why: Delay, now: Timestamp) -> Result<Self, DayError> {
        self.running()?;
        let deadlines = self.due_in(backoff_s(self.tries), now);
        Ok(Self {
            state: DayState::Due,
            tries: self.tries.saturating_add(1),
            delay: Some(why),
            deadlines,
            ..self.written()
        })
    }

    /// Staff want it compared again.
    pub fn requested(&self, now: Timestamp) -> Result<Self, DayError> {
        self.open()?;
        comparable(self.date, now)?;
        if self.state == DayState::Running {
            return Err(DayError::Running);
        }
        Ok(Self { state: DayState::Due, tries: 0, deadlines: self.due_in(0, now), ..self.written() })
    }

    /// A second person signs that everything was worked off; the day is closed.
    pub fn signed_off(&self, sign: SignOff<'_>, now: Timestamp) -> Result<Self, DayError> {
        self.open()?;
        let summary = self.summary.as_ref().filter(|_| self.state == DayState::Differences);
        let found = summary.ok_or(DayError::NotCompared)?.differences();
        if usize::try_from(found).unwrap_or(usize::MAX) > DIFFERENCES_MAX {
            return Err(DayError::TooMany);
        }
        if sign.open > 0 {
            return Err(DayError::Open(sign.open));
        }
        if sign.last_resolver == Some(sign.by) {
            return Err(DayError::SamePerson);
        }
        let state = DayState::SignedOff { signed_by: sign.by.to_owned(), closed_at: now };
        Ok(Self { state, ..self.written() })
    }

    fn open(&self) -> Result<(), DayError> {
        if self.is_closed() { Err(DayError::Closed) } else { Ok(()) }
    }

    fn running(&self) -> Result<(), DayError> {
        self.open()?;
        if self.state == DayState::Running { Ok(()) } else { Err(DayError::NotDue) }
    }

    fn due_in(&self, seconds: i64, now: Timestamp) -> Deadlines {
        self.deadlines.clone().with(Deadline::Reconcile, time::add_seconds(now, seconds))
    }

    fn written(&self) -> Self {
        Self { ver: self.ver + 1, ..self.clone() }
    }
}

/// Whether a day can be compared: it is over, its bill can be ready, and WeChat still has it.
pub fn comparable(date: Date, now: Timestamp) -> Result<(), DayError> {
    let today = time::today(now);
    let ready = time::instant(time::add_days(date, 1), STARTS_AT) <= now;
    if ready && date >= time::add_days(today, -REPEATABLE_DAYS) { Ok(()) } else { Err(DayError::OutOfRange) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconciliation::Class;
    use jiff::civil::date;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const DATE: Date = date(2026, 11, 22);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// 10:30 of the next day at the hospital.
    fn start() -> Timestamp {
        at("2026-11-23T02:30:00Z")
    }

    fn summary(differences: u64) -> Summary {
        let counts = BTreeMap::from([(Class::OnlyWechat, differences)]);
        Summary { counts, ..Summary::default() }
    }

    fn sign<'a>(by: &'a str, open: usize, last_resolver: Option<&'a str>) -> SignOff<'a> {
        SignOff { by, open, last_resolver }
    }

    #[test]
    fn a_day_is_compared_when_the_bill_can_be_ready() {
        let day = Day::due(DATE);
        assert_eq!(day.deadlines.get(Deadline::Reconcile), Some(start()));
        assert_eq!(day.begun(at("2026-11-23T02:29:59Z")), Err(DayError::NotDue));
        let running = day.begun(start()).unwrap();
        assert_eq!((running.run, running.deadlines.get(Deadline::Reconcile)), (1, Some(at("2026-11-23T02:46:00Z"))));
        assert_eq!(running.begun(start()), Err(DayError::NotDue), "somebody has it");
        assert_eq!(running.begun(at("2026-11-23T02:46:00Z")).unwrap().run, 2, "a lost run is taken over");
    }

    #[test]
    fn a_day_that_balances_is_closed_for_good() {
        let closed = Day::due(DATE).begun(start()).unwrap().compared(summary(0), start()).unwrap();
        assert_eq!(closed.deadlines.earliest(), None);
        let refused = [
            closed.begun(start()),
            closed.requested(start()),
            closed.compared(summary(1), start()),
            closed.delayed(Delay::BillCreating, start()),
            closed.signed_off(sign("b", 0, None), start()),
        ];
        assert!(refused.iter().all(|moved| *moved == Err(DayError::Closed)), "{refused:?}");
    }

    #[test]
    fn a_bill_that_is_late_is_asked_for_again_later_and_later() {
        let mut day = Day::due(DATE);
        let mut now = start();
        for wait_s in [60, 120, 240] {
            day = day.begun(now).unwrap().delayed(Delay::BillCreating, now).unwrap();
            let next = day.deadlines.get(Deadline::Reconcile).unwrap();
            assert_eq!(next, time::add_seconds(now, wait_s));
            now = next;
        }
        let done = day.begun(now).unwrap().compared(summary(1), now).unwrap();
        assert_eq!((done.run, done.tries, done.delay), (4, 0, None));
    }

    #[test]
    fn signing_takes_a_second_person_and_nothing_open() {
        let day = Day::due(DATE).begun(start()).unwrap();
        assert_eq!(day.signed_off(sign("b", 0, None), start()), Err(DayError::NotCompared));
        let day = day.compared(summary(2), start()).unwrap();
        assert_eq!(day.signed_off(sign("b", 1, Some("a")), start()), Err(DayError::Open(1)));
        assert_eq!(day.signed_off(sign("a", 0, Some("a")), start()), Err(DayError::SamePerson));
        assert!(day.signed_off(sign("b", 0, Some("a")), start()).unwrap().is_closed());
        let many = Day { summary: Some(summary(10_001)), ..day };
        assert_eq!(many.signed_off(sign("b", 0, Some("a")), start()), Err(DayError::TooMany));
    }

    #[test]
    fn any_past_day_can_be_compared_while_wechat_has_its_bill() {
        let now = at("2026-11-23T02:30:00Z");
        assert_eq!(comparable(DATE, now), Ok(()));
        assert_eq!(comparable(DATE, at("2026-11-23T02:29:59Z")), Err(DayError::OutOfRange), "not ready");
        assert_eq!(comparable(date(2026, 8, 25), now), Ok(()));
        assert_eq!(comparable(date(2026, 8, 24), now), Err(DayError::OutOfRange), "too long ago");
    }

    #[derive(Clone, Debug)]
    enum Step {
        Begin,
        Compared(u64),
        Delayed,
        Requested,
        SignOff(usize),
        Wait,
    }

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Begin),
            (0_u64..3).prop_map(Step::Compared),
            Just(Step::Delayed),
            Just(Step::Requested),
            (0_usize..2).prop_map(Step::SignOff),
            Just(Step::Wait),
        ]
    }

    proptest! {
        /// Whatever happens: a closed day stays as it is, and a day that is not closed waits for a run or for people.
        #[test]
        fn no_sequence_opens_a_closed_day_or_forgets_an_open_one(steps in proptest::collection::vec(any_step(), 0..40)) {
            let (mut day, mut now) = (Day::due(DATE), start());
            for step in steps {
                let moved = match step {
                    Step::Begin => day.begun(now),
                    Step::Compared(differences) => day.compared(summary(differences), now),
                    Step::Delayed => day.delayed(Delay::HisUnavailable, now),
                    Step::Requested => day.requested(now),
                    Step::SignOff(open) => day.signed_off(sign("b", open, Some("a")), now),
                    Step::Wait => {
                        now = time::add_minutes(now, 40);
                        continue;
                    }
                };
                if let Ok(moved) = moved {
                    prop_assert!(!day.is_closed());
                    prop_assert_eq!(moved.ver, day.ver + 1);
                    day = moved;
                }
                let waits = day.deadlines.get(Deadline::Reconcile).is_some();
                prop_assert_eq!(waits, matches!(day.state, DayState::Due | DayState::Running));
            }
        }
    }
}
