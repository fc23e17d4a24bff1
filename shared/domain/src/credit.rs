//! The credit record (诚信记录): what a no-show (爽约) costs.
//!
//! The study's rule is the `paper` preset: three no-shows end advance booking until staff lift it; registration on the
//! day itself stays open. Other hospitals' rules join as presets of the same policy.

use crate::id::AppointmentId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whether a strike counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StrikeState {
    /// Slot end and grace have passed without a check-in; the hospital's own record may still clear it.
    Provisional,
    /// The nightly check agreed.
    Final,
    /// Lifted by staff on appeal.
    Waived,
    /// Never counted: closure, outage, the hospital's fault.
    Voided,
}

/// One missed appointment. A gate holds at most one per appointment, so a strike counts once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strike {
    /// When it was missed.
    #[serde(with = "crate::clinic::epoch_s")]
    pub at: Timestamp,
    /// Whether it counts.
    pub state: StrikeState,
}

/// All strikes of one person, by appointment.
pub type Strikes = BTreeMap<AppointmentId, Strike>;

/// How many strikes end advance booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditPolicy {
    /// From this many on (以上 includes the number itself).
    pub strikes: u32,
}

impl CreditPolicy {
    /// The study's rule (2.4.2): three or more, lifetime until cleared, advance booking only.
    pub const PAPER: Self = Self { strikes: 3 };
}

impl Default for CreditPolicy {
    fn default() -> Self {
        Self::PAPER
    }
}

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is against it.
    Good,
    /// One more no-show ends advance booking: warn.
    LastWarning,
    /// No advance booking; the same day stays open.
    NoAdvanceBooking,
}

/// The standing of a person with these strikes.
pub fn standing(strikes: &Strikes, policy: CreditPolicy) -> Standing {
    let counts = |strike: &&Strike| matches!(strike.state, StrikeState::Provisional | StrikeState::Final);
    let count = u32::try_from(strikes.values().filter(counts).count()).unwrap_or(u32::MAX);
    if count >= policy.strikes {
        Standing::NoAdvanceBooking
    } else if count.saturating_add(1) == policy.strikes {
        Standing::LastWarning
    } else {
        Standing::Good
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::AppointmentId;
    use proptest::prelude::*;

    fn strikes(states: &[StrikeState]) -> Strikes {
        let strike = |state: &StrikeState| Strike { at: Timestamp::UNIX_EPOCH, state: *state };
        let key = |n: usize| AppointmentId::from_bytes([u8::try_from(n).unwrap(); 10]);
        states.iter().enumerate().map(|(n, state)| (key(n), strike(state))).collect()
    }

    #[test]
    fn the_third_ends_advance_booking() {
        use StrikeState::{Final, Provisional, Voided, Waived};
        let of = |states: &[StrikeState]| standing(&strikes(states), CreditPolicy::PAPER);
        assert_eq!(of(&[]), Standing::Good);
        assert_eq!(of(&[Final]), Standing::Good);
        assert_eq!(of(&[Final, Provisional]), Standing::LastWarning);
        assert_eq!(of(&[Final, Provisional, Final]), Standing::NoAdvanceBooking);
        assert_eq!(of(&[Final, Waived, Final, Voided]), Standing::LastWarning);
    }

    fn any_state() -> impl Strategy<Value = StrikeState> {
        use StrikeState::{Final, Provisional, Voided, Waived};
        prop_oneof![Just(Provisional), Just(Final), Just(Waived), Just(Voided)]
    }

    proptest! {
        #[test]
        fn waiving_never_worsens(states in proptest::collection::vec(any_state(), 0..8), at in 0..8_usize) {
            let rank = |standing| match standing { Standing::Good => 0, Standing::LastWarning => 1, Standing::NoAdvanceBooking => 2 };
            let before = standing(&strikes(&states), CreditPolicy::PAPER);
            let mut waived = states.clone();
            if let Some(state) = waived.get_mut(at) { *state = StrikeState::Waived; }
            prop_assert!(rank(standing(&strikes(&waived), CreditPolicy::PAPER)) <= rank(before));
        }
    }
}
