//! Reference ranges: as text, and as numbers where the text certainly means them.

use super::decimal::Decimal;
use super::text::Text;
use super::value::{Comparator, Concept, Polarity, Quantity, Unit};
use crate::person::Sex;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// The longest range that is read as numbers, in bytes: what is longer is prose.
const RANGE_BYTES_MAX: usize = 200;
/// What senders put between the two numbers. Longer ones first.
const SEPARATORS: [&str; 17] =
    ["---", "--", "..", "to", "TO", "～", "~", "〜", "-", "－", "–", "—", "−", "_", "至", "到", "∼"];
/// Signs of a sex at the start of a part. Longer ones first.
const SEXES: [(&str, Sex); 12] = [
    ("男性", Sex::Male),
    ("女性", Sex::Female),
    ("男", Sex::Male),
    ("女", Sex::Female),
    ("Male", Sex::Male),
    ("Female", Sex::Female),
    ("male", Sex::Male),
    ("female", Sex::Female),
    ("M:", Sex::Male),
    ("F:", Sex::Female),
    ("M：", Sex::Male),
    ("F：", Sex::Female),
];

/// One end of a range.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Bound {
    /// The number.
    pub number: Decimal,
    /// Whether the number itself is within.
    pub inclusive: bool,
}

/// Of whom a range is, where it is not of everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Condition {
    /// Sex.
    pub sex: Option<Sex>,
    /// Youngest age.
    pub age_low: Option<Quantity>,
    /// Oldest age.
    pub age_high: Option<Quantity>,
    /// Anything else: pregnancy, a phase, a population.
    pub applies_to: Vec<Concept>,
}

/// A reference range.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReferenceRange {
    /// The part of the text it was read from, or the text beside the numbers.
    pub text: Option<Text>,
    /// Lower end.
    pub low: Option<Bound>,
    /// Upper end.
    pub high: Option<Bound>,
    /// The unit of the ends, where it was sent with them.
    pub unit: Option<Unit>,
    /// What is expected of a value in words.
    pub expected: Option<Polarity>,
    /// What the range is of, as `normal` or `therapeutic`; none is normal.
    pub meaning: Option<Concept>,
    /// Of whom it is.
    pub condition: Condition,
}

/// Whose result is looked at: what a range may depend on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Sex, if known.
    pub sex: Option<Sex>,
    /// Age in full years on the day of the specimen, if known.
    pub age_years: Option<u16>,
}

/// Where a value lies in a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Below the lower end.
    Below,
    /// Within.
    Within,
    /// Above the upper end.
    Above,
}

