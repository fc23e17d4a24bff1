//! The server callback: check that a request is WeChat's, open it, and seal the answer.
//!
//! Rules beyond the documentation are ours: a request outside [`TIMESTAMP_WINDOW_S`] is refused, an account set to an
//! encrypted mode refuses clear requests, and of a compatible-mode body only the encrypted half is used, since nothing
//! authenticates the clear fields.

use aes::cipher::block_padding::NoPadding;
use aes::cipher::{Block, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use jiff::Timestamp;

use crate::crypto::{hex, is_hex_of, sha1_sorted};
use crate::document::{DocumentError, Node};
use crate::message::Inbound;
use crate::reply::{Reply, cdata};

/// How far a request's timestamp may lie from now, either way, in seconds. WeChat states none; five minutes is also
/// what WeChat Pay prescribes.
pub const TIMESTAMP_WINDOW_S: i64 = 300;
/// Largest body that is read. A message is about 1 KB, in compatible mode about three times that.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// The bytes that acknowledge a push without an answer. They are never sealed.
pub const ACKNOWLEDGED: &str = "success";

const AES_KEY_CHARS: usize = 43;
const AES_KEY_BYTES: usize = 32;
const IV_BYTES: usize = 16;
const RANDOM_BYTES: usize = 16;
const LENGTH_BYTES: usize = 4;
const HEADER_BYTES: usize = RANDOM_BYTES + LENGTH_BYTES;
const CIPHER_BLOCK_BYTES: usize = 16;
/// PKCS #7 to a multiple of 32, twice the cipher's block, is WeChat's own choice.
const PADDING_BLOCK_BYTES: usize = 32;

/// 43 symbols carry 258 bits; the two spare ones may be anything, which strict decoders refuse.
const KEY_BASE64: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// The account's encryption setting in WeChat's console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Clear bodies.
    Plain,
    /// Clear and encrypted in one body, for a change-over.
    Compatible,
    /// Encrypted bodies only.
    Safe,
}

/// An `EncodingAESKey`.
#[derive(Clone)]
pub struct AesKey([u8; AES_KEY_BYTES]);

/// Text that is not an `EncodingAESKey`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an EncodingAESKey is 43 characters of a-z, A-Z, 0-9")]
pub struct AesKeyError;

impl AesKey {
    /// Reads the 43 characters shown in WeChat's console.
    pub fn parse(text: &str) -> Result<Self, AesKeyError> {
        if text.len() != AES_KEY_CHARS {
            return Err(AesKeyError);
        }
        let bytes = KEY_BASE64.decode(format!("{text}=")).map_err(|_| AesKeyError)?;
        bytes.try_into().map(Self).map_err(|_| AesKeyError)
    }

    fn iv(&self) -> [u8; IV_BYTES] {
        let mut iv = [0; IV_BYTES];
        for (to, from) in iv.iter_mut().zip(self.0) {
            *to = from;
        }
        iv
    }

    /// Decrypts and strips the padding.
    fn decrypt(&self, mut cipher: Vec<u8>) -> Result<Vec<u8>, EnvelopeError> {
        if cipher.is_empty() || !cipher.len().is_multiple_of(CIPHER_BLOCK_BYTES) {
            return Err(EnvelopeError::CipherLength);
        }
        cbc::Decryptor::<aes::Aes256>::new(&self.0.into(), &self.iv().into())
            .decrypt_padded::<NoPadding>(&mut cipher)
            .map_err(|_| EnvelopeError::CipherLength)?;
        let padding = usize::from(*cipher.last().ok_or(EnvelopeError::Padding)?);
        let length = cipher.len().checked_sub(padding).ok_or(EnvelopeError::Padding)?;
        let tail = cipher.get(length..).ok_or(EnvelopeError::Padding)?;
        let is_padding = tail.iter().all(|byte| usize::from(*byte) == padding);
        if padding == 0 || padding > PADDING_BLOCK_BYTES || !is_padding {
            return Err(EnvelopeError::Padding);
        }
        cipher.truncate(length);
        Ok(cipher)
    }

