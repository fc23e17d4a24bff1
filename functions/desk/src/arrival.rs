//! Somebody is here: who it is, from what was scanned or typed, and into the queue with them.
//!
//! | code | status | when |
//! |---|---|---|
//! | `nobody_found` | 404 | nobody of today fits |
//! | `wrong_desk` | 409 | the number is for another queue; the text says which |

use crate::clinic::{opened, path, view};
use crate::once::Once;
use crate::queue::priority;
use crate::views::queue::{Candidate, ChoicesView};
use crate::{Action, App};
use domain::appointment::{Appointment, AppointmentKey, State};
use domain::clinic::Clinic;
use domain::event::Actor;
use domain::id::{CardNo, PatientId};
use domain::person::{PersonName, age_on, compact};
use domain::queue::{CheckInError, Priority, Queue};
use domain::time;
use runtime::Refusal;
use runtime::http::Call;
use runtime::window::appointments_in;
use store::queues::{CheckIn, CheckedIn, Way};
use web::negotiate::Face;
use web::problem::Problem;
use web::{Response, StatusCode};

/// Digits of a number somebody reads out; a card has more.
const NUMBER_DIGITS_MAX: usize = 3;
/// Longest text a scanner sends, in bytes.
const SCANNED_BYTES_MAX: usize = 256;

/// Who fits what was scanned or typed.
enum Found {
    /// This one, without doubt.
    One(AppointmentKey),
    /// Staff choose: a name or a number of several clinics fits more than one.
    Several(Vec<Appointment>),
}

pub(crate) async fn check_in(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let fields = call.fields()?;
    let typed = fields.text("who").filter(|text| text.len() <= SCANNED_BYTES_MAX).ok_or_else(nobody)?;
    let priority = priority(&fields)?;
    let (clinic, queue) = opened(app, call).await?;
    let key = match find(app, call, &queue, typed).await? {
        Found::One(key) => key,
        Found::Several(fitting) => {
            let candidates = fitting.iter().map(Candidate::of).collect();
            let choices = ChoicesView::of(&clinic, candidates, app.desk.random.bytes()?);
            return Ok(call.show(&choices.with(priority, call.meta.query("room"))));
        }
    };
    let once = Once::of(call, &fields, &[&key.to_string()])?;
    let here = arrive(app, call, &queue, &key, priority).await?;
    if !once.is_done(app).await? {
        once.done(app, call, "check_in", &key.id).await?;
    }
    respond(app, call, &clinic, &here)
}

fn respond(app: &App, call: &Call<Action>, clinic: &Clinic, here: &CheckedIn) -> Result<Response, Refusal> {
    match call.meta.face() {
        Face::Json => Ok(call.show(&view(app, call, clinic, &here.queue)?.said(arrived(here)))),
        Face::Page => Ok(call.go(&path(&clinic.id, call.meta.query("room").as_deref()))),
    }
}

fn arrived(here: &CheckedIn) -> String {
    let appointment = &here.appointment;
    format!("{} 号 {} 已报到", appointment.place.number, appointment.patient_name_masked)
}

fn nobody() -> Problem {
    let text = "没有找到：请核对卡号、序号或姓名，确认是今天本诊区的号";
    Problem::new(StatusCode::NOT_FOUND, "nobody_found", text)
}

async fn find(app: &App, call: &Call<Action>, queue: &Queue, typed: &str) -> Result<Found, Refusal> {
    if let Some(key) = scanned_key(typed) {
        return Ok(Found::One(key));
    }
    // A keyboard left in Chinese types full-width digits.
    let plain = compact(typed).unwrap_or_default();
    if (1..=NUMBER_DIGITS_MAX).contains(&plain.len()) && plain.bytes().all(|byte| byte.is_ascii_digit()) {
        return by_number(app, queue, &plain).await;
    }
    if let Ok(no) = plain.parse::<CardNo>() {
        let card = app.desk.table.card(&no).await?;
        let holder = card.and_then(|card| card.patient).ok_or_else(nobody)?;
        let patient = app.desk.table.root_of(&holder).await?;
        return by_person(app, call, queue, &patient).await;
    }
    by_name(app, queue, typed).await
}

/// The appointment of a code: its key alone, or the address of its page.
fn scanned_key(typed: &str) -> Option<AppointmentKey> {
    let path = typed.split(['?', '#']).next()?;
    path.split('/').rev().find_map(|part| part.parse().ok())
}

