//! An order with something left to do: a payment to look for or to settle, a refund to ask for or about, books to write.
//!
//! A task that calls WeChat moves its deadline ahead first, so that a crash delays it and nothing else; what fails waits
//! longer each time, and shows on the worklist once it has failed too often.

use crate::{App, TickError};
use domain::Timestamp;
use domain::due::{Deadline, Worker};
use domain::event::Actor;
use domain::order::{ManualWhy, Order, OrderError, Refund, RefundAnswer, RefundReport};
use runtime::payments::provider::{Context, Provider, ProviderError};
use runtime::payments::{self, FollowError, context};
use runtime::secrets::PayAccount;
use store::key::Key;
use store::settlement::SettleError;

/// Does what is due of the order at `key`.
pub(crate) async fn work(app: &App, key: &Key, now: Timestamp) -> Result<(), TickError> {
    let Some(order) = app.desk.table.order_at(key).await? else { return Ok(()) };
    let due: Vec<Deadline> = order.deadlines.due(now).filter(|kind| kind.worker() == Worker::Reconcile).collect();
    for deadline in due {
        match deadline {
            Deadline::Settle => settle(app, &order, now).await?,
            Deadline::Query => look_for_payment(app, &order, now).await?,
            Deadline::Refund => ask_for_refund(app, &order, now).await?,
            Deadline::RefundQuery => ask_about_refund(app, &order, now).await?,
            Deadline::Book => book(app, &order, now).await?,
            _ => {}
        }
    }
    Ok(())
}

/// A payment whose number, gate and appointment did not follow at once.
async fn settle(app: &App, order: &Order, now: Timestamp) -> Result<(), TickError> {
    let Some(order) = leased(app, order, Deadline::Settle, now).await? else { return Ok(()) };
    let profile = app.desk.profile().await.map_err(FollowError::from)?;
    let settled = app.desk.table.settle_order(&profile, &order, &Actor::WechatPay, now).await;
    settled.map(drop).map_err(|error| FollowError::from(error).into())
}

/// No notification came: WeChat is asked by the schedule, and in the end closes the order.
async fn look_for_payment(app: &App, order: &Order, now: Timestamp) -> Result<(), TickError> {
    let is_over = order.is_over(now);
    let Some(order) = moved(app, order, |order| order.queried(now)).await? else { return Ok(()) };
    let pay = app.pay.get(now).await?;
    if is_over {
        payments::close(&app.desk, &*pay, &order, now).await?;
    } else {
        payments::query(&app.desk, &*pay, &order, now).await?;
    }
    Ok(())
}

async fn ask_for_refund(app: &App, order: &Order, now: Timestamp) -> Result<(), TickError> {
    let Some((order, refund)) = leased_refund(app, order, Deadline::Refund, now).await? else { return Ok(()) };
    let (pay, context) = (app.pay.get(now).await?, context(&app.desk, now)?);
    match asked(&pay, &order, &refund, &context).await {
        Ok(report) => answered(app, &order, &refund, &report, now).await,
        Err(error) => not_answered(app, &order, &refund, (Deadline::Refund, &error), now).await,
    }
}

/// A refusal that no repetition can help may come of an earlier try that was taken after all: WeChat is asked once before
/// people are.
async fn asked(
    pay: &PayAccount,
    order: &Order,
    refund: &Refund,
    context: &Context,
) -> Result<RefundReport, ProviderError> {
    let refusal = match pay.refund(order, refund, context).await {
        Err(error) if error.refuses_refund().is_some() => error,
        answer => return answer,
    };
    pay.refund_standing(refund, context).await?.ok_or(refusal)
}

