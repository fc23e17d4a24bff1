//! What the pages of this function show: each view is the page and the JSON alike.

mod facts;
mod item;
pub(crate) mod list;
pub(crate) mod proof;
pub(crate) mod report;
pub(crate) mod staff;
pub(crate) mod times;
pub(crate) mod trend;
pub(crate) mod versions;

#[cfg(test)]
mod tests;
