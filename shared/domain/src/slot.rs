//! Slots (时段, FHIR Slot): half an hour of a clinic with its numbers (号), and who has which.
//!
//! A number is free, taken, or withdrawn, and never two of these. Who gives one back does not decide who gets it: it rests
//! for a time nobody knows (E27), and the sweeper ends the rest.

use crate::clinic::{Clinic, ClinicState, NUMBERS_PER_SLOT_MAX, SlotStart};
use crate::id::{AppointmentId, ClinicId, PatientId};
use crate::quota::{Channel, Reserved};
use crate::time;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// In the last two hours a number that comes back is free at once: somebody may still come for it.
pub const NO_REST_BEFORE_START_MIN: i64 = 120;

/// How a number of a slot is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Claim {
    /// Waiting for payment; the sweeper frees it after `expires_at`.
    Held {
        /// End of the hold.
        #[serde(with = "crate::clinic::epoch_s")]
        expires_at: Timestamp,
    },
    /// Paid (or free of charge): kept until the visit or a cancellation.
    Booked,
    /// Given back, and nobody's until then: else it could be handed over to somebody who waits for that very moment.
    Resting {
        /// End of the rest.
        #[serde(with = "crate::clinic::epoch_s")]
        until: Timestamp,
    },
}

impl Claim {
    /// True while the number is somebody's.
    pub fn is_live(self) -> bool {
        !matches!(self, Self::Resting { .. })
    }

    /// When it ends by itself, if it does.
    pub fn ends_at(self) -> Option<Timestamp> {
        match self {
            Self::Held { expires_at: end } | Self::Resting { until: end } => Some(end),
            Self::Booked => None,
        }
    }
}

/// A taken number of a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Who holds it.
    pub patient: PatientId,
    /// The number, 1-based within the clinic.
    pub number: u16,
    /// Held, booked or resting.
    #[serde(flatten)]
    pub claim: Claim,
    /// How long it rests when it comes back, in minutes: drawn when it was taken, so that nobody can know it.
    #[serde(default)]
    pub rest_min: u16,
}

/// Half an hour of a clinic with its numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// The clinic.
    pub clinic: ClinicId,
    /// Start on the clinic's day.
    pub start: SlotStart,
    /// Numbers nobody has.
    #[serde(default)]
    pub free_numbers: BTreeSet<u16>,
    /// Numbers somebody has, or had a moment ago, by appointment.
    #[serde(default)]
    pub taken: BTreeMap<AppointmentId, Taken>,
    /// Numbers set apart for a channel; all others are the pool.
    #[serde(default)]
    pub reserved: Reserved,
    /// From then on what was set apart is the pool's too.
    #[serde(default, with = "crate::clinic::epoch_s")]
    pub pooled_at: Timestamp,
    /// 限号: not more numbers than this, free and taken; none: all it was made with.
    #[serde(default)]
    pub limit: Option<u16>,
    /// Numbers above the limit, given to nobody.
    #[serde(default)]
    pub withdrawn: BTreeSet<u16>,
    /// Numbers the hospital's own system has given to others, where it owns them.
    #[serde(default)]
    pub elsewhere: BTreeSet<u16>,
    /// Open or closed, as the clinic's.
    pub state: ClinicState,
    /// As the clinic's.
    #[serde(with = "crate::clinic::epoch_s")]
    pub release_at: Timestamp,
    /// Counts writes; 0 = never claimed.
    pub ver: u64,
}

impl Slot {
    /// A fresh slot with numbers `first ..= first + count - 1`, all of them the pool's.
    pub fn fresh(clinic: &Clinic, start: SlotStart, first: u16, count: u16) -> Self {
        Self {
            clinic: clinic.id.clone(),
            start,
            free_numbers: (first..first.saturating_add(count.min(NUMBERS_PER_SLOT_MAX))).collect(),
            taken: BTreeMap::new(),
            reserved: Reserved::new(),
            pooled_at: Timestamp::UNIX_EPOCH,
            limit: None,
            withdrawn: BTreeSet::new(),
            elsewhere: BTreeSet::new(),
            state: clinic.state,
            release_at: clinic.release_at,
            ver: 0,
        }
    }

