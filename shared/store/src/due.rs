//! The one index for time: what is due, by worker and shard.

use crate::key::Key;
use crate::table::{Item, StoreError, Table, number, text};
use domain::Timestamp;
use domain::due::{Deadlines, Worker};

/// Partitions of the index per worker. A tick asks each; one takes about 1,000 writes a second.
pub const SHARDS: u32 = 8;
/// The index's name.
pub const INDEX: &str = "due";

/// The index partition of an item for `worker`: a hash of its own partition key, so that a rush spreads.
pub fn partition(worker: Worker, pk: &str) -> String {
    format!("{}#{}", worker.code(), hash(pk) % SHARDS)
}

/// FNV-1a: stable across releases, unlike the standard hasher.
pub(crate) fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Puts the item into the index at its earliest deadline, or leaves it out when nothing is due.
pub(crate) fn stamp(item: &mut Item, pk: &str, deadlines: &Deadlines) {
    if let Some((worker, at)) = deadlines.earliest() {
        item.insert("due_pk".into(), text(partition(worker, pk)));
        item.insert("due_at".into(), number(at.as_second()));
    }
}

impl Table {
    /// Keys of items due for `worker` in `shard` by `now`, earliest first, at most about `limit`: whole pages. The caller
    /// re-reads each.
    pub async fn due(&self, worker: Worker, shard: u32, now: Timestamp, limit: i32) -> Result<Vec<Key>, StoreError> {
        let (mut keys, mut start) = (Vec::new(), None);
        loop {
            let request = self.client.query().table_name(&self.name).index_name(INDEX);
            let answer = request
                .key_condition_expression("due_pk = :pk AND due_at <= :now")
                .expression_attribute_values(":pk", text(format!("{}#{shard}", worker.code())))
                .expression_attribute_values(":now", number(now.as_second()))
                .limit(limit)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(StoreError::unavailable("query due"))?;
            keys.extend(answer.items.unwrap_or_default().iter().filter_map(key_of));
            let full = usize::try_from(limit).is_ok_and(|limit| keys.len() >= limit);
            start = answer.last_evaluated_key.filter(|_| !full);
            if start.is_none() {
                return Ok(keys);
            }
        }
    }
}

fn key_of(item: &Item) -> Option<Key> {
    let part = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    Some(Key::new(part("pk")?, part("sk")?))
}
