//! The ledger of messages: what was told to whom, and what became of it. At most one message per key.
//!
//! A message that has to wait, or that did not arrive, carries the deadline `notify` itself, so that the reminder finds
//! it in the time index; so does a text until the SMS service has said whether it arrived. How a message in WeChat ended
//! comes from WeChat under WeChat's number of it; whichever of the two is written first, that number or its end, waits for
//! the other.

use crate::due;
use crate::key::{GATE, Key, NOTICE_PREFIX, ORDER_PREFIX, REPORT_PREFIX, SELF, WAITLIST_PREFIX};
use crate::patients::Patient;
use crate::table::{Item, StoreError, Table, Write, from_item, number, to_item};
use domain::due::{Deadline, Deadlines};
use domain::notice::{About, NoticeKind, Recipient, ReportNews};
use domain::{Timestamp, time};
use serde::{Deserialize, Serialize};

/// A sender that does not report back within this time is taken for dead. WeChat's own dedupe covers 10 minutes.
pub const SEND_LEASE_S: i64 = 60;
/// How long the ledger keeps an entry.
const KEEP_S: i64 = 180 * 24 * 3600;
/// How long WeChat's number of a message is known: its end comes within minutes.
const MSGID_KEEP_S: i64 = 3 * 24 * 3600;
/// Messages about one visit or order shown at most: every kind to everybody of a family.
const LISTED_MAX: i32 = 200;
/// When the SMS service is asked whether a text arrived, in minutes after it was taken: most carriers say so at once, and the
/// last within three days, in which a phone that is off may be switched on. The service keeps what they say for seven.
pub const ASKED_AFTER_MIN: [i64; 5] = [5, 60, 6 * 60, 24 * 60, 72 * 60];
/// How often the end of a message is written again when somebody else wrote the entry in between.
const END_TRIES_MAX: u32 = 3;

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
    /// To be sent from this instant on: the reader sleeps, a quota is used up, or a try has failed.
    Waiting {
        /// From when.
        #[serde(with = "domain::clinic::epoch_s")]
        until: Timestamp,
    },
    /// Accepted by WeChat or the SMS service.
    Sent {
        /// Their number of the message, as text: WeChat's exceeds 2^53.
        msgid: String,
    },
    /// Arrived, as WeChat or the carrier says.
    Delivered,
    /// Accepted, and then it did not arrive.
    Failed {
        /// `blocked`, `failed`, or `unknown` when nobody can say.
        why: String,
    },
    /// Will never be sent, and why (a stable code).
    Dropped {
        /// Such as `not_following`, `no_template`, `no_longer_true`.
        why: String,
    },
}

/// How a message ended, as WeChat tells of it later, or the SMS service when asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It arrived.
    Delivered,
    /// The reader has blocked the account.
    Blocked,
    /// It did not arrive.
    Failed,
}

impl End {
    fn outcome(self) -> Outcome {
        match self {
            Self::Delivered => Outcome::Delivered,
            Self::Blocked => Outcome::Failed { why: "blocked".into() },
            Self::Failed => Outcome::Failed { why: "failed".into() },
        }
    }
}

/// One message: what, about which item, to whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// What it says.
    pub kind: NoticeKind,
    /// What the ledger knows it by beside its kind: an appointment, an order or a refund.
    pub about: String,
    /// The item it is read from.
    pub item: Key,
    /// Where it goes.
    pub to: Recipient,
    /// Whether it is a copy of what somebody else is told.
    pub is_copy: bool,
}

impl Letter {
    /// Where its entry lives.
    pub fn key(&self) -> Key {
        Key::notice(&self.about, self.kind, &self.to)
    }
}

/// An entry of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeRecord {
    /// The message.
    #[serde(flatten)]
    pub letter: Letter,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Tries so far.
    pub tries: u32,
    /// When it is to be looked at again.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// When that last changed.
    #[serde(with = "domain::clinic::epoch_s")]
    pub at: Timestamp,
    /// Counts writes.
    pub ver: u64,
}

impl NoticeRecord {
    /// The text the SMS service has taken, by its number, when nobody knows yet whether it arrived.
    pub fn text_underway(&self) -> Option<&str> {
        match (&self.outcome, &self.letter.to) {
            (Outcome::Sent { msgid }, Recipient::Phone) if !msgid.is_empty() => Some(msgid),
            _ => None,
        }
    }

