//! The key that identifies the person, whichever edition of a document was shown.

use super::numbers::{birth_date, citizen_kind};
use super::{DocumentKind, IdDocument, PERMIT_LIFELONG, TAIL_CHARS};
use jiff::civil::Date;
use std::fmt;

/// The family of numbers that tell date of birth and sex.
const GB_11643: &str = "gb11643";

/// The text that identifies a person across papers: equal for two documents of one person wherever the number alone
/// tells (an ID number in a household register and on the later card, a permit before and after its renewal), never
/// equal for documents of different families. Clear personal data: `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdentityKey(String);

impl IdentityKey {
    /// Who a document is. GB 11643 numbers are one family; a Hong Kong and Macau permit counts by its nine lifelong
    /// characters (the last two digits change with each re-issue).
    pub(super) fn of(document: &IdDocument) -> Self {
        let family = match document.kind {
            _ if document.told.is_some() => GB_11643,
            DocumentKind::ResidentId | DocumentKind::HouseholdRegister | DocumentKind::ResidencePermit => GB_11643,
            DocumentKind::Passport => "passport",
            DocumentKind::Military => "military",
            DocumentKind::HongKongMacauPermit => "hm-permit",
            DocumentKind::TaiwanPermit => "tw-permit",
            DocumentKind::BirthCertificate => "birth",
            DocumentKind::ForeignerResidence => "foreigner",
            DocumentKind::Other => "other",
        };
        let lifelong = if document.kind == DocumentKind::HongKongMacauPermit { PERMIT_LIFELONG } else { usize::MAX };
        let person: String = document.number.chars().take(lifelong).collect();
        Self(format!("{family}:{person}"))
    }

    /// A key that was sealed, opened again.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The clear key, for sealing and the blind index only.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The last [`TAIL_CHARS`] characters of the number, or all of a shorter one: what is asked for where somebody who is
    /// known already proves who they are.
    pub fn tail(&self) -> &str {
        let number = self.0.split_once(':').map_or(self.0.as_str(), |(_, number)| number);
        let start = number.char_indices().rev().nth(TAIL_CHARS - 1).map_or(0, |(at, _)| at);
        number.get(start..).unwrap_or(number)
    }

    /// Date of birth, where the number tells.
    pub fn birth_date(&self) -> Option<Date> {
        self.0.strip_prefix("gb11643:").and_then(birth_date)
    }

    /// A document that says who it is: the one that was registered, or of its family the one its number is printed on. A
    /// permit has its lifelong characters only.
    pub fn document(&self) -> Option<IdDocument> {
        let (family, number) = self.0.split_once(':')?;
        let kind = match family {
            GB_11643 => citizen_kind(number).ok()?,
            "passport" => DocumentKind::Passport,
            "military" => DocumentKind::Military,
            "hm-permit" => DocumentKind::HongKongMacauPermit,
            "tw-permit" => DocumentKind::TaiwanPermit,
            "birth" => DocumentKind::BirthCertificate,
            "foreigner" => DocumentKind::ForeignerResidence,
            "other" => DocumentKind::Other,
            _ => return None,
        };
        IdDocument::from_stored(kind, number).ok()
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKey(..)")
    }
}
