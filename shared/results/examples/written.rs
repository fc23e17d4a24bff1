//! What we read and what we write, one line of JSON each, for `tests/readers.py`: readers that share nothing with us.
//!
//! `cargo run -p results --example written -- tests/samples`

use domain::report::{Bound, Concept, Item, Report, Text, When};
use results::hl7::adt::BookingEvent;
use results::hl7::frame;
use results::hl7::header::{Outcome, acknowledge};
use results::hl7::people::{Document, NewPerson, UsedCard, write_new_person, write_used_card};
use results::hl7::siu::{BookingNotice, Envelope, VisitPlace, write_booking};
use results::{Charset, Fault, FaultKind, fhir, hl7};
use serde_json::{Value, json};
use std::io::{Error, Write};
use std::path::{Path, PathBuf};

const FAULTS: [FaultKind; 12] = [
    FaultKind::TooLarge,
    FaultKind::TooMany,
    FaultKind::TooDeep,
    FaultKind::Syntax,
    FaultKind::Encoding,
    FaultKind::Missing,
    FaultKind::UnknownCode,
    FaultKind::Twice,
    FaultKind::OtherPatient,
    FaultKind::Dangling,
    FaultKind::Unsupported,
    FaultKind::Unavailable,
];
const VERSIONS: [&str; 4] = ["2.3", "2.4", "2.5.1", "2.7"];
const EVENTS: [BookingEvent; 5] = [
    BookingEvent::Booked,
    BookingEvent::Rescheduled,
    BookingEvent::Modified,
    BookingEvent::Cancelled,
    BookingEvent::NoShow,
];

