//! How the numbers of documents are made, and what they tell.

use super::{DocumentError, DocumentKind, IdDocument, Sex};
use jiff::civil::Date;

/// Characters of a GB 11643 number.
pub(super) const CITIZEN_LENGTH: usize = 18;

/// Characters of an ID number issued before 1999.
pub(super) const OLD_CITIZEN_LENGTH: usize = 15;

/// Weights of the first seventeen digits (GB 11643, ISO 7064 MOD 11-2).
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/// Check character by remainder.
const CHECK_CHARACTERS: &str = "10X98765432";

/// Earliest year of birth believed.
const BIRTH_YEAR_MIN: i16 = 1900;

/// Sequence numbers of fifteen-digit IDs that meant a birth before 1900.
pub(super) const CENTENARIAN_SEQUENCES: [&str; 4] = ["996", "997", "998", "999"];

/// Region codes of residence permits for Hong Kong, Macau and Taiwan residents.
const RESIDENCE_REGIONS: [&str; 3] = ["810000", "820000", "830000"];

/// First digit of the 2023 edition of the foreigner's permanent residence ID.
const FOREIGNER_DIGIT: char = '9';

/// Characters of the lifelong part of a Hong Kong and Macau permit: the last two digits count re-issues.
pub(super) const PERMIT_LIFELONG: usize = 9;
const PERMIT_LENGTH_MAX: usize = 11;
const PASSPORT_LENGTHS: std::ops::RangeInclusive<usize> = 5..=17;
const COUNTRY_LENGTH: usize = 3;
const FREE_LENGTHS: std::ops::RangeInclusive<usize> = 4..=32;

/// What a GB 11643 number says about its owner.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Told {
    pub(super) birth: Date,
    pub(super) sex: Sex,
}

/// The check character of a GB 11643 number over its first seventeen digits; `None` when they are not digits.
pub(super) fn check_character(body: &str) -> Option<char> {
    let mut sum = 0_u32;
    for (c, weight) in body.chars().zip(WEIGHTS) {
        sum = sum.saturating_add(c.to_digit(10)?.saturating_mul(weight));
    }
    CHECK_CHARACTERS.chars().nth(usize::try_from(sum % 11).ok()?)
}

/// A GB 11643 number of the given kind.
pub(super) fn citizen(kind: DocumentKind, number: &str, today: Date) -> Result<Told, DocumentError> {
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
pub(super) fn citizen_kind(number: &str) -> Result<DocumentKind, DocumentError> {
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

pub(super) fn birth_date(body: &str) -> Option<Date> {
    let year = body.get(6..10)?.parse().ok()?;
    let month = body.get(10..12)?.parse().ok()?;
    let day = body.get(12..14)?.parse().ok()?;
    Date::new(year, month, day).ok()
}

/// Either edition of the foreigner's permanent residence ID: three letters and twelve digits, or a GB 11643 number
/// that starts with 9 (issued from 2023-12-01).
pub(super) fn foreigner(number: &str, today: Date) -> Result<Option<Told>, DocumentError> {
    match number.chars().count() {
        OLD_CITIZEN_LENGTH => prefixed_digits(number, COUNTRY_LENGTH),
        CITIZEN_LENGTH => citizen(DocumentKind::ForeignerResidence, number, today).map(Some),
        _ => Err(DocumentError::Length),
    }
}

/// `H` or `M`, eight lifelong digits and, on older cards, two that count re-issues.
pub(super) fn permit(number: &str) -> Result<Option<Told>, DocumentError> {
    if !matches!(number.chars().count(), PERMIT_LIFELONG | PERMIT_LENGTH_MAX) {
        return Err(DocumentError::Length);
    }
    if !number.starts_with(['H', 'M']) {
        return Err(DocumentError::Character);
    }
    prefixed_digits(number, 1)
}

/// One letter and nine digits.
pub(super) fn birth_certificate(number: &str) -> Result<Option<Told>, DocumentError> {
    if number.chars().count() != 10 {
        return Err(DocumentError::Length);
    }
    prefixed_digits(number, 1)
}

/// `letters` capital letters and nothing but digits after them.
pub(super) fn prefixed_digits(number: &str, letters: usize) -> Result<Option<Told>, DocumentError> {
    let (prefix, rest) = number.split_at_checked(letters).ok_or(DocumentError::Character)?;
    let fits = prefix.bytes().all(|b| b.is_ascii_uppercase()) && rest.bytes().all(|b| b.is_ascii_digit());
    if fits { Ok(None) } else { Err(DocumentError::Character) }
}

pub(super) fn digits(number: &str, lengths: &[usize]) -> Result<Option<Told>, DocumentError> {
    if !lengths.contains(&number.chars().count()) {
        return Err(DocumentError::Length);
    }
    prefixed_digits(number, 0)
}

/// Papers without a published form: letters and digits of any script and the signs printed between them.
pub(super) fn free_text(number: &str) -> Result<Option<Told>, DocumentError> {
    if !FREE_LENGTHS.contains(&number.chars().count()) {
        return Err(DocumentError::Length);
    }
    let fits = number.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '/' | '(' | ')' | '.'));
    if fits { Ok(None) } else { Err(DocumentError::Character) }
}

/// Country and number, separated by `/`, `-` or `:`. Numbers of two countries may be equal, so the country belongs
/// to the number.
pub(super) fn passport(text: &str) -> Result<IdDocument, DocumentError> {
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
