//! WeChat, then SMS, then a call: for what matters, once each.

use crate::world::{PHONE, World, at, dropped, errcode, sms_refusal};
use domain::event::EventKind;
use domain::notice::{NoticeKind, Recipient};
use domain::time;
use serde_json::json;
use store::calls::{CallMade, CallOutcome};
use store::notices::{ASKED_AFTER_MIN, End, Outcome};

/// A closed clinic whose patient WeChat does not take for this reason.
async fn unreached(code: i64) -> World {
    let world = World::start("1980").await;
    world.closed().await;
    world.wechat.answer(errcode(code));
    world
}

#[tokio::test]
async fn who_wechat_does_not_reach_gets_an_sms_of_what_matters() {
    for (code, why) in [
        (43_004, "unreachable"),
        (40_003, "unreachable"),
        (43_019, "unreachable"),
        (43_101, "no_consent"),
        (40_037, "template_gone"),
        (47_003, "bad_value"),
    ] {
        let world = unreached(code).await;
        assert!(world.tell(EventKind::AppointmentCancelled, 0).await);
        assert_eq!(world.outcome(NoticeKind::Cancelled).await, dropped(why));
        assert!(matches!(world.by_phone(NoticeKind::Cancelled).await, Some(Outcome::Sent { .. })), "{code}");
        assert!(world.tell(EventKind::AppointmentCancelled, 0).await);
        assert_eq!((world.wechat.take().len(), world.sms.take().len()), (1, 1), "{code}");
    }
}

#[tokio::test]
async fn who_does_not_follow_is_not_even_tried() {
    let world = World::start("1980").await;
    world.table.note_follow(&"oLin".parse().unwrap(), false, world.clock.now()).await.unwrap();
    world.closed().await;
    assert!(world.tell(EventKind::AppointmentCancelled, 0).await);
    assert_eq!((world.wechat.take().len(), world.sms.take().len()), (0, 1));
}

#[tokio::test]
async fn what_does_not_matter_ends_there() {
    let world = World::start("1980").await;
    world.wechat.answer(errcode(43_004));
    assert!(world.tell(EventKind::AppointmentTurnSoon, 0).await);
    assert_eq!(world.outcome(NoticeKind::TurnSoon).await, dropped("unreachable"));
    assert_eq!(world.by_phone(NoticeKind::TurnSoon).await, None);
    assert!(world.table.calls_to_make().await.unwrap().is_empty());
}

#[tokio::test]
async fn for_the_old_a_turn_matters() {
    let world = World::start("1950").await;
    world.sms.answer(sms_refusal("FailedOperation.PhoneNumberInBlacklist"));
    world.wechat.answer(errcode(43_004));
    assert!(world.tell(EventKind::AppointmentTurnSoon, 0).await);
    assert_eq!(world.by_phone(NoticeKind::TurnSoon).await, Some(dropped("number_refused")));
    let calls = world.table.calls_to_make().await.unwrap();
    assert_eq!(calls.len(), 1);
    assert_eq!((calls[0].kind, calls[0].why.as_str()), (NoticeKind::TurnSoon, "number_refused"));
    assert_eq!(calls[0].due_by, at("2026-11-23T01:00:00Z"));
}

#[tokio::test]
async fn a_template_deleted_in_mid_day_wakes_somebody_once() {
    let world = unreached(40_037).await;
    assert!(world.tell(EventKind::AppointmentCancelled, 0).await);
    let trouble = "template#demo-template-cancelled";
    assert!(!world.table.note_trouble(trouble, world.clock.now()).await.unwrap());
}

