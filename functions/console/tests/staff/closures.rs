//! 停诊, 替诊, 限号: decided by the preview's fingerprint, whole or from an hour on, and followed to the last person.

use crate::world::{ALL, Answer, World, at, demo_schedules};
use domain::appointment::State;
use domain::id::DoctorId;
use lambda_http::http::Method;
use serde_json::{Value, json};

const CLINIC: &str = "20261123-am-XNK-pool";
const NOW: &str = "2026-11-22T02:00:00Z";

async fn world() -> World {
    let world = World::with_catalog().await;
    assert_eq!(world.import("schedules", demo_schedules()).await.status, 200);
    world
}

async fn preview(world: &World, from: &str) -> Answer {
    world.send(Method::GET, &format!("/staff/clinics/{CLINIC}/closure{from}"), ALL, "").await
}

async fn decide(world: &World, body: Value) -> Answer {
    world.send(Method::POST, &format!("/staff/clinics/{CLINIC}/closure"), ALL, body.to_string()).await
}

/// What the sweeper does with it.
async fn work(world: &World) {
    let table = &world.app.desk.table;
    let profile = world.app.desk.profile().await.unwrap();
    for closure in table.closures(&CLINIC.parse().unwrap()).await.unwrap() {
        if !closure.is_done() {
            table.work_closure(&profile, &closure, at(NOW)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn the_last_hours_close_for_those_who_were_seen_in_the_preview() {
    let world = world().await;
    let (early, late) = (world.book(CLINIC, "0800", 1).await, world.book(CLINIC, "1100", 2).await);
    let seen = preview(&world, "?from=1100").await;
    assert_eq!((&seen.body["preview"]["booked"], &seen.body["preview"]["from"]), (&json!(1), &json!("1100")));
    assert_eq!(seen.body["preview"]["refund_fen"], json!(late.fee.get()));
    let close = |fingerprint: &Value| json!({ "action": "close", "from": "1100", "fingerprint": fingerprint });
    let held = world.hold(CLINIC, "1130", 3).await;
    let stale = decide(&world, close(&seen.body["preview"]["fingerprint"])).await;
    assert_eq!((stale.status, stale.code()), (409, "preview_changed"));
    let seen = preview(&world, "?from=1100").await;
    let closed = decide(&world, close(&seen.body["preview"]["fingerprint"])).await;
    assert_eq!(closed.status, 200, "{:?}", closed.body);
    assert_eq!(closed.body["closed_slots"], json!(["1100", "1130"]));
    work(&world).await;
    let after = preview(&world, "").await;
    let progress = &after.body["closures"][0];
    assert_eq!((&progress["kind"], progress["people"].as_array().unwrap().len()), (&json!("close"), 2));
    let now_of = async |key| world.app.desk.table.appointment(&key).await.unwrap().unwrap().state;
    assert_eq!(now_of(early.key()).await, State::Booked, "the morning goes on");
    assert!(matches!(now_of(late.key()).await, State::Cancelled { refund: true, .. }));
    assert!(matches!(now_of(held.key()).await, State::Cancelled { refund: false, .. }));
    let reopened = decide(&world, json!({ "action": "reopen" })).await;
    assert_eq!((reopened.status, &reopened.body["closed_slots"]), (200, &json!([])));
}

#[tokio::test]
async fn a_substitute_is_told_of_and_a_second_one_again() {
    let world = world().await;
    let booked = world.book(CLINIC, "0800", 1).await;
    let doctors = world.app.desk.table.doctors().await.unwrap();
    for (times, doctor) in doctors.iter().take(2).enumerate() {
        let fingerprint = preview(&world, "").await.body["preview"]["fingerprint"].clone();
        let body = json!({ "action": "substitute", "doctor": doctor.id.as_str(), "fingerprint": fingerprint });
        assert_eq!(decide(&world, body).await.status, 200);
        work(&world).await;
        let visit = world.app.desk.table.appointment(&booked.key()).await.unwrap().unwrap();
        assert!(visit.history.substituted && visit.place.who.contains(&doctor.name), "{visit:?}");
        assert_eq!(visit.place.doctor.as_ref().map(DoctorId::as_str), Some(doctor.id.as_str()));
        assert_eq!(visit.cancel_until(world.profile().await.cancel), visit.place.starts_at(), "free until the turn");
        assert_eq!(preview(&world, "").await.body["closures"].as_array().unwrap().len(), times + 1);
        // Decisions of one moment would be one: the next is made a minute later.
        world.clock.set(at("2026-11-22T02:01:00Z"));
    }
}

#[tokio::test]
async fn a_limit_below_what_is_booked_throws_nobody_out() {
    let world = world().await;
    world.book(CLINIC, "0800", 1).await;
    world.book(CLINIC, "0800", 2).await;
    let limited = decide(&world, json!({ "action": "limit", "slot": "0800", "numbers": "1" })).await;
    assert_eq!(limited.status, 200, "{:?}", limited.body);
    let free = async || {
        let clinic = world.send(Method::GET, &format!("/staff/clinics/{CLINIC}"), ALL, "").await;
        let slot = clinic.body["slots"][0].clone();
        (slot["free"].clone(), slot["taken"].as_array().unwrap().len())
    };
    assert_eq!(free().await, (json!(0), 2));
    decide(&world, json!({ "action": "limit", "slot": "0800" })).await;
    assert_eq!(free().await, (json!(6), 2));
}
