//! 分诊台: the busy morning of nurse, registrar and doctor.
//!
//! | route | body | answer |
//! |---|---|---|
//! | `GET /desk` | – | today's clinics, one's own first |
//! | `GET /desk/clinics/{clinic}?room=` | – | the queue: who is called, waits, missed, is expected; `ETag`, 304 |
//! | `POST /desk/clinics/{clinic}/check-in` | `who`: card, appointment, number or name as scanned or typed; `priority` | the queue; or `choices` when several fit |
//! | `POST /desk/clinics/{clinic}/queue` | `deed` (see [`queue::Deed`]) with `room`, `appointment`, `priority`, `words`, `to` | the queue after it |
//! | `GET /desk/clinics/{clinic}/paper` | – | everybody of the day, to print should the network die |
//! | `GET /desk/people`, `POST /desk/people` | a card, a document, or a new person | the person |
//! | `GET /desk/people/{patient}` | – | their numbers, and what is free today |
//! | `POST /desk/appointments` | `patient`, `clinic`, `slot` | the number; its fee is taken by the hospital's own system |
//! | `GET /desk/appointments/{appointment}/slip` | – | the slip, to print |
//! | `POST /desk/appointments/{appointment}/cancel` | `reason` | the appointment after it |
//! | `GET /desk/screens/{screen}/link` | – | the signed address of a waiting-room screen |
//! | `GET /desk/screens/{screen}?until=&sign=` | – | who is called, and who is next: masked names; the code to check in with |
//!
//! Every change takes an `idempotency_key` and is noted in the audit. A page answers 303, JSON the new state.

mod arrival;
mod board;
mod clinic;
mod next;
mod numbers;
mod once;
mod people;
mod prints;
pub mod queue;
mod referrals;
mod screen;
pub mod views;

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
    /// Machines that may come in.
    pub staff: Secret<StaffTokens>,
    /// Finds people by their documents, and signs the addresses of screens.
    pub identity: Secret<Keyring>,
    /// Makes the codes that screens show for checking in.
    pub codes: Secret<PassKeys>,
}

/// What this function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Choose a clinic.
    Clinics,
    /// The queue of a clinic.
    Clinic,
    /// Somebody is here.
    CheckIn,
    /// Call, miss, return, finish and the rest.
    Queue,
    /// The paper list.
    Paper,
    /// Look for a person.
    People,
    /// Find or register a person.
    FindPerson,
    /// A person with their numbers.
    Person,
    /// A newer document of a person.
    Renew,
    /// Take a number for somebody.
    Register,
    /// The slip of a number.
    Slip,
    /// Give a number back.
    Cancel,
    /// What somebody in the consulting room can take next.
    Next,
    /// Take it.
    BookNext,
    /// Referral codes of a clinic.
    Referrals,
    /// Give one out.
    IssueReferral,
    /// The address of a screen.
    ScreenLink,
    /// The waiting-room screen.
    Screen,
}

/// The routes of this function.
pub static ROUTES: [Route<Action>; 18] = [
    Route { method: Method::GET, path: "/desk", access: Access::Staff(Scope::Desk), action: Action::Clinics },
    Route {
        method: Method::GET,
        path: "/desk/clinics/{clinic}",
        access: Access::Staff(Scope::Desk),
        action: Action::Clinic,
    },
    Route {
        method: Method::POST,
        path: "/desk/clinics/{clinic}/check-in",
        access: Access::Staff(Scope::Desk),
        action: Action::CheckIn,
    },
    Route {
        method: Method::POST,
        path: "/desk/clinics/{clinic}/queue",
        access: Access::Staff(Scope::Desk),
        action: Action::Queue,
    },
    Route {
        method: Method::GET,
        path: "/desk/clinics/{clinic}/paper",
        access: Access::Staff(Scope::Desk),
        action: Action::Paper,
    },
    Route { method: Method::GET, path: "/desk/people", access: Access::Staff(Scope::Window), action: Action::People },
    Route {
        method: Method::POST,
        path: "/desk/people",
        access: Access::Staff(Scope::Window),
        action: Action::FindPerson,
    },
    Route {
        method: Method::GET,
        path: "/desk/people/{patient}",
        access: Access::Staff(Scope::Window),
        action: Action::Person,
    },
    Route {
        method: Method::POST,
        path: "/desk/people/{patient}/document",
        access: Access::Staff(Scope::Window),
        action: Action::Renew,
    },
    Route {
        method: Method::POST,
        path: "/desk/appointments",
        access: Access::Staff(Scope::Window),
        action: Action::Register,
    },
    Route {
        method: Method::GET,
        path: "/desk/appointments/{appointment}/slip",
        access: Access::Staff(Scope::Desk),
        action: Action::Slip,
    },
    Route {
        method: Method::POST,
        path: "/desk/appointments/{appointment}/cancel",
        access: Access::Staff(Scope::Window),
        action: Action::Cancel,
    },
    Route {
        method: Method::GET,
        path: "/desk/appointments/{appointment}/next",
        access: Access::Staff(Scope::Desk),
        action: Action::Next,
    },
    Route {
        method: Method::POST,
        path: "/desk/appointments/{appointment}/next",
        access: Access::Staff(Scope::Desk),
        action: Action::BookNext,
    },
    Route {
        method: Method::GET,
        path: "/desk/clinics/{clinic}/referrals",
        access: Access::Staff(Scope::Desk),
        action: Action::Referrals,
    },
    Route {
        method: Method::POST,
        path: "/desk/clinics/{clinic}/referrals",
        access: Access::Staff(Scope::Desk),
        action: Action::IssueReferral,
    },
    Route {
        method: Method::GET,
        path: "/desk/screens/{screen}/link",
        access: Access::Staff(Scope::Screens),
        action: Action::ScreenLink,
    },
    Route { method: Method::GET, path: "/desk/screens/{screen}", access: Access::Signed, action: Action::Screen },
];

/// Answers a request.
pub async fn handle(app: &App, request: Request) -> Result<Response, Infallible> {
    serve(&app.desk, Some(&app.staff), &ROUTES, request, async |call| match call.action {
        Action::Clinics => board::clinics(app, call).await,
        Action::Clinic => clinic::show(app, call).await,
        Action::CheckIn => arrival::check_in(app, call).await,
        Action::Queue => queue::act(app, call).await,
        Action::Paper => prints::paper(app, call).await,
        Action::People => Ok(people::blank(call)),
        Action::FindPerson => people::find(app, call).await,
        Action::Person => people::show(app, call).await,
        Action::Renew => people::renew(app, call).await,
        Action::Register => numbers::register(app, call).await,
        Action::Slip => prints::slip(app, call).await,
        Action::Cancel => numbers::cancel(app, call).await,
        Action::Next => next::show(app, call).await,
        Action::BookNext => next::book(app, call).await,
        Action::Referrals => referrals::show(app, call).await,
        Action::IssueReferral => referrals::issue(app, call).await,
        Action::ScreenLink => screen::link(app, call).await,
        Action::Screen => screen::show(app, call).await,
    })
    .await
}
