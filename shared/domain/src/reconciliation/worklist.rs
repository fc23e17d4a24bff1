//! A difference as people work it off: found by a run, open until someone says what it was, or gone by itself when a
//! later run does not find it any more.

use super::Difference;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Characters of a note.
pub const NOTE_CHARS_MAX: usize = 500;
/// Notes of one difference.
pub const NOTES_MAX: usize = 50;

/// What somebody writes about a difference: not blank, at most [`NOTE_CHARS_MAX`] characters, no control character but
/// line ends. May speak of people: never logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NoteText(String);

/// The text is blank, too long or holds control characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a note")]
pub struct NoteError;

impl NoteText {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for NoteText {
    type Error = NoteError;
    fn try_from(text: String) -> Result<Self, NoteError> {
        let plain = text.chars().all(|c| c == '\n' || !c.is_control());
        let text = text.trim();
        if plain && (1..=NOTE_CHARS_MAX).contains(&text.chars().count()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NoteError)
        }
    }
}

impl From<NoteText> for String {
    fn from(note: NoteText) -> String {
        note.0
    }
}

impl fmt::Debug for NoteText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoteText({} characters)", self.0.chars().count())
    }
}

/// A note and who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Who.
    pub by: String,
    /// When.
    #[serde(with = "crate::clinic::epoch_s")]
    pub at: Timestamp,
    /// What.
    pub text: NoteText,
}

/// How far a difference is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum CaseState {
    /// Somebody has to look at it.
    Open,
    /// Somebody said what it was; the reason is the last note.
    Resolved {
        /// Who.
        resolved_by: String,
        /// When.
        #[serde(with = "crate::clinic::epoch_s")]
        resolved_at: Timestamp,
    },
    /// The last run did not find it any more.
    Gone,
}

/// A difference and its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// What differs.
    pub difference: Difference,
    /// How far it is.
    #[serde(flatten)]
    pub state: CaseState,
    /// What was written about it, oldest first.
    pub notes: Vec<Note>,
    /// The run that saw it last.
    pub run: u32,
    /// Counts writes.
    pub ver: u64,
}

/// Why a difference does not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaseError {
    /// It is not open.
    #[error("the difference is not open")]
    NotOpen,
    /// It has [`NOTES_MAX`] notes.
    #[error("the difference has too many notes")]
    NotesFull,
}

impl Case {
    /// Found for the first time.
    pub fn found(difference: Difference, run: u32) -> Self {
        Self { difference, state: CaseState::Open, notes: Vec::new(), run, ver: 1 }
    }

    /// Found by a later run: what was worked off stays so, unless the figures are others now.
    #[must_use]
    pub fn found_again(&self, difference: Difference, run: u32) -> Self {
        let worked_off = matches!(self.state, CaseState::Resolved { .. }) && self.difference == difference;
        let state = if worked_off { self.state.clone() } else { CaseState::Open };
        Self { difference, state, run, ..self.written() }
    }

    /// A later run did not find it any more. What people worked off stays theirs.
    pub fn gone(&self) -> Result<Self, CaseError> {
        self.open()?;
        Ok(Self { state: CaseState::Gone, ..self.written() })
    }

    /// Somebody writes about it; also about one that is worked off.
    pub fn noted(&self, by: &str, text: NoteText, now: Timestamp) -> Result<Self, CaseError> {
        if self.notes.len() >= NOTES_MAX {
            return Err(CaseError::NotesFull);
        }
        let mut noted = self.written();
        noted.notes.push(Note { by: by.to_owned(), at: now, text });
        Ok(noted)
    }

    /// Somebody says what it was. The last place among the notes is kept for this.
    pub fn resolved(&self, by: &str, text: NoteText, now: Timestamp) -> Result<Self, CaseError> {
        self.open()?;
        let mut resolved = self.written();
        resolved.notes.push(Note { by: by.to_owned(), at: now, text });
        resolved.state = CaseState::Resolved { resolved_by: by.to_owned(), resolved_at: now };
        Ok(resolved)
    }

    /// Whether somebody has to look at it.
    pub fn is_open(&self) -> bool {
        self.state == CaseState::Open
    }

    fn open(&self) -> Result<(), CaseError> {
        if self.is_open() { Ok(()) } else { Err(CaseError::NotOpen) }
    }

    fn written(&self) -> Self {
        Self { ver: self.ver + 1, ..self.clone() }
    }
}

/// Who worked off a difference last.
pub fn last_resolver(cases: &[Case]) -> Option<&str> {
    let resolved = cases.iter().filter_map(|case| match &case.state {
        CaseState::Resolved { resolved_by, resolved_at } => Some((resolved_at, resolved_by.as_str())),
        CaseState::Open | CaseState::Gone => None,
    });
    resolved.max_by_key(|(at, _)| **at).map(|(_, by)| by)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Fen;
    use crate::reconciliation::{Kind, PerSide};

    fn now() -> Timestamp {
        "2026-11-23T02:30:00Z".parse().unwrap()
    }

    fn note(text: &str) -> NoteText {
        NoteText::try_from(text.to_owned()).unwrap()
    }

    fn difference(fen: i64) -> Difference {
        Difference {
            id: "only_wechat-0123456789abcdef0123456789abcdef".parse().unwrap(),
            kind: Kind::Payment,
            number: "abc_01".into(),
            amounts: PerSide { wechat: Fen::new(fen).ok(), ..PerSide::default() },
            late_for: None,
        }
    }

    #[test]
    fn a_note_is_short_and_says_something() {
        assert_eq!(note(" 已电话核实\n次日补记 ").as_str(), "已电话核实\n次日补记");
        for wrong in ["", "  ", "a\tb", "a\u{0}", &"长".repeat(501)] {
            assert_eq!(NoteText::try_from(wrong.to_owned()), Err(NoteError), "{wrong}");
        }
        assert!(!format!("{:?}", note("林某")).contains('林'));
    }

    #[test]
    fn what_was_worked_off_stays_so_unless_the_figures_change() {
        let case = Case::found(difference(100), 1);
        let resolved = case.resolved("a", note("他院订单"), now()).unwrap();
        assert_eq!(resolved.resolved("b", note("又一次"), now()), Err(CaseError::NotOpen));
        assert_eq!(resolved.gone(), Err(CaseError::NotOpen));
        let same = resolved.found_again(difference(100), 2);
        assert_eq!((&same.state, same.run), (&resolved.state, 2));
        assert!(resolved.found_again(difference(101), 2).is_open());
        let gone = case.gone().unwrap();
        assert!(gone.found_again(difference(100), 3).is_open(), "back again");
    }

    #[test]
    fn notes_have_a_limit_that_leaves_room_for_the_end() {
        let mut case = Case::found(difference(100), 1);
        for _ in 0..NOTES_MAX {
            case = case.noted("a", note("核实中"), now()).unwrap();
        }
        assert_eq!(case.noted("a", note("核实中"), now()), Err(CaseError::NotesFull));
        assert!(case.resolved("a", note("已核实"), now()).is_ok());
    }

    #[test]
    fn the_last_resolver_is_the_latest() {
        let by = |who: &str, seconds| {
            let at = crate::time::add_seconds(now(), seconds);
            Case::found(difference(100), 1).resolved(who, note("核实"), at).unwrap()
        };
        assert_eq!(last_resolver(&[by("a", 9), by("b", 5), Case::found(difference(1), 1)]), Some("a"));
        assert_eq!(last_resolver(&[]), None);
    }
}
