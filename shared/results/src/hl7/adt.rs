//! ADT and SIU as small typed messages: who a person is, that two are one, and what became of a booking.

use super::fields::{Fields, full_name, identifier};
use super::header::Header;
use super::message::{Message, Repetition, Segment};
use crate::fault::{Fault, FaultKind};
use domain::person::Sex;
use domain::report::{Concept, Identifier, Text, When};

/// A person as PID says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// Numbers of cards, documents and records, with whose they are and what kind (PID-3, and PID-2, PID-4 before 2.3.1).
    pub identifiers: Vec<Identifier>,
    /// Name.
    pub name: Option<Text>,
    /// Date of birth.
    pub birth: Option<When>,
    /// Sex.
    pub sex: Option<Sex>,
    /// Telephone numbers (PID-13, PID-14), as sent.
    pub phones: Vec<Text>,
    /// Whether the person has died (PID-30).
    pub is_deceased: bool,
}

/// What happened to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PersonEvent {
    /// A04, A28: registered, or added.
    Registered(Person),
    /// A08, A31: changed.
    Updated(Person),
    /// A34, A40: the numbers of MRG-1 are now the person's.
    Merged {
        /// Who stays.
        into: Person,
        /// The numbers that end.
        from: Vec<Identifier>,
    },
    /// A37: what was merged is two again.
    Unmerged(Vec<Person>),
}

/// What happened to a booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookingEvent {
    /// S12.
    Booked,
    /// S13.
    Rescheduled,
    /// S14.
    Modified,
    /// S15.
    Cancelled,
    /// S26.
    NoShow,
}

/// A number of a visit or a booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// The number.
    pub value: Text,
    /// Whose it is, where that is said.
    pub authority: Option<Text>,
}

/// A visit as PV1 says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Its numbers: the visit's own (PV1-19), those before it (PV1-5), others' (PV1-50).
    pub numbers: Vec<Number>,
    /// Who comes.
    pub person: Person,
}

/// A booking as SCH says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    /// What happened.
    pub event: BookingEvent,
    /// The number of who asked for it (SCH-1).
    pub placer: Option<Number>,
    /// The number of who keeps it (SCH-2).
    pub filler: Option<Number>,
    /// The key of the clinic (SCH-5).
    pub clinic: Option<Text>,
    /// When it begins (SCH-11.4, TQ1-7, AIS-4 or AIG-8), and ends (SCH-11.5, TQ1-8).
    pub begins: Option<When>,
    /// When it ends.
    pub ends: Option<When>,
    /// Why (SCH-6), or its kind (SCH-8).
    pub reason: Option<Concept>,
    /// Its state (SCH-25).
    pub status: Option<Concept>,
    /// For whom; none when the message does not say, or names no number of them.
    pub person: Option<Person>,
    /// With whom and where: AIP-3, AIL-3, AIG-3 and AIS-3, as sent.
    pub resources: Vec<Text>,
}

/// Reads ADT^A04, A08, A28, A31, A34, A37 or A40: one event, or of A40 one for each pair.
pub fn read_person(message: &Message) -> Result<Vec<PersonEvent>, Fault> {
    let header = Header::read(message)?;
    let unsupported = || Fault::at("MSH-9", FaultKind::Unsupported);
    if header.kind.0 != "ADT" {
        return Err(unsupported());
    }
    let people: Vec<Person> = people(message)?;
    let first = || people.first().cloned().ok_or_else(|| Fault::at("PID", FaultKind::Missing));
    match header.kind.1.as_str() {
        "A01" | "A04" | "A28" => first().map(|person| vec![PersonEvent::Registered(person)]),
        "A08" | "A31" => first().map(|person| vec![PersonEvent::Updated(person)]),
        "A34" | "A40" => merges(message, &people),
        "A37" => first().map(|_| vec![PersonEvent::Unmerged(people)]),
        _ => Err(unsupported()),
    }
}

fn people(message: &Message) -> Result<Vec<Person>, Fault> {
    message.named("PID").zip(1..).map(|(pid, number)| read_pid(pid, number)).collect()
}

