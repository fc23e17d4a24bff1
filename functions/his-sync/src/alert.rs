//! Critical values (危急值) of which the hospital's own system has to be told, so that it calls a clinician beside the console:
//! until it knows, or somebody has taken the value on. What it will not hear of stays with the console and the call list.

use crate::{App, SyncError};
use domain::Timestamp;
use domain::due::Deadline;
use domain::id::PersonSerial;
use domain::report::Filed;
use domain::report::filed::{AlertAnswer, Critical};
use his::{Call, CriticalAlert, His, HisError};
use store::key::Key;

pub(crate) async fn tell(app: &App, key: &Key, now: Timestamp) -> Result<(), SyncError> {
    let table = &app.desk.table;
    let Some(filed) = table.filed_report_at(key).await? else { return Ok(()) };
    if filed.deadlines.get(Deadline::Alert).is_none_or(|due| due > now) {
        return Ok(());
    }
    let outcome = match alert_of(app, &filed, now).await? {
        Some(alert) => {
            let (his, call) = (app.his.get(now).await?, Call { now, random: app.desk.random.bytes()? });
            his.client.critical_alert(&alert, call).await
        }
        // A number that no system could have given.
        None => Err(HisError::Unreadable),
    };
    let answer = match &outcome {
        Ok(()) => AlertAnswer::Told,
        Err(HisError::Refused { .. } | HisError::NotOffered | HisError::Unmapped | HisError::Unreadable) => {
            tracing::error!(alarm = "critical_untold", report = %filed.id, "the HIS will not hear of a critical value");
            AlertAnswer::Refused
        }
        Err(_) => AlertAnswer::None,
    };
    table.note_alert(&filed.id, answer, now).await?;
    match answer {
        AlertAnswer::None => Ok(outcome?),
        AlertAnswer::Told | AlertAnswer::Refused => Ok(()),
    }
}

/// What the HIS is told; none when the report has no number it could know.
async fn alert_of(app: &App, filed: &Filed, now: Timestamp) -> Result<Option<CriticalAlert>, SyncError> {
    let (table, keys) = (&app.desk.table, app.identity.get(now).await?);
    let Some(Critical { since, escalated_at, .. }) = &filed.critical else { return Ok(None) };
    let Some(known) = table.report(&keys, &filed.id).await? else { return Ok(None) };
    let number = known.dossier.history.current().and_then(|report| report.key.number.as_str().parse().ok());
    let person = table.root_of(&filed.patient).await?;
    let card_no = table.patient(&person).await?.and_then(|patient| patient.card);
    let is_overdue = escalated_at.is_some();
    let stage = if is_overdue { "overdue" } else { "new" };
    let serial = PersonSerial::of("critical", &[filed.id.as_str(), &since.as_second().to_string(), stage]);
    Ok(number.map(|report| CriticalAlert { serial, report, card_no, since: *since, is_overdue }))
}
