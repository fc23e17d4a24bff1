//! What a line of a schedule changes of its clinic. Pure: a dry run and a write decide alike.

use super::{Fate, Tally};
use domain::clinic::{Clinic, Slot, SlotStart};
use store::clinics::ClinicWithSlots;

/// What is to be written, and what becomes of clinic and slots.
#[derive(Debug, PartialEq)]
pub(super) struct Plan {
    pub(super) clinic: Clinic,
    pub(super) fate: Fate,
    pub(super) written: Vec<Slot>,
    pub(super) removed: Vec<SlotStart>,
    pub(super) slots: Tally,
}

impl Plan {
    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.fate == Fate::Unchanged && self.written.is_empty() && self.removed.is_empty()
    }
}

/// Compares a line with the clinic as it is. A clinic that was closed stays closed.
pub(super) fn plan(found: Option<&ClinicWithSlots>, line: (Clinic, Vec<Slot>)) -> Plan {
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
