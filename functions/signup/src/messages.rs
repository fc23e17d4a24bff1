//! What an account wants to be told (F44): its groups of messages, copies about each of its people, SMS for them.

use crate::views::{PreferencesView, Wished};
use crate::{Action, App};
use domain::id::{OpenId, PatientId};
use domain::notice::NoticeGroup;
use domain::time;
use futures_util::future::try_join_all;
use runtime::Refusal;
use runtime::http::Call;
use std::collections::BTreeSet;
use web::Response;
use web::form::Fields;
use web::negotiate::Face;

/// Field: groups of messages the account wants.
pub(crate) const RECEIVE: &str = "receive";
/// Field: people about whom the account wants copies of what others are told.
pub(crate) const COPIES: &str = "copies";
/// Field: people who get copies by SMS.
pub(crate) const SMS: &str = "sms";

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    Ok(call.show(&preferences(app, call).await?))
}

async fn preferences(app: &App, call: &Call<Action>) -> Result<PreferencesView, Refusal> {
    let account = call.account()?;
    let muted = app.desk.table.account(account).await?.unwrap_or_default().muted;
    Ok(PreferencesView::of(&muted, wished(app, call).await?))
}

/// What is wished for each of the account's people now.
async fn wished(app: &App, call: &Call<Action>) -> Result<Vec<Wished>, Refusal> {
    let links = app.desk.table.links_of(call.account()?).await?;
    let patients = try_join_all(links.iter().map(|link| app.desk.table.patient(&link.patient))).await?;
    let keys = app.identity.get(call.now).await?;
    let (age_years, today) = (call.profile()?.messages.sms_age_years, time::today(call.now));
    let mut wished = Vec::new();
    for (link, patient) in links.into_iter().zip(patients) {
        if let Some(patient) = patient {
            let sms = patient.wants_sms(&keys, age_years, today)?;
            wished.push(Wished { patient: link.patient, name: link.name_masked, copies: link.copies, sms });
        }
    }
    Ok(wished)
}

pub(crate) async fn change(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let fields = call.fields()?;
    let account = call.account()?;
    let received: BTreeSet<&str> = fields.all(RECEIVE).collect();
    let muted = NoticeGroup::ALL.into_iter().filter(|group| !received.contains(group.code())).collect();
    app.desk.table.put_muted(account, &muted).await?;
    // Of other people's wishes nothing is read: only who is linked is looked at.
    for before in wished(app, call).await? {
        put_wishes(app, account, &before, &fields).await?;
    }
    tracing::info!(muted = muted.len(), "message preferences changed");
    Ok(match call.meta.face() {
        Face::Json => call.show(&preferences(app, call).await?),
        Face::Page => call.go("/patients"),
    })
}

/// Writes what has changed: an age that decides stays the one that decides until somebody says otherwise.
async fn put_wishes(app: &App, account: &OpenId, before: &Wished, fields: &Fields) -> Result<(), Refusal> {
    let is_in = |name: &str, patient: &PatientId| fields.all(name).any(|value| value == patient.as_str());
    let (copies, sms) = (is_in(COPIES, &before.patient), is_in(SMS, &before.patient));
    if copies != before.copies {
        app.desk.table.put_copies(account, &before.patient, copies).await?;
    }
    if sms != before.sms {
        app.desk.table.put_sms_copies(&before.patient, sms).await?;
    }
    Ok(())
}
