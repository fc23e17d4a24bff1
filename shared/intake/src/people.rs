//! The hospital's word about people (ADT): who is registered, what changed, that two records are one (A34, A40) and that
//! they are two again (A37).
//!
//! A merge here is the same as staff's: a pointer, and nothing moves ([`store::merges`]). A number that ends, or begins, with
//! it and that nobody here uses means the surviving person from then on, so that results under it are theirs. People of
//! whom nobody here knows anything are nobody's business, but for a merge: that is kept until one of them is known.

use crate::Inbox;
use crate::place::{numbers_of, obstacle};
use crate::read::{News, read_framed};
use domain::event::Actor;
use domain::id::{CardNo, PatientId};
use domain::person::{DocumentKind, IdDocument, PersonName, Phone};
use domain::report::Identifier;
use domain::report::unplaced::{Obstacle, Settled, Why};
use domain::time;
use results::hl7::adt::{Person, PersonEvent};
use store::StoreError;
use store::identity::{CardHolder, IdentityNonces, SealedIdentity};
use store::merges::MergeError;

/// How long it is remembered that a message about people was heeded, in seconds: a sender that repeats it for longer than
/// a month says something new.
const HEEDED_FOR_S: i64 = 31 * 24 * 3600;
/// Kinds of number (HL7 table 0203) that are those of cards: the record number.
const OF_A_CARD: &str = "MR";

/// What came of a word about people.
type Heeded = Result<Result<(), Obstacle>, StoreError>;

/// The numbers a message about people and visits names them by.
pub(crate) fn numbers(news: &News) -> Vec<String> {
    let named = |event: &PersonEvent| match event {
        PersonEvent::Registered(person) | PersonEvent::Updated(person) => of(person),
        PersonEvent::Merged { into, from } => [of(into), numbers_of(from, None)].concat(),
        PersonEvent::Unmerged(people) => people.iter().flat_map(of).collect(),
    };
    let of_visit = news.visit.iter().flat_map(|visit| visit.numbers.iter().cloned());
    news.people.iter().flat_map(named).chain(of_visit).collect()
}

fn of(person: &Person) -> Vec<String> {
    numbers_of(&person.identifiers, None)
}

/// The record a number means here, if it means one.
struct Known {
    number: String,
    record: Option<PatientId>,
}

