//! HL7 v2 messages: segments, fields, repetitions, components, sub-components, with every escape resolved.
//!
//! Own code, because `hl7-parser` 0.3 does not serve: it reads one message of one string, leaves character sets, framing
//! and batches to others, keeps highlights, `\.br\` and `\X..\` in the text, has no bound on size, and its last release
//! is of February 2025.

use crate::charset::Charset;
use crate::fault::{Fault, FaultKind};
use std::fmt;

/// The largest message read, in characters.
pub const MESSAGE_CHARS_MAX: usize = 8 * 1024 * 1024;
/// The most segments of a message.
pub const SEGMENTS_MAX: usize = 20_000;
/// The most fields of a segment.
pub const FIELDS_MAX: usize = 512;
/// The most repetitions of a field, components of a repetition, sub-components of a component.
pub const PARTS_MAX: usize = 4_096;
/// The most lines `\.sp<n>\` makes.
const BLANK_LINES_MAX: usize = 20;

/// The delimiters of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Separators {
    /// Between fields.
    pub field: char,
    /// Between components.
    pub component: char,
    /// Between repetitions.
    pub repetition: char,
    /// Around escapes.
    pub escape: char,
    /// Between sub-components.
    pub subcomponent: char,
    /// At the end of a text that was cut (2.7 on).
    pub truncation: Option<char>,
}

impl Default for Separators {
    fn default() -> Self {
        Self { field: '|', component: '^', repetition: '~', escape: '\\', subcomponent: '&', truncation: None }
    }
}

impl Separators {
    /// Reads MSH-1 and MSH-2 from the beginning of a message.
    fn of(header: &str) -> Option<Self> {
        let mut chars = header
            .strip_prefix("MSH")
            .or_else(|| header.strip_prefix("FHS"))
            .or_else(|| header.strip_prefix("BHS"))?
            .chars();
        let field = chars.next()?;
        let declared: Vec<char> = chars.take_while(|c| *c != field && !matches!(c, '\r' | '\n')).collect();
        let defaults = Self::default();
        let at = |place: usize, default: char| declared.get(place).copied().unwrap_or(default);
        let separators = Self {
            field,
            component: at(0, defaults.component),
            repetition: at(1, defaults.repetition),
            escape: at(2, defaults.escape),
            subcomponent: at(3, defaults.subcomponent),
            truncation: declared.get(4).copied(),
        };
        separators.are_usable().then_some(separators)
    }

    fn all(&self) -> impl Iterator<Item = char> {
        [self.field, self.component, self.repetition, self.escape, self.subcomponent].into_iter().chain(self.truncation)
    }

    fn are_usable(&self) -> bool {
        let mut seen = Vec::new();
        self.all().all(|c| {
            let is_new = !seen.contains(&c);
            seen.push(c);
            is_new && !c.is_alphanumeric() && !c.is_whitespace() && !c.is_control()
        })
    }

    #[cfg(test)]
    fn declared(&self) -> String {
        [self.component, self.repetition, self.escape, self.subcomponent].into_iter().chain(self.truncation).collect()
    }
}

/// Sub-components, as text without escapes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Component(pub Vec<String>);

/// What a message says is health data: the number of sub-components only.
impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Component({} parts)", self.0.len())
    }
}

/// Components.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repetition(pub Vec<Component>);

/// Repetitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field(pub Vec<Repetition>);

/// A segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its name: `OBX`.
    pub name: String,
    /// Its fields, from 1. Of MSH, 1 and 2 are the delimiters as they stand.
    pub fields: Vec<Field>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its delimiters.
    pub separators: Separators,
    /// Its segments, MSH first.
    pub segments: Vec<Segment>,
}

/// A deletion (`""`) says that there is nothing.
const NULL: &str = "\"\"";

impl Component {
    /// A sub-component, from 1; empty where there is none.
    pub fn part(&self, number: usize) -> &str {
        number.checked_sub(1).and_then(|at| self.0.get(at)).map_or("", |text| without_null(text))
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|part| without_null(part).is_empty())
    }

    fn joined(&self) -> String {
        self.0.iter().map(|part| without_null(part)).collect::<Vec<_>>().join("&")
    }
}

/// What a deletion leaves is nothing.
fn without_null(text: &str) -> &str {
    if text == NULL { "" } else { text }
}

impl Repetition {
    /// A component, from 1.
    pub fn component(&self, number: usize) -> Option<&Component> {
        number.checked_sub(1).and_then(|at| self.0.get(at))
    }

