//! Visit cards of a person: which they have, which is used; the claim to one until a code to the phone proves it; and what
//! the hospital's own system has still to be told.

use crate::due;
use crate::key::{CARD_PREFIX, Key};
use crate::patients::Card;
use crate::seal::Keyring;
use crate::table::{Item, StoreError, Table, Write, number, send_update, text, to_item};
use crate::transaction::part;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::cards::{CLAIMS_PER_CARD_MAX, CODE_LIFE_S, CODE_TRIES_MAX, CODES_PER_ACCOUNT_MAX, CODES_PER_PERSON_MAX};
use domain::civil::Date;
use domain::due::{Deadline, Deadlines, Tries, backoff_s};
use domain::id::{CardNo, OpenId, PatientId, PersonNo, PersonSerial};
use domain::person::Phone;
use domain::{Timestamp, time};
use serde::{Deserialize, Serialize};

/// Cards of one person read at most.
const CARDS_MAX: i32 = 50;
/// How often a write is decided again when somebody else was faster.
const TRIES_MAX: u32 = 5;
/// Keeps codes apart from everything else that is signed.
const CODE: &str = "card_code";
const PHONE: &str = "code_phone";

/// A card of a person, as listed below them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldCard {
    /// Its number.
    pub no: CardNo,
    /// Whether it is an electronic one.
    pub digital: bool,
}

/// A claim to a card, waiting for the code that was sent to the phone the hospital knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardClaim {
    /// Who claims.
    pub account: OpenId,
    /// The card; none: an electronic one is wanted for a person whom the hospital knows.
    pub card: Option<CardNo>,
    /// The person in the hospital's own system, if it answered.
    pub person: Option<PersonNo>,
    /// Their cards there, in use.
    #[serde(default)]
    pub cards: Vec<HeldCard>,
    /// The phone, masked: all of it that is ever shown.
    pub phone_masked: String,
    /// The code, under a key.
    signature: String,
    /// Wrong codes so far.
    pub tries: u32,
    /// Until when the code is good.
    #[serde(with = "domain::clinic::epoch_s")]
    pub expires_at: Timestamp,
}

/// A claim to be made.
#[derive(Clone, Debug)]
pub struct NewClaim<'a> {
    /// Who claims.
    pub account: &'a OpenId,
    /// For whom.
    pub patient: &'a PatientId,
    /// The card; none: an electronic one.
    pub card: Option<CardNo>,
    /// The person in the hospital's own system.
    pub person: Option<PersonNo>,
    /// Their cards there, in use.
    pub cards: Vec<HeldCard>,
    /// Where the code goes.
    pub phone: &'a Phone,
    /// The code.
    pub code: &'a str,
}

impl CardClaim {
    /// A claim, and nothing of its code or phone in the clear.
    pub fn new(keys: &Keyring, new: NewClaim<'_>, now: Timestamp) -> Self {
        Self {
            account: new.account.clone(),
            signature: keys.sign(&signed(new.patient, new.account, new.code), CODE),
            card: new.card,
            person: new.person,
            cards: new.cards,
            phone_masked: new.phone.masked(),
            tries: 0,
            expires_at: time::add_seconds(now, CODE_LIFE_S),
        }
    }

    /// Whether a code can still prove it.
    pub fn is_open(&self, account: &OpenId, now: Timestamp) -> bool {
        self.account == *account && now < self.expires_at && self.tries < CODE_TRIES_MAX
    }

    /// Whether this is its code.
    pub fn is_proven_by(&self, keys: &Keyring, patient: &PatientId, code: &str) -> bool {
        keys.has_signed(&self.signature, &signed(patient, &self.account, code), CODE)
    }
}

fn signed(patient: &PatientId, account: &OpenId, code: &str) -> String {
    format!("{patient}\n{account}\n{code}")
}

/// What the hospital's own system has to do for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// Know the person, and issue an electronic card.
    Card,
    /// Note that this card is used here.
    Bound(CardNo),
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Under way.
    Wanted,
    /// Done.
    Done,
    /// The hospital knows the person already: a code to the phone it knows has to prove who asks.
    NeedsProof,
    /// The hospital's own system refuses: the window has to look.
    NeedsWindow,
}

