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
mod throttled;
mod visit;
