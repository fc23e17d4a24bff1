//! SMS as the desk sees it: a port, and the adapter that speaks to a real service.
//!
//! Rules this crate keeps for its callers: a message is a template the service has approved and the values of its
//! variables; it is sent once per call, and no service takes a number of ours to tell a repeat by, so after an unknown
//! outcome the caller does not send again; a phone number reaches the wire and nothing else.
//!
//! [`TencentSms`] is the first adapter (Tencent Cloud SMS, API 3.0).

mod error;
mod message;
mod signature;
mod tencent;

pub use error::SmsError;
pub use message::{Delivery, MessageError, PARAMETER_CHARS_MAX, PARAMETERS_MAX, SmsMessage, TakenSms};
pub use signature::SecretKey;
pub use tencent::{CONNECT_TIMEOUT_MS, SEND_TIMEOUT_MS, SettingsError, TencentAccount, TencentSms};

use domain::Timestamp;

/// A service that sends SMS.
pub trait Sms: Send + Sync {
    /// Sends a message; the answer is the service's number of it. Accepted is not delivered.
    fn send(&self, message: &SmsMessage, now: Timestamp) -> impl Future<Output = Result<String, SmsError>> + Send;

    /// What the carrier says of a message the service took; none as long as it says nothing. Asking changes nothing.
    fn delivery(
        &self,
        taken: &TakenSms,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Delivery>, SmsError>> + Send;
}
