//! Sealing of personal data, and finding it without opening it.
//!
//! Names, document numbers and phones are stored sealed (AES-256-GCM) and found by a keyed hash (HMAC-SHA-256), the
//! blind index. Keys are versioned: new data takes the current version, old data opens with the version it names.

use crate::table::StoreError;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Random bytes for one sealing.
pub type SealNonce = [u8; NONCE_LEN];

/// The keys of one version.
struct KeyPair {
    seal: LessSafeKey,
    index: hmac::Key,
}

/// All live keys. Holds secrets: no `Debug` of its contents.
pub struct Keyring {
    current: u32,
    keys: BTreeMap<u32, KeyPair>,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring").field("current", &self.current).finish_non_exhaustive()
    }
}

/// Why the identity secret does not make a keyring.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// Not the expected JSON.
    #[error("identity secret is not readable")]
    Unreadable,
    /// A key is not 32 bytes of base64.
    #[error("identity key is not 32 bytes of base64")]
    BadKey,
    /// The current version is not among the keys.
    #[error("the current identity key is missing")]
    NoCurrent,
}

#[derive(Deserialize)]
struct SecretText {
    current: u32,
    keys: BTreeMap<u32, KeyText>,
}

#[derive(Deserialize)]
struct KeyText {
    seal: String,
    index: String,
}

impl Keyring {
    /// From the identity secret: `{"current":1,"keys":{"1":{"seal":"…","index":"…"}}}`, 32 bytes of base64 each.
    pub fn from_secret(json: &str) -> Result<Self, KeyringError> {
        let secret: SecretText = serde_json::from_str(json).map_err(|_| KeyringError::Unreadable)?;
        let pair = |(version, key): (u32, KeyText)| key_pair(&key).map(|pair| (version, pair));
        let keys = secret.keys.into_iter().map(pair).collect::<Result<BTreeMap<_, _>, _>>()?;
        if !keys.contains_key(&secret.current) {
            return Err(KeyringError::NoCurrent);
        }
        Ok(Self { current: secret.current, keys })
    }

    /// Seals `clear` for one `purpose` (a field name: text sealed for one field does not open as another).
    pub fn seal(&self, clear: &str, purpose: &str, nonce: SealNonce) -> Result<String, StoreError> {
        let pair = self.keys.get(&self.current).ok_or(StoreError::Sealed)?;
        let mut bytes = clear.as_bytes().to_vec();
        pair.seal
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(purpose.as_bytes()), &mut bytes)
            .map_err(|_| StoreError::Sealed)?;
        let packed = [nonce.as_slice(), &bytes].concat();
        Ok(format!("{}.{}", self.current, STANDARD.encode(packed)))
    }

    /// Opens what [`seal`](Self::seal) sealed for the same purpose.
    pub fn open(&self, sealed: &str, purpose: &str) -> Result<String, StoreError> {
        let open = || {
            let (version, packed) = sealed.split_once('.')?;
            let pair = self.keys.get(&version.parse().ok()?)?;
            let packed = STANDARD.decode(packed).ok()?;
            let (nonce, bytes) = packed.split_at_checked(NONCE_LEN)?;
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let mut bytes = bytes.to_vec();
            let clear = pair.seal.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut bytes).ok()?;
            String::from_utf8(clear.to_vec()).ok()
        };
        open().ok_or(StoreError::Sealed)
    }

    /// Seals bytes for one `purpose`: version (4 bytes), nonce, sealed bytes.
    pub fn seal_bytes(&self, clear: &[u8], purpose: &str, nonce: SealNonce) -> Result<Vec<u8>, StoreError> {
        let pair = self.keys.get(&self.current).ok_or(StoreError::Sealed)?;
        let mut bytes = clear.to_vec();
        pair.seal
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(purpose.as_bytes()), &mut bytes)
            .map_err(|_| StoreError::Sealed)?;
        Ok([self.current.to_be_bytes().as_slice(), &nonce, &bytes].concat())
    }

    /// Opens what [`seal_bytes`](Self::seal_bytes) sealed for the same purpose.
    pub fn open_bytes(&self, sealed: &[u8], purpose: &str) -> Result<Vec<u8>, StoreError> {
        let open = || {
            let (version, packed) = sealed.split_first_chunk()?;
            let pair = self.keys.get(&u32::from_be_bytes(*version))?;
            let (nonce, bytes) = packed.split_at_checked(NONCE_LEN)?;
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let mut bytes = bytes.to_vec();
            let length = pair.seal.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut bytes).ok()?.len();
            bytes.truncate(length);
            Some(bytes)
        };
        open().ok_or(StoreError::Sealed)
    }

    /// A signature of `text` for one `purpose`, good as long as the key that made it lives.
    pub fn sign(&self, text: &str, purpose: &str) -> String {
        self.indexes(text, purpose).into_iter().next().unwrap_or_default()
    }

    /// Whether [`sign`](Self::sign) signed this for the same purpose, under any live key.
    pub fn has_signed(&self, signature: &str, text: &str, purpose: &str) -> bool {
        let fits = |index: &String| verify_slices_are_equal(index.as_bytes(), signature.as_bytes()).is_ok();
        self.indexes(text, purpose).iter().any(fits)
    }

    /// The blind index of `clear` under every live version, current first. A claim is made under all of them, so that
    /// a change of keys never lets the same person in twice.
    pub fn indexes(&self, clear: &str, purpose: &str) -> Vec<String> {
        let message = [purpose.as_bytes(), b":", clear.as_bytes()].concat();
        let index = |(version, pair): (&u32, &KeyPair)| {
            let tag = hmac::sign(&pair.index, &message);
            format!("{version}.{}", URL_SAFE_NO_PAD.encode(tag))
        };
        let (current, others): (Vec<_>, Vec<_>) = self.keys.iter().partition(|(version, _)| **version == self.current);
        current.into_iter().chain(others).map(index).collect()
    }
}

