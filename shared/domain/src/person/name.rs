//! Names as people type them and as hospital systems hold them.

use std::fmt;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::folded;

/// Fewest characters of a name.
const CHARS_MIN: usize = 2;
/// Most characters of a name, after clean-up. Long Uyghur and foreign names fit.
const CHARS_MAX: usize = 50;
/// Most stars of a masked name, so that a page stays readable.
const STARS_MAX: usize = 4;
/// The one middle dot kept: 间隔号, as the ID card prints it.
/// What masks a letter.
const STAR: char = '*';
const MIDDLE_DOT: char = '·';
/// First characters of the planes with the rare Han characters: CJK extension B and later.
const RARE_HAN: std::ops::RangeInclusive<char> = '\u{20000}'..='\u{3FFFF}';

/// A person's name, cleaned: NFKC, one kind of middle dot, no spaces inside a Chinese name. Masked in `Debug`; the
/// clear text only by [`PersonName::expose`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PersonName(String);

/// Why a text is not a name. Never carries the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Fewer than two characters.
    #[error("a name is too short")]
    TooShort,
    /// More than fifty characters.
    #[error("a name is too long")]
    TooLong,
    /// A digit, sign or emoji that no name has.
    #[error("a name has a character that no name has")]
    Character,
}

impl NameError {
    /// What to tell the patient.
    pub fn patient_text(self) -> &'static str {
        match self {
            Self::TooShort => "请填写完整姓名",
            Self::TooLong => "姓名过长，请核对",
            Self::Character => "姓名中有无法识别的字符，请按证件填写",
        }
    }
}

/// What comparing two names says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameMatch {
    /// The same name.
    Same,
    /// A rare character stands in the way and the rest agrees: staff at the window compare the paper.
    AskWindow,
    /// Different names.
    Different,
}

impl PersonName {
    /// Cleans and checks a name.
    pub fn parse(raw: &str) -> Result<Self, NameError> {
        let name = clean(&folded(raw).ok_or(NameError::TooLong)?);
        if !name.chars().all(is_name_character) || !name.chars().any(is_letter) {
            return Err(if name.is_empty() { NameError::TooShort } else { NameError::Character });
        }
        match name.chars().count() {
            ..CHARS_MIN => Err(NameError::TooShort),
            CHARS_MIN..=CHARS_MAX => Ok(Self(name)),
            _ => Err(NameError::TooLong),
        }
    }

    /// Reads back what [`PersonName::expose`] gave to storage.
    pub fn from_stored(stored: &str) -> Result<Self, NameError> {
        Self::parse(stored)
    }

    /// The clear name: for sealing and matching only.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// For display: `张*`, `林*梅`, `阿****提`.
    pub fn masked(&self) -> String {
        let length = self.0.chars().count();
        let tail = if length > CHARS_MIN { self.0.chars().next_back() } else { None };
        let hidden = length.saturating_sub(1).saturating_sub(usize::from(tail.is_some()));
        let stars = std::iter::repeat_n('*', hidden.min(STARS_MAX));
        self.0.chars().take(1).chain(stars).chain(tail).collect()
    }

    /// Whether the name has a character that hospital systems often cannot hold (CJK extension B and later, private
    /// use, `?` in its place): its comparison may need a person at the window.
    pub fn needs_window_check(&self) -> bool {
        self.0.chars().any(is_rare)
    }
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonName({})", self.masked())
    }
}

/// Compares the name a patient gave with the name the hospital holds. Latin letters compare without case; a rare or
/// unreadable character on either side is never a flat no while the rest agrees.
pub fn same_person_name(given: &PersonName, held: &PersonName) -> NameMatch {
    let (given, held) = (comparable(given), comparable(held));
    if given == held && !given.iter().copied().any(is_unreadable) {
        return NameMatch::Same;
    }
    let readable = !given.iter().chain(&held).copied().any(is_rare);
    if readable || !agree_up_to_rare(given.iter(), held.iter()) {
        return NameMatch::Different;
    }
    if agree_up_to_rare(given.iter().rev(), held.iter().rev()) { NameMatch::AskWindow } else { NameMatch::Different }
}

