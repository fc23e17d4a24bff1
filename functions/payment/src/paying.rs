//! Opening an order for payment and following it, whatever it pays for. What the browser reports proves nothing: the
//! server asks the provider.

use crate::App;
use domain::Timestamp;
use domain::appointment::{Appointment, State};
use domain::due::Deadline;
use domain::order::{Order, OrderState};
use runtime::payments::provider::{Opened, Provider};
use runtime::payments::{self, Followed};
use runtime::{Refusal, enrolment};
use web::pay::SheetRequest;
use wechat::pay::BridgeParameters;

/// What became of opening an order for payment.
pub(crate) enum Offer {
    /// Open the payment sheet with this.
    Sheet(SheetRequest),
    /// It was paid meanwhile, and is settled.
    Settled,
    /// It can no longer be paid.
    Over,
}

/// Makes an order payable. `is_wanted` is asked after: an order given up while the provider was asked is closed again,
/// for nobody else would look at it.
pub(crate) async fn offer(
    app: &App,
    order: &Order,
    now: Timestamp,
    is_wanted: impl AsyncFnOnce() -> Result<bool, Refusal>,
) -> Result<Offer, Refusal> {
    let pay = app.pay.get(now).await?;
    match pay.open(order, &payments::context(&app.desk, now)?).await? {
        Opened::Sheet(signed) if is_wanted().await? => Ok(Offer::Sheet(sheet(signed))),
        Opened::Sheet(_) | Opened::Closed => {
            let followed = payments::close(&app.desk, &*pay, order, now).await?;
            Ok(if matches!(followed, Followed::Settled(_)) { Offer::Settled } else { Offer::Over })
        }
        // Paid on another phone in the meantime.
        Opened::Paid => {
            payments::query(&app.desk, &*pay, order, now).await?;
            Ok(Offer::Settled)
        }
    }
}

fn sheet(signed: BridgeParameters) -> SheetRequest {
    SheetRequest {
        app_id: signed.app_id,
        time_stamp: signed.time_stamp,
        nonce_str: signed.nonce_str,
        package: signed.package,
        sign_type: signed.sign_type.to_owned(),
        pay_sign: signed.pay_sign,
    }
}

/// How an order ended, asked at the provider if need be.
pub(crate) async fn follow(app: &App, order: &Order, now: Timestamp) -> Result<Followed, Refusal> {
    if order.state != OrderState::AwaitingPay {
        // A notification noted the payment a moment ago, and is at what follows from it or died there.
        let is_settled = order.deadlines.get(Deadline::Settle).is_none();
        return if is_settled { Ok(Followed::Open) } else { Ok(payments::settle_paid(&app.desk, order, now).await?) };
    }
    let pay = app.pay.get(now).await?;
    Ok(payments::query(&app.desk, &*pay, order, now).await?)
}

/// Closes an order at the provider, so that no payment can come any more.
pub(crate) async fn close(app: &App, order: &Order, now: Timestamp) -> Result<Followed, Refusal> {
    let pay = app.pay.get(now).await?;
    Ok(payments::close(&app.desk, &*pay, order, now).await?)
}

/// Has the hospital confirm a visit at once that it gives the number of.
pub(crate) async fn tell_visit(app: &App, visit: Appointment, now: Timestamp) -> Appointment {
    match visit.state {
        State::Confirming { .. } => enrolment::at_once(&app.desk, &app.his, visit, now).await,
        _ => visit,
    }
}