impl Inbox<'_> {
    /// Does what a message about people and visits says, once: a repeat that comes late undoes nothing that was said since.
    /// `card`: the card staff have found its patient by.
    pub(crate) async fn heed(&self, news: &News, card: Option<&CardNo>, sender: &str) -> Heeded {
        if self.table.is_nonce_taken(sender, &news.number).await? {
            return Ok(Ok(()));
        }
        for event in &news.people {
            if let Err(obstacle) = self.heed_one(event, sender).await? {
                return Ok(Err(obstacle));
            }
        }
        if let Some(visit) = &news.visit
            && let Err(obstacle) = Box::pin(self.heed_visit(visit, card, sender)).await?
        {
            return Ok(Err(obstacle));
        }
        let until = time::add_seconds(self.now, HEEDED_FOR_S);
        self.table.take_nonce(sender, &news.number, until).await?;
        Ok(Ok(()))
    }

    async fn heed_one(&self, event: &PersonEvent, sender: &str) -> Heeded {
        match event {
            PersonEvent::Registered(person) => self.register(person).await.map(Ok),
            PersonEvent::Updated(person) => self.update(person).await.map(Ok),
            PersonEvent::Merged { into, from } => self.merge(&of(into), &numbers_of(from, None), sender).await,
            PersonEvent::Unmerged(people) => {
                let people: Vec<_> = people.iter().map(of).collect();
                self.part(&people, sender).await
            }
        }
    }

    // Who is who -------------------------------------------------------------------------------

    async fn known(&self, numbers: &[String]) -> Result<Vec<Known>, StoreError> {
        let mut known = Vec::new();
        for number in numbers {
            known.push(Known { number: number.clone(), record: self.holder(number).await? });
        }
        Ok(known)
    }

    /// Makes whoever `gone` means one with whom `stays` means, by the word of `sender`. Harmless to repeat.
    pub async fn merge(&self, stays: &[String], gone: &[String], sender: &str) -> Heeded {
        let (stays, gone) = (self.known(stays).await?, self.known(gone).await?);
        let mut survivor: Option<PatientId> = None;
        for record in stays.iter().filter_map(|known| known.record.as_ref()) {
            match &survivor {
                Some(survivor) if !self.table.is_same_person(survivor, record).await? => {
                    return Ok(Err(obstacle(Why::TwoPatients)));
                }
                Some(_) => {}
                None => survivor = Some(record.clone()),
            }
        }
        let Some(survivor) = survivor.or_else(|| gone.iter().find_map(|known| known.record.clone())) else {
            return Ok(Err(obstacle(Why::UnknownPatient)));
        };
        for record in gone.iter().filter_map(|known| known.record.as_ref()) {
            if let Err(obstacle) = self.join(record, &survivor, sender).await? {
                return Ok(Err(obstacle));
            }
        }
        for Known { number, .. } in stays.iter().chain(&gone).filter(|known| known.record.is_none()) {
            self.name(number, &survivor).await?;
        }
        for Known { number, .. } in stays.iter().chain(&gone) {
            self.table.hurry_unplaced(self.keys, number, self.now).await?;
        }
        Ok(Ok(()))
    }

    async fn join(&self, gone: &PatientId, survivor: &PatientId, sender: &str) -> Heeded {
        let by = Actor::Staff(sender.to_owned());
        match self.table.merge_people(self.profile, (gone, survivor), &by, self.now).await {
            Ok(is_news) => {
                tracing::info!(%gone, into = %survivor, is_news, sender, "two records are one person, says the hospital");
                Ok(Ok(()))
            }
            Err(error) => failed(error),
        }
    }

    /// A number nobody here uses means a person. One that cannot be a card's is left alone: documents are not cards.
    async fn name(&self, number: &str, person: &PatientId) -> Result<(), StoreError> {
        if let Ok(no) = number.parse::<CardNo>()
            && self.document(number).is_none()
        {
            self.table.name_person(&no, person).await?;
        }
        Ok(())
    }

    /// Makes two of those who are one person again, each known by numbers of their own. Who is nobody here is none the
    /// worse for it. Harmless to repeat.
    pub async fn part(&self, people: &[Vec<String>], sender: &str) -> Heeded {
        let mut records: Vec<PatientId> = Vec::new();
        for number in people.iter().flatten() {
            if let Ok(no) = number.parse::<CardNo>()
                && self.table.unname_person(&no).await?
            {
                continue;
            }
            records.extend(self.holder(number).await?.filter(|record| !records.contains(record)));
        }
        self.lay_aside(&people.concat(), sender).await?;
        let Some(leaves) = self.leaving(&records).await? else { return Ok(Ok(())) };
        let by = Actor::Staff(sender.to_owned());
        match self.table.unmerge_people(self.profile, &leaves, &by, self.now).await {
            Ok(_) => {
                tracing::info!(%leaves, sender, "two people again, says the hospital");
                Ok(Ok(()))
            }
            Err(error) => failed(error),
        }
    }

    /// A merge of these people that waits for one of them to be known is over before it began.
    async fn lay_aside(&self, numbers: &[String], sender: &str) -> Result<(), StoreError> {
        for number in numbers {
            for id in self.table.awaiting(self.keys, number).await? {
                let Some(body) = self.table.unplaced_body(self.keys, &id).await? else { continue };
                if merges_only(&body, numbers) {
                    let settled = Settled { by: sender.to_owned(), at: self.now, is_placed: false };
                    self.table.settle_unplaced(&id, &settled).await?;
                }
            }
        }
        Ok(())
    }

    /// Which of these records leaves: one that lies below another of them; of two that lie side by side, the last named.
    async fn leaving(&self, records: &[PatientId]) -> Result<Option<PatientId>, StoreError> {
        let mut beside: Option<PatientId> = None;
        for record in records {
            let above = self.table.records_above(record).await?;
            if above.iter().any(|parent| records.contains(parent)) {
                return Ok(Some(record.clone()));
            }
            if !above.is_empty() {
                beside = Some(record.clone());
            }
        }
        let [one, other] = records else { return Ok(None) };
        Ok(if self.table.is_same_person(one, other).await? { beside } else { None })
    }

    // What the hospital has on record ----------------------------------------------------------

    /// Somebody new: their card is one the hospital has issued, as if it stood in its list.
    async fn register(&self, person: &Person) -> Result<(), StoreError> {
        let document = of(person).iter().find_map(|number| self.document(number));
        if let Some((name, document)) = name_of(person).zip(document) {
            let holder = CardHolder { name, document, phone: phone_of(person) };
            for no in cards_of(person) {
                if self.table.card(&no).await?.is_none() {
                    self.table.put_hospital_card(&no, self.seal(&holder)?).await?;
                }
            }
        }
        self.update(person).await
    }

    /// What changed of somebody: the name and the phone that prove a claim to their cards, and that they have died (E70).
    async fn update(&self, person: &Person) -> Result<(), StoreError> {
        for no in cards_of(person) {
            let held = self.table.card(&no).await?.and_then(|card| card.holder);
            let Some(held) = held.map(|held| held.clear(self.keys)).transpose()?.flatten() else { continue };
            let after = CardHolder {
                name: name_of(person).unwrap_or_else(|| held.name.clone()),
                phone: phone_of(person).or_else(|| held.phone.clone()),
                document: held.document.clone(),
            };
            if after.name != held.name || after.phone != held.phone {
                self.table.put_card_holder(&no, &self.seal(&after)?).await?;
            }
        }
        if person.is_deceased {
            self.silence(person).await?;
        }
        Ok(())
    }

    async fn silence(&self, person: &Person) -> Result<(), StoreError> {
        for record in self.known(&of(person)).await?.into_iter().filter_map(|known| known.record) {
            for record in self.table.same_person(&record).await? {
                self.table.put_silenced(&record, true).await?;
            }
            tracing::info!(patient = %record, "nobody is told anything any more, says the hospital");
        }
        Ok(())
    }

    fn seal(&self, holder: &CardHolder) -> Result<SealedIdentity, StoreError> {
        let nonces =
            IdentityNonces { name: self.nonces.fresh()?, document: self.nonces.fresh()?, phone: self.nonces.fresh()? };
        SealedIdentity::seal_holder(self.keys, holder, &nonces)
    }

    /// The document a number is, if it is one.
    pub(crate) fn document(&self, number: &str) -> Option<IdDocument> {
        IdDocument::parse(DocumentKind::ResidentId, number, time::today(self.now)).ok()
    }
}

