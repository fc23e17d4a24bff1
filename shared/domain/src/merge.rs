//! Two records that are one person (合并), and two people again (撤销合并): what becomes of their gates.
//!
//! Everything on a gate is known by the appointment, the ticket or the decision it comes from. So joining counts nothing
//! twice, and parting finds what belongs to whom: a number and a strike go where their appointment lies.

use crate::booking::Gate;
use crate::credit::{Record, Strike, Strikes};
use crate::id::AppointmentId;
use std::collections::{BTreeMap, BTreeSet};

/// What parting comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parted {
    /// The gate of who stays.
    pub stays: Gate,
    /// The gate of who leaves.
    pub leaves: Gate,
}

/// The gate of a person whom `gone` turned out to be: live numbers, places in lines, strikes and blocks of both. What was
/// forgiven stays forgiven, and forgives nothing of the other's.
#[must_use]
pub fn joined(stays: &Gate, gone: &Gate) -> Gate {
    let (mut entries, mut waiting) = (gone.entries.clone(), gone.waiting.clone());
    entries.extend(stays.entries.clone());
    waiting.extend(stays.waiting.clone());
    let record = Record {
        strikes: newest(&stays.record.strikes, unforgiven(&gone.record)),
        lifts: stays.record.lifts.clone(),
        blocks: [stays.record.blocks.clone(), gone.record.blocks.clone()].concat(),
    };
    Gate { entries, waiting, record, ..stays.clone() }
}

/// The two gates again. `memory` is the gate of who leaves as it was when they joined; `theirs` are the appointments that
/// lie with them. What has come since, and lies with who stays, stays.
#[must_use]
pub fn parted(stays: &Gate, memory: &Gate, theirs: &BTreeSet<AppointmentId>) -> Parted {
    let is_theirs = |id: &AppointmentId| theirs.contains(id);
    let (left, kept) = split(&stays.entries, is_theirs);
    let (strikes_left, strikes_kept) = split(&stays.record.strikes, is_theirs);
    let remembered = split(&memory.record.strikes, is_theirs).0;
    let (blocks_left, blocks_kept) = {
        let mut kept = stays.record.blocks.clone();
        let mut left = Vec::new();
        for block in &memory.record.blocks {
            if let Some(place) = kept.iter().position(|other| other.put_on == block.put_on && other.why == block.why) {
                left.push(kept.remove(place));
            }
        }
        (left, kept)
    };
    let is_their_place = |clinic: &_, ticket: &_| memory.waiting.get(clinic) == Some(ticket);
    let places = || stays.waiting.iter().map(|(clinic, ticket)| (clinic.clone(), ticket.clone()));
    Parted {
        leaves: Gate {
            entries: left,
            waiting: places().filter(|(clinic, ticket)| is_their_place(clinic, ticket)).collect(),
            record: Record {
                strikes: newest(&remembered, strikes_left),
                lifts: memory.record.lifts.clone(),
                blocks: blocks_left,
            },
            moved_to: None,
            ..memory.clone()
        },
        stays: Gate {
            entries: kept,
            waiting: places().filter(|(clinic, ticket)| !is_their_place(clinic, ticket)).collect(),
            record: Record { strikes: strikes_kept, lifts: stays.record.lifts.clone(), blocks: blocks_kept },
            ..stays.clone()
        },
    }
}

/// Strikes since the last ban was lifted: the others count no more.
fn unforgiven(record: &Record) -> Strikes {
    let lifted_at = record.lifted_at();
    let counts = |strike: &Strike| lifted_at.is_none_or(|lifted_at| strike.at > lifted_at);
    record
        .strikes
        .iter()
        .filter(|(_, strike)| counts(strike))
        .map(|(id, strike)| (id.clone(), strike.clone()))
        .collect()
}

/// Of two notes about one appointment the newer one.
fn newest(some: &Strikes, others: Strikes) -> Strikes {
    let mut all = some.clone();
    for (id, strike) in others {
        if all.get(&id).is_none_or(|known| known.seq <= strike.seq) {
            all.insert(id, strike);
        }
    }
    all
}