/// What WeChat accepted a while ago. It always knows what it accepted: a refund it has never heard of is asked for again.
async fn ask_about_refund(app: &App, order: &Order, now: Timestamp) -> Result<(), TickError> {
    let Some((order, refund)) = leased_refund(app, order, Deadline::RefundQuery, now).await? else { return Ok(()) };
    let (pay, context) = (app.pay.get(now).await?, context(&app.desk, now)?);
    let report = match standing(&pay, &order, &refund, &context).await {
        Ok(report) => report,
        Err(error) => return not_answered(app, &order, &refund, (Deadline::RefundQuery, &error), now).await,
    };
    if report.answer == RefundAnswer::Processing {
        return moved(app, &order, |order| order.refund_pending(now)).await.map(drop);
    }
    answered(app, &order, &refund, &report, now).await
}

async fn standing(
    pay: &PayAccount,
    order: &Order,
    refund: &Refund,
    context: &Context,
) -> Result<RefundReport, ProviderError> {
    match pay.refund_standing(refund, context).await? {
        Some(report) => Ok(report),
        None => pay.refund(order, refund, context).await,
    }
}

async fn answered(
    app: &App,
    order: &Order,
    refund: &Refund,
    report: &RefundReport,
    now: Timestamp,
) -> Result<(), TickError> {
    let number = &refund.out_refund_no;
    moved(app, order, |order| order.refund_answered(number, report, now)).await.map(drop)
}

async fn not_answered(
    app: &App,
    order: &Order,
    refund: &Refund,
    (kind, error): (Deadline, &ProviderError),
    now: Timestamp,
) -> Result<(), TickError> {
    let why = error.refuses_refund().or_else(|| order.tries.is_stuck(kind).then_some(ManualWhy::Stuck));
    let tries = order.tries.of(kind);
    tracing::error!(%error, order = %order.out_trade_no, tries, for_people = why.is_some(), "refund");
    let Some(why) = why else { return Ok(()) };
    let answer = RefundAnswer::Failed(why);
    let report = RefundReport { answer, amount: refund.amount, accepted_at: None, refund_id: None };
    answered(app, order, refund, &report, now).await
}

/// The books follow the order. A refund of which only a notification told is dated by asking WeChat first.
async fn book(app: &App, order: &Order, now: Timestamp) -> Result<(), TickError> {
    let Some(mut order) = leased(app, order, Deadline::Book, now).await? else { return Ok(()) };
    while let Some(refund) = order.undated_refund().cloned() {
        let (pay, context) = (app.pay.get(now).await?, context(&app.desk, now)?);
        let report = pay.refund_standing(&refund, &context).await.map_err(FollowError::from)?;
        let report = report.ok_or(TickError::RefundUnknown)?;
        let dated = moved(app, &order, |order| order.refund_dated(&refund.out_refund_no, &report, now)).await?;
        let Some(dated) = dated else { return Ok(()) };
        order = dated;
    }
    let booked = app.desk.table.book_order(&order, order.his_has_it(), now).await;
    booked.map_err(|error| FollowError::from(SettleError::from(error)))?;
    moved(app, &order, |after| after.booked(order.ver, now)).await.map(drop)
}

async fn leased_refund(
    app: &App,
    order: &Order,
    kind: Deadline,
    now: Timestamp,
) -> Result<Option<(Order, Refund)>, TickError> {
    let leased = leased(app, order, kind, now).await?;
    Ok(leased.and_then(|order| order.refund_due(kind).cloned().map(|refund| (order, refund))))
}

/// The order with the deadline moved ahead, if it is still due.
async fn leased(app: &App, order: &Order, kind: Deadline, now: Timestamp) -> Result<Option<Order>, TickError> {
    moved(app, order, |order| match order.deadlines.get(kind) {
        Some(at) if at <= now => Ok(order.leased(kind, now)),
        _ => Err(OrderError::AlreadyDone),
    })
    .await
}

/// A move that was not necessary any more is no failure.
async fn moved(
    app: &App,
    order: &Order,
    decide: impl Fn(&Order) -> Result<Order, OrderError>,
) -> Result<Option<Order>, TickError> {
    Ok(app.desk.table.move_order_if(&order.out_trade_no, decide).await?)
}
