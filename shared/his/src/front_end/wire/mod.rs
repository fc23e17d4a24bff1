//! The bodies as they travel, and how they become types: a file by subject. JSON and XML share them ([`super::data`]).
//!
//! Lists of things that may be wrong one by one are `Vec<Data>`, each read on its own with [`Data::read`].

mod bills;
#[cfg(test)]
mod damaged;
mod fees;
mod numbers;
mod person;
mod place;
mod queues;
mod refund;
mod reports;
mod timetable;
mod visit;

#[cfg(test)]
mod tests;

pub(super) use bills::BillsData;
pub(super) use fees::{FeesBody, ReceiptData};
pub(super) use numbers::{ConfirmBody, LockBody, RescheduleBody, StandingData};
pub(super) use person::{CardBindingBody, CardPostBody, FindBody, PeopleData, PersonBody, PersonReceiptData};
pub(super) use queues::{CardQueuesData, ClinicBody, ClinicQueueData};
pub(super) use refund::{RefundBody, RefundCheckBody, RefundNoData, RefundabilityData};
pub(super) use reports::{AlertBody, ReportBody, ReportData, ReportsBody, ReportsData};
pub(super) use timetable::{
    DepartmentsData, DoctorsData, EventsBody, EventsData, Nothing, SchedulesBody, SchedulesData, SlotsData,
};
pub(super) use visit::{VisitBody, VisitStatusData};

use super::data::Data;
use crate::error::{HisError, Refusal};
use domain::money::Fen;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};

/// How every answer begins. Its `message` is for people at the HIS and is not read.
#[derive(Deserialize)]
struct Envelope {
    code: i64,
    error: String,
    data: Data,
}

const CODE_OK: i64 = 0;
const CODE_EMPTY: i64 = 1;
const CODE_REFUSED: i64 = -1;

/// The data of an answer; none when the HIS has nothing to tell.
pub(super) fn data_of<T: DeserializeOwned>(answer: Data) -> Result<Option<T>, HisError> {
    let Envelope { code, error, data } = answer.read().map_err(|_| HisError::Unreadable)?;
    match code {
        CODE_OK => data.read().map(Some).map_err(|_| HisError::Unreadable),
        CODE_EMPTY => Ok(None),
        CODE_REFUSED => Err(Refusal::from_code(&error).map_or(HisError::Unreadable, |code| HisError::Refused { code })),
        _ => Err(HisError::Unreadable),
    }
}

/// The code of a refused signature.
pub(super) fn unauthorized(answer: Data) -> HisError {
    let code = answer.read().ok().and_then(|Envelope { error, .. }| Refusal::from_code(&error));
    code.map_or(HisError::Unreadable, |code| HisError::Unauthorized { code })
}

/// Yuan with two decimals.
struct Yuan(Fen);

impl Serialize for Yuan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[derive(Serialize)]
pub(super) struct CardBody<'a> {
    pub(super) card_no: &'a str,
}

#[derive(Serialize)]
pub(super) struct SerialBody<'a> {
    pub(super) serial: &'a str,
}
