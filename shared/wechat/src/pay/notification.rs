//! What WeChat Pay tells us on its own: an order was paid, a refund ended.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::resource::{ApiV3Key, Resource, ResourceError};
use super::types::{RefundNotice, Transaction, WireRefund, WireTransaction};
use super::verifier::{SignatureHeaders, Verifier, VerifyError};

/// Largest notification that is read, in bytes; a real one has about 2 KB.
pub const MAX_NOTIFICATION_BYTES: usize = 64 * 1024;

/// Why a notification is refused. Answer 4xx, so that a genuine one comes again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotificationError {
    /// Too large.
    #[error("the notification is too large")]
    TooLarge,
    /// Not WeChat Pay's; [`VerifyError::Probe`] is no reason for an alarm.
    #[error("the notification is not WeChat Pay's: {0}")]
    Verify(#[from] VerifyError),
    /// The body is not the documented JSON.
    #[error("the notification cannot be read")]
    Unreadable,
    /// The encrypted part cannot be opened.
    #[error("the resource cannot be opened: {0}")]
    Resource(#[from] ResourceError),
    /// The clear part is not the documented JSON.
    #[error("the resource cannot be read")]
    UnreadableResource,
    /// For another merchant or account.
    #[error("the notification is for another merchant")]
    Foreign,
}

impl NotificationError {
    /// Whether a key is missing here rather than the notification wrong: after a roll-over newer settings may open it.
    pub fn is_key_missing(&self) -> bool {
        matches!(self, Self::Verify(VerifyError::UnknownSerial) | Self::Resource(ResourceError::Authentication))
    }
}

/// A notification that was checked and opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notified {
    /// WeChat Pay's id of this notification; a repetition may have another.
    pub id: String,
    /// What it says.
    pub notification: Notification,
}

/// What a notification says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notification {
    /// `TRANSACTION.SUCCESS`: compare the total with ours before believing it.
    PaymentSucceeded(Transaction),
    /// `REFUND.SUCCESS`, `REFUND.ABNORMAL`, `REFUND.CLOSED`.
    Refund(RefundNotice),
    /// An event this version does not know.
    Other {
        /// `event_type` as received.
        event_type: String,
    },
}

/// Opens notifications of one merchant.
#[derive(Debug)]
pub struct Notifications {
    mch_id: String,
    app_id: String,
    keys: Vec<ApiV3Key>,
}

#[derive(Deserialize)]
struct Envelope {
    id: String,
    event_type: String,
    resource: Resource,
}

impl Notifications {
    /// `keys`: the current `APIv3` key first, then the previous one while notifications may still use it.
    pub fn new(mch_id: impl Into<String>, app_id: impl Into<String>, keys: Vec<ApiV3Key>) -> Self {
        Self { mch_id: mch_id.into(), app_id: app_id.into(), keys }
    }

    /// Checks the signature over the body as received, opens it, and checks whom it is for.
    pub fn open(
        &self,
        verifier: &Verifier,
        headers: &SignatureHeaders<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Notified, NotificationError> {
        if body.len() > MAX_NOTIFICATION_BYTES {
            return Err(NotificationError::TooLarge);
        }
        verifier.verify(headers, body, now)?;
        let envelope: Envelope = serde_json::from_slice(body).map_err(|_| NotificationError::Unreadable)?;
        let clear = envelope.resource.open(&self.keys)?;
        let notification = match envelope.event_type.as_str() {
            "TRANSACTION.SUCCESS" => Notification::PaymentSucceeded(self.transaction(&clear)?),
            "REFUND.SUCCESS" | "REFUND.ABNORMAL" | "REFUND.CLOSED" => Notification::Refund(self.refund(&clear)?),
            _ => Notification::Other { event_type: envelope.event_type },
        };
        Ok(Notified { id: envelope.id, notification })
    }

    fn transaction(&self, clear: &[u8]) -> Result<Transaction, NotificationError> {
        let wire: WireTransaction = read(clear)?;
        if wire.mch_id != self.mch_id || wire.app_id != self.app_id {
            return Err(NotificationError::Foreign);
        }
        wire.try_into().map_err(|_| NotificationError::UnreadableResource)
    }

    fn refund(&self, clear: &[u8]) -> Result<RefundNotice, NotificationError> {
        let wire: WireRefund = read(clear)?;
        if wire.mch_id.as_ref() != Some(&self.mch_id) {
            return Err(NotificationError::Foreign);
        }
        wire.try_into().map_err(|_| NotificationError::UnreadableResource)
    }
}

fn read<T: DeserializeOwned>(clear: &[u8]) -> Result<T, NotificationError> {
    serde_json::from_slice(clear).map_err(|_| NotificationError::UnreadableResource)
}
