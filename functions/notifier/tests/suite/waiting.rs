//! What waits, for how long, and what is of no use by then.

use crate::world::{MORNING, NIGHT, World, at, dropped, errcode};
use domain::event::EventKind;
use domain::notice::NoticeKind;
use serde_json::json;
use store::notices::{End, Outcome};

#[tokio::test]
async fn a_closure_wakes_people_up() {
    let world = World::start("1980").await;
    world.clock.set(at(NIGHT));
    world.closed().await;
    assert!(world.tell(EventKind::AppointmentCancelled, 0).await);
    assert_eq!(world.wechat.take().len(), 1);
}

#[tokio::test]
async fn a_reminder_of_tomorrow_that_would_come_in_the_morning_is_dropped() {
    let world = World::start("1980").await;
    world.clock.set(at(NIGHT));
    assert!(world.tell(EventKind::AppointmentDayBefore, 0).await);
    assert_eq!(world.outcome(NoticeKind::DayBefore).await, dropped("too_late"));
    assert!(world.wechat.take().is_empty());
}

#[tokio::test]
async fn a_turn_that_is_near_in_the_night_waits_for_the_morning_while_that_is_of_use() {
    let world = World::start("1980").await;
    world.clock.set(at(NIGHT));
    assert!(world.tell(EventKind::AppointmentTurnSoon, 0).await);
    assert_eq!(world.outcome(NoticeKind::TurnSoon).await, Outcome::Waiting { until: at(MORNING) });
    // A second tick, and a doubled one, change nothing.
    assert!(world.tell(EventKind::AppointmentTurnSoon, 0).await);
    world.clock.set(at(MORNING));
    let letters = world.due_letters().await;
    assert_eq!(letters.len(), 1);
    for _ in 0..2 {
        assert!(world.take(&letters[0], EventKind::MessageDue, 0).await);
    }
    assert_eq!(world.wechat.take().len(), 1);
    assert!(world.due_letters().await.is_empty());
}

#[tokio::test]
async fn a_reminder_after_the_turn_is_dropped() {
    let world = World::start("1980").await;
    world.clock.set(at("2026-11-23T01:00:00Z"));
    assert!(world.tell(EventKind::AppointmentTurnSoon, 0).await);
    assert_eq!(world.outcome(NoticeKind::TurnSoon).await, dropped("too_late"));
}

#[tokio::test]
async fn a_spent_quota_is_asked_once_and_waited_for_until_the_morning() {
    let world = World::start("1980").await;
    world.link("oSon", true).await;
    world.wechat.answer(errcode(45_009));
    assert!(world.tell(EventKind::AppointmentBooked, 0).await);
    assert_eq!(world.wechat.take().len(), 1, "the second letter does not ask any more");
    assert_eq!(world.outcome(NoticeKind::Booked).await, Outcome::Waiting { until: at(MORNING) });
    assert!(!world.table.note_trouble("quota#2026-11-22", world.clock.now()).await.unwrap(), "somebody was woken");
    // What matters does not wait for a quota.
    world.closed().await;
    assert!(world.tell(EventKind::AppointmentCancelled, 0).await);
    assert_eq!(world.outcome(NoticeKind::Cancelled).await, dropped("quota"));
    assert_eq!(world.sms.take().len(), 1);
    world.clock.set(at(MORNING));
    for letter in world.due_letters().await {
        world.take(&letter, EventKind::MessageDue, 0).await;
    }
    assert_eq!(world.outcome(NoticeKind::Booked).await, dropped("no_longer_true"));
}

#[tokio::test]
async fn what_may_pass_is_put_back_and_the_right_given_up() {
    let world = World::start("1980").await;
    for trouble in [errcode(-1), errcode(45_011), json!(502), json!(503)] {
        world.wechat.answer(trouble);
        assert!(!world.tell(EventKind::AppointmentTurnSoon, 0).await);
        assert!(matches!(world.outcome(NoticeKind::TurnSoon).await, Outcome::Waiting { .. }));
    }
    assert!(world.tell(EventKind::AppointmentTurnSoon, 1).await);
    assert!(matches!(world.outcome(NoticeKind::TurnSoon).await, Outcome::Sent { .. }));
}

#[tokio::test]
async fn how_it_ended_is_in_the_ledger() {
    let world = World::start("1980").await;
    assert!(world.tell(EventKind::AppointmentTurnSoon, 0).await);
    world.table.note_end("2500000000000000001", End::Delivered, world.clock.now()).await.unwrap();
    assert_eq!(world.outcome(NoticeKind::TurnSoon).await, Outcome::Delivered);
    assert!(world.due_letters().await.is_empty());
}
