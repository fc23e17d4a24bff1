//! 通知: the notice queue as WeChat messages, at most one per message key, with a ledger of what became of each.
//!
//! A job says only what happened to which item; the item is read again before anything is said. What may work later goes
//! back into the queue with a delay; what nobody can read or send ends in the dead-letter queue, from where
//! `make replay` brings it back.

mod message;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use domain::Timestamp;
use domain::due::Deadline;
use domain::event::{DomainEvent, EventKind};
use domain::id::OpenId;
use domain::notice::{About, NoticeKind};
use futures_util::{StreamExt, stream};
use runtime::Desk;
use runtime::desk::ProfileError;
use runtime::tokens::{NoToken, SharedTokens};
use serde::{Deserialize, Serialize};
use store::StoreError;
use store::key::{Key, ORDER_PREFIX, WAITLIST_PREFIX};
use store::notices::{Begin, NoticeRecord, Outcome};
use wechat::api::{Api, ApiError};
use wechat::token::{TokenCallError, with_token};

/// Messages sent at one time.
const CONCURRENCY: usize = 8;
/// Tries before a job is left to the dead-letter queue.
pub const ATTEMPTS_MAX: u32 = 8;
/// The first pause; it doubles with each try.
const RETRY_S: i32 = 15;
/// SQS delays a message by at most this.
const RETRY_MAX_S: i32 = 900;

/// What this function works with.
#[derive(Debug)]
pub struct App {
    /// Table, clock, profile.
    pub desk: Desk,
    /// WeChat's account API.
    pub api: Api,
    /// The shared access token.
    pub tokens: SharedTokens,
    /// The notice queue, to put a job back with a delay.
    pub queue: aws_sdk_sqs::Client,
    /// Its URL.
    pub queue_url: String,
}

/// A job of the queue: an event, and how often it was tried.
#[derive(Debug, Serialize, Deserialize)]
struct Job {
    #[serde(flatten)]
    event: DomainEvent,
    #[serde(default)]
    attempt: u32,
}

/// Why a job is not done.
#[derive(Debug, thiserror::Error)]
enum JobError {
    #[error("job is not readable")]
    Unreadable,
    #[error("the item of the job is missing")]
    NoItem,
    #[error("somebody else is sending this message")]
    Busy,
    #[error("WeChat cannot take the message now: {0}")]
    Later(#[from] TokenCallError<NoToken>),
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("tried too often")]
    Exhausted,
    #[error("the notice queue does not answer")]
    Queue,
}

/// Tries after a lost answer: WeChat tells a repeat from a new message for ten minutes, and the pauses of these add up to
/// less than eight.
const UNKNOWN_ATTEMPTS_MAX: u32 = 5;

impl JobError {
    fn attempts_max(&self) -> u32 {
        match self {
            Self::Later(TokenCallError::Api(error)) if error.is_outcome_unknown() => UNKNOWN_ATTEMPTS_MAX,
            _ => ATTEMPTS_MAX,
        }
    }
}

/// Sends a batch. Jobs it names come again, and end in the dead-letter queue after the queue's own count.
pub async fn handle(app: &App, batch: SqsEvent) -> SqsBatchResponse {
    let failed: Vec<String> = stream::iter(batch.records)
        .map(|record| async move { take(app, &record).await })
        .buffer_unordered(CONCURRENCY)
        .filter_map(|failed| async move { failed })
        .collect()
        .await;
    let mut response = SqsBatchResponse::default();
    for id in failed {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = id;
        response.batch_item_failures.push(failure);
    }
    response
}

/// The message id if the job has to come again.
async fn take(app: &App, record: &SqsMessage) -> Option<String> {
    let outcome = match read(record) {
        Ok(job) => run(app, job).await,
        Err(error) => Err(error),
    };
    let error = outcome.err()?;
    tracing::error!(%error, "notice job failed");
    Some(record.message_id.clone().unwrap_or_default())
}

fn read(record: &SqsMessage) -> Result<Job, JobError> {
    serde_json::from_str(record.body.as_deref().unwrap_or_default()).map_err(|_| JobError::Unreadable)
}

async fn run(app: &App, job: Job) -> Result<(), JobError> {
    // Most events lead to no message.
    let Some(kind) = NoticeKind::of(job.event.event.kind) else { return Ok(()) };
    match notify(app, kind, &job).await {
        Err(error @ (JobError::Unreadable | JobError::NoItem)) => Err(error),
        Err(error) if job.attempt >= error.attempts_max() => {
            tracing::error!(%error, attempts = job.attempt, "giving up");
            Err(JobError::Exhausted)
        }
        Err(error) => {
            tracing::warn!(%error, attempt = job.attempt, "notice will be tried again");
            put_back(app, job).await
        }
        Ok(()) => Ok(()),
    }
}

