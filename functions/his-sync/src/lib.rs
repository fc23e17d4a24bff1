//! 医院系统: every minute, what the hospital's own system (HIS) still has to be told: payments to book, refunds to note; and,
//! at night, what it has to be asked: whether a patient who counts as absent was there after all.
//!
//! The page a patient pays on does the same at once (`runtime::posting`); this is the guarantee behind it. An order whose
//! answer was lost is asked for by serial before it is sent again. Late, doubled or missed ticks do no harm.

mod visit;

use domain::Timestamp;
use domain::due::Worker;
use futures_util::{StreamExt, stream};
use runtime::Desk;
use runtime::desk::ProfileError;
use runtime::posting::{self, PostError};
use runtime::random::NoRandomness;
use runtime::secrets::{HisAccount, Secret, SecretError};
use store::due::SHARDS;
use store::key::{APPOINTMENT_PREFIX, Key};

/// Keys asked for in one query of a shard.
const BATCH: i32 = 100;
/// Items worked on at one time: a hospital's front-end machine is one machine.
const CONCURRENCY: usize = 4;

/// What this function works with.
#[derive(Debug)]
pub struct App {
    /// Table, clock, profile.
    pub desk: Desk,
    /// The hospital's system.
    pub his: Secret<HisAccount>,
}

/// Why an order could not be told. It stays due.
#[derive(Debug, thiserror::Error)]
enum SyncError {
    #[error(transparent)]
    Post(#[from] PostError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// What a tick did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Synced {
    /// Orders the HIS now knows all about, or was asked about, and visits it was asked about.
    pub done: usize,
    /// Orders and visits that stay due.
    pub failed: usize,
}

/// Tells the HIS everything that is due.
pub async fn handle(app: &App) -> Synced {
    let now = app.desk.clock.now();
    let keys = stream::iter(0..SHARDS)
        .map(|shard| async move { app.desk.table.due(Worker::HisSync, shard, now, BATCH).await })
        .buffer_unordered(CONCURRENCY)
        .filter_map(|found| async move {
            found.inspect_err(|error| tracing::error!(%error, "due items cannot be read")).ok()
        })
        .flat_map(stream::iter);
    let outcomes = keys.map(|key| sync(app, key, now)).buffer_unordered(CONCURRENCY);
    let count = |sum: Synced, done: bool| async move {
        Synced { done: sum.done + usize::from(done), failed: sum.failed + usize::from(!done) }
    };
    let synced = outcomes.fold(Synced::default(), count).await;
    if synced != Synced::default() {
        tracing::info!(done = synced.done, failed = synced.failed, "synced");
    }
    synced
}

async fn sync(app: &App, key: Key, now: Timestamp) -> bool {
    let outcome = if key.sk.starts_with(APPOINTMENT_PREFIX) {
        visit::check(app, &key, now).await
    } else {
        tell(app, &key, now).await
    };
    outcome.inspect_err(|error| tracing::error!(%error, pk = key.pk, "the HIS is told later")).is_ok()
}

async fn tell(app: &App, key: &Key, now: Timestamp) -> Result<(), SyncError> {
    let Some(order) = app.desk.table.order_at(key).await? else { return Ok(()) };
    let his = app.his.get(now).await?;
    posting::follow(&app.desk, &his.client, order, now).await?;
    Ok(())
}
