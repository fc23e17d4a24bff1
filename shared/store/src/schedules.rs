//! What a schedule (排班) changes of its clinic, whether a file or the hospital's own system tells of it. Pure: a dry run and
//! a write decide alike. Then the writes.

use crate::clinics::ClinicWithSlots;
use crate::table::{StoreError, Table};
use domain::Timestamp;
use domain::clinic::{Clinic, Slot, SlotStart};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How often a clinic is decided anew when a patient claims one of its numbers in between.
const TRIES_MAX: usize = 4;

/// What becomes of one thing of a file or list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Was not there.
    New,
    /// Was there, and says something else now.
    Changed,
    /// Was there, the same.
    Unchanged,
    /// Was there, taken away.
    Removed,
    /// Says something else, and stays as it is: somebody has claimed it.
    Kept,
}

/// How many met which fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Were not there.
    pub new: usize,
    /// Say something else now.
    pub changed: usize,
    /// Are the same.
    pub unchanged: usize,
    /// Were taken away.
    pub removed: usize,
    /// Stay as they are, because somebody has claimed them.
    pub kept: usize,
}

impl Tally {
    /// One more.
    pub fn count(&mut self, fate: Fate) {
        let count = match fate {
            Fate::New => &mut self.new,
            Fate::Changed => &mut self.changed,
            Fate::Unchanged => &mut self.unchanged,
            Fate::Removed => &mut self.removed,
            Fate::Kept => &mut self.kept,
        };
        *count = count.saturating_add(1);
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            new: self.new.saturating_add(other.new),
            changed: self.changed.saturating_add(other.changed),
            unchanged: self.unchanged.saturating_add(other.unchanged),
            removed: self.removed.saturating_add(other.removed),
            kept: self.kept.saturating_add(other.kept),
        }
    }
}

impl FromIterator<Fate> for Tally {
    fn from_iter<I: IntoIterator<Item = Fate>>(fates: I) -> Self {
        let mut tally = Self::default();
        fates.into_iter().for_each(|fate| tally.count(fate));
        tally
    }
}

/// What is to be written, and what becomes of clinic and slots.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The clinic as it will be.
    pub clinic: Clinic,
    /// What becomes of it.
    pub fate: Fate,
    /// Slots to write.
    pub written: Vec<Slot>,
    /// Slots to take away.
    pub removed: Vec<SlotStart>,
    /// What becomes of its slots.
    pub slots: Tally,
}

impl Plan {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.fate == Fate::Unchanged && self.written.is_empty() && self.removed.is_empty()
    }
}

/// Compares a line with the clinic as it is. A clinic that was closed stays closed.
pub fn plan(found: Option<&ClinicWithSlots>, line: (Clinic, Vec<Slot>)) -> Plan {
    let (mut clinic, mut wanted) = line;
    let there = found.map_or(&[][..], |found| &found.slots);
    if let Some(found) = found {
        clinic.state = found.clinic.state;
        for slot in &mut wanted {
            slot.state = found.clinic.state;
        }
    }
    let fate = match found {
        None => Fate::New,
        Some(found) if found.clinic == clinic => Fate::Unchanged,
        Some(_) => Fate::Changed,
    };
    let mut plan = Plan { clinic, fate, written: Vec::new(), removed: Vec::new(), slots: Tally::default() };
    let frozen = numbers_would_meet(there, &wanted);
    for slot in &wanted {
        let before = there.iter().find(|before| before.start == slot.start);
        let fate = slot_fate(before, slot, frozen);
        if matches!(fate, Fate::New | Fate::Changed) {
            plan.written.push(slot.clone());
        }
        plan.slots.count(fate);
    }
    for slot in there.iter().filter(|slot| !wanted.iter().any(|wanted| wanted.start == slot.start)) {
        let free = !is_claimed(slot) && !frozen;
        if free {
            plan.removed.push(slot.start);
        }
        plan.slots.count(if free { Fate::Removed } else { Fate::Kept });
    }
    plan
}

fn slot_fate(before: Option<&Slot>, wanted: &Slot, frozen: bool) -> Fate {
    match before {
        Some(before) if says_the_same(before, wanted) => Fate::Unchanged,
        Some(before) if is_claimed(before) => Fate::Kept,
        _ if frozen => Fate::Kept,
        Some(_) => Fate::Changed,
        None => Fate::New,
    }
}

/// Whether somebody has, or had, a number of it: the same test as the store's condition.
fn is_claimed(slot: &Slot) -> bool {
    slot.ver > 0
}

