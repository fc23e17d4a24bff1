//! Showing, making and binding a visit card.
//!
//! | code | status | when |
//! |---|---|---|
//! | `needs_window` | 409 | the window has to look at the document before a card is made or bound |
//! | `not_proven` | 409 | no such card, or something said differs, or the card is bound elsewhere |
//! | `too_many_proofs` | 429 | too many of today's claims did not hold |
//! | `too_many_codes` | 429 | too many codes were sent today |
//! | `no_code` | 503 | no code can be sent now |
//! | `wrong_code` | 409 | not the code that was sent |
//! | `code_over` | 409 | no code is awaited (any more) |

use crate::proof::{Verdict, holder_of_card, holder_of_document, send_code, verdict};
use crate::views::CardView;
use crate::{Action, App};
use domain::Timestamp;
use domain::cards::{CODE_TRIES_MAX, Issuer};
use domain::civil::Date;
use domain::id::{CardNo, PatientId};
use domain::time;
use runtime::Refusal;
use runtime::errands;
use runtime::http::Call;
use store::StoreError;
use store::account::Link;
use store::cards::{CardClaim, Errand, HeldCard, Stage, Wish};
use store::identity::Identity;
use store::patients::Patient;
use store::seal::Keyring;
use web::Response;
use web::form::{Form, respond_invalid};
use web::identity::{self, not_proven, too_many_proofs};
use web::negotiate::Face;
use web::problem::Problem;

/// Field: the number printed on the card.
pub(crate) const CARD_NO: &str = "card";
/// Field: the code that was sent.
pub(crate) const CODE: &str = "code";

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
    Ok(call.show(&view(app, call, &link, &patient, Form::default()).await?))
}

/// The card as it stands, or how far the way to one is.
async fn view(app: &App, call: &Call<Action>, link: &Link, patient: &Patient, form: Form) -> Result<CardView, Refusal> {
    let table = &app.desk.table;
    let cards = table.cards_of(&patient.id).await?;
    let errand = table.errand(&patient.id, &Wish::Card).await?;
    let account = call.account()?;
    let claim = table.claim_of(&patient.id).await?.filter(|claim| claim.is_open(account, call.now));
    Ok(CardView::of(link, patient, form).with(&cards, errand.as_ref(), claim.as_ref()))
}

pub(crate) async fn create(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let Subject { link, patient } = subject(app, call).await?;
    if patient.card.is_none() {
        if patient.needs_window {
            return Err(needs_window().into());
        }
        match call.profile()?.cards.issuer {
            Issuer::Menzhen => {
                let no = CardNo::digital(app.desk.random.bytes()?);
                app.desk.table.create_card(&patient.id, &no).await?.ok_or(StoreError::Contended)?;
            }
            Issuer::His => issue(app, call, &patient).await?,
        }
    }
    answer(app, call, &link).await
}

/// Has the hospital's own system issue a card. A person it knows already is one whom a code has to prove.
async fn issue(app: &App, call: &Call<Action>, patient: &Patient) -> Result<(), Refusal> {
    let keys = app.identity.get(call.now).await?;
    let wished = Errand::new(patient.id.clone(), Wish::Card, None, false, call.now);
    let errand = run(app, &keys, app.desk.table.begin_errand(&wished).await?, call.now).await?;
    match errand.stage {
        Stage::Wanted | Stage::Done => Ok(()),
        Stage::NeedsProof => prove_known(app, call, &keys, patient).await,
        Stage::NeedsWindow => Err(needs_window().into()),
    }
}

/// Goes on with an errand now. What cannot be done now stays due.
async fn run(app: &App, keys: &Keyring, errand: Errand, now: Timestamp) -> Result<Errand, Refusal> {
    let his = app.his.get(now).await?;
    match errands::follow(&app.desk, &his.client, keys, errand.clone(), now).await {
        Ok(after) => Ok(after),
        Err(errands::ErrandError::Store(error)) => Err(error.into()),
        Err(error) => {
            tracing::warn!(%error, "an errand to the HIS is done later");
            Ok(errand)
        }
    }
}

async fn prove_known(app: &App, call: &Call<Action>, keys: &Keyring, patient: &Patient) -> Result<(), Refusal> {
    let Some(known) = patient.identity.clear(keys)? else { return Err(needs_window().into()) };
    let holder = holder_of_document(app, call, &known.document).await?;
    let said = known.phone.map(|phone| Identity { name: known.name, document: known.document, phone });
    match said.map(|said| verdict(holder, &said)) {
        Some(Verdict::Agrees(holder, phone)) => {
            send_code(app, call, keys, (patient, None), (holder, phone)).await.map(drop)
        }
        _ => Err(needs_window().into()),
    }
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
    let Subject { link, patient } = subject(app, call).await?;
    let mut form = Form::new(call.fields()?);
    let Some(typed) = Typed::read(&mut form, time::today(call.now)) else {
        let view = view(app, call, &link, &patient, form.clone()).await?;
        return Ok(respond_invalid(&call.context(), &form, &view));
    };
    let outcome = claim(app, call, &patient, &typed).await;
    answer_or_explain(app, call, (&link, &patient), form, outcome).await
}

/// On a page nobody types everything again.
async fn answer_or_explain(
    app: &App,
    call: &Call<Action>,
    (link, patient): (&Link, &Patient),
    form: Form,
    outcome: Result<(), Refusal>,
) -> Result<Response, Refusal> {
    match outcome {
        Ok(()) => answer(app, call, link).await,
        Err(Refusal(problem)) if call.meta.face() == Face::Page && problem.status.is_client_error() => {
            Ok(call.show(&view(app, call, link, patient, form).await?.refused(problem)))
        }
        Err(refusal) => Err(refusal),
    }
}

