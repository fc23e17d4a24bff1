//! Small cryptographic steps several protocols share.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

/// Bytes of a SHA-1 digest.
pub(crate) const SHA1_LEN: usize = 20;

/// SHA-1 over the parts joined without a separator. WeChat's callback and JS-SDK signatures prescribe SHA-1.
pub(crate) fn sha1(parts: &[&[u8]]) -> [u8; SHA1_LEN] {
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    for part in parts {
        context.update(part);
    }
    let mut digest = [0; SHA1_LEN];
    for (to, from) in digest.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    digest
}

/// SHA-1 over the parts sorted by bytes, as the callback signs its query.
pub(crate) fn sha1_sorted<const N: usize>(mut parts: [&[u8]; N]) -> [u8; SHA1_LEN] {
    parts.sort_unstable();
    sha1(&parts)
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 });
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]).collect()
}

/// Equality in constant time (for equal lengths).
pub(crate) fn same(left: &[u8], right: &[u8]) -> bool {
    verify_slices_are_equal(left, right).is_ok()
}

/// Whether `text` is `digest` in lower-case hexadecimal, compared in constant time.
pub(crate) fn is_hex_of(text: &str, digest: &[u8]) -> bool {
    same(text.as_bytes(), hex(digest).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha1_and_hex_agree_with_the_published_digest() {
        assert_eq!(hex(&sha1(&[b"a", b"bc"])), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(sha1_sorted([b"bc", b"a"]), sha1(&[b"abc"]));
    }

    #[test]
    fn a_digest_is_compared_whole() {
        let digest = sha1(&[b"abc"]);
        assert!(is_hex_of(&hex(&digest), &digest));
        assert!(!is_hex_of("a9993e", &digest));
        assert!(!is_hex_of("", &digest));
    }
}
