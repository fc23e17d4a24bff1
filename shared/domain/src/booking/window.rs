//! What may be booked when: release, the same day, follow-ups.

use super::BookingPolicy;
use crate::appointment::Place;
use crate::clinic::{Clinic, ClinicKind, ClinicState, Period, SlotStart};
use crate::time;
use jiff::Timestamp;
use jiff::civil::{Date, Time};

/// A number is not sold in the last minutes of its slot: paying and walking there take longer.
pub const SELL_BEFORE_END_S: i64 = 300;

/// The two products of the study: registration on the day (2.4.1) and advance booking (2.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// 当日挂号
    SameDay,
    /// 预约挂号
    Advance,
}

/// Why a slot cannot be booked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// 停诊.
    #[error("the clinic is closed")]
    Closed,
    /// The slot, or same-day registration for its period, is over.
    #[error("too late for this slot")]
    Over,
    /// Numbers are released later.
    #[error("not released until {0}")]
    NotReleased(Timestamp),
    /// Emergency clinics take no advance bookings.
    #[error("bookable on the day itself only")]
    SameDayOnly,
    /// Booking for tomorrow has closed for today.
    #[error("advance booking for this day has closed")]
    AdvanceClosed,
}

/// Which product a slot can be booked as at `now`, or why not.
pub fn window(
    clinic: &Clinic,
    start: SlotStart,
    policy: &BookingPolicy,
    now: Timestamp,
) -> Result<Product, WindowError> {
    if clinic.state == ClinicState::Closed {
        return Err(WindowError::Closed);
    }
    if time::add_seconds(start.end_instant(clinic.date), -SELL_BEFORE_END_S) <= now {
        return Err(WindowError::Over);
    }
    if clinic.release_at > now {
        return Err(WindowError::NotReleased(clinic.release_at));
    }
    let wall = time::wall_clock(now);
    if clinic.date == wall.date() {
        // An emergency has no earlier close than the slot's own end.
        let emergency = clinic.kind == ClinicKind::Emergency;
        return if emergency { Ok(Product::SameDay) } else { same_day_open(clinic.period, policy, wall.time()) };
    }
    if !clinic.kind.bookable_ahead() {
        return Err(WindowError::SameDayOnly);
    }
    let tomorrow = time::add_days(wall.date(), 1);
    if clinic.date == tomorrow && wall.time() > policy.advance_close {
        return Err(WindowError::AdvanceClosed);
    }
    Ok(Product::Advance)
}

fn same_day_open(period: Period, policy: &BookingPolicy, clock: Time) -> Result<Product, WindowError> {
    let close = match period {
        Period::Morning => policy.same_day_close_morning,
        Period::Afternoon => policy.same_day_close_afternoon,
        // Evening and night have no earlier close than the slot's own end.
        Period::Evening | Period::Night => return Ok(Product::SameDay),
    };
    if clock > close { Err(WindowError::Over) } else { Ok(Product::SameDay) }
}

/// Whether a clinic is one in which a visit can be followed up free of charge (复诊): the same department and campus, and
/// not an expert's. Which days count is [`follow_up_days`].
pub fn follows_up(visit: &Place, clinic: &Clinic) -> bool {
    let same_house = visit.department == clinic.department && visit.campus == clinic.campus;
    same_house && clinic.kind == ClinicKind::Ordinary && clinic.state == ClinicState::Open
}

/// The days on which a visit on `date` can be followed up free of charge: `days` with the visit's own, or, when the clinic
/// is held on none of those left, the next on which it is. `held` are the days with such a clinic, in order.
pub fn follow_up_days(date: Date, days: i32, held: &[Date], today: Date) -> Vec<Date> {
    let last = time::add_days(date, days - 1);
    let ahead = || held.iter().copied().filter(|day| *day >= today && *day >= date);
    let within: Vec<Date> = ahead().filter(|day| *day <= last).collect();
    if days > 0 && within.is_empty() { ahead().take(1).collect() } else { within }
}
