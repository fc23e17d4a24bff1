//! Our books: every fen that came in or went back, by the day it moved on, as WeChat dates it.
//!
//! | pk | sk |
//! |---|---|
//! | `BOOK#date#shard` | `PAYMENT#out_trade_no` · `REFUND#out_refund_no` |
//!
//! A closed day never changes. What is learnt later about it stands in the books of the day it was learnt on, with the
//! day it belongs to, and a signpost stays behind so that a repeat finds it.

use crate::due;
use crate::key::Key;
use crate::reconciliation::{OPEN, day_key, with_closed_states};
use crate::table::{Item, StoreError, Table, Write, from_item, number, text, to_item};
use crate::transaction::part;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use domain::civil::Date;
use domain::id::{OutRefundNo, OutTradeNo};
use domain::money::Fen;
use domain::reconciliation::{Entry, Kind, Standing};
use domain::{Timestamp, time};
use serde::{Deserialize, Serialize};

/// Partitions of a day's books.
pub const BOOK_SHARDS: u32 = 8;
/// Lines read at once.
const PAGE_LINES_MAX: i32 = 1_000;

/// Money that moved. Everything in it comes from the order as it is written, so that a repeat is the same entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookEntry {
    /// In or back.
    pub kind: Kind,
    /// `out_trade_no` or `out_refund_no`.
    pub number: String,
    /// The order it belongs to.
    pub order: OutTradeNo,
    /// How much.
    pub amount: Fen,
    /// When, by WeChat's clock: the time of payment, or the time WeChat took the refund on. Its day at the hospital is
    /// the day of the books, and WeChat's bill has it on the same.
    #[serde(with = "domain::clinic::epoch_s")]
    pub at: Timestamp,
    /// WeChat's number of the payment or refund.
    pub wechat_id: String,
    /// Whether the hospital must have it too. Once false it stays so.
    pub his: bool,
}

impl BookEntry {
    /// A payment.
    pub fn payment(order: OutTradeNo, amount: Fen, at: Timestamp, transaction_id: String, his: bool) -> Self {
        let number = order.as_str().to_owned();
        Self { kind: Kind::Payment, number, order, amount, at, wechat_id: transaction_id, his }
    }

    /// A refund of `order`.
    pub fn refund(
        number: &OutRefundNo,
        order: OutTradeNo,
        amount: Fen,
        at: Timestamp,
        refund_id: String,
        his: bool,
    ) -> Self {
        let number = number.as_str().to_owned();
        Self { kind: Kind::Refund, number, order, amount, at, wechat_id: refund_id, his }
    }

    /// The day it moved on, at the hospital.
    pub fn day(&self) -> Date {
        time::today(self.at)
    }
}

/// An entry where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookLine {
    /// What moved.
    #[serde(flatten)]
    pub entry: BookEntry,
    /// The closed day it belongs to, when it was learnt of later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_for: Option<Date>,
    /// A signpost: the day whose books have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moved_to: Option<Date>,
}

impl BookLine {
    fn of(entry: &BookEntry) -> Self {
        Self { entry: entry.clone(), late_for: None, moved_to: None }
    }

    /// As it is compared.
    pub fn entry(&self) -> Entry<'_> {
        let standing = if self.entry.his { Standing::Moved } else { Standing::NotForHis };
        let BookEntry { kind, number, amount, .. } = &self.entry;
        Entry { kind: *kind, number, amount: *amount, standing, late_for: self.late_for }
    }
}

/// Some lines of a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BookPage {
    /// In order of their numbers.
    pub lines: Vec<BookLine>,
    /// Where the next page starts; none when this was the last.
    pub next: Option<String>,
}

/// Why an entry was not booked.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// The number is booked with another amount, for another order or on another day.
    #[error("the number is booked differently")]
    Differs,
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn key_of(day: Date, kind: Kind, number: &str) -> Key {
    let prefix = match kind {
        Kind::Payment => "PAYMENT",
        Kind::Refund => "REFUND",
    };
    Key::new(partition(day, due::hash(number) % BOOK_SHARDS), format!("{prefix}#{number}"))
}

fn partition(day: Date, shard: u32) -> String {
    format!("BOOK#{day}#{shard}")
}

fn item_of(day: Date, line: &BookLine) -> Result<Item, StoreError> {
    to_item(&key_of(day, line.entry.kind, &line.entry.number), line)
}

