//! What is free.

use crate::admission::{Entry, enter, is_crowded};
use crate::views::{ClinicRow, ClinicView, DayChoice, DepartmentView, DepartmentsView, PatientChoice, SlotChoice};
use crate::{Action, App, attempts, boards, freshness, set_apart};
use domain::admission::Phase;
use domain::board::{Board, BoardClinic};
use domain::booking::{BookingPolicy, window};
use domain::catalog::Department;
use domain::civil::Date;
use domain::clinic::Clinic;
use domain::id::{ClinicId, DepartmentId};
use domain::{Timestamp, time};
use runtime::Refusal;
use runtime::http::Call;
use store::account::Link;
use web::Response;
use web::form::Form;
use web::problem::Problem;
use web::session::IdempotencyKey;

/// Days shown to choose from.
const DAYS_SHOWN: i32 = 8;

pub(crate) async fn departments(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let departments = app.desk.table.departments().await?;
    Ok(call.show(&DepartmentsView::of(&departments)))
}

pub(crate) async fn department(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let id: DepartmentId = call.params.parse("department")?;
    let department = app.desk.table.department(&id).await?.ok_or_else(Problem::not_found)?;
    let policy = &call.profile()?.booking;
    let days = days(policy, call.now);
    let week = boards::of_days(app, &id, &days, call.now).await?;
    let wanted = call.meta.query("date").and_then(|text| text.parse::<Date>().ok());
    let chosen = wanted.filter(|date| days.contains(date)).unwrap_or_else(|| first_open(&week, policy, call.now));
    let seen = week.iter().find(|board| board.date == chosen);
    let board = boards::of_day(app, (chosen, &id), seen, call.now).await?;
    let rows = board.clinics.iter().map(|found| ClinicRow::of(found, policy, call.now)).collect();
    let choices = week.iter().map(|board| DayChoice::of(board, chosen, call.now)).collect();
    let freshness = freshness::of(app, call).await?;
    Ok(call.show(&DepartmentView { freshness, ..view(&department, choices, rows) }))
}

fn view(department: &Department, days: Vec<DayChoice>, clinics: Vec<ClinicRow>) -> DepartmentView {
    DepartmentView {
        department: department.id.to_string(),
        name: department.name.clone(),
        days,
        clinics,
        freshness: None,
    }
}

/// The days that can be booked, today first.
fn days(policy: &BookingPolicy, now: Timestamp) -> Vec<Date> {
    let today = time::today(now);
    (0..=policy.horizon_days.min(DAYS_SHOWN - 1)).map(|ahead| time::add_days(today, ahead)).collect()
}

/// The first day with a clinic that can still be booked, so that an evening visitor does not land on an empty page.
fn first_open(week: &[Board], policy: &BookingPolicy, now: Timestamp) -> Date {
    let open = |clinic: &Clinic| last_start(clinic).is_some_and(|start| window(clinic, start, policy, now).is_ok());
    let found = week.iter().find(|board| board.clinics.iter().any(|found| open(&found.clinic)));
    found.or_else(|| week.first()).map_or_else(|| time::today(now), |board| board.date)
}

/// A start late enough to tell whether a clinic's period is over: the last half hour of it.
fn last_start(clinic: &Clinic) -> Option<domain::clinic::SlotStart> {
    use domain::clinic::{Period, SlotStart};
    let minutes = match clinic.period {
        Period::Morning => 11 * 60 + 30,
        Period::Afternoon => 17 * 60,
        Period::Evening | Period::Night => 23 * 60 + 30,
    };
    SlotStart::from_minutes(minutes).ok()
}

pub(crate) async fn clinic(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let view = clinic_view(app, call, call.params.parse("clinic")?, Form::default()).await?;
    Ok(call.show(&view.with_freshness(freshness::of(app, call).await?)))
}

/// The page of a clinic: for a first visit, and again with what was chosen when a choice was not accepted.
pub(crate) async fn clinic_view(
    app: &App,
    call: &Call<Action>,
    id: ClinicId,
    form: Form,
) -> Result<ClinicView, Refusal> {
    let seen = boards::clinic(app, &id, call.now).await?;
    if is_crowded(&seen, call.now) {
        return crowded_view(app, call, &seen, form).await;
    }
    let found = app.desk.table.clinic(&id).await?.ok_or_else(Problem::not_found)?;
    let links = app.desk.table.links_of(call.account()?).await?;
    let set_apart = set_apart::of_clinic(app, call, &found, &links).await?;
    let board = BoardClinic::of(&found.clinic, &found.slots, call.now);
    Ok(clinic_page(app, call, (&board, &links), Entry::Open, form)?.with_set_apart(set_apart))
}

/// The same around the release: from the board, for a crowd must not read every slot.
async fn crowded_view(app: &App, call: &Call<Action>, clinic: &Clinic, form: Form) -> Result<ClinicView, Refusal> {
    attempts::admit(app, call.account()?.as_str(), call.now).await?;
    let board = boards::of_day(app, (clinic.date, &clinic.department), None, call.now).await?;
    let found = board.clinic(&clinic.id).ok_or_else(Problem::not_found)?;
    let links = app.desk.table.links_of(call.account()?).await?;
    let free = found.bookable(&call.profile()?.booking, call.now);
    let entry = match Phase::of(clinic, call.now) {
        Phase::Rush if free > 0 && !links.is_empty() => enter(app, call, &clinic.id, &links, free).await?,
        // Nothing to try for, or nobody to try for: the page says so itself.
        Phase::Rush | Phase::Gathering | Phase::Quiet => Entry::Open,
    };
    clinic_page(app, call, (found, &links), entry, form)
}

fn clinic_page(
    app: &App,
    call: &Call<Action>,
    (found, links): (&BoardClinic, &[Link]),
    entry: Entry,
    form: Form,
) -> Result<ClinicView, Refusal> {
    let policy = &call.profile()?.booking;
    let key = IdempotencyKey::from_random(app.desk.random.bytes()?);
    let slot = |start, free| {
        SlotChoice::of(&found.clinic, start, free, policy, call.now).closed(found.closed.contains(&start))
    };
    let slots = found.free.iter().map(|(start, free)| slot(*start, *free));
    let can_wait = policy.waitlist.admits(&found.clinic, call.now).is_ok();
    let patients = links.iter().map(PatientChoice::of).collect();
    Ok(ClinicView::of(found, slots.collect(), patients, key, form, call.now).with_entry(entry).with_waitlist(can_wait))
}
