//! Domain events: what happened, written on the item by the same write that made it happen.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What happened. The text form is the detail-type on the bus; the list is append-only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EventKind {
    /// A number was paid for and is the patient's.
    #[serde(rename = "appointment.booked")]
    AppointmentBooked,
    /// Cancelled by the patient, the window or the hospital.
    #[serde(rename = "appointment.cancelled")]
    AppointmentCancelled,
    /// The hold ran out unpaid.
    #[serde(rename = "appointment.expired")]
    AppointmentExpired,
    /// Paid, but the number could not be kept: the money goes back.
    #[serde(rename = "appointment.refused")]
    AppointmentRefused,
    /// The turn is 30 minutes away.
    #[serde(rename = "appointment.turn_soon")]
    AppointmentTurnSoon,
    /// The money arrived.
    #[serde(rename = "order.paid")]
    OrderPaid,
    /// The money went back.
    #[serde(rename = "order.refunded")]
    OrderRefunded,
    /// The hospital has booked a payment of bills: what to do next is known.
    #[serde(rename = "order.posted")]
    OrderPosted,
    /// The hospital did not book a payment of bills: the money goes back.
    #[serde(rename = "order.refused")]
    OrderRefused,
    /// A refund will not happen: the items were performed already.
    #[serde(rename = "order.refund_declined")]
    RefundDeclined,
    /// A person was registered.
    #[serde(rename = "patient.registered")]
    PatientRegistered,
    /// A further WeChat user was linked to a person.
    #[serde(rename = "patient.linked")]
    PatientLinked,
    /// The visit is tomorrow.
    #[serde(rename = "appointment.day_before")]
    AppointmentDayBefore,
    /// A message of the ledger has something due: its wait is over, or it did not arrive.
    #[serde(rename = "message.due")]
    MessageDue,
    /// The patient did not come, and it is on record.
    #[serde(rename = "appointment.missed")]
    AppointmentMissed,
    /// The credit record has ended booking ahead.
    #[serde(rename = "credit.suspended")]
    CreditSuspended,
    /// Booking ahead is possible again before its time: a strike was waived or the ban lifted.
    #[serde(rename = "credit.restored")]
    CreditRestored,
    /// An appeal was answered.
    #[serde(rename = "credit.appeal_answered")]
    AppealAnswered,
    /// The visit was moved to another time, and its payment with it.
    #[serde(rename = "appointment.moved")]
    AppointmentMoved,
    /// Another doctor sees the patient than the one who was booked.
    #[serde(rename = "appointment.substituted")]
    AppointmentSubstituted,
    /// A number that came back is held for somebody who waited.
    #[serde(rename = "waitlist.offered")]
    WaitlistOffered,
    /// Waiting for a number of a clinic is over.
    #[serde(rename = "waitlist.ended")]
    WaitlistEnded,
    /// A report can be seen.
    #[serde(rename = "report.ready")]
    ReportReady,
    /// A report that could be seen says something else now.
    #[serde(rename = "report.corrected")]
    ReportCorrected,
    /// A report that could be seen was taken back.
    #[serde(rename = "report.recalled")]
    ReportRecalled,
    /// A clinician knows of a critical value, or nobody took it on in time: the patient is to come or call.
    #[serde(rename = "report.critical")]
    ReportCritical,
}

impl EventKind {
    /// Every kind, for schemas and tests.
    pub const ALL: [Self; 26] = [
        Self::AppointmentBooked,
        Self::AppointmentCancelled,
        Self::AppointmentExpired,
        Self::AppointmentRefused,
        Self::AppointmentTurnSoon,
        Self::OrderPaid,
        Self::OrderRefunded,
        Self::OrderPosted,
        Self::OrderRefused,
        Self::RefundDeclined,
        Self::PatientRegistered,
        Self::PatientLinked,
        Self::AppointmentDayBefore,
        Self::MessageDue,
        Self::AppointmentMissed,
        Self::CreditSuspended,
        Self::CreditRestored,
        Self::AppealAnswered,
        Self::AppointmentMoved,
        Self::AppointmentSubstituted,
        Self::WaitlistOffered,
        Self::WaitlistEnded,
        Self::ReportReady,
        Self::ReportCorrected,
        Self::ReportRecalled,
        Self::ReportCritical,
    ];

    /// The detail-type on the bus.
    pub fn text(self) -> &'static str {
        match self {
            Self::AppointmentBooked => "appointment.booked",
            Self::AppointmentCancelled => "appointment.cancelled",
            Self::AppointmentExpired => "appointment.expired",
            Self::AppointmentRefused => "appointment.refused",
            Self::AppointmentTurnSoon => "appointment.turn_soon",
            Self::OrderPaid => "order.paid",
            Self::OrderRefunded => "order.refunded",
            Self::OrderPosted => "order.posted",
            Self::OrderRefused => "order.refused",
            Self::RefundDeclined => "order.refund_declined",
            Self::PatientRegistered => "patient.registered",
            Self::PatientLinked => "patient.linked",
            Self::AppointmentDayBefore => "appointment.day_before",
            Self::MessageDue => "message.due",
            Self::AppointmentMissed => "appointment.missed",
            Self::CreditSuspended => "credit.suspended",
            Self::CreditRestored => "credit.restored",
            Self::AppealAnswered => "credit.appeal_answered",
            Self::AppointmentMoved => "appointment.moved",
            Self::AppointmentSubstituted => "appointment.substituted",
            Self::WaitlistOffered => "waitlist.offered",
            Self::WaitlistEnded => "waitlist.ended",
            Self::ReportReady => "report.ready",
            Self::ReportCorrected => "report.corrected",
            Self::ReportRecalled => "report.recalled",
            Self::ReportCritical => "report.critical",
        }
    }
}

/// Who caused it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A WeChat user, by openid.
    Account(crate::id::OpenId),
    /// A staff member or machine client, by its name.
    Staff(String),
    /// WeChat Pay.
    WechatPay,
    /// A schedule of ours.
    Schedule,
}

/// The event as stored on an item (`ev`). The relay publishes it when `seq` changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemEvent {
    /// Counts the events of this item from 1.
    pub seq: u64,
    /// What happened.
    pub kind: EventKind,
    /// Who caused it.
    pub actor: Actor,
    /// When.
    #[serde(with = "crate::clinic::epoch_s")]
    pub at: Timestamp,
}

/// The event as it travels: the stored one and the item it is about. Workers re-read the item before they act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainEvent {
    /// Partition key of the item.
    pub pk: String,
    /// Sort key of the item.
    pub sk: String,
    /// What happened to it.
    #[serde(flatten)]
    pub event: ItemEvent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_wire_form_agree() {
        for kind in EventKind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.text()));
        }
    }
}
