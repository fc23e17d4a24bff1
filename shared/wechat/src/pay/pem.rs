//! PEM, as keys and certificates arrive.

use x509_cert::der::pem::decode_vec;

/// The bytes of a PEM text that carries one of the labels.
pub(super) fn decode(text: &str, labels: &[&str]) -> Option<Vec<u8>> {
    let (label, bytes) = decode_vec(text.trim().as_bytes()).ok()?;
    labels.contains(&label).then_some(bytes)
}
