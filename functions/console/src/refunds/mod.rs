//! Money that people decide on: refunds by maker and checker, the worklist, and closing a clinic (停诊).

pub mod views;

use crate::{Action, App, body};
use domain::closure::{Closure, ClosureKind};
use domain::event::Actor;
use domain::id::{ClinicId, OutRefundNo, OutTradeNo};
use domain::order::{Cause, Order, OrderError, RefundRequest, Share, attention::REMARK_CHARS_MAX};
use runtime::Refusal;
use runtime::http::Call;
use serde::Deserialize;
use std::collections::BTreeSet;
use store::orders::OrderFailed;
use views::{ClosedClinicView, OrderView, WorklistView};
use web::problem::Problem;
use web::{Response, StatusCode};

/// The longest idempotency key of a caller, in bytes.
const KEY_BYTES_MAX: usize = 64;

pub(crate) async fn worklist(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let orders = app.desk.table.worklist().await?;
    tracing::info!(who = call.staff()?, what = "read_worklist", orders = orders.len(), "staff action");
    Ok(call.show(&WorklistView::of(&orders)))
}

pub(crate) async fn order(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let no: OutTradeNo = call.params.parse("order")?;
    let order = app.desk.table.order(&no).await?.ok_or_else(Problem::not_found)?;
    app.desk.note(call, "read_order", &no).await?;
    Ok(call.show(&OrderView::of(&order)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundWish {
    /// Lines by place from 1; everything that is left when absent.
    lines: Option<BTreeSet<usize>>,
    /// A repeat with the same key is the same refund.
    idempotency_key: String,
}

pub(crate) async fn refund(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let wish: RefundWish = body::json(call)?;
    if wish.idempotency_key.is_empty() || wish.idempotency_key.len() > KEY_BYTES_MAX {
        return Err(Problem::bad_request().into());
    }
    let seen = find(app, call).await?;
    // A number is given back by cancelling the visit, which refunds it: money alone would leave the patient booked.
    if seen.appointment_key().is_some() {
        let text = "挂号费请通过取消挂号退还（POST /staff/appointments/{appointment}/cancel）";
        return Err(Problem::conflict("cancel_instead", text).into());
    }
    let above = app.profile().await?.money.checker_above_fen;
    let by = actor(call)?;
    let request = |order: &Order| {
        let share = wish.lines.clone().map_or(Share::Everything, Share::Lines);
        let needs_checker = order.amount_of(&share) > above;
        RefundRequest {
            share,
            cause: Cause::Staff,
            by: by.clone(),
            key: Some(wish.idempotency_key.clone()),
            needs_checker,
        }
    };
    let decide = |order: &Order| order.refund(&request(order), call.now);
    let after = match app.desk.table.move_order(&seen.out_trade_no, decide).await {
        Err(OrderFailed::Refused(OrderError::AlreadyDone)) => find(app, call).await?,
        moved => moved.map_err(refused)?,
    };
    done(app, call, "ask_refund", &after).await
}

pub(crate) async fn approve(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let (by, number) = (actor(call)?, refund_number(call)?);
    let after = change(app, call, |order| order.approved(&number, &by, call.now)).await?;
    done(app, call, "approve_refund", &after).await
}

pub(crate) async fn decline(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let (by, number) = (actor(call)?, refund_number(call)?);
    let after = change(app, call, |order| order.declined(&number, &by, call.now)).await?;
    done(app, call, "decline_refund", &after).await
}

pub(crate) async fn retry(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let (by, number) = (actor(call)?, refund_number(call)?);
    let after = change(app, call, |order| order.retried(&number, &by, call.now)).await?;
    done(app, call, "retry_refund", &after).await
}

pub(crate) async fn returned_outside(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let number = refund_number(call)?;
    let after = change(app, call, |order| order.returned_outside(&number, call.now)).await?;
    done(app, call, "refund_returned_outside", &after).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RemarkWish {
    /// Key of the work it settles; `stuck` tries everything that is due again.
    work: String,
    text: String,
}

pub(crate) async fn remark(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let wish: RemarkWish = body::json(call)?;
    let text = wish.text.trim();
    if text.is_empty() || text.chars().count() > REMARK_CHARS_MAX {
        let text = format!("请填写处理说明，最多 {REMARK_CHARS_MAX} 个字");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_remark", text).into());
    }
    let by = actor(call)?;
    let after = change(app, call, |order| match wish.work.as_str() {
        "stuck" => order.unstuck(call.now),
        work => order.remarked(work, by.clone(), text, call.now),
    })
    .await?;
    done(app, call, "remark_order", &after).await
}

pub(crate) async fn close_clinic(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let id: ClinicId = call.params.parse("clinic")?;
    let closure = Closure::decided(id.clone(), None, ClosureKind::Close, call.staff()?.to_owned(), call.now);
    app.desk.table.decide_closure(&closure, call.now).await?.ok_or_else(Problem::not_found)?;
    // Who is in it is cancelled by the sweeper; this only says how many there are.
    let found = app.desk.table.clinic(&id).await?.ok_or_else(Problem::not_found)?;
    let affected = found.slots.iter().map(|slot| slot.holders().count()).sum();
    app.desk.note(call, "close_clinic", &id).await?;
    Ok(call.show(&ClosedClinicView::of(&found.clinic, affected)))
}

fn actor(call: &Call<Action>) -> Result<Actor, Refusal> {
    Ok(Actor::Staff(call.staff()?.to_owned()))
}

fn refund_number(call: &Call<Action>) -> Result<OutRefundNo, Refusal> {
    Ok(call.params.parse("refund")?)
}

async fn find(app: &App, call: &Call<Action>) -> Result<Order, Refusal> {
    let no: OutTradeNo = call.params.parse("order")?;
    Ok(app.desk.table.order(&no).await?.ok_or_else(Problem::not_found)?)
}

/// A repeat of what is done already shows the order as it is.
async fn change(
    app: &App,
    call: &Call<Action>,
    decide: impl Fn(&Order) -> Result<Order, OrderError>,
) -> Result<Order, Refusal> {
    let no: OutTradeNo = call.params.parse("order")?;
    match app.desk.table.move_order(&no, decide).await {
        Err(OrderFailed::Refused(OrderError::AlreadyDone)) => find(app, call).await,
        moved => Ok(moved.map_err(refused)?),
    }
}

async fn done(app: &App, call: &Call<Action>, what: &'static str, order: &Order) -> Result<Response, Refusal> {
    app.desk.note(call, what, &order.out_trade_no).await?;
    Ok(call.show(&OrderView::of(order)))
}

/// Why an order does not move, in the words of the counter.
fn refused(error: OrderFailed) -> Refusal {
    let problem = match error {
        OrderFailed::NotFound => Problem::not_found(),
        OrderFailed::Store(error) => return error.into(),
        OrderFailed::Refused(OrderError::SamePerson) => {
            Problem::new(StatusCode::FORBIDDEN, "same_person", "发起人不能复核自己的退款，请由另一人复核")
        }
        OrderFailed::Refused(OrderError::NotRefundable) => {
            Problem::conflict("not_refundable", "所选项目没有可退金额，或微信已不再受理，请核对订单")
        }
        OrderFailed::Refused(_) => Problem::conflict("cannot_refund", "该订单或退款当前状态不能这样处理"),
    };
    problem.into()
}
