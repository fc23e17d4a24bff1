//! One message by SMS, and what the service's answer means.

use crate::telling::{Telling, dropped};
use crate::{JobError, message};
use domain::person::Phone;
use sms::{Sms, SmsError, SmsMessage};
use store::notices::Outcome;

/// What became of the message; an error when it may work later.
pub(crate) async fn send(telling: &Telling<'_>) -> Result<Outcome, JobError> {
    let Some(phone) = phone(telling).await? else { return Ok(dropped("no_phone")) };
    let message = match message::compose_sms(telling, phone) {
        Ok(message) => message,
        Err(why) => return Ok(dropped(why)),
    };
    answer(telling, &message).await
}

async fn phone(telling: &Telling<'_>) -> Result<Option<Phone>, JobError> {
    let app = telling.app;
    let Some(patient) = app.desk.table.patient(telling.about.patient()).await? else { return Ok(None) };
    let keys = app.identity.get(telling.now).await?;
    Ok(patient.identity.phone(&keys)?)
}

async fn answer(telling: &Telling<'_>, message: &SmsMessage) -> Result<Outcome, JobError> {
    let account = telling.app.sms.get(telling.now).await?;
    match account.client.send(message, telling.now).await {
        Ok(serial) => Ok(Outcome::Sent { msgid: serial }),
        Err(error) if error.may_pass() => Err(JobError::SmsLater(error)),
        Err(error) => {
            tracing::warn!(%error, "SMS refused for good");
            Ok(given_up(telling, error).await?)
        }
    }
}

async fn given_up(telling: &Telling<'_>, error: SmsError) -> Result<Outcome, JobError> {
    Ok(match error {
        SmsError::Number(_) => dropped("number_refused"),
        // The service tells no repeat from a new message.
        SmsError::UnknownOutcome => Outcome::Failed { why: "unknown".into() },
        SmsError::Configuration(code) => {
            if telling.app.desk.table.note_trouble(&format!("sms#{code}"), telling.now).await? {
                tracing::error!(alarm = "messages_held_up", code, "SMS is not set up");
            }
            dropped("not_set_up")
        }
        SmsError::Busy(_) | SmsError::NotSent => dropped("no_answer"),
    })
}
