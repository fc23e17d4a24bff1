//! Flags: how far a value is from what is usual, as the sender says and as we see it.

use super::range::{About, Position, ReferenceRange};
use super::text::Text;
use super::value::{Polarity, Quantity, Reading, Value};
use serde::{Deserialize, Serialize};

/// What a flag says (HL7 table 0078, v3 `ObservationInterpretation`, and what Chinese laboratories print).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// 正常.
    Normal,
    /// 偏低.
    Low,
    /// 偏高.
    High,
    /// 危急, too low.
    CriticalLow,
    /// 危急, too high.
    CriticalHigh,
    /// 异常, without a direction.
    Abnormal,
    /// 危急, without a direction.
    Critical,
    /// 阴性.
    Negative,
    /// 阳性.
    Positive,
    /// 可疑.
    Doubtful,
    /// 敏感: the antibiotic works.
    Susceptible,
    /// 剂量依赖性敏感.
    SusceptibleDoseDependent,
    /// 中介.
    Intermediate,
    /// 非敏感.
    NonSusceptible,
    /// 耐药: the antibiotic does not work.
    Resistant,
}

impl Meaning {
    /// What a code or a printed sign means; `None` for one that says something else (`delta up`, a comment).
    pub fn of(code: &str) -> Option<Self> {
        let plain = code.trim();
        match plain.to_uppercase().as_str() {
            "N" | "正常" | "NORMAL" | "WNL" => Some(Self::Normal),
            "L" | "LOW" | "LU" | "LX" | "<" | "↓" | "低" | "偏低" => Some(Self::Low),
            "H" | "HIGH" | "HU" | "HX" | ">" | "↑" | "高" | "偏高" => Some(Self::High),
            "LL" | "L<" | "↓↓" | "危急偏低" => Some(Self::CriticalLow),
            "HH" | "H>" | "↑↑" | "危急偏高" => Some(Self::CriticalHigh),
            "A" | "ABNORMAL" | "异常" | "*" => Some(Self::Abnormal),
            "AA" | "危急" | "危急值" | "危" | "CRITICAL" => Some(Self::Critical),
            "NEG" | "ND" | "NR" | "NON-REACTIVE" | "阴性" => Some(Self::Negative),
            "POS" | "DET" | "RR" | "阳性" => Some(Self::Positive),
            "IND" | "E" | "WR" | "可疑" | "弱阳性" => Some(Self::Doubtful),
            "S" | "VS" | "MS" | "敏感" => Some(Self::Susceptible),
            "SDD" | "剂量依赖敏感" => Some(Self::SusceptibleDoseDependent),
            "I" | "中介" | "中度敏感" => Some(Self::Intermediate),
            "NS" | "非敏感" => Some(Self::NonSusceptible),
            "R" | "耐药" => Some(Self::Resistant),
            _ => None,
        }
    }

    /// In words, with a sign where there is a direction: never by colour alone.
    pub fn patient_text(self) -> &'static str {
        match self {
            Self::Normal => "正常",
            Self::Low => "偏低 ↓",
            Self::High => "偏高 ↑",
            Self::CriticalLow => "危急 ↓↓",
            Self::CriticalHigh => "危急 ↑↑",
            Self::Abnormal => "异常",
            Self::Critical => "危急",
            Self::Negative => "阴性",
            Self::Positive => "阳性",
            Self::Doubtful => "可疑",
            Self::Susceptible => "敏感",
            Self::SusceptibleDoseDependent => "剂量依赖敏感",
            Self::Intermediate => "中介",
            Self::NonSusceptible => "非敏感",
            Self::Resistant => "耐药",
        }
    }

    /// The code of HL7 table 0078 and of v3 `ObservationInterpretation`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Normal => "N",
            Self::Low => "L",
            Self::High => "H",
            Self::CriticalLow => "LL",
            Self::CriticalHigh => "HH",
            Self::Abnormal => "A",
            Self::Critical => "AA",
            Self::Negative => "NEG",
            Self::Positive => "POS",
            Self::Doubtful => "IND",
            Self::Susceptible => "S",
            Self::SusceptibleDoseDependent => "SDD",
            Self::Intermediate => "I",
            Self::NonSusceptible => "NS",
            Self::Resistant => "R",
        }
    }

    /// Whether a clinician has to know within minutes (危急值).
    pub fn is_critical(self) -> bool {
        matches!(self, Self::CriticalLow | Self::CriticalHigh | Self::Critical)
    }

    /// Whether it says that nothing is wrong.
    pub fn is_normal(self) -> bool {
        matches!(self, Self::Normal | Self::Negative)
    }

    /// Whether it is about an antibiotic, not about the patient.
    pub fn is_susceptibility(self) -> bool {
        matches!(
            self,
            Self::Susceptible
                | Self::SusceptibleDoseDependent
                | Self::Intermediate
                | Self::NonSusceptible
                | Self::Resistant
        )
    }

    /// Whether what the sender says goes together with what we see: `HH` and `A` with high, `NEG` with normal.
    fn agrees_with(self, own: Self) -> bool {
        match self {
            Self::Normal | Self::Negative => own.is_normal(),
            Self::Low | Self::CriticalLow => own == Self::Low,
            Self::High | Self::CriticalHigh => own == Self::High,
            Self::Abnormal | Self::Critical | Self::Positive | Self::Doubtful => !own.is_normal(),
            _ => true,
        }
    }
}

