//! 对账: every minute, the days that are due to be compared: WeChat's bill, our books, the hospital's file.
//!
//! The index only says what may be due; a run takes its day by a conditional write and ends it by another, so that late,
//! doubled or lost ticks do no harm.

pub mod daily;
mod live;

use domain::Timestamp;
use domain::civil::Date;
use domain::due::Worker;
use domain::time;
use live::Live;
use runtime::Desk;
use runtime::secrets::{HisAccount, PayAccount, Secret};
use std::sync::{Mutex, PoisonError};
use store::due::SHARDS;
use store::key::Key;
use store::reconciliation::DAY_PREFIX;

/// Keys asked for in one query of a shard.
const BATCH: i32 = 10;

/// What this function works with.
#[derive(Debug)]
pub struct App {
    /// Table, clock, profile.
    pub desk: Desk,
    /// The merchant.
    pub pay: Secret<PayAccount>,
    /// The hospital's system.
    pub his: Secret<HisAccount>,
    /// The last day this instance has seen to be in the table: one read a day, not one a minute.
    known: Mutex<Option<Date>>,
}

impl App {
    /// From its parts.
    pub fn new(desk: Desk, pay: Secret<PayAccount>, his: Secret<HisAccount>) -> Self {
        Self { desk, pay, his, known: Mutex::new(None) }
    }

    /// Makes sure that yesterday will be compared. Its own deadline says when.
    async fn know_yesterday(&self, now: Timestamp) {
        let yesterday = time::add_days(time::today(now), -1);
        if self.known.lock().unwrap_or_else(PoisonError::into_inner).as_ref() == Some(&yesterday) {
            return;
        }
        match self.desk.table.create_reconciliation_day(yesterday).await {
            Ok(_) => *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(yesterday),
            Err(error) => tracing::error!(%error, date = %yesterday, "the day cannot be set down"),
        }
    }
}

/// What a tick did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Reconciled {
    /// Days compared.
    pub done: usize,
    /// Days that stay due.
    pub failed: usize,
}

/// Compares every day that is due, one after the other: one alone may fill the memory.
pub async fn handle(app: &App) -> Reconciled {
    let now = app.desk.clock.now();
    app.know_yesterday(now).await;
    let mut reconciled = Reconciled::default();
    for key in due_days(app, now).await {
        match daily::run(&app.desk, &Live { app }, &key).await {
            Ok(daily::Ran::Compared) => reconciled.done += 1,
            Ok(daily::Ran::Delayed) => reconciled.failed += 1,
            Ok(daily::Ran::NotDue) => {}
            Err(error) => {
                tracing::error!(%error, pk = key.pk, "day stays due");
                reconciled.failed += 1;
            }
        }
    }
    reconciled
}

async fn due_days(app: &App, now: Timestamp) -> Vec<Key> {
    let mut keys = Vec::new();
    for shard in 0..SHARDS {
        match app.desk.table.due(Worker::Reconcile, shard, now, BATCH).await {
            Ok(due) => keys.extend(due.into_iter().filter(|key| key.pk.starts_with(DAY_PREFIX))),
            Err(error) => tracing::error!(%error, "due items cannot be read"),
        }
    }
    keys
}
