//! Appeals, the blacklist of an account, and what another policy would do.

use crate::world::{ALL, BOSS, World, at, demo_schedules, keyring};
use domain::appointment::{Appointment, Command};
use domain::event::Actor;
use lambda_http::http::Method;
use serde_json::{Value, json};
use store::appeals::{Appeal, NewAppeal};

const CLINIC: &str = "20261123-am-XNK-pool";
const AFTER: &str = "2026-11-23T02:00:00Z";

/// Patient `n` has missed a visit.
async fn missed(world: &World, n: u8) -> Appointment {
    let booked = world.book(CLINIC, "0800", n).await;
    let (profile, after) = (world.profile().await, at(AFTER));
    let miss = Command::MissVisit;
    let missed = world.table().move_appointment(&booked.key(), miss, &Actor::Schedule, profile.cancel, after).await;
    world.table().follow_credit(&profile, &missed.unwrap(), after).await.unwrap();
    world.table().appointment(&booked.key()).await.unwrap().unwrap()
}

async fn appealed(world: &World, n: u8) -> Appointment {
    let visit = missed(world, n).await;
    let new = NewAppeal {
        key: visit.key(),
        patient_name_masked: visit.patient_name_masked.clone(),
        by: "o-lin".parse().unwrap(),
        at: at(AFTER),
        due: domain::civil::date(2026, 11, 25),
    };
    let appeal = Appeal::new(new, "当天住院", &keyring(), [n; 12]).unwrap();
    world.table().file_appeal(&appeal).await.unwrap();
    visit
}

async fn world() -> World {
    let world = World::with_catalog().await;
    assert_eq!(world.import("schedules", demo_schedules()).await.status, 200);
    world
}

async fn post(world: &World, path: &str, body: Value) -> crate::world::Answer {
    world.send(Method::POST, path, ALL, body.to_string()).await
}

#[tokio::test]
async fn an_appeal_is_answered_once_and_leaves_the_list() {
    let world = world().await;
    let (first, second) = (appealed(&world, 1).await, appealed(&world, 2).await);
    world.clock.set(at("2026-11-25T16:00:01Z"));
    let listed = world.send(Method::GET, "/staff/appeals", ALL, "").await;
    let appeals = listed.body["appeals"].as_array().unwrap();
    assert_eq!(appeals.len(), 2);
    assert_eq!((&appeals[0]["text"], &appeals[0]["is_overdue"]), (&json!("当天住院"), &json!(true)));
    // Nothing of what the patient wrote lies open in the table.
    assert!(!format!("{:?}", world.items().await).contains("住院"));

    let path = |visit: &Appointment| format!("/staff/appeals/{}/answer", visit.key());
    let granted = post(&world, &path(&first), json!({"granted": true, "why": "有证明"})).await;
    assert_eq!((granted.status, &granted.body["granted"]), (200, &json!(true)));
    let other = post(&world, &path(&first), json!({"granted": false, "why": "没有"})).await;
    assert_eq!((other.status, other.code()), (409, "already_answered"));
    assert_eq!(post(&world, &path(&first), json!({"granted": true, "why": "有证明"})).await.status, 200);
    assert_eq!(post(&world, &path(&second), json!({"granted": false, "why": "无证明"})).await.status, 200);

    let state = async |visit: &Appointment| {
        let person = world.table().gate(&visit.patient).await.unwrap().record;
        let account = world.table().account_gate(&"o-lin".parse().unwrap()).await.unwrap().record;
        [&person, &account].map(|record| json!(record.strikes[&visit.id].state))
    };
    assert_eq!(state(&first).await, [json!("waived"), json!("waived")]);
    assert_eq!(state(&second).await, [json!("provisional"), json!("provisional")]);
    let gate = world.table().gate(&second.patient).await.unwrap();
    assert_eq!(gate.news.unwrap().granted, Some(false));
    assert_eq!(world.send(Method::GET, "/staff/appeals", ALL, "").await.body["appeals"], json!([]));
    let nobody = "/staff/appeals/aaaaaaaaaaaaaaaa-20261123-aaaaaaaaaaaaaaaa/answer";
    assert_eq!(post(&world, nobody, json!({"granted": true, "why": "x"})).await.status, 404);
    assert_eq!(post(&world, &path(&second), json!({"granted": true, "why": " "})).await.status, 400);
}

