//! Identity documents: kinds, validation, the key that identifies the person.

mod key;
mod kind;
mod numbers;

pub use key::IdentityKey;
pub use kind::{DocumentKind, UnknownDocumentKind};

use super::{ADULT_AGE_YEARS, age_on, compact, mask};
use jiff::civil::Date;
use numbers::{
    CENTENARIAN_SEQUENCES, OLD_CITIZEN_LENGTH, PERMIT_LIFELONG, Told, birth_certificate, check_character, citizen,
    digits, foreigner, free_text, passport, permit,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A masked number shows its first three and last two characters: sign-in proof asks for the last four.
const MASK_HEAD: usize = 3;
const MASK_TAIL: usize = 2;

/// Characters of a number that are asked for as a proof: with the last two on every page, four would leave a hundred
/// to try.
pub const TAIL_CHARS: usize = 6;

/// Sex as an identity number tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sex {
    /// 男.
    Male,
    /// 女.
    Female,
}

impl Sex {
    /// 男 or 女.
    pub fn label(self) -> &'static str {
        match self {
            Self::Male => "男",
            Self::Female => "女",
        }
    }
}

/// Why a number is not a document of the kind asked for. Never carries the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Nothing was typed.
    #[error("a document number is empty")]
    Empty,
    /// Too short or too long for the kind.
    #[error("a document number has the wrong length")]
    Length,
    /// A character, or its place, does not fit the kind.
    #[error("a document number has a character its kind does not allow")]
    Character,
    /// The check digit does not fit: most often a slip of the finger.
    #[error("a document number has a wrong check digit")]
    CheckDigit,
    /// The date of birth does not exist, is before 1900 or lies in the future.
    #[error("a document number has an impossible date of birth")]
    BirthDate,
    /// No region of this document starts like this.
    #[error("a document number has an impossible region")]
    Region,
    /// A fifteen-digit ID number, invalid since 2013: [`IdDocument::from_fifteen_digits`] still matches old records.
    #[error("a fifteen-digit ID number is no longer valid")]
    FifteenDigits,
    /// A passport number without the country that issued it.
    #[error("a passport number lacks the issuing country")]
    Country,
    /// A good number of another kind of document.
    #[error("the number belongs to a document of kind {}", .0.code())]
    OtherKind(DocumentKind),
}

impl DocumentError {
    /// Stable name for machines.
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "document_empty",
            Self::Length => "document_length",
            Self::Character => "document_character",
            Self::CheckDigit => "document_check_digit",
            Self::BirthDate => "document_birth_date",
            Self::Region => "document_region",
            Self::FifteenDigits => "document_fifteen_digits",
            Self::Country => "document_country",
            Self::OtherKind(_) => "document_other_kind",
        }
    }

    /// What to tell the patient.
    pub fn patient_text(self) -> &'static str {
        match self {
            Self::Empty => "请填写证件号码",
            Self::Length => "证件号码位数不对，请核对",
            Self::Character => "证件号码中有不应出现的字符，请核对",
            Self::CheckDigit => "证件号码有误，请逐位核对",
            Self::BirthDate => "证件号码中的出生日期有误，请核对",
            Self::Region => "证件号码开头有误，请核对",
            Self::FifteenDigits => "15 位旧身份证号已停用，请填写 18 位号码",
            Self::Country => "请在护照号前写上签发国家的三位代码，例如 GBR/123456789",
            Self::OtherKind(DocumentKind::ResidentId) => "这是居民身份证号码，请重新选择证件类型",
            Self::OtherKind(DocumentKind::ResidencePermit) => "这是港澳台居民居住证号码，请重新选择证件类型",
            Self::OtherKind(DocumentKind::ForeignerResidence) => "这是外国人永久居留身份证号码，请重新选择证件类型",
            Self::OtherKind(_) => "证件类型与号码不符，请重新选择",
        }
    }
}

/// A checked identity document. Masked in `Debug`; the clear number only by [`IdDocument::expose`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdDocument {
    kind: DocumentKind,
    number: String,
    told: Option<Told>,
}

