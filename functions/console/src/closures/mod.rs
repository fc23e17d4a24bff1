//! 停诊, 替诊, 限号: what staff decide about a clinic. First a preview of everybody it concerns, then the decision with the
//! preview's fingerprint, then who has been told and refunded, until the last one.

pub mod views;

use crate::{Action, App};
use domain::Timestamp;
use domain::appointment::{Appointment, AppointmentKey, State};
use domain::clinic::{ClinicState, NUMBERS_PER_SLOT_MAX, Slot, SlotStart};
use domain::closure::{Closure, ClosureKind};
use domain::id::{ClinicId, DoctorId, OpenId};
use domain::notice::{About, NoticeKind, Recipient};
use futures_util::{StreamExt, TryStreamExt, stream};
use runtime::Refusal;
use runtime::http::Call;
use runtime::random::hex;
use store::StoreError;
use store::clinics::ClinicWithSlots;
use store::closure::ReopenError;
use store::notices::{NoticeRecord, Outcome};
use views::{AffectedView, ClosureView, PreviewView, ProgressView, Told};
use web::Response;
use web::form::Fields;
use web::negotiate::Face;
use web::problem::Problem;

/// Items read at one time.
const READS_AT_ONCE: usize = 16;
/// Bytes of a fingerprint: changes are told apart, nothing is kept secret.
const FINGERPRINT_BYTES: usize = 8;

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let found = find(app, call).await?;
    let from = match call.meta.query("from") {
        Some(text) => Some(text.parse().map_err(|_| Problem::bad_request())?),
        None => None,
    };
    let view = view(app, call, &found, from).await?;
    app.desk.note(call, "read_closure", &found.clinic.id).await?;
    Ok(call.show(&view))
}

async fn find(app: &App, call: &Call<Action>) -> Result<ClinicWithSlots, Refusal> {
    let id: ClinicId = call.params.parse("clinic")?;
    Ok(app.desk.table.clinic(&id).await?.ok_or_else(Problem::not_found)?)
}

async fn view(
    app: &App,
    call: &Call<Action>,
    found: &ClinicWithSlots,
    from: Option<SlotStart>,
) -> Result<ClosureView, Refusal> {
    let preview = preview(app, found, from, call.now).await?;
    let mut closures = Vec::new();
    for closure in app.desk.table.closures(&found.clinic.id).await? {
        closures.push(progress(app, &closure).await?);
    }
    Ok(ClosureView::of(found, preview, closures))
}

/// Everybody in the slots from `from` on, and the sums.
async fn preview(
    app: &App,
    found: &ClinicWithSlots,
    from: Option<SlotStart>,
    now: Timestamp,
) -> Result<PreviewView, Refusal> {
    let slots = found.slots.iter().filter(|slot| from.is_none_or(|from| slot.start >= from));
    let taken = slots.flat_map(Slot::holders);
    let keys = taken.map(|(id, taken)| AppointmentKey {
        patient: taken.patient.clone(),
        date: found.clinic.date,
        id: id.clone(),
    });
    let people = appointments(app, keys.collect()).await?;
    let mut affected = Vec::new();
    for appointment in &people {
        let reachable = match appointment.booker.account() {
            Some(account) => follows(app, account).await?,
            None => false,
        };
        affected.push(AffectedView::of(appointment, reachable, now));
    }
    let waiting = app.desk.table.line(&found.clinic.id).await?;
    let waiting = waiting.iter().filter(|waiting| waiting.ended.is_none()).count();
    Ok(PreviewView::of(from, affected, waiting, fingerprint(found, from, &people)))
}

async fn appointments(app: &App, keys: Vec<AppointmentKey>) -> Result<Vec<Appointment>, Refusal> {
    let reads: Vec<_> = keys.iter().map(|key| app.desk.table.appointment(key)).collect();
    let read: Vec<_> = stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await?;
    Ok(read.into_iter().flatten().collect())
}

async fn follows(app: &App, account: &OpenId) -> Result<bool, StoreError> {
    Ok(app.desk.table.account(account).await?.is_none_or(|account| account.followed))
}

/// What the decision is about: the same people in the same states, or another preview.
fn fingerprint(found: &ClinicWithSlots, from: Option<SlotStart>, people: &[Appointment]) -> String {
    let mut lines: Vec<String> =
        people.iter().map(|appointment| format!("{} {:?}", appointment.key(), appointment.state)).collect();
    lines.sort_unstable();
    let text = format!("{} {from:?} {:?}\n{}", found.clinic.id, found.clinic.state, lines.join("\n"));
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    hex(digest.as_ref().get(..FINGERPRINT_BYTES).unwrap_or_default())
}

pub(crate) async fn decide(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let (found, fields) = (find(app, call).await?, call.fields()?);
    let what = match fields.text("action") {
        Some("close") => close(app, call, &found, &fields).await?,
        Some("substitute") => substitute(app, call, &found, &fields).await?,
        Some("reopen") => reopen(app, call, &found).await?,
        Some("limit") => limit(app, &found, &fields).await?,
        _ => return Err(Problem::bad_request().into()),
    };
    app.desk.note(call, what, &found.clinic.id).await?;
    Ok(match call.meta.face() {
        Face::Json => call.show(&view(app, call, &find(app, call).await?, None).await?),
        Face::Page => call.go(&format!("/staff/clinics/{}/closure", found.clinic.id)),
    })
}

async fn close(
    app: &App,
    call: &Call<Action>,
    found: &ClinicWithSlots,
    fields: &Fields,
) -> Result<&'static str, Refusal> {
    let from = from_of(fields)?;
    still_as_seen(app, call, found, from, fields).await?;
    let by = call.staff()?.to_owned();
    let closure = Closure::decided(found.clinic.id.clone(), from, ClosureKind::Close, by, call.now);
    app.desk.table.decide_closure(&closure, call.now).await?.ok_or_else(Problem::not_found)?;
    Ok(if from.is_some() { "close_rest_of_clinic" } else { "close_clinic" })
}

