//! Lines of fields → typed values under named columns, with every mistake noted.

use std::collections::BTreeMap;
use std::str::FromStr;

use domain::money::Fen;
use unicode_normalization::UnicodeNormalization;

use super::problem::{Problem, RowError};
use super::table::{Line, Table};
use super::{ERRORS_MAX, Import};

/// Characters of a code or any other short value that is not prose.
const PLAIN_CHARS_MAX: usize = 64;

/// A column: the title shown to staff, other names files use, whether a file must have it.
pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) also: &'static [&'static str],
    pub(super) required: bool,
}

impl Column {
    pub(super) const fn required(title: &'static str, also: &'static [&'static str]) -> Self {
        Self { title, also, required: true }
    }

    pub(super) const fn optional(title: &'static str, also: &'static [&'static str]) -> Self {
        Self { title, also, required: false }
    }

    /// A required column is marked `*` in many templates; case and spaces do not matter.
    fn is_named(&self, header: &str) -> bool {
        let header = plain(header).trim_matches('*').trim().to_lowercase();
        header == self.title || self.also.contains(&header.as_str())
    }
}

/// Reads every line of a file through `row`, which answers `None` after noting what is wrong.
pub(super) fn read<T>(
    bytes: &[u8],
    columns: &'static [&'static Column],
    mut row: impl FnMut(&mut Cells<'_>) -> Option<T>,
) -> Import<T> {
    let (table, places) = match open(bytes, columns) {
        Ok(opened) => opened,
        Err(errors) => return Import { rows: Vec::new(), errors },
    };
    let mut rows = Vec::new();
    let mut errors = Vec::new();
    for line in &table.rows {
        let mut cells = Cells { line, places: &places, errors: Vec::new() };
        cells.check_width(table.header.fields().count());
        let value = row(&mut cells);
        if cells.errors.is_empty() {
            rows.extend(value);
        }
        errors.append(&mut cells.errors);
    }
    Import { rows, errors: capped(errors) }
}

/// The first errors and how many more there are.
pub(super) fn capped(mut errors: Vec<RowError>) -> Vec<RowError> {
    let count = errors.len().saturating_sub(ERRORS_MAX);
    if count > 0 {
        errors.truncate(ERRORS_MAX);
        errors.push(RowError::file(Problem::More { count }));
    }
    errors
}

type Places = BTreeMap<&'static str, usize>;

fn open(bytes: &[u8], columns: &'static [&'static Column]) -> Result<(Table, Places), Vec<RowError>> {
    let table = Table::read(bytes).map_err(|problem| vec![RowError::file(problem)])?;
    let mut places = Places::new();
    let mut problems = Vec::new();
    for (place, name) in table.header.fields().enumerate() {
        match columns.iter().find(|column| column.is_named(name)) {
            Some(column) if places.insert(column.title, place).is_some() => {
                problems.push(Problem::ColumnRepeated { column: column.title });
            }
            Some(_) => {}
            None if name.trim().is_empty() => {}
            None => problems.push(Problem::ColumnUnknown { place: place.saturating_add(1) }),
        }
    }
    let missing = columns.iter().filter(|column| column.required && !places.contains_key(column.title));
    problems.extend(missing.map(|column| Problem::ColumnMissing { column: column.title }));
    if problems.is_empty() {
        return Ok((table, places));
    }
    let line = Some(table.header.number);
    Err(problems.into_iter().map(|problem| RowError { line, problem }).collect())
}

/// There is a value, and it is wrong: the mistake has been noted.
pub(super) struct Noted;

/// The fields of one line, by column.
pub(super) struct Cells<'a> {
    line: &'a Line,
    places: &'a Places,
    errors: Vec<RowError>,
}