    /// Pads and encrypts.
    fn encrypt(&self, mut clear: Vec<u8>) -> Vec<u8> {
        let padding = PADDING_BLOCK_BYTES - clear.len() % PADDING_BLOCK_BYTES;
        clear.resize(clear.len() + padding, u8::try_from(padding).unwrap_or_default());
        let mut cipher = cbc::Encryptor::<aes::Aes256>::new(&self.0.into(), &self.iv().into());
        let (blocks, _) = Block::<aes::Aes256>::slice_as_chunks_mut(&mut clear);
        cipher.encrypt_blocks(blocks);
        clear
    }
}

impl std::fmt::Debug for AesKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("AesKey(…)")
    }
}

/// The query of a callback request. Absent parameters stay `None`; which are needed depends on the request.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct Query {
    /// Over token, timestamp and nonce.
    pub signature: Option<String>,
    /// Epoch seconds.
    pub timestamp: Option<String>,
    /// WeChat's random text.
    pub nonce: Option<String>,
    /// What the GET check wants back.
    pub echostr: Option<String>,
    /// `aes`, `raw` or absent.
    pub encrypt_type: Option<String>,
    /// Over token, timestamp, nonce and the encrypted text.
    pub msg_signature: Option<String>,
}

impl<K: AsRef<str>, V: Into<String>> FromIterator<(K, V)> for Query {
    /// Collects decoded query pairs; other names are ignored, of a repeated name the last counts.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut query = Self::default();
        for (name, value) in pairs {
            let field = match name.as_ref() {
                "signature" => &mut query.signature,
                "timestamp" => &mut query.timestamp,
                "nonce" => &mut query.nonce,
                "echostr" => &mut query.echostr,
                "encrypt_type" => &mut query.encrypt_type,
                "msg_signature" => &mut query.msg_signature,
                _ => continue,
            };
            *field = Some(value.into());
        }
        query
    }
}

/// A set of settings that cannot work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The token is empty: anyone could sign.
    #[error("the callback token is empty")]
    EmptyToken,
    /// An encrypted mode without a key.
    #[error("an encrypted mode needs an EncodingAESKey")]
    NoAesKey,
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// A query parameter is missing.
    #[error("query parameter {0} is missing")]
    MissingParameter(&'static str),
    /// The timestamp is not a whole number.
    #[error("the timestamp is not a number")]
    BadTimestamp,
    /// The timestamp lies too far from now.
    #[error("the timestamp is {skew_s} s from now")]
    OutsideWindow {
        /// Request time minus now, in seconds.
        skew_s: i64,
    },
    /// The signature is not ours.
    #[error("the signature does not match")]
    Signature,
    /// A clear request although the account is set to encrypt.
    #[error("a clear request is not accepted in this mode")]
    Downgrade,
    /// `encrypt_type` is neither `aes` nor `raw`.
    #[error("the encryption type is not known")]
    EncryptionType,
    /// The body exceeds [`MAX_BODY_BYTES`].
    #[error("the body is too large")]
    BodyTooLarge,
    /// The body is not UTF-8.
    #[error("the body is not UTF-8")]
    BodyNotUtf8,
    /// The body around the encrypted text cannot be read.
    #[error("the envelope cannot be read: {0}")]
    Envelope(DocumentError),
    /// The encrypted text cannot be opened with any key; the reason is the current key's.
    #[error("the encrypted text cannot be opened: {0}")]
    Sealed(#[from] EnvelopeError),
    /// The clear message cannot be read.
    #[error("the message cannot be read: {0}")]
    Message(DocumentError),
}

/// Why one key does not open an encrypted text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// There is no key at all.
    #[error("there is no key")]
    NoKey,
    /// Not base64.
    #[error("not base64")]
    Base64,
    /// Empty, or not whole cipher blocks.
    #[error("the cipher text has no whole number of blocks")]
    CipherLength,
    /// The padding is not 1 to 32 equal bytes.
    #[error("the padding is wrong")]
    Padding,
    /// Shorter than the random bytes and the length.
    #[error("the clear text is too short")]
    TooShort,
    /// The stated length exceeds what is there.
    #[error("the message length is wrong")]
    MessageLength,
    /// For another account.
    #[error("the app id is not ours")]
    AppId,
    /// The message is not UTF-8.
    #[error("the message is not UTF-8")]
    NotUtf8,
}

