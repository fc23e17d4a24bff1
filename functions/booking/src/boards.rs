//! Boards and clinics as this instance knows them: a crowd that looks at the same page costs one read a second.

use crate::App;
use domain::Timestamp;
use domain::admission::Phase;
use domain::board::{AGE_MAX_S, Board, OTHER_DAY_AGE_MAX_S, RUSH_AGE_MAX_S};
use domain::civil::Date;
use domain::clinic::Clinic;
use domain::id::{ClinicId, DepartmentId};
use futures_util::future::try_join_all;
use runtime::Refusal;
use runtime::cached::CachedBy;
use std::sync::Arc;
use web::problem::Problem;

/// Within a second an instance reads a board once.
const READ_AGAIN_S: i64 = 1;
/// What of a clinic decides whether it is in its rush hardly ever changes.
const CLINIC_AGE_MAX_S: i64 = 60;
/// Departments, days and clinics an instance remembers at once.
const KEPT_MAX: usize = 1_000;

/// What an instance has read of the boards.
#[derive(Debug)]
pub(crate) struct Boards {
    weeks: CachedBy<DepartmentId, Vec<Board>>,
    days: CachedBy<(Date, DepartmentId), Board>,
    clinics: CachedBy<ClinicId, Clinic>,
}

impl Default for Boards {
    fn default() -> Self {
        Self {
            weeks: CachedBy::new(READ_AGAIN_S, KEPT_MAX),
            days: CachedBy::new(READ_AGAIN_S, KEPT_MAX),
            clinics: CachedBy::new(CLINIC_AGE_MAX_S, KEPT_MAX),
        }
    }
}

/// The boards of several days: good enough to show which of them have a clinic.
pub(crate) async fn of_days(
    app: &App,
    department: &DepartmentId,
    days: &[Date],
    now: Timestamp,
) -> Result<Arc<Vec<Board>>, Refusal> {
    let load = async || {
        let seen = app.desk.table.boards(days, department).await?;
        let boards = days.iter().map(|date| {
            let seen = seen.iter().find(|board| board.date == *date).cloned();
            app.desk.table.young_board(seen, (*date, department), OTHER_DAY_AGE_MAX_S, now)
        });
        try_join_all(boards).await
    };
    Ok(app.boards.weeks.get(department, now, load).await?)
}

/// The board of a day, with what is free now or was a moment ago. `seen` saves reading it.
pub(crate) async fn of_day(
    app: &App,
    (date, department): (Date, &DepartmentId),
    seen: Option<&Board>,
    now: Timestamp,
) -> Result<Arc<Board>, Refusal> {
    let load = async || {
        let seen = match seen {
            Some(seen) => Some(seen.clone()),
            None => app.desk.table.boards(&[date], department).await?.pop(),
        };
        let age_max_s = seen.as_ref().map_or(AGE_MAX_S, |seen| age_max_s(seen, now));
        app.desk.table.young_board(seen, (date, department), age_max_s, now).await
    };
    Ok(app.boards.days.get(&(date, department.clone()), now, load).await?)
}

fn age_max_s(board: &Board, now: Timestamp) -> i64 {
    let in_rush = board.clinics.iter().any(|found| Phase::of(&found.clinic, now) == Phase::Rush);
    if in_rush { RUSH_AGE_MAX_S } else { AGE_MAX_S }
}

/// A clinic as it was within the last minute: enough to know when its numbers are released.
pub(crate) async fn clinic(app: &App, id: &ClinicId, now: Timestamp) -> Result<Arc<Clinic>, Refusal> {
    let load = async || app.desk.table.clinic_alone(id).await?.ok_or_else(|| Refusal::from(Problem::not_found()));
    app.boards.clinics.get(id, now, load).await
}
