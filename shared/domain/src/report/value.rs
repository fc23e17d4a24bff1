//! What was measured or seen: the value as sent, and what it reads as.

use super::decimal::Decimal;
use super::text::Text;
use super::when::When;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// The system of codes that are ours.
const OUR_SYSTEM: &str = "menzhen";
/// The code systems of LOINC as senders name them.
const LOINC: [&str; 4] = ["http://loinc.org", "LN", "LOINC", "urn:oid:2.16.840.1.113883.6.1"];
/// The code systems of UCUM as senders name them.
const UCUM: [&str; 3] = ["http://unitsofmeasure.org", "UCUM", "urn:oid:2.16.840.1.113883.6.8"];

/// Whether a code system is UCUM's.
pub fn is_ucum(system: &str) -> bool {
    UCUM.contains(&system)
}

/// A code of a code system.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Coding {
    /// The code system as sent; none is the sender's own.
    pub system: Option<Text>,
    /// Its version.
    pub version: Option<Text>,
    /// The code.
    pub code: Option<Text>,
    /// What the code means, in words.
    pub display: Option<Text>,
}

impl Coding {
    /// A code of ours that stands here for the sender's, by the hospital's tables.
    pub fn ours(code: &str) -> Self {
        Self { system: Some(OUR_SYSTEM.into()), code: Some(Text::new(code)), ..Self::default() }
    }

    /// Whether it is a code of ours, and not the sender's.
    pub fn is_ours(&self) -> bool {
        self.system.as_ref().is_some_and(|system| system.as_str() == OUR_SYSTEM)
    }
}

/// Something named by codes, words or both.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Concept {
    /// Codes of the same thing.
    pub codings: Vec<Coding>,
    /// Words.
    pub text: Option<Text>,
}

impl Concept {
    /// Words alone.
    pub fn words(text: impl Into<String>) -> Self {
        Self { codings: Vec::new(), text: Text::some(text) }
    }

    /// One code of one system.
    pub fn coded(system: &str, code: &str, display: Option<&str>) -> Self {
        let display = display.map(Text::from);
        Self {
            codings: vec![Coding { system: Text::some(system), version: None, code: Text::some(code), display }],
            text: None,
        }
    }

    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        self.codings.is_empty() && self.text.is_none()
    }

    /// What to call it: its words, else those of a code, else a code.
    pub fn name(&self) -> &str {
        let display = || self.codings.iter().find_map(|coding| coding.display.as_ref());
        let code = || self.codings.iter().find_map(|coding| coding.code.as_ref());
        self.text.as_ref().or_else(display).or_else(code).map_or("", Text::as_str)
    }

    /// Its LOINC code.
    pub fn loinc(&self) -> Option<&str> {
        let is_loinc = |coding: &&Coding| coding.system.as_ref().is_some_and(|system| LOINC.contains(&system.as_str()));
        self.codings.iter().find(is_loinc).and_then(|coding| coding.code.as_ref()).map(Text::as_str)
    }

    /// All its codes as they were sent, without those of ours that stand for them here.
    pub fn sent_codes(&self) -> impl Iterator<Item = &str> {
        let sent = self.codings.iter().filter(|coding| !coding.is_ours());
        sent.filter_map(|coding| coding.code.as_ref()).map(Text::as_str)
    }

    /// All its codes, whatever the system.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.codings.iter().filter_map(|coding| coding.code.as_ref()).map(Text::as_str)
    }

    /// All its words: of the concept and of its codes.
    pub fn all_words(&self) -> impl Iterator<Item = &str> {
        let displays = self.codings.iter().filter_map(|coding| coding.display.as_ref());
        self.text.iter().chain(displays).map(Text::as_str)
    }
}

/// A unit as sent, and by UCUM where the sender says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unit {
    /// As sent, for people.
    pub sent: Option<Text>,
    /// The code system as sent.
    pub system: Option<Text>,
    /// The code in it.
    pub code: Option<Text>,
}

impl Unit {
    /// A unit in words.
    pub fn words(text: &str) -> Option<Self> {
        Text::some(text.trim()).map(|sent| Self { sent: Some(sent), system: None, code: None })
    }

    /// Its UCUM code, where the sender says that it is one.
    pub fn ucum(&self) -> Option<&str> {
        let system = self.system.as_ref()?;
        self.code.as_ref().filter(|_| is_ucum(system.as_str())).map(Text::as_str)
    }

