//! Every call of a run and of a late booking fails once before it takes effect and once after it, alone or with the
//! process gone. Whatever happens, the next run ends the day as if nothing had been, and a repeat books once.

use crate::proxy::{self, Fault, Plan, Switch};
use crate::world::{DATE, NOON, Rows, START, World, at, key, payment};
use domain::civil::date;
use domain::reconciliation::Class;
use domain::reconciliation::day::{Day, DayState};
use domain::time;
use reconcile::daily::{Ran, run};
use runtime::Desk;
use store::Table;
use store::books::{BOOK_SHARDS, BookLine};

const CALLS_MAX: usize = 200;
/// Longer than a lease.
const WAIT_MIN: i64 = 17;

/// A desk whose table fails as `switch` says, on the engine of `world`.
async fn frail_desk(world: &World, engine: &str, switch: &Switch) -> Desk {
    let table = Table::new(kit::impatient_client(&proxy::start(engine, switch).await), kit::TABLE);
    Desk::new(table, world.clock.clone(), "https://desk.example.com")
}

fn plans() -> impl Iterator<Item = (Fault, bool)> {
    [Fault::Before, Fault::After].into_iter().flat_map(|fault| [(fault, false), (fault, true)])
}

/// Walks `step` over every call it makes.
async fn walk<F: Future<Output = usize>>(step: impl Fn(Plan) -> F) {
    for (fault, crash) in plans() {
        for at in 0..CALLS_MAX {
            let calls = step(Plan { at, fault, crash }).await;
            if calls <= at {
                assert!(at >= 2, "the step makes calls");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_run_that_fails_anywhere_is_made_good_by_the_next() {
    walk(async |plan| {
        let engine = kit::engine().await;
        let mut world = World::on(Table::new(kit::client(&engine), kit::TABLE)).await;
        world.book(&["all_01", "ours_01"]).await;
        world.others_have(&["all_01", "wechat_01"], &["all_01"]);
        world.run().await;
        // The second run sees one gone, one still there, one new.
        world.others_have(&["all_01"], &["all_01", "his_01"]);
        world.ask_again().await;
        let switch = Switch::default();
        let desk = frail_desk(&world, &engine, &switch).await;
        switch.arm(Some(plan));
        let _ = run(&desk, &world.others, &key()).await;
        let calls = switch.calls().len();
        for _ in 0..3 {
            world.clock.set(time::add_minutes(world.clock.now(), WAIT_MIN));
            world.run().await;
        }
        let Day { state, deadlines, summary, .. } = world.day().await;
        assert_eq!((state, deadlines.earliest()), (DayState::Differences, None), "{plan:?}");
        assert_eq!(summary.unwrap().totals.his.payments.count, 2, "{plan:?}");
        let cases = world.cases().await;
        let open = cases.iter().filter(|case| case.is_open()).map(|case| case.difference.class());
        assert_eq!(open.collect::<Vec<_>>(), [Class::OnlyHis, Class::OnlyOurs], "{plan:?}");
        assert_eq!(cases.len(), 3, "{plan:?}");
        assert_eq!(world.run().await, Ran::NotDue, "{plan:?}");
        calls
    })
    .await;
}

async fn lines(table: &Table) -> Vec<BookLine> {
    let mut lines = Vec::new();
    for day in [DATE, date(2026, 11, 23)] {
        for shard in 0..BOOK_SHARDS {
            lines.extend(table.book_page(day, shard, None).await.unwrap().lines);
        }
    }
    lines
}

#[tokio::test]
async fn a_late_booking_that_fails_anywhere_is_booked_once_by_a_repeat() {
    for closed in [false, true] {
        walk(async |plan| {
            let engine = kit::engine().await;
            let mut world = World::on(Table::new(kit::client(&engine), kit::TABLE)).await;
            if closed {
                world.others.bill = Ok(Some(Rows::default()));
                world.run().await;
            }
            let switch = Switch::default();
            let desk = frail_desk(&world, &engine, &switch).await;
            switch.arm(Some(plan));
            let _ = desk.table.book(&payment("late_01", at(NOON)), at(START)).await;
            let calls = switch.calls().len();
            world.table().book(&payment("late_01", at(NOON)), at(START)).await.unwrap();
            let booked = lines(world.table()).await;
            assert_eq!((booked.len(), booked[0].late_for), (1, closed.then_some(DATE)), "{plan:?}");
            calls
        })
        .await;
    }
}
