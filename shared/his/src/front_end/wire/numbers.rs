//! Locks, confirmations and what undoes them, as they travel.

use super::Yuan;
use super::fees::RegistrationBody;
use crate::numbers::{NumberLock, Standing, VisitBooking};
use domain::Timestamp;
use domain::clinic::SlotStart;
use domain::id::{AppointmentId, CardNo};
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub(in crate::front_end) struct LockBody<'a> {
    serial: &'a str,
    clinic: &'a str,
    start: SlotStart,
    number: u16,
    until: Timestamp,
}

impl<'a> From<&'a NumberLock> for LockBody<'a> {
    fn from(lock: &'a NumberLock) -> Self {
        let NumberLock { serial, clinic, start, number, until } = lock;
        Self { serial: serial.as_str(), clinic: clinic.as_str(), start: *start, number: *number, until: *until }
    }
}

#[derive(Serialize)]
pub(in crate::front_end) struct ConfirmBody<'a> {
    serial: &'a str,
    card_no: Option<&'a str>,
    registration: RegistrationBody<'a>,
    start: SlotStart,
    payment: Option<PaymentBody<'a>>,
}

#[derive(Serialize)]
struct PaymentBody<'a> {
    serial: &'a str,
    total: Yuan,
}

impl<'a> From<&'a VisitBooking> for ConfirmBody<'a> {
    fn from(visit: &'a VisitBooking) -> Self {
        Self {
            serial: visit.registration.appointment.as_str(),
            card_no: visit.card_no.as_ref().map(CardNo::as_str),
            registration: (&visit.registration).into(),
            start: visit.start,
            payment: visit
                .paid_by
                .as_ref()
                .map(|paid| PaymentBody { serial: paid.order.as_str(), total: Yuan(paid.total) }),
        }
    }
}

#[derive(Serialize)]
pub(in crate::front_end) struct RescheduleBody<'a> {
    from: &'a str,
    #[serde(flatten)]
    to: ConfirmBody<'a>,
}

impl<'a> RescheduleBody<'a> {
    pub(in crate::front_end) fn new(from: &'a AppointmentId, to: &'a VisitBooking) -> Self {
        Self { from: from.as_str(), to: to.into() }
    }
}

#[derive(Deserialize)]
pub(in crate::front_end) struct StandingData {
    standing: StandingCode,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum StandingCode {
    Locked,
    Confirmed,
    Over,
}

impl From<StandingData> for Standing {
    fn from(data: StandingData) -> Self {
        match data.standing {
            StandingCode::Locked => Self::Locked,
            StandingCode::Confirmed => Self::Confirmed,
            StandingCode::Over => Self::Over,
        }
    }
}
