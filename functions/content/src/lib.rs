//! Public pages: the hospital, its departments and doctors, the guide, and the scripts of all pages.

pub mod views;

#[cfg(test)]
mod tests;

use domain::id::{DepartmentId, DoctorId};
use lambda_http::{Request, http::Method};
use runtime::http::{Call, serve};
use runtime::{Desk, Refusal};
use std::convert::Infallible;
use views::{DepartmentView, DepartmentsView, DoctorView, GuideView, HomeView};
use web::problem::Problem;
use web::route::{Access, Route};
use web::session::large_type_cookie;
use web::view::set_cookie;
use web::{Response, assets};

/// Longest search text looked at, in characters.
pub const QUERY_MAX_CHARS: usize = 40;

/// What this function works with.
#[derive(Debug)]
pub struct App {
    /// Table, clock, profile.
    pub desk: Desk,
}

/// What this function does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The first page.
    Home,
    /// All departments, or a search.
    Departments,
    /// One department.
    Department,
    /// One doctor.
    Doctor,
    /// How a visit goes.
    Guide,
    /// A script.
    Asset,
}

/// The routes of this function.
pub static ROUTES: [Route<Action>; 6] = [
    Route { method: Method::GET, path: "/", access: Access::Public, action: Action::Home },
    Route { method: Method::GET, path: "/departments", access: Access::Public, action: Action::Departments },
    Route {
        method: Method::GET,
        path: "/departments/{department}",
        access: Access::Public,
        action: Action::Department,
    },
    Route { method: Method::GET, path: "/doctors/{doctor}", access: Access::Public, action: Action::Doctor },
    Route { method: Method::GET, path: "/guide", access: Access::Public, action: Action::Guide },
    Route { method: Method::GET, path: "/assets/{file}", access: Access::Public, action: Action::Asset },
];

/// Answers a request.
pub async fn handle(app: &App, request: Request) -> Result<Response, Infallible> {
    serve(&app.desk, None, &ROUTES, request, async |call| match call.action {
        Action::Home => home(call),
        Action::Guide => Ok(call.show(&GuideView::of(call.profile()?))),
        Action::Departments => departments(app, call).await,
        Action::Department => department(app, call).await,
        Action::Doctor => doctor(app, call).await,
        Action::Asset => Ok(assets::respond(&call.context(), call.params.get("file"))),
    })
    .await
}

fn home(call: &Call<Action>) -> Result<Response, Refusal> {
    match call.meta.query("size").as_deref() {
        Some(size) => {
            let mut response = call.go("/");
            set_cookie(&mut response, &large_type_cookie(size == "large"));
            Ok(response)
        }
        None => Ok(call.show(&HomeView::of(call.profile()?))),
    }
}

async fn departments(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let query = call.meta.query("q").unwrap_or_default();
    let query: String = query.trim().chars().take(QUERY_MAX_CHARS).collect();
    let departments = app.desk.table.departments().await?;
    if query.is_empty() {
        return Ok(call.show(&DepartmentsView::all(&departments)));
    }
    let doctors = app.desk.table.doctors().await?;
    Ok(call.show(&DepartmentsView::found(&query, &departments, &doctors)))
}

async fn department(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let id: DepartmentId = call.params.parse("department")?;
    let departments = app.desk.table.departments().await?;
    let department = departments.iter().find(|department| department.id == id).ok_or_else(Problem::not_found)?;
    let doctors = app.desk.table.doctors().await?;
    Ok(call.show(&DepartmentView::of(department, &departments, &doctors)))
}

async fn doctor(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let id: DoctorId = call.params.parse("doctor")?;
    let doctor = app.desk.table.doctor(&id).await?.ok_or_else(Problem::not_found)?;
    let department = app.desk.table.department(&doctor.department).await?.ok_or_else(Problem::not_found)?;
    Ok(call.show(&DoctorView::of(&doctor, &department)))
}
