//! People found and made known, and cards they use here.

use super::bundle::{Found, Step};
use super::client::{Errand, Fhir, TRIES_MAX, Written, condition, token};
use super::codebook::Codebook;
use super::person::{
    PATIENT, RELATED_PERSON, document_system, guardian_node, has_card, is_known_by, patient_node, person, receipt,
    survivor, write_node,
};
use super::resource::{Versioned, own_reference, with_identifier};
use super::systems;
use crate::error::{HisError, Refusal};
use crate::machine::{WRITE_TIMEOUT_MS, hex};
use crate::person::{CardBinding, PEOPLE_MAX, Person, PersonPost, PersonQuery, PersonReceipt};
use crate::port::Call;
use domain::id::PersonSerial;
use domain::person::PersonName;
use results::tree::Node;
use std::collections::HashSet;

/// With each Patient: whom it was merged into, and who answers for them.
const WITH_KEEPERS: (&str, &str) = ("_include:iterate", "Patient:link");
const WITH_GUARDIANS: (&str, &str) = ("_revinclude:iterate", "RelatedPerson:patient");

impl Fhir {
    /// Patients by an identifier, a phone, or the paper of their guardian; of merged ones the survivor.
    pub(crate) async fn person_find(&self, query: &PersonQuery, call: Call) -> Result<Vec<Person>, HisError> {
        let mut errand = Errand::new("person-find", None, call);
        let codes = self.machine.codes();
        let (name, value) = match query {
            PersonQuery::Document(document) => {
                ("identifier", token(&document_system(codes, document)?, document.expose()))
            }
            PersonQuery::Card(no) => ("identifier", token(systems::CARD, no.as_str())),
            PersonQuery::Phone(phone) => ("phone", phone.expose().to_owned()),
            PersonQuery::Guardian(document) => {
                let of = token(&document_system(codes, document)?, document.expose());
                ("_has:RelatedPerson:patient:identifier", of)
            }
        };
        let found = self.patients(&mut errand, name, &value).await?;
        let mut codebook = Codebook::new(codes);
        let people = keepers(&found).into_iter().take(PEOPLE_MAX);
        let people = people.filter_map(|patient| person(&found, patient, &mut codebook));
        let people: Vec<Person> = people.filter(|person| fits(person, query)).collect();
        self.note_unknown(codebook, &errand).await;
        Ok(people)
    }

    /// A new Patient, with a `RelatedPerson` for a child; who has the paper under the same name is known already.
    pub(crate) async fn person_create(&self, post: &PersonPost, call: Call) -> Result<PersonReceipt, HisError> {
        let mut errand = Errand::new("person-create", Some(post.serial.as_str()), call);
        let by_serial = token(systems::PERSON_WRITE, post.serial.as_str());
        let by_paper = token(&document_system(self.machine.codes(), &post.document)?, post.document.expose());
        for _ in 0..TRIES_MAX {
            let found = self.patients(&mut errand, "identifier", &format!("{by_serial},{by_paper}")).await?;
            if let Some(receipt) = posted(&found, &post.serial) {
                return Ok(receipt);
            }
            let written = match keepers(&found).into_iter().next() {
                None => self.make(&mut errand, post, call).await?,
                Some(patient) => {
                    let codebook = &mut Codebook::new(self.machine.codes());
                    let known = person(&found, patient, codebook).ok_or(HisError::Unreadable)?;
                    if known.name.as_ref().map(PersonName::expose) != Some(post.name.expose()) {
                        return Err(HisError::Refused { code: Refusal::PersonDiffers });
                    }
                    self.note_write(&mut errand, patient, write_node(&post.serial, None)).await?
                }
            };
            if let Written::Done(_) = written {
                return self.posted_by(&mut errand, &post.serial).await?.ok_or(HisError::Unreadable);
            }
        }
        Err(HisError::Unavailable)
    }

    /// Noted at the Patient whose card it is.
    pub(crate) async fn card_bind(&self, binding: &CardBinding, call: Call) -> Result<PersonReceipt, HisError> {
        let mut errand = Errand::new("card-bind", Some(binding.serial.as_str()), call);
        let by_person = token(systems::PERSON, binding.person.as_str());
        let by_card = token(systems::CARD, binding.card.as_str());
        for _ in 0..TRIES_MAX {
            let found = self.patients(&mut errand, "identifier", &format!("{by_person},{by_card}")).await?;
            if let Some(receipt) = posted(&found, &binding.serial) {
                return Ok(receipt);
            }
            let patient = holder(&found, binding)?;
            let write = write_node(&binding.serial, Some(&binding.card));
            if let Written::Done(_) = self.note_write(&mut errand, patient, write).await? {
                return Ok(PersonReceipt { person: binding.person.clone(), card: Some(binding.card.clone()) });
            }
        }
        Err(HisError::Unavailable)
    }