/// Sends a code when all that was said agrees. A card that is theirs already needs none.
async fn claim(app: &App, call: &Call<Action>, patient: &Patient, typed: &Typed) -> Result<(), Refusal> {
    let (table, account, today) = (&app.desk.table, call.account()?, time::today(call.now));
    if table.cards_of(&patient.id).await?.iter().any(|card| card.no == typed.no) {
        return Ok(());
    }
    if !table.take_proof(account, today, call.now).await? {
        return Err(too_many_proofs().into());
    }
    let is_left = table.take_claim_to(&typed.no, today, call.now).await?;
    let keys = app.identity.get(call.now).await?;
    let holder = holder_of_card(app, call, &keys, &typed.no).await?;
    let is_patient = patient.identity.is_person(&keys, &typed.identity)?;
    match verdict(holder, &typed.identity) {
        Verdict::Agrees(holder, phone) if is_patient && is_left => {
            table.give_back_proof(account, today).await?;
            send_code(app, call, &keys, (patient, Some(typed.no.clone())), (holder, phone)).await.map(drop)
        }
        Verdict::AskWindow if is_patient && is_left => Err(needs_window().into()),
        _ => Err(not_proven().into()),
    }
}

pub(crate) async fn confirm(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let Subject { link, patient } = subject(app, call).await?;
    let mut form = Form::new(call.fields()?);
    let Some(code) = form.required(CODE, "请填写短信验证码", |text| Ok::<_, &str>(text.trim().to_owned()))
    else {
        let view = view(app, call, &link, &patient, form.clone()).await?;
        return Ok(respond_invalid(&call.context(), &form, &view));
    };
    let outcome = redeem(app, call, &patient, &code).await;
    answer_or_explain(app, call, (&link, &patient), form, outcome).await
}

async fn redeem(app: &App, call: &Call<Action>, patient: &Patient, code: &str) -> Result<(), Refusal> {
    let (table, account) = (&app.desk.table, call.account()?);
    let claim = table.claim_of(&patient.id).await?.filter(|claim| claim.is_open(account, call.now));
    let claim = claim.ok_or_else(code_over)?;
    if !table.take_claim_try(&patient.id, &claim).await? {
        return Err(code_over().into());
    }
    let keys = app.identity.get(call.now).await?;
    if !claim.is_proven_by(&keys, &patient.id, code) {
        return Err(wrong_code(CODE_TRIES_MAX - claim.tries - 1).into());
    }
    take_over(app, call, &keys, patient, &claim).await?;
    Ok(table.end_claim(&patient.id).await?)
}

/// All cards the hospital has for the person become theirs here, the claimed one first; who has none gets one.
async fn take_over(
    app: &App,
    call: &Call<Action>,
    keys: &Keyring,
    patient: &Patient,
    claim: &CardClaim,
) -> Result<(), Refusal> {
    let claimed = claim.card.clone();
    let is_digital = |no: &CardNo| claim.cards.iter().any(|card| card.no == *no && card.digital);
    let first = claimed.map(|no| HeldCard { digital: is_digital(&no), no });
    if let Some(card) = &first
        && !app.desk.table.hold_card(&patient.id, card).await?
    {
        return Err(not_proven().into());
    }
    let mut bound = first.into_iter().collect::<Vec<_>>();
    for card in &claim.cards {
        // One that is somebody else's here is for the window to sort out.
        if !bound.contains(card) && app.desk.table.hold_card(&patient.id, card).await? {
            bound.push(card.clone());
        }
    }
    let wishes = bound.into_iter().map(|card| Wish::Bound(card.no));
    let wishes = if claim.card.is_none() && claim.cards.is_empty() { vec![Wish::Card] } else { wishes.collect() };
    for wish in wishes {
        let errand = Errand::new(patient.id.clone(), wish, claim.person.clone(), true, call.now);
        run(app, keys, app.desk.table.begin_errand(&errand).await?, call.now).await?;
    }
    Ok(())
}

fn code_over() -> Problem {
    Problem::conflict("code_over", "验证码已失效，请重新核对信息获取验证码")
}

fn wrong_code(left: u32) -> Problem {
    let text = match left {
        0 => "验证码不正确，请重新核对信息获取验证码".to_owned(),
        left => format!("验证码不正确，还可再试 {left} 次"),
    };
    Problem::conflict("wrong_code", text)
}

/// Chooses which of several cards is used.
pub(crate) async fn choose(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let Subject { link, patient } = subject(app, call).await?;
    let chosen = call.fields()?.text(CARD_NO).and_then(|text| text.parse().ok());
    let chosen: CardNo = chosen.ok_or_else(Problem::bad_request)?;
    if !app.desk.table.use_card(&patient.id, &chosen).await? {
        return Err(Problem::not_found().into());
    }
    answer(app, call, &link).await
}

async fn answer(app: &App, call: &Call<Action>, link: &Link) -> Result<Response, Refusal> {
    match call.meta.face() {
        Face::Json => {
            let patient = app.desk.table.patient(&link.patient).await?.ok_or_else(Problem::not_found)?;
            Ok(call.show(&view(app, call, link, &patient, Form::default()).await?))
        }
        Face::Page => Ok(call.go(&format!("/patients/{}/card", link.patient))),
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
