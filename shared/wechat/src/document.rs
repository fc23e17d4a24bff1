//! One small tree for what WeChat pushes, whether it was written as XML or as JSON.
//!
//! The reader takes no document type, no entity but the five of XML and character references, and a bounded depth;
//! attributes, namespaces, comments and processing instructions carry nothing in this protocol and are skipped.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, Event};
use serde_json::Value;

/// Deepest nesting of any documented push is four; more is not WeChat's.
const MAX_DEPTH: usize = 12;

/// Why a body is not a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Not well-formed XML.
    #[error("the XML is not well-formed")]
    Xml,
    /// Not valid JSON.
    #[error("the JSON is not valid")]
    Json,
    /// A document type declaration, which could define entities.
    #[error("a document type declaration is not accepted")]
    DocumentType,
    /// An entity other than the five of XML.
    #[error("an entity is not accepted")]
    Entity,
    /// Nested deeper than any message.
    #[error("nested too deep")]
    TooDeep,
    /// No root element or object.
    #[error("there is no root")]
    NoRoot,
    /// A field that is needed is not there or empty.
    #[error("field {0} is missing")]
    Missing(&'static str),
    /// A field that means one thing is there twice.
    #[error("field {0} is there twice")]
    Twice(&'static str),
    /// A field that has to be a number is none.
    #[error("field {0} is not a number")]
    NotANumber(&'static str),
}

/// A named node: text, or children, rarely both.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Node<'a> {
    name: String,
    text: Cow<'a, str>,
    children: Vec<Node<'a>>,
}

impl<'a> Node<'a> {
    /// Reads XML or JSON, told apart by the first character that is not a space.
    pub(crate) fn parse(text: &'a str) -> Result<Self, DocumentError> {
        if text.trim_start().starts_with('{') { Self::from_json(text) } else { Self::from_xml(text) }
    }

    fn from_xml(text: &'a str) -> Result<Self, DocumentError> {
        let mut reader = Reader::from_str(text);
        let mut open: Vec<Node<'a>> = Vec::with_capacity(4);
        loop {
            match reader.read_event().map_err(|_| DocumentError::Xml)? {
                Event::Start(_) if open.len() >= MAX_DEPTH => return Err(DocumentError::TooDeep),
                Event::Start(tag) => open.push(Node::named(tag.name().as_ref())),
                Event::Empty(tag) => {
                    let leaf = Node::named(tag.name().as_ref());
                    match open.last_mut() {
                        Some(parent) => parent.children.push(leaf),
                        None => return Ok(leaf),
                    }
                }
                Event::End(_) => {
                    let closed = open.pop().ok_or(DocumentError::Xml)?;
                    match open.last_mut() {
                        Some(parent) => parent.children.push(closed),
                        None => return Ok(closed),
                    }
                }
                Event::Text(part) => append(open.last_mut(), part.into_inner()),
                Event::CData(part) => append(open.last_mut(), part.into_inner()),
                Event::GeneralRef(part) => append(open.last_mut(), resolve(&part)?),
                Event::DocType(_) => return Err(DocumentError::DocumentType),
                Event::Eof => return Err(if open.is_empty() { DocumentError::NoRoot } else { DocumentError::Xml }),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
    }

    fn from_json(text: &'a str) -> Result<Self, DocumentError> {
        let value: Value = serde_json::from_str(text).map_err(|_| DocumentError::Json)?;
        let mut root = Node::default();
        root.add_json("xml", value, MAX_DEPTH)?;
        root.children.pop().ok_or(DocumentError::NoRoot)
    }

    /// Adds a JSON value under a name. A list becomes several children of that name, as XML writes it.
    fn add_json(&mut self, name: &str, value: Value, depth_left: usize) -> Result<(), DocumentError> {
        let depth_left = depth_left.checked_sub(1).ok_or(DocumentError::TooDeep)?;
        let mut node = Node::named(name);
        match value {
            Value::Array(items) => {
                return items.into_iter().try_for_each(|item| self.add_json(name, item, depth_left));
            }
            Value::Object(fields) => {
                fields.into_iter().try_for_each(|(name, value)| node.add_json(&name, value, depth_left))?;
            }
            Value::String(text) => node.text = Cow::Owned(text),
            Value::Number(number) => node.text = Cow::Owned(number.to_string()),
            Value::Bool(flag) => node.text = Cow::Borrowed(if flag { "true" } else { "false" }),
            Value::Null => {}
        }
        self.children.push(node);
        Ok(())
    }

    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Every child of that name.
    pub(crate) fn all(&self, name: &'static str) -> impl Iterator<Item = &Node<'a>> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The only child of that name, if any.
    pub(crate) fn child(&self, name: &'static str) -> Result<Option<&Node<'a>>, DocumentError> {
        let mut found = self.all(name);
        let first = found.next();
        if found.next().is_some() { Err(DocumentError::Twice(name)) } else { Ok(first) }
    }

    /// The text of a field; `None` when it is absent or empty.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<&str>, DocumentError> {
        Ok(self.child(name)?.map(|node| node.text.as_ref()).filter(|text| !text.is_empty()))
    }

    /// The text of a field that has to be there.
    pub(crate) fn required(&self, name: &'static str) -> Result<&str, DocumentError> {
        self.text(name)?.ok_or(DocumentError::Missing(name))
    }

    /// The text of a field, empty when it is absent.
    pub(crate) fn owned(&self, name: &'static str) -> Result<String, DocumentError> {
        Ok(self.text(name)?.unwrap_or_default().to_owned())
    }

    /// The text of a field, when there is one.
    pub(crate) fn optional(&self, name: &'static str) -> Result<Option<String>, DocumentError> {
        Ok(self.text(name)?.map(str::to_owned))
    }

    /// A whole number; `None` when the field is absent or empty.
    pub(crate) fn number<N: std::str::FromStr>(&self, name: &'static str) -> Result<Option<N>, DocumentError> {
        self.text(name)?.map(|text| text.trim().parse().map_err(|_| DocumentError::NotANumber(name))).transpose()
    }
}

/// Adds a piece of text to the element that is open; outside the root there is only white space.
fn append<'a>(open: Option<&mut Node<'a>>, part: Cow<'a, str>) {
    let Some(node) = open else { return };
    if node.text.is_empty() {
        node.text = part;
    } else {
        node.text.to_mut().push_str(&part);
    }
}

fn resolve<'a>(reference: &BytesRef<'_>) -> Result<Cow<'a, str>, DocumentError> {
    if let Some(character) = reference.resolve_char_ref().map_err(|_| DocumentError::Entity)? {
        return Ok(Cow::Owned(character.to_string()));
    }
    resolve_predefined_entity(reference.as_ref()).map(Cow::Borrowed).ok_or(DocumentError::Entity)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cdata_text_and_references_make_one_text() {
        let node = Node::parse("<xml><A>1 &lt; <![CDATA[2 ]]]]><![CDATA[>]]>&#33;</A></xml>").unwrap();
        assert_eq!(node.required("A"), Ok("1 < 2 ]]>!"));
    }

    #[test]
    fn xml_and_json_give_the_same_fields() {
        let xml = Node::parse("<xml><A>x</A><N>7</N><L><I>1</I></L><L><I>2</I></L><E/></xml>").unwrap();
        let json = Node::parse(r#" {"A":"x","N":7,"L":[{"I":"1"},{"I":2}],"E":null}"#).unwrap();
        for node in [xml, json] {
            assert_eq!(node.required("A"), Ok("x"));
            assert_eq!(node.number::<u64>("N"), Ok(Some(7)));
            assert_eq!(node.number::<u64>("E"), Ok(None));
            let items: Vec<_> = node.all("L").map(|item| item.number::<u8>("I").unwrap()).collect();
            assert_eq!(items, [Some(1), Some(2)]);
            assert_eq!(node.text("L"), Err(DocumentError::Twice("L")));
        }
    }

    #[test]
    fn every_refusal_is_its_own() {
        let deep = |open: &str, close: &str| open.repeat(MAX_DEPTH + 1) + &close.repeat(MAX_DEPTH + 1);
        let cases = [
            ("", DocumentError::NoRoot),
            ("   ", DocumentError::NoRoot),
            ("<xml><A></B></xml>", DocumentError::Xml),
            ("<xml><A>", DocumentError::Xml),
            ("</xml>", DocumentError::Xml),
            (r#"<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><xml>&e;</xml>"#, DocumentError::DocumentType),
            ("<xml>&e;</xml>", DocumentError::Entity),
            ("<xml>&#xD800;</xml>", DocumentError::Entity),
            (&deep("<a>", "</a>"), DocumentError::TooDeep),
            (&deep("{\"a\":", "}").replace(":}", ":1}"), DocumentError::TooDeep),
            ("{", DocumentError::Json),
            ("{\"a\":1} x", DocumentError::Json),
        ];
        for (text, error) in cases {
            assert_eq!(Node::parse(text), Err(error), "{text}");
        }
        let node = Node::parse("<xml><N>1x</N></xml>").unwrap();
        assert_eq!(node.number::<u64>("N"), Err(DocumentError::NotANumber("N")));
        assert_eq!(node.required("M"), Err(DocumentError::Missing("M")));
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "\\PC*") {
            let _ = Node::parse(&text);
        }

        #[test]
        fn reading_almost_xml_never_panics(text in r#"(<|>|/|xml|A|&|;|#|!\[CDATA\[|\]\]>|"| |\?|--|!DOCTYPE|\{|:|\[|\]|\}){0,40}"#) {
            let _ = Node::parse(&text);
        }
    }
}
