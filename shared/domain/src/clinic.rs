//! Clinics (出诊, FHIR Schedule) and the half hours (时段) they are divided into.

use crate::id::{ClinicId, DepartmentId, DoctorId, IdError, QueueGroup, QueueId};
use crate::money::Fen;
use crate::time;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};
use std::fmt;

pub use crate::quota::Channel;
pub use crate::slot::{Claim, Slot, Taken};

/// Minutes in one slot: the finest time band the yardstick asks for (level 5: at most 30).
pub const SLOT_MIN: u16 = 30;
/// The most numbers one slot can have.
pub const NUMBERS_PER_SLOT_MAX: u16 = 60;
const DAY_MIN: u16 = 24 * 60;

/// The part of the day a clinic is held in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// 上午
    Morning,
    /// 下午
    Afternoon,
    /// 晚上
    Evening,
    /// 夜间
    Night,
}

impl Period {
    /// Every period, in the order of the day.
    pub const ALL: [Self; 4] = [Self::Morning, Self::Afternoon, Self::Evening, Self::Night];

    /// The short code used in keys.
    pub fn code(self) -> &'static str {
        match self {
            Self::Morning => "am",
            Self::Afternoon => "pm",
            Self::Evening => "ev",
            Self::Night => "nt",
        }
    }

    /// As patients read it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Morning => "上午",
            Self::Afternoon => "下午",
            Self::Evening => "晚上",
            Self::Night => "夜间",
        }
    }
}

/// The class of a clinic (号别).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClinicKind {
    /// 普通: any doctor of the department.
    Ordinary,
    /// 专家: one named expert.
    Expert,
    /// 特需: a named doctor at a special fee.
    Special,
    /// 急诊: same day only.
    Emergency,
}

impl ClinicKind {
    /// As patients read it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Ordinary => "普通",
            Self::Expert => "专家",
            Self::Special => "特需",
            Self::Emergency => "急诊",
        }
    }

    /// Whether numbers can be booked before the day itself.
    pub fn bookable_ahead(self) -> bool {
        self != Self::Emergency
    }
}

/// The start of a slot: minutes after midnight on the clinic's day, always a whole half hour.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SlotStart(u16);

/// The text is not `HHMM` on a half hour between 0000 and 2330.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a slot start")]
pub struct SlotStartError;

impl SlotStart {
    /// From minutes after midnight.
    pub fn from_minutes(minutes: u16) -> Result<Self, SlotStartError> {
        if minutes < DAY_MIN && minutes.is_multiple_of(SLOT_MIN) { Ok(Self(minutes)) } else { Err(SlotStartError) }
    }

    /// The first half hour of a day.
    pub const FIRST: Self = Self(0);
    /// The last half hour of a day.
    pub const LAST: Self = Self(DAY_MIN - SLOT_MIN);

    /// The half hour a time of day is in.
    pub fn containing(time: Time) -> Self {
        let minutes = u16::from(time.hour().unsigned_abs()) * 60 + u16::from(time.minute().unsigned_abs());
        Self(minutes - minutes % SLOT_MIN)
    }

    /// Minutes after midnight.
    pub fn minutes(self) -> u16 {
        self.0
    }

    /// The instant the slot starts on `date`.
    pub fn instant(self, date: Date) -> Timestamp {
        time::add_minutes(time::instant(date, Time::midnight()), i64::from(self.0))
    }

    /// The instant the slot ends on `date`; the last one ends at midnight, still the same service day (E04).
    pub fn end_instant(self, date: Date) -> Timestamp {
        time::add_minutes(self.instant(date), i64::from(SLOT_MIN))
    }

    /// `9:00-9:30`, as patients read it.
    pub fn band_text(self) -> String {
        let clock = |minutes: u16| format!("{}:{:02}", minutes / 60, minutes % 60);
        format!("{}-{}", clock(self.0), clock(self.0 + SLOT_MIN))
    }
}

/// `0930`, the form used in keys and URLs.
impl fmt::Display for SlotStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}{:02}", self.0 / 60, self.0 % 60)
    }
}

impl fmt::Debug for SlotStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for SlotStart {
    type Err = SlotStartError;
    fn from_str(text: &str) -> Result<Self, SlotStartError> {
        let digits = text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit());
        let number: u16 = if digits { text.parse().map_err(|_| SlotStartError)? } else { return Err(SlotStartError) };
        if number % 100 >= 60 {
            return Err(SlotStartError);
        }
        Self::from_minutes(number / 100 * 60 + number % 100)
    }
}

impl TryFrom<String> for SlotStart {
    type Error = SlotStartError;
    fn try_from(text: String) -> Result<Self, SlotStartError> {
        text.parse()
    }
}

impl From<SlotStart> for String {
    fn from(start: SlotStart) -> String {
        start.to_string()
    }
}

/// Open for booking, or closed (停诊).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClinicState {
    /// Numbers may be claimed.
    Open,
    /// 停诊: nothing may be claimed.
    Closed,
}

/// One session of one resource on one day in one period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clinic {
    /// Natural key.
    pub id: ClinicId,
    /// Service day in Shanghai.
    pub date: Date,
    /// Part of the day.
    pub period: Period,
    /// Department code.
    pub department: DepartmentId,
    /// Department name at import, so that a page needs one read.
    pub department_name: String,
    /// The doctor; `None` for the department's pool (any doctor).
    pub doctor: Option<DoctorId>,
    /// Doctor's name, or empty for the pool.
    pub doctor_name: String,
    /// Doctor's title (职称), or empty.
    pub doctor_title: String,
    /// Class of the clinic.
    pub kind: ClinicKind,
    /// Fee of one visit.
    pub fee: Fen,
    /// Consulting room and floor.
    pub room: String,
    /// Campus (院区).
    pub campus: String,
    /// The rooms it shares a queue with; none: a queue of its own.
    #[serde(default)]
    pub queue_group: Option<QueueGroup>,
    /// When its numbers may first be claimed.
    pub release_at: Timestamp,
    /// Open or closed.
    pub state: ClinicState,
}

impl Clinic {
    /// The queue its patients wait in.
    pub fn queue_id(&self) -> Result<QueueId, IdError> {
        QueueId::of(&self.id, self.queue_group.as_ref())
    }

    /// `李明 主任医师` or `普通门诊`: who is seen.
    pub fn who_text(&self) -> String {
        if self.doctor.is_none() {
            return format!("{}门诊", self.kind.text());
        }
        format!("{} {}", self.doctor_name, self.doctor_title).trim_end().to_owned()
    }
}

/// Instants inside DynamoDB maps are epoch seconds, so that conditions can compare them.
pub mod epoch_s {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes whole seconds.
    pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(at.as_second())
    }

    /// Reads whole seconds.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        Timestamp::from_second(i64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_slot_start_is_a_half_hour() {
        let start: SlotStart = "0930".parse().unwrap();
        assert_eq!((start.minutes(), start.to_string(), start.band_text()), (570, "0930".into(), "9:30-10:00".into()));
        for wrong in ["", "930", "0931", "2400", "0960", "09:0", "００００"] {
            assert_eq!(wrong.parse::<SlotStart>(), Err(SlotStartError), "{wrong}");
        }
    }

    #[test]
    fn the_last_slot_ends_at_midnight_of_the_same_service_day() {
        let start: SlotStart = "2330".parse().unwrap();
        assert_eq!(start.instant(date(2026, 11, 22)).to_string(), "2026-11-22T15:30:00Z");
        assert_eq!(start.end_instant(date(2026, 11, 22)).to_string(), "2026-11-22T16:00:00Z");
        assert_eq!(start.band_text(), "23:30-24:00");
    }
}
