//! What is free.

use crate::views::{ClinicRow, ClinicView, DayChoice, DepartmentView, DepartmentsView, PatientChoice, SlotChoice};
use crate::{Action, App};
use domain::booking::{BookingPolicy, window};
use domain::catalog::Department;
use domain::civil::Date;
use domain::clinic::{Channel, Clinic, ClinicState, Slot};
use domain::id::DepartmentId;
use domain::{Timestamp, time};
use futures_util::future::try_join_all;
use runtime::Refusal;
use runtime::http::Call;
use store::clinics::ClinicWithSlots;
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
    let clinics = try_join_all(days.iter().map(|day| app.desk.table.clinics_on(*day, &id))).await?;
    let wanted = call.meta.query("date").and_then(|text| text.parse::<Date>().ok());
    let chosen =
        wanted.filter(|date| days.contains(date)).unwrap_or_else(|| first_open(&days, &clinics, policy, call.now));
    let of_day = days.iter().position(|day| *day == chosen).and_then(|at| clinics.get(at)).cloned().unwrap_or_default();
    let rows = rows(app, of_day, policy, call.now).await?;
    let choices = days.iter().zip(&clinics).map(|(day, clinics)| DayChoice::of(*day, clinics, chosen, call.now));
    Ok(call.show(&view(&department, choices.collect(), rows)))
}

fn view(department: &Department, days: Vec<DayChoice>, clinics: Vec<ClinicRow>) -> DepartmentView {
    DepartmentView { department: department.id.to_string(), name: department.name.clone(), days, clinics }
}

/// The days that can be booked, today first.
fn days(policy: &BookingPolicy, now: Timestamp) -> Vec<Date> {
    let today = time::today(now);
    (0..=policy.horizon_days.min(DAYS_SHOWN - 1)).map(|ahead| time::add_days(today, ahead)).collect()
}

/// The first day with a clinic that can still be booked, so that an evening visitor does not land on an empty page.
fn first_open(days: &[Date], clinics: &[Vec<Clinic>], policy: &BookingPolicy, now: Timestamp) -> Date {
    let open = |clinic: &Clinic| last_start(clinic).is_some_and(|start| window(clinic, start, policy, now).is_ok());
    let found = days.iter().zip(clinics).find(|(_, clinics)| clinics.iter().any(open)).map(|(day, _)| *day);
    found.or_else(|| days.first().copied()).unwrap_or_else(|| time::today(now))
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

async fn rows(
    app: &App,
    clinics: Vec<Clinic>,
    policy: &BookingPolicy,
    now: Timestamp,
) -> Result<Vec<ClinicRow>, Refusal> {
    let read = clinics.iter().map(|clinic| app.desk.table.clinic(&clinic.id));
    let read = try_join_all(read).await?;
    let mut clinics: Vec<_> = read.into_iter().flatten().collect();
    clinics.sort_by(|a, b| (a.clinic.period, &a.clinic.id).cmp(&(b.clinic.period, &b.clinic.id)));
    Ok(clinics.iter().map(|clinic| ClinicRow::of(clinic, free(clinic, policy, now))).collect())
}

/// Numbers of a clinic that can be booked now.
fn free(clinic: &ClinicWithSlots, policy: &BookingPolicy, now: Timestamp) -> usize {
    let is_open = |slot: &Slot| slot.state == ClinicState::Open;
    let bookable = |slot: &&Slot| is_open(slot) && window(&clinic.clinic, slot.start, policy, now).is_ok();
    clinic.slots.iter().filter(bookable).map(|slot| slot.free_for(Channel::Wechat, now).len()).sum()
}

pub(crate) async fn clinic(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    Ok(call.show(&clinic_view(app, call, call.params.parse("clinic")?, Form::default()).await?))
}

/// The page of a clinic: for a first visit, and again with what was chosen when a choice was not accepted.
pub(crate) async fn clinic_view(
    app: &App,
    call: &Call<Action>,
    id: domain::id::ClinicId,
    form: Form,
) -> Result<ClinicView, Refusal> {
    let found = app.desk.table.clinic(&id).await?.ok_or_else(Problem::not_found)?;
    let policy = &call.profile()?.booking;
    let links = app.desk.table.links_of(call.account()?).await?;
    let slots = found.slots.iter().map(|slot| SlotChoice::of(&found.clinic, slot, policy, call.now)).collect();
    let patients = links.iter().map(PatientChoice::of).collect();
    let key = IdempotencyKey::from_random(app.desk.random.bytes()?);
    let can_wait = policy.waitlist.admits(&found.clinic, call.now).is_ok();
    Ok(ClinicView::of(&found.clinic, slots, patients, key, form, call.now).with_waitlist(can_wait))
}
