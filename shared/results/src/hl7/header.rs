//! The header of a message, and its acknowledgement.

use super::build::{composite, plain, segment};
use super::message::{Component, Field, Message, Separators};
use crate::fault::{Fault, FaultKind};
use domain::Timestamp;
use domain::report::When;
use domain::time::wall_clock;

/// The longest control id taken, in characters (MSH-10 is 199 from 2.7 on).
pub const CONTROL_ID_CHARS_MAX: usize = 199;
/// The most bytes before MSH: an MLLP frame's first, a byte order mark, ends of lines.
const BEFORE_BYTES_MAX: usize = 16;

/// When an acknowledgement of one kind is wanted (table 0155).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// `AL`
    Always,
    /// `NE`
    Never,
    /// `ER`: only of a refusal.
    OnError,
    /// `SU`: only of a success.
    OnSuccess,
}

impl Wanted {
    fn read(code: &str) -> Option<Self> {
        match code {
            "AL" => Some(Self::Always),
            "NE" => Some(Self::Never),
            "ER" => Some(Self::OnError),
            "SU" => Some(Self::OnSuccess),
            _ => None,
        }
    }

    fn applies(self, is_success: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::OnError => !is_success,
            Self::OnSuccess => is_success,
        }
    }
}

/// What MSH says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// MSH-3 and MSH-4: application and facility that send.
    pub sender: [Field; 2],
    /// MSH-5 and MSH-6: application and facility that receive.
    pub receiver: [Field; 2],
    /// MSH-7.
    pub sent_at: Option<When>,
    /// MSH-9.1 and MSH-9.2: `ORU`, `R01`.
    pub kind: (String, String),
    /// MSH-10.
    pub control_id: String,
    /// MSH-11: `P`, `T`, `D`.
    pub processing: String,
    /// MSH-12.
    pub version: String,
    /// MSH-15 and MSH-16: commit and application acknowledgement. Either makes it the enhanced mode.
    pub wanted: (Option<Wanted>, Option<Wanted>),
}

impl Header {
    /// Reads MSH. Without a control id nothing can be acknowledged, and without a version 2.x nothing is understood.
    pub fn read(message: &Message) -> Result<Self, Fault> {
        let msh = message.segments.first().filter(|first| first.name == "MSH");
        let msh = msh.ok_or_else(|| Fault::at("MSH", FaultKind::Missing))?;
        let field = |number: usize| msh.field(number).cloned().unwrap_or_default();
        let control_id = msh.text(10, 1);
        if control_id.is_empty() || control_id.chars().nth(CONTROL_ID_CHARS_MAX).is_some() {
            return Err(Fault::at("MSH-10", FaultKind::Missing));
        }
        let version = msh.text(12, 1);
        if !version.starts_with("2.") {
            return Err(Fault::at("MSH-12", FaultKind::Unsupported));
        }
        Ok(Self {
            sender: [field(3), field(4)],
            receiver: [field(5), field(6)],
            sent_at: When::from_hl7(msh.text(7, 1)).ok(),
            kind: (msh.text(9, 1).to_owned(), msh.text(9, 2).to_owned()),
            control_id: control_id.to_owned(),
            processing: msh.text(11, 1).to_owned(),
            version: version.to_owned(),
            wanted: (Wanted::read(msh.text(15, 1)), Wanted::read(msh.text(16, 1))),
        })
    }

