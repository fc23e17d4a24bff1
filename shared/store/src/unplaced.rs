//! Messages with results that were not taken in: kept whole and sealed, until they are or staff lay them aside.

use crate::due;
use crate::key::{Key, UNPLACED};
use crate::packed::{Packed, Packing};
use crate::reports::Nonces;
use crate::seal::Keyring;
use crate::table::{Item, StoreError, Table, Write, from_item, number, text, to_item};
use crate::transaction::part;
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use domain::id::UnplacedId;
use domain::report::unplaced::{Obstacle, Settled, Unplaced};
use domain::{Timestamp, time};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

/// Messages read at once, first come first.
pub const OPEN_MAX: i32 = 200;
/// Messages that wait for one number, read at once.
const AWAITING_MAX: i32 = 200;
/// How long a message is kept, in days: no longer than the reports it would be.
const KEPT_DAYS: i64 = 365;
/// How often a message is moved on when somebody else did in between.
const TRIES_MAX: u32 = 5;
const DAY_S: i64 = 24 * 3600;
/// Keeps numbers of people apart from other blind indexes.
const NUMBER: &str = "result-number";

/// A message to keep.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a> {
    /// What is known of it.
    pub message: &'a Unplaced,
    /// What was sent.
    pub body: &'a [u8],
    /// Numbers of the people it is about: when one of them becomes known, it is tried again.
    pub numbers: &'a [String],
}

#[derive(Clone, Serialize, Deserialize)]
struct Stored {
    #[serde(flatten)]
    message: Unplaced,
    body: Packed,
    /// When it ages away, in epoch seconds.
    ttl: i64,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    id: UnplacedId,
}

fn purpose_of(id: &UnplacedId) -> String {
    format!("unplaced:{id}")
}

fn item_of(stored: &Stored) -> Result<Item, StoreError> {
    let key = Key::unplaced(&stored.message.id);
    let mut item = to_item(&key, stored)?;
    due::stamp(&mut item, &key.pk, &stored.message.deadlines);
    Ok(item)
}

impl Table {
    /// Keeps a message that was not taken in. One that is there already is one more try; the message as it is now.
    pub async fn keep_unplaced(
        &self,
        keys: &Keyring,
        kept: Kept<'_>,
        nonces: &dyn Nonces,
        now: Timestamp,
    ) -> Result<Unplaced, StoreError> {
        let Kept { message, body, numbers } = kept;
        if self.get_item(&Key::unplaced(&message.id)).await?.is_some() {
            return self.try_unplaced_again(&message.id, &message.obstacle, now).await;
        }
        let until = time::add_seconds(now, KEPT_DAYS * DAY_S);
        let (pk, purpose) = (Key::unplaced(&message.id).pk, purpose_of(&message.id));
        let packing = Packing { pk: &pk, purpose: &purpose, nonce: nonces.fresh()?, until };
        let body = self.pack(keys, body, packing).await?;
        let stored = Stored { message: message.clone(), body, ttl: until.as_second() };
        self.await_numbers(keys, message, numbers, until).await?;
        let writes = vec![part!(self.putting_new(item_of(&stored)?), put)?, self.open_entry(message)?];
        match self.transact(writes).await? {
            Write::Done => Ok(stored.message),
            // The same came twice at once.
            Write::Refused(_) => self.try_unplaced_again(&message.id, &message.obstacle, now).await,
        }
    }

    /// Which numbers it waits for. Written first: an entry without its message is skipped.
    async fn await_numbers(
        &self,
        keys: &Keyring,
        message: &Unplaced,
        numbers: &[String],
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let indexes = numbers.iter().map(|number| keys.sign(number, NUMBER));
        try_join_all(indexes.map(|index| async move {
            let mut item = to_item(&Key::awaiting(&index, &message.id), &Entry { id: message.id.clone() })?;
            item.insert("ttl".into(), number(until.as_second()));
            self.put(item).await
        }))
        .await
        .map(drop)
    }

    /// A message that was not taken in, without what it says.
    pub async fn unplaced(&self, id: &UnplacedId) -> Result<Option<Unplaced>, StoreError> {
        Ok(self.stored_unplaced(id).await?.map(|stored| stored.message))
    }

    /// The message at a key of the time index.
    pub async fn unplaced_at(&self, key: &Key) -> Result<Option<Unplaced>, StoreError> {
        self.get(key).await
    }

