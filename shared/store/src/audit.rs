//! Who looked at or changed what: written by what staff do, readable by day.
//!
//! An entry names a member of staff, a deed and an opaque id. Never a name, a number of a document, or what somebody
//! typed.

use crate::due::hash;
use crate::key::Key;
use crate::table::{StoreError, Table, number, to_item};
use domain::civil::Date;
use domain::id::AuditId;
use domain::{Timestamp, time};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

/// Partitions of one day: entries of a busy morning do not queue behind each other.
const SHARDS: u32 = 8;
/// Entries read from one partition at most.
const SHARD_ENTRIES_MAX: i32 = 10_000;
/// The law asks for six months (网络安全法, Art. 21); a year shows the same season again.
pub const AUDIT_KEPT_DAYS: i64 = 400;
const DAY_S: i64 = 24 * 3600;

/// One deed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When.
    #[serde(with = "domain::clinic::epoch_s")]
    pub at: Timestamp,
    /// Who: a login, or the name of a machine's token.
    pub who: String,
    /// What, as a stable code: `sign_in`, `check_in`, `cancel_appointment`.
    pub what: String,
    /// About which appointment, person, clinic or account: an opaque id.
    pub about: String,
}

fn partition(day: Date, shard: u32) -> String {
    format!("AUDIT#{day}#{shard}")
}

impl Table {
    /// Writes an entry. A repeat under the same id, in the same second, writes the same entry.
    pub async fn put_audit(&self, entry: &AuditEntry, id: &AuditId) -> Result<(), StoreError> {
        let pk = partition(time::today(entry.at), hash(id.as_str()) % SHARDS);
        let mut item = to_item(&Key::new(pk, format!("{}#{id}", entry.at.as_second())), entry)?;
        item.insert("ttl".into(), number(entry.at.as_second() + AUDIT_KEPT_DAYS * DAY_S));
        self.put(item).await
    }

    /// The entries of a day, in order of time.
    pub async fn audit_of(&self, day: Date) -> Result<Vec<AuditEntry>, StoreError> {
        let partitions: Vec<_> = (0..SHARDS).map(|shard| partition(day, shard)).collect();
        let reads = partitions.iter().map(|pk| self.query::<AuditEntry>(pk, "", SHARD_ENTRIES_MAX));
        let mut entries: Vec<_> = try_join_all(reads).await?.into_iter().flatten().collect();
        entries.sort_by(|a, b| (a.at, &a.who).cmp(&(b.at, &b.who)));
        Ok(entries)
    }
}
