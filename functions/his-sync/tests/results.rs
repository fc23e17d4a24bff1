//! Results of somebody unknown: filed once the card is bound, by the tick that is due, and never in the way of payments.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

use domain::Timestamp;
use domain::id::{CardNo, PatientId};
use domain::person::{IdDocument, PersonName, Phone};
use domain::profile::HospitalProfile;
use domain::report::Wire;
use domain::time::add_minutes;
use his_sync::{App, Synced, handle};
use intake::{Delivery, Inbox};
use runtime::secrets::{HisAccount, Secret};
use runtime::{Clock, Desk, Random};
use store::Table;
use store::identity::{Identity, IdentityNonces};
use store::patients::{Registrar, Registration};
use store::seal::Keyring;

const CARD: &str = "V20180031";

fn now() -> Timestamp {
    "2026-11-25T09:00:00+08:00".parse().unwrap()
}

fn keys() -> Keyring {
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let secret = serde_json::json!({ "current": 1, "keys": { "1": { "seal": key, "index": key } } });
    Keyring::from_secret(&secret.to_string()).unwrap()
}

fn profile() -> HospitalProfile {
    serde_json::from_str(include_str!("../../../infra/hospital/profile.json")).unwrap()
}

/// A tick at a desk whose HIS does not answer: results need none.
async fn tick(table: &Table, at: Timestamp) -> Synced {
    let keys_of_machine = his::Keys::new("desk", &["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned()]).unwrap();
    let client = his::SignedJson::new("http://127.0.0.1:9", keys_of_machine).unwrap();
    let desk = Desk::new(table.clone(), Clock::standing_at(at), "https://x.example");
    handle(&App { desk, his: Secret::fixed(HisAccount { client }), identity: Secret::fixed(keys()) }).await
}

async fn register(table: &Table) -> PatientId {
    let identity = Identity {
        name: PersonName::parse("林晓梅").unwrap(),
        document: IdDocument::passport("GBR", "P1234567").unwrap(),
        phone: Phone::parse("13800000001").unwrap(),
    };
    let nonces = IdentityNonces { name: [1; 12], document: [2; 12], phone: [3; 12] };
    let patient = PatientId::from_bytes([1; 10]);
    let by = Registrar::Staff("window".into());
    let registration = Registration { by, patient: patient.clone(), consent_version: "1".into(), at: now() };
    table.register(&keys(), &identity, &nonces, &registration).await.unwrap();
    patient
}

async fn bind(table: &Table, patient: &PatientId) {
    let card: CardNo = CARD.parse().unwrap();
    let holder = table.patient(patient).await.unwrap().unwrap().identity;
    table.put_hospital_card(&card, holder).await.unwrap();
    assert!(table.bind_card(patient, &card).await.unwrap());
}

#[tokio::test]
async fn a_result_comes_in_with_the_first_due_tick_after_the_card_is_bound() {
    let (table, keys, profile) = (kit::table().await, keys(), profile());
    table.put_profile(&profile).await.unwrap();
    let patient = register(&table).await;
    let body = format!(r#"{{"reportId":"R1","cardNo":"{CARD}","patientName":"林晓梅","reportStatus":"已审核"}}"#);
    let inbox = Inbox { table: &table, keys: &keys, profile: &profile, nonces: &Random, now: now() };
    let delivery = Delivery { wire: Wire::FrontEnd, sender: "lis", charset: None, body: body.as_bytes() };
    let kept = inbox.take(&delivery).await.unwrap().kept.unwrap();

    assert_eq!(tick(&table, add_minutes(now(), 1)).await, Synced { done: 0, failed: 0 }, "not due yet");
    assert_eq!(tick(&table, add_minutes(now(), 2)).await, Synced { done: 1, failed: 0 });
    assert_eq!(table.unplaced(&kept.id).await.unwrap().unwrap().tries, 1);
    bind(&table, &patient).await;
    assert_eq!(tick(&table, add_minutes(now(), 3)).await, Synced { done: 0, failed: 0 }, "the next try is later");
    assert_eq!(table.hurry_unplaced(&keys, CARD, add_minutes(now(), 3)).await.unwrap(), 1);
    assert_eq!(tick(&table, add_minutes(now(), 3)).await, Synced { done: 1, failed: 0 });
    assert!(!table.unplaced(&kept.id).await.unwrap().unwrap().is_open());
    assert_eq!(table.reports_of(&keys, &patient).await.unwrap().len(), 1);
    assert_eq!(tick(&table, add_minutes(now(), 600)).await, Synced { done: 0, failed: 0 });
}
