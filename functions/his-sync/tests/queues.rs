//! A queue the hospital calls from, against the stand-in HIS as its own process and a real engine of the table.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use domain::Timestamp;
use domain::appointment::{Appointment, Booker, State};
use domain::clinic::Slot;
use domain::event::Actor;
use domain::id::{AppointmentId, PatientId};
use domain::profile::HospitalProfile;
use domain::queue::{Priority, Queue, QueueOwner, Stage};
use domain::time::{add_seconds, today};
use his_sync::{App, Synced, handle};
use runtime::secrets::{HisAccount, Secret};
use runtime::{Clock, Desk};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Stdio;
use store::Table;
use store::queues::{CheckIn, Way};
use store::registration::HoldRequest;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

fn keyring() -> store::seal::Keyring {
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let secret = serde_json::json!({ "current": 1, "keys": { "1": { "seal": key, "index": key } } });
    store::seal::Keyring::from_secret(&secret.to_string()).unwrap()
}

/// The stand-in's clock is this machine's: so is the test's.
struct Hospital {
    table: Table,
    profile: HospitalProfile,
    visit: Appointment,
    now: Timestamp,
    url: String,
    state: PathBuf,
    http: reqwest::Client,
    _his: Child,
}

impl Hospital {
    async fn new(name: &str) -> Self {
        let state = std::env::temp_dir().join(format!("his-sync-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&state).unwrap();
        let server = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/his/server.mjs");
        let mut his = Command::new("node")
            .args([server, "--port", "0", "--state"])
            .arg(&state)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node runs the stand-in HIS");
        let mut lines = BufReader::new(his.stdout.take().unwrap()).lines();
        let told: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
        let url = told["url"].as_str().unwrap().to_owned();
        let http = reqwest::Client::new();
        let clock: Value = http.get(format!("{url}/control/clock")).send().await.unwrap().json().await.unwrap();
        let now: Timestamp = clock["now"].as_str().unwrap().parse().unwrap();
        let table = kit::table().await;
        let mut profile: HospitalProfile =
            serde_json::from_str(include_str!("../../../infra/hospital/profile.json")).unwrap();
        profile.queue.owner = QueueOwner::His;
        table.put_profile(&profile).await.unwrap();
        let visit = book(&table, &profile, now).await;
        let request = CheckIn {
            key: visit.key(),
            way: Way::Staff,
            priority: Priority::None,
            actor: Actor::Staff("nurse".into()),
        };
        table.check_in(&profile, &request, now).await.unwrap();
        Self { table, profile, visit, now, url, state, http, _his: his }
    }

    async fn says(&self, state: &str, room: &str) {
        let entries = json!([{ "appointment": self.visit.id, "state": state, "room": room, "times": 1 }]);
        let body = json!({ "clinic": self.visit.place.clinic, "entries": entries });
        let sent = self.http.post(format!("{}/control/clinic-queue", self.url)).json(&body).send().await.unwrap();
        assert!(sent.status().is_success());
    }

    async fn tick(&self, seconds: i64) -> Synced {
        let config: Value =
            serde_json::from_str(&std::fs::read_to_string(self.state.join("config.json")).unwrap()).unwrap();
        let key = config["key"].as_str().unwrap().to_owned();
        let keys = his::Keys::new(config["app_id"].as_str().unwrap(), &[key]).unwrap();
        let client = his::SignedJson::new(&self.url, keys).unwrap();
        let desk =
            Desk::new(self.table.clone(), Clock::standing_at(add_seconds(self.now, seconds)), "https://x.example");
        handle(&App { desk, his: Secret::fixed(HisAccount { client }), identity: Secret::fixed(keyring()) }).await
    }

    async fn queue(&self) -> Queue {
        let clinic = self.table.clinic_alone(&self.visit.place.clinic).await.unwrap().unwrap();
        self.table.queue(&clinic.queue_id().unwrap()).await.unwrap().unwrap()
    }
}

impl Drop for Hospital {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.state);
    }
}

/// A number of today, taken at the window the day before.
async fn book(table: &Table, profile: &HospitalProfile, now: Timestamp) -> Appointment {
    let (day, start) = (today(now), "2330".parse().unwrap());
    let clinic = kit::clinic("NK", day, 0, profile.booking.release_at(day));
    assert!(table.put_schedule(&clinic, &[Slot::fresh(&clinic, start, 1, 4)], &[]).await.unwrap().is_done());
    let request = HoldRequest {
        appointment: AppointmentId::from_bytes([1; 10]),
        booker: Booker::Staff("window".into()),
        patient: PatientId::from_bytes([2; 10]),
        patient_name_masked: "林*梅".into(),
        clinic,
        start,
        channel: domain::clinic::Channel::Wechat,
        rest_min: 0,
        follow_up_of: None,
    };
    let noon = domain::time::instant(domain::time::add_days(day, -1), domain::civil::time(12, 0, 0, 0));
    table.hold(profile, &request, noon).await.unwrap()
}

#[tokio::test]
async fn what_the_hospital_calls_is_what_the_queue_says() {
    let hospital = Hospital::new("calls").await;
    hospital.says("called", "905").await;
    assert_eq!(hospital.tick(1).await, Synced { done: 1, failed: 0 });
    let called = hospital.queue().await;
    assert_eq!(called.in_room("905").unwrap().appointment, hospital.visit.id);
    hospital.tick(2).await;
    assert_eq!(hospital.queue().await.ver, called.ver, "nothing new is no new version");
    hospital.says("done", "").await;
    hospital.tick(200).await;
    assert_eq!(hospital.queue().await.entry(&hospital.visit.id).unwrap().stage, Stage::Done);
    let visit = hospital.table.appointment(&hospital.visit.key()).await.unwrap().unwrap();
    assert_eq!(visit.state, State::Fulfilled);
}

#[tokio::test]
async fn a_queue_is_asked_for_until_its_day_is_over_or_it_is_ours_again() {
    let mut hospital = Hospital::new("ends").await;
    assert_eq!(hospital.tick(1).await.done, 1);
    hospital.profile.queue.owner = QueueOwner::Menzhen;
    hospital.table.put_profile(&hospital.profile).await.unwrap();
    assert_eq!(hospital.tick(2).await.done, 1, "taken off the list");
    assert_eq!(hospital.tick(3).await, Synced::default());
}
