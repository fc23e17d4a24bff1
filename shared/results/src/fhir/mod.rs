//! FHIR R4: results in (JSON and XML), and a report out as a bundle.

mod bundle;
mod narrative;
mod outcome;
mod parts;
mod read;
mod write;
mod xml;

pub use outcome::operation_outcome;
pub use read::{ITEMS_MAX, REPORTS_MAX, Results, read};
pub use write::write;

/// Which language a document is in, by its first letter.
pub fn is_xml(text: &str) -> bool {
    text.trim_start_matches(|c: char| c == '\u{FEFF}' || c.is_whitespace()).starts_with('<')
}
