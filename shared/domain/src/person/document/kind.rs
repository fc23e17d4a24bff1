//! The kinds of identity documents.

use serde::{Deserialize, Serialize};

/// What kind of paper it is: CV02.01.101 (WS/T 364), with local codes from 111 on where the table has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "std::borrow::Cow<'_, str>")]
pub enum DocumentKind {
    /// 居民身份证.
    ResidentId,
    /// 居民户口簿: a child's own ID number as the register prints it.
    HouseholdRegister,
    /// 护照, with the country that issued it.
    Passport,
    /// 军官证 and other military papers.
    Military,
    /// 港澳居民来往内地通行证.
    HongKongMacauPermit,
    /// 台湾居民来往大陆通行证.
    TaiwanPermit,
    /// 出生医学证明.
    BirthCertificate,
    /// 港澳台居民居住证.
    ResidencePermit,
    /// 外国人永久居留身份证, both editions.
    ForeignerResidence,
    /// 其他.
    Other,
}

/// A code or name that is no kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind of identity document")]
pub struct UnknownDocumentKind;

impl DocumentKind {
    /// Every kind, in the order a form lists them.
    pub const ALL: [Self; 10] = [
        Self::ResidentId,
        Self::ResidencePermit,
        Self::HongKongMacauPermit,
        Self::TaiwanPermit,
        Self::Passport,
        Self::ForeignerResidence,
        Self::HouseholdRegister,
        Self::BirthCertificate,
        Self::Military,
        Self::Other,
    ];

    /// The code stored and exchanged.
    pub fn code(self) -> &'static str {
        match self {
            Self::ResidentId => "01",
            Self::HouseholdRegister => "02",
            Self::Passport => "03",
            Self::Military => "04",
            Self::HongKongMacauPermit => "06",
            Self::TaiwanPermit => "07",
            Self::BirthCertificate => "111",
            Self::ResidencePermit => "112",
            Self::ForeignerResidence => "113",
            Self::Other => "99",
        }
    }

    /// The kind behind a code.
    pub fn from_code(code: &str) -> Result<Self, UnknownDocumentKind> {
        Self::ALL.into_iter().find(|kind| kind.code() == code).ok_or(UnknownDocumentKind)
    }

    /// The name patients know.
    pub fn label(self) -> &'static str {
        match self {
            Self::ResidentId => "居民身份证",
            Self::HouseholdRegister => "户口簿",
            Self::Passport => "护照",
            Self::Military => "军官证",
            Self::HongKongMacauPermit => "港澳居民来往内地通行证",
            Self::TaiwanPermit => "台湾居民来往大陆通行证",
            Self::BirthCertificate => "出生医学证明",
            Self::ResidencePermit => "港澳台居民居住证",
            Self::ForeignerResidence => "外国人永久居留身份证",
            Self::Other => "其他证件",
        }
    }

    /// Papers with no form to check: staff at the window see the original before it counts.
    pub fn needs_window(self) -> bool {
        matches!(self, Self::Military | Self::Other)
    }

    /// Papers of children without a card of their own: a guardian stands beside them.
    pub fn needs_guardian(self) -> bool {
        matches!(self, Self::HouseholdRegister | Self::BirthCertificate)
    }
}

impl From<DocumentKind> for &'static str {
    fn from(kind: DocumentKind) -> Self {
        kind.code()
    }
}

impl TryFrom<std::borrow::Cow<'_, str>> for DocumentKind {
    type Error = UnknownDocumentKind;

    fn try_from(code: std::borrow::Cow<'_, str>) -> Result<Self, Self::Error> {
        Self::from_code(&code)
    }
}
