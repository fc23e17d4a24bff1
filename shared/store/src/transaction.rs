//! Writes that take effect together or not at all. For the rare decision that is about two items; everything else is one
//! conditional write.

use crate::key::Key;
use crate::table::{Item, StoreError, Table, Write, number, text};
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::builders::{ConditionCheckBuilder, PutBuilder, UpdateBuilder};
use aws_sdk_dynamodb::types::{ConditionCheck, Put, TransactWriteItem, Update};

/// The reason DynamoDB gives when a condition did not hold.
const CONDITION_FAILED: &str = "ConditionalCheckFailed";

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Together {
    /// All of it was written.
    Done,
    /// None of it; by position, whether the condition held.
    Refused(Vec<bool>),
}

impl Together {
    /// Whether the condition of the write at this position is among those that did not hold.
    pub(crate) fn refused_at(&self, position: usize) -> bool {
        matches!(self, Self::Refused(held) if held.get(position) == Some(&false))
    }
}

impl Table {
    /// Writes the item if nothing is there.
    pub(crate) fn putting_new(&self, item: Item) -> PutBuilder {
        Put::builder().table_name(&self.name).set_item(Some(item)).condition_expression("attribute_not_exists(pk)")
    }

    /// Writes the item if the one there has version `seen`.
    pub(crate) fn putting_versioned(&self, item: Item, seen: u64) -> PutBuilder {
        let put = Put::builder().table_name(&self.name).set_item(Some(item));
        put.condition_expression("ver = :seen").expression_attribute_values(":seen", number(seen))
    }

    /// Changes the item at `key`.
    pub(crate) fn updating(&self, key: &Key) -> UpdateBuilder {
        let update = Update::builder().table_name(&self.name);
        update.key("pk", text(&key.pk)).key("sk", text(&key.sk))
    }

    /// Changes nothing, and says what must be true of the item at `key`.
    pub(crate) fn checking(&self, key: &Key) -> ConditionCheckBuilder {
        let check = ConditionCheck::builder().table_name(&self.name);
        check.key("pk", text(&key.pk)).key("sk", text(&key.sk))
    }

    /// All of `writes`, or none. Where another writer in the way is answered like a condition that did not hold: the
    /// caller looks again at what is there.
    pub(crate) async fn transact(&self, writes: Vec<TransactWriteItem>) -> Result<Write, StoreError> {
        match self.write_together(writes).await {
            Ok(Together::Done) => Ok(Write::Done),
            Ok(Together::Refused(_)) | Err(StoreError::Contended) => Ok(Write::Refused(None)),
            Err(error) => Err(error),
        }
    }

    /// All of `writes`, or none.
    pub(crate) async fn write_together(&self, writes: Vec<TransactWriteItem>) -> Result<Together, StoreError> {
        let answer = self.client.transact_write_items().set_transact_items(Some(writes)).send().await;
        let error = match answer {
            Ok(_) => return Ok(Together::Done),
            Err(SdkError::ServiceError(refusal)) => refusal.into_err(),
            Err(other) => return Err(StoreError::unavailable("transact")(other)),
        };
        let TransactWriteItemsError::TransactionCanceledException(canceled) = &error else {
            return Err(StoreError::unavailable("transact")(error));
        };
        let codes = canceled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or_default());
        let held: Vec<_> = codes.map(|code| code != CONDITION_FAILED).collect();
        // Somebody else's write stood in the way, not a condition.
        if held.iter().all(|held| *held) { Err(StoreError::Contended) } else { Ok(Together::Refused(held)) }
    }
}

/// A part of a transaction from what builds it.
macro_rules! part {
    ($build:expr, $kind:ident) => {
        $build
            .build()
            .map(|write| aws_sdk_dynamodb::types::TransactWriteItem::builder().$kind(write).build())
            .map_err($crate::table::StoreError::unavailable("build a transaction"))
    };
}
pub(crate) use part;
