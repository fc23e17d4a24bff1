//! One message through WeChat, and what its answer means (the protocol's table of errors and actions).

use crate::JobError;
use crate::telling::{Telling, dropped};
use domain::civil::Time;
use domain::notice::Grade;
use domain::{Timestamp, time};
use runtime::tokens::NoToken;
use std::sync::{Mutex, PoisonError};
use store::notices::Outcome;
use wechat::api::{ApiError, TemplateMessage};
use wechat::token::{TokenCallError, with_token};

/// Until when an instance sends nothing, since the day's quota is used up.
#[derive(Debug, Default)]
pub struct SpentQuota(Mutex<Option<Timestamp>>);

impl SpentQuota {
    fn until(&self, now: Timestamp) -> Option<Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).filter(|until| *until > now)
    }

    fn note(&self, until: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }
}

/// What became of the message; an error when it may work later.
pub(crate) async fn send(telling: &Telling<'_>, message: &TemplateMessage) -> Result<Outcome, JobError> {
    let app = telling.app;
    if let Some(until) = app.quota.until(telling.now) {
        return Ok(without_quota(telling, until));
    }
    let tokens = app.tokens.of(&app.desk);
    match with_token(&tokens, async |token| app.api.send_template(&token, message).await).await {
        Ok(msgid) => Ok(Outcome::Sent { msgid: msgid.to_string() }),
        Err(TokenCallError::Api(error)) => refused(telling, message, error).await,
        Err(error @ TokenCallError::Source(_)) => Err(error.into()),
    }
}

async fn refused(telling: &Telling<'_>, message: &TemplateMessage, error: ApiError) -> Result<Outcome, JobError> {
    match error {
        // WeChat has it from a try whose answer was lost.
        ApiError::Duplicate(_) => Ok(Outcome::Sent { msgid: String::new() }),
        ApiError::Quota(_) => {
            let until = time::instant(time::add_days(time::today(telling.now), 1), Time::midnight());
            telling.app.quota.note(until);
            wake_once(telling, &format!("quota#{}", time::today(telling.now))).await?;
            Ok(without_quota(telling, until))
        }
        ApiError::TemplateGone(_) => {
            wake_once(telling, &format!("template#{}", message.template_id)).await?;
            Ok(dropped("template_gone"))
        }
        ApiError::UnreachableUser(_) => Ok(dropped("unreachable")),
        ApiError::ConsentUsedUp(_) => Ok(dropped("no_consent")),
        ApiError::BadValue { .. } => {
            tracing::error!(%error, "WeChat does not take a value");
            Ok(dropped("bad_value"))
        }
        error => Err(TokenCallError::<NoToken>::Api(error).into()),
    }
}

/// The quota is new at midnight (the protocol sheet, 2.4). What matters, and what would come too late, does not wait.
fn without_quota(telling: &Telling<'_>, until: Timestamp) -> Outcome {
    let until = telling.profile.messages.quiet.end_of(until).unwrap_or(until);
    let waits = telling.manner.grade < Grade::Critical && !telling.about.is_too_late(telling.kind, until);
    if waits { Outcome::Waiting { until } } else { dropped("quota") }
}

/// One alarm for a trouble, however many messages meet it.
async fn wake_once(telling: &Telling<'_>, trouble: &str) -> Result<(), JobError> {
    if telling.app.desk.table.note_trouble(trouble, telling.now).await? {
        tracing::error!(alarm = "messages_held_up", trouble, "WeChat takes no messages");
    }
    Ok(())
}
