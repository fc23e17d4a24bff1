//! Texts as a sender wrote them.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A text exactly as it was sent, to the letter.
///
/// What a report says is health data, so `Debug` shows its length only and there is no `Display`.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(String);

impl Text {
    /// A text as sent.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, or none where nothing but white space was sent.
    pub fn some(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        if text.trim().is_empty() { None } else { Some(Self(text)) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing was sent.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} characters)", self.0.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_say_what_it_is() {
        assert_eq!(format!("{:?}", Text::from("阳性")), "Text(2 characters)");
    }

    #[test]
    fn white_space_is_no_text() {
        assert_eq!(Text::some(" \r\n"), None);
        assert_eq!(Text::some(" a ").map(|text| text.as_str().to_owned()), Some(" a ".to_owned()));
    }
}
