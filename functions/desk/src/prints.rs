//! What comes out of a printer: the slip of a number, and the list to go on with should the network die.

use crate::arrival::numbers_of;
use crate::clinic::opened;
use crate::views::prints::{PaperRow, PaperView, SlipView};
use crate::{Action, App};
use domain::appointment::{AppointmentKey, State};
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

/// Whether somebody with such a number is seen, or may still be, on the day.
fn is_of_the_day(state: State) -> bool {
    matches!(state, State::Booked | State::CheckedIn | State::Fulfilled | State::NoShow)
}
