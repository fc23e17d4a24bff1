//! Signed calls to the hospital's front-end machine (前置机), whatever language they carry: who asks, when, once; that the
//! answer is the HIS's, to this very question; how long it may take; and whether to call at all.
//!
//! The headers are written down in `tests/his/README.md`.

mod breaker;
mod client;
mod keys;

pub use breaker::{Breaker, FAILURES_IN_A_ROW_MAX, OPEN_FOR_S};
pub use client::{ANSWER_BYTES_MAX, CONNECT_TIMEOUT_MS, Machine, READ_TIMEOUT_MS, SettingsError, WRITE_TIMEOUT_MS};
pub(crate) use client::{Answered, Outgoing};
pub(crate) use keys::hex;
pub use keys::{KeyError, Keys, Request as SignedRequest};
