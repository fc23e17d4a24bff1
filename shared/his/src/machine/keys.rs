//! The shared keys: what a request is signed with, and what an answer is checked with.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;

/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// The current key and the one before.
const KEYS_MAX: usize = 2;
/// The longest application id, in bytes.
const APP_ID_BYTES_MAX: usize = 64;

/// Settings that make no keys. Never says what they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// An application id is letters, digits, `_` and `-`, at most 64.
    #[error("the application id is not an identifier")]
    AppId,
    /// A key is 32 bytes in base64.
    #[error("a key is not 32 bytes of base64")]
    Key,
    /// There is one key, or the current one and the previous one.
    #[error("there are one or two keys")]
    Count,
}

/// The application's id and its keys. The first signs; each verifies, so that a key can roll over without a gap.
#[derive(Debug)]
pub struct Keys {
    app_id: String,
    current: hmac::Key,
    previous: Option<hmac::Key>,
}

/// What a signature of a request covers.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// Path with query, as sent.
    pub target: &'a str,
    /// When it is sent, by the sender's clock.
    pub now: Timestamp,
    /// Fresh for each request.
    pub nonce: &'a str,
    /// What is sent.
    pub body: &'a [u8],
}

/// What a signature of an answer covers: bound by the nonce to one request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) nonce: &'a str,
    pub(super) body: &'a [u8],
}

impl Request<'_> {
    fn text(&self) -> String {
        let Self { method, target, now, nonce, body } = self;
        format!("{method}\n{target}\n{}\n{nonce}\n{}", now.as_second(), sha256_hex(body))
    }
}

impl Keys {
    /// From the `his` secret: the application id, and base64 keys with the current one first.
    pub fn new(app_id: &str, keys_base64: &[String]) -> Result<Self, KeyError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if !(1..=APP_ID_BYTES_MAX).contains(&app_id.len()) || !app_id.bytes().all(plain) {
            return Err(KeyError::AppId);
        }
        if keys_base64.len() > KEYS_MAX {
            return Err(KeyError::Count);
        }
        let mut keys = keys_base64.iter().map(|text| parse(text));
        let current = keys.next().ok_or(KeyError::Count)??;
        Ok(Self { app_id: app_id.to_owned(), current, previous: keys.next().transpose()? })
    }

    /// The name both sides know the application by.
    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    /// The signature of a request, lower-case hex.
    pub(super) fn sign(&self, request: Request<'_>) -> String {
        hex(hmac::sign(&self.current, request.text().as_bytes()).as_ref())
    }

    /// Whether one of the keys has signed this request: the machine signs what it sends to us as we sign our calls.
    pub fn has_signed(&self, request: Request<'_>, signature: &str) -> bool {
        self.fits(&request.text(), signature)
    }

    /// Whether one of the keys has signed this answer.
    pub(super) fn verifies(&self, answer: Answer<'_>, signature: &str) -> bool {
        let Answer { status, nonce, body } = answer;
        self.fits(&format!("{status}\n{nonce}\n{}", sha256_hex(body)), signature)
    }

    fn fits(&self, text: &str, signature: &str) -> bool {
        let fits = |key: &hmac::Key| {
            let expected = hex(hmac::sign(key, text.as_bytes()).as_ref());
            verify_slices_are_equal(expected.as_bytes(), signature.as_bytes()).is_ok()
        };
        fits(&self.current) || self.previous.as_ref().is_some_and(fits)
    }
}

fn parse(text: &str) -> Result<hmac::Key, KeyError> {
    let bytes = STANDARD.decode(text).map_err(|_| KeyError::Key)?;
    if bytes.len() == KEY_BYTES { Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes)) } else { Err(KeyError::Key) }
}

fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 });
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Signatures computed with Python's hmac and hashlib over the texts of tests/his/README.md; the keys are the bytes
    // 0..31 and 32..63.
    const FIRST: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const SECOND: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
    const NONCE: &str = "00112233445566778899aabbccddeeff";
    const BODY: &[u8] = br#"{"card_no":"V20180031"}"#;
    const REQUEST_SIGNATURE: &str = "cbd3c0cde57456fdda1612fbb8711e10ddb7f540b6ff654bb9da7d534f00bd2a";
    const DAY_FILE_SIGNATURE: &str = "7142d14c50e5341b6d32177edd29b05010fed545e955dc65d247267e7ac4a59c";
    const ANSWER_BODY: &[u8] = r#"{"code":0,"error":"","message":"","data":{"note":"空腹"}}"#.as_bytes();
    const ANSWER_SIGNATURE_BY_FIRST: &str = "1e2039428f1e6af7b5f0b382e73e86536df4d466608e3c5b0d73e755ca9a39b9";
    const ANSWER_SIGNATURE_BY_SECOND: &str = "9c5eabc81cddc4903eba40bf7f63516cbcada6720411285fedf4fef40678e198";

    fn keys(keys: &[&str]) -> Result<Keys, KeyError> {
        Keys::new("menzhen-test", &keys.iter().map(|&key| key.to_owned()).collect::<Vec<_>>())
    }

    fn request<'a>(method: &'a str, target: &'a str, body: &'a [u8]) -> Request<'a> {
        Request { method, target, now: Timestamp::from_second(1_795_000_000).unwrap(), nonce: NONCE, body }
    }

    #[test]
    fn a_request_is_signed_as_python_signs_it() {
        let keys = keys(&[FIRST, SECOND]).unwrap();
        assert_eq!(keys.sign(request("POST", "/his/v1/fees-unpaid", BODY)), REQUEST_SIGNATURE);
        assert_eq!(keys.sign(request("GET", "/his/v1/day-file?day=2026-11-22", b"")), DAY_FILE_SIGNATURE);
    }

    #[test]
    fn a_request_of_the_machine_is_taken_under_either_key_and_never_changed() {
        let both = keys(&[SECOND, FIRST]).unwrap();
        let sent = request("POST", "/his/v1/fees-unpaid", BODY);
        assert!(both.has_signed(sent, REQUEST_SIGNATURE));
        assert!(!keys(&[SECOND]).unwrap().has_signed(sent, REQUEST_SIGNATURE));
        let changed = [
            Request { target: "/his/v1/fees-post", ..sent },
            Request { nonce: "00112233445566778899aabbccddeefe", ..sent },
            Request { now: Timestamp::from_second(1_795_000_001).unwrap(), ..sent },
            Request { body: b"{}", ..sent },
        ];
        assert!(changed.into_iter().all(|sent| !both.has_signed(sent, REQUEST_SIGNATURE)));
    }

    #[test]
    fn an_answer_of_either_key_is_taken() {
        let answer = Answer { status: 200, nonce: NONCE, body: ANSWER_BODY };
        let both = keys(&[SECOND, FIRST]).unwrap();
        assert!(both.verifies(answer, ANSWER_SIGNATURE_BY_FIRST));
        assert!(both.verifies(answer, ANSWER_SIGNATURE_BY_SECOND));
        let one = keys(&[FIRST]).unwrap();
        assert!(one.verifies(answer, ANSWER_SIGNATURE_BY_FIRST));
        assert!(!one.verifies(answer, ANSWER_SIGNATURE_BY_SECOND));
    }

    #[test]
    fn an_answer_changed_anywhere_is_not() {
        let keys = keys(&[FIRST]).unwrap();
        let answer = Answer { status: 200, nonce: NONCE, body: ANSWER_BODY };
        let changed = [
            Answer { status: 401, ..answer },
            Answer { nonce: "00112233445566778899aabbccddeefe", ..answer },
            Answer { body: b"{}", ..answer },
        ];
        for answer in changed {
            assert!(!keys.verifies(answer, ANSWER_SIGNATURE_BY_FIRST), "{answer:?}");
        }
        for signature in ["", "00", &ANSWER_SIGNATURE_BY_FIRST.to_uppercase()] {
            assert!(!keys.verifies(answer, signature), "{signature}");
        }
    }

    #[test]
    fn settings_are_checked_and_never_shown() {
        assert_eq!(keys(&[]).unwrap_err(), KeyError::Count);
        assert_eq!(keys(&[FIRST, SECOND, FIRST]).unwrap_err(), KeyError::Count);
        assert_eq!(keys(&["AAEC"]).unwrap_err(), KeyError::Key);
        assert_eq!(keys(&[FIRST, "not base64"]).unwrap_err(), KeyError::Key);
        assert_eq!(Keys::new("a b", &[FIRST.to_owned()]).unwrap_err(), KeyError::AppId);
        assert!(!format!("{:?}", keys(&[FIRST]).unwrap()).contains("AAEC"));
    }
}
