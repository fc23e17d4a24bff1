//! What this function shows: each view is the page and the JSON alike.

pub mod board;
pub mod people;
pub mod prints;
pub mod queue;
pub mod screen;
