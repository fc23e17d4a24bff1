//! Tests across functions, on real engines: DynamoDB in-process, the stand-in WeChat as its own process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::large_futures,
    reason = "a test that cannot go on has failed"
)]

mod claims;
mod credit;
mod critical;
mod day;
mod faults;
mod late;
mod meets;
mod merges;
mod money;
mod moves;
mod numbers;
mod repeats;
mod results;
mod rush;
#[path = "../../../../functions/result-notify/tests/suite/world.rs"]
#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "the function's own, of which the machine that sends is used"
)]
mod sender;
mod throttled;
mod visit;
mod word;