fn says_the_same(a: &Slot, b: &Slot) -> bool {
    let apart = |slot: &Slot| (slot.reserved.clone(), slot.pooled_at);
    a.numbers() == b.numbers() && a.state == b.state && a.release_at == b.release_at && apart(a) == apart(b)
}

/// Whether numbers of a slot that must stay would be given out a second time by another slot: numbers run through the
/// clinic, so a changed count moves all that follow. Then the slots stay as they are.
fn numbers_would_meet(there: &[Slot], wanted: &[Slot]) -> bool {
    let claimed = there.iter().filter(|slot| is_claimed(slot));
    claimed.into_iter().any(|kept| {
        let kept_numbers = kept.numbers();
        let others = wanted.iter().filter(|slot| slot.start != kept.start);
        others.into_iter().any(|slot| !slot.numbers().is_disjoint(&kept_numbers))
    })
}

/// The numbers of a half hour, as the hospital's own system has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeardSlot {
    /// Its start.
    pub start: SlotStart,
    /// Numbers nobody has.
    pub free: BTreeSet<u16>,
    /// Numbers somebody has.
    pub taken: BTreeSet<u16>,
}

/// What hearing of a clinic came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Whether anything changed.
    pub is_changed: bool,
    /// Numbers sold here that the hospital does not have any more: kept, and for people to look at.
    pub beyond: BTreeSet<u16>,
}

impl Table {
    /// Brings a clinic to what a schedule says of it, all of it or nothing. What a patient has claimed stays.
    pub async fn file_schedule(
        &self,
        line: &(Clinic, Vec<Slot>),
        writes: bool,
        now: Timestamp,
    ) -> Result<Plan, StoreError> {
        for _ in 0..TRIES_MAX {
            let found = self.clinic(&line.0.id).await?;
            let plan = plan(found.as_ref(), line.clone());
            if !writes || plan.is_empty() || self.write_plan(&plan, now).await? {
                return Ok(plan);
            }
        }
        Err(StoreError::Contended)
    }

    async fn write_plan(&self, plan: &Plan, now: Timestamp) -> Result<bool, StoreError> {
        let clinic = &plan.clinic;
        let is_written = self.put_schedule(clinic, &plan.written, &plan.removed).await?.is_done();
        if is_written {
            self.forget_board(clinic.date, &clinic.department, now).await?;
        }
        Ok(is_written)
    }

    /// Brings a clinic to what the hospital's own system, which owns its numbers, says of it: free there is free here,
    /// unless somebody here has it. Slots that are there already change one by one, for patients claim in them meanwhile.
    pub async fn hear_schedule(
        &self,
        clinic: &Clinic,
        slots: &[HeardSlot],
        now: Timestamp,
    ) -> Result<Heard, StoreError> {
        let found = self.clinic(&clinic.id).await?;
        let there = found.as_ref().map_or(&[][..], |found| &found.slots);
        let is_new = |heard: &&HeardSlot| !there.iter().any(|slot| slot.start == heard.start);
        let fresh: Vec<Slot> = slots.iter().filter(is_new).map(|heard| fresh(clinic, heard)).collect();
        let mut heard = Heard::default();
        if found.as_ref().map(|found| &found.clinic) != Some(clinic) || !fresh.is_empty() {
            heard.is_changed = true;
            if !self.put_schedule(clinic, &fresh, &[]).await?.is_done() {
                return Err(StoreError::Contended);
            }
        }
        let none = BTreeSet::new();
        for slot in there {
            let said = slots.iter().find(|heard| heard.start == slot.start);
            let (free, taken) = said.map_or((&none, &none), |heard| (&heard.free, &heard.taken));
            heard.beyond.extend(slot.beyond(free, taken));
            heard.is_changed |= self.change_slot(slot, |seen| seen.heard(free, taken)).await?;
        }
        if heard.is_changed {
            self.forget_board(clinic.date, &clinic.department, now).await?;
        }
        Ok(heard)
    }
}

