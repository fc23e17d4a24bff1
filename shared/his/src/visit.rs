//! Whether a visit took place.

use domain::civil::Date;
use domain::id::{AppointmentId, ClinicId};

/// A visit to ask about: by our number of it, and by what the HIS may know it as when a window registered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitQuery {
    /// Our appointment.
    pub appointment: AppointmentId,
    /// The clinic.
    pub clinic: ClinicId,
    /// The number (号), from 1.
    pub number: u16,
    /// Day of the visit.
    pub date: Date,
}

/// What the HIS has on record of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VisitStatus {
    /// The patient was seen.
    Visited,
    /// Nobody came.
    NotVisited,
}
