//! From bytes to messages: MLLP frames, batches, character sets.

use super::message::{Message, is_segment};
use crate::charset::Charset;
use crate::fault::{Fault, FaultKind};

/// The largest body read, in bytes.
pub const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The most messages of one body: a batch.
pub const MESSAGES_MAX: usize = 5_000;
/// The place of the character set, from the delimiter after `MSH`.
const CHARSET_FIELD: usize = 18;

const START_BLOCK: u8 = 0x0B;
const END_BLOCK: u8 = 0x1C;

/// What a body holds: each message, or why it cannot be read, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// The messages.
    pub messages: Vec<Result<Message, Fault>>,
    /// Each as it was sent, in the same order.
    pub raw: Vec<Vec<u8>>,
    /// The encoding it came in: answers go back in it.
    pub charset: Charset,
}

/// Reads a body: one message, MLLP frames, or a batch (FHS, BHS … BTS, FTS). One bad message of a batch is its own
/// refusal; bytes that are no text refuse all.
pub fn read(bytes: &[u8]) -> Result<Body, Fault> {
    if bytes.len() > BODY_BYTES_MAX {
        return Err(Fault::at("MSH", FaultKind::TooLarge));
    }
    let mut body = Body { messages: Vec::new(), raw: Vec::new(), charset: Charset::Utf8 };
    for frame in frames(bytes) {
        let charset = charset(frame)?;
        let text = charset.decode(frame).map_err(|_| Fault::at("MSH-18", FaultKind::Encoding))?;
        body.charset = charset;
        for message in messages(&text) {
            if body.messages.len() >= MESSAGES_MAX {
                return Err(Fault::at("MSH", FaultKind::TooMany));
            }
            body.messages.push(Message::read(message));
            body.raw.push(charset.encode(message).map_err(|_| Fault::at("MSH-18", FaultKind::Encoding))?);
        }
    }
    if body.messages.is_empty() { Err(Fault::at("MSH", FaultKind::Missing)) } else { Ok(body) }
}

/// Writes a message as bytes, in an MLLP frame if the request came in one.
pub fn write(message: &Message, charset: Charset, is_framed: bool) -> Result<Vec<u8>, Fault> {
    let bytes = charset.encode(&message.write()).map_err(|_| Fault::at("MSH-18", FaultKind::Encoding))?;
    if !is_framed {
        return Ok(bytes);
    }
    Ok([&[START_BLOCK][..], &bytes, &[END_BLOCK, b'\r']].concat())
}

/// Whether a body comes in MLLP frames. Ends of lines before the first one say nothing.
pub fn is_framed(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&START_BLOCK)
}

/// The blocks of a body; one without frames is one block.
fn frames(bytes: &[u8]) -> Vec<&[u8]> {
    if !is_framed(bytes) {
        return vec![bytes];
    }
    let blocks = bytes.split(|byte| *byte == START_BLOCK).skip(1);
    // UTF-16 has 0x1C within letters; the end is the last one.
    blocks
        .map(|block| {
            let end = block.iter().rposition(|byte| *byte == END_BLOCK).unwrap_or(block.len());
            block.get(..end).unwrap_or(block)
        })
        .collect()
}

/// The encoding of a message: what MSH-18 says, else what its bytes say. A name in GBK before MSH-18 can hold a byte
/// that looks like a delimiter, so the header is read under each encoding until one of them confirms itself.
fn charset(bytes: &[u8]) -> Result<Charset, Fault> {
    let unknown = || Fault::at("MSH-18", FaultKind::Encoding);
    let seen = Charset::detect(bytes);
    if let Some(seen @ Charset::Other(_)) = seen {
        return Ok(seen);
    }
    let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len());
    let header = bytes.get(..end).unwrap_or(bytes);
    let declared = [Charset::Utf8, Charset::Gb18030, Charset::Latin1].into_iter().find_map(|charset| {
        let declared = declared(&charset.decode(header).ok()?)?;
        (declared == charset || !matches!(declared, Charset::Utf8 | Charset::Gb18030)).then_some(declared)
    });
    match declared {
        // Declared as 16-bit, but the letters of the header are single bytes: the bytes are right.
        Some(Charset::Other(encoding)) if !encoding.is_ascii_compatible() => seen.ok_or_else(unknown),
        Some(declared) => Ok(declared),
        None => match declared_by_bytes(header) {
            // It says one thing and its bytes another: no guess.
            Some(_) => Err(unknown()),
            None => seen.ok_or_else(unknown),
        },
    }
}

fn declared(header: &str) -> Option<Charset> {
    let field = header.trim_start_matches('\u{FEFF}').strip_prefix("MSH")?.chars().next()?;
    // The first repetition is the encoding of the message.
    header.split(field).nth(CHARSET_FIELD - 1).and_then(|names| Charset::named(names.split('~').next()?))
}

fn declared_by_bytes(header: &[u8]) -> Option<Charset> {
    declared(&encoding_rs::mem::decode_latin1(header))
}

