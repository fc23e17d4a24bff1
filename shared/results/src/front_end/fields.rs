//! The fields of an object by any of their names.

use crate::tree::Node;
use domain::report::{Extra, Text, When};

/// An object being read: what is not taken is kept in the end.
pub(super) struct Fields(Vec<Field>);

/// A field, and its name as names are compared: made once, since each is asked for many times.
struct Field {
    plain: String,
    name: String,
    node: Node,
}

/// A name without case, underscores, hyphens and the mark of an attribute.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}

/// Digits of a time in seconds and in milliseconds since 1970.
const EPOCH_S_DIGITS: usize = 10;
const EPOCH_MS_DIGITS: usize = 13;

impl Fields {
    pub(super) fn of(node: Node) -> Self {
        let fields = match node {
            Node::Object(fields) => fields,
            other => vec![("#text".to_owned(), other)],
        };
        Self(fields.into_iter().map(|(name, node)| Field { plain: plain(&name), name, node }).collect())
    }

    pub(super) fn has(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.0.iter().any(|field| field.plain == *name))
    }

    /// Takes the first of these that is there.
    pub(super) fn take(&mut self, names: &[&str]) -> Option<Node> {
        let place = |name: &&str| self.0.iter().position(|field| field.plain == **name && field.node != Node::Null);
        let at = names.iter().find_map(place)?;
        Some(self.0.remove(at).node)
    }

    /// Takes every field under one of these.
    pub(super) fn take_all(&mut self, is_one: impl Fn(&str) -> bool) -> Vec<(String, Node)> {
        let (taken, left): (Vec<Field>, Vec<Field>) = self.0.drain(..).partition(|field| is_one(&field.plain));
        self.0 = left;
        Self(taken).into_fields()
    }

    /// The same object with more fields, behind its own.
    pub(super) fn with(mut self, more: Vec<(String, Node)>) -> Self {
        self.0.extend(Self::of(Node::Object(more)).0);
        self
    }

    /// Takes the words of the first of these that is there; a list or an object is not words and stays.
    pub(super) fn text(&mut self, names: &[&str]) -> Option<Text> {
        let has_words = |field: &Field, name: &str| {
            field.plain == name && field.node.as_text().is_some_and(|words| !words.trim().is_empty())
        };
        let at = names.iter().find_map(|name| self.0.iter().position(|field| has_words(field, name)))?;
        self.0.remove(at).node.as_text().map(|words| Text::from(words.trim()))
    }

    /// Every value there is under one of these, as words.
    pub(super) fn all_texts(&self, names: &[&str]) -> Vec<&str> {
        let is_one = |field: &&Field| names.contains(&field.plain.as_str());
        self.0.iter().filter(is_one).filter_map(|field| field.node.as_text()).map(str::trim).collect()
    }

    /// Takes a time: milliseconds or seconds since 1970, `20261123100000`, or with signs between. One that is none stays.
    pub(super) fn when(&mut self, names: &[&str]) -> Option<When> {
        let sent = names.iter().find_map(|name| {
            let field = self.0.iter().find(|field| field.plain == *name)?;
            field.node.as_text().map(str::trim).filter(|text| !text.is_empty())
        })?;
        let is_digits = sent.bytes().all(|byte| byte.is_ascii_digit());
        let when = match sent.len() {
            EPOCH_MS_DIGITS if is_digits => When::from_epoch_ms(sent),
            EPOCH_S_DIGITS if is_digits => When::from_epoch_ms(&format!("{sent}000")),
            _ if is_digits => When::from_hl7(sent),
            _ => When::from_iso(sent),
        };
        let when = when.ok()?;
        let when = When { sent: Text::from(sent), ..when };
        self.text(names);
        Some(when)
    }

    /// Takes a list: a list, one thing, or the `<item>`s of an `<items>`.
    pub(super) fn list(&mut self, names: &[&str]) -> Vec<Node> {
        match self.take(names) {
            None => Vec::new(),
            Some(Node::List(nodes)) => nodes,
            Some(Node::Object(mut fields)) => match fields.as_slice() {
                [(_, Node::List(_) | Node::Object(_))] => match fields.pop() {
                    Some((_, Node::List(nodes))) => nodes,
                    Some((_, one)) => vec![one],
                    None => Vec::new(),
                },
                _ => vec![Node::Object(fields)],
            },
            // An empty element is an empty list.
            Some(node) if node.as_text().is_some_and(|text| text.trim().is_empty()) => Vec::new(),
            Some(node) => vec![node],
        }
    }

    /// Takes a list of objects, or one object: words under the same name are something else.
    pub(super) fn objects(&mut self, names: &[&str]) -> Vec<Node> {
        let is_object = |node: &Node| matches!(node, Node::Object(_));
        let are_objects = |node: &Node| match node {
            Node::List(nodes) => nodes.iter().all(is_object),
            one => is_object(one),
        };
        let is_one = |field: &Field| names.contains(&field.plain.as_str()) && are_objects(&field.node);
        match self.0.iter().position(is_one).map(|at| self.0.remove(at).node) {
            Some(Node::List(nodes)) => nodes,
            one => one.into_iter().collect(),
        }
    }

    /// What was not taken yet.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.0.iter().map(|field| &field.node)
    }

    /// What was not taken, as fields.
    pub(super) fn into_fields(self) -> Vec<(String, Node)> {
        self.0.into_iter().map(|field| (field.name, field.node)).collect()
    }

    /// What was not taken.
    pub(super) fn extras(self) -> Vec<Extra> {
        let mut extras = Node::Object(self.into_fields()).into_extras("");
        extras.retain(|extra| !extra.value.as_str().trim().is_empty());
        extras
    }
}
