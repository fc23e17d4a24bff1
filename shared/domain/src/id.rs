//! Names of things: one type per kind, so that a patient is never passed where an appointment is meant.

use crate::clinic::{Period, SlotStart};
use crate::report::ReportKey;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// The longest identifier accepted from outside, in bytes.
pub const ID_BYTES_MAX: usize = 64;

/// The text is empty, too long, or has a character outside `0-9 A-Z a-z _ -`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier")]
pub struct IdError;

fn check(text: &str) -> Result<(), IdError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if (1..=ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain) { Ok(()) } else { Err(IdError) }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                check(&text)?;
                Ok(Self(text))
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// One registration of one patient (挂号/预约).
    AppointmentId;
    /// One session of one resource on one day in one period (出诊); see [`ClinicId::of`].
    ClinicId;
    /// A department (科室), by the hospital's own code.
    DepartmentId;
    /// A doctor (医生), by the hospital's own code.
    DoctorId;
    /// A person (就诊人).
    PatientId;
    /// A visit card (就诊卡), physical or digital, by its printed number.
    CardNo;
    /// A WeChat user of our service account (openid).
    OpenId;
    /// Our number of a payment (`out_trade_no`), unique per merchant.
    OutTradeNo;
    /// Our number of a refund (`out_refund_no`).
    OutRefundNo;
    /// WeChat Pay's number of a payment (`transaction_id`).
    TransactionId;
    /// A bill (账单) of the hospital, by its own number.
    BillNo;
    /// One item of a bill, by the hospital's own number.
    BillItemNo;
    /// A visit (就诊) a bill comes from, by the hospital's own number.
    VisitNo;
    /// What the hospital booked a payment under.
    ReceiptNo;
    /// What the hospital booked a refund under.
    RefundReceiptNo;
    /// Rooms that call from one queue (候诊组), by the hospital's own code.
    QueueGroup;
    /// A queue (候诊队列); see [`QueueId::of`].
    QueueId;
    /// One entry of the audit.
    AuditId;
    /// A report (报告) of one sender; see [`ReportId::of`].
    ReportId;
    /// A message with results that was not taken in; see [`UnplacedId::of`].
    UnplacedId;
    /// A person (患者) of the hospital's own system, by its number.
    PersonNo;
    /// Our number of a write to the hospital's own system about a person.
    PersonSerial;
}

/// Random or hashed bytes behind an identifier: 80 bits, 16 characters.
pub type IdBytes = [u8; 10];

/// Characters of an identifier made of [`IdBytes`].
const ID_CHARS: usize = 16;

/// Crockford's alphabet: no letters that look like digits on a printed slip.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Bytes as 16 letters and digits that nobody confuses: identifiers, and passwords for a first sign-in.
pub fn base32(bytes: IdBytes) -> String {
    let bits = bytes.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    (0..16)
        .rev()
        .filter_map(|place| usize::try_from(bits >> (place * 5) & 31).ok())
        .filter_map(|digit| ALPHABET.get(digit))
        .map(|letter| char::from(*letter))
        .collect()
}

impl AppointmentId {
    /// Whether it has the form of those made here. Others of it may stand in a message of somebody else's.
    pub fn is_made_here(&self) -> bool {
        self.0.len() == ID_CHARS && self.0.bytes().all(|byte| ALPHABET.contains(&byte))
    }
}

/// The first bytes of a hash over what a request says: a repeat of it is the same id.
fn hashed(parts: &[&str]) -> IdBytes {
    let digest = Sha256::digest(parts.join("\n"));
    let mut bytes = IdBytes::default();
    bytes.iter_mut().zip(digest).for_each(|(byte, hash)| *byte = hash);
    bytes
}

/// A hash over what a request says, as an identifier.
pub fn hashed_text(parts: &[&str]) -> String {
    base32(hashed(parts))
}

impl AppointmentId {
    /// Of a request: a hash of all that is asked and the page's key. The key alone would not do: it comes from the
    /// client, which may send it with another wish.
    pub fn of_request(who: &str, key: &str, patient: &PatientId, clinic: &ClinicId, start: SlotStart) -> Self {
        Self::from_bytes(hashed(&[who, key, patient.as_str(), clinic.as_str(), &start.to_string()]))
    }

    /// From hashed bytes: the same request gives the same appointment.
    pub fn from_bytes(bytes: IdBytes) -> Self {
        Self(base32(bytes))
    }
}

impl PatientId {
    /// From random bytes.
    pub fn from_bytes(bytes: IdBytes) -> Self {
        Self(base32(bytes))
    }
}

impl ReportId {
    /// Of a report's key: whoever sends it, however often, it is the same report.
    pub fn of(key: &ReportKey) -> Self {
        // Lengths in front, or two keys could run together into one text.
        let parts =
            [&key.sender, &key.number, &key.service].map(|part| format!("{}:{}", part.as_str().len(), part.as_str()));
        Self(hashed_text(&parts.each_ref().map(String::as_str)))
    }
}