impl IdDocument {
    /// Reads a number as people type it (full-width, spaces, small letters) and checks it by the rules of its kind.
    /// `today` is the civil date in Shanghai: nobody is born after it. A passport is written `GBR/123456789`, see
    /// [`IdDocument::passport`].
    pub fn parse(kind: DocumentKind, raw: &str, today: Date) -> Result<Self, DocumentError> {
        let number = compact(raw).ok_or(DocumentError::Length)?.to_uppercase();
        if number.is_empty() {
            return Err(DocumentError::Empty);
        }
        let told = match kind {
            DocumentKind::ResidentId | DocumentKind::HouseholdRegister | DocumentKind::ResidencePermit => {
                Some(citizen(kind, &number, today)?)
            }
            DocumentKind::ForeignerResidence => foreigner(&number, today)?,
            DocumentKind::Passport => return passport(&number),
            DocumentKind::HongKongMacauPermit => permit(&number)?,
            DocumentKind::TaiwanPermit => digits(&number, &[8, 10])?,
            DocumentKind::BirthCertificate => birth_certificate(&number)?,
            DocumentKind::Military | DocumentKind::Other => free_text(&number)?,
        };
        Ok(Self { kind, number, told })
    }

    /// A passport from the two fields of a form: the issuing country (three letters, ISO 3166-1) and the number.
    pub fn passport(country: &str, number: &str) -> Result<Self, DocumentError> {
        let country = compact(country).ok_or(DocumentError::Country)?.to_uppercase();
        let number = compact(number).ok_or(DocumentError::Length)?.to_uppercase();
        passport(&format!("{country}/{number}"))
    }

    /// The eighteen-digit document of a person whom an old record knows by fifteen digits. Only for matching records:
    /// new registrations ask for the eighteen digits.
    pub fn from_fifteen_digits(raw: &str, today: Date) -> Result<Self, DocumentError> {
        let old = compact(raw).ok_or(DocumentError::Length)?;
        digits(&old, &[OLD_CITIZEN_LENGTH])?;
        let (region, rest) = old.split_at_checked(6).ok_or(DocumentError::Length)?;
        let sequence = rest.get(6..).ok_or(DocumentError::Length)?;
        if CENTENARIAN_SEQUENCES.contains(&sequence) {
            return Err(DocumentError::BirthDate);
        }
        let body = format!("{region}19{rest}");
        let check = check_character(&body).ok_or(DocumentError::Character)?;
        Self::parse(DocumentKind::ResidentId, &format!("{body}{check}"), today)
    }

    /// Reads back what [`IdDocument::expose`] gave to storage. It was checked against the calendar when it came in.
    pub fn from_stored(kind: DocumentKind, stored: &str) -> Result<Self, DocumentError> {
        Self::parse(kind, stored, Date::MAX)
    }

    /// What kind of paper it is.
    pub fn kind(&self) -> DocumentKind {
        self.kind
    }

    /// The clear number in its canonical form: for sealing and matching only.
    pub fn expose(&self) -> &str {
        &self.number
    }

    /// For display: first three and last two characters.
    pub fn masked(&self) -> String {
        mask(&self.number, MASK_HEAD, MASK_TAIL)
    }

    /// Who it is, whatever the paper.
    pub fn identity_key(&self) -> IdentityKey {
        IdentityKey::of(self)
    }

    /// Date of birth, where the number tells.
    pub fn birth_date(&self) -> Option<Date> {
        self.told.map(|told| told.birth)
    }

    /// Sex, where the number tells.
    pub fn sex(&self) -> Option<Sex> {
        self.told.map(|told| told.sex)
    }

    /// See [`DocumentKind::needs_window`].
    pub fn needs_window(&self) -> bool {
        self.kind.needs_window()
    }

    /// See [`DocumentKind::needs_guardian`].
    pub fn needs_guardian(&self) -> bool {
        self.kind.needs_guardian()
    }

    /// Whether a guardian registers this person on `today`: minors, and papers only children have. A paper that does not
    /// tell the age is taken for an adult's.
    pub fn needs_guardian_on(&self, today: Date) -> bool {
        let minor = self.birth_date().is_some_and(|birth| age_on(birth, today) < ADULT_AGE_YEARS);
        minor || self.needs_guardian()
    }
}

impl fmt::Debug for IdDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdDocument({} {})", self.kind.code(), self.masked())
    }
}

#[cfg(test)]
mod tests;