/// Whether a text that is no name, because it is masked, cut or has a mark beside it, can stand for a name: `林*梅`, `林`
/// and `林小梅2` for 林小梅. One without letters says nothing against anybody.
pub fn may_stand_for(text: &str, held: &PersonName) -> bool {
    let Some(text) = folded(text) else { return false };
    let bare = text.split(['(', '[', '【']).next().unwrap_or_default();
    let is_kept = |c: &char| is_letter(*c) || *c == STAR;
    let sent: String = bare.chars().filter(is_kept).flat_map(char::to_uppercase).collect();
    let held: String = comparable(held).into_iter().filter(|c| is_letter(*c)).collect();
    let Some((first, rest)) = sent.split_once(STAR) else {
        let is_cut = sent.chars().count() < CHARS_MIN;
        return if is_cut { held.starts_with(&sent) } else { held == sent };
    };
    let (middle, last) = rest.rsplit_once(STAR).unwrap_or(("", rest));
    let Some(mut left) = held.strip_prefix(first) else { return false };
    for part in middle.split(STAR) {
        let Some((_, after)) = left.split_once(part) else { return false };
        left = after;
    }
    left.ends_with(last)
}

/// Whether two names read alike from one end until either reaches a rare character. Past it positions no longer
/// line up: one lost character may have left one `?` or two.
fn agree_up_to_rare<'a>(one: impl Iterator<Item = &'a char>, other: impl Iterator<Item = &'a char>) -> bool {
    one.zip(other).take_while(|(a, b)| !is_rare(**a) && !is_rare(**b)).all(|(a, b)| a == b)
}

fn comparable(name: &PersonName) -> Vec<char> {
    name.0.chars().flat_map(char::to_uppercase).collect()
}

/// One kind of middle dot; spaces go from a Chinese name and collapse in any other.
fn clean(text: &str) -> String {
    let chinese = text.chars().any(is_han);
    let dotted: String = text.chars().map(|c| if is_middle_dot(c, chinese) { MIDDLE_DOT } else { c }).collect();
    let separator = if chinese { "" } else { " " };
    let spaced = dotted.split_whitespace().collect::<Vec<_>>().join(separator);
    // Without the spaces a letter and a combining mark may have met: compose them again.
    spaced.trim_matches(|c: char| c == MIDDLE_DOT || c.is_whitespace()).nfc().collect()
}

/// The marks people type for 间隔号. A full stop is one in a Chinese name; in `John F. Smith` it stays.
fn is_middle_dot(c: char, chinese: bool) -> bool {
    match c {
        '·' | '・' | '•' | '‧' | '∙' | '⋅' | '●' | '･' => true,
        '.' | '。' | '｡' => chinese,
        _ => false,
    }
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '〇')
        || RARE_HAN.contains(&c)
}

fn is_letter(c: char) -> bool {
    c.is_alphabetic() || c == '〇' || is_rare(c)
}

fn is_name_character(c: char) -> bool {
    is_letter(c) || is_combining_mark(c) || matches!(c, MIDDLE_DOT | ' ' | '-' | '\'' | '’' | '.')
}

/// A character that many hospital systems cannot hold, or what they put in its place.
fn is_rare(c: char) -> bool {
    RARE_HAN.contains(&c) || is_unreadable(c)
}

