//! Who is told, and in which words.

use crate::world::{BOOKER, NIGHT, PHONE, World, account, at, dropped};
use domain::appointment::{CancelledBy, Command};
use domain::event::{Actor, EventKind};
use domain::notice::{NoticeGroup, NoticeKind};
use std::collections::BTreeSet;

#[tokio::test]
async fn who_booked_is_told_once_however_often_it_is_queued() {
    let world = World::start("1980").await;
    for attempt in 0..3 {
        assert!(world.tell(EventKind::AppointmentTurnSoon, attempt).await);
    }
    assert_eq!(world.wechat.take().len(), 1);
    assert!(world.sms.take().is_empty(), "nobody asked for SMS");
}

#[tokio::test]
async fn family_that_wants_copies_and_the_old_are_told_too() {
    let world = World::start("1950").await;
    world.link("oSon", true).await;
    world.link("oAunt", false).await;
    assert!(world.tell(EventKind::AppointmentDayBefore, 0).await);
    let told: BTreeSet<_> =
        world.wechat.take().iter().map(|sent| sent["touser"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told, BTreeSet::from(["oLin".to_owned(), "oSon".to_owned()]));
    let sms = world.sms.take();
    assert_eq!(sms.len(), 1);
    assert_eq!(sms[0]["PhoneNumberSet"][0], format!("+86{PHONE}"));
    // Once each, whatever comes again.
    assert!(world.tell(EventKind::AppointmentDayBefore, 0).await);
    assert_eq!((world.wechat.take().len(), world.sms.take().len()), (0, 0));
}

#[tokio::test]
async fn everything_that_leaves_the_house_about_a_visit() {
    let world = World::start("1950").await;
    let mut sent = Vec::new();
    for kind in [EventKind::AppointmentBooked, EventKind::AppointmentDayBefore, EventKind::AppointmentTurnSoon] {
        assert!(world.tell(kind, 0).await);
        sent.extend(world.wechat.take());
        sent.extend(world.sms.take());
    }
    world.closed().await;
    assert!(world.tell(EventKind::AppointmentCancelled, 0).await);
    sent.extend(world.wechat.take());
    sent.extend(world.sms.take());
    let (patient, visit) = (world.key.patient.to_string(), world.key.id.to_string());
    let text = serde_json::to_string_pretty(&sent).unwrap();
    insta::assert_snapshot!(text.replace(&patient, "PATIENT").replace(&visit, "VISIT"));
}

#[tokio::test]
async fn what_is_muted_is_not_sent_unless_it_is_critical() {
    let world = World::start("1980").await;
    world.table.put_muted(&BOOKER.parse().unwrap(), &NoticeGroup::ALL.into()).await.unwrap();
    assert!(world.tell(EventKind::AppointmentTurnSoon, 0).await);
    assert_eq!(world.outcome(NoticeKind::TurnSoon).await, dropped("muted"));
    world.closed().await;
    assert!(world.tell(EventKind::AppointmentCancelled, 0).await);
    assert_eq!(world.wechat.take().len(), 1);
}

#[tokio::test]
async fn of_the_dead_nothing_is_told() {
    let world = World::start("1950").await;
    world.table.put_silenced(&world.key.patient, true).await.unwrap();
    world.closed().await;
    assert!(world.tell(EventKind::AppointmentCancelled, 0).await);
    assert_eq!((world.wechat.take().len(), world.sms.take().len()), (0, 0));
    assert_eq!(world.outcome(NoticeKind::Cancelled).await, dropped("silenced"));
    assert!(world.table.calls_to_make().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_cancellation_at_night_answers_who_did_it_and_lets_the_others_sleep() {
    let world = World::start("1950").await;
    world.link("oSon", true).await;
    world.clock.set(at(NIGHT));
    world.go(Command::Cancel(CancelledBy::Patient), Actor::Account(BOOKER.parse().unwrap())).await;
    assert!(world.tell(EventKind::AppointmentCancelled, 0).await);
    let told = world.wechat.take();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["touser"], BOOKER);
    assert!(world.sms.take().is_empty());
    assert_eq!(world.due_letters().await, []);
    world.clock.set(at(crate::world::MORNING));
    for letter in world.due_letters().await {
        assert!(world.take(&letter, EventKind::MessageDue, 0).await);
    }
    assert_eq!((world.wechat.take().len(), world.sms.take().len()), (1, 1));
    assert!(world.record(NoticeKind::Cancelled, &account("oSon")).await.is_some());
}