fn split<V: Clone>(
    all: &BTreeMap<AppointmentId, V>,
    is_left: impl Fn(&AppointmentId) -> bool,
) -> (BTreeMap<AppointmentId, V>, BTreeMap<AppointmentId, V>) {
    all.iter().map(|(id, value)| (id.clone(), value.clone())).partition(|(id, _)| is_left(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::booking::{GateEntry, Pass};
    use crate::clinic::ClinicKind;
    use crate::credit::{Block, BlockWhy, Breach, Decision, StrikeState};
    use crate::event::Actor;
    use crate::id::PatientId;
    use jiff::Timestamp;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).unwrap()
    }

    fn appointment(number: usize) -> AppointmentId {
        format!("a{number:03}").parse().unwrap()
    }

    fn strike(seq: u32) -> Strike {
        Strike {
            breach: Breach::Missed,
            at: at(i64::from(seq)),
            visit: at(0),
            kind: ClinicKind::Ordinary,
            state: StrikeState::Final,
            seq,
            decision: None,
        }
    }

    fn entry() -> GateEntry {
        GateEntry {
            clinic: "20261123-am-NK-pool".parse().unwrap(),
            start: "0800".parse().unwrap(),
            date: date(2026, 11, 23),
            department: "NK".parse().unwrap(),
            doctor: None,
            pass: Pass::Booked,
        }
    }

    fn decision(second: i64) -> Decision {
        Decision { by: Actor::Staff("w".into()), at: at(second), why: String::new() }
    }

    fn block(second: i64) -> Block {
        Block {
            why: BlockWhy::Scalping,
            evidence_sealed: String::new(),
            put_on: decision(second),
            until: None,
            lifted: None,
        }
    }

    #[test]
    fn a_visit_missed_by_both_counts_once() {
        let gate = |seq| Gate {
            record: Record { strikes: [(appointment(1), strike(seq))].into(), ..Record::default() },
            ..Gate::default()
        };
        let both = joined(&gate(1), &gate(2));
        assert_eq!(both.record.strikes, [(appointment(1), strike(2))].into());
        assert_eq!(joined(&gate(2), &gate(1)).record, both.record);
    }

    #[test]
    fn what_was_forgiven_forgives_nothing_of_the_others() {
        let forgiven = Gate {
            record: Record {
                strikes: [(appointment(1), strike(1)), (appointment(2), strike(9))].into(),
                lifts: vec![decision(5)],
                blocks: Vec::new(),
            },
            ..Gate::default()
        };
        let other = Gate {
            record: Record { strikes: [(appointment(3), strike(2))].into(), ..Record::default() },
            ..Gate::default()
        };
        let both = joined(&other, &forgiven);
        assert_eq!(both.record.strikes.keys().cloned().collect::<Vec<_>>(), [appointment(2), appointment(3)]);
        assert_eq!(both.record.lifted_at(), None);
        let theirs = [appointment(1), appointment(2)].into();
        let Parted { stays, leaves } = parted(&both, &forgiven, &theirs);
        assert_eq!((stays, leaves), (other, forgiven));
    }

    /// People, who is whom, and their gates, moved as the store moves them.
    struct World {
        gates: Vec<Gate>,
        into: Vec<Option<usize>>,
        /// Whose each appointment is.
        owners: Vec<usize>,
    }

    fn number(id: &PatientId) -> usize {
        id.as_str().trim_start_matches('p').parse().unwrap()
    }

    impl World {
        fn of(people: usize) -> Self {
            Self { gates: vec![Gate::default(); people], into: vec![None; people], owners: Vec::new() }
        }

        fn root(&self, person: usize) -> usize {
            self.into[person].map_or(person, |into| self.root(into))
        }

        fn live(&mut self, person: usize) -> &mut Gate {
            let root = self.root(person);
            &mut self.gates[root]
        }

        fn miss(&mut self, person: usize) {
            let id = appointment(self.owners.len());
            self.owners.push(person);
            let seq = u32::try_from(self.owners.len()).unwrap();
            let gate = self.live(person);
            gate.entries.insert(id.clone(), entry());
            gate.record.strikes.insert(id, strike(seq));
        }

        fn block(&mut self, person: usize, second: i64) {
            self.live(person).record.blocks.push(block(second));
        }

        fn merge(&mut self, gone: usize, into: usize) {
            let (gone, into) = (self.root(gone), self.root(into));
            if gone == into {
                return;
            }
            self.gates[into] = joined(&self.gates[into], &self.gates[gone]);
            self.gates[gone].moved_to = Some(format!("p{into}").parse().unwrap());
            self.into[gone] = Some(into);
        }

        fn below(&self, person: usize) -> Vec<usize> {
            let mut all = vec![person];
            for (below, _) in self.into.iter().enumerate().filter(|(_, into)| **into == Some(person)) {
                all.extend(self.below(below));
            }
            all
        }

        fn unmerge(&mut self, gone: usize) {
            if self.into[gone].is_none() {
                return;
            }
            let root = self.root(gone);
            let below = self.below(gone);
            let lies_with = |(_, owner): &(usize, &usize)| below.contains(owner);
            let theirs = self.owners.iter().enumerate().filter(lies_with).map(|(id, _)| appointment(id)).collect();
            let Parted { stays, leaves } = parted(&self.gates[root], &self.gates[gone], &theirs);
            self.gates[root] = stays;
            self.gates[gone] = leaves;
            self.into[gone] = None;
        }

        /// Every appointment is on exactly the live gate of its owner.
        fn is_sound(&self) -> bool {
            (0..self.gates.len()).filter(|person| self.into[*person].is_none()).all(|root| {
                let owned = |(_, owner): &(usize, &usize)| self.root(**owner) == root;
                let ids: BTreeSet<_> =
                    self.owners.iter().enumerate().filter(owned).map(|(id, _)| appointment(id)).collect();
                let gate = &self.gates[root];
                gate.moved_to.is_none()
                    && gate.entries.keys().cloned().collect::<BTreeSet<_>>() == ids
                    && gate.record.strikes.keys().cloned().collect::<BTreeSet<_>>() == ids
            })
        }

        fn blocks(&self) -> usize {
            let live = self.gates.iter().zip(&self.into).filter(|(_, into)| into.is_none());
            live.map(|(gate, _)| gate.record.blocks.len()).sum()
        }
    }

    proptest! {
        #[test]
        fn merging_and_unmerging_in_any_order_loses_and_doubles_nothing(
            steps in prop::collection::vec((0..4_u8, 0..4_usize, 0..4_usize), 0..60),
        ) {
            let mut world = World::of(4);
            let mut blocks = 0;
            for (second, (step, one, other)) in steps.into_iter().enumerate() {
                match step {
                    0 => world.miss(one),
                    1 => world.merge(one, other),
                    2 => world.unmerge(one),
                    _ => {
                        world.block(one, i64::try_from(second).unwrap());
                        blocks += 1;
                    }
                }
                prop_assert!(world.is_sound());
                prop_assert_eq!(world.blocks(), blocks);
            }
            for gate in &world.gates {
                prop_assert!(gate.moved_to.as_ref().is_none_or(|into| number(into) < 4));
            }
        }
    }
}
