//! The one set of parts all pages are made of, in the manner of WeUI.
//!
//! WeUI's green (#07C160) under white text has a contrast of 2.3:1; readers here are old, and the rule is 4.5:1. So
//! the bright green only decorates, and a deeper one of the same hue carries text and buttons. Sizes are in rem, so
//! that WeChat's type scale and the large type of this site move everything together.

mod booking;
mod code;
mod controls;
mod feedback;
mod icons;
mod lists;
mod shell;
mod ticks;

pub use booking::{
    Day, DayState, Step, Tile, TileTarget, countdown, days, fee, fee_text, steps, tiles, yuan, yuan_text,
};
pub use code::{CodeError, QR_TEXT_MAX_BYTES, qr};
pub use controls::{
    Button, Choice, Field, FieldKind, Look, Switch, choices, csrf_field, field, form_start_fields, idempotency_field,
    search, select, switches, tick,
};
pub use feedback::{State, Tone, badge, notice, state};
pub use icons::Icon;
pub use lists::{Cell, Entry, Person, entries, heading, key_values, list, people, prose, tags, title};
pub use shell::{Page, Script, Tab, page};
pub use ticks::{Tick, sum, ticks};

use serde::Serialize;
use std::borrow::Cow;

/// What the pages of staff have besides [`STYLE`].
pub const STAFF_STYLE: &str = include_str!("../../assets/staff.css");

/// What pages with results have besides [`STYLE`].
pub const REPORT_STYLE: &str = include_str!("../../assets/report.css");

/// The style sheet of every page, inlined so that the first paint needs one round trip.
pub const STYLE: &str = include_str!("../../assets/style.css");

/// Where one may go, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// The words.
    pub text: Cow<'static, str>,
    /// The path.
    pub href: String,
}

impl Link {
    /// A link.
    pub fn new(text: impl Into<Cow<'static, str>>, href: impl Into<String>) -> Self {
        Self { text: text.into(), href: href.into() }
    }
}
