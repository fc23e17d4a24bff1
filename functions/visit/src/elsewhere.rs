//! Where else the person waits, as the hospital's own system says: pharmacy, laboratory, examinations. Asked for after
//! the page, so that a slow hospital system holds nobody up.

use crate::place::linked;
use crate::views::{ElsewhereView, NOT_NOW, NOWHERE};
use crate::{Action, App};
use his::{His, HisError, Refusal as HisRefusal};
use runtime::Refusal;
use runtime::http::Call;
use web::Response;

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let (_, appointment) = linked(app, call).await?;
    let card = app.desk.table.patient(&appointment.patient).await?.and_then(|patient| patient.card);
    // A card of ours is not known there.
    let Some(card) = card.filter(|card| !card.is_digital()) else {
        return Ok(call.show(&ElsewhereView::empty(NOWHERE)));
    };
    let his = app.his.get(call.now).await?;
    let asked = his::Call { now: call.now, random: app.desk.random.bytes()? };
    Ok(call.show(&match his.client.card_queues(&card, asked).await {
        Ok(queues) => ElsewhereView::of(&queues),
        Err(HisError::Refused { code: HisRefusal::NoSuchCard }) => ElsewhereView::empty(NOWHERE),
        Err(error) => {
            tracing::warn!(%error, "the hospital's queues cannot be told");
            ElsewhereView::empty(NOT_NOW)
        }
    }))
}
