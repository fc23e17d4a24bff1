//! People and cards as they travel.

use crate::person::{
    CardBinding, CardPost, Guardian, PEOPLE_MAX, Person, PersonCard, PersonPost, PersonQuery, PersonReceipt,
};
use domain::civil::Date;
use domain::id::{CardNo, PersonNo};
use domain::person::{DocumentKind, IdDocument, PersonName, Phone};
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub(in crate::front_end) struct DocumentBody<'a> {
    kind: &'static str,
    number: &'a str,
}

impl<'a> From<&'a IdDocument> for DocumentBody<'a> {
    fn from(document: &'a IdDocument) -> Self {
        Self { kind: document.kind().code(), number: document.expose() }
    }
}

#[derive(Serialize)]
#[serde(tag = "by", rename_all = "lowercase")]
pub(in crate::front_end) enum FindBody<'a> {
    Document { document: DocumentBody<'a> },
    Card { card_no: &'a str },
    Phone { phone: &'a str },
    Guardian { document: DocumentBody<'a> },
}

impl<'a> From<&'a PersonQuery> for FindBody<'a> {
    fn from(query: &'a PersonQuery) -> Self {
        match query {
            PersonQuery::Document(document) => Self::Document { document: document.into() },
            PersonQuery::Card(no) => Self::Card { card_no: no.as_str() },
            PersonQuery::Phone(phone) => Self::Phone { phone: phone.expose() },
            PersonQuery::Guardian(document) => Self::Guardian { document: document.into() },
        }
    }
}

#[derive(Serialize)]
struct GuardianBody<'a> {
    name: &'a str,
    document: DocumentBody<'a>,
}

#[derive(Serialize)]
pub(in crate::front_end) struct PersonBody<'a> {
    serial: &'a str,
    name: &'a str,
    document: DocumentBody<'a>,
    phone: Option<&'a str>,
    guardian: Option<GuardianBody<'a>>,
}

impl<'a> From<&'a PersonPost> for PersonBody<'a> {
    fn from(post: &'a PersonPost) -> Self {
        let guardian = post.guardian.as_ref();
        Self {
            serial: post.serial.as_str(),
            name: post.name.expose(),
            document: (&post.document).into(),
            phone: post.phone.as_ref().map(Phone::expose),
            guardian: guardian.map(|one| GuardianBody { name: one.name.expose(), document: (&one.document).into() }),
        }
    }
}

#[derive(Serialize)]
pub(in crate::front_end) struct CardPostBody<'a> {
    serial: &'a str,
    person_no: &'a str,
}

impl<'a> From<&'a CardPost> for CardPostBody<'a> {
    fn from(post: &'a CardPost) -> Self {
        Self { serial: post.serial.as_str(), person_no: post.person.as_str() }
    }
}

#[derive(Serialize)]
pub(in crate::front_end) struct CardBindingBody<'a> {
    serial: &'a str,
    person_no: &'a str,
    card_no: &'a str,
}

impl<'a> From<&'a CardBinding> for CardBindingBody<'a> {
    fn from(binding: &'a CardBinding) -> Self {
        let CardBinding { serial, person, card } = binding;
        Self { serial: serial.as_str(), person_no: person.as_str(), card_no: card.as_str() }
    }
}

#[derive(Deserialize)]
pub(in crate::front_end) struct PeopleData {
    persons: Vec<PersonData>,
}

/// Names, papers and phones are taken as they are held: what cannot be read is left out, and proves nothing.
#[derive(Deserialize)]
struct PersonData {
    person_no: PersonNo,
    name: String,
    documents: Vec<DocumentData>,
    phone: Option<String>,
    cards: Vec<CardData>,
    guardian: Option<GuardianData>,
    deceased: bool,
}

#[derive(Deserialize)]
struct DocumentData {
    kind: String,
    number: String,
}

#[derive(Deserialize)]
struct CardData {
    card_no: CardNo,
    digital: bool,
    active: bool,
}

#[derive(Deserialize)]
struct GuardianData {
    name: String,
    document: DocumentData,
}

#[derive(Deserialize)]
pub(in crate::front_end) struct PersonReceiptData {
    person_no: PersonNo,
    card_no: Option<CardNo>,
}

impl DocumentData {
    /// Fifteen digits of an old record are the eighteen of today.
    fn read(&self) -> Option<IdDocument> {
        let kind = DocumentKind::from_code(&self.kind).ok()?;
        let stored = IdDocument::from_stored(kind, &self.number).ok();
        stored.or_else(|| {
            let is_citizen = kind == DocumentKind::ResidentId;
            is_citizen.then(|| IdDocument::from_fifteen_digits(&self.number, Date::MAX).ok()).flatten()
        })
    }
}

impl GuardianData {
    fn read(&self) -> Option<Guardian> {
        Some(Guardian { name: PersonName::from_stored(&self.name).ok()?, document: self.document.read()? })
    }
}

impl From<PersonData> for Person {
    fn from(data: PersonData) -> Self {
        let card = |card: CardData| PersonCard { no: card.card_no, digital: card.digital, active: card.active };
        Self {
            no: data.person_no,
            name: PersonName::from_stored(&data.name).ok(),
            documents: data.documents.iter().filter_map(DocumentData::read).collect(),
            phone: data.phone.and_then(|phone| Phone::from_stored(&phone).ok()),
            cards: data.cards.into_iter().map(card).collect(),
            guardian: data.guardian.as_ref().and_then(GuardianData::read),
            deceased: data.deceased,
        }
    }
}

impl From<PeopleData> for Vec<Person> {
    fn from(data: PeopleData) -> Self {
        data.persons.into_iter().take(PEOPLE_MAX).map(Person::from).collect()
    }
}

impl From<PersonReceiptData> for PersonReceipt {
    fn from(data: PersonReceiptData) -> Self {
        Self { person: data.person_no, card: data.card_no }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_cannot_be_read_hides_nothing_else() {
        let people: Vec<Person> = serde_json::from_value::<PeopleData>(json!({ "persons": [{
            "person_no": "P1", "name": "王?", "phone": "023-88888888", "deceased": false,
            "documents": [{ "kind": "01", "number": "110105491231002" }, { "kind": "77", "number": "1" }],
            "cards": [{ "card_no": "V1", "digital": false, "active": true }],
            "guardian": { "name": "3", "document": { "kind": "01", "number": "11010519491231002X" } },
        }]}))
        .unwrap()
        .into();
        let person = &people[0];
        assert_eq!(person.documents[0].expose(), "11010519491231002X");
        assert_eq!((person.documents.len(), &person.phone, &person.guardian), (1, &None, &None));
        assert!(person.name.as_ref().unwrap().needs_window_check());
        assert!(serde_json::from_value::<PeopleData>(json!({ "persons": [{ "person_no": "病人" }] })).is_err());
    }
}
