//! 登录与实名登记: signing in with WeChat, the people an account acts for, and their credit records.

mod accounts;
pub mod credit;
mod messages;
mod patients;
mod registration;
mod signin;
pub mod views;

use lambda_http::{Request, http::Method};
use runtime::secrets::{Secret, WechatAccount};
use runtime::{Desk, http::serve};
use std::convert::Infallible;
use store::seal::Keyring;
use web::Response;
use web::route::{Access, Route};
use wechat::api::Api;

/// What this function works with.
#[derive(Debug)]
pub struct App {
    /// Table, clock, profile.
    pub desk: Desk,
    /// The service account people sign in to.
    pub account: Secret<WechatAccount>,
    /// Keys that seal identities.
    pub identity: Secret<Keyring>,
    /// WeChat's API.
    pub api: Api,
    /// Where WeChat's sign-in page is.
    pub open_url: String,
}

/// What this function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Go to WeChat to sign in.
    SignIn,
    /// Come back from there.
    SignInCallback,
    /// End the session.
    SignOut,
    /// Read what one agrees to.
    Consent,
    /// The people the account acts for.
    Patients,
    /// The empty registration form.
    NewPatient,
    /// Register a person.
    Register,
    /// No longer act for a person.
    Unlink,
    /// What the account wants to be told.
    Preferences,
    /// Change that.
    ChangePreferences,
    /// A person's credit record.
    Credit,
    /// One strike of it.
    Strike,
    /// Object to one.
    Appeal,
    /// Which accounts act for a person.
    Accounts,
    /// Send one of them away.
    RemoveAccount,
    /// Let one of them see results, or no longer.
    ReportScope,
}

/// The routes of this function.
pub static ROUTES: [Route<Action>; 16] = [
    Route { method: Method::GET, path: "/signin", access: Access::Public, action: Action::SignIn },
    Route { method: Method::GET, path: "/signin/callback", access: Access::Public, action: Action::SignInCallback },
    Route { method: Method::POST, path: "/signout", access: Access::Account, action: Action::SignOut },
    Route { method: Method::GET, path: "/consent", access: Access::Public, action: Action::Consent },
    Route { method: Method::GET, path: "/patients", access: Access::Account, action: Action::Patients },
    Route { method: Method::GET, path: "/patients/new", access: Access::Account, action: Action::NewPatient },
    Route { method: Method::POST, path: "/patients", access: Access::Account, action: Action::Register },
    Route { method: Method::POST, path: "/patients/{patient}/unlink", access: Access::Account, action: Action::Unlink },
    Route { method: Method::GET, path: "/messages/preferences", access: Access::Account, action: Action::Preferences },
    Route {
        method: Method::POST,
        path: "/messages/preferences",
        access: Access::Account,
        action: Action::ChangePreferences,
    },
    Route { method: Method::GET, path: "/patients/{patient}/credit", access: Access::Account, action: Action::Credit },
    Route {
        method: Method::GET,
        path: "/patients/{patient}/credit/{appointment}",
        access: Access::Account,
        action: Action::Strike,
    },
    Route {
        method: Method::POST,
        path: "/patients/{patient}/credit/{appointment}",
        access: Access::Account,
        action: Action::Appeal,
    },
    Route {
        method: Method::GET,
        path: "/patients/{patient}/accounts",
        access: Access::Account,
        action: Action::Accounts,
    },
    Route {
        method: Method::POST,
        path: "/patients/{patient}/accounts/{account}/remove",
        access: Access::Account,
        action: Action::RemoveAccount,
    },
    Route {
        method: Method::POST,
        path: "/patients/{patient}/accounts/{account}/reports",
        access: Access::Account,
        action: Action::ReportScope,
    },
];

/// Answers a request.
pub async fn handle(app: &App, request: Request) -> Result<Response, Infallible> {
    serve(&app.desk, None, &ROUTES, request, async |call| match call.action {
        Action::SignIn => signin::begin(app, call).await,
        Action::SignInCallback => signin::come_back(app, call).await,
        Action::SignOut => signin::sign_out(app, call).await,
        Action::Consent => patients::consent(call),
        Action::Patients => patients::list(app, call).await,
        Action::NewPatient => patients::blank(call),
        Action::Register => patients::register(app, call).await,
        Action::Unlink => patients::unlink(app, call).await,
        Action::Preferences => messages::show(app, call).await,
        Action::ChangePreferences => messages::change(app, call).await,
        Action::Credit => credit::list(app, call).await,
        Action::Strike => credit::show(app, call).await,
        Action::Appeal => credit::appeal(app, call).await,
        Action::Accounts => accounts::list(app, call).await,
        Action::RemoveAccount => accounts::remove(app, call).await,
        Action::ReportScope => accounts::report_scope(app, call).await,
    })
    .await
}
