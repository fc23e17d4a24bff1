//! Visits told in HL7 v2, against the stand-in HIS, which reads messages with a reader of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "what other languages need")]
mod desk;

use desk::{Desk, code};
use domain::his::{CodeKind, HisAdapter, HisCharset, HisOperation, HisPolicy};
use domain::id::PersonSerial;
use domain::person::{DocumentKind, IdDocument, PersonName, Phone};
use domain::time::add_seconds;
use his::{
    Call, CardBinding, CardPost, Guardian, His, HisError, NumberLock, PersonPost, PersonQuery, Refusal, Registration,
    Standing, VisitBooking,
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Bookings in HL7 v2, all else in JSON; the department `XNK` is the hospital's `0203`.
fn policy(charset: HisCharset) -> HisPolicy {
    let told = [HisOperation::Confirm, HisOperation::Reschedule, HisOperation::Cancel];
    HisPolicy {
        operations: BTreeMap::from(told.map(|operation| (operation, HisAdapter::Hl7))),
        charset,
        mapped_only: BTreeSet::from([CodeKind::Department]),
        ..HisPolicy::default()
    }
}

async fn open(name: &str, policy: HisPolicy) -> Desk {
    let clinic = json!({
        "date": "2027-01-04", "period": "morning", "department": "0203", "doctor": null, "kind": "ordinary",
        "fee": "10.00", "room": "", "campus": "", "closed": false,
        "slots": [{ "start": "0800", "numbers": [1, 2, 3] }],
    });
    let timetable = json!({ "departments": [], "schedules": [clinic] });
    let desk = Desk::open(&format!("hl7-{name}"), policy, vec![code()], timetable).await;
    let person = json!({ "name": "周建国", "documents": [], "cards": [{ "card_no": "V1" }] });
    desk.stand_in.post("persons", person).await;
    desk
}

impl Desk {
    async fn fault(&self, kind: &str) {
        self.stand_in.post("faults", json!({ "path": "/his/v1/hl7", "kind": kind })).await;
    }
}

fn visit(serial: &str, number: u16) -> VisitBooking {
    let registration = Registration {
        appointment: serial.parse().unwrap(),
        clinic: "20270104-am-XNK-pool".parse().unwrap(),
        number,
        department: "XNK".parse().unwrap(),
        doctor: None,
        date: "2027-01-04".parse().unwrap(),
    };
    VisitBooking { registration, start: "0800".parse().unwrap(), card_no: Some("V1".parse().unwrap()), paid_by: None }
}

fn refused(code: Refusal) -> Result<(), HisError> {
    Err(HisError::Refused { code })
}

async fn visits_are_told(name: &str, charset: HisCharset) {
    let desk = open(name, policy(charset)).await;
    let his = &desk.his;
    for _ in 0..2 {
        his.confirm(&visit("a", 1), desk.call()).await.unwrap();
    }
    assert_eq!(desk.standing("a").await, Some(Standing::Confirmed));
    assert_eq!(his.confirm(&visit("c", 1), desk.call()).await, refused(Refusal::NumberTaken));
    his.reschedule(&"a".parse().unwrap(), &visit("b", 2), desk.call()).await.unwrap();
    assert_eq!((desk.standing("a").await, desk.standing("b").await), (Some(Standing::Over), Some(Standing::Confirmed)));
    for serial in ["b", "b", "never"] {
        his.cancel(&serial.parse().unwrap(), desk.call()).await.unwrap();
    }
    assert_eq!(desk.standing("b").await, Some(Standing::Over));
    assert_eq!(his.confirm(&visit("b", 2), desk.call()).await, refused(Refusal::SerialOver));
}

#[tokio::test]
async fn visits_are_told_in_utf_8() {
    visits_are_told("utf-8", HisCharset::Utf8).await;
}

#[tokio::test]
async fn visits_are_told_in_gb18030() {
    visits_are_told("gb18030", HisCharset::Gb18030).await;
}

#[tokio::test]
async fn a_lost_answer_leaves_the_outcome_open() {
    let desk = open("lost", policy(HisCharset::Utf8)).await;
    for (kind, serial, number, there) in
        [("fail_before", "x", 1, None), ("fail_after", "y", 2, Some(Standing::Confirmed))]
    {
        desk.fault(kind).await;
        assert_eq!(desk.his.confirm(&visit(serial, number), desk.call()).await, Err(HisError::UnknownOutcome));
        assert_eq!(desk.standing(serial).await, there);
        desk.his.confirm(&visit(serial, number), desk.call()).await.unwrap();
    }
    desk.fault("forged").await;
    assert_eq!(desk.his.cancel(&"x".parse().unwrap(), desk.call()).await, Err(HisError::Forged));
    let early = Call { now: add_seconds(desk.now, -3_600), ..desk.call() };
    let code = Refusal::Other("TIMESTAMP".into());
    assert_eq!(desk.his.cancel(&"x".parse().unwrap(), early).await, Err(HisError::Unauthorized { code }));
}

#[tokio::test]
async fn what_is_kept_names_nobody_and_what_has_no_code_is_not_sent() {
    let desk = open("kept", policy(HisCharset::Utf8)).await;
    desk.his.confirm(&visit("a", 1), desk.call()).await.unwrap();
    let kept = desk.heard.calls.lock().unwrap().pop().unwrap();
    assert_eq!((kept.adapter, kept.operation.as_str(), kept.outcome.as_str()), (HisAdapter::Hl7, "confirm", "ok"));
    assert_eq!((kept.serial.as_deref(), kept.request.contains("0203")), (Some("a"), true));
    assert!(!kept.request.contains("V1"), "{}", kept.request);
    let mut elsewhere = visit("b", 2);
    elsewhere.registration.department = "PFK".parse().unwrap();
    assert_eq!(desk.his.confirm(&elsewhere, desk.call()).await, Err(HisError::Unmapped));
}

#[tokio::test]
async fn people_are_made_known_and_their_cards_are_told() {
    let told = [HisOperation::PersonCreate, HisOperation::CardBind];
    let operations = BTreeMap::from(told.map(|operation| (operation, HisAdapter::Hl7)));
    let desk = open("people", HisPolicy { operations, ..HisPolicy::default() }).await;
    let paper =
        |number: &str| IdDocument::parse(DocumentKind::ResidentId, number, "2026-11-23".parse().unwrap()).unwrap();
    let guardian = Guardian { name: PersonName::parse("周建国").unwrap(), document: paper("11010519491231002X") };
    let post = PersonPost {
        serial: PersonSerial::of("person", &["p1"]),
        name: PersonName::parse("周小满").unwrap(),
        document: paper("110101201401010014"),
        phone: Phone::parse("13800138000").ok(),
        guardian: Some(guardian.clone()),
    };
    let receipt = desk.his.person_create(&post, desk.call()).await.unwrap();
    assert_eq!(desk.his.person_create(&post, desk.call()).await.unwrap(), receipt, "the same again is the same");
    let query = PersonQuery::Document(post.document.clone());
    let held = desk.his.person_find(&query, desk.call()).await.unwrap().remove(0);
    assert_eq!(
        (held.no.clone(), held.name, held.phone, held.guardian),
        (receipt.person.clone(), Some(post.name.clone()), post.phone.clone(), Some(guardian))
    );
    assert_eq!(desk.his.person_posted(&post.serial, desk.call()).await.unwrap(), None, "nobody can be asked");
    let other =
        PersonPost {
            name: PersonName::parse("王小满").unwrap(), serial: PersonSerial::of("person", &["p2"]), ..post
        };
    assert_eq!(
        desk.his.person_create(&other, desk.call()).await,
        Err(HisError::Refused { code: Refusal::PersonDiffers })
    );

    let wish = CardPost { serial: PersonSerial::of("card", &["p1"]), person: receipt.person.clone() };
    let card = desk.his.card_create(&wish, desk.call());
    let card = card.await.unwrap().card.unwrap();
    let binding = CardBinding { serial: PersonSerial::of("bind", &["p1"]), person: receipt.person, card: card.clone() };
    assert_eq!(desk.his.card_bind(&binding, desk.call()).await.unwrap().card, Some(card));
    let elsewhere = CardBinding { serial: PersonSerial::of("bind", &["p2"]), card: "V1".parse().unwrap(), ..binding };
    assert_eq!(desk.his.card_bind(&elsewhere, desk.call()).await, Err(HisError::Refused { code: Refusal::CardBound }));
    for call in desk.heard.calls.lock().unwrap().iter().filter(|call| call.adapter == HisAdapter::Hl7) {
        assert!(!call.request.contains("周") && !call.request.contains("1101"), "{}", call.request);
    }
}

#[tokio::test]
async fn what_the_language_does_not_have_is_not_offered() {
    let everything = HisPolicy { default: HisAdapter::Hl7, ..HisPolicy::default() };
    let desk = open("not-offered", everything).await;
    let lock = NumberLock {
        serial: "a".parse().unwrap(),
        clinic: "20270104-am-XNK-pool".parse().unwrap(),
        start: "0800".parse().unwrap(),
        number: 1,
        until: add_seconds(desk.now, 600),
    };
    assert_eq!(desk.his.lock(&lock, desk.call()).await, Err(HisError::NotOffered));
    assert_eq!(desk.his.standing(&lock.serial, desk.call()).await, Err(HisError::NotOffered));
}
