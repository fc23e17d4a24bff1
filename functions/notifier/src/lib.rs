//! 通知: the notice queue as WeChat messages, at most one per message key, with a ledger of what became of each.
//!
//! A job says only what happened to which item; the item is read again before anything is said. What may work later goes
//! back into the queue with a delay; what nobody can read or send ends in the dead-letter queue, from where
//! `make replay` brings it back.

mod by_sms;
mod by_wechat;
mod message;
mod telling;

use crate::telling::Telling;
use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
pub use by_wechat::SpentQuota;
use domain::due::Deadline;
use domain::event::{DomainEvent, EventKind};
use domain::notice::{About, NoticeKind, TRIES_MAX};
use futures_util::{StreamExt, stream};
use runtime::Desk;
use runtime::desk::ProfileError;
use runtime::secrets::{Secret, SecretError, SmsAccount};
use runtime::tokens::{NoToken, SharedTokens};
use serde::{Deserialize, Serialize};
use sms::SmsError;
use store::StoreError;
use store::key::Key;
use store::notices::Outcome;
use store::seal::Keyring;
use wechat::api::Api;
use wechat::token::TokenCallError;

/// Messages sent at one time.
const CONCURRENCY: usize = 8;
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
    /// Opens documents for ages and phones for messages.
    pub identity: Secret<Keyring>,
    /// Sends SMS.
    pub sms: Secret<SmsAccount>,
    /// Whether WeChat takes messages today.
    pub quota: SpentQuota,
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
    #[error("the SMS service cannot take the message now: {0}")]
    SmsLater(SmsError),
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("tried too often")]
    Exhausted,
    #[error("the notice queue does not answer")]
    Queue,
}

/// Tries after a lost answer at most: WeChat tells a repeat from a new message for ten minutes, and the pauses of these add up to
/// less than eight.
const UNKNOWN_ATTEMPTS_MAX: u32 = 5;

impl JobError {
    /// Whether this was the last of so many tries.
    fn is_over(&self, tries_max: u32, attempt: u32) -> bool {
        let is_unknown = matches!(self, Self::Later(TokenCallError::Api(error)) if error.is_outcome_unknown());
        attempt >= if is_unknown { tries_max.min(UNKNOWN_ATTEMPTS_MAX) } else { tries_max }
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
    let kind = NoticeKind::of(job.event.event.kind);
    let told = match kind {
        Some(kind) => notify(app, kind, &job).await,
        None if job.event.event.kind == EventKind::MessageDue => resume(app, &job).await,
        // Most events lead to no message.
        None => return Ok(()),
    };
    let tries_max = kind.map_or(TRIES_MAX, NoticeKind::tries_max);
    match told {
        Err(error @ (JobError::Unreadable | JobError::NoItem)) => Err(error),
        Err(error) if error.is_over(tries_max, job.attempt) => {
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

/// Tells what the job is about; what is in the ledger needs no deadline any more.
async fn notify(app: &App, kind: NoticeKind, job: &Job) -> Result<(), JobError> {
    let item = Key::new(&job.event.pk, &job.event.sk);
    let about = app.desk.table.about(&item).await?.ok_or(JobError::NoItem)?;
    if matches!(about, About::Order(_)) && !about.bears_out(kind) {
        // The visit it paid for has a message of its own.
        return Ok(());
    }
    Telling::new(app, kind, &about, item, job.attempt).await?.tell_all().await?;
    // A reminder has a deadline of its own, which the reminder clears.
    if !matches!(kind, NoticeKind::TurnSoon | NoticeKind::DayBefore) && about.bears_out(kind) {
        done(app, &about, job.event.event.kind).await?;
    }
    Ok(())
}

/// A message of the ledger whose time has come, that did not arrive, or of which the SMS service may know whether it did.
async fn resume(app: &App, job: &Job) -> Result<(), JobError> {
    let table = &app.desk.table;
    let entry = Key::new(&job.event.pk, &job.event.sk);
    let record = table.notice(&entry).await?.ok_or(JobError::NoItem)?;
    let letter = &record.letter;
    let about = table.about(&letter.item).await?.ok_or(JobError::NoItem)?;
    let telling = Telling::new(app, letter.kind, &about, letter.item.clone(), job.attempt).await?;
    by_sms::ask_after(&telling, &record).await?;
    telling.deliver(letter).await?;
    match table.notice(&entry).await? {
        Some(record) if matches!(record.outcome, Outcome::Failed { .. }) => Ok(table.leave_notice(&record).await?),
        _ => Ok(()),
    }
}

async fn done(app: &App, about: &About, told: EventKind) -> Result<(), StoreError> {
    let table = &app.desk.table;
    match about {
        About::Appointment(appointment) => table.clear_deadline(&appointment.key(), Deadline::Notify).await,
        About::Order(order) => table.clear_notice(&order.out_trade_no, told).await,
        About::Credit(news) => table.clear_gate_notice(&Key::gate(&news.0.owner.patient), news.1.seq).await,
        About::Person(news) => table.clear_patient_notice(&news.patient, news.ev.seq).await,
        About::Waiting(waiting) => table.forget_ended(waiting).await,
        About::Report(news) => {
            let seq = news.filed.news.get(&told).copied().unwrap_or_default();
            table.clear_report_notice(&news.filed.id, told, seq).await
        }
    }
}