    /// What can be said of a message that cannot be read: enough to answer to its number, where it has one.
    pub fn of_unreadable(bytes: &[u8]) -> Self {
        let mut header = Self {
            sender: [Field::default(), Field::default()],
            receiver: [Field::default(), Field::default()],
            sent_at: None,
            kind: (String::new(), String::new()),
            control_id: String::new(),
            processing: "P".into(),
            version: "2.5".into(),
            wanted: (None, None),
        };
        let text = encoding_rs::mem::decode_latin1(bytes);
        let begun = text.split_once("MSH").filter(|(before, _)| before.len() <= BEFORE_BYTES_MAX);
        let line = begun.and_then(|(_, rest)| rest.split(['\r', '\n']).next());
        let Some(read) = line.and_then(|line| Message::read(&format!("MSH{line}")).ok()) else { return header };
        let Some(msh) = read.segments.first() else { return header };
        // Names may be of any encoding: only what is plain is given back.
        let plain = |number, component| Some(msh.text(number, component)).filter(|text| text.is_ascii());
        let control_id = plain(10, 1).filter(|id| id.len() <= CONTROL_ID_CHARS_MAX);
        control_id.unwrap_or_default().clone_into(&mut header.control_id);
        header.kind = (plain(9, 1).unwrap_or_default().to_owned(), plain(9, 2).unwrap_or_default().to_owned());
        if let Some(version) = plain(12, 1).filter(|version| version.starts_with("2.")) {
            version.clone_into(&mut header.version);
        }
        if let Some(processing) = plain(11, 1).filter(|processing| !processing.is_empty()) {
            processing.clone_into(&mut header.processing);
        }
        header.wanted = (Wanted::read(msh.text(15, 1)), Wanted::read(msh.text(16, 1)));
        header
    }

    /// Whether it is one of a type: `ORU`, `R01`. A sender that leaves out the event means the one there is.
    pub fn is(&self, kind: &str, event: &str) -> bool {
        self.kind.0 == kind && (self.kind.1 == event || self.kind.1.is_empty())
    }

    /// Who sends, in one word: the facility, else the application.
    pub fn sender_name(&self) -> String {
        let [application, facility] = &self.sender;
        let name =
            |field: &Field| field.0.first().map(|first| first.text(1).to_owned()).filter(|name| !name.is_empty());
        name(facility).or_else(|| name(application)).unwrap_or_default()
    }

    fn is_enhanced(&self) -> bool {
        self.wanted.0.is_some() || self.wanted.1.is_some()
    }
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Taken.
    Accepted,
    /// Its content cannot be taken as it is (`AE`). It may be kept whole all the same, for people to look at.
    Error(Fault),
    /// It cannot be taken whatever its content: type, version, or nothing can be taken now (`AR`).
    Rejected(Fault),
}

/// The acknowledgements a message wants: none, a commit (`CA` `CE` `CR`), an application one (`AA` `AE` `AR`), or both.
/// `id` begins the control ids of ours; `now` is our time.
pub fn acknowledge(header: &Header, outcome: &Outcome, id: &str, now: Timestamp) -> Vec<Message> {
    let is_success = *outcome == Outcome::Accepted;
    let letter = match outcome {
        Outcome::Accepted => 'A',
        Outcome::Error(_) => 'E',
        Outcome::Rejected(_) => 'R',
    };
    if !header.is_enhanced() {
        return vec![acknowledgement(header, outcome, &format!("A{letter}"), id, now)];
    }
    let wants = |wanted: Option<Wanted>| wanted.is_some_and(|wanted| wanted.applies(is_success));
    let commit = wants(header.wanted.0).then(|| format!("C{letter}"));
    let application = wants(header.wanted.1).then(|| format!("A{letter}"));
    let codes = commit.into_iter().chain(application);
    codes
        .map(|code| acknowledgement(header, outcome, &code, &format!("{id}{}", code.get(..1).unwrap_or_default()), now))
        .collect()
}

fn acknowledgement(header: &Header, outcome: &Outcome, code: &str, id: &str, now: Timestamp) -> Message {
    let [application, facility] = header.receiver.clone();
    let [to_application, to_facility] = header.sender.clone();
    let separators = Separators::default();
    let msh = [
        plain(&separators.field.to_string()),
        plain("^~\\&"),
        application,
        facility,
        to_application,
        to_facility,
        plain(&wall_clock(now).strftime("%Y%m%d%H%M%S+0800").to_string()),
        Field::default(),
        kind_of(header),
        plain(id),
        plain(&header.processing),
        plain(&header.version),
    ];
    let msa = [plain(code), plain(&header.control_id)];
    let mut segments = vec![segment("MSH", msh), segment("MSA", msa)];
    if let Outcome::Error(fault) | Outcome::Rejected(fault) = outcome {
        segments.push(segment("ERR", error_fields(header, fault)));
    }
    Message { separators, segments }
}

