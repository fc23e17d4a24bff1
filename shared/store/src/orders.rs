//! Orders: payments and their refunds.

use crate::due;
use crate::key::Key;
use crate::table::{Item, StoreError, Table, Write, from_item, to_item};
use domain::id::OutTradeNo;
use domain::order::{Order, OrderError};

/// How often a move is taken again when somebody else wrote the order in between.
const MOVE_TRIES_MAX: u32 = 5;

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

fn item_of(order: &Order) -> Result<Item, StoreError> {
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

    /// The order at a key of the time index.
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

    /// Moves an order by the rules; its event is part of the same write.
    pub async fn move_order(
        &self,
        no: &OutTradeNo,
        decide: impl Fn(&Order) -> Result<Order, OrderError>,
    ) -> Result<Order, OrderFailed> {
        for _ in 0..MOVE_TRIES_MAX {
            let seen = self.order(no).await?.ok_or(OrderFailed::NotFound)?;
            let after = decide(&seen)?;
            if let Write::Done = self.put_versioned(item_of(&after)?, seen.ver).await? {
                return Ok(after);
            }
        }
        Err(StoreError::Contended.into())
    }
}
