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
