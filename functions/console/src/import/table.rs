//! Bytes of a file → lines of fields.

use std::borrow::Cow;

use encoding_rs::{Encoding, GB18030};

use super::Problem;

const MIB: usize = 1024 * 1024;
/// Bytes of a file: what one request to a Lambda function carries (6 MB, less a third for base64).
pub const FILE_BYTES_MAX: usize = 4 * MIB;
/// Lines of a file without the header.
pub const ROWS_MAX: usize = 20_000;
/// What may stand between two fields. Of equals the first wins.
const DELIMITERS: [u8; 3] = *b",\t;";

/// A file as lines of fields.
pub(super) struct Table {
    pub(super) header: Line,
    pub(super) rows: Vec<Line>,
}

/// One record and the number of the line it starts on.
pub(super) struct Line {
    pub(super) number: u64,
    fields: csv::StringRecord,
}

impl Line {
    pub(super) fn field(&self, place: usize) -> &str {
        self.fields.get(place).unwrap_or_default()
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        self.fields.iter()
    }

    /// Excel saves rows that were cleared as nothing but separators.
    fn is_blank(&self) -> bool {
        self.fields().all(|field| field.trim().is_empty())
    }
}

impl Table {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Problem> {
        if bytes.len() > FILE_BYTES_MAX {
            return Err(Problem::FileTooLarge { mib_max: FILE_BYTES_MAX / MIB });
        }
        let text = decode(bytes)?;
        // The reader forgives an open quote and swallows the lines after it; losing clinics silently is no option.
        if !text.bytes().filter(|b| *b == b'"').count().is_multiple_of(2) {
            return Err(Problem::Quotes);
        }
        let mut lines = Vec::new();
        for line in lines_of(&text) {
            if lines.len() > ROWS_MAX {
                return Err(Problem::TooManyRows { rows_max: ROWS_MAX });
            }
            lines.push(line?);
        }
        let mut lines = lines.into_iter();
        let header = lines.next().ok_or(Problem::NoRows)?;
        let rows: Vec<Line> = lines.collect();
        if rows.is_empty() { Err(Problem::NoRows) } else { Ok(Self { header, rows }) }
    }
}

/// The text of a file: by its mark, else strict UTF-8, else GB18030, which Chinese Excel writes as plain "CSV". Text
/// in GB18030 is hardly ever valid UTF-8, so the order is safe.
fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Problem> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let (_, body) = bytes.split_at_checked(mark).ok_or(Problem::Encoding)?;
        return encoding.decode_without_bom_handling_and_without_replacement(body).ok_or(Problem::Encoding);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        // Somebody on the way took GB18030 for UTF-8: the characters are lost.
        return if text.contains(char::REPLACEMENT_CHARACTER) {
            Err(Problem::Encoding)
        } else {
            Ok(Cow::Borrowed(text))
        };
    }
    GB18030.decode_without_bom_handling_and_without_replacement(bytes).ok_or(Problem::Encoding)
}

fn lines_of(text: &str) -> impl Iterator<Item = Result<Line, Problem>> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(text))
        .from_reader(text.as_bytes())
        .into_records()
        .map(|record| Ok(line(text, record.map_err(|_| Problem::Encoding)?)))
        .filter(|line| line.as_ref().map_or(true, |line| !line.is_blank()))
}

/// The reader counts from where the previous record ended: blank lines in between belong to no record.
fn line(text: &str, fields: csv::StringRecord) -> Line {
    let (line, start) = fields.position().map_or((1, 0), |at| (at.line(), at.byte()));
    let rest = usize::try_from(start).ok().and_then(|start| text.get(start..)).unwrap_or_default();
    let blank = rest.bytes().take_while(|b| matches!(b, b'\r' | b'\n')).filter(|b| *b == b'\n').count();
    Line { number: line.saturating_add(u64::try_from(blank).unwrap_or(0)), fields }
}

/// The separator the header uses most.
fn delimiter(text: &str) -> u8 {
    let header = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let uses = |delimiter: u8| header.bytes().filter(|b| *b == delimiter).count();
    DELIMITERS.into_iter().rev().max_by_key(|delimiter| uses(*delimiter)).unwrap_or(b',')
}