#[tokio::test]
async fn an_account_is_blocked_and_unblocked_on_the_record() {
    let world = world().await;
    let path = |what: &str| format!("/staff/credit/accounts/o-lin{what}");
    let block = json!({"why": "scalping", "evidence": "多人代抢号源", "until": "2026-12-22T00:00:00+08:00"});
    assert_eq!(post(&world, &path("/block"), block.clone()).await.body["changed"], json!(true));
    assert_eq!(post(&world, &path("/block"), block).await.body["changed"], json!(false));
    let shown = world.send(Method::GET, &path(""), ALL, "").await;
    let entry = &shown.body["blocks"][0];
    assert_eq!((&entry["evidence"], &entry["in_force"]), (&json!("多人代抢号源"), &json!(true)));
    assert_eq!(entry["put_on"]["by"], json!("office"));
    assert!(!format!("{:?}", world.items().await).contains("代抢号源"));
    assert_eq!(post(&world, &path("/unblock"), json!({"why": "查证有误"})).await.body["changed"], json!(true));
    assert_eq!(post(&world, &path("/unblock"), json!({"why": "查证有误"})).await.body["changed"], json!(false));
    let over = json!({"why": "violence", "evidence": "x", "until": "2026-11-01T00:00:00+08:00"});
    assert_eq!(post(&world, &path("/block"), over).await.code(), "already_over");
    assert_eq!(post(&world, &path("/void"), json!({"appointment": "a", "why": "x"})).await.status, 404);
    assert_eq!(world.send(Method::GET, &path(""), BOSS, "").await.status, 403);
    assert_eq!(world.send(Method::GET, "/staff/credit/patients/nobody", ALL, "").await.status, 404);
    assert_eq!(world.send(Method::GET, "/staff/credit/doctors/D0101", ALL, "").await.status, 404);
}

#[tokio::test]
async fn a_dry_run_says_who_would_be_banned_and_changes_nothing() {
    let world = world().await;
    let visit = missed(&world, 1).await;
    world.clock.set(at(AFTER));
    let before = world.table().gate(&visit.patient).await.unwrap();
    let strict = post(&world, "/staff/credit/dry-run", json!({"policy": {"preset": "zhongshan-gd"}})).await;
    assert_eq!((&strict.body["people"], &strict.body["banned_now"]), (&json!(1), &json!(0)), "{strict:?}");
    assert_eq!(strict.body["newly_banned"], json!([{"patient": visit.patient.as_str(), "name_masked": "林*梅"}]));
    let mild = post(&world, "/staff/credit/dry-run", json!({"policy": {"preset": "changzhou"}})).await;
    assert_eq!((&mild.body["would_be_banned"], &mild.body["is_complete"]), (&json!(0), &json!(true)));
    assert_eq!(world.table().gate(&visit.patient).await.unwrap(), before);
    assert_eq!(post(&world, "/staff/credit/dry-run", json!({"policy": {"preset": "nobody's"}})).await.status, 400);
}

#[tokio::test]
async fn a_policy_of_ones_own_is_checked() {
    let world = World::start("{}").await;
    let mut profile: Value = serde_json::from_slice(&crate::world::demo("profile.json")).unwrap();
    let rule = json!({
        "counts": ["no_show"], "window": {"rolling_days": 90},
        "ladder": [{"at": {"exceeds": 2}, "ban": {"days": 30}}], "scope": "advance_booking",
    });
    let terms = |rule: &Value| json!({"rules": [rule], "in_time": {"ordinary": {"rule": "online"}}});
    profile["credit"] = json!({"terms": terms(&rule)});
    let put = async |profile: &Value| world.send(Method::PUT, "/staff/profile", ALL, profile.to_string()).await;
    assert_eq!(put(&profile).await.status, 200);
    let mut wrong = rule.clone();
    wrong["counts"] = json!([]);
    wrong["window"] = json!({"rolling_days": 0});
    wrong["ladder"] = json!([{"at": {"reaches": 99}, "ban": {"months": 400}}]);
    profile["credit"] = json!({
        "terms": terms(&wrong), "grace_min": -1,
        "outages": [{"from": "2026-11-22T10:00:00Z", "until": "2026-11-22T09:00:00Z", "what": ""}],
    });
    profile["calendar"] = json!({"holidays": ["2026-10-10"], "make_up_days": ["2026-10-10"]});
    let refused = put(&profile).await;
    let mut paths: Vec<_> = refused.body["errors"].as_array().unwrap().iter().map(|error| &error["path"]).collect();
    paths.sort_by_key(ToString::to_string);
    assert_eq!(
        json!(paths),
        json!([
            "calendar.make_up_days",
            "credit.grace_min",
            "credit.outages[0].until",
            "credit.outages[0].what",
            "credit.terms.rules[0].counts",
            "credit.terms.rules[0].ladder[0].at",
            "credit.terms.rules[0].ladder[0].ban",
            "credit.terms.rules[0].window",
        ])
    );
}
