//! What comes out of a printer: the slip of a number, and the list to go on with should the network die.

use crate::arrival::numbers_of;
use crate::clinic::opened;
use crate::views::prints::{PaperRow, PaperView, SlipView};
use crate::{Action, App};
use domain::appointment::{Appointment, AppointmentKey, State};
use domain::clinic::SlotStart;
use domain::queue::line::line;
use domain::queue::{Entry, Queue, Stage};
use futures_util::{StreamExt, TryStreamExt, stream};
use runtime::Refusal;
use runtime::http::Call;
use web::Response;
use web::problem::Problem;

/// People read at one time.
const READS_AT_ONCE: usize = 16;

pub(crate) async fn slip(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let key: AppointmentKey = call.params.parse("appointment")?;
    let appointment = app.desk.table.appointment(&key).await?.ok_or_else(Problem::not_found)?;
    let patient = app.desk.table.patient(&key.patient).await?;
    app.desk.note(call, "print_slip", &key.id).await?;
    let card = patient.and_then(|patient| patient.card);
    Ok(call.show(&SlipView::of(&appointment, card.as_ref(), call.profile()?)))
}

pub(crate) async fn paper(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let (clinic, queue) = opened(app, call).await?;
    let mut people = numbers_of(app, &queue).await?;
    people.retain(|appointment| is_of_the_day(appointment.state));
    let waiting = line(&queue, &call.profile()?.queue);
    people.sort_by_key(|appointment| place_in_list(appointment, &queue, &waiting));
    let patients = people.iter().map(|appointment| app.desk.table.patient(&appointment.patient));
    // A card's last digits tell apart two people of one masked name.
    let patients: Vec<_> = stream::iter(patients.collect::<Vec<_>>()).buffered(READS_AT_ONCE).try_collect().await?;
    app.desk.note(call, "print_list", &clinic.id).await?;
    let rows = people.iter().zip(&patients).map(|(appointment, patient)| {
        let card = patient.as_ref().and_then(|patient| patient.card.as_ref());
        PaperRow::of(appointment, queue.entry(&appointment.id), card)
    });
    Ok(call.show(&PaperView::of(&clinic, &queue, rows.collect(), call)))
}

/// Where somebody stands on the paper, which replaces the queue: who is called, those who wait in the order in which they
/// come up, who missed a turn, who may still come, and at last who is done.
fn place_in_list(appointment: &Appointment, queue: &Queue, waiting: &[&Entry]) -> (u8, usize, SlotStart, u16) {
    let entry = queue.entry(&appointment.id);
    let part = match entry.map(|entry| &entry.stage) {
        Some(Stage::Called { .. } | Stage::InRoom { .. }) => 0,
        Some(Stage::Waiting) => 1,
        Some(Stage::Missed) => 2,
        None | Some(Stage::Expected) => 3,
        Some(Stage::Done | Stage::Left) => 4,
    };
    let turn = waiting.iter().position(|entry| entry.appointment == appointment.id).unwrap_or_default();
    (part, turn, appointment.place.start, appointment.place.number)
}

/// Whether somebody with such a number is seen, or may still be, on the day.
fn is_of_the_day(state: State) -> bool {
    matches!(state, State::Booked | State::CheckedIn | State::Fulfilled | State::NoShow)
}
