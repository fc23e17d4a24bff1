//! 支付: paying for a held number or for bills in WeChat, receipts, and what a patient gives back.

mod bills;
mod orders;
mod paying;
mod refunds;
mod registration;
#[cfg(test)]
mod samples;
pub mod views;

use lambda_http::{Request, http::Method};
use runtime::Desk;
use runtime::http::serve;
use runtime::secrets::{HisAccount, PayAccount, Secret};
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
    /// The hospital's own system.
    pub his: Secret<HisAccount>,
}

/// What this function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The page to pay a number on.
    Page,
    /// Prepare the payment sheet for a number.
    Prepay,
    /// Ask where the payment of a number stands.
    Check,
    /// The unpaid bills.
    Bills,
    /// Pay some of them.
    Choose,
    /// An order: to be paid, its receipt, its refunds.
    Order,
    /// Prepare the payment sheet for an order.
    PrepayOrder,
    /// Ask where the payment of an order stands.
    CheckOrder,
    /// Give up an order that is not paid.
    CancelOrder,
    /// Give items back.
    Refund,
}

/// The routes of this function.
pub static ROUTES: [Route<Action>; 10] = [
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
    Route { method: Method::GET, path: "/bills", access: Access::Account, action: Action::Bills },
    Route { method: Method::POST, path: "/bills/orders", access: Access::Account, action: Action::Choose },
    Route { method: Method::GET, path: "/orders/{order}", access: Access::Account, action: Action::Order },
    Route {
        method: Method::POST,
        path: "/orders/{order}/prepay",
        access: Access::Account,
        action: Action::PrepayOrder,
    },
    Route {
        method: Method::POST,
        path: "/orders/{order}/payment-check",
        access: Access::Account,
        action: Action::CheckOrder,
    },
    Route {
        method: Method::POST,
        path: "/orders/{order}/cancel",
        access: Access::Account,
        action: Action::CancelOrder,
    },
    Route { method: Method::POST, path: "/orders/{order}/refunds", access: Access::Account, action: Action::Refund },
];

/// Answers a request.
pub async fn handle(app: &App, request: Request) -> Result<Response, Infallible> {
    serve(&app.desk, None, &ROUTES, request, async |call| match call.action {
        Action::Page => registration::show(app, call).await,
        Action::Prepay => Box::pin(registration::prepay(app, call)).await,
        Action::Check => Box::pin(registration::check(app, call)).await,
        Action::Bills => bills::show(app, call).await,
        Action::Choose => bills::choose(app, call).await,
        Action::Order => orders::show(app, call).await,
        Action::PrepayOrder => orders::prepay(app, call).await,
        Action::CheckOrder => orders::check(app, call).await,
        Action::CancelOrder => orders::cancel(app, call).await,
        Action::Refund => refunds::ask(app, call).await,
    })
    .await
}
