//! An order with something left to do: a payment to settle, a refund to ask for or to ask about.

use crate::{App, SweepError};
use domain::Timestamp;
use domain::due::{Deadline, TRIES_MAX};
use domain::event::Actor;
use domain::order::{Order, OrderError, Refund as HeldRefund, RefundAnswer};
use runtime::payments::{self, FollowError, call as pay_call};
use runtime::secrets::PayAccount;
use store::key::Key;
use store::orders::OrderFailed;
use wechat::pay::{OutRefundNo, OutTradeNo, Refund, RefundNotice, RefundReason, RefundStatus};

/// Shown to the patient in WeChat's refund notice.
const REASON: &str = "门诊挂号退费";

pub(crate) async fn sweep(app: &App, key: &Key, now: Timestamp) -> Result<(), SweepError> {
    let Some(order) = app.desk.table.order_at(key).await? else { return Ok(()) };
    let due: Vec<Deadline> = order.deadlines.due(now).collect();
    for deadline in due {
        match deadline {
            Deadline::Settle => settle(app, &order, now).await?,
            Deadline::Refund | Deadline::RefundQuery => refund(app, &order, deadline, now).await?,
            Deadline::HoldExpires | Deadline::Release | Deadline::Notify | Deadline::Remind => {}
        }
    }
    Ok(())
}

async fn settle(app: &App, order: &Order, now: Timestamp) -> Result<(), SweepError> {
    let profile = app.desk.profile().await.map_err(FollowError::from)?;
    let settled = app.desk.table.settle_order(&profile, order, &Actor::WechatPay, now).await;
    settled.map(drop).map_err(|error| FollowError::from(error).into())
}

async fn refund(app: &App, order: &Order, deadline: Deadline, now: Timestamp) -> Result<(), SweepError> {
    let pay = app.pay.get(now).await?;
    // Lease first: a crash after WeChat was asked only means asking again, under the same number.
    let leased = moved(app.desk.table.move_order(&order.out_trade_no, |order| {
        if order.deadlines.get(deadline).is_none_or(|at| at > now) {
            return Err(OrderError::AlreadyDone);
        }
        Ok(order.leased(deadline, now))
    }))
    .await?;
    let Some((order, refund)) = leased.and_then(|order| order.open_refund().cloned().map(|refund| (order, refund)))
    else {
        return Ok(());
    };
    let answer = match ask(app, &pay, &order, &refund, deadline, now).await {
        Ok(notice) => answer_of(&notice),
        Err(error) if order.tries >= TRIES_MAX => {
            tracing::error!(%error, order = %order.out_trade_no, "refund parked for finance");
            RefundAnswer::Failed
        }
        Err(error) => {
            tracing::error!(%error, order = %order.out_trade_no, tries = order.tries, "refund will be asked for again");
            return Ok(());
        }
    };
    moved(
        app.desk
            .table
            .move_order(&order.out_trade_no, |order| order.refund_answered(&refund.out_refund_no, answer, now)),
    )
    .await
    .map(drop)
}

/// A move that was not necessary any more is no failure.
async fn moved(write: impl Future<Output = Result<Order, OrderFailed>>) -> Result<Option<Order>, SweepError> {
    match write.await {
        Ok(order) => Ok(Some(order)),
        Err(OrderFailed::Refused(_) | OrderFailed::NotFound) => Ok(None),
        Err(OrderFailed::Store(error)) => Err(error.into()),
    }
}

async fn ask(
    app: &App,
    pay: &PayAccount,
    order: &Order,
    refund: &HeldRefund,
    deadline: Deadline,
    now: Timestamp,
) -> Result<RefundNotice, FollowError> {
    let number = OutRefundNo::parse(refund.out_refund_no.as_str())?;
    let call = pay_call(&app.desk, now)?;
    if deadline == Deadline::RefundQuery {
        return Ok(pay.client.query_refund(&number, call).await?);
    }
    let request = Refund {
        out_trade_no: OutTradeNo::parse(order.out_trade_no.as_str())?,
        out_refund_no: number,
        reason: Some(RefundReason::parse(REASON)?),
        notify_url: payments::notify_url(&app.desk)?,
        refund_fen: refund.amount.get(),
        total_fen: order.amount.get(),
    };
    Ok(pay.client.refund(&request, call).await?)
}

fn answer_of(notice: &RefundNotice) -> RefundAnswer {
    match notice.status {
        RefundStatus::Success => RefundAnswer::Success,
        RefundStatus::Processing => RefundAnswer::Processing,
        RefundStatus::Closed | RefundStatus::Abnormal => RefundAnswer::Failed,
        RefundStatus::Unknown(_) => RefundAnswer::Unknown,
    }
}
