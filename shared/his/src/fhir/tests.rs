//! What is written is read again, and what others write too.

use super::appointment::{Appointment, Place, Status, booked, kept, number_id};
use super::bundle::Found;
use super::codebook::Codebook;
use super::person::{guardian_node, patient_node, person, receipt};
use super::resource::{identifier_node, own_reference, with, with_identifier};
use super::systems;
use super::timetable::{Session, Unit};
use crate::fees::Registration;
use crate::front_end::TheirPlace;
use crate::numbers::{NumberLock, PaidBy, Standing, VisitBooking};
use crate::person::{Guardian, PersonPost};
use domain::Timestamp;
use domain::clinic::SlotStart;
use domain::his::Codes;
use domain::id::ClinicId;
use domain::money::Fen;
use domain::person::{DocumentKind, IdDocument, PersonName, Phone};
use domain::time::add_seconds;
use proptest::prelude::*;
use results::tree::Node;

fn sample(json: &str) -> Node {
    Node::from_json(json.trim_start_matches('\u{feff}')).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

// What others write --------------------------------------------------------------------------

#[test]
fn the_schedule_of_the_standard_is_read() {
    let session = Session::read(&sample(include_str!("../../tests/samples/fhir-r4/Schedule-example.json")));
    let expected = Session {
        is_active: true,
        start: Some(at("2013-12-25T09:15:00Z")),
        end: Some(at("2013-12-25T09:30:00Z")),
        department: None,
        doctor: None,
        place: Some("Burgers UMC, South Wing, second floor".to_owned()),
    };
    assert_eq!(session, expected);
}

#[test]
fn the_slots_of_the_standard_are_read() {
    let free = Unit::read(&sample(include_str!("../../tests/samples/fhir-r4/Slot-example.json")));
    let expected = Unit {
        schedule: Some("Schedule/example".to_owned()),
        start: Some(at("2013-12-25T09:15:00Z")),
        end: Some(at("2013-12-25T09:30:00Z")),
        is_free: Some(true),
        number: None,
    };
    assert_eq!(free, expected);
    let busy = Unit::read(&sample(include_str!("../../tests/samples/fhir-r4/Slot-1.json")));
    assert_eq!((busy.is_free, busy.start), (Some(false), Some(at("2013-12-25T09:00:00Z"))));
}

#[test]
fn the_appointment_of_the_standard_is_read() {
    let visit = Appointment::read(&sample(include_str!("../../tests/samples/fhir-r4/Appointment-example.json")));
    assert_eq!((visit.status, visit.start), (Some(Status::Booked), Some(at("2013-12-10T09:00:00Z"))));
    assert_eq!((visit.number, visit.former), (None, None));
}

#[test]
fn every_status_of_the_standard_has_a_meaning_or_none() {
    let status = |code: &str| Appointment::read(&with(Node::object([]), "status", Some(Node::text(code)))).status;
    for (code, standing) in [
        ("proposed", Standing::Locked),
        ("pending", Standing::Locked),
        ("booked", Standing::Confirmed),
        ("arrived", Standing::Confirmed),
        ("checked-in", Standing::Confirmed),
        ("fulfilled", Standing::Confirmed),
        ("noshow", Standing::Confirmed),
        ("cancelled", Standing::Over),
        ("entered-in-error", Standing::Over),
    ] {
        assert_eq!(status(code).map(Status::standing), Some(standing), "{code}");
    }
    assert_eq!(status("waitlist"), None);
}

// What we write ------------------------------------------------------------------------------

/// As a server gives it back: with an id and a version.
fn stored(node: Node, id: &str) -> Node {
    let meta = Node::object([("versionId", Some(Node::text("1")))]);
    with(with(node, "id", Some(Node::text(id))), "meta", Some(meta))
}

fn found(resources: Vec<Node>) -> Found {
    let entries = resources.into_iter().map(|resource| Node::object([("resource", Some(resource))]));
    let bundle = Node::object([("resourceType", Some(Node::text("Bundle"))), ("entry", Node::list(entries))]);
    let mut found = Found::default();
    assert_eq!(found.add(&sample(&bundle.to_json())), Ok(None));
    found
}

prop_compose! {
    fn visits()(
        serial in "[a-z0-9]{16}",
        number in 1..=999_u16,
        minutes in 0..48_u16,
        doctor in proptest::option::of("[A-Z][0-9]{1,4}"),
        card_no in proptest::option::of("[A-Z0-9]{2,17}"),
        fen in proptest::option::of(1..1_000_000_i64),
    ) -> VisitBooking {
        let (department, date) = ("XNK".parse().unwrap(), "2027-01-04".parse().unwrap());
        let doctor = doctor.map(|doctor| doctor.parse().unwrap());
        let clinic = ClinicId::of(date, domain::clinic::Period::Morning, &department, doctor.as_ref()).unwrap();
        let registration = Registration { appointment: serial.parse().unwrap(), clinic, number, department, doctor, date };
        VisitBooking {
            registration,
            start: SlotStart::from_minutes(minutes * 30).unwrap(),
            card_no: card_no.map(|no| no.parse().unwrap()),
            paid_by: fen.map(|fen| PaidBy { order: format!("{serial}_01").parse().unwrap(), total: Fen::new(fen).unwrap() }),
        }
    }
}

fn theirs(visit: &VisitBooking) -> TheirPlace {
    TheirPlace::of(&Codes::default(), &visit.registration).unwrap()
}

proptest! {
    #[test]
    fn a_visit_is_read_as_it_was_written(visit in visits(), former in proptest::option::of("[a-z0-9]{16}")) {
        let theirs = theirs(&visit);
        let place = Place::of_visit(&visit, &theirs);
        let written = sample(&booked(None, &visit, &theirs, former.as_deref()).to_json());
        let read = Appointment::read(&written);
        prop_assert_eq!(read.status, Some(Status::Booked));
        prop_assert_eq!(read.start, Some(visit.start.instant(visit.registration.date)));
        prop_assert_eq!(&read.number, &Some(number_id(&theirs.clinic, visit.registration.number)));
        prop_assert_eq!(&read.former, &former);
        prop_assert!(read.is_of(&place));
        let paid = super::resource::money_in(&written, systems::PAID);
        prop_assert_eq!(paid, visit.paid_by.as_ref().map(|paid| paid.total));
        let other = VisitBooking { registration: Registration { number: visit.registration.number % 999 + 1, ..visit.registration.clone() }, ..visit };
        prop_assert!(!read.is_of(&Place::of_visit(&other, &theirs)));
    }

    #[test]
    fn what_is_kept_becomes_certain_and_keeps_what_the_server_added(visit in visits()) {
        let theirs = theirs(&visit);
        let lock = NumberLock {
            serial: visit.registration.appointment.clone(),
            clinic: visit.registration.clinic.clone(),
            start: visit.start,
            number: visit.registration.number,
            until: add_seconds(Timestamp::UNIX_EPOCH, 600),
        };
        let place = Place::of_lock(&lock, &theirs.clinic).unwrap();
        let held = stored(kept(&place, lock.until), "1");
        let added = with(held, "comment", Some(Node::text("of the server")));
        let read = Appointment::read(&added);
        prop_assert_eq!(read.status.map(Status::standing), Some(Standing::Locked));
        prop_assert!(read.is_of(&Place::of_visit(&visit, &theirs)));
        let certain = booked(Some(added), &visit, &theirs, None);
        let json = certain.to_json();
        prop_assert!(json.contains("of the server") && json.contains("versionId") && !json.contains(systems::HELD_UNTIL));
        prop_assert_eq!(own_reference(&certain), Some("Appointment/1".to_owned()));
        // Written again it is the same: a repeat adds nothing.
        let again = booked(Some(certain), &visit, &theirs, None).to_json();
        prop_assert_eq!(again.matches(systems::ORDER).count(), usize::from(visit.paid_by.is_some()));
        prop_assert_eq!(again.matches(systems::PAID).count(), usize::from(visit.paid_by.is_some()));
    }

    #[test]
    fn a_person_is_read_as_it_was_written(
        name in "[\u{4e00}-\u{9fa5}]{2,4}",
        number in "[HM][0-9]{8}",
        digits in "1[3-9][0-9]{9}",
        serial in "[a-z0-9]{8}",
        has_guardian in any::<bool>(),
    ) {
        let document = IdDocument::from_stored(DocumentKind::HongKongMacauPermit, &number).unwrap();
        let guardian = Guardian { name: PersonName::parse("周建国").unwrap(), document: document.clone() };
        let post = PersonPost {
            serial: serial.parse().unwrap(),
            name: PersonName::parse(&name).unwrap(),
            document: document.clone(),
            phone: Phone::parse(&digits).ok(),
            guardian: has_guardian.then_some(guardian),
        };
        let codes = Codes::default();
        let patient = stored(patient_node(&post, &codes).unwrap(), "P1");
        let patient = with_identifier(patient, identifier_node(systems::PERSON, "P1"));
        let related = post.guardian.as_ref().map(|one| stored(guardian_node(one, "Patient/P1", &codes).unwrap(), "R1"));
        let found = found([Some(patient.clone()), related].into_iter().flatten().collect());
        let mut codebook = Codebook::new(&codes);
        let read = person(&found, &patient, &mut codebook).unwrap();
        prop_assert_eq!(read.no.as_str(), "P1");
        prop_assert_eq!(read.name, Some(post.name.clone()));
        prop_assert_eq!(read.documents, vec![document]);
        prop_assert_eq!(read.phone, post.phone.clone());
        prop_assert_eq!(read.guardian, post.guardian.clone());
        prop_assert_eq!(receipt(&patient, &patient, &post.serial).map(|receipt| receipt.person), Some("P1".parse().unwrap()));
        prop_assert!(codebook.into_unknown().is_empty());
    }

    #[test]
    fn any_resource_answers(json in "[\\[\\]{}\",:a-z0-9 -]{0,60}", text in "\\PC{0,20}") {
        let node = Node::from_json(&json).unwrap_or_else(|_| Node::object([("status", Some(Node::text(text.clone()))), ("start", Some(Node::text(text)))]));
        let codes = Codes::default();
        let found = Found::default();
        let _ = (Appointment::read(&node), Session::read(&node), Unit::read(&node), person(&found, &node, &mut Codebook::new(&codes)));
    }
}
