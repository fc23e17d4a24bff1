//! What staff do with the people of a queue.

use crate::clinic::{answer, opened, path};
use crate::once::Once;
use crate::{Action, App};
use domain::event::Actor;
use domain::id::{AppointmentId, QueueId};
use domain::queue::{Command, Priority, Queue, QueueError};
use runtime::Refusal;
use runtime::http::Call;
use store::queues::QueueFailed;
use web::Response;
use web::form::Fields;
use web::negotiate::Face;
use web::problem::Problem;

/// What is asked, as its `deed` field names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// `call_next` 叫下一位: into `room`.
    CallNext,
    /// `call` 选叫: this `appointment` into `room`.
    Call,
    /// `call_again` 重叫
    CallAgain,
    /// `enter` 进诊室
    Enter,
    /// `miss` 过号
    Miss,
    /// `return` 返回队列
    Return,
    /// `results` 回诊
    Results,
    /// `finish` 完成
    Finish,
    /// `finish_next` 完成并叫下一位: this `appointment`, then the next into `room`.
    FinishNext,
    /// `leave` 离开
    Leave,
    /// `prioritise` 优先: with `priority`.
    Prioritise,
    /// `pause` 暂停: `room`, because of `words`.
    Pause,
    /// `resume` 恢复
    Resume,
    /// `open_room` 增开诊室: named `to`, with `words` who sees people there.
    OpenRoom,
    /// `close_room` 关闭诊室
    CloseRoom,
    /// `move_room` 换诊室: `room` is now `to`.
    MoveRoom,
    /// `substitute` 替诊: `words` sees people in `room` now.
    Substitute,
}

impl Deed {
    /// Every deed.
    pub const ALL: [Self; 17] = [
        Self::CallNext,
        Self::Call,
        Self::CallAgain,
        Self::Enter,
        Self::Miss,
        Self::Return,
        Self::Results,
        Self::Finish,
        Self::FinishNext,
        Self::Leave,
        Self::Prioritise,
        Self::Pause,
        Self::Resume,
        Self::OpenRoom,
        Self::CloseRoom,
        Self::MoveRoom,
        Self::Substitute,
    ];

    /// The deed's name in the API and in the audit.
    pub const fn code(self) -> &'static str {
        match self {
            Self::CallNext => "call_next",
            Self::Call => "call",
            Self::CallAgain => "call_again",
            Self::Enter => "enter",
            Self::Miss => "miss",
            Self::Return => "return",
            Self::Results => "results",
            Self::Finish => "finish",
            Self::FinishNext => "finish_next",
            Self::Leave => "leave",
            Self::Prioritise => "prioritise",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::OpenRoom => "open_room",
            Self::CloseRoom => "close_room",
            Self::MoveRoom => "move_room",
            Self::Substitute => "substitute",
        }
    }

    fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.code() == code)
    }
}

/// The name of a priority in the API.
pub const fn priority_code(priority: Priority) -> &'static str {
    match priority {
        Priority::None => "none",
        Priority::Elder => "elder",
        Priority::Disabled => "disabled",
        Priority::Military => "military",
        Priority::Emergency => "emergency",
    }
}

/// Every priority with its words, in the order they are offered.
pub const PRIORITIES: [(Priority, &str); 5] = [
    (Priority::None, "按序"),
    (Priority::Elder, "高龄优先"),
    (Priority::Disabled, "残疾优先"),
    (Priority::Military, "军人优先"),
    (Priority::Emergency, "急诊插队"),
];

/// The priority a form names; none when it names none.
pub(crate) fn priority(fields: &Fields) -> Result<Priority, Problem> {
    let Some(code) = fields.text("priority") else { return Ok(Priority::None) };
    let found = PRIORITIES.into_iter().find(|(priority, _)| priority_code(*priority) == code);
    found.map(|(priority, _)| priority).ok_or_else(Problem::bad_request)
}

/// A request about a queue, read.
struct Wish {
    deed: Deed,
    room: String,
    appointment: Option<AppointmentId>,
    priority: Priority,
    words: String,
    to: String,
}

