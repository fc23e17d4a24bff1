//! 支付: paying for a held number in WeChat.

mod paying;
pub mod views;

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
    /// The page to pay on.
    Page,
    /// Prepare the payment sheet.
    Prepay,
    /// Ask where a payment stands.
    Check,
}

/// The routes of this function.
pub static ROUTES: [Route<Action>; 3] = [
    Route {
        method: Method::GET,
        path: "/appointments/{appointment}/pay",
        access: Access::Account,
        action: Action::Page,
    },
    Route {
        method: Method::POST,
        path: "/appointments/{appointment}/prepay",
        access: Access::Account,
        action: Action::Prepay,
    },
    Route {
        method: Method::POST,
        path: "/appointments/{appointment}/payment-check",
        access: Access::Account,
        action: Action::Check,
    },
];

/// Answers a request.
pub async fn handle(app: &App, request: Request) -> Result<Response, Infallible> {
    serve(&app.desk, None, &ROUTES, request, async |call| match call.action {
        Action::Page => paying::show(app, call).await,
        Action::Prepay => paying::prepay(app, call).await,
        Action::Check => paying::check(app, call).await,
    })
    .await
}