async fn substitute(
    app: &App,
    call: &Call<Action>,
    found: &ClinicWithSlots,
    fields: &Fields,
) -> Result<&'static str, Refusal> {
    let doctor: DoctorId = fields.text("doctor").and_then(|text| text.parse().ok()).ok_or_else(Problem::bad_request)?;
    let doctor = app.desk.table.doctor(&doctor).await?.ok_or_else(Problem::not_found)?;
    if found.clinic.state == ClinicState::Closed {
        return Err(Problem::conflict("clinic_closed", "该门诊已停诊，请先恢复出诊").into());
    }
    still_as_seen(app, call, found, None, fields).await?;
    app.desk.table.substitute(&found.clinic, &doctor, call.now).await?;
    let who = format!("{} {}", doctor.name, doctor.title).trim_end().to_owned();
    let kind = ClosureKind::Substitute { doctor: doctor.id, who };
    let closure = Closure::decided(found.clinic.id.clone(), None, kind, call.staff()?.to_owned(), call.now);
    app.desk.table.decide_closure(&closure, call.now).await?.ok_or_else(Problem::not_found)?;
    Ok("substitute_doctor")
}

async fn reopen(app: &App, call: &Call<Action>, found: &ClinicWithSlots) -> Result<&'static str, Refusal> {
    match app.desk.table.reopen_clinic(&found.clinic.id, call.now).await {
        Ok(_) => Ok("reopen_clinic"),
        Err(ReopenError::NotFound) => Err(Problem::not_found().into()),
        Err(ReopenError::StillClosing) => {
            Err(Problem::conflict("still_closing", "停诊通知尚未完成，请稍后再恢复出诊").into())
        }
        Err(ReopenError::Store(error)) => Err(error.into()),
    }
}

/// No numbers: the limit is lifted.
async fn limit(app: &App, found: &ClinicWithSlots, fields: &Fields) -> Result<&'static str, Refusal> {
    let slot: SlotStart = fields.text("slot").and_then(|text| text.parse().ok()).ok_or_else(Problem::bad_request)?;
    let numbers = match fields.text("numbers") {
        None => None,
        Some(text) => {
            let numbers = text.parse::<u16>().ok().filter(|numbers| *numbers <= NUMBERS_PER_SLOT_MAX);
            Some(numbers.ok_or_else(Problem::bad_request)?)
        }
    };
    let is_there = app.desk.table.limit_slot(&found.clinic.id, slot, numbers).await?;
    if is_there { Ok("limit_slot") } else { Err(Problem::not_found().into()) }
}

fn from_of(fields: &Fields) -> Result<Option<SlotStart>, Problem> {
    fields.text("from").map(|text| text.parse().map_err(|_| Problem::bad_request())).transpose()
}

/// Somebody who booked or cancelled since the preview makes it another decision.
async fn still_as_seen(
    app: &App,
    call: &Call<Action>,
    found: &ClinicWithSlots,
    from: Option<SlotStart>,
    fields: &Fields,
) -> Result<(), Refusal> {
    let preview = preview(app, found, from, call.now).await?;
    if fields.text("fingerprint") == Some(preview.fingerprint()) {
        return Ok(());
    }
    Err(Problem::conflict("preview_changed", "名单在预览后有变化，请重新预览后再确认").into())
}

/// Who has been told and refunded.
async fn progress(app: &App, closure: &Closure) -> Result<ProgressView, Refusal> {
    let people = appointments(app, closure.people.iter().cloned().collect()).await?;
    let reads: Vec<_> = people.iter().map(|appointment| one(app, appointment)).collect();
    let read: Vec<_> = stream::iter(reads).buffered(READS_AT_ONCE).try_collect::<Vec<_>>().await?;
    Ok(ProgressView::of(closure, read))
}

async fn one(app: &App, appointment: &Appointment) -> Result<views::PersonView, Refusal> {
    let order = app.desk.table.order(&appointment.out_trade_no()).await?;
    let order = order.filter(|order| order.appointment_key() == Some(appointment.key()));
    Ok(views::PersonView::of(appointment, told(app, appointment).await?, order.as_ref()))
}

/// By which way somebody knows, as far as the ledger of messages says. One of those who act for the patient is enough.
async fn told(app: &App, appointment: &Appointment) -> Result<Told, Refusal> {
    let kind = match appointment.state {
        State::Cancelled { .. } => NoticeKind::Cancelled,
        State::Refused { .. } => NoticeKind::Refused,
        _ => NoticeKind::Substituted,
    };
    let about = About::Appointment(Box::new(appointment.clone())).ledger_id(kind);
    let mut records = app.desk.table.notices_about(&about).await?;
    records.retain(|record| record.letter.kind == kind);
    Ok(told_by(&records))
}

fn told_by(records: &[NoticeRecord]) -> Told {
    let has_it = |record: &&NoticeRecord| matches!(record.outcome, Outcome::Sent { .. } | Outcome::Delivered);
    let is_over = |record: &NoticeRecord| matches!(record.outcome, Outcome::Dropped { .. } | Outcome::Failed { .. });
    let by_phone = |record: &NoticeRecord| record.letter.to == Recipient::Phone;
    match records.iter().filter(has_it).map(by_phone).min() {
        Some(false) => Told::Wechat,
        Some(true) => Told::Sms,
        None if !records.is_empty() && records.iter().all(is_over) => Told::Call,
        None => Told::Soon,
    }
}
