//! The hospital's own system as seen from here: what was said to it and by it, and what its codes stand for (F83).
//!
//! | code | status | when |
//! |---|---|---|
//! | `code_unsuitable` | 422 | the code is not one of ours of that kind |

pub mod views;

use crate::reconciliation::export::cell;
use crate::{Action, App};
use domain::civil::Date;
use domain::his::{CODE_CHARS_MAX, CodeEntry, CodeKind};
use domain::time;
use futures_util::future::try_join_all;
use runtime::Refusal;
use runtime::http::Call;
use runtime::refusal::unavailable;
use views::{CallsView, CodesView};
use web::Response;
use web::form::{Form, respond_invalid};
use web::problem::Problem;

/// Longest name of what a code stands for, in characters.
const NAME_CHARS_MAX: usize = 80;
/// The columns of a file of codes: as it is imported, so it is exported.
const COLUMNS: [&str; 4] = ["类别", "医院编码", "本系统编码", "名称"];
/// Without it Excel takes UTF-8 for the code page of the computer.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Calls of a day, of one operation or of one number if wanted.
pub(crate) async fn calls(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let date = match call.meta.query("date") {
        Some(text) => text.parse::<Date>().map_err(|_| Problem::bad_request())?,
        None => time::today(call.now),
    };
    let wanted = |name: &str| call.meta.query(name).filter(|text| !text.is_empty());
    let (operation, serial) = (wanted("operation"), wanted("serial"));
    let mut found = app.desk.table.his_calls_of(date).await?;
    found.retain(|one| operation.as_ref().is_none_or(|operation| one.operation == *operation));
    found.retain(|one| serial.is_none() || one.serial == serial);
    app.desk.note(call, "read_his_calls", date).await?;
    Ok(call.show(&CallsView::of(date, operation, serial, &found)))
}

/// The codes of a kind, and what nobody has mapped yet.
pub(crate) async fn codes(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let kind = match call.meta.query("kind") {
        Some(name) => CodeKind::named(&name).ok_or_else(Problem::bad_request)?,
        None => CodeKind::Department,
    };
    Ok(call.show(&codes_view(app, kind, Form::default()).await?))
}

async fn codes_view(app: &App, kind: CodeKind, form: Form) -> Result<CodesView, Refusal> {
    let entries = app.desk.table.codes_of(kind).await?;
    let unknown = app.desk.table.unknown_codes().await?;
    Ok(CodesView::of(kind, &entries, &unknown, form))
}

/// All codes as a file, to be changed and imported again.
pub(crate) async fn export(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let entries = try_join_all(CodeKind::ALL.map(|kind| app.desk.table.codes_of(kind))).await?.concat();
    let csv = csv_of(&entries).map_err(|error| unavailable("export", &error))?;
    Ok(call.download("codes.csv", csv))
}

fn csv_of(entries: &[CodeEntry]) -> Result<Vec<u8>, csv::Error> {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(BYTE_ORDER_MARK.as_bytes().to_vec());
    writer.write_record(COLUMNS)?;
    for CodeEntry { kind, theirs, ours, name } in entries {
        let cells = [kind.staff_text(), theirs, ours, name];
        writer.write_record(cells.map(|text| cell(text).into_owned()))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// Maps a code; without one of ours it is forgotten. What waited for it is there at the next pull.
pub(crate) async fn map(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let mut form = Form::new(call.fields()?);
    let kind = form.required("kind", "请选择类别", |name| CodeKind::named(name).ok_or("没有这个类别"));
    let theirs = form.required("theirs", "请填写医院编码", short::<CODE_CHARS_MAX>);
    let ours = form.optional("ours", short::<CODE_CHARS_MAX>);
    let name = form.optional("name", short::<NAME_CHARS_MAX>).unwrap_or_default();
    if let (Some(kind), Some(ours)) = (kind, &ours)
        && !kind.has(ours)
    {
        form.reject("ours", unsuitable(kind));
    }
    let (Some(kind), Some(theirs), true) = (kind, theirs, form.is_valid()) else {
        let view = codes_view(app, kind.unwrap_or(CodeKind::Department), form.clone()).await?;
        return Ok(respond_invalid(&call.context(), &form, &view));
    };
    let about = format!("{}:{theirs}", kind.as_str());
    match ours {
        Some(ours) => app.desk.table.put_code(&CodeEntry { kind, theirs, ours, name }).await?,
        None => app.desk.table.remove_code(kind, &theirs).await?,
    }
    app.desk.note(call, "map_code", about).await?;
    Ok(call.show(&codes_view(app, kind, Form::default()).await?))
}

/// What to write instead of a code that is none of ours.
pub(crate) fn unsuitable(kind: CodeKind) -> String {
    format!("只能是 {}", kind.fixed().unwrap_or_default().join("、"))
}

fn short<const CHARS_MAX: usize>(text: &str) -> Result<String, &'static str> {
    let fits = text.chars().count() <= CHARS_MAX && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err("太长了，或有不能用的字符") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_codes_is_read_as_it_is_written() {
        let entry = |kind, theirs: &str, ours: &str| CodeEntry {
            kind,
            theirs: theirs.into(),
            ours: ours.into(),
            name: "心内,\"门诊\"".into(),
        };
        let entries = [entry(CodeKind::Department, "0203", "XNK"), entry(CodeKind::FeeClass, "02", "lab")];
        let file = csv_of(&entries).unwrap();
        let read = crate::import::codes(&file);
        assert_eq!((read.rows.as_slice(), read.errors.as_slice()), (&entries[..], &[][..]));
    }
}
