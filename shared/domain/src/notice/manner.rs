//! How a message is told: how much it matters, when it may be, and who may mute it.

use super::{About, NoticeKind};
use crate::appointment::{CancelledBy, State};
use crate::time;
use jiff::Timestamp;
use jiff::civil::Time;
use serde::{Deserialize, Serialize};

/// How much a message matters (yardstick item 4, level 4: graded messages, the patient can mute what is not critical).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// WeChat only, and never at night.
    Low,
    /// Never at night; by SMS too for people who get SMS copies.
    Normal,
    /// At any hour, cannot be muted; who cannot be reached in WeChat gets an SMS, then a call.
    Critical,
}

/// What a reader may mute, together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeGroup {
    /// 挂号与取消
    Visits,
    /// 就诊提醒
    Reminders,
    /// 缴费与退费
    Money,
    /// 就诊人与账号
    People,
    /// 检验检查报告
    Reports,
}

impl NoticeGroup {
    /// Every group.
    pub const ALL: [Self; 5] = [Self::Visits, Self::Reminders, Self::Money, Self::Reports, Self::People];

    /// The text used in forms.
    pub fn code(self) -> &'static str {
        match self {
            Self::Visits => "visits",
            Self::Reminders => "reminders",
            Self::Money => "money",
            Self::People => "people",
            Self::Reports => "reports",
        }
    }

    /// As patients read it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Visits => "挂号与取消",
            Self::Reminders => "就诊提醒",
            Self::Money => "缴费与退费",
            Self::People => "就诊人与账号",
            Self::Reports => "检验检查报告",
        }
    }
}

/// How a message is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// How much it matters.
    pub grade: Grade,
    /// What it is muted with.
    pub group: NoticeGroup,
    /// Whether it answers what its reader has just done: then the reader is awake, at any hour.
    pub is_receipt: bool,
}

/// Tries of a message. The pauses double from a quarter of a minute: together most of an hour.
pub const TRIES_MAX: u32 = 8;
/// Tries when the turn is near: together four minutes, so that there is time for another way.
const TURN_TRIES_MAX: u32 = 4;

impl NoticeKind {
    /// How messages of this kind are told, unless what happened says otherwise ([`About::manner`]).
    fn manner(self) -> Manner {
        use Grade::{Critical, Low, Normal};
        use NoticeGroup::{Money, People, Reminders, Reports, Visits};
        let (grade, group, is_receipt) = match self {
            Self::Booked | Self::Cancelled | Self::Moved => (Normal, Visits, true),
            Self::Refused | Self::Substituted | Self::WaitlistOffered => (Critical, Visits, false),
            Self::TurnSoon | Self::DayBefore => (Normal, Reminders, false),
            Self::BillPaid => (Low, Money, true),
            Self::BillRefused => (Normal, Money, false),
            Self::Refunded | Self::RefundDeclined => (Low, Money, false),
            Self::Missed | Self::Suspended | Self::Restored | Self::AppealAnswered | Self::WaitlistEnded => {
                (Normal, Visits, false)
            }
            Self::Linked => (Normal, People, false),
            Self::ReportReady | Self::ReportCorrected | Self::ReportRecalled => (Normal, Reports, false),
            Self::ReportCritical => (Critical, Reports, false),
        };
        Manner { grade, group, is_receipt }
    }

    /// Tries before a message counts as one that WeChat or the SMS service does not take.
    pub fn tries_max(self) -> u32 {
        if self == Self::TurnSoon { TURN_TRIES_MAX } else { TRIES_MAX }
    }
}

impl About {
    /// How the message is told.
    pub fn manner(&self, kind: NoticeKind) -> Manner {
        let usual = kind.manner();
        let by_hospital = matches!(
            self,
            Self::Appointment(visit) if matches!(visit.state, State::Cancelled { by: CancelledBy::Hospital, .. })
        );
        // 停诊: somebody would come in vain.
        if kind == NoticeKind::Cancelled && by_hospital {
            Manner { grade: Grade::Critical, is_receipt: false, ..usual }
        } else {
            usual
        }
    }

    /// Whether the message comes too late to be of use.
    pub fn is_too_late(&self, kind: NoticeKind, now: Timestamp) -> bool {
        let Self::Appointment(visit) = self else { return false };
        match kind {
            NoticeKind::TurnSoon => visit.place.starts_at() <= now,
            NoticeKind::DayBefore => time::today(now) >= visit.place.date,
            _ => false,
        }
    }

    /// Until when the message waits for the reader's morning; none when it goes out at once. `answers_reader`: the
    /// reader is who did what it tells of.
    pub fn waits_until(
        &self,
        kind: NoticeKind,
        answers_reader: bool,
        quiet: QuietHours,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let manner = self.manner(kind);
        if manner.grade == Grade::Critical || (manner.is_receipt && answers_reader) {
            return None;
        }
        let until = quiet.end_of(now)?;
        // Who is seen in the night, or at its end, is up for it.
        let cannot_wait = kind == NoticeKind::TurnSoon && self.is_too_late(kind, until);
        (!cannot_wait).then_some(until)
    }
}

