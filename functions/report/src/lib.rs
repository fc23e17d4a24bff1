//! 检验检查报告: what laboratories and imaging departments found, as the person, their family and their doctor read it.
//!
//! # Who reads
//! Each request looks anew at session, link, what the person lets family see, and whether the session has proven within
//! the last quarter of an hour that whoever holds it knows the person's document ([`access`]): a right that is taken
//! back ends with the next request. What is withheld is cut out before anything is made of a report
//! (`domain::report::reader`). No address and no title says what was examined; nothing is kept by browsers.
//!
//! # Paper
//! WeChat's browser neither prints nor saves, so the printed page has an address that opens for five minutes in any
//! browser of the phone, which does both. It dies with the session, the link and the proof.

mod access;
mod list;
mod paper;
mod read;
mod release;
mod trend;
mod views;

use lambda_http::{Request, http::Method};
use runtime::secrets::{Secret, StaffTokens};
use runtime::{Desk, http::serve};
use std::convert::Infallible;
use store::seal::Keyring;
use web::Response;
use web::pass::PassKeys;
use web::route::{Access, Route, Scope};

/// What this function works with.
#[derive(Debug)]
pub struct App {
    /// Table, clock, profile.
    pub desk: Desk,
    /// Keys that open identities and reports.
    pub identity: Secret<Keyring>,
    /// Signs the addresses of printed pages.
    pub passes: Secret<PassKeys>,
    /// Who of the staff's machines may call.
    pub staff: Secret<StaffTokens>,
}

/// What this function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A person's reports.
    List,
    /// The question who somebody is.
    ProofPage,
    /// The answer.
    Prove,
    /// The question whether the person agrees.
    ConsentPage,
    /// The answer.
    Consent,
    /// An item over time.
    Trend,
    /// A report.
    Report,
    /// A corrected report beside the version before it.
    Versions,
    /// The way to the printed page.
    Print,
    /// The printed page, by its pass.
    Paper,
    /// What waits for a doctor's word.
    Awaiting,
    /// A doctor has told the patient.
    Release,
}

/// The routes of this function.
pub static ROUTES: [Route<Action>; 12] = [
    Route { method: Method::GET, path: "/reports", access: Access::Account, action: Action::List },
    Route { method: Method::GET, path: "/reports/proof", access: Access::Account, action: Action::ProofPage },
    Route { method: Method::POST, path: "/reports/proof", access: Access::Account, action: Action::Prove },
    Route { method: Method::GET, path: "/reports/consent", access: Access::Account, action: Action::ConsentPage },
    Route { method: Method::POST, path: "/reports/consent", access: Access::Account, action: Action::Consent },
    Route { method: Method::GET, path: "/reports/trend", access: Access::Account, action: Action::Trend },
    Route { method: Method::GET, path: "/reports/paper", access: Access::Signed, action: Action::Paper },
    Route { method: Method::GET, path: "/reports/{report}", access: Access::Account, action: Action::Report },
    Route {
        method: Method::GET,
        path: "/reports/{report}/versions",
        access: Access::Account,
        action: Action::Versions,
    },
    Route { method: Method::GET, path: "/reports/{report}/print", access: Access::Account, action: Action::Print },
    Route {
        method: Method::GET,
        path: "/staff/patients/{patient}/reports",
        access: Access::Staff(Scope::Results),
        action: Action::Awaiting,
    },
    Route {
        method: Method::POST,
        path: "/staff/reports/{report}/release",
        access: Access::Staff(Scope::Results),
        action: Action::Release,
    },
];

/// Answers a request.
pub async fn handle(app: &App, request: Request) -> Result<Response, Infallible> {
    // The large ones are kept off the frame that all of them share.
    serve(&app.desk, Some(&app.staff), &ROUTES, request, async |call| match call.action {
        Action::List => Box::pin(list::show(app, call)).await,
        Action::ProofPage => access::ask(app, call).await,
        Action::Prove => access::prove(app, call).await,
        Action::ConsentPage => access::ask_consent(app, call).await,
        Action::Consent => access::consent(app, call).await,
        Action::Trend => Box::pin(trend::show(app, call)).await,
        Action::Report => Box::pin(read::show(app, call)).await,
        Action::Versions => Box::pin(read::versions(app, call)).await,
        Action::Print => Box::pin(paper::print(app, call)).await,
        Action::Paper => Box::pin(paper::show(app, call)).await,
        Action::Awaiting => Box::pin(release::awaiting(app, call)).await,
        Action::Release => Box::pin(release::release(app, call)).await,
    })
    .await
}
