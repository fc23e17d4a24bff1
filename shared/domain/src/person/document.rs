//! Identity documents: kinds, validation, the key that identifies the person.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{ADULT_AGE_YEARS, age_on, compact, mask};

/// Characters of a GB 11643 number.
const CITIZEN_LENGTH: usize = 18;
/// Characters of an ID number issued before 1999.
const OLD_CITIZEN_LENGTH: usize = 15;
/// Weights of the first seventeen digits (GB 11643, ISO 7064 MOD 11-2).
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
/// Check character by remainder.
const CHECK_CHARACTERS: &str = "10X98765432";
/// Earliest year of birth believed.
const BIRTH_YEAR_MIN: i16 = 1900;
/// Sequence numbers of fifteen-digit IDs that meant a birth before 1900.
const CENTENARIAN_SEQUENCES: [&str; 4] = ["996", "997", "998", "999"];
/// Region codes of residence permits for Hong Kong, Macau and Taiwan residents.
const RESIDENCE_REGIONS: [&str; 3] = ["810000", "820000", "830000"];
/// First digit of the 2023 edition of the foreigner's permanent residence ID.
const FOREIGNER_DIGIT: char = '9';
/// Characters of the lifelong part of a Hong Kong and Macau permit: the last two digits count re-issues.
const PERMIT_LIFELONG: usize = 9;
const PERMIT_LENGTH_MAX: usize = 11;
const PASSPORT_LENGTHS: std::ops::RangeInclusive<usize> = 5..=17;
const COUNTRY_LENGTH: usize = 3;
const FREE_LENGTHS: std::ops::RangeInclusive<usize> = 4..=32;
/// A masked number shows its first three and last two characters: sign-in proof asks for the last four.
const MASK_HEAD: usize = 3;
const MASK_TAIL: usize = 2;
/// Characters of a number that are asked for as a proof: with the last two on every page, four would leave a hundred
/// to try.
pub const TAIL_CHARS: usize = 6;

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

/// What a GB 11643 number says about its owner.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Told {
    birth: Date,
    sex: Sex,
}

/// The family of numbers that tell date of birth and sex.
const GB_11643: &str = "gb11643";

/// The text that identifies a person across papers: equal for two documents of one person wherever the number alone
/// tells (an ID number in a household register and on the later card, a permit before and after its renewal), never
/// equal for documents of different families. Clear personal data: `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdentityKey(String);

impl IdentityKey {
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

