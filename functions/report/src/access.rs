//! Who may read: the account acts for the person, the person lets them, and whoever holds the phone has proven within the
//! last quarter of an hour that they know the person's document.
//!
//! | code | status | when |
//! |---|---|---|
//! | `proof_required` | 403 | who it is has to be proven (again) |
//! | `consent_required` | 403 | the person has not agreed, or has taken it back |
//! | `not_proven` | 409 | the document ends otherwise |
//! | `too_many_proofs` | 429 | too many of today's claims did not hold |

use crate::views::proof::{ConsentView, ProofView};
use crate::{Action, App};
use domain::id::{OpenId, PatientId};
use domain::person::age_on;
use domain::report::{FamilyScope, Reader};
use domain::time::{add_seconds, today};
use runtime::Refusal;
use runtime::http::{Call, Caller};
use store::account::{Link as PersonLink, Relation};
use store::patients::Patient;
use store::reading::PROOF_IDLE_S;
use web::components::Link;
use web::form::{Form, respond_invalid};
use web::identity::{not_proven, too_many_proofs};
use web::negotiate::Face;
use web::problem::Problem;
use web::session::{RETURN_TO_PARAM, return_path, sign_in_again_path};
use web::{Response, StatusCode};

/// Field and parameter: whose results.
pub(crate) const PATIENT: &str = "patient";
/// Field: how the document ends.
pub(crate) const TAIL: &str = "tail";
/// Field: the person agrees.
pub(crate) const CONSENT: &str = "consent";

/// Somebody who may read a person's reports now.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    /// Whose they are.
    pub(crate) patient: Patient,
    /// Who reads.
    pub(crate) reader: Reader,
    /// The account.
    pub(crate) account: OpenId,
    /// The key of the session.
    pub(crate) session: String,
}

/// The caller's link to a person, by the record that stands for them; whoever has none learns nothing about them.
async fn linked(app: &App, account: &OpenId, patient: &PatientId) -> Result<(PersonLink, Patient), Refusal> {
    let table = &app.desk.table;
    let root = table.root_of(patient).await?;
    let (link, patient) = tokio::try_join!(table.link(account, &root), table.patient(&root))?;
    link.zip(patient).ok_or_else(|| Problem::not_found().into())
}

/// The key of the caller's session.
fn session_of(call: &Call<Action>) -> Result<String, Refusal> {
    match &call.caller {
        Caller::Account { secret, .. } => Ok(secret.key()),
        Caller::Anyone | Caller::Machine { .. } | Caller::Staff { .. } => Err(Problem::sign_in_required().into()),
    }
}

/// As whom an account may read about a person; `None` as long as the person has not agreed.
async fn reader_of(
    app: &App,
    call: &Call<Action>,
    link: &PersonLink,
    patient: &Patient,
) -> Result<Option<Reader>, Refusal> {
    if link.relation == Relation::Oneself {
        return Ok(Some(Reader::Oneself));
    }
    let birth = patient.identity.birth_date(&*app.identity.get(call.now).await?)?;
    Ok(Reader::family(link.reports, birth.map(|birth| age_on(birth, today(call.now)))))
}

/// Why somebody who acts for a person does not read about them now.
enum Bar {
    Proof,
    Consent,
}

async fn checked(
    app: &App,
    call: &Call<Action>,
    account: &OpenId,
    session: &str,
    id: &PatientId,
) -> Result<Result<Access, Bar>, Refusal> {
    let (link, patient) = linked(app, account, id).await?;
    let Some(reader) = reader_of(app, call, &link, &patient).await? else { return Ok(Err(Bar::Consent)) };
    if !app.desk.table.use_reading_proof(session, &patient.id, call.now).await? {
        return Ok(Err(Bar::Proof));
    }
    Ok(Ok(Access { patient, reader, account: account.clone(), session: session.to_owned() }))
}

/// Lets the caller read about a person, or leads them to what is missing.
pub(crate) async fn enter(
    app: &App,
    call: &Call<Action>,
    patient: &PatientId,
) -> Result<Result<Access, Response>, Refusal> {
    let session = session_of(call)?;
    let bar = match checked(app, call, call.account()?, &session, patient).await? {
        Ok(access) => return Ok(Ok(access)),
        Err(bar) => bar,
    };
    if call.meta.face() == Face::Json {
        return Err(refusal_of(&bar, patient).into());
    }
    let path = match bar {
        Bar::Proof => proof_path(patient, &call.meta.path_and_query()),
        Bar::Consent => consent_path(patient),
    };
    Ok(Err(call.go(&path)))
}

/// As [`enter`], for a session known by its key alone: the pass of a printed page. Whoever may not is not told why.
pub(crate) async fn enter_by_session(
    app: &App,
    call: &Call<Action>,
    session: &str,
    patient: &PatientId,
) -> Result<Access, Refusal> {
    let found = app.desk.table.session(session, call.now).await?.ok_or_else(Problem::not_found)?;
    checked(app, call, &found.account, session, patient).await?.map_err(|_| Problem::not_found().into())
}

fn refusal_of(bar: &Bar, patient: &PatientId) -> Problem {
    match bar {
        Bar::Proof => Problem::new(StatusCode::FORBIDDEN, "proof_required", "查看报告前，请再确认一次身份")
            .with_action(Link::new("确认身份", proof_path(patient, "/reports"))),
        Bar::Consent => Problem::new(StatusCode::FORBIDDEN, "consent_required", "查看家人的报告需要本人同意")
            .with_action(Link::new("查看说明", consent_path(patient))),
    }
}

fn proof_path(patient: &PatientId, return_to: &str) -> String {
    let to = percent_encoding::utf8_percent_encode(return_to, percent_encoding::NON_ALPHANUMERIC);
    format!("/reports/proof?{PATIENT}={patient}&{RETURN_TO_PARAM}={to}")
}