impl ReferenceRange {
    /// The ranges a text means: none for an empty text, several where it tells men from women. A text that is not
    /// certainly numbers or one expected word is one range in words.
    pub fn read(text: &str) -> Vec<Self> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Vec::new();
        }
        let in_words = || vec![Self { text: Some(Text::new(trimmed)), ..Self::default() }];
        if trimmed.len() > RANGE_BYTES_MAX {
            return in_words();
        }
        read_span(trimmed).map(|range| vec![range]).or_else(|| read_by_sex(trimmed)).unwrap_or_else(in_words)
    }

    /// In words: its own, else its ends: `4.2–6.0 g/L`, `≤5`.
    pub fn words(&self) -> String {
        if let Some(text) = &self.text {
            return text.as_str().to_owned();
        }
        let unit = self.unit.as_ref().map_or(String::new(), |unit| format!(" {}", unit.as_str()));
        let number = |bound: &Bound| bound.number.as_str().to_owned();
        let ends = match (&self.low, &self.high) {
            (Some(low), Some(high)) => format!("{}–{}", number(low), number(high)),
            (Some(low), None) => format!("{}{}", if low.inclusive { "≥" } else { ">" }, number(low)),
            (None, Some(high)) => format!("{}{}", if high.inclusive { "≤" } else { "<" }, number(high)),
            (None, None) => return String::new(),
        };
        format!("{ends}{unit}")
    }

    /// Whether a value can be compared with it.
    pub fn is_usable(&self) -> bool {
        self.low.is_some() || self.high.is_some() || self.expected.is_some()
    }

    /// Whether it is a range of the healthy, not of a therapy or a diagnosis.
    pub fn is_normal(&self) -> bool {
        let Some(meaning) = &self.meaning else { return true };
        meaning.codes().chain(meaning.all_words()).any(|word| matches!(word, "normal" | "Normal Range" | "recommended"))
    }

    /// Whether it is of this person: `None` where that cannot be told.
    pub fn applies(&self, about: About) -> Option<bool> {
        let sex = match (self.condition.sex, about.sex) {
            (None, _) => Some(true),
            (Some(_), None) => None,
            (Some(of), Some(is)) => Some(of == is),
        };
        let age = |bound: &Option<Quantity>, outside: Ordering| match bound {
            None => Some(true),
            Some(bound) => Some(age_against(about.age_years, bound)? != outside),
        };
        let other = if self.condition.applies_to.is_empty() { Some(true) } else { None };
        let answers = [
            sex,
            age(&self.condition.age_low, Ordering::Less),
            age(&self.condition.age_high, Ordering::Greater),
            other,
        ];
        if answers.contains(&Some(false)) {
            return Some(false);
        }
        answers.into_iter().try_fold(true, |all, answer| answer.map(|answer| all && answer))
    }

    /// Where a number certainly lies; `None` where units differ or a comparator leaves it open.
    pub fn position(&self, value: &Quantity) -> Option<Position> {
        if let (Some(one), Some(other)) = (&self.unit, &value.unit)
            && !one.is_same(other)
        {
            return None;
        }
        // Nothing is measured below zero where zero is the lower end: `<0.01` is within 0 to 0.5.
        let is_open_below = matches!(value.comparator, Some(Comparator::Less | Comparator::LessOrEqual));
        let low = self.low.as_ref().filter(|low| !(is_open_below && low.number.sign() == Ordering::Equal));
        let below = low.map(|low| is_beyond(value, low, Ordering::Less));
        let above = self.high.as_ref().map(|high| is_beyond(value, high, Ordering::Greater));
        match (below, above) {
            (Some(Some(true)), _) => Some(Position::Below),
            (_, Some(Some(true))) => Some(Position::Above),
            (Some(None), _) | (_, Some(None)) | (None, None) => None,
            _ => Some(Position::Within),
        }
    }
}

/// Whether a value certainly lies beyond one end, on the side `outside`.
fn is_beyond(value: &Quantity, bound: &Bound, outside: Ordering) -> Option<bool> {
    match value.against(&bound.number) {
        Some(Ordering::Equal) => Some(!bound.inclusive),
        Some(order) => Some(order == outside),
        None => None,
    }
}

/// Compares an age in years with a bound in years.
fn age_against(age_years: Option<u16>, bound: &Quantity) -> Option<Ordering> {
    let unit = bound.unit.as_ref().map_or("a", |unit| unit.ucum().unwrap_or(unit.as_str()));
    if !matches!(unit, "a" | "岁" | "yr" | "yrs" | "years" | "y") {
        return None;
    }
    let age = Decimal::parse(&age_years?.to_string()).ok()?;
    Some(age.compare(bound.number.as_ref()?))
}

/// `4.3 to 6.2`, `3.5～9.5 mmol/L`, `<0.3`, `≥1.04`, `阴性`.
fn read_span(text: &str) -> Option<ReferenceRange> {
    let sent = Some(Text::new(text));
    if let Some(expected) = Polarity::read(text) {
        return Some(ReferenceRange { text: sent, expected: Some(expected), ..ReferenceRange::default() });
    }
    let plain: String = text.chars().map(half_width).collect();
    let inner = plain.strip_prefix(['[', '(']).and_then(|inner| inner.strip_suffix([']', ')'])).unwrap_or(&plain);
    let (low, high, rest) = read_ends(inner.trim())?;
    let unit = read_unit(rest).ok()?;
    is_ordered(low.as_ref(), high.as_ref()).then(|| ReferenceRange {
        text: sent,
        low,
        high,
        unit,
        ..ReferenceRange::default()
    })
}

fn is_ordered(low: Option<&Bound>, high: Option<&Bound>) -> bool {
    low.zip(high).is_none_or(|(low, high)| low.number.compare(&high.number) != Ordering::Greater)
}

type Ends<'a> = (Option<Bound>, Option<Bound>, &'a str);

