//! Today's clinics to choose from.

use crate::Action;
use domain::civil::Date;
use domain::clinic::{Clinic, ClinicState};
use domain::time;
use maud::{Markup, html};
use runtime::http::Call;
use serde::Serialize;
use web::components::{Button, Cell, Page, State, heading, list, page, state, title};
use web::route::Scope;
use web::view::{PageContext, View};

/// A clinic to choose.
#[derive(Debug, Serialize)]
pub struct Row {
    clinic: String,
    department: String,
    who: String,
    period: &'static str,
    date: String,
    room: String,
    open: bool,
    /// Whether it is one of the reader's.
    own: bool,
}

impl Row {
    /// From the clinic.
    pub fn of(clinic: &Clinic, own: bool) -> Self {
        Self {
            clinic: clinic.id.to_string(),
            department: clinic.department_name.clone(),
            who: clinic.who_text(),
            period: clinic.period.text(),
            date: clinic.date.to_string(),
            room: clinic.room.clone(),
            open: clinic.state == ClinicState::Open,
            own,
        }
    }
}

/// Today's clinics.
#[derive(Debug, Serialize)]
pub struct BoardView {
    date: String,
    clinics: Vec<Row>,
    #[serde(skip)]
    day: String,
    #[serde(skip)]
    has_window: bool,
    #[serde(skip)]
    has_closures: bool,
}

impl BoardView {
    /// From the rows, one's own first.
    pub fn of(date: Date, clinics: Vec<Row>, call: &Call<Action>) -> Self {
        let day = time::day_text(date, date);
        let (has_window, has_closures) = (call.may(Scope::Window), call.may(Scope::Closures));
        Self { date: date.to_string(), clinics, day, has_window, has_closures }
    }

    fn rows(&self, own: bool) -> Markup {
        let chosen: Vec<_> = self.clinics.iter().filter(|row| row.own == own).collect();
        let texts: Vec<_> = chosen
            .iter()
            .map(|row| {
                let text = format!("{} {}", row.department, row.who);
                let of_yesterday = if row.date == self.date { "" } else { "昨日" };
                let below = format!("{of_yesterday}{} {}", row.period, row.room);
                (text, below, format!("/desk/clinics/{}", row.clinic))
            })
            .collect();
        let cells: Vec<_> = chosen
            .iter()
            .zip(&texts)
            .map(|(row, (text, below, href))| Cell {
                text,
                below: Some(below),
                side: (!row.open).then(|| html! { "停诊" }),
                href: Some(href),
            })
            .collect();
        list(&cells)
    }

    /// Where to close a clinic of today, or have another doctor in it.
    fn closures(&self) -> Markup {
        let texts: Vec<_> = self
            .clinics
            .iter()
            .map(|row| {
                (
                    format!("{} {} {}", row.period, row.department, row.who),
                    format!("/staff/clinics/{}/closure", row.clinic),
                )
            })
            .collect();
        let cells: Vec<_> =
            texts.iter().map(|(text, href)| Cell { text, below: None, side: None, href: Some(href) }).collect();
        html! { details { summary { "停诊、替诊、限号" } (list(&cells)) } }
    }
}

impl View for BoardView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let has_own = self.clinics.iter().any(|row| row.own);
        let has_others = self.clinics.iter().any(|row| !row.own);
        let body = html! {
            (heading("今日门诊", Some(&self.day)))
            @if self.has_window { div.acts { (Button::primary_link("窗口挂号、取消", "/desk/people")) } }
            @if has_own { (title("我的门诊")) (self.rows(true)) }
            @if has_others { (title(if has_own { "其他门诊" } else { "全部门诊" })) (self.rows(false)) }
            @if self.has_closures && !self.clinics.is_empty() { (self.closures()) }
            @if self.clinics.is_empty() { (state(State::Empty, "今天没有门诊", "排班导入后显示在这里", &[])) }
        };
        page(context, &Page::new("今日门诊"), body)
    }
}
