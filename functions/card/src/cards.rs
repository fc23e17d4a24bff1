//! Showing, making and binding a visit card.
//!
//! | code | status | when |
//! |---|---|---|
//! | `needs_window` | 409 | the window has to look at the document before a card is made |
//! | `has_card` | 409 | the person has another card |
//! | `not_proven` | 409 | no such card, or something said differs, or the card is bound elsewhere |
//! | `too_many_proofs` | 429 | too many of today's claims did not hold |

use crate::views::CardView;
use crate::{Action, App};
use domain::civil::Date;
use domain::id::{CardNo, PatientId};
use domain::time;
use runtime::Refusal;
use runtime::http::Call;
use store::StoreError;
use store::account::Link;
use store::patients::{Identity, Patient};
use web::Response;
use web::form::{Form, respond_invalid};
use web::identity::{self, not_proven, too_many_proofs};
use web::negotiate::Face;
use web::problem::Problem;

/// Field: the number printed on the card.
pub(crate) const CARD_NO: &str = "card";

/// A person the caller may act for.
struct Subject {
    link: Link,
    patient: Patient,
}

/// The person of the path. Without a link to them, they do not exist.
async fn subject(app: &App, call: &Call<Action>) -> Result<Subject, Refusal> {
    let id: PatientId = call.params.parse("patient")?;
    let link = app.desk.table.link(call.account()?, &id).await?.ok_or_else(Problem::not_found)?;
    let patient = app.desk.table.patient(&id).await?.ok_or_else(Problem::not_found)?;
    Ok(Subject { link, patient })
}

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let Subject { link, patient } = subject(app, call).await?;
    Ok(call.show(&CardView::of(&link, &patient, Form::default())))
}

pub(crate) async fn create(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let Subject { link, mut patient } = subject(app, call).await?;
    if patient.card.is_none() {
        if patient.needs_window {
            return Err(needs_window().into());
        }
        let no = CardNo::digital(app.desk.random.bytes()?);
        let card = app.desk.table.create_card(&patient.id, &no).await?.ok_or(StoreError::Contended)?;
        patient.card = Some(card);
    }
    Ok(answer(call, &link, &patient))
}

fn needs_window() -> Problem {
    Problem::conflict(
        "needs_window",
        "该就诊人的证件需先由窗口核验。请携带证件原件到挂号窗口办理，儿童请由监护人同行。",
    )
}

/// A card of the hospital's, as typed.
struct Typed {
    no: CardNo,
    identity: Identity,
}

impl Typed {
    fn read(form: &mut Form, today: Date) -> Option<Self> {
        let no = form.required(CARD_NO, "请填写就诊卡号", card_no);
        let claimed = identity::read(form, today);
        let (no, claimed) = (no?, claimed?);
        let identity = Identity { name: claimed.name, document: claimed.document, phone: claimed.phone };
        Some(Self { no, identity })
    }
}

/// Card numbers are printed in groups and in capitals; people type neither.
fn card_no(text: &str) -> Result<CardNo, &'static str> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    plain.to_ascii_uppercase().parse().map_err(|_| "就诊卡号只含字母和数字，请核对")
}

pub(crate) async fn bind(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let Subject { link, mut patient } = subject(app, call).await?;
    let mut form = Form::new(call.fields()?);
    let Some(typed) = Typed::read(&mut form, time::today(call.now)) else {
        let view = CardView::of(&link, &patient, form.clone());
        return Ok(respond_invalid(&call.context(), &form, &view));
    };
    match bound(app, call, &patient, &typed).await {
        Ok(()) => {
            patient.card = Some(typed.no);
            Ok(answer(call, &link, &patient))
        }
        // On a page nobody types everything again.
        Err(Refusal(problem)) if call.meta.face() == Face::Page && problem.status.is_client_error() => {
            Ok(call.show(&CardView::of(&link, &patient, form).refused(problem)))
        }
        Err(refusal) => Err(refusal),
    }
}

async fn bound(app: &App, call: &Call<Action>, patient: &Patient, typed: &Typed) -> Result<(), Refusal> {
    match &patient.card {
        Some(no) if *no == typed.no => return Ok(()),
        Some(_) => return Err(Problem::conflict("has_card", "该就诊人已有就诊卡，无需再次绑定").into()),
        None => {}
    }
    let (table, account, today) = (&app.desk.table, call.account()?, time::today(call.now));
    if !table.take_proof(account, today, call.now).await? {
        return Err(too_many_proofs().into());
    }
    if !(is_proven(app, call, patient, typed).await? && table.bind_card(&patient.id, &typed.no).await?) {
        return Err(not_proven().into());
    }
    Ok(table.give_back_proof(account, today).await?)
}

/// Whether what was typed is what the hospital holds for this card, and the person is the holder. Both are compared
/// whatever the first says.
async fn is_proven(app: &App, call: &Call<Action>, patient: &Patient, typed: &Typed) -> Result<bool, Refusal> {
    let keys = app.identity.get(call.now).await?;
    let holder = app.desk.table.card(&typed.no).await?.and_then(|card| card.holder);
    let is_patient = patient.identity.is_person(&keys, &typed.identity)?;
    let is_holder = match holder {
        Some(holder) => holder.is_known_to(&keys, &typed.identity)?,
        None => false,
    };
    Ok(is_patient & is_holder)
}

fn answer(call: &Call<Action>, link: &Link, patient: &Patient) -> Response {
    match call.meta.face() {
        Face::Json => call.show(&CardView::of(link, patient, Form::default())),
        Face::Page => call.go(&format!("/patients/{}/card", patient.id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::civil::date;
    use web::form::Fields;

    #[test]
    fn a_card_number_is_read_as_it_is_printed() {
        assert_eq!(card_no("v2018 0031").unwrap().as_str(), "V20180031");
        assert!(card_no("卡号1").is_err());
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let pairs = [("card", "卡"), ("document_kind", "01")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut form = Form::new(Fields::from_pairs(pairs.into_iter()).unwrap());
        assert!(Typed::read(&mut form, date(2026, 11, 22)).is_none());
        let wrong: Vec<_> = form.errors().keys().copied().collect();
        assert_eq!(wrong, ["card", "document", "name", "phone"]);
    }
}