fn read_ends(text: &str) -> Option<Ends<'_>> {
    let (comparator, rest) = leading_comparator(text);
    let (first, rest) = leading_number(rest)?;
    match comparator {
        Some(Comparator::Less) => Some((None, Some(Bound { number: first, inclusive: false }), rest)),
        Some(Comparator::LessOrEqual) => Some((None, Some(Bound { number: first, inclusive: true }), rest)),
        Some(Comparator::Greater) => Some((Some(Bound { number: first, inclusive: false }), None, rest)),
        Some(Comparator::GreaterOrEqual) => Some((Some(Bound { number: first, inclusive: true }), None, rest)),
        None => {
            let rest = rest.strip_prefix('%').unwrap_or(rest).trim_start();
            let low = Some(Bound { number: first, inclusive: true });
            // Of `-5--1` the second sign is the number's, of `3.5--9.5` it cannot be.
            let ends = SEPARATORS.iter().rev().filter_map(|separator| {
                let (second, rest) = leading_number(rest.strip_prefix(separator)?.trim_start())?;
                Some((Some(Bound { number: second, inclusive: true }), rest))
            });
            let (high, rest) = ends.into_iter().find(|(high, _)| is_ordered(low.as_ref(), high.as_ref()))?;
            Some((low, high, rest))
        }
    }
}

fn leading_comparator(text: &str) -> (Option<Comparator>, &str) {
    const WORDS: [(&str, Comparator); 6] = [
        ("小于等于", Comparator::LessOrEqual),
        ("大于等于", Comparator::GreaterOrEqual),
        ("不超过", Comparator::LessOrEqual),
        ("小于", Comparator::Less),
        ("低于", Comparator::Less),
        ("大于", Comparator::Greater),
    ];
    let found =
        WORDS.iter().find_map(|(word, comparator)| Some((Some(*comparator), text.strip_prefix(word)?.trim_start())));
    found.unwrap_or_else(|| Comparator::leading(text))
}

fn leading_number(text: &str) -> Option<(Decimal, &str)> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let sign_bytes = text.len() - unsigned.len();
    let digits = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    // `3.5..5` has two dots that belong to the separator.
    let end = unsigned.get(..digits)?.find("..").unwrap_or(digits);
    let (number, rest) = text.split_at_checked(sign_bytes + end)?;
    Some((Decimal::parse(number).ok()?, rest))
}

/// The text says more than a range.
struct Prose;

/// The unit behind the numbers: nothing, or one word that can be a unit. Anything else makes the whole text prose.
fn read_unit(rest: &str) -> Result<Option<Unit>, Prose> {
    let unit = rest.trim();
    let powers = ["10^", "10*", "10E", "10e", "x10", "×10", "*10", "X10"];
    let begins = |c: char| c.is_alphabetic() || matches!(c, '%' | '/' | '‰' | '°' | '{' | '[');
    let is_unit = unit.starts_with(begins) || powers.iter().any(|power| unit.starts_with(power));
    let is_one_word =
        !unit.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | ';' | ',' | '，' | '；' | '：' | ':'));
    match unit {
        "" => Ok(None),
        _ if is_unit && is_one_word && !is_phrase(unit) && !is_power(unit) => Ok(Unit::words(unit)),
        _ => Err(Prose),
    }
}

