//! Numbers (号) and visits at the hospital's own system. A visit is known there by a serial of ours: its appointment.
//!
//! A serial stands somewhere: unknown, locked, confirmed, over. Whatever was asked for, [`crate::His::standing`] says where,
//! so one question settles every lost answer. A serial that is over stays over: what arrives late for it is refused.

use crate::fees::Registration;
use domain::Timestamp;
use domain::clinic::SlotStart;
use domain::id::{AppointmentId, CardNo, ClinicId, OutTradeNo};
use domain::money::Fen;

/// A number to keep for somebody who has not paid yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberLock {
    /// Our appointment.
    pub serial: AppointmentId,
    /// The clinic.
    pub clinic: ClinicId,
    /// The half hour the number is in.
    pub start: SlotStart,
    /// The number, from 1.
    pub number: u16,
    /// The HIS gives it free by itself then.
    pub until: Timestamp,
}

/// What paid for a visit: an order the HIS hears of by [`crate::His::fees_post`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidBy {
    /// Our number of the order.
    pub order: OutTradeNo,
    /// What was paid.
    pub total: Fen,
}

/// A visit that is certain on our side. Its serial is the appointment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitBooking {
    /// Which visit.
    pub registration: Registration,
    /// The half hour the number is in.
    pub start: SlotStart,
    /// The visit card the hospital knows; none for somebody it does not know yet.
    pub card_no: Option<CardNo>,
    /// What paid for it; none when there was nothing to pay, or it is paid at a window.
    pub paid_by: Option<PaidBy>,
}

/// Where a visit stands at the HIS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its number is kept.
    Locked,
    /// It will take place.
    Confirmed,
    /// Given back, run out, or moved to another time.
    Over,
}
