//! People: registered once per identity document, linked to the accounts that act for them, with one visit card.

use crate::account::{Link, Relation};
use crate::due;
use crate::identity::{Identity, IdentityNonces, SealedIdentity, purpose};
use crate::key::Key;
use crate::seal::{Keyring, SealNonce};
use crate::table::{Item, StoreError, Table, Write, number, send_update, text, to_item};
use crate::transaction::part;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use domain::appointment::NOTIFY_WITHIN_S;
use domain::civil::Date;
use domain::due::{Deadline, Deadlines, Worker};
use domain::event::{Actor, EventKind, ItemEvent};
use domain::id::{CardNo, OpenId, PatientId};
use domain::notice::PersonNews;
use domain::person::{IdDocument, age_on};
use domain::{Timestamp, time};
use serde::{Deserialize, Serialize};

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patient {
    /// Opaque id.
    pub id: PatientId,
    /// Who they are.
    #[serde(flatten)]
    pub identity: SealedIdentity,
    /// Whether the window has to look at the document before it counts.
    pub needs_window: bool,
    /// Year of birth, if the document tells it: all that booking may know of somebody's age, which reads no sealed data.
    #[serde(default)]
    pub birth_year: Option<i16>,
    /// Version of the consent text agreed to.
    pub consent_version: String,
    /// The visit card, once there is one.
    pub card: Option<CardNo>,
    /// Whether they get copies of messages by SMS, if they have said so; otherwise their age decides.
    #[serde(default)]
    pub sms_copies: Option<bool>,
    /// Whether nobody is to be told anything about them any more: they have died (E70).
    #[serde(default)]
    pub silenced: bool,
    /// Since when.
    #[serde(with = "domain::clinic::epoch_s")]
    pub registered_at: Timestamp,
    /// The record that stands for this person since both turned out to be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<PatientId>,
    /// Records that turned out to be this person too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absorbed: Vec<PatientId>,
    /// What happened last.
    pub ev: Option<ItemEvent>,
    /// What still has to be done: others must be told of a new account.
    #[serde(default)]
    pub deadlines: Deadlines,
}

impl Patient {
    /// What may be told of what happened last, if anything has.
    pub fn news(&self) -> Option<PersonNews> {
        let (patient, name_masked) = (self.id.clone(), self.identity.name_masked.clone());
        self.ev.clone().map(|ev| PersonNews { patient, name_masked, ev })
    }

    /// Whether they get copies of messages by SMS: as they wished, or from a certain age on.
    pub fn wants_sms(&self, keys: &Keyring, age_years: u16, today: Date) -> Result<bool, StoreError> {
        match self.sms_copies {
            Some(wish) => Ok(wish),
            None => Ok(self.identity.birth_date(keys)?.is_some_and(|birth| age_on(birth, today) >= age_years)),
        }
    }
}

/// A visit card (就诊卡).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Printed or digital number.
    pub no: CardNo,
    /// Whether we created it.
    pub digital: bool,
    /// Whose it is, once bound.
    pub patient: Option<PatientId>,
    /// Whom the hospital issued it to (cards of the hospital only).
    #[serde(default)]
    pub holder: Option<SealedIdentity>,
}

/// Who registers a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registrar {
    /// A WeChat user, who acts for the person from then on.
    Account {
        /// Who.
        account: OpenId,
        /// Who the person is to them.
        relation: Relation,
    },
    /// A member of staff, by name, who has the person and the document before them.
    Staff(String),
}

impl Registrar {
    fn actor(&self) -> Actor {
        match self {
            Self::Account { account, .. } => Actor::Account(account.clone()),
            Self::Staff(name) => Actor::Staff(name.clone()),
        }
    }
}

/// A registration to be made.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Who registers.
    pub by: Registrar,
    /// Id for the person, if new.
    pub patient: PatientId,
    /// Version of the consent text agreed to.
    pub consent_version: String,
    /// When.
    pub at: Timestamp,
}