/// A power alone, or an exponent: it is the number's (`1×10^3`, `1.0E2`), not a unit.
fn is_power(text: &str) -> bool {
    let is_sign = |c: char| matches!(c, 'x' | 'X' | '×' | '*' | '^' | 'e' | 'E' | '+' | '-') || c.is_numeric();
    let exponent = text.strip_prefix(['e', 'E']).map(|rest| rest.trim_start_matches(['+', '-']));
    text.contains(char::is_numeric) && text.chars().all(is_sign)
        || exponent.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Words behind a number that say more than a unit: 岁, 期, 阳性, 升高, `Positive`. What such words are said of need
/// not be what is usual: `≥1.0阳性`.
fn is_phrase(text: &str) -> bool {
    // Those of 个/高倍视野, 拷贝/毫升, 次/分 and the like; any other Chinese character is a word.
    const OF_UNITS: &str = "个次分秒时小升克米毫微纳皮摩尔国际单位拷贝视野倍汞柱千万亿百每帕度";
    const VERDICTS: [&str; 13] = [
        "positive",
        "negative",
        "high",
        "low",
        "normal",
        "defici",
        "suffici",
        "desir",
        "optim",
        "borderline",
        "risk",
        "react",
        "detect",
    ];
    let plain = text.replace("高倍", "").replace("低倍", "").to_lowercase();
    let is_word = |c: char| matches!(c, '\u{3400}'..='\u{9FFF}') && !OF_UNITS.contains(c);
    plain.contains(is_word) || VERDICTS.iter().any(|verdict| plain.contains(verdict))
}

/// `男 3.5-5.5 女 3.0-5.0`: parts that each begin with a sex and are a span. A word before or between them (an age)
/// would be lost, so it makes the text prose.
fn read_by_sex(text: &str) -> Option<Vec<ReferenceRange>> {
    let starts: Vec<(usize, usize, Sex)> = text.char_indices().filter_map(|(at, _)| sex_at(text, at)).collect();
    let (first, _, _) = starts.first()?;
    if *first != 0 {
        return None;
    }
    let ends = starts.iter().skip(1).map(|(at, _, _)| *at).chain([text.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|((_, from, sex), to)| {
            let part = text
                .get(*from..to)?
                .trim_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '：' | ';' | '；' | ',' | '，' | '/'));
            let condition = Condition { sex: Some(*sex), ..Condition::default() };
            Some(ReferenceRange { condition, ..read_span(part)? })
        })
        .collect()
}

/// A sign of a sex that begins at a place, and where it ends. `female` holds `male`: the letter before must not be one.
fn sex_at(text: &str, at: usize) -> Option<(usize, usize, Sex)> {
    let before = text.get(..at)?.chars().next_back();
    if before.is_some_and(|c| c.is_ascii_alphabetic()) {
        return None;
    }
    let rest = text.get(at..)?;
    SEXES.iter().find(|(sign, _)| rest.starts_with(sign)).map(|(sign, sex)| (at, at + sign.len(), *sex))
}

