//! The screen on the waiting-room wall. Its address is signed, so that a television needs no sign-in; it shows what
//! everybody in the room may hear.
//!
//! | code | status | when |
//! |---|---|---|
//! | `screen_link` | 403 | the address is not signed, or no longer |

use crate::views::screen::{CheckInCode, LinkView, ScreenView};
use crate::{Action, App};
use domain::civil::Date;
use domain::clinic::Clinic;
use domain::id::{ClinicId, DepartmentId};
use domain::queue::check_in::CampusCode;
use domain::queue::{CheckInPoint, Queue};
use domain::time;
use futures_util::future::try_join_all;
use runtime::Refusal;
use runtime::http::Call;
use std::collections::BTreeMap;
use web::problem::Problem;
use web::{Response, StatusCode};

/// How long a signed address is good: a television is set up once a quarter.
const LINK_DAYS: i32 = 92;
/// Keeps this use of the keys apart from others.
const PURPOSE: &str = "screen";

/// What a screen shows: one clinic's queue, or whatever is on today in a department.
enum Wanted {
    Clinic(ClinicId),
    Department(DepartmentId),
}

impl Wanted {
    fn of(call: &Call<Action>) -> Result<Self, Problem> {
        let clinic: ClinicId = call.params.parse("screen")?;
        // A clinic's id begins with its day, a department's code never does.
        if clinic.date().is_some() {
            Ok(Self::Clinic(clinic))
        } else {
            call.params.parse("screen").map(Self::Department)
        }
    }
}

fn signed_text(screen: &str, until: Date) -> String {
    format!("{screen}:{until}")
}

pub(crate) async fn link(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let screen = call.params.get("screen");
    let name = match Wanted::of(call)? {
        Wanted::Clinic(id) => app.desk.table.clinic_alone(&id).await?.ok_or_else(Problem::not_found)?.department_name,
        Wanted::Department(id) => app.desk.table.department(&id).await?.ok_or_else(Problem::not_found)?.name,
    };
    let until = time::add_days(time::today(call.now), LINK_DAYS);
    let sign = app.identity.get(call.now).await?.sign(&signed_text(screen, until), PURPOSE);
    app.desk.note(call, "screen_link", screen).await?;
    Ok(call.show(&LinkView::of(&name, &app.desk.public_url, screen, until, &sign)))
}

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    check_signature(app, call).await?;
    let (department, clinics) = match Wanted::of(call)? {
        Wanted::Clinic(id) => {
            let clinic = app.desk.table.clinic_alone(&id).await?.ok_or_else(Problem::not_found)?;
            (clinic.department.clone(), vec![clinic])
        }
        Wanted::Department(id) => {
            let clinics = app.desk.table.clinics_on(time::today(call.now), &id).await?;
            (id, clinics)
        }
    };
    let code = check_in_code(app, call, CheckInPoint::Department(department, campus_of(&clinics))).await?;
    let queues = queues_of(app, clinics).await?;
    Ok(call.show(&ScreenView::of(&queues, &call.profile()?.queue, code, call)))
}

/// The campus of a screen, if all that it shows is held on one.
fn campus_of(clinics: &[Clinic]) -> Option<CampusCode> {
    let (first, others) = clinics.split_first()?;
    let is_one = !first.campus.is_empty() && others.iter().all(|other| other.campus == first.campus);
    is_one.then(|| CampusCode::of(&first.campus))
}

/// What shows for some minutes that somebody stands before this screen.
async fn check_in_code(app: &App, call: &Call<Action>, point: CheckInPoint) -> Result<CheckInCode, Refusal> {
    let desk = point.to_string();
    let code = app.codes.get(call.now).await?.desk_code(&desk, call.now.as_second());
    Ok(CheckInCode::of(&app.desk.public_url, &desk, code))
}

async fn check_signature(app: &App, call: &Call<Action>) -> Result<(), Refusal> {
    let refused = || Problem::new(StatusCode::FORBIDDEN, "screen_link", "大屏链接无效或已过期，请在分诊台重新打开");
    let until: Date = call.meta.query("until").and_then(|text| text.parse().ok()).ok_or_else(refused)?;
    let sign = call.meta.query("sign").unwrap_or_default();
    let text = signed_text(call.params.get("screen"), until);
    let is_signed = app.identity.get(call.now).await?.has_signed(&sign, &text, PURPOSE);
    if is_signed && time::today(call.now) <= until { Ok(()) } else { Err(refused().into()) }
}

/// The queues of these clinics that somebody has opened, each once, with the name of what is held there.
async fn queues_of(app: &App, clinics: Vec<Clinic>) -> Result<Vec<(String, Queue)>, Refusal> {
    let named = clinics.into_iter().filter_map(|clinic| Some((clinic.queue_id().ok()?, clinic.department_name)));
    let named: BTreeMap<_, _> = named.collect();
    let read = try_join_all(named.keys().map(|id| app.desk.table.queue(id))).await?;
    Ok(named.into_values().zip(read).filter_map(|(name, queue)| Some((name, queue?))).collect())
}
