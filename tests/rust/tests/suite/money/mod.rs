//! A seeded model of money: patients, families, staff, the clock, WeChat, the HIS and crashes in any order, on the real
//! handlers, a real engine and both stand-ins, with numbers of our own and with numbers of the HIS. When everything has
//! settled, every order's payment is what was kept and what went back, in our books, WeChat's and the HIS's, and the HIS
//! has the visits that are.
//!
//! `MONEY_SEEDS=10000` walks that many seeds; `MONEY_SEED=17` walks one and prints each step. A seed that fails prints its
//! steps: the same seed takes the same steps.

pub(crate) mod dice;
pub(crate) mod ledger;
mod steps;

use crate::visit::hospital::Hospital;
use dice::Dice;
use domain::enrolment::NumberOwner;
use steps::World;

/// Seeds walked by `make test`, over all walkers; `make model` walks ten times as many.
const SEEDS: u64 = 1_000;
/// Walkers: one hospital each, an even number, so that each has seeds of one owner of the numbers.
const WALKERS: u64 = 4;
/// Steps of one seed.
const STEPS: u64 = 36;
/// Seeds on one hospital before it starts anew: the stand-ins keep everything they ever saw.
const SEEDS_PER_HOSPITAL: usize = 50;

/// Who gives the numbers of a seed, ourselves or the hospital's own system: half of them each, and one for each walker.
pub(crate) fn owner_of(seed: u64) -> NumberOwner {
    if seed.is_multiple_of(2) { NumberOwner::His } else { NumberOwner::Menzhen }
}

fn seeds() -> u64 {
    std::env::var("MONEY_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS)
}

async fn walk_seed(hospital: &Hospital, seed: u64, says: bool) -> ledger::Sums {
    let mut dice = Dice::new(seed);
    // Each is large, and the frame of all of them would be the sum.
    let mut world = Box::pin(World::open(hospital, seed, &mut dice)).await;
    for _ in 0..STEPS {
        Box::pin(world.step(&mut dice)).await;
        if says {
            eprintln!("{}", world.trace.last().map_or("", String::as_str));
        }
    }
    Box::pin(world.settle()).await;
    match Box::pin(ledger::check(&world)).await {
        Ok(sums) => sums,
        Err(why) => panic!("MONEY_SEED={seed}: {why}\n{}", world.trace.join("\n")),
    }
}

async fn walk(walker: u64) -> ledger::Sums {
    let mine: Vec<u64> = (1..=seeds()).filter(|seed| seed % WALKERS == walker).collect();
    let mut sums = ledger::Sums::default();
    let batches: Vec<Vec<u64>> = mine.chunks(SEEDS_PER_HOSPITAL).map(<[u64]>::to_vec).collect();
    for batch in batches {
        let hospital = Hospital::open_where(owner_of(walker)).await;
        for seed in batch {
            sums.add(&walk_seed(&hospital, seed, false).await);
        }
    }
    sums
}

async fn walk_all(walkers: std::ops::Range<u64>) {
    let walked = futures_util::future::join_all(walkers.map(walk)).await;
    let mut sums = ledger::Sums::default();
    for walked in &walked {
        sums.add(walked);
    }
    eprintln!("{} seeds: {sums:?}", seeds() / 2);
    // A walk in which nothing is kept, given back, refused or forgiven would prove nothing.
    assert!(seeds() < SEEDS || sums.saw_everything(), "{sums:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_fen_is_lost_or_made() {
    match std::env::var("MONEY_SEED").ok().and_then(|text| text.parse().ok()) {
        Some(seed) => eprintln!("{:?}", walk_seed(&Hospital::open_where(owner_of(seed)).await, seed, true).await),
        None => walk_all(0..WALKERS / 2).await,
    }
}

/// The other half, so that two processors walk at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_fen_is_lost_or_made_in_the_other_half() {
    if std::env::var("MONEY_SEED").is_err() {
        walk_all(WALKERS / 2..WALKERS).await;
    }
}
