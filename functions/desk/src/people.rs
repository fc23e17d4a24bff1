//! The window: finding a person by card or document, and registering a new one. Documents come in the body, never in an
//! address.
//!
//! | code | status | when |
//! |---|---|---|
//! | `nobody_found` | 404 | no card or document like this; the person can be registered |
//! | `name_differs` | 409 | the document is known under another name |
//! | `document_taken` | 409 | a newer document is known of somebody else: two records of one person |
//! | `card_bound` | 409 | the card is somebody else's, or the person has another one |

use crate::views::people::{DayChoice, FindView, PersonView};
use crate::{Action, App};
use domain::cards::Issuer;
use domain::catalog::Department;
use domain::civil::Date;
use domain::id::{CardNo, DepartmentId, PatientId};
use domain::time;
use futures_util::future::try_join_all;
use runtime::Refusal;
use runtime::http::Call;
use store::cards::{Errand, Wish};
use store::clinics::ClinicWithSlots;
use store::identity::Identity;
use store::patients::{Registered, Registrar, Registration};
use web::form::{Form, respond_invalid};
use web::identity;
use web::negotiate::Face;
use web::problem::Problem;
use web::session::IdempotencyKey;
use web::view::respond;
use web::{Response, StatusCode};

pub(crate) fn blank(call: &Call<Action>) -> Response {
    call.show(&FindView::of(Form::default()))
}

/// How a person is looked for.
#[derive(Clone, Copy)]
enum By {
    Card,
    Document,
    /// Not known yet: registered here.
    New,
}

impl By {
    fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "card" => Ok(Self::Card),
            "document" => Ok(Self::Document),
            "new" => Ok(Self::New),
            _ => Err("请选择查找方式"),
        }
    }
}

pub(crate) async fn find(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let mut form = Form::new(call.fields()?);
    let found = match form.required("by", "请选择查找方式", By::parse) {
        Some(By::Card) => by_card(app, &mut form).await,
        Some(By::Document) => by_document(app, call, &mut form).await,
        Some(By::New) => register(app, call, &mut form).await,
        None => Ok(None),
    };
    match found {
        Ok(Some(patient)) => answer(app, call, &patient).await,
        Ok(None) => Ok(respond_invalid(&call.context(), &form, &FindView::of(form.clone()))),
        // On a page nobody types everything again.
        Err(Refusal(problem)) if call.meta.face() == Face::Page && problem.status.is_client_error() => {
            Ok(respond(&call.context(), &FindView::of(form).refused(problem)))
        }
        Err(refusal) => Err(refusal),
    }
}

async fn answer(app: &App, call: &Call<Action>, patient: &PatientId) -> Result<Response, Refusal> {
    app.desk.note(call, "find_person", patient).await?;
    match call.meta.face() {
        Face::Json => shown(app, call, patient).await,
        Face::Page => Ok(call.go(&format!("/desk/people/{patient}"))),
    }
}

fn nobody() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "nobody_found", "没有找到此人，请核对后重试，或在下方登记新就诊人")
}

fn card_no(text: &str) -> Result<CardNo, &'static str> {
    text.parse().map_err(|_| "卡号不正确")
}

async fn by_card(app: &App, form: &mut Form) -> Result<Option<PatientId>, Refusal> {
    let Some(no) = form.required("card", "请刷卡或输入卡号", card_no) else { return Ok(None) };
    let holder = app.desk.table.holder_of(&no).await?.ok_or_else(nobody)?;
    Ok(Some(app.desk.table.root_of(&holder).await?))
}

async fn by_document(app: &App, call: &Call<Action>, form: &mut Form) -> Result<Option<PatientId>, Refusal> {
    let Some(document) = identity::document(form, time::today(call.now)) else { return Ok(None) };
    let keys = app.identity.get(call.now).await?;
    Ok(Some(app.desk.table.patient_by_document(&keys, &document).await?.ok_or_else(nobody)?))
}

/// Registers somebody whose document lies on the counter; who is known is found.
async fn register(app: &App, call: &Call<Action>, form: &mut Form) -> Result<Option<PatientId>, Refusal> {
    let today = time::today(call.now);
    let claimed = identity::read(form, today);
    form.agreed("consent", "请向就诊人说明个人信息处理规则并取得同意后勾选");
    let card = form.optional("card", card_no);
    let Some(claimed) = claimed else { return Ok(None) };
    if claimed.document.needs_guardian_on(today) {
        form.agreed("guardian", "未满 18 周岁：请核对监护人身份并取得其同意后勾选");
    }
    if !form.is_valid() {
        return Ok(None);
    }
    let identity = Identity { name: claimed.name, document: claimed.document, phone: claimed.phone };
    let registration = Registration {
        by: Registrar::Staff(call.staff()?.to_owned()),
        patient: PatientId::from_bytes(app.desk.random.bytes()?),
        consent_version: call.profile()?.consent.version.clone(),
        at: call.now,
    };
    let (keys, nonces) = (app.identity.get(call.now).await?, app.desk.random.identity_nonces()?);
    let patient = match app.desk.table.register(&keys, &identity, &nonces, &registration).await? {
        Registered::New(patient) | Registered::Linked(patient) => patient,
        Registered::NotProven => {
            let text = "该证件已登记在另一姓名下，请核对证件原件；确有更名的，请联系系统管理员";
            return Err(Problem::conflict("name_differs", text).into());
        }
    };
    app.desk.note(call, "register_person", &patient).await?;
    match card {
        Some(no) => bind(app, call, &patient, &no).await?,
        None => want_card(app, call, &patient).await?,
    }
    Ok(Some(patient))
}

