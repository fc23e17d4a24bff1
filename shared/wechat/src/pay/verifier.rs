//! Checking that an answer or a notification is WeChat Pay's.

use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey};
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};

use super::pem;
use crate::crypto::hex;

/// How far a signature's timestamp may lie from now, either way, in seconds; from this on it is refused.
pub const SIGNATURE_WINDOW_S: i64 = 300;
/// Signatures WeChat Pay makes wrong on purpose, now and then, start with this.
pub const PROBE_PREFIX: &str = "WECHATPAY/SIGNTEST/";
/// How the id of a public key starts; any other is a certificate's serial.
const PUBLIC_KEY_ID_PREFIX: &str = "PUB_KEY_ID_";

/// Settings that make no platform key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlatformKeyError {
    /// A public key's id starts with `PUB_KEY_ID_`.
    #[error("the id of a public key starts with PUB_KEY_ID_")]
    Id,
    /// No PEM of a public key.
    #[error("the public key cannot be read")]
    PublicKey,
    /// No PEM of a certificate.
    #[error("the certificate cannot be read")]
    Certificate,
    /// The serial in the settings is not the certificate's own.
    #[error("the serial is not the certificate's")]
    Serial,
    /// Not an RSA key of at least 2048 bits.
    #[error("not an RSA key of 2048 bits or more")]
    Rsa,
    /// There is no key at all.
    #[error("there is no platform key")]
    None,
    /// Two keys have the same id.
    #[error("two platform keys have the same id")]
    Twice,
}

/// One of WeChat Pay's keys.
#[derive(Debug)]
pub struct PlatformKey {
    id: String,
    verifying: ParsedPublicKey,
    encrypting: OaepPublicEncryptingKey,
}

impl PlatformKey {
    /// A WeChat Pay public key (`PUB_KEY_ID_…`, `-----BEGIN PUBLIC KEY-----`).
    pub fn public_key(id: impl Into<String>, public_key_pem: &str) -> Result<Self, PlatformKeyError> {
        let id = id.into();
        if !id.starts_with(PUBLIC_KEY_ID_PREFIX) {
            return Err(PlatformKeyError::Id);
        }
        let der = pem::decode(public_key_pem, &["PUBLIC KEY"]).ok_or(PlatformKeyError::PublicKey)?;
        Self::from_der(id, &der)
    }

    /// A platform certificate, known by its serial in hexadecimal.
    pub fn certificate(serial: &str, certificate_pem: &str) -> Result<Self, PlatformKeyError> {
        let der = pem::decode(certificate_pem, &["CERTIFICATE"]).ok_or(PlatformKeyError::Certificate)?;
        let certificate = Certificate::from_der(&der).map_err(|_| PlatformKeyError::Certificate)?;
        let certificate = certificate.tbs_certificate();
        let own_serial = hex(certificate.serial_number().as_bytes());
        if without_leading_zeros(&own_serial) != without_leading_zeros(serial) {
            return Err(PlatformKeyError::Serial);
        }
        let key = certificate.subject_public_key_info().to_der().map_err(|_| PlatformKeyError::Certificate)?;
        Self::from_der(serial.to_owned(), &key)
    }

    fn from_der(id: String, spki: &[u8]) -> Result<Self, PlatformKeyError> {
        let verifying = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, spki).map_err(|_| PlatformKeyError::Rsa)?;
        let encrypting = PublicEncryptingKey::from_der(spki).map_err(|_| PlatformKeyError::Rsa)?;
        let encrypting = OaepPublicEncryptingKey::new(encrypting).map_err(|_| PlatformKeyError::Rsa)?;
        Ok(Self { id, verifying, encrypting })
    }

    /// `PUB_KEY_ID_…` or the certificate's serial.
    pub fn id(&self) -> &str {
        &self.id
    }

    fn is(&self, serial: &str) -> bool {
        if self.id.starts_with(PUBLIC_KEY_ID_PREFIX) {
            self.id == serial
        } else {
            without_leading_zeros(&self.id) == without_leading_zeros(serial)
        }
    }
}

/// Serials are numbers: leading zeros and case say nothing. Of text that is no number only itself comes out.
fn without_leading_zeros(serial: &str) -> String {
    serial.trim_start_matches('0').to_ascii_lowercase()
}

/// The signature headers of an answer or a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignatureHeaders<'h> {
    /// `Wechatpay-Timestamp`, epoch seconds.
    pub timestamp: &'h str,
    /// `Wechatpay-Nonce`.
    pub nonce: &'h str,
    /// `Wechatpay-Signature`, base64.
    pub signature: &'h str,
    /// `Wechatpay-Serial`: which key signed.
    pub serial: &'h str,
}

