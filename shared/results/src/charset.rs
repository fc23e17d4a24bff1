//! Bytes to text and back: UTF-8, GB18030 (and its subsets GBK and GB2312), ISO 8859, UTF-16.

use encoding_rs::{BIG5, EUC_KR, Encoding, GB18030, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE};

/// An encoding messages come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8.
    Utf8,
    /// GB18030, which GBK and GB2312 are parts of.
    Gb18030,
    /// ISO 8859-1: every byte is a character.
    Latin1,
    /// Another one the Web knows: ISO 8859-2 to -15, UTF-16, Big5.
    Other(&'static Encoding),
}

/// Changes the character set within a text (ISO 2022).
const ESCAPE: u8 = 0x1B;

/// The bytes are not text of that encoding, or the text has a character it cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not text of that encoding")]
pub struct CharsetError;

impl Charset {
    /// The encoding of a name as HL7 table 0211, XML or HTTP writes it. `None` for one that is not known; plain ASCII
    /// says nothing, because senders declare it over anything.
    pub fn named(name: &str) -> Option<Self> {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
        match plain.as_str() {
            "UNICODEUTF8" | "UTF8" => Some(Self::Utf8),
            "GB180302000" | "GB18030" | "GBK" | "GB2312" | "GB231280" | "CP936" | "UNICODEGB" => Some(Self::Gb18030),
            "88591" | "ISO88591" | "LATIN1" => Some(Self::Latin1),
            "UNICODE" | "UNICODEUTF16" | "UTF16" | "UTF16BE" => Some(Self::Other(UTF_16BE)),
            "UTF16LE" => Some(Self::Other(UTF_16LE)),
            "BIG5" => Some(Self::Other(BIG5)),
            "KSX1001" | "EUCKR" => Some(Self::Other(EUC_KR)),
            "SHIFTJIS" => Some(Self::Other(SHIFT_JIS)),
            _ => {
                let part = plain.strip_prefix("ISO").unwrap_or(&plain).strip_prefix("8859")?;
                Encoding::for_label(format!("iso-8859-{part}").as_bytes()).map(Self::Other)
            }
        }
    }

    /// What the bytes themselves say: a byte order mark, zeros between letters, valid UTF-8, valid GB18030.
    pub fn detect(bytes: &[u8]) -> Option<Self> {
        if let Some((encoding, _)) = Encoding::for_bom(bytes) {
            return Some(if encoding == UTF_8 { Self::Utf8 } else { Self::Other(encoding) });
        }
        match bytes {
            [0, b, ..] if *b != 0 => Some(Self::Other(UTF_16BE)),
            [b, 0, ..] if *b != 0 => Some(Self::Other(UTF_16LE)),
            // Japanese of seven bits (ISO IR87) would pass for ASCII.
            _ if bytes.contains(&ESCAPE) => None,
            _ if std::str::from_utf8(bytes).is_ok() => Some(Self::Utf8),
            _ if Self::Gb18030.decode(bytes).is_ok() => Some(Self::Gb18030),
            _ => None,
        }
    }

    /// The text, without its byte order mark. Nothing is replaced: bytes that are no text are an error.
    pub fn decode(self, bytes: &[u8]) -> Result<String, CharsetError> {
        let text = match self {
            Self::Utf8 => std::str::from_utf8(bytes).map_err(|_| CharsetError)?.to_owned(),
            Self::Latin1 => encoding_rs::mem::decode_latin1(bytes).into_owned(),
            Self::Gb18030 => decode_with(GB18030, bytes)?,
            Self::Other(encoding) => decode_with(encoding, bytes)?,
        };
        Ok(text.strip_prefix('\u{FEFF}').map(str::to_owned).unwrap_or(text))
    }

    /// The bytes of a text.
    pub fn encode(self, text: &str) -> Result<Vec<u8>, CharsetError> {
        match self {
            Self::Utf8 => Ok(text.as_bytes().to_vec()),
            Self::Latin1 => text.chars().map(|c| u8::try_from(u32::from(c)).map_err(|_| CharsetError)).collect(),
            Self::Gb18030 => encode_with(GB18030, text),
            // `encoding_rs` writes UTF-16 as UTF-8, for the Web's sake.
            Self::Other(encoding) if encoding == UTF_16BE => {
                Ok(text.encode_utf16().flat_map(u16::to_be_bytes).collect())
            }
            Self::Other(encoding) if encoding == UTF_16LE => {
                Ok(text.encode_utf16().flat_map(u16::to_le_bytes).collect())
            }
            Self::Other(encoding) => encode_with(encoding, text),
        }
    }
}

fn decode_with(encoding: &'static Encoding, bytes: &[u8]) -> Result<String, CharsetError> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes).ok_or(CharsetError)?;
    Ok(text.into_owned())
}

fn encode_with(encoding: &'static Encoding, text: &str) -> Result<Vec<u8>, CharsetError> {
    let (bytes, _, had_unmappable) = encoding.encode(text);
    if had_unmappable { Err(CharsetError) } else { Ok(bytes.into_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_of_encodings() {
        for (name, charset) in [
            ("UNICODE UTF-8", Some(Charset::Utf8)),
            ("utf-8", Some(Charset::Utf8)),
            ("GB 18030-2000", Some(Charset::Gb18030)),
            ("gbk", Some(Charset::Gb18030)),
            ("8859/1", Some(Charset::Latin1)),
            ("8859/15", Encoding::for_label(b"iso-8859-15").map(Charset::Other)),
            ("ASCII", None),
            ("", None),
            ("ISO IR87", None),
        ] {
            assert_eq!(Charset::named(name), charset, "{name}");
        }
    }

    #[test]
    fn a_rare_character_survives_gb18030() {
        let text = "王\u{20BB7}明 白细胞 µ";
        let bytes = Charset::Gb18030.encode(text).unwrap();
        assert_eq!(Charset::detect(&bytes), Some(Charset::Gb18030));
        assert_eq!(Charset::Gb18030.decode(&bytes).unwrap(), text);
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(Charset::Utf8.decode(&[0xC3, 0x28]), Err(CharsetError));
        assert_eq!(Charset::detect(&[0xFF, 0x20, 0x20]), None);
        assert_eq!(Charset::detect(b"\x1B$B8!:: \x1B(B"), None);
        assert_eq!(Charset::Latin1.encode("门"), Err(CharsetError));
    }

    proptest! {
        #[test]
        fn text_round_trips(text in "\\PC*") {
            for charset in [Charset::Utf8, Charset::Gb18030, Charset::Other(UTF_16BE), Charset::Other(UTF_16LE)] {
                if let Ok(bytes) = charset.encode(&text) {
                    prop_assert_eq!(charset.decode(&bytes).unwrap(), text.clone());
                }
            }
        }
    }
}
