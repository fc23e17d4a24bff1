//! A closed clinic (停诊): everybody in it is cancelled on the hospital's account, told, and refunded.

use crate::{App, SweepError};
use domain::Timestamp;
use domain::clinic::ClinicState;
use domain::event::Actor;
use runtime::payments::FollowError;
use store::key::Key;

pub(crate) async fn sweep(app: &App, key: &Key, now: Timestamp) -> Result<(), SweepError> {
    let table = &app.desk.table;
    let Some(clinic) = table.clinic_at(key).await? else { return Ok(()) };
    if clinic.state != ClinicState::Closed {
        return Err(SweepError::Unknown);
    }
    let profile = app.desk.profile().await.map_err(FollowError::from)?;
    let told = table.empty_closed_clinic(&profile, &clinic.id, &Actor::Schedule, now).await?;
    tracing::info!(clinic = %clinic.id, told, "closed clinic emptied");
    Ok(())
}