/// An errand to the hospital's own system, once for a person and a wish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errand {
    /// For whom.
    pub patient: PatientId,
    /// What.
    pub wish: Wish,
    /// How far it is.
    pub stage: Stage,
    /// Whether it is proven that the person is who the hospital knows by the document.
    pub proven: bool,
    /// The person there, once known.
    pub person: Option<PersonNo>,
    /// Whether making the person known was sent, and whether the card was: then the serial is asked for first.
    #[serde(default)]
    pub sent: (bool, bool),
    /// What is due.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// Failed tries.
    #[serde(default)]
    pub tries: Tries,
    /// Counts writes.
    #[serde(default)]
    pub ver: u64,
}

impl Errand {
    /// One that is due at once.
    pub fn new(patient: PatientId, wish: Wish, person: Option<PersonNo>, proven: bool, now: Timestamp) -> Self {
        let deadlines = Deadlines::none().with(Deadline::Card, now);
        let (tries, sent) = (Tries::none(), (false, false));
        Self { patient, wish, stage: Stage::Wanted, proven, person, sent, deadlines, tries, ver: 0 }
    }

    /// Our number of the write that makes the person known.
    pub fn person_serial(&self) -> PersonSerial {
        PersonSerial::of("person", &[self.patient.as_str()])
    }

    /// Our number of the write about the card.
    pub fn card_serial(&self) -> PersonSerial {
        match &self.wish {
            Wish::Card => PersonSerial::of("card", &[self.patient.as_str()]),
            Wish::Bound(no) => PersonSerial::of("bind", &[self.patient.as_str(), no.as_str()]),
        }
    }

    /// The same at its end.
    #[must_use]
    pub fn ended(&self, stage: Stage) -> Self {
        Self { stage, deadlines: Deadlines::none(), tries: Tries::none(), ..self.clone() }
    }

    /// The same after a failure: tried again later.
    #[must_use]
    pub fn later(&self, now: Timestamp) -> Self {
        let at = time::add_seconds(now, backoff_s(self.tries.of(Deadline::Card)));
        let tries = self.tries.clone().more(Deadline::Card);
        Self { deadlines: Deadlines::none().with(Deadline::Card, at), tries, ..self.clone() }
    }

    /// Where it lives.
    pub fn key(&self) -> Key {
        Key::errand(&self.patient, &self.wish)
    }
}

fn errand_item(errand: &Errand) -> Result<Item, StoreError> {
    let key = errand.key();
    let mut item = to_item(&key, errand)?;
    due::stamp(&mut item, &key.pk, &errand.deadlines);
    Ok(item)
}

impl Table {
    /// The cards of a person, by number. One they had before cards were listed is among them.
    pub async fn cards_of(&self, patient: &PatientId) -> Result<Vec<HeldCard>, StoreError> {
        let mut cards: Vec<HeldCard> = Vec::new();
        for record in self.same_person(patient).await? {
            let listed: Vec<HeldCard> = self.query(&Key::patient(&record).pk, CARD_PREFIX, CARDS_MAX).await?;
            let main = self.patient(&record).await?.and_then(|patient| patient.card);
            let main = main.map(|no| HeldCard { digital: no.is_digital(), no });
            for card in listed.into_iter().chain(main) {
                if cards.iter().all(|known| known.no != card.no) {
                    cards.push(card);
                }
            }
        }
        Ok(cards)
    }

    /// Gives a person a card of the hospital's: listed below them, and the one that is used if they had none. False when
    /// it is somebody else's. Harmless to repeat.
    pub async fn hold_card(&self, patient: &PatientId, card: &HeldCard) -> Result<bool, StoreError> {
        for _ in 0..TRIES_MAX {
            let Some(known) = self.patient(patient).await? else { return Ok(false) };
            let seen = self.card(&card.no).await?;
            if seen.as_ref().and_then(|card| card.patient.as_ref()).is_some_and(|holder| holder != patient) {
                return Ok(false);
            }
            if self.write_held(patient, card, known.card.is_none()).await?.is_done() {
                return Ok(true);
            }
        }
        Err(StoreError::Contended)
    }

