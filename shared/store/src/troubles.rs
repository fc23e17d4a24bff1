//! Troubles that concern everybody: the first to meet one wakes somebody, all others know.

use crate::key::Key;
use crate::table::{StoreError, Table, number, to_item};
use domain::Timestamp;

/// How long a trouble counts as known.
const KNOWN_FOR_S: i64 = 24 * 3600;

impl Table {
    /// Notes a trouble; true for whoever is first within a day, and has to wake somebody.
    pub async fn note_trouble(&self, code: &str, now: Timestamp) -> Result<bool, StoreError> {
        let until = now.as_second() + KNOWN_FOR_S;
        let mut item = to_item(&Key::trouble(code), &serde_json::json!({ "known_until": until }))?;
        item.insert("ttl".into(), number(until));
        // Deleting what has outlived its TTL takes DynamoDB up to days.
        let fresh = "attribute_not_exists(pk) OR known_until <= :now";
        Ok(self.put_if(item, fresh, [(":now", number(now.as_second()))]).await?.is_done())
    }
}
