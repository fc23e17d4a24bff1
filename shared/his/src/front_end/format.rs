//! How a machine writes: JSON or XML, in UTF-8 or GB18030.

use super::data::Data;
use domain::his::HisAdapter;
use results::Charset;
use results::tree::Node;
use serde::Serialize;

/// The grammar of a body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Syntax {
    /// The fields as an object.
    #[default]
    Json,
    /// `<request><params>…` there, `<response>…` back; a list's entries are the elements below it.
    Xml,
}

/// How a machine writes, and is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// The grammar.
    pub syntax: Syntax,
    /// The encoding. An answer may declare another one.
    pub charset: Charset,
}

impl Default for Format {
    fn default() -> Self {
        Self { syntax: Syntax::Json, charset: Charset::Utf8 }
    }
}

/// The values make no body of that format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request cannot be written in the format of the HIS")]
pub(super) struct FormatError;

/// The fields of a request.
pub(super) fn params_of(body: &impl Serialize) -> Result<Node, FormatError> {
    Node::from_json(&serde_json::to_string(body).map_err(|_| FormatError)?).map_err(|_| FormatError)
}

/// The entries of a list in XML.
const ENTRY: &str = "item";

impl Format {
    /// What to declare it as.
    pub(super) fn content_type(self) -> String {
        let media_type = match self.syntax {
            Syntax::Json => "application/json",
            Syntax::Xml => "application/xml",
        };
        format!("{media_type}; charset={}", self.charset_name())
    }

    fn charset_name(self) -> &'static str {
        if self.charset == Charset::Gb18030 { "GB18030" } else { "UTF-8" }
    }

    /// Which of the profile's adapters this is.
    pub(super) fn adapter(self) -> HisAdapter {
        match self.syntax {
            Syntax::Json => HisAdapter::SignedJson,
            Syntax::Xml => HisAdapter::SignedXml,
        }
    }

    /// The bytes of a request.
    pub(super) fn encode(self, params: &Node) -> Result<Vec<u8>, FormatError> {
        let text = match self.syntax {
            Syntax::Json => params.to_json(),
            Syntax::Xml => {
                let mut xml = format!("<?xml version=\"1.0\" encoding=\"{}\"?><request>", self.charset_name());
                write_element(&mut xml, "params", params);
                xml.push_str("</request>");
                xml
            }
        };
        self.charset.encode(&text).map_err(|_| FormatError)
    }

    /// What an answer says; none when it cannot be read.
    pub(super) fn decode(self, bytes: &[u8], content_type: &str) -> Option<Data> {
        let charset = declared_in(content_type).or_else(|| declared_by_xml(bytes)).unwrap_or(self.charset);
        let text = charset.decode(bytes).ok()?;
        let node = match self.syntax {
            Syntax::Json => Node::from_json(&text).ok()?,
            Syntax::Xml => Node::from_xml(&text).ok()?.1,
        };
        Some(node.into())
    }
}

/// The encoding of a content type.
fn declared_in(content_type: &str) -> Option<Charset> {
    let (_, name) = content_type.split_once("charset=")?;
    Charset::named(name.split(';').next().unwrap_or_default())
}

/// The encoding of an XML declaration, which is ASCII whatever follows.
fn declared_by_xml(bytes: &[u8]) -> Option<Charset> {
    const DECLARATION_BYTES_MAX: usize = 200;
    let start = bytes.get(..bytes.len().min(DECLARATION_BYTES_MAX))?;
    let (declaration, _) = start.split_at(start.windows(2).position(|pair| pair == b"?>")?);
    let declaration = str::from_utf8(declaration).ok()?;
    let (_, after) = declaration.split_once("encoding=")?;
    Charset::named(after.split(['"', '\'']).nth(1)?)
}

fn write_element(xml: &mut String, name: &str, node: &Node) {
    xml.push('<');
    xml.push_str(name);
    xml.push('>');
    match node {
        Node::List(entries) => entries.iter().for_each(|entry| write_element(xml, ENTRY, entry)),
        Node::Object(fields) => fields.iter().for_each(|(name, field)| write_element(xml, name, field)),
        leaf => xml.push_str(&quick_xml::escape::escape(leaf.as_text().unwrap_or_default())),
    }
    xml.push_str("</");
    xml.push_str(name);
    xml.push('>');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const FORMATS: [Format; 4] = [
        Format { syntax: Syntax::Json, charset: Charset::Utf8 },
        Format { syntax: Syntax::Json, charset: Charset::Gb18030 },
        Format { syntax: Syntax::Xml, charset: Charset::Utf8 },
        Format { syntax: Syntax::Xml, charset: Charset::Gb18030 },
    ];

    #[test]
    fn a_request_in_xml() {
        let body =
            json!({ "a": "<缴费>", "bills": [{ "no": 1 }, { "no": 2 }], "none": null, "empty": [], "yes": true });
        let [_, json, _, xml] =
            FORMATS.map(|format| Charset::detect(&format.encode(&params_of(&body).unwrap()).unwrap()).unwrap());
        assert_eq!((json, xml), (Charset::Gb18030, Charset::Gb18030));
        let text = String::from_utf8(FORMATS[2].encode(&params_of(&body).unwrap()).unwrap()).unwrap();
        assert_eq!(
            text,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><request><params><a>&lt;缴费&gt;</a><bills><item><no>1</no></item>\
             <item><no>2</no></item></bills><empty></empty><none></none><yes>true</yes></params></request>"
        );
    }

    #[test]
    fn an_answer_says_its_encoding() {
        let text = "<?xml version='1.0' encoding='GBK'?><response><a>空腹</a></response>";
        let bytes = Charset::Gb18030.encode(text).unwrap();
        let [_, _, utf8, _] = FORMATS;
        assert_eq!(utf8.decode(&bytes, "text/xml").unwrap().text("a"), Some("空腹"));
        assert_eq!(utf8.decode(text.as_bytes(), "text/xml; charset=utf-8").unwrap().text("a"), Some("空腹"));
        let json = Charset::Gb18030.encode(r#"{"a":"空腹"}"#).unwrap();
        let [format, ..] = FORMATS;
        assert_eq!(format.decode(&json, "application/json;charset=GB2312").unwrap().text("a"), Some("空腹"));
        assert!(format.decode(&json, "application/json").is_none());
    }

    proptest! {
        #[test]
        fn words_pass_any_format(words in "[^\\p{Cc}]{0,20}") {
            for format in FORMATS {
                let bytes = format.encode(&params_of(&json!({ "a": words })).unwrap()).unwrap();
                let read = format.decode(&bytes, "").unwrap();
                let params = if format.syntax == Syntax::Xml { read.field("params") } else { read };
                prop_assert_eq!(params.text("a"), Some(words.as_str()));
            }
        }

        #[test]
        fn any_bytes_end(bytes: Vec<u8>) {
            for format in FORMATS {
                let _ = format.decode(&bytes, "");
            }
        }
    }
}
