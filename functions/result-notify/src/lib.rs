//! 检验检查结果: what laboratories and imaging departments send through the hospital's front-end machine, in whichever
//! language. Signed, filed or kept whole, and only then acknowledged as the language asks.

mod fhir;
mod front_end;
mod hl7;
mod signed;

use intake::Inbox;
use lambda_http::http::header::{CONTENT_TYPE, HeaderValue};
use lambda_http::{Body, Request, http::Method};
use runtime::Desk;
use runtime::http::{Call, serve};
use runtime::refusal::unavailable;
use runtime::secrets::Secret;
use signed::Refused;
use std::convert::Infallible;
use store::seal::Keyring;
use web::route::{Access, Route};
use web::{Response, StatusCode};

/// What this function works with.
#[derive(Debug)]
pub struct App {
    /// Table, clock, profile.
    pub desk: Desk,
    /// Seals what is filed.
    pub identity: Secret<Keyring>,
    /// What the front-end machine signs with.
    pub machine: Secret<his::Keys>,
}

/// What this function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Take in messages of HL7 v2.
    Hl7,
    /// Take in a resource or a bundle of FHIR R4.
    Fhir,
    /// Take in reports in the shapes of front-end machines.
    FrontEnd,
}

/// The routes of this function.
pub static ROUTES: [Route<Action>; 3] = [
    Route { method: Method::POST, path: "/results/hl7v2", access: Access::Signed, action: Action::Hl7 },
    Route { method: Method::POST, path: "/results/fhir", access: Access::Signed, action: Action::Fhir },
    Route { method: Method::POST, path: "/results/front-end", access: Access::Signed, action: Action::FrontEnd },
];

/// Answers a request.
pub async fn handle(app: &App, request: Request) -> Result<Response, Infallible> {
    serve(&app.desk, None, &ROUTES, request, async |call| {
        Ok(match take(app, call).await {
            Ok(response) => response,
            Err(refused) => refused.answer(),
        })
    })
    .await
}

async fn take(app: &App, call: &Call<Action>) -> Result<Response, Refused> {
    let signed = signed::check(app, call).await?;
    let keys = app.identity.get(call.now).await.map_err(|error| later("secret", &error))?;
    let profile = app.desk.profile().await.map_err(|error| later("profile", &error))?;
    let Desk { table, random, .. } = &app.desk;
    let inbox = Inbox { table, keys: &keys, profile: &profile, nonces: random, now: call.now };
    match call.action {
        Action::Hl7 => hl7::take(app, &inbox, &signed).await,
        Action::Fhir => Ok(fhir::take(app, &inbox, &signed).await),
        Action::FrontEnd => Ok(front_end::take(&inbox, &signed).await),
    }
}

/// A part that does not answer: the sender sends again.
fn later(part: &'static str, error: &(dyn std::error::Error + 'static)) -> Refused {
    unavailable(part, error);
    Refused::Unavailable
}

/// An answer in a language of its own.
fn answer(status: StatusCode, content_type: &str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if let Ok(value) = HeaderValue::from_str(content_type) {
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    response
}
