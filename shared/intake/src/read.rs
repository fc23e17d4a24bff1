//! From bytes to reports, in whichever language.

use crate::visits::VisitNews;
use domain::report::unplaced::{Obstacle, Why};
use domain::report::{Codes, Report, Wire};
use results::hl7::adt::{PersonEvent, read_booking, read_person, read_visit};
use results::hl7::header::Header;
use results::hl7::message::Message;
use results::hl7::orders;
use results::{Charset, Fault, FaultKind, FileBody, fhir, front_end, hl7};
use sha2::{Digest, Sha256};

/// MSH-9.1 of messages about people.
const PEOPLE: &str = "ADT";
/// MSH-9.1 of messages about bookings.
const BOOKINGS: &str = "SIU";

/// One message as it came.
#[derive(Clone, Copy)]
pub struct Delivery<'a> {
    /// Its language.
    pub wire: Wire,
    /// The name of the machine that sent it.
    pub sender: &'a str,
    /// The charset HTTP declared, if any.
    pub charset: Option<&'a str>,
    /// What was sent.
    pub body: &'a [u8],
}

/// What a message says.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    pub(crate) reports: Vec<Report>,
    pub(crate) files: Vec<FileBody>,
    pub(crate) news: Vec<News>,
    /// What was asked for, and has not come.
    pub(crate) orders: Vec<Report>,
}

/// What one message says of people, and of a visit.
#[derive(Clone, Debug)]
pub(crate) struct News {
    /// What it is known by: its control id, its event and all it says, but not when it was sent.
    pub(crate) number: String,
    pub(crate) people: Vec<PersonEvent>,
    pub(crate) visit: Option<VisitNews>,
}

impl News {
    fn of(header: &Header, message: &Message) -> Result<Option<Self>, Fault> {
        let (people, visit) = match header.kind.0.as_str() {
            PEOPLE => (read_person(message)?, read_visit(message)?.as_ref().map(VisitNews::of_arrival)),
            BOOKINGS => (Vec::new(), Some(VisitNews::of_booking(&read_booking(message)?))),
            _ => return Ok(None),
        };
        let said = Message { segments: message.segments.iter().skip(1).cloned().collect(), ..message.clone() };
        let (kind, event) = &header.kind;
        let number = digest(format!("{}\n{kind}^{event}\n{}", header.control_id, said.write()).as_bytes());
        Ok(Some(Self { number, people, visit }))
    }
}

impl Parsed {
    /// Reads one message of HL7 v2: results (ORU), orders (ORM, OML, OMG), people (ADT), or bookings (SIU).
    pub fn of_hl7(message: &Message) -> Result<Self, Fault> {
        let header = Header::read(message)?;
        if let Some(news) = News::of(&header, message)? {
            return Ok(Self { news: vec![news], ..Self::default() });
        }
        if orders::is_order(&header) {
            return Ok(Self { orders: orders::read(message)?, ..Self::default() });
        }
        let results = hl7::oru::read(message)?;
        Ok(Self { reports: results.reports, files: results.files, ..Self::default() })
    }

    fn append(&mut self, mut other: Self) {
        self.reports.append(&mut other.reports);
        self.files.append(&mut other.files);
        self.news.append(&mut other.news);
        self.orders.append(&mut other.orders);
    }
}

pub(crate) fn read(delivery: &Delivery<'_>, codes: &Codes) -> Result<Parsed, Fault> {
    match delivery.wire {
        Wire::Hl7 => read_framed(delivery.body),
        Wire::Fhir => read_fhir(delivery.body, delivery.charset),
        Wire::FrontEnd => {
            let results = front_end::read(delivery.body, delivery.charset, codes)?;
            Ok(Parsed { reports: results.reports, ..Parsed::default() })
        }
    }
}

pub(crate) fn read_framed(body: &[u8]) -> Result<Parsed, Fault> {
    let read = hl7::frame::read(body)?;
    let mut parsed = Parsed::default();
    for message in read.messages {
        parsed.append(Parsed::of_hl7(&message?)?);
    }
    Ok(parsed)
}

/// FHIR is UTF-8, unless HTTP or the bytes say otherwise.
fn read_fhir(body: &[u8], charset: Option<&str>) -> Result<Parsed, Fault> {
    let encoding = || Fault::at("$", FaultKind::Encoding);
    let charset = charset.and_then(Charset::named).or_else(|| Charset::detect(body)).ok_or_else(encoding)?;
    let text = charset.decode(body).map_err(|_| encoding())?;
    let results = fhir::read(&text)?;
    Ok(Parsed { reports: results.reports, files: results.files, ..Parsed::default() })
}

/// What a fault means for whoever has to mend it.
pub(crate) fn obstacle(fault: &Fault) -> Obstacle {
    let why = match fault.kind {
        FaultKind::Encoding => Why::Encoding,
        FaultKind::UnknownCode => Why::UnknownCode,
        FaultKind::OtherPatient => Why::TwoPatients,
        FaultKind::TooLarge
        | FaultKind::TooMany
        | FaultKind::TooDeep
        | FaultKind::Syntax
        | FaultKind::Missing
        | FaultKind::Twice
        | FaultKind::Dangling
        | FaultKind::Disagrees
        | FaultKind::Unsupported
        | FaultKind::Unavailable => Why::Unreadable,
    };
    Obstacle { why, place: fault.place.clone() }
}

/// What a body is known by.
pub(crate) fn digest(body: &[u8]) -> String {
    let digits = Sha256::digest(body).into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}
