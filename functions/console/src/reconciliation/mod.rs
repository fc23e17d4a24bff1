//! Finance: reconciled days, their differences, and signing them off (F36).

pub(crate) mod export;
pub mod views;

use crate::{Action, App, body};
use domain::civil::Date;
use domain::reconciliation::day::{Day, DayError, comparable};
use domain::reconciliation::worklist::{Case, CaseError, NOTES_MAX, NoteText};
use domain::reconciliation::{DIFFERENCES_MAX, DifferenceId, REPEATABLE_DAYS};
use domain::time;
use runtime::Refusal;
use runtime::http::Call;
use serde::Deserialize;
use store::reconciliation::{CaseFailed, DayFailed};
use views::{CaseView, DayDetailView, DayView, DaysView};
use web::problem::Problem;
use web::{Response, StatusCode};

/// Days listed when nobody says which.
const DAYS_LISTED: i32 = 31;
/// Days listed at most.
const DAYS_MAX: i32 = 92;

pub(crate) async fn list(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let dates = wanted_days(call)?;
    let days = app.desk.table.reconciliation_days(&dates).await?;
    tracing::info!(who = call.staff()?, what = "list_reconciliations", days = days.len(), "staff action");
    Ok(call.show(&DaysView::of(&days)))
}

/// The days asked for, latest first.
fn wanted_days(call: &Call<Action>) -> Result<Vec<Date>, Problem> {
    let yesterday = time::add_days(time::today(call.now), -1);
    let to = day_named(call, "to")?.unwrap_or(yesterday);
    let from = day_named(call, "from")?.unwrap_or_else(|| time::add_days(to, 1 - DAYS_LISTED));
    if from > to || from <= time::add_days(to, -DAYS_MAX) {
        return Err(bad_days());
    }
    Ok((0..DAYS_MAX).map(|back| time::add_days(to, -back)).take_while(|day| *day >= from).collect())
}

fn day_named(call: &Call<Action>, name: &str) -> Result<Option<Date>, Problem> {
    call.meta.query(name).map(|text| text.parse().map_err(|_| bad_days())).transpose()
}

fn bad_days() -> Problem {
    let text = format!("from 和 to 应为 YYYY-MM-DD，先后有序，最多 {DAYS_MAX} 天");
    Problem::new(StatusCode::BAD_REQUEST, "bad_days", text)
}

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let (day, cases) = day_with_cases(app, call).await?;
    app.desk.note(call, "read_reconciliation", day.date).await?;
    Ok(call.show(&DayDetailView::of(&day, &cases)))
}

pub(crate) async fn export(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let (day, cases) = day_with_cases(app, call).await?;
    let csv = export::csv(day.date, &cases).map_err(|error| runtime::refusal::unavailable("export", &error))?;
    app.desk.note(call, "export_reconciliation", day.date).await?;
    Ok(call.download(&format!("reconciliation-{}.csv", day.date), csv.into_bytes()))
}

async fn day_with_cases(app: &App, call: &Call<Action>) -> Result<(Day, Vec<Case>), Refusal> {
    let date: Date = call.params.parse("date")?;
    let day = app.desk.table.reconciliation_day(date).await?.ok_or_else(Problem::not_found)?;
    Ok((day, app.desk.table.reconciliation_cases(date).await?))
}

pub(crate) async fn run(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let date: Date = call.params.parse("date")?;
    comparable(date, call.now).map_err(day_refused)?;
    app.desk.table.create_reconciliation_day(date).await?;
    let requested = app.desk.table.move_reconciliation_day(date, |day| day.requested(call.now)).await;
    let day = requested.map_err(day_failed)?;
    app.desk.note(call, "run_reconciliation", date).await?;
    Ok(call.show(&DayView::of(&day)))
}

pub(crate) async fn sign_off(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let date: Date = call.params.parse("date")?;
    let signed = app.desk.table.sign_off_reconciliation(date, call.staff()?, call.now).await;
    let day = signed.map_err(day_failed)?;
    app.desk.note(call, "sign_off_reconciliation", date).await?;
    Ok(call.show(&DayView::of(&day)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoteRequest {
    note: String,
}

pub(crate) async fn note(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    move_case(app, call, "note_difference", |case, by, text| case.noted(by, text, call.now)).await
}

pub(crate) async fn resolve(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    move_case(app, call, "resolve_difference", |case, by, text| case.resolved(by, text, call.now)).await
}

async fn move_case(
    app: &App,
    call: &Call<Action>,
    what: &str,
    decide: impl Fn(&Case, &str, NoteText) -> Result<Case, CaseError>,
) -> Result<Response, Refusal> {
    let (date, id): (Date, DifferenceId) = (call.params.parse("date")?, call.params.parse("difference")?);
    let request: NoteRequest = body::json(call)?;
    let (by, text) = (call.staff()?, NoteText::try_from(request.note).map_err(|_| bad_note())?);
    let moved = app.desk.table.move_reconciliation_case(date, id, |case| decide(case, by, text.clone())).await;
    let case = moved.map_err(case_failed)?;
    app.desk.note(call, what, &id).await?;
    Ok(call.show(&CaseView::of(&case)))
}

fn bad_note() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad_note", "请填写 1 到 500 字的说明")
}

fn case_failed(error: CaseFailed) -> Refusal {
    match error {
        CaseFailed::NotFound => Problem::not_found().into(),
        CaseFailed::DayClosed => day_refused(DayError::Closed),
        CaseFailed::Refused(CaseError::NotOpen) => {
            Problem::conflict("difference_not_open", "该差异已处理或已自行消除").into()
        }
        CaseFailed::Refused(CaseError::NotesFull) => {
            Problem::conflict("notes_full", format!("每条差异最多 {NOTES_MAX} 条说明")).into()
        }
        CaseFailed::Store(error) => error.into(),
    }
}

fn day_failed(error: DayFailed) -> Refusal {
    match error {
        DayFailed::NotFound => Problem::not_found().into(),
        DayFailed::Refused(error) => day_refused(error),
        DayFailed::Store(error) => error.into(),
    }
}

fn day_refused(error: DayError) -> Refusal {
    let problem = match error {
        DayError::Closed => Problem::conflict("day_closed", "该日已平账或已签核，不能再更改"),
        DayError::Running | DayError::NotDue => Problem::conflict("day_running", "该日正在对账，请稍后再试"),
        DayError::OutOfRange => {
            let text = format!("只能对 {REPEATABLE_DAYS} 天以内、次日 10:30 之后的账");
            Problem::conflict("day_not_comparable", text)
        }
        DayError::NotCompared => Problem::conflict("day_not_compared", "该日尚未对账，或正等待重新对账"),
        DayError::TooMany => {
            let text = format!("差异超过 {DIFFERENCES_MAX} 条，请先查明账单或文件本身的问题并重新对账");
            Problem::conflict("too_many_differences", text)
        }
        DayError::Open(count) => Problem::conflict("differences_open", format!("还有 {count} 条差异未处理，不能签核")),
        DayError::SamePerson => Problem::conflict("same_person", "最后一条差异由您处理，须由另一人签核"),
    };
    problem.into()
}
