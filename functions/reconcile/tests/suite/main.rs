//! Books and reconciled days on a real engine; WeChat and the hospital say what the test tells them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[cfg(test)]
mod books;
#[cfg(test)]
mod days;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod outside;
#[cfg(test)]
#[path = "../../../../tests/rust/tests/suite/visit/proxy.rs"]
#[allow(dead_code, reason = "the fault walks' own, of which the rest is used there")]
mod proxy;
#[cfg(test)]
mod worklist;
#[cfg(test)]
mod world;
