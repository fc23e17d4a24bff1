//! What was said between us and the hospital's own system, masked, by day: for whoever looks for a fault, and for
//! acceptance. Kept for as long as the profile says.

use crate::due::hash;
use crate::key::Key;
use crate::table::{StoreError, Table, from_item, number, to_item};
use domain::civil::Date;
use domain::his::HisCall;
use domain::time;
use futures_util::future::try_join_all;

/// Partitions of one day: calls of a busy morning do not queue behind each other.
const SHARDS: u32 = 8;
/// Calls read from one partition at most.
const SHARD_CALLS_MAX: i32 = 100;
const DAY_S: i64 = 24 * 3600;

fn partition(day: Date, shard: u32) -> String {
    format!("HISCALL#{day}#{shard}")
}

impl Table {
    /// Keeps a call under an id of its own.
    pub async fn put_his_call(&self, call: &HisCall, id: &str, kept_days: u16) -> Result<(), StoreError> {
        let pk = partition(time::today(call.at), hash(id) % SHARDS);
        let mut item = to_item(&Key::new(pk, format!("{}#{id}", call.at.as_second())), call)?;
        item.insert("ttl".into(), number(call.at.as_second() + i64::from(kept_days) * DAY_S));
        self.put(item).await
    }

    /// The latest calls of a day, latest first.
    pub async fn his_calls_of(&self, day: Date) -> Result<Vec<HisCall>, StoreError> {
        let partitions: Vec<_> = (0..SHARDS).map(|shard| partition(day, shard)).collect();
        let reads = partitions.iter().map(|pk| self.query_items(pk, "", SHARD_CALLS_MAX, false));
        let items = try_join_all(reads).await?.into_iter().flatten();
        let mut calls = items.map(from_item::<HisCall>).collect::<Result<Vec<_>, _>>()?;
        calls.sort_by_key(|call| std::cmp::Reverse(call.at));
        Ok(calls)
    }
}
