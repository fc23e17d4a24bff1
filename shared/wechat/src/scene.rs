//! Signed QR scenes. A scene is visible and anyone can print a code, so a scene that carries meaning is signed.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::crypto::same;

/// Longest `scene_str` WeChat takes, in characters.
pub const MAX_SCENE_CHARS: usize = 64;
/// Longest payload: what the separator and the tag leave.
pub const MAX_PAYLOAD_CHARS: usize = MAX_SCENE_CHARS - TAG_CHARS - 1;

/// 96 bits of HMAC-SHA256, which base64 turns into 16 characters.
const TAG_BYTES: usize = 12;
const TAG_CHARS: usize = 16;
const SEPARATOR: char = '.';
const KEY_BYTES: usize = 32;

/// The key that signs scenes.
#[derive(Clone)]
pub struct SceneKey(Key);

impl std::fmt::Debug for SceneKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("SceneKey(…)")
    }
}

/// Why a scene cannot be made or trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SceneError {
    /// The payload is empty or longer than [`MAX_PAYLOAD_CHARS`].
    #[error("a scene holds 1 to {MAX_PAYLOAD_CHARS} characters")]
    Length,
    /// The payload holds a character other than a-z, A-Z, 0-9, `-`, `_`, `:`.
    #[error("a scene holds letters, digits, '-', '_' and ':' only")]
    Character,
    /// There is no signature.
    #[error("the scene is not signed")]
    Unsigned,
    /// The signature is not ours.
    #[error("the scene's signature does not match")]
    Forged,
}

impl SceneKey {
    /// A key of 32 random bytes.
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Key::new(HMAC_SHA256, &bytes))
    }

    /// The scene text for a payload: `<payload>.<tag>`.
    pub fn sign(&self, payload: &str) -> Result<String, SceneError> {
        check(payload)?;
        Ok(format!("{payload}{SEPARATOR}{}", self.tag(payload)))
    }

    /// The payload of a scene that was signed with this key.
    pub fn verify<'s>(&self, scene: &'s str) -> Result<&'s str, SceneError> {
        let (payload, tag) = scene.rsplit_once(SEPARATOR).ok_or(SceneError::Unsigned)?;
        check(payload)?;
        if same(tag.as_bytes(), self.tag(payload).as_bytes()) { Ok(payload) } else { Err(SceneError::Forged) }
    }

    fn tag(&self, payload: &str) -> String {
        let tag = sign(&self.0, payload.as_bytes());
        URL_SAFE_NO_PAD.encode(tag.as_ref().get(..TAG_BYTES).unwrap_or_default())
    }
}

fn check(payload: &str) -> Result<(), SceneError> {
    if payload.is_empty() || payload.len() > MAX_PAYLOAD_CHARS {
        return Err(SceneError::Length);
    }
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':');
    if payload.chars().all(is_allowed) { Ok(()) } else { Err(SceneError::Character) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_refusal_is_its_own() {
        let key = SceneKey::new([7; KEY_BYTES]);
        let signed = key.sign("department:ent").unwrap();
        assert_eq!(key.sign(""), Err(SceneError::Length));
        assert_eq!(key.sign(&"a".repeat(MAX_PAYLOAD_CHARS + 1)), Err(SceneError::Length));
        assert_eq!(key.sign("a.b"), Err(SceneError::Character));
        assert_eq!(key.verify("department:ent"), Err(SceneError::Unsigned));
        assert_eq!(key.verify(&signed.replace("ent", "eye")), Err(SceneError::Forged));
        assert_eq!(key.verify("department:ent."), Err(SceneError::Forged));
        assert_eq!(SceneKey::new([8; KEY_BYTES]).verify(&signed), Err(SceneError::Forged));
    }

    proptest! {
        #[test]
        fn what_was_signed_comes_back(payload in "[a-zA-Z0-9_:-]{1,47}") {
            let key = SceneKey::new([7; KEY_BYTES]);
            let scene = key.sign(&payload).unwrap();
            prop_assert!(scene.len() <= MAX_SCENE_CHARS);
            prop_assert_eq!(key.verify(&scene), Ok(payload.as_str()));
        }

        #[test]
        fn garbage_is_refused(scene in "\\PC{0,80}") {
            prop_assert!(SceneKey::new([7; KEY_BYTES]).verify(&scene).is_err());
        }
    }
}
