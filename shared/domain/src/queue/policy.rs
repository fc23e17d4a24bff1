//! What one hospital decides differently from another about waiting and calling.

use crate::clinic::ClinicKind;
use serde::{Deserialize, Serialize};

/// Who calls people in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueOwner {
    /// Our own desk.
    #[default]
    Menzhen,
    /// The hospital's own system (HIS): we show what it says and tell it who is here.
    His,
}

/// How long one visit takes before a session has shown its own pace, in minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VisitMinutes {
    /// 普通
    pub ordinary: u16,
    /// 专家
    pub expert: u16,
    /// 特需
    pub special: u16,
    /// 急诊
    pub emergency: u16,
}

impl Default for VisitMinutes {
    fn default() -> Self {
        Self { ordinary: 6, expert: 8, special: 12, emergency: 8 }
    }
}

impl VisitMinutes {
    /// Of a class of clinics.
    pub fn of(self, kind: ClinicKind) -> u16 {
        match kind {
            ClinicKind::Ordinary => self.ordinary,
            ClinicKind::Expert => self.expert,
            ClinicKind::Special => self.special,
            ClinicKind::Emergency => self.emergency,
        }
    }
}

/// The hospital's rules of the queue; defaults are domain practice of large outpatient departments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QueuePolicy {
    /// Who calls.
    pub owner: QueueOwner,
    /// Check-in opens this many minutes before the slot; it closes with the slot.
    pub check_in_before_min: i64,
    /// Whether a printed code checks in, besides the one on the desk's screen that changes every few minutes.
    pub printed_code: bool,
    /// From this age on a person goes first within the slot, in years.
    pub elder_age_years: u16,
    /// Calls after which a person who does not come has missed the turn.
    pub calls_max: u8,
    /// A further call counts after this many seconds; sooner it is only repeated aloud.
    pub call_gap_s: i64,
    /// Who missed a turn comes up again after this many others.
    pub missed_behind: u8,
    /// So often; after that the desk has to call for them at the end of the session.
    pub missed_max: u8,
    /// Every how many calls one goes to somebody who comes back with results.
    pub results_every: u8,
    /// How long a visit takes while the session has not shown it.
    pub visit_min: VisitMinutes,
}

impl Default for QueuePolicy {
    fn default() -> Self {
        Self {
            owner: QueueOwner::Menzhen,
            check_in_before_min: 60,
            printed_code: true,
            elder_age_years: 80,
            calls_max: 3,
            call_gap_s: 60,
            missed_behind: 3,
            missed_max: 2,
            results_every: 2,
            visit_min: VisitMinutes::default(),
        }
    }
}
