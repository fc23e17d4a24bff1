//! 诚信记录: what is on a person's record, what it costs, and objecting to it.
//!
//! | code | status | when |
//! |---|---|---|
//! | `nothing_to_appeal` | 409 | the strike does not count, or does not count any more |

mod views;

pub use views::{RecordView, StrikeView};

use crate::{Action, App};
use domain::appointment::{Appointment, AppointmentKey};
use domain::credit::{Judge, Record, Strike};
use domain::id::{AppointmentId, PatientId};
use domain::{Timestamp, time};
use futures_util::future::try_join_all;
use runtime::Refusal;
use runtime::http::Call;
use store::account::Link;
use store::appeals::{Appeal, NewAppeal};
use web::Response;
use web::form::{Form, respond_invalid};
use web::negotiate::Face;
use web::problem::Problem;

/// The field an appeal is written in.
pub(crate) const TEXT: &str = "text";
/// Characters of an appeal.
pub(crate) const TEXT_CHARS_MAX: u16 = 500;
/// Strikes shown, latest first.
const STRIKES_SHOWN_MAX: usize = 50;
/// An appeal is answered within so many working days.
const ANSWER_WORKING_DAYS: u32 = 2;

/// One strike with its visit and its appeal.
pub(crate) struct Entry<'a> {
    pub(crate) id: &'a AppointmentId,
    pub(crate) strike: &'a Strike,
    /// None when the visit is too old to be kept.
    pub(crate) visit: Option<Appointment>,
    pub(crate) appeal: Option<Appeal>,
    /// Whether the policy holds it against the person at all.
    pub(crate) counts: bool,
}

fn key_of(patient: &PatientId, id: &AppointmentId, strike: &Strike) -> AppointmentKey {
    AppointmentKey { patient: patient.clone(), date: time::today(strike.visit), id: id.clone() }
}

/// The caller's right to act for the person; whoever has none learns nothing about them.
async fn linked(app: &App, call: &Call<Action>) -> Result<Link, Refusal> {
    let patient: PatientId = call.params.parse("patient")?;
    Ok(app.desk.table.link(call.account()?, &patient).await?.ok_or_else(Problem::not_found)?)
}

async fn entry<'a>(
    app: &App,
    judge: &Judge<'_>,
    record: &Record,
    patient: &PatientId,
    (id, strike): (&'a AppointmentId, &'a Strike),
    now: Timestamp,
) -> Result<Entry<'a>, store::StoreError> {
    let key = key_of(patient, id, strike);
    let (visit, appeal) = (app.desk.table.appointment(&key).await?, app.desk.table.appeal(&key).await?);
    let counts = judge.tally_with(record, strike, now).is_some();
    Ok(Entry { id, strike, visit, appeal, counts })
}

pub(crate) async fn list(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let link = linked(app, call).await?;
    let (profile, now) = (call.profile()?, call.now);
    let record = app.desk.table.gate(&link.patient).await?.record;
    let judge = profile.judge();
    let mut strikes: Vec<_> = record.strikes.iter().collect();
    strikes.sort_by_key(|(_, strike)| std::cmp::Reverse(strike.at));
    strikes.truncate(STRIKES_SHOWN_MAX);
    let reads = strikes.into_iter().map(|one| entry(app, &judge, &record, &link.patient, one, now));
    let entries = try_join_all(reads).await?;
    let standing = judge.standing(&record, now);
    Ok(call.show(&RecordView::of(&link, &standing, &entries, profile, now)))
}

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let link = linked(app, call).await?;
    let view = strike_view(app, call, &link, Form::default()).await?;
    Ok(call.show(&view))
}

async fn strike_view(app: &App, call: &Call<Action>, link: &Link, form: Form) -> Result<StrikeView, Refusal> {
    let id: AppointmentId = call.params.parse("appointment")?;
    let record = app.desk.table.gate(&link.patient).await?.record;
    let strike = record.strikes.get(&id).ok_or_else(Problem::not_found)?;
    let judge = call.profile()?.judge();
    let entry = entry(app, &judge, &record, &link.patient, (&id, strike), call.now).await?;
    Ok(StrikeView::of(link, &entry, form))
}

pub(crate) async fn appeal(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let link = linked(app, call).await?;
    let id: AppointmentId = call.params.parse("appointment")?;
    let mut form = Form::new(call.fields()?);
    let text = form.required(TEXT, "请写明没能按时就诊的原因", |text| {
        let fits = text.chars().count() <= usize::from(TEXT_CHARS_MAX);
        if fits { Ok(text.to_owned()) } else { Err(format!("最多 {TEXT_CHARS_MAX} 个字")) }
    });
    let Some(text) = text else {
        let view = strike_view(app, call, &link, form.clone()).await?;
        return Ok(respond_invalid(&call.context(), &form, &view));
    };
    file(app, call, &link, &id, &text).await?;
    Ok(match call.meta.face() {
        Face::Json => call.show(&strike_view(app, call, &link, Form::default()).await?),
        Face::Page => call.go(&format!("/patients/{}/credit/{id}", link.patient)),
    })
}

/// Files the appeal; a repeat is the first.
async fn file(app: &App, call: &Call<Action>, link: &Link, id: &AppointmentId, text: &str) -> Result<(), Refusal> {
    let record = app.desk.table.gate(&link.patient).await?.record;
    let strike = record.strikes.get(id).ok_or_else(Problem::not_found)?;
    let key = key_of(&link.patient, id, strike);
    if app.desk.table.appeal(&key).await?.is_some() {
        return Ok(());
    }
    if !strike.state.counts() {
        return Err(Problem::conflict("nothing_to_appeal", "这条记录不计入次数，无需申诉").into());
    }
    let due = call.profile()?.calendar.working_days_after(time::today(call.now), ANSWER_WORKING_DAYS);
    let (by, at) = (call.account()?.clone(), call.now);
    let new = NewAppeal { key, patient_name_masked: link.name_masked.clone(), by, at, due };
    let keys = app.identity.get(call.now).await?;
    let appeal = Appeal::new(new, text, &keys, app.desk.random.bytes()?)?;
    app.desk.table.file_appeal(&appeal).await?;
    Ok(())
}
