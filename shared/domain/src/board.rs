//! The board (号源板): what is free in a department on a day, as one small value that everybody reads. It only shows;
//! a number is given by its slot alone.

use crate::booking::{BookingPolicy, WindowError, window};
use crate::clinic::{Channel, Claim, Clinic, ClinicState, Slot, SlotStart, epoch_s};
use crate::id::{ClinicId, DepartmentId};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Seconds after which a board is built anew while its clinics' numbers go.
pub const RUSH_AGE_MAX_S: i64 = 2;
/// Seconds after which a board is built anew at any other time.
pub const AGE_MAX_S: i64 = 10;
/// Seconds after which a day nobody has chosen is built anew: of it only 出诊 or 停诊 is shown, and imports and closures
/// take the board away themselves.
pub const OTHER_DAY_AGE_MAX_S: i64 = 300;

/// What is free in a department on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Board {
    /// Service day.
    pub date: Date,
    /// Department.
    pub department: DepartmentId,
    /// Its clinics in the order of the day.
    pub clinics: Vec<BoardClinic>,
    /// When it was begun to be built: nothing on it is older.
    #[serde(with = "epoch_s")]
    pub built_at: Timestamp,
}

/// A clinic on the board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardClinic {
    /// The clinic.
    pub clinic: Clinic,
    /// How many numbers of each slot WeChat may give out.
    pub free: BTreeMap<SlotStart, usize>,
    /// Slots that are closed though the clinic is open: its last hours may be.
    #[serde(default)]
    pub closed: BTreeSet<SlotStart>,
    /// When the next hold may end unpaid. Of numbers that rest nothing is shown: nobody is to wait for one.
    #[serde(default)]
    pub next_back_at: Option<Timestamp>,
}

impl BoardClinic {
    /// From a clinic and its slots, as at `now`.
    pub fn of(clinic: &Clinic, slots: &[Slot], now: Timestamp) -> Self {
        let expiry = |claim| match claim {
            Claim::Held { expires_at } => Some(expires_at),
            Claim::Booked | Claim::Resting { .. } => None,
        };
        let is_closed = |slot: &Slot| slot.state == ClinicState::Closed;
        let free = |slot: &Slot| if is_closed(slot) { 0 } else { slot.free_for(Channel::Wechat, now).len() };
        let taken = slots.iter().flat_map(|slot| slot.taken.values());
        Self {
            clinic: clinic.clone(),
            free: slots.iter().map(|slot| (slot.start, free(slot))).collect(),
            closed: slots.iter().filter(|slot| is_closed(slot)).map(|slot| slot.start).collect(),
            next_back_at: taken.filter_map(|taken| expiry(taken.claim)).min(),
        }
    }

    /// Numbers that can be booked now.
    pub fn bookable(&self, policy: &BookingPolicy, now: Timestamp) -> usize {
        let open = |start: &SlotStart| window(&self.clinic, *start, policy, now).is_ok();
        self.free.iter().filter(|(start, _)| open(start)).map(|(_, free)| free).sum()
    }

    /// When its numbers are released, if that is still to come.
    pub fn released_later(&self, policy: &BookingPolicy, now: Timestamp) -> Option<Timestamp> {
        self.free.keys().find_map(|start| match window(&self.clinic, *start, policy, now) {
            Err(WindowError::NotReleased(at)) => Some(at),
            _ => None,
        })
    }
}

impl Board {
    /// From a day's clinics.
    pub fn new(date: Date, department: DepartmentId, mut clinics: Vec<BoardClinic>, built_at: Timestamp) -> Self {
        clinics.sort_by(|a, b| (a.clinic.period, &a.clinic.id).cmp(&(b.clinic.period, &b.clinic.id)));
        Self { date, department, clinics, built_at }
    }

    /// Whether it is young enough to be shown at `now`. A clock that was moved back makes it old.
    pub fn is_young(&self, age_max_s: i64, now: Timestamp) -> bool {
        (0..age_max_s).contains(&now.as_second().saturating_sub(self.built_at.as_second()))
    }

    /// A clinic of the day.
    pub fn clinic(&self, id: &ClinicId) -> Option<&BoardClinic> {
        self.clinics.iter().find(|found| found.clinic.id == *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clinic::{ClinicKind, Period, Taken};
    use crate::id::{AppointmentId, PatientId};
    use crate::money::Fen;
    use crate::time::{add_minutes, add_seconds};
    use jiff::civil::date;

    fn clinic(period: Period) -> Clinic {
        let (day, department) = (date(2026, 11, 30), "NK".parse().unwrap());
        Clinic {
            id: ClinicId::of(day, period, &department, None).unwrap(),
            date: day,
            period,
            department,
            department_name: "内科".into(),
            doctor: None,
            doctor_name: String::new(),
            doctor_title: String::new(),
            kind: ClinicKind::Ordinary,
            fee: Fen::ZERO,
            room: String::new(),
            campus: String::new(),
            queue_group: None,
            release_at: BookingPolicy::default().release_at(day),
            state: ClinicState::Open,
        }
    }

    fn released() -> Timestamp {
        "2026-11-22T23:00:00Z".parse().unwrap()
    }

    #[test]
    fn it_counts_what_can_be_booked_and_knows_when_something_comes_back() {
        let clinic = clinic(Period::Morning);
        let mut first = Slot::fresh(&clinic, "0900".parse().unwrap(), 1, 3);
        let second = Slot::fresh(&clinic, "0930".parse().unwrap(), 4, 2);
        first.free_numbers.remove(&1);
        first.free_numbers.remove(&2);
        let ends = [add_minutes(released(), 10), add_minutes(released(), 4)];
        for (expires_at, number) in ends.into_iter().zip(1..) {
            let patient = PatientId::from_bytes([1; 10]);
            let taken = Taken { patient, number, claim: Claim::Held { expires_at }, rest_min: 0 };
            first.taken.insert(AppointmentId::from_bytes([u8::try_from(number).unwrap(); 10]), taken);
        }
        let shown = BoardClinic::of(&clinic, &[first, second], released());
        let policy = BookingPolicy::default();
        let before = released().checked_sub(jiff::SignedDuration::from_millis(1)).unwrap();
        assert_eq!((shown.bookable(&policy, before), shown.released_later(&policy, before)), (0, Some(released())));
        assert_eq!((shown.bookable(&policy, released()), shown.released_later(&policy, released())), (3, None));
        assert_eq!(shown.next_back_at, Some(ends[1]));
    }

    #[test]
    fn it_is_in_the_order_of_the_day_and_grows_old() {
        let of = |period| BoardClinic::of(&clinic(period), &[], released());
        let clinics = vec![of(Period::Afternoon), of(Period::Morning)];
        let board = Board::new(date(2026, 11, 30), "NK".parse().unwrap(), clinics, released());
        let periods: Vec<_> = board.clinics.iter().map(|found| found.clinic.period).collect();
        assert_eq!(periods, [Period::Morning, Period::Afternoon]);
        assert!(board.clinic(&clinic(Period::Morning).id).is_some());
        assert!(board.clinic(&clinic(Period::Night).id).is_none());
        let ages = [-1, 0, 1, 2].map(|age_s| board.is_young(RUSH_AGE_MAX_S, add_seconds(released(), age_s)));
        assert_eq!(ages, [false, true, true, false]);
    }
}
