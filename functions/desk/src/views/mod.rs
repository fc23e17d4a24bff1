//! What this function shows: each view is the page and the JSON alike.

pub mod board;
pub mod next;
pub mod people;
pub mod prints;
pub mod queue;
pub mod referrals;
pub mod screen;