fn key_pair(key: &KeyText) -> Result<KeyPair, KeyringError> {
    let bytes = |text: &str| STANDARD.decode(text).ok().filter(|bytes| bytes.len() == 32).ok_or(KeyringError::BadKey);
    let seal = UnboundKey::new(&AES_256_GCM, &bytes(&key.seal)?).map_err(|_| KeyringError::BadKey)?;
    Ok(KeyPair { seal: LessSafeKey::new(seal), index: hmac::Key::new(hmac::HMAC_SHA256, &bytes(&key.index)?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring(current: u32) -> Keyring {
        let key = |byte: u8| STANDARD.encode([byte; 32]);
        let json = serde_json::json!({"current": current, "keys": {
            "1": {"seal": key(1), "index": key(2)}, "2": {"seal": key(3), "index": key(4)}}});
        Keyring::from_secret(&json.to_string()).unwrap()
    }

    #[test]
    fn what_was_sealed_before_a_key_change_still_opens() {
        let sealed = keyring(1).seal("林晓梅", "name", [7; 12]).unwrap();
        assert!(sealed.starts_with("1."));
        assert_eq!(keyring(2).open(&sealed, "name").unwrap(), "林晓梅");
    }

    #[test]
    fn bytes_open_for_their_purpose_under_every_live_key() {
        let sealed = keyring(1).seal_bytes(b"report", "report:1", [7; 12]).unwrap();
        assert_eq!(keyring(2).open_bytes(&sealed, "report:1").unwrap(), b"report");
        assert!(keyring(1).open_bytes(&sealed, "report:2").is_err());
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(keyring(1).open_bytes(&altered, "report:1").is_err(), "{at}");
            assert!(keyring(1).open_bytes(&sealed[..at], "report:1").is_err(), "{at}");
        }
    }

    #[test]
    fn altered_or_misplaced_text_does_not_open() {
        let ring = keyring(1);
        let sealed = ring.seal("林晓梅", "name", [7; 12]).unwrap();
        assert!(ring.open(&sealed, "phone").is_err());
        for wrong in ["", "1", "1.", "1.AAAA", "9.AAAA", "x.y", &sealed.replace('1', "2"), &format!("{sealed}A")] {
            assert!(ring.open(wrong, "name").is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_signature_is_for_one_text_and_one_purpose() {
        let signature = keyring(1).sign("XNK", "screen");
        assert!(keyring(2).has_signed(&signature, "XNK", "screen"), "after a change of keys");
        assert!(!keyring(1).has_signed(&signature, "XNK2", "screen"));
        assert!(!keyring(1).has_signed(&signature, "XNK", "slip"));
        assert!(!keyring(1).has_signed("", "XNK", "screen"));
    }

    #[test]
    fn a_document_is_claimed_under_every_live_key() {
        let (before, after) = (keyring(1).indexes("01:X", "document"), keyring(2).indexes("01:X", "document"));
        assert_eq!(before.len(), 2);
        assert_eq!(before[0], after[1]);
        assert_ne!(before[0], keyring(1).indexes("01:Y", "document")[0]);
        assert_ne!(before[0], keyring(1).indexes("01:X", "phone")[0]);
    }

    #[test]
    fn a_secret_without_its_current_key_is_refused() {
        assert!(matches!(Keyring::from_secret("{}"), Err(KeyringError::Unreadable)));
        assert!(matches!(Keyring::from_secret(r#"{"current":1,"keys":{}}"#), Err(KeyringError::NoCurrent)));
        let short = r#"{"current":1,"keys":{"1":{"seal":"AAAA","index":"AAAA"}}}"#;
        assert!(matches!(Keyring::from_secret(short), Err(KeyringError::BadKey)));
    }
}
