//! The table: reads, conditional writes, and the mapping between items and types.

use crate::key::Key;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;

/// An item as DynamoDB holds it.
pub type Item = HashMap<String, AttributeValue>;

/// The most items one query page is asked for.
pub const PAGE_ITEMS_MAX: i32 = 200;

/// What went wrong with the table.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB did not answer, or not in time; whether a write took effect is unknown.
    #[error("table operation {operation} failed")]
    Unavailable {
        /// What was tried.
        operation: &'static str,
        /// The SDK's reason.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An item does not read as what its key says it is.
    #[error("item {sk} is not readable")]
    Unreadable {
        /// Sort key (the partition key may name a person).
        sk: String,
        /// The mapping's reason.
        #[source]
        source: serde_dynamo::Error,
    },
    /// A value cannot be written.
    #[error("value cannot be written")]
    Unwritable(#[source] serde_dynamo::Error),
    /// Others kept writing the same item; the caller may try again.
    #[error("too much contention on one item")]
    Contended,
    /// Sealed text does not open: wrong key or altered.
    #[error("sealed text does not open")]
    Sealed,
}

impl StoreError {
    /// No fresh random bytes to seal with.
    pub fn no_randomness<E: std::error::Error + Send + Sync + 'static>(error: E) -> Self {
        Self::Unavailable { operation: "seal", source: Box::new(error) }
    }

    pub(crate) fn unavailable<E: std::error::Error + Send + Sync + 'static>(
        operation: &'static str,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::Unavailable { operation, source: Box::new(source) }
    }
}

/// What became of a conditional write.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// Written.
    Done,
    /// The condition did not hold; the item as it is, if there is one.
    Refused(Option<Item>),
}

impl Write {
    /// True when written.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}

/// The one table. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Table {
    pub(crate) client: Client,
    pub(crate) name: String,
}

/// A string attribute.
pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A number attribute.
#[expect(clippy::needless_pass_by_value, reason = "numbers are small and made on the spot")]
pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A type as an item at `key`.
pub(crate) fn to_item(key: &Key, value: &impl Serialize) -> Result<Item, StoreError> {
    let mut item: Item = serde_dynamo::to_item(value).map_err(StoreError::Unwritable)?;
    item.insert("pk".into(), text(&key.pk));
    item.insert("sk".into(), text(&key.sk));
    Ok(item)
}

/// An item as a type. The keys are left out: types that accept no unknown field know nothing of them.
pub(crate) fn from_item<T: DeserializeOwned>(mut item: Item) -> Result<T, StoreError> {
    let sk = item.remove("sk").and_then(|sk| sk.as_s().ok().cloned()).unwrap_or_default();
    item.remove("pk");
    serde_dynamo::from_item(item).map_err(|source| StoreError::Unreadable { sk, source })
}