    /// The first sub-component of a component, from 1; empty where there is none.
    pub fn text(&self, number: usize) -> &str {
        self.component(number).map_or("", |component| component.part(1))
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Component::is_empty)
    }

    /// All of it with the usual delimiters: for showing what no field is made for.
    pub fn joined(&self) -> String {
        let components = self.0.iter().map(Component::joined);
        components.collect::<Vec<_>>().join("^").trim_end_matches('^').to_owned()
    }
}

impl Field {
    /// Repetitions with something in them.
    pub fn repetitions(&self) -> impl Iterator<Item = &Repetition> {
        self.0.iter().filter(|repetition| !repetition.is_empty())
    }

    /// All of it with the usual delimiters.
    pub fn joined(&self) -> String {
        self.repetitions().map(Repetition::joined).collect::<Vec<_>>().join("~")
    }
}

impl Segment {
    /// A field, from 1.
    pub fn field(&self, number: usize) -> Option<&Field> {
        number.checked_sub(1).and_then(|at| self.fields.get(at))
    }

    /// The first repetition of a field.
    pub fn first(&self, number: usize) -> Option<&Repetition> {
        self.field(number).and_then(|field| field.0.first())
    }

    /// A component of the first repetition of a field; empty where there is none.
    pub fn text(&self, field: usize, component: usize) -> &str {
        self.first(field).map_or("", |repetition| repetition.text(component))
    }
}

impl Message {
    /// Reads one message. Lines that do not begin like a segment continue the text of the OBX or NTE before them:
    /// senders break long texts so.
    pub fn read(text: &str) -> Result<Self, Fault> {
        if text.chars().nth(MESSAGE_CHARS_MAX).is_some() {
            return Err(Fault::at("MSH", FaultKind::TooLarge));
        }
        let text = text.trim_start_matches(['\u{FEFF}', '\r', '\n', ' ']);
        let separators = Separators::of(text).filter(|_| text.starts_with("MSH"));
        let separators = separators.ok_or_else(|| Fault::at("MSH-2", FaultKind::Syntax))?;
        let mut segments: Vec<Segment> = Vec::new();
        for line in logical_lines(text, separators.field)? {
            if segments.len() >= SEGMENTS_MAX {
                return Err(Fault::at("MSH", FaultKind::TooMany));
            }
            let place = segments.len();
            segments.push(read_segment(&line, &separators).map_err(|kind| Fault::at(place_of(&line, place), kind))?);
        }
        Ok(Self { separators, segments })
    }

    /// Writes the message: what is read back is the same.
    pub fn write(&self) -> String {
        let mut written = String::new();
        for segment in &self.segments {
            written.push_str(&segment.name);
            // MSH-1 is the delimiter after the name, MSH-2 says the others; neither is escaped.
            let skipped = if is_header(&segment.name) {
                written.push(self.separators.field);
                written.push_str(segment.field(2).and_then(|field| field.0.first()).map_or("", |first| first.text(1)));
                2
            } else {
                0
            };
            for field in segment.fields.iter().skip(skipped) {
                written.push(self.separators.field);
                self.write_field(field, &mut written);
            }
            written.push('\r');
        }
        written
    }

    fn write_field(&self, field: &Field, written: &mut String) {
        for (at, repetition) in field.0.iter().enumerate() {
            if at > 0 {
                written.push(self.separators.repetition);
            }
            for (at, component) in repetition.0.iter().enumerate() {
                if at > 0 {
                    written.push(self.separators.component);
                }
                for (at, part) in component.0.iter().enumerate() {
                    if at > 0 {
                        written.push(self.separators.subcomponent);
                    }
                    self.separators.escape_into(part, written);
                }
            }
        }
    }

    /// Segments of a name.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Segment> {
        self.segments.iter().filter(move |segment| segment.name == name)
    }
}

fn is_header(name: &str) -> bool {
    matches!(name, "MSH" | "FHS" | "BHS")
}

/// Where a line stands, for a refusal: its name if it has one.
fn place_of(line: &str, at: usize) -> String {
    let name: String = line.chars().take(3).filter(char::is_ascii_alphanumeric).collect();
    format!("{name}[{}]", at + 1)
}

/// Whether a line begins with a segment's name.
pub(super) fn is_segment(line: &str, field: char) -> bool {
    let name = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    let Some((head, rest)) = line.split_at_checked(3) else { return false };
    head.bytes().all(|b| name(&b))
        && head.starts_with(|c: char| c.is_ascii_uppercase())
        && (rest.is_empty() || rest.starts_with(field))
}

