//! A person's reports, newest first.

use super::report::instant_text;
use domain::report::Visibility;
use maud::{Markup, html};
use serde::Serialize;
use web::components::{
    Button, Cell, Page, REPORT_STYLE, State, Tab, Tone, badge, heading, list, notice, page, state, title,
};
use web::view::{PageContext, View};

/// How far a report is for its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It was asked for; nothing was taken or made yet.
    Ordered,
    /// Nothing is final yet.
    Waiting,
    /// All of it may be seen.
    Ready,
    /// A part of it may be seen.
    Partly,
    /// Nothing of it may be seen (yet).
    Withheld(Visibility),
    /// Nothing will come.
    Cancelled,
}

impl Progress {
    fn text(self) -> String {
        match self {
            Self::Ordered => "已开单，待采样或检查".to_owned(),
            Self::Waiting => "检查中".to_owned(),
            Self::Ready => "可查看".to_owned(),
            Self::Partly => "部分可查看".to_owned(),
            Self::Withheld(Visibility::From(at)) => format!("{} 开放查看", instant_text(at)),
            Self::Withheld(Visibility::AfterDoctor) => "医生与您面谈".to_owned(),
            Self::Withheld(Visibility::Never) => "到院领取".to_owned(),
            Self::Withheld(Visibility::Withdrawn) => "已撤回".to_owned(),
            Self::Withheld(Visibility::Visible | Visibility::NotFinal) => "结果未出".to_owned(),
            Self::Cancelled => "已取消".to_owned(),
        }
    }

    /// Whether it is still to come.
    pub(crate) fn is_awaited(self) -> bool {
        matches!(self, Self::Ordered | Self::Waiting)
    }

    fn tone(self) -> Tone {
        match self {
            Self::Ready | Self::Partly => Tone::Good,
            Self::Ordered | Self::Waiting | Self::Withheld(_) => Tone::Wait,
            Self::Cancelled => Tone::Plain,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::Ordered => "ordered",
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Partly => "partly",
            Self::Withheld(Visibility::Withdrawn) => "recalled",
            Self::Withheld(_) => "withheld",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A report in the list.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RowView {
    pub(crate) report: String,
    /// What was examined; neutral where anything of it is sensitive.
    title: String,
    /// When it was taken, or made.
    day: String,
    /// `ordered`, `waiting`, `ready`, `partly`, `withheld`, `recalled` or `cancelled`.
    state: &'static str,
    /// The state in words.
    text: String,
    /// When the result can be expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<String>,
    is_corrected: bool,
    pub(crate) is_unread: bool,
    #[serde(skip)]
    tone: Tone,
}

/// What a row says.
#[derive(Debug)]
pub(crate) struct RowParts {
    pub(crate) report: String,
    pub(crate) title: String,
    pub(crate) day: String,
    pub(crate) progress: Progress,
    pub(crate) expected: Option<String>,
    pub(crate) is_corrected: bool,
    pub(crate) is_unread: bool,
}

impl RowView {
    /// From its parts.
    pub(crate) fn of(parts: RowParts) -> Self {
        let RowParts { report, title, day, progress, expected, is_corrected, is_unread } = parts;
        let (state, text, tone) = (progress.code(), progress.text(), progress.tone());
        Self { report, title, day, state, text, expected, is_corrected, is_unread, tone }
    }

    fn below(&self) -> String {
        match &self.expected {
            Some(expected) => format!("{} · 预计 {expected} 出结果", self.day),
            None => self.day.clone(),
        }
    }

    fn side(&self) -> Markup {
        html! {
            (badge(self.tone, &self.text))
            @if self.is_corrected { " " (badge(Tone::Wait, "已更正")) }
            @if self.is_unread { " " (badge(Tone::Bad, "未读")) }
        }
    }
}

/// A person's reports.
#[derive(Debug, Serialize)]
pub(crate) struct ListView {
    /// Whose they are, for addresses.
    pub(crate) patient: String,
    /// Whose they are, masked.
    pub(crate) name: String,
    /// How many are not read yet, on all pages.
    pub(crate) unread: usize,
    /// What is waited for.
    pub(crate) waiting: Vec<RowView>,
    /// What has come, newest first.
    pub(crate) reports: Vec<RowView>,
    /// The page after this one.
    pub(crate) next: Option<String>,
    /// Who else the reader acts for.
    #[serde(skip)]
    pub(crate) others: Vec<(String, String)>,
}

fn rows(rows: &[RowView]) -> Markup {
    let texts: Vec<(String, String)> =
        rows.iter().map(|row| (row.below(), format!("/reports/{}", row.report))).collect();
    let cells = rows.iter().zip(&texts).map(|(row, (below, href))| Cell {
        text: &row.title,
        below: Some(below),
        side: Some(row.side()),
        href: Some(href),
    });
    list(&cells.collect::<Vec<_>>())
}

impl View for ListView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let unread = format!("{} · {} 份未读", self.name, self.unread);
        let below = if self.unread == 0 { &self.name } else { &unread };
        let others: Vec<_> = self.others.iter().map(|(text, href)| Button::plain_link(text, href)).collect();
        let body = html! {
            (heading("检验检查报告", Some(below)))
            @if self.waiting.is_empty() && self.reports.is_empty() {
                (state(State::Empty, "还没有报告", "做过检验、检查后，报告出来会在这里显示。纸质报告仍可到医院领取", &[]))
            }
            @if !self.waiting.is_empty() { (title("等待结果")) (rows(&self.waiting)) }
            @if !self.reports.is_empty() { (title("报告")) (rows(&self.reports)) }
            @if let Some(next) = &self.next { div.acts { (Button::plain_link("更早的报告", next)) } }
            @if !others.is_empty() { (title("其他就诊人")) div.acts { @for other in &others { (other) } } }
            (notice(Tone::Plain, "报告保存一年。更早的报告请到医院查询。"))
        };
        page(context, &Page::new("报告").tab(Tab::Appointments).style(REPORT_STYLE), body)
    }
}

/// Whose reports to look at.
#[derive(Debug, Serialize)]
pub(crate) struct ChooserView {
    /// Who the reader acts for: name and id.
    pub(crate) patients: Vec<(String, String)>,
}

impl View for ChooserView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let hrefs: Vec<String> = self.patients.iter().map(|(_, id)| format!("/reports?patient={id}")).collect();
        let cells: Vec<_> = self
            .patients
            .iter()
            .zip(&hrefs)
            .map(|((name, _), href)| Cell { text: name, below: None, side: None, href: Some(href) })
            .collect();
        let add = [Button::primary_link("添加就诊人", "/patients/new")];
        let body = html! {
            (heading("检验检查报告", Some("请选择就诊人")))
            @if cells.is_empty() { (state(State::Empty, "还没有就诊人", "添加就诊人后即可查看报告", &add)) }
            @else { (list(&cells)) }
        };
        page(context, &Page::new("报告").tab(Tab::Appointments), body)
    }
}
