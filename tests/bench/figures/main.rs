//! Figures about the table: capacity units of each step of a visit, claims a second, what a reminder tick costs; and a day of a
//! million payments compared.
//!
//! `cargo run --locked --package bench --example figures` prints Markdown. Units and calls do not depend on how this is
//! compiled; times are compared with a peer in the same run on the same engine.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::large_futures,
    reason = "a benchmark that cannot go on has failed"
)]

mod capacity;
mod claims;
mod notifications;
mod reconciliation;
mod stub;
mod tick;
#[path = "../../rust/tests/suite/visit/mod.rs"]
#[allow(dead_code, clippy::unused_self, clippy::needless_pass_by_value, reason = "the tests' own, which use the rest")]
mod visit;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    // First: its memory is measured.
    reconciliation::report();
    capacity::report().await;
    claims::report().await;
    notifications::report().await;
    tick::report().await;
}

/// The middle of a few measurements.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
