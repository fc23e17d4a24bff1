//! 提醒: every minute, whom to tell: turns that are 30 minutes away, and messages the stream has not led to.
//!
//! Queue first, clear the deadline after: a crash in between queues again, and the ledger of messages lets only one
//! out. Nothing here is lost or doubled by a late, repeated or missed tick.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use domain::Timestamp;
use domain::appointment::Appointment;
use domain::due::{Deadline, Worker};
use domain::event::{Actor, DomainEvent, EventKind, ItemEvent};
use domain::notice::About;
use domain::order::Order;
use domain::waitlist::Waiting;
use futures_util::{StreamExt, stream};
use runtime::Desk;
use store::StoreError;
use store::due::SHARDS;
use store::key::{Key, ORDER_PREFIX, WAITLIST_PREFIX};

/// Keys asked for in one query of a shard.
const BATCH: i32 = 1_000;
/// Items read or written at one time.
const CONCURRENCY: usize = 32;
/// SQS takes at most ten messages at once.
const QUEUE_BATCH: usize = 10;
/// Rounds of one tick: what is left is due still at the next.
const ROUNDS_MAX: u32 = 20;

/// What this function works with.
#[derive(Debug)]
pub struct App {
    /// Table, clock, profile.
    pub desk: Desk,
    /// The notice queue.
    pub queue: Client,
    /// Its URL.
    pub queue_url: String,
}

/// What a tick did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Reminded {
    /// Messages queued.
    pub queued: usize,
    /// Messages that stay due.
    pub failed: usize,
}

/// One thing to tell, and the deadline it answers.
struct Task {
    about: About,
    deadline: Deadline,
    event: Option<DomainEvent>,
}

/// Queues everything that is due.
pub async fn handle(app: &App) -> Reminded {
    let now = app.desk.clock.now();
    let mut reminded = Reminded::default();
    for _ in 0..ROUNDS_MAX {
        let tasks = due_tasks(app, now).await;
        let (round, cleared) = queue_all(app, tasks).await;
        reminded.queued += round.queued;
        reminded.failed += round.failed;
        if cleared == 0 {
            break;
        }
    }
    if reminded != Reminded::default() {
        tracing::info!(queued = reminded.queued, failed = reminded.failed, "reminded");
    }
    reminded
}

async fn due_tasks(app: &App, now: Timestamp) -> Vec<Task> {
    let keys = stream::iter(0..SHARDS)
        .then(|shard| async move { app.desk.table.due(Worker::Reminder, shard, now, BATCH).await })
        .filter_map(|found| async move {
            found.inspect_err(|error| tracing::error!(%error, "due items cannot be read")).ok()
        })
        .flat_map(stream::iter);
    let tasks = keys.map(|key| tasks_of(app, key, now)).buffer_unordered(CONCURRENCY);
    tasks.flat_map(stream::iter).collect().await
}

/// Re-reads an item: the index may be behind.
async fn tasks_of(app: &App, key: Key, now: Timestamp) -> Vec<Task> {
    match read_again(app, &key).await {
        Ok(Some(About::Appointment(appointment))) => visit_tasks(&key, &appointment, now),
        Ok(Some(About::Order(order))) => order_tasks(&key, &order, now),
        Ok(Some(About::Waiting(waiting))) => waiting_tasks(&key, &waiting, now),
        Ok(None) => Vec::new(),
        Err(error) => {
            tracing::error!(%error, sk = key.sk, "item stays due");
            Vec::new()
        }
    }
}

async fn read_again(app: &App, key: &Key) -> Result<Option<About>, StoreError> {
    let table = &app.desk.table;
    Ok(if key.pk.starts_with(ORDER_PREFIX) {
        table.order_at(key).await?.map(|order| About::Order(Box::new(order)))
    } else if key.pk.starts_with(WAITLIST_PREFIX) {
        table.waiting_at(key).await?.map(|waiting| About::Waiting(Box::new(waiting)))
    } else {
        table.appointment_at(key).await?.map(|appointment| About::Appointment(Box::new(appointment)))
    })
}

fn visit_tasks(key: &Key, appointment: &Appointment, now: Timestamp) -> Vec<Task> {
    let due = appointment.deadlines.due(now).filter(|kind| kind.worker() == Worker::Reminder);
    due.map(|deadline| visit_task(key, appointment, deadline, now)).collect()
}

