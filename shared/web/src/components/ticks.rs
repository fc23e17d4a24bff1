//! Several of many to tick, each with what it costs: bills to pay, items to give back.

use maud::{Markup, html};

use super::yuan;

/// One thing to tick.
#[derive(Debug, Clone)]
pub struct Tick<'a> {
    /// The value sent.
    pub value: &'a str,
    /// The words.
    pub text: &'a str,
    /// What stands below, in short lines.
    pub below: &'a [String],
    /// What it costs, in fen.
    pub amount_fen: i64,
    /// Ticked from the start.
    pub ticked: bool,
    /// Why it cannot be ticked, in words; none when it can.
    pub blocked: Option<&'a str>,
}

/// Rows to tick. With [`super::Script::Sum`] a [`sum`] on the page follows them.
pub fn ticks(name: &'static str, ticks: &[Tick<'_>]) -> Markup {
    html! {
        div.cells {
            @for tick in ticks {
                label.choice {
                    input type="checkbox" name=(name) value=(tick.value) data-fen=(tick.amount_fen)
                        checked[tick.ticked && tick.blocked.is_none()] disabled[tick.blocked.is_some()];
                    span.mark aria-hidden="true" {}
                    span.main {
                        (tick.text)
                        @for line in tick.below { span.soft.line { (line) } }
                        @if let Some(why) = tick.blocked { span.soft.line { (why) } }
                    }
                    span.side { (yuan(tick.amount_fen)) }
                }
            }
        }
    }
}

/// What is ticked costs together. Without script it says what everything that is ticked from the start costs; the
/// page after shows what was really chosen.
pub fn sum(words: &str, total_fen: i64) -> Markup {
    html! { p.sum role="status" aria-live="polite" { (words) " " b data-sum { (yuan(total_fen)) } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_blocked_cannot_be_ticked_and_says_why() {
        let below = ["血脂四项 1次".to_owned()];
        let tick = Tick {
            value: "B1",
            text: "检验",
            below: &below,
            amount_fen: 4_800,
            ticked: true,
            blocked: Some("已支付，入账中"),
        };
        let html = ticks("bill", &[tick]).into_string();
        assert!(html.contains(" disabled") && !html.contains(" checked"), "{html}");
        assert!(html.contains("已支付，入账中") && html.contains("48.00元"), "{html}");
    }
}
