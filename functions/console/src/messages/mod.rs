//! What was told about a visit, and whom to ring up because no message arrives (F45, E45).

pub mod views;

use crate::messages::views::{CallView, CallsView, MessagesView, SilenceView};
use crate::{Action, App, body};
use domain::appointment::{Appointment, AppointmentKey};
use domain::id::{IdError, OutTradeNo, PatientId};
use domain::notice::About;
use domain::order::Order;
use futures_util::future::try_join_all;
use runtime::Refusal;
use runtime::http::Call;
use serde::Deserialize;
use std::str::FromStr;
use store::calls::{CallMade, CallOutcome, CallToMake};
use store::notices::NoticeRecord;
use web::Response;
use web::problem::Problem;

/// A call's name in an address.
struct CallId(String);

impl FromStr for CallId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        // `turn_soon-4n6v…`: letters, digits, `_` and `-`, as every identifier of ours.
        text.parse::<OutTradeNo>().map(|id| Self(id.into()))
    }
}

pub(crate) async fn of_appointment(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let key: AppointmentKey = call.params.parse("appointment")?;
    let appointment = app.desk.table.appointment(&key).await?.ok_or_else(Problem::not_found)?;
    let records = told_about(app, &appointment).await?;
    app.desk.note(call, "read_messages", &key.id).await?;
    Ok(call.show(&MessagesView::of(&key, &records)))
}

/// About the visit itself, and about each refund of what was paid for it.
async fn told_about(app: &App, appointment: &Appointment) -> Result<Vec<NoticeRecord>, Refusal> {
    let order = app.desk.table.order(&appointment.out_trade_no()).await?;
    let refunds = order.iter().flat_map(Order::in_sequence).map(|refund| refund.out_refund_no.to_string());
    let abouts: Vec<String> = std::iter::once(appointment.id.to_string()).chain(refunds).collect();
    let mut records: Vec<NoticeRecord> =
        try_join_all(abouts.iter().map(|about| app.desk.table.notices_about(about))).await?.concat();
    records.sort_by_key(|record| record.at);
    Ok(records)
}

pub(crate) async fn calls(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let list = app.desk.table.calls_to_make().await?;
    let abouts = try_join_all(list.iter().map(|one| app.desk.table.about(&one.item))).await?;
    tracing::info!(who = call.staff()?, what = "read_calls", calls = list.len(), "staff action");
    Ok(call.show(&CallsView::of(&list, &abouts, call.now)))
}

pub(crate) async fn show_call(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let CallId(id) = call.params.parse("call")?;
    let found = app.desk.table.call_to_make(&id).await?.ok_or_else(Problem::not_found)?;
    answer(app, call, &found).await
}

/// The one place where a phone number is opened for people: who saw it is in the log.
async fn answer(app: &App, call: &Call<Action>, found: &CallToMake) -> Result<Response, Refusal> {
    let about = app.desk.table.about(&found.item).await?;
    let patient = app.desk.table.patient(&found.patient).await?;
    let keys = app.identity.get(call.now).await?;
    let phone = patient.map(|patient| patient.identity.phone(&keys)).transpose()?.flatten();
    app.desk.note(call, "open_phone", &found.patient).await?;
    Ok(call.show(&CallView::of(found, about.as_ref(), call.now).with_phone(phone.as_ref())))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallWish {
    outcome: CallOutcome,
}

pub(crate) async fn note_call(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let CallId(id) = call.params.parse("call")?;
    let CallWish { outcome } = body::json(call)?;
    let made = CallMade { by: call.staff()?.to_owned(), at: call.now, outcome };
    let after = app.desk.table.note_call(&id, &made).await?.ok_or_else(Problem::not_found)?;
    app.desk.note(call, "note_call", id).await?;
    let about: Option<About> = app.desk.table.about(&after.item).await?;
    Ok(call.show(&CallView::of(&after, about.as_ref(), call.now)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SilenceWish {
    silenced: bool,
}

/// The patient has died: nobody is told anything about them any more (E70).
pub(crate) async fn silence(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let patient: PatientId = call.params.parse("patient")?;
    let SilenceWish { silenced } = body::json(call)?;
    if !app.desk.table.put_silenced(&patient, silenced).await?.is_done() {
        return Err(Problem::not_found().into());
    }
    app.desk.note(call, if silenced { "silence_patient" } else { "unsilence_patient" }, &patient).await?;
    Ok(call.show(&SilenceView { patient: patient.to_string(), silenced }))
}
