//! 清扫: every minute, what is due: holds that ran out, numbers that have rested, cancellations to complete, visits nobody came
//! to, closed clinics to empty, people who wait, reports
//! whose time has come, critical values nobody took on.
//!
//! The index only says what may be due; each item is read again before anything is done. A task that calls WeChat
//! moves its deadline ahead first, so that a crash delays it and nothing else. Late, doubled or missed ticks do no harm.

mod cancellation;
mod clinic;
mod closure;
mod report;
mod slot;
mod visit;
mod waitlist;

use domain::Timestamp;
use domain::due::Worker;
use futures_util::{StreamExt, stream};
use runtime::Desk;
use runtime::payments::FollowError;
use runtime::secrets::{PayAccount, Secret, SecretError};
use store::StoreError;
use store::due::SHARDS;
use store::key::{
    APPEAL_PREFIX, APPOINTMENT_PREFIX, CLINIC_PREFIX, CLOSURE_PREFIX, Key, MERGE, REPORT_PREFIX, SLOT_PREFIX,
    WAITLIST_PREFIX,
};

/// Keys asked for in one query of a shard.
const BATCH: i32 = 100;
/// Items worked on at one time.
const CONCURRENCY: usize = 8;
/// Rounds of one tick: what is left is due still at the next.
const ROUNDS_MAX: u32 = 20;

/// What this function works with.
#[derive(Debug)]
pub struct App {
    /// Table, clock, profile.
    pub desk: Desk,
    /// The merchant.
    pub pay: Secret<PayAccount>,
}

/// Why an item could not be brought to an end. It stays due.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// WeChat Pay or the rules stand against it.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// The merchant's secret cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// An item this function knows nothing of.
    #[error("not an item of the sweeper's")]
    Unknown,
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a tick did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Swept {
    /// Items brought to an end.
    pub done: usize,
    /// Items that stay due.
    pub failed: usize,
}

/// Acts on everything that is due.
pub async fn handle(app: &App) -> Swept {
    let now = app.desk.clock.now();
    let mut swept = Swept::default();
    for _ in 0..ROUNDS_MAX {
        let round = sweep_once(app, now).await;
        swept.done += round.done;
        swept.failed += round.failed;
        // Nothing moved: what is left has to wait for its next deadline.
        if round.done == 0 {
            break;
        }
    }
    if swept != Swept::default() {
        tracing::info!(done = swept.done, failed = swept.failed, "swept");
    }
    swept
}

async fn sweep_once(app: &App, now: Timestamp) -> Swept {
    let keys = stream::iter(0..SHARDS)
        .then(|shard| async move { app.desk.table.due(Worker::Sweeper, shard, now, BATCH).await })
        .filter_map(|found| async move {
            found.inspect_err(|error| tracing::error!(%error, "due items cannot be read")).ok()
        })
        .flat_map(stream::iter);
    let outcomes = keys.map(|key| sweep(app, key, now)).buffer_unordered(CONCURRENCY);
    outcomes
        .fold(Swept::default(), |swept, done| async move {
            let (done, failed) = (usize::from(done), usize::from(!done));
            Swept { done: swept.done + done, failed: swept.failed + failed }
        })
        .await
}

/// Brings one item to an end; true when it is no longer due.
async fn sweep(app: &App, key: Key, now: Timestamp) -> bool {
    let outcome = if key.sk.starts_with(SLOT_PREFIX) {
        // An offer goes through all of a hold: too large for the frame of every other item.
        Box::pin(slot::sweep(app, &key, now)).await
    } else if key.sk.starts_with(APPOINTMENT_PREFIX) {
        visit::sweep(app, &key, now).await
    } else if key.sk.starts_with(APPEAL_PREFIX) {
        visit::follow_appeal(app, &key, now).await
    } else if key.sk == MERGE {
        merge(app, &key, now).await
    } else if key.pk.starts_with(CLINIC_PREFIX) {
        clinic::sweep(app, &key, now).await
    } else if key.pk.starts_with(CLOSURE_PREFIX) {
        closure::sweep(app, &key, now).await
    } else if key.pk.starts_with(REPORT_PREFIX) {
        report::sweep(app, &key, now).await
    } else if key.pk.starts_with(WAITLIST_PREFIX) {
        waitlist::sweep(app, &key, now).await
    } else {
        Err(SweepError::Unknown)
    };
    outcome.inspect_err(|error| tracing::error!(%error, sk = key.sk, "item stays due")).is_ok()
}

/// Lets links and cards follow a merge of two records, or its end.
async fn merge(app: &App, key: &Key, now: Timestamp) -> Result<(), SweepError> {
    let table = &app.desk.table;
    match table.merge_at(key).await? {
        Some(merge) => Ok(table.work_merge(&merge, now).await?),
        None => Ok(()),
    }
}
