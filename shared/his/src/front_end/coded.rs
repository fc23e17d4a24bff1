//! Where codes of the hospital's stand in requests and answers, and their translation on the way.

use crate::fees::Registration;
use domain::his::{CODE_CHARS_MAX, CodeKind, Codes};
use domain::id::ClinicId;
use results::tree::Node;
use std::collections::BTreeSet;

/// Any entry of a list.
const EACH: &str = "*";

/// What stands at a place.
#[derive(Clone, Copy)]
enum Coded {
    /// A code.
    One(CodeKind),
    /// A clinic's natural key, which holds those of its department and doctor.
    Clinic,
}

type Place = (&'static str, &'static [&'static str], Coded);

const DEPARTMENT: Coded = Coded::One(CodeKind::Department);
const DOCTOR: Coded = Coded::One(CodeKind::Doctor);
const DOCUMENT_KIND: Coded = Coded::One(CodeKind::DocumentKind);

/// Codes in requests: operation, path, what stands there.
const SENT: [Place; 15] = [
    ("fees-post", &["registration", "department"], DEPARTMENT),
    ("fees-post", &["registration", "doctor"], DOCTOR),
    ("fees-post", &["registration", "clinic"], Coded::Clinic),
    ("visit-status", &["clinic"], Coded::Clinic),
    ("clinic-queue", &["clinic"], Coded::Clinic),
    ("slots", &["clinic"], Coded::Clinic),
    ("lock", &["clinic"], Coded::Clinic),
    ("confirm", &["registration", "department"], DEPARTMENT),
    ("confirm", &["registration", "doctor"], DOCTOR),
    ("confirm", &["registration", "clinic"], Coded::Clinic),
    ("reschedule", &["registration", "department"], DEPARTMENT),
    ("reschedule", &["registration", "doctor"], DOCTOR),
    ("reschedule", &["registration", "clinic"], Coded::Clinic),
    ("person-find", &["document", "kind"], DOCUMENT_KIND),
    ("person-create", &["document", "kind"], DOCUMENT_KIND),
];

/// Codes in the data of answers.
const TOLD: [Place; 11] = [
    ("fees-unpaid", &["bills", EACH, "kind"], Coded::One(CodeKind::FeeClass)),
    ("departments", &["departments", EACH, "code"], DEPARTMENT),
    ("departments", &["departments", EACH, "parent"], DEPARTMENT),
    ("doctors", &["doctors", EACH, "code"], DOCTOR),
    ("doctors", &["doctors", EACH, "department"], DEPARTMENT),
    ("schedules", &["schedules", EACH, "department"], DEPARTMENT),
    ("schedules", &["schedules", EACH, "doctor"], DOCTOR),
    ("events", &["events", EACH, "clinic"], Coded::Clinic),
    ("events", &["events", EACH, "doctor"], DOCTOR),
    ("person-find", &["persons", EACH, "documents", EACH, "kind"], DOCUMENT_KIND),
    ("person-find", &["persons", EACH, "guardian", "document", "kind"], DOCUMENT_KIND),
];

/// The parts of a clinic's key, if it has as many as it should: day, part of the day, department, doctor or `pool`.
const CLINIC_PARTS: usize = 4;
/// Where a clinic has no doctor of choice.
const POOL: &str = "pool";

/// Translates what stands at a place; the codes that could not be.
fn translate(
    coded: Coded,
    text: &mut String,
    look_up: impl Fn(CodeKind, &str) -> Option<String>,
) -> Vec<(CodeKind, String)> {
    if text.is_empty() {
        return Vec::new();
    }
    let parts: Vec<(Option<CodeKind>, &str)> = match coded {
        Coded::One(kind) => vec![(Some(kind), text.as_str())],
        Coded::Clinic => {
            let parts: Vec<&str> = text.split('-').collect();
            let [day, period, department, doctor] = parts.as_slice() else { return Vec::new() };
            let doctor_kind = (*doctor != POOL).then_some(CodeKind::Doctor);
            vec![(None, day), (None, period), (Some(CodeKind::Department), department), (doctor_kind, doctor)]
        }
    };
    let mut unknown = Vec::new();
    let mut translated = Vec::with_capacity(CLINIC_PARTS);
    for (kind, part) in parts {
        match kind.map(|kind| (kind, look_up(kind, part))) {
            None => translated.push(part.to_owned()),
            Some((_, Some(meant))) => translated.push(meant),
            Some((kind, None)) => unknown.push((kind, part.chars().take(CODE_CHARS_MAX).collect())),
        }
    }
    *text = if unknown.is_empty() { translated.join("-") } else { String::new() };
    unknown
}

/// One of our codes has none of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoCode;

/// The key of a clinic, in the hospital's codes.
pub(crate) fn their_clinic(codes: &Codes, clinic: &ClinicId) -> Result<String, NoCode> {
    theirs_at(codes, Coded::Clinic, clinic.as_str())
}

fn theirs_at(codes: &Codes, place: Coded, ours: &str) -> Result<String, NoCode> {
    let mut text = ours.to_owned();
    let unknown = translate(place, &mut text, |kind, ours| codes.theirs(kind, ours));
    if unknown.is_empty() { Ok(text) } else { Err(NoCode) }
}

/// What a registration names, in the hospital's codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TheirPlace {
    pub(crate) clinic: String,
    pub(crate) department: String,
    pub(crate) doctor: Option<String>,
}

impl TheirPlace {
    pub(crate) fn of(codes: &Codes, registration: &Registration) -> Result<Self, NoCode> {
        let theirs = |coded: Coded, ours: &str| theirs_at(codes, coded, ours);
        Ok(Self {
            clinic: theirs(Coded::Clinic, registration.clinic.as_str())?,
            department: theirs(DEPARTMENT, registration.department.as_str())?,
            doctor: registration.doctor.as_ref().map(|doctor| theirs(DOCTOR, doctor.as_str())).transpose()?,
        })
    }
}

/// A request with the hospital's codes.
pub(super) fn outward(codes: &Codes, operation: &str, mut params: Node) -> Result<Node, NoCode> {
    let mut unknown = Vec::new();
    for (_, path, coded) in SENT.iter().filter(|(of, ..)| *of == operation) {
        each(&mut params, path, &mut |text| {
            unknown.extend(translate(*coded, text, |kind, ours| codes.theirs(kind, ours)));
        });
    }
    if unknown.is_empty() { Ok(params) } else { Err(NoCode) }
}

/// An answer with our codes, and those that nobody has mapped. Such a code is taken out of its place, so that whatever
/// holds it cannot be read as something else.
pub(super) fn inward(codes: &Codes, operation: &str, data: &mut Node) -> BTreeSet<(CodeKind, String)> {
    let mut unknown = BTreeSet::new();
    for (_, path, coded) in TOLD.iter().filter(|(of, ..)| *of == operation) {
        each(data, path, &mut |text| {
            unknown.extend(translate(*coded, text, |kind, theirs| codes.ours(kind, theirs)));
        });
    }
    unknown
}

/// Shows every text at a path. The entries of a list are, in XML, the elements below it.
fn each(node: &mut Node, path: &[&str], change: &mut impl FnMut(&mut String)) {
    match (path.split_first(), node) {
        (None, Node::Text(text)) => change(text),
        (Some((&EACH, rest)), Node::List(entries)) => entries.iter_mut().for_each(|entry| each(entry, rest, change)),
        (Some((&EACH, rest)), Node::Object(fields)) => {
            for (_, entry) in fields {
                match entry {
                    Node::List(entries) => entries.iter_mut().for_each(|entry| each(entry, rest, change)),
                    one => each(one, rest, change),
                }
            }
        }
        (Some((name, rest)), Node::Object(fields)) => {
            if let Some((_, field)) = fields.iter_mut().find(|(field, _)| field == name) {
                each(field, rest, change);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::his::CodeEntry;

    fn codes(entries: &[(CodeKind, &str, &str)], mapped_only: &[CodeKind]) -> Codes {
        let entry = |(kind, theirs, ours): &(CodeKind, &str, &str)| CodeEntry {
            kind: *kind,
            theirs: (*theirs).into(),
            ours: (*ours).into(),
            name: String::new(),
        };
        Codes::new(entries.iter().map(entry), mapped_only.iter().copied().collect::<BTreeSet<_>>())
    }

    #[test]
    fn an_answer_speaks_our_codes() {
        let codes = codes(&[(CodeKind::FeeClass, "02", "lab")], &[]);
        let json = Node::from_json(r#"{"bills":[{"kind":"02"},{"kind":"drug"},{"kind":"77"},{"kind":"77"}]}"#);
        let xml = Node::from_xml(
            "<d><bills><item><kind>02</kind></item><item><kind>drug</kind></item><item><kind>77</kind></item></bills></d>",
        );
        for mut data in [json.unwrap(), xml.unwrap().1] {
            let unknown = inward(&codes, "fees-unpaid", &mut data);
            assert_eq!(unknown, BTreeSet::from([(CodeKind::FeeClass, "77".to_owned())]));
            let text = data.to_json();
            assert!(text.contains(r#"[{"kind":"lab"},{"kind":"drug"},{"kind":""}"#), "{text}");
            assert!(inward(&codes, "fees-posted", &mut data).is_empty());
        }
        let mut one = Node::from_xml("<d><bills><item><kind>02</kind></item></bills></d>").unwrap().1;
        assert!(inward(&codes, "fees-unpaid", &mut one).is_empty());
        assert!(one.to_json().contains("lab"));
    }

    #[test]
    fn a_request_speaks_theirs_or_is_not_sent() {
        let entries = [(CodeKind::Department, "0203", "XNK")];
        let params = |doctor: &str| {
            Node::from_json(&format!(r#"{{"registration":{{"department":"XNK","doctor":{doctor}}}}}"#)).unwrap()
        };
        let strict = codes(&entries, &[CodeKind::Department, CodeKind::Doctor]);
        let sent = outward(&strict, "fees-post", params("null")).unwrap();
        assert_eq!(sent.to_json(), r#"{"registration":{"department":"0203","doctor":null}}"#);
        assert_eq!(outward(&strict, "fees-post", params("\"D1\"")), Err(NoCode));
        assert!(outward(&codes(&entries, &[]), "fees-post", params("\"D1\"")).is_ok());
    }

    #[test]
    fn the_key_of_a_clinic_is_translated_part_by_part() {
        let entries = [(CodeKind::Department, "0203", "XNK"), (CodeKind::Doctor, "88", "D0101")];
        let codes = codes(&entries, &[CodeKind::Department]);
        let lock = |clinic: &str| Node::from_json(&format!(r#"{{"clinic":"{clinic}"}}"#)).unwrap();
        let sent = |clinic: &str| outward(&codes, "lock", lock(clinic)).map(|node| node.to_json());
        assert_eq!(sent("20261123-am-XNK-D0101").unwrap(), r#"{"clinic":"20261123-am-0203-88"}"#);
        assert_eq!(sent("20261123-am-XNK-pool").unwrap(), r#"{"clinic":"20261123-am-0203-pool"}"#);
        assert_eq!(sent("20261123-am-NK-pool"), Err(NoCode));
        let mut told =
            Node::from_json(r#"{"events":[{"clinic":"20261123-am-0203-88"},{"clinic":"20261123-am-07-88"}]}"#);
        let told = told.as_mut().unwrap();
        assert_eq!(inward(&codes, "events", told), BTreeSet::from([(CodeKind::Department, "07".to_owned())]));
        assert_eq!(told.to_json(), r#"{"events":[{"clinic":"20261123-am-XNK-D0101"},{"clinic":""}]}"#);
    }
}
