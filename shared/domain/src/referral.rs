//! 转诊码: a code that staff give to one person for one clinic; with it the person takes a number of those set apart for
//! referrals. It is good for one number, and until it ends.

use crate::appointment::AppointmentKey;
use crate::clinic::{Channel, Clinic, Slot};
use crate::id::{ClinicId, PatientId, hashed_text};
use crate::time;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// Letters of a code: 40 bits of a hash, which nobody guesses at twenty tries a minute.
pub const CODE_CHARS: usize = 8;
/// A code is good for so many days, and never beyond the day of the clinic.
pub const VALID_DAYS: i32 = 14;
/// Letters people write for others; Crockford's reading.
const MISREAD: [(char, char); 3] = [('o', '0'), ('i', '1'), ('l', '1')];

/// A code as it is written on a slip. Whoever has it may use it: it prints masked in logs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReferralCode(String);

/// Not a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a referral code")]
pub struct CodeError;

impl ReferralCode {
    /// Of a request: a hash of all that is asked and of the page's key, so that a repeat is the same code.
    pub fn of_request(who: &str, key: &str, clinic: &ClinicId, patient: Option<&PatientId>) -> Self {
        let hash = hashed_text(&["referral", who, key, clinic.as_str(), patient.map_or("", PatientId::as_str)]);
        Self(hash.chars().take(CODE_CHARS).collect())
    }

    /// As stored and compared.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As people read it: two groups of four.
    pub fn text(&self) -> String {
        let (left, right) = self.0.split_at_checked(CODE_CHARS / 2).unwrap_or((&self.0, ""));
        format!("{left} {right}").to_uppercase()
    }
}

impl FromStr for ReferralCode {
    type Err = CodeError;

    /// As somebody types it: in any case, with spaces and hyphens, and with letters that look like digits.
    fn from_str(text: &str) -> Result<Self, CodeError> {
        let read =
            |letter: char| MISREAD.iter().find(|(wrong, _)| *wrong == letter).map_or(letter, |(_, right)| *right);
        let letters = text.chars().filter(|letter| !letter.is_whitespace() && *letter != '-');
        let code: String = letters.take(CODE_CHARS + 1).map(|letter| read(letter.to_ascii_lowercase())).collect();
        let is_code =
            code.len() == CODE_CHARS && code.chars().all(|letter| letter.is_ascii_alphanumeric() && letter != 'u');
        if is_code { Ok(Self(code)) } else { Err(CodeError) }
    }
}

impl TryFrom<String> for ReferralCode {
    type Error = CodeError;

    fn try_from(text: String) -> Result<Self, CodeError> {
        text.parse()
    }
}

impl From<ReferralCode> for String {
    fn from(code: ReferralCode) -> Self {
        code.0
    }
}

impl fmt::Debug for ReferralCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReferralCode(…)")
    }
}

/// A code that was given out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Referral {
    /// The code.
    pub code: ReferralCode,
    /// The clinic it is for.
    pub clinic: ClinicId,
    /// For this person only; none: for whoever brings it.
    pub patient: Option<PatientId>,
    /// Who gave it out.
    pub by: String,
    /// When.
    #[serde(with = "crate::clinic::epoch_s")]
    pub issued_at: Timestamp,
    /// Until when it is good.
    #[serde(with = "crate::clinic::epoch_s")]
    pub expires_at: Timestamp,
    /// The number it was used for, or is about to be.
    pub used_for: Option<AppointmentKey>,
    /// Counts writes.
    pub ver: u64,
}

/// Why a code gives no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferralError {
    /// No such code for this clinic, or not for this person: both are answered alike.
    #[error("no such referral")]
    Unknown,
    /// Its time is over.
    #[error("the referral has expired")]
    Expired,
    /// Somebody has a number with it.
    #[error("the referral was used")]
    Used,
    /// As many are out as numbers are set apart.
    #[error("every number for referrals has its code")]
    NoneLeft,
}

impl Referral {
    /// Whether a person may take a number with it now. `is_used` says whether the number noted on it is somebody's.
    pub fn admits(&self, next: &AppointmentKey, is_used: bool, now: Timestamp) -> Result<(), ReferralError> {
        if self.patient.as_ref().is_some_and(|patient| *patient != next.patient) {
            return Err(ReferralError::Unknown);
        }
        let is_other = self.used_for.as_ref().is_some_and(|used| used != next);
        if is_other && is_used {
            return Err(ReferralError::Used);
        }
        if self.expires_at <= now { Err(ReferralError::Expired) } else { Ok(()) }
    }

