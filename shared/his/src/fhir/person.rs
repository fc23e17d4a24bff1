//! People as FHIR has them: a Patient with papers, cards and numbers as identifiers, a guardian as a `RelatedPerson`.
//! Names, papers and phones are taken as they are held: what cannot be read is left out, and proves nothing.

use super::bundle::Found;
use super::codebook::{Codebook, theirs};
use super::resource::{
    code_in, concept, entries, identifier, identifier_node, identifiers, names, own_reference, reference, resource,
    text,
};
use super::systems;
use crate::error::HisError;
use crate::person::{Guardian, Person, PersonCard, PersonPost, PersonReceipt};
use domain::civil::Date;
use domain::his::{CodeKind, Codes};
use domain::id::{CardNo, PersonSerial};
use domain::person::{DocumentKind, IdDocument, PersonName, Phone};
use results::tree::Node;

pub(super) const PATIENT: &str = "Patient";
pub(super) const RELATED_PERSON: &str = "RelatedPerson";
/// How often a record may have been merged into another that was merged itself.
const MERGES_MAX: usize = 8;

/// A person, if the record says by what number it is known.
pub(super) fn person(found: &Found, patient: &Node, codebook: &mut Codebook<'_>) -> Option<Person> {
    let (name, _) = names(patient);
    let documents = documents(patient, codebook);
    Some(Person {
        no: identifier(patient, systems::PERSON)?.parse().ok()?,
        name: name.and_then(|name| PersonName::from_stored(name).ok()),
        documents,
        phone: phone(patient),
        cards: cards(patient),
        guardian: guardian(found, patient, codebook),
        deceased: text(patient, "deceasedBoolean") == Some("true") || patient.get("deceasedDateTime").is_some(),
    })
}

/// The record that stays, where one was merged into another; itself otherwise.
pub(super) fn survivor<'a>(found: &'a Found, patient: &'a Node) -> &'a Node {
    let mut one = patient;
    for _ in 0..MERGES_MAX {
        let link = entries(one, "link").iter().find(|link| text(link, "type") == Some("replaced-by"));
        match link.and_then(|link| found.at(link.get("other")?)) {
            Some(other) => one = other,
            None => break,
        }
    }
    one
}

fn documents(holder: &Node, codebook: &mut Codebook<'_>) -> Vec<IdDocument> {
    entries(holder, "identifier").iter().filter_map(|entry| document(entry, codebook)).collect()
}

/// Fifteen digits of an old record are the eighteen of today.
fn document(entry: &Node, codebook: &mut Codebook<'_>) -> Option<IdDocument> {
    let code = text(entry, "system")?.strip_prefix(systems::DOCUMENT)?;
    let kind = DocumentKind::from_code(&codebook.ours(CodeKind::DocumentKind, code)?).ok()?;
    let number = text(entry, "value")?;
    let stored = IdDocument::from_stored(kind, number).ok();
    stored.or_else(|| {
        let is_citizen = kind == DocumentKind::ResidentId;
        is_citizen.then(|| IdDocument::from_fifteen_digits(number, Date::MAX).ok()).flatten()
    })
}

fn phone(patient: &Node) -> Option<Phone> {
    let phones = entries(patient, "telecom").iter().filter(|telecom| text(telecom, "system") == Some("phone"));
    phones.filter_map(|telecom| text(telecom, "value")).find_map(|number| Phone::from_stored(number).ok())
}

fn cards(patient: &Node) -> Vec<PersonCard> {
    let card = |entry: &Node| {
        let kind = entry.get("type").and_then(|kind| code_in(kind, systems::CARD_KIND));
        Some(PersonCard {
            no: text(entry, "value")?.parse().ok()?,
            digital: kind == Some("digital"),
            active: text(entry, "use") != Some("old"),
        })
    };
    let is_card = |entry: &&Node| text(entry, "system") == Some(systems::CARD);
    entries(patient, "identifier").iter().filter(is_card).filter_map(card).collect()
}

