//! A cancellation that was not completed, or a number the hospital did not confirm: the money, the number and the gate still
//! have to follow.

use crate::{App, SweepError};
use domain::Timestamp;
use domain::appointment::{Appointment, State};
use domain::due::Deadline;
use runtime::payments::{self, FollowError};
use store::registration::Released;

/// A cancellation that cannot be completed yet is looked at again after this time.
const AGAIN_S: i64 = 60;

pub(crate) async fn complete(app: &App, appointment: &Appointment, now: Timestamp) -> Result<(), SweepError> {
    let table = &app.desk.table;
    if !matches!(appointment.state, State::Cancelled { .. } | State::Refused { .. }) {
        table.clear_deadline(&appointment.key(), Deadline::Release).await?;
        return Ok(());
    }
    // Lease first: closing the order is a call to WeChat.
    table.postpone_deadline(&appointment.key(), Deadline::Release, now, AGAIN_S).await?;
    let profile = app.desk.profile().await.map_err(FollowError::from)?;
    if let Released::OrderOpen(order) = table.release_cancelled(&profile, appointment, now).await? {
        let pay = app.pay.get(now).await?;
        payments::close(&app.desk, &*pay, &order, now).await?;
        table.release_cancelled(&profile, appointment, now).await?;
    }
    Ok(())
}