#[tokio::test]
async fn who_no_message_reaches_is_rung_up() {
    let refusals = ["InvalidParameterValue.IncorrectPhoneNumber", "FailedOperation.InsufficientBalanceInSmsPackage"];
    for code in refusals {
        let world = unreached(43_004).await;
        world.sms.answer(sms_refusal(code));
        for _ in 0..2 {
            assert!(world.tell(EventKind::AppointmentCancelled, 0).await);
        }
        let calls = world.table.calls_to_make().await.unwrap();
        assert_eq!(calls.len(), 1, "{code}");
        assert_eq!(world.sms.take().len(), 1, "{code}");
        let made = |outcome| CallMade { by: "nurse".into(), at: world.clock.now(), outcome };
        world.table.note_call(&calls[0].id(), &made(CallOutcome::NotReached)).await.unwrap().unwrap();
        assert_eq!(world.table.calls_to_make().await.unwrap().len(), 1);
        world.table.note_call(&calls[0].id(), &made(CallOutcome::Reached)).await.unwrap().unwrap();
        assert!(world.table.calls_to_make().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_sms_nobody_answers_for_is_not_sent_again_but_asked_after() {
    let world = unreached(43_004).await;
    world.sms.answer(json!(502));
    assert!(world.tell(EventKind::AppointmentCancelled, 0).await);
    assert_eq!(world.by_phone(NoticeKind::Cancelled).await, Some(Outcome::Failed { why: "unknown".into() }));
    assert_eq!(world.table.calls_to_make().await.unwrap().len(), 1);
    let letters = world.due_letters().await;
    assert!(world.take(&letters[0], EventKind::MessageDue, 0).await);
    assert_eq!(world.sms.take().len(), 1);
    assert!(world.due_letters().await.is_empty());
}

/// What the service says of the text it took.
fn reports(status: &str) -> serde_json::Value {
    let report = json!({ "SerialNo": "5000:1", "ReportStatus": status, "PhoneNumber": format!("+86{PHONE}") });
    json!({ "Response": { "PullSmsSendStatusSet": [report], "RequestId": "r" } })
}

/// A text the service took, as it is once the minutes are over and the reminder has queued it.
async fn asked(world: &World, after_min: i64) -> bool {
    world.clock.set(time::add_minutes(world.clock.now(), after_min));
    let letters = world.due_letters().await;
    match letters.as_slice() {
        [] => false,
        [letter] => world.take(letter, EventKind::MessageDue, 0).await,
        several => panic!("{several:?}"),
    }
}

#[tokio::test]
async fn a_text_that_did_not_arrive_is_a_call_to_make() {
    let world = unreached(43_004).await;
    assert!(world.tell(EventKind::AppointmentCancelled, 0).await);
    world.sms.take();
    assert!(!asked(&world, 4).await, "too early to ask");
    world.sms.answer(reports("FAIL"));
    assert!(asked(&world, 1).await);
    let question = world.sms.take().remove(0);
    assert_eq!(question["PhoneNumber"], format!("+86{PHONE}"));
    assert_eq!(world.by_phone(NoticeKind::Cancelled).await, Some(Outcome::Failed { why: "failed".into() }));
    let calls = world.table.calls_to_make().await.unwrap();
    assert_eq!((calls.len(), calls[0].kind, calls[0].why.as_str()), (1, NoticeKind::Cancelled, "failed"));
    assert!(!asked(&world, 9_000).await, "asked no more");
    assert!(world.sms.take().is_empty(), "and not sent again");
}

#[tokio::test]
async fn a_text_that_arrived_is_settled() {
    let world = unreached(43_004).await;
    assert!(world.tell(EventKind::AppointmentCancelled, 0).await);
    world.sms.answer(reports("SUCCESS"));
    assert!(asked(&world, 5).await);
    assert_eq!(world.by_phone(NoticeKind::Cancelled).await, Some(Outcome::Delivered));
    assert!(world.table.calls_to_make().await.unwrap().is_empty());
    assert!(!asked(&world, 9_000).await);
}

#[tokio::test]
async fn a_text_nobody_speaks_of_is_asked_after_for_three_days() {
    let world = unreached(43_004).await;
    assert!(world.tell(EventKind::AppointmentCancelled, 0).await);
    world.sms.take();
    let mut before_min = 0;
    for (at, after_min) in ASKED_AFTER_MIN.into_iter().enumerate() {
        // Nothing yet, a service that is down, one that says no: each is asked again.
        let answers =
            [json!({ "Response": { "PullSmsSendStatusSet": [] } }), json!(502), sms_refusal("InternalError.X")];
        world.sms.answer(answers[at % answers.len()].clone());
        assert!(asked(&world, after_min - before_min).await, "{after_min}");
        assert_eq!(world.sms.take().len(), 1, "{after_min}");
        before_min = after_min;
    }
    assert!(!asked(&world, 9_000).await, "asked no more");
    assert_eq!(world.by_phone(NoticeKind::Cancelled).await, Some(Outcome::Sent { msgid: "5000:1".into() }));
    assert!(world.table.calls_to_make().await.unwrap().is_empty(), "accepted is all that is known");
}

#[tokio::test]
async fn a_text_that_does_not_matter_leaves_a_note_alone() {
    let world = World::start("1950").await;
    world.wechat.answer(errcode(43_004));
    assert!(world.tell(EventKind::AppointmentBooked, 0).await);
    world.sms.answer(reports("FAIL"));
    assert!(asked(&world, 5).await);
    assert_eq!(world.by_phone(NoticeKind::Booked).await, Some(Outcome::Failed { why: "failed".into() }));
}

#[tokio::test]
async fn an_sms_service_that_is_busy_is_tried_again_and_at_last_given_up() {
    let world = unreached(43_004).await;
    for attempt in 0..8 {
        world.sms.answer(sms_refusal("InternalError.Timeout"));
        assert!(!world.tell(EventKind::AppointmentCancelled, attempt).await);
    }
    world.sms.answer(sms_refusal("InternalError.Timeout"));
    assert!(world.tell(EventKind::AppointmentCancelled, 8).await);
    assert_eq!(world.by_phone(NoticeKind::Cancelled).await, Some(dropped("no_answer")));
    assert_eq!(world.table.calls_to_make().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_wechat_that_does_not_answer_is_given_up_for_what_matters() {
    let world = World::start("1980").await;
    world.closed().await;
    for attempt in 0..8 {
        world.wechat.answer(errcode(-1));
        assert!(!world.tell(EventKind::AppointmentCancelled, attempt).await);
        assert!(world.sms.take().is_empty());
    }
    world.wechat.answer(errcode(-1));
    assert!(world.tell(EventKind::AppointmentCancelled, 8).await);
    assert_eq!(world.outcome(NoticeKind::Cancelled).await, dropped("no_answer"));
    assert_eq!(world.sms.take().len(), 1);
}

#[tokio::test]
async fn what_was_accepted_and_did_not_arrive_goes_by_sms() {
    let world = World::start("1980").await;
    world.closed().await;
    assert!(world.tell(EventKind::AppointmentCancelled, 0).await);
    assert!(world.sms.take().is_empty());
    world.table.note_end("2500000000000000001", End::Blocked, world.clock.now()).await.unwrap();
    let letters = world.due_letters().await;
    assert_eq!(letters.len(), 1);
    assert!(world.take(&letters[0], EventKind::MessageDue, 0).await);
    assert_eq!((world.wechat.take().len(), world.sms.take().len()), (1, 1));
    assert!(world.due_letters().await.is_empty());
    assert!(world.record(NoticeKind::Cancelled, &Recipient::Phone).await.is_some());
}