fn guardian(found: &Found, patient: &Node, codebook: &mut Codebook<'_>) -> Option<Guardian> {
    let place = own_reference(patient)?;
    let is_of = |related: &&Node| {
        let is_guardian = |concept: &Node| code_in(concept, systems::RELATION) == Some("GUARD");
        related.get("patient").and_then(reference).as_ref() == Some(&place)
            && entries(related, "relationship").iter().any(is_guardian)
    };
    let related = found.all(RELATED_PERSON).find(is_of)?;
    let name = PersonName::from_stored(names(related).0?).ok()?;
    Some(Guardian { name, document: documents(related, codebook).into_iter().next()? })
}

/// What a write of ours came to, if this is whom it was about. The card stands as the kind of the write's number.
pub(super) fn receipt(patient: &Node, kept: &Node, serial: &PersonSerial) -> Option<PersonReceipt> {
    let is_write = |entry: &&Node| {
        text(entry, "system") == Some(systems::PERSON_WRITE) && text(entry, "value") == Some(serial.as_str())
    };
    let write = entries(patient, "identifier").iter().find(is_write)?;
    let card = write.get("type").and_then(|kind| code_in(kind, systems::CARD)).map(str::parse);
    let card = card.transpose().ok()?;
    Some(PersonReceipt { person: identifier(kept, systems::PERSON)?.parse().ok()?, card })
}

/// Whether somebody may use a card.
pub(super) fn has_card(patient: &Node, card: &CardNo) -> bool {
    cards(patient).iter().any(|held| held.active && held.no == *card)
}

/// Whether a record is known by a number.
pub(super) fn is_known_by(patient: &Node, system: &str, value: &str) -> bool {
    identifiers(patient, system).any(|known| known == value)
}

// Writing ------------------------------------------------------------------------------------

/// The system of a paper's number, with the hospital's code of its kind.
pub(super) fn document_system(codes: &Codes, document: &IdDocument) -> Result<String, HisError> {
    let kind = theirs(codes, CodeKind::DocumentKind, document.kind().code())?;
    Ok(format!("{}{kind}", systems::DOCUMENT))
}

/// Our number of a write, with the card it was about.
pub(super) fn write_node(serial: &PersonSerial, card: Option<&CardNo>) -> Node {
    Node::object([
        ("type", card.map(|card| concept(systems::CARD, card.as_str()))),
        ("system", Some(Node::text(systems::PERSON_WRITE))),
        ("value", Some(Node::text(serial.as_str()))),
    ])
}

/// A person to be made known.
pub(super) fn patient_node(post: &PersonPost, codes: &Codes) -> Result<Node, HisError> {
    let paper = identifier_node(&document_system(codes, &post.document)?, post.document.expose());
    let phone = post.phone.as_ref().map(|phone| {
        Node::object([
            ("system", Some(Node::text("phone"))),
            ("value", Some(Node::text(phone.expose()))),
            ("use", Some(Node::text("mobile"))),
        ])
    });
    Ok(resource(
        PATIENT,
        [
            ("identifier", Node::list([write_node(&post.serial, None), paper])),
            ("active", Some(Node::Boolean(true))),
            ("name", Node::list([name_node(&post.name)])),
            ("telecom", Node::list(phone)),
        ],
    ))
}

/// Who answers for a child that is made known in the same transaction, at `full_url`.
pub(super) fn guardian_node(guardian: &Guardian, full_url: &str, codes: &Codes) -> Result<Node, HisError> {
    let paper = identifier_node(&document_system(codes, &guardian.document)?, guardian.document.expose());
    Ok(resource(
        RELATED_PERSON,
        [
            ("identifier", Node::list([paper])),
            ("active", Some(Node::Boolean(true))),
            ("patient", Some(Node::object([("reference", Some(Node::text(full_url)))]))),
            ("relationship", Node::list([concept(systems::RELATION, "GUARD")])),
            ("name", Node::list([name_node(&guardian.name)])),
        ],
    ))
}

fn name_node(name: &PersonName) -> Node {
    Node::object([("text", Some(Node::text(name.expose())))])
}
