//! A circuit breaker: a HIS that is down is left alone for a while, and patients get their answer at once.

use crate::error::HisError;
use domain::Timestamp;
use domain::time::add_seconds;

/// So many failures in a row open the circuit.
pub const FAILURES_IN_A_ROW_MAX: u32 = 5;
/// So long nothing is sent; then one call tries, and its failure opens the circuit again.
pub const OPEN_FOR_S: i64 = 30;

/// Counts failures in a row and says whether to call at all. Time is an argument.
#[derive(Debug, Default)]
pub struct Breaker {
    failures_in_a_row: u32,
    closed_again_at: Option<Timestamp>,
}

impl Breaker {
    /// Whether a call may go out. While the circuit is open one call each [`OPEN_FOR_S`] may.
    pub fn admit(&mut self, now: Timestamp) -> Result<(), HisError> {
        match self.closed_again_at {
            Some(at) if now < at => Err(HisError::Unavailable),
            Some(_) => {
                self.closed_again_at = Some(add_seconds(now, OPEN_FOR_S));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Learns how an admitted call ended. Any signed answer, a refusal too, closes the circuit.
    pub fn learn<T>(&mut self, outcome: &Result<T, HisError>, now: Timestamp) {
        match outcome {
            Err(error) if error.is_failure_of_service() => self.count_failure(now),
            _ => *self = Self::default(),
        }
    }

    fn count_failure(&mut self, now: Timestamp) {
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        if self.failures_in_a_row >= FAILURES_IN_A_ROW_MAX {
            self.closed_again_at = Some(add_seconds(now, OPEN_FOR_S));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Refusal;

    const FAILED: Result<(), HisError> = Err(HisError::UnknownOutcome);

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn failed_times(times: u32) -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..times {
            assert_eq!(breaker.admit(second(0)), Ok(()));
            breaker.learn(&FAILED, second(0));
        }
        breaker
    }

    #[test]
    fn five_failures_in_a_row_open_the_circuit_for_half_a_minute() {
        let mut breaker = failed_times(FAILURES_IN_A_ROW_MAX);
        assert_eq!(breaker.admit(second(0)), Err(HisError::Unavailable));
        assert_eq!(breaker.admit(second(OPEN_FOR_S - 1)), Err(HisError::Unavailable));
        assert_eq!(breaker.admit(second(OPEN_FOR_S)), Ok(()));
    }

    #[test]
    fn one_call_tries_and_decides() {
        let mut breaker = failed_times(FAILURES_IN_A_ROW_MAX);
        assert_eq!(breaker.admit(second(30)), Ok(()));
        assert_eq!(breaker.admit(second(31)), Err(HisError::Unavailable));
        breaker.learn(&FAILED, second(31));
        assert_eq!(breaker.admit(second(60)), Err(HisError::Unavailable));
        assert_eq!(breaker.admit(second(61)), Ok(()));
        breaker.learn(&Ok::<(), HisError>(()), second(62));
        assert_eq!(breaker.admit(second(62)), Ok(()));
    }

    #[test]
    fn an_answer_between_starts_the_count_again() {
        for answer in [Err(HisError::Refused { code: Refusal::BillPaid }), Err(HisError::Unreadable), Ok(())] {
            let mut breaker = failed_times(FAILURES_IN_A_ROW_MAX - 1);
            breaker.learn(&answer, second(0));
            breaker.learn(&FAILED, second(0));
            assert_eq!(breaker.admit(second(0)), Ok(()), "{answer:?}");
        }
    }
}