/// Every MRG belongs to the PID before it.
fn merges(message: &Message, people: &[Person]) -> Result<Vec<PersonEvent>, Fault> {
    let mut people = people.iter();
    let (mut current, mut events) = (None, Vec::new());
    for segment in &message.segments {
        match segment.name.as_str() {
            "PID" => current = people.next(),
            "MRG" => {
                let mrg = Fields::of(segment, events.len() + 1);
                let from: Vec<Identifier> = mrg.repetitions(1).filter_map(identifier).collect();
                let into = current.cloned().ok_or_else(|| Fault::at("PID", FaultKind::Missing))?;
                if from.is_empty() {
                    return Err(Fault::at(mrg.at(1), FaultKind::Missing));
                }
                // Merged with itself nothing is left.
                if from.iter().any(|gone| into.identifiers.contains(gone)) {
                    return Err(Fault::at(mrg.at(1), FaultKind::Twice));
                }
                events.push(PersonEvent::Merged { into, from });
            }
            _ => {}
        }
    }
    if events.is_empty() { Err(Fault::at("MRG", FaultKind::Missing)) } else { Ok(events) }
}

/// A person needs a number.
fn read_pid(segment: &Segment, number: usize) -> Result<Person, Fault> {
    let pid = Fields::of(segment, number);
    let identifiers: Vec<Identifier> =
        [3, 2, 4].into_iter().flat_map(|field| pid.repetitions(field)).filter_map(identifier).collect();
    if identifiers.is_empty() {
        return Err(Fault::at(pid.at(3), FaultKind::Missing));
    }
    let name = pid.repetitions(5).next().map(|name| full_name(name.text(1), name.text(2), name.text(3)));
    // The number stands first, or from 2.3 on also as local number behind country and area.
    let phone = |phone: &Repetition| [1, 12, 7].into_iter().find_map(|part| Text::some(phone.text(part)));
    Ok(Person {
        identifiers,
        name: name.and_then(Text::some),
        birth: pid.when(7, 1),
        sex: super::fields::sex(pid.text(8, 1)),
        phones: [13, 14].into_iter().flat_map(|field| pid.repetitions(field)).filter_map(phone).collect(),
        is_deceased: pid.text(30, 1) == "Y",
    })
}

/// Reads which visit an A04 registers; none when it is another message about people, or names no number of a visit.
pub fn read_visit(message: &Message) -> Result<Option<Visit>, Fault> {
    let header = Header::read(message)?;
    let Some(pv1) = message.named("PV1").next().filter(|_| header.is("ADT", "A04")) else { return Ok(None) };
    let pv1 = Fields::of(pv1, 1);
    let number = |repetition: &Repetition| {
        Some(Number { value: Text::some(repetition.text(1))?, authority: Text::some(repetition.text(4)) })
    };
    let numbers: Vec<Number> =
        [19, 5, 50].into_iter().flat_map(|field| pv1.repetitions(field)).filter_map(number).collect();
    let person = people(message)?.into_iter().next();
    Ok(person.filter(|_| !numbers.is_empty()).map(|person| Visit { numbers, person }))
}

