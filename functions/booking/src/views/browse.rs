//! Departments, days and clinics to choose from.

use crate::admission::{clock_text, is_crowded};
use crate::freshness::Freshness;
use domain::board::{Board, BoardClinic};
use domain::booking::BookingPolicy;
use domain::catalog::Department;
use domain::civil::Date;
use domain::clinic::ClinicState;
use domain::{Timestamp, time};
use maud::{Markup, html};
use serde::Serialize;
use web::components::{
    Cell, Day, DayState, Page, State as PageState, Step, Tab, Tone, badge, days, fee, heading, list, page, state, steps,
};
use web::negotiate::Cache;
use web::view::{PageContext, View};

/// How long a public list may be kept by browsers and the edge.
const PUBLIC_AGE_S: u32 = 10;
/// How long a list may be kept while numbers go by the second.
const CROWDED_AGE_S: u32 = 1;
/// How long a list may be kept that has nothing left: unpaid numbers come back after minutes.
const SOLD_OUT_AGE_S: u32 = 30;

/// Departments to choose from.
#[derive(Debug, Serialize)]
pub struct DepartmentsView {
    departments: Vec<DepartmentRow>,
}

#[derive(Debug, Serialize)]
struct DepartmentRow {
    id: String,
    name: String,
    location: String,
    #[serde(skip)]
    href: String,
}

impl DepartmentsView {
    /// From the catalogue.
    pub fn of(departments: &[Department]) -> Self {
        let row = |department: &Department| DepartmentRow {
            id: department.id.to_string(),
            name: department.name.clone(),
            location: department.location.clone(),
            href: format!("/booking/{}", department.id),
        };
        Self { departments: departments.iter().map(row).collect() }
    }
}

impl View for DepartmentsView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let cell = |row: &'_ DepartmentRow| (row.name.clone(), row.location.clone(), row.href.clone());
        let rows: Vec<_> = self.departments.iter().map(cell).collect();
        let cells: Vec<_> = rows
            .iter()
            .map(|(name, location, href)| Cell { text: name, below: Some(location), side: None, href: Some(href) })
            .collect();
        let body = html! {
            (steps(Step::Choose))
            (heading("选择科室", Some("不清楚挂哪个科？请拨打医院电话或到导诊台咨询")))
            @if cells.is_empty() { (state(PageState::Empty, "暂无科室", "医院尚未公布科室", &[])) } @else { (list(&cells)) }
        };
        page(context, &Page::new("预约挂号").tab(Tab::Booking), body)
    }

    fn cache(&self) -> Cache {
        Cache::Public { max_age_s: PUBLIC_AGE_S }
    }
}

/// A day to choose.
#[derive(Debug, Serialize)]
pub struct DayChoice {
    date: Date,
    text: String,
    short: String,
    open: bool,
    closed: bool,
    chosen: bool,
}

impl DayChoice {
    /// From the board of the day.
    pub fn of(board: &Board, chosen: Date, now: Timestamp) -> Self {
        let date = board.date;
        let states = || board.clinics.iter().map(|found| found.clinic.state);
        let today = time::today(now);
        let text = match date {
            date if date == today => "今天",
            date if date == time::add_days(today, 1) => "明天",
            date => time::weekday_text(date),
        };
        Self {
            date,
            text: text.to_owned(),
            short: format!("{}/{}", date.month(), date.day()),
            open: states().any(|state| state == ClinicState::Open),
            closed: !board.clinics.is_empty() && states().all(|state| state == ClinicState::Closed),
            chosen: date == chosen,
        }
    }

    fn state(&self) -> DayState {
        match (self.open, self.closed) {
            (true, _) => DayState::Held,
            (false, true) => DayState::Closed,
            (false, false) => DayState::None,
        }
    }
}

/// A clinic to choose.
#[derive(Debug, Serialize)]
pub struct ClinicRow {
    clinic: String,
    who: String,
    kind: &'static str,
    period: &'static str,
    room: String,
    fee_fen: i64,
    remaining: usize,
    state: &'static str,
    /// When its numbers are released, if that is still to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    released_later: Option<String>,
    #[serde(skip)]
    is_crowded: bool,
    #[serde(skip)]
    href: String,
}

