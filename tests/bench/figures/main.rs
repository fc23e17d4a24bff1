//! Figures about the table: capacity units of each step of a visit, claims a second, what a reminder tick costs and how
//! fast ten thousand are queued; a day of a million payments compared; how well waiting times are told; the minute of the
//! release; what a result costs.
//!
//! `cargo run --locked --package bench --example figures` prints Markdown; the name of a part after it, only that part. Units and calls do not depend on how this is
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
mod mornings;
mod notifications;
mod reconciliation;
mod results;
mod rush;
#[path = "../../../functions/result-notify/tests/suite/world.rs"]
#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "the function's own, of which the machine that sends is used"
)]
mod sender;
mod stub;
mod tick;
#[path = "../../rust/tests/suite/visit/mod.rs"]
#[allow(dead_code, clippy::unused_self, clippy::needless_pass_by_value, reason = "the tests' own, which use the rest")]
mod visit;
#[path = "../../../functions/webhook/tests/world/mod.rs"]
#[allow(dead_code, reason = "the webhook's own, of which WeChat's side of the cipher is used")]
mod wechat_side;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let only = std::env::args().nth(1);
    let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    if wanted("reconciliation") {
        // First: its memory is measured.
        reconciliation::report();
    }
    if wanted("mornings") {
        mornings::report();
    }
    if wanted("capacity") {
        capacity::report().await;
    }
    if wanted("claims") {
        claims::report().await;
    }
    if wanted("notifications") {
        notifications::report().await;
    }
    if wanted("tick") {
        tick::report().await;
    }
    if wanted("reminders") {
        tick::rush().await;
    }
    if wanted("results") {
        results::report().await;
    }
    if wanted("rush") {
        rush::report().await;
    }
}

/// The middle of a few measurements.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
