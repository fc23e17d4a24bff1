//! Results that could not be placed, and critical values, as staff work them off.

use crate::world::{ALL, BOSS, Browser, World, keyring};
use domain::Timestamp;
use domain::id::{CardNo, PatientId, ReportId};
use domain::person::{DocumentKind, IdDocument, PersonName, Phone};
use domain::profile::HospitalProfile;
use domain::report::{Status, Wire};
use domain::staff::Role;
use domain::time::add_minutes;
use intake::{Delivery, Inbox, Taken};
use lambda_http::http::Method;
use serde_json::json;
use store::identity::{Identity, IdentityNonces};
use store::patients::{Registrar, Registration};

const CARD: &str = "V20180031";
/// What a laboratory found: never in a list, never in a log.
const VALUE: &str = "7.93";

fn oru(card: &str, number: &str, value: &str, flag: &str) -> String {
    format!(
        "MSH|^~\\&|LIS|LAB|DESK|H|20261122080000||ORU^R01|M-{number}|P|2.5\r\
         PID|1||{card}^^^H^MR||林^晓梅||19800101|F\r\
         ORC|RE|O1|{number}||||||||||D9^周^一|||||^内科\r\
         OBR|1|O1|{number}|K^血钾^L|||20261122070000|||||||||||||||20261122080000|||F\r\
         OBX|1|NM|K^血钾^L||{value}|mmol/L|3.5-5.5|{flag}|||F|||20261122070000\r"
    )
}

async fn arrives(world: &World, message: &str, now: Timestamp) -> Taken {
    let (keys, profile): (_, HospitalProfile) = (keyring(), world.profile().await);
    let inbox = Inbox { table: world.table(), keys: &keys, profile: &profile, nonces: &world.app.desk.random, now };
    inbox.take(&Delivery { wire: Wire::Hl7, sender: "lis", charset: None, body: message.as_bytes() }).await.unwrap()
}

async fn bound(world: &World) -> PatientId {
    let today = domain::civil::date(2026, 11, 22);
    let document = IdDocument::parse(DocumentKind::ResidentId, "11010519491231002X", today).unwrap();
    let (name, phone) = (PersonName::parse("林晓梅").unwrap(), Phone::parse("19900000001").unwrap());
    let registration = Registration {
        by: Registrar::Staff("window".into()),
        patient: PatientId::from_bytes([1; 10]),
        consent_version: "1".into(),
        at: world.clock.now(),
    };
    let nonces = IdentityNonces { name: [1; 12], document: [2; 12], phone: [3; 12] };
    let identity = Identity { name, document, phone };
    world.table().register(&keyring(), &identity, &nonces, &registration).await.unwrap();
    let patient = registration.patient;
    let found = world.table().patient(&patient).await.unwrap().unwrap();
    let card: CardNo = CARD.parse().unwrap();
    world.table().put_hospital_card(&card, found.identity).await.unwrap();
    assert!(world.table().bind_card(&patient, &card).await.unwrap());
    patient
}

/// Whoever looks after data, in a browser.
async fn quality(world: &World) -> Browser {
    world.signed_in("liu", &[Role::Quality]).await
}

#[tokio::test]
async fn what_was_not_placed_is_seen_whole_mended_and_taken_in() {
    let world = World::with_catalog().await;
    let staff = quality(&world).await;
    arrives(&world, &oru(CARD, "F1", VALUE, "N"), world.clock.now()).await;
    let list = world.browse(Method::GET, "/staff/results", &staff, "").await;
    let kept = &list.body["messages"][0];
    assert_eq!((&kept["why"], &kept["tries"], &kept["is_open"]), (&json!("unknown_patient"), &json!(0), &json!(true)));
    let text = list.body.to_string();
    assert!(!text.contains(VALUE) && !text.contains('林') && !text.contains(CARD), "{text}");
    let path = format!("/staff/results/{}", kept["message"].as_str().unwrap());
    let whole = world.browse(Method::GET, &path, &staff, "").await.body;
    assert_eq!(whole["body"].as_str().unwrap().replace('\n', "\r"), oru(CARD, "F1", VALUE, "N"));

    let still = world.browse(Method::POST, &path, &staff, "action=replay").await.body;
    assert_eq!(
        (&still["is_open"], &still["why"], &still["filed"]),
        (&json!(true), &json!("unknown_patient"), &json!(0))
    );
    let patient = bound(&world).await;
    let placed = world.browse(Method::POST, &path, &staff, "action=replay").await.body;
    assert_eq!((&placed["is_open"], &placed["filed"]), (&json!(false), &json!(1)));
    let again = world.browse(Method::POST, &path, &staff, "action=replay").await.body;
    assert_eq!((&again["is_open"], &again["filed"]), (&json!(false), &json!(0)), "once");
    assert_eq!(world.table().reports_of(&keyring(), &patient).await.unwrap().len(), 1);
    assert_eq!(world.browse(Method::GET, "/staff/results", &staff, "").await.body["messages"], json!([]));
}

