//! The fields by which somebody says who a person is: the same wherever they are asked for, read by the same rules.

use domain::civil::Date;
use domain::person::{DocumentError, DocumentKind, IdDocument, NameError, PersonName, Phone, PhoneError};
use http::StatusCode;
use maud::{Markup, html};

use crate::components::{Choice, Field, FieldKind, field, select};
use crate::form::Form;
use crate::problem::Problem;

/// What was said about a person, checked. Prints masked.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// Name.
    pub name: PersonName,
    /// Identity document.
    pub document: IdDocument,
    /// Mobile phone.
    pub phone: Phone,
}

const NAME: &str = "name";
const KIND: &str = "document_kind";
const DOCUMENT: &str = "document";
const COUNTRY: &str = "country";
const PHONE: &str = "phone";

const NAME_CHARS_MAX: u16 = 50;
const DOCUMENT_CHARS_MAX: u16 = 40;
const COUNTRY_CHARS_MAX: u16 = 3;
const PHONE_CHARS_MAX: u16 = 20;

/// Reads the fields: nothing when any is wrong, and then every wrong one has its words in `form`. `today` is the civil
/// date at the hospital.
pub fn read(form: &mut Form, today: Date) -> Option<Claimed> {
    let name = form.required(NAME, "请填写姓名", |text| PersonName::parse(text).map_err(NameError::patient_text));
    let document = document(form, today);
    let phone = form.required(PHONE, "请填写手机号", |text| Phone::parse(text).map_err(PhoneError::patient_text));
    Some(Claimed { name: name?, document: document?, phone: phone? })
}

/// Reads the document alone.
pub fn document(form: &mut Form, today: Date) -> Option<IdDocument> {
    let kind = form
        .required(KIND, "请选择证件类型", |code| DocumentKind::from_code(code).map_err(|_| "请选择证件类型"));
    let typed = form.required(DOCUMENT, DocumentError::Empty.patient_text(), |text| Ok::<_, &str>(text.to_owned()));
    let (kind, typed) = (kind?, typed?);
    let parsed = match kind {
        DocumentKind::Passport => passport(form, &typed)?,
        kind => IdDocument::parse(kind, &typed, today),
    };
    match parsed {
        Ok(document) => Some(document),
        Err(error) => {
            form.reject(DOCUMENT, error.patient_text());
            None
        }
    }
}

/// A passport takes the country from a field of its own, or from before the number.
fn passport(form: &mut Form, typed: &str) -> Option<Result<IdDocument, DocumentError>> {
    let country = match typed.split_once('/') {
        Some((country, number)) => return Some(IdDocument::passport(country, number)),
        None => form.value(COUNTRY).to_owned(),
    };
    match IdDocument::passport(&country, typed) {
        Err(DocumentError::Country) => {
            form.reject(COUNTRY, "请填写护照签发国家的三位代码，例如 GBR");
            None
        }
        parsed => Some(parsed),
    }
}

/// The fields, to be put into a form.
pub fn fields(form: &Form) -> Markup {
    html! {
        (field(form, &Field {
            name: NAME, label: "姓名", kind: FieldKind::Name, hint: Some("与证件上一致"), max_chars: NAME_CHARS_MAX,
        }))
        (document_fields(form))
        (field(form, &Field {
            name: PHONE, label: "手机号", kind: FieldKind::Mobile, hint: None, max_chars: PHONE_CHARS_MAX,
        }))
    }
}

/// The fields of the document alone.
pub fn document_fields(form: &Form) -> Markup {
    let kinds = DocumentKind::ALL.map(|kind| Choice { value: kind.code(), text: kind.label(), ..Choice::default() });
    html! {
        (select(form, KIND, "证件类型", None, &kinds))
        (field(form, &Field {
            name: DOCUMENT, label: "证件号码", kind: FieldKind::Document, hint: None, max_chars: DOCUMENT_CHARS_MAX,
        }))
        (field(form, &Field {
            name: COUNTRY, label: "签发国家（仅护照）", kind: FieldKind::Document,
            hint: Some("三位字母代码，例如 GBR；其他证件不填"), max_chars: COUNTRY_CHARS_MAX,
        }))
    }
}

/// 409 `not_proven`: what was said is not what the hospital holds. The same answer whatever differed, so that trying
/// tells nobody whose number a number is (E73).
pub fn not_proven() -> Problem {
    Problem::conflict("not_proven", "信息与医院登记不一致，请核对；如确认无误，请携带证件到窗口核实")
}

/// 429 `too_many_proofs`: too many of today's claims did not hold.
pub fn too_many_proofs() -> Problem {
    let text = "今日核对次数已达上限，请明日再试，或携带证件到窗口办理";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_proofs", text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::Fields;
    use domain::civil::date;

    fn form(pairs: &[(&str, &str)]) -> Form {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Form::new(Fields::from_pairs(pairs).unwrap())
    }

    fn today() -> Date {
        date(2026, 11, 22)
    }

    #[test]
    fn a_good_claim_is_read() {
        let mut form = form(&[
            ("name", "李 梅"),
            ("document_kind", "01"),
            ("document", "11010519491231002x"),
            ("phone", "+86 199 0000 0001"),
        ]);
        let claimed = read(&mut form, today()).unwrap();
        assert_eq!(claimed.name.expose(), "李梅");
        assert_eq!(claimed.document.expose(), "11010519491231002X");
        assert_eq!(claimed.phone.expose(), "19900000001");
        assert!(form.is_valid());
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let mut form = form(&[("document_kind", "01"), ("document", "110101200002290010"), ("phone", "1")]);
        assert!(read(&mut form, today()).is_none());
        let wrong: Vec<_> = form.errors().keys().copied().collect();
        assert_eq!(wrong, ["document", "name", "phone"]);
    }

    #[test]
    fn a_passport_needs_its_country() {
        let typed = [("name", "John Smith"), ("document_kind", "03"), ("phone", "19900000001")];
        let mut without = form(&[&typed[..], &[("document", "123456789")]].concat());
        assert!(read(&mut without, today()).is_none());
        assert!(without.error("country").is_some());
        for pairs in [&[("document", "123456789"), ("country", "gbr")][..], &[("document", "GBR/123456789")]] {
            let claimed = read(&mut form(&[&typed[..], pairs].concat()), today()).unwrap();
            assert_eq!(claimed.document.expose(), "GBR/123456789");
        }
    }
}
