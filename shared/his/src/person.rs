//! People and visit cards as the hospital's own system knows them.

use domain::id::{CardNo, PersonNo, PersonSerial};
use domain::person::{IdDocument, PersonName, Phone};

/// The most people an answer is read of: a phone or a guardian may stand for a family.
pub const PEOPLE_MAX: usize = 50;

/// By what people are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PersonQuery {
    /// The paper. A renewed permit finds whom the former one found.
    Document(IdDocument),
    /// A visit card that is in use.
    Card(CardNo),
    /// The phone on record.
    Phone(Phone),
    /// The paper of the guardian: children without a paper of their own.
    Guardian(IdDocument),
}

/// A visit card of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonCard {
    /// Its number.
    pub no: CardNo,
    /// Whether it is an electronic one.
    pub digital: bool,
    /// Whether it may be used; a lost or replaced one may not.
    pub active: bool,
}

/// Who answers for a child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guardian {
    /// Their name.
    pub name: PersonName,
    /// Their paper.
    pub document: IdDocument,
}

/// A person as the hospital's own system holds them. Prints masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their number there.
    pub no: PersonNo,
    /// Their name; none when what is held cannot be read as one.
    pub name: Option<PersonName>,
    /// Their papers, as far as they can be read.
    pub documents: Vec<IdDocument>,
    /// The phone on record, if it can receive messages.
    pub phone: Option<Phone>,
    /// Their cards.
    pub cards: Vec<PersonCard>,
    /// Who answers for them, if somebody does.
    pub guardian: Option<Guardian>,
    /// Whether they are known to have died.
    pub deceased: bool,
}

impl Person {
    /// Whether one of their papers is that of the same person as `document`.
    pub fn has_document(&self, document: &IdDocument) -> bool {
        self.documents.iter().any(|held| held.identity_key() == document.identity_key())
    }

    /// Whether they have this card and may use it.
    pub fn has_card(&self, no: &CardNo) -> bool {
        self.cards.iter().any(|card| card.active && card.no == *no)
    }
}

/// A person to be made known. Its serial is derived from our person, so that a repeat is the same request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonPost {
    /// Our number of the write.
    pub serial: PersonSerial,
    /// Name.
    pub name: PersonName,
    /// Paper.
    pub document: IdDocument,
    /// Phone, if one is known.
    pub phone: Option<Phone>,
    /// Who answers for a child.
    pub guardian: Option<Guardian>,
}

/// An electronic card to be made for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardPost {
    /// Our number of the write.
    pub serial: PersonSerial,
    /// For whom.
    pub person: PersonNo,
}

/// A card to be noted as used here by its person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardBinding {
    /// Our number of the write.
    pub serial: PersonSerial,
    /// Whose.
    pub person: PersonNo,
    /// Which.
    pub card: CardNo,
}

/// What a write about a person came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonReceipt {
    /// The person: a known one when the paper and the name were known.
    pub person: PersonNo,
    /// The card, where the write was about one.
    pub card: Option<CardNo>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::civil::date;
    use domain::person::DocumentKind;

    fn permit(number: &str) -> IdDocument {
        IdDocument::parse(DocumentKind::HongKongMacauPermit, number, date(2026, 11, 23)).unwrap()
    }

    #[test]
    fn a_renewed_permit_is_the_same_paper_and_a_lost_card_is_none() {
        let card = |no: &str, active| PersonCard { no: no.parse().unwrap(), digital: false, active };
        let person = Person {
            no: "P1".parse().unwrap(),
            name: PersonName::parse("陈嘉欣").ok(),
            documents: vec![permit("H0000000000")],
            phone: None,
            cards: vec![card("V1", false), card("V2", true)],
            guardian: None,
            deceased: false,
        };
        assert!(person.has_document(&permit("H0000000001")) && !person.has_document(&permit("M0000000000")));
        assert!(!person.has_card(&"V1".parse().unwrap()) && person.has_card(&"V2".parse().unwrap()));
    }
}
