//! Ticks of the reminder on a real engine, with a queue that takes or refuses.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use axum::Router;
use axum::body::Bytes;
use domain::appointment::{Appointment, Command, State};
use domain::civil::Time;
use domain::due::{Deadline, Deadlines};
use domain::event::Actor;
use domain::notice::{NoticeKind, Recipient};
use domain::profile::HospitalProfile;
use domain::{Timestamp, time};
use reminder::{App, handle};
use runtime::{Clock, Desk};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use store::key::Key;
use store::notices::{Begin, Letter, Outcome};

/// Booked at noon two days before a visit at nine.
const BOOKED: &str = "2026-11-21T04:00:00Z";
/// 18:00 of the day before.
const DAY_BEFORE: &str = "2026-11-22T10:00:00Z";
/// 08:30 of the day.
const TURN_SOON: &str = "2026-11-23T00:30:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn profile() -> HospitalProfile {
    serde_json::from_str(include_str!("../../../infra/hospital/profile.json")).unwrap()
}

struct World {
    app: App,
    clock: Clock,
    queued: Arc<Mutex<Vec<String>>>,
    refuses: Arc<AtomicBool>,
    visit: Appointment,
}

impl World {
    async fn start(profile: &HospitalProfile) -> Self {
        let (queued, refuses) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let url = queue(Arc::clone(&queued), Arc::clone(&refuses)).await;
        let (clock, table) = (Clock::standing_at(at(BOOKED)), kit::table().await);
        table.put_profile(profile).await.unwrap();
        let held = held();
        table.create_appointment(&held).await.unwrap();
        let (key, pay) = (held.key(), Actor::WechatPay);
        let visit = table.move_appointment(&key, Command::Book, &pay, profile.cancel, at(BOOKED)).await.unwrap();
        // The stream has led to the confirmation.
        table.clear_deadline(&visit.key(), Deadline::Notify).await.unwrap();
        let desk = Desk::new(table, clock.clone(), "https://desk.example.com");
        Self {
            app: App { desk, queue: sqs(&url), queue_url: format!("{url}/0/notice") },
            clock,
            queued,
            refuses,
            visit,
        }
    }

    /// What a tick at this time queues.
    async fn tick(&self, now: &str) -> Vec<String> {
        self.clock.set(at(now));
        handle(&self.app).await;
        std::mem::take(&mut self.queued.lock().unwrap())
    }

    async fn deadlines(&self) -> Deadlines {
        self.app.desk.table.appointment(&self.visit.key()).await.unwrap().unwrap().deadlines
    }
}

async fn queue(queued: Arc<Mutex<Vec<String>>>, refuses: Arc<AtomicBool>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = move |body: Bytes| {
        let request: Value = serde_json::from_slice(&body).unwrap();
        let entries = request["Entries"].as_array().unwrap().clone();
        let answer = if refuses.load(Ordering::SeqCst) {
            let failed = entries.iter().map(|entry| json!({ "Id": entry["Id"], "Code": "Busy", "SenderFault": false }));
            json!({ "Successful": [], "Failed": failed.collect::<Vec<_>>() })
        } else {
            for entry in &entries {
                let event: Value = serde_json::from_str(entry["MessageBody"].as_str().unwrap()).unwrap();
                queued.lock().unwrap().push(event["kind"].as_str().unwrap().to_owned());
            }
            let taken =
                entries.iter().map(|entry| json!({ "Id": entry["Id"], "MessageId": "1", "MD5OfMessageBody": "-" }));
            json!({ "Successful": taken.collect::<Vec<_>>(), "Failed": [] })
        };
        async move { answer.to_string() }
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await.unwrap() });
    url
}

fn sqs(url: &str) -> aws_sdk_sqs::Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(url)
        .build();
    aws_sdk_sqs::Client::from_conf(config)
}

fn held() -> Appointment {
    kit::visit(State::Held { expires_at: at("2026-11-21T04:10:00Z") }, at(BOOKED))
}

#[tokio::test]
async fn a_visit_is_reminded_of_twice_once_each() {
    let world = World::start(&profile()).await;
    assert!(world.tick("2026-11-22T09:59:59Z").await.is_empty());
    assert_eq!(world.tick(DAY_BEFORE).await, ["appointment.day_before"]);
    assert!(world.tick(DAY_BEFORE).await.is_empty(), "a doubled tick");
    assert!(world.tick("2026-11-23T00:29:59Z").await.is_empty());
    assert_eq!(world.tick(TURN_SOON).await, ["appointment.turn_soon"]);
    assert!(world.tick("2026-11-23T00:31:00Z").await.is_empty());
    // What is left is the sweeper's: who has not come by then has missed it.
    assert_eq!(world.deadlines().await, Deadlines::none().with(Deadline::Miss, at("2026-11-23T01:30:00Z")));
}

