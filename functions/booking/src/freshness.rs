//! How old what we know of numbers is, where the hospital's own system gives them: the page says so, and goes on showing what is
//! known while that does not answer.

use crate::{Action, App};
use domain::enrolment::NumberOwner;
use domain::time;
use maud::{Markup, html};
use runtime::Refusal;
use runtime::http::Call;
use serde::Serialize;
use web::components::{Tone, notice};

/// Read again after this long.
pub(crate) const AGE_MAX_S: i64 = 30;

/// The age of the numbers on a page.
#[derive(Clone, Debug, Serialize)]
pub struct Freshness {
    /// `号源更新于 10:05`.
    text: String,
    /// Older than it should be: the hospital's system does not answer.
    is_old: bool,
}

impl Freshness {
    /// As a line of a page.
    pub fn line(&self) -> Markup {
        let warning = "。医院系统暂时联系不上，以下号源可能已有变化，现在可能不能挂号，请稍后再试或拨打医院电话。";
        html! {
            @if self.is_old { (notice(Tone::Bad, &format!("{}{warning}", self.text))) }
            @else { (notice(Tone::Plain, &self.text)) }
        }
    }
}

/// None where the numbers are ours: then they are as they are.
pub(crate) async fn of(app: &App, call: &Call<Action>) -> Result<Option<Freshness>, Refusal> {
    let numbers = &call.profile()?.numbers;
    let Some(policy) = numbers.pull.filter(|_| numbers.owner == NumberOwner::His) else { return Ok(None) };
    let load = async || Ok::<_, Refusal>(app.desk.table.pull().await?);
    let pull = app.pull.get(call.now, load).await?;
    let text = match pull.schedules_at {
        Some(at) if time::today(at) == time::today(call.now) => {
            format!("号源更新于 {}", time::wall_clock(at).strftime("%H:%M"))
        }
        Some(at) => format!("号源更新于 {}", time::wall_clock(at).strftime("%m月%d日 %H:%M")),
        None => "号源尚未从医院系统更新".to_owned(),
    };
    Ok(Some(Freshness { text, is_old: pull.is_old(&policy, call.now) }))
}