/// MSH-9: before 2.3.1 the general acknowledgement has a type alone.
fn kind_of(header: &Header) -> Field {
    match header.version.as_str() {
        "2.1" | "2.2" | "2.3" => plain("ACK"),
        _ => composite(&["ACK", &header.kind.1, "ACK"]),
    }
}

/// ERR: before 2.5 one field with place and code, after it the place, the code and the severity apart.
fn error_fields(header: &Header, fault: &Fault) -> Vec<Field> {
    let (name, sequence, field) = place(&fault.place);
    let (code, text) = condition(fault.kind);
    if is_before_2_5(&header.version) {
        let code = Component(vec![code.to_owned(), text.to_owned(), "HL70357".to_owned()]);
        let mut place = composite(&[name, sequence, field]);
        if let Some(first) = place.0.first_mut() {
            first.0.push(code);
        }
        return vec![place];
    }
    // What the user may read says no more than the place and the rule.
    let words = fault.to_string();
    vec![
        Field::default(),
        composite(&[name, sequence, field]),
        composite(&[code, text, "HL70357"]),
        plain("E"),
        Field::default(),
        Field::default(),
        plain(&words),
    ]
}

fn is_before_2_5(version: &str) -> bool {
    let minor = version.strip_prefix("2.").and_then(|rest| rest.chars().next()).and_then(|digit| digit.to_digit(10));
    minor.is_some_and(|minor| minor < 5)
}

/// `OBX[3]-5` in parts: segment, which of them, field.
fn place(place: &str) -> (&str, &str, &str) {
    let (segment, field) = place.split_once('-').unwrap_or((place, ""));
    let (name, sequence) = segment.split_once('[').unwrap_or((segment, "1]"));
    (name, sequence.trim_end_matches(']'), field)
}

