//! Days, numbers, fees and the way to a paid number.

use maud::{Markup, html};

use crate::form::Form;

/// Whether a day has something to book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayState {
    /// 有号
    Open,
    /// 约满
    Full,
    /// 出诊: a clinic is held; whether a number is left shows on its page.
    Held,
    /// 停诊
    Closed,
    /// 未出诊, or numbers are not released yet.
    None,
}

impl DayState {
    const fn text(self) -> &'static str {
        match self {
            Self::Open => "有号",
            Self::Full => "约满",
            Self::Held => "出诊",
            Self::Closed => "停诊",
            Self::None => "无号",
        }
    }
}

/// One day to choose.
#[derive(Debug, Clone, Copy)]
pub struct Day<'a> {
    /// 今天, 明天, 周三.
    pub name: &'a str,
    /// 11/25.
    pub date: &'a str,
    /// What there is.
    pub state: DayState,
    /// The page of that day.
    pub href: &'a str,
    /// Whether this page shows that day.
    pub current: bool,
}

/// The days to choose from, all in sight: a strip to be swiped hides its end from those who do not know to swipe.
pub fn days(days: &[Day<'_>]) -> Markup {
    html! {
        ul.days aria-label="选择日期" {
            @for day in days {
                li {
                    @let class = if matches!(day.state, DayState::Open | DayState::Held) { "day open" } else { "day off" };
                    a class=(class) href=(day.href) aria-current=[day.current.then_some("date")] {
                        b { (day.name) } (day.date) small { (day.state.text()) }
                    }
                }
            }
        }
    }
}

/// What a touch on a tile does.
#[derive(Debug, Clone, Copy)]
pub enum TileTarget<'a> {
    /// Chooses this value of the form's field.
    Choice(&'a str),
    /// Opens a page.
    Link(&'a str),
    /// Nothing; the words say why (约满, 停诊, 已开始).
    Off(&'a str),
}

/// A half hour with its numbers.
#[derive(Debug, Clone, Copy)]
pub struct Tile<'a> {
    /// 9:00-9:30.
    pub band: &'a str,
    /// Free numbers.
    pub remaining: u32,
    /// The fee, in fen.
    pub fee_fen: i64,
    /// What a touch does.
    pub target: TileTarget<'a>,
}

/// Half hours to choose from. `name` is the form's field when tiles are choices.
pub fn tiles(form: &Form, name: &'static str, tiles: &[Tile<'_>]) -> Markup {
    html! {
        fieldset {
            legend.title { "选择时段" }
            @if let Some(error) = form.error(name) { p.error.cell { (error) } }
            div.tiles { @for tile in tiles { (one_tile(form, name, tile)) } }
        }
    }
}

fn one_tile(form: &Form, name: &'static str, tile: &Tile<'_>) -> Markup {
    let facts = html! { b { (tile.band) } small { span { "余 " (tile.remaining) } (fee(tile.fee_fen)) } };
    match tile.target {
        TileTarget::Choice(value) => html! {
            label.tile {
                input type="radio" name=(name) value=(value) required checked[form.value(name) == value];
                (facts)
            }
        },
        TileTarget::Link(href) => html! { a.tile href=(href) { (facts) } },
        TileTarget::Off(why) => html! { div.tile.off { b { (tile.band) } small { (why) } } },
    }
}

/// A fee in words: `¥25.00`, or 免费.
pub fn fee_text(fen: i64) -> String {
    if fen == 0 { "免费".into() } else { format!("¥{}.{:02}", fen / 100, fen.unsigned_abs() % 100) }
}

/// An amount of money: `25.00元`.
pub fn yuan_text(fen: i64) -> String {
    format!("{}.{:02}元", fen / 100, fen.unsigned_abs() % 100)
}

/// An amount of money, set off from the text around it.
pub fn yuan(fen: i64) -> Markup {
    html! { span.fee { (yuan_text(fen)) } }
}

/// A fee, set off from the text around it.
pub fn fee(fen: i64) -> Markup {
    html! { span.fee { (fee_text(fen)) } }
}

/// The three steps of a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// 选号
    Choose,
    /// 支付
    Pay,
    /// 就诊
    Visit,
}

/// How far one is.
pub fn steps(current: Step) -> Markup {
    html! {
        ol.steps aria-label="挂号步骤" {
            @for (step, text) in [(Step::Choose, "选号"), (Step::Pay, "支付"), (Step::Visit, "就诊")] {
                li class=[(step < current).then_some("done")] aria-current=[(step == current).then_some("step")] {
                    (text) @if step < current { span.hide { "（已完成）" } }
                }
            }
        }
    }
}

/// Until when, in words that stay true without script; the script only keeps the minutes going.
pub fn countdown(until: &str, remaining_s: u32) -> Markup {
    html! {
        p.left role="timer" {
            "请在 " b { (until) } " 前完成支付，还剩 " b data-left-s=(remaining_s) { (remaining_text(remaining_s)) }
        }
    }
}

fn remaining_text(seconds: u32) -> String {
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} 秒"),
        (minutes, 0) => format!("{minutes} 分钟"),
        (minutes, seconds) => format!("{minutes} 分 {seconds} 秒"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_read_as_yuan() {
        for (fen, text) in [(0, "免费"), (1, "¥0.01"), (2500, "¥25.00"), (123_456, "¥1234.56")] {
            assert_eq!(fee_text(fen), text);
        }
    }

    #[test]
    fn amounts_have_two_decimals_and_their_unit() {
        for (fen, text) in [(0, "0.00元"), (5, "0.05元"), (14_830, "148.30元")] {
            assert_eq!(yuan_text(fen), text);
        }
    }

    #[test]
    fn remaining_time_reads_as_speech() {
        for (seconds, text) in [(0, "0 秒"), (59, "59 秒"), (60, "1 分钟"), (599, "9 分 59 秒"), (600, "10 分钟")]
        {
            assert_eq!(remaining_text(seconds), text);
        }
    }
}
