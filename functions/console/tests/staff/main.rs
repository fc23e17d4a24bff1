//! The staff API against a table in memory, with the files of the demo hospital.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::large_futures,
    reason = "a test that cannot go on has failed"
)]

#[cfg(test)]
mod access;
#[cfg(test)]
mod accounts;
#[cfg(test)]
mod closures;
mod credit;
#[cfg(test)]
mod finance;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod money;
#[cfg(test)]
mod results;
#[cfg(test)]
mod setup;
#[cfg(test)]
mod window;
#[cfg(test)]
mod world;
