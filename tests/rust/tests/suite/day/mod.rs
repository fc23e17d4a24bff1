//! A seeded model of the clinic day: from the noon before over the morning, midnight and the night after, with bookings,
//! arrivals, calls, misses, moves, waitlists, closures, late and doubled ticks and crashes in any order, on the real
//! handlers, a real engine and both stand-ins, with numbers of our own and with numbers of the hospital's own system (HIS).
//! Queues, numbers and moves are looked at after every step; everything, money and what the HIS holds included, once all
//! has settled.
//!
//! `DAY_SEEDS=10000` walks that many seeds; `DAY_SEED=17` walks one and prints each step. A seed that fails prints its
//! steps: the same seed takes the same steps.

mod checks;
mod desk;
mod hours;
mod letters;
mod steps;

use crate::money::dice::Dice;
use crate::money::{ledger, owner_of};
use crate::visit::hospital::Hospital;
use domain::enrolment::NumberOwner;
use std::collections::BTreeMap;
use steps::World;

/// Seeds walked by `make test`, over both walkers; `make model` walks many more.
const SEEDS: u64 = 40;
/// Walkers: one hospital each, of one owner of the numbers each.
const WALKERS: u64 = 2;
/// Steps of one seed.
const STEPS: u64 = 90;
/// Seeds on one hospital before it starts anew: the stand-ins keep everything they ever saw.
const SEEDS_PER_HOSPITAL: usize = 30;
/// Everybody is looked for after every so many steps; queues and numbers after each.
const LOOK_EVERY: u64 = 6;

/// How often what happened, and what became of the money.
#[derive(Clone, Debug, Default)]
struct Sums {
    done: BTreeMap<&'static str, usize>,
    money: ledger::Sums,
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.money.add(&other.money);
        for (what, times) in &other.done {
            *self.done.entry(what).or_default() += times;
        }
    }

    /// A walk in which something never came about would prove nothing of it.
    fn missing(&self, owner: NumberOwner) -> Vec<&'static str> {
        let wanted = match owner {
            NumberOwner::Menzhen => &steps::EVERYTHING[..],
            NumberOwner::His => &steps::EVERYTHING_OF_HIS[..],
        };
        wanted.iter().copied().filter(|what| !self.done.contains_key(what)).collect()
    }
}

fn seeds() -> u64 {
    std::env::var("DAY_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS)
}

async fn walk_seed(hospital: &Hospital, seed: u64, says: bool) -> Sums {
    let mut dice = Dice::new(seed);
    let mut world = Box::pin(World::open(hospital, seed, &mut dice)).await;
    match Box::pin(live(&mut world, &mut dice, says)).await {
        Ok(money) => Sums { done: world.done, money },
        Err(why) => panic!("DAY_SEED={seed}: {why}\n{}", world.trace.join("\n")),
    }
}

async fn live(world: &mut World<'_>, dice: &mut Dice, says: bool) -> Result<ledger::Sums, String> {
    for step in 1..=STEPS {
        Box::pin(world.step(dice)).await?;
        if says {
            eprintln!("{}", world.trace.last().map_or("", String::as_str));
        }
        world.look().await?;
        if step % LOOK_EVERY == 0 {
            world.look_at_people().await?;
        }
    }
    Box::pin(world.settle()).await?;
    Box::pin(world.look_at_the_end()).await
}

async fn walk(walker: u64) {
    let mine: Vec<u64> = (1..=seeds()).filter(|seed| seed % WALKERS == walker).collect();
    let mut sums = Sums::default();
    for batch in mine.chunks(SEEDS_PER_HOSPITAL) {
        let hospital = Hospital::open_where(owner_of(walker)).await;
        for seed in batch {
            sums.add(&walk_seed(&hospital, *seed, false).await);
        }
    }
    let missing = sums.missing(owner_of(walker));
    eprintln!("{} seeds: {sums:?}, never: {missing:?}", mine.len());
    assert!(seeds() < SEEDS || missing.is_empty(), "never happened: {missing:?}");
    assert!(seeds() < SEEDS || (sums.money.kept > 0 && sums.money.back > 0), "{sums:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_goes_as_it_should() {
    match std::env::var("DAY_SEED").ok().and_then(|text| text.parse().ok()) {
        Some(seed) => eprintln!("{:?}", walk_seed(&Hospital::open_where(owner_of(seed)).await, seed, true).await),
        None => walk(0).await,
    }
}

/// The other half, so that two processors walk at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_goes_as_it_should_in_the_other_half() {
    if std::env::var("DAY_SEED").is_err() {
        walk(1).await;
    }
}