impl Table {
    /// The table `name` through `client`.
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into() }
    }

    /// The item at `key`, read strongly.
    pub(crate) async fn get_item(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        let request = self.client.get_item().table_name(&self.name).consistent_read(true);
        let answer = request.key("pk", text(&key.pk)).key("sk", text(&key.sk)).send().await;
        Ok(answer.map_err(StoreError::unavailable("get"))?.item)
    }

    /// The item at `key` as a type, read strongly.
    pub(crate) async fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        self.get_item(key).await?.map(from_item).transpose()
    }

    /// Writes the item whatever was there.
    pub(crate) async fn put(&self, item: Item) -> Result<(), StoreError> {
        let request = self.client.put_item().table_name(&self.name).set_item(Some(item));
        request.send().await.map(drop).map_err(StoreError::unavailable("put"))
    }

    /// Writes the item if nothing is there.
    pub(crate) async fn put_new(&self, item: Item) -> Result<Write, StoreError> {
        let request = self.client.put_item().table_name(&self.name).set_item(Some(item));
        let answer = request
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        put_outcome(answer)
    }

    /// Writes the item if `condition`, with these values, holds of the one there.
    pub(crate) async fn put_if<const N: usize>(
        &self,
        item: Item,
        condition: &str,
        values: [(&str, AttributeValue); N],
    ) -> Result<Write, StoreError> {
        let mut request = self.client.put_item().table_name(&self.name).set_item(Some(item));
        for (name, value) in values {
            request = request.expression_attribute_values(name, value);
        }
        put_outcome(request.condition_expression(condition).send().await)
    }

    /// Writes the item if the one there still has version `seen` (0: if none is there).
    pub(crate) async fn put_versioned(&self, item: Item, seen: u64) -> Result<Write, StoreError> {
        if seen == 0 {
            return self.put_new(item).await;
        }
        self.put_if_seen(item, seen).await
    }

    /// Writes the item if the one there still has version `seen`.
    pub(crate) async fn put_if_seen(&self, item: Item, seen: u64) -> Result<Write, StoreError> {
        let request = self.client.put_item().table_name(&self.name).set_item(Some(item));
        let answer = request
            .condition_expression("ver = :seen")
            .expression_attribute_values(":seen", number(seen))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        put_outcome(answer)
    }

    /// An update of the item at `key`, to be completed and sent with [`send_update`].
    pub(crate) fn update(&self, key: &Key) -> UpdateItemFluentBuilder {
        let request = self.client.update_item().table_name(&self.name);
        request
            .key("pk", text(&key.pk))
            .key("sk", text(&key.sk))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    /// Deletes the item and returns it; `None` when it was gone already.
    pub(crate) async fn take(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        let request = self.client.delete_item().table_name(&self.name);
        let request = request.key("pk", text(&key.pk)).key("sk", text(&key.sk));
        let answer = request.return_values(aws_sdk_dynamodb::types::ReturnValue::AllOld).send().await;
        Ok(answer.map_err(StoreError::unavailable("delete"))?.attributes)
    }

    /// Takes an item away if it has version `seen`; another one stays.
    pub(crate) async fn take_version(&self, key: &Key, seen: u64) -> Result<(), StoreError> {
        let request = self.client.delete_item().table_name(&self.name);
        let request = request.key("pk", text(&key.pk)).key("sk", text(&key.sk)).condition_expression("ver = :seen");
        match request.expression_attribute_values(":seen", number(seen)).send().await {
            Err(SdkError::ServiceError(refusal)) if refusal.err().is_conditional_check_failed_exception() => Ok(()),
            answer => answer.map(drop).map_err(StoreError::unavailable("delete")),
        }
    }

    /// The items of a partition whose sort key starts with `prefix`, in order, at most `limit`.
    pub(crate) async fn query<T: DeserializeOwned>(
        &self,
        pk: &str,
        prefix: &str,
        limit: i32,
    ) -> Result<Vec<T>, StoreError> {
        self.query_items(pk, prefix, limit, true).await?.into_iter().map(from_item).collect()
    }

    /// As [`query`](Self::query), as raw items, ascending or descending.
    pub(crate) async fn query_items(
        &self,
        pk: &str,
        prefix: &str,
        limit: i32,
        ascending: bool,
    ) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let request =
                self.client.query().table_name(&self.name).consistent_read(true).scan_index_forward(ascending);
            let request = if prefix.is_empty() {
                request.key_condition_expression("pk = :pk")
            } else {
                let request = request.key_condition_expression("pk = :pk AND begins_with(sk, :prefix)");
                request.expression_attribute_values(":prefix", text(prefix))
            };
            let request = request.expression_attribute_values(":pk", text(pk)).limit(limit.min(PAGE_ITEMS_MAX));
            let answer = request.set_exclusive_start_key(start).send().await;
            let answer = answer.map_err(StoreError::unavailable("query"))?;
            items.extend(answer.items.unwrap_or_default());
            let full = usize::try_from(limit).is_ok_and(|limit| items.len() >= limit);
            start = answer.last_evaluated_key.filter(|_| !full);
            if start.is_none() {
                return Ok(items);
            }
        }
    }
}

fn put_outcome<T>(answer: Result<T, SdkError<PutItemError>>) -> Result<Write, StoreError> {
    match answer {
        Ok(_) => Ok(Write::Done),
        Err(SdkError::ServiceError(refusal)) => match refusal.into_err() {
            PutItemError::ConditionalCheckFailedException(failed) => Ok(Write::Refused(failed.item)),
            other => Err(StoreError::unavailable("put")(other)),
        },
        Err(other) => Err(StoreError::unavailable("put")(other)),
    }
}

/// Sends a conditional update.
pub(crate) async fn send_update(request: UpdateItemFluentBuilder) -> Result<Write, StoreError> {
    match request.send().await {
        Ok(_) => Ok(Write::Done),
        Err(SdkError::ServiceError(refusal)) => match refusal.into_err() {
            UpdateItemError::ConditionalCheckFailedException(failed) => Ok(Write::Refused(failed.item)),
            other => Err(StoreError::unavailable("update")(other)),
        },
        Err(other) => Err(StoreError::unavailable("update")(other)),
    }
}
