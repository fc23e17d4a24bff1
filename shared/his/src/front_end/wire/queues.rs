//! Queues the HIS calls for.

use crate::front_end::data::Data;
use crate::label::Label;
use crate::queues::{CARD_QUEUES_MAX, CLINIC_QUEUE_MAX, CardQueue, QueueKind, Told, ToldStage};
use domain::id::AppointmentId;
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub(in crate::front_end) struct ClinicBody<'a> {
    pub(in crate::front_end) clinic: &'a str,
}

/// Entries are read one by one: one that is wrong does not hide the others.
#[derive(Deserialize)]
pub(in crate::front_end) struct ClinicQueueData {
    entries: Vec<Data>,
}

#[derive(Deserialize)]
struct ToldData {
    appointment: AppointmentId,
    state: ToldState,
    room: Label,
    times: u8,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ToldState {
    Waiting,
    Called,
    InRoom,
    Missed,
    Done,
}

impl From<ClinicQueueData> for Vec<Told> {
    fn from(data: ClinicQueueData) -> Self {
        let entries = data.entries.into_iter().take(CLINIC_QUEUE_MAX);
        entries.filter_map(|entry| entry.read::<ToldData>().ok()).map(Told::from).collect()
    }
}

impl From<ToldData> for Told {
    fn from(data: ToldData) -> Self {
        let room = || data.room.as_str().to_owned();
        let stage = match data.state {
            ToldState::Waiting => ToldStage::Waiting,
            ToldState::Called => ToldStage::Called { room: room(), times: data.times.max(1) },
            ToldState::InRoom => ToldStage::InRoom { room: room() },
            ToldState::Missed => ToldStage::Missed,
            ToldState::Done => ToldStage::Done,
        };
        Self { appointment: data.appointment, stage }
    }
}

/// As above.
#[derive(Deserialize)]
pub(in crate::front_end) struct CardQueuesData {
    queues: Vec<Data>,
}

#[derive(Deserialize)]
struct CardQueueData {
    kind: CardQueueKind,
    place: Label,
    number: Label,
    ahead: Option<u16>,
    called: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum CardQueueKind {
    Pharmacy,
    Exam,
    Lab,
    Treatment,
}

impl From<CardQueuesData> for Vec<CardQueue> {
    fn from(data: CardQueuesData) -> Self {
        let queues = data.queues.into_iter().take(CARD_QUEUES_MAX);
        queues.filter_map(|queue| queue.read::<CardQueueData>().ok()).map(CardQueue::from).collect()
    }
}

impl From<CardQueueData> for CardQueue {
    fn from(data: CardQueueData) -> Self {
        let CardQueueData { kind, place, number, ahead, called } = data;
        let kind = match kind {
            CardQueueKind::Pharmacy => QueueKind::Pharmacy,
            CardQueueKind::Exam => QueueKind::Exam,
            CardQueueKind::Lab => QueueKind::Lab,
            CardQueueKind::Treatment => QueueKind::Treatment,
        };
        Self { kind, place, number, ahead, is_called: called }
    }
}