    /// The Patient that a write of ours was about.
    pub(crate) async fn person_posted(
        &self,
        serial: &PersonSerial,
        call: Call,
    ) -> Result<Option<PersonReceipt>, HisError> {
        self.posted_by(&mut Errand::new("person-posted", Some(serial.as_str()), call), serial).await
    }

    async fn posted_by(
        &self,
        errand: &mut Errand<'_>,
        serial: &PersonSerial,
    ) -> Result<Option<PersonReceipt>, HisError> {
        let found = self.patients(errand, "identifier", &token(systems::PERSON_WRITE, serial.as_str())).await?;
        Ok(posted(&found, serial))
    }

    /// One page: who is known by one number or phone is a family at most.
    async fn patients(&self, errand: &mut Errand<'_>, name: &str, value: &str) -> Result<Found, HisError> {
        let params = [(name, value), WITH_KEEPERS, WITH_GUARDIANS];
        Ok(self.search_page(errand, PATIENT, &params).await?.0)
    }

    async fn make(&self, errand: &mut Errand<'_>, post: &PersonPost, call: Call) -> Result<Written, HisError> {
        let codes = self.machine.codes();
        let unless = (systems::PERSON_WRITE, post.serial.as_str());
        let patient = patient_node(post, codes)?;
        let Some(guardian) = &post.guardian else {
            return self.create(errand, PATIENT, &patient, unless, WRITE_TIMEOUT_MS).await;
        };
        let full_url = urn_uuid(call);
        let related = guardian_node(guardian, &full_url, codes)?;
        let child =
            Step::Post { kind: PATIENT, unless: Some(condition(unless)), full_url: Some(full_url), resource: patient };
        let guardian = Step::Post { kind: RELATED_PERSON, unless: None, full_url: None, resource: related };
        self.transact(errand, PATIENT, vec![child, guardian]).await
    }

    async fn note_write(&self, errand: &mut Errand<'_>, patient: &Node, write: Node) -> Result<Written, HisError> {
        let read = Versioned::of(patient.clone()).ok_or(HisError::Unreadable)?;
        let noted = with_identifier(read.node.clone(), write);
        self.update(errand, PATIENT, &read, &noted).await
    }
}

/// Everybody who was found, each once, and of merged ones the survivor.
fn keepers(found: &Found) -> Vec<&Node> {
    let mut seen = HashSet::new();
    let all = found.all(PATIENT).map(|patient| survivor(found, patient));
    all.filter(|patient| seen.insert(own_reference(patient))).collect()
}

/// Whom a search is not for may be among what was found with it: a survivor counts by what it took over.
fn fits(person: &Person, query: &PersonQuery) -> bool {
    match query {
        PersonQuery::Card(no) => person.has_card(no),
        PersonQuery::Document(_) | PersonQuery::Phone(_) | PersonQuery::Guardian(_) => true,
    }
}

fn posted(found: &Found, serial: &PersonSerial) -> Option<PersonReceipt> {
    found.all(PATIENT).find_map(|patient| receipt(patient, survivor(found, patient), serial))
}

/// The person of a binding, if the card is theirs.
fn holder<'a>(found: &'a Found, binding: &CardBinding) -> Result<&'a Node, HisError> {
    let refused = |code| HisError::Refused { code };
    let by_number = |patient: &&Node| is_known_by(patient, systems::PERSON, binding.person.as_str());
    let patient = found.all(PATIENT).find(by_number).map(|patient| survivor(found, patient));
    let patient = patient.ok_or_else(|| refused(Refusal::NoSuchPerson))?;
    let holder = keepers(found).into_iter().find(|patient| has_card(patient, &binding.card));
    match holder {
        None => Err(refused(Refusal::NoSuchCard)),
        Some(holder) if own_reference(holder) == own_reference(patient) => Ok(patient),
        Some(_) => Err(refused(Refusal::CardBound)),
    }
}

/// A name for what is made within a transaction (RFC 4122, version 4).
fn urn_uuid(call: Call) -> String {
    let mut bytes = call.random;
    for (byte, (kept, set)) in bytes.iter_mut().skip(6).step_by(2).zip([(0x0f, 0x40), (0x3f, 0x80)]) {
        *byte = (*byte & kept) | set;
    }
    let digits = hex(&bytes);
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32];
    let parts: Vec<&str> = parts.into_iter().filter_map(|part| digits.get(part)).collect();
    format!("urn:uuid:{}", parts.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_within_a_transaction_is_a_uuid() {
        let call = Call { now: domain::Timestamp::UNIX_EPOCH, random: [0xff; 16] };
        assert_eq!(urn_uuid(call), "urn:uuid:ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
