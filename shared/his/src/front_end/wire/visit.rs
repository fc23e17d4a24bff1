//! Whether a visit took place.

use crate::visit::{VisitQuery, VisitStatus};
use domain::civil::Date;
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub(in crate::front_end) struct VisitBody<'a> {
    appointment: &'a str,
    clinic: &'a str,
    number: u16,
    date: Date,
}

impl<'a> From<&'a VisitQuery> for VisitBody<'a> {
    fn from(visit: &'a VisitQuery) -> Self {
        let VisitQuery { appointment, clinic, number, date } = visit;
        Self { appointment: appointment.as_str(), clinic: clinic.as_str(), number: *number, date: *date }
    }
}

#[derive(Deserialize)]
pub(in crate::front_end) struct VisitStatusData {
    visited: bool,
}

impl From<VisitStatusData> for VisitStatus {
    fn from(data: VisitStatusData) -> Self {
        if data.visited { Self::Visited } else { Self::NotVisited }
    }
}
