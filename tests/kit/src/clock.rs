//! The clock a hospital of a test shares with its stand-ins.

use domain::civil::Time;
use domain::{Timestamp, time};
use std::path::Path;

/// Writes how far ahead of the system's a clock in this file (`Clock::moved_by`, `--clock-file`) goes: it begins at this
/// time of tomorrow. At whatever hour a test runs, the hospital's day is the same.
#[expect(clippy::disallowed_methods, reason = "what the clock of the test is set by")]
pub fn start_clock(file: &Path, at: Time) {
    let now = Timestamp::now();
    let start = time::instant(time::add_days(time::today(now), 1), at);
    std::fs::write(file, format!("{}\n", start.as_second() - now.as_second())).unwrap();
}