/// A delayed copy: SQS's own redelivery would retry at once and count towards the dead-letter queue.
async fn put_back(app: &App, job: Job) -> Result<(), JobError> {
    let delay_s = (RETRY_S << job.attempt.min(6)).min(RETRY_MAX_S);
    let body = serde_json::to_string(&Job { attempt: job.attempt + 1, ..job }).map_err(|_| JobError::Unreadable)?;
    let request = app.queue.send_message().queue_url(&app.queue_url).message_body(body).delay_seconds(delay_s);
    request.send().await.map(drop).map_err(|_| JobError::Queue)
}

async fn notify(app: &App, kind: NoticeKind, job: &Job) -> Result<(), JobError> {
    let now = app.desk.clock.now();
    let about = read_again(app, &Key::new(&job.event.pk, &job.event.sk)).await?;
    if matches!(about, About::Order(_)) && !about.bears_out(kind) {
        // The visit it paid for has a message of its own.
        return Ok(());
    }
    // Nobody in WeChat is to be told of a visit that staff registered.
    if let Some(to) = about.account() {
        tell(app, kind, &about, to, now).await?;
    }
    if kind != NoticeKind::TurnSoon && about.bears_out(kind) {
        // The ledger has it: the deadline that guaranteed the message has done its work.
        done(app, &about, job.event.event.kind).await?;
    }
    Ok(())
}

/// At most one message to a WeChat user; the ledger has what became of it.
async fn tell(app: &App, kind: NoticeKind, about: &About, to: &OpenId, now: Timestamp) -> Result<(), JobError> {
    let (table, ledger_id) = (&app.desk.table, about.ledger_id(kind));
    match table.begin_notice(kind, &ledger_id, to, now).await? {
        Begin::Busy => Err(JobError::Busy),
        Begin::Settled(_) => Ok(()),
        Begin::Send(record) => {
            let outcome = send(app, kind, about, to, &record, now).await?;
            Ok(table.finish_notice(kind, &ledger_id, to, &record, outcome, now).await?)
        }
    }
}

/// The item as it is now.
async fn read_again(app: &App, key: &Key) -> Result<About, JobError> {
    let table = &app.desk.table;
    let found = if key.pk.starts_with(ORDER_PREFIX) {
        table.order_at(key).await?.map(|order| About::Order(Box::new(order)))
    } else if key.pk.starts_with(WAITLIST_PREFIX) {
        table.waiting_at(key).await?.map(|waiting| About::Waiting(Box::new(waiting)))
    } else {
        table.appointment_at(key).await?.map(|appointment| About::Appointment(Box::new(appointment)))
    };
    found.ok_or(JobError::NoItem)
}

async fn done(app: &App, about: &About, told: EventKind) -> Result<(), StoreError> {
    let table = &app.desk.table;
    match about {
        About::Appointment(appointment) => table.clear_deadline(&appointment.key(), Deadline::Notify).await,
        About::Order(order) => table.clear_notice(&order.out_trade_no, told).await,
        About::Waiting(waiting) => table.forget_ended(waiting).await,
    }
}

/// Sends the message we hold the right to send. A failure that may pass gives the right back.
async fn send(
    app: &App,
    kind: NoticeKind,
    about: &About,
    to: &OpenId,
    record: &NoticeRecord,
    now: Timestamp,
) -> Result<Outcome, JobError> {
    let profile = app.desk.profile().await?;
    let account = app.desk.table.account(to).await?;
    let followed = account.is_none_or(|account| account.followed);
    let message = match message::compose(kind, about, to, &profile, &app.desk.public_url, followed) {
        Ok(message) => message,
        Err(why) => return Ok(dropped(why)),
    };
    let message = &message;
    let tokens = app.tokens.of(&app.desk);
    let sent = with_token(&tokens, async |token| app.api.send_template(&token, message).await).await;
    match sent {
        Ok(msgid) => Ok(Outcome::Sent { msgid: msgid.to_string() }),
        // WeChat has it from a try whose answer was lost.
        Err(TokenCallError::Api(ApiError::Duplicate(_))) => Ok(Outcome::Sent { msgid: String::new() }),
        Err(TokenCallError::Api(error)) if for_good(&error).is_some() => {
            tracing::warn!(%error, "message refused for good");
            Ok(dropped(for_good(&error).unwrap_or("refused")))
        }
        Err(error) => {
            let free = Outcome::Sending { lease_until: now };
            let table = &app.desk.table;
            table.finish_notice(kind, &about.ledger_id(kind), to, record, free, now).await?;
            Err(error.into())
        }
    }
}

/// Why trying again cannot help (the protocol's table of errors and actions).
fn for_good(error: &ApiError) -> Option<&'static str> {
    match error {
        ApiError::UnreachableUser(_) => Some("unreachable"),
        ApiError::ConsentUsedUp(_) => Some("no_consent"),
        ApiError::TemplateGone(_) => Some("template_gone"),
        ApiError::BadValue { .. } => Some("bad_value"),
        _ => None,
    }
}

fn dropped(why: &str) -> Outcome {
    Outcome::Dropped { why: why.to_owned() }
}
