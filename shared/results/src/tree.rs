//! A tree of JSON or XML whose numbers keep their digits, and that remembers what was taken from it.
//!
//! JSON is read level by level through raw values: `serde_json` checks the grammar, and a number stays the text it was.
//! XML becomes the same tree, so that one reader serves both.

use crate::fault::{Fault, FaultKind};
use domain::report::{Extra, Text};
use quick_xml::events::{BytesStart, Event};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::value::RawValue;
use std::fmt;

/// The largest document read, in bytes.
pub const DOCUMENT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The deepest nesting read.
pub const DEPTH_MAX: usize = 40;
/// The most nodes of a document.
pub const NODES_MAX: usize = 500_000;

/// A value.
#[derive(Clone, PartialEq, Eq)]
pub enum Node {
    /// Nothing.
    Null,
    /// Yes or no.
    Boolean(bool),
    /// A number, as written.
    Number(String),
    /// Words.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Named values, in order.
    Object(Vec<(String, Node)>),
}

/// What a document says is health data: its kind only.
impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Boolean(_) => "boolean",
            Self::Number(_) => "number",
            Self::Text(_) => "text",
            Self::List(_) => "list",
            Self::Object(_) => "object",
        })
    }
}

impl Node {
    /// Reads JSON.
    pub fn from_json(text: &str) -> Result<Self, Fault> {
        if text.len() > DOCUMENT_BYTES_MAX {
            return Err(Fault::at("$", FaultKind::TooLarge));
        }
        let raw: &RawValue = serde_json::from_str(text).map_err(|_| Fault::at("$", FaultKind::Syntax))?;
        let mut budget = NODES_MAX;
        read_json(raw.get(), 0, &mut budget).map_err(|kind| Fault::at("$", kind))
    }

    /// Reads XML: an element is an object of its attributes (`@name`), its children and its text (`#text`); children of
    /// one name are a list. An element with nothing but text is that text.
    pub fn from_xml(text: &str) -> Result<(String, Self), Fault> {
        if text.len() > DOCUMENT_BYTES_MAX {
            return Err(Fault::at("/", FaultKind::TooLarge));
        }
        read_xml(text).map_err(|kind| Fault::at("/", kind))
    }

    /// As JSON, numbers digit by digit.
    pub fn to_json(&self) -> String {
        // Every node can be written: the only failure is a number that is none, which `number` does not make.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// An object of what is there: fields without a value are left out.
    pub fn object<'a>(fields: impl IntoIterator<Item = (&'a str, Option<Self>)>) -> Self {
        Self::Object(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
    }

    /// A list; none when it is empty, as FHIR wants it.
    pub fn list(nodes: impl IntoIterator<Item = Self>) -> Option<Self> {
        let nodes: Vec<Self> = nodes.into_iter().collect();
        (!nodes.is_empty()).then_some(Self::List(nodes))
    }

    /// Words.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A field of an object.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields.iter().find(|(field, _)| field == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// What it says as words: a text, a number as written, a boolean.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text),
            Self::Boolean(true) => Some("true"),
            Self::Boolean(false) => Some("false"),
            Self::Null | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// About how many bytes a copy of it takes.
    pub fn size_bytes(&self) -> usize {
        const NODE_BYTES: usize = 32;
        NODE_BYTES
            + match self {
                Self::Null | Self::Boolean(_) => 0,
                Self::Number(text) | Self::Text(text) => text.len(),
                Self::List(nodes) => nodes.iter().map(Self::size_bytes).sum(),
                Self::Object(fields) => fields.iter().map(|(name, node)| name.len() + node.size_bytes()).sum(),
            }
    }

    /// Takes a field out of an object.
    pub fn take(&mut self, name: &str) -> Option<Self> {
        let Self::Object(fields) = self else { return None };
        let at = fields.iter().position(|(field, _)| field == name)?;
        Some(fields.remove(at).1).filter(|value| *value != Self::Null)
    }

    /// Takes the words of a field.
    pub fn take_text(&mut self, name: &str) -> Option<String> {
        let text = self.get(name)?.as_text()?.to_owned();
        self.take(name);
        Some(text)
    }

    /// Takes a field that is a list, or one thing where senders leave the list out.
    pub fn take_list(&mut self, name: &str) -> Vec<Self> {
        match self.take(name) {
            Some(Self::List(nodes)) => nodes,
            Some(one) => vec![one],
            None => Vec::new(),
        }
    }

    /// What is left in it, leaf by leaf, with its path below `place`.
    pub fn into_extras(self, place: &str) -> Vec<Extra> {
        let mut extras = Vec::new();
        self.leaves(place, &mut extras);
        extras
    }

    fn leaves(self, place: &str, extras: &mut Vec<Extra>) {
        match self {
            Self::Null => {}
            Self::List(nodes) => {
                for (at, node) in nodes.into_iter().enumerate() {
                    node.leaves(&format!("{place}[{at}]"), extras);
                }
            }
            Self::Object(fields) => {
                for (name, node) in fields {
                    let place = if place.is_empty() { name } else { format!("{place}.{name}") };
                    node.leaves(&place, extras);
                }
            }
            leaf => {
                if let Some(text) = leaf.as_text() {
                    extras.push(Extra { place: place.to_owned(), value: Text::from(text) });
                }
            }
        }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Boolean(value) => serializer.serialize_bool(*value),
            Self::Number(digits) => match RawValue::from_string(digits.clone()) {
                Ok(raw) => raw.serialize(serializer),
                Err(_) => Err(serde::ser::Error::custom("not a number")),
            },
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(nodes) => {
                let mut list = serializer.serialize_seq(Some(nodes.len()))?;
                nodes.iter().try_for_each(|node| list.serialize_element(node))?;
                list.end()
            }
            Self::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                fields.iter().try_for_each(|(name, node)| map.serialize_entry(name, node))?;
                map.end()
            }
        }
    }
}

