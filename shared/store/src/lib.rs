//! DynamoDB: keys, items, and one conditional write per decision.
//!
//! One table. Items that are read together live together (see [`key`]). A write either says what it expects of the
//! item or is harmless to repeat; nothing here reads the clock.

pub mod account;
pub mod admission;
pub mod appeals;
pub mod appointments;
pub mod audit;
pub mod board;
pub mod books;
pub mod calls;
pub mod cards;
pub mod catalog;
pub mod clinics;
pub mod closure;
pub mod codes;
pub mod credit;
pub mod due;
pub mod gate;
pub mod his_calls;
pub mod identity;
pub mod key;
pub mod merges;
pub mod notices;
pub mod orders;
mod packed;
pub mod patients;
pub mod pulls;
pub mod queues;
pub mod reading;
pub mod reconciliation;
pub mod referrals;
pub mod registration;
mod report_numbers;
pub mod reports;
pub mod reschedule;
pub mod schedules;
pub mod seal;
pub mod settlement;
pub mod signin;
pub mod staff;
pub mod table;
mod transaction;
pub mod troubles;
pub mod unplaced;
pub mod visits;
pub mod waitlist;

pub use table::{StoreError, Table, Write};
