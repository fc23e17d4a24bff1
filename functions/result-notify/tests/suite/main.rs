//! Results taken in: every language, every sample, and senders that misbehave, on a real engine.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::as_conversions,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod faults;
mod languages;
#[path = "../../../../tests/rust/tests/suite/visit/proxy.rs"]
mod proxy;
mod quarantine;
mod samples;
mod signature;
mod world;
