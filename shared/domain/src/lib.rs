//! The rules of the outpatient desk (门诊).
//!
//! Pure: no I/O, no async, no clock, no randomness. A rule takes what is known and the time, and answers with a
//! decision or a typed refusal; `store` turns a decision into one conditional write.

pub mod admission;
pub mod appointment;
pub mod board;
pub mod booking;
pub mod calendar;
pub mod cards;
pub mod catalog;
pub mod clinic;
pub mod closure;
pub mod credit;
pub mod due;
pub mod enrolment;
pub mod event;
pub mod his;
pub mod id;
pub mod merge;
pub mod money;
pub mod notice;
pub mod order;
pub mod person;
pub mod profile;
pub mod pull;
pub mod queue;
pub mod quota;
pub mod reconciliation;
pub mod referral;
pub mod report;
pub mod slot;
pub mod staff;
pub mod time;
pub mod visit;
pub mod waitlist;

pub use jiff::{Timestamp, civil};
