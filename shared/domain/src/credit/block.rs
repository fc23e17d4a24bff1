//! The blacklist for scalping (号贩子) and violence (伤医): put on by staff, with evidence and an end.
//!
//! A block ends every booking online. Emergency clinics and the window stay open: nobody is refused treatment.

use super::record::Decision;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Why somebody is on the blacklist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockWhy {
    /// 倒卖号源
    Scalping,
    /// 扰乱医疗秩序、暴力伤医
    Violence,
}

impl BlockWhy {
    /// As staff read it. Patients get a neutral text.
    pub fn text(self) -> &'static str {
        match self {
            Self::Scalping => "倒卖号源",
            Self::Violence => "扰乱医疗秩序或暴力伤医",
        }
    }
}

/// One entry of the blacklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Why.
    pub why: BlockWhy,
    /// What it rests on, sealed: it may name people.
    pub evidence_sealed: String,
    /// Who put it on, and when; `why` is the class above in words.
    pub put_on: Decision,
    /// Until when; none: until staff lift it.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// Who lifted it.
    #[serde(default)]
    pub lifted: Option<Decision>,
}

impl Block {
    /// Whether it is in force at `now`.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.lifted.is_none() && self.until.is_none_or(|until| now < until)
    }
}