#[tokio::test]
async fn a_card_that_staff_have_found_stands_for_the_numbers() {
    let world = World::with_catalog().await;
    let (staff, patient) = (quality(&world).await, bound(&world).await);
    arrives(&world, &oru("OLD-7", "F1", VALUE, "N"), world.clock.now()).await;
    let list = world.browse(Method::GET, "/staff/results", &staff, "").await;
    let path = format!("/staff/results/{}", list.body["messages"][0]["message"].as_str().unwrap());
    let wrong = world.browse(Method::POST, &path, &staff, "action=replay&card=V99999999").await.body;
    assert_eq!((&wrong["is_open"], &wrong["why"]), (&json!(true), &json!("unknown_patient")));
    assert_eq!(world.browse(Method::POST, &path, &staff, "action=replay&card=%20%20!").await.status, 400);
    let placed = world.browse(Method::POST, &path, &staff, &format!("action=replay&card={CARD}")).await.body;
    assert_eq!(placed["filed"], json!(1));
    assert_eq!(world.table().reports_of(&keyring(), &patient).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_dismissed_is_never_taken_in() {
    let world = World::with_catalog().await;
    let staff = quality(&world).await;
    arrives(&world, "MSH|^~\\&|LIS", world.clock.now()).await;
    arrives(&world, &oru(CARD, "F1", VALUE, "N"), world.clock.now()).await;
    let list = world.browse(Method::GET, "/staff/results", &staff, "").await;
    let messages = list.body["messages"].as_array().unwrap().clone();
    assert_eq!(messages.len(), 2);
    for message in messages {
        let path = format!("/staff/results/{}", message["message"].as_str().unwrap());
        assert_eq!(world.browse(Method::POST, &path, &staff, "action=burn").await.status, 400);
        let over = world.browse(Method::POST, &path, &staff, "action=dismiss").await.body;
        assert_eq!(over["is_open"], json!(false));
        let whole = world.browse(Method::GET, &path, &staff, "").await;
        assert_eq!((whole.status, &whole.body["is_open"]), (200, &json!(false)), "it can still be seen");
    }
    let patient = bound(&world).await;
    assert_eq!(world.table().hurry_unplaced(&keyring(), CARD, world.clock.now()).await.unwrap(), 0);
    assert_eq!(world.table().reports_of(&keyring(), &patient).await.unwrap(), []);
    assert_eq!(world.browse(Method::GET, "/staff/results/nothing", &staff, "").await.status, 404);
    for path in ["/staff/results", "/staff/critical"] {
        assert_eq!(world.send(Method::GET, path, BOSS, "").await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn a_critical_value_is_taken_on_by_one() {
    let world = World::with_catalog().await;
    bound(&world).await;
    let doctor = world.signed_in("wang", &[Role::Doctor]).await;
    let since = add_minutes(world.clock.now(), -31);
    let taken = arrives(&world, &oru(CARD, "F1", VALUE, "HH"), since).await;
    let id: ReportId = taken.filed[0].id.clone();
    let list = world.browse(Method::GET, "/staff/critical", &doctor, "").await;
    let one = &list.body["critical"][0];
    assert_eq!((&one["waited_min"], &one["is_late"], &one["is_escalated"]), (&json!(31), &json!(true), &json!(false)));
    assert_eq!((&one["card"], &one["patient_name_masked"]), (&json!(CARD), &json!("林*梅")));
    let value = &one["values"][0];
    assert_eq!(
        (&value["value"], &value["unit"], &value["range"]),
        (&json!(VALUE), &json!("mmol/L"), &json!("3.5-5.5"))
    );
    assert_eq!(value["flag"], json!("危急 ↑↑"));

    let path = format!("/staff/critical/{id}");
    assert_eq!(world.browse(Method::POST, &path, &doctor, "deed=looked_at").await.status, 400);
    assert_eq!(world.browse(Method::POST, &path, &doctor, "").await.status, 400);
    let nobody = world.browse(Method::POST, "/staff/critical/nothing", &doctor, "deed=treated").await;
    assert_eq!(nobody.status, 404);
    let done = world.browse(Method::POST, &path, &doctor, "deed=patient_reached").await;
    assert_eq!(done.body["acknowledged"]["deed"], json!("patient_reached"), "{}", done.body);
    assert_eq!(done.body["acknowledged"]["by"], json!("wang"));
    let second = world.browse(Method::POST, &path, &doctor, "deed=treated").await;
    assert_eq!((second.status, second.code()), (409, "already_acknowledged"));
    assert_eq!(world.browse(Method::GET, "/staff/critical", &doctor, "").await.body["critical"], json!([]));
    let filed = world.table().filed_report(&id).await.unwrap().unwrap();
    assert_eq!(filed.status, Status::Final);
    assert_eq!(filed.critical.unwrap().acknowledged.unwrap().by, "wang", "the first one stays");
    assert_eq!(world.send(Method::GET, "/staff/critical", ALL, "").await.status, 403, "finance has no part in it");
}
