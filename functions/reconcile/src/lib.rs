//! 对账: every minute, orders nobody has told us of, refunds to ask for and about, our books; and the days that are due to be
//! compared: WeChat's bill, our books, the hospital's file.
//!
//! The index only says what may be due; a run takes its item by a conditional write and ends it by another, so that late,
//! doubled or lost ticks do no harm.

pub mod daily;
mod live;
mod order;

use domain::Timestamp;
use domain::civil::Date;
use domain::due::Worker;
use domain::time;
use futures_util::{StreamExt, stream};
use live::Live;
use runtime::Desk;
use runtime::payments::FollowError;
use runtime::secrets::{HisAccount, PayAccount, Secret, SecretError};
use std::sync::{Mutex, PoisonError};
use store::StoreError;
use store::due::SHARDS;
use store::key::{Key, ORDER_PREFIX};

/// Keys asked for in one query of a shard.
const BATCH: i32 = 100;
/// Days without a tick that are made up for.
const DAYS_BACK_MAX: i32 = 7;
/// Orders worked on at one time: WeChat takes 150 refunds a second, and far more questions.
const CONCURRENCY: usize = 8;

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

    /// Makes sure that every day up to yesterday will be compared. Its own deadline says when.
    async fn know_days(&self, now: Timestamp) {
        let yesterday = time::add_days(time::today(now), -1);
        if self.known.lock().unwrap_or_else(PoisonError::into_inner).as_ref() == Some(&yesterday) {
            return;
        }
        match self.set_down_to(yesterday).await {
            Ok(()) => *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(yesterday),
            Err(error) => tracing::error!(%error, date = %yesterday, "the day cannot be set down"),
        }
    }

    /// Yesterday, and the days before it that nobody set down because nothing ran. A desk that has just opened has none.
    async fn set_down_to(&self, yesterday: Date) -> Result<(), StoreError> {
        let mut missing = Vec::new();
        for back in 0..DAYS_BACK_MAX {
            let day = time::add_days(yesterday, -back);
            if self.desk.table.reconciliation_day(day).await?.is_some() {
                for day in missing.into_iter().rev() {
                    self.desk.table.create_reconciliation_day(day).await?;
                }
                return Ok(());
            }
            missing.push(day);
        }
        self.desk.table.create_reconciliation_day(yesterday).await.map(drop)
    }
}

/// Why an item could not be brought to an end. It stays due.
#[derive(Debug, thiserror::Error)]
pub enum TickError {
    /// WeChat Pay or the rules stand against it.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// WeChat does not know a refund it told us of.
    #[error("WeChat does not know a refund it has told us of")]
    RefundUnknown,
    /// The merchant's secret cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a tick did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Reconciled {
    /// Orders moved on, and days compared.
    pub done: usize,
    /// Orders and days that stay due.
    pub failed: usize,
}

impl Reconciled {
    fn count(&mut self, done: bool) {
        *(if done { &mut self.done } else { &mut self.failed }) += 1;
    }
}

/// Brings orders to their end, then compares every day that is due.
pub async fn handle(app: &App) -> Reconciled {
    let now = app.desk.clock.now();
    app.know_days(now).await;
    let (orders, days) = due(app, now).await.into_iter().partition(|key: &Key| key.pk.starts_with(ORDER_PREFIX));
    let mut reconciled = work_orders(app, orders, now).await;
    // One after the other: one alone may fill the memory.
    for key in days {
        work_day(app, &key, &mut reconciled).await;
    }
    if reconciled != Reconciled::default() {
        tracing::info!(done = reconciled.done, failed = reconciled.failed, "reconciled");
    }
    reconciled
}

async fn due(app: &App, now: Timestamp) -> Vec<Key> {
    let shards = stream::iter(0..SHARDS);
    let found = shards.map(|shard| async move { app.desk.table.due(Worker::Reconcile, shard, now, BATCH).await });
    let readable = found.buffer_unordered(CONCURRENCY).filter_map(|found| async move {
        found.inspect_err(|error| tracing::error!(%error, "due items cannot be read")).ok()
    });
    readable.flat_map(stream::iter).collect().await
}

async fn work_orders(app: &App, keys: Vec<Key>, now: Timestamp) -> Reconciled {
    let outcomes = stream::iter(keys).map(|key| async move {
        let worked = order::work(app, &key, now).await;
        worked.inspect_err(|error| tracing::error!(%error, pk = key.pk, "order stays due")).is_ok()
    });
    let outcomes: Vec<bool> = outcomes.buffer_unordered(CONCURRENCY).collect().await;
    let mut reconciled = Reconciled::default();
    for done in outcomes {
        reconciled.count(done);
    }
    reconciled
}

async fn work_day(app: &App, key: &Key, reconciled: &mut Reconciled) {
    match daily::run(&app.desk, &Live { app }, key).await {
        Ok(daily::Ran::Compared) => reconciled.count(true),
        Ok(daily::Ran::Delayed) => reconciled.count(false),
        Ok(daily::Ran::NotDue) => {}
        Err(error) => {
            tracing::error!(%error, pk = key.pk, "day stays due");
            reconciled.count(false);
        }
    }
}
