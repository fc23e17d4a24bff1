//! The sender's next appointments, within a time that leaves the answer in time.

use crate::App;
use domain::appointment::Appointment;
use domain::id::OpenId;
use domain::{Timestamp, time};
use futures_util::future::try_join_all;
use std::time::Duration;
use store::StoreError;
use store::account::LINKS_MAX;
use wechat::callback::Opened;

/// Appointments told in one answer at most.
const TOLD_MAX: usize = 3;
/// How long the look-up may take before the answer goes out without it.
const LOOKUP_TIMEOUT_MS: u64 = 1_200;

/// The sender's live appointments from today on, soonest first; nothing when they may not or cannot be told.
pub(crate) async fn next_of(app: &App, opened: &Opened, now: Timestamp) -> Option<Vec<Appointment>> {
    // In plain mode nothing authenticates the sender's name in the body: whoever saw one signed query could ask for
    // anybody's appointments.
    if !opened.is_encrypted() {
        return None;
    }
    let account: OpenId = opened.message.from.parse().ok()?;
    match tokio::time::timeout(Duration::from_millis(LOOKUP_TIMEOUT_MS), look_up(app, &account)).await {
        Ok(Ok(all)) => Some(next(all, now)),
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

async fn look_up(app: &App, account: &OpenId) -> Result<Vec<Appointment>, StoreError> {
    let links = app.desk.table.links_of(account).await?;
    let of_each = links.iter().take(LINKS_MAX).map(|link| app.desk.table.appointments_of(&link.patient));
    Ok(try_join_all(of_each).await?.into_iter().flatten().collect())
}

fn next(mut all: Vec<Appointment>, now: Timestamp) -> Vec<Appointment> {
    let today = time::today(now);
    all.retain(|appointment| appointment.is_live(now) && appointment.place.date >= today);
    all.sort_by_key(|appointment| appointment.place.starts_at());
    all.truncate(TOLD_MAX);
    all
}
