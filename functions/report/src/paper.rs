//! The printed page: its address opens in any browser of the phone for five minutes.

use crate::access;
use crate::read::{Opened, known, open};
use crate::views::report::{Paper, ReportView};
use crate::{Action, App};
use domain::id::ReportId;
use domain::time;
use runtime::Refusal;
use runtime::http::Call;
use web::Response;
use web::problem::Problem;

/// How long the address of a printed page opens, in seconds (domain sheet 2.6).
const PAPER_S: i64 = 5 * 60;
/// Parameter: the pass.
const PASS: &str = "pass";

pub(crate) async fn print(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let opened = match open(app, call).await? {
        Ok(opened) => opened,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let subject = format!("{}:{}", opened.known.filed.id, opened.access.session);
    let keys = app.passes.get(call.now).await?;
    Ok(call.go(&format!("/reports/paper?{PASS}={}", keys.pass_for(&subject, call.now.as_second(), PAPER_S))))
}

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let pass = call.meta.query(PASS).unwrap_or_default();
    let keys = app.passes.get(call.now).await?;
    let subject = keys.open(&pass, call.now.as_second()).ok().and_then(|subject| subject.split_once(':'));
    let (id, session) = subject.ok_or_else(over)?;
    let id: ReportId = id.parse().map_err(|_| over())?;
    let known = known(app, call, &id).await?;
    let access = access::enter_by_session(app, call, session, &known.filed.patient).await?;
    let opened = Opened { access, known };
    let shown = opened.shown(call, opened.current()?)?;
    let keys = app.identity.get(call.now).await?;
    let about = shown.report.about();
    let sex = about.sex.map(|sex| sex.label().to_owned());
    let age = about.age_years.map(|age| format!("{age}岁"));
    let paper = Paper {
        name: opened.access.patient.identity.name(&keys)?,
        person: [sex, age].into_iter().flatten().collect::<Vec<_>>().join("　"),
        printed_at: time::wall_clock(call.now).strftime("%Y年%-m月%-d日 %H:%M").to_string(),
    };
    Ok(call.show(&ReportView::of(&shown, opened.about(), &|_| None).on_paper(paper)))
}

fn over() -> Problem {
    Problem::new(web::StatusCode::GONE, "pass_expired", "打印页面已过期，请在微信中重新打开")
}