    /// What people read.
    pub fn as_str(&self) -> &str {
        self.sent.as_ref().or(self.code.as_ref()).map_or("", Text::as_str)
    }

    /// Whether two units are certainly the same: by code, or by words up to case of letters that mean nothing, signs
    /// and spaces. Case counts where it makes another unit (`mg`, `Mg`).
    pub fn is_same(&self, other: &Self) -> bool {
        match (self.ucum(), other.ucum()) {
            (Some(one), Some(two)) if one == two => true,
            _ => plain_unit(self.as_str()) == plain_unit(other.as_str()),
        }
    }
}

fn plain_unit(unit: &str) -> String {
    let plain = |c: char| match c {
        'µ' | 'μ' => 'u',
        '×' | '✕' => 'x',
        '／' => '/',
        '％' => '%',
        c => c,
    };
    let text: String = unit.chars().filter(|c| !c.is_whitespace()).map(plain).collect();
    // A litre is written `l` and `L`.
    text.strip_suffix('l').map_or(text.clone(), |rest| format!("{rest}L"))
}

/// Which side of the number the true value lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Comparator {
    /// Below.
    #[serde(rename = "<")]
    Less,
    /// Below or equal.
    #[serde(rename = "<=")]
    LessOrEqual,
    /// Above or equal.
    #[serde(rename = ">=")]
    GreaterOrEqual,
    /// Above.
    #[serde(rename = ">")]
    Greater,
}

impl Comparator {
    /// As FHIR writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::GreaterOrEqual => ">=",
            Self::Greater => ">",
        }
    }

    /// The comparator at the start of a text, and the rest of the text.
    pub fn leading(text: &str) -> (Option<Self>, &str) {
        const SIGNS: [(&str, Comparator); 14] = [
            ("<=", Comparator::LessOrEqual),
            (">=", Comparator::GreaterOrEqual),
            ("=<", Comparator::LessOrEqual),
            ("=>", Comparator::GreaterOrEqual),
            ("≤", Comparator::LessOrEqual),
            ("≥", Comparator::GreaterOrEqual),
            ("≦", Comparator::LessOrEqual),
            ("≧", Comparator::GreaterOrEqual),
            ("⩽", Comparator::LessOrEqual),
            ("⩾", Comparator::GreaterOrEqual),
            ("<", Comparator::Less),
            (">", Comparator::Greater),
            ("＜", Comparator::Less),
            ("＞", Comparator::Greater),
        ];
        let text = text.trim_start();
        let found = SIGNS
            .iter()
            .find_map(|(sign, comparator)| Some((Some(*comparator), text.strip_prefix(sign)?.trim_start())));
        found.unwrap_or((None, text))
    }
}

/// A number with its unit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Quantity {
    /// Which side of the number the true value lies on.
    pub comparator: Option<Comparator>,
    /// The number; none where only a unit was sent.
    pub number: Option<Decimal>,
    /// The unit.
    pub unit: Option<Unit>,
}

impl Quantity {
    /// `12`, `<0.01`, `≥ 1000`: an optional comparator and a number, nothing else.
    pub fn read(text: &str, unit: Option<Unit>) -> Option<Self> {
        let (comparator, rest) = Comparator::leading(text);
        let number = Decimal::parse(rest.trim_end()).ok()?;
        Some(Self { comparator, number: Some(number), unit })
    }

    /// As people read it, without the unit.
    pub fn text(&self) -> String {
        let number = self.number.as_ref().map_or("", Decimal::as_str);
        format!("{}{number}", self.comparator.map_or("", Comparator::as_str))
    }

    /// Whether it is certainly below (`Less`) or above (`Greater`) a number, or exactly there (`Equal`).
    pub fn against(&self, bound: &Decimal) -> Option<Ordering> {
        let order = self.number.as_ref()?.compare(bound);
        match (self.comparator, order) {
            (None, order) => Some(order),
            (Some(Comparator::Less), Ordering::Less | Ordering::Equal)
            | (Some(Comparator::LessOrEqual), Ordering::Less) => Some(Ordering::Less),
            (Some(Comparator::Greater), Ordering::Greater | Ordering::Equal)
            | (Some(Comparator::GreaterOrEqual), Ordering::Greater) => Some(Ordering::Greater),
            _ => None,
        }
    }
}

