//! What was told about a visit, and ringing up whom no message reaches.

use crate::world::{ALL, BOSS, World, at, demo_schedules, keyring};
use domain::id::PatientId;
use domain::notice::{NoticeKind, Recipient};
use domain::person::{DocumentKind, IdDocument, PersonName, Phone};
use lambda_http::http::Method;
use serde_json::json;
use store::account::Relation;
use store::calls::CallToMake;
use store::identity::{Identity, IdentityNonces};
use store::key::Key;
use store::notices::{Begin, Letter, Outcome};
use store::patients::{Registrar, Registration};

const CLINIC: &str = "20261123-am-XNK-pool";
const PHONE: &str = "19900000001";
const OPENID: &str = "o-lin";

/// A hospital with a registered patient who has a number.
async fn world() -> (World, domain::appointment::Appointment) {
    let world = World::with_catalog().await;
    assert_eq!(world.import("schedules", demo_schedules()).await.status, 200);
    let today = domain::civil::date(2026, 11, 22);
    let document = IdDocument::parse(DocumentKind::ResidentId, "11010519491231002X", today).unwrap();
    let identity =
        Identity { name: PersonName::parse("林晓梅").unwrap(), document, phone: Phone::parse(PHONE).unwrap() };
    let registration = Registration {
        by: Registrar::Account { account: OPENID.parse().unwrap(), relation: Relation::Oneself },
        patient: PatientId::from_bytes([1; 10]),
        consent_version: "1".into(),
        at: world.clock.now(),
    };
    let nonces = IdentityNonces { name: [1; 12], document: [2; 12], phone: [3; 12] };
    world.table().register(&keyring(), &identity, &nonces, &registration).await.unwrap();
    let visit = world.book(CLINIC, "0900", 1).await;
    (world, visit)
}

fn call(visit: &domain::appointment::Appointment) -> CallToMake {
    CallToMake {
        kind: NoticeKind::Cancelled,
        about: visit.id.to_string(),
        item: Key::appointment(&visit.key()),
        patient: visit.patient.clone(),
        why: "number_refused".into(),
        since: at("2026-11-22T02:00:00Z"),
        due_by: visit.place.starts_at(),
        made: Vec::new(),
        ver: 1,
    }
}

#[tokio::test]
async fn the_ledger_of_a_visit_names_nobody() {
    let (world, visit) = world().await;
    for (to, outcome) in [
        (Recipient::Account(OPENID.parse().unwrap()), Outcome::Dropped { why: "not_following".into() }),
        (Recipient::Phone, Outcome::Sent { msgid: "5000:1".into() }),
    ] {
        let item = Key::appointment(&visit.key());
        let letter = Letter { kind: NoticeKind::DayBefore, about: visit.id.to_string(), item, to, is_copy: false };
        let Begin::Send(record) = world.table().begin_notice(&letter, world.clock.now()).await.unwrap() else {
            panic!("the ledger is empty")
        };
        world.table().finish_notice(&record, outcome, world.clock.now()).await.unwrap();
    }
    let path = format!("/staff/appointments/{}/messages", visit.key());
    let answer = world.send(Method::GET, &path, ALL, "").await;
    let told = answer.body["messages"].as_array().unwrap();
    let ways: Vec<_> = told.iter().map(|one| (&one["by"], &one["state"])).collect();
    assert_eq!(ways.len(), 2, "{}", answer.body);
    assert!(ways.contains(&(&json!("wechat"), &json!("dropped"))) && ways.contains(&(&json!("sms"), &json!("sent"))));
    let text = answer.body.to_string();
    assert!(!text.contains(OPENID) && !text.contains(PHONE) && !text.contains("林"), "{text}");
    assert_eq!(world.send(Method::GET, &path, BOSS, "").await.status, 403);
}

#[tokio::test]
async fn who_is_not_reached_is_rung_up() {
    let (world, visit) = world().await;
    world.table().put_call(&call(&visit)).await.unwrap();
    world.table().put_call(&call(&visit)).await.unwrap();
    let list = world.send(Method::GET, "/staff/calls", ALL, "").await;
    assert_eq!(list.body["calls"].as_array().unwrap().len(), 1, "{}", list.body);
    assert!(!list.body.to_string().contains(PHONE));
    let path = format!("/staff/calls/{}", list.body["calls"][0]["call"].as_str().unwrap());
    let opened = world.send(Method::GET, &path, ALL, "").await;
    assert_eq!((&opened.body["phone"], &opened.body["due_by"]), (&json!(PHONE), &json!("2026-11-23 09:00")));
    let again = world.send(Method::POST, &path, ALL, r#"{"outcome":"not_reached"}"#).await;
    assert_eq!(
        (&again.body["tries"], &again.body["reached"], &again.body["phone"]),
        (&json!(1), &json!(false), &json!(null))
    );
    assert_eq!(world.send(Method::POST, &path, ALL, r#"{"outcome":"reached"}"#).await.body["reached"], json!(true));
    let list = world.send(Method::GET, "/staff/calls", ALL, "").await;
    assert_eq!(list.body["calls"], json!([]));
    assert_eq!(world.send(Method::POST, &path, ALL, r#"{"outcome":"maybe"}"#).await.status, 400);
    assert_eq!(world.send(Method::GET, "/staff/calls/booked-nobody", ALL, "").await.status, 404);
    assert_eq!(world.send(Method::GET, &path, BOSS, "").await.status, 403);
}

#[tokio::test]
async fn of_the_dead_nothing_is_told_any_more() {
    let (world, visit) = world().await;
    let path = format!("/staff/patients/{}/silence", visit.patient);
    assert_eq!(world.send(Method::PUT, &path, ALL, r#"{"silenced":true}"#).await.body["silenced"], json!(true));
    assert!(world.table().patient(&visit.patient).await.unwrap().unwrap().silenced);
    assert_eq!(
        world.send(Method::PUT, "/staff/patients/nobody/silence", ALL, r#"{"silenced":true}"#).await.status,
        404
    );
    assert_eq!(world.send(Method::PUT, &path, ALL, "{}").await.status, 400);
}