/// A stand-in for a lost character: equal stand-ins say nothing about the characters behind them.
fn is_unreadable(c: char) -> bool {
    matches!(c, '?' | '\u{FFFD}' | '□' | '〓' | '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{10FFFD}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(raw: &str) -> PersonName {
        PersonName::parse(raw).unwrap()
    }

    #[test]
    fn cleans_what_people_type() {
        for (raw, clean) in [
            ("张三", "张三"),
            (" 张　三 ", "张三"),
            ("张 三\u{200B}", "张三"),
            ("阿卜杜拉•买买提", "阿卜杜拉·买买提"),
            ("阿卜杜拉・买买提", "阿卜杜拉·买买提"),
            ("阿卜杜拉.买买提", "阿卜杜拉·买买提"),
            ("阿卜杜拉．买买提", "阿卜杜拉·买买提"),
            ("阿卜杜拉 · 买买提", "阿卜杜拉·买买提"),
            ("ＪＯＨＮ　Smith", "JOHN Smith"),
            ("John  F. O'Neil-Smith", "John F. O'Neil-Smith"),
            ("林\u{F91D}", "林欄"),
        ] {
            assert_eq!(name(raw).expose(), clean, "{raw}");
        }
    }

    #[test]
    fn what_is_no_name_stands_for_those_it_fits() {
        for (text, held, fits) in [
            ("林*梅", "林小梅", true),
            ("林＊＊", "林小梅", true),
            ("**梅", "林小梅", true),
            ("欧**花*", "欧阳小花朵", true),
            ("林", "林小梅", true),
            ("林小梅2", "林小梅", true),
            ("林小梅（女）", "林小梅", true),
            ("***", "林小梅", true),
            ("12", "林小梅", true),
            ("", "林小梅", true),
            ("lin *", "LIN Xiaomei", true),
            ("王", "林小梅", false),
            ("王五2", "林小梅", false),
            ("王*梅", "林小梅", false),
            ("林*海", "林小梅", false),
            ("林*花*梅", "林小梅", false),
            ("林小2", "林小梅", false),
        ] {
            assert_eq!(may_stand_for(text, &name(held)), fits, "{text} {held}");
        }
        assert!(!may_stand_for(&"林".repeat(5_000), &name("林小梅")));
    }

    #[test]
    fn refuses_what_is_no_name() {
        assert_eq!(PersonName::parse(""), Err(NameError::TooShort));
        assert_eq!(PersonName::parse(" \u{FEFF}"), Err(NameError::TooShort));
        assert_eq!(PersonName::parse("张"), Err(NameError::TooShort));
        assert_eq!(PersonName::parse("张3"), Err(NameError::Character));
        assert_eq!(PersonName::parse("张*"), Err(NameError::Character));
        assert_eq!(PersonName::parse("张<b>"), Err(NameError::Character));
        assert_eq!(PersonName::parse("😀😀"), Err(NameError::Character));
        assert_eq!(PersonName::parse("- -"), Err(NameError::Character));
        assert_eq!(PersonName::parse(&"张".repeat(CHARS_MAX + 1)), Err(NameError::TooLong));
        assert_eq!(PersonName::parse(&"张".repeat(100_000)), Err(NameError::TooLong));
        assert!(PersonName::parse(&"张".repeat(CHARS_MAX)).is_ok());
    }

    #[test]
    fn prints_masked() {
        for (raw, masked) in [
            ("张三", "张*"),
            ("林小梅", "林*梅"),
            ("欧阳小梅", "欧**梅"),
            ("阿卜杜拉·买买提", "阿****提"),
            ("John Smith", "J****h"),
        ] {
            assert_eq!(name(raw).masked(), masked);
            assert_eq!(format!("{:?}", name(raw)), format!("PersonName({masked})"));
        }
    }

    #[test]
    fn rare_characters_go_to_the_window() {
        for raw in ["王\u{20BB7}", "王?", "王？", "王\u{E001}", "王□"] {
            assert!(name(raw).needs_window_check(), "{raw}");
        }
        assert!(!name("王喆").needs_window_check());
    }

    #[test]
    fn compares_names() {
        use NameMatch::{AskWindow, Different, Same};
        for (given, held, expected) in [
            ("张三", " 张 三", Same),
            ("阿卜杜拉·买买提", "阿卜杜拉．买买提", Same),
            ("John Smith", "JOHN SMITH", Same),
            ("张三", "张四", Different),
            ("张三", "张三丰", Different),
            ("王\u{20BB7}", "王\u{20BB7}", Same),
            ("王\u{20BB7}", "王?", AskWindow),
            ("王\u{20BB7}明", "王??明", AskWindow),
            ("王喆", "王\u{E001}", AskWindow),
            ("王?", "王?", AskWindow),
            ("王\u{20BB7}", "李?", Different),
            ("王\u{20BB7}明", "王?亮", Different),
        ] {
            assert_eq!(same_person_name(&name(given), &name(held)), expected, "{given} {held}");
            assert_eq!(same_person_name(&name(held), &name(given)), expected, "{held} {given}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(raw in "\\PC*") {
            let _ = PersonName::parse(&raw);
        }

        #[test]
        fn stored_form_reads_back(raw in "[\\p{Han}\\p{Latin}·.?・ \u{E000}\u{20000}-\u{20010}]{1,30}") {
            if let Ok(name) = PersonName::parse(&raw) {
                prop_assert_eq!(PersonName::from_stored(name.expose()), Ok(name.clone()));
                prop_assert!(same_person_name(&name, &name) != NameMatch::Different);
                prop_assert!(name.masked().chars().count() <= CHARS_MIN + STARS_MAX);
            }
        }
    }
}
