//! Reading the registration form.

use domain::civil::Date;
use store::account::Relation;
use store::identity::Identity;
use web::form::Form;
use web::identity;

/// Field: who the person is to the reader.
pub(crate) const RELATION: &str = "relation";
/// Field: the consent.
pub(crate) const CONSENT: &str = "consent";
/// Field: the guardian's word for a minor.
pub(crate) const GUARDIAN: &str = "guardian";

/// What the form asks for, checked.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) identity: Identity,
    pub(crate) relation: Relation,
}

impl Wanted {
    /// Reads the form: nothing when anything is wrong, and then every wrong field has its words.
    pub(crate) fn read(form: &mut Form, today: Date) -> Option<Self> {
        let claimed = identity::read(form, today);
        let relation = form.required(RELATION, "请选择与就诊人的关系", relation);
        form.agreed(CONSENT, "请阅读并同意后再提交");
        let claimed = claimed?;
        if claimed.document.needs_guardian_on(today) {
            check_guardian(form, relation);
        }
        let identity = Identity { name: claimed.name, document: claimed.document, phone: claimed.phone };
        form.is_valid().then_some(Self { identity, relation: relation? })
    }
}

fn relation(text: &str) -> Result<Relation, &'static str> {
    match text {
        "oneself" => Ok(Relation::Oneself),
        "family" => Ok(Relation::Family),
        _ => Err("请选择与就诊人的关系"),
    }
}

fn check_guardian(form: &mut Form, relation: Option<Relation>) {
    if relation == Some(Relation::Oneself) {
        form.reject(RELATION, "未满 18 周岁须由监护人登记，请选择“家人”");
    }
    form.agreed(GUARDIAN, "未满 18 周岁：请确认您是其监护人并代为同意");
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::civil::date;
    use web::form::Fields;

    const TODAY: Date = date(2026, 11, 22);

    fn form(changes: &[(&str, &str)]) -> Form {
        let mut pairs = vec![
            ("name", "李梅"),
            ("document_kind", "01"),
            ("document", "11010519491231002X"),
            ("phone", "19900000001"),
            ("relation", "oneself"),
            ("consent", "on"),
        ];
        pairs.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        pairs.extend_from_slice(changes);
        let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Form::new(Fields::from_pairs(pairs).unwrap())
    }

    fn wrong(changes: &[(&str, &str)]) -> Vec<&'static str> {
        let mut form = form(changes);
        assert!(Wanted::read(&mut form, TODAY).is_none());
        form.errors().keys().copied().collect()
    }

    #[test]
    fn an_adult_registers_alone() {
        let wanted = Wanted::read(&mut form(&[]), TODAY).unwrap();
        assert_eq!(wanted.relation, Relation::Oneself);
    }

    #[test]
    fn every_wrong_field_is_named() {
        let empty = [("name", ""), ("document", ""), ("phone", "12"), ("relation", "x"), ("consent", "")];
        assert_eq!(wrong(&empty), ["consent", "document", "name", "phone", "relation"]);
    }

    #[test]
    fn a_minor_needs_a_guardian() {
        // The day before the eighteenth birthday, and the birthday itself.
        let (day_before, birthday) = (date(2018, 2, 27), date(2018, 2, 28));
        let minor = [("document", "110101200002290018"), ("relation", "family")];
        let read = |changes: &[(&str, &str)], today| Wanted::read(&mut form(changes), today).is_some();
        assert!(!read(&minor, day_before));
        assert!(read(&[&minor[..], &[("guardian", "on")]].concat(), day_before));
        assert!(!read(&[("document", "110101200002290018"), ("guardian", "on")], birthday), "29 February: 1 March");
        assert!(read(&[("document", "110101200002290018")], date(2018, 3, 1)));
    }

    #[test]
    fn a_child_without_a_card_needs_a_guardian() {
        let certificate = [("document_kind", "111"), ("document", "Q110000001")];
        assert_eq!(wrong(&certificate), ["guardian", "relation"]);
    }
}
