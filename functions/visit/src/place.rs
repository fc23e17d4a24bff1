//! Where somebody stands.
//!
//! | code | status | when |
//! |---|---|---|
//! | `pass_expired` | 410 | the page has to be loaded again |

use crate::views::{LiveView, PlaceView, VisitView};
use crate::{Action, App};
use domain::appointment::{Appointment, AppointmentKey};
use domain::id::QueueId;
use runtime::Refusal;
use runtime::http::Call;
use store::account::Link;
use web::negotiate::Face;
use web::pass::PassError;
use web::problem::Problem;
use web::{Response, StatusCode};

/// The caller's right to see a visit; whoever has none learns nothing about it.
pub(crate) async fn linked(app: &App, call: &Call<Action>) -> Result<(Link, Appointment), Refusal> {
    let key: AppointmentKey = call.params.parse("appointment")?;
    let link = app.desk.table.link(call.account()?, &key.patient).await?.ok_or_else(Problem::not_found)?;
    let appointment = app.desk.table.appointment(&key).await?.ok_or_else(Problem::not_found)?;
    Ok((link, appointment))
}

pub(crate) async fn visit(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let (_, appointment) = linked(app, call).await?;
    let table = &app.desk.table;
    let place = &appointment.place;
    let (clinic, department) =
        tokio::try_join!(table.clinic_alone(&place.clinic), table.department(&place.department))?;
    let queue_id = clinic.and_then(|clinic| clinic.queue_id().ok());
    let queue = match &queue_id {
        Some(id) => table.queue(id).await?,
        None => None,
    };
    let policy = &call.profile()?.queue;
    let standing = PlaceView::of(queue.as_ref(), &appointment.id, policy, call.now);
    let live = match queue_id {
        Some(id) => Some(live_path(app, call, &appointment.key(), &id).await?),
        None => None,
    };
    Ok(call.show(&VisitView::of(&appointment, department.as_ref(), standing, live, call.profile()?, call.now)))
}

/// The address to ask again at: it opens this one place, for some minutes, without a session.
async fn live_path(app: &App, call: &Call<Action>, key: &AppointmentKey, queue: &QueueId) -> Result<String, Refusal> {
    let keys = app.keys.get(call.now).await?;
    Ok(format!("/visits/live?pass={}", keys.pass(&format!("{key}:{queue}"), call.now.as_second())))
}

pub(crate) async fn live(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let pass = call.meta.query("pass").unwrap_or_default();
    let keys = app.keys.get(call.now).await?;
    let (key, queue) = keys.subject(&pass).ok().and_then(subject).ok_or_else(Problem::not_found)?;
    if keys.open(&pass, call.now.as_second()) == Err(PassError::Expired) {
        return Ok(match call.meta.face() {
            Face::Page => call.go(&format!("/visits/{key}")),
            Face::Json => return Err(expired().into()),
        });
    }
    let found = app.desk.table.queue(&queue).await?;
    let place = PlaceView::of(found.as_ref(), &key.id, &call.profile()?.queue, call.now);
    Ok(call.show(&LiveView { place, back: format!("/visits/{key}") }))
}

fn subject(text: &str) -> Option<(AppointmentKey, QueueId)> {
    let (key, queue) = text.split_once(':')?;
    Some((key.parse().ok()?, queue.parse().ok()?))
}

fn expired() -> Problem {
    Problem::new(StatusCode::GONE, "pass_expired", "请重新打开候诊页面")
}