/// What became of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registered {
    /// A new person.
    New(PatientId),
    /// The hospital knew the person. The account that registers is linked now, or was before; others linked must be told.
    Linked(PatientId),
    /// The document is known, but name or phone differ: the window must look.
    NotProven,
}

#[derive(Serialize, Deserialize)]
struct Claim {
    patient: PatientId,
}

impl Table {
    /// A person.
    pub async fn patient(&self, id: &PatientId) -> Result<Option<Patient>, StoreError> {
        self.get(&Key::patient(id)).await
    }

    /// The person registered under a document, whoever registered them. For rules about the caller's own links only:
    /// what it says about strangers must not reach a page.
    pub async fn patient_by_document(
        &self,
        keys: &Keyring,
        document: &IdDocument,
    ) -> Result<Option<PatientId>, StoreError> {
        match self.record_by_document(keys, document).await? {
            Some(record) => self.root_of(&record).await.map(Some),
            None => Ok(None),
        }
    }

    /// The very record registered under a document, merged or not. The same caution holds.
    pub async fn record_by_document(
        &self,
        keys: &Keyring,
        document: &IdDocument,
    ) -> Result<Option<PatientId>, StoreError> {
        self.claimed_by(&keys.indexes(document.identity_key().expose(), purpose::DOCUMENT)).await
    }

    /// Registers a person under their document, once; somebody who proves to know the person gets a link to the record
    /// that is there.
    pub async fn register(
        &self,
        keys: &Keyring,
        identity: &Identity,
        nonces: &IdentityNonces,
        registration: &Registration,
    ) -> Result<Registered, StoreError> {
        let indexes = keys.indexes(identity.document.identity_key().expose(), purpose::DOCUMENT);
        if let Some(patient) = self.claimed_by(&indexes).await? {
            return self.recognise(keys, identity, registration, patient).await;
        }
        let sealed = SealedIdentity::seal(keys, identity, nonces)?;
        let id = registration.patient.clone();
        let link = link_of(registration, &id, &sealed.name_masked);
        let at_window = matches!(registration.by, Registrar::Staff(_));
        let patient = Patient {
            id: id.clone(),
            identity: sealed,
            needs_window: needs_window(identity) && !at_window,
            birth_year: identity.document.birth_date().map(domain::civil::Date::year),
            consent_version: registration.consent_version.clone(),
            card: None,
            sms_copies: None,
            silenced: false,
            registered_at: registration.at,
            merged_into: None,
            absorbed: Vec::new(),
            ev: Some(event(EventKind::PatientRegistered, 1, registration)),
            deadlines: Deadlines::none(),
        };
        let mut writes = vec![self.new_put(to_item(&Key::patient(&id), &patient)?)];
        for index in &indexes {
            writes.push(self.new_put(to_item(&Key::document(index), &Claim { patient: id.clone() })?));
        }
        if let Some(link) = link {
            writes.extend(self.link_puts(&link)?);
        }
        if self.transact(writes).await?.is_done() {
            return Ok(Registered::New(id));
        }
        // Somebody else registered the same document in between.
        match self.claimed_by(&indexes).await? {
            Some(patient) => self.recognise(keys, identity, registration, patient).await,
            None => Err(StoreError::Contended),
        }
    }

