//! Values of template messages and subscription notices. A value that exists is one WeChat accepts: it refuses a whole
//! message (47003) for one value that breaks its keyword's rule.

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime};
use serde::Serialize;

/// Longest `thing`, in characters.
pub const MAX_THING_CHARS: usize = 20;
/// Longest `character_string`, `letter` and `number`, in characters.
pub const MAX_STRING_CHARS: usize = 32;
/// Longest `symbol`, in characters.
pub const MAX_SYMBOL_CHARS: usize = 5;
/// Longest `phone_number`, in characters.
pub const MAX_PHONE_CHARS: usize = 17;
/// Longest `car_number`, in characters.
pub const MAX_CAR_CHARS: usize = 8;
/// Longest `name` with Chinese characters in it.
pub const MAX_CHINESE_NAME_CHARS: usize = 10;
/// Longest `name` without.
pub const MAX_LETTER_NAME_CHARS: usize = 20;
/// Longest `phrase`, in Chinese characters.
pub const MAX_PHRASE_CHARS: usize = 5;
/// Most digits before the point of an `amount`.
pub const MAX_AMOUNT_DIGITS: usize = 10;

const ELLIPSIS: char = '…';

/// The keyword types of templates by category; a keyword is its type and a number, such as `thing1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyword {
    /// Anything, up to 20 characters; longer text is cut to 19 and `…`.
    Thing,
    /// A number.
    Number,
    /// Latin letters.
    Letter,
    /// Symbols.
    Symbol,
    /// Letters, digits and symbols, no Chinese; never cut, since half a number is a wrong one.
    CharacterString,
    /// A time, with or without date.
    Time,
    /// A date, with or without time.
    Date,
    /// Money; never cut.
    Amount,
    /// A telephone number.
    PhoneNumber,
    /// A vehicle's plate.
    CarNumber,
    /// A person's name; a longer one is cut, since a notice that does not arrive is worse.
    Name,
    /// Up to five Chinese characters.
    Phrase,
    /// One of the values listed in the template (`const`, `enum`).
    Const,
}

/// Why a value is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// The keyword is not a known type followed by a number.
    #[error("keyword {key:?} is not known")]
    UnknownKeyword {
        /// As given.
        key: String,
    },
    /// The value is empty.
    #[error("the value of {key} is empty")]
    Empty {
        /// The keyword.
        key: String,
    },
    /// The value is too long and must not be cut.
    #[error("the value of {key} is too long")]
    TooLong {
        /// The keyword.
        key: String,
    },
    /// A character the keyword's type does not take.
    #[error("the value of {key} holds a character that is not accepted")]
    Character {
        /// The keyword.
        key: String,
    },
}

/// What a value breaks, before the keyword is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Empty,
    TooLong,
    Character,
}

impl Keyword {
    /// The type of a keyword such as `character_string3`.
    pub fn of(key: &str) -> Option<Self> {
        let name = key.trim_end_matches(|c: char| c.is_ascii_digit());
        if name.len() == key.len() {
            return None;
        }
        Some(match name {
            "thing" => Self::Thing,
            "number" => Self::Number,
            "letter" => Self::Letter,
            "symbol" => Self::Symbol,
            "character_string" => Self::CharacterString,
            "time" => Self::Time,
            "date" => Self::Date,
            "amount" => Self::Amount,
            "phone_number" => Self::PhoneNumber,
            "car_number" => Self::CarNumber,
            "name" => Self::Name,
            "phrase" => Self::Phrase,
            "const" | "enum" => Self::Const,
            _ => return None,
        })
    }

