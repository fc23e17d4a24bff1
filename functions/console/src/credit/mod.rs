//! Credit records: what is on them, appeals, lifting bans, the blacklist, and what another policy would do.
//!
//! Each decision stands on the record with who made it, when and why.

mod dry_run;
pub mod views;

pub(crate) use dry_run::dry_run;

use crate::{Action, App, body};
use domain::Timestamp;
use domain::appointment::AppointmentKey;
use domain::credit::{Block, BlockWhy, Decision, Owner, Record};
use domain::event::Actor;
use domain::id::{AppointmentId, OpenId, PatientId};
use domain::time;
use runtime::Refusal;
use runtime::http::Call;
use serde::Deserialize;
use store::appeals::{Answer, Answered};
use store::credit::EVIDENCE;
use views::{AppealView, AppealsView, DecidedView, RecordView};
use web::Response;
use web::problem::Problem;

/// Characters of a reason or of evidence.
const TEXT_CHARS_MAX: usize = 500;

/// Whose record a path names.
enum Subject {
    Person(Owner),
    Account(OpenId),
}

async fn subject(app: &App, call: &Call<Action>) -> Result<Subject, Refusal> {
    match call.params.get("owner") {
        "patients" => {
            let patient: PatientId = call.params.parse("id")?;
            let owner = app.desk.table.owner(&patient).await?.ok_or_else(Problem::not_found)?;
            Ok(Subject::Person(owner))
        }
        "accounts" => Ok(Subject::Account(call.params.parse("id")?)),
        _ => Err(Problem::not_found().into()),
    }
}

