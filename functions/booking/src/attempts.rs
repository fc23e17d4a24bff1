//! How often one account asks, and how often for one person. This instance counts alone; who is suspicious is counted in
//! the table too, across instances.

use crate::App;
use domain::Timestamp;
use domain::admission::{ATTEMPTS_PER_MINUTE_MAX, ATTEMPTS_SUSPICIOUS, Turn};
use runtime::Refusal;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use web::problem::Problem;

/// Accounts and people an instance counts at once.
const COUNTED_MAX: usize = 10_000;

/// The requests of the current minute.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<(i64, HashMap<String, u32>)>);

impl Attempts {
    /// Counts one; how many there have been of this one in this minute.
    fn count(&self, who: &str, turn: Turn) -> u32 {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (minute, counted) = &mut *kept;
        if *minute != turn.number() || counted.len() >= COUNTED_MAX {
            *minute = turn.number();
            counted.clear();
        }
        let count = counted.entry(who.to_owned()).or_default();
        *count = count.saturating_add(1);
        *count
    }

    /// Nothing more of this one is answered in this minute, and nothing more is asked of the table.
    fn bar(&self, who: &str) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.1.insert(who.to_owned(), ATTEMPTS_PER_MINUTE_MAX);
    }
}

/// Lets a request of `who` pass, or says when to come again.
pub(crate) async fn admit(app: &App, who: &str, now: Timestamp) -> Result<(), Refusal> {
    let turn = Turn::at(now);
    let here = app.attempts.count(who, turn);
    if here <= ATTEMPTS_SUSPICIOUS {
        return Ok(());
    }
    if here <= ATTEMPTS_PER_MINUTE_MAX {
        let everywhere = app.desk.table.count_attempt(who, now).await?.saturating_add(ATTEMPTS_SUSPICIOUS);
        if everywhere <= ATTEMPTS_PER_MINUTE_MAX {
            return Ok(());
        }
        app.attempts.bar(who);
    }
    let left_s = turn.next_at().as_second().saturating_sub(now.as_second());
    tracing::warn!(here, "one account or person asks too often");
    Err(Problem::too_many_requests(u32::try_from(left_s).unwrap_or(1)).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_counted_alone_and_anew_each_minute() {
        let at = |second| Turn::at(Timestamp::from_second(second).unwrap());
        let attempts = Attempts::default();
        assert_eq!((attempts.count("a", at(0)), attempts.count("a", at(59)), attempts.count("b", at(59))), (1, 2, 1));
        attempts.bar("b");
        assert!(attempts.count("b", at(59)) > ATTEMPTS_PER_MINUTE_MAX);
        assert_eq!(attempts.count("a", at(60)), 1);
    }
}
