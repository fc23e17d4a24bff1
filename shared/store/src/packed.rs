//! Large sealed things: compressed, sealed, and cut where one item would be too large.
//!
//! What fits stays in the item it belongs to. Otherwise its pieces are written first, under a name nobody else uses, and
//! the item that names them decides: a crash in between leaves pieces that nobody reads, and they age away.

use crate::key::Key;
use crate::seal::{Keyring, SealNonce};
use crate::table::{Item, StoreError, Table, number};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::Timestamp;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use std::io::{Read, Write as _};

/// The most bytes of one piece: an item holds 400 KB, with its keys and whatever else stands in it.
pub(crate) const PIECE_BYTES_MAX: usize = 300 * 1024;
/// The most bytes that come out of sealed ones: nothing larger is taken in.
const CLEAR_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Where sealed bytes are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Packed {
    /// Here.
    Here(#[serde(with = "serde_bytes_attribute")] Vec<u8>),
    /// In so many pieces of their own, known by this name.
    Pieces {
        /// Part of their sort key.
        name: String,
        /// How many.
        count: usize,
    },
}

/// Bytes as a binary attribute: a list of numbers would be five times as large.
mod serde_bytes_attribute {
    use serde::{Deserializer, Serializer, de};
    use std::fmt;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl de::Visitor<'_> for Bytes {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
        }
        deserializer.deserialize_byte_buf(Bytes)
    }
}

/// What packing takes beside the bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packing<'a> {
    /// The partition the pieces lie in.
    pub(crate) pk: &'a str,
    /// What is sealed: a text sealed for one purpose does not open as another.
    pub(crate) purpose: &'a str,
    /// Fresh for each packing; it also names the pieces.
    pub(crate) nonce: SealNonce,
    /// When the pieces age away.
    pub(crate) until: Timestamp,
}

fn deflated(clear: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(clear).and_then(|()| encoder.finish()).map_err(StoreError::unavailable("compress"))
}

fn inflated(packed: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut clear = Vec::new();
    DeflateDecoder::new(packed).take(CLEAR_BYTES_MAX).read_to_end(&mut clear).map_err(|_| StoreError::Sealed)?;
    Ok(clear)
}

/// Compressed and sealed.
pub(crate) fn seal(keys: &Keyring, clear: &[u8], purpose: &str, nonce: SealNonce) -> Result<Vec<u8>, StoreError> {
    keys.seal_bytes(&deflated(clear)?, purpose, nonce)
}

/// What [`seal`] sealed.
pub(crate) fn open(keys: &Keyring, sealed: &[u8], purpose: &str) -> Result<Vec<u8>, StoreError> {
    inflated(&keys.open_bytes(sealed, purpose)?)
}

/// A binary attribute.
pub(crate) fn blob(bytes: Vec<u8>) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

/// The bytes of a binary attribute.
pub(crate) fn bytes_of<'a>(item: &'a Item, name: &str) -> Option<&'a [u8]> {
    item.get(name)?.as_b().ok().map(Blob::as_ref)
}

fn piece_key(pk: &str, name: &str, place: usize) -> Key {
    Key::new(pk, format!("PIECE#{name}#{place:03}"))
}

fn name_of(nonce: SealNonce) -> String {
    nonce.iter().fold(String::new(), |name, byte| format!("{name}{byte:02x}"))
}

impl Table {
    /// Seals bytes; what is too large for one item is written in pieces at once.
    pub(crate) async fn pack(&self, keys: &Keyring, clear: &[u8], packing: Packing<'_>) -> Result<Packed, StoreError> {
        let sealed = seal(keys, clear, packing.purpose, packing.nonce)?;
        if sealed.len() <= PIECE_BYTES_MAX {
            return Ok(Packed::Here(sealed));
        }
        let name = name_of(packing.nonce);
        let pieces: Vec<&[u8]> = sealed.chunks(PIECE_BYTES_MAX).collect();
        try_join_all(pieces.iter().enumerate().map(|(place, piece)| {
            let Key { pk, sk } = piece_key(packing.pk, &name, place);
            let fields = [
                ("pk", AttributeValue::S(pk)),
                ("sk", AttributeValue::S(sk)),
                ("bytes", blob(piece.to_vec())),
                ("ttl", number(packing.until.as_second())),
            ];
            self.put(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        }))
        .await?;
        Ok(Packed::Pieces { name, count: pieces.len() })
    }

    /// What was packed.
    pub(crate) async fn unpack(
        &self,
        keys: &Keyring,
        packed: &Packed,
        pk: &str,
        purpose: &str,
    ) -> Result<Vec<u8>, StoreError> {
        let (name, count) = match packed {
            Packed::Here(sealed) => return open(keys, sealed, purpose),
            Packed::Pieces { name, count } => (name, *count),
        };
        let pieces = try_join_all((0..count).map(|place| async move {
            let item = self.get_item(&piece_key(pk, name, place)).await?.ok_or(StoreError::Sealed)?;
            bytes_of(&item, "bytes").map(<[u8]>::to_vec).ok_or(StoreError::Sealed)
        }))
        .await?;
        open(keys, &pieces.concat(), purpose)
    }

    /// Takes the pieces of something away that nothing names any more.
    pub(crate) async fn drop_pieces(&self, packed: &Packed, pk: &str) -> Result<(), StoreError> {
        let Packed::Pieces { name, count } = packed else { return Ok(()) };
        let keys: Vec<_> = (0..*count).map(|place| piece_key(pk, name, place)).collect();
        try_join_all(keys.iter().map(|key| self.take(key))).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keyring {
        use base64::Engine;
        let key = base64::engine::general_purpose::STANDARD.encode([1; 32]);
        let json = serde_json::json!({"current": 1, "keys": {"1": {"seal": key, "index": key}}});
        Keyring::from_secret(&json.to_string()).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_and_shrinks() {
        let clear = b"{\"sections\":[],\"texts\":[]}".repeat(100);
        let sealed = seal(&keys(), &clear, "report", [3; 12]).unwrap();
        assert!(sealed.len() < clear.len() / 5);
        assert_eq!(open(&keys(), &sealed, "report").unwrap(), clear);
        assert!(open(&keys(), &sealed, "file").is_err());
    }

    #[test]
    fn bytes_are_a_binary_attribute() {
        let packed = Packed::Here(vec![0, 255, 7]);
        let value: AttributeValue = serde_dynamo::to_attribute_value(&packed).unwrap();
        assert_eq!(value.as_m().unwrap()["here"].as_b().unwrap().as_ref(), [0, 255, 7]);
        assert_eq!(serde_dynamo::from_attribute_value::<_, Packed>(value).unwrap(), packed);
    }
}
