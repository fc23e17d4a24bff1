//! What the HIS says of queues: of a clinic it calls for, and of the windows and rooms a person waits at.

use crate::label::Label;

pub use domain::queue::snapshot::{Told, ToldStage};

/// The most people of one clinic that are read.
pub const CLINIC_QUEUE_MAX: usize = 400;
/// The most queues of one person that are read.
pub const CARD_QUEUES_MAX: usize = 20;

/// What somebody waits for outside the consulting room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueueKind {
    /// 取药
    Pharmacy,
    /// 检查
    Exam,
    /// 采血、检验
    Lab,
    /// 治疗
    Treatment,
}

impl QueueKind {
    /// What to call it on a page.
    pub fn patient_text(self) -> &'static str {
        match self {
            Self::Pharmacy => "取药",
            Self::Exam => "检查",
            Self::Lab => "检验",
            Self::Treatment => "治疗",
        }
    }
}

/// Where somebody stands at a window or before a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardQueue {
    /// What for.
    pub kind: QueueKind,
    /// Window or room, with building and floor.
    pub place: Label,
    /// The number on the slip; may be empty.
    pub number: Label,
    /// People before; none when the HIS does not say.
    pub ahead: Option<u16>,
    /// Called already.
    pub is_called: bool,
}
