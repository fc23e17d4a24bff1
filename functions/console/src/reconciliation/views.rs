//! What finance reads: days, differences, notes.

use domain::Timestamp;
use domain::money::Fen;
use domain::reconciliation::day::{Day, DayState, Delay};
use domain::reconciliation::matcher::Summary;
use domain::reconciliation::worklist::{Case, CaseState, NoteText};
use domain::reconciliation::{Class, Kind, PerSide, Side, Sum, Totals};
use maud::{Markup, html};
use serde::Serialize;
use std::collections::BTreeMap;
use web::components::{Cell, Page, key_values, list, page, title};
use web::view::{PageContext, View};

/// Differences shown with a day, open ones first; the export has all.
const CASES_SHOWN_MAX: usize = 1_000;

/// A class of differences, in words.
pub(super) fn class_text(class: Class) -> &'static str {
    match class {
        Class::OnlyWechat => "长款：仅微信有",
        Class::OnlyOurs => "单边：仅本系统有",
        Class::OnlyHis => "短款：仅HIS有",
        Class::MissingInOurs => "本系统缺记",
        Class::MissingAtWechat => "微信无此笔",
        Class::MissingAtHis => "HIS缺记",
        Class::UnexpectedAtHis => "HIS多记",
        Class::Amount => "金额不符",
        Class::State => "状态不符：微信未到账",
        Class::Twice => "重复记账",
    }
}

/// Payment or refund, in words.
pub(super) fn kind_text(kind: Kind) -> &'static str {
    match kind {
        Kind::Payment => "支付",
        Kind::Refund => "退款",
    }
}

/// How far a difference is: code and words.
pub(super) fn case_state_words(state: &CaseState) -> (&'static str, &'static str) {
    match state {
        CaseState::Open => ("open", "待处理"),
        CaseState::Resolved { .. } => ("resolved", "已处理"),
        CaseState::Gone => ("gone", "已自行消除"),
    }
}

fn day_state_words(state: &DayState) -> (&'static str, &'static str) {
    match state {
        DayState::Due => ("due", "待对账"),
        DayState::Running => ("running", "对账中"),
        DayState::Differences => ("differences", "有差异"),
        DayState::BalancedClosed { .. } => ("balanced_closed", "已平账"),
        DayState::SignedOff { .. } => ("signed_off", "已签核"),
    }
}

fn delay_text(delay: Delay) -> &'static str {
    match delay {
        Delay::BillCreating => "微信账单生成中",
        Delay::BillMissing => "微信称当日无交易，与本系统不符",
        Delay::BillUnavailable => "微信账单无法获取或无法读取",
        Delay::HisUnavailable => "HIS日账文件无法获取或无法读取",
        Delay::BooksChanged => "对账期间账目有变动",
        Delay::TableUnavailable => "系统暂时繁忙",
    }
}

/// Why the last run did not come to an end.
#[derive(Debug, Serialize)]
pub struct DelayView {
    code: Delay,
    text: &'static str,
}

/// A day.
#[derive(Debug, Serialize)]
pub struct DayView {
    date: String,
    state: &'static str,
    state_text: &'static str,
    /// Counts comparisons.
    run: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<DelayView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    totals: Option<PerSide<Totals>>,
    /// Differences of the last run.
    differences: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_at: Option<Timestamp>,
}

impl DayView {
    /// From a day.
    pub fn of(day: &Day) -> Self {
        let (state, state_text) = day_state_words(&day.state);
        let (signed_by, closed_at) = match &day.state {
            DayState::BalancedClosed { closed_at } => (None, Some(*closed_at)),
            DayState::SignedOff { signed_by, closed_at } => (Some(signed_by.clone()), Some(*closed_at)),
            DayState::Due | DayState::Running | DayState::Differences => (None, None),
        };
        Self {
            date: day.date.to_string(),
            state,
            state_text,
            run: day.run,
            delay: day.delay.map(|code| DelayView { code, text: delay_text(code) }),
            totals: day.summary.as_ref().map(|summary| summary.totals),
            differences: day.summary.as_ref().map_or(0, Summary::differences),
            signed_by,
            closed_at,
        }
    }

    fn facts(&self) -> Vec<(&'static str, Markup)> {
        let mut facts = vec![("状态", html! { (self.state_text) }), ("差异", html! { (self.differences) " 条" })];
        facts.extend(self.delay.as_ref().map(|delay| ("未完成原因", html! { (delay.text) })));
        facts.extend(self.signed_by.as_ref().map(|by| ("签核人", html! { (by) })));
        facts.extend(self.totals.iter().flat_map(|totals| Side::ALL.map(|side| side_facts(side, totals.get(side)))));
        facts
    }
}

