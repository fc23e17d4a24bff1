//! Who is in a queue, and where they are in it.

use crate::appointment::AppointmentKey;
use crate::clinic::SlotStart;
use crate::id::{AppointmentId, PatientId};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Why somebody is called before others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// In turn.
    #[default]
    None,
    /// 高龄: goes first within the slot.
    Elder,
    /// 残疾: goes first within the slot.
    Disabled,
    /// 军人: goes first within the slot.
    Military,
    /// 急: goes before everybody.
    Emergency,
}

impl Priority {
    /// The badge on a screen; none for people in turn. Which of the three it is concerns nobody in the waiting room.
    pub fn badge(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Elder | Self::Disabled | Self::Military => Some("优先"),
            Self::Emergency => Some("急诊"),
        }
    }
}

/// How a waiting person comes up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// By slot, priority and check-in.
    #[default]
    Ordinary,
    /// 回诊: back with results, in between the others.
    Results,
    /// 过号: after so many more calls.
    Behind(u8),
    /// When nobody else is left.
    Last,
}

/// Where somebody stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "st", rename_all = "snake_case")]
pub enum Stage {
    /// Has a number and is not here yet.
    Expected,
    /// 候诊
    Waiting,
    /// 叫号: called to a room.
    Called {
        /// The room.
        room: String,
        /// Calls that count, from 1.
        times: u8,
        /// The first call.
        #[serde(with = "crate::clinic::epoch_s")]
        at: Timestamp,
        /// The last call that counts.
        #[serde(with = "crate::clinic::epoch_s")]
        last: Timestamp,
    },
    /// 就诊中
    InRoom {
        /// The room.
        room: String,
        /// When they were called: a room is taken from then on.
        #[serde(with = "crate::clinic::epoch_s")]
        at: Timestamp,
    },
    /// 过号, too often to come up again by themselves.
    Missed,
    /// 已就诊
    Done,
    /// Cancelled, or gone home.
    Left,
}

impl Stage {
    /// The room somebody is called to or in, and since when.
    pub fn room(&self) -> Option<(&str, Timestamp)> {
        match self {
            Self::Called { room, at, .. } | Self::InRoom { room, at } => Some((room, *at)),
            Self::Expected | Self::Waiting | Self::Missed | Self::Done | Self::Left => None,
        }
    }
}

/// Somebody in the queue. Names of attributes are short: the whole queue is one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The appointment.
    #[serde(rename = "a")]
    pub appointment: AppointmentId,
    /// The person.
    #[serde(rename = "p")]
    pub patient: PatientId,
    /// The name as a screen may show it; empty until check-in.
    #[serde(rename = "m", default, skip_serializing_if = "String::is_empty")]
    pub name_masked: String,
    /// The number within its clinic.
    #[serde(rename = "n")]
    pub number: u16,
    /// The slot booked.
    #[serde(rename = "s")]
    pub start: SlotStart,
    /// The slot that counts: the one booked, or the one of the moment for who came after it.
    #[serde(rename = "b")]
    pub band: SlotStart,
    /// When they checked in (last), in epoch seconds; 0 while expected.
    #[serde(rename = "i", default, skip_serializing_if = "is_default")]
    pub checked_in_s: i64,
    /// Why before others.
    #[serde(rename = "y", default, skip_serializing_if = "is_default")]
    pub priority: Priority,
    /// How they come up.
    #[serde(rename = "t", default, skip_serializing_if = "is_default")]
    pub turn: Turn,
    /// Turns missed.
    #[serde(rename = "x", default, skip_serializing_if = "is_default")]
    pub missed: u8,
    /// The doctor was done with them once: what comes after is a return visit of the same day.
    #[serde(rename = "d", default, skip_serializing_if = "is_default")]
    pub seen: bool,
    /// The reminder was hurried for them: it is not tried again, however the queue moves (E77).
    #[serde(rename = "r", default, skip_serializing_if = "is_default")]
    pub reminded: bool,
    /// Where they stand.
    #[serde(flatten)]
    pub stage: Stage,
}

/// What is as usual is not written.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Entry {
    /// True while they wait to be called.
    pub fn is_waiting(&self) -> bool {
        self.stage == Stage::Waiting
    }

    /// How the appointment is found.
    pub fn key(&self, date: Date) -> AppointmentKey {
        AppointmentKey { patient: self.patient.clone(), date, id: self.appointment.clone() }
    }
}