fn half_width(c: char) -> char {
    match c {
        '０'..='９' => char::from_digit(u32::from(c) - u32::from('０'), 10).unwrap_or(c),
        '．' => '.',
        '％' => '%',
        '（' => '(',
        '）' => ')',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A range in short: `[low,high]unit`, round brackets for an end that is not within.
    fn short(range: &ReferenceRange) -> String {
        let sex = range.condition.sex.map_or("", Sex::label);
        if let Some(expected) = range.expected {
            return format!("{sex}{expected:?}");
        }
        if !range.is_usable() {
            return "words".to_owned();
        }
        let low = range
            .low
            .as_ref()
            .map_or("(".to_owned(), |low| format!("{}{}", if low.inclusive { '[' } else { '(' }, low.number.as_str()));
        let high = range.high.as_ref().map_or(")".to_owned(), |high| {
            format!("{}{}", high.number.as_str(), if high.inclusive { ']' } else { ')' })
        });
        format!("{sex}{low},{high}{}", range.unit.as_ref().map_or("", Unit::as_str))
    }

    #[test]
    fn ranges_as_senders_write_them() {
        for (text, expected) in [
            ("4.3 to 6.2", "[4.3,6.2]"),
            ("49 - 92", "[49,92]"),
            ("70_105", "[70,105]"),
            ("<0.3", "(,0.3)"),
            ("≤5", "(,5]"),
            (">=1.04", "[1.04,)"),
            ("3.5～9.5", "[3.5,9.5]"),
            ("3.5－9.5", "[3.5,9.5]"),
            ("３．５～９．５", "[3.5,9.5]"),
            ("3.5--9.5", "[3.5,9.5]"),
            ("3.5..9.5", "[3.5,9.5]"),
            ("-3 - 3", "[-3,3]"),
            ("-3~+3", "[-3,+3]"),
            ("0-5/HP", "[0,5]/HP"),
            ("3.5-9.5 10^9/L", "[3.5,9.5]10^9/L"),
            ("40%-50%", "[40,50]%"),
            ("(3.5-5.5)", "[3.5,5.5]"),
            ("小于5", "(,5)"),
            ("阴性", "Negative"),
            ("阴性(-)", "Negative"),
            ("", ""),
            ("  ", ""),
            ("男 3.5-5.5 女 3.0-5.0", "男[3.5,5.5] 女[3.0,5.0]"),
            ("男:<40;女:<35", "男(,40) 女(,35)"),
            ("Male: 4.4-5.2 / Female: 4.0-4.8", "男[4.4,5.2] 女[4.0,4.8]"),
            ("12-14 y Male: 4.4 - 5.2 x 10^12/L ; 15-17 y: 4.5-5.3", "words"),
            (">0.4 Positive; 0.3 to 0.4 Suspect < 0.3 Negative", "words"),
            ("-5--1", "[-5,-1]"),
            ("-5--+1", "[-5,+1]"),
            ("0-5个/高倍视野", "[0,5]个/高倍视野"),
            ("4-10×10^9/L", "[4,10]×10^9/L"),
            ("≥1.0阳性", "words"),
            ("≥6.2 升高", "words"),
            ("5.18-6.19边缘升高", "words"),
            (">=1.0 Positive", "words"),
            ("<20 Deficient", "words"),
            ("<1×10^3", "words"),
            ("<1.0E+03IU/mL", "words"),
            ("0-1.0E3", "words"),
            ("成人 3.5-5.5", "words"),
            ("3.5-5.5岁", "words"),
            ("9.5-3.5", "words"),
            ("2020-01-02", "words"),
            ("见报告单", "words"),
            ("1:80", "words"),
            ("5", "words"),
        ] {
            let read: Vec<String> = ReferenceRange::read(text).iter().map(short).collect();
            assert_eq!(read.join(" "), expected, "{text}");
        }
    }

    #[test]
    fn a_value_lies_where_it_certainly_lies() {
        let position = |range: &str, value: &str| {
            ReferenceRange::read(range).first().and_then(|range| range.position(&Quantity::read(value, None).unwrap()))
        };
        for (range, value, expected) in [
            ("4.3 to 6.2", "4.3", Some(Position::Within)),
            ("4.3 to 6.2", "4.29", Some(Position::Below)),
            ("4.3 to 6.2", "6.20", Some(Position::Within)),
            ("4.3 to 6.2", ">6.2", Some(Position::Above)),
            ("4.3 to 6.2", ">5", None),
            ("<0.3", "0.3", Some(Position::Above)),
            ("<0.3", "<0.01", Some(Position::Within)),
            ("0-0.5", "<0.01", Some(Position::Within)),
            ("0.1-0.5", "<0.2", None),
            (">=60", ">90", Some(Position::Within)),
            ("阴性", "1", None),
        ] {
            assert_eq!(position(range, value), expected, "{value} in {range}");
        }
    }

    #[test]
    fn numbers_alone_have_words() {
        let words = |text: &str| ReferenceRange { text: None, ..ReferenceRange::read(text).remove(0) }.words();
        for (text, expected) in [("4.2-6.0 g/L", "4.2–6.0 g/L"), ("<0.3", "<0.3"), (">=60", "≥60"), ("见报告单", "")]
        {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn another_unit_is_not_compared() {
        let range = ReferenceRange::read("130-175 g/L").remove(0);
        let in_unit = |unit: &str| range.position(&Quantity::read("12.5", Unit::words(unit)).unwrap());
        assert_eq!(in_unit("g/dL"), None);
        assert_eq!(in_unit("g/l"), Some(Position::Below));
    }

    proptest! {
        #[test]
        fn any_text_answers(text in "\\PC*|[男女MFale: 0-9.~<>≤～to_;/LHP()-]{0,40}") {
            let ranges = ReferenceRange::read(&text);
            prop_assert_eq!(ranges.is_empty(), text.trim().is_empty());
        }

        #[test]
        fn two_numbers_are_a_range(low in 0_u32..10_000, width in 0_u32..10_000, at in 0..SEPARATORS.len()) {
            let text = format!("{low}{}{}", SEPARATORS[at], low + width);
            let range = ReferenceRange::read(&text).remove(0);
            prop_assert!(range.low.is_some() && range.high.is_some(), "{}", text);
        }
    }
}
