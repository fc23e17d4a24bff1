//! Working differences off, and signing.

use crate::world::{DATE, START, World, at, note};
use domain::reconciliation::day::DayError;
use domain::reconciliation::worklist::{CaseError, CaseState};
use domain::{Timestamp, time};
use store::reconciliation::{CaseFailed, DayFailed};

async fn world_with_a_difference() -> World {
    let mut world = World::start().await;
    world.others_have(&["foreign_01"], &[]);
    world.run().await;
    world
}

async fn resolve(world: &World, by: &str, now: Timestamp) -> Result<(), CaseFailed> {
    let id = world.the_case().await;
    let moved = world.table().move_reconciliation_case(DATE, id, |case| case.resolved(by, note("他系统订单"), now));
    moved.await.map(drop)
}

#[tokio::test]
async fn one_works_it_off_and_another_signs() {
    let world = world_with_a_difference().await;
    let sign = |by: &'static str| world.table().sign_off_reconciliation(DATE, by, at(START));
    assert!(matches!(sign("bo").await, Err(DayFailed::Refused(DayError::Open(1)))));
    resolve(&world, "an", at(START)).await.unwrap();
    assert!(matches!(resolve(&world, "bo", at(START)).await, Err(CaseFailed::Refused(CaseError::NotOpen))));
    assert!(matches!(sign("an").await, Err(DayFailed::Refused(DayError::SamePerson))));
    assert!(sign("bo").await.unwrap().is_closed());
    assert!(matches!(sign("bo").await, Err(DayFailed::Refused(DayError::Closed))));
}

#[tokio::test]
async fn nothing_of_a_closed_day_changes() {
    let world = world_with_a_difference().await;
    resolve(&world, "an", at(START)).await.unwrap();
    let id = world.the_case().await;
    let add = || world.table().move_reconciliation_case(DATE, id, |case| case.noted("an", note("补充"), at(START)));
    add().await.unwrap();
    world.table().sign_off_reconciliation(DATE, "bo", at(START)).await.unwrap();
    assert!(matches!(add().await, Err(CaseFailed::DayClosed)));
    assert_eq!(world.cases().await[0].notes.len(), 2);
    let again = world.table().move_reconciliation_day(DATE, |day| day.requested(at(START))).await;
    assert!(matches!(again, Err(DayFailed::Refused(DayError::Closed))));
}

#[tokio::test]
async fn a_rerun_keeps_what_was_worked_off_and_reopens_what_changed() {
    let mut world = world_with_a_difference().await;
    resolve(&world, "an", at(START)).await.unwrap();
    world.run_again().await;
    let kept = &world.cases().await[0];
    assert_eq!((matches!(kept.state, CaseState::Resolved { .. }), kept.notes.len()), (true, 1));
    if let Ok(Some(bill)) = &mut world.others.bill {
        bill.0[0].2 = 2_501;
    }
    world.clock.set(time::add_seconds(at(START), 60));
    world.run_again().await;
    let changed = &world.cases().await[0];
    assert_eq!((&changed.state, changed.notes.len(), changed.run), (&CaseState::Open, 1, 3));
}

#[tokio::test]
async fn a_day_that_was_not_compared_cannot_be_signed() {
    let world = World::start().await;
    let signed = world.table().sign_off_reconciliation(DATE, "bo", at(START)).await;
    assert!(matches!(signed, Err(DayFailed::Refused(DayError::NotCompared))));
}
