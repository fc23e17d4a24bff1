//! The rules of the outpatient desk (门诊).
//!
//! Pure: no I/O, no async, no clock, no randomness. A rule takes what is known and the time, and answers with a
//! decision or a typed refusal; `store` turns a decision into one conditional write.

pub mod appointment;
pub mod booking;
pub mod catalog;
pub mod clinic;
pub mod credit;
pub mod due;
pub mod event;
pub mod id;
pub mod money;
pub mod notice;
pub mod order;
pub mod person;
pub mod profile;
pub mod reconciliation;
pub mod report;
pub mod time;

pub use jiff::{Timestamp, civil};
