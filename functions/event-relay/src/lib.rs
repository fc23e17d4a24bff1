//! 事件中继: the table's stream as domain events on the bus.
//!
//! An event is published when the item's event sequence changed, never from a difference of images: merges, backfills
//! and TTL deletions are not events. A record that cannot be read is quarantined whole and does not hold up the rest; a
//! bus that does not answer makes the stream repeat from the first record that was not published.

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use domain::event::{DomainEvent, ItemEvent};

/// The `source` of our events on the bus.
pub const SOURCE: &str = "menzhen";
/// EventBridge takes at most ten entries at once.
const BUS_BATCH: usize = 10;

/// What this function works with.
#[derive(Debug)]
pub struct App {
    /// The bus.
    pub bus: aws_sdk_eventbridge::Client,
    /// Its name.
    pub bus_name: String,
    /// Where records go that cannot be read.
    pub quarantine: aws_sdk_sqs::Client,
    /// Its URL.
    pub quarantine_url: String,
}

/// Why a record was not relayed.
#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error("the bus does not answer")]
    Bus,
    #[error("the quarantine does not answer")]
    Quarantine,
}

/// A record's event, nothing to tell, or unreadable.
#[derive(Debug, PartialEq, Eq)]
enum Read {
    Event(DomainEvent),
    Nothing,
    Unreadable,
}

/// Relays a batch; what it names is repeated by the stream.
pub async fn handle(app: &App, batch: Event) -> DynamoDbEventResponse {
    let mut failures = Vec::new();
    let mut pending: Vec<(Option<String>, DomainEvent)> = Vec::new();
    for record in &batch.records {
        match read(record) {
            Read::Nothing => {}
            Read::Event(event) => pending.push((record.change.sequence_number.clone(), event)),
            Read::Unreadable => {
                if let Err(error) = quarantine(app, record).await {
                    tracing::error!(%error, "unreadable record could not be set aside");
                    failures.push(record.change.sequence_number.clone());
                    break;
                }
            }
        }
    }
    for events in pending.chunks(BUS_BATCH) {
        if let Some(failed) = publish(app, events).await {
            failures.push(failed);
            break;
        }
    }
    let batch_item_failures = failures
        .into_iter()
        .map(|item_identifier| {
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = item_identifier;
            failure
        })
        .collect();
    let mut response = DynamoDbEventResponse::default();
    response.batch_item_failures = batch_item_failures;
    response
}

fn read(record: &EventRecord) -> Read {
    let Some(new) = record.change.new_image.clone().into_inner().remove("ev") else { return Read::Nothing };
    if matches!(new, serde_dynamo::AttributeValue::Null(_)) {
        return Read::Nothing;
    }
    let old = record.change.old_image.clone().into_inner().remove("ev");
    let seq = |value| serde_dynamo::from_attribute_value::<_, ItemEvent>(value).map(|event| event.seq);
    let Ok(event) = serde_dynamo::from_attribute_value::<_, ItemEvent>(new) else { return Read::Unreadable };
    if old.and_then(|old| seq(old).ok()) == Some(event.seq) {
        return Read::Nothing;
    }
    let keys = record.change.keys.clone().into_inner();
    let part = |name: &str| match keys.get(name) {
        Some(serde_dynamo::AttributeValue::S(text)) => Some(text.clone()),
        _ => None,
    };
    match (part("pk"), part("sk")) {
        (Some(pk), Some(sk)) => Read::Event(DomainEvent { pk, sk, event }),
        _ => Read::Unreadable,
    }
}

/// Publishes up to ten events; the sequence number of the first that did not go out.
async fn publish(app: &App, events: &[(Option<String>, DomainEvent)]) -> Option<Option<String>> {
    let entries = events.iter().map(|(_, event)| entry(app, event)).collect();
    let answer = app.bus.put_events().set_entries(Some(entries)).send().await;
    let failed = match answer {
        Ok(answer) if answer.failed_entry_count == 0 => return None,
        Ok(answer) => {
            answer.entries.unwrap_or_default().iter().position(|entry| entry.error_code.is_some()).unwrap_or(0)
        }
        Err(_) => 0,
    };
    tracing::error!(error = %RelayError::Bus, "the stream will repeat");
    Some(events.get(failed).and_then(|(sequence, _)| sequence.clone()))
}

fn entry(app: &App, event: &DomainEvent) -> PutEventsRequestEntry {
    let detail = serde_json::to_string(event).unwrap_or_default();
    PutEventsRequestEntry::builder()
        .event_bus_name(&app.bus_name)
        .source(SOURCE)
        .detail_type(event.event.kind.text())
        .detail(detail)
        .build()
}

async fn quarantine(app: &App, record: &EventRecord) -> Result<(), RelayError> {
    tracing::error!(sequence = record.change.sequence_number, "record cannot be read; set aside");
    let body = serde_json::to_string(record).map_err(|_| RelayError::Quarantine)?;
    let request = app.quarantine.send_message().queue_url(&app.quarantine_url).message_body(body);
    request.send().await.map(drop).map_err(|_| RelayError::Quarantine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[expect(clippy::needless_pass_by_value, reason = "images are made on the spot")]
    fn record(old: serde_json::Value, new: serde_json::Value) -> EventRecord {
        let record = json!({
            "awsRegion": "cn-north-1", "eventID": "1", "eventName": "MODIFY", "eventSource": "aws:dynamodb",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_764_000_000,
                "Keys": {"pk": {"S": "PATIENT#p"}, "sk": {"S": "APPT#2026-11-23#a"}},
                "OldImage": old, "NewImage": new, "SequenceNumber": "100", "SizeBytes": 1, "StreamViewType": "NEW_AND_OLD_IMAGES"
            }
        });
        serde_json::from_value(record).unwrap()
    }

    fn image(seq: u64) -> serde_json::Value {
        json!({"ev": {"M": {
            "seq": {"N": seq.to_string()}, "kind": {"S": "appointment.booked"}, "actor": {"S": "wechat_pay"},
            "at": {"N": "1764000000"}
        }}})
    }

    #[test]
    fn only_a_new_sequence_is_an_event() {
        assert!(matches!(read(&record(json!({}), image(1))), Read::Event(event) if event.event.seq == 1));
        assert!(matches!(read(&record(image(1), image(2))), Read::Event(event) if event.sk == "APPT#2026-11-23#a"));
        assert_eq!(read(&record(image(2), image(2))), Read::Nothing);
        assert_eq!(read(&record(json!({}), json!({"ver": {"N": "1"}}))), Read::Nothing);
        assert_eq!(read(&record(image(1), json!({}))), Read::Nothing);
        assert_eq!(read(&record(json!({}), json!({"ev": {"NULL": true}}))), Read::Nothing);
    }

    #[test]
    fn what_cannot_be_read_is_set_aside() {
        assert_eq!(read(&record(json!({}), json!({"ev": {"S": "?"}}))), Read::Unreadable);
        assert_eq!(read(&record(json!({}), json!({"ev": {"M": {"seq": {"N": "1"}}}}))), Read::Unreadable);
    }
}
