//! Orders: payments, their refunds, and the list of those that need people.

use crate::books::{BookEntry, BookError};
use crate::due;
use crate::key::{BILL_PREFIX, Key, WORKLIST};
use crate::table::{Item, StoreError, Table, Write, from_item, to_item};
use domain::Timestamp;
use domain::event::EventKind;
use domain::id::{BillNo, OutTradeNo, PatientId};
use domain::order::{Order, OrderError, OrderState, Work};
use serde::{Deserialize, Serialize};

/// How often a move is taken again when somebody else wrote the order in between.
const MOVE_TRIES_MAX: u32 = 5;
/// Orders on the worklist read at once.
pub const WORKLIST_MAX: i32 = 200;
/// Bills of a person read at once.
const BILLS_MAX: i32 = 200;

/// Why an order did not move.
#[derive(Debug, thiserror::Error)]
pub enum OrderFailed {
    /// There is none.
    #[error("no such order")]
    NotFound,
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] OrderError),
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Which order last paid, or is to pay, a bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillOrder {
    /// The bill.
    pub bill: BillNo,
    /// The order.
    pub order: OutTradeNo,
}

#[derive(Serialize, Deserialize)]
struct WorklistEntry {
    order: OutTradeNo,
    /// Version of the order from which on it needs people.
    ver: u64,
}

pub(crate) fn item_of(order: &Order) -> Result<Item, StoreError> {
    let key = Key::order(&order.out_trade_no);
    let mut item = to_item(&key, order)?;
    due::stamp(&mut item, &key.pk, &order.deadlines);
    Ok(item)
}

impl Table {
    /// An order.
    pub async fn order(&self, no: &OutTradeNo) -> Result<Option<Order>, StoreError> {
        self.get(&Key::order(no)).await
    }

    /// The order at a key of the time index or of an event.
    pub async fn order_at(&self, key: &Key) -> Result<Option<Order>, StoreError> {
        self.get(key).await
    }

    /// Writes a new order; if it exists already, the existing one is the answer.
    pub async fn create_order(&self, order: &Order) -> Result<Order, StoreError> {
        match self.put_new(item_of(order)?).await? {
            Write::Done => Ok(order.clone()),
            Write::Refused(existing) => existing.map_or(Err(StoreError::Contended), from_item),
        }
    }

    /// Moves an order by the rules; its event is part of the same write. What then needs people is on the worklist first.
    pub async fn move_order(
        &self,
        no: &OutTradeNo,
        decide: impl Fn(&Order) -> Result<Order, OrderError>,
    ) -> Result<Order, OrderFailed> {
        for _ in 0..MOVE_TRIES_MAX {
            let seen = self.order(no).await?.ok_or(OrderFailed::NotFound)?;
            let after = decide(&seen)?;
            if !after.work().is_empty() && after.work() != seen.work() {
                self.put_on_worklist(&after).await?;
            }
            if let Write::Done = self.put_versioned(item_of(&after)?, seen.ver).await? {
                tell_of_work(&seen, &after);
                return Ok(after);
            }
        }
        Err(StoreError::Contended.into())
    }

    /// The same for a move that may not be necessary any more: none when the rules say no, or there is no such order.
    pub async fn move_order_if(
        &self,
        no: &OutTradeNo,
        decide: impl Fn(&Order) -> Result<Order, OrderError>,
    ) -> Result<Option<Order>, StoreError> {
        match self.move_order(no, decide).await {
            Ok(order) => Ok(Some(order)),
            Err(OrderFailed::Refused(_) | OrderFailed::NotFound) => Ok(None),
            Err(OrderFailed::Store(error)) => Err(error),
        }
    }

    /// Notes that a message about an order is in the ledger. Harmless to repeat.
    pub async fn clear_notice(&self, no: &OutTradeNo, told: EventKind) -> Result<(), StoreError> {
        self.move_order_if(no, |order| order.notified(told)).await.map(drop)
    }

    /// An order is on the list before it needs to be: the list only says where to look.
    async fn put_on_worklist(&self, order: &Order) -> Result<(), StoreError> {
        let entry = WorklistEntry { order: order.out_trade_no.clone(), ver: order.ver };
        self.put(to_item(&Key::worklist(&entry.order), &entry)?).await
    }

    /// Orders that need people, read as they are now. What needs nobody any more leaves the list.
    pub async fn worklist(&self) -> Result<Vec<Order>, StoreError> {
        let entries: Vec<WorklistEntry> = self.query(WORKLIST, "", WORKLIST_MAX).await?;
        let mut orders = Vec::new();
        for entry in entries {
            match self.order(&entry.order).await? {
                Some(order) if !order.work().is_empty() => orders.push(order),
                // About to need people: the write it stands for has not been made yet.
                Some(order) if order.ver < entry.ver => {}
                _ => self.take_version(&Key::worklist(&entry.order), entry.ver).await?,
            }
        }
        Ok(orders)
    }

    /// Puts into our books what the order says of money that moved. Harmless to repeat.
    pub async fn book_order(&self, order: &Order, his: bool, now: Timestamp) -> Result<(), BookError> {
        for entry in entries_of(order, his) {
            self.book(&entry, now).await?;
        }
        Ok(())
    }

    /// Notes for each bill which order is to pay it.
    pub async fn put_bill_orders(
        &self,
        patient: &PatientId,
        bills: &[BillNo],
        order: &OutTradeNo,
    ) -> Result<(), StoreError> {
        for bill in bills {
            let entry = BillOrder { bill: bill.clone(), order: order.clone() };
            self.put(to_item(&Key::bill(patient, bill), &entry)?).await?;
        }
        Ok(())
    }

    /// Which order last paid, or is to pay, a bill.
    pub async fn bill_order(&self, patient: &PatientId, bill: &BillNo) -> Result<Option<BillOrder>, StoreError> {
        self.get(&Key::bill(patient, bill)).await
    }

    /// Which orders paid, or are to pay, the bills of a person: the highest bill numbers, which are the newest, first.
    pub async fn bill_orders(&self, patient: &PatientId) -> Result<Vec<BillOrder>, StoreError> {
        let items = self.query_items(&Key::patient(patient).pk, BILL_PREFIX, BILLS_MAX, false).await?;
        items.into_iter().map(from_item).collect()
    }
}

/// Wakes people for what the order has newly in store for them. A refund that waits for a second person is everyday work.
fn tell_of_work(before: &Order, after: &Order) {
    let known = before.work();
    let wakes = |work: &Work| !known.contains(work) && !matches!(work, Work::Approve(_));
    for work in after.work().into_iter().filter(wakes) {
        let (order, work) = (&after.out_trade_no, work.key());
        tracing::error!(alarm = "order_needs_people", %order, work, "needs people");
    }
}

/// The entries an order stands for: its payment, and each refund WeChat has, on the day WeChat dates it.
fn entries_of(order: &Order, his: bool) -> Vec<BookEntry> {
    let OrderState::Paid { transaction_id: Some(transaction), paid_at } = &order.state else { return Vec::new() };
    let no = &order.out_trade_no;
    let payment = BookEntry::payment(no.clone(), order.amount, *paid_at, transaction.clone(), his);
    let refunds = order.in_sequence().filter(|refund| !refund.amount.is_zero()).filter_map(|refund| {
        let id = refund.refund_id.clone().unwrap_or_default();
        let number = &refund.out_refund_no;
        Some(BookEntry::refund(number, no.clone(), refund.amount, refund.accepted_at?, id, his))
    });
    std::iter::once(payment).chain(refunds).collect()
}