/// The hours in which people sleep, by the hospital's wall clock; `from` later than `until` spans midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// First minute of the night.
    pub from: Time,
    /// First minute of the morning; the same as `from` means no quiet hours.
    pub until: Time,
}

impl Default for QuietHours {
    fn default() -> Self {
        Self { from: Time::constant(22, 0, 0, 0), until: Time::constant(7, 0, 0, 0) }
    }
}

impl QuietHours {
    /// When the quiet hours that `now` lies in end; none outside of them.
    pub fn end_of(self, now: Timestamp) -> Option<Timestamp> {
        let wall = time::wall_clock(now);
        let (today, clock) = (wall.date(), wall.time());
        let spans_midnight = self.from > self.until;
        if spans_midnight && clock >= self.from {
            Some(time::instant(time::add_days(today, 1), self.until))
        } else if clock < self.until && (spans_midnight || clock >= self.from) {
            Some(time::instant(today, self.until))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::appointment::tests::{at, held};
    use crate::appointment::{Appointment, RefusedWhy};
    use proptest::prelude::*;

    fn visit(state: State) -> About {
        About::Appointment(Box::new(Appointment { state, ..held(at("2026-11-22T04:10:00Z")) }))
    }

    const NIGHT: &str = "2026-11-22T15:30:00Z";
    const DAY: &str = "2026-11-22T10:00:00Z";

    fn waits(state: State, kind: NoticeKind, answers: bool, now: &str) -> Option<String> {
        visit(state).waits_until(kind, answers, QuietHours::default(), at(now)).map(|until| until.to_string())
    }

    #[test]
    fn only_what_matters_or_answers_wakes_anybody() {
        let morning = Some("2026-11-22T23:00:00Z".to_owned());
        let hospital = State::Cancelled { by: CancelledBy::Hospital, refund: true };
        let patient = State::Cancelled { by: CancelledBy::Patient, refund: true };
        assert_eq!(waits(State::Booked, NoticeKind::Booked, true, NIGHT), None);
        assert_eq!(waits(State::Booked, NoticeKind::Booked, false, NIGHT), morning);
        assert_eq!(waits(State::Booked, NoticeKind::DayBefore, false, NIGHT), morning);
        assert_eq!(waits(patient, NoticeKind::Cancelled, true, NIGHT), None);
        assert_eq!(waits(hospital, NoticeKind::Cancelled, false, NIGHT), None);
        assert_eq!(waits(State::Refused { why: RefusedWhy::NumberGone }, NoticeKind::Refused, false, NIGHT), None);
        for kind in NoticeKind::ALL {
            assert_eq!(waits(State::Booked, kind, false, DAY), None, "{}", kind.code());
        }
    }

    #[test]
    fn a_turn_in_the_night_or_at_its_end_does_not_wait() {
        // The slot begins at 09:00 in Shanghai.
        assert_eq!(
            waits(State::Booked, NoticeKind::TurnSoon, false, "2026-11-22T22:30:00Z").as_deref(),
            Some("2026-11-22T23:00:00Z")
        );
        let early = QuietHours { from: Time::constant(22, 0, 0, 0), until: Time::constant(9, 0, 0, 0) };
        let about = visit(State::CheckedIn);
        assert_eq!(about.waits_until(NoticeKind::TurnSoon, false, early, at("2026-11-23T00:30:00Z")), None);
    }

    #[test]
    fn a_reminder_is_of_use_until_the_turn_or_the_day() {
        let about = visit(State::Booked);
        assert!(!about.is_too_late(NoticeKind::TurnSoon, at("2026-11-23T00:59:59Z")));
        assert!(about.is_too_late(NoticeKind::TurnSoon, at("2026-11-23T01:00:00Z")));
        assert!(!about.is_too_late(NoticeKind::DayBefore, at("2026-11-22T15:59:59Z")));
        assert!(about.is_too_late(NoticeKind::DayBefore, at("2026-11-22T16:00:00Z")));
        assert!(!about.is_too_late(NoticeKind::Booked, at("2027-01-01T00:00:00Z")));
    }

    proptest! {
        #[test]
        fn the_night_ends_and_is_over_then(from in 0_i8..24, until in 0_i8..24, second in 0_i64..2_000_000) {
            let quiet = QuietHours { from: Time::constant(from, 0, 0, 0), until: Time::constant(until, 0, 0, 0) };
            let now = time::add_seconds(at(DAY), second);
            if let Some(end) = quiet.end_of(now) {
                prop_assert!(end > now);
                prop_assert!(end.as_second() - now.as_second() <= 24 * 3600);
                prop_assert_eq!(time::wall_clock(end).time(), quiet.until);
                prop_assert_eq!(quiet.end_of(end), None);
            } else {
                let clock = time::wall_clock(now).time();
                let (begun, ended) = (clock >= quiet.from, clock >= quiet.until);
                let outside = if from <= until { !begun || ended } else { !begun && ended };
                prop_assert!(outside);
            }
        }
    }
}
