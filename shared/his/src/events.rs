//! What changed at the hospital (状态变更通知): the HIS keeps a list, and tells what came after a cursor of its own.

use crate::reports::ReportNo;
use crate::timetable::Mark;
use domain::clinic::SlotStart;
use domain::id::{AppointmentId, CardNo, ClinicId, DoctorId};
use domain::money::Fen;
use domain::visit::VisitFate;

/// The most events of one answer; what is more comes with the next question.
pub const EVENTS_MAX: usize = 500;

/// A change that concerns the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// 停诊: a clinic, or what is left of it from a half hour on.
    Closed {
        /// The clinic.
        clinic: ClinicId,
        /// From then on; none: all of it.
        from: Option<SlotStart>,
    },
    /// 替诊: another doctor sees the patients.
    Substituted {
        /// The clinic.
        clinic: ClinicId,
        /// Who.
        doctor: DoctorId,
    },
    /// Another fee from now on. What is paid stays paid.
    Fee {
        /// The clinic.
        clinic: ClinicId,
        /// Of one visit.
        fee: Fen,
    },
    /// Something became of a visit of ours.
    Visit {
        /// The clinic.
        clinic: ClinicId,
        /// Our appointment.
        appointment: AppointmentId,
        /// What.
        fate: VisitFate,
    },
    /// Two records are one person.
    Merged {
        /// Cards of the record that stays.
        stays: Vec<CardNo>,
        /// Cards of the record that is gone.
        gone: Vec<CardNo>,
    },
    /// They are two people again.
    Unmerged {
        /// Cards of the one.
        stays: Vec<CardNo>,
        /// Cards of the other.
        leaves: Vec<CardNo>,
    },
    /// There is a report, or another version of one: it can be asked for.
    Reported {
        /// Its number.
        number: ReportNo,
    },
}

/// Something that happened, in the order of the HIS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Where the list stands once this one is dealt with.
    pub mark: Mark,
    /// What happened; none when nobody here knows such a change.
    pub change: Option<Change>,
}

/// A page of events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Events {
    /// In order.
    pub events: Vec<Event>,
    /// There are more: ask on.
    pub has_more: bool,
}
