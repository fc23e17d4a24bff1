//! Errands to the hospital's own system (HIS) about a person: making them known there, their electronic card, the cards
//! they use here. The card's page and his-sync share it: whoever comes first does it, and what was sent without an answer
//! is asked for by serial before it is sent again.

use crate::Desk;
use crate::random::NoRandomness;
use domain::Timestamp;
use domain::id::{CardNo, PersonNo};
use domain::person::{NameMatch, same_person_name};
use domain::time;
use his::{
    Call, CardBinding, CardPost, Guardian, His, HisError, Person, PersonPost, PersonQuery, PersonReceipt,
    Refusal as HisRefusal,
};
use store::StoreError;
use store::account::Relation;
use store::cards::{Errand, HeldCard, Stage, Wish};
use store::identity::CardHolder;
use store::seal::Keyring;

/// Steps of one errand in one go.
const STEPS_MAX: usize = 8;

/// Why an errand is not done. It stays due.
#[derive(Debug, thiserror::Error)]
pub enum ErrandError {
    /// The HIS gives no usable answer.
    #[error(transparent)]
    His(#[from] HisError),
    /// The person is not there, or their document cannot be told.
    #[error("the person of an errand cannot be told to the HIS")]
    Person,
    /// No random bytes.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What errands are done with.
struct Errands<'a, H> {
    desk: &'a Desk,
    his: &'a H,
    keys: &'a Keyring,
    now: Timestamp,
}

/// Goes on with an errand as far as the HIS answers, and answers with the errand after it.
pub async fn follow(
    desk: &Desk,
    his: &impl His,
    keys: &Keyring,
    errand: Errand,
    now: Timestamp,
) -> Result<Errand, ErrandError> {
    let errands = Errands { desk, his, keys, now };
    let mut errand = errand;
    for _ in 0..STEPS_MAX {
        if errand.stage != Stage::Wanted {
            break;
        }
        let (after, failure) = match errands.step(&errand).await {
            Ok(after) => (after, None),
            Err(error) => (errand.later(now), Some(error)),
        };
        match desk.table.write_errand(&errand, after).await? {
            Some(written) => errand = written,
            // Somebody else is at it.
            None => return Ok(desk.table.errand(&errand.patient, &errand.wish).await?.unwrap_or(errand)),
        }
        if let Some(error) = failure {
            return Err(error);
        }
    }
    Ok(errand)
}

impl<H: His> Errands<'_, H> {
    fn call(&self) -> Result<Call, NoRandomness> {
        Ok(Call { now: self.now, random: self.desk.random.bytes()? })
    }

    /// The errand after one more step. What is about to be sent is noted first.
    async fn step(&self, errand: &Errand) -> Result<Errand, ErrandError> {
        let outcome = match (&errand.person, &errand.wish) {
            (None, Wish::Card) => self.make_known(errand).await,
            (None, Wish::Bound(no)) => self.find_holder(errand, no).await,
            (Some(_), _) if !errand.sent.1 => Ok(Errand { sent: (errand.sent.0, true), ..errand.clone() }),
            (Some(person), Wish::Card) => self.issue(errand, person).await,
            (Some(person), Wish::Bound(no)) => self.bind(errand, person, no).await,
        };
        match outcome {
            // A refusal is an answer: nobody but people can change it.
            Err(ErrandError::His(HisError::Refused { code })) => {
                tracing::warn!(%code, "the HIS refuses an errand about a person");
                Ok(errand.ended(Stage::NeedsWindow))
            }
            other => other,
        }
    }

    /// Who is known by the document is that person, once it is proven; nobody is made twice.
    async fn make_known(&self, errand: &Errand) -> Result<Errand, ErrandError> {
        if errand.sent.0 {
            let posted = self.his.person_posted(&errand.person_serial(), self.call()?).await?;
            if let Some(receipt) = posted {
                return Ok(Errand { person: Some(receipt.person), ..errand.clone() });
            }
        }
        let person = self.person(errand).await?;
        let guardian = self.guardian(errand, &person).await?;
        match self.known(&person, guardian.as_ref()).await? {
            Some(_) if !errand.proven => Ok(errand.ended(Stage::NeedsProof)),
            Some(known) => Ok(Errand { person: Some(known.no), ..errand.clone() }),
            None if !errand.sent.0 => Ok(Errand { sent: (true, errand.sent.1), ..errand.clone() }),
            None => {
                let receipt = self.create(errand, person, guardian).await?;
                Ok(Errand { person: Some(receipt.person), ..errand.clone() })
            }
        }
    }

