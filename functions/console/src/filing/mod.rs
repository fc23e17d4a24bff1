//! Taking in a file: read all of it, and only if every row is right, put it into the table.
//!
//! The same file again changes nothing. What a patient has claimed is never touched: such numbers are counted as kept.

mod cards;
mod catalog;
mod codes;
mod schedules;

use crate::import::{Import, Known, RowError};
use crate::views::{ErrorsView, ImportView};
use crate::{Action, App, body};
use domain::time;
use futures_util::{StreamExt, TryStreamExt, stream};
use runtime::Refusal;
use runtime::http::Call;
use runtime::random::NoRandomness;
use runtime::secrets::SecretError;
use serde::Serialize;
use std::str::FromStr;
use store::StoreError;
pub(crate) use store::schedules::Fate;
pub use store::schedules::Tally;
use web::problem::Problem;
use web::{Response, StatusCode};

/// Requests to the table on their way at one time: enough to hide its latency, few enough for one small function.
const REQUESTS_AT_ONCE: usize = 16;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 科室
    Departments,
    /// 医生
    Doctors,
    /// 排班
    Schedules,
    /// 就诊卡
    Cards,
    /// 编码对照
    Codes,
}

/// No file of this kind is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of import")]
pub struct KindError;

impl FromStr for Kind {
    type Err = KindError;
    fn from_str(text: &str) -> Result<Self, KindError> {
        match text {
            "departments" => Ok(Self::Departments),
            "doctors" => Ok(Self::Doctors),
            "schedules" => Ok(Self::Schedules),
            "cards" => Ok(Self::Cards),
            "codes" => Ok(Self::Codes),
            _ => Err(KindError),
        }
    }
}

/// What an import did, or would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Filed {
    /// Rows of the file.
    pub rows: usize,
    /// What became of them.
    pub items: Tally,
    /// What became of the slots of clinics; schedules only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slots: Option<Tally>,
}

impl Filed {
    fn of(fates: Vec<Fate>) -> Self {
        Self { rows: fates.len(), items: fates.into_iter().collect(), slots: None }
    }
}

/// Why a file was not taken in.
enum Unfiled {
    /// Rows are wrong.
    Rows(Vec<RowError>),
    /// Something we need did not answer.
    Refused(Refusal),
}

macro_rules! refusals {
    ($($error:ty),*) => {$(
        impl From<$error> for Unfiled {
            fn from(error: $error) -> Self {
                Self::Refused(error.into())
            }
        }
    )*};
}

refusals!(Refusal, StoreError, SecretError, NoRandomness);

/// Whether an import writes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Counts only.
    DryRun,
    Write,
}

pub(crate) async fn import(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let kind: Kind = call.params.parse("kind")?;
    let mode = mode(call)?;
    let filed = match kind {
        Kind::Departments => catalog::departments(app, body::bytes(call), mode).await,
        Kind::Doctors => catalog::doctors(app, body::bytes(call), mode).await,
        Kind::Schedules => schedules::file(app, body::bytes(call), mode, time::today(call.now)).await,
        Kind::Cards => cards::file(app, body::bytes(call), mode, call.now).await,
        Kind::Codes => codes::file(app, body::bytes(call), mode).await,
    };
    match filed {
        Ok(filed) => {
            let dry_run = mode == Mode::DryRun;
            if !dry_run {
                app.desk.note(call, "import", format!("{kind:?}")).await?;
            }
            Ok(call.show(&ImportView { kind, dry_run, filed }))
        }
        Err(Unfiled::Rows(errors)) => {
            tracing::info!(who = call.staff()?, what = "import_refused", ?kind, errors = errors.len(), "staff action");
            Ok(call.show(&ErrorsView::new("import_errors", errors)))
        }
        Err(Unfiled::Refused(refusal)) => Err(refusal),
    }
}

/// A misspelt wish for a dry run must not write.
fn mode(call: &Call<Action>) -> Result<Mode, Problem> {
    match call.meta.query("dry_run").as_deref() {
        None | Some("false") => Ok(Mode::Write),
        Some("true") => Ok(Mode::DryRun),
        Some(_) => Err(Problem::new(StatusCode::BAD_REQUEST, "bad_dry_run", "dry_run 只能是 true 或 false")),
    }
}

/// The rows, if all of them are right.
fn rows<T>(import: Import<T>) -> Result<Vec<T>, Unfiled> {
    if import.errors.is_empty() { Ok(import.rows) } else { Err(Unfiled::Rows(import.errors)) }
}

/// What rows may refer to.
async fn known(app: &App) -> Result<Known, Unfiled> {
    let departments = app.desk.table.departments().await?.into_iter().map(|department| department.id).collect();
    let doctors = app.desk.table.doctors().await?.into_iter().map(|doctor| doctor.id).collect();
    Ok(Known { departments, doctors })
}

/// Runs all of them, [`REQUESTS_AT_ONCE`] at a time; the first failure ends it.
async fn all<R>(work: Vec<impl Future<Output = Result<R, Unfiled>>>) -> Result<Vec<R>, Unfiled> {
    stream::iter(work).buffer_unordered(REQUESTS_AT_ONCE).try_collect().await
}
