//! What went wrong with a call, sorted by what there is to do.

use std::fmt;

/// The longest code of a refusal, in bytes.
const CODE_BYTES_MAX: usize = 40;

/// Why the HIS did not do what it was asked. A refusal is whole: nothing was booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The bill is paid already, here or at a window.
    BillPaid,
    /// The bill has another amount now.
    BillChanged,
    /// The bill is void.
    BillVoid,
    /// There is no such bill (or item) for this card or payment.
    NoSuchBill,
    /// There is no such card.
    NoSuchCard,
    /// There is no such person.
    NoSuchPerson,
    /// The paper is known under another name.
    PersonDiffers,
    /// The card is somebody else's.
    CardBound,
    /// The payment a refund is for is unknown.
    NoSuchSerial,
    /// An item was performed or handed out: it cannot be given back.
    Performed,
    /// The amount is not what the HIS counts.
    Amount,
    /// The serial is used for something else: a mistake of ours.
    SerialReused,
    /// The day of a file is not over.
    DayOpen,
    /// Somebody else has the number.
    NumberTaken,
    /// There is no such clinic or number.
    NoSuchClinic,
    /// 停诊
    ClinicClosed,
    /// The visit was given back, ran out or was moved before: its serial is over.
    SerialOver,
    /// Another code of the HIS's.
    Other(String),
}

impl Refusal {
    /// From the stable code of an answer; none when it is not one (capitals, digits and `_`, at most 40).
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        if code.is_empty() || code.len() > CODE_BYTES_MAX || !code.bytes().all(plain) {
            return None;
        }
        Some(match code {
            "BILL_PAID" => Self::BillPaid,
            "BILL_CHANGED" => Self::BillChanged,
            "BILL_VOID" => Self::BillVoid,
            "NO_SUCH_BILL" => Self::NoSuchBill,
            "NO_SUCH_CARD" => Self::NoSuchCard,
            "NO_SUCH_PERSON" => Self::NoSuchPerson,
            "PERSON_DIFFERS" => Self::PersonDiffers,
            "CARD_BOUND" => Self::CardBound,
            "NO_SUCH_SERIAL" => Self::NoSuchSerial,
            "PERFORMED" => Self::Performed,
            "AMOUNT" => Self::Amount,
            "SERIAL_REUSED" => Self::SerialReused,
            "DAY_OPEN" => Self::DayOpen,
            "NUMBER_TAKEN" => Self::NumberTaken,
            "NO_SUCH_CLINIC" => Self::NoSuchClinic,
            "CLINIC_CLOSED" => Self::ClinicClosed,
            "SERIAL_OVER" => Self::SerialOver,
            _ => Self::Other(code.to_owned()),
        })
    }

    /// The stable code, for logs and worklists.
    pub fn code(&self) -> &str {
        match self {
            Self::BillPaid => "BILL_PAID",
            Self::BillChanged => "BILL_CHANGED",
            Self::BillVoid => "BILL_VOID",
            Self::NoSuchBill => "NO_SUCH_BILL",
            Self::NoSuchCard => "NO_SUCH_CARD",
            Self::NoSuchPerson => "NO_SUCH_PERSON",
            Self::PersonDiffers => "PERSON_DIFFERS",
            Self::CardBound => "CARD_BOUND",
            Self::NoSuchSerial => "NO_SUCH_SERIAL",
            Self::Performed => "PERFORMED",
            Self::Amount => "AMOUNT",
            Self::SerialReused => "SERIAL_REUSED",
            Self::DayOpen => "DAY_OPEN",
            Self::NumberTaken => "NUMBER_TAKEN",
            Self::NoSuchClinic => "NO_SUCH_CLINIC",
            Self::ClinicClosed => "CLINIC_CLOSED",
            Self::SerialOver => "SERIAL_OVER",
            Self::Other(code) => code,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Why a call to the HIS did not do what it was for. Holds no text of the HIS's beyond its stable code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HisError {
    /// The HIS says no, and why. Nothing was booked.
    #[error("the HIS refuses: {code}")]
    Refused {
        /// Why.
        code: Refusal,
    },
    /// The HIS does not take the call for ours: key, application or clock. Nothing was booked; alarm, and try later.
    #[error("the HIS refuses our signature: {code}")]
    Unauthorized {
        /// Which part of it.
        code: Refusal,
    },
    /// Sent, and then no answer or half an answer. Ask by serial before sending again.
    #[error("no answer from the HIS; the outcome is unknown")]
    UnknownOutcome,
    /// Nothing was sent: no connection, or the circuit is open.
    #[error("the HIS cannot be reached; nothing was sent")]
    Unavailable,
    /// An answer whose signature is not the HIS's, or whose key we do not have.
    #[error("the answer is not signed by the HIS")]
    Forged,
    /// A signed answer without what it should hold.
    #[error("the answer of the HIS cannot be read")]
    Unreadable,
    /// A longer answer than any can be.
    #[error("the answer of the HIS is too large")]
    TooLarge,
    /// The language the profile chose for the operation does not have it. Nothing was sent.
    #[error("the adapter chosen for this operation does not offer it")]
    NotOffered,
    /// The request names something for which the hospital's code is not known. Nothing was sent.
    #[error("the request holds a code nobody has mapped")]
    Unmapped,
}

impl HisError {
    /// Whether a write may have happened all the same: never decide from such an error, ask by serial.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::UnknownOutcome | Self::Forged | Self::Unreadable | Self::TooLarge)
    }

    /// Whether this says that the HIS is not well, as opposed to an answer nobody likes.
    pub(crate) fn is_failure_of_service(&self) -> bool {
        matches!(self, Self::UnknownOutcome | Self::Unavailable | Self::Forged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_stable_text() {
        for code in ["BILL_PAID", "PERFORMED", "AMOUNT", "DAY_OPEN", "NUMBER_TAKEN", "SERIAL_OVER", "BUSY_2"] {
            assert_eq!(Refusal::from_code(code).unwrap().code(), code);
        }
        for wrong in ["", "账单", "bill_paid", "A B", &"A".repeat(41)] {
            assert_eq!(Refusal::from_code(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_what_proves_nothing_leaves_the_outcome_open() {
        use HisError::{Forged, Refused, TooLarge, Unauthorized, Unavailable, UnknownOutcome, Unreadable};
        for open in [UnknownOutcome, Forged, Unreadable, TooLarge] {
            assert!(open.is_outcome_unknown(), "{open}");
        }
        let code = Refusal::BillPaid;
        for decided in [Refused { code: code.clone() }, Unauthorized { code }, Unavailable] {
            assert!(!decided.is_outcome_unknown(), "{decided}");
        }
    }
}