    /// When the service is asked next after such a text; none when nobody will say any more.
    pub fn asked_next(&self, now: Timestamp) -> Option<Timestamp> {
        self.text_underway()?;
        ASKED_AFTER_MIN.iter().map(|after_min| time::add_minutes(self.at, *after_min)).find(|at| *at > now)
    }

    /// The next state of the entry. What waits, what did not arrive, and a text that may not, is looked at again.
    fn after(&self, outcome: Outcome, tries: u32, now: Timestamp) -> Self {
        let deadlines = match &outcome {
            Outcome::Waiting { until } if *until > now => Deadlines::none().with(Deadline::Notify, *until),
            Outcome::Failed { .. } => Deadlines::none().with(Deadline::Notify, now),
            _ => Deadlines::none(),
        };
        let after = Self { outcome, tries, deadlines, at: now, ver: self.ver + 1, letter: self.letter.clone() };
        match after.asked_next(now) {
            Some(at) => Self { deadlines: Deadlines::none().with(Deadline::Notify, at), ..after },
            None => after,
        }
    }
}

/// Whether a message may be sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// Yes: ours until the lease ends. The record to finish.
    Send(NoticeRecord),
    /// Yes, but whoever tried before us is gone, and nobody knows whether it went out. The record to finish.
    Again(NoticeRecord),
    /// It waits for its time.
    Waiting,
    /// It is settled; nothing to do.
    Settled(Outcome),
    /// Somebody else is at it.
    Busy,
}

/// What is known under WeChat's number of a message: the entry, or how it ended, whichever came first.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Numbered {
    Entry(Key),
    End(End),
}

#[derive(Debug, Serialize, Deserialize)]
struct NumberedItem {
    known: Numbered,
}

impl Table {
    /// What a message is about, as it is now.
    pub async fn about(&self, key: &Key) -> Result<Option<About>, StoreError> {
        Ok(if key.pk.starts_with(ORDER_PREFIX) {
            self.order_at(key).await?.map(|order| About::Order(Box::new(order)))
        } else if key.pk.starts_with(WAITLIST_PREFIX) {
            self.waiting_at(key).await?.map(|waiting| About::Waiting(Box::new(waiting)))
        } else if key.pk.starts_with(REPORT_PREFIX) {
            self.report_news(key).await?.map(|news| About::Report(Box::new(news)))
        } else if key.sk == GATE {
            About::of_gate(self.gate_at(key).await?)
        } else if key.sk == SELF {
            let patient: Option<Patient> = self.get(key).await?;
            patient.and_then(|patient| patient.news()).map(|news| About::Person(Box::new(news)))
        } else {
            self.appointment_at(key).await?.map(|appointment| About::Appointment(Box::new(appointment)))
        })
    }

    async fn report_news(&self, key: &Key) -> Result<Option<ReportNews>, StoreError> {
        let Some(filed) = self.filed_report_at(key).await? else { return Ok(None) };
        let patient = self.patient(&filed.patient).await?;
        Ok(patient.map(|patient| ReportNews { filed, name_masked: patient.identity.name_masked }))
    }

    /// An entry of the ledger.
    pub async fn notice(&self, key: &Key) -> Result<Option<NoticeRecord>, StoreError> {
        self.get(key).await
    }

    /// Everything that was told about an appointment, an order or a refund.
    pub async fn notices_about(&self, about: &str) -> Result<Vec<NoticeRecord>, StoreError> {
        self.query(&format!("{NOTICE_PREFIX}{about}"), "", LISTED_MAX).await
    }

    /// Takes the right to send a message, once per key.
    pub async fn begin_notice(&self, letter: &Letter, now: Timestamp) -> Result<Begin, StoreError> {
        let sending = || Outcome::Sending { lease_until: time::add_seconds(now, SEND_LEASE_S) };
        let first = first_record(letter, sending(), now);
        let seen = match self.put_new(item_of(&first, now)?).await? {
            Write::Done => return Ok(Begin::Send(first)),
            Write::Refused(None) => return Ok(Begin::Busy),
            Write::Refused(Some(item)) => from_item::<NoticeRecord>(item)?,
        };
        let begin: fn(NoticeRecord) -> Begin = match &seen.outcome {
            Outcome::Sending { lease_until } if *lease_until > now => return Ok(Begin::Busy),
            Outcome::Waiting { until } if *until > now => return Ok(Begin::Waiting),
            Outcome::Sending { .. } => Begin::Again,
            Outcome::Waiting { .. } => Begin::Send,
            settled => return Ok(Begin::Settled(settled.clone())),
        };
        let mine = seen.after(sending(), seen.tries + 1, now);
        let written = self.put_versioned(item_of(&mine, now)?, seen.ver).await?;
        Ok(if written.is_done() { begin(mine) } else { Begin::Busy })
    }

