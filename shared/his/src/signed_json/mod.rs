//! Signed JSON to the hospital's front-end machine (前置机). The protocol is written down in `tests/his/README.md`.

mod breaker;
mod client;
mod keys;
mod numbers;
mod timetable;
mod wire;

pub use breaker::{Breaker, FAILURES_IN_A_ROW_MAX, OPEN_FOR_S};
pub use client::{
    ANSWER_BYTES_MAX, CONNECT_TIMEOUT_MS, DAY_FILE_TIMEOUT_MS, LOCK_TIMEOUT_MS, READ_TIMEOUT_MS, SettingsError,
    SignedJson, WRITE_TIMEOUT_MS,
};
pub(crate) use keys::hex;
pub use keys::{KeyError, Keys};
