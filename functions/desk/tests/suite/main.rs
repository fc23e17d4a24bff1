//! The desk against a table in memory: a morning of one clinic.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[cfg(test)]
mod access;
#[cfg(test)]
mod morning;
#[cfg(test)]
mod next;
#[cfg(test)]
mod prints;
#[cfg(test)]
mod window;
#[cfg(test)]
mod world;