/// A file that belongs to a report: by reference only. Its bytes, where they came along, are kept apart by digest; a
/// location is never followed blindly (E91).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Attachment {
    /// Media type, as `application/pdf`.
    pub content_type: Option<Text>,
    /// What it is called.
    pub title: Option<Text>,
    /// Language as sent.
    pub language: Option<Text>,
    /// When it was made.
    pub created_at: Option<When>,
    /// Where it lies, as sent.
    pub location: Option<Text>,
    /// SHA-256 (lower-case hex) of the bytes that came along.
    pub sha256_hex: Option<Text>,
    /// How many bytes came along.
    pub size_bytes: Option<u64>,
}

/// What a value reads as.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// A number.
    Quantity(Quantity),
    /// A code, or words for one.
    Coded(Concept),
    /// Words.
    Text,
    /// Yes or no.
    Boolean(bool),
    /// One number to another.
    Ratio(Quantity, Quantity),
    /// A titre: `1:80`.
    Titer(Decimal, Decimal),
    /// From one number to another.
    Range(Option<Quantity>, Option<Quantity>),
    /// A time.
    When(When),
    /// A time of day.
    Clock,
    /// From one time to another.
    Period(Option<When>, Option<When>),
    /// A curve.
    Samples(Box<Samples>),
    /// A file.
    File(Box<Attachment>),
}

/// A curve of equidistant samples (ECG).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Samples {
    /// Zero value and unit.
    pub origin: Quantity,
    /// Milliseconds between samples.
    pub period_ms: Decimal,
    /// What each sample is multiplied with.
    pub factor: Option<Decimal>,
    /// `L` in the data.
    pub lower_limit: Option<Decimal>,
    /// `U` in the data.
    pub upper_limit: Option<Decimal>,
    /// Samples at each point in time.
    pub dimensions: Decimal,
    /// Numbers separated by spaces.
    pub data: Option<Text>,
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Value {
    /// As sent, to the digit, without the unit.
    pub sent: Text,
    /// What it reads as.
    pub reading: Reading,
}

impl Value {
    /// A number with its unit.
    pub fn quantity(quantity: Quantity) -> Self {
        Self { sent: Text::new(quantity.text()), reading: Reading::Quantity(quantity) }
    }

    /// Something named.
    pub fn coded(concept: Concept) -> Self {
        Self { sent: Text::new(concept.name()), reading: Reading::Coded(concept) }
    }

    /// Words, whatever they look like.
    pub fn text(text: impl Into<String>) -> Self {
        Self { sent: Text::new(text), reading: Reading::Text }
    }

    /// What words turn out to be: a number with or without comparator (`<0.01`), a titre (`1:80`), or words.
    pub fn read(text: &str, unit: Option<&Unit>) -> Self {
        let trimmed = text.trim();
        let quantity = || Quantity::read(trimmed, unit.cloned()).map(Reading::Quantity);
        let reading = quantity().or_else(|| read_titer(trimmed)).unwrap_or(Reading::Text);
        Self { sent: Text::new(text), reading }
    }
}

fn read_titer(text: &str) -> Option<Reading> {
    let (one, many) = text.split_once([':', '：'])?;
    let number = |part: &str| Decimal::parse(part.trim()).ok().filter(|number| number.sign() == Ordering::Greater);
    Some(Reading::Titer(number(one)?, number(many)?))
}

/// Whether words say that something is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Polarity {
    /// 阴性: it is not there.
    Negative,
    /// 可疑, ±: it may be there.
    Doubtful,
    /// 阳性: it is there.
    Positive,
}

impl Polarity {
    /// What a short text says; `None` for any text that is not one of the usual words.
    pub fn read(text: &str) -> Option<Self> {
        let letters = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '（' | '）'));
        let plain: String = letters.flat_map(char::to_lowercase).collect();
        match plain.as_str() {
            "阴性" | "-" | "－" | "阴性-" | "-阴性" | "neg" | "neg." | "negative" | "未检出" | "未见" | "无反应"
            | "nonreactive" | "non-reactive" | "notdetected" | "阴" => Some(Self::Negative),
            "±" | "+-" | "+/-" | "-/+" | "-+" | "＋－" | "可疑" | "弱阳性" | "弱阳性±" | "±弱阳性" | "弱阳"
            | "trace" => Some(Self::Doubtful),
            "阳性" | "阳" | "阳性+" | "+阳性" | "pos" | "pos." | "positive" | "检出" | "有反应" | "reactive"
            | "detected" => Some(Self::Positive),
            crosses if is_crosses(crosses) || is_positive_with_crosses(crosses) => Some(Self::Positive),
            _ => None,
        }
    }
}

