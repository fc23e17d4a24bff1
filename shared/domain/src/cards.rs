//! Visit cards (就诊卡): who issues electronic ones, and how long a code to a phone is good.

use serde::{Deserialize, Serialize};

/// Digits of a code to a phone.
pub const CODE_DIGITS: usize = 6;
/// How long a code is good, in seconds.
pub const CODE_LIFE_S: i64 = 5 * 60;
/// Wrong codes until a code is good no more.
pub const CODE_TRIES_MAX: u32 = 3;
/// Codes sent about one person, and to one phone, on one day.
pub const CODES_PER_PERSON_MAX: u32 = 3;
/// Codes one account may ask for on one day.
pub const CODES_PER_ACCOUNT_MAX: u32 = 5;
/// Claims to one card on one day, whoever makes them, whether there is such a card or not.
pub const CLAIMS_PER_CARD_MAX: u32 = 10;

/// Who issues electronic visit cards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Issuer {
    /// The desk: the hospital's own system knows nothing of them.
    #[default]
    Menzhen,
    /// The hospital's own system.
    His,
}

/// The hospital's rules for visit cards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CardPolicy {
    /// Who issues electronic ones.
    pub issuer: Issuer,
}

/// A code from random bytes.
pub fn code(random: [u8; 8]) -> String {
    let number = u64::from_be_bytes(random) % 10_u64.pow(6);
    format!("{number:0CODE_DIGITS$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_six_digits() {
        assert_eq!(code([0; 8]), "000000");
        assert_eq!(code(1_000_123_u64.to_be_bytes()), "000123");
        assert!(code([0xff; 8]).bytes().all(|byte| byte.is_ascii_digit()) && code([0xff; 8]).len() == CODE_DIGITS);
    }
}
