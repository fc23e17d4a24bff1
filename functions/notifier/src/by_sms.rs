//! One message by SMS, what the service's answer means, and whether it arrived.

use crate::telling::{Telling, dropped};
use crate::{JobError, message};
use domain::person::Phone;
use sms::{Delivery, Sms, SmsError, SmsMessage, TakenSms};
use store::notices::{End, NoticeRecord, Outcome};

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
            wake_once(telling, &code).await?;
            dropped("not_set_up")
        }
        SmsError::Busy(_) | SmsError::NotSent => dropped("no_answer"),
    })
}

async fn wake_once(telling: &Telling<'_>, code: &str) -> Result<(), JobError> {
    if telling.app.desk.table.note_trouble(&format!("sms#{code}"), telling.now).await? {
        tracing::error!(alarm = "messages_held_up", code, "SMS is not set up");
    }
    Ok(())
}

/// Asks whether a text arrived that the service took. As long as it does not say so it is asked again later, and at last no
/// more: accepted is then all that is known.
pub(crate) async fn ask_after(telling: &Telling<'_>, record: &NoticeRecord) -> Result<(), JobError> {
    let Some(serial) = record.text_underway() else { return Ok(()) };
    let (table, now) = (&telling.app.desk.table, telling.now);
    let end = match said(telling, record, serial).await? {
        Some(Delivery::Arrived) => End::Delivered,
        Some(Delivery::Failed) => End::Failed,
        None => {
            match record.asked_next(now) {
                Some(at) => table.postpone_notice(record, at).await?,
                None => table.leave_notice(record).await?,
            }
            return Ok(());
        }
    };
    Ok(table.end_notice(&record.letter.key(), serial, end, now).await?)
}

/// What the service says of it; none when it says nothing, or nothing that can be had now.
async fn said(telling: &Telling<'_>, record: &NoticeRecord, serial: &str) -> Result<Option<Delivery>, JobError> {
    let Some(to) = phone(telling).await? else { return Ok(None) };
    let account = telling.app.sms.get(telling.now).await?;
    let taken = TakenSms { to, serial: serial.to_owned(), at: record.at };
    match account.client.delivery(&taken, telling.now).await {
        Ok(said) => Ok(said),
        Err(SmsError::Configuration(code)) => wake_once(telling, &code).await.map(|()| None),
        Err(error) => {
            tracing::warn!(%error, "whether a text arrived cannot be asked now");
            Ok(None)
        }
    }
}
