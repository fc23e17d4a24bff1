//! A slot with holds that ran out (WeChat closes the order first, only then is the number given back) and with numbers
//! that have rested.

use crate::{App, SweepError};
use domain::Timestamp;
use domain::appointment::{Appointment, AppointmentKey, State};
use domain::clinic::{Claim, Slot};
use domain::event::Actor;
use domain::id::AppointmentId;
use domain::order::OrderState;
use domain::time;
use runtime::payments::{self, FollowError};
use store::StoreError;
use store::key::Key;

/// A slot that is being worked on is looked at again after this time, should the work be lost.
const LEASE_S: i64 = 60;

pub(crate) async fn sweep(app: &App, key: &Key, now: Timestamp) -> Result<(), SweepError> {
    let table = &app.desk.table;
    let Some(seen) = table.slot_at(key).await? else { return Ok(()) };
    let (expired, rested) = (expired(&seen, now), seen.rested(now));
    if expired.is_empty() && rested.is_empty() {
        // A booked or freed hold left the deadline behind.
        table.stamp_slot(&seen, None).await?;
        return Ok(());
    }
    if !table.stamp_slot(&seen, Some(time::add_seconds(now, LEASE_S))).await?.is_done() {
        // Somebody claimed or freed a number just now; the slot is still due and comes up again.
        return Err(StoreError::Contended.into());
    }
    let mut failure = None;
    for id in expired {
        if let Err(error) = end_hold(app, key, &id, now).await {
            tracing::warn!(%error, "a hold that ran out cannot be ended yet");
            failure = Some(error);
        }
    }
    for id in rested {
        if let Some(slot) = table.slot_at(key).await? {
            let profile = app.desk.profile().await.map_err(FollowError::from)?;
            table.pass_on(&profile, &slot, &id, now).await?;
        }
    }
    if let Some(error) = failure {
        return Err(error);
    }
    match table.slot_at(key).await? {
        Some(slot) => table.stamp_slot(&slot, None).await.map(drop).map_err(SweepError::from),
        None => Ok(()),
    }
}

fn expired(slot: &Slot, now: Timestamp) -> Vec<AppointmentId> {
    let ran_out = |claim: Claim| matches!(claim, Claim::Held { expires_at } if expires_at <= now);
    slot.taken.iter().filter(|(_, taken)| ran_out(taken.claim)).map(|(id, _)| id.clone()).collect()
}

async fn end_hold(app: &App, key: &Key, id: &AppointmentId, now: Timestamp) -> Result<(), SweepError> {
    let table = &app.desk.table;
    let profile = app.desk.profile().await.map_err(FollowError::from)?;
    let Some(slot) = table.slot_at(key).await? else { return Ok(()) };
    let (Some(taken), Some(date)) = (slot.holder(id), slot.clinic.date()) else { return Ok(()) };
    let key = AppointmentKey { patient: taken.patient.clone(), date, id: id.clone() };
    if let Some(appointment) = table.appointment(&key).await? {
        if matches!(appointment.state, State::Confirming { .. } | State::Booked | State::CheckedIn | State::Fulfilled) {
            // Booked, and the write that keeps the number was lost.
            table.keep_number(&slot.clinic, slot.start, id).await?;
            return Ok(());
        }
        if !unpaid_for_good(app, &appointment, now).await? {
            // Paid after all: settling has taken the number over.
            return Ok(());
        }
    }
    Ok(table.expire_hold(&profile, &slot, &key, now).await?)
}

/// Makes sure that no payment can come any more; false when one did.
async fn unpaid_for_good(app: &App, appointment: &Appointment, now: Timestamp) -> Result<bool, SweepError> {
    let Some(order) = app.desk.table.order(&appointment.out_trade_no()).await? else { return Ok(true) };
    match order.state {
        OrderState::Closed => Ok(true),
        OrderState::Paid { .. } => {
            let profile = app.desk.profile().await.map_err(FollowError::from)?;
            let settled = app.desk.table.settle_order(&profile, &order, &Actor::WechatPay, now).await;
            settled.map_err(FollowError::from)?;
            Ok(false)
        }
        OrderState::AwaitingPay => {
            let pay = app.pay.get(now).await?;
            match payments::close(&app.desk, &*pay, &order, now).await? {
                payments::Followed::Closed => Ok(true),
                payments::Followed::Settled(_) => Ok(false),
                payments::Followed::Open => Err(StoreError::Contended.into()),
            }
        }
    }
}