fn side_facts(side: Side, totals: &Totals) -> (&'static str, Markup) {
    let name = match side {
        Side::Wechat => "微信",
        Side::Ours => "本系统",
        Side::His => "HIS",
    };
    (name, html! { "收 " (sum_text(totals.payments)) "，退 " (sum_text(totals.refunds)) })
}

fn sum_text(sum: Sum) -> String {
    format!("{} 笔 {}.{:02} 元", sum.count, sum.total_fen / 100, sum.total_fen % 100)
}

impl View for DayView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        page(context, &Page::new("对账"), html! { (title(&self.date)) (key_values(&self.facts())) })
    }
}

/// Days, latest first.
#[derive(Debug, Serialize)]
pub struct DaysView {
    days: Vec<DayView>,
}

impl DaysView {
    /// From days.
    pub fn of(days: &[Day]) -> Self {
        Self { days: days.iter().map(DayView::of).collect() }
    }
}

impl View for DaysView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let links: Vec<_> = self.days.iter().map(|day| format!("/staff/reconciliations/{}", day.date)).collect();
        let cells = self.days.iter().zip(&links).map(|(day, link)| Cell {
            text: &day.date,
            below: Some(day.state_text),
            side: None,
            href: Some(link),
        });
        page(context, &Page::new("对账"), list(&cells.collect::<Vec<_>>()))
    }
}

/// A day and its differences.
#[derive(Debug, Serialize)]
pub struct DayDetailView {
    #[serde(flatten)]
    day: DayView,
    /// Differences of the last run, by class.
    counts: BTreeMap<Class, u64>,
    /// What any run found, open ones first.
    cases: Vec<CaseView>,
    /// Whether there are more than are shown here.
    more: bool,
}

impl DayDetailView {
    /// From a day and all its differences.
    pub fn of(day: &Day, cases: &[Case]) -> Self {
        let mut sorted: Vec<_> = cases.iter().collect();
        sorted.sort_by_key(|case| !case.is_open());
        Self {
            day: DayView::of(day),
            counts: day.summary.as_ref().map(|summary| summary.counts.clone()).unwrap_or_default(),
            cases: sorted.iter().take(CASES_SHOWN_MAX).map(|case| CaseView::of(case)).collect(),
            more: sorted.len() > CASES_SHOWN_MAX,
        }
    }
}

impl View for DayDetailView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let cells = self.cases.iter().map(|case| Cell {
            text: &case.number,
            below: Some(case.class_text),
            side: Some(html! { (case.state_text) }),
            href: None,
        });
        let cells: Vec<_> = cells.collect();
        let body = html! { (title(&self.day.date)) (key_values(&self.day.facts())) (title("差异")) (list(&cells)) };
        page(context, &Page::new("对账"), body)
    }
}

/// A difference and its work.
#[derive(Debug, Serialize)]
pub struct CaseView {
    /// Names it in the routes.
    difference: String,
    class: &'static str,
    class_text: &'static str,
    kind: &'static str,
    number: String,
    amounts_fen: PerSide<Option<Fen>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    late_for: Option<String>,
    state: &'static str,
    state_text: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved_by: Option<String>,
    /// Oldest first.
    notes: Vec<NoteView>,
}

/// A note.
#[derive(Debug, Serialize)]
pub struct NoteView {
    by: String,
    at: Timestamp,
    text: NoteText,
}

impl CaseView {
    /// From a difference.
    pub fn of(case: &Case) -> Self {
        let (state, state_text) = case_state_words(&case.state);
        let difference = &case.difference;
        let resolved_by = match &case.state {
            CaseState::Resolved { resolved_by, .. } => Some(resolved_by.clone()),
            CaseState::Open | CaseState::Gone => None,
        };
        let notes = case.notes.iter().cloned().map(|note| NoteView { by: note.by, at: note.at, text: note.text });
        let notes = notes.collect();
        Self {
            difference: difference.id.to_string(),
            class: difference.class().code(),
            class_text: class_text(difference.class()),
            kind: difference.kind.code(),
            number: difference.number.clone(),
            amounts_fen: difference.amounts,
            late_for: difference.late_for.map(|day| day.to_string()),
            state,
            state_text,
            resolved_by,
            notes,
        }
    }
}

impl View for CaseView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let facts = [
            ("差异", html! { (self.class_text) }),
            ("单号", html! { (self.number) }),
            ("状态", html! { (self.state_text) }),
            ("说明", html! { (self.notes.len()) " 条" }),
        ];
        page(context, &Page::new("差异"), html! { (title("差异")) (key_values(&facts)) })
    }
}
