//! Everything somebody has booked or waits for.

use super::AppointmentView;
use domain::waitlist::Waiting;
use domain::{Timestamp, time};
use maud::{Markup, html};
use serde::Serialize;
use web::components::{Button, Cell, Page, State as PageState, Tab, list, page, state, title};
use web::view::{PageContext, View};

/// A place in the line of a clinic.
#[derive(Debug, Serialize)]
pub struct WaitingRow {
    clinic: String,
    day: String,
    department: String,
    who: String,
    patient: String,
}

impl WaitingRow {
    /// From the place.
    pub fn of(place: &Waiting, now: Timestamp) -> Self {
        Self {
            clinic: place.clinic.id.to_string(),
            day: time::day_text(place.clinic.date, time::today(now)),
            department: place.clinic.department_name.clone(),
            who: place.clinic.who.clone(),
            patient: place.patient_name_masked.clone(),
        }
    }
}

/// The reader's appointments, latest day first.
#[derive(Debug, Serialize)]
pub struct AppointmentsView {
    /// Of all people the reader acts for.
    pub appointments: Vec<AppointmentView>,
    /// 候补: where they wait for a number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<WaitingRow>,
    /// Whether there is anybody to book for.
    #[serde(skip)]
    pub has_patients: bool,
}

impl AppointmentsView {
    fn waiting_list(&self) -> Markup {
        let texts: Vec<_> = self
            .waiting
            .iter()
            .map(|place| {
                let below = format!("{} {} · {}", place.department, place.who, place.patient);
                (below, format!("/clinics/{}/waitlist", place.clinic))
            })
            .collect();
        let cells: Vec<_> = self
            .waiting
            .iter()
            .zip(&texts)
            .map(|(place, (below, href))| Cell { text: &place.day, below: Some(below), side: None, href: Some(href) })
            .collect();
        list(&cells)
    }
}

impl View for AppointmentsView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let texts: Vec<_> = self.appointments.iter().map(AppointmentView::line).collect();
        let cells: Vec<_> = self
            .appointments
            .iter()
            .zip(&texts)
            .map(|(appointment, (text, below, href))| Cell {
                text,
                below: Some(below),
                side: Some(appointment.badge()),
                href: Some(href),
            })
            .collect();
        let body = html! {
            @if cells.is_empty() && self.waiting.is_empty() {
                (state(PageState::Empty, "还没有挂号", "挂号后可在这里查看、支付和取消", &[Button::primary_link("去挂号", "/booking")]))
            } @else if !cells.is_empty() {
                (title("我的号"))
                (list(&cells))
            }
            @if !self.waiting.is_empty() {
                (title("候补中"))
                (self.waiting_list())
            }
            @if self.has_patients { div.acts { (Button::plain_link("检验检查报告", "/reports")) } }
            @else { div.acts { (Button::plain_link("添加就诊人", "/patients/new")) } }
        };
        page(context, &Page::new("我的号").tab(Tab::Appointments), body)
    }
}