impl Cells<'_> {
    pub(super) fn line(&self) -> u64 {
        self.line.number
    }

    /// Notes a mistake of this line.
    pub(super) fn note(&mut self, problem: Problem) {
        self.errors.push(RowError { line: Some(self.line.number), problem });
    }

    fn raw(&self, column: &Column) -> &str {
        self.places.get(column.title).map_or("", |place| self.line.field(*place))
    }

    fn check_width(&mut self, width: usize) {
        if self.line.fields().skip(width).any(|field| !field.trim().is_empty()) {
            self.note(Problem::FieldsExtra);
        }
    }

    /// A code, number, date or time: compatibility form, no spaces around. `None` when empty.
    pub(super) fn plain(&mut self, column: &Column) -> Option<String> {
        let text = plain(self.raw(column));
        if text.chars().nth(PLAIN_CHARS_MAX).is_some() {
            self.note(Problem::TooLong { column: column.title, chars_max: PLAIN_CHARS_MAX });
            return None;
        }
        Some(text).filter(|text| !text.is_empty())
    }

    /// As [`Cells::plain`]; an empty value is noted.
    pub(super) fn needed(&mut self, column: &Column) -> Option<String> {
        let before = self.errors.len();
        let text = self.plain(column);
        if text.is_none() && self.errors.len() == before {
            self.note(Problem::Empty { column: column.title });
        }
        text
    }

    /// Prose as staff wrote it, without control characters; line breaks stay. Empty when there is none.
    pub(super) fn prose(&mut self, column: &Column, chars_max: usize) -> Option<String> {
        let text = self.raw(column).replace("\r\n", "\n");
        let text: String = text.chars().filter(|c| !c.is_control() || *c == '\n').collect();
        let text = text.trim();
        if text.chars().nth(chars_max).is_some() {
            self.note(Problem::TooLong { column: column.title, chars_max });
            return None;
        }
        Some(text.to_owned())
    }

    /// Prose on one line.
    pub(super) fn words(&mut self, column: &Column, chars_max: usize) -> Option<String> {
        self.prose(column, chars_max).map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// Prose on one line that must be there.
    pub(super) fn name(&mut self, column: &Column, chars_max: usize) -> Option<String> {
        let text = self.words(column, chars_max)?;
        if text.is_empty() {
            self.note(Problem::Empty { column: column.title });
            return None;
        }
        Some(text)
    }

    /// An identifier that must be there.
    pub(super) fn id<I: FromStr>(&mut self, column: &Column) -> Option<I> {
        let text = self.needed(column)?;
        self.parsed(column, text, "只能用字母、数字、- 和 _", |text| text.parse().ok())
    }

    /// An identifier that may be missing.
    pub(super) fn optional_id<I: FromStr>(&mut self, column: &Column) -> Result<Option<I>, Noted> {
        if self.raw(column).trim().is_empty() { Ok(None) } else { self.id(column).map(Some).ok_or(Noted) }
    }

    /// An amount in yuan.
    pub(super) fn yuan(&mut self, column: &Column) -> Option<Fen> {
        let text = self.needed(column)?;
        self.parsed(column, text, "应为以元为单位的金额, 最多两位小数", |text| {
            Fen::from_yuan(text.trim_start_matches('¥').trim_end_matches('元').trim()).ok()
        })
    }

    /// Reads `text`, or notes that it does not fit.
    pub(super) fn parsed<V>(
        &mut self,
        column: &Column,
        text: String,
        hint: &'static str,
        read: impl FnOnce(&str) -> Option<V>,
    ) -> Option<V> {
        let value = read(&text);
        if value.is_none() {
            self.note(Problem::Invalid { column: column.title, value: text, hint });
        }
        value
    }

    /// Remembers the key of this line; notes an earlier line with the same.
    pub(super) fn unique<K: Ord>(&mut self, column: &'static str, seen: &mut BTreeMap<K, u64>, key: K) {
        match seen.get(&key).copied() {
            Some(first_line) => self.note(Problem::Repeated { column, first_line }),
            None => {
                seen.insert(key, self.line.number);
            }
        }
    }
}

/// Full-width letters and digits become plain, spaces around go; `="0012"`, which keeps zeros in Excel, is opened.
fn plain(text: &str) -> String {
    let text: String = text.nfkc().filter(|c| !c.is_control() && *c != '\u{200B}' && *c != '\u{FEFF}').collect();
    let text = text.trim();
    let inner = text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    inner.unwrap_or(text).trim().to_owned()
}
