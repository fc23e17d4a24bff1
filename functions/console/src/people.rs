//! Two records that are one person, and two people again, where the hospital's own system does not say so itself (F11).
//!
//! | code | status | when |
//! |---|---|---|
//! | `person_busy` | 503 | a message about the person is under way; again in a minute |

use crate::{Action, App, body};
use domain::event::Actor;
use domain::id::PatientId;
use maud::{Markup, html};
use runtime::Refusal;
use runtime::http::Call;
use serde::{Deserialize, Serialize};
use store::merges::MergeError;
use web::components::{Page, Tone, notice, page};
use web::problem::Problem;
use web::view::{PageContext, View};
use web::{Response, StatusCode};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MergeWish {
    into: PatientId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnmergeWish {}

/// All records of a person: the one that stands for them first.
#[derive(Debug, Serialize)]
pub struct RecordsView {
    records: Vec<String>,
    /// Whether something changed.
    changed: bool,
}

impl View for RecordsView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let text = if self.records.len() > 1 { "这些档案是同一人。" } else { "该档案独立。" };
        page(context, &Page::new("就诊人档案"), html! { (notice(Tone::Plain, text)) })
    }
}

pub(crate) async fn merge(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let gone: PatientId = call.params.parse("patient")?;
    let MergeWish { into } = body::json(call)?;
    let by = Actor::Staff(call.staff()?.to_owned());
    let merged = app.desk.table.merge_people(call.profile()?, (&gone, &into), &by, call.now).await;
    let changed = merged.map_err(refused)?;
    app.desk.note(call, "merge_person", format!("{gone}-{into}")).await?;
    show(app, call, &into, changed).await
}

pub(crate) async fn unmerge(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let gone: PatientId = call.params.parse("patient")?;
    let UnmergeWish {} = body::json(call)?;
    let by = Actor::Staff(call.staff()?.to_owned());
    let changed = app.desk.table.unmerge_people(call.profile()?, &gone, &by, call.now).await.map_err(refused)?;
    app.desk.note(call, "unmerge_person", &gone).await?;
    show(app, call, &gone, changed).await
}

async fn show(app: &App, call: &Call<Action>, person: &PatientId, changed: bool) -> Result<Response, Refusal> {
    let records = app.desk.table.same_person(person).await?;
    Ok(call.show(&RecordsView { records: records.iter().map(ToString::to_string).collect(), changed }))
}

fn refused(error: MergeError) -> Refusal {
    match error {
        MergeError::NotFound => Problem::not_found().into(),
        MergeError::Busy => {
            let text = "正在向该就诊人发送消息，请一分钟后再试";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "person_busy", text).into()
        }
        MergeError::Store(error) => error.into(),
    }
}