impl Table {
    /// Books money that moved. Harmless to repeat; false becomes of `his` what was true, never the reverse.
    pub async fn book(&self, entry: &BookEntry, now: Timestamp) -> Result<(), BookError> {
        let (day, line) = (entry.day(), BookLine::of(entry));
        // A day is compared after it is over: until then nothing can have closed it.
        if day >= time::today(now) {
            return match self.put_new(item_of(day, &line)?).await? {
                Write::Done => Ok(()),
                Write::Refused(_) => self.booked_already(entry, now).await,
            };
        }
        self.create_reconciliation_day(day).await?;
        let writes = vec![part!(self.putting_new(item_of(day, &line)?), put)?, self.touching(day)?];
        let outcome = self.write_together(writes).await?;
        if outcome.refused_at(0) {
            self.booked_already(entry, now).await
        } else if outcome.refused_at(1) {
            self.book_late(entry, now).await
        } else {
            Ok(())
        }
    }

    /// The day is closed: today's books take it, and the closed day a signpost.
    async fn book_late(&self, entry: &BookEntry, now: Timestamp) -> Result<(), BookError> {
        let (day, today) = (entry.day(), time::today(now));
        let signpost = BookLine { moved_to: Some(today), ..BookLine::of(entry) };
        let line = BookLine { late_for: Some(day), ..BookLine::of(entry) };
        let puts = [self.putting_new(item_of(day, &signpost)?), self.putting_new(item_of(today, &line)?)];
        let writes = puts.into_iter().map(|put| part!(put, put)).collect::<Result<_, _>>()?;
        let outcome = self.write_together(writes).await?;
        if outcome.refused_at(0) {
            self.booked_already(entry, now).await
        } else if outcome.refused_at(1) {
            Err(BookError::Differs)
        } else {
            Ok(())
        }
    }

    async fn booked_already(&self, entry: &BookEntry, now: Timestamp) -> Result<(), BookError> {
        let key = key_of(entry.day(), entry.kind, &entry.number);
        let line: BookLine = self.get(&key).await?.ok_or(StoreError::Contended)?;
        if (&line.entry.order, line.entry.amount) != (&entry.order, entry.amount) {
            return Err(BookError::Differs);
        }
        if entry.his || !line.entry.his {
            return Ok(());
        }
        let booked_on = line.moved_to.unwrap_or_else(|| entry.day());
        self.withdraw_from_his(booked_on, entry, now).await
    }

    /// The hospital must not have it after all. What a closed day says stays: its differences were signed for.
    async fn withdraw_from_his(&self, booked_on: Date, entry: &BookEntry, now: Timestamp) -> Result<(), BookError> {
        let change = self.updating(&key_of(booked_on, entry.kind, &entry.number));
        let change = change
            .update_expression("SET his = :false")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":false", AttributeValue::Bool(false));
        let mut writes = vec![part!(change, update)?];
        if booked_on < time::today(now) {
            self.create_reconciliation_day(booked_on).await?;
            writes.push(self.touching(booked_on)?);
        }
        self.write_together(writes).await?;
        Ok(())
    }

    /// Counts as a write of the day, if it is open: a comparison that is under way has not seen it and cannot end.
    fn touching(&self, day: Date) -> Result<TransactWriteItem, StoreError> {
        let touch = self.updating(&day_key(day)).update_expression("ADD ver :one").condition_expression(OPEN);
        part!(with_closed_states!(touch).expression_attribute_values(":one", number(1)), update)
    }

    /// A page of the lines of `day` in `shard` (0 to [`BOOK_SHARDS`]), after `start`.
    pub async fn book_page(&self, day: Date, shard: u32, start: Option<&str>) -> Result<BookPage, StoreError> {
        let pk = partition(day, shard);
        let start = start.map(|sk| Item::from([("pk".into(), text(&pk)), ("sk".into(), text(sk))]));
        let request = self.client.query().table_name(&self.name).consistent_read(true);
        let answer = request
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(&pk))
            .limit(PAGE_LINES_MAX)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(StoreError::unavailable("query books"))?;
        let next = answer.last_evaluated_key.and_then(|key| key.get("sk")?.as_s().ok().cloned());
        let lines = answer.items.unwrap_or_default().into_iter().map(from_item::<BookLine>);
        // Signposts are no money.
        let lines = lines.filter(|line| line.as_ref().is_ok_and(|line| line.moved_to.is_none()) || line.is_err());
        Ok(BookPage { lines: lines.collect::<Result<_, _>>()?, next })
    }
}