    async fn person(&self, errand: &Errand) -> Result<CardHolder, ErrandError> {
        let patient = self.desk.table.patient(&errand.patient).await?.ok_or(ErrandError::Person)?;
        patient.identity.clear(self.keys)?.ok_or(ErrandError::Person)
    }

    /// Whom the HIS knows by the document; a child by its guardian too, for it may have had none so far.
    async fn known(&self, person: &CardHolder, guardian: Option<&Guardian>) -> Result<Option<Person>, ErrandError> {
        let query = PersonQuery::Document(person.document.clone());
        let known = self.his.person_find(&query, self.call()?).await?.into_iter().next();
        let (None, Some(guardian)) = (&known, guardian) else { return Ok(known) };
        let children = self.his.person_find(&PersonQuery::Guardian(guardian.document.clone()), self.call()?).await?;
        let is_child = |child: &Person| {
            let name = child.name.as_ref().map(|held| same_person_name(&person.name, held));
            child.documents.is_empty() && name.is_some_and(|name| name != NameMatch::Different)
        };
        Ok(children.into_iter().find(is_child))
    }

    /// Who answers for a child: whoever registered it for their family, as who they are themselves.
    async fn guardian(&self, errand: &Errand, person: &CardHolder) -> Result<Option<Guardian>, ErrandError> {
        if !person.document.needs_guardian_on(time::today(self.now)) {
            return Ok(None);
        }
        for link in self.desk.table.links_to(&errand.patient).await? {
            let theirs = self.desk.table.links_of(&link.account).await?;
            let Some(own) = theirs.into_iter().find(|link| link.relation == Relation::Oneself) else { continue };
            let known = self.desk.table.patient(&own.patient).await?;
            let known = known.map(|patient| patient.identity.clear(self.keys)).transpose()?.flatten();
            if let Some(CardHolder { name, document, .. }) = known {
                return Ok(Some(Guardian { name, document }));
            }
        }
        Ok(None)
    }

    async fn create(
        &self,
        errand: &Errand,
        person: CardHolder,
        guardian: Option<Guardian>,
    ) -> Result<PersonReceipt, ErrandError> {
        let CardHolder { name, document, phone } = person;
        let serial = errand.person_serial();
        let post = PersonPost { serial, name, document, phone, guardian };
        Ok(self.his.person_create(&post, self.call()?).await?)
    }

    async fn find_holder(&self, errand: &Errand, no: &CardNo) -> Result<Errand, ErrandError> {
        let document = self.person(errand).await?.document;
        let found = self.his.person_find(&PersonQuery::Card(no.clone()), self.call()?).await?;
        match found.into_iter().find(|person| person.has_document(&document)) {
            Some(Person { no: person, .. }) => Ok(Errand { person: Some(person), ..errand.clone() }),
            None => Ok(errand.ended(Stage::NeedsWindow)),
        }
    }

    async fn issue(&self, errand: &Errand, person: &PersonNo) -> Result<Errand, ErrandError> {
        let serial = errand.card_serial();
        let receipt = match self.his.person_posted(&serial, self.call()?).await? {
            Some(receipt) => receipt,
            None => self.his.card_create(&CardPost { serial, person: person.clone() }, self.call()?).await?,
        };
        let no = receipt.card.ok_or(HisError::Unreadable)?;
        let is_theirs = self.desk.table.hold_card(&errand.patient, &HeldCard { no, digital: true }).await?;
        Ok(errand.ended(if is_theirs { Stage::Done } else { Stage::NeedsWindow }))
    }

    async fn bind(&self, errand: &Errand, person: &PersonNo, no: &CardNo) -> Result<Errand, ErrandError> {
        let binding = CardBinding { serial: errand.card_serial(), person: person.clone(), card: no.clone() };
        match self.his.card_bind(&binding, self.call()?).await {
            // Bound under another number of the same person meanwhile: the HIS knows of it.
            Ok(_) | Err(HisError::Refused { code: HisRefusal::SerialReused }) => {}
            Err(error) => return Err(error.into()),
        }
        let card = HeldCard { no: no.clone(), digital: no.is_digital() };
        let is_theirs = self.desk.table.hold_card(&errand.patient, &card).await?;
        // Results that came before the card was bound come in now.
        self.desk.table.hurry_unplaced(self.keys, no.as_str(), self.now).await?;
        Ok(errand.ended(if is_theirs { Stage::Done } else { Stage::NeedsWindow }))
    }
}