fn main() -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    let folder = std::env::args().nth(1).map(PathBuf::from).ok_or_else(|| Error::other("which folder of samples?"))?;
    let mut lines = Vec::new();
    for path in files(&folder.join("hl7v2"), "hl7")? {
        lines.extend(of_hl7(&name(&path), &std::fs::read(&path)?)?);
    }
    for path in files(&folder.join("fhir-r4"), "json")? {
        let read = fhir::read(&std::fs::read_to_string(&path)?).map_err(Error::other)?;
        lines.extend(of_reports(&name(&path), &read.reports));
    }
    for path in files(&folder.join("front-end"), "json")?.into_iter().chain(files(&folder.join("front-end"), "xml")?) {
        let codes = results::front_end::Codes::default();
        // One of them uses codes of its hospital, which are not known here.
        if let Ok(read) = results::front_end::read(&std::fs::read(&path)?, None, &codes) {
            lines.extend(of_reports(&name(&path), &read.reports));
        }
    }
    for fault in FAULTS {
        let outcome = fhir::operation_outcome(&Fault::at("entry[1].resource.status", fault));
        lines.push(json!({ "kind": "outcome", "of": fault.to_string(), "text": outcome }));
    }
    lines.extend(acknowledgements()?);
    lines.extend(bookings());
    lines.extend(people());
    for line in lines {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, Error> {
    let entries =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    let mut found: Vec<_> =
        entries.into_iter().filter(|path| path.extension().is_some_and(|is| is == ending)).collect();
    found.sort();
    Ok(found)
}

fn of_hl7(of: &str, bytes: &[u8]) -> Result<Vec<Value>, Error> {
    let body = frame::read(bytes).map_err(Error::other)?;
    let mut reports = Vec::new();
    for message in body.messages {
        match hl7::oru::read(&message.map_err(Error::other)?) {
            Ok(results) => reports.extend(results.reports),
            // Orders, bookings and people are no results.
            Err(fault) if fault.kind == FaultKind::Unsupported => return Ok(Vec::new()),
            Err(fault) => return Err(Error::other(fault)),
        }
    }
    Ok(of_reports(of, &reports))
}

/// A sample as it was read, and each of its reports as a bundle of ours.
fn of_reports(of: &str, reports: &[Report]) -> Vec<Value> {
    let read = json!({ "kind": "read", "of": of, "reports": reports.iter().map(read_report).collect::<Vec<_>>() });
    let bundle =
        |report| json!({ "kind": "bundle", "of": of, "text": fhir::write(report), "read": read_report(report) });
    std::iter::once(read).chain(reports.iter().map(bundle)).collect()
}

fn text(text: Option<&Text>) -> Option<&str> {
    text.map(Text::as_str)
}

/// As it was sent.
fn time(when: Option<&When>) -> Option<&str> {
    when.map(|when| when.sent.as_str())
}

fn names(concepts: &[Concept]) -> Vec<&str> {
    concepts.iter().map(Concept::name).collect()
}

fn read_report(report: &Report) -> Value {
    json!({
        "number": report.key.number.as_str(),
        "name": report.code.name(),
        "status": report.status,
        "collected": time(report.times.collected.as_ref()),
        "issued": time(report.times.issued.as_ref()),
        "specimens": report.specimens.iter().filter_map(|specimen| specimen.kind.as_ref()).map(Concept::name).collect::<Vec<_>>(),
        "texts": report.texts.iter().map(|told| told.text.as_str()).collect::<Vec<_>>(),
        "conclusions": names(&report.conclusions),
        "items": report.items().map(read_item).collect::<Vec<_>>(),
    })
}

fn read_item(item: &Item) -> Value {
    let end = |bound: &Option<Bound>| bound.as_ref().map(|bound| bound.number.as_str().to_owned());
    json!({
        "name": item.code.name(),
        "codes": item.code.codes().collect::<Vec<_>>(),
        "status": item.status,
        "values": item.values.iter().map(|value| value.sent.as_str()).collect::<Vec<_>>(),
        "unit": item.unit.as_ref().map(domain::report::Unit::as_str),
        "absent": item.absent.as_ref().map(Concept::name),
        "range": text(item.range_sent.as_ref()),
        "ends": item.ranges.iter().map(|range| [end(&range.low), end(&range.high)]).collect::<Vec<_>>(),
        "flags": item.flags.iter().filter_map(|flag| flag.code.as_ref().or(flag.text.as_ref())).map(Text::as_str).collect::<Vec<_>>(),
        "observed": time(item.observed.as_ref()),
        "analysed": time(item.analysed.as_ref()),
        "notes": item.notes.iter().map(Text::as_str).collect::<Vec<_>>(),
        "method": item.method.as_ref().map(Concept::name),
        "site": item.body_site.as_ref().map(Concept::name),
    })
}

/// Every acknowledgement of every version: taken, in error for every reason, rejected; in both modes.
fn acknowledgements() -> Result<Vec<Value>, Error> {
    let faults = FAULTS.map(|kind| Fault::at("OBX[3]-11", kind));
    let refused = faults.iter().flat_map(|fault| [Outcome::Error(fault.clone()), Outcome::Rejected(fault.clone())]);
    let outcomes: Vec<Outcome> = std::iter::once(Outcome::Accepted).chain(refused).collect();
    let mut lines = Vec::new();
    for (version, mode) in VERSIONS.iter().flat_map(|version| [(version, ""), (version, "|||AL|AL")]) {
        let sent = format!("MSH|^~\\&|LIS|LAB|DESK|H|20261123080000||ORU^R01|17|P|{version}{mode}");
        let header = hl7::header::Header::read(&hl7::message::Message::read(&sent).map_err(Error::other)?);
        let header = header.map_err(Error::other)?;
        let answers =
            outcomes.iter().flat_map(|outcome| acknowledge(&header, outcome, "M1", domain::Timestamp::UNIX_EPOCH));
        lines.extend(answers.map(|answer| json!({ "kind": "acknowledgement", "of": version, "text": answer.write() })));
    }
    Ok(lines)
}

/// Every notice of a booking: with a doctor and a card, without either, and one that is over.
fn bookings() -> Vec<Value> {
    let begins = domain::Timestamp::UNIX_EPOCH;
    let ends = domain::time::add_minutes(begins, 30);
    let place = |doctor, card_no| VisitPlace {
        clinic: "20261124-am-0203",
        number: 12,
        department: "0203",
        doctor,
        begins,
        ends,
        card_no,
    };
    let visits = [Some(place(Some("D7"), Some("V20180031"))), Some(place(None, None)), None];
    let envelope = Envelope { control_id: "0123456789abcdef0123", sent_at: begins, charset: Charset::Utf8 };
    let notices = EVENTS
        .into_iter()
        .flat_map(|event| visits.map(|visit| BookingNotice { event, serial: "b", former: Some("a"), visit }));
    notices.map(|notice| json!({ "kind": "booking", "of": format!("{:?}", notice.event), "text": write_booking(&notice, &envelope).write() })).collect()
}

/// Somebody made known: with phone and guardian, without; and a card that is used.
fn people() -> Vec<Value> {
    let envelope =
        Envelope { control_id: "0123456789abcdef0123", sent_at: domain::Timestamp::UNIX_EPOCH, charset: Charset::Utf8 };
    let document = Document { kind: "01", number: "11010519491231002X" };
    let person = |phone, guardian| NewPerson { serial: "b", name: "林晓梅", document, phone, guardian };
    let people = [person(None, None), person(Some("19900000001"), Some(("林建国", document)))];
    let made = people.iter().map(|person| write_new_person(person, &envelope));
    let used = write_used_card(&UsedCard { serial: "b", person: "P1", card: "V20180031" }, &envelope);
    made.chain([used]).map(|message| json!({ "kind": "person", "of": "ADT", "text": message.write() })).collect()
}
