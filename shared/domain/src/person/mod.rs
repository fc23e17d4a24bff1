//! Who a person is: identity document, name, phone, age.
//!
//! Values here are personal data. None of them implements `Display` or `Serialize`: `Debug` and `masked()` are safe to
//! print, `expose()` hands out the clear text for sealing or matching and is easy to find in review.

mod age;
mod document;
mod name;
mod phone;

pub use age::{ADULT_AGE_YEARS, CONSENT_AGE_YEARS, age_on};
pub use document::{DocumentError, DocumentKind, IdDocument, IdentityKey, Sex, TAIL_CHARS, UnknownDocumentKind};
pub use name::{NameError, NameMatch, PersonName, may_stand_for, same_person_name};
pub use phone::{Phone, PhoneError};

use unicode_normalization::UnicodeNormalization;

/// Longest raw input looked at, in characters. NFKC can grow a text about eighteen-fold, so the cap comes first.
const RAW_CHARS_MAX: usize = 128;

/// Typed text in its compatibility form: full-width letters and digits become plain ones, invisible characters go.
/// `None` when the text is longer than any real document, name or phone.
fn folded(raw: &str) -> Option<String> {
    if raw.chars().nth(RAW_CHARS_MAX).is_some() {
        return None;
    }
    Some(raw.nfkc().filter(|c| !is_invisible(*c)).collect())
}

/// Typed text with full-width letters and digits as plain ones, without invisible characters and white space. `None`
/// when it is longer than any real document, name or phone.
pub fn compact(raw: &str) -> Option<String> {
    folded(raw).map(|text| text.chars().filter(|c| !c.is_whitespace()).collect())
}

/// Characters that copying from a chat or a web page leaves behind and nobody sees.
fn is_invisible(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(c, '\u{00AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}')
        || matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{E0100}'..='\u{E01EF}')
}

/// The first `head` and last `tail` characters with stars between; nothing but stars for a text too short to hide
/// anything that way.
fn mask(text: &str, head: usize, tail: usize) -> String {
    let length = text.chars().count();
    if length <= head.saturating_add(tail) {
        return "*".repeat(length);
    }
    let hidden = head..length.saturating_sub(tail);
    text.chars().enumerate().map(|(at, c)| if hidden.contains(&at) { '*' } else { c }).collect()
}
