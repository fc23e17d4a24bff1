//! Messages with results that could not be placed: tried again, since a card may be bound or a code mapped by now.

use crate::{App, SyncError};
use domain::Timestamp;
use domain::due::Deadline;
use intake::Inbox;
use runtime::Desk;
use store::key::Key;

/// Who it was, in the message's history.
const BY: &str = "his-sync";

pub(crate) async fn again(app: &App, key: &Key, now: Timestamp) -> Result<(), SyncError> {
    let Desk { table, random, .. } = &app.desk;
    let Some(message) = table.unplaced_at(key).await? else { return Ok(()) };
    if !message.deadlines.due(now).any(|kind| kind == Deadline::Replay) {
        return Ok(());
    }
    let (keys, profile) = (app.identity.get(now).await?, app.desk.profile().await?);
    let inbox = Inbox { table, keys: &keys, profile: &profile, nonces: random, now };
    inbox.replay(&message.id, BY, None).await?;
    Ok(())
}