/// A flag as sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Flag {
    /// Its code system, where one was sent.
    pub system: Option<Text>,
    /// The code or sign.
    pub code: Option<Text>,
    /// Words sent with it.
    pub text: Option<Text>,
}

impl Flag {
    /// A flag by its code alone.
    pub fn of(code: &str) -> Self {
        Self { system: None, code: Some(Text::from(code.trim())), text: None }
    }

    /// What it says.
    pub fn meaning(&self) -> Option<Meaning> {
        let by_code = self.code.as_ref().and_then(|code| Meaning::of(code.as_str()));
        by_code.or_else(|| self.text.as_ref().and_then(|text| Meaning::of(text.as_str())))
    }
}

/// What is said of one value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Assessment {
    /// The gravest of the sender's flags.
    pub sent: Option<Meaning>,
    /// What we see from value and range; `None` where they cannot be compared.
    pub own: Option<Meaning>,
}

impl Assessment {
    /// What to show: the sender's word first.
    pub fn shown(self) -> Option<Meaning> {
        self.sent.or(self.own)
    }

    /// Whether the two contradict each other, a missing flag of a value out of range included: to be logged, and
    /// marked on the page.
    pub fn disagrees(self) -> bool {
        match (self.sent, self.own) {
            (Some(sent), Some(own)) => !sent.agrees_with(own),
            (None, Some(own)) => !own.is_normal(),
            (_, None) => false,
        }
    }

    /// Whether both say, as far as they say anything, that nothing is wrong.
    pub fn is_normal(self) -> bool {
        self.shown().is_some_and(Meaning::is_normal) && !self.disagrees()
    }
}

/// The gravest of flags: critical before abnormal before normal, and of two alike the one that says a direction.
pub fn gravest<'a>(flags: impl IntoIterator<Item = &'a Flag>) -> Option<Meaning> {
    flags.into_iter().filter_map(Flag::meaning).max_by_key(|meaning| {
        let is_vague = matches!(meaning, Meaning::Critical | Meaning::Abnormal);
        (meaning.is_critical(), !meaning.is_normal(), !is_vague)
    })
}

/// The ranges a value is compared with: those that are certainly of this person, else those that may be.
pub fn ranges_for(ranges: &[ReferenceRange], about: About) -> Vec<&ReferenceRange> {
    let usable: Vec<_> = ranges.iter().filter(|range| range.is_normal() && range.is_usable()).collect();
    let of = |answer: Option<bool>| usable.iter().copied().filter(|range| range.applies(about) == answer).collect();
    let certain: Vec<_> = of(Some(true));
    if certain.is_empty() { of(None) } else { certain }
}

/// What we see of a value from its ranges. Where a range may or may not be of this person, only what all of those say.
pub fn own_flag(values: &[Value], ranges: &[ReferenceRange], about: About) -> Option<Meaning> {
    let [value] = values else { return None };
    let mut seen = ranges_for(ranges, about).into_iter().map(|range| compare(value, range));
    let first = seen.next()??;
    seen.all(|other| other == Some(first)).then_some(first)
}

