//! Messages with results that were not taken in: what stands against each, and how it comes in all the same.

pub mod views;

use crate::results::views::{KeptListView, KeptView, OutcomeView};
use crate::{Action, App};
use domain::id::{CardNo, UnplacedId};
use domain::report::unplaced::{Settled, Unplaced};
use intake::{Inbox, Replayed};
use runtime::http::Call;
use runtime::{Desk, Refusal};
use web::Response;
use web::negotiate::Face;
use web::problem::Problem;

/// The list, by which a form comes back to it.
const LIST: &str = "/staff/results";

pub(crate) async fn list(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let messages = app.desk.table.open_unplaced().await?;
    tracing::info!(who = call.staff()?, what = "read_unplaced", messages = messages.len(), "staff action");
    Ok(call.show(&KeptListView::of(&messages)))
}

/// The message as it came: staff cannot mend what they do not see. Who saw it is in the audit.
pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let message = found(app, call).await?;
    let keys = app.identity.get(call.now).await?;
    let body = app.desk.table.unplaced_body(&keys, &message.id).await?.ok_or_else(Problem::not_found)?;
    app.desk.note(call, "open_unplaced", &message.id).await?;
    Ok(call.show(&KeptView::of(&message, &body)))
}

/// `replay` as it is, or by the `card` of the patient staff have found; or `dismiss`.
pub(crate) async fn act(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let (message, fields) = (found(app, call).await?, call.fields()?);
    let outcome = match fields.text("action") {
        Some("replay") => {
            let card = fields.text("card").map(str::parse::<CardNo>).transpose();
            replay(app, call, &message, card.map_err(|_| Problem::bad_request())?.as_ref()).await?
        }
        Some("dismiss") => dismiss(app, call, &message).await?,
        _ => return Err(Problem::bad_request().into()),
    };
    Ok(match call.meta.face() {
        Face::Json => call.show(&outcome),
        Face::Page => call.go(LIST),
    })
}

async fn replay(
    app: &App,
    call: &Call<Action>,
    message: &Unplaced,
    card: Option<&CardNo>,
) -> Result<OutcomeView, Refusal> {
    let keys = app.identity.get(call.now).await?;
    // As it is now: whoever has just mapped a code must not meet a profile from before.
    let profile = app.profile().await?;
    let Desk { table, random, .. } = &app.desk;
    let inbox = Inbox { table, keys: &keys, profile: &profile, nonces: random, now: call.now };
    let replayed = inbox.replay(&message.id, call.staff()?, card).await?;
    app.desk.note(call, if card.is_some() { "place_result" } else { "replay_result" }, &message.id).await?;
    Ok(match replayed {
        Replayed::Placed(filed) => OutcomeView::placed(&message.id, filed.len()),
        Replayed::Kept(message) => OutcomeView::kept(&message),
        Replayed::Over => OutcomeView::over(&message.id),
    })
}

async fn dismiss(app: &App, call: &Call<Action>, message: &Unplaced) -> Result<OutcomeView, Refusal> {
    let settled = Settled { by: call.staff()?.to_owned(), at: call.now, is_placed: false };
    app.desk.table.settle_unplaced(&message.id, &settled).await?;
    app.desk.note(call, "dismiss_result", &message.id).await?;
    Ok(OutcomeView::over(&message.id))
}

async fn found(app: &App, call: &Call<Action>) -> Result<Unplaced, Refusal> {
    let id: UnplacedId = call.params.parse("message")?;
    Ok(app.desk.table.unplaced(&id).await?.ok_or_else(Problem::not_found)?)
}