pub(crate) async fn appeals(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let keys = app.identity.get(call.now).await?;
    let open = app.desk.table.open_appeals().await?;
    let views = open.iter().map(|appeal| AppealView::of(appeal, &keys, call.now)).collect::<Result<Vec<_>, _>>()?;
    tracing::info!(who = call.staff()?, what = "read_appeals", appeals = views.len(), "staff action");
    Ok(call.show(&AppealsView { appeals: views }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerRequest {
    granted: bool,
    /// What the patient is told on their page.
    why: String,
}

pub(crate) async fn answer(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let key: AppointmentKey = call.params.parse("appointment")?;
    let AnswerRequest { granted, why } = body::json(call)?;
    let answer = Answer { granted, decision: decision(call, &why)? };
    let answered = app.desk.table.answer_appeal(&app.profile().await?, &key, &answer, call.now).await?;
    let appeal = match answered {
        Answered::Done(appeal) => appeal,
        // A repeat by the same person says the same; anybody else is too late.
        Answered::Before(before) if is_repeat(before.answer.as_ref(), &answer) => before,
        Answered::Before(_) => {
            return Err(Problem::conflict("already_answered", "该申诉已经处理过，请刷新列表").into());
        }
        Answered::NotFound => return Err(Problem::not_found().into()),
    };
    app.desk.note(call, if granted { "grant_appeal" } else { "reject_appeal" }, &key.id).await?;
    let keys = app.identity.get(call.now).await?;
    Ok(call.show(&AppealView::of(&appeal, &keys, call.now)?))
}

fn is_repeat(before: Option<&Answer>, answer: &Answer) -> bool {
    let same = |before: &Answer| {
        (before.granted, &before.decision.by, &before.decision.why)
            == (answer.granted, &answer.decision.by, &answer.decision.why)
    };
    before.is_some_and(same)
}

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let (profile, keys) = (app.profile().await?, app.identity.get(call.now).await?);
    let view = match subject(app, call).await? {
        Subject::Person(owner) => {
            let gate = app.desk.table.gate(&owner.patient).await?;
            let standing = profile.judge().standing(&gate.record, call.now);
            RecordView::of(&gate.record, Some(&standing), &keys, call.now)?.named(owner.patient_name_masked)
        }
        Subject::Account(account) => {
            let gate = app.desk.table.account_gate(&account).await?;
            let standing = profile.account_judge().map(|judge| judge.standing(&gate.record, call.now));
            RecordView::of(&gate.record, standing.as_ref(), &keys, call.now)?
        }
    };
    app.desk.note(call, "read_credit", call.params.get("id")).await?;
    Ok(call.show(&view))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WhyRequest {
    why: String,
}

/// A clean start: nothing up to now counts any more.
pub(crate) async fn lift(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let WhyRequest { why } = body::json(call)?;
    let decision = decision(call, &why)?;
    let change = |record: &Record| (!record.strikes.is_empty()).then(|| record.lifted(decision.clone()));
    decide(app, call, "lift_ban", &change, &decision).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VoidRequest {
    appointment: AppointmentId,
    why: String,
}

/// A strike that never should have counted: the hospital's fault, an outage.
pub(crate) async fn void(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let VoidRequest { appointment, why } = body::json(call)?;
    let decision = decision(call, &why)?;
    let Subject::Person(owner) = subject(app, call).await? else { return Err(Problem::not_found().into()) };
    let gate = app.desk.table.gate(&owner.patient).await?;
    let strike = gate.record.strikes.get(&appointment).ok_or_else(Problem::not_found)?;
    let key = AppointmentKey { patient: owner.patient, date: time::today(strike.visit), id: appointment };
    let appointment = app.desk.table.appointment(&key).await?.ok_or_else(Problem::not_found)?;
    let changed = app.desk.table.void_strike(&app.profile().await?, &appointment, &decision).await?;
    app.desk.note(call, "void_strike", &key.id).await?;
    Ok(call.show(&DecidedView { changed }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BlockRequest {
    why: BlockWhy,
    /// What it rests on.
    evidence: String,
    /// Until when; until staff lift it when absent.
    until: Option<Timestamp>,
}

/// Puts somebody on the blacklist. Asked twice for the same, it is there once.
pub(crate) async fn block(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let BlockRequest { why, evidence, until } = body::json(call)?;
    if until.is_some_and(|until| until <= call.now) {
        return Err(Problem::conflict("already_over", "截止时间应晚于现在").into());
    }
    let keys = app.identity.get(call.now).await?;
    let evidence_sealed = keys.seal(bounded(&evidence)?, EVIDENCE, app.desk.random.bytes()?)?;
    let decision = decision(call, why.text())?;
    let block = Block { why, evidence_sealed, put_on: decision.clone(), until, lifted: None };
    let change = |record: &Record| {
        let is_there = record.block(call.now).is_some_and(|there| (there.why, there.until) == (why, until));
        (!is_there).then(|| record.blocked(block.clone()))
    };
    decide(app, call, "block", &change, &decision).await
}

/// Takes somebody off the blacklist.
pub(crate) async fn unblock(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let WhyRequest { why } = body::json(call)?;
    let decision = decision(call, &why)?;
    let change = |record: &Record| record.unblocked(&decision);
    decide(app, call, "unblock", &change, &decision).await
}

async fn decide(
    app: &App,
    call: &Call<Action>,
    what: &'static str,
    change: &(dyn Fn(&Record) -> Option<Record> + Sync),
    decision: &Decision,
) -> Result<Response, Refusal> {
    let changed = match subject(app, call).await? {
        Subject::Person(owner) => {
            app.desk.table.decide_on_record(&app.profile().await?, &owner, change, decision).await?
        }
        Subject::Account(account) => app.desk.table.decide_on_account(&account, change).await?,
    };
    app.desk.note(call, what, call.params.get("id")).await?;
    Ok(call.show(&DecidedView { changed }))
}

fn decision(call: &Call<Action>, why: &str) -> Result<Decision, Refusal> {
    Ok(Decision { by: Actor::Staff(call.staff()?.to_owned()), at: call.now, why: bounded(why)?.to_owned() })
}

fn bounded(text: &str) -> Result<&str, Problem> {
    let text = text.trim();
    let fits = (1..=TEXT_CHARS_MAX).contains(&text.chars().count());
    if fits { Ok(text) } else { Err(Problem::bad_request()) }
}
