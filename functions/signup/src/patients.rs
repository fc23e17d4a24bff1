//! The people an account acts for.
//!
//! | code | status | when |
//! |---|---|---|
//! | `too_many_patients` | 409 | the account acts for as many people as it may |
//! | `already_oneself` | 409 | somebody else is 本人 of this account |
//! | `not_proven` | 409 | the document is known and something said differs |
//! | `too_many_proofs` | 429 | too many of today's claims did not hold |

use crate::registration::Wanted;
use crate::views::{ConsentView, PatientView, PatientsView, RegistrationView};
use crate::{Action, App};
use domain::id::PatientId;
use domain::time;
use futures_util::future::try_join_all;
use runtime::Refusal;
use runtime::http::Call;
use store::account::{LINKS_MAX, Link, Relation};
use store::patients::{Registered, Registrar, Registration};
use store::seal::Keyring;
use web::Response;
use web::form::{Form, respond_invalid};
use web::identity::{not_proven, too_many_proofs};
use web::negotiate::Face;
use web::problem::Problem;
use web::session::{RETURN_TO_PARAM, return_path};

pub(crate) fn consent(call: &Call<Action>) -> Result<Response, Refusal> {
    Ok(call.show(&ConsentView::of(&call.profile()?.consent)))
}

pub(crate) async fn list(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    Ok(call.show(&patients(app, call).await?))
}

async fn patients(app: &App, call: &Call<Action>) -> Result<PatientsView, Refusal> {
    let links = app.desk.table.links_of(call.account()?).await?;
    let read = try_join_all(links.iter().map(|link| app.desk.table.patient(&link.patient))).await?;
    let both = links.iter().zip(&read);
    let patients = both.filter_map(|(link, patient)| Some(PatientView::of(link, patient.as_ref()?))).collect();
    Ok(PatientsView { patients, can_add: links.len() < LINKS_MAX })
}

pub(crate) fn blank(call: &Call<Action>) -> Result<Response, Refusal> {
    Ok(call.show(&form_view(call, Form::default())?))
}

fn form_view(call: &Call<Action>, form: Form) -> Result<RegistrationView, Refusal> {
    Ok(RegistrationView::of(&call.profile()?.consent, wanted_path(call), form))
}

/// Where the reader came from, such as the clinic they are booking.
fn wanted_path(call: &Call<Action>) -> Option<String> {
    call.meta.query(RETURN_TO_PARAM).map(|_| return_path(&call.meta))
}

pub(crate) async fn register(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let mut form = Form::new(call.fields()?);
    let Some(wanted) = Wanted::read(&mut form, time::today(call.now)) else {
        let view = form_view(call, form.clone())?;
        return Ok(respond_invalid(&call.context(), &form, &view));
    };
    match enrol(app, call, &wanted).await {
        Ok(patient) => answer(app, call, &patient).await,
        // On a page nobody types everything again.
        Err(Refusal(problem)) if call.meta.face() == Face::Page && problem.status.is_client_error() => {
            Ok(call.show(&form_view(call, form)?.refused(problem)))
        }
        Err(refusal) => Err(refusal),
    }
}

async fn enrol(app: &App, call: &Call<Action>, wanted: &Wanted) -> Result<PatientId, Refusal> {
    let (table, account, today) = (&app.desk.table, call.account()?, time::today(call.now));
    let keys = app.identity.get(call.now).await?;
    let is_linked = admit(app, call, &keys, wanted).await??;
    // Whom the account acts for already needs no proof: the answer says nothing it does not know.
    if !is_linked && !table.take_proof(account, today, call.now).await? {
        return Err(too_many_proofs().into());
    }
    match table
        .register(&keys, &wanted.identity, &app.desk.random.identity_nonces()?, &registration(app, call, wanted)?)
        .await?
    {
        // The proof is kept: whoever could register without limit could claim other people's documents.
        Registered::New(patient) => Ok(patient),
        Registered::Linked(patient) => {
            if !is_linked {
                table.give_back_proof(account, today).await?;
            }
            table.put_consent(&patient, &call.profile()?.consent.version).await?;
            Ok(patient)
        }
        Registered::NotProven => Err(not_proven().into()),
    }
}

/// How many people, and one of them oneself. Whom the account acts for already (true) is no further one, so that a
/// repeated request is answered like the first.
async fn admit(
    app: &App,
    call: &Call<Action>,
    keys: &Keyring,
    wanted: &Wanted,
) -> Result<Result<bool, Problem>, Refusal> {
    let links = app.desk.table.links_of(call.account()?).await?;
    let known = app.desk.table.patient_by_document(keys, &wanted.identity.document).await?;
    let is_linked = links.iter().any(|link| known.as_ref() == Some(&link.patient));
    Ok(if is_linked { Ok(true) } else { has_room(&links, wanted.relation).map(|()| false) })
}

fn has_room(links: &[Link], relation: Relation) -> Result<(), Problem> {
    if links.len() >= LINKS_MAX {
        let text = format!("每个微信最多绑定 {LINKS_MAX} 位就诊人，请先解除不再使用的就诊人");
        return Err(Problem::conflict("too_many_patients", text));
    }
    if relation == Relation::Oneself && links.iter().any(|link| link.relation == Relation::Oneself) {
        return Err(Problem::conflict("already_oneself", "您已登记过本人。为他人登记时，关系请选择“家人”"));
    }
    Ok(())
}

fn registration(app: &App, call: &Call<Action>, wanted: &Wanted) -> Result<Registration, Refusal> {
    Ok(Registration {
        by: Registrar::Account { account: call.account()?.clone(), relation: wanted.relation },
        patient: PatientId::from_bytes(app.desk.random.bytes()?),
        consent_version: call.profile()?.consent.version.clone(),
        at: call.now,
    })
}

async fn answer(app: &App, call: &Call<Action>, patient: &PatientId) -> Result<Response, Refusal> {
    let link = app.desk.table.link(call.account()?, patient).await?.ok_or_else(Problem::not_found)?;
    let patient = app.desk.table.patient(patient).await?.ok_or_else(Problem::not_found)?;
    let back = wanted_path(call).filter(|_| !patient.needs_window);
    Ok(match call.meta.face() {
        Face::Json => call.show(&PatientView::of(&link, &patient)),
        Face::Page => call.go(back.as_deref().unwrap_or("/patients")),
    })
}

/// Whoever is not linked (any more) gets the same answer: nobody learns who exists, and a second touch does no harm.
pub(crate) async fn unlink(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let patient: PatientId = call.params.parse("patient")?;
    app.desk.table.unlink(call.account()?, &patient).await?;
    Ok(match call.meta.face() {
        Face::Json => call.show(&patients(app, call).await?),
        Face::Page => call.go("/patients"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;

    fn link(relation: Relation) -> Link {
        Link {
            patient: PatientId::from_bytes([1; 10]),
            account: "o1".parse().unwrap(),
            relation,
            name_masked: "李*".into(),
            copies: false,
            reports: domain::report::FamilyScope::Unsaid,
            since: Timestamp::UNIX_EPOCH,
            by_merge: false,
            former: false,
        }
    }

    #[test]
    fn one_is_oneself_and_there_are_not_too_many() {
        assert!(has_room(&[], Relation::Oneself).is_ok());
        let oneself = [link(Relation::Oneself)];
        assert_eq!(has_room(&oneself, Relation::Oneself).unwrap_err().code, "already_oneself");
        assert!(has_room(&oneself, Relation::Family).is_ok());
        let full = vec![link(Relation::Family); LINKS_MAX];
        assert_eq!(has_room(&full, Relation::Family).unwrap_err().code, "too_many_patients");
    }
}
