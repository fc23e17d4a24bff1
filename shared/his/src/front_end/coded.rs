//! Where codes of the hospital's stand in requests and answers, and their translation on the way.

use domain::his::{CODE_CHARS_MAX, CodeKind, Codes};
use results::tree::Node;

/// Any entry of a list.
const EACH: &str = "*";

/// Codes in requests: operation, path, kind.
const SENT: [(&str, &[&str], CodeKind); 5] = [
    ("person-find", &["document", "kind"], CodeKind::DocumentKind),
    ("person-create", &["document", "kind"], CodeKind::DocumentKind),
    ("person-create", &["guardian", "document", "kind"], CodeKind::DocumentKind),
    ("fees-post", &["registration", "department"], CodeKind::Department),
    ("fees-post", &["registration", "doctor"], CodeKind::Doctor),
];

/// Codes in the data of answers.
const TOLD: [(&str, &[&str], CodeKind); 3] = [
    ("fees-unpaid", &["bills", EACH, "kind"], CodeKind::FeeClass),
    ("person-find", &["persons", EACH, "documents", EACH, "kind"], CodeKind::DocumentKind),
    ("person-find", &["persons", EACH, "guardian", "document", "kind"], CodeKind::DocumentKind),
];

/// One of our codes has none of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoCode;

/// A request with the hospital's codes.
pub(super) fn outward(codes: &Codes, operation: &str, mut params: Node) -> Result<Node, NoCode> {
    let mut is_whole = true;
    for (_, path, kind) in SENT.iter().filter(|(of, ..)| *of == operation) {
        each(&mut params, path, &mut |code| match codes.theirs(*kind, code) {
            Some(theirs) => *code = theirs,
            None => is_whole = false,
        });
    }
    if is_whole { Ok(params) } else { Err(NoCode) }
}

/// An answer with our codes, and those that nobody has mapped. Such a code is taken out of its place, so that whatever
/// holds it cannot be read as something else.
pub(super) fn inward(codes: &Codes, operation: &str, data: &mut Node) -> Vec<(CodeKind, String)> {
    let mut unknown = Vec::new();
    for (_, path, kind) in TOLD.iter().filter(|(of, ..)| *of == operation) {
        each(data, path, &mut |code| match codes.ours(*kind, code) {
            Some(ours) => *code = ours,
            None if code.is_empty() => {}
            None => {
                let theirs: String = std::mem::take(code).chars().take(CODE_CHARS_MAX).collect();
                if !unknown.contains(&(*kind, theirs.clone())) {
                    unknown.push((*kind, theirs));
                }
            }
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
    use std::collections::BTreeSet;

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
            assert_eq!(inward(&codes, "fees-unpaid", &mut data), [(CodeKind::FeeClass, "77".to_owned())]);
            let text = data.to_json();
            assert!(text.contains(r#"[{"kind":"lab"},{"kind":"drug"},{"kind":""}"#), "{text}");
            assert_eq!(inward(&codes, "fees-posted", &mut data), []);
        }
        let mut one = Node::from_xml("<d><bills><item><kind>02</kind></item></bills></d>").unwrap().1;
        assert_eq!(inward(&codes, "fees-unpaid", &mut one), []);
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
}