    /// Who it is, whatever the paper. GB 11643 numbers are one family; a Hong Kong and Macau permit counts by its
    /// nine lifelong characters (the last two digits change with each re-issue).
    pub fn identity_key(&self) -> IdentityKey {
        let family = match self.kind {
            _ if self.told.is_some() => GB_11643,
            DocumentKind::ResidentId | DocumentKind::HouseholdRegister | DocumentKind::ResidencePermit => GB_11643,
            DocumentKind::Passport => "passport",
            DocumentKind::Military => "military",
            DocumentKind::HongKongMacauPermit => "hm-permit",
            DocumentKind::TaiwanPermit => "tw-permit",
            DocumentKind::BirthCertificate => "birth",
            DocumentKind::ForeignerResidence => "foreigner",
            DocumentKind::Other => "other",
        };
        let lifelong = if self.kind == DocumentKind::HongKongMacauPermit { PERMIT_LIFELONG } else { usize::MAX };
        let person: String = self.number.chars().take(lifelong).collect();
        IdentityKey(format!("{family}:{person}"))
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

/// The check character of a GB 11643 number over its first seventeen digits; `None` when they are not digits.
fn check_character(body: &str) -> Option<char> {
    let mut sum = 0_u32;
    for (c, weight) in body.chars().zip(WEIGHTS) {
        sum = sum.saturating_add(c.to_digit(10)?.saturating_mul(weight));
    }
    CHECK_CHARACTERS.chars().nth(usize::try_from(sum % 11).ok()?)
}

/// A GB 11643 number of the given kind.
fn citizen(kind: DocumentKind, number: &str, today: Date) -> Result<Told, DocumentError> {
    if number.len() == OLD_CITIZEN_LENGTH && number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(DocumentError::FifteenDigits);
    }
    let told = gb11643(number, today)?;
    let belongs = citizen_kind(number)?;
    let fits = match kind {
        // A register may print either number of a child.
        DocumentKind::HouseholdRegister => belongs != DocumentKind::ForeignerResidence,
        _ => belongs == kind,
    };
    if fits { Ok(told) } else { Err(DocumentError::OtherKind(belongs)) }
}

/// Which paper a GB 11643 number is printed on, by its region.
fn citizen_kind(number: &str) -> Result<DocumentKind, DocumentError> {
    if RESIDENCE_REGIONS.iter().any(|region| number.starts_with(region)) {
        return Ok(DocumentKind::ResidencePermit);
    }
    match number.chars().next() {
        Some('1'..='8') => Ok(DocumentKind::ResidentId),
        Some(FOREIGNER_DIGIT) => Ok(DocumentKind::ForeignerResidence),
        _ => Err(DocumentError::Region),
    }
}

/// Form, check character and date of an eighteen-character number.
fn gb11643(number: &str, today: Date) -> Result<Told, DocumentError> {
    if number.chars().count() != CITIZEN_LENGTH {
        return Err(DocumentError::Length);
    }
    let (body, check) = number.split_at_checked(CITIZEN_LENGTH - 1).ok_or(DocumentError::Character)?;
    let expected = check_character(body).ok_or(DocumentError::Character)?;
    if !matches!(check.as_bytes(), [b'0'..=b'9' | b'X']) {
        return Err(DocumentError::Character);
    }
    if !check.starts_with(expected) {
        return Err(DocumentError::CheckDigit);
    }
    let birth = birth_date(body).filter(|birth| birth.year() >= BIRTH_YEAR_MIN && *birth <= today);
    let odd = body.ends_with(['1', '3', '5', '7', '9']);
    let sex = if odd { Sex::Male } else { Sex::Female };
    Ok(Told { birth: birth.ok_or(DocumentError::BirthDate)?, sex })
}

fn birth_date(body: &str) -> Option<Date> {
    let year = body.get(6..10)?.parse().ok()?;
    let month = body.get(10..12)?.parse().ok()?;
    let day = body.get(12..14)?.parse().ok()?;
    Date::new(year, month, day).ok()
}

/// Either edition of the foreigner's permanent residence ID: three letters and twelve digits, or a GB 11643 number
/// that starts with 9 (issued from 2023-12-01).
fn foreigner(number: &str, today: Date) -> Result<Option<Told>, DocumentError> {
    match number.chars().count() {
        OLD_CITIZEN_LENGTH => prefixed_digits(number, COUNTRY_LENGTH),
        CITIZEN_LENGTH => citizen(DocumentKind::ForeignerResidence, number, today).map(Some),
        _ => Err(DocumentError::Length),
    }
}

/// `H` or `M`, eight lifelong digits and, on older cards, two that count re-issues.
fn permit(number: &str) -> Result<Option<Told>, DocumentError> {
    if !matches!(number.chars().count(), PERMIT_LIFELONG | PERMIT_LENGTH_MAX) {
        return Err(DocumentError::Length);
    }
    if !number.starts_with(['H', 'M']) {
        return Err(DocumentError::Character);
    }
    prefixed_digits(number, 1)
}

/// One letter and nine digits.
fn birth_certificate(number: &str) -> Result<Option<Told>, DocumentError> {
    if number.chars().count() != 10 {
        return Err(DocumentError::Length);
    }
    prefixed_digits(number, 1)
}

/// `letters` capital letters and nothing but digits after them.
fn prefixed_digits(number: &str, letters: usize) -> Result<Option<Told>, DocumentError> {
    let (prefix, rest) = number.split_at_checked(letters).ok_or(DocumentError::Character)?;
    let fits = prefix.bytes().all(|b| b.is_ascii_uppercase()) && rest.bytes().all(|b| b.is_ascii_digit());
    if fits { Ok(None) } else { Err(DocumentError::Character) }
}

fn digits(number: &str, lengths: &[usize]) -> Result<Option<Told>, DocumentError> {
    if !lengths.contains(&number.chars().count()) {
        return Err(DocumentError::Length);
    }
    prefixed_digits(number, 0)
}

/// Papers without a published form: letters and digits of any script and the signs printed between them.
fn free_text(number: &str) -> Result<Option<Told>, DocumentError> {
    if !FREE_LENGTHS.contains(&number.chars().count()) {
        return Err(DocumentError::Length);
    }
    let fits = number.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '/' | '(' | ')' | '.'));
    if fits { Ok(None) } else { Err(DocumentError::Character) }
}

