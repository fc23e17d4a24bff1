//! An order in the patient's hand: to be paid, followed, given up, and its receipt.

use crate::paying::{self, Offer};
use crate::views::{CheckView, OrderView, PrepayView};
use crate::{Action, App};
use domain::booking::PREPAY_MARGIN_S;
use domain::id::OutTradeNo;
use domain::order::{Cause, Order, OrderState, Subject};
use domain::time;
use runtime::http::Call;
use runtime::payments::Followed;
use runtime::{Refusal, posting};
use store::settlement::Settled;
use web::Response;
use web::components::Link;
use web::negotiate::Face;
use web::pay::PaymentState;
use web::problem::Problem;

/// The order of the path, if the caller pays it or may act for its patient. Who paid keeps it after the link has ended.
pub(crate) async fn own(app: &App, call: &Call<Action>) -> Result<Order, Refusal> {
    let number: OutTradeNo = call.params.parse("order")?;
    let order = app.desk.table.order(&number).await?.ok_or_else(Problem::not_found)?;
    if order.payer != *call.account()? {
        app.desk.table.link(call.account()?, &order.patient).await?.ok_or_else(Problem::not_found)?;
    }
    Ok(order)
}

/// The same, of bills only: a registration is paid and cancelled where it was held.
async fn own_bills(app: &App, call: &Call<Action>) -> Result<Order, Refusal> {
    let order = own(app, call).await?;
    match order.subject {
        Subject::Bills { .. } => Ok(order),
        Subject::Registration { .. } => Err(Problem::not_found().into()),
    }
}

/// Answers with the order, on a page by going to it.
pub(crate) fn answer(call: &Call<Action>, order: &Order) -> Result<Response, Refusal> {
    let view = OrderView::of(order, order.payer == *call.account()?, call.now);
    Ok(match call.meta.face() {
        Face::Json => call.show(&view),
        Face::Page => call.go(&format!("/orders/{}", order.out_trade_no)),
    })
}

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let order = own(app, call).await?;
    let key = web::session::IdempotencyKey::from_random(app.desk.random.bytes()?);
    Ok(call.show(&OrderView::of(&order, order.payer == *call.account()?, call.now).with_form(key)))
}

pub(crate) async fn prepay(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let order = own_bills(app, call).await?;
    match order.state {
        OrderState::Paid { .. } => return Ok(call.show(&PrepayView::settled())),
        OrderState::Closed => return Err(order_over(&order).into()),
        OrderState::AwaitingPay => {}
    }
    if order.payer != *call.account()? {
        return Err(Problem::conflict("other_payer", "这笔缴费由家人发起。要由您支付，请重新选择账单")
            .with_action(back_to_bills(&order))
            .into());
    }
    if time::add_seconds(call.now, PREPAY_MARGIN_S) > order.expires_at {
        return Err(order_over(&order).into());
    }
    let still_open = async || {
        let order = app.desk.table.order(&order.out_trade_no).await?;
        Ok(order.is_some_and(|order| order.state == OrderState::AwaitingPay))
    };
    match paying::offer(app, &order, call.now, still_open).await? {
        Offer::Sheet(request) => Ok(call.show(&PrepayView::open(request))),
        Offer::Settled => Ok(call.show(&PrepayView::settled())),
        Offer::Over => Err(order_over(&order).into()),
    }
}

fn order_over(order: &Order) -> Problem {
    Problem::conflict("order_over", "支付时间已过或已取消，请重新选择账单").with_action(back_to_bills(order))
}

fn back_to_bills(order: &Order) -> Link {
    Link::new("重新选择账单", format!("/bills?patient={}", order.patient))
}

pub(crate) async fn check(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let order = own_bills(app, call).await?;
    let order = match paying::follow(app, &order, call.now).await? {
        Followed::Settled(Settled::Bills(paid)) => *paid,
        Followed::Open | Followed::Closed | Followed::Settled(_) => own_bills(app, call).await?,
    };
    // The receipt is there when the sheet closes, whether this page or a notification saw the payment first.
    let order = if order.is_paid() { posting::at_once(&app.desk, &app.his, order, call.now).await } else { order };
    Ok(call.show(&CheckView::of_bills(stands(&order))))
}

fn stands(order: &Order) -> PaymentState {
    let is_returned = order.in_sequence().any(|refund| matches!(refund.cause, Cause::HisRefused | Cause::HisSilent));
    match order.state {
        OrderState::AwaitingPay => PaymentState::Pending,
        OrderState::Closed => PaymentState::Closed,
        OrderState::Paid { .. } if is_returned => PaymentState::Refunding,
        OrderState::Paid { .. } => PaymentState::Paid,
    }
}

pub(crate) async fn cancel(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let order = own_bills(app, call).await?;
    if order.state == OrderState::AwaitingPay {
        paying::close(app, &order, call.now).await?;
    }
    let order = own_bills(app, call).await?;
    match (call.meta.face(), &order.state) {
        (Face::Page, OrderState::AwaitingPay | OrderState::Closed) => {
            Ok(call.go(&format!("/bills?patient={}", order.patient)))
        }
        // Paid meanwhile: its page says so.
        _ => answer(call, &order),
    }
}