    async fn write_held(&self, patient: &PatientId, card: &HeldCard, is_first: bool) -> Result<Write, StoreError> {
        let bind = self
            .updating(&Key::card(&card.no))
            .update_expression(
                "SET #no = :no, digital = if_not_exists(digital, :digital), patient = :patient REMOVE named_only",
            )
            .condition_expression(
                "attribute_not_exists(patient) OR attribute_type(patient, :null) OR patient = :patient",
            )
            .expression_attribute_names("#no", "no")
            .expression_attribute_values(":no", text(card.no.as_str()))
            .expression_attribute_values(":digital", AttributeValue::Bool(card.digital))
            .expression_attribute_values(":patient", text(patient.as_str()))
            .expression_attribute_values(":null", text("NULL"));
        let list = aws_sdk_dynamodb::types::Put::builder()
            .table_name(&self.name)
            .set_item(Some(to_item(&Key::held_card(patient, &card.no), card)?));
        let mut writes = vec![part!(bind, update)?, part!(list, put)?];
        if is_first {
            let main = self
                .updating(&Key::patient(patient))
                .update_expression("SET card = :card")
                .condition_expression(
                    "attribute_exists(pk) AND (attribute_not_exists(card) OR attribute_type(card, :null))",
                )
                .expression_attribute_values(":card", text(card.no.as_str()))
                .expression_attribute_values(":null", text("NULL"));
            writes.push(part!(main, update)?);
        } else {
            let exists = self.checking(&Key::patient(patient)).condition_expression("attribute_type(card, :string)");
            writes.push(part!(exists.expression_attribute_values(":string", text("S")), condition_check)?);
        }
        self.transact(writes).await
    }

    /// Notes that a number of the hospital's means a person: what comes under it is theirs. It is no card that they could
    /// use. False when it is somebody's already.
    pub async fn name_person(&self, no: &CardNo, patient: &PatientId) -> Result<bool, StoreError> {
        let request = self
            .update(&Key::card(no))
            .update_expression(
                "SET #no = :no, digital = if_not_exists(digital, :digital), patient = :patient, named_only = :yes",
            )
            .condition_expression("attribute_not_exists(patient) OR attribute_type(patient, :null)")
            .expression_attribute_names("#no", "no")
            .expression_attribute_values(":no", text(no.as_str()))
            .expression_attribute_values(":digital", AttributeValue::Bool(no.is_digital()))
            .expression_attribute_values(":patient", text(patient.as_str()))
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .expression_attribute_values(":null", text("NULL"));
        Ok(send_update(request).await?.is_done())
    }

    /// Takes back [`Table::name_person`]. A card that somebody uses stays theirs.
    pub async fn unname_person(&self, no: &CardNo) -> Result<bool, StoreError> {
        let request = self
            .update(&Key::card(no))
            .update_expression("REMOVE patient, named_only")
            .condition_expression("named_only = :yes")
            .expression_attribute_values(":yes", AttributeValue::Bool(true));
        Ok(send_update(request).await?.is_done())
    }

