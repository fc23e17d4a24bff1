//! Mobile phone numbers of mainland China.

use std::fmt;

use super::{compact, mask};

/// Digits of a mainland mobile number.
const DIGITS: usize = 11;

/// A mainland mobile number: eleven digits, `1[3-9]…`. Masked in `Debug`; the clear text only by [`Phone::expose`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Phone(String);

/// Why a text is not a mobile number. Never carries the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Something other than digits is left after clean-up.
    #[error("a phone number has characters other than digits")]
    Character,
    /// Not eleven digits (without the country code).
    #[error("a phone number does not have eleven digits")]
    Length,
    /// Not a mobile number: land lines cannot receive a message.
    #[error("a phone number does not start like a mainland mobile number")]
    Prefix,
}

impl PhoneError {
    /// What to tell the patient.
    pub fn patient_text(self) -> &'static str {
        match self {
            Self::Character => "手机号只能是数字",
            Self::Length => "手机号应为 11 位数字",
            Self::Prefix => "请填写中国大陆手机号",
        }
    }
}

impl Phone {
    /// Reads a number as people type it: full-width digits, spaces, hyphens, `+86`, `0086` or `86` in front.
    pub fn parse(raw: &str) -> Result<Self, PhoneError> {
        let text = compact(raw).ok_or(PhoneError::Length)?;
        let text: String = text.chars().filter(|c| !is_separator(*c)).collect();
        let digits = without_country_code(&text);
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PhoneError::Character);
        }
        if digits.len() != DIGITS {
            return Err(PhoneError::Length);
        }
        if !matches!(digits.as_bytes(), [b'1', b'3'..=b'9', ..]) {
            return Err(PhoneError::Prefix);
        }
        Ok(Self(digits.to_owned()))
    }

    /// Reads back what [`Phone::expose`] gave to storage.
    pub fn from_stored(stored: &str) -> Result<Self, PhoneError> {
        Self::parse(stored)
    }

    /// The clear number, eleven digits: for sealing, matching and sending only.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// For display: `138****1234`.
    pub fn masked(&self) -> String {
        mask(&self.0, 3, 4)
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone({})", self.masked())
    }
}

/// Hyphens, dashes and brackets people put into numbers.
fn is_separator(c: char) -> bool {
    matches!(c, '-' | '(' | ')' | '.' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

fn without_country_code(text: &str) -> &str {
    ["+86", "0086"]
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix))
        .or_else(|| text.strip_prefix("86").filter(|rest| rest.len() == DIGITS))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cleans_what_people_type() {
        for raw in [
            "13800001234",
            " 138 0000 1234 ",
            "+8613800001234",
            "+86 138-0000-1234",
            "008613800001234",
            "8613800001234",
            "１３８００００１２３４",
            "＋８６　１３８００００１２３４",
            "\u{202D}138 0000 1234\u{202C}",
            "(+86)13800001234",
        ] {
            assert_eq!(Phone::parse(raw).map(|phone| phone.0), Ok("13800001234".to_owned()), "{raw}");
        }
    }

    #[test]
    fn refuses_what_is_no_mobile_number() {
        assert_eq!(Phone::parse(""), Err(PhoneError::Length));
        assert_eq!(Phone::parse("1380000123"), Err(PhoneError::Length));
        assert_eq!(Phone::parse("138000012345"), Err(PhoneError::Length));
        assert_eq!(Phone::parse("12800001234"), Err(PhoneError::Prefix));
        assert_eq!(Phone::parse("02388888888"), Err(PhoneError::Prefix));
        assert_eq!(Phone::parse("1380000123a"), Err(PhoneError::Character));
        assert_eq!(Phone::parse("+85213800001234"), Err(PhoneError::Character));
        assert_eq!(Phone::parse("138٠٠٠٠1234"), Err(PhoneError::Character));
        assert_eq!(Phone::parse(&"1".repeat(10_000)), Err(PhoneError::Length));
    }

    #[test]
    fn prints_masked() {
        let phone = Phone::parse("13800001234").unwrap();
        assert_eq!(phone.masked(), "138****1234");
        assert_eq!(format!("{phone:?}"), "Phone(138****1234)");
    }

    proptest! {
        #[test]
        fn any_text_is_answered(raw in "\\PC*") {
            let _ = Phone::parse(&raw);
        }

        #[test]
        fn stored_form_reads_back(raw in "1[3-9][0-9]{9}") {
            let phone = Phone::parse(&raw).unwrap();
            prop_assert_eq!(phone.expose(), raw.as_str());
            prop_assert_eq!(Phone::from_stored(phone.expose()), Ok(phone));
        }
    }
}
