//! 挂号: what is free, holding a number, the patient's own numbers, giving one back.

mod admission;
mod appointments;
mod attempts;
mod boards;
mod browse;
pub mod freshness;
mod options;
mod set_apart;
pub mod views;
mod waitlist;

use admission::Admission;
use attempts::Attempts;
use boards::Boards;

use domain::pull::Pull;
use lambda_http::{Request, http::Method};
use runtime::cached::Cached;
use runtime::secrets::{HisAccount, Secret};
use runtime::{Desk, http::serve};
use std::convert::Infallible;
use web::Response;
use web::route::{Access, Route};

/// What this function works with.
#[derive(Debug)]
pub struct App {
    /// Table, clock, profile.
    pub desk: Desk,
    /// The hospital's own system: where it gives the numbers.
    pub his: Secret<HisAccount>,
    boards: Boards,
    admission: Admission,
    attempts: Attempts,
    pull: Cached<Pull>,
}

impl App {
    /// An instance that has seen nothing yet.
    pub fn new(desk: Desk, his: Secret<HisAccount>) -> Self {
        Self {
            desk,
            his,
            boards: Boards::default(),
            admission: Admission::default(),
            attempts: Attempts::default(),
            pull: Cached::new(freshness::AGE_MAX_S),
        }
    }
}

/// What this function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Choose a department.
    Departments,
    /// Choose a day and a clinic of a department.
    Department,
    /// Choose a slot of a clinic.
    Clinic,
    /// Hold a number.
    Hold,
    /// The account's numbers.
    Appointments,
    /// One of them.
    Appointment,
    /// Give one back.
    Cancel,
    /// Think before giving it back: where the reminder of the day before leads.
    AskCancel,
    /// Other numbers: to move a visit to, instead of one the hospital cancelled, to follow one up.
    Options,
    /// Move a visit to another time.
    Reschedule,
    /// The reader's places in the line of a clinic.
    Waitlist,
    /// Wait for a number.
    Wait,
    /// Wait no longer.
    LeaveWaitlist,
}

/// The routes of this function.
pub static ROUTES: [Route<Action>; 13] = [
    Route { method: Method::GET, path: "/booking", access: Access::Public, action: Action::Departments },
    Route { method: Method::GET, path: "/booking/{department}", access: Access::Public, action: Action::Department },
    Route { method: Method::GET, path: "/clinics/{clinic}", access: Access::Account, action: Action::Clinic },
    Route { method: Method::POST, path: "/appointments", access: Access::Account, action: Action::Hold },
    Route { method: Method::GET, path: "/appointments", access: Access::Account, action: Action::Appointments },
    Route {
        method: Method::GET,
        path: "/appointments/{appointment}",
        access: Access::Account,
        action: Action::Appointment,
    },
    Route {
        method: Method::POST,
        path: "/appointments/{appointment}/cancel",
        access: Access::Account,
        action: Action::Cancel,
    },
    Route {
        method: Method::GET,
        path: "/appointments/{appointment}/cancel",
        access: Access::Account,
        action: Action::AskCancel,
    },
    Route {
        method: Method::GET,
        path: "/appointments/{appointment}/options",
        access: Access::Account,
        action: Action::Options,
    },
    Route {
        method: Method::POST,
        path: "/appointments/{appointment}/reschedule",
        access: Access::Account,
        action: Action::Reschedule,
    },
    Route {
        method: Method::GET,
        path: "/clinics/{clinic}/waitlist",
        access: Access::Account,
        action: Action::Waitlist,
    },
    Route { method: Method::POST, path: "/clinics/{clinic}/waitlist", access: Access::Account, action: Action::Wait },
    Route {
        method: Method::POST,
        path: "/clinics/{clinic}/waitlist/leave",
        access: Access::Account,
        action: Action::LeaveWaitlist,
    },
];

/// Answers a request.
pub async fn handle(app: &App, request: Request) -> Result<Response, Infallible> {
    serve(&app.desk, None, &ROUTES, request, async |call| match call.action {
        Action::Departments => browse::departments(app, call).await,
        Action::Department => browse::department(app, call).await,
        Action::Clinic => browse::clinic(app, call).await,
        Action::Hold => Box::pin(appointments::hold(app, call)).await,
        Action::Appointments => appointments::list(app, call).await,
        Action::Appointment => appointments::show(app, call).await,
        Action::Cancel => appointments::cancel(app, call).await,
        Action::AskCancel => appointments::ask_cancel(app, call).await,
        Action::Options => options::show(app, call).await,
        Action::Reschedule => Box::pin(options::reschedule(app, call)).await,
        Action::Waitlist => waitlist::show(app, call).await,
        Action::Wait => waitlist::join(app, call).await,
        Action::LeaveWaitlist => waitlist::leave(app, call).await,
    })
    .await
}
