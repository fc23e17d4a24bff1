//! Messages with results that cannot be taken in (yet): kept whole, shown to staff, tried again.

use super::Wire;
use crate::clinic::epoch_s;
use crate::due::{Deadline, Deadlines};
use crate::id::UnplacedId;
use crate::time::{DAY_S, add_minutes, add_seconds};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Minutes before the first try by itself; it doubles with each one.
const AGAIN_MIN: i64 = 2;
/// The longest pause between two tries, in minutes.
const AGAIN_MIN_MAX: i64 = 6 * 60;
/// How long a message is tried by itself, in days; then it waits for staff.
const TRIED_DAYS: i64 = 30;

/// Why a message was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Its patient is nobody we know.
    UnknownPatient,
    /// It names no number of a patient.
    NoNumber,
    /// The number is known, under another name.
    OtherName,
    /// Its numbers belong to different people.
    TwoPatients,
    /// The report is filed under somebody else, and this is no correction of that.
    OthersReport,
    /// It is about a visit of ours that nobody here knows.
    UnknownVisit,
    /// The hospital has a visit at another time than we.
    OtherTime,
    /// A code nobody has mapped.
    UnknownCode,
    /// Its bytes are not text of a known encoding.
    Encoding,
    /// It does not read as what it should be.
    Unreadable,
}

impl Why {
    /// The stable code, for answers and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::UnknownPatient => "unknown_patient",
            Self::NoNumber => "no_number",
            Self::OtherName => "other_name",
            Self::TwoPatients => "two_patients",
            Self::OthersReport => "others_report",
            Self::UnknownVisit => "unknown_visit",
            Self::OtherTime => "other_time",
            Self::UnknownCode => "unknown_code",
            Self::Encoding => "encoding",
            Self::Unreadable => "unreadable",
        }
    }

    /// As staff read it.
    pub fn text(self) -> &'static str {
        match self {
            Self::UnknownPatient => "患者未建档或卡未绑定",
            Self::NoNumber => "报告中没有患者编号",
            Self::OtherName => "患者编号与姓名不符",
            Self::TwoPatients => "患者编号属于不同的人",
            Self::OthersReport => "报告号已属于另一位患者",
            Self::UnknownVisit => "找不到对应的预约",
            Self::OtherTime => "医院已改到其他时段，请为患者改约",
            Self::UnknownCode => "代码未对照",
            Self::Encoding => "编码无法识别",
            Self::Unreadable => "报文无法解析",
        }
    }

    /// Whether it may mend by itself: a card is bound, a person registered, a code mapped, a visit moved.
    pub fn may_mend(self) -> bool {
        match self {
            Self::UnknownPatient
            | Self::OtherName
            | Self::TwoPatients
            | Self::UnknownVisit
            | Self::OtherTime
            | Self::UnknownCode => true,
            Self::NoNumber | Self::OthersReport | Self::Encoding | Self::Unreadable => false,
        }
    }
}

/// A fault of a message: why, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obstacle {
    /// Why.
    pub why: Why,
    /// The place in the message, never what stands there.
    pub place: String,
}

/// How a message that was kept came to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// Who brought it there: a login, or the name of a machine.
    pub by: String,
    /// When.
    #[serde(with = "epoch_s")]
    pub at: Timestamp,
    /// Whether it was taken in; else staff laid it aside.
    pub is_placed: bool,
}

/// A message that was not taken in, without what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unplaced {
    /// Made of what was sent: the same again is the same.
    pub id: UnplacedId,
    /// In which language.
    pub wire: Wire,
    /// Who sent it: the name of a machine.
    pub sender: String,
    /// The charset HTTP declared, if any.
    pub charset: Option<String>,
    /// What stands against it.
    pub obstacle: Obstacle,
    /// When it came first.
    #[serde(with = "epoch_s")]
    pub received_at: Timestamp,
    /// Tries since.
    pub tries: u32,
    /// How it ended.
    pub settled: Option<Settled>,
    /// What still has to be done.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// Counts writes.
    pub ver: u64,
}

impl Unplaced {
    /// The deadlines of a message that was tried so often in vain.
    fn again(obstacle: &Obstacle, received_at: Timestamp, tries: u32, now: Timestamp) -> Deadlines {
        let is_late = add_seconds(received_at, TRIED_DAYS * DAY_S) <= now;
        if is_late || !obstacle.why.may_mend() {
            return Deadlines::none();
        }
        let pause_min = AGAIN_MIN.saturating_mul(1_i64 << tries.min(16)).min(AGAIN_MIN_MAX);
        Deadlines::none().with(Deadline::Replay, add_minutes(now, pause_min))
    }

    /// A message that has just come.
    pub fn new(
        id: UnplacedId,
        wire: Wire,
        sender: &str,
        charset: Option<&str>,
        obstacle: Obstacle,
        now: Timestamp,
    ) -> Self {
        let deadlines = Self::again(&obstacle, now, 0, now);
        let (sender, charset) = (sender.to_owned(), charset.map(str::to_owned));
        Self { id, wire, sender, charset, obstacle, received_at: now, tries: 0, settled: None, deadlines, ver: 1 }
    }

    /// The message after one more try in vain.
    #[must_use]
    pub fn tried(&self, obstacle: Obstacle, now: Timestamp) -> Self {
        let tries = self.tries.saturating_add(1);
        let deadlines = Self::again(&obstacle, self.received_at, tries, now);
        Self { obstacle, tries, settled: None, deadlines, ver: self.ver + 1, ..self.clone() }
    }

    /// The message at its end.
    #[must_use]
    pub fn ended(&self, settled: Settled) -> Self {
        Self { settled: Some(settled), deadlines: Deadlines::none(), ver: self.ver + 1, ..self.clone() }
    }

    /// The message, to be tried at once: what stood against it may be mended.
    #[must_use]
    pub fn hurried(&self, now: Timestamp) -> Self {
        let deadlines = Deadlines::none().with(Deadline::Replay, now);
        Self { deadlines, ver: self.ver + 1, ..self.clone() }
    }

    /// Whether staff have to look.
    pub fn is_open(&self) -> bool {
        self.settled.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        add_minutes(Timestamp::from_second(1_795_000_000).unwrap(), minute)
    }

    fn unplaced(why: Why) -> Unplaced {
        let id = UnplacedId::of(&["x"]);
        Unplaced::new(id, Wire::Hl7, "lis", None, Obstacle { why, place: "PID-3".into() }, at(0))
    }

    #[test]
    fn what_may_mend_is_tried_less_and_less_often_for_a_month() {
        let mut message = unplaced(Why::UnknownPatient);
        let mut now = at(0);
        let mut pauses = Vec::new();
        while let Some(due) = message.deadlines.get(Deadline::Replay) {
            pauses.push((due.as_second() - now.as_second()) / 60);
            now = due;
            message = message.tried(message.obstacle.clone(), now);
        }
        assert_eq!(pauses.get(..4).unwrap(), [2, 4, 8, 16]);
        assert!(pauses.iter().all(|pause| *pause <= 360));
        assert!((120..150).contains(&pauses.len()), "{}", pauses.len());
        assert!(message.is_open());
    }

    #[test]
    fn what_cannot_mend_waits_for_staff() {
        assert!(unplaced(Why::Encoding).deadlines.earliest().is_none());
        let ended = unplaced(Why::UnknownPatient).ended(Settled { by: "liu".into(), at: at(5), is_placed: true });
        assert!(!ended.is_open() && ended.deadlines.earliest().is_none());
    }
}
