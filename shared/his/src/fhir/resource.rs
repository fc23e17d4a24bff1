//! Parts that resources are made of, read from the tree and written into it.

use super::systems;
use domain::Timestamp;
use domain::money::Fen;
use domain::time::instant;
use domain::{civil::Date, civil::Time};
use results::tree::Node;

/// Money here is in yuan.
const CURRENCY: &str = "CNY";

/// The words of a field.
pub(super) fn text<'a>(node: &'a Node, name: &str) -> Option<&'a str> {
    node.get(name).and_then(Node::as_text).filter(|text| !text.is_empty())
}

/// The entries of a list; one thing where a sender leaves the list out.
pub(super) fn entries<'a>(node: &'a Node, name: &str) -> &'a [Node] {
    match node.get(name) {
        Some(Node::List(entries)) => entries,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}

/// The type of a resource.
pub(super) fn kind(resource: &Node) -> &str {
    text(resource, "resourceType").unwrap_or_default()
}

/// `Type/id`: what a reference in the same answer says.
pub(super) fn own_reference(resource: &Node) -> Option<String> {
    Some(format!("{}/{}", kind(resource), text(resource, "id")?))
}

/// `Type/id` of a reference, without server and version.
pub(super) fn reference(holder: &Node) -> Option<String> {
    let reference = text(holder, "reference")?;
    let unversioned = reference.split_once("/_history/").map_or(reference, |(reference, _)| reference);
    let mut parts = unversioned.rsplit('/');
    let (id, kind) = (parts.next()?, parts.next()?);
    Some(format!("{kind}/{id}"))
}

/// The value of the identifier of a system.
pub(super) fn identifier<'a>(resource: &'a Node, system: &str) -> Option<&'a str> {
    identifiers(resource, system).next()
}

/// The values of all identifiers of a system.
pub(super) fn identifiers<'a>(resource: &'a Node, system: &str) -> impl Iterator<Item = &'a str> {
    let of_system = move |entry: &&Node| text(entry, "system") == Some(system);
    entries(resource, "identifier").iter().filter(of_system).filter_map(|entry| text(entry, "value"))
}

/// The code of a concept in a system.
pub(super) fn code_in<'a>(concept: &'a Node, system: &str) -> Option<&'a str> {
    let coding = entries(concept, "coding").iter().find(|coding| text(coding, "system") == Some(system))?;
    text(coding, "code")
}

/// The extension of an address.
pub(super) fn extension<'a>(resource: &'a Node, url: &str) -> Option<&'a Node> {
    entries(resource, "extension").iter().find(|extension| text(extension, "url") == Some(url))
}

/// An amount of an extension, if it is in yuan.
pub(super) fn money_in(resource: &Node, url: &str) -> Option<Fen> {
    let money = extension(resource, url)?.get("valueMoney")?;
    let is_yuan = text(money, "currency").is_none_or(|currency| currency == CURRENCY);
    Fen::from_yuan(text(money, "value")?).ok().filter(|_| is_yuan)
}

/// An instant; a day alone is its beginning.
pub(super) fn instant_of(holder: &Node, name: &str) -> Option<Timestamp> {
    let text = text(holder, name)?;
    let day = || text.parse::<Date>().ok().map(|day| instant(day, Time::midnight()));
    text.parse().ok().or_else(day)
}

// Writing ------------------------------------------------------------------------------------

/// A resource of a type.
pub(super) fn resource<'a>(kind: &str, fields: impl IntoIterator<Item = (&'a str, Option<Node>)>) -> Node {
    Node::object([("resourceType", Some(Node::text(kind)))].into_iter().chain(fields))
}

/// An identifier.
pub(super) fn identifier_node(system: &str, value: &str) -> Node {
    Node::object([("system", Some(Node::text(system))), ("value", Some(Node::text(value)))])
}

/// A reference by identifier: the server knows what has it.
pub(super) fn named(kind: &str, system: &str, value: &str) -> Node {
    Node::object([("type", Some(Node::text(kind))), ("identifier", Some(identifier_node(system, value)))])
}

/// A concept of one code.
pub(super) fn concept(system: &str, code: &str) -> Node {
    let coding = Node::object([("system", Some(Node::text(system))), ("code", Some(Node::text(code)))]);
    Node::object([("coding", Node::list([coding]))])
}

