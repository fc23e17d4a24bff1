//! CPU microseconds per message of reading results, and the most memory that was resident.
//!
//! `cargo run --release -p results --example read_loop -- FILE [messages]` prints the microseconds and the KiB. The same on
//! the same file with Python's hl7apy and `fhir.resources`: `tests/bench/results_python.py`.

use results::{fhir, hl7};
use std::error::Error;
use std::hint::black_box;
use std::io::Write as _;
use std::path::PathBuf;

const DEFAULT_MESSAGES: u64 = 2_000;
const NANOSECONDS_PER_HUNDREDTH: u64 = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).map(PathBuf::from).ok_or("which file?")?;
    let is_hl7 = path.extension().is_some_and(|ending| ending == "hl7");
    let messages = std::env::args().nth(2).map_or(Ok(DEFAULT_MESSAGES), |text| text.parse())?.max(1);
    let bytes = std::fs::read(&path)?;
    let started_ns = cpu_ns()?;
    for _ in 0..messages {
        if is_hl7 {
            for message in hl7::frame::read(black_box(&bytes))?.messages {
                black_box(hl7::oru::read(&message?)?);
            }
        } else {
            black_box(fhir::read(std::str::from_utf8(black_box(&bytes))?)?);
        }
    }
    let hundredths = (cpu_ns()? - started_ns) / NANOSECONDS_PER_HUNDREDTH / messages;
    writeln!(std::io::stdout(), "{}.{:02} {}", hundredths / 100, hundredths % 100, peak_kib()?)?;
    Ok(())
}

/// Time this thread has spent on a processor, by the kernel's account.
fn cpu_ns() -> Result<u64, Box<dyn Error>> {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(schedstat.split_whitespace().next().ok_or("an empty schedstat")?.parse()?)
}

fn peak_kib() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.split_whitespace().next().ok_or("an empty VmHWM")?.parse()?)
}