/// Country and number, separated by `/`, `-` or `:`. Numbers of two countries may be equal, so the country belongs
/// to the number.
fn passport(text: &str) -> Result<IdDocument, DocumentError> {
    let (country, number) = text.split_once(['/', '-', ':']).ok_or(DocumentError::Country)?;
    if country.len() != COUNTRY_LENGTH || !country.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(DocumentError::Country);
    }
    if !PASSPORT_LENGTHS.contains(&number.chars().count()) {
        return Err(DocumentError::Length);
    }
    if !number.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
        return Err(DocumentError::Character);
    }
    Ok(IdDocument { kind: DocumentKind::Passport, number: format!("{country}/{number}"), told: None })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::{DocumentKind as Kind, *};

    const TODAY: Date = date(2026, 11, 22);

    fn parse(kind: Kind, raw: &str) -> Result<IdDocument, DocumentError> {
        IdDocument::parse(kind, raw, TODAY)
    }

    fn key(kind: Kind, raw: &str) -> IdentityKey {
        parse(kind, raw).unwrap().identity_key()
    }

    #[test]
    fn resident_id() {
        let id = parse(Kind::ResidentId, "11010519491231002X").unwrap();
        assert_eq!((id.birth_date(), id.sex()), (Some(date(1949, 12, 31)), Some(Sex::Female)));
        assert_eq!(IdentityKey::from_stored(id.identity_key().expose().to_owned()).birth_date(), id.birth_date());
        let id = parse(Kind::ResidentId, "110101200002290018").unwrap();
        assert_eq!((id.birth_date(), id.sex()), (Some(date(2000, 2, 29)), Some(Sex::Male)));
    }

    #[test]
    fn the_tail_says_more_than_the_mask() {
        let tail = |text: &str| IdentityKey::from_stored(text.to_owned()).tail().to_owned();
        assert_eq!(key(Kind::ResidentId, "11010519491231002X").tail(), "31002X");
        assert_eq!(tail("other:A12"), "A12", "a shorter one is asked for as it is");
        assert_eq!(tail("other:军字第五号楼12号"), "五号楼12号");
        const { assert!(TAIL_CHARS >= MASK_TAIL + 4) };
    }

    #[test]
    fn resident_id_that_is_wrong() {
        for (raw, error) in [
            ("", DocumentError::Empty),
            ("　", DocumentError::Empty),
            ("110101200002290010", DocumentError::CheckDigit),
            ("11010519491231002A", DocumentError::Character),
            ("1101051949123100X2", DocumentError::Character),
            ("11010519491231002", DocumentError::Length),
            ("11010519491231002XX", DocumentError::Length),
            ("110101190002290011", DocumentError::BirthDate),
            // The sample of the standard: the check digit holds, the person would be 146 years old.
            ("440524188001010014", DocumentError::BirthDate),
            ("911124198108030024", DocumentError::OtherKind(Kind::ForeignerResidence)),
            ("810000199408230021", DocumentError::OtherKind(Kind::ResidencePermit)),
            ("110105491231002", DocumentError::FifteenDigits),
            ("身份证号码一二三四五六七八九十甲乙丙", DocumentError::Character),
        ] {
            assert_eq!(parse(Kind::ResidentId, raw), Err(error), "{raw}");
        }
        assert_eq!(check_character("44052418800101001"), Some('4'));
        let zero_region = format!("01010520000229001{}", check_character("01010520000229001").unwrap());
        assert_eq!(parse(Kind::ResidentId, &zero_region), Err(DocumentError::Region));
    }

    #[test]
    fn nobody_is_born_tomorrow() {
        let born = |day: Date| {
            let body = format!("899999{:04}{:02}{:02}001", day.year(), day.month(), day.day());
            format!("{body}{}", check_character(&body).unwrap())
        };
        let tomorrow = born(date(2026, 11, 23));
        assert_eq!(parse(Kind::ResidentId, &tomorrow), Err(DocumentError::BirthDate));
        assert!(parse(Kind::ResidentId, &born(TODAY)).is_ok());
        assert!(IdDocument::from_stored(Kind::ResidentId, &tomorrow).is_ok());
    }

    #[test]
    fn a_key_gives_back_a_document_of_the_same_person() {
        for (kind, raw) in [
            (Kind::ResidentId, "11010519491231002X"),
            (Kind::HouseholdRegister, "11010519491231002X"),
            (Kind::ResidencePermit, "810000199408230021"),
            (Kind::ForeignerResidence, "911124198108030024"),
            (Kind::ForeignerResidence, "CAN110081080301"),
            (Kind::Passport, "GBR/123456789"),
            (Kind::HongKongMacauPermit, "H0000000001"),
            (Kind::TaiwanPermit, "01234567"),
            (Kind::BirthCertificate, "P990000001"),
            (Kind::Military, "军字第001号"),
            (Kind::Other, "A-1001"),
        ] {
            let registered = key(kind, raw);
            assert_eq!(registered.document().map(|document| document.identity_key()), Some(registered), "{raw}");
        }
        assert_eq!(IdentityKey::from_stored("unknown:1".into()).document(), None);
    }

    #[test]
    fn cleans_what_people_type() {
        for raw in [
            "11010519491231002x",
            " 110105 19491231 002X ",
            "１１０１０５１９４９１２３１００２ｘ",
            "110105\u{3000}19491231\u{200B}002Ｘ",
        ] {
            assert_eq!(parse(Kind::ResidentId, raw).unwrap().expose(), "11010519491231002X", "{raw}");
        }
        // Digits of other scripts are no digits here.
        assert_eq!(parse(Kind::ResidentId, "١١010519491231002X"), Err(DocumentError::Character));
        assert_eq!(parse(Kind::ResidentId, &"1".repeat(100_000)), Err(DocumentError::Length));
    }

    #[test]
    fn residence_permit_of_hong_kong_macau_taiwan() {
        for raw in ["810000199408230021", "830000199201300022"] {
            let permit = parse(Kind::ResidencePermit, raw).unwrap();
            assert!(permit.birth_date().is_some());
        }
        let resident = "11010519491231002X";
        assert_eq!(parse(Kind::ResidencePermit, resident), Err(DocumentError::OtherKind(Kind::ResidentId)));
    }

    #[test]
    fn foreigner_residence_of_both_editions() {
        let new = parse(Kind::ForeignerResidence, "911124198108030024").unwrap();
        assert_eq!((new.birth_date(), new.sex()), (Some(date(1981, 8, 3)), Some(Sex::Female)));
        let old = parse(Kind::ForeignerResidence, "can110081080301").unwrap();
        assert_eq!((old.expose(), old.birth_date()), ("CAN110081080301", None));
        assert_eq!(parse(Kind::ForeignerResidence, "911124198108030025"), Err(DocumentError::CheckDigit));
        assert_eq!(parse(Kind::ForeignerResidence, "CA1110081080301"), Err(DocumentError::Character));
        assert_eq!(parse(Kind::ForeignerResidence, "CAN11008108030"), Err(DocumentError::Length));
        let resident = "11010519491231002X";
        assert_eq!(parse(Kind::ForeignerResidence, resident), Err(DocumentError::OtherKind(Kind::ResidentId)));
    }

    #[test]
    fn a_renewed_permit_is_the_same_person() {
        let permit = |raw| key(Kind::HongKongMacauPermit, raw);
        assert_eq!(permit("H0000000000"), permit("H0000000001"));
        assert_eq!(permit("H0000000000"), permit("h 0000 0000"));
        assert_ne!(permit("H0000000000"), permit("M0000000000"));
        assert_ne!(permit("H0000000000"), permit("H0000000100"));
        for (raw, error) in [
            ("H000000000", DocumentError::Length),
            ("A0000000000", DocumentError::Character),
            ("H00000000O0", DocumentError::Character),
        ] {
            assert_eq!(parse(Kind::HongKongMacauPermit, raw), Err(error), "{raw}");
        }
    }

    #[test]
    fn taiwan_permit() {
        assert!(parse(Kind::TaiwanPermit, "01234567").is_ok());
        assert!(parse(Kind::TaiwanPermit, "0123456701").is_ok());
        assert_eq!(parse(Kind::TaiwanPermit, "012345678"), Err(DocumentError::Length));
        assert_eq!(parse(Kind::TaiwanPermit, "0123456A"), Err(DocumentError::Character));
    }

    #[test]
    fn passport_needs_its_country() {
        let passport = parse(Kind::Passport, "gbr / 123456789").unwrap();
        assert_eq!(passport.expose(), "GBR/123456789");
        assert_eq!(IdDocument::passport("gbr", "123456789"), Ok(passport.clone()));
        assert_ne!(passport.identity_key(), key(Kind::Passport, "FRA/123456789"));
        for (raw, error) in [
            ("123456789", DocumentError::Country),
            ("GB/123456789", DocumentError::Country),
            ("GBR/1234", DocumentError::Length),
            ("GBR/123456789012345678", DocumentError::Length),
            ("GBR/12345_789", DocumentError::Character),
        ] {
            assert_eq!(parse(Kind::Passport, raw), Err(error), "{raw}");
        }
    }

    #[test]
    fn papers_of_children() {
        let register = parse(Kind::HouseholdRegister, "110101200002290018").unwrap();
        assert!(register.needs_guardian());
        // The child later gets a card: still the same person.
        assert_eq!(register.identity_key(), key(Kind::ResidentId, "110101200002290018"));
        assert_eq!(register.identity_key().birth_date(), Some(date(2000, 2, 29)));
        assert!(parse(Kind::HouseholdRegister, "810000199408230021").is_ok());
        let certificate = parse(Kind::BirthCertificate, "p110012345").unwrap();
        assert!(certificate.needs_guardian() && !certificate.needs_window());
        assert_eq!(certificate.expose(), "P110012345");
        assert_eq!(parse(Kind::BirthCertificate, "P11001234"), Err(DocumentError::Length));
        assert_eq!(parse(Kind::BirthCertificate, "1110012345"), Err(DocumentError::Character));
    }

    #[test]
    fn papers_only_a_person_can_check() {
        for (kind, raw) in [(Kind::Military, "军字第1234567号"), (Kind::Other, "AB-1234")] {
            let document = parse(kind, raw).unwrap();
            assert!(document.needs_window() && !document.needs_guardian());
        }
        assert_eq!(parse(Kind::Other, "1"), Err(DocumentError::Length));
        assert_eq!(parse(Kind::Other, "<script>"), Err(DocumentError::Character));
    }

    #[test]
    fn kinds_never_collide() {
        let numbers = [
            (Kind::TaiwanPermit, "01234567"),
            (Kind::Military, "01234567"),
            (Kind::Other, "01234567"),
            (Kind::Passport, "GBR/01234567"),
            (Kind::HongKongMacauPermit, "H012345678"),
            (Kind::BirthCertificate, "H012345678"),
            (Kind::ForeignerResidence, "CAN110081080301"),
            (Kind::Military, "110101200002290018"),
            (Kind::ResidentId, "110101200002290018"),
        ];
        let keys: Vec<IdentityKey> =
            numbers.iter().filter_map(|(kind, raw)| Some(parse(*kind, raw).ok()?.identity_key())).collect();
        assert_eq!(keys.len(), numbers.len() - 1, "ten characters are no permit");
        assert!(keys.iter().enumerate().all(|(at, key)| !keys[..at].contains(key)));
    }

    #[test]
    fn fifteen_digits_match_eighteen() {
        let old = IdDocument::from_fifteen_digits("110105 491231002", TODAY).unwrap();
        assert_eq!(old.expose(), "11010519491231002X");
        assert_eq!(old.identity_key(), key(Kind::ResidentId, "11010519491231002X"));
        for (raw, error) in [
            ("11010549123100", DocumentError::Length),
            ("11010549123100X", DocumentError::Character),
            ("110105491331002", DocumentError::BirthDate),
            ("110105491231998", DocumentError::BirthDate),
            ("010105491231002", DocumentError::Region),
        ] {
            assert_eq!(IdDocument::from_fifteen_digits(raw, TODAY), Err(error), "{raw}");
        }
    }

    #[test]
    fn prints_masked() {
        let id = parse(Kind::ResidentId, "11010519491231002X").unwrap();
        assert_eq!(id.masked(), "110*************2X");
        assert_eq!(format!("{id:?}"), "IdDocument(01 110*************2X)");
        assert_eq!(format!("{:?}", id.identity_key()), "IdentityKey(..)");
        assert_eq!(parse(Kind::Other, "1234").unwrap().masked(), "****");
    }

    #[test]
    fn kinds_have_codes() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_code(kind.code()), Ok(kind));
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("\"{}\"", kind.code()));
            assert_eq!(serde_json::from_str::<Kind>(&json).unwrap(), kind);
        }
        assert_eq!(Kind::from_code("05"), Err(UnknownDocumentKind));
        assert!(serde_json::from_str::<Kind>("\"1\"").is_err());
    }

    fn any_kind() -> impl Strategy<Value = Kind> {
        proptest::sample::select(Kind::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn any_text_is_answered(kind in any_kind(), raw in "\\PC*") {
            let _ = parse(kind, &raw);
            let _ = IdDocument::from_fifteen_digits(&raw, TODAY);
        }

        #[test]
        fn nearly_numbers_are_answered(kind in any_kind(), raw in "[HMX0-9A-Z/一]{0,20}") {
            if let Ok(document) = parse(kind, &raw) {
                let stored = document.expose();
                prop_assert!(!document.masked().contains(stored));
                prop_assert_eq!(IdDocument::from_stored(kind, stored), Ok(document.clone()));
            }
        }

        #[test]
        fn one_wrong_or_swapped_digit_is_seen(body in "[1-7][0-9]{5}19[0-9]{2}0[1-9][12][0-8][0-9]{3}", at in 0_usize..17, by in 1_u32..10) {
            let good = format!("{body}{}", check_character(&body).unwrap());
            prop_assert!(parse(Kind::ResidentId, &good).is_ok());

            let mut wrong: Vec<char> = good.chars().collect();
            wrong[at] = char::from_digit((wrong[at].to_digit(10).unwrap() + by) % 10, 10).unwrap();
            prop_assert!(parse(Kind::ResidentId, &wrong.iter().collect::<String>()).is_err());

            let mut swapped: Vec<char> = good.chars().collect();
            swapped.swap(at, at + 1);
            let differs = swapped[at] != swapped[at + 1];
            prop_assert_eq!(parse(Kind::ResidentId, &swapped.iter().collect::<String>()).is_err(), differs);
        }
    }
}
