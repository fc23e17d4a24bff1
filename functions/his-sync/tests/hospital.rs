//! What the hospital's own system has to say of results and people by itself, and what it is told of them, against the
//! stand-in HIS.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on has failed")]

use domain::Timestamp;
use domain::id::{CardNo, PatientId, ReportId};
use domain::person::{IdDocument, PersonName, Phone};
use domain::profile::{HospitalProfile, PullPolicy};
use domain::report::filed::Deed;
use domain::time::{add_minutes, add_seconds};
use his_sync::{App, Synced, handle};
use kit::StandIn;
use runtime::secrets::{HisAccount, Secret};
use runtime::{Clock, Desk};
use serde_json::{Value, json};
use std::path::PathBuf;
use store::Table;
use store::identity::{Identity, IdentityNonces};
use store::patients::{Registrar, Registration};
use store::seal::Keyring;

const CARDS: [&str; 2] = ["V91", "V92"];

fn keys() -> Keyring {
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let secret = json!({ "current": 1, "keys": { "1": { "seal": key, "index": key } } });
    Keyring::from_secret(&secret.to_string()).unwrap()
}

fn profile() -> HospitalProfile {
    let mut profile: HospitalProfile =
        serde_json::from_str(include_str!("../../../infra/hospital/profile.json")).unwrap();
    profile.numbers.pull = Some(PullPolicy { reports_every_min: Some(5), ..PullPolicy::default() });
    profile.reports.alerts_his = true;
    profile
}

