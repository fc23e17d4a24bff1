//! The window looks a number up and gives it back (F16).

use crate::world::{ALL, Answer, World, at, demo_schedules};
use lambda_http::http::Method;
use serde_json::json;

const CLINIC: &str = "20261123-am-XNK-pool";

async fn world() -> World {
    let world = World::with_catalog().await;
    assert_eq!(world.import("schedules", demo_schedules()).await.status, 200);
    world
}

async fn clinic(world: &World) -> Answer {
    world.send(Method::GET, &format!("/staff/clinics/{CLINIC}"), ALL, "").await
}

#[tokio::test]
async fn the_window_sees_who_is_there_and_cancels_in_time() {
    let world = world().await;
    let booked = world.book(CLINIC, "0800", 1).await;
    let listed = clinic(&world).await;
    let slot = &listed.body["slots"][0];
    assert_eq!((&slot["slot"], &slot["free"]), (&json!("0800"), &json!(7)));
    let taken = &slot["taken"][0];
    assert_eq!((&taken["patient_name_masked"], &taken["state"]), (&json!("林*梅"), &json!("booked")));

    let path = format!("/staff/appointments/{}", taken["appointment"].as_str().unwrap());
    assert_eq!(world.send(Method::GET, &path, ALL, "").await.body["number"], json!(booked.place.number));
    let cancel = format!("{path}/cancel");
    let first = world.send(Method::POST, &cancel, ALL, r#"{"reason":"patient_asked"}"#).await;
    assert_eq!((first.status, &first.body["state_text"]), (200, &json!("窗口取消")));
    // Nobody has it any more, and it rests before somebody else can.
    let gone = |slot: &serde_json::Value| (slot["free"].clone(), slot["resting"].clone(), slot["taken"].clone());
    assert_eq!(gone(&clinic(&world).await.body["slots"][0]), (json!(7), json!(1), json!([])));
    // A repeat says the same and gives nothing back twice.
    assert_eq!(world.send(Method::POST, &cancel, ALL, "").await.body, first.body);
    assert_eq!(gone(&clinic(&world).await.body["slots"][0]), (json!(7), json!(1), json!([])));
}

#[tokio::test]
async fn once_the_turn_has_begun_only_the_hospital_can() {
    let world = world().await;
    let booked = world.book(CLINIC, "0900", 1).await;
    world.clock.set(at("2026-11-23T01:00:01Z"));
    let path = format!("/staff/appointments/{}/cancel", booked.key());
    let late = world.send(Method::POST, &path, ALL, "{}").await;
    assert_eq!((late.status, late.code()), (409, "cancel_too_late"));
    let by_hospital = world.send(Method::POST, &path, ALL, r#"{"by":"hospital","reason":"clinic_changed"}"#).await;
    assert_eq!((by_hospital.status, &by_hospital.body["state_text"]), (200, &json!("医院取消")));
}

#[tokio::test]
async fn what_is_not_there_or_not_understood() {
    let world = world().await;
    for path in ["/staff/clinics/20261123-am-NOPE-pool", "/staff/appointments/x", "/staff/appointments/a-20261123-b"] {
        assert_eq!(world.send(Method::GET, path, ALL, "").await.status, 404, "{path}");
    }
    let path = "/staff/appointments/a-20261123-b/cancel";
    assert_eq!(world.send(Method::POST, path, ALL, r#"{"by":"me"}"#).await.status, 400);
    assert_eq!(world.send(Method::POST, path, ALL, "{}").await.status, 404);
}