fn read_json(raw: &str, depth: usize, budget: &mut usize) -> Result<Node, FaultKind> {
    *budget = budget.checked_sub(1).ok_or(FaultKind::TooMany)?;
    if depth > DEPTH_MAX {
        return Err(FaultKind::TooDeep);
    }
    let syntax = |_| FaultKind::Syntax;
    match raw.as_bytes().first() {
        Some(b'{') => {
            let Fields(fields) = serde_json::from_str(raw).map_err(syntax)?;
            let mut read: Vec<(String, Node)> = Vec::with_capacity(fields.len());
            for (name, value) in fields {
                // Two values under one name: which one counts would be chance.
                if fields_have(&read, &name) {
                    return Err(FaultKind::Twice);
                }
                let value = read_json(value.get(), depth + 1, budget)?;
                read.push((name, value));
            }
            Ok(Node::Object(read))
        }
        Some(b'[') => {
            let Elements(elements) = serde_json::from_str(raw).map_err(syntax)?;
            let read = elements.into_iter().map(|element| read_json(element.get(), depth + 1, budget));
            read.collect::<Result<_, _>>().map(Node::List)
        }
        Some(b'"') => serde_json::from_str(raw).map(Node::Text).map_err(syntax),
        Some(b't') => Ok(Node::Boolean(true)),
        Some(b'f') => Ok(Node::Boolean(false)),
        Some(b'n') => Ok(Node::Null),
        _ => Ok(Node::Number(raw.to_owned())),
    }
}

/// The most fields of one object, and attributes and kinds of children of one element: they are compared with each other.
const FIELDS_MAX: usize = 1_000;

fn fields_have(fields: &[(String, Node)], name: &str) -> bool {
    fields.iter().any(|(field, _)| field == name)
}

struct Fields<'a>(Vec<(String, &'a RawValue)>);
struct Elements<'a>(Vec<&'a RawValue>);

impl<'de> serde::Deserialize<'de> for Fields<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    if fields.len() >= FIELDS_MAX {
                        return Err(serde::de::Error::custom("too many fields"));
                    }
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

impl<'de> serde::Deserialize<'de> for Elements<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Elements<'de>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = list.next_element()? {
                    elements.push(element);
                }
                Ok(Elements(elements))
            }
        }
        deserializer.deserialize_seq(Reader)
    }
}

/// An element that is being read.
#[derive(Default)]
struct Element {
    name: String,
    fields: Vec<(String, Node)>,
    text: String,
}

impl Element {
    /// Adds a child; a second of the same name makes a list.
    fn add(&mut self, name: String, child: Node) -> Result<(), FaultKind> {
        let is_full = self.fields.len() >= FIELDS_MAX;
        match self.fields.iter_mut().find(|(field, _)| *field == name) {
            Some((_, Node::List(nodes))) => nodes.push(child),
            Some((_, first)) => {
                let one = std::mem::replace(first, Node::Null);
                *first = Node::List(vec![one, child]);
            }
            None if is_full => return Err(FaultKind::TooMany),
            None => self.fields.push((name, child)),
        }
        Ok(())
    }

    fn close(mut self) -> (String, Node) {
        if self.fields.is_empty() {
            return (self.name, Node::Text(self.text));
        }
        if !self.text.trim().is_empty() {
            self.fields.push(("#text".to_owned(), Node::Text(self.text)));
        }
        (self.name, Node::Object(self.fields))
    }
}

