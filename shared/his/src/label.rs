//! Texts of the hospital that are only shown.

use std::fmt;

/// The longest text that is kept, in characters; what is longer is cut, because a bill is not refused for its prose.
pub const LABEL_CHARS_MAX: usize = 100;

/// A text of the hospital's to show: one line, no control characters, at most [`LABEL_CHARS_MAX`] characters.
///
/// What somebody pays for is health data, so `Debug` shows its length only and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Label(String);

impl Label {
    /// The text on one line, cut to size.
    pub fn new(text: &str) -> Self {
        let one_line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let trimmed = one_line.trim();
        if trimmed.chars().count() <= LABEL_CHARS_MAX {
            return Self(trimmed.to_owned());
        }
        Self(trimmed.chars().take(LABEL_CHARS_MAX - 1).chain(['…']).collect())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Label({} characters)", self.0.chars().count())
    }
}

impl<'de> serde::Deserialize<'de> for Label {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::new(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_one_short_line() {
        assert_eq!(Label::new(" 采血处\n3 号\u{7} ").as_str(), "采血处 3 号");
        assert!(Label::new("\t ").is_empty());
        let long = Label::new(&"检".repeat(LABEL_CHARS_MAX + 1));
        assert_eq!(long.as_str().chars().count(), LABEL_CHARS_MAX);
        assert!(long.as_str().ends_with('…'));
        assert_eq!(Label::new(&"检".repeat(LABEL_CHARS_MAX)).as_str().chars().last(), Some('检'));
    }

    #[test]
    fn debug_does_not_say_what_it_is() {
        assert_eq!(format!("{:?}", Label::new("血脂四项")), "Label(4 characters)");
    }
}
