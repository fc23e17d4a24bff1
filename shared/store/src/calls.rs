//! The call list: people whom no message reaches, for staff to ring up.
//!
//! One item per message that matters and did not arrive. It names the patient and what is to be said, never a phone
//! number: that is opened for whoever makes the call.

use crate::key::{CALL_LIST, Key};
use crate::table::{StoreError, Table, number, to_item};
use domain::id::PatientId;
use domain::notice::NoticeKind;
use domain::{Timestamp, time};
use serde::{Deserialize, Serialize};

/// Calls read at most; a list that long is an emergency of another sort.
const CALLS_MAX: i32 = 500;
/// Tries to write down a call when somebody else wrote it in between.
const NOTE_TRIES_MAX: u32 = 5;
/// How long a call is kept after it was due, in seconds.
const KEEP_S: i64 = 90 * 24 * 3600;

/// How a call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    /// The patient, or who looks after them, knows.
    Reached,
    /// Nobody answered; the call stays on the list.
    NotReached,
}

/// One call made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallMade {
    /// By whom.
    pub by: String,
    /// When.
    #[serde(with = "domain::clinic::epoch_s")]
    pub at: Timestamp,
    /// How it went.
    pub outcome: CallOutcome,
}

/// Somebody to ring up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallToMake {
    /// What is to be said.
    pub kind: NoticeKind,
    /// What it is about: the item's own id.
    pub about: String,
    /// The item.
    pub item: Key,
    /// Whom to ask for.
    pub patient: PatientId,
    /// Why no message arrived (a stable code).
    pub why: String,
    /// Since when.
    #[serde(with = "domain::clinic::epoch_s")]
    pub since: Timestamp,
    /// Until when it must be said to be of use.
    #[serde(with = "domain::clinic::epoch_s")]
    pub due_by: Timestamp,
    /// Calls made so far.
    #[serde(default)]
    pub made: Vec<CallMade>,
    /// Counts writes.
    pub ver: u64,
}

impl CallToMake {
    /// What it is known by in addresses: `kind-about`.
    pub fn id(&self) -> String {
        call_id(self.kind, &self.about)
    }

    /// Whether somebody still has to ring.
    pub fn is_open(&self) -> bool {
        !self.made.iter().any(|call| call.outcome == CallOutcome::Reached)
    }
}

fn call_id(kind: NoticeKind, about: &str) -> String {
    format!("{}-{about}", kind.code())
}

impl Table {
    /// Puts a call on the list, once.
    pub async fn put_call(&self, call: &CallToMake) -> Result<(), StoreError> {
        self.put_new(item_of(call)?).await.map(drop)
    }

    /// Every call to be made, the most urgent first.
    pub async fn calls_to_make(&self) -> Result<Vec<CallToMake>, StoreError> {
        let mut calls: Vec<CallToMake> = self.query(CALL_LIST, "", CALLS_MAX).await?;
        calls.retain(CallToMake::is_open);
        calls.sort_by_key(|call| call.due_by);
        Ok(calls)
    }

    /// A call, by [`CallToMake::id`].
    pub async fn call_to_make(&self, id: &str) -> Result<Option<CallToMake>, StoreError> {
        self.get(&Key::call(id)).await
    }

    /// Writes down a call that was made; none when there was none to make.
    pub async fn note_call(&self, id: &str, made: &CallMade) -> Result<Option<CallToMake>, StoreError> {
        for _ in 0..NOTE_TRIES_MAX {
            let Some(seen) = self.call_to_make(id).await? else { return Ok(None) };
            let mut after = CallToMake { ver: seen.ver + 1, ..seen.clone() };
            after.made.push(made.clone());
            if self.put_versioned(item_of(&after)?, seen.ver).await?.is_done() {
                return Ok(Some(after));
            }
        }
        Err(StoreError::Contended)
    }
}

fn item_of(call: &CallToMake) -> Result<crate::table::Item, StoreError> {
    let mut item = to_item(&Key::call(&call.id()), call)?;
    item.insert("ttl".into(), number(time::add_seconds(call.due_by, KEEP_S).as_second()));
    Ok(item)
}
