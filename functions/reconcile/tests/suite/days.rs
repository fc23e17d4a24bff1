//! A day from the first run to its end.

use crate::world::{DATE, NOON, Rows, START, World, at, key, payment};
use domain::due::Worker;
use domain::reconciliation::Class;
use domain::reconciliation::day::{Day, DayError, DayState, Delay};
use domain::reconciliation::matcher::Summary;
use domain::reconciliation::worklist::CaseState;
use domain::{Timestamp, time};
use reconcile::daily::Ran;
use store::due::SHARDS;
use store::reconciliation::DayFailed;

async fn is_due(world: &World, now: Timestamp) -> bool {
    let mut due = Vec::new();
    for shard in 0..SHARDS {
        due.extend(world.table().due(Worker::Reconcile, shard, now, 10).await.unwrap());
    }
    assert!(due.iter().all(|found| *found == key()));
    !due.is_empty()
}

#[tokio::test]
async fn a_day_that_balances_is_closed() {
    let mut world = World::start().await;
    assert!(!is_due(&world, time::add_seconds(at(START), -1)).await);
    assert!(is_due(&world, at(START)).await);
    world.book(&["a_01", "b_01"]).await;
    world.others_have(&["b_01", "a_01"], &["a_01", "b_01"]);
    assert_eq!(world.run().await, Ran::Compared);
    let day = world.day().await;
    assert_eq!(day.state, DayState::BalancedClosed { closed_at: at(START) });
    let ours = day.summary.unwrap().totals.ours;
    assert_eq!((ours.payments.count, ours.payments.total_fen), (2, 5_000));
    assert!(!is_due(&world, at("2027-01-01T00:00:00Z")).await);
    assert_eq!(world.run().await, Ran::NotDue);
    let again = world.table().move_reconciliation_day(DATE, |day| day.requested(at(START))).await;
    assert!(matches!(again, Err(DayFailed::Refused(DayError::Closed))));
}

#[tokio::test]
async fn every_difference_is_written_down_once() {
    let mut world = World::start().await;
    world.book(&["all_01", "ours_01", "nothis_01"]).await;
    world.others_have(&["all_01", "wechat_01", "nothis_01"], &["all_01", "his_01"]);
    assert_eq!(world.run().await, Ran::Compared);
    assert_eq!(world.day().await.state, DayState::Differences);
    let found = [Class::MissingAtHis, Class::OnlyHis, Class::OnlyOurs, Class::OnlyWechat];
    assert_eq!(world.classes().await, found);
    assert_eq!(world.run_again().await, Ran::Compared);
    assert_eq!((world.classes().await, world.day().await.run), (found.to_vec(), 2));
    // The others have found theirs: what is gone is gone by itself, and the day closes.
    let all = ["all_01", "ours_01", "nothis_01"];
    world.others_have(&all, &all);
    assert_eq!(world.run_again().await, Ran::Compared);
    assert!(world.cases().await.iter().all(|case| case.state == CaseState::Gone));
    assert!(world.day().await.is_closed());
}

#[tokio::test]
async fn no_bill_is_an_empty_day_only_if_our_books_are_empty() {
    let mut world = World::start().await;
    world.others.bill = Ok(None);
    world.book(&["a_01"]).await;
    assert_eq!(world.run().await, Ran::Delayed);
    let day = world.day().await;
    assert_eq!((day.state, day.delay), (DayState::Due, Some(Delay::BillMissing)));

    let mut empty = World::start().await;
    empty.others.bill = Ok(None);
    assert_eq!(empty.run().await, Ran::Compared);
    assert!(empty.day().await.is_closed());
}

#[tokio::test]
async fn a_book_that_cannot_be_had_delays_the_day() {
    let mut world = World::start().await;
    world.others.bill = Err(Delay::BillCreating);
    assert_eq!(world.run().await, Ran::Delayed);
    assert_eq!(world.run().await, Ran::NotDue, "not before its time");
    world.clock.set(time::add_seconds(at(START), 60));
    world.others.bill = Ok(Some(Rows::default()));
    world.others.his = Err(Delay::HisUnavailable);
    assert_eq!(world.run().await, Ran::Delayed);
    let Day { tries, delay, .. } = world.day().await;
    assert_eq!((tries, delay), (2, Some(Delay::HisUnavailable)));
    world.clock.set(time::add_seconds(at(START), 180));
    world.others.his = Ok(Rows::default());
    assert_eq!(world.run().await, Ran::Compared);
}

#[tokio::test]
async fn what_is_booked_during_a_run_is_not_closed_away() {
    let world = World::start().await;
    let held = world.table().move_reconciliation_day(DATE, |day| day.begun(at(START))).await.unwrap();
    // The run has read our books, then a lost payment of yesterday arrives.
    world.table().book(&payment("a_01", at(NOON)), at(START)).await.unwrap();
    let after = held.compared(Summary::default(), at(START)).unwrap();
    assert!(!world.table().end_reconciliation(&held, &after).await.unwrap().is_done());
    assert!(!world.day().await.is_closed());
    world.clock.set(time::add_seconds(at(START), 960));
    assert_eq!(world.run().await, Ran::Compared, "a lost run is taken over");
    assert_eq!(world.classes().await, [Class::OnlyOurs]);
}

#[tokio::test]
async fn a_run_that_a_booking_overtook_is_made_again() {
    let world = World::start().await;
    *world.others.booked_meanwhile.borrow_mut() = Some(payment("a_01", at(NOON)));
    assert_eq!(world.run().await, Ran::Delayed);
    assert_eq!(world.day().await.delay, Some(Delay::BooksChanged));
    world.clock.set(time::add_seconds(at(START), 60));
    assert_eq!(world.run().await, Ran::Compared);
    assert_eq!(world.classes().await, [Class::OnlyOurs]);
}

#[tokio::test]
async fn the_bill_stands_in_for_a_lost_notification() {
    let mut world = World::start().await;
    world.others_have(&["lost_01", "foreign_01"], &["lost_01"]);
    world.others.orders = vec!["lost_01".into()];
    assert_eq!(world.run().await, Ran::Delayed);
    world.clock.set(time::add_seconds(at(START), 60));
    assert_eq!(world.run().await, Ran::Compared);
    assert_eq!(world.classes().await, [Class::OnlyWechat], "the foreign one");
    assert_eq!(*world.others.asked.borrow(), ["foreign_01", "lost_01"], "once each");
}

#[tokio::test]
async fn two_runs_never_share_a_day() {
    let world = World::start().await;
    let held = world.table().move_reconciliation_day(DATE, |day| day.begun(at(START))).await;
    assert_eq!(held.unwrap().state, DayState::Running);
    assert_eq!(world.run().await, Ran::NotDue);
}