/// An extension with an amount.
pub(super) fn money_node(url: &str, amount: Fen) -> Node {
    let money =
        Node::object([("value", Some(Node::Number(amount.to_string()))), ("currency", Some(Node::text(CURRENCY)))]);
    Node::object([("url", Some(Node::text(url))), ("valueMoney", Some(money))])
}

/// The same resource with another value in a field, or without it.
pub(super) fn with(mut resource: Node, name: &str, value: Option<Node>) -> Node {
    resource.take(name);
    if let (Node::Object(fields), Some(value)) = (&mut resource, value) {
        fields.retain(|(field, _)| field != name);
        fields.push((name.to_owned(), value));
    }
    resource
}

/// The same resource with one more identifier.
pub(super) fn with_identifier(resource: Node, identifier: Node) -> Node {
    let identifiers: Vec<Node> = entries(&resource, "identifier").iter().cloned().chain([identifier]).collect();
    with(resource, "identifier", Node::list(identifiers))
}

/// A resource as it was read, to be changed only if nobody else has changed it since.
#[derive(Clone, Debug)]
pub(super) struct Versioned {
    /// `Type/id`.
    pub(super) place: String,
    /// The entity tag of what was read.
    pub(super) tag: String,
    /// The resource.
    pub(super) node: Node,
}

impl Versioned {
    /// None when the server does not say which version it is.
    pub(super) fn of(node: Node) -> Option<Self> {
        let version = node.get("meta").and_then(|meta| text(meta, "versionId"))?;
        Some(Self { place: own_reference(&node)?, tag: format!("W/\"{version}\""), node })
    }
}

/// The name of somebody by its characters, and by its sound.
pub(super) fn names(person: &Node) -> (Option<&str>, Option<&str>) {
    let writing = |name: &Node| {
        extension(name, systems::NAME_WRITING).and_then(|entry| text(entry, "valueCode")).unwrap_or("IDE").to_owned()
    };
    let (mut written, mut sounded) = (None, None);
    for name in entries(person, "name") {
        let place = if writing(name) == "IDE" { &mut written } else { &mut sounded };
        *place = place.or(text(name, "text"));
    }
    (written, sounded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(json: &str) -> Node {
        Node::from_json(json).unwrap()
    }

    #[test]
    fn a_reference_is_what_it_points_at() {
        for sent in ["Slot/1", "https://his.example/fhir/Slot/1", "Slot/1/_history/3"] {
            assert_eq!(reference(&Node::object([("reference", Some(Node::text(sent)))])).unwrap(), "Slot/1");
        }
        assert_eq!(reference(&node(r#"{"reference":"urn:uuid:1"}"#)), None);
    }

    #[test]
    fn a_name_is_written_and_sounded() {
        let person = node(
            r#"{"name":[{"text":"shen huaiyuan","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation","valueCode":"SYL"}]},{"text":"沈怀远"}]}"#,
        );
        assert_eq!(names(&person), (Some("沈怀远"), Some("shen huaiyuan")));
    }

    #[test]
    fn only_yuan_are_money_here() {
        let fee =
            |money: &str| node(&format!(r#"{{"extension":[{{"url":"urn:menzhen:fhir:fee","valueMoney":{money}}}]}}"#));
        let read = |money: &str| money_in(&fee(money), systems::FEE);
        assert_eq!(read(r#"{"value":25.5,"currency":"CNY"}"#), Fen::new(2550).ok());
        assert_eq!(read(r#"{"value":25}"#), Fen::new(2500).ok());
        assert_eq!(read(r#"{"value":25,"currency":"USD"}"#), None);
        assert_eq!(read(r#"{"value":2.5e1}"#), None);
    }

    #[test]
    fn what_is_changed_keeps_all_else() {
        let before =
            node(r#"{"resourceType":"Appointment","id":"1","meta":{"versionId":"3"},"status":"pending","x":1.50}"#);
        let read = Versioned::of(before.clone()).unwrap();
        assert_eq!((read.place.as_str(), read.tag.as_str()), ("Appointment/1", "W/\"3\""));
        let after = with(before, "status", Some(Node::text("booked")));
        assert_eq!(
            after.to_json(),
            r#"{"resourceType":"Appointment","id":"1","meta":{"versionId":"3"},"x":1.50,"status":"booked"}"#
        );
        assert!(Versioned::of(node(r#"{"resourceType":"Appointment","id":"1"}"#)).is_none());
    }
}