fn fresh(clinic: &Clinic, heard: &HeardSlot) -> Slot {
    let slot = Slot::fresh(clinic, heard.start, 1, 0);
    Slot { free_numbers: heard.free.clone(), elsewhere: heard.taken.clone(), ..slot }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::clinic::{Claim, ClinicKind, ClinicState, Period, Taken};
    use domain::money::Fen;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn clinic() -> Clinic {
        Clinic {
            id: "20261123-am-XNK-pool".parse().unwrap(),
            date: "2026-11-23".parse().unwrap(),
            period: Period::Morning,
            department: "XNK".parse().unwrap(),
            department_name: "心血管内科".into(),
            doctor: None,
            doctor_name: String::new(),
            doctor_title: String::new(),
            kind: ClinicKind::Ordinary,
            fee: Fen::new(1000).unwrap(),
            room: "301".into(),
            campus: String::new(),
            queue_group: None,
            release_at: "2026-11-15T23:00:00Z".parse().unwrap(),
            state: ClinicState::Open,
        }
    }

    /// A clinic from 8:00 with these numbers in each half hour.
    fn line(slots: u16, numbers: u16) -> (Clinic, Vec<Slot>) {
        let start = |n: u16| SlotStart::from_minutes(480 + 30 * n).unwrap();
        let slots = (0..slots).map(|n| Slot::fresh(&clinic(), start(n), 1 + n * numbers, numbers));
        (clinic(), slots.collect())
    }

    fn found(line: (Clinic, Vec<Slot>), claimed: &[usize]) -> ClinicWithSlots {
        let (clinic, mut slots) = line;
        for n in claimed {
            if let Some(slot) = slots.get_mut(*n) {
                let number = slot.free_numbers.pop_first().unwrap();
                let patient = "p1".parse().unwrap();
                slot.taken = BTreeMap::from([(
                    "a1".parse().unwrap(),
                    Taken { patient, number, claim: Claim::Booked, rest_min: 0 },
                )]);
                slot.ver = 1;
            }
        }
        ClinicWithSlots { clinic, slots }
    }

    #[test]
    fn a_new_clinic_is_all_new_and_the_same_line_changes_nothing() {
        let first = plan(None, line(8, 4));
        assert_eq!((first.fate, first.written.len(), first.slots.new), (Fate::New, 8, 8));
        let again = plan(Some(&found(line(8, 4), &[0, 3])), line(8, 4));
        assert!(again.is_empty());
        assert_eq!(again.slots, Tally { unchanged: 8, ..Tally::default() });
    }

    #[test]
    fn an_unclaimed_slot_follows_the_file_and_a_claimed_one_stays() {
        let longer = plan(Some(&found(line(4, 4), &[1])), line(6, 4));
        assert_eq!(longer.slots, Tally { new: 2, unchanged: 4, ..Tally::default() });
        let shorter = plan(Some(&found(line(4, 4), &[3])), line(2, 4));
        assert_eq!(shorter.slots, Tally { unchanged: 2, removed: 1, kept: 1, ..Tally::default() });
        let more = plan(Some(&found(line(4, 4), &[])), line(4, 5));
        assert_eq!(more.slots, Tally { changed: 4, ..Tally::default() });
    }

    #[test]
    fn no_number_is_given_out_twice_when_the_count_changes() {
        let fewer = plan(Some(&found(line(4, 5), &[1])), line(4, 4));
        assert!(fewer.written.is_empty());
        assert_eq!(fewer.slots, Tally { kept: 4, ..Tally::default() });
    }

    #[test]
    fn a_closed_clinic_stays_closed() {
        let mut closed = found(line(2, 4), &[]);
        closed.clinic.state = ClinicState::Closed;
        closed.slots.iter_mut().for_each(|slot| slot.state = ClinicState::Closed);
        assert!(plan(Some(&closed), line(2, 4)).is_empty());
        let more = plan(Some(&closed), line(3, 4));
        assert!(more.written.iter().all(|slot| slot.state == ClinicState::Closed));
    }

    proptest! {
        /// Whatever stood there and whatever the file says: afterwards no number stands in two slots, and what was
        /// claimed is as it was.
        #[test]
        fn numbers_stay_unique(before in (1..8_u16, 1..8_u16), after in (1..8_u16, 1..8_u16), claimed in proptest::collection::vec(0..8_usize, 0..4)) {
            let mut claimed = claimed;
            claimed.sort_unstable();
            claimed.dedup();
            let there = found(line(before.0, before.1), &claimed);
            let plan = plan(Some(&there), line(after.0, after.1));
            let mut slots: BTreeMap<SlotStart, Slot> = there.slots.iter().map(|slot| (slot.start, slot.clone())).collect();
            plan.removed.iter().for_each(|start| { slots.remove(start); });
            plan.written.iter().for_each(|slot| { slots.insert(slot.start, slot.clone()); });
            let all: Vec<u16> = slots.values().flat_map(Slot::numbers).collect();
            let distinct: BTreeSet<u16> = all.iter().copied().collect();
            prop_assert_eq!(all.len(), distinct.len());
            for slot in there.slots.iter().filter(|slot| is_claimed(slot)) {
                prop_assert_eq!(slots.get(&slot.start), Some(slot));
            }
        }
    }
}
