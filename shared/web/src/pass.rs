//! Small signed things of the clinic day: a pass that opens one live view for a few minutes without a session, and the
//! code on a desk's screen that shows that somebody stands in front of it.
//!
//! A pass says what it opens and until when; whoever has it may look, so it carries nothing about a person, it is never
//! made for longer than [`PASS_S`], and it dies by itself: a link that is taken back closes an open page within that time.
//! A desk's code is six digits of a keyed hash of the desk and the five minutes: it cannot be kept for tomorrow, nor
//! checked in with from home for long.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// A pass opens for this long, in seconds.
pub const PASS_S: i64 = 600;
/// A desk's code changes after this long, in seconds; the one before counts still, so that nobody types in vain.
pub const CODE_STEP_S: i64 = 300;
/// Digits of a desk's code.
pub const CODE_DIGITS: usize = 6;
/// A million codes.
const CODES: u64 = 1_000_000;
const KEY_BYTES: usize = 32;
/// 128 bits of HMAC-SHA256.
const TAG_BYTES: usize = 16;
/// Separates the two uses of a key.
const PASS_CONTEXT: &str = "pass";
const CODE_CONTEXT: &str = "code";

/// The keys that sign passes and codes: the current one signs, all of them open.
#[derive(Clone)]
pub struct PassKeys(Vec<hmac::Key>);

impl std::fmt::Debug for PassKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PassKeys(…)")
    }
}

/// There is no key, or one is not 32 bytes of base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("keys are 32 bytes of base64, at least one")]
pub struct PassKeysError;

/// Why a pass opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PassError {
    /// Not signed by us.
    #[error("not a pass of ours")]
    Forged,
    /// Over.
    #[error("the pass is over")]
    Expired,
}

impl PassKeys {
    /// From base64 texts, the current key first.
    pub fn parse<T: AsRef<str>>(keys: &[T]) -> Result<Self, PassKeysError> {
        let key = |text: &T| {
            let bytes = base64::engine::general_purpose::STANDARD.decode(text.as_ref()).ok();
            let bytes = bytes.filter(|bytes| bytes.len() == KEY_BYTES).ok_or(PassKeysError)?;
            Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
        };
        let keys: Vec<_> = keys.iter().map(key).collect::<Result<_, _>>()?;
        if keys.is_empty() { Err(PassKeysError) } else { Ok(Self(keys)) }
    }

    /// A pass that opens `subject` for [`PASS_S`] from `now_s` on. The subject holds no dot.
    pub fn pass(&self, subject: &str, now_s: i64) -> String {
        self.pass_for(subject, now_s, PASS_S)
    }

    /// A pass that opens `subject` for a shorter time, in seconds.
    pub fn pass_for(&self, subject: &str, now_s: i64, life_s: i64) -> String {
        let said = format!("{}.{subject}", now_s.saturating_add(life_s.min(PASS_S)));
        let tag = self.0.first().map(|key| tag(key, &said)).unwrap_or_default();
        format!("{said}.{tag}")
    }

    /// What a pass opens at `now_s`. The subject of an expired pass of ours is known, too: see [`PassKeys::subject`].
    pub fn open<'p>(&self, pass: &'p str, now_s: i64) -> Result<&'p str, PassError> {
        let (expires_s, subject) = self.read(pass)?;
        if expires_s > now_s { Ok(subject) } else { Err(PassError::Expired) }
    }

    /// What a pass of ours opened, over or not: to lead its reader back.
    pub fn subject<'p>(&self, pass: &'p str) -> Result<&'p str, PassError> {
        self.read(pass).map(|(_, subject)| subject)
    }

    fn read<'p>(&self, pass: &'p str) -> Result<(i64, &'p str), PassError> {
        let (said, given) = pass.rsplit_once('.').ok_or(PassError::Forged)?;
        if !self.0.iter().any(|key| same(&tag(key, said), given)) {
            return Err(PassError::Forged);
        }
        let (expires_s, subject) = said.split_once('.').ok_or(PassError::Forged)?;
        Ok((expires_s.parse().map_err(|_| PassError::Forged)?, subject))
    }

    /// The code of a desk at `now_s`.
    pub fn desk_code(&self, desk: &str, now_s: i64) -> String {
        self.0.first().map(|key| code(key, desk, now_s.div_euclid(CODE_STEP_S))).unwrap_or_default()
    }

    /// Whether this is the code of a desk, or was within the step before.
    pub fn is_desk_code(&self, desk: &str, given: &str, now_s: i64) -> bool {
        let step = now_s.div_euclid(CODE_STEP_S);
        let codes = self.0.iter().flat_map(|key| [step, step.saturating_sub(1)].map(|step| code(key, desk, step)));
        // A fold, not a search: how long it takes says nothing about which one fits.
        codes.fold(false, |found, code| same(&code, given) | found)
    }
}

fn code(key: &hmac::Key, desk: &str, step: i64) -> String {
    let hash = hmac::sign(key, format!("{CODE_CONTEXT}\n{desk}\n{step}").as_bytes());
    let number = hash.as_ref().iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{:0CODE_DIGITS$}", number % CODES)
}

fn tag(key: &hmac::Key, said: &str) -> String {
    let hash = hmac::sign(key, format!("{PASS_CONTEXT}\n{said}").as_bytes());
    URL_SAFE_NO_PAD.encode(hash.as_ref().get(..TAG_BYTES).unwrap_or_default())
}

fn same(ours: &str, given: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(ours.as_bytes(), given.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const NEW: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

    fn keys(texts: &[&str]) -> PassKeys {
        PassKeys::parse(texts).unwrap()
    }

    #[test]
    fn a_pass_opens_what_it_says_until_it_is_over() {
        let (old, both) = (keys(&[OLD]), keys(&[NEW, OLD]));
        let pass = old.pass("a-1:queue", 1_000);
        assert_eq!(both.open(&pass, 1_000 + PASS_S - 1), Ok("a-1:queue"));
        assert_eq!(both.open(&pass, 1_000 + PASS_S), Err(PassError::Expired));
        assert_eq!(both.subject(&pass), Ok("a-1:queue"));
        assert_eq!(keys(&[NEW]).open(&pass, 1_000), Err(PassError::Forged));
        for forged in [pass.replace("a-1", "a-2"), pass.replacen("1600", "9600", 1), String::new(), "..".into()] {
            assert_eq!(both.open(&forged, 1_000), Err(PassError::Forged), "{forged}");
        }
    }

    #[test]
    fn a_desks_code_lives_for_two_steps_and_belongs_to_one_desk() {
        let keys = keys(&[OLD]);
        let code = keys.desk_code("dept:NK", 3_000);
        assert_eq!(code.len(), CODE_DIGITS);
        assert!(keys.is_desk_code("dept:NK", &code, 3_000 + 2 * CODE_STEP_S - 1));
        assert!(!keys.is_desk_code("dept:NK", &code, 3_000 + 2 * CODE_STEP_S));
        assert!(!keys.is_desk_code("dept:WK", &code, 3_000));
        assert!(!keys.is_desk_code("dept:NK", "", 3_000));
    }

    #[test]
    fn keys_are_whole_and_print_nothing() {
        assert!(PassKeys::parse::<&str>(&[]).is_err());
        assert!(PassKeys::parse(&["AAAA"]).is_err());
        assert_eq!(format!("{:?}", keys(&[OLD])), "PassKeys(…)");
    }
}
