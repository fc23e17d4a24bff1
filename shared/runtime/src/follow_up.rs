//! 复诊: where a visit can be followed up, and on which days free of charge. The phone and the consulting room ask alike.

use crate::desk::Desk;
use domain::appointment::Place;
use domain::booking::{BookingPolicy, follow_up_days, follows_up};
use domain::civil::Date;
use domain::clinic::Clinic;
use domain::{Timestamp, time};
use futures_util::future::try_join_all;
use store::StoreError;

/// What the department of a visit holds on the days that can be booked.
pub async fn department_ahead(
    desk: &Desk,
    policy: &BookingPolicy,
    place: &Place,
    now: Timestamp,
) -> Result<Vec<Clinic>, StoreError> {
    let today = time::today(now);
    let days = 0..=policy.horizon_days;
    let reads = days.map(|ahead| desk.table.clinics_on(time::add_days(today, ahead), &place.department));
    Ok(try_join_all(reads).await?.into_iter().flatten().collect())
}

/// The days on which a visit can be followed up free of charge, of what its department holds.
pub fn free_days(policy: &BookingPolicy, visit: &Place, clinics: &[Clinic], now: Timestamp) -> Vec<Date> {
    let mut held: Vec<Date> = clinics.iter().filter(|c| follows_up(visit, c)).map(|clinic| clinic.date).collect();
    held.sort_unstable();
    held.dedup();
    follow_up_days(visit.date, policy.free_followup_days, &held, time::today(now))
}