impl<'h> SignatureHeaders<'h> {
    /// Collects the headers; `header` looks a lower-case name up.
    pub fn from_lookup(header: impl Fn(&str) -> Option<&'h str>) -> Result<Self, VerifyError> {
        let find = |name: &'static str| header(name).ok_or(VerifyError::MissingHeader(name));
        Ok(Self {
            timestamp: find("wechatpay-timestamp")?,
            nonce: find("wechatpay-nonce")?,
            signature: find("wechatpay-signature")?,
            serial: find("wechatpay-serial")?,
        })
    }
}

/// Why something is not accepted as WeChat Pay's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A signature header is missing.
    #[error("header {0} is missing")]
    MissingHeader(&'static str),
    /// WeChat Pay's own probe with a wrong signature. Answer 4xx; no alarm, the event comes again.
    #[error("a signature probe")]
    Probe,
    /// The timestamp is not a whole number.
    #[error("the timestamp is not a number")]
    BadTimestamp,
    /// The timestamp lies too far from now.
    #[error("the timestamp is {skew_s} s from now")]
    OutsideWindow {
        /// Signed time minus now, in seconds.
        skew_s: i64,
    },
    /// Signed with a key that is not in the settings.
    #[error("the signing key is not known")]
    UnknownSerial,
    /// The signature is not base64.
    #[error("the signature is not base64")]
    NotBase64,
    /// The signature does not match.
    #[error("the signature does not match")]
    Mismatch,
}

/// A field only WeChat Pay can read, and the id of the key it was encrypted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedField {
    /// Goes into `Wechatpay-Serial` of the request.
    pub serial: String,
    /// Base64.
    pub ciphertext: String,
}

/// WeChat Pay's keys, the current one first.
#[derive(Debug)]
pub struct Verifier {
    current: PlatformKey,
    others: Vec<PlatformKey>,
}

impl Verifier {
    /// Several keys are valid while WeChat Pay moves from one to the next.
    pub fn new(keys: Vec<PlatformKey>) -> Result<Self, PlatformKeyError> {
        let mut keys = keys.into_iter();
        let current = keys.next().ok_or(PlatformKeyError::None)?;
        let others: Vec<_> = keys.collect();
        let all = || std::iter::once(&current).chain(&others);
        if all().any(|key| all().filter(|other| other.is(&key.id)).count() > 1) {
            return Err(PlatformKeyError::Twice);
        }
        Ok(Self { current, others })
    }

    /// The id to send as `Wechatpay-Serial`, which also decides the key answers are signed with.
    pub fn current_id(&self) -> &str {
        &self.current.id
    }

    /// Checks a signature over a body as received. The key is the one `Wechatpay-Serial` names, never another.
    pub fn verify(&self, headers: &SignatureHeaders<'_>, body: &[u8], now: Timestamp) -> Result<(), VerifyError> {
        if headers.signature.starts_with(PROBE_PREFIX) {
            return Err(VerifyError::Probe);
        }
        let signed_s: i64 = headers.timestamp.parse().map_err(|_| VerifyError::BadTimestamp)?;
        let skew_s = signed_s.saturating_sub(now.as_second());
        if skew_s.saturating_abs() >= SIGNATURE_WINDOW_S {
            return Err(VerifyError::OutsideWindow { skew_s });
        }
        self.verify_signature(headers, body)
    }

    fn verify_signature(&self, headers: &SignatureHeaders<'_>, body: &[u8]) -> Result<(), VerifyError> {
        let mut keys = std::iter::once(&self.current).chain(&self.others);
        let key = keys.find(|key| key.is(headers.serial)).ok_or(VerifyError::UnknownSerial)?;
        let signature = STANDARD.decode(headers.signature).map_err(|_| VerifyError::NotBase64)?;
        let mut text = format!("{}\n{}\n", headers.timestamp, headers.nonce).into_bytes();
        text.extend_from_slice(body);
        text.push(b'\n');
        key.verifying.verify_sig(&text, &signature).map_err(|_| VerifyError::Mismatch)
    }

    /// Encrypts a sensitive field (RSA-OAEP, SHA-1) for the current key. `None` when it is longer than the key takes
    /// (214 bytes for 2048 bits).
    pub fn encrypt(&self, field: &str) -> Option<SealedField> {
        let key = &self.current.encrypting;
        let mut buffer = vec![0; key.ciphertext_size()];
        let sealed = key.encrypt(&OAEP_SHA1_MGF1SHA1, field.as_bytes(), &mut buffer, None).ok()?;
        Some(SealedField { serial: self.current.id.clone(), ciphertext: STANDARD.encode(sealed) })
    }
}
