//! Requests that are not WeChat's, or that cannot be read: a status and a stable code, for the log and the sender.
//!
//! | code | status | when |
//! |---|---|---|
//! | `missing_parameter` | 400 | a query parameter is absent |
//! | `bad_timestamp` | 400 | not a number |
//! | `stale_timestamp` | 403 | too far from now: a replay, or a wrong clock |
//! | `bad_signature` | 403 | not signed with our token |
//! | `downgrade` | 403 | clear although the account encrypts |
//! | `encryption_type` | 400 | an unknown one |
//! | `too_large` | 413 | the body exceeds [`wechat::callback::MAX_BODY_BYTES`] |
//! | `bad_envelope` | 400 | the body around the encrypted text cannot be read |
//! | `bad_cipher` | 400 | no key opens the encrypted text |
//! | `bad_message` | 400 | the message itself cannot be read |

use web::StatusCode;
use wechat::callback::CallbackError;

/// Status and code of a refusal.
pub(crate) fn refusal(error: &CallbackError) -> (StatusCode, &'static str) {
    match error {
        CallbackError::MissingParameter(_) => (StatusCode::BAD_REQUEST, "missing_parameter"),
        CallbackError::BadTimestamp => (StatusCode::BAD_REQUEST, "bad_timestamp"),
        CallbackError::OutsideWindow { .. } => (StatusCode::FORBIDDEN, "stale_timestamp"),
        CallbackError::Signature => (StatusCode::FORBIDDEN, "bad_signature"),
        CallbackError::Downgrade => (StatusCode::FORBIDDEN, "downgrade"),
        CallbackError::EncryptionType => (StatusCode::BAD_REQUEST, "encryption_type"),
        CallbackError::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        CallbackError::BodyNotUtf8 | CallbackError::Envelope(_) => (StatusCode::BAD_REQUEST, "bad_envelope"),
        CallbackError::Sealed(_) => (StatusCode::BAD_REQUEST, "bad_cipher"),
        CallbackError::Message(_) => (StatusCode::BAD_REQUEST, "bad_message"),
    }
}
