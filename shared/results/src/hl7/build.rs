//! Segments as they are put together.

use super::message::{Component, Field, Repetition, Segment};
use crate::charset::Charset;
use std::collections::BTreeMap;

/// A segment of fields in their order.
pub(super) fn segment(name: &str, fields: impl IntoIterator<Item = Field>) -> Segment {
    Segment { name: name.to_owned(), fields: fields.into_iter().collect() }
}

/// A segment of some fields, by their numbers from 1; the others are empty.
pub(super) fn sparse(name: &str, fields: impl IntoIterator<Item = (usize, Field)>) -> Segment {
    let mut fields: BTreeMap<usize, Field> = fields.into_iter().collect();
    let last = fields.keys().next_back().copied().unwrap_or_default();
    segment(name, (1..=last).map(|number| fields.remove(&number).unwrap_or_default()))
}

/// A field of one text.
pub(super) fn plain(text: &str) -> Field {
    composite(&[text])
}

/// A field of components.
pub(super) fn composite(components: &[&str]) -> Field {
    Field(vec![Repetition(components.iter().map(|text| Component(vec![(*text).to_owned()])).collect())])
}

/// The name of an encoding in table 0211.
pub(super) fn charset_name(charset: Charset) -> &'static str {
    match charset {
        Charset::Utf8 => "UNICODE UTF-8",
        Charset::Gb18030 => "GB 18030-2000",
        Charset::Latin1 => "8859/1",
        Charset::Other(encoding) => encoding.name(),
    }
}
