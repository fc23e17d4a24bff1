//! The one source of randomness: the operating system's, through aws-lc.

use store::StoreError;
use store::identity::IdentityNonces;
use store::reports::Nonces;
use store::seal::SealNonce;

/// Bytes as lower-case hex: hashes and random bytes where text is asked for.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Where random bytes come from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Random;

/// The operating system gave no random bytes: nothing secret can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no random bytes from the operating system")]
pub struct NoRandomness;

impl Random {
    /// Fresh random bytes.
    #[expect(clippy::disallowed_methods, reason = "the one source of randomness")]
    pub fn bytes<const N: usize>(self) -> Result<[u8; N], NoRandomness> {
        let mut bytes = [0; N];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(bytes)
    }

    /// What sealing one identity takes.
    pub fn identity_nonces(self) -> Result<IdentityNonces, NoRandomness> {
        Ok(IdentityNonces { name: self.bytes()?, document: self.bytes()?, phone: self.bytes()? })
    }
}

impl Nonces for Random {
    fn fresh(&self) -> Result<SealNonce, StoreError> {
        self.bytes().map_err(StoreError::no_randomness)
    }
}
