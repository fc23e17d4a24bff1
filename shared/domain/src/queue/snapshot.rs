//! What the hospital's own system (HIS) says of a queue it calls from (`queue.owner = his`).

use super::{Entry, LastCall, Queue, Room, Stage};
use crate::due::Deadline;
use crate::id::AppointmentId;
use jiff::Timestamp;

/// Where the HIS says somebody stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Who, by our number.
    pub appointment: AppointmentId,
    /// Where.
    pub stage: ToldStage,
}

/// Where the HIS says somebody stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToldStage {
    /// Waiting.
    Waiting,
    /// Called to a room, so many times.
    Called {
        /// The room.
        room: String,
        /// How often.
        times: u8,
    },
    /// In a room.
    InRoom {
        /// The room.
        room: String,
    },
    /// Called and not there.
    Missed,
    /// Seen.
    Done,
}

impl Queue {
    /// The queue as the HIS tells it, those it names in its order; none when that is how it stands. Who is only expected
    /// here joins when the HIS says they wait; whom the HIS does not name stays as they are.
    pub fn told(&self, said: &[Told], now: Timestamp) -> Option<Self> {
        let mut after = self.clone();
        let mut order = 0_i64;
        for told in said {
            let ver = after.ver.saturating_add(1);
            let mut called = false;
            let room = match &told.stage {
                ToldStage::Called { room, .. } | ToldStage::InRoom { room } => Some(room.clone()),
                ToldStage::Waiting | ToldStage::Missed | ToldStage::Done => None,
            };
            let Some(entry) = after.entries.iter_mut().find(|entry| entry.appointment == told.appointment) else {
                continue;
            };
            let stage = stage_of(&told.stage, entry, now);
            if stage != entry.stage {
                called = matches!(stage, Stage::Called { .. });
                entry.seen |= stage == Stage::Done;
                entry.stage = stage;
            }
            if entry.is_waiting() {
                // The HIS's own order: what stands first is called first.
                order = order.saturating_add(1);
                entry.checked_in_s = order;
                entry.band = crate::clinic::SlotStart::FIRST;
                entry.turn = super::Turn::Ordinary;
            }
            if called {
                after.last_call = Some(LastCall { appointment: told.appointment.clone(), ver });
            }
            if let Some(name) = room.filter(|name| after.room(name).is_none()) {
                after.rooms.push(Room { name, doctor: String::new(), paused: None });
            }
        }
        if after == *self {
            return None;
        }
        after.pace_from(self, now);
        after.changed_at = now;
        after.ver = self.ver.saturating_add(1);
        Some(after)
    }

    /// The same, and the HIS is not asked about it any more; none when it is not asked.
    pub fn told_for_good(&self) -> Option<Self> {
        self.deadlines.get(Deadline::CallState)?;
        let deadlines = self.deadlines.clone().without(Deadline::CallState);
        Some(Self { deadlines, ver: self.ver.saturating_add(1), ..self.clone() })
    }

    /// Visits that ended between two snapshots, for the pace.
    fn pace_from(&mut self, before: &Self, now: Timestamp) {
        let ended = self.entries.iter().filter(|entry| entry.stage == Stage::Done).filter_map(|entry| {
            let was = before.entry(&entry.appointment)?;
            let (_, since) = was.stage.room()?;
            Some(now.as_second().saturating_sub(since.as_second()))
        });
        let ended: Vec<i64> = ended.collect();
        for took_s in ended {
            self.note_service(took_s);
        }
    }
}

fn stage_of(told: &ToldStage, entry: &Entry, now: Timestamp) -> Stage {
    let since = entry.stage.room().map_or(now, |(_, at)| at);
    match told {
        ToldStage::Waiting => Stage::Waiting,
        ToldStage::Called { room, times } => {
            Stage::Called { room: room.clone(), times: *times, at: since, last: since }
        }
        ToldStage::InRoom { room } => Stage::InRoom { room: room.clone(), at: since },
        ToldStage::Missed => Stage::Missed,
        ToldStage::Done => Stage::Done,
    }
}
