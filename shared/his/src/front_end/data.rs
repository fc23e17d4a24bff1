//! What was read, before it becomes a type. JSON says what is a number, a list or nothing; in XML all of it is text, and
//! the type that is read decides. So one set of types reads both.

use crate::call_log::masked;
use results::tree::Node;
use serde::de::value::{Error, MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A value, or a list or record of them.
#[derive(Clone)]
pub(super) struct Data(Node);

/// What the HIS says may be health data: the kind only.
impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Node> for Data {
    fn from(node: Node) -> Self {
        Self(node)
    }
}

impl Data {
    /// Reads it as a type.
    pub(super) fn read<T: DeserializeOwned>(self) -> Result<T, Error> {
        T::deserialize(self)
    }

    /// The words of a field, whatever else is wrong.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_text()
    }

    /// A field.
    #[cfg(test)]
    pub(super) fn field(&self, name: &str) -> Self {
        Self(self.0.get(name).cloned().unwrap_or(Node::Null))
    }

    /// The tree itself.
    pub(super) fn into_node(self) -> Node {
        self.0
    }

    /// What of it may be kept.
    pub(super) fn masked(&self) -> String {
        masked(&self.0)
    }

    fn is_blank(&self) -> bool {
        matches!(&self.0, Node::Text(text) if text.trim().is_empty())
    }

    /// The entries of a list. In XML they are the elements below it, whatever their name.
    fn into_entries(self) -> Result<Vec<Node>, Self> {
        match self.0 {
            Node::List(nodes) => Ok(nodes),
            Node::Object(fields) => Ok(fields.into_iter().flat_map(|(_, node)| one_or_many(node)).collect()),
            _ if self.is_blank() => Ok(Vec::new()),
            other => Err(Self(other)),
        }
    }

    /// Text that is a number counts as one.
    fn into_number(self) -> Self {
        match self.0 {
            Node::Text(text) => Self(Node::Number(text.trim().to_owned())),
            other => Self(other),
        }
    }
}

fn one_or_many(node: Node) -> Vec<Node> {
    match node {
        Node::List(nodes) => nodes,
        one => vec![one],
    }
}

fn visit_number<'de, V: Visitor<'de>>(digits: &str, visitor: V) -> Result<V::Value, Error> {
    if let Ok(number) = digits.parse::<u64>() {
        return visitor.visit_u64(number);
    }
    match (digits.parse::<i64>(), digits.parse::<f64>()) {
        (Ok(number), _) => visitor.visit_i64(number),
        (_, Ok(number)) => visitor.visit_f64(number),
        _ => Err(serde::de::Error::custom("not a number")),
    }
}

macro_rules! numbers {
    ($($name:ident)*) => {
        $(fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.into_number().deserialize_any(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Data {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Node::Null => visitor.visit_unit(),
            Node::Boolean(value) => visitor.visit_bool(value),
            Node::Number(digits) => visit_number(&digits, visitor),
            Node::Text(text) => visitor.visit_string(text),
            Node::List(nodes) => visitor.visit_seq(SeqDeserializer::new(nodes.into_iter().map(Self))),
            Node::Object(fields) => {
                visitor.visit_map(MapDeserializer::new(fields.into_iter().map(|(name, node)| (name, Self(node)))))
            }
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0.as_text() {
            Some("true" | "1") => visitor.visit_bool(true),
            Some("false" | "0") => visitor.visit_bool(false),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0 == Node::Null || self.is_blank() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.into_entries() {
            Ok(nodes) => visitor.visit_seq(SeqDeserializer::new(nodes.into_iter().map(Self))),
            Err(other) => other.deserialize_any(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let node = if self.is_blank() { Node::Object(Vec::new()) } else { self.0 };
        Self(node).deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Node::Text(text) => visitor.visit_enum(text.into_deserializer()),
            Node::Object(fields) => {
                let fields = fields.into_iter().map(|(name, node)| (name, Self(node)));
                visitor.visit_enum(MapAccessDeserializer::new(MapDeserializer::new(fields)))
            }
            _ => Err(serde::de::Error::custom("not one of several")),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    numbers!(deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16
        deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64);

    serde::forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

impl IntoDeserializer<'_> for Data {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Keeper)
    }
}

/// Keeps what it is shown.
struct Keeper;

impl<'de> Visitor<'de> for Keeper {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Data, E> {
        Ok(Data(Node::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Data, E> {
        Ok(Data(Node::Boolean(value)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Data, E> {
        Ok(Data(Node::Number(number.to_string())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Data, E> {
        Ok(Data(Node::Number(number.to_string())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Data, E> {
        Ok(Data(Node::Number(number.to_string())))
    }

    fn visit_str<E>(self, text: &str) -> Result<Data, E> {
        Ok(Data(Node::text(text)))
    }

    fn visit_string<E>(self, text: String) -> Result<Data, E> {
        Ok(Data(Node::Text(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Data, A::Error> {
        let mut nodes = Vec::new();
        while let Some(Data(node)) = list.next_element()? {
            nodes.push(node);
        }
        Ok(Data(Node::List(nodes)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Data, A::Error> {
        let mut fields = Vec::new();
        while let Some((name, Data(node))) = map.next_entry::<String, Data>()? {
            fields.push((name, node));
        }
        Ok(Data(Node::Object(fields)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Stay {
        name: String,
        nights: u32,
        paid: bool,
        note: Option<String>,
        kind: Kind,
        items: Vec<Item>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Item {
        no: u8,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        ByDay,
    }

    fn json(text: &str) -> Data {
        Node::from_json(text).unwrap().into()
    }

    fn xml(text: &str) -> Data {
        Node::from_xml(text).unwrap().1.into()
    }

    #[test]
    fn the_type_decides_what_text_is() {
        let stay = |note: Option<&str>, numbers: &[u8]| Stay {
            name: "7".into(),
            nights: 2,
            paid: true,
            note: note.map(str::to_owned),
            kind: Kind::ByDay,
            items: numbers.iter().map(|&no| Item { no }).collect(),
        };
        let text = r#"{"name":"7","nights":2,"paid":true,"note":null,"kind":"by_day","items":[{"no":1}]}"#;
        assert_eq!(json(text).read::<Stay>().unwrap(), stay(None, &[1]));
        let head = "<stay><name>7</name><nights> 2 </nights><paid>1</paid><kind>by_day</kind>";
        for (tail, expected) in [
            ("<note/><items/>", stay(None, &[])),
            ("<note>床</note><items>\n<item><no>1</no></item>\n</items>", stay(Some("床"), &[1])),
            ("<note/><items><item><no>1</no></item><item><no>2</no></item></items>", stay(None, &[1, 2])),
        ] {
            assert_eq!(xml(&format!("{head}{tail}</stay>")).read::<Stay>().unwrap(), expected);
        }
    }

    #[test]
    fn what_is_no_such_type_is_refused() {
        for text in ["-1", "1.5", "x", "", "256"] {
            assert!(xml(&format!("<i><no>{text}</no></i>")).read::<Item>().is_err(), "{text}");
        }
        assert!(json(r#"{"a":5}"#).read::<std::collections::BTreeMap<String, String>>().is_err());
    }

    #[test]
    fn what_is_kept_is_whole() {
        let text = r#"{"a":[1,-2,"x",null,true],"b":{"c":[]}}"#;
        let Data(kept) = json(text).read().unwrap();
        assert_eq!(kept.to_json(), text);
    }
}
