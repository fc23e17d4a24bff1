//! A corrected report beside the version before it: what changed, in words.

use super::item::{FlagView, ItemView, flag_mark};
use domain::report::{Change, Item, Report, Text, TextKind, changes};
use maud::{Markup, html};
use serde::Serialize;
use web::components::{Button, Page, REPORT_STYLE, State, Tab, Tone, heading, notice, page, state, title};
use web::view::{PageContext, View};

/// An item as one version says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Side {
    value: String,
    range: String,
    flag: Option<FlagView>,
    notes: Vec<String>,
}

impl Side {
    fn of(report: &Report, item: &Item) -> Self {
        let values = item.values.iter().map(super::item::value_text).collect::<Vec<_>>().join("、");
        let view = ItemView::of(item, report.about(), &|_| None);
        Self {
            value: format!("{values} {}", view.unit()).trim().to_owned(),
            range: item.range_text(),
            flag: view.flag().cloned(),
            notes: item.notes.iter().map(|note| note.as_str().to_owned()).collect(),
        }
    }
}

/// What became of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct ChangeView {
    name: String,
    /// In words.
    change: &'static str,
    before: Option<Side>,
    after: Option<Side>,
}

/// What became of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct TextChange {
    title: &'static str,
    before: String,
    after: String,
}

/// Two versions side by side.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct VersionsView {
    report: String,
    title: String,
    /// When the one before was issued, and this one.
    before: String,
    after: String,
    changed: Vec<ChangeView>,
    same: Vec<String>,
    texts: Vec<TextChange>,
}

/// The report's address and name, and when each version was issued.
#[derive(Clone, Debug)]
pub(crate) struct Heading {
    pub(crate) report: String,
    pub(crate) title: String,
    pub(crate) before: String,
    pub(crate) after: String,
}

impl VersionsView {
    /// Of two versions as their reader may see them.
    pub(crate) fn of(heading: Heading, earlier: &Report, later: &Report) -> Self {
        let all = changes(earlier, later);
        let name = |item: Option<&Item>| item.map_or("", |item| item.code.name()).to_owned();
        let (same, changed): (Vec<_>, Vec<_>) = all.into_iter().partition(|change| change.change == Change::Same);
        let changed = changed.into_iter().map(|change| ChangeView {
            name: name(change.after.or(change.before)),
            change: change_text(change.change),
            before: change.before.map(|item| Side::of(earlier, item)),
            after: change.after.map(|item| Side::of(later, item)),
        });
        Self {
            report: heading.report,
            title: heading.title,
            before: heading.before,
            after: heading.after,
            changed: changed.collect(),
            same: same.into_iter().map(|change| name(change.after)).collect(),
            texts: text_changes(earlier, later),
        }
    }
}

fn change_text(change: Change) -> &'static str {
    match change {
        Change::Same => "未变",
        Change::Changed => "已更正",
        Change::Added => "新增",
        Change::Removed => "已删除",
    }
}

fn text_changes(earlier: &Report, later: &Report) -> Vec<TextChange> {
    let kinds = [
        (TextKind::Findings, "检查所见"),
        (TextKind::Impression, "诊断意见"),
        (TextKind::Conclusion, "结论"),
        (TextKind::Note, "备注"),
        (TextKind::Narrative, "报告全文"),
    ];
    let joined = |report: &Report, kind: TextKind| {
        let texts = report.texts.iter().filter(|text| text.kind == kind).map(|text| &text.text).map(Text::as_str);
        texts.collect::<Vec<_>>().join("\n")
    };
    let both = kinds.into_iter().map(|(kind, title)| TextChange {
        title,
        before: joined(earlier, kind),
        after: joined(later, kind),
    });
    both.filter(|change| change.before != change.after).collect()
}

fn side(name: &str, side: Option<&Side>) -> Markup {
    html! {
        div.side {
            p.soft { (name) }
            @match side {
                Some(side) => {
                    p.value { strong { (side.value) } }
                    @if let Some(flag) = &side.flag { (flag_mark(flag)) }
                    @if !side.range.is_empty() { p.soft { "参考范围 " (side.range) } }
                    @for note in &side.notes { p.text { "备注：" (note) } }
                }
                None => { p { "没有这一项" } }
            }
        }
    }
}

impl View for VersionsView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let back = format!("/reports/{}", self.report);
        let body = html! {
            (heading(&self.title, Some("更正前后对照")))
            (notice(Tone::Wait, "以更正后的结果为准。如有疑问，请联系您的医生。"))
            @if self.changed.is_empty() && self.texts.is_empty() {
                (state(State::Success, "结果没有变化", "更正的是报告的其他信息", &[]))
            }
            ul.cells {
                @for change in &self.changed {
                    li.item {
                        div.line { b { (change.name) } span.flag.other { (change.change) } }
                        div.sides {
                            (side(&self.before, change.before.as_ref()))
                            (side(&self.after, change.after.as_ref()))
                        }
                    }
                }
            }
            @for text in &self.texts {
                (title(text.title))
                div.cells {
                    div.item { p.soft { (self.before) } p.text { @if text.before.is_empty() { "（无）" } @else { (text.before) } } }
                    div.item { p.soft { (self.after) } p.text { @if text.after.is_empty() { "（无）" } @else { (text.after) } } }
                }
            }
            @if !self.same.is_empty() {
                (title("没有变化的项目"))
                div.prose { p { (self.same.join("、")) } }
            }
            div.acts { (Button::plain_link("返回报告", &back)) }
        };
        page(context, &Page::new("报告").tab(Tab::Appointments).style(REPORT_STYLE), body)
    }
}