    /// What was sent.
    pub async fn unplaced_body(&self, keys: &Keyring, id: &UnplacedId) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(stored) = self.stored_unplaced(id).await? else { return Ok(None) };
        self.unpack(keys, &stored.body, &Key::unplaced(id).pk, &purpose_of(id)).await.map(Some)
    }

    /// Messages that staff have to look at, first come first.
    pub async fn open_unplaced(&self) -> Result<Vec<Unplaced>, StoreError> {
        let entries: Vec<Entry> = self.query(UNPLACED, "", OPEN_MAX).await?;
        let messages = try_join_all(entries.iter().map(|entry| self.unplaced(&entry.id))).await?;
        Ok(messages.into_iter().flatten().filter(Unplaced::is_open).collect())
    }

    /// Notes one more try in vain; a message that had been settled is open again.
    pub async fn try_unplaced_again(
        &self,
        id: &UnplacedId,
        obstacle: &Obstacle,
        now: Timestamp,
    ) -> Result<Unplaced, StoreError> {
        let moved = self.move_unplaced(id, |message| Some(message.tried(obstacle.clone(), now))).await?;
        moved.ok_or(StoreError::Contended)
    }

    /// Brings a message to its end; none when it was there already, or there is none.
    pub async fn settle_unplaced(&self, id: &UnplacedId, settled: &Settled) -> Result<Option<Unplaced>, StoreError> {
        self.move_unplaced(id, |message| message.is_open().then(|| message.ended(settled.clone()))).await
    }

    /// Has every message that waits for somebody with this number tried again at once.
    pub async fn hurry_unplaced(&self, keys: &Keyring, number: &str, now: Timestamp) -> Result<usize, StoreError> {
        let mut hurried = 0;
        for id in self.awaiting(keys, number).await? {
            let hurry = |message: &Unplaced| message.is_open().then(|| message.hurried(now));
            hurried += usize::from(self.move_unplaced(&id, hurry).await?.is_some());
        }
        Ok(hurried)
    }

    /// The messages that wait for somebody with this number, or did.
    pub async fn awaiting(&self, keys: &Keyring, number: &str) -> Result<Vec<UnplacedId>, StoreError> {
        let mut waiting = Vec::new();
        for index in keys.indexes(number, NUMBER) {
            let entries: Vec<Entry> = self.query(&format!("AWAITS#{index}"), "", AWAITING_MAX).await?;
            waiting.extend(entries.into_iter().map(|entry| entry.id));
        }
        Ok(waiting)
    }

    async fn stored_unplaced(&self, id: &UnplacedId) -> Result<Option<Stored>, StoreError> {
        self.get_item(&Key::unplaced(id)).await?.map(from_item).transpose()
    }

    async fn move_unplaced(
        &self,
        id: &UnplacedId,
        change: impl Fn(&Unplaced) -> Option<Unplaced>,
    ) -> Result<Option<Unplaced>, StoreError> {
        for _ in 0..TRIES_MAX {
            let Some(seen) = self.stored_unplaced(id).await? else { return Ok(None) };
            let Some(message) = change(&seen.message) else { return Ok(None) };
            let (was_open, is_open) = (seen.message.is_open(), message.is_open());
            let after = Stored { message, ..seen.clone() };
            let mut writes = vec![part!(self.putting_versioned(item_of(&after)?, seen.message.ver), put)?];
            match (was_open, is_open) {
                (false, true) => writes.push(self.open_entry(&after.message)?),
                (true, false) => writes.push(self.closed_entry(&after.message)?),
                _ => {}
            }
            if self.transact(writes).await?.is_done() {
                return Ok(Some(after.message));
            }
        }
        Err(StoreError::Contended)
    }

    fn open_entry(&self, message: &Unplaced) -> Result<TransactWriteItem, StoreError> {
        let item = to_item(&Key::open_unplaced(message.received_at, &message.id), &Entry { id: message.id.clone() })?;
        part!(Put::builder().table_name(&self.name).set_item(Some(item)), put)
    }

    fn closed_entry(&self, message: &Unplaced) -> Result<TransactWriteItem, StoreError> {
        let Key { pk, sk } = Key::open_unplaced(message.received_at, &message.id);
        part!(Delete::builder().table_name(&self.name).key("pk", text(pk)).key("sk", text(sk)), delete)
    }
}
