//! The ledger of messages: what was told to whom, and what became of it. At most one message per key.

use crate::key::Key;
use crate::table::{StoreError, Table, Write, from_item, number, to_item};
use domain::id::OpenId;
use domain::notice::NoticeKind;
use domain::{Timestamp, time};
use serde::{Deserialize, Serialize};

/// A sender that does not report back within this time is taken for dead. WeChat's own dedupe covers 10 minutes.
pub const SEND_LEASE_S: i64 = 60;
/// How long the ledger keeps an entry.
const KEEP_S: i64 = 180 * 24 * 3600;

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Outcome {
    /// Being sent by somebody, until the lease ends.
    Sending {
        /// End of the lease.
        #[serde(with = "domain::clinic::epoch_s")]
        lease_until: Timestamp,
    },
    /// Accepted by WeChat.
    Sent {
        /// WeChat's number of the message, as text: it exceeds 2^53.
        msgid: String,
    },
    /// Will never be sent, and why (a stable code).
    Dropped {
        /// Such as `not_following`, `no_template`, `no_longer_true`.
        why: String,
    },
}

/// An entry of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeRecord {
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Tries so far.
    pub tries: u32,
    /// Counts writes.
    pub ver: u64,
}

/// Whether a message may be sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// Yes: ours until the lease ends. The record to finish.
    Send(NoticeRecord),
    /// It is settled; nothing to do.
    Settled(Outcome),
    /// Somebody else is at it.
    Busy,
}

impl Table {
    /// An entry of the ledger.
    pub async fn notice(
        &self,
        kind: NoticeKind,
        about: &str,
        account: &OpenId,
    ) -> Result<Option<NoticeRecord>, StoreError> {
        self.get(&Key::notice(kind.code(), about, account)).await
    }

    /// Takes the right to send a message, once per key.
    pub async fn begin_notice(
        &self,
        kind: NoticeKind,
        about: &str,
        account: &OpenId,
        now: Timestamp,
    ) -> Result<Begin, StoreError> {
        let key = Key::notice(kind.code(), about, account);
        let lease_until = time::add_seconds(now, SEND_LEASE_S);
        let first = NoticeRecord { outcome: Outcome::Sending { lease_until }, tries: 1, ver: 1 };
        let seen = match self.put_new(item_of(&key, &first, now)?).await? {
            Write::Done => return Ok(Begin::Send(first)),
            Write::Refused(None) => return Ok(Begin::Busy),
            Write::Refused(Some(item)) => from_item::<NoticeRecord>(item)?,
        };
        match &seen.outcome {
            Outcome::Sending { lease_until } if *lease_until > now => Ok(Begin::Busy),
            Outcome::Sending { .. } => {
                let again = NoticeRecord {
                    outcome: Outcome::Sending { lease_until },
                    tries: seen.tries + 1,
                    ver: seen.ver + 1,
                };
                let written = self.put_versioned(item_of(&key, &again, now)?, seen.ver).await?;
                Ok(if written.is_done() { Begin::Send(again) } else { Begin::Busy })
            }
            settled => Ok(Begin::Settled(settled.clone())),
        }
    }

    /// Records what became of a message we had the right to send. Losing the race against a newer holder is fine.
    pub async fn finish_notice(
        &self,
        kind: NoticeKind,
        about: &str,
        account: &OpenId,
        held: &NoticeRecord,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let key = Key::notice(kind.code(), about, account);
        let record = NoticeRecord { outcome, tries: held.tries, ver: held.ver + 1 };
        self.put_versioned(item_of(&key, &record, now)?, held.ver).await.map(drop)
    }
}

fn item_of(key: &Key, record: &NoticeRecord, now: Timestamp) -> Result<crate::table::Item, StoreError> {
    let mut item = to_item(key, record)?;
    item.insert("ttl".into(), number(now.as_second() + KEEP_S));
    Ok(item)
}
