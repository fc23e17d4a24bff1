//! Which WeChat users act for a person, and sending a newcomer away.

use crate::views::{AccountView, AccountsView};
use crate::{Action, App};
use domain::id::PatientId;
use domain::report::FamilyScope;
use runtime::Refusal;
use runtime::http::Call;
use runtime::random::hex;
use store::account::{Link, Relation};
use web::Response;
use web::negotiate::Face;
use web::problem::Problem;

/// Bytes of an account's handle.
const HANDLE_BYTES: usize = 8;

pub(crate) async fn list(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    Ok(call.show(&accounts(app, call).await?))
}

async fn accounts(app: &App, call: &Call<Action>) -> Result<AccountsView, Refusal> {
    let own = own(app, call).await?;
    let mut links = app.desk.table.links_to(&own.patient).await?;
    links.sort_by_key(|link| link.since);
    let accounts = links.iter().map(|link| AccountView::of(link, handle(link), &own)).collect();
    Ok(AccountsView { patient: own.patient.to_string(), name: own.name_masked, accounts })
}

/// The caller's own link; whoever has none learns nothing about the person.
async fn own(app: &App, call: &Call<Action>) -> Result<Link, Refusal> {
    let patient: PatientId = call.params.parse("patient")?;
    Ok(app.desk.table.link(call.account()?, &patient).await?.ok_or_else(Problem::not_found)?)
}

/// What an account is called in addresses: an openid never stands in one.
fn handle(link: &Link) -> String {
    let text = format!("{}\n{}", link.patient, link.account);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    hex(digest.as_ref().get(..HANDLE_BYTES).unwrap_or_default())
}

/// Field: whether the account may see results.
const ALLOW: &str = "allow";

/// The person themselves lets an account of the family see their results, or no longer: the next request of theirs finds
/// out.
pub(crate) async fn report_scope(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let own = own(app, call).await?;
    if own.relation != Relation::Oneself {
        return Err(Problem::conflict("not_oneself", "只有本人可以决定谁能查看其报告").into());
    }
    let links = app.desk.table.links_to(&own.patient).await?;
    let wanted = call.params.get("account");
    let other = links.iter().find(|link| handle(link) == wanted).ok_or_else(Problem::not_found)?;
    let scope = if call.fields()?.checked(ALLOW) { FamilyScope::Granted } else { FamilyScope::Refused };
    app.desk.table.put_report_scope(&other.account, &own.patient, scope).await?;
    tracing::info!(patient = %own.patient, ?scope, "who may see reports has changed");
    Ok(match call.meta.face() {
        Face::Json => call.show(&accounts(app, call).await?),
        Face::Page => call.go(&format!("/patients/{}/accounts", own.patient)),
    })
}

/// Whoever is not there (any more), or was there first, stays as they are: the answer shows who acts for the person.
pub(crate) async fn remove(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let own = own(app, call).await?;
    let links = app.desk.table.links_to(&own.patient).await?;
    let wanted = call.params.get("account");
    let other = links.iter().find(|link| handle(link) == wanted).ok_or_else(Problem::not_found)?;
    if !app.desk.table.unlink_younger(&own, other).await? {
        return Err(Problem::conflict("linked_before", "只能解除比您更晚绑定的微信。如有疑问，请到人工窗口核验").into());
    }
    tracing::info!(patient = %own.patient, "a younger account was sent away");
    Ok(match call.meta.face() {
        Face::Json => call.show(&accounts(app, call).await?),
        Face::Page => call.go(&format!("/patients/{}/accounts", own.patient)),
    })
}