/// Two people with a card each, and their hospital.
struct World {
    table: Table,
    stand_in: StandIn,
    folder: PathBuf,
    now: Timestamp,
    people: Vec<PatientId>,
    numbers: Vec<Value>,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl World {
    async fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("his-sync-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let stand_in = StandIn::start("his", &folder, &[]).await;
        let now = stand_in.get("clock").await["now"].as_str().unwrap().parse().unwrap();
        let table = kit::table().await;
        table.put_profile(&profile()).await.unwrap();
        let mut world = Self { table, stand_in, folder, now, people: Vec::new(), numbers: Vec::new() };
        for n in [1, 2] {
            world.person(n).await;
        }
        world
    }

    async fn person(&mut self, n: u8) {
        let identity = Identity {
            name: PersonName::parse("林晓梅").unwrap(),
            document: IdDocument::passport("GBR", &format!("P{n:07}")).unwrap(),
            phone: Phone::parse("13800000001").unwrap(),
        };
        let nonces = IdentityNonces { name: [n; 12], document: [n; 12], phone: [n; 12] };
        let patient = PatientId::from_bytes([n; 10]);
        let by = Registrar::Staff("window".into());
        let registration = Registration { by, patient: patient.clone(), consent_version: "1".into(), at: self.now };
        self.table.register(&keys(), &identity, &nonces, &registration).await.unwrap();
        let card: CardNo = CARDS[usize::from(n) - 1].parse().unwrap();
        let holder = self.table.patient(&patient).await.unwrap().unwrap().identity;
        self.table.put_hospital_card(&card, holder).await.unwrap();
        assert!(self.table.bind_card(&patient, &card).await.unwrap());
        self.people.push(patient);
        let told = json!({ "name": "林晓梅", "documents": [], "cards": [{ "card_no": card.as_str() }] });
        self.numbers.push(self.stand_in.post("persons", told).await["person_no"].clone());
    }

    /// A tick so many minutes after the beginning, by the clocks of both sides.
    async fn tick(&self, minutes: i64) -> Synced {
        std::fs::write(self.folder.join("clock"), format!("{}\n", minutes * 60)).unwrap();
        let config = self.stand_in.config();
        let machine =
            his::Keys::new(config["app_id"].as_str().unwrap(), &[config["key"].as_str().unwrap().to_owned()]).unwrap();
        let client = his::SignedJson::new(&self.stand_in.url, machine).unwrap();
        let desk =
            Desk::new(self.table.clone(), Clock::standing_at(add_minutes(self.now, minutes)), "https://x.example");
        handle(&App { desk, his: Secret::fixed(HisAccount { client }), identity: Secret::fixed(keys()) }).await
    }

    async fn report(&self, number: &str, card: &str, value: &str, critical: bool) {
        let item = json!({
            "itemCode": "K", "itemName": "血钾", "result": value, "unit": "mmol/L", "refRange": "3.5-5.5",
            "abnormalFlag": if critical { "HH" } else { "N" },
        });
        let report = json!({
            "reportId": number, "cardNo": card, "patientName": "林晓梅", "reportType": "检验", "reportStatus": "已审核",
            "hospitalName": "LIS", "items": [item],
        });
        self.stand_in.post("reports", json!({ "report": report })).await;
    }

    async fn reports_of(&self, person: usize) -> Vec<ReportId> {
        let listed = self.table.reports_of_person(&keys(), &self.people[person]).await.unwrap();
        listed.into_iter().map(|listed| listed.id).collect()
    }

    async fn alerts(&self) -> Vec<bool> {
        let alerts = self.stand_in.get("alerts").await["alerts"].clone();
        alerts.as_array().unwrap().iter().map(|alert| alert["overdue"] == json!(true)).collect()
    }
}

#[tokio::test]
async fn what_was_missed_is_fetched_once() {
    let world = World::new("missed").await;
    for number in 0..25 {
        world.report(&format!("R{number}"), CARDS[0], "4.1", false).await;
    }
    world.report("R77", "V404", "4.1", false).await;
    assert_eq!(world.tick(0).await.failed, 0);
    assert_eq!(world.reports_of(0).await.len(), 25);
    assert_eq!(world.table.open_unplaced().await.unwrap().len(), 1, "of somebody unknown: kept whole");
    let pull = world.table.pull().await.unwrap();
    assert_eq!((pull.report.reports, pull.report_mark.as_deref()), (26, Some("26")));

    world.report("R78", CARDS[1], "4.1", false).await;
    world.stand_in.post("down", json!({ "on": true })).await;
    world.tick(5).await;
    assert_eq!(world.reports_of(1).await.len(), 0);
    world.stand_in.post("down", json!({ "on": false })).await;
    world.tick(15).await;
    assert_eq!((world.reports_of(0).await.len(), world.reports_of(1).await.len()), (25, 1));
    assert_eq!(world.table.pull().await.unwrap().report.reports, 1, "only what came since");
}

#[tokio::test]
async fn who_the_hospital_says_is_one_person_is_one() {
    let world = World::new("merged").await;
    world.report("R1", CARDS[1], "4.1", false).await;
    world
        .stand_in
        .post("persons/merge", json!({ "into": world.numbers[0], "from": world.numbers[1], "told": true }))
        .await;
    world.tick(0).await;
    assert_eq!(world.table.root_of(&world.people[1]).await.unwrap(), world.people[0]);
    assert_eq!(world.reports_of(0).await.len(), 1);
    world.stand_in.post("persons/unmerge", json!({ "from": world.numbers[1], "told": true })).await;
    world.tick(5).await;
    assert_eq!((world.reports_of(0).await.len(), world.reports_of(1).await.len()), (0, 1));
}

#[tokio::test]
async fn the_hospital_is_told_of_a_critical_value_until_it_knows_or_somebody_came() {
    let world = World::new("critical").await;
    world.report("R1", CARDS[0], "7.9", true).await;
    world.stand_in.post("faults", json!({ "path": "/his/v1/critical-alert", "kind": "fail_after" })).await;
    world.tick(0).await;
    assert_eq!(world.tick(1).await.failed, 1, "told, and no answer");
    world.tick(3).await;
    assert_eq!(world.alerts().await, [false], "the same alert is told once");
    let id = world.reports_of(0).await.remove(0);
    let filed = world.table.filed_report(&id).await.unwrap().unwrap();
    let critical = filed.critical.unwrap();
    assert!(critical.alert.unwrap().told_at.is_some());

    let late = add_seconds(critical.since, 30 * 60);
    assert!(world.table.escalate_critical(&id, late).await.unwrap().is_some());
    world.tick(31).await;
    assert_eq!(world.alerts().await, [false, true], "nobody came in time");
    let taken = world.table.acknowledge_critical(&id, "nurse-li", Deed::Treated, late).await.unwrap();
    assert!(taken.is_some());
    world.report("R2", CARDS[0], "7.8", true).await;
    world.tick(37).await;
    let other = world.reports_of(0).await.into_iter().find(|other| *other != id).unwrap();
    world.table.acknowledge_critical(&other, "nurse-li", Deed::Treated, late).await.unwrap();
    world.tick(39).await;
    assert_eq!(world.alerts().await.len(), 2, "somebody has taken it on before it was told");
}
