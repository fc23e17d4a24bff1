//! The sender's next appointments, within a time that leaves the answer in time.

use crate::App;
use crate::chat::Number;
use domain::appointment::{Appointment, State};
use domain::id::OpenId;
use domain::profile::HospitalProfile;
use domain::{Timestamp, time};
use futures_util::future::try_join_all;
use std::time::Duration;
use store::StoreError;
use wechat::callback::Opened;

/// Appointments told in one answer at most.
const TOLD_MAX: usize = 3;
/// How long the look-up may take before the answer goes out without it.
const LOOKUP_TIMEOUT_MS: u64 = 1_200;

/// The sender's live appointments from today on, soonest first; nothing when they may not or cannot be told.
pub(crate) async fn next_of(
    app: &App,
    opened: &Opened,
    profile: &HospitalProfile,
    now: Timestamp,
) -> Option<Vec<Number>> {
    let account = sender(opened)?;
    match tokio::time::timeout(Duration::from_millis(LOOKUP_TIMEOUT_MS), look_up(app, &account, profile, now)).await {
        Ok(Ok(numbers)) => Some(numbers),
        Ok(Err(error)) => {
            tracing::error!(code = "numbers_unreadable", %error, "appointments cannot be told");
            None
        }
        Err(_) => {
            tracing::error!(code = "numbers_too_slow", "appointments cannot be told in time");
            None
        }
    }
}

/// Who sent it, if that is certain. In plain mode nothing authenticates the sender's name in the body: whoever saw one
/// signed query could ask for anybody's appointments.
pub(crate) fn sender(opened: &Opened) -> Option<OpenId> {
    opened.is_encrypted().then(|| opened.message.from.parse().ok()).flatten()
}

async fn look_up(
    app: &App,
    account: &OpenId,
    profile: &HospitalProfile,
    now: Timestamp,
) -> Result<Vec<Number>, StoreError> {
    let next = next(appointments_of(app, account).await?, now);
    try_join_all(next.into_iter().map(|appointment| async move {
        let standing = standing(app, &appointment, profile, now).await?;
        Ok(Number { appointment, standing })
    }))
    .await
}

/// The appointments of everybody an account acts for.
pub(crate) async fn appointments_of(app: &App, account: &OpenId) -> Result<Vec<Appointment>, StoreError> {
    let records = app.desk.table.records_of(account).await?;
    let of_each = records.iter().map(|link| app.desk.table.appointments_of(&link.patient));
    Ok(try_join_all(of_each).await?.into_iter().flatten().collect())
}

/// Where a visit of today stands in its queue; none before anybody has opened it.
async fn standing(
    app: &App,
    appointment: &Appointment,
    profile: &HospitalProfile,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    if appointment.place.date != time::today(now)
        || matches!(appointment.state, State::Held { .. } | State::Confirming { .. })
    {
        return Ok(None);
    }
    let clinic = app.desk.table.clinic_alone(&appointment.place.clinic).await?;
    let Some(id) = clinic.and_then(|clinic| clinic.queue_id().ok()) else { return Ok(None) };
    let queue = app.desk.table.queue(&id).await?;
    let text = queue.and_then(|queue| Some(queue.standing_text(queue.entry(&appointment.id)?, &profile.queue, now)));
    Ok(text)
}

fn next(mut all: Vec<Appointment>, now: Timestamp) -> Vec<Appointment> {
    let today = time::today(now);
    all.retain(|appointment| appointment.is_live(now) && appointment.place.date >= today);
    all.sort_by_key(|appointment| appointment.place.starts_at());
    all.truncate(TOLD_MAX);
    all
}
