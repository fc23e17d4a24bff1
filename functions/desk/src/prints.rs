//! What comes out of a printer: the slip of a number, and the list to go on with should the network die.

use crate::clinic::opened;
use crate::views::prints::{PaperRow, PaperView, SlipView};
use crate::{Action, App};
use domain::appointment::{Appointment, AppointmentKey};
use domain::id::CardNo;
use domain::queue::Queue;
use futures_util::{StreamExt, TryStreamExt, stream};
use runtime::Refusal;
use runtime::http::Call;
use runtime::window::appointments_in;
use std::collections::BTreeMap;
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
    let appointments = everybody(app, &queue).await?;
    let cards = cards(app, &appointments).await?;
    app.desk.note(call, "print_list", &clinic.id).await?;
    let rows = queue.entries.iter().filter_map(|entry| {
        let appointment = appointments.get(entry.appointment.as_str())?;
        Some(PaperRow::of(entry, appointment, cards.get(entry.appointment.as_str())))
    });
    Ok(call.show(&PaperView::of(&clinic, &queue, rows.collect(), call)))
}

/// The appointments of all clinics of the queue, by id.
async fn everybody(app: &App, queue: &Queue) -> Result<BTreeMap<String, Appointment>, Refusal> {
    let mut all = BTreeMap::new();
    for id in &queue.clinics {
        if let Some(found) = app.desk.table.clinic(id).await? {
            let appointments = appointments_in(&app.desk, &found).await?;
            all.extend(appointments.into_iter().map(|appointment| (appointment.id.to_string(), appointment)));
        }
    }
    Ok(all)
}

/// Cards by appointment: their last digits tell apart two people of one masked name.
async fn cards(app: &App, appointments: &BTreeMap<String, Appointment>) -> Result<BTreeMap<String, CardNo>, Refusal> {
    let reads: Vec<_> = appointments.values().map(|appointment| app.desk.table.patient(&appointment.patient)).collect();
    let read: Vec<_> = stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await?;
    let cards = appointments.keys().zip(read).filter_map(|(id, patient)| Some((id.clone(), patient?.card?)));
    Ok(cards.collect())
}
