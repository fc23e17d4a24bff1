//! ADT^A28 and A31 as they are written (2.5.1): somebody the system that keeps people has not known, and the card somebody
//! uses here.
//!
//! Each names our own number of the write beside those of the person, so that a repeat is known again.

use super::build::{composite, plain, sparse};
use super::message::{Field, Message, Repetition, Segment, Separators};
use super::siu::{Envelope, header, moment};

/// Who gave our own number (PID-3.4), and what kind it is (PID-3.5).
const OURS: [&str; 2] = ["MENZHEN", "PI"];
/// Whose the numbers of people and cards are.
const THEIRS: &str = "HIS";
/// Kinds of number (table 0203): of a person, of a card.
const PERSON: &str = "PI";
const CARD: &str = "MR";
/// NK1-3 (table 0063).
const GUARDIAN: &str = "GRD";

/// An identity document, in the receiver's codes.
#[derive(Clone, Copy)]
pub struct Document<'a> {
    /// Which kind (PID-3.5).
    pub kind: &'a str,
    /// Its number.
    pub number: &'a str,
}

/// Somebody to be made known. Has no `Debug`: it says who somebody is.
#[derive(Clone, Copy)]
pub struct NewPerson<'a> {
    /// Our number of the write.
    pub serial: &'a str,
    /// The whole name (PID-5.1): a Chinese name is not parted for the reader.
    pub name: &'a str,
    /// The paper.
    pub document: Document<'a>,
    /// The phone (PID-13).
    pub phone: Option<&'a str>,
    /// Who answers for a child: name and paper (NK1).
    pub guardian: Option<(&'a str, Document<'a>)>,
}

/// A card that somebody uses here.
#[derive(Clone, Copy)]
pub struct UsedCard<'a> {
    /// Our number of the write.
    pub serial: &'a str,
    /// The receiver's number of the person.
    pub person: &'a str,
    /// The card.
    pub card: &'a str,
}

/// A28.
pub fn write_new_person(person: &NewPerson<'_>, envelope: &Envelope<'_>) -> Message {
    let numbers = repeated([document(&person.document), ours(person.serial)]);
    let mut fields = vec![(1, plain("1")), (3, numbers), (5, name(person.name))];
    fields.extend(person.phone.map(|phone| (13, composite(&[phone, "PRN", "CP"]))));
    let guardian = person.guardian.map(|(called, paper)| {
        let fields = [(1, plain("1")), (2, name(called)), (3, plain(GUARDIAN)), (33, document(&paper))];
        sparse("NK1", fields)
    });
    message("A28", sparse("PID", fields), guardian, envelope)
}

/// A31.
pub fn write_used_card(used: &UsedCard<'_>, envelope: &Envelope<'_>) -> Message {
    let theirs = |number: &str, kind: &str| composite(&[number, "", "", THEIRS, kind]);
    let numbers = repeated([theirs(used.person, PERSON), theirs(used.card, CARD), ours(used.serial)]);
    let unsaid = composite(&["", "", "", "", "", "", "U"]);
    message("A31", sparse("PID", [(1, plain("1")), (3, numbers), (5, unsaid)]), None, envelope)
}

fn message(event: &str, pid: Segment, guardian: Option<Segment>, envelope: &Envelope<'_>) -> Message {
    let evn = sparse("EVN", [(1, plain(event)), (2, moment(envelope.sent_at))]);
    let pv1 = sparse("PV1", [(2, plain("N"))]);
    let mut segments = vec![header(["ADT", event, "ADT_A05"], envelope), evn, pid];
    segments.extend(guardian);
    segments.push(pv1);
    Message { separators: Separators::default(), segments }
}

fn document(document: &Document<'_>) -> Field {
    composite(&[document.number, "", "", "", document.kind])
}

fn ours(serial: &str) -> Field {
    let [authority, kind] = OURS;
    composite(&[serial, "", "", authority, kind])
}

/// A legal name.
fn name(name: &str) -> Field {
    composite(&[name, "", "", "", "", "", "L"])
}

fn repeated(fields: impl IntoIterator<Item = Field>) -> Field {
    let repetitions: Vec<Repetition> = fields.into_iter().flat_map(|field| field.0).collect();
    Field(repetitions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charset::Charset;
    use crate::hl7::adt::{PersonEvent, read_person};
    use domain::Timestamp;

    fn envelope() -> Envelope<'static> {
        let sent_at: Timestamp = "2026-11-23T02:00:00Z".parse().unwrap();
        Envelope { control_id: "0123456789abcdef0123", sent_at, charset: Charset::Utf8 }
    }

    #[test]
    fn a_child_is_told_with_who_answers_for_it() {
        let paper = |number| Document { kind: "01", number };
        let guardian = Some(("周建国", paper("11010519491231002X")));
        let child = NewPerson {
            serial: "person-1",
            name: "周小满",
            document: paper("B1"),
            phone: Some("13800138000"),
            guardian,
        };
        let message = write_new_person(&child, &envelope());
        assert_eq!(
            message.write().replace('\r', "\n"),
            "MSH|^~\\&|MENZHEN||HIS||20261123100000+0800||ADT^A28^ADT_A05|0123456789abcdef0123|P|2.5.1||||||UNICODE UTF-8\n\
             EVN|A28|20261123100000+0800\n\
             PID|1||B1^^^^01~person-1^^^MENZHEN^PI||周小满^^^^^^L||||||||13800138000^PRN^CP\n\
             NK1|1|周建国^^^^^^L|GRD||||||||||||||||||||||||||||||11010519491231002X^^^^01\n\
             PV1||N\n"
        );
        let Some(PersonEvent::Registered(read)) = read_person(&message).unwrap().pop() else { panic!() };
        assert_eq!((read.name.unwrap().as_str(), read.phones.len(), read.identifiers.len()), ("周小满", 1, 2));
    }

    #[test]
    fn a_used_card_names_nobody() {
        let message = write_used_card(&UsedCard { serial: "bind-1", person: "P7", card: "V1" }, &envelope());
        let pid = message.named("PID").next().unwrap().clone();
        assert_eq!(pid.field(3).unwrap().joined(), "P7^^^HIS^PI~V1^^^HIS^MR~bind-1^^^MENZHEN^PI");
        let Some(PersonEvent::Updated(read)) = read_person(&message).unwrap().pop() else { panic!() };
        assert_eq!(read.name, None);
    }
}