/// Those who have this number in a clinic of the queue, as the slots say: the queue may not know them yet.
async fn by_number(app: &App, queue: &Queue, typed: &str) -> Result<Found, Refusal> {
    let number: u16 = typed.parse().map_err(|_| nobody())?;
    let fits = |appointment: &Appointment| appointment.place.number == number && is_awaited(appointment);
    let mut fitting = numbers_of(app, queue).await?;
    fitting.retain(fits);
    match fitting.as_slice() {
        [] => Err(nobody().into()),
        [one] => Ok(Found::One(one.key())),
        _ => Ok(Found::Several(fitting)),
    }
}

/// Has a number and is not here yet.
fn is_awaited(appointment: &Appointment) -> bool {
    matches!(appointment.state, State::Booked | State::NoShow)
}

/// Everybody who has a number in a clinic of the queue.
pub(crate) async fn numbers_of(app: &App, queue: &Queue) -> Result<Vec<Appointment>, Refusal> {
    let mut all = Vec::new();
    for id in &queue.clinics {
        if let Some(found) = app.desk.table.clinic(id).await? {
            all.extend(appointments_in(&app.desk, &found).await?);
        }
    }
    Ok(all)
}

/// The person's number of today in this queue; else what is said of their number elsewhere.
async fn by_person(app: &App, call: &Call<Action>, queue: &Queue, patient: &PatientId) -> Result<Found, Refusal> {
    let today = time::today(call.now);
    let mut numbers = app.desk.table.appointments_of_person(patient).await?;
    let is_over = |state: State| matches!(state, State::Cancelled { .. } | State::Expired | State::Refused { .. });
    numbers.retain(|appointment| appointment.place.date == today && !is_over(appointment.state));
    let (mut here, elsewhere): (Vec<_>, Vec<_>) =
        numbers.into_iter().partition(|appointment| queue.clinics.contains(&appointment.place.clinic));
    match (here.pop(), here.is_empty(), elsewhere.first()) {
        (Some(only), true, _) => Ok(Found::One(only.key())),
        (Some(one), false, _) => Ok(Found::Several(here.into_iter().chain([one]).collect())),
        (None, _, Some(other)) => Err(wrong_desk(other).into()),
        (None, _, None) => Err(nobody().into()),
    }
}

/// Those whose masked name is that of the one typed: staff tell them apart.
async fn by_name(app: &App, queue: &Queue, typed: &str) -> Result<Found, Refusal> {
    let masked = PersonName::parse(typed).map_err(|_| nobody())?.masked();
    let mut fitting = numbers_of(app, queue).await?;
    fitting.retain(|appointment| appointment.patient_name_masked == masked && is_awaited(appointment));
    if fitting.is_empty() { Err(nobody().into()) } else { Ok(Found::Several(fitting)) }
}

fn wrong_desk(appointment: &Appointment) -> CheckInError {
    let place = &appointment.place;
    CheckInError::WrongDesk { department: place.department_name.clone(), room: place.room.clone() }
}

async fn arrive(
    app: &App,
    call: &Call<Action>,
    queue: &Queue,
    key: &AppointmentKey,
    priority: Priority,
) -> Result<CheckedIn, Refusal> {
    let appointment = app.desk.table.appointment(key).await?.ok_or_else(nobody)?;
    if !queue.clinics.contains(&appointment.place.clinic) {
        return Err(wrong_desk(&appointment).into());
    }
    let priority = if priority == Priority::None { by_age(app, call, &key.patient).await? } else { priority };
    let actor = Actor::Staff(call.staff()?.to_owned());
    let request = CheckIn { key: key.clone(), way: Way::Staff, priority, actor };
    Ok(app.desk.table.check_in(call.profile()?, &request, call.now).await?)
}

/// Old age goes first without being asked for, where the document tells it.
async fn by_age(app: &App, call: &Call<Action>, patient: &PatientId) -> Result<Priority, Refusal> {
    let Some(patient) = app.desk.table.patient(patient).await? else { return Ok(Priority::None) };
    let keys = app.identity.get(call.now).await?;
    let from = call.profile()?.queue.elder_age_years;
    let birth = patient.identity.birth_date(&keys)?;
    let is_old = birth.is_some_and(|birth| age_on(birth, time::today(call.now)) >= from);
    Ok(if is_old { Priority::Elder } else { Priority::None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_key_or_the_address_of_a_page() {
        let key = "0000000000000000-20261123-1111111111111111";
        let parsed: AppointmentKey = key.parse().unwrap();
        for scanned in
            [key, &format!("https://desk.example.com/appointments/{key}?x=1"), &format!("/appointments/{key}/pay")]
        {
            assert_eq!(scanned_key(scanned), Some(parsed.clone()), "{scanned}");
        }
        for other in ["12", "8800001234", "林晓梅", "https://desk.example.com/"] {
            assert_eq!(scanned_key(other), None, "{other}");
        }
    }
}