fn visit_task(key: &Key, appointment: &Appointment, deadline: Deadline, now: Timestamp) -> Task {
    let event = match deadline {
        // A slot that has begun needs no reminder any more: a tick came hours late.
        Deadline::Remind if appointment.place.starts_at() <= now => None,
        Deadline::Remind => Some(event_of(EventKind::AppointmentTurnSoon, now)),
        _ => appointment.ev.clone(),
    };
    Task {
        about: About::Appointment(Box::new(appointment.clone())),
        deadline,
        event: event.map(|event| at(key, event)),
    }
}

/// A message for everything the payer has not been told yet.
fn order_tasks(key: &Key, order: &Order, now: Timestamp) -> Vec<Task> {
    if order.deadlines.get(Deadline::Notify).is_none_or(|due| due > now) {
        return Vec::new();
    }
    let task = |kind: &EventKind| Task {
        about: About::Order(Box::new(order.clone())),
        deadline: Deadline::Notify,
        event: Some(at(key, event_of(*kind, now))),
    };
    order.untold.iter().map(task).collect()
}

/// That waiting is over.
fn waiting_tasks(key: &Key, waiting: &Waiting, now: Timestamp) -> Vec<Task> {
    let is_due = waiting.deadlines.due(now).any(|kind| kind == Deadline::Notify);
    let task = |event: &ItemEvent| Task {
        about: About::Waiting(Box::new(waiting.clone())),
        deadline: Deadline::Notify,
        event: Some(at(key, event.clone())),
    };
    waiting.ev.iter().filter(|_| is_due).map(task).collect()
}

fn event_of(kind: EventKind, now: Timestamp) -> ItemEvent {
    ItemEvent { seq: 0, kind, actor: Actor::Schedule, at: now }
}

fn at(key: &Key, event: ItemEvent) -> DomainEvent {
    DomainEvent { pk: key.pk.clone(), sk: key.sk.clone(), event }
}

async fn queue_all(app: &App, tasks: Vec<Task>) -> (Reminded, usize) {
    let mut batches = Vec::new();
    let mut tasks = tasks.into_iter().peekable();
    while tasks.peek().is_some() {
        batches.push(tasks.by_ref().take(QUEUE_BATCH).collect::<Vec<_>>());
    }
    stream::iter(batches)
        .map(|batch| queue_batch(app, batch))
        .buffer_unordered(CONCURRENCY)
        .fold((Reminded::default(), 0), |(sum, cleared), (one, more)| async move {
            (Reminded { queued: sum.queued + one.queued, failed: sum.failed + one.failed }, cleared + more)
        })
        .await
}

async fn queue_batch(app: &App, tasks: Vec<Task>) -> (Reminded, usize) {
    let entries: Vec<_> = tasks.iter().enumerate().filter_map(|(at, task)| entry(at, task)).collect();
    let failed = if entries.is_empty() { Vec::new() } else { send(app, entries, tasks.len()).await };
    let (mut reminded, mut cleared) = (Reminded::default(), 0);
    for (at, task) in tasks.iter().enumerate() {
        if failed.contains(&at) {
            reminded.failed += 1;
            continue;
        }
        reminded.queued += usize::from(task.event.is_some());
        match clear(app, task).await {
            Ok(()) => cleared += 1,
            Err(error) => tracing::error!(%error, "deadline stays; the ledger keeps the message single"),
        }
    }
    (reminded, cleared)
}

async fn clear(app: &App, task: &Task) -> Result<(), StoreError> {
    let table = &app.desk.table;
    match (&task.about, &task.event) {
        (About::Appointment(appointment), _) => table.clear_deadline(&appointment.key(), task.deadline).await,
        (About::Order(order), Some(told)) => table.clear_notice(&order.out_trade_no, told.event.kind).await,
        (About::Order(_), None) => Ok(()),
        (About::Waiting(waiting), _) => table.tell_of_end_later(waiting).await,
    }
}

fn entry(at: usize, task: &Task) -> Option<SendMessageBatchRequestEntry> {
    let body = serde_json::to_string(task.event.as_ref()?).ok()?;
    SendMessageBatchRequestEntry::builder().id(at.to_string()).message_body(body).build().ok()
}

/// Sends a batch; the positions that did not go out.
async fn send(app: &App, entries: Vec<SendMessageBatchRequestEntry>, count: usize) -> Vec<usize> {
    let answer = app.queue.send_message_batch().queue_url(&app.queue_url).set_entries(Some(entries)).send().await;
    match answer {
        Ok(answer) => answer.failed.iter().filter_map(|failure| failure.id.parse().ok()).collect(),
        Err(error) => {
            tracing::error!(error = %error.into_service_error(), "notice queue does not answer");
            (0..count).collect()
        }
    }
}
