//! Temporary.
pub mod daily;