    /// Makes one of a person's cards the one that is used. False when it is not theirs.
    pub async fn use_card(&self, patient: &PatientId, no: &CardNo) -> Result<bool, StoreError> {
        if !self.cards_of(patient).await?.iter().any(|card| card.no == *no) {
            return Ok(false);
        }
        let request = self
            .update(&Key::patient(patient))
            .update_expression("SET card = :card")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":card", text(no.as_str()));
        Ok(send_update(request).await?.is_done())
    }

    /// Takes one of the day's claims to a card, whether there is such a card or not; false when none is left.
    pub async fn take_claim_to(&self, no: &CardNo, day: Date, now: Timestamp) -> Result<bool, StoreError> {
        self.take_try(&Key::tries(&Key::card(no).pk, "CLAIM", day), CLAIMS_PER_CARD_MAX, now).await
    }

    /// Takes one of the day's codes of person, phone and account; false when none is left of one of them.
    pub async fn take_code(
        &self,
        keys: &Keyring,
        (account, patient, phone): (&OpenId, &PatientId, &Phone),
        day: Date,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let number = keys.sign(phone.expose(), PHONE);
        let limits = [
            (Key::account(account).pk, CODES_PER_ACCOUNT_MAX),
            (Key::patient(patient).pk, CODES_PER_PERSON_MAX),
            (format!("PHONE#{number}"), CODES_PER_PERSON_MAX),
        ];
        for (pk, most) in limits {
            if !self.take_try(&Key::tries(&pk, "SENT", day), most, now).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Notes a claim; an older one of the person is over.
    pub async fn put_claim(&self, patient: &PatientId, claim: &CardClaim) -> Result<(), StoreError> {
        let mut item = to_item(&Key::card_claim(patient), claim)?;
        item.insert("ttl".into(), number(claim.expires_at.as_second() + CODE_LIFE_S));
        self.put(item).await
    }

    /// The claim of a person.
    pub async fn claim_of(&self, patient: &PatientId) -> Result<Option<CardClaim>, StoreError> {
        self.get(&Key::card_claim(patient)).await
    }

    /// Counts a try of a claim's code before it is looked at, so that many at once cannot get past the limit. False when
    /// the claim was tried, replaced or proven in between.
    pub async fn take_claim_try(&self, patient: &PatientId, seen: &CardClaim) -> Result<bool, StoreError> {
        let request = self
            .update(&Key::card_claim(patient))
            .update_expression("SET tries = :more")
            .condition_expression("tries = :seen AND signature = :signature")
            .expression_attribute_values(":more", number(seen.tries + 1))
            .expression_attribute_values(":seen", number(seen.tries))
            .expression_attribute_values(":signature", text(&seen.signature));
        Ok(send_update(request).await?.is_done())
    }

    /// Ends a claim: it was proven.
    pub async fn end_claim(&self, patient: &PatientId) -> Result<(), StoreError> {
        self.take(&Key::card_claim(patient)).await.map(drop)
    }

    /// Begins an errand once; the one that is there otherwise. One that waited for a proof goes on when it comes with it.
    pub async fn begin_errand(&self, errand: &Errand) -> Result<Errand, StoreError> {
        for _ in 0..TRIES_MAX {
            let Some(known) = self.errand_at(&errand.key()).await? else {
                if self.put_new(errand_item(errand)?).await?.is_done() {
                    return Ok(errand.clone());
                }
                continue;
            };
            let is_stuck = matches!(known.stage, Stage::NeedsProof | Stage::NeedsWindow) && errand.proven;
            if !is_stuck {
                return Ok(known);
            }
            let person = errand.person.clone().or_else(|| known.person.clone());
            let again = Errand { sent: known.sent, person, ..errand.clone() };
            if let Some(written) = self.write_errand(&known, again).await? {
                return Ok(written);
            }
        }
        Err(StoreError::Contended)
    }

    /// The errand at a key of the time index.
    pub async fn errand_at(&self, key: &Key) -> Result<Option<Errand>, StoreError> {
        self.get(key).await
    }

    /// What a person wants of the hospital's own system.
    pub async fn errand(&self, patient: &PatientId, wish: &Wish) -> Result<Option<Errand>, StoreError> {
        self.errand_at(&Key::errand(patient, wish)).await
    }

    /// Writes an errand over the one seen; none when somebody else did in between.
    pub async fn write_errand(&self, seen: &Errand, after: Errand) -> Result<Option<Errand>, StoreError> {
        let after = Errand { ver: seen.ver + 1, ..after };
        let written = self.put_if_seen(errand_item(&after)?, seen.ver).await?;
        Ok(written.is_done().then_some(after))
    }

    /// Whom a card belongs to, as far as the desk knows.
    pub async fn holder_of(&self, no: &CardNo) -> Result<Option<PatientId>, StoreError> {
        Ok(self.card(no).await?.and_then(|Card { patient, .. }| patient))
    }
}
