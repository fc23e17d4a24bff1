//! 提醒: every minute, whom to tell: turns that are 30 minutes away, and messages the stream has not led to.
//!
//! Queue first, clear the deadline after: a crash in between queues again, and the ledger of messages lets only one
//! out. Nothing here is lost or doubled by a late, repeated or missed tick.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use domain::appointment::Appointment;
use domain::due::{Deadline, Worker};
use domain::event::{Actor, DomainEvent, EventKind, ItemEvent};
use domain::id::{OutTradeNo, ReportId};
use domain::notice::{About, PersonNews};
use domain::order::Order;
use domain::report::Filed;
use domain::waitlist::Waiting;
use domain::{Timestamp, time};
use futures_util::{StreamExt, stream};
use runtime::Desk;
use store::StoreError;
use store::due::SHARDS;
use store::key::{Key, NOTICE_PREFIX};
use store::notices::NoticeRecord;

/// Keys asked for in one query of a shard. Ten thousand at once (a whole hospital's morning) are a round, since the index
/// may still show in the next what was cleared in this one.
const BATCH: i32 = 5_000;
/// Items read or written at one time.
const CONCURRENCY: usize = 32;
/// SQS takes at most ten messages at once.
const QUEUE_BATCH: usize = 10;
/// A message of the ledger that is queued and then lost is queued again after this long: the notifier's tries take less.
const LETTER_AGAIN_S: i64 = 2 * 3600;
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

/// One thing to do about something due.
struct Task {
    /// What is put into the queue.
    event: DomainEvent,
    /// What is written once it is there.
    then: Then,
}

/// What follows once a message is queued.
enum Then {
    /// The deadline of a visit is done with.
    ClearVisit(Box<Appointment>, Deadline),
    /// The payer has been told of one thing.
    ClearOrder(OutTradeNo, EventKind),
    /// The owner of a credit record has been told of its latest change.
    ClearGate(Key, u64),
    /// The others of a person's family have been told.
    ClearPerson(PersonNews),
    /// The patient is being told of one thing about a report.
    ClearReport(ReportId, EventKind, u64),
    /// That waiting is over is in the queue of messages.
    ClearWaiting(Box<Waiting>),
    /// The message of the ledger is under way: seen again if it is lost.
    Postpone(Box<NoticeRecord>),
}