#[tokio::test]
async fn ticks_that_were_missed_are_made_up_for() {
    let world = World::start(&profile()).await;
    let mut queued = world.tick("2026-11-23T00:45:00Z").await;
    queued.sort();
    // Too late to be of use is for the notifier to say, which writes it down.
    assert_eq!(queued, ["appointment.day_before", "appointment.turn_soon"]);
}

#[tokio::test]
async fn whoever_has_come_is_still_told_that_the_turn_is_near() {
    let world = World::start(&profile()).await;
    let table = &world.app.desk.table;
    let nurse = Actor::Staff("nurse".into());
    let now = at("2026-11-23T00:10:00Z");
    table.move_appointment(&world.visit.key(), Command::CheckIn, &nurse, profile().cancel, now).await.unwrap();
    // The queue has followed.
    table.clear_deadline(&world.visit.key(), Deadline::Queue).await.unwrap();
    assert_eq!(world.tick(TURN_SOON).await, ["appointment.turn_soon"]);
}

#[tokio::test]
async fn who_has_cancelled_is_reminded_of_nothing() {
    let world = World::start(&profile()).await;
    let (table, me) = (&world.app.desk.table, Actor::Account("oLin".parse().unwrap()));
    let cancel = Command::Cancel(domain::appointment::CancelledBy::Patient);
    table.move_appointment(&world.visit.key(), cancel, &me, profile().cancel, at(BOOKED)).await.unwrap();
    table.clear_deadline(&world.visit.key(), Deadline::Release).await.unwrap();
    assert_eq!(world.tick(DAY_BEFORE).await, ["appointment.cancelled"]);
    assert!(world.tick(TURN_SOON).await.is_empty());
}

#[tokio::test]
async fn a_profile_may_say_later_or_never() {
    let mut later = profile();
    later.messages.day_before = Some(Time::constant(20, 0, 0, 0));
    let world = World::start(&later).await;
    assert!(world.tick(DAY_BEFORE).await.is_empty());
    assert!(world.tick("2026-11-22T11:59:00Z").await.is_empty());
    assert_eq!(world.tick("2026-11-22T12:00:00Z").await, ["appointment.day_before"]);
    let mut never = profile();
    never.messages.day_before = None;
    let world = World::start(&never).await;
    assert!(world.tick(DAY_BEFORE).await.is_empty());
    assert_eq!(world.deadlines().await.get(Deadline::DayBefore), None);
}

#[tokio::test]
async fn a_queue_that_refuses_loses_nothing() {
    let world = World::start(&profile()).await;
    world.refuses.store(true, Ordering::SeqCst);
    assert!(world.tick(DAY_BEFORE).await.is_empty());
    assert!(world.deadlines().await.get(Deadline::DayBefore).is_some());
    world.refuses.store(false, Ordering::SeqCst);
    assert_eq!(world.tick("2026-11-22T10:01:00Z").await, ["appointment.day_before"]);
}

#[tokio::test]
async fn a_letter_that_waits_is_queued_when_its_time_has_come() {
    let world = World::start(&profile()).await;
    let table = &world.app.desk.table;
    let letter = Letter {
        kind: NoticeKind::Booked,
        about: world.visit.id.to_string(),
        item: Key::appointment(&world.visit.key()),
        to: Recipient::Phone,
        is_copy: true,
    };
    let Begin::Send(record) = table.begin_notice(&letter, at(BOOKED)).await.unwrap() else { panic!("it is the first") };
    let until = time::add_minutes(at(BOOKED), 60);
    table.finish_notice(&record, Outcome::Waiting { until }, at(BOOKED)).await.unwrap();
    assert!(world.tick("2026-11-21T04:59:59Z").await.is_empty());
    assert_eq!(world.tick("2026-11-21T05:00:00Z").await, ["message.due"]);
    assert!(world.tick("2026-11-21T05:01:00Z").await.is_empty(), "under way");
    assert_eq!(world.tick("2026-11-21T07:00:00Z").await, ["message.due"], "lost on its way: once more");
}