    /// The same with what of its numbers `reserved` sets apart, until `pooled_at`.
    #[must_use]
    pub fn reserving(mut self, reserved: &Reserved, pooled_at: Timestamp) -> Self {
        let mine = |numbers: &BTreeSet<u16>| numbers.intersection(&self.free_numbers).copied().collect::<BTreeSet<_>>();
        let reserved = reserved.iter().map(|(channel, numbers)| (*channel, mine(numbers)));
        self.reserved = reserved.filter(|(_, numbers)| !numbers.is_empty()).collect();
        if !self.reserved.is_empty() {
            self.pooled_at = pooled_at;
        }
        self
    }

    /// Every number it was made with.
    pub fn numbers(&self) -> BTreeSet<u16> {
        let taken = self.taken.values().map(|taken| taken.number);
        let nobodys = self.free_numbers.iter().chain(&self.withdrawn).chain(&self.elsewhere);
        taken.chain(nobodys.copied()).collect()
    }

    /// What an appointment has here; nothing once it was given back.
    pub fn holder(&self, appointment: &AppointmentId) -> Option<&Taken> {
        self.taken.get(appointment).filter(|taken| taken.claim.is_live())
    }

    /// Everybody who has a number.
    pub fn holders(&self) -> impl Iterator<Item = (&AppointmentId, &Taken)> {
        self.taken.iter().filter(|(_, taken)| taken.claim.is_live())
    }

    /// The free numbers a channel may take at `now`.
    pub fn free_for(&self, channel: Channel, now: Timestamp) -> BTreeSet<u16> {
        if self.pooled_at <= now {
            return self.free_numbers.clone();
        }
        let of_others = self.reserved.iter().filter(|(owner, _)| **owner != channel).flat_map(|(_, numbers)| numbers);
        let of_others: BTreeSet<u16> = of_others.copied().collect();
        self.free_numbers.difference(&of_others).copied().collect()
    }

    /// The free number this appointment should try: one set apart for its channel before one of the pool, and spread by
    /// `probe` so that callers of one instant do not all want the same one.
    pub fn choose_number(&self, probe: u64, channel: Channel, now: Timestamp) -> Option<u16> {
        let mut free = self.free_for(channel, now);
        if let Some(own) = self.reserved.get(&channel) {
            let own_free: BTreeSet<u16> = free.intersection(own).copied().collect();
            if !own_free.is_empty() {
                free = own_free;
            }
        }
        let count = u64::try_from(free.len()).ok().filter(|count| *count > 0)?;
        free.iter().nth(usize::try_from(probe % count).ok()?).copied()
    }