/// Whether a message says nothing but that some of these numbers are one person's.
fn merges_only(body: &[u8], among: &[String]) -> bool {
    let Ok(parsed) = read_framed(body) else { return false };
    let is_merge = |event: &PersonEvent| matches!(event, PersonEvent::Merged { .. });
    let says = |news: &News| {
        news.visit.is_none()
            && news.people.iter().all(is_merge)
            && numbers(news).iter().all(|number| among.contains(number))
    };
    parsed.reports.is_empty() && !parsed.news.is_empty() && parsed.news.iter().all(says)
}

/// Somebody is being told something: the sender sends again.
fn failed(error: MergeError) -> Heeded {
    match error {
        MergeError::NotFound => Ok(Err(obstacle(Why::UnknownPatient))),
        MergeError::Busy => Err(StoreError::Contended),
        MergeError::Store(error) => Err(error),
    }
}

fn name_of(person: &Person) -> Option<PersonName> {
    person.name.as_ref().and_then(|name| PersonName::parse(name.as_str()).ok())
}

fn phone_of(person: &Person) -> Option<Phone> {
    person.phones.iter().find_map(|phone| Phone::parse(phone.as_str()).ok())
}

/// The numbers of a person that are those of cards.
fn cards_of(person: &Person) -> Vec<CardNo> {
    let is_card = |identifier: &&Identifier| {
        identifier.kind.as_ref().is_none_or(|kind| kind.codes().any(|code| code == OF_A_CARD))
    };
    let values = person.identifiers.iter().filter(is_card).filter_map(|identifier| identifier.value.as_ref());
    values.filter_map(|value| value.as_str().trim().parse().ok()).collect()
}
