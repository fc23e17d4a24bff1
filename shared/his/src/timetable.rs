//! What the hospital's own system says of departments, doctors, schedules (排班) and their numbers (号源).

use crate::label::Label;
use domain::civil::Date;
use domain::clinic::{ClinicKind, Period, SlotStart};
use domain::id::{ClinicId, DepartmentId, DoctorId, IdError};
use domain::money::Fen;
use std::collections::BTreeSet;

pub use domain::catalog::{Department, Doctor};

/// The most departments, doctors or schedules that are read from one answer.
pub const LISTED_MAX: usize = 5_000;
/// The longest mark of a list, in bytes.
const MARK_BYTES_MAX: usize = 64;

/// A list of the hospital's, read entry by entry: one that is wrong does not hide the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// What could be read.
    pub entries: Vec<T>,
    /// How many could not.
    pub rejected: usize,
}

impl<T> Listed<T> {
    /// Nothing at all.
    pub fn none() -> Self {
        Self { entries: Vec::new(), rejected: 0 }
    }
}

/// Where a list ended, as the HIS writes it: handed back to hear only what came after. Opaque.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark(String);

/// The text is no mark: empty, too long, or with other than visible ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a mark")]
pub struct MarkError;

impl Mark {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Mark {
    type Err = MarkError;
    fn from_str(text: &str) -> Result<Self, MarkError> {
        let fits = (1..=MARK_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(MarkError) }
    }
}

/// Which schedules to tell of: those of these days that changed after the mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleQuery {
    /// First day.
    pub from: Date,
    /// Last day, included.
    pub to: Date,
    /// Where the last list ended; none: all of them.
    pub since: Option<Mark>,
}

/// A clinic (出诊) as the HIS has it. Its numbers are asked for by [`crate::His::slots`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Service day in Shanghai.
    pub date: Date,
    /// Part of the day.
    pub period: Period,
    /// The department.
    pub department: DepartmentId,
    /// The doctor; none for the department's pool.
    pub doctor: Option<DoctorId>,
    /// Class of the clinic.
    pub kind: ClinicKind,
    /// Fee of one visit.
    pub fee: Fen,
    /// Consulting room; may be empty.
    pub room: Label,
    /// Campus; may be empty.
    pub campus: Label,
    /// 停诊
    pub is_closed: bool,
}

impl Schedule {
    /// Its natural key: what HIS and desk both call it.
    pub fn clinic(&self) -> Result<ClinicId, IdError> {
        ClinicId::of(self.date, self.period, &self.department, self.doctor.as_ref())
    }
}

/// Schedules that changed, and where the list ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedules {
    /// The schedules.
    pub list: Listed<Schedule>,
    /// For the next question.
    pub mark: Option<Mark>,
}

/// Half an hour of a clinic with its numbers (号), as the HIS has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotNumbers {
    /// Start.
    pub start: SlotStart,
    /// Numbers nobody has.
    pub free: BTreeSet<u16>,
    /// Numbers somebody has: ours, or sold at a window.
    pub taken: BTreeSet<u16>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_short_visible_text() {
        assert_eq!("42@2026".parse::<Mark>().unwrap().as_str(), "42@2026");
        for wrong in ["", "a b", "号", &"a".repeat(65)] {
            assert_eq!(wrong.parse::<Mark>(), Err(MarkError), "{wrong}");
        }
    }
}