impl ClinicRow {
    /// From a clinic of the board.
    pub fn of(found: &BoardClinic, policy: &BookingPolicy, now: Timestamp) -> Self {
        let (clinic, remaining) = (&found.clinic, found.bookable(policy, now));
        let released_later = found.released_later(policy, now);
        let state = match (clinic.state, remaining) {
            (ClinicState::Closed, _) => "停诊",
            (ClinicState::Open, 0) if released_later.is_some() => "待放号",
            (ClinicState::Open, 0) => "无号",
            (ClinicState::Open, _) => "有号",
        };
        Self {
            clinic: clinic.id.to_string(),
            who: clinic.who_text(),
            kind: clinic.kind.text(),
            period: clinic.period.text(),
            room: clinic.room.clone(),
            fee_fen: clinic.fee.get(),
            remaining,
            state,
            released_later: released_later.map(|at| release_text(at, now)),
            is_crowded: is_crowded(clinic, now),
            href: format!("/clinics/{}", clinic.id),
        }
    }
}

/// A department's days and the clinics of one of them.
#[derive(Debug, Serialize)]
pub struct DepartmentView {
    /// Code.
    pub department: String,
    /// Name.
    pub name: String,
    /// Days to choose from.
    pub days: Vec<DayChoice>,
    /// Clinics of the chosen day.
    pub clinics: Vec<ClinicRow>,
    /// How old what is known of their numbers is, where the hospital's own system gives them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freshness: Option<Freshness>,
}

impl View for DepartmentView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let links: Vec<_> =
            self.days.iter().map(|day| format!("/booking/{}?date={}", self.department, day.date)).collect();
        let strip: Vec<_> = self
            .days
            .iter()
            .zip(&links)
            .map(|(day, href)| Day { name: &day.text, date: &day.short, state: day.state(), href, current: day.chosen })
            .collect();
        let texts: Vec<_> = self.clinics.iter().map(row_texts).collect();
        let cells: Vec<_> =
            self.clinics.iter().zip(&texts).map(|(row, (text, below))| row_cell(row, text, below)).collect();
        let body = html! {
            (steps(Step::Choose))
            (heading(&self.name, Some("选择日期和医生")))
            (days(&strip))
            @if let Some(freshness) = &self.freshness { (freshness.line()) }
            @if cells.is_empty() {
                (state(PageState::Empty, "当天没有门诊", "请选择其他日期", &[]))
            } @else {
                (list(&cells))
            }
        };
        page(context, &Page::new(&self.name).tab(Tab::Booking), body)
    }

    fn cache(&self) -> Cache {
        let is_crowded = self.clinics.iter().any(|row| row.is_crowded);
        let is_sold_out = self.clinics.iter().all(|row| row.remaining == 0 && row.released_later.is_none());
        let max_age_s = match (is_sold_out, is_crowded) {
            (true, true) => SOLD_OUT_AGE_S,
            (false, true) => CROWDED_AGE_S,
            (_, false) => PUBLIC_AGE_S,
        };
        Cache::Public { max_age_s }
    }
}

fn row_texts(row: &ClinicRow) -> (String, String) {
    (format!("{} {}", row.period, row.who), format!("{} · {}", row.kind, row.room))
}

fn row_cell<'a>(row: &'a ClinicRow, text: &'a str, below: &'a str) -> Cell<'a> {
    let tone = if row.remaining > 0 { Tone::Good } else { Tone::Plain };
    let words = match &row.released_later {
        Some(at) => format!("{at} 放号"),
        None if row.remaining > 0 => format!("余 {}", row.remaining),
        None => row.state.to_owned(),
    };
    let side = html! { (fee(row.fee_fen)) " " (badge(tone, &words)) };
    Cell { text, below: Some(below), side: Some(side), href: Some(&row.href) }
}

/// `7:00` for today, `11月24日 7:00` for another day.
fn release_text(at: Timestamp, now: Timestamp) -> String {
    let (clock, date) = (clock_text(at), time::today(at));
    if date == time::today(now) { clock } else { format!("{}月{}日 {clock}", date.month(), date.day()) }
}
