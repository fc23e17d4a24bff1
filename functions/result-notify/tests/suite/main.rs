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

mod bookings;
mod faults;
mod languages;
mod orders;
mod people;
#[path = "../../../../tests/rust/tests/suite/visit/proxy.rs"]
#[allow(dead_code, reason = "the fault walks' own, of which the rest is used there")]
mod proxy;
mod quarantine;
mod samples;
mod signature;
mod world;