fn compare(value: &Value, range: &ReferenceRange) -> Option<Meaning> {
    match (&value.reading, range.expected) {
        (Reading::Quantity(quantity), None) => position(quantity, range),
        // `+1` is a cross and a number.
        (Reading::Text | Reading::Quantity(_), Some(expected)) => polarity(value.sent.as_str(), expected),
        (Reading::Coded(concept), Some(expected)) => polarity(concept.name(), expected),
        _ => None,
    }
}

fn position(quantity: &Quantity, range: &ReferenceRange) -> Option<Meaning> {
    range.position(quantity).map(|position| match position {
        Position::Below => Meaning::Low,
        Position::Within => Meaning::Normal,
        Position::Above => Meaning::High,
    })
}

fn polarity(text: &str, expected: Polarity) -> Option<Meaning> {
    Polarity::read(text).map(|seen| if seen == expected { Meaning::Normal } else { Meaning::Abnormal })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::person::Sex;

    fn assess(value: &str, range: &str, flags: &[&str], about: About) -> Assessment {
        let flags: Vec<Flag> = flags.iter().copied().map(Flag::of).collect();
        let own = own_flag(&[Value::read(value, None)], &ReferenceRange::read(range), about);
        Assessment { sent: gravest(&flags), own }
    }

    #[test]
    fn theirs_comes_first_and_disagreement_is_seen() {
        let nobody = About::default();
        for (value, range, flags, shown, disagrees) in [
            ("4.41", "4.3 to 6.2", &["N"][..], Some(Meaning::Normal), false),
            ("105600", "4300 to 10800", &["HH"], Some(Meaning::CriticalHigh), false),
            ("7", "4.3 to 6.2", &[], Some(Meaning::High), true),
            ("5", "4.3 to 6.2", &[], Some(Meaning::Normal), false),
            ("7", "4.3 to 6.2", &["N"], Some(Meaning::Normal), true),
            ("5", "4.3 to 6.2", &["H"], Some(Meaning::High), true),
            ("7", "4.3 to 6.2", &["A"], Some(Meaning::Abnormal), false),
            ("阳性", "阴性", &[], Some(Meaning::Abnormal), true),
            ("阴性(-)", "阴性", &[], Some(Meaning::Normal), false),
            ("+-", "阴性", &["POS"], Some(Meaning::Positive), false),
            ("阳性(++)", "阴性(-)", &[], Some(Meaning::Abnormal), true),
            ("+1", "Negative", &[], Some(Meaning::Abnormal), true),
            ("1", "阴性", &[], None, false),
            ("见报告单", "阴性", &[], None, false),
            ("<0.01", "", &["D"], None, false),
            ("5", "4-6", &["N", "HH"], Some(Meaning::CriticalHigh), true),
        ] {
            let seen = assess(value, range, flags, nobody);
            assert_eq!((seen.shown(), seen.disagrees()), (shown, disagrees), "{value} in {range} {flags:?}");
        }
    }

    #[test]
    fn a_range_by_sex_needs_the_sex_only_where_it_matters() {
        let range = "男 3.5-5.5 女 3.0-5.0";
        let of = |sex| About { sex, age_years: None };
        assert_eq!(assess("5.2", range, &[], of(Some(Sex::Male))).own, Some(Meaning::Normal));
        assert_eq!(assess("5.2", range, &[], of(Some(Sex::Female))).own, Some(Meaning::High));
        assert_eq!(assess("5.2", range, &[], of(None)).own, None);
        assert_eq!(assess("4.0", range, &[], of(None)).own, Some(Meaning::Normal));
        assert_eq!(assess("6.0", range, &[], of(None)).own, Some(Meaning::High));
    }

    #[test]
    fn every_meaning_reads_back_from_its_code() {
        for code in ["N", "L", "H", "LL", "HH", "A", "AA", "NEG", "POS", "IND", "S", "SDD", "I", "NS", "R"] {
            assert_eq!(Meaning::of(code).unwrap().code(), code);
        }
    }
}
