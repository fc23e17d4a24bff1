//! What is on record of a person, or of the account that booked.

use super::block::Block;
use super::policy::STRIKES_KEPT_MAX;
use crate::clinic::ClinicKind;
use crate::event::Actor;
use crate::id::AppointmentId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Entries of the blacklist, and lifted bans, one record holds at most.
const BLOCKS_KEPT_MAX: usize = 20;

/// What happened, before any policy says what it is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Breach {
    /// Did not come, and had not cancelled.
    Missed,
    /// Gave a booked number back. Whether too late is for the policy to say.
    Cancelled,
    /// Came after the slot had ended.
    CameLate,
}

/// Whether a strike counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StrikeState {
    /// Slot end and grace have passed without a check-in; the hospital's own record may still clear it.
    Provisional,
    /// Certain.
    Final,
    /// The patient was there after all.
    Cleared,
    /// Lifted by staff on appeal.
    Waived,
    /// Never counted: closure, outage, the hospital's fault.
    Voided,
}

impl StrikeState {
    /// Whether a strike in this state counts.
    pub fn counts(self) -> bool {
        matches!(self, Self::Provisional | Self::Final)
    }
}

/// Who decided something by hand, when and why: the audit stands on the record itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Who.
    pub by: Actor,
    /// When.
    #[serde(with = "crate::clinic::epoch_s")]
    pub at: Timestamp,
    /// Why, in a few words.
    pub why: String,
}

/// One fact about one appointment. A record holds at most one per appointment, so it counts once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strike {
    /// What happened.
    pub breach: Breach,
    /// When: the end of a missed slot, the moment of a cancellation or of a late arrival.
    #[serde(with = "crate::clinic::epoch_s")]
    pub at: Timestamp,
    /// The start of the visit's slot.
    #[serde(with = "crate::clinic::epoch_s")]
    pub visit: Timestamp,
    /// Class of the clinic.
    pub kind: ClinicKind,
    /// Whether it counts.
    pub state: StrikeState,
    /// Which move of the appointment says so: an older one arriving later changes nothing.
    pub seq: u32,
    /// Who changed the state by hand, if anybody did.
    #[serde(default)]
    pub decision: Option<Decision>,
}

/// All facts of one record, by appointment.
pub type Strikes = BTreeMap<AppointmentId, Strike>;

/// What is on record of a person, or of the account that booked for others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Facts by appointment.
    #[serde(default)]
    pub strikes: Strikes,
    /// Bans lifted by staff, oldest first: what happened before the latest no longer counts.
    #[serde(default)]
    pub lifts: Vec<Decision>,
    /// Scalping and violence, noted by staff, oldest first.
    #[serde(default)]
    pub blocks: Vec<Block>,
}

impl Record {
    /// True when nothing was ever noted.
    pub fn is_empty(&self) -> bool {
        self.strikes.is_empty() && self.lifts.is_empty() && self.blocks.is_empty()
    }

    /// With what an appointment says of itself; none when that is known, or something newer is. What was decided by hand
    /// about the same move stays.
    pub fn noted(&self, appointment: &AppointmentId, strike: Strike) -> Option<Self> {
        if self.strikes.get(appointment).is_some_and(|known| known.seq >= strike.seq) {
            return None;
        }
        let mut after = self.clone();
        after.strikes.insert(appointment.clone(), strike);
        after.forget_oldest();
        Some(after)
    }

    /// A record has an end. What does not count goes first, then cancellations; no-shows go last.
    fn forget_oldest(&mut self) {
        while self.strikes.len() > STRIKES_KEPT_MAX {
            let worth = |strike: &Strike| (strike.state.counts(), strike.breach != Breach::Cancelled, strike.at);
            let Some(least) = self.strikes.iter().min_by_key(|(_, strike)| worth(strike)).map(|(id, _)| id.clone())
            else {
                return;
            };
            self.strikes.remove(&least);
        }
    }

    /// After the nightly check agreed; none when it is not a question any more.
    pub fn confirmed(&self, appointment: &AppointmentId) -> Option<Self> {
        self.changed(appointment, StrikeState::Final, |state| state == StrikeState::Provisional, None)
    }

    /// With the answer to an appeal: waived, or as it was. None when that answer is on record already.
    pub fn answered(&self, appointment: &AppointmentId, granted: bool, answer: &Decision) -> Option<Self> {
        let mut after = self.clone();
        let strike = after.strikes.get_mut(appointment)?;
        if strike.decision.as_ref() == Some(answer) {
            return None;
        }
        strike.decision = Some(answer.clone());
        if granted && strike.state.counts() {
            strike.state = StrikeState::Waived;
        }
        Some(after)
    }

    /// With a strike that never should have counted; none when it does not count anyway.
    pub fn voided(&self, appointment: &AppointmentId, decision: Decision) -> Option<Self> {
        self.changed(appointment, StrikeState::Voided, StrikeState::counts, Some(decision))
    }

    /// With a clean start: nothing up to now counts any more.
    #[must_use]
    pub fn lifted(&self, decision: Decision) -> Self {
        let mut after = self.clone();
        after.lifts.push(decision);
        let surplus = after.lifts.len().saturating_sub(BLOCKS_KEPT_MAX);
        after.lifts.drain(..surplus);
        after
    }

    /// With an entry of the blacklist; the oldest are forgotten when there are too many.
    #[must_use]
    pub fn blocked(&self, block: Block) -> Self {
        let mut after = self.clone();
        after.blocks.push(block);
        let surplus = after.blocks.len().saturating_sub(BLOCKS_KEPT_MAX);
        after.blocks.drain(..surplus);
        after
    }

    /// With everything that is in force lifted; none when nothing is.
    pub fn unblocked(&self, decision: &Decision) -> Option<Self> {
        let mut after = self.clone();
        let in_force = after.blocks.iter_mut().filter(|block| block.is_in_force(decision.at));
        let lifted = in_force.map(|block| block.lifted = Some(decision.clone())).count();
        (lifted > 0).then_some(after)
    }

    /// When the latest ban was lifted.
    pub fn lifted_at(&self) -> Option<Timestamp> {
        self.lifts.iter().map(|lift| lift.at).max()
    }

    /// The block in force at `now`.
    pub fn block(&self, now: Timestamp) -> Option<&Block> {
        self.blocks.iter().rev().find(|block| block.is_in_force(now))
    }

    fn changed(
        &self,
        appointment: &AppointmentId,
        to: StrikeState,
        from: impl Fn(StrikeState) -> bool,
        decision: Option<Decision>,
    ) -> Option<Self> {
        let mut after = self.clone();
        let strike = after.strikes.get_mut(appointment).filter(|strike| from(strike.state))?;
        strike.state = to;
        strike.decision = decision.or_else(|| strike.decision.take());
        Some(after)
    }
}