/// `阳性++`, `3+阳性`, `强阳性`.
fn is_positive_with_crosses(text: &str) -> bool {
    let word = text.strip_prefix('强').unwrap_or(text);
    let rest = word.strip_prefix("阳性").or_else(|| word.strip_suffix("阳性"));
    rest.is_some_and(|rest| rest.is_empty() || is_crosses(rest))
}

/// `+`, `++`, `3+`, `+++`, `4+`, `+1`.
fn is_crosses(text: &str) -> bool {
    let crosses = text.chars().filter(|c| matches!(c, '+' | '＋')).count();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (1..=4).contains(&crosses)
        && crosses + digits == text.chars().count()
        && (digits == 0 || (digits == 1 && crosses == 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_read_as_what_they_are() {
        let kind = |text: &str| match Value::read(text, None).reading {
            Reading::Quantity(quantity) => quantity.text(),
            Reading::Titer(_, many) => format!("1:{}", many.as_str()),
            Reading::Text => "text".to_owned(),
            other => panic!("{other:?}"),
        };
        for (text, expected) in [
            ("9.0", "9.0"),
            ("<0.01", "<0.01"),
            ("＞1000", ">1000"),
            ("≤ 5", "<=5"),
            (" 12.5 ", "12.5"),
            ("1:80", "1:80"),
            ("1：160", "1:160"),
            ("+-", "text"),
            ("见报告单", "text"),
            ("10:30", "1:30"),
            ("3-5", "text"),
            ("", "text"),
        ] {
            assert_eq!(kind(text), expected, "{text}");
            assert_eq!(Value::read(text, None).sent.as_str(), text);
        }
    }

    #[test]
    fn words_and_crosses_have_a_polarity() {
        for (text, polarity) in [
            ("阴性", Some(Polarity::Negative)),
            ("阴性(-)", Some(Polarity::Negative)),
            ("NEGATIVE", Some(Polarity::Negative)),
            ("+-", Some(Polarity::Doubtful)),
            ("弱阳性(±)", Some(Polarity::Doubtful)),
            ("++", Some(Polarity::Positive)),
            ("3+", Some(Polarity::Positive)),
            ("阳性（+）", Some(Polarity::Positive)),
            ("阳性(++)", Some(Polarity::Positive)),
            ("强阳性（3+）", Some(Polarity::Positive)),
            ("非阳性", None),
            ("见报告单", None),
            ("12", None),
            ("", None),
        ] {
            assert_eq!(Polarity::read(text), polarity, "{text}");
        }
    }

    #[test]
    fn units_differ_only_where_they_do() {
        let unit = |text: &str| Unit::words(text).unwrap();
        assert!(unit("μmol/L").is_same(&unit("umol/l")));
        assert!(unit("10^9 / L").is_same(&unit("10^9/L")));
        assert!(!unit("mg/L").is_same(&unit("Mg/L")));
        assert!(!unit("g/L").is_same(&unit("g/dL")));
    }

    #[test]
    fn a_value_beyond_a_comparator_is_where_it_certainly_is() {
        let against =
            |text: &str, bound: &str| Quantity::read(text, None).unwrap().against(&Decimal::parse(bound).unwrap());
        assert_eq!(against("<0.01", "0.01"), Some(Ordering::Less));
        assert_eq!(against("<0.01", "0.005"), None);
        assert_eq!(against(">1000", "1000"), Some(Ordering::Greater));
        assert_eq!(against(">=1000", "1000"), None);
        assert_eq!(against("5", "5.0"), Some(Ordering::Equal));
    }

    proptest! {
        #[test]
        fn any_text_answers(text in "\\PC*") {
            let value = Value::read(&text, None);
            prop_assert_eq!(value.sent.as_str(), &text);
            let _ = Polarity::read(&text);
        }
    }
}
