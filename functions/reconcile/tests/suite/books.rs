//! Our books: a repeat is the same entry, and a closed day stays as it is.

use crate::world::{DATE, NOON, START, World, at, payment};
use domain::civil::date;
use domain::money::Fen;
use domain::reconciliation::Standing;
use std::collections::BTreeSet;
use store::Table;
use store::books::{BOOK_SHARDS, BookEntry, BookError, BookLine};

async fn lines(table: &Table, day: domain::civil::Date) -> Vec<BookLine> {
    let mut lines = Vec::new();
    for shard in 0..BOOK_SHARDS {
        lines.extend(table.book_page(day, shard, None).await.unwrap().lines);
    }
    lines
}

#[tokio::test]
async fn booked_once_however_often() {
    let world = World::start().await;
    let entry = payment("a_01", at(NOON));
    for _ in 0..3 {
        world.table().book(&entry, at(NOON)).await.unwrap();
        world.table().book(&entry, at(START)).await.unwrap();
    }
    assert_eq!(lines(world.table(), DATE).await.len(), 1);
    let other = BookEntry { amount: Fen::new(1).unwrap(), ..entry };
    for now in [NOON, START] {
        assert!(matches!(world.table().book(&other, at(now)).await, Err(BookError::Differs)));
    }
}

#[tokio::test]
async fn the_day_is_the_day_at_the_hospital() {
    let world = World::start().await;
    world.table().book(&payment("late_01", at("2026-11-22T15:59:59Z")), at(START)).await.unwrap();
    world.table().book(&payment("early_01", at("2026-11-22T16:00:00Z")), at(START)).await.unwrap();
    assert_eq!(lines(world.table(), DATE).await[0].entry.number, "late_01");
    assert_eq!(lines(world.table(), date(2026, 11, 23)).await[0].entry.number, "early_01");
}

#[tokio::test]
async fn what_is_learnt_after_the_day_was_closed_is_booked_today() {
    let world = World::start().await;
    world.run().await;
    assert!(world.day().await.is_closed());
    let (entry, today) = (payment("a_01", at(NOON)), date(2026, 11, 23));
    world.table().book(&entry, at(START)).await.unwrap();
    // A repeat, also on another day, finds it.
    world.table().book(&entry, at(START)).await.unwrap();
    world.table().book(&entry, at("2026-11-25T02:30:00Z")).await.unwrap();
    assert_eq!(lines(world.table(), DATE).await, []);
    let booked = lines(world.table(), today).await;
    assert_eq!((booked.len(), booked[0].late_for), (1, Some(DATE)));
    assert_eq!(lines(world.table(), date(2026, 11, 25)).await, []);
    // What the hospital must not have is found there too.
    world.table().book(&BookEntry { his: false, ..entry }, at(START)).await.unwrap();
    assert_eq!(lines(world.table(), today).await[0].entry().standing, Standing::NotForHis);
}

#[tokio::test]
async fn what_the_hospital_refused_it_must_not_have_and_that_stays() {
    let world = World::start().await;
    let entry = payment("a_01", at(NOON));
    let refused = BookEntry { his: false, ..entry.clone() };
    for (entry, now) in [(&entry, NOON), (&refused, START), (&entry, START)] {
        world.table().book(entry, at(now)).await.unwrap();
    }
    assert_eq!(lines(world.table(), DATE).await[0].entry().standing, Standing::NotForHis);
}

#[tokio::test]
async fn a_long_book_is_read_page_by_page() {
    let world = World::start().await;
    let numbers: BTreeSet<String> = (0..40).map(|n| format!("n{n:04}_01")).collect();
    let numbers_of = |lines: Vec<BookLine>| lines.into_iter().map(|line| line.entry.number).collect::<BTreeSet<_>>();
    for number in &numbers {
        world.table().book(&payment(number, at(NOON)), at(NOON)).await.unwrap();
    }
    assert_eq!(numbers_of(lines(world.table(), DATE).await), numbers);
    // From any line on comes the rest of its shard.
    let whole = world.table().book_page(DATE, 0, None).await.unwrap();
    let start = format!("PAYMENT#{}", whole.lines[0].entry.number);
    let rest = world.table().book_page(DATE, 0, Some(&start)).await.unwrap();
    assert_eq!((&rest.lines[..], rest.next), (&whole.lines[1..], None));
}
