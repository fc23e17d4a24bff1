//! Decimal numbers that keep their digits: `9.0` is not `9`, and neither ever was a float.
//!
//! The text is what counts and what is shown; `rust_decimal` compares. It has 96 bits and no allocation, so a hostile
//! exponent costs nothing; an arbitrary-precision crate would expand it. A number beyond its 28 digits stays a text.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;

/// The longest number looked at, in bytes.
pub const DECIMAL_BYTES_MAX: usize = 64;

/// The text is not a decimal number, or one with more digits than can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal number")]
pub struct DecimalError;

/// A decimal number as sent. Equal means written alike; [`Decimal::compare`] compares the numbers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Decimal {
    text: String,
    value: rust_decimal::Decimal,
}

impl Decimal {
    /// A number: an optional sign, digits, an optional point, an optional exponent.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        if text.len() > DECIMAL_BYTES_MAX || !is_decimal(text) {
            return Err(DecimalError);
        }
        let value = if text.contains(['e', 'E']) {
            rust_decimal::Decimal::from_scientific(text).map_err(|_| DecimalError)?
        } else {
            // Rounding would make two numbers equal that are not.
            rust_decimal::Decimal::from_str_exact(text.strip_prefix('+').unwrap_or(text)).map_err(|_| DecimalError)?
        };
        Ok(Self { text: text.to_owned(), value })
    }

    /// The number as sent.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Compares the numbers: `9.0` and `9` are the same.
    pub fn compare(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value)
    }

    /// Compares with zero.
    pub fn sign(&self) -> Ordering {
        self.value.cmp(&rust_decimal::Decimal::ZERO)
    }

    /// Where the number lies between `low` and `high`, in thousandths, for a bar on a page: 0 at `low`, 1000 at `high`,
    /// below and above outside. `None` for an empty range or a distance beyond all paper.
    pub fn thousandths_between(&self, low: &Self, high: &Self) -> Option<i64> {
        let width = high.value.checked_sub(low.value)?;
        let place = self.value.checked_sub(low.value)?;
        let scaled = place.checked_mul(rust_decimal::Decimal::from(1000))?.checked_div(width)?;
        i64::try_from(scaled.round()).ok()
    }
}

/// The grammar alone: what `rust_decimal` also takes (underscores) is no number here.
fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (number, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(n, e)| (n, Some(e)));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let exponent_is_short = |exponent: &str| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        (1..=3).contains(&exponent.len()) && digits(exponent)
    };
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(exponent_is_short)
}

impl TryFrom<String> for Decimal {
    type Error = DecimalError;
    fn try_from(text: String) -> Result<Self, DecimalError> {
        Self::parse(&text)
    }
}

impl From<Decimal> for String {
    fn from(decimal: Decimal) -> String {
        decimal.text
    }
}

/// A value is health data: the number of digits only.
impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decimal({} characters)", self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn digits_are_kept_and_numbers_compared() {
        assert_ne!(number("9.0"), number("9"));
        assert_eq!(number("9.0").compare(&number("9")), Ordering::Equal);
        assert_eq!(number("0.1").compare(&number("0.10000000000000001")), Ordering::Less);
        assert_eq!(number("-.5").compare(&number("+1e-1")), Ordering::Less);
        assert_eq!(number("105600").as_str(), "105600");
        assert_eq!(number("1.0E2").compare(&number("100")), Ordering::Equal);
        assert_eq!(number("007").compare(&number("7.")), Ordering::Equal);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let long = "9".repeat(40);
        for wrong in
            ["", ".", "-", "1_000", "1,000", "1.2.3", "1e", "1e9999", "NaN", "１２", " 1", "1:80", long.as_str()]
        {
            assert_eq!(Decimal::parse(wrong), Err(DecimalError), "{wrong}");
        }
    }

    #[test]
    fn a_bar_knows_where_the_value_lies() {
        assert_eq!(number("4.4").thousandths_between(&number("4.0"), &number("6.0")), Some(200));
        assert_eq!(number("3").thousandths_between(&number("4"), &number("6")), Some(-500));
        assert_eq!(number("3").thousandths_between(&number("4"), &number("4")), None);
    }

    proptest! {
        #[test]
        fn any_text_answers(text in "\\PC*") {
            let _ = Decimal::parse(&text);
        }

        #[test]
        fn order_is_that_of_integers(a in -1_000_000_i64..1_000_000, b in -1_000_000_i64..1_000_000) {
            prop_assert_eq!(number(&a.to_string()).compare(&number(&b.to_string())), a.cmp(&b));
        }

        #[test]
        fn stored_form_reads_back(text in "[+-]?[0-9]{1,12}(\\.[0-9]{0,12})?") {
            let read = number(&text);
            prop_assert_eq!(read.as_str(), &text);
            let stored = serde_json::to_string(&read).unwrap();
            prop_assert_eq!(serde_json::from_str::<Decimal>(&stored).unwrap(), read);
        }
    }
}