    /// Brings a text into the form of this type. Line breaks and runs of spaces become one space.
    fn shape(self, text: &str) -> Result<String, Fault> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() {
            return Err(Fault::Empty);
        }
        match self {
            Self::Thing => Ok(cut(text, MAX_THING_CHARS)),
            Self::Name => {
                let max = if text.is_ascii() { MAX_LETTER_NAME_CHARS } else { MAX_CHINESE_NAME_CHARS };
                Ok(cut_name(text, max))
            }
            Self::Number => checked(text, MAX_STRING_CHARS, |c| c.is_ascii_digit() || matches!(c, '.' | '-')),
            Self::Letter => checked(text, MAX_STRING_CHARS, |c| c.is_ascii_alphabetic()),
            Self::Symbol => checked(text, MAX_SYMBOL_CHARS, |c| !c.is_alphanumeric()),
            Self::CharacterString => checked(text, MAX_STRING_CHARS, |c| c.is_ascii_graphic() || c == ' '),
            Self::PhoneNumber => checked(text, MAX_PHONE_CHARS, |c| c.is_ascii_digit() || c.is_ascii_punctuation()),
            Self::CarNumber => checked(text, MAX_CAR_CHARS, char::is_alphanumeric),
            Self::Phrase => checked(text, MAX_PHRASE_CHARS, is_chinese),
            Self::Time | Self::Date => checked(text, usize::MAX, |c| c.is_ascii_digit() || " :~-年月日".contains(c)),
            Self::Amount => amount(text),
            Self::Const => checked(text, usize::MAX, |c| !c.is_control()),
        }
    }
}

fn checked(text: String, max_chars: usize, is_allowed: impl Fn(char) -> bool) -> Result<String, Fault> {
    if !text.chars().all(is_allowed) {
        return Err(Fault::Character);
    }
    if text.chars().count() > max_chars { Err(Fault::TooLong) } else { Ok(text) }
}

/// The text, or its beginning and an ellipsis.
fn cut(text: String, max_chars: usize) -> String {
    if text.chars().count() <= max_chars {
        return text;
    }
    text.chars().take(max_chars.saturating_sub(1)).chain([ELLIPSIS]).collect()
}

/// A name of letters is cut without an ellipsis, which would count as Chinese.
fn cut_name(text: String, max_chars: usize) -> String {
    if text.is_ascii() { text.chars().take(max_chars).collect() } else { cut(text, max_chars) }
}

fn is_chinese(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// One currency sign at most, up to ten digits, decimals, and 元 at the end at most.
fn amount(text: String) -> Result<String, Fault> {
    let number = text.strip_prefix(['¥', '￥', '$']).unwrap_or(&text);
    let number = number.strip_suffix('元').unwrap_or(number);
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(decimals) {
        return Err(Fault::Character);
    }
    if whole.len() > MAX_AMOUNT_DIGITS { Err(Fault::TooLong) } else { Ok(text) }
}

/// Fen as an `amount`: `25.00元`.
pub fn yuan(fen: u64) -> String {
    format!("{}.{:02}元", fen / 100, fen % 100)
}

/// A `time` or `date` with both: `2026年11月23日 09:30`.
pub fn date_time(at: DateTime) -> String {
    format!("{} {:02}:{:02}", date(at.date()), at.hour(), at.minute())
}

/// A `date`: `2026年11月23日`.
pub fn date(at: Date) -> String {
    format!("{}年{}月{}日", at.year(), at.month(), at.day())
}

/// The values of one message, each accepted by its keyword's type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct TemplateData(BTreeMap<String, Value>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Value {
    value: String,
}

impl TemplateData {
    /// No values yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value under its keyword, brought into the form of the keyword's type.
    pub fn with(mut self, key: &str, text: &str) -> Result<Self, ValueError> {
        self.set(key, text)?;
        Ok(self)
    }

    /// Adds a value under its keyword, brought into the form of the keyword's type.
    pub fn set(&mut self, key: &str, text: &str) -> Result<(), ValueError> {
        let keyword = Keyword::of(key).ok_or_else(|| ValueError::UnknownKeyword { key: key.to_owned() })?;
        let value = keyword.shape(text).map_err(|fault| fault.at(key))?;
        self.0.insert(key.to_owned(), Value { value });
        Ok(())
    }