/// The messages of a text: from each MSH to the next, batch headers and trailers left out.
fn messages(text: &str) -> Vec<&str> {
    let starts: Vec<usize> = line_starts(text).filter(|at| is_header_at(text, *at, "MSH")).collect();
    let Some(first) = starts.first() else { return vec![text] };
    let is_batch = line_starts(text).any(|at| is_header_at(text, at, "FHS") || is_header_at(text, at, "BHS"));
    if !is_batch && text.get(..*first).is_some_and(|before| !before.trim().is_empty()) {
        return vec![text];
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).filter_map(|(from, to)| text.get(*from..to)).map(without_trailers).collect()
}

fn line_starts(text: &str) -> impl Iterator<Item = usize> {
    std::iter::once(0).chain(text.match_indices(['\r', '\n']).map(|(at, _)| at + 1))
}

fn is_header_at(text: &str, at: usize, name: &str) -> bool {
    let line = text.get(at..).unwrap_or_default().trim_start_matches('\u{FEFF}');
    line.strip_prefix(name).is_some_and(|rest| rest.starts_with(|c: char| !c.is_alphanumeric()))
}

/// A message without what follows it in a batch.
fn without_trailers(message: &str) -> &str {
    let field = message.chars().nth(3).unwrap_or('|');
    let is_trailer = |line: &str| {
        let name = line.get(..3).unwrap_or_default();
        matches!(name, "BTS" | "FTS" | "BHS" | "FHS")
            && is_segment(line.lines().next().unwrap_or_default().split('\r').next().unwrap_or_default(), field)
    };
    let end = line_starts(message).find(|at| message.get(*at..).is_some_and(is_trailer));
    end.and_then(|end| message.get(..end)).unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "MSH|^~\\&|A|B|||20261123||ORU^R01|1|P|2.5\rPID|1||X\r";

    fn name_of(bytes: &[u8]) -> String {
        read(bytes).unwrap().messages.remove(0).unwrap().segments[1].text(5, 1).to_owned()
    }

    #[test]
    fn frames_and_batches_hold_messages() {
        let framed = [&[START_BLOCK][..], ONE.as_bytes(), &[END_BLOCK, b'\r']].concat();
        assert_eq!(read(&framed).unwrap().messages.len(), 1);
        assert_eq!(read(&[&framed[..], &framed].concat()).unwrap().messages.len(), 2);
        let apart = [&b"\r\n"[..], &framed, b"\n", &framed].concat();
        assert!(is_framed(&apart));
        assert_eq!(read(&apart).unwrap().messages.iter().filter(|message| message.is_ok()).count(), 2);
        let batch = format!("FHS|^~\\&|A\rBHS|^~\\&|A\r{ONE}{ONE}BTS|2\rFTS|1\r");
        let messages = read(batch.as_bytes()).unwrap().messages;
        assert_eq!(messages.len(), 2);
        assert!(messages.iter().all(|message| message.as_ref().unwrap().segments.len() == 2));
        assert!(read(b"").is_err() || read(b"").unwrap().messages[0].is_err());
        assert!(read(b"garbage").unwrap().messages[0].is_err());
    }

    #[test]
    fn one_bad_message_of_a_batch_is_its_own_refusal() {
        let batch = format!("BHS|^~\\&|A\r{ONE}MSH|^^^^|\r{ONE}");
        let messages = read(batch.as_bytes()).unwrap().messages;
        assert_eq!(messages.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    }

    #[test]
    fn encodings_are_declared_or_seen() {
        for (declared, charset) in [
            ("UNICODE UTF-8", Charset::Utf8),
            ("", Charset::Utf8),
            ("GB 18030-2000", Charset::Gb18030),
            ("", Charset::Gb18030),
            ("ASCII", Charset::Gb18030),
            ("UNICODE UTF-16", Charset::named("UTF-16LE").unwrap()),
            ("UNICODE", Charset::named("UTF-16BE").unwrap()),
        ] {
            // 亅 is 81 7C in GBK: its second byte is the delimiter.
            let text = format!("MSH|^~\\&|亅|医院|||20261123||ORU^R01|1|P|2.5||||||{declared}\rPID|1||||林\u{20BB7}\r");
            assert_eq!(name_of(&charset.encode(&text).unwrap()), "林\u{20BB7}", "{declared} {charset:?}");
        }
        let latin = "MSH|^~\\&|A|B|||2026||ORU^R01|1|P|2.5||||||8859/1\rPID|1||||Müller\r";
        assert_eq!(name_of(&Charset::Latin1.encode(latin).unwrap()), "Müller");
    }

    #[test]
    fn a_wrong_declaration_is_refused() {
        let text = "MSH|^~\\&|A|B|||2026||ORU^R01|1|P|2.5||||||UNICODE UTF-8\rPID|1||||林小梅\r";
        let bytes = Charset::Gb18030.encode(text).unwrap();
        assert_eq!(read(&bytes).unwrap_err(), Fault::at("MSH-18", FaultKind::Encoding));
    }
}
