//! Proof that a card, or a person the hospital knows, belongs to who asks: what was said is what the hospital holds, and
//! a code reaches the phone it holds.
//!
//! Whatever differs, and whether there is such a card at all, the way there and the answer are the same (E73).

use crate::{Action, App};
use domain::cards::{CODE_LIFE_S, code};
use domain::id::{CardNo, PersonNo};
use domain::person::{IdDocument, NameMatch, PersonName, Phone, same_person_name};
use domain::time;
use his::{Call as HisCall, His, Person, PersonQuery};
use runtime::Refusal;
use runtime::http::Call;
use sms::{Sms, SmsError, SmsMessage};
use store::cards::{CardClaim, HeldCard, NewClaim};
use store::identity::{CardHolder, Identity};
use store::patients::{Card, Patient};
use store::seal::Keyring;
use web::StatusCode;
use web::problem::Problem;

const SECONDS_PER_MINUTE: i64 = 60;

/// Whom the hospital has for a card or a document.
#[derive(Debug)]
pub(crate) struct Holder {
    person: Option<PersonNo>,
    name: Option<PersonName>,
    documents: Vec<IdDocument>,
    phone: Option<Phone>,
    cards: Vec<HeldCard>,
}

impl From<Person> for Holder {
    fn from(person: Person) -> Self {
        let in_use = person.cards.into_iter().filter(|card| card.active);
        Self {
            person: Some(person.no),
            name: person.name,
            documents: person.documents,
            phone: person.phone.filter(|_| !person.deceased),
            cards: in_use.map(|card| HeldCard { no: card.no, digital: card.digital }).collect(),
        }
    }
}

impl From<CardHolder> for Holder {
    fn from(holder: CardHolder) -> Self {
        let CardHolder { name, document, phone } = holder;
        Self { person: None, name: Some(name), documents: vec![document], phone, cards: Vec::new() }
    }
}

/// What comparing came to.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// All of it agrees: a code to this phone is the last proof.
    Agrees(Holder, Phone),
    /// All but characters of the name that computers lose: people compare the paper.
    AskWindow,
    /// Something differs.
    Differs,
}

/// Compares what was said with what the hospital holds: all of it, whatever the first says.
pub(crate) fn verdict(holder: Option<Holder>, said: &Identity) -> Verdict {
    let Some(holder) = holder else { return Verdict::Differs };
    let name = holder.name.as_ref().map_or(NameMatch::AskWindow, |held| same_person_name(&said.name, held));
    let key = said.document.identity_key();
    let has_document = holder.documents.iter().filter(|held| held.identity_key() == key).count() > 0;
    let phone = holder.phone.clone().filter(|held| held.expose() == said.phone.expose());
    match (name, has_document, phone) {
        (NameMatch::Same, true, Some(phone)) => Verdict::Agrees(holder, phone),
        (NameMatch::AskWindow, true, Some(_)) => Verdict::AskWindow,
        _ => Verdict::Differs,
    }
}

/// Whom a card belongs to: as the hospital's own system says, or, while it does not answer, its list.
pub(crate) async fn holder_of_card(
    app: &App,
    call: &Call<Action>,
    keys: &Keyring,
    no: &CardNo,
) -> Result<Option<Holder>, Refusal> {
    let listed = app.desk.table.card(no).await?.and_then(|Card { holder, .. }| holder);
    let listed = listed.map(|holder| holder.clear(keys)).transpose()?.flatten();
    Ok(match find(app, call, &PersonQuery::Card(no.clone())).await? {
        Some(found) => found.into_iter().next().map(Holder::from),
        None => listed.map(Holder::from),
    })
}

/// Whom the hospital's own system knows by a document; nobody while it does not answer.
pub(crate) async fn holder_of_document(
    app: &App,
    call: &Call<Action>,
    document: &IdDocument,
) -> Result<Option<Holder>, Refusal> {
    let found = find(app, call, &PersonQuery::Document(document.clone())).await?;
    Ok(found.and_then(|found| found.into_iter().next()).map(Holder::from))
}

