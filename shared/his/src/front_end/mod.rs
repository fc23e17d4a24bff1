//! The adapter for a front-end machine (前置机) of the Chinese kind: a few operations by name, each a small body there and
//! back, in JSON or XML, in UTF-8 or GB18030. The protocol is written down in `tests/his/README.md`.

mod client;
mod coded;
mod data;
mod format;
mod operations;
mod wire;

pub(crate) use client::refused_signature;
pub use client::{DAY_FILE_TIMEOUT_MS, FrontEnd, LOCK_TIMEOUT_MS};
pub(crate) use coded::{NoCode, TheirPlace, their_clinic};
pub use format::{Format, Syntax};
