//! Money: whole fen, never a fraction, never negative.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The most one payment can be: ten million yuan. Larger amounts in a file are a mistake, not a fee.
pub const FEN_MAX: i64 = 1_000_000_000;

/// An amount in fen (分), 0 to [`FEN_MAX`]. CNY is the only currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Fen(i64);

/// Why a text or number is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Below zero or above [`FEN_MAX`].
    #[error("amount out of range")]
    OutOfRange,
    /// Not digits with at most two decimals.
    #[error("amount is not yuan with at most two decimals")]
    NotYuan,
}

impl Fen {
    /// No money at all.
    pub const ZERO: Self = Self(0);

    /// A constant of `fen`.
    #[must_use]
    pub const fn of(fen: u16) -> Self {
        // `i64::from` is not const yet; two bytes widen without loss.
        let [high, low] = fen.to_be_bytes();
        Self(i64::from_be_bytes([0, 0, 0, 0, 0, 0, high, low]))
    }

    /// An amount of `fen`.
    pub fn new(fen: i64) -> Result<Self, AmountError> {
        if (0..=FEN_MAX).contains(&fen) { Ok(Self(fen)) } else { Err(AmountError::OutOfRange) }
    }

    /// The amount in fen.
    pub fn get(self) -> i64 {
        self.0
    }

    /// True when there is nothing to pay.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Yuan as written in files and bills (`25`, `25.5`, `25.00`), converted by digits, never through a float.
    pub fn from_yuan(text: &str) -> Result<Self, AmountError> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > 2 {
            return Err(AmountError::NotYuan);
        }
        let number = |part: &str| part.parse::<i64>().map_err(|_| AmountError::OutOfRange);
        let cents = if decimals.len() == 1 { number(decimals)?.saturating_mul(10) } else { number(decimals)? };
        Self::new(number(whole)?.saturating_mul(100).saturating_add(cents))
    }

    /// The sum, or an error above [`FEN_MAX`].
    pub fn plus(self, other: Self) -> Result<Self, AmountError> {
        Self::new(self.0.saturating_add(other.0))
    }

    /// The difference, or an error below zero.
    pub fn minus(self, other: Self) -> Result<Self, AmountError> {
        Self::new(self.0.saturating_sub(other.0))
    }
}

/// Yuan with two decimals: `25.00`.
impl fmt::Display for Fen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

impl TryFrom<i64> for Fen {
    type Error = AmountError;
    fn try_from(fen: i64) -> Result<Self, AmountError> {
        Self::new(fen)
    }
}

impl From<Fen> for i64 {
    fn from(fen: Fen) -> i64 {
        fen.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn yuan_becomes_fen_by_digits() {
        assert_eq!(Fen::from_yuan("25"), Fen::new(2500));
        assert_eq!(Fen::from_yuan("0.1").unwrap().plus(Fen::from_yuan("0.2").unwrap()), Fen::from_yuan("0.30"));
        assert_eq!(Fen::from_yuan("25.5"), Fen::new(2550));
        for wrong in ["", ".", "1.", ".5", "1.234", "-1", "1e3", "１２", "1,000", " 1", "99999999999999999999"] {
            assert!(Fen::from_yuan(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn yuan_round_trips(fen in 0..=FEN_MAX) {
            let amount = Fen::new(fen).unwrap();
            prop_assert_eq!(Fen::from_yuan(&amount.to_string()), Ok(amount));
        }

        #[test]
        fn any_text_answers(text in "\\PC*") {
            let _ = Fen::from_yuan(&text);
        }
    }
}