    /// Notes a newer document of a person whom staff have before them: a renewed permit, the first identity card of a child.
    /// The former one still leads to them. False when the document is somebody else's: two records to be merged.
    pub async fn renew_document(
        &self,
        keys: &Keyring,
        patient: &PatientId,
        document: &IdDocument,
        nonce: SealNonce,
    ) -> Result<bool, StoreError> {
        let key = document.identity_key();
        let indexes = keys.indexes(key.expose(), purpose::DOCUMENT);
        let known = match self.claimed_by(&indexes).await? {
            Some(record) => Some(self.root_of(&record).await?),
            None => None,
        };
        if known.as_ref().is_some_and(|known| known != patient) {
            return Ok(false);
        }
        let update = self
            .updating(&Key::patient(patient))
            .update_expression("SET document_sealed = :sealed, document_masked = :masked, needs_window = :no")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":sealed", text(keys.seal(key.expose(), purpose::DOCUMENT, nonce)?))
            .expression_attribute_values(":masked", text(document.masked()))
            .expression_attribute_values(":no", AttributeValue::Bool(false));
        let mut writes = vec![part!(update, update)?];
        if known.is_none() {
            for index in &indexes {
                writes.push(self.new_put(to_item(&Key::document(index), &Claim { patient: patient.clone() })?));
            }
        }
        // Refused: somebody registered the same document in between, or the person is gone.
        Ok(self.transact(writes).await?.is_done())
    }

    async fn claimed_by(&self, indexes: &[String]) -> Result<Option<PatientId>, StoreError> {
        for index in indexes {
            if let Some(claim) = self.get::<Claim>(&Key::document(index)).await? {
                return Ok(Some(claim.patient));
            }
        }
        Ok(None)
    }

    /// What becomes of a registration whose document is known.
    async fn recognise(
        &self,
        keys: &Keyring,
        identity: &Identity,
        registration: &Registration,
        id: PatientId,
    ) -> Result<Registered, StoreError> {
        let Some(known) = self.patient(&id).await? else { return Err(StoreError::Contended) };
        let is_proven = match &registration.by {
            Registrar::Account { .. } => known.identity.is_known_to(keys, identity)?,
            // Staff see the document itself; the phone may have changed since (E66).
            Registrar::Staff(_) => known.identity.is_person(keys, identity)?,
        };
        if !is_proven {
            return Ok(Registered::NotProven);
        }
        let records = self.same_person(&id).await?;
        let root = records.first().cloned().unwrap_or(id);
        let Some(known) = self.patient(&root).await? else { return Err(StoreError::Contended) };
        match link_of(registration, &root, &known.identity.name_masked) {
            Some(link) => self.link_known(&known, &link, registration).await?,
            None => self.note_seen_at_window(&root, &registration.consent_version).await?,
        }
        if records.len() > 1 {
            self.level_links(&records, &registration.by.actor(), registration.at).await?;
        }
        Ok(Registered::Linked(root))
    }

    /// Has those who act for a person told that somebody else does now.
    pub(crate) async fn announce_link(
        &self,
        patient: &PatientId,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let seq = self.patient(patient).await?.and_then(|known| known.ev).map_or(0, |event| event.seq) + 1;
        let event = ItemEvent { seq, kind: EventKind::PatientLinked, actor: by.clone(), at: now };
        self.transact(vec![self.event_update(patient, &event)?]).await.map(drop)
    }

    async fn link_known(&self, known: &Patient, link: &Link, registration: &Registration) -> Result<(), StoreError> {
        if self.link(&link.account, &known.id).await?.is_some() {
            return Ok(());
        }
        let seq = known.ev.as_ref().map_or(0, |event| event.seq) + 1;
        let mut writes = self.link_puts(link)?;
        writes.push(self.event_update(&known.id, &event(EventKind::PatientLinked, seq, registration))?);
        let written = self.transact(writes).await?;
        // Refused: a twin of this request was first, or another writer was in the way.
        if !written.is_done() && self.link(&link.account, &known.id).await?.is_none() {
            return Err(StoreError::Contended);
        }
        Ok(())
    }

    /// The window has looked at the document and the consent.
    async fn note_seen_at_window(&self, patient: &PatientId, consent_version: &str) -> Result<(), StoreError> {
        let request = self
            .update(&Key::patient(patient))
            .update_expression("SET needs_window = :no, consent_version = :version")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":no", AttributeValue::Bool(false))
            .expression_attribute_values(":version", text(consent_version));
        send_update(request).await.map(drop)
    }

    /// Creates a digital card for a person who has none; one who has a card keeps it.
    pub async fn create_card(&self, patient: &PatientId, no: &CardNo) -> Result<Option<CardNo>, StoreError> {
        let card = Card { no: no.clone(), digital: true, patient: Some(patient.clone()), holder: None };
        let writes = vec![self.new_put(to_item(&Key::card(no), &card)?), self.card_update(patient, no)?];
        self.transact(writes).await?;
        Ok(self.patient(patient).await?.and_then(|patient| patient.card))
    }

    /// A visit card.
    pub async fn card(&self, no: &CardNo) -> Result<Option<Card>, StoreError> {
        self.get(&Key::card(no)).await
    }

    /// Files a card the hospital has issued, from its own list. A card that is bound already is left as it is.
    pub async fn put_hospital_card(&self, no: &CardNo, holder: SealedIdentity) -> Result<Write, StoreError> {
        let card = Card { no: no.clone(), digital: false, patient: None, holder: Some(holder) };
        let unbound = "attribute_not_exists(pk) OR (digital = :no AND attribute_type(patient, :null))";
        let values = [(":no", AttributeValue::Bool(false)), (":null", text("NULL"))];
        self.put_if(to_item(&Key::card(no), &card)?, unbound, values).await
    }

    /// What the hospital says now of the holder of a card in its list. Refused when the list has no such card.
    pub async fn put_card_holder(&self, no: &CardNo, holder: &SealedIdentity) -> Result<Write, StoreError> {
        let holder = serde_dynamo::to_attribute_value(holder).map_err(StoreError::Unwritable)?;
        let request = self
            .update(&Key::card(no))
            .update_expression("SET holder = :holder")
            .condition_expression("attribute_exists(holder)")
            .expression_attribute_values(":holder", holder);
        send_update(request).await
    }

    /// Binds a hospital card to a person who has none. False when either is bound elsewhere.
    pub async fn bind_card(&self, patient: &PatientId, no: &CardNo) -> Result<bool, StoreError> {
        let key = Key::card(no);
        let bind = Update::builder()
            .table_name(&self.name)
            .key("pk", text(&key.pk))
            .key("sk", text(&key.sk))
            .update_expression("SET patient = :patient")
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(patient) OR attribute_type(patient, :null))",
            )
            .expression_attribute_values(":patient", text(patient.as_str()))
            .expression_attribute_values(":null", text("NULL"))
            .build()
            .map_err(StoreError::unavailable("build update"))?;
        let writes = vec![TransactWriteItem::builder().update(bind).build(), self.card_update(patient, no)?];
        Ok(self.transact(writes).await?.is_done())
    }

    fn card_update(&self, patient: &PatientId, no: &CardNo) -> Result<TransactWriteItem, StoreError> {
        let key = Key::patient(patient);
        let update = Update::builder()
            .table_name(&self.name)
            .key("pk", text(&key.pk))
            .key("sk", text(&key.sk))
            .update_expression("SET card = :card")
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(card) OR attribute_type(card, :null))",
            )
            .expression_attribute_values(":card", text(no.as_str()))
            .expression_attribute_values(":null", text("NULL"))
            .build()
            .map_err(StoreError::unavailable("build update"))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Notes that what happened last, `seq`, is in the ledger. Harmless to repeat.
    pub async fn clear_patient_notice(&self, patient: &PatientId, seq: u64) -> Result<(), StoreError> {
        let none = serde_dynamo::to_attribute_value(Deadlines::none()).map_err(StoreError::Unwritable)?;
        let request = self
            .update(&Key::patient(patient))
            .update_expression("SET deadlines = :none REMOVE due_pk, due_at")
            .condition_expression("ev.seq = :seq")
            .expression_attribute_values(":none", none)
            .expression_attribute_values(":seq", number(seq));
        send_update(request).await.map(drop)
    }

    /// What happened, and the deadline that guarantees its message.
    fn event_update(&self, patient: &PatientId, event: &ItemEvent) -> Result<TransactWriteItem, StoreError> {
        let key = Key::patient(patient);
        let due_at = time::add_seconds(event.at, NOTIFY_WITHIN_S);
        let update = Update::builder()
            .table_name(&self.name)
            .key("pk", text(&key.pk))
            .key("sk", text(&key.sk))
            .update_expression("SET ev = :ev, deadlines = :deadlines, due_pk = :due_pk, due_at = :due_at")
            .expression_attribute_values(
                ":ev",
                serde_dynamo::to_attribute_value(event).map_err(StoreError::Unwritable)?,
            )
            .expression_attribute_values(
                ":deadlines",
                serde_dynamo::to_attribute_value(Deadlines::none().with(Deadline::Notify, due_at))
                    .map_err(StoreError::Unwritable)?,
            )
            .expression_attribute_values(":due_pk", text(due::partition(Worker::Reminder, &key.pk)))
            .expression_attribute_values(":due_at", number(due_at.as_second()))
            .build()
            .map_err(StoreError::unavailable("build update"))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    fn new_put(&self, item: Item) -> TransactWriteItem {
        let put =
            Put::builder().table_name(&self.name).set_item(Some(item)).condition_expression("attribute_not_exists(pk)");
        // Only a missing table name or item can fail here, and both are set.
        TransactWriteItem::builder().set_put(put.build().ok()).build()
    }

    fn link_puts(&self, link: &Link) -> Result<Vec<TransactWriteItem>, StoreError> {
        let keys = [Key::account_link(&link.account, &link.patient), Key::patient_link(&link.patient, &link.account)];
        keys.iter().map(|key| Ok(self.new_put(to_item(key, link)?))).collect()
    }

    /// Says whether the person gets copies of messages by SMS.
    pub async fn put_sms_copies(&self, patient: &PatientId, wish: bool) -> Result<Write, StoreError> {
        self.put_flag(patient, "sms_copies", wish).await
    }

    /// Says whether anybody is still told anything about the person.
    pub async fn put_silenced(&self, patient: &PatientId, silenced: bool) -> Result<Write, StoreError> {
        self.put_flag(patient, "silenced", silenced).await
    }

    async fn put_flag(&self, patient: &PatientId, name: &str, value: bool) -> Result<Write, StoreError> {
        let request = self
            .update(&Key::patient(patient))
            .update_expression("SET #flag = :value")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#flag", name)
            .expression_attribute_values(":value", AttributeValue::Bool(value));
        send_update(request).await
    }

    /// Replaces what the person agreed to: a newer consent text.
    pub async fn put_consent(&self, patient: &PatientId, version: &str) -> Result<Write, StoreError> {
        let request = self
            .update(&Key::patient(patient))
            .update_expression("SET consent_version = :version")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":version", text(version));
        send_update(request).await
    }
}

/// Papers without a form to check, papers of children and names with characters that computers lose are looked at by
/// staff before they count.
fn needs_window(identity: &Identity) -> bool {
    let document = &identity.document;
    document.needs_window() || document.needs_guardian() || identity.name.needs_window_check()
}

/// The link a registration makes; staff act for nobody.
fn link_of(registration: &Registration, patient: &PatientId, name_masked: &str) -> Option<Link> {
    match &registration.by {
        Registrar::Account { account, relation } => Some(Link {
            patient: patient.clone(),
            account: account.clone(),
            relation: *relation,
            name_masked: name_masked.to_owned(),
            copies: false,
            reports: domain::report::FamilyScope::Unsaid,
            since: registration.at,
            by_merge: false,
            former: false,
        }),
        Registrar::Staff(_) => None,
    }
}

fn event(kind: EventKind, seq: u64, registration: &Registration) -> ItemEvent {
    ItemEvent { seq, kind, actor: registration.by.actor(), at: registration.at }
}