/// Queues everything that is due.
pub async fn handle(app: &App) -> Reminded {
    let now = app.desk.clock.now();
    let mut reminded = Reminded::default();
    for _ in 0..ROUNDS_MAX {
        let tasks = due_tasks(app, now).await;
        let (round, cleared) = queue_all(app, tasks, now).await;
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
    let found = if key.pk.starts_with(NOTICE_PREFIX) {
        app.desk.table.notice(&key).await.map(|record| record.map(|record| letter_tasks(&key, record, now)))
    } else {
        look_up(app, &key, now).await
    };
    found.inspect_err(|error| tracing::error!(%error, sk = key.sk, "item stays due")).ok().flatten().unwrap_or_default()
}

async fn look_up(app: &App, key: &Key, now: Timestamp) -> Result<Option<Vec<Task>>, StoreError> {
    match app.desk.table.about(key).await? {
        Some(About::Appointment(visit)) => visit_tasks(app, key, &visit, now).await.map(Some),
        Some(About::Order(order)) => Ok(Some(order_tasks(key, &order, now))),
        Some(About::Waiting(waiting)) => Ok(Some(waiting_tasks(key, &waiting, now))),
        Some(About::Credit(news)) => Ok(Some(vec![credit_task(key, &news.1)])),
        Some(About::Person(news)) => Ok(Some(vec![person_task(key, *news)])),
        Some(About::Report(news)) => Ok(Some(report_tasks(key, &news.filed, now))),
        None => Ok(None),
    }
}

async fn visit_tasks(app: &App, key: &Key, visit: &Appointment, now: Timestamp) -> Result<Vec<Task>, StoreError> {
    let mut tasks = Vec::new();
    for deadline in visit.deadlines.due(now).filter(|kind| kind.worker() == Worker::Reminder) {
        let event = match deadline {
            Deadline::Remind => Some(event_of(EventKind::AppointmentTurnSoon, now)),
            Deadline::DayBefore if !is_its_time(app, visit, now).await? => None,
            Deadline::DayBefore => Some(event_of(EventKind::AppointmentDayBefore, now)),
            _ => visit.ev.clone(),
        };
        let then = Then::ClearVisit(Box::new(visit.clone()), deadline);
        tasks.extend(event.map(|event| Task { event: at(key, event), then }));
    }
    Ok(tasks)
}

/// Whether the reminder of the day before goes out now. A profile that says later moves it, one that says never ends it.
async fn is_its_time(app: &App, visit: &Appointment, now: Timestamp) -> Result<bool, StoreError> {
    let table = &app.desk.table;
    let Ok(profile) = app.desk.profile().await else { return Ok(false) };
    let Some(time) = profile.messages.day_before else {
        table.clear_deadline(&visit.key(), Deadline::DayBefore).await?;
        return Ok(false);
    };
    let wanted = time::instant(time::add_days(visit.place.date, -1), time);
    let early_s = wanted.as_second().saturating_sub(now.as_second());
    if early_s > 0 {
        table.postpone_deadline(&visit.key(), Deadline::DayBefore, now, early_s).await?;
    }
    Ok(early_s <= 0)
}

/// A message for everything the payer has not been told yet.
fn order_tasks(key: &Key, order: &Order, now: Timestamp) -> Vec<Task> {
    if order.deadlines.get(Deadline::Notify).is_none_or(|due| due > now) {
        return Vec::new();
    }
    let task = |kind: &EventKind| Task {
        event: at(key, event_of(*kind, now)),
        then: Then::ClearOrder(order.out_trade_no.clone(), *kind),
    };
    order.untold.iter().map(task).collect()
}

/// A message for everything that is not under way yet.
fn report_tasks(key: &Key, filed: &Filed, now: Timestamp) -> Vec<Task> {
    if filed.deadlines.get(Deadline::Notify).is_none_or(|due| due > now) {
        return Vec::new();
    }
    let task = |kind: &EventKind| {
        let seq = filed.news.get(kind).copied().unwrap_or_default();
        let event = ItemEvent { seq, ..event_of(*kind, now) };
        Task { event: at(key, event), then: Then::ClearReport(filed.id.clone(), *kind, seq) }
    };
    filed.untold.iter().map(task).collect()
}

/// A person is in the time index for one thing only: others must be told of a new account.
fn person_task(key: &Key, news: PersonNews) -> Task {
    Task { event: at(key, news.ev.clone()), then: Then::ClearPerson(news) }
}

fn letter_tasks(key: &Key, record: NoticeRecord, now: Timestamp) -> Vec<Task> {
    if record.deadlines.get(Deadline::Notify).is_none_or(|due| due > now) {
        return Vec::new();
    }
    vec![Task { event: at(key, event_of(EventKind::MessageDue, now)), then: Then::Postpone(Box::new(record)) }]
}

/// The latest change of a credit record: an older one is not true any more.
fn credit_task(key: &Key, event: &ItemEvent) -> Task {
    Task { event: at(key, event.clone()), then: Then::ClearGate(key.clone(), event.seq) }
}

/// That waiting is over.
fn waiting_tasks(key: &Key, waiting: &Waiting, now: Timestamp) -> Vec<Task> {
    let is_due = waiting.deadlines.due(now).any(|kind| kind == Deadline::Notify);
    let task =
        |event: &ItemEvent| Task { event: at(key, event.clone()), then: Then::ClearWaiting(Box::new(waiting.clone())) };
    waiting.ev.iter().filter(|_| is_due).map(task).collect()
}

fn event_of(kind: EventKind, now: Timestamp) -> ItemEvent {
    ItemEvent { seq: 0, kind, actor: Actor::Schedule, at: now }
}

fn at(key: &Key, event: ItemEvent) -> DomainEvent {
    DomainEvent { pk: key.pk.clone(), sk: key.sk.clone(), event }
}

async fn queue_all(app: &App, tasks: Vec<Task>, now: Timestamp) -> (Reminded, usize) {
    let mut batches = Vec::new();
    let mut tasks = tasks.into_iter().peekable();
    while tasks.peek().is_some() {
        batches.push(tasks.by_ref().take(QUEUE_BATCH).collect::<Vec<_>>());
    }
    stream::iter(batches)
        .map(|batch| queue_batch(app, batch, now))
        .buffer_unordered(CONCURRENCY)
        .fold((Reminded::default(), 0), |(sum, cleared), (one, more)| async move {
            (Reminded { queued: sum.queued + one.queued, failed: sum.failed + one.failed }, cleared + more)
        })
        .await
}

async fn queue_batch(app: &App, tasks: Vec<Task>, now: Timestamp) -> (Reminded, usize) {
    let entries: Vec<_> = tasks.iter().enumerate().filter_map(|(at, task)| entry(at, task)).collect();
    let failed = send(app, entries, tasks.len()).await;
    let (mut reminded, mut cleared) = (Reminded::default(), 0);
    for (at, task) in tasks.iter().enumerate() {
        if failed.contains(&at) {
            reminded.failed += 1;
            continue;
        }
        reminded.queued += 1;
        match conclude(app, &task.then, now).await {
            Ok(()) => cleared += 1,
            Err(error) => tracing::error!(%error, "deadline stays; the ledger keeps the message single"),
        }
    }
    (reminded, cleared)
}

async fn conclude(app: &App, then: &Then, now: Timestamp) -> Result<(), StoreError> {
    let table = &app.desk.table;
    match then {
        Then::ClearVisit(visit, deadline) => table.clear_deadline_of(visit, *deadline).await,
        Then::ClearPerson(news) => table.clear_patient_notice(&news.patient, news.ev.seq).await,
        Then::ClearOrder(no, told) => table.clear_notice(no, *told).await,
        Then::ClearReport(id, kind, seq) => table.clear_report_notice(id, *kind, *seq).await,
        Then::ClearGate(key, seq) => table.clear_gate_notice(key, *seq).await,
        Then::Postpone(record) => table.postpone_notice(record, time::add_seconds(now, LETTER_AGAIN_S)).await,
        Then::ClearWaiting(waiting) => table.tell_of_end_later(waiting).await,
    }
}

fn entry(at: usize, task: &Task) -> Option<SendMessageBatchRequestEntry> {
    let body = serde_json::to_string(&task.event).ok()?;
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
