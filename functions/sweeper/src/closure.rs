//! A closure or a substitution (停诊, 替诊): everybody it concerns is cancelled or told.

use crate::{App, SweepError};
use domain::Timestamp;
use domain::due::Deadline;
use runtime::payments::FollowError;
use store::key::Key;

pub(crate) async fn sweep(app: &App, key: &Key, now: Timestamp) -> Result<(), SweepError> {
    let table = &app.desk.table;
    let Some(closure) = table.closure_at(key).await? else { return Ok(()) };
    if !closure.deadlines.due(now).any(|kind| kind == Deadline::Closure) {
        return Ok(());
    }
    let profile = app.desk.profile().await.map_err(FollowError::from)?;
    table.work_closure(&profile, &closure, now).await?;
    Ok(())
}
