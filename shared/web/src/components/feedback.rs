//! What happened, in words first and colour second.

use maud::{Markup, html};

use super::{Button, Icon};

/// How something is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tone {
    /// Neither good nor bad.
    #[default]
    Plain,
    /// Done, available.
    Good,
    /// Waiting, or needs attention.
    Wait,
    /// Failed, gone.
    Bad,
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Good => "good",
            Self::Wait => "wait",
            Self::Bad => "bad",
        }
    }
}

/// A short state in words.
pub fn badge(tone: Tone, text: &str) -> Markup {
    html! { span class={ "badge " (tone.class()) } { (text) } }
}

/// A message inside a page. A word in front says what kind it is, for those who do not see the colour.
pub fn notice(tone: Tone, text: &str) -> Markup {
    let word = match tone {
        Tone::Plain => "提示",
        Tone::Good => "成功",
        Tone::Wait => "注意",
        Tone::Bad => "未成功",
    };
    let role = if tone == Tone::Bad { "alert" } else { "status" };
    html! { div class={ "note " (tone.class()) } role=(role) { b { (word) } p { (text) } } }
}

/// The state a whole page reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It worked.
    Success,
    /// It did not.
    Failure,
    /// It is under way.
    Waiting,
    /// There is nothing here yet.
    Empty,
}

/// A whole page's outcome: an icon, a title, a sentence, and where to go on.
pub fn state(state: State, title: &str, text: &str, actions: &[Button<'_>]) -> Markup {
    let (icon, class) = match state {
        State::Success => (Icon::Success, "good"),
        State::Failure => (Icon::Failure, "bad"),
        State::Waiting => (Icon::Waiting, "wait"),
        State::Empty => (Icon::Empty, ""),
    };
    html! {
        section class={ "state " (class) } { (icon) h1 { (title) } p { (text) } }
        @if !actions.is_empty() { div.acts { @for action in actions { (action) } } }
    }
}