/// Lines of a message, continued ones joined.
fn logical_lines(text: &str, field: char) -> Result<Vec<String>, Fault> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.split(['\r', '\n']).filter(|line| !line.trim().is_empty()) {
        if is_segment(line, field) {
            lines.push(line.to_owned());
            continue;
        }
        match lines.last_mut().filter(|last| last.starts_with("OBX") || last.starts_with("NTE")) {
            Some(last) => {
                last.push('\n');
                last.push_str(line);
            }
            None => return Err(Fault::at(format!("[{}]", lines.len() + 1), FaultKind::Syntax)),
        }
    }
    Ok(lines)
}

fn read_segment(line: &str, separators: &Separators) -> Result<Segment, FaultKind> {
    let mut parts = line.split(separators.field);
    let name = parts.next().unwrap_or_default().to_owned();
    let mut fields = Vec::new();
    if is_header(&name) {
        fields.push(verbatim(separators.field.to_string()));
        fields.push(verbatim(parts.next().unwrap_or_default().to_owned()));
    }
    for part in parts {
        if fields.len() >= FIELDS_MAX {
            return Err(FaultKind::TooMany);
        }
        fields.push(read_field(part, separators)?);
    }
    Ok(Segment { name, fields })
}

fn verbatim(text: String) -> Field {
    Field(vec![Repetition(vec![Component(vec![text])])])
}

fn read_field(text: &str, separators: &Separators) -> Result<Field, FaultKind> {
    let component =
        |text: &str| split(text, separators.subcomponent, |text| Ok(separators.unescape(text))).map(Component);
    let repetition = |text: &str| split(text, separators.component, component).map(Repetition);
    split(text, separators.repetition, repetition).map(Field)
}

fn split<T>(text: &str, at: char, read: impl Fn(&str) -> Result<T, FaultKind>) -> Result<Vec<T>, FaultKind> {
    let mut parts = Vec::new();
    for part in text.split(at) {
        if parts.len() >= PARTS_MAX {
            return Err(FaultKind::TooMany);
        }
        parts.push(read(part)?);
    }
    Ok(parts)
}

impl Separators {
    /// Text without escapes. An escape nobody knows stays as it is: nothing is lost.
    fn unescape(&self, text: &str) -> String {
        let mut plain = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(self.escape) {
            plain.push_str(before);
            let resolved =
                after.split_once(self.escape).and_then(|(sequence, tail)| Some((self.resolve(sequence)?, tail)));
            if let Some((meant, tail)) = resolved {
                plain.push_str(&meant);
                rest = tail;
            } else {
                plain.push(self.escape);
                rest = after;
            }
        }
        plain.push_str(rest);
        plain
    }

    fn resolve(&self, sequence: &str) -> Option<String> {
        match sequence {
            "F" => Some(self.field.to_string()),
            "S" => Some(self.component.to_string()),
            "T" => Some(self.subcomponent.to_string()),
            "R" => Some(self.repetition.to_string()),
            "E" => Some(self.escape.to_string()),
            "P" => self.truncation.map(String::from),
            // Highlighting says nothing that the text does not; word wrap is the page's business.
            "H" | "N" | ".fi" | ".nf" => Some(String::new()),
            ".br" | ".ce" => Some("\n".to_owned()),
            _ if sequence.starts_with(".sp") => {
                let lines = sequence.trim_start_matches(".sp").trim().trim_start_matches('+');
                let lines: usize = if lines.is_empty() { 1 } else { lines.parse().ok()? };
                (lines <= BLANK_LINES_MAX).then(|| "\n".repeat(lines))
            }
            _ if sequence.starts_with(".in") || sequence.starts_with(".ti") || sequence.starts_with(".sk") => {
                let number = sequence.get(3..)?.trim();
                number.trim_start_matches(['+', '-']).parse::<u8>().ok()?;
                Some(if sequence.starts_with(".sk") { " ".to_owned() } else { String::new() })
            }
            _ => hexadecimal(sequence.strip_prefix('X')?),
        }
    }

    fn escape_into(&self, text: &str, written: &mut String) {
        for c in text.chars() {
            let letter = match c {
                _ if c == self.field => "F",
                _ if c == self.component => "S",
                _ if c == self.subcomponent => "T",
                _ if c == self.repetition => "R",
                _ if c == self.escape => "E",
                _ if Some(c) == self.truncation => "P",
                '\n' => ".br",
                '\r' => "X0D",
                _ => {
                    written.push(c);
                    continue;
                }
            };
            written.push(self.escape);
            written.push_str(letter);
            written.push(self.escape);
        }
    }
}

