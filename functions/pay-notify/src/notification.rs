//! One notification: 200 once it is durably written, a refusal that WeChat repeats otherwise.

use crate::{Action, App};
use domain::Timestamp;
use domain::event::Actor;
use domain::id::{OutRefundNo, OutTradeNo};
use domain::order::OrderError;
use lambda_http::Body;
use runtime::http::Call;
use runtime::payments::provider::{payment_of, report_of};
use runtime::refusal::unavailable;
use runtime::secrets::{PayAccount, SecretError};
use store::orders::OrderFailed;
use store::settlement::SettleError;
use web::form::bounded_body;
use web::{Response, StatusCode};
use wechat::pay::{
    MAX_NOTIFICATION_BYTES, Notification, NotificationError, Notified, RefundNotice, SignatureHeaders, Transaction,
    VerifyError,
};

/// Why a notification is not acknowledged. The code goes back to WeChat and into the log; nothing else does.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("notification not accepted: {0}")]
    NotWechat(#[from] NotificationError),
    #[error("no such order")]
    UnknownOrder,
    #[error("payment or refund does not fit the order")]
    Suspicious,
    #[error("cannot be written now")]
    Unavailable,
}

impl Refused {
    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotWechat(NotificationError::TooLarge) => (StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE"),
            Self::NotWechat(NotificationError::Verify(_)) => (StatusCode::UNAUTHORIZED, "SIGN_ERROR"),
            Self::NotWechat(_) => (StatusCode::BAD_REQUEST, "UNREADABLE"),
            Self::UnknownOrder => (StatusCode::NOT_FOUND, "ORDER_NOT_EXIST"),
            Self::Suspicious => (StatusCode::BAD_REQUEST, "MISMATCH"),
            Self::Unavailable => (StatusCode::INTERNAL_SERVER_ERROR, "SYSTEM_ERROR"),
        }
    }
}

pub(crate) async fn take(app: &App, call: &Call<Action>) -> Response {
    match follow(app, call).await {
        Ok(()) => Response::new(Body::Empty),
        Err(refused) => answer(&refused),
    }
}

fn answer(refused: &Refused) -> Response {
    let (status, code) = refused.status_and_code();
    if let Refused::NotWechat(NotificationError::Verify(VerifyError::Probe)) = refused {
        // WeChat tests our checking with signatures that are wrong on purpose: no alarm.
        tracing::info!(code, "signature probe refused");
    } else if let Refused::Suspicious = refused {
        tracing::error!(alarm = "suspicious_notification", code, error = %refused, "notification refused");
    } else {
        tracing::error!(code, error = %refused, "notification refused");
    }
    let body = serde_json::json!({ "code": "FAIL", "message": code }).to_string();
    let mut response = Response::new(Body::Text(body));
    *response.status_mut() = status;
    let json = lambda_http::http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(lambda_http::http::header::CONTENT_TYPE, json);
    response
}

async fn follow(app: &App, call: &Call<Action>) -> Result<(), Refused> {
    let body = bounded_body(&call.request, MAX_NOTIFICATION_BYTES).map_err(|_| NotificationError::TooLarge)?;
    let header = |name: &str| call.request.headers().get(name).and_then(|value| value.to_str().ok());
    let headers = SignatureHeaders::from_lookup(header).map_err(NotificationError::from)?;
    match opened(app, &headers, body, call.now).await?.notification {
        Notification::PaymentSucceeded(transaction) => paid(app, call, &transaction).await,
        Notification::Refund(notice) => refunded(app, call, &notice).await,
        Notification::Other { event_type } => {
            tracing::warn!(event_type, "notification of a kind this version does not know");
            Ok(())
        }
    }
}

/// Checks and opens a notification. One that needs a key the kept secret lacks is tried with the secret as it is now, so
/// that a roll-over loses nothing and needs no waiting.
async fn opened(app: &App, headers: &SignatureHeaders<'_>, body: &[u8], now: Timestamp) -> Result<Notified, Refused> {
    let open = |pay: &PayAccount| pay.notifications.open(pay.client.verifier(), headers, body, now);
    let error = match open(&*app.pay.get(now).await.map_err(|error| no_secret(&error))?) {
        Err(error) if error.is_key_missing() => error,
        outcome => return Ok(outcome?),
    };
    let Some(pay) = app.pay.refreshed(now).await.map_err(|error| no_secret(&error))? else {
        return Err(error.into());
    };
    let outcome = open(&pay);
    tracing::info!(error = %error, opened = outcome.is_ok(), "secret read again for a key it lacked");
    Ok(outcome?)
}

fn no_secret(error: &SecretError) -> Refused {
    unavailable("secret", error);
    Refused::Unavailable
}

async fn paid(app: &App, call: &Call<Action>, transaction: &Transaction) -> Result<(), Refused> {
    let number: OutTradeNo = transaction.out_trade_no.parse().map_err(|_| Refused::UnknownOrder)?;
    let payment = payment_of(transaction).ok_or(Refused::Suspicious)?;
    let profile = app.desk.profile().await.map_err(|error| later(&error))?;
    let settled = app.desk.table.settle_payment(&profile, &number, &payment, &Actor::WechatPay, call.now).await;
    match settled {
        Ok(_) => Ok(()),
        Err(SettleError::UnknownOrder | SettleError::NoAppointment) => Err(Refused::UnknownOrder),
        Err(SettleError::Suspicious(_) | SettleError::Books) => Err(Refused::Suspicious),
        Err(SettleError::Store(error)) => Err(later(&error)),
    }
}

async fn refunded(app: &App, call: &Call<Action>, notice: &RefundNotice) -> Result<(), Refused> {
    let order: OutTradeNo = notice.out_trade_no.parse().map_err(|_| Refused::UnknownOrder)?;
    let refund: OutRefundNo = notice.out_refund_no.parse().map_err(|_| Refused::UnknownOrder)?;
    let report = report_of(notice).map_err(|_| Refused::Suspicious)?;
    let moved = app.desk.table.move_order(&order, |order| order.refund_answered(&refund, &report, call.now));
    match moved.await {
        Ok(_) | Err(OrderFailed::Refused(OrderError::AlreadyDone)) => Ok(()),
        Err(OrderFailed::NotFound) => Err(Refused::UnknownOrder),
        Err(OrderFailed::Refused(_)) => Err(Refused::Suspicious),
        Err(OrderFailed::Store(error)) => Err(later(&error)),
    }
}

fn later(error: &(dyn std::error::Error + 'static)) -> Refused {
    unavailable("table", error);
    Refused::Unavailable
}