fn read_xml(text: &str) -> Result<(String, Node), FaultKind> {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut budget = NODES_MAX;
    loop {
        let closed = match reader.read_event().map_err(|_| FaultKind::Syntax)? {
            Event::Start(start) => {
                budget = budget.checked_sub(1).ok_or(FaultKind::TooMany)?;
                if open.len() >= DEPTH_MAX {
                    return Err(FaultKind::TooDeep);
                }
                open.push(opened(&start)?);
                None
            }
            Event::Empty(start) => {
                budget = budget.checked_sub(1).ok_or(FaultKind::TooMany)?;
                Some(opened(&start)?.close())
            }
            Event::End(_) => Some(open.pop().ok_or(FaultKind::Syntax)?.close()),
            Event::Text(words) => {
                add_words(&mut open, &words.xml10_content())?;
                None
            }
            Event::CData(words) => {
                add_words(&mut open, &words.xml10_content())?;
                None
            }
            Event::GeneralRef(entity) => {
                let meant = meaning_of(&entity).ok_or(FaultKind::Syntax)?;
                add_words(&mut open, &meant)?;
                None
            }
            Event::Eof => return Err(FaultKind::Syntax),
            // No entities of its own: a document type is refused, declarations and comments say nothing.
            Event::DocType(_) => return Err(FaultKind::Unsupported),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => None,
        };
        let Some((name, node)) = closed else { continue };
        match open.last_mut() {
            Some(parent) => parent.add(name, node)?,
            None => return Ok((name, node)),
        }
    }
}

fn opened(start: &BytesStart) -> Result<Element, FaultKind> {
    let mut element = Element { name: start.local_name().as_ref().to_owned(), ..Element::default() };
    for (at, attribute) in start.attributes().enumerate() {
        let attribute = attribute.map_err(|_| FaultKind::Syntax)?;
        if at >= FIELDS_MAX {
            return Err(FaultKind::TooMany);
        }
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).map_err(|_| FaultKind::Syntax)?;
        let local_name = attribute.key.local_name();
        element.fields.push((format!("@{}", local_name.as_ref()), Node::Text(value.into_owned())));
    }
    Ok(element)
}

fn add_words(open: &mut [Element], words: &str) -> Result<(), FaultKind> {
    match open.last_mut() {
        Some(element) => element.text.push_str(words),
        None if words.trim_start_matches('\u{FEFF}').trim().is_empty() => {}
        None => return Err(FaultKind::Syntax),
    }
    Ok(())
}

/// The five entities of XML, and characters by number.
fn meaning_of(entity: &quick_xml::events::BytesRef) -> Option<String> {
    if let Ok(Some(character)) = entity.resolve_char_ref() {
        return Some(character.to_string());
    }
    quick_xml::escape::resolve_predefined_entity(entity).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_keep_their_digits() {
        let text = r#"{"a":9.0,"b":[1e-22,0.10,-5],"c":"x","d":true,"e":null}"#;
        assert_eq!(Node::from_json(text).unwrap().to_json(), text);
    }

    #[test]
    fn what_is_no_json_is_refused() {
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        for (text, kind) in [
            ("", FaultKind::Syntax),
            ("{", FaultKind::Syntax),
            ("{\"a\":1,\"a\":2}", FaultKind::Twice),
            ("[01]", FaultKind::Syntax),
            ("{} x", FaultKind::Syntax),
            (deep.as_str(), FaultKind::TooDeep),
        ] {
            assert_eq!(Node::from_json(text), Err(Fault::at("$", kind)), "{text}");
        }
    }

    #[test]
    fn xml_is_the_same_tree() {
        let (name, node) = Node::from_xml(
            "\u{FEFF}<?xml version=\"1.0\"?><!-- c --><r a='1'><x>9.0</x><x><![CDATA[a<b]]></x><y/>&lt;&#20013;</r>",
        )
        .unwrap();
        assert_eq!(name, "r");
        assert_eq!(node.to_json(), r##"{"@a":"1","x":["9.0","a<b"],"y":"","#text":"<中"}"##);
    }

    #[test]
    fn what_is_no_xml_is_refused() {
        let deep = "<a>".repeat(100);
        for text in
            ["", "<a>", "<a></b>", "x<a/>", "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", "<a>&e;</a>", deep.as_str()]
        {
            assert!(Node::from_xml(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_not_taken_is_left() {
        let mut node = Node::from_json(r#"{"a":1,"b":{"c":["x",{"d":true}]}}"#).unwrap();
        assert_eq!(node.take_text("a").as_deref(), Some("1"));
        let left: Vec<(String, String)> =
            node.into_extras("r").into_iter().map(|extra| (extra.place, extra.value.as_str().to_owned())).collect();
        assert_eq!(left, [("r.b.c[0]".into(), "x".into()), ("r.b.c[1].d".into(), "true".into())]);
    }

    proptest! {
        #[test]
        fn any_text_answers(text in "\\PC*", json in "[\\[\\]{}\",:0-9.eE+a-z -]{0,40}", xml in "[<>/a-c&;#'\"= !-]{0,40}") {
            for text in [text, json, xml] {
                let _ = (Node::from_json(&text), Node::from_xml(&text));
            }
        }
    }
}
