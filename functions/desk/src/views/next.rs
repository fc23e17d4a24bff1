//! The next visit, to choose in the consulting room.

use domain::appointment::Appointment;
use domain::clinic::{Clinic, SlotStart};
use domain::{Timestamp, time};
use maud::{Markup, html};
use serde::Serialize;
use web::components::{Button, Page, State, fee_text, form_start_fields, heading, page, state};
use web::session::IdempotencyKey;
use web::view::{PageContext, View};

/// A half hour that can be taken.
#[derive(Debug, Serialize)]
pub struct Choice {
    /// Clinic and half hour, as the form sends it.
    option: String,
    day: String,
    period: &'static str,
    who: String,
    band: String,
    left: usize,
    /// 复诊: free of charge.
    free: bool,
    fee: i64,
}

impl Choice {
    /// From a clinic and one of its half hours.
    pub fn of(clinic: &Clinic, start: SlotStart, left: usize, free: bool, now: Timestamp) -> Self {
        Self {
            option: format!("{}@{start}", clinic.id),
            day: time::day_text(clinic.date, time::today(now)),
            period: clinic.period.text(),
            who: clinic.who_text(),
            band: start.band_text(),
            left,
            free,
            fee: clinic.fee.get(),
        }
    }

    fn cost(&self) -> String {
        if self.free { "免费复诊".into() } else { fee_text(self.fee) }
    }
}

/// What somebody in the consulting room can take next.
#[derive(Debug, Serialize)]
pub struct NextView {
    appointment: String,
    patient: String,
    options: Vec<Choice>,
    #[serde(skip)]
    about: String,
    #[serde(skip)]
    key: IdempotencyKey,
}

impl NextView {
    /// From the visit and what is free.
    pub fn of(visit: &Appointment, options: Vec<Choice>, key: IdempotencyKey) -> Self {
        let place = &visit.place;
        Self {
            appointment: visit.key().to_string(),
            patient: visit.patient_name_masked.clone(),
            options,
            about: format!(
                "{} 号 {} · {} {}",
                place.number, visit.patient_name_masked, place.department_name, place.who
            ),
            key,
        }
    }
}

impl View for NextView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let body = html! {
            (heading("预约下次就诊", Some(&self.about)))
            @if self.options.is_empty() {
                (state(State::Empty, "没有可预约的号", "可预约的日期内本科室没有剩余号源", &[Button::plain_link("今日门诊", "/desk")]))
            } @else {
                form method="post" action={ "/desk/appointments/" (self.appointment) "/next" } {
                    (form_start_fields(context, &self.key))
                    ul.cells {
                        @for one in &self.options {
                            li.cell {
                                span.main {
                                    b { (one.day) " " (one.period) " " (one.band) }
                                    span.soft { (one.who) " · " (one.cost()) " · 余 " (one.left) }
                                }
                                button name="option" value=(one.option) { "预约" }
                            }
                        }
                    }
                }
            }
        };
        page(context, &Page::new("预约下次就诊"), body)
    }
}
