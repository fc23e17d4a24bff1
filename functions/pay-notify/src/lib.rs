//! 支付通知: what WeChat Pay tells us. Verified, opened, written, and only then acknowledged.

mod notification;

use lambda_http::{Request, http::Method};
use runtime::Desk;
use runtime::http::serve;
use runtime::secrets::{PayAccount, Secret};
use std::convert::Infallible;
use web::Response;
use web::route::{Access, Route};

/// What this function works with.
#[derive(Debug)]
pub struct App {
    /// Table, clock, profile.
    pub desk: Desk,
    /// The merchant.
    pub pay: Secret<PayAccount>,
}

/// What this function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Take a notification in.
    Notify,
}

/// The routes of this function.
pub static ROUTES: [Route<Action>; 1] =
    [Route { method: Method::POST, path: "/pay/notify", access: Access::Signed, action: Action::Notify }];

/// Answers a request.
pub async fn handle(app: &App, request: Request) -> Result<Response, Infallible> {
    serve(&app.desk, None, &ROUTES, request, async |call| match call.action {
        Action::Notify => Ok(notification::take(app, call).await),
    })
    .await
}

#[cfg(test)]
mod tests {
    #[test]
    fn notifications_go_where_orders_say() {
        assert_eq!(super::ROUTES[0].path, runtime::payments::NOTIFY_PATH);
    }
}
