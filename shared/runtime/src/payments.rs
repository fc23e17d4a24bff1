//! Asking WeChat Pay about an order, and following its answer through the table. Payment page and sweeper share it, so
//! that an order ends the same way whoever looks.

use crate::Desk;
use crate::desk::ProfileError;
use crate::random::NoRandomness;
use crate::secrets::PayAccount;
use domain::Timestamp;
use domain::event::Actor;
use domain::money::Fen;
use domain::order::{Order, Payment};
use store::StoreError;
use store::orders::OrderFailed;
use store::registration::{SettleError, Settled};
use wechat::pay::{Call, CloseOutcome, NotifyUrl, OutTradeNo, PayError, TradeState, Transaction};

/// Path of the notification route.
pub const NOTIFY_PATH: &str = "/pay/notify";

/// Why an order could not be followed to an end. It stays as it is and is looked at again.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// WeChat Pay gave no usable answer.
    #[error(transparent)]
    Pay(#[from] PayError),
    /// The payment does not fit the order.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// A number or address of ours is not what WeChat Pay accepts: a fault of the deployment.
    #[error("not acceptable to WeChat Pay: {0}")]
    Field(#[from] wechat::pay::FieldError),
    /// There is no profile.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// No random bytes.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How an order ended, or that it has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// Not paid; can still be paid.
    Open,
    /// Closed at WeChat, unpaid: no payment can come any more.
    Closed,
    /// Paid, and settled.
    Settled(Settled),
}

/// What one call to WeChat Pay takes from outside.
pub fn call(desk: &Desk, now: Timestamp) -> Result<Call, NoRandomness> {
    Ok(Call { now, random: desk.random.bytes()? })
}

/// Where notifications of this deployment go.
pub fn notify_url(desk: &Desk) -> Result<NotifyUrl, wechat::pay::FieldError> {
    NotifyUrl::parse(format!("{}{NOTIFY_PATH}", desk.public_url))
}

/// Asks how an order stands and settles it when it is paid.
pub async fn query(desk: &Desk, pay: &PayAccount, order: &Order, now: Timestamp) -> Result<Followed, FollowError> {
    let number = OutTradeNo::parse(order.out_trade_no.as_str())?;
    let transaction = match pay.client.query(&number, call(desk, now)?).await {
        Ok(transaction) => transaction,
        // Never prepared at WeChat, so nobody can have paid it.
        Err(PayError::OrderNotExist(_)) => return Ok(Followed::Open),
        Err(error) => return Err(error.into()),
    };
    match payment_of(&transaction) {
        Some(payment) => settle(desk, order, &payment, now).await.map(Followed::Settled),
        None if transaction.state == TradeState::Closed => closed(desk, order, now).await,
        None => Ok(Followed::Open),
    }
}

/// Closes an order so that no payment can come any more; finds it paid and settles it otherwise.
pub async fn close(desk: &Desk, pay: &PayAccount, order: &Order, now: Timestamp) -> Result<Followed, FollowError> {
    let number = OutTradeNo::parse(order.out_trade_no.as_str())?;
    match pay.client.close(&number, call(desk, now)?).await {
        Ok(CloseOutcome::Closed) | Err(PayError::OrderNotExist(_) | PayError::OrderClosed(_)) => {
            closed(desk, order, now).await
        }
        Ok(CloseOutcome::AlreadyPaid) => match query(desk, pay, order, now).await? {
            // Paid a moment ago and not visible yet: look again later.
            Followed::Open => Err(PayError::UnknownOutcome.into()),
            followed => Ok(followed),
        },
        Err(error) => Err(error.into()),
    }
}

async fn closed(desk: &Desk, order: &Order, now: Timestamp) -> Result<Followed, FollowError> {
    match desk.table.move_order(&order.out_trade_no, |order| order.closed(now)).await {
        Ok(_) | Err(OrderFailed::Refused(domain::order::OrderError::AlreadyDone)) => Ok(Followed::Closed),
        // A notification settled it in between.
        Err(OrderFailed::Refused(_)) => settle_paid(desk, order, now).await,
        Err(OrderFailed::NotFound) => Err(SettleError::UnknownOrder.into()),
        Err(OrderFailed::Store(error)) => Err(error.into()),
    }
}

async fn settle_paid(desk: &Desk, order: &Order, now: Timestamp) -> Result<Followed, FollowError> {
    let profile = desk.profile().await?;
    let order = desk.table.order(&order.out_trade_no).await?.ok_or(SettleError::UnknownOrder)?;
    Ok(Followed::Settled(desk.table.settle_order(&profile, &order, &Actor::WechatPay, now).await?))
}

/// Records a payment and settles its order.
pub async fn settle(desk: &Desk, order: &Order, payment: &Payment, now: Timestamp) -> Result<Settled, FollowError> {
    let profile = desk.profile().await?;
    Ok(desk.table.settle_payment(&profile, &order.out_trade_no, payment, &Actor::WechatPay, now).await?)
}

/// The payment a transaction reports, if it was paid. `REFUND` also means that it was paid, and some of it went back.
pub fn payment_of(transaction: &Transaction) -> Option<Payment> {
    let paid = matches!(transaction.state, TradeState::Success | TradeState::Refund);
    let transaction_id = transaction.transaction_id.clone().filter(|_| paid)?;
    let total = Fen::new(transaction.total_fen?).ok()?;
    Some(Payment { transaction_id, total })
}
