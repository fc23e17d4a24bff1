//! The credit record (诚信记录): what not coming (爽约), cancelling late and coming late cost.
//!
//! A record keeps raw facts, one per appointment: what happened, when, and whether it counts. A policy judges them, and
//! another policy can judge the same facts. What a policy says is data: the hospital's own or one of the [`presets`].
//!
//! A strike counts once per appointment and never for the hospital's fault. A ban ends booking ahead; the day itself
//! stays open, and numbers that are booked already are kept (E54).

mod block;
mod judge;
mod news;
mod policy;
pub mod presets;
mod record;
#[cfg(test)]
mod tests;

pub use block::{Block, BlockWhy};
pub use judge::{Ban, Judge, Standing};
pub(crate) use news::change;
pub use news::{CreditNews, Owner};
pub use policy::{
    BanLength, Count, CreditPolicy, CutOff, InTime, Outage, Rule, STRIKES_KEPT_MAX, Scope, Step, Terms, Threshold,
    Window,
};
pub use presets::Preset;
pub use record::{Breach, Decision, Record, Strike, StrikeState, Strikes};
