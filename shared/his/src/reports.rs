//! Reports (检验检查报告) as the hospital's own system keeps them: what was sent while nobody here could take it is fetched.
//! And critical values (危急值), of which the hospital is told in turn.

use crate::timetable::Mark;
use domain::Timestamp;
use domain::id::{CardNo, PersonSerial};
use domain::report::Wire;
use std::fmt;

/// The most reports of one answer; what is more comes with the next question.
pub const REPORTS_MAX: usize = 100;
/// The longest number of a report, in characters.
const NUMBER_CHARS_MAX: usize = 64;

/// The hospital's number of a report. Prints masked: with it others could ask for the report.
#[derive(Clone, PartialEq, Eq)]
pub struct ReportNo(String);

/// The text is no number of a report: empty, too long, or not one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the number of a report")]
pub struct ReportNoError;

impl ReportNo {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for ReportNo {
    type Err = ReportNoError;
    fn from_str(text: &str) -> Result<Self, ReportNoError> {
        let fits = (1..=NUMBER_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(ReportNoError) }
    }
}

impl fmt::Debug for ReportNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReportNo(*{})", self.0.chars().count())
    }
}

/// Which reports to tell of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportsQuery {
    /// Of the holder of this card; none: of everybody.
    pub card_no: Option<CardNo>,
    /// Where the last list ended; none: all that the HIS still tells of.
    pub since: Option<Mark>,
}

/// A report as it was sent, to be read like one that the hospital sends by itself. Prints its size only.
#[derive(Clone, PartialEq, Eq)]
pub struct SentReport {
    /// In which language.
    pub wire: Wire,
    /// What was sent, in UTF-8.
    pub body: Vec<u8>,
}

impl fmt::Debug for SentReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SentReport({:?}, {} bytes)", self.wire, self.body.len())
    }
}

/// A report, in the order of the HIS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeardReport {
    /// Where the list stands once this one is dealt with.
    pub mark: Mark,
    /// The report.
    pub report: SentReport,
}

/// A page of reports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeardReports {
    /// In order.
    pub reports: Vec<HeardReport>,
    /// There are more: ask on.
    pub has_more: bool,
}

/// A critical value that no clinician has taken on yet. It says which report, never what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CriticalAlert {
    /// Our number of it: the same again is the same.
    pub serial: PersonSerial,
    /// The hospital's number of the report.
    pub report: ReportNo,
    /// The patient's visit card, if they have one.
    pub card_no: Option<CardNo>,
    /// Since when it is known.
    pub since: Timestamp,
    /// Whether the time to take it on has run out.
    pub is_overdue: bool,
}