/// None while the hospital's own system does not answer, or has no such question.
async fn find(app: &App, call: &Call<Action>, query: &PersonQuery) -> Result<Option<Vec<Person>>, Refusal> {
    let his = app.his.get(call.now).await?;
    let asked = HisCall { now: call.now, random: app.desk.random.bytes()? };
    match his.client.person_find(query, asked).await {
        Ok(found) => Ok(Some(found)),
        Err(error) => {
            tracing::warn!(%error, "the HIS does not say whose card it is; the list decides");
            Ok(None)
        }
    }
}

/// Sends a code to the phone the hospital holds, for a card or, without one, for all that the holder has.
pub(crate) async fn send_code(
    app: &App,
    call: &Call<Action>,
    keys: &Keyring,
    (patient, card): (&Patient, Option<CardNo>),
    (holder, phone): (Holder, Phone),
) -> Result<CardClaim, Refusal> {
    let account = call.account()?;
    let sms = call.profile()?.messages.sms.as_ref();
    let Some((sms, template)) = sms.and_then(|sms| Some((sms, sms.code_template_id.clone()?))) else {
        return Err(no_code().into());
    };
    if !app.desk.table.take_code(keys, (account, &patient.id, &phone), time::today(call.now), call.now).await? {
        return Err(too_many_codes().into());
    }
    let code = code(app.desk.random.bytes()?);
    let new = NewClaim {
        account,
        patient: &patient.id,
        card,
        person: holder.person,
        cards: holder.cards,
        phone: &phone,
        code: &code,
    };
    let claim = CardClaim::new(keys, new, call.now);
    // Before it is sent: a code that arrives is one that counts.
    app.desk.table.put_claim(&patient.id, &claim).await?;
    let values = vec![code, (CODE_LIFE_S / SECONDS_PER_MINUTE).to_string()];
    let message = SmsMessage::new(phone, &sms.signature, template, values).map_err(|_| no_code())?;
    match app.sms.get(call.now).await?.client.send(&message, call.now).await {
        Ok(_) | Err(SmsError::UnknownOutcome) => Ok(claim),
        Err(error) => {
            tracing::warn!(%error, "a code was not sent");
            Err(no_code().into())
        }
    }
}

fn no_code() -> Problem {
    let text = "验证码短信暂时无法发送，请稍后再试，或携带证件到窗口办理";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_code", text)
}

fn too_many_codes() -> Problem {
    let text = "今日验证码已达上限，请明日再试，或携带证件到窗口办理";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_codes", text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::civil::date;
    use domain::person::DocumentKind;

    fn document(number: &str) -> IdDocument {
        IdDocument::parse(DocumentKind::ResidentId, number, date(2026, 11, 23)).unwrap()
    }

    fn holder(name: &str, phone: Option<&str>) -> Holder {
        Holder {
            person: None,
            name: PersonName::parse(name).ok(),
            documents: vec![document("11010519491231002X")],
            phone: phone.and_then(|phone| Phone::parse(phone).ok()),
            cards: Vec::new(),
        }
    }

    fn said(name: &str, number: &str) -> Identity {
        let phone = Phone::parse("19900000001").unwrap();
        Identity { name: PersonName::parse(name).unwrap(), document: document(number), phone }
    }

    #[test]
    fn only_what_agrees_in_all_gets_a_code() {
        let (own, other) = ("11010519491231002X", "110101200002290018");
        let phone = Some("19900000001");
        for (held, said, expected) in [
            (Some(holder("王芳", phone)), said("王芳", own), "agrees"),
            (Some(holder("王芳", phone)), said("王方", own), "differs"),
            (Some(holder("王芳", phone)), said("王芳", other), "differs"),
            (Some(holder("王芳", Some("19900000002"))), said("王芳", own), "differs"),
            (Some(holder("王芳", None)), said("王芳", own), "differs"),
            (None, said("王芳", own), "differs"),
            (Some(holder("王?", phone)), said("王\u{20BB7}", own), "window"),
            (Some(holder("王?", Some("19900000002"))), said("王\u{20BB7}", own), "differs"),
            (Some(holder("1", phone)), said("王芳", own), "window"),
        ] {
            let came_to = match verdict(held, &said) {
                Verdict::Agrees(..) => "agrees",
                Verdict::AskWindow => "window",
                Verdict::Differs => "differs",
            };
            assert_eq!(came_to, expected, "{said:?}");
        }
    }
}
