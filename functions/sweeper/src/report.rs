//! A report (检验检查报告): its patient is told when its time has come; a critical value that no clinician took on in time goes
//! to whoever is on duty.

use crate::{App, SweepError};
use domain::due::Deadline;
use domain::notice::NoticeKind;
use domain::report::Filed;
use domain::{Timestamp, time};
use store::calls::CallToMake;
use store::key::Key;

/// A call about a critical value is made at once, in seconds.
const CALL_WITHIN_S: i64 = 15 * 60;

pub(crate) async fn sweep(app: &App, key: &Key, now: Timestamp) -> Result<(), SweepError> {
    let table = &app.desk.table;
    let Some(filed) = table.filed_report_at(key).await? else { return Ok(()) };
    for deadline in filed.deadlines.due(now) {
        match deadline {
            Deadline::Publish => drop(table.publish_report(&filed.id, now).await?),
            Deadline::Escalate => escalate(app, &filed, now).await?,
            _ => {}
        }
    }
    Ok(())
}

/// Onto the call list first: after a crash the deadline brings it there again, and it is one call all the same.
async fn escalate(app: &App, filed: &Filed, now: Timestamp) -> Result<(), SweepError> {
    let table = &app.desk.table;
    let Some(critical) = filed.critical.as_ref().filter(|critical| critical.is_open()) else { return Ok(()) };
    let call = CallToMake {
        kind: NoticeKind::ReportCritical,
        about: format!("{}-{}", filed.id, critical.since.as_second()),
        item: Key::report(&filed.id),
        patient: filed.patient.clone(),
        why: "critical_unanswered".into(),
        since: now,
        due_by: time::add_seconds(now, CALL_WITHIN_S),
        made: Vec::new(),
        ver: 1,
    };
    table.put_call(&call).await?;
    if table.escalate_critical(&filed.id, now).await?.is_some() {
        tracing::error!(alarm = "critical_unanswered", report = %filed.id, "no clinician took on a critical value in time");
    }
    Ok(())
}
