//! What may happen to a queue, and why it may not.

use super::{Booked, Priority, Stage};
use crate::appointment::Appointment;
use crate::id::AppointmentId;

/// Somebody who has just come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The number they have.
    pub booked: Booked,
    /// The name as a screen may show it.
    pub name_masked: String,
    /// Why before others.
    pub priority: Priority,
}

impl Arrival {
    /// Of an appointment.
    pub fn of(appointment: &Appointment, priority: Priority) -> Self {
        Self {
            booked: Booked {
                appointment: appointment.id.clone(),
                patient: appointment.patient.clone(),
                number: appointment.place.number,
                start: appointment.place.start,
            },
            name_masked: appointment.patient_name_masked.clone(),
            priority,
        }
    }
}

/// What is asked of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Somebody has checked in.
    Arrive(Arrival),
    /// 叫号: the next one into a room.
    CallNext {
        /// The room.
        room: String,
    },
    /// 选叫: this one into a room, out of order.
    Call {
        /// The room.
        room: String,
        /// Who.
        appointment: AppointmentId,
    },
    /// 重叫: the last call of this person again; the call after the last one that counts is a miss.
    CallAgain(AppointmentId),
    /// 进入诊室
    Enter(AppointmentId),
    /// 过号: called and not there.
    Miss(AppointmentId),
    /// 过号报到: who missed too often, or had left, is here again.
    Return(AppointmentId),
    /// 回诊: back with results after the doctor was done with them.
    BackWithResults(AppointmentId),
    /// 就诊结束
    Finish(AppointmentId),
    /// Cancelled or gone home.
    Leave(AppointmentId),
    /// Who goes first, and why; an emergency goes before everybody.
    Prioritise {
        /// Who.
        appointment: AppointmentId,
        /// Why.
        priority: Priority,
    },
    /// 暂停叫号
    Pause {
        /// The room.
        room: String,
        /// Why, in words for patients.
        reason: String,
    },
    /// 恢复叫号
    Resume {
        /// The room.
        room: String,
    },
    /// Another room calls from this queue, too.
    OpenRoom {
        /// Its name.
        room: String,
        /// Who sees people there.
        doctor: String,
    },
    /// A room calls no more.
    CloseRoom {
        /// Its name.
        room: String,
    },
    /// 换诊室: whoever is called goes to the new room.
    MoveRoom {
        /// The old room.
        from: String,
        /// The new room.
        to: String,
    },
    /// 替诊: another doctor in the room.
    Substitute {
        /// The room.
        room: String,
        /// Who sees people there now.
        doctor: String,
    },
}

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// The hospital's own system calls.
    #[error("the hospital's own system calls")]
    OwnedByHis,
    /// The session's day is over.
    #[error("the day of this queue is over")]
    Over,
    /// No such person in the queue.
    #[error("nobody of this number in the queue")]
    Unknown,
    /// No such room.
    #[error("no such room")]
    NoRoom,
    /// The room is paused.
    #[error("the room is paused")]
    Paused,
    /// Somebody is called to the room or in it.
    #[error("somebody is called to this room or in it")]
    RoomTaken(AppointmentId),
    /// Nobody waits.
    #[error("nobody waits")]
    Empty,
    /// The person is not where the command could move them from; a repeat, or another desk was faster.
    #[error("not possible from where this person stands")]
    NotFrom(Box<Stage>),
    /// A room of this name is open.
    #[error("a room of this name is open")]
    RoomExists,
    /// The last room cannot close.
    #[error("the last room cannot close")]
    LastRoom,
    /// Empty, or too long.
    #[error("empty or too long")]
    Words,
    /// More than a queue holds.
    #[error("more than a queue holds")]
    Full,
}