/// Reads SIU^S12 to S15 or S26.
pub fn read_booking(message: &Message) -> Result<Booking, Fault> {
    let header = Header::read(message)?;
    let unsupported = || Fault::at("MSH-9", FaultKind::Unsupported);
    let event = match (header.kind.0.as_str(), header.kind.1.as_str()) {
        ("SIU", "S12") => BookingEvent::Booked,
        ("SIU", "S13") => BookingEvent::Rescheduled,
        ("SIU", "S14") => BookingEvent::Modified,
        ("SIU", "S15") => BookingEvent::Cancelled,
        ("SIU", "S26") => BookingEvent::NoShow,
        _ => return Err(unsupported()),
    };
    let sch = message.named("SCH").next().ok_or_else(|| Fault::at("SCH", FaultKind::Missing))?;
    let sch = Fields::of(sch, 1);
    let number = |field: usize| {
        Some(Number { value: Text::some(sch.text(field, 1))?, authority: Text::some(sch.text(field, 2)) })
    };
    let (placer, filler) = (number(1), number(2));
    if placer.is_none() && filler.is_none() {
        return Err(Fault::at(sch.at(2), FaultKind::Missing));
    }
    let of = |name: &str, field: usize| message.named(name).find_map(|segment| Fields::of(segment, 1).when(field, 1));
    let begins = sch.when(11, 4).or_else(|| of("TQ1", 7)).or_else(|| of("AIS", 4)).or_else(|| of("AIG", 8));
    let ends = sch.when(11, 5).or_else(|| of("TQ1", 8));
    let named = ["AIP", "AIL", "AIG", "AIS"].into_iter().flat_map(|name| message.named(name));
    let resources = named.filter_map(|segment| Text::some(segment.field(3)?.joined())).collect();
    // A booking is known by its own number: whom it is for need not be said.
    let person = message.named("PID").next().and_then(|pid| read_pid(pid, 1).ok());
    Ok(Booking {
        event,
        placer,
        filler,
        clinic: Text::some(sch.text(5, 1)),
        begins,
        ends,
        reason: sch.concept(6).or_else(|| sch.concept(8)),
        status: sch.concept(25),
        person,
        resources,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: &str, segments: &str) -> Message {
        Message::read(&format!("MSH|^~\\&|HIS|H|DESK|H|20261123||{kind}|1|P|2.5\r{segments}")).unwrap()
    }

    fn numbers(identifiers: &[Identifier]) -> Vec<&str> {
        identifiers.iter().filter_map(|identifier| identifier.value.as_ref()).map(Text::as_str).collect()
    }

    #[test]
    fn two_people_become_one() {
        let merge =
            message("ADT^A40", "EVN|A40\rPID|1||V2^^^H^MR||林^小梅||19900101|F\rMRG|V1^^^H^MR\rPID|2||V4\rMRG|V3\r");
        let events = read_person(&merge).unwrap();
        let seen: Vec<_> = events
            .iter()
            .map(|event| match event {
                PersonEvent::Merged { into, from } => (numbers(&into.identifiers), numbers(from)),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(seen, [(vec!["V2"], vec!["V1"]), (vec!["V4"], vec!["V3"])]);
    }

    #[test]
    fn a_merge_needs_both_sides() {
        for (segments, place) in [
            ("PID|1||V2\r", "MRG"),
            ("MRG|V1\r", "PID"),
            ("PID|1||V2\rMRG|\r", "MRG[1]-1"),
            ("PID|1||V2^^^H\rMRG|V2^^^H\r", "MRG[1]-1"),
            ("PID|1||\rMRG|V1\r", "PID[1]-3"),
        ] {
            assert_eq!(read_person(&message("ADT^A34", segments)).unwrap_err().place, place, "{segments}");
        }
        assert_eq!(read_person(&message("ADT^A03", "PID|1||V1\r")).unwrap_err().kind, FaultKind::Unsupported);
    }

    #[test]
    fn a_person_is_registered_with_what_they_said() {
        let event = read_person(&message(
            "ADT^A28",
            "PID|1||V2^^^H^MR~9^^^MPI^PI||林^小梅||19900101|2|||||13800138000|||||||||||||||||Y\r",
        ));
        let Some(PersonEvent::Registered(person)) = event.unwrap().pop() else { panic!() };
        assert_eq!(numbers(&person.identifiers), ["V2", "9"]);
        assert_eq!((person.sex, person.is_deceased, person.phones.len()), (Some(Sex::Female), true, 1));
        assert_eq!(person.name.unwrap().as_str(), "林小梅");
    }

    #[test]
    fn a_booking_is_told() {
        let booked = message(
            "SIU^S12",
            "SCH|P1^MENZHEN|F1|||20261124-am-XNK-D7|CHECK^check up|||||^^^20261124090000^20261124091500||||||||||||||BOOKED\rPID|1||V2\rAIP|1||D7^张\r",
        );
        let booking = read_booking(&booked).unwrap();
        assert_eq!(booking.event, BookingEvent::Booked);
        assert_eq!(booking.begins.unwrap().iso(), "2026-11-24T09:00:00+08:00");
        assert_eq!(booking.status.unwrap().name(), "BOOKED");
        assert_eq!(booking.placer.unwrap().authority.unwrap().as_str(), "MENZHEN");
        assert_eq!(booking.clinic.unwrap().as_str(), "20261124-am-XNK-D7");
        assert_eq!(read_booking(&message("SIU^S12", "PID|1||V2\r")).unwrap_err().place, "SCH");
        assert_eq!(read_booking(&message("SIU^S15", "SCH|P1\r")).unwrap().person, None);
    }

    #[test]
    fn a_visit_is_registered_under_its_numbers() {
        let visit = "PID|1||V2\rPV1|1|O|||A1||||||||||||||17^^^HIS|||||||||||||||||||||||||||||||A2^^^MENZHEN\r";
        let read = read_visit(&message("ADT^A04", visit)).unwrap().unwrap();
        let seen = read.numbers.iter().map(|number| number.value.as_str()).collect::<Vec<_>>();
        assert_eq!((seen, numbers(&read.person.identifiers)), (vec!["17", "A1", "A2"], vec!["V2"]));
        assert_eq!(read_visit(&message("ADT^A08", visit)).unwrap(), None);
        assert_eq!(read_visit(&message("ADT^A04", "PID|1||V2\rPV1|1|O\r")).unwrap(), None);
    }
}
