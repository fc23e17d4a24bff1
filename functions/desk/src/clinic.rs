//! The queue of a clinic, as the desk sees it.

use crate::views::queue::QueueView;
use crate::{Action, App};
use domain::clinic::Clinic;
use domain::id::ClinicId;
use domain::queue::{Queue, is_open_on};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use runtime::Refusal;
use runtime::http::Call;
use web::Response;
use web::components::Link;
use web::problem::Problem;
use web::session::IdempotencyKey;

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let (clinic, queue) = opened(app, call).await?;
    answer(app, call, &clinic, &queue)
}

/// The clinic a request is about, with its queue: opened by the first who looks.
pub(crate) async fn opened(app: &App, call: &Call<Action>) -> Result<(Clinic, Queue), Refusal> {
    let id: ClinicId = call.params.parse("clinic")?;
    let clinic = app.desk.table.clinic_alone(&id).await?.ok_or_else(Problem::not_found)?;
    let queue = if is_open_on(clinic.date, call.now) {
        app.desk.table.watch_queue(&clinic, &call.profile()?.queue, call.now).await?
    } else {
        kept(app, &clinic).await?
    };
    Ok((clinic, queue))
}

/// The queue of another day, if there was one.
async fn kept(app: &App, clinic: &Clinic) -> Result<Queue, Refusal> {
    let id = clinic.queue_id().map_err(|_| Problem::not_found())?;
    let text = format!("该门诊在 {}，当天才有候诊队列", clinic.date);
    let queue = app.desk.table.queue(&id).await?;
    Ok(queue.ok_or_else(|| Problem::conflict("not_today", text).with_action(Link::new("今日门诊", "/desk")))?)
}

/// The queue as it is now.
pub(crate) fn answer(app: &App, call: &Call<Action>, clinic: &Clinic, queue: &Queue) -> Result<Response, Refusal> {
    Ok(call.show(&view(app, call, clinic, queue)?))
}

/// The view of a queue, at the room the reader works in.
pub(crate) fn view(app: &App, call: &Call<Action>, clinic: &Clinic, queue: &Queue) -> Result<QueueView, Refusal> {
    let wanted = call.meta.query("room");
    let own = wanted.as_deref().filter(|room| queue.room(room).is_some()).unwrap_or(&clinic.room);
    let key = IdempotencyKey::from_random(app.desk.random.bytes()?);
    Ok(QueueView::of(clinic, queue, &call.profile()?.queue, own, key, call))
}

/// The desk's address, at a room.
pub(crate) fn path(clinic: &ClinicId, room: Option<&str>) -> String {
    match room.filter(|room| !room.is_empty()) {
        Some(room) => format!("/desk/clinics/{clinic}?room={}", utf8_percent_encode(room, NON_ALPHANUMERIC)),
        None => format!("/desk/clinics/{clinic}"),
    }
}