    /// When something of it is due by itself: the end of a hold or of a rest.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.taken.values().filter_map(|taken| taken.claim.ends_at()).min()
    }

    /// Numbers whose rest is over at `now`.
    pub fn rested(&self, now: Timestamp) -> Vec<AppointmentId> {
        let over = |taken: &Taken| matches!(taken.claim, Claim::Resting { until } if until <= now);
        self.taken.iter().filter(|(_, taken)| over(taken)).map(|(id, _)| id.clone()).collect()
    }

    /// The slot once an appointment has given its number back; none when it has none.
    #[must_use]
    pub fn returned(&self, appointment: &AppointmentId, now: Timestamp) -> Option<Self> {
        let taken = self.holder(appointment)?;
        let Some(until) = self.rest_until(taken.rest_min, now) else { return self.freed(appointment) };
        let resting = Taken { claim: Claim::Resting { until }, ..taken.clone() };
        let mut after = self.written();
        after.taken.insert(appointment.clone(), resting);
        Some(after)
    }

    /// Until when a number given back at `now` rests; none when it is free at once.
    fn rest_until(&self, rest_min: u16, now: Timestamp) -> Option<Timestamp> {
        let starts_at = self.start.instant(self.clinic.date()?);
        let last = time::add_minutes(starts_at, -NO_REST_BEFORE_START_MIN);
        let until = time::add_minutes(now, i64::from(rest_min)).min(last);
        (now < last && self.state == ClinicState::Open).then_some(until)
    }

    /// The slot once a number is nobody's any more: free, or withdrawn when there are too many. None when the appointment
    /// has none.
    #[must_use]
    pub fn freed(&self, appointment: &AppointmentId) -> Option<Self> {
        let mut after = self.written();
        let number = after.taken.remove(appointment)?.number;
        after.free_numbers.insert(number);
        Some(after.balanced())
    }

    /// The slot once a number that has rested is another appointment's. None when it does not rest.
    #[must_use]
    pub fn passed_on(&self, from: &AppointmentId, to: &AppointmentId, taken: Taken) -> Option<Self> {
        let resting = self.taken.get(from).filter(|taken| !taken.claim.is_live())?;
        if self.taken.contains_key(to) || resting.number != taken.number || self.state == ClinicState::Closed {
            return None;
        }
        let mut after = self.written();
        after.taken.remove(from);
        after.taken.insert(to.clone(), taken);
        Some(after)
    }

    /// The slot once somebody at the hospital turns out to have the number an appointment wanted. None when it has none.
    #[must_use]
    pub fn lost(&self, appointment: &AppointmentId) -> Option<Self> {
        let mut after = self.written();
        let number = after.taken.remove(appointment)?.number;
        after.elsewhere.insert(number);
        Some(after.balanced())
    }

    /// The slot as the hospital's own system, which owns the numbers, has it: free there is free here, unless somebody here
    /// has it or it rests; nobody who has one loses it (E29). None when that changes nothing.
    #[must_use]
    pub fn heard(&self, free: &BTreeSet<u16>, taken: &BTreeSet<u16>) -> Option<Self> {
        let ours: BTreeSet<u16> = self.taken.values().map(|taken| taken.number).collect();
        let mut after = self.written();
        after.free_numbers = free.difference(&ours).copied().collect();
        after.elsewhere = taken.difference(&ours).copied().collect();
        after.withdrawn = BTreeSet::new();
        let after = after.balanced();
        let same = |a: &Self, b: &Self| {
            (&a.free_numbers, &a.elsewhere, &a.withdrawn) == (&b.free_numbers, &b.elsewhere, &b.withdrawn)
        };
        (!same(self, &after)).then_some(after)
    }

    /// Numbers somebody here has that the hospital's own system does not know any more.
    pub fn beyond(&self, free: &BTreeSet<u16>, taken: &BTreeSet<u16>) -> BTreeSet<u16> {
        let ours = self.holders().map(|(_, taken)| taken.number);
        ours.filter(|number| !free.contains(number) && !taken.contains(number)).collect()
    }

    /// The slot with at most `limit` numbers; nobody who has one loses it (E29).
    #[must_use]
    pub fn limited(&self, limit: Option<u16>) -> Self {
        Self { limit, ..self.written() }.balanced()
    }

    /// The slot closed or open again.
    #[must_use]
    pub fn turned(&self, state: ClinicState) -> Self {
        Self { state, ..self.written() }
    }

    /// As many free numbers as the limit leaves room for: the highest are withdrawn first, the lowest come back first.
    fn balanced(mut self) -> Self {
        let room = self.limit.map_or(usize::MAX, |limit| usize::from(limit).saturating_sub(self.taken.len()));
        while self.free_numbers.len() > room {
            let Some(number) = self.free_numbers.pop_last() else { break };
            self.withdrawn.insert(number);
        }
        while self.free_numbers.len() < room {
            let Some(number) = self.withdrawn.pop_first() else { break };
            self.free_numbers.insert(number);
        }
        self
    }

    fn written(&self) -> Self {
        Self { ver: self.ver + 1, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// 11:00 in Shanghai on the day before.
    const NOW: &str = "2026-11-22T03:00:00Z";

    fn slot(numbers: &[u16]) -> Slot {
        Slot {
            clinic: "20261123-am-NK-pool".parse().unwrap(),
            start: "0900".parse().unwrap(),
            free_numbers: numbers.iter().copied().collect(),
            taken: BTreeMap::new(),
            reserved: Reserved::new(),
            pooled_at: Timestamp::UNIX_EPOCH,
            limit: None,
            withdrawn: BTreeSet::new(),
            elsewhere: BTreeSet::new(),
            state: ClinicState::Open,
            release_at: Timestamp::UNIX_EPOCH,
            ver: 0,
        }
    }

    fn id(n: u8) -> AppointmentId {
        AppointmentId::from_bytes([n; 10])
    }

    fn taken(number: u16, claim: Claim, rest_min: u16) -> Taken {
        Taken { patient: PatientId::from_bytes([1; 10]), number, claim, rest_min }
    }

    fn with(mut slot: Slot, who: u8, number: u16, rest_min: u16) -> Slot {
        assert!(slot.free_numbers.remove(&number));
        slot.taken.insert(id(who), taken(number, Claim::Booked, rest_min));
        slot
    }

    #[test]
    fn what_the_hospital_says_of_numbers_takes_nothing_from_anybody() {
        let set = |numbers: &[u16]| numbers.iter().copied().collect::<BTreeSet<u16>>();
        let slot = with(slot(&[1, 2, 3, 4]), 1, 2, 5);
        let heard = slot.heard(&set(&[1, 5]), &set(&[2, 3])).unwrap();
        assert_eq!((heard.free_numbers.clone(), heard.elsewhere.clone()), (set(&[1, 5]), set(&[3])));
        assert_eq!(heard.holder(&id(1)).unwrap().number, 2);
        assert_eq!(heard.heard(&set(&[1, 5]), &set(&[2, 3])), None);
        // Shrunk below what is sold: kept, and noticed.
        assert_eq!(slot.beyond(&set(&[1]), &set(&[])), set(&[2]));
        assert_eq!(slot.heard(&set(&[]), &set(&[])).unwrap().holders().count(), 1);
        let lost = heard.lost(&id(1)).unwrap();
        assert_eq!((lost.elsewhere.clone(), lost.free_numbers), (set(&[2, 3]), set(&[1, 5])));
    }

    #[test]
    fn numbers_are_spread_over_callers() {
        let slot = slot(&[3, 5, 9]);
        let choose = |slot: &Slot, probe| slot.choose_number(probe, Channel::Wechat, at(NOW));
        let chosen: BTreeSet<_> = (0..9).filter_map(|probe| choose(&slot, probe)).collect();
        assert_eq!(chosen, slot.free_numbers);
        assert_eq!(choose(&Slot { free_numbers: BTreeSet::new(), ..slot }, 7), None);
    }

    #[test]
    fn what_is_set_apart_is_its_channels_until_the_morning_of_the_day() {
        let pooled_at = at("2026-11-22T22:00:00Z");
        let reserved = Reserved::from([(Channel::Window, [1].into()), (Channel::Elder, [2, 77].into())]);
        let slot = slot(&[1, 2, 3]).reserving(&reserved, pooled_at);
        assert_eq!(slot.reserved.get(&Channel::Elder), Some(&[2].into()), "only numbers of its own");
        assert_eq!(slot.free_for(Channel::Wechat, at(NOW)), [3].into());
        assert_eq!(slot.choose_number(0, Channel::Window, at(NOW)), Some(1), "its own before the pool's");
        let sold = with(slot.clone(), 1, 1, 0);
        assert_eq!(sold.choose_number(0, Channel::Window, at(NOW)), Some(3), "the pool is everybody's (E24)");
        assert_eq!(slot.free_for(Channel::Wechat, pooled_at), [1, 2, 3].into());
    }

    #[test]
    fn a_number_given_back_rests_and_can_be_handed_to_nobody() {
        let booked = with(slot(&[1]), 1, 1, 17);
        let resting = booked.returned(&id(1), at(NOW)).unwrap();
        assert!(resting.free_numbers.is_empty() && resting.holder(&id(1)).is_none());
        assert_eq!(resting.next_due(), Some(at("2026-11-22T03:17:00Z")));
        assert_eq!(resting.returned(&id(1), at("2026-11-22T03:16:00Z")), None, "giving back twice changes nothing");
        assert!(resting.rested(at("2026-11-22T03:16:59Z")).is_empty());
        assert_eq!(resting.rested(at("2026-11-22T03:17:00Z")), [id(1)]);
        assert_eq!(resting.freed(&id(1)).unwrap().free_numbers, [1].into());
    }

    #[test]
    fn within_the_last_two_hours_it_is_free_at_once() {
        let booked = with(slot(&[1]), 1, 1, 17);
        let early = booked.returned(&id(1), at("2026-11-22T22:50:00Z")).unwrap();
        assert_eq!(early.next_due(), Some(at("2026-11-22T23:00:00Z")), "and no rest reaches into them");
        let late = booked.returned(&id(1), at("2026-11-22T23:00:00Z")).unwrap();
        assert_eq!(late.free_numbers, [1].into());
        let closed = booked.turned(ClinicState::Closed).returned(&id(1), at(NOW)).unwrap();
        assert_eq!(closed.free_numbers, [1].into(), "nobody waits for a number of a closed clinic");
    }

    #[test]
    fn a_limit_below_what_is_booked_throws_nobody_out() {
        let three = with(with(with(slot(&[1, 2, 3, 4]), 1, 1, 0), 2, 2, 0), 3, 3, 0);
        let limited = three.limited(Some(2));
        assert_eq!((limited.holders().count(), limited.free_numbers.len()), (3, 0));
        let one_less = limited.freed(&id(1)).unwrap();
        assert!(one_less.free_numbers.is_empty(), "two are booked, two is the limit");
        let two_less = one_less.freed(&id(2)).unwrap();
        assert_eq!(two_less.free_numbers.len(), 1);
        let lifted = two_less.limited(None);
        assert_eq!((lifted.free_numbers.len(), lifted.withdrawn.len()), (3, 0));
    }

    #[derive(Clone, Debug)]
    enum Doing {
        Take(u8),
        Return(u8),
        Free(u8),
        Pass(u8, u8),
        Limit(Option<u16>),
        Turn(bool),
    }

    fn doing() -> impl Strategy<Value = Doing> {
        prop_oneof![
            (0..9_u8).prop_map(Doing::Take),
            (0..9_u8).prop_map(Doing::Return),
            (0..9_u8).prop_map(Doing::Free),
            (0..9_u8, 0..9_u8).prop_map(|(from, to)| Doing::Pass(from, to)),
            proptest::option::of(0..8_u16).prop_map(Doing::Limit),
            any::<bool>().prop_map(Doing::Turn),
        ]
    }

    fn done(slot: &Slot, doing: &Doing, now: Timestamp) -> Option<Slot> {
        match doing {
            Doing::Take(who) if slot.taken.contains_key(&id(*who)) || slot.state == ClinicState::Closed => None,
            Doing::Take(who) => {
                let number = slot.choose_number(u64::from(*who), Channel::Wechat, now)?;
                Some(with(slot.clone(), *who, number, u16::from(*who)))
            }
            Doing::Return(who) => slot.returned(&id(*who), now),
            Doing::Free(who) => slot.freed(&id(*who)),
            Doing::Pass(from, to) => {
                let number = slot.taken.get(&id(*from))?.number;
                slot.passed_on(&id(*from), &id(*to), taken(number, Claim::Booked, 0))
            }
            Doing::Limit(limit) => Some(slot.limited(*limit)),
            Doing::Turn(open) => Some(slot.turned(if *open { ClinicState::Open } else { ClinicState::Closed })),
        }
    }

    proptest! {
        /// Free, taken and withdrawn are always exactly what was released, each number once.
        #[test]
        fn no_number_is_lost_or_made(steps in proptest::collection::vec(doing(), 0..60)) {
            let all: BTreeSet<u16> = (1..=6).collect();
            let mut slot = slot(&[1, 2, 3, 4, 5, 6]);
            for (minute, step) in steps.iter().enumerate() {
                let now = time::add_minutes(at(NOW), i64::try_from(minute).unwrap());
                let before = slot.holders().count();
                slot = done(&slot, step, now).unwrap_or(slot);
                prop_assert_eq!(slot.numbers(), all.clone());
                prop_assert_eq!(slot.free_numbers.len() + slot.taken.len() + slot.withdrawn.len(), all.len());
                let limit = slot.limit.map_or(usize::MAX, usize::from);
                prop_assert!(slot.free_numbers.is_empty() || slot.free_numbers.len() + slot.taken.len() <= limit);
                if matches!(step, Doing::Limit(_) | Doing::Turn(_)) {
                    prop_assert_eq!(slot.holders().count(), before, "nobody is thrown out");
                }
            }
        }
    }
}