    /// Records what became of a message we had the right to send. Losing the race against a newer holder is fine.
    pub async fn finish_notice(&self, held: &NoticeRecord, outcome: Outcome, now: Timestamp) -> Result<(), StoreError> {
        let number = match &outcome {
            Outcome::Sent { msgid } if !msgid.is_empty() && held.letter.to != Recipient::Phone => Some(msgid.clone()),
            _ => None,
        };
        let record = held.after(outcome, held.tries, now);
        self.put_versioned(item_of(&record, now)?, held.ver).await?;
        match number {
            Some(msgid) => self.note_number(&msgid, &held.letter.key(), now).await,
            None => Ok(()),
        }
    }

    async fn note_number(&self, msgid: &str, entry: &Key, now: Timestamp) -> Result<(), StoreError> {
        match self.put_new(numbered_item(msgid, Numbered::Entry(entry.clone()), now)?).await? {
            Write::Refused(Some(item)) => match from_item::<NumberedItem>(item)?.known {
                Numbered::End(end) => self.end_notice(entry, msgid, end, now).await,
                Numbered::Entry(_) => Ok(()),
            },
            Write::Refused(None) | Write::Done => Ok(()),
        }
    }

    /// Notes how the message with WeChat's number `msgid` ended. Harmless to repeat.
    pub async fn note_end(&self, msgid: &str, end: End, now: Timestamp) -> Result<(), StoreError> {
        match self.put_new(numbered_item(msgid, Numbered::End(end), now)?).await? {
            Write::Refused(Some(item)) => match from_item::<NumberedItem>(item)?.known {
                Numbered::Entry(entry) => self.end_notice(&entry, msgid, end, now).await,
                Numbered::End(_) => Ok(()),
            },
            Write::Refused(None) | Write::Done => Ok(()),
        }
    }

    /// Notes how a message ended that is known by its entry; `msgid` is the number it was sent under. Harmless to repeat.
    pub async fn end_notice(&self, entry: &Key, msgid: &str, end: End, now: Timestamp) -> Result<(), StoreError> {
        for _ in 0..END_TRIES_MAX {
            let Some(seen) = self.notice(entry).await? else { return Ok(()) };
            if !matches!(&seen.outcome, Outcome::Sent { msgid: sent } if sent == msgid) {
                return Ok(());
            }
            let ended = seen.after(end.outcome(), seen.tries, now);
            if self.put_versioned(item_of(&ended, now)?, seen.ver).await?.is_done() {
                return Ok(());
            }
        }
        Err(StoreError::Contended)
    }

    /// Moves the deadline of an entry that has just been queued, if nobody has written it since.
    pub async fn postpone_notice(&self, seen: &NoticeRecord, until: Timestamp) -> Result<(), StoreError> {
        let deadlines = Deadlines::none().with(Deadline::Notify, until);
        self.put_deadlines(seen, deadlines).await
    }

    /// Takes an entry out of the time index that did not arrive, or of which nobody will say any more whether it did.
    pub async fn leave_notice(&self, seen: &NoticeRecord) -> Result<(), StoreError> {
        self.put_deadlines(seen, Deadlines::none()).await
    }

    async fn put_deadlines(&self, seen: &NoticeRecord, deadlines: Deadlines) -> Result<(), StoreError> {
        let record = NoticeRecord { deadlines, ver: seen.ver + 1, ..seen.clone() };
        self.put_versioned(item_of(&record, seen.at)?, seen.ver).await.map(drop)
    }
}

fn first_record(letter: &Letter, outcome: Outcome, now: Timestamp) -> NoticeRecord {
    NoticeRecord { letter: letter.clone(), outcome, tries: 1, deadlines: Deadlines::none(), at: now, ver: 1 }
}

fn item_of(record: &NoticeRecord, now: Timestamp) -> Result<Item, StoreError> {
    let key = record.letter.key();
    let mut item = to_item(&key, record)?;
    due::stamp(&mut item, &key.pk, &record.deadlines);
    item.insert("ttl".into(), number(now.as_second() + KEEP_S));
    Ok(item)
}

fn numbered_item(msgid: &str, known: Numbered, now: Timestamp) -> Result<Item, StoreError> {
    let mut item = to_item(&Key::msgid(msgid), &NumberedItem { known })?;
    item.insert("ttl".into(), number(now.as_second() + MSGID_KEEP_S));
    Ok(item)
}