/// A request that was checked and opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The message.
    pub message: Inbound,
    /// Which key opened it, 0 the current one; `None` for a clear request. The answer is sealed with the same.
    pub key_index: Option<usize>,
    /// The request's nonce, repeated in the sealed answer.
    pub nonce: String,
}

impl Opened {
    /// Whether the body was encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.key_index.is_some()
    }
}

/// The callback of one account.
#[derive(Clone)]
pub struct Callback {
    token: String,
    aes_keys: Vec<AesKey>,
    app_id: String,
    mode: Mode,
}

impl std::fmt::Debug for Callback {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Callback").field("app_id", &self.app_id).field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl Callback {
    /// `aes_keys`: the current one first, then the previous one while requests may still use it.
    pub fn new(
        token: impl Into<String>,
        aes_keys: Vec<AesKey>,
        app_id: impl Into<String>,
        mode: Mode,
    ) -> Result<Self, ConfigError> {
        let token = token.into();
        if token.is_empty() {
            return Err(ConfigError::EmptyToken);
        }
        if mode != Mode::Plain && aes_keys.is_empty() {
            return Err(ConfigError::NoAesKey);
        }
        Ok(Self { token, aes_keys, app_id: app_id.into(), mode })
    }

    /// Checks the GET request WeChat's console sends; the answer is the returned text alone.
    pub fn verify<'q>(&self, query: &'q Query, now: Timestamp) -> Result<&'q str, CallbackError> {
        let request = Signed::of(query, now)?;
        let echo = query.echostr.as_deref().ok_or(CallbackError::MissingParameter("echostr"))?;
        self.check_signature(query, &request)?;
        Ok(echo)
    }

    /// Checks and opens a pushed body, given as received.
    pub fn open(&self, query: &Query, body: &[u8], now: Timestamp) -> Result<Opened, CallbackError> {
        let request = Signed::of(query, now)?;
        if body.len() > MAX_BODY_BYTES {
            return Err(CallbackError::BodyTooLarge);
        }
        let body = std::str::from_utf8(body).map_err(|_| CallbackError::BodyNotUtf8)?;
        let nonce = request.nonce.to_owned();
        match query.encrypt_type.as_deref() {
            Some("aes") => {
                let (clear, key_index) = self.open_sealed(query, &request, body)?;
                let message = Inbound::parse(&clear).map_err(CallbackError::Message)?;
                Ok(Opened { message, key_index: Some(key_index), nonce })
            }
            None | Some("raw" | "") if self.mode == Mode::Plain => {
                self.check_signature(query, &request)?;
                let message = Inbound::parse(body).map_err(CallbackError::Message)?;
                Ok(Opened { message, key_index: None, nonce })
            }
            None | Some("raw" | "") => Err(CallbackError::Downgrade),
            Some(_) => Err(CallbackError::EncryptionType),
        }
    }

    /// The body that answers `opened`: sealed when the request was, else clear. `random` is fresh for each answer.
    pub fn answer(&self, opened: &Opened, reply: &Reply, random: [u8; RANDOM_BYTES], now: Timestamp) -> String {
        let clear = reply.to_xml(&opened.message, now);
        match opened.key_index.and_then(|index| self.aes_keys.get(index)) {
            Some(key) => self.seal_with(key, &clear, &opened.nonce, random, now.as_second()),
            None => clear,
        }
    }

    /// `signature` covers the query only; it decides for GET and for clear bodies.
    fn check_signature(&self, query: &Query, request: &Signed<'_>) -> Result<(), CallbackError> {
        let signature = query.signature.as_deref().ok_or(CallbackError::MissingParameter("signature"))?;
        let digest = sha1_sorted([self.token.as_bytes(), request.timestamp.as_bytes(), request.nonce.as_bytes()]);
        if is_hex_of(signature, &digest) { Ok(()) } else { Err(CallbackError::Signature) }
    }

    fn open_sealed(&self, query: &Query, request: &Signed<'_>, body: &str) -> Result<(String, usize), CallbackError> {
        let signature = query.msg_signature.as_deref().ok_or(CallbackError::MissingParameter("msg_signature"))?;
        let envelope = Node::parse(body).map_err(CallbackError::Envelope)?;
        let sealed = envelope.required("Encrypt").map_err(CallbackError::Envelope)?;
        let digest = self.message_digest(request.timestamp, request.nonce, sealed);
        if !is_hex_of(signature, &digest) {
            return Err(CallbackError::Signature);
        }
        Ok(self.decrypt(sealed)?)
    }

    fn message_digest(&self, timestamp: &str, nonce: &str, sealed: &str) -> [u8; crate::crypto::SHA1_LEN] {
        sha1_sorted([self.token.as_bytes(), timestamp.as_bytes(), nonce.as_bytes(), sealed.as_bytes()])
    }

    /// Tries each key in turn; when none opens it, the current key's reason counts.
    fn decrypt(&self, sealed: &str) -> Result<(String, usize), EnvelopeError> {
        let cipher = STANDARD.decode(sealed).map_err(|_| EnvelopeError::Base64)?;
        let mut first_error = None;
        for (index, key) in self.aes_keys.iter().enumerate() {
            match key.decrypt(cipher.clone()).and_then(|clear| self.message_in(&clear)) {
                Ok(message) => return Ok((message, index)),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.unwrap_or(EnvelopeError::NoKey))
    }

    /// Layout: 16 random bytes, length of the message (4 bytes, big-endian), message, app id.
    fn message_in(&self, clear: &[u8]) -> Result<String, EnvelopeError> {
        let (_, rest) = clear.split_at_checked(RANDOM_BYTES).ok_or(EnvelopeError::TooShort)?;
        let (length, rest) = rest.split_first_chunk::<LENGTH_BYTES>().ok_or(EnvelopeError::TooShort)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| EnvelopeError::MessageLength)?;
        let (message, app_id) = rest.split_at_checked(length).ok_or(EnvelopeError::MessageLength)?;
        if app_id != self.app_id.as_bytes() {
            return Err(EnvelopeError::AppId);
        }
        String::from_utf8(message.to_vec()).map_err(|_| EnvelopeError::NotUtf8)
    }

    fn seal_with(&self, key: &AesKey, clear: &str, nonce: &str, random: [u8; RANDOM_BYTES], now_s: i64) -> String {
        let timestamp = now_s.to_string();
        let sealed = self.encrypt(key, clear, random);
        let signature = hex(&self.message_digest(&timestamp, nonce, &sealed));
        format!(
            "<xml><Encrypt><![CDATA[{sealed}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>\
             <TimeStamp>{timestamp}</TimeStamp><Nonce>{}</Nonce></xml>",
            cdata(nonce)
        )
    }

    fn encrypt(&self, key: &AesKey, message: &str, random: [u8; RANDOM_BYTES]) -> String {
        // A reply is far below 4 GiB: `Reply` bounds it.
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        let capacity = HEADER_BYTES + message.len() + self.app_id.len() + PADDING_BLOCK_BYTES;
        let mut clear = Vec::with_capacity(capacity);
        clear.extend_from_slice(&random);
        clear.extend_from_slice(&length.to_be_bytes());
        clear.extend_from_slice(message.as_bytes());
        clear.extend_from_slice(self.app_id.as_bytes());
        STANDARD.encode(key.encrypt(clear))
    }
}

/// What every request's signature covers, with the time already checked.
struct Signed<'q> {
    timestamp: &'q str,
    nonce: &'q str,
}

impl<'q> Signed<'q> {
    fn of(query: &'q Query, now: Timestamp) -> Result<Self, CallbackError> {
        let timestamp = query.timestamp.as_deref().ok_or(CallbackError::MissingParameter("timestamp"))?;
        let nonce = query.nonce.as_deref().ok_or(CallbackError::MissingParameter("nonce"))?;
        let sent_s: i64 = timestamp.parse().map_err(|_| CallbackError::BadTimestamp)?;
        let skew_s = sent_s.saturating_sub(now.as_second());
        if skew_s.saturating_abs() > TIMESTAMP_WINDOW_S {
            return Err(CallbackError::OutsideWindow { skew_s });
        }
        Ok(Self { timestamp, nonce })
    }
}

#[cfg(test)]
mod tests;
