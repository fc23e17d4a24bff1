//! Whose a report is: by the numbers it names, never by a name alone, and never against a name.

use crate::Inbox;
use domain::id::{CardNo, PatientId};
use domain::person::{NameMatch, PersonName};
use domain::report::unplaced::{Obstacle, Why};
use domain::report::{Concept, Identifier, Subject};
use store::StoreError;

/// Numbers looked up for one report: no honest one has more.
const NUMBERS_MAX: usize = 8;
/// Kinds of number (HL7 table 0203) that are of a visit or an account, not of a person.
const NOT_OF_A_PERSON: [&str; 2] = ["VN", "AN"];

/// The numbers a report names its patient by.
pub(crate) fn numbers(subject: &Subject) -> Vec<String> {
    let own = subject.reference.as_ref().and_then(|reference| reference.as_str().rsplit_once("Patient/"));
    numbers_of(&subject.identifiers, own.map(|(_, id)| id.to_owned()))
}

/// The numbers among these that are of a person.
pub(crate) fn numbers_of(identifiers: &[Identifier], own: Option<String>) -> Vec<String> {
    let is_of_person = |identifier: &&Identifier| {
        let kinds = identifier.kind.iter().flat_map(Concept::codes);
        !kinds.into_iter().any(|kind| NOT_OF_A_PERSON.contains(&kind))
    };
    let values = identifiers.iter().filter(is_of_person).filter_map(|identifier| identifier.value.as_ref());
    let mut numbers: Vec<String> = Vec::new();
    for number in values.map(|value| value.as_str().trim().to_owned()).chain(own) {
        if !number.is_empty() && !numbers.contains(&number) && numbers.len() < NUMBERS_MAX {
            numbers.push(number);
        }
    }
    numbers
}

/// The record that a report's numbers name, and the one that stands for its person.
struct Named {
    record: PatientId,
    root: PatientId,
}

pub(crate) fn obstacle(why: Why) -> Obstacle {
    Obstacle { why, place: "patient".into() }
}

impl Inbox<'_> {
    /// The patient of a report: all its numbers that are known agree, and its name does not contradict. Of the records of
    /// one person (E67) it is the one that is named, so that parting them parts their reports too. `card`: the card staff
    /// have found the patient by; it stands for the numbers.
    pub(crate) async fn place(
        &self,
        subject: &Subject,
        card: Option<&CardNo>,
    ) -> Result<Result<PatientId, Obstacle>, StoreError> {
        let numbers = match card {
            Some(card) => vec![card.to_string()],
            None => numbers(subject),
        };
        if numbers.is_empty() {
            return Ok(Err(obstacle(Why::NoNumber)));
        }
        let mut found: Option<Named> = None;
        for number in &numbers {
            let Some(record) = self.holder(number).await? else { continue };
            let root = self.table.root_of(&record).await?;
            found = match found {
                None => Some(Named { record, root }),
                Some(found) if found.root != root => return Ok(Err(obstacle(Why::TwoPatients))),
                Some(found) if found.record == record => Some(found),
                Some(_) => Some(Named { record: root.clone(), root }),
            };
        }
        let Some(Named { record, root }) = found else { return Ok(Err(obstacle(Why::UnknownPatient))) };
        // Staff have looked at the paper; a name in another script is no reason to keep a result from its patient.
        let is_named =
            card.is_some() || self.is_name_of(subject, &record).await? || self.is_name_of(subject, &root).await?;
        Ok(if is_named { Ok(record) } else { Err(obstacle(Why::OtherName)) })
    }

    /// The record that is known by a number: of a card, of an identity document, or ours.
    pub(crate) async fn holder(&self, number: &str) -> Result<Option<PatientId>, StoreError> {
        if let Ok(card) = number.parse::<CardNo>()
            && let Some(card) = self.table.card(&card).await?
            && card.patient.is_some()
        {
            return Ok(card.patient);
        }
        if let Some(document) = self.document(number)
            && let Some(patient) = self.table.record_by_document(self.keys, &document).await?
        {
            return Ok(Some(patient));
        }
        let Ok(id) = number.parse::<PatientId>() else { return Ok(None) };
        Ok(self.table.patient(&id).await?.map(|patient| patient.id))
    }

    /// Whether the name a report gives is, or may be, the patient's: also one that is masked or cut.
    async fn is_name_of(&self, subject: &Subject, patient: &PatientId) -> Result<bool, StoreError> {
        let Some(sent) = &subject.name else { return Ok(true) };
        let Some(patient) = self.table.patient(patient).await? else { return Ok(false) };
        match PersonName::parse(sent.as_str()) {
            Ok(name) => Ok(patient.identity.compares_name(self.keys, &name)? != NameMatch::Different),
            Err(_) => patient.identity.may_be_called(self.keys, sent.as_str()),
        }
    }
}