    /// The value under a keyword.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|value| value.value.as_str())
    }
}

impl Fault {
    fn at(self, key: &str) -> ValueError {
        let key = key.to_owned();
        match self {
            Self::Empty => ValueError::Empty { key },
            Self::TooLong => ValueError::TooLong { key },
            Self::Character => ValueError::Character { key },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shaped(key: &str, text: &str) -> Result<String, ValueError> {
        TemplateData::new().with(key, text).map(|data| data.get(key).unwrap().to_owned())
    }

    #[test]
    fn values_take_the_form_of_their_keyword() {
        let twenty = "一二三四五六七八九十一二三四五六七八九十";
        let cases = [
            ("thing1", "内科\n 门诊", "内科 门诊"),
            ("thing1", twenty, twenty),
            ("thing1", &format!("{twenty}一"), "一二三四五六七八九十一二三四五六七八九…"),
            ("name2", "欧阳·测试一二三四五六七", "欧阳·测试一二三四…"),
            ("name2", "Abcdefghij Klmnopqrstu", "Abcdefghij Klmnopqrs"),
            ("character_string3", "A-12 #7", "A-12 #7"),
            ("number4", "12.5", "12.5"),
            ("amount5", "¥25.00元", "¥25.00元"),
            ("amount5", &yuan(2_505), "25.05元"),
            ("time6", &date_time(jiff::civil::datetime(2026, 11, 23, 9, 5, 0, 0)), "2026年11月23日 09:05"),
            ("date7", "2026年11月23日~2026年11月24日", "2026年11月23日~2026年11月24日"),
            ("phone_number8", "010-12345678", "010-12345678"),
            ("phrase9", "已预约", "已预约"),
            ("const10", "上午", "上午"),
            ("letter11", "OK", "OK"),
            ("symbol12", "+", "+"),
            ("car_number13", "京A12345", "京A12345"),
        ];
        for (key, text, expected) in cases {
            assert_eq!(shaped(key, text).as_deref(), Ok(expected), "{key}");
        }
    }

    #[test]
    fn every_refusal_is_its_own() {
        let key = |key: &str| key.to_owned();
        let cases = [
            ("thing", "x", ValueError::UnknownKeyword { key: key("thing") }),
            ("first", "x", ValueError::UnknownKeyword { key: key("first") }),
            ("remark1", "x", ValueError::UnknownKeyword { key: key("remark1") }),
            ("thing1", " \n", ValueError::Empty { key: key("thing1") }),
            ("character_string1", "号码1", ValueError::Character { key: key("character_string1") }),
            ("character_string1", &"1".repeat(33), ValueError::TooLong { key: key("character_string1") }),
            ("amount1", "12345678901", ValueError::TooLong { key: key("amount1") }),
            ("amount1", "约25元", ValueError::Character { key: key("amount1") }),
            ("amount1", "25.", ValueError::Character { key: key("amount1") }),
            ("phrase1", "预约成功啦呀", ValueError::TooLong { key: key("phrase1") }),
            ("phrase1", "OK", ValueError::Character { key: key("phrase1") }),
            ("time1", "上午九点", ValueError::Character { key: key("time1") }),
        ];
        for (key, text, error) in cases {
            assert_eq!(shaped(key, text), Err(error), "{key} {text}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_thing_or_name_keeps_its_limit(text in "\\PC{1,60}") {
            if let Ok(thing) = shaped("thing1", &text) {
                prop_assert!(thing.chars().count() <= MAX_THING_CHARS && !thing.contains('\n'));
            }
            if let Ok(name) = shaped("name1", &text) {
                let max = if name.is_ascii() { MAX_LETTER_NAME_CHARS } else { MAX_CHINESE_NAME_CHARS };
                prop_assert!(name.chars().count() <= max);
            }
        }
    }
}