    /// Whether it counts among those that are out: it is, or may still be, somebody's number.
    pub fn is_out(&self, now: Timestamp) -> bool {
        self.used_for.is_some() || self.expires_at > now
    }

    /// With the number it is used for.
    #[must_use]
    pub fn used(&self, next: &AppointmentKey) -> Self {
        Self { used_for: Some(next.clone()), ver: self.ver + 1, ..self.clone() }
    }

    /// Free again, when the number came to nothing.
    #[must_use]
    pub fn freed(&self) -> Self {
        Self { used_for: None, ver: self.ver + 1, ..self.clone() }
    }
}

/// Until when a code for a clinic is good.
pub fn valid_until(clinic: &Clinic, now: Timestamp) -> Timestamp {
    time::instant(time::add_days(clinic.date, 1), jiff::civil::Time::midnight())
        .min(time::instant(time::add_days(time::today(now), VALID_DAYS), jiff::civil::Time::midnight()))
}

/// How many numbers of a clinic are set apart for referrals: so many codes may be out at once.
pub fn quota(slots: &[Slot]) -> usize {
    slots.iter().filter_map(|slot| slot.reserved.get(&Channel::Referral)).map(BTreeSet::len).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::AppointmentId;
    use jiff::civil::date;

    fn key(patient: u8, id: u8) -> AppointmentKey {
        AppointmentKey {
            patient: PatientId::from_bytes([patient; 10]),
            date: date(2026, 11, 25),
            id: AppointmentId::from_bytes([id; 10]),
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn referral(patient: Option<u8>) -> Referral {
        Referral {
            code: "abcd2345".parse().unwrap(),
            clinic: "20261125-am-NK-pool".parse().unwrap(),
            patient: patient.map(|n| PatientId::from_bytes([n; 10])),
            by: "nurse".into(),
            issued_at: at("2026-11-22T00:00:00Z"),
            expires_at: at("2026-11-25T16:00:00Z"),
            used_for: None,
            ver: 1,
        }
    }

    #[test]
    fn a_code_is_read_as_people_write_it() {
        let code: ReferralCode = "ABCD-2o4l".parse().unwrap();
        assert_eq!((code.as_str(), code.text().as_str()), ("abcd2041", "ABCD 2041"));
        assert_eq!(" ab cd 20 41 ".parse(), Ok(code.clone()));
        for wrong in ["", "abcd204", "abcd20411", "abcd204u", "abcd204中"] {
            assert_eq!(wrong.parse::<ReferralCode>(), Err(CodeError), "{wrong}");
        }
        assert!(!format!("{code:?}").contains("abcd"), "whoever reads a log has no code");
    }

    #[test]
    fn a_repeat_is_the_same_code() {
        let clinic = "20261125-am-NK-pool".parse().unwrap();
        let of = |key| ReferralCode::of_request("nurse", key, &clinic, None);
        assert_eq!(of("page-1"), of("page-1"));
        assert_ne!(of("page-1"), of("page-2"));
        assert_eq!(of("page-1").text().replace(' ', "-").parse(), Ok(of("page-1")));
    }

    #[test]
    fn a_code_is_for_one_person_one_number_and_a_while() {
        let now = at("2026-11-23T00:00:00Z");
        let bound = referral(Some(1));
        assert_eq!(bound.admits(&key(1, 7), false, now), Ok(()));
        assert_eq!(bound.admits(&key(2, 7), false, now), Err(ReferralError::Unknown));
        let used = referral(None).used(&key(1, 7));
        assert_eq!(used.admits(&key(1, 7), true, now), Ok(()), "a repeat");
        assert_eq!(used.admits(&key(2, 8), true, now), Err(ReferralError::Used));
        assert_eq!(used.admits(&key(2, 8), false, now), Ok(()), "what it was used for came to nothing");
        assert_eq!(bound.admits(&key(1, 7), false, bound.expires_at), Err(ReferralError::Expired));
        assert!(bound.is_out(now) && !bound.is_out(bound.expires_at) && used.is_out(used.expires_at));
        assert_eq!(used.freed().used_for, None);
    }
}