/// The condition of table 0357.
fn condition(kind: FaultKind) -> (&'static str, &'static str) {
    match kind {
        FaultKind::Missing => ("101", "Required field missing"),
        FaultKind::Syntax | FaultKind::Encoding => ("102", "Data type error"),
        FaultKind::UnknownCode => ("103", "Table value not found"),
        FaultKind::Unsupported => ("200", "Unsupported message type"),
        FaultKind::Dangling | FaultKind::OtherPatient => ("204", "Unknown key identifier"),
        FaultKind::Twice => ("205", "Duplicate key identifier"),
        FaultKind::TooLarge
        | FaultKind::TooMany
        | FaultKind::TooDeep
        | FaultKind::Disagrees
        | FaultKind::Unavailable => ("207", "Application internal error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(msh: &str) -> Header {
        Header::read(&Message::read(msh).unwrap()).unwrap()
    }

    fn codes(header: &Header, outcome: &Outcome) -> Vec<String> {
        let messages = acknowledge(header, outcome, "M1", "2026-11-23T02:00:00Z".parse().unwrap());
        messages.iter().map(|message| message.segments[1].text(1, 1).to_owned()).collect()
    }

    #[test]
    fn both_modes_answer_as_asked() {
        let fault = || Fault::at("OBX[3]-11", FaultKind::UnknownCode);
        let original = header("MSH|^~\\&|LIS|LAB|DESK|H|2026||ORU^R01|17|P|2.5");
        assert_eq!(codes(&original, &Outcome::Accepted), ["AA"]);
        assert_eq!(codes(&original, &Outcome::Error(fault())), ["AE"]);
        assert_eq!(codes(&original, &Outcome::Rejected(fault())), ["AR"]);
        let enhanced = |msh15: &str, msh16: &str| {
            header(&format!("MSH|^~\\&|LIS|LAB|DESK|H|2026||ORU^R01|17|P|2.5|||{msh15}|{msh16}"))
        };
        assert_eq!(codes(&enhanced("AL", "NE"), &Outcome::Accepted), ["CA"]);
        assert_eq!(codes(&enhanced("AL", "AL"), &Outcome::Accepted), ["CA", "AA"]);
        assert_eq!(codes(&enhanced("ER", "NE"), &Outcome::Accepted), [""; 0]);
        assert_eq!(codes(&enhanced("ER", "ER"), &Outcome::Error(fault())), ["CE", "AE"]);
        assert_eq!(codes(&enhanced("NE", "SU"), &Outcome::Error(fault())), [""; 0]);
    }

    #[test]
    fn an_acknowledgement_names_message_and_place() {
        let header = header("MSH|^~\\&|LIS|LAB|DESK|H|2026||ORU^R01|17|P|2.5.1");
        let outcome = Outcome::Error(Fault::at("OBX[3]-11", FaultKind::UnknownCode));
        let answer = acknowledge(&header, &outcome, "M1", "2026-11-23T02:00:00Z".parse().unwrap()).remove(0);
        assert_eq!(
            answer.write().replace('\r', "\n"),
            "MSH|^~\\&|DESK|H|LIS|LAB|20261123100000+0800||ACK^R01^ACK|M1|P|2.5.1\nMSA|AE|17\n\
             ERR||OBX^3^11|103^Table value not found^HL70357|E|||OBX[3]-11: its code is unknown\n"
        );
    }

    #[test]
    fn an_older_sender_gets_the_older_error() {
        let header = header("MSH|^~\\&|LIS|LAB|DESK|H|2026||ORU^R01|17|P|2.3");
        let outcome = Outcome::Error(Fault::at("PID-3", FaultKind::Missing));
        let answer = acknowledge(&header, &outcome, "M1", "2026-11-23T02:00:00Z".parse().unwrap()).remove(0);
        assert_eq!(answer.segments[2].field(1).unwrap().joined(), "PID^1^3^101&Required field missing&HL70357");
    }

    #[test]
    fn what_cannot_be_read_is_answered_by_its_number() {
        for (bytes, number) in [
            (&b"\x0BMSH|^~\\&|\xC1\xD6|H|||2026||ORU^R01|17|P|2.4\rgarbage"[..], "17"),
            (b"MSH|^~\\&|LIS|H|||2026||ORU^R01|18|P", "18"),
            (b"MSH|^~\\&|LIS|H|||2026||ORU^R01|\xC1\xD6|P|2.4", ""),
            (b"MSH|^^^^|LIS|H|||2026||ORU^R01|17|P", ""),
            (b"a text about MSH|^~\\&|LIS", ""),
            (b"", ""),
        ] {
            assert_eq!(Header::of_unreadable(bytes).control_id, number);
        }
        let header = Header::of_unreadable(b"MSH|^~\\&|LIS|H|||2026||ORU^R01|17|T|2.3|||NE|NE\rgarbage");
        assert_eq!((header.version.as_str(), header.processing.as_str(), &*header.kind.1), ("2.3", "T", "R01"));
        assert_eq!(codes(&header, &Outcome::Error(Fault::at("MSH", FaultKind::Syntax))), [""; 0]);
    }

    #[test]
    fn a_header_needs_a_number_and_a_version() {
        for (msh, place) in
            [("MSH|^~\\&|A||||2026||ORU^R01||P|2.5", "MSH-10"), ("MSH|^~\\&|A||||2026||ORU^R01|1|P|3.0", "MSH-12")]
        {
            assert_eq!(Header::read(&Message::read(msh).unwrap()).unwrap_err().place, place);
        }
    }
}