/// Binds the card on the counter. A card of this very person is bound already.
async fn bind(app: &App, call: &Call<Action>, patient: &PatientId, no: &CardNo) -> Result<(), Refusal> {
    let card = app.desk.table.card(no).await?;
    let is_theirs = card.as_ref().is_some_and(|card| card.patient.as_ref() == Some(patient));
    if is_theirs || (card.is_some() && app.desk.table.bind_card(patient, no).await?) {
        // Results that came before the card was bound come in now.
        let keys = app.identity.get(call.now).await?;
        Box::pin(app.desk.table.hurry_unplaced(&keys, no.as_str(), call.now)).await?;
        return Ok(());
    }
    if card.is_none() && call.profile()?.cards.issuer == Issuer::His {
        // The hospital's own system knows whether it is theirs: it is asked within a minute.
        return begin(app, call, patient, Wish::Bound(no.clone())).await;
    }
    Err(Problem::conflict("card_bound", "已登记就诊人，但该卡不能绑定：卡不存在、已属他人，或就诊人已有就诊卡").into())
}

/// A newer document of somebody who stands at the window with it: a renewed permit, the first identity card of a child.
pub(crate) async fn renew(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let patient: PatientId = call.params.parse("patient")?;
    let mut form = Form::new(call.fields()?);
    let Some(document) = identity::document(&mut form, time::today(call.now)) else {
        let view = view(app, call, &patient).await?.renewing(form.clone());
        return Ok(respond_invalid(&call.context(), &form, &view));
    };
    app.desk.table.patient(&patient).await?.ok_or_else(Problem::not_found)?;
    let keys = app.identity.get(call.now).await?;
    let nonce = app.desk.random.bytes()?;
    if !app.desk.table.renew_document(&keys, &patient, &document, nonce).await? {
        let text = "该证件已登记为另一份档案，请核对证件原件；确为同一人的，请联系系统管理员合并档案";
        return Err(Problem::conflict("document_taken", text).into());
    }
    answer(app, call, &patient).await
}

/// Who was seen with their document has proven who they are: the hospital's own system issues a card.
async fn want_card(app: &App, call: &Call<Action>, patient: &PatientId) -> Result<(), Refusal> {
    if call.profile()?.cards.issuer != Issuer::His || !app.desk.table.cards_of(patient).await?.is_empty() {
        return Ok(());
    }
    begin(app, call, patient, Wish::Card).await
}

async fn begin(app: &App, call: &Call<Action>, patient: &PatientId, wish: Wish) -> Result<(), Refusal> {
    let errand = Errand::new(patient.clone(), wish, None, true, call.now);
    app.desk.table.begin_errand(&errand).await?;
    app.desk.note(call, "verify_person", patient).await
}

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let patient: PatientId = call.params.parse("patient")?;
    shown(app, call, &patient).await
}

async fn shown(app: &App, call: &Call<Action>, id: &PatientId) -> Result<Response, Refusal> {
    Ok(call.show(&view(app, call, id).await?))
}

async fn view(app: &App, call: &Call<Action>, id: &PatientId) -> Result<PersonView, Refusal> {
    let patient = app.desk.table.patient(id).await?.ok_or_else(Problem::not_found)?;
    let today = time::today(call.now);
    let mut numbers = app.desk.table.appointments_of_person(id).await?;
    numbers.retain(|appointment| appointment.place.date >= today);
    numbers.reverse();
    let departments = app.desk.table.departments().await?;
    let day = chosen_day(call, today)?;
    let clinics = match call.meta.query("department").filter(|code| !code.is_empty()) {
        Some(code) => clinics_of(app, &departments, &code, day.date).await?,
        None => Vec::new(),
    };
    app.desk.note(call, "read_person", id).await?;
    let key = IdempotencyKey::from_random(app.desk.random.bytes()?);
    let view = PersonView::of(&patient, &numbers, call.now).with_choice(
        &departments,
        day,
        &clinics,
        call.profile()?,
        call.now,
    );
    Ok(view.keyed(key))
}

/// The department and the day a number is looked for.
fn chosen_day(call: &Call<Action>, today: Date) -> Result<DayChoice, Refusal> {
    let last = time::add_days(today, call.profile()?.booking.horizon_days);
    let wanted = call.meta.query("date").and_then(|text| text.parse::<Date>().ok());
    let date = wanted.filter(|date| (today..=last).contains(date)).unwrap_or(today);
    Ok(DayChoice { department: call.meta.query("department").unwrap_or_default(), date, today, last })
}

async fn clinics_of(
    app: &App,
    departments: &[Department],
    code: &str,
    date: Date,
) -> Result<Vec<ClinicWithSlots>, Refusal> {
    let id: DepartmentId = code.parse().map_err(|_| Problem::not_found())?;
    if !departments.iter().any(|department| department.id == id) {
        return Err(Problem::not_found().into());
    }
    let listed = app.desk.table.clinics_on(date, &id).await?;
    let read = try_join_all(listed.iter().map(|clinic| app.desk.table.clinic(&clinic.id))).await?;
    let mut clinics: Vec<_> = read.into_iter().flatten().collect();
    clinics.sort_by(|a, b| (a.clinic.period, &a.clinic.id).cmp(&(b.clinic.period, &b.clinic.id)));
    Ok(clinics)
}