impl UnplacedId {
    /// Of what was sent: the same again is the same.
    pub fn of(parts: &[&str]) -> Self {
        Self(hashed_text(parts))
    }
}

impl PersonSerial {
    /// Of something done once for a person: a repeat has the same number.
    pub fn of(what: &str, about: &[&str]) -> Self {
        Self(format!("{what}-{}", hashed_text(about)))
    }
}

impl AuditId {
    /// From random bytes, or from hashed ones: a repeated request writes the same entry.
    pub fn from_bytes(bytes: IdBytes) -> Self {
        Self(base32(bytes))
    }
}

impl CardNo {
    /// A digital card from random bytes; `D` keeps it apart from the hospital's printed numbers.
    pub fn digital(bytes: IdBytes) -> Self {
        Self(format!("D{}", base32(bytes).to_uppercase()))
    }

    /// True for a card of ours: the hospital's own system does not know it.
    pub fn is_digital(&self) -> bool {
        self.0.len() == 17 && self.0.starts_with('D')
    }
}

impl ClinicId {
    /// The natural key: date, department, doctor (or `pool`), period. A schedule imported twice names the same clinic.
    pub fn of(
        date: Date,
        period: Period,
        department: &DepartmentId,
        doctor: Option<&DoctorId>,
    ) -> Result<Self, IdError> {
        let who = doctor.map_or("pool", DoctorId::as_str);
        Self::try_from(format!("{}-{}-{department}-{who}", date.strftime("%Y%m%d"), period.code()))
    }

    /// The day of the clinic, read from the key.
    pub fn date(&self) -> Option<Date> {
        Date::strptime("%Y%m%d", self.0.get(..8)?).ok()
    }
}

impl QueueId {
    /// The queue of a clinic: its own, or that of its group on that day and part of the day. No clinic's key begins with
    /// a letter.
    pub fn of(clinic: &ClinicId, group: Option<&QueueGroup>) -> Result<Self, IdError> {
        let Some(group) = group else { return Self::try_from(clinic.to_string()) };
        let mut parts = clinic.as_str().splitn(3, '-');
        let (date, period) = (parts.next().ok_or(IdError)?, parts.next().ok_or(IdError)?);
        Self::try_from(format!("g-{date}-{period}-{group}"))
    }
}

/// The highest attempt number of one appointment's payment.
pub const PAY_ATTEMPTS_MAX: u8 = 99;

impl OutTradeNo {
    /// The number of the `attempt`-th payment of an appointment: a repeat of the same attempt is the same number.
    pub fn of(appointment: &AppointmentId, attempt: u8) -> Self {
        Self(format!("{appointment}_{:02}", attempt.min(PAY_ATTEMPTS_MAX)))
    }

    /// The number of the `attempt`-th payment of a set of bills, from their hash: a repeat is the same number. `B` keeps
    /// it apart from an appointment's.
    pub fn of_bills(hash: IdBytes, attempt: u8) -> Self {
        Self(format!("B{}_{:02}", base32(hash), attempt.min(PAY_ATTEMPTS_MAX)))
    }
}

impl OutRefundNo {
    /// The number of the `sequence`-th refund of an order: decided by the order, never by the reason.
    pub fn of(order: &OutTradeNo, sequence: usize) -> Self {
        Self(format!("{order}_R{sequence}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_identifier_is_short_and_plain() {
        assert!("NK-01_a".parse::<DepartmentId>().is_ok());
        for wrong in ["", "a b", "内科", "a#b", "a/b", &"x".repeat(65)] {
            assert_eq!(wrong.parse::<DepartmentId>(), Err(IdError), "{wrong}");
        }
    }

    #[test]
    fn payment_numbers_are_derived_and_fit_wechat() {
        let appointment = AppointmentId::from_bytes([255; 10]);
        assert_eq!(appointment.as_str(), "zzzzzzzzzzzzzzzz");
        let order = OutTradeNo::of(&appointment, 1);
        assert_eq!(order.as_str(), "zzzzzzzzzzzzzzzz_01");
        assert!((6..=32).contains(&order.as_str().len()));
        assert_eq!(OutRefundNo::of(&order, 1).as_str(), "zzzzzzzzzzzzzzzz_01_R1");
    }

    #[test]
    fn a_clinic_knows_its_day() {
        let department: DepartmentId = "XNK".parse().unwrap();
        let clinic = ClinicId::of(jiff::civil::date(2026, 11, 23), Period::Morning, &department, None).unwrap();
        assert_eq!(clinic.as_str(), "20261123-am-XNK-pool");
        assert_eq!(clinic.date(), Some(jiff::civil::date(2026, 11, 23)));
        assert_eq!("nonsense".parse::<ClinicId>().unwrap().date(), None);
    }

    proptest! {
        #[test]
        fn bytes_give_distinct_ids(a: [u8; 10], b: [u8; 10]) {
            prop_assert_eq!(a == b, PatientId::from_bytes(a) == PatientId::from_bytes(b));
        }
    }
}
