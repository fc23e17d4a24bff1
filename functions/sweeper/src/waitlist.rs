//! A place on a waitlist (候补): a number may have become free meanwhile, or the list has ended.

use crate::{App, SweepError};
use domain::Timestamp;
use domain::due::Deadline;
use runtime::payments::FollowError;
use store::key::Key;

pub(crate) async fn sweep(app: &App, key: &Key, now: Timestamp) -> Result<(), SweepError> {
    let table = &app.desk.table;
    let Some(waiting) = table.waiting_at(key).await? else { return Ok(()) };
    if !waiting.deadlines.due(now).any(|kind| kind == Deadline::Waitlist) {
        return Ok(());
    }
    let profile = app.desk.profile().await.map_err(FollowError::from)?;
    table.look_at_waiting(&profile, &waiting, now).await?;
    Ok(())
}