fn consent_path(patient: &PatientId) -> String {
    format!("/reports/consent?{PATIENT}={patient}")
}

/// The person named in the address.
pub(crate) fn patient_of(call: &Call<Action>) -> Result<PatientId, Refusal> {
    let named = call.meta.query(PATIENT).and_then(|text| text.parse().ok());
    named.ok_or_else(|| Problem::not_found().into())
}

/// Whether WeChat has said lately who holds the phone: an old session is renewed there first.
async fn is_fresh(app: &App, call: &Call<Action>) -> Result<bool, Refusal> {
    let session = app.desk.table.session(&session_of(call)?, call.now).await?;
    Ok(session.is_some_and(|session| session.began_at() > add_seconds(call.now, -PROOF_IDLE_S)))
}

pub(crate) async fn ask(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let id = patient_of(call)?;
    let (link, _) = linked(app, call.account()?, &id).await?;
    if !is_fresh(app, call).await? {
        return Ok(call.go(&sign_in_again_path(&call.meta.path_and_query())));
    }
    Ok(call.show(&ProofView::of(&link.name_masked, id.as_str(), &return_path(&call.meta), Form::default())))
}

/// As people type it: spaces, small letters, full-width digits.
fn tail(text: &str) -> String {
    let narrow = |c: char| match c {
        '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' => {
            u32::from(c).checked_sub(0xFEE0).and_then(char::from_u32).unwrap_or(c)
        }
        c => c,
    };
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).map(narrow).collect();
    plain.to_uppercase()
}

pub(crate) async fn prove(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let mut form = Form::new(call.fields()?);
    let id: PatientId = form.value(PATIENT).parse().map_err(|_| Problem::not_found())?;
    let (link, patient) = linked(app, call.account()?, &id).await?;
    let return_to = return_path(&call.meta);
    if !is_fresh(app, call).await? {
        let problem = Problem::new(StatusCode::FORBIDDEN, "sign_in_again", "登录已超过 15 分钟，请重新登录后确认");
        return Err(problem.with_action(Link::new("重新登录", sign_in_again_path(&return_to))).into());
    }
    let typed = form.required(TAIL, "请填写证件号码的后几位", |text| Ok::<_, &str>(tail(text)));
    let view = |form: Form| ProofView::of(&link.name_masked, id.as_str(), &return_to, form);
    let Some(typed) = typed else { return Ok(respond_invalid(&call.context(), &form, &view(form.clone()))) };
    match proven(app, call, &patient, &typed).await {
        Ok(()) => Ok(call.go(if return_to == "/" { "/reports" } else { &return_to })),
        // What was typed is not shown again: it would be the document's end on a phone that lies about.
        Err(Refusal(problem)) if call.meta.face() == Face::Page && problem.status.is_client_error() => {
            Ok(call.show(&view(Form::default()).refused(problem)))
        }
        Err(refusal) => Err(refusal),
    }
}

/// A proof that holds is given back: only wrong ones count, with those of other claims of the day.
async fn proven(app: &App, call: &Call<Action>, patient: &Patient, typed: &str) -> Result<(), Refusal> {
    let (table, account, day) = (&app.desk.table, call.account()?, today(call.now));
    if !table.take_proof(account, day, call.now).await? {
        return Err(too_many_proofs().into());
    }
    let keys = app.identity.get(call.now).await?;
    if !patient.identity.document_ends_with(&keys, typed)? {
        tracing::info!(patient = %patient.id, "a proof before reading did not hold");
        return Err(not_proven().into());
    }
    table.give_back_proof(account, day).await?;
    Ok(table.put_reading_proof(&session_of(call)?, &patient.id, call.now).await?)
}

/// Whether the reader may say that the person agrees: not once the person has refused, nor where they can say it
/// themselves.
async fn can_consent(app: &App, link: &PersonLink) -> Result<bool, Refusal> {
    if link.reports == FamilyScope::Refused {
        return Ok(false);
    }
    let links = app.desk.table.links_to(&link.patient).await?;
    Ok(!links.iter().any(|other| other.relation == Relation::Oneself))
}

pub(crate) async fn ask_consent(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let id = patient_of(call)?;
    let (link, patient) = linked(app, call.account()?, &id).await?;
    if reader_of(app, call, &link, &patient).await?.is_some() {
        return Ok(call.go(&format!("/reports?{PATIENT}={id}")));
    }
    let can_consent = can_consent(app, &link).await?;
    Ok(call.show(&ConsentView::of(&link.name_masked, id.as_str(), can_consent, Form::default())))
}

pub(crate) async fn consent(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let mut form = Form::new(call.fields()?);
    let id: PatientId = form.value(PATIENT).parse().map_err(|_| Problem::not_found())?;
    let (link, _) = linked(app, call.account()?, &id).await?;
    if !can_consent(app, &link).await? {
        return Err(refusal_of(&Bar::Consent, &id).into());
    }
    form.agreed(CONSENT, "请先征得本人同意");
    if !form.is_valid() {
        let view = ConsentView::of(&link.name_masked, id.as_str(), true, form.clone());
        return Ok(respond_invalid(&call.context(), &form, &view));
    }
    app.desk.table.put_report_scope(&link.account, &link.patient, FamilyScope::Granted).await?;
    tracing::info!(patient = %id, "family may see reports: agreed by the person, says the reader");
    Ok(call.go(&format!("/reports?{PATIENT}={id}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_read_as_people_type_it() {
        for (typed, read) in [("31002x", "31002X"), (" 3100 2X ", "31002X"), ("３１００２ｘ", "31002X")] {
            assert_eq!(tail(typed), read, "{typed}");
        }
    }
}