impl Wish {
    fn read(fields: &Fields) -> Result<Self, Problem> {
        let text = |name: &str| fields.text(name).unwrap_or_default().to_owned();
        let appointment = fields.text("appointment").map(str::parse).transpose().map_err(|_| Problem::bad_request())?;
        Ok(Self {
            deed: fields.text("deed").and_then(Deed::from_code).ok_or_else(Problem::bad_request)?,
            room: text("room"),
            appointment,
            priority: priority(fields)?,
            words: text("words"),
            to: text("to"),
        })
    }

    fn appointment(&self) -> Result<AppointmentId, Problem> {
        self.appointment.clone().ok_or_else(Problem::bad_request)
    }

    /// What the queue is asked. Ending a visit moves the appointment, too, and is not asked of the queue alone.
    fn command(&self) -> Result<Command, Problem> {
        let (room, words, to) = (self.room.clone(), self.words.clone(), self.to.clone());
        Ok(match self.deed {
            Deed::CallNext => Command::CallNext { room },
            Deed::Call => Command::Call { room, appointment: self.appointment()? },
            Deed::CallAgain => Command::CallAgain(self.appointment()?),
            Deed::Enter => Command::Enter(self.appointment()?),
            Deed::Miss => Command::Miss(self.appointment()?),
            Deed::Return => Command::Return(self.appointment()?),
            Deed::Results => Command::BackWithResults(self.appointment()?),
            Deed::Finish | Deed::FinishNext => Command::Finish(self.appointment()?),
            Deed::Leave => Command::Leave(self.appointment()?),
            Deed::Prioritise => Command::Prioritise { appointment: self.appointment()?, priority: self.priority },
            Deed::Pause => Command::Pause { room, reason: words },
            Deed::Resume => Command::Resume { room },
            Deed::OpenRoom => Command::OpenRoom { room: to, doctor: words },
            Deed::CloseRoom => Command::CloseRoom { room },
            Deed::MoveRoom => Command::MoveRoom { from: room, to },
            Deed::Substitute => Command::Substitute { room, doctor: words },
        })
    }

    /// The room the reader goes on in.
    fn room_after(&self) -> &str {
        if self.deed == Deed::MoveRoom { &self.to } else { &self.room }
    }
}

pub(crate) async fn act(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let fields = call.fields()?;
    let wish = Wish::read(&fields)?;
    let about = wish.appointment.as_ref().map_or_else(String::new, ToString::to_string);
    let once = Once::of(call, &fields, &[wish.deed.code(), &about, &wish.room, &wish.words, &wish.to])?;
    let (clinic, mut queue) = opened(app, call).await?;
    if !once.is_done(app).await? {
        queue = run(app, call, &queue.id, &wish).await?;
        let about = if about.is_empty() { clinic.id.to_string() } else { about };
        once.done(app, call, wish.deed.code(), about).await?;
    }
    match call.meta.face() {
        Face::Json => answer(app, call, &clinic, &queue),
        Face::Page => Ok(call.go(&path(&clinic.id, Some(wish.room_after())))),
    }
}

async fn run(app: &App, call: &Call<Action>, id: &QueueId, wish: &Wish) -> Result<Queue, Refusal> {
    let (table, profile) = (&app.desk.table, call.profile()?);
    let command = wish.command()?;
    let Command::Finish(appointment) = &command else {
        return Ok(table.move_queue(id, &profile.queue, &command, call.now).await?);
    };
    let actor = Actor::Staff(call.staff()?.to_owned());
    let finished = table.finish_visit(profile, id, appointment, &actor, call.now).await?;
    if wish.deed == Deed::Finish {
        return Ok(finished);
    }
    let next = Command::CallNext { room: wish.room.clone() };
    match table.move_queue(id, &profile.queue, &next, call.now).await {
        // The visit is over all the same; why nobody is called stands on the screen.
        Err(QueueFailed::Refused(QueueError::Empty | QueueError::Paused)) => Ok(finished),
        moved => Ok(moved?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_deed_is_known_by_its_code() {
        for deed in Deed::ALL {
            assert_eq!(Deed::from_code(deed.code()), Some(deed));
        }
        assert_eq!(Deed::from_code("undo"), None);
    }
}
