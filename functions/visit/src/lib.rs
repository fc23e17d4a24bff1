//! 候诊: checking in, and the place in the queue: my number, how many ahead, when, which room, which doctor, how to get
//! there.
//!
//! # Looking again and again
//! The page asks every quarter of a minute. It asks with a pass ([`web::pass`]) that the page was given after session and
//! link were checked, so that asking costs one read of the table, is answered with 304 while nothing changed, and fits
//! into a kilobyte. The pass is over after ten minutes; then the page itself is loaded again and checks anew, so that
//! a link that was taken back ends an open page.

mod check_in;
mod elsewhere;
mod place;
pub mod views;

use lambda_http::{Request, http::Method};
use runtime::secrets::{HisAccount, Secret};
use runtime::{Desk, http::serve};
use std::convert::Infallible;
use web::Response;
use web::pass::PassKeys;
use web::route::{Access, Route};

/// What this function works with.
#[derive(Debug)]
pub struct App {
    /// Table, clock, profile.
    pub desk: Desk,
    /// Signs passes, checks the codes of desks.
    pub keys: Secret<PassKeys>,
    /// The hospital's own system: queues outside the consulting rooms.
    pub his: Secret<HisAccount>,
}

/// What this function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A visit: the place in the queue, and how to get there.
    Visit,
    /// Where else the person waits: pharmacy, examinations.
    Elsewhere,
    /// The place alone, by a pass.
    Live,
    /// What can be checked in now.
    CheckInPage,
    /// Check in with the code of a desk.
    CheckIn,
}

/// The routes of this function.
pub static ROUTES: [Route<Action>; 5] = [
    Route { method: Method::GET, path: "/visits/{appointment}", access: Access::Account, action: Action::Visit },
    Route {
        method: Method::GET,
        path: "/visits/{appointment}/elsewhere",
        access: Access::Account,
        action: Action::Elsewhere,
    },
    Route { method: Method::GET, path: "/visits/live", access: Access::Signed, action: Action::Live },
    Route { method: Method::GET, path: "/visits/checkin", access: Access::Account, action: Action::CheckInPage },
    Route { method: Method::POST, path: "/visits/checkin", access: Access::Account, action: Action::CheckIn },
];

/// Answers a request.
pub async fn handle(app: &App, request: Request) -> Result<Response, Infallible> {
    serve(&app.desk, None, &ROUTES, request, async |call| match call.action {
        Action::Visit => place::visit(app, call).await,
        Action::Elsewhere => elsewhere::show(app, call).await,
        Action::Live => place::live(app, call).await,
        Action::CheckInPage => check_in::page(app, call).await,
        Action::CheckIn => check_in::check_in(app, call).await,
    })
    .await
}
