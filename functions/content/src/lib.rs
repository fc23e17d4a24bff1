//! Public pages: the hospital, its departments and doctors, the guide, and the scripts of all pages.

pub mod catalog;
pub mod views;

#[cfg(test)]
mod tests;

use domain::{
    id::{DepartmentId, DoctorId},
    profile::HospitalProfile,
};
use lambda_http::{Request, http::Method};
use web::{
    Response, assets,
    problem::Problem,
    request::RequestMeta,
    route::{self, Access, Params, Route},
    session::large_type_cookie,
    view::{PageContext, Site, respond, see_other, set_cookie},
};

use catalog::Catalog;
use views::{DepartmentView, DepartmentsView, DoctorView, GuideView, HomeView};

/// Longest search text looked at, in characters.
pub const QUERY_MAX_CHARS: usize = 40;
/// When to come back after the catalogue could not be read, in seconds.
const RETRY_AFTER_S: u32 = 5;

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
    public("/", Action::Home),
    public("/departments", Action::Departments),
    public("/departments/{department}", Action::Department),
    public("/doctors/{doctor}", Action::Doctor),
    public("/guide", Action::Guide),
    public("/assets/{file}", Action::Asset),
];

const fn public(path: &'static str, action: Action) -> Route<Action> {
    Route { method: Method::GET, path, access: Access::Public, action }
}

/// What the deployment says.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The https origin patients see, without a trailing slash.
    pub public_url: String,
    /// Who may frame the pages.
    pub frame_ancestors: String,
}

/// Answers a request.
pub async fn handle<C: Catalog>(catalog: &C, settings: &Settings, request: &Request) -> Response {
    let request = RequestMeta::of(request);
    let found = route::find(&ROUTES, &request.method, &request.path);
    let mut site = Site {
        public_url: settings.public_url.clone(),
        hospital_name: String::new(),
        hospital_phone: String::new(),
        frame_ancestors: settings.frame_ancestors.clone(),
    };
    // A script is the same whatever the table says; it must not wait for it.
    if let Ok(found) = &found
        && *found.action == Action::Asset
    {
        let context = PageContext { site: &site, request: &request, csrf: None };
        return assets::respond(&context, found.params.get("file"));
    }
    let profile = read(&request, catalog.profile().await);
    if let Ok(profile) = &profile {
        site.hospital_name.clone_from(&profile.name);
        site.hospital_phone.clone_from(&profile.phone);
    }
    let context = PageContext { site: &site, request: &request, csrf: None };
    let answer = match (found, profile) {
        (Err(error), _) => Err(error.into()),
        (Ok(_), Err(problem)) => Err(problem),
        (Ok(found), Ok(profile)) => act(catalog, &context, *found.action, &found.params, &profile).await,
    };
    answer.unwrap_or_else(|problem| problem.respond(&context))
}

async fn act<C: Catalog>(
    catalog: &C,
    context: &PageContext<'_>,
    action: Action,
    params: &Params,
    profile: &HospitalProfile,
) -> Result<Response, Problem> {
    match action {
        Action::Home => match context.request.query("size").as_deref() {
            Some(size) => Ok(choose_size(context, size)),
            None => Ok(respond(context, &HomeView::of(profile))),
        },
        Action::Guide => Ok(respond(context, &GuideView::of(profile))),
        Action::Departments => departments(catalog, context).await,
        Action::Department => department(catalog, context, &params.parse("department")?).await,
        Action::Doctor => doctor(catalog, context, &params.parse("doctor")?).await,
        Action::Asset => Ok(assets::respond(context, params.get("file"))),
    }
}

fn choose_size(context: &PageContext<'_>, size: &str) -> Response {
    let mut response = see_other(context, "/");
    set_cookie(&mut response, &large_type_cookie(size == "large"));
    response
}

async fn departments<C: Catalog>(catalog: &C, context: &PageContext<'_>) -> Result<Response, Problem> {
    let query: String = context.request.query("q").unwrap_or_default().trim().chars().take(QUERY_MAX_CHARS).collect();
    let departments = read(context.request, catalog.departments().await)?;
    let view = if query.is_empty() {
        DepartmentsView::all(&departments)
    } else {
        let doctors = read(context.request, catalog.doctors().await)?;
        DepartmentsView::found(&query, &departments, &doctors)
    };
    Ok(respond(context, &view))
}

async fn department<C: Catalog>(
    catalog: &C,
    context: &PageContext<'_>,
    id: &DepartmentId,
) -> Result<Response, Problem> {
    let departments = read(context.request, catalog.departments().await)?;
    let department = departments.iter().find(|department| department.id == *id).ok_or_else(Problem::not_found)?;
    let doctors = read(context.request, catalog.doctors().await)?;
    Ok(respond(context, &DepartmentView::of(department, &departments, &doctors)))
}

async fn doctor<C: Catalog>(catalog: &C, context: &PageContext<'_>, id: &DoctorId) -> Result<Response, Problem> {
    let doctor = read(context.request, catalog.doctor(id).await)?.ok_or_else(Problem::not_found)?;
    let department = read(context.request, catalog.department(&doctor.department).await)?;
    Ok(respond(context, &DoctorView::of(&doctor, &department.ok_or_else(Problem::not_found)?)))
}

/// Logs why the catalogue could not be read, once, under the id the reader may quote.
fn read<T, E: std::error::Error>(request: &RequestMeta, result: Result<T, E>) -> Result<T, Problem> {
    result.map_err(|error| {
        tracing::error!(trace_id = request.trace_id(), error = ?error, "read catalog");
        Problem::unavailable(RETRY_AFTER_S)
    })
}
