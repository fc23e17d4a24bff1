//! An appointment whose move was not completed: its place in the queue, or the money, the number and the gate of a
//! cancellation, still have to follow.

use crate::{App, SweepError};
use domain::Timestamp;
use domain::appointment::State;
use domain::due::Deadline;
use runtime::payments::{self, FollowError};
use store::key::Key;
use store::registration::Released;

/// A cancellation that cannot be completed yet is looked at again after this time.
const AGAIN_S: i64 = 60;

pub(crate) async fn sweep(app: &App, key: &Key, now: Timestamp) -> Result<(), SweepError> {
    let table = &app.desk.table;
    let Some(appointment) = table.appointment_at(key).await? else { return Ok(()) };
    if appointment.deadlines.due(now).any(|kind| kind == Deadline::Queue) {
        let profile = app.desk.profile().await.map_err(FollowError::from)?;
        table.follow_in_queue(&profile, &appointment, now).await?;
    }
    if !appointment.deadlines.due(now).any(|kind| kind == Deadline::Release) {
        return Ok(());
    }
    if !matches!(appointment.state, State::Cancelled { .. }) {
        table.clear_deadline(&appointment.key(), Deadline::Release).await?;
        return Ok(());
    }
    // Lease first: closing the order is a call to WeChat.
    table.postpone_deadline(&appointment.key(), Deadline::Release, now, AGAIN_S).await?;
    if let Released::OrderOpen(order) = table.release_cancelled(&appointment, now).await? {
        let pay = app.pay.get(now).await?;
        payments::close(&app.desk, &*pay, &order, now).await?;
        table.release_cancelled(&appointment, now).await?;
    }
    Ok(())
}
