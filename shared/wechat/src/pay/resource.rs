//! The encrypted part of a notification.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Algorithm, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const KEY_BYTES: usize = 32;

/// The `APIv3` key of the merchant's console.
#[derive(Clone)]
pub struct ApiV3Key([u8; KEY_BYTES]);

impl std::fmt::Debug for ApiV3Key {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("ApiV3Key(…)")
    }
}

/// Text that is no `APIv3` key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an APIv3 key is 32 ASCII letters and digits")]
pub struct ApiV3KeyError;

impl ApiV3Key {
    /// Reads the 32 characters.
    pub fn parse(text: &str) -> Result<Self, ApiV3KeyError> {
        let is_ascii = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let bytes = text.as_bytes().try_into().map_err(|_| ApiV3KeyError)?;
        if is_ascii { Ok(Self(bytes)) } else { Err(ApiV3KeyError) }
    }
}

/// Why an encrypted resource cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResourceError {
    /// Another algorithm than `AEAD_AES_256_GCM`.
    #[error("the algorithm is not known")]
    Algorithm,
    /// The nonce is not 12 bytes.
    #[error("the nonce is not 12 bytes")]
    Nonce,
    /// Not base64.
    #[error("the cipher text is not base64")]
    Base64,
    /// No key opens it: nearly always the `APIv3` key was changed in the console.
    #[error("no APIv3 key opens it")]
    Authentication,
}

/// The `resource` of a notification.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Resource {
    algorithm: String,
    ciphertext: String,
    #[serde(default)]
    associated_data: Option<String>,
    nonce: String,
}

impl Resource {
    /// Opens it with the first key that fits.
    pub(super) fn open(&self, keys: &[ApiV3Key]) -> Result<Vec<u8>, ResourceError> {
        if self.algorithm != "AEAD_AES_256_GCM" {
            return Err(ResourceError::Algorithm);
        }
        let mut last = Err(ResourceError::Authentication);
        for key in keys {
            last = self.open_with(&AES_256_GCM, &key.0);
            if last != Err(ResourceError::Authentication) {
                break;
            }
        }
        last
    }

    fn open_with(&self, algorithm: &'static Algorithm, key: &[u8]) -> Result<Vec<u8>, ResourceError> {
        let nonce: [u8; NONCE_LEN] = self.nonce.as_bytes().try_into().map_err(|_| ResourceError::Nonce)?;
        let mut buffer = STANDARD.decode(&self.ciphertext).map_err(|_| ResourceError::Base64)?;
        let key = UnboundKey::new(algorithm, key).map_err(|_| ResourceError::Authentication)?;
        let associated_data = self.associated_data.as_deref().unwrap_or_default();
        let clear = LessSafeKey::new(key)
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(associated_data), &mut buffer)
            .map_err(|_| ResourceError::Authentication)?;
        Ok(clear.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::aead::AES_128_GCM;

    use super::*;

    /// The published suite uses keys of 16 bytes, which no real account has.
    fn open_published(resource: &Resource, key: &str) -> Vec<u8> {
        resource.open_with(&AES_128_GCM, key.as_bytes()).unwrap()
    }

    /// Encrypts as WeChat Pay does.
    fn seal(key: &str, clear: &str) -> serde_json::Value {
        let nonce = *b"abcdefghijkl";
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_bytes()).unwrap());
        let mut buffer = clear.as_bytes().to_vec();
        let nonce_value = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(nonce_value, Aad::from("transaction"), &mut buffer).unwrap();
        serde_json::json!({
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": STANDARD.encode(buffer),
            "associated_data": "transaction",
            "nonce": "abcdefghijkl",
        })
    }

    fn resource(value: serde_json::Value) -> Resource {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_published_example_opens() {
        let vectors: serde_json::Value = serde_json::from_str(include_str!("../../tests/vectors/wechat.json")).unwrap();
        let vectors = vectors["vectors"].as_array().unwrap();
        let example = vectors.iter().find(|v| v["id"] == "pay.gcm.wechatpay-go").unwrap();
        let mut value = example["input"].clone();
        value["algorithm"] = "AEAD_AES_256_GCM".into();
        let clear = open_published(&resource(value), example["input"]["apiv3_key"].as_str().unwrap());
        assert_eq!(clear, example["expect"]["plaintext"].as_str().unwrap().as_bytes());
    }

    #[test]
    fn the_published_notification_opens() {
        let vectors: serde_json::Value = serde_json::from_str(include_str!("../../tests/vectors/wechat.json")).unwrap();
        let vectors = vectors["vectors"].as_array().unwrap();
        let example = vectors.iter().find(|v| v["id"] == "pay.notify.wechatpay-go").unwrap();
        let body: serde_json::Value = serde_json::from_str(example["input"]["body"].as_str().unwrap()).unwrap();
        let key = example["input"]["apiv3_key"].as_str().unwrap();
        let clear = open_published(&resource(body["resource"].clone()), key);
        assert_eq!(clear, example["expect"]["clear"].as_str().unwrap().as_bytes());
    }

    #[test]
    fn the_previous_key_still_opens() {
        let (new, old) = ("n".repeat(KEY_BYTES), "o".repeat(KEY_BYTES));
        let keys = [ApiV3Key::parse(&new).unwrap(), ApiV3Key::parse(&old).unwrap()];
        for key in [&new, &old] {
            assert_eq!(resource(seal(key, "{}")).open(&keys), Ok(b"{}".to_vec()));
        }
        let other = resource(seal(&"x".repeat(KEY_BYTES), "{}"));
        assert_eq!(other.open(&keys), Err(ResourceError::Authentication));
        assert_eq!(other.open(&[]), Err(ResourceError::Authentication));
    }

    #[test]
    fn every_refusal_is_its_own() {
        let key = "k".repeat(KEY_BYTES);
        let keys = [ApiV3Key::parse(&key).unwrap()];
        let cases = [
            ("algorithm", "AEAD_SM4_GCM", ResourceError::Algorithm),
            ("nonce", "short", ResourceError::Nonce),
            ("ciphertext", "%%%", ResourceError::Base64),
            ("ciphertext", "", ResourceError::Authentication),
            ("ciphertext", "AAAA", ResourceError::Authentication),
            ("associated_data", "refund", ResourceError::Authentication),
        ];
        for (field, text, error) in cases {
            let mut value = seal(&key, "{}");
            value[field] = text.into();
            assert_eq!(resource(value).open(&keys), Err(error), "{field}");
        }
        for bad in ["", "k", &"k".repeat(33), &"门".repeat(11), &"!".repeat(32)] {
            assert_eq!(ApiV3Key::parse(bad).err(), Some(ApiV3KeyError), "{bad}");
        }
    }
}
