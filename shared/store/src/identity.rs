//! Who somebody is, as it is kept: sealed, with what may be shown.

use crate::seal::{Keyring, SealNonce};
use crate::table::StoreError;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use domain::civil::Date;
use domain::person::{self, IdDocument, IdentityKey, PersonName, Phone, same_person_name};
use serde::{Deserialize, Serialize};

/// Purposes keep sealed texts and blind indexes of different fields apart.
pub(crate) mod purpose {
    pub(super) const NAME: &str = "name";
    pub(crate) const DOCUMENT: &str = "document";
    pub(super) const PHONE: &str = "phone";
}

/// What somebody says about a person: held in memory only, never stored clear.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Name.
    pub name: PersonName,
    /// Identity document.
    pub document: IdDocument,
    /// Mobile phone.
    pub phone: Phone,
}

/// Whom the hospital issued a card to, as its own list says.
#[derive(Clone, Debug)]
pub struct CardHolder {
    /// Name.
    pub name: PersonName,
    /// Identity document.
    pub document: IdDocument,
    /// Mobile phone, if the hospital knows one.
    pub phone: Option<Phone>,
}

/// Random bytes for sealing one identity.
#[derive(Clone, Copy, Debug)]
pub struct IdentityNonces {
    /// For the name.
    pub name: SealNonce,
    /// For the document.
    pub document: SealNonce,
    /// For the phone.
    pub phone: SealNonce,
}

/// An identity as stored: sealed, with what may be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedIdentity {
    name_sealed: String,
    document_sealed: String,
    /// None for the holder of a card the hospital knows no phone of.
    #[serde(default)]
    phone_sealed: Option<String>,
    /// Name to show.
    pub name_masked: String,
    /// Document kind and number to show.
    pub document_masked: String,
    /// Phone to show, or empty.
    pub phone_masked: String,
}

impl SealedIdentity {
    /// Seals an identity.
    pub fn seal(keys: &Keyring, identity: &Identity, nonces: &IdentityNonces) -> Result<Self, StoreError> {
        let Identity { name, document, phone } = identity.clone();
        Self::seal_holder(keys, &CardHolder { name, document, phone: Some(phone) }, nonces)
    }

    /// Seals what the hospital knows of a card's holder.
    pub fn seal_holder(keys: &Keyring, holder: &CardHolder, nonces: &IdentityNonces) -> Result<Self, StoreError> {
        let phone = holder.phone.as_ref();
        Ok(Self {
            name_sealed: keys.seal(holder.name.expose(), purpose::NAME, nonces.name)?,
            document_sealed: keys.seal(holder.document.identity_key().expose(), purpose::DOCUMENT, nonces.document)?,
            phone_sealed: phone.map(|phone| keys.seal(phone.expose(), purpose::PHONE, nonces.phone)).transpose()?,
            name_masked: holder.name.masked(),
            document_masked: holder.document.masked(),
            phone_masked: phone.map(Phone::masked).unwrap_or_default(),
        })
    }

    /// The name, for paper.
    pub fn name(&self, keys: &Keyring) -> Result<String, StoreError> {
        keys.open(&self.name_sealed, purpose::NAME)
    }

    /// The phone on record, for a message or a call.
    pub fn phone(&self, keys: &Keyring) -> Result<Option<Phone>, StoreError> {
        let sealed = self.phone_sealed.as_ref();
        let clear = sealed.map(|sealed| keys.open(sealed, purpose::PHONE)).transpose()?;
        Ok(clear.and_then(|clear| Phone::from_stored(&clear).ok()))
    }

    /// Who it is, for the hospital's own system; none when the document kept is none any more.
    pub fn clear(&self, keys: &Keyring) -> Result<Option<CardHolder>, StoreError> {
        let name = PersonName::from_stored(&keys.open(&self.name_sealed, purpose::NAME)?).ok();
        let document = IdentityKey::from_stored(keys.open(&self.document_sealed, purpose::DOCUMENT)?).document();
        let phone = self.phone(keys)?;
        Ok(name.zip(document).map(|(name, document)| CardHolder { name, document, phone }))
    }

    /// Whether exactly this is sealed here.
    pub fn holds(&self, keys: &Keyring, holder: &CardHolder) -> Result<bool, StoreError> {
        let phone = self.phone_sealed.as_ref().map(|sealed| keys.open(sealed, purpose::PHONE)).transpose()?;
        Ok(keys.open(&self.name_sealed, purpose::NAME)? == holder.name.expose()
            && keys.open(&self.document_sealed, purpose::DOCUMENT)? == holder.document.identity_key().expose()
            && phone.as_deref() == holder.phone.as_ref().map(Phone::expose))
    }

    /// Whether a name that somebody else gives may be this person's.
    pub fn compares_name(&self, keys: &Keyring, given: &PersonName) -> Result<person::NameMatch, StoreError> {
        let held = PersonName::from_stored(&keys.open(&self.name_sealed, purpose::NAME)?);
        Ok(held.map_or(person::NameMatch::AskWindow, |held| same_person_name(given, &held)))
    }

    /// Whether a text that is no name can stand for that of the record (see [`person::may_stand_for`]).
    pub fn may_be_called(&self, keys: &Keyring, text: &str) -> Result<bool, StoreError> {
        let held = PersonName::from_stored(&keys.open(&self.name_sealed, purpose::NAME)?);
        Ok(held.map_or(true, |held| person::may_stand_for(text, &held)))
    }

    /// Date of birth, where the document tells.
    pub fn birth_date(&self, keys: &Keyring) -> Result<Option<Date>, StoreError> {
        Ok(IdentityKey::from_stored(keys.open(&self.document_sealed, purpose::DOCUMENT)?).birth_date())
    }

    /// Whether the document ends with `typed` (see [`IdentityKey::tail`]).
    pub fn document_ends_with(&self, keys: &Keyring, typed: &str) -> Result<bool, StoreError> {
        let key = IdentityKey::from_stored(keys.open(&self.document_sealed, purpose::DOCUMENT)?);
        Ok(verify_slices_are_equal(key.tail().as_bytes(), typed.as_bytes()).is_ok())
    }

    /// Whether somebody who claims to be this person knows name, document and phone alike; where the hospital knows no
    /// phone, name and document decide. All three are opened and
    /// compared whatever the first says, so that the answer takes the same time.
    pub fn is_known_to(&self, keys: &Keyring, claimed: &Identity) -> Result<bool, StoreError> {
        let same_person = self.is_person(keys, claimed)?;
        let same_phone = match &self.phone_sealed {
            Some(sealed) => keys.open(sealed, purpose::PHONE)? == claimed.phone.expose(),
            None => true,
        };
        Ok(same_person & same_phone)
    }

    /// Whether this is the person of a claim, by name and document; the phone may have changed since (E66).
    pub fn is_person(&self, keys: &Keyring, claimed: &Identity) -> Result<bool, StoreError> {
        let name = PersonName::from_stored(&keys.open(&self.name_sealed, purpose::NAME)?);
        let same_name = name.is_ok_and(|held| same_person_name(&claimed.name, &held) == person::NameMatch::Same);
        let same_document =
            keys.open(&self.document_sealed, purpose::DOCUMENT)? == claimed.document.identity_key().expose();
        Ok(same_name & same_document)
    }
}