/// `X0D0A`: bytes of the message's encoding. They are read as UTF-8 or GB18030; what is neither stays an escape.
fn hexadecimal(digits: &str) -> Option<String> {
    if digits.is_empty() || !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return None;
    }
    let pairs = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok());
    let bytes: Vec<u8> = pairs.collect::<Option<_>>()?;
    Charset::Utf8.decode(&bytes).or_else(|_| Charset::Gb18030.decode(&bytes)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Message {
        Message::read(text).unwrap()
    }

    const HEADER: &str = "MSH|^~\\&|A|B|C|D|20261123||ORU^R01|1|P|2.5\r";

    fn value(obx: &str) -> String {
        read(&format!("{HEADER}OBX|1|TX|1||{obx}")).segments[1].text(5, 1).to_owned()
    }

    #[test]
    fn escapes_are_resolved() {
        for (sent, meant) in [
            (r"a\F\b\S\c\T\d\R\e\E\f", r"a|b^c&d~e\f"),
            (r"\H\bold\N\", "bold"),
            (r"one\.br\two\.sp2\three", "one\ntwo\n\nthree"),
            (r"\.in+4\x\.sk3\y", "x y"),
            (r"\X41C3A4\", "Aä"),
            (r"\XB0D7\", "白"),
            (r"\Zfoo\", r"\Zfoo\"),
            (r"C:\dir", r"C:\dir"),
            (r"\.sp99999999\", r"\.sp99999999\"),
            (r"\Xzz\", r"\Xzz\"),
        ] {
            assert_eq!(value(sent), meant, "{sent}");
        }
    }

    #[test]
    fn delimiters_are_as_declared() {
        let message = read("MSH$%~!@$App\rPID$1$$12%34@5~6\r");
        assert_eq!(message.segments[1].text(3, 1), "12");
        assert_eq!(message.segments[1].first(3).unwrap().component(2).unwrap().part(2), "5");
        assert_eq!(message.segments[1].field(3).unwrap().repetitions().count(), 2);
        for wrong in ["MSH|^^\\&|", "MSHA^~\\&A", "MSH", "MSH|", "", "PID|1", "FHS|^~\\&|"] {
            let is_default = Message::read(wrong).is_ok_and(|message| message.separators == Separators::default());
            assert!(is_default == (wrong == "MSH|"), "{wrong}");
        }
    }

    #[test]
    fn lines_end_in_any_way_and_long_texts_go_on() {
        for end in ["\r", "\n", "\r\n"] {
            let message = read(&format!("\u{FEFF}MSH|^~\\&|A{end}OBX|1|TX|1||one{end}two{end}{end}NTE|1||n{end}"));
            assert_eq!(message.segments.len(), 3);
            assert_eq!(message.segments[1].text(5, 1), "one\ntwo");
        }
        assert_eq!(Message::read("MSH|^~\\&|A\rgarbage").unwrap_err().place, "[2]");
    }

    #[test]
    fn a_deletion_is_nothing() {
        assert_eq!(value("\"\""), "");
    }

    #[test]
    fn sizes_are_bounded() {
        let fields = format!("{HEADER}OBX{}", "|1".repeat(FIELDS_MAX + 1));
        assert_eq!(Message::read(&fields).unwrap_err(), Fault::at("OBX[2]", FaultKind::TooMany));
        let segments = format!("{HEADER}{}", "NTE|1\r".repeat(SEGMENTS_MAX));
        assert_eq!(Message::read(&segments).unwrap_err().kind, FaultKind::TooMany);
    }

    fn part() -> impl Strategy<Value = String> {
        prop_oneof!["[^\\p{C}]{0,12}", "[|^~\\\\&#\n\rA-Z.]{0,12}"]
    }

    fn repetitions() -> impl Strategy<Value = Field> {
        let component = prop::collection::vec(part(), 1..3).prop_map(Component);
        let repetition = prop::collection::vec(component, 1..4).prop_map(Repetition);
        prop::collection::vec(repetition, 1..3).prop_map(Field)
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            fields in prop::collection::vec(repetitions(), 1..6),
            delimiters in prop::sample::select(vec!["|^~\\&", "$%*!@", "|^~\\&#"]),
        ) {
            let separators = Separators::of(&format!("MSH{delimiters}")).unwrap();
            let header = Segment { name: "MSH".into(), fields: vec![verbatim(separators.field.to_string()), verbatim(separators.declared())] };
            let message = Message { separators, segments: vec![header, Segment { name: "OBX".into(), fields }] };
            prop_assert_eq!(Message::read(&message.write()).unwrap(), message);
        }

        #[test]
        fn any_text_answers(text in "\\PC*", escapes in "[\\\\|^~&A-Z0-9.\r\n]{0,60}") {
            let _ = Message::read(&text);
            let _ = Message::read(&format!("{HEADER}OBX|{escapes}"));
        }
    }
}
