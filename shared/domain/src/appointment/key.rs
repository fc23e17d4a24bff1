//! The address of an appointment: patient, date, id.

use crate::id::{AppointmentId, PatientId};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Everything needed to find an appointment: its text form is what URLs carry. Opaque: no name, no document number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AppointmentKey {
    /// For whom.
    pub patient: PatientId,
    /// Service day.
    pub date: Date,
    /// The appointment.
    pub id: AppointmentId,
}

/// The text is not `patient-yyyymmdd-appointment`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an appointment key")]
pub struct AppointmentKeyError;

impl std::fmt::Display for AppointmentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}-{}", self.patient, self.date.strftime("%Y%m%d"), self.id)
    }
}

impl std::str::FromStr for AppointmentKey {
    type Err = AppointmentKeyError;
    fn from_str(text: &str) -> Result<Self, AppointmentKeyError> {
        let mut parts = text.split('-');
        let mut next = || parts.next().ok_or(AppointmentKeyError);
        let (patient, date, id) = (next()?, next()?, next()?);
        if parts.next().is_some() || date.len() != 8 {
            return Err(AppointmentKeyError);
        }
        Ok(Self {
            patient: patient.parse().map_err(|_| AppointmentKeyError)?,
            date: Date::strptime("%Y%m%d", date).map_err(|_| AppointmentKeyError)?,
            id: id.parse().map_err(|_| AppointmentKeyError)?,
        })
    }
}

impl TryFrom<String> for AppointmentKey {
    type Error = AppointmentKeyError;
    fn try_from(text: String) -> Result<Self, AppointmentKeyError> {
        text.parse()
    }
}

impl From<AppointmentKey> for String {
    fn from(key: AppointmentKey) -> String {
        key.to_string()
    }
}
