//! The notifier on a real engine, with a WeChat, an SMS service and a queue that answer as a test wishes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod fallback;
mod faults;
#[path = "../../../../tests/rust/tests/suite/visit/proxy.rs"]
#[allow(dead_code, reason = "the fault walks' own, of which the rest is used there")]
mod proxy;
mod recipients;
mod waiting;
mod world;
