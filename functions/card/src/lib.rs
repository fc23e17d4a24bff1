//! 就诊卡: the visit card of a person, made here or bound from the hospital's own.

mod cards;
mod proof;
pub mod views;

use lambda_http::{Request, http::Method};
use runtime::secrets::{HisAccount, Secret, SmsAccount};
use runtime::{Desk, http::serve};
use std::convert::Infallible;
use store::seal::Keyring;
use web::Response;
use web::route::{Access, Route};

/// What this function works with.
#[derive(Debug)]
pub struct App {
    /// Table, clock, profile.
    pub desk: Desk,
    /// Keys that open identities.
    pub identity: Secret<Keyring>,
    /// The hospital's own system.
    pub his: Secret<HisAccount>,
    /// Sends codes.
    pub sms: Secret<SmsAccount>,
}

/// What this function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Show the card, or the ways to one.
    Card,
    /// Make a digital card.
    Create,
    /// Claim a card of the hospital's: a code proves it.
    Bind,
    /// The code that was sent.
    Confirm,
    /// Use another of several cards.
    Choose,
}

/// The routes of this function.
pub static ROUTES: [Route<Action>; 5] = [
    Route { method: Method::GET, path: "/patients/{patient}/card", access: Access::Account, action: Action::Card },
    Route { method: Method::POST, path: "/patients/{patient}/card", access: Access::Account, action: Action::Create },
    Route {
        method: Method::POST,
        path: "/patients/{patient}/card/bind",
        access: Access::Account,
        action: Action::Bind,
    },
    Route {
        method: Method::POST,
        path: "/patients/{patient}/card/code",
        access: Access::Account,
        action: Action::Confirm,
    },
    Route {
        method: Method::POST,
        path: "/patients/{patient}/card/main",
        access: Access::Account,
        action: Action::Choose,
    },
];

/// Answers a request.
pub async fn handle(app: &App, request: Request) -> Result<Response, Infallible> {
    serve(&app.desk, None, &ROUTES, request, async |call| match call.action {
        Action::Card => cards::show(app, call).await,
        Action::Create => cards::create(app, call).await,
        Action::Bind => cards::bind(app, call).await,
        Action::Confirm => cards::confirm(app, call).await,
        Action::Choose => cards::choose(app, call).await,
    })
    .await
}
