//! Asking the provider about an order, and following its answer through the table. Payment page, sweeper and reconcile
//! share it, so that an order ends the same way whoever looks.

pub mod provider;

use crate::Desk;
use crate::desk::ProfileError;
use crate::random::{NoRandomness, hex};
use domain::Timestamp;
use domain::event::Actor;
use domain::order::{Order, OrderError, Payment};
use provider::{Closing, Context, Provider, ProviderError, Standing};
use store::StoreError;
use store::orders::OrderFailed;
use store::settlement::{SettleError, Settled};
use wechat::pay::{Call, NotifyUrl};

/// Path of the notification route.
pub const NOTIFY_PATH: &str = "/pay/notify";

/// Why an order could not be followed to an end. It stays as it is and is looked at again.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The provider gave no usable answer.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// Paid, and its payment not visible yet.
    #[error("the provider says paid, but not by what")]
    NotVisibleYet,
    /// The payment does not fit the order.
    #[error(transparent)]
    Settle(#[from] SettleError),
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
    /// Closed at the provider, unpaid: no payment can come any more.
    Closed,
    /// Paid, and settled.
    Settled(Settled),
}

/// What one call to the provider takes from outside.
pub fn context(desk: &Desk, now: Timestamp) -> Result<Context, FollowError> {
    let nonce: [u8; 16] = desk.random.bytes()?;
    let notify_url = NotifyUrl::parse(format!("{}{NOTIFY_PATH}", desk.public_url)).map_err(ProviderError::from)?;
    Ok(Context { call: Call { now, random: desk.random.bytes()? }, notify_url, nonce: hex(&nonce) })
}

/// Asks how an order stands and settles it when it is paid.
pub async fn query(
    desk: &Desk,
    provider: &impl Provider,
    order: &Order,
    now: Timestamp,
) -> Result<Followed, FollowError> {
    match provider.standing(order, &context(desk, now)?).await? {
        Standing::Open | Standing::Missing => Ok(Followed::Open),
        Standing::Closed => closed(desk, order, now).await,
        Standing::Paid(payment) => settle(desk, order, &payment, now).await.map(Followed::Settled),
    }
}

/// Closes an order so that no payment can come any more; finds it paid and settles it otherwise.
pub async fn close(
    desk: &Desk,
    provider: &impl Provider,
    order: &Order,
    now: Timestamp,
) -> Result<Followed, FollowError> {
    match provider.close(order, &context(desk, now)?).await? {
        Closing::Closed => closed(desk, order, now).await,
        Closing::Paid => match query(desk, provider, order, now).await? {
            // Paid a moment ago and not visible yet: look again later.
            Followed::Open => Err(FollowError::NotVisibleYet),
            followed => Ok(followed),
        },
    }
}

async fn closed(desk: &Desk, order: &Order, now: Timestamp) -> Result<Followed, FollowError> {
    match desk.table.move_order(&order.out_trade_no, |order| order.closed(now)).await {
        Ok(_) | Err(OrderFailed::Refused(OrderError::AlreadyDone)) => Ok(Followed::Closed),
        // A notification settled it in between.
        Err(OrderFailed::Refused(_)) => settle_paid(desk, order, now).await,
        Err(OrderFailed::NotFound) => Err(SettleError::UnknownOrder.into()),
        Err(OrderFailed::Store(error)) => Err(error.into()),
    }
}

/// Goes on from an order that is paid: whoever noted the payment may have died before what follows from it.
pub async fn settle_paid(desk: &Desk, order: &Order, now: Timestamp) -> Result<Followed, FollowError> {
    let profile = desk.profile().await?;
    let order = desk.table.order(&order.out_trade_no).await?.ok_or(SettleError::UnknownOrder)?;
    Ok(Followed::Settled(desk.table.settle_order(&profile, &order, &Actor::WechatPay, now).await?))
}

/// Records a payment and settles its order.
pub async fn settle(desk: &Desk, order: &Order, payment: &Payment, now: Timestamp) -> Result<Settled, FollowError> {
    let profile = desk.profile().await?;
    Ok(desk.table.settle_payment(&profile, &order.out_trade_no, payment, &Actor::WechatPay, now).await?)
}
