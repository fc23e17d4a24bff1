//! What staff do: import the hospital's catalogue, schedules and visit cards.

pub mod import;
