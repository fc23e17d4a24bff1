//! Files that come inside messages: kept apart from the reports, which know them by digest.

use crate::fault::FaultKind;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use domain::report::{Attachment, Text};
use sha2::{Digest, Sha256};
use std::fmt;

/// The most bytes of one file.
pub const FILE_BYTES_MAX: usize = 6 * 1024 * 1024;

/// Senders pad or do not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The bytes of a file that came along.
#[derive(Clone, PartialEq, Eq)]
pub struct FileBody {
    /// SHA-256, lower-case hex: what the report knows it by.
    pub sha256_hex: Text,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What a file shows is health data: its size only.
impl fmt::Debug for FileBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileBody({} bytes)", self.bytes.len())
    }
}

/// Keeps the bytes, and answers with what the report says of them.
pub(crate) fn keep(
    bytes: Vec<u8>,
    content_type: Option<Text>,
    title: Option<Text>,
    files: &mut Vec<FileBody>,
) -> Attachment {
    let sha256_hex = Text::new(hex(&Sha256::digest(&bytes)));
    let size_bytes = u64::try_from(bytes.len()).ok();
    if !files.iter().any(|file| file.sha256_hex == sha256_hex) {
        files.push(FileBody { sha256_hex: sha256_hex.clone(), bytes });
    }
    Attachment { content_type, title, sha256_hex: Some(sha256_hex), size_bytes, ..Attachment::default() }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

/// Base64 without white space.
pub(crate) fn from_base64(text: &str) -> Result<Vec<u8>, FaultKind> {
    if text.len() / 4 * 3 > FILE_BYTES_MAX {
        return Err(FaultKind::TooLarge);
    }
    BASE64.decode(text).map_err(|_| FaultKind::Syntax)
}

/// Hexadecimal without white space.
pub(crate) fn from_hex(text: &str) -> Result<Vec<u8>, FaultKind> {
    if text.len() / 2 > FILE_BYTES_MAX {
        return Err(FaultKind::TooLarge);
    }
    let pairs = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok());
    pairs.collect::<Option<_>>().ok_or(FaultKind::Syntax)
}
