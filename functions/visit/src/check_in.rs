//! 签到 by the code on a desk's screen: typed, or carried by the address of the QR code shown there.
//!
//! | code | status | when |
//! |---|---|---|
//! | `wrong_code` | 409 | not the code of a desk this visit belongs to, or an old one |
//! | `too_many_codes` | 429 | too many wrong codes today |

use crate::views::{CheckInView, Waiting};
use crate::{Action, App};
use domain::appointment::{Appointment, AppointmentKey, State};
use domain::clinic::Clinic;
use domain::event::Actor;
use domain::person::compact;
use domain::queue::check_in::CampusCode;
use domain::queue::{CheckInPoint, Priority};
use domain::time;
use futures_util::future::try_join_all;
use runtime::Refusal;
use runtime::http::Call;
use store::account::TRIES_OF_A_CODE_MAX;
use store::queues::{CheckIn, CheckInFailed, Way};
use web::form::{Form, respond_invalid};
use web::negotiate::Face;
use web::pass::PassKeys;
use web::problem::Problem;
use web::{Response, StatusCode};

/// Field: which visit.
pub(crate) const APPOINTMENT: &str = "appointment";
/// Field: what the desk shows.
pub(crate) const CODE: &str = "code";
/// Field: the desk, when the address of its QR code led here.
pub(crate) const AT: &str = "at";
/// Minutes until a reader who typed too many wrong codes should ask at the desk instead.
const LATER_S: u32 = 3_600;

pub(crate) async fn page(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let view = view(app, call, Form::default()).await?;
    Ok(call.show(&view))
}

async fn view(app: &App, call: &Call<Action>, form: Form) -> Result<CheckInView, Refusal> {
    let records = app.desk.table.records_of(call.account()?).await?;
    let lists = try_join_all(records.iter().map(|link| app.desk.table.appointments_of(&link.patient))).await?;
    let today = time::today(call.now);
    let is_due = |appointment: &Appointment| {
        appointment.place.date == today && matches!(appointment.state, State::Booked | State::CheckedIn)
    };
    let mut due: Vec<_> = lists.into_iter().flatten().filter(is_due).collect();
    due.sort_by_key(|appointment| appointment.place.starts_at());
    let asked = |name| call.meta.query(name).unwrap_or_default();
    Ok(CheckInView::of(due.iter().map(Waiting::of).collect(), asked(AT), asked(CODE), form))
}

pub(crate) async fn check_in(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let mut form = Form::new(call.fields()?);
    let key = form.required(APPOINTMENT, "请选择要签到的号", |text| {
        text.parse::<AppointmentKey>().map_err(|_| "请选择要签到的号")
    });
    let code = form.required(CODE, "请输入候诊大屏上的签到码", code_of);
    let at = form.value(AT).to_owned();
    let (Some(key), Some(code)) = (key, code) else {
        let view = view(app, call, form.clone()).await?;
        return Ok(respond_invalid(&call.context(), &form, &view));
    };
    app.desk.table.link(call.account()?, &key.patient).await?.ok_or_else(Problem::not_found)?;
    let appointment = app.desk.table.appointment(&key).await?.ok_or_else(Problem::not_found)?;
    let clinic = app.desk.table.clinic_alone(&appointment.place.clinic).await?.ok_or_else(Problem::not_found)?;
    let Some(point) = desk_of(app, call, &clinic, &at, &code).await? else {
        return wrong_code(app, call, &clinic, form).await;
    };
    let request = CheckIn {
        key: key.clone(),
        way: Way::Patient(point),
        priority: Priority::None,
        actor: Actor::Account(call.account()?.clone()),
    };
    match app.desk.table.check_in(call.profile()?, &request, call.now).await {
        Ok(_) => Ok(done(call, &key)),
        Err(CheckInFailed::Refused(error)) if call.meta.face() == Face::Page => {
            refused(app, call, form, error.patient_text()).await
        }
        Err(error) => Err(error.into()),
    }
}

fn code_of(text: &str) -> Result<String, &'static str> {
    let digits = compact(text).unwrap_or_default();
    let fits = digits.len() == web::pass::CODE_DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
    if fits { Ok(digits) } else { Err("签到码是 6 位数字") }
}

fn done(call: &Call<Action>, key: &AppointmentKey) -> Response {
    // Both faces: what the program then wants is the place in the queue.
    call.go(&format!("/visits/{key}"))
}

/// The page again, with what was typed and why it does not check in.
async fn refused(app: &App, call: &Call<Action>, mut form: Form, why: String) -> Result<Response, Refusal> {
    form.reject(CODE, why);
    let view = view(app, call, form.clone()).await?;
    Ok(respond_invalid(&call.context(), &form, &view))
}

/// The desk whose code this is, if any: the one the address names, or one the visit belongs to. Wrong ones are counted before
/// they are looked at, so that many at once find nothing.
async fn desk_of(
    app: &App,
    call: &Call<Action>,
    clinic: &Clinic,
    at: &str,
    code: &str,
) -> Result<Option<CheckInPoint>, Refusal> {
    let (account, today) = (call.account()?, time::today(call.now));
    if !app.desk.table.take_try_of_code(account, today, call.now).await? {
        return Err(too_many().into());
    }
    let keys = app.keys.get(call.now).await?;
    let point = candidates(clinic, at).into_iter().find(|point| is_code(&keys, point, code, call.now.as_second()));
    if point.is_some() {
        app.desk.table.give_back_try_of_code(account, today).await?;
    }
    Ok(point)
}

fn is_code(keys: &PassKeys, point: &CheckInPoint, code: &str, now_s: i64) -> bool {
    keys.is_desk_code(&point.to_string(), code, now_s)
}

fn candidates(clinic: &Clinic, at: &str) -> Vec<CheckInPoint> {
    let group = clinic.queue_group.clone().map(CheckInPoint::Group);
    let campus = CampusCode::of(&clinic.campus);
    let own = [
        CheckInPoint::Department(clinic.department.clone(), Some(campus.clone())),
        CheckInPoint::Department(clinic.department.clone(), None),
        CheckInPoint::Campus(campus),
        CheckInPoint::Anywhere,
    ];
    at.parse().into_iter().chain(own).chain(group).collect()
}

/// On the page the newer code is typed where the old one stood, also by who came with the address of a code.
async fn wrong_code(app: &App, call: &Call<Action>, clinic: &Clinic, form: Form) -> Result<Response, Refusal> {
    let Clinic { campus, department_name, .. } = clinic;
    let text = format!("签到码不对或已更新。请看{campus}{department_name}候诊大屏上的签到码，再输入一次。");
    match call.meta.face() {
        Face::Json => Err(Problem::conflict("wrong_code", text).into()),
        Face::Page => refused(app, call, form, text).await,
    }
}

fn too_many() -> Problem {
    let text = format!("今天输错签到码已达 {TRIES_OF_A_CODE_MAX} 次，请到分诊台由工作人员签到。");
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_codes", text).with_retry_after(LATER_S)
}
