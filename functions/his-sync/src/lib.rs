//! 医院系统: every minute, what the hospital's own system (HIS) still has to be told (payments to book, refunds to note,
//! visits to confirm or take back, critical values), what it has to tell (its timetable and what changed, results that were
//! missed), at night what it has to be asked (whether a patient who counts as absent was there after all), and where the
//! HIS calls people in itself, what it says of the queues. Results that could not be placed are tried again.
//!
//! The page a patient pays on does the same at once (`runtime::posting`); this is the guarantee behind it. An order whose
//! answer was lost is asked for by serial before it is sent again. Late, doubled or missed ticks do no harm.

mod alert;
mod pull;
mod replay;
mod visit;

use domain::Timestamp;
use domain::due::Worker;
use domain::queue::QueueOwner;
use futures_util::{Stream, StreamExt, stream};
use his::{Call, His};
use runtime::Desk;
use runtime::desk::ProfileError;
use runtime::enrolment::EnrolError;
use runtime::errands::{self, ErrandError};
use runtime::posting::{self, PostError};
use runtime::random::NoRandomness;
use runtime::secrets::{HisAccount, Secret, SecretError};
use store::due::SHARDS;
use store::key::{APPOINTMENT_PREFIX, ERRAND_PREFIX, Key, REPORT_PREFIX as REPORT_PK};
use store::seal::Keyring;

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
    /// Opens identities: the HIS is told who somebody is.
    pub identity: Secret<Keyring>,
}

/// Why an order could not be told, or a queue not read. It stays due.
#[derive(Debug, thiserror::Error)]
enum SyncError {
    #[error(transparent)]
    Post(#[from] PostError),
    #[error(transparent)]
    Errand(#[from] ErrandError),
    #[error(transparent)]
    Enrol(#[from] EnrolError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    #[error(transparent)]
    Store(#[from] store::StoreError),
    #[error(transparent)]
    Queue(#[from] store::queues::QueueFailed),
    #[error(transparent)]
    His(#[from] his::HisError),
}

/// What a tick did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Synced {
    /// Orders the HIS now knows all about, or was asked about; visits it was asked about; queues as the HIS has
    /// them; messages with results that were tried again.
    pub done: usize,
    /// Orders, visits, queues and messages that could not be followed.
    pub failed: usize,
}

/// Tells the HIS everything that is due, then asks it about the queues.
pub async fn handle(app: &App) -> Synced {
    let now = app.desk.clock.now();
    let orders = due(app, Worker::HisSync, now).map(|key| sync(app, key, now)).buffer_unordered(CONCURRENCY);
    let queues = due(app, Worker::HisQueue, now).map(|key| follow(app, key, now)).buffer_unordered(CONCURRENCY);
    let results = due(app, Worker::HisResults, now).map(|key| replay(app, key, now)).buffer_unordered(CONCURRENCY);
    let outcomes = orders.chain(queues).chain(results);
    let count = |sum: Synced, done: bool| async move {
        Synced { done: sum.done + usize::from(done), failed: sum.failed + usize::from(!done) }
    };
    let mut synced = outcomes.fold(Synced::default(), count).await;
    // Last: patients wait for what is told, nobody for what is pulled.
    if let Some(done) = Box::pin(pull::run(app, now)).await {
        synced = count(synced, done).await;
    }
    if synced != Synced::default() {
        tracing::info!(done = synced.done, failed = synced.failed, "synced");
    }
    synced
}

fn due(app: &App, worker: Worker, now: Timestamp) -> impl Stream<Item = Key> {
    stream::iter(0..SHARDS)
        .map(move |shard| async move { app.desk.table.due(worker, shard, now, BATCH).await })
        .buffer_unordered(CONCURRENCY)
        .filter_map(|found| async move {
            found.inspect_err(|error| tracing::error!(%error, "due items cannot be read")).ok()
        })
        .flat_map(stream::iter)
}

async fn replay(app: &App, key: Key, now: Timestamp) -> bool {
    let outcome = if key.pk.starts_with(REPORT_PK) {
        alert::tell(app, &key, now).await
    } else {
        replay::again(app, &key, now).await
    };
    outcome.inspect_err(|error| tracing::error!(%error, pk = key.pk, "results are gone on with later")).is_ok()
}

async fn follow(app: &App, key: Key, now: Timestamp) -> bool {
    hear(app, &key, now)
        .await
        .inspect_err(|error| tracing::warn!(%error, pk = key.pk, "a queue is heard of later"))
        .is_ok()
}

/// Takes what the HIS says of a queue it calls from, as long as its day lasts.
async fn hear(app: &App, key: &Key, now: Timestamp) -> Result<(), SyncError> {
    let table = &app.desk.table;
    let Some(queue) = table.queue_at(key).await? else { return Ok(()) };
    let profile = app.desk.profile().await?;
    if profile.queue.owner != QueueOwner::His || queue.is_over(now) {
        return Ok(table.end_telling(&profile.queue, &queue.id, now).await?);
    }
    let his = app.his.get(now).await?;
    let mut said = Vec::new();
    for clinic in &queue.clinics {
        let call = Call { now, random: app.desk.random.bytes()? };
        said.extend(his.client.clinic_queue(clinic, call).await?);
    }
    table.tell_queue(&profile, &queue.id, &said, now).await?;
    Ok(())
}

async fn sync(app: &App, key: Key, now: Timestamp) -> bool {
    let outcome = if key.sk.starts_with(APPOINTMENT_PREFIX) {
        visit::sync(app, &key, now).await
    } else if key.sk.starts_with(ERRAND_PREFIX) {
        run(app, &key, now).await
    } else {
        tell(app, &key, now).await
    };
    outcome.inspect_err(|error| tracing::error!(%error, pk = key.pk, "the HIS is told later")).is_ok()
}

/// Goes on with an errand about a person.
async fn run(app: &App, key: &Key, now: Timestamp) -> Result<(), SyncError> {
    let Some(errand) = app.desk.table.errand_at(key).await? else { return Ok(()) };
    let (his, keys) = (app.his.get(now).await?, app.identity.get(now).await?);
    errands::follow(&app.desk, &his.client, &keys, errand, now).await?;
    Ok(())
}

async fn tell(app: &App, key: &Key, now: Timestamp) -> Result<(), SyncError> {
    let Some(order) = app.desk.table.order_at(key).await? else { return Ok(()) };
    let his = app.his.get(now).await?;
    posting::follow(&app.desk, &his.client, order, now).await?;
    Ok(())
}
