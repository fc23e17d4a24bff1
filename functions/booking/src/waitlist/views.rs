//! The reader's places in the line of a clinic.

use domain::clinic::{Clinic, SlotStart};
use domain::waitlist::{Waiting, WaitlistPolicy};
use domain::{Timestamp, time};
use maud::{Markup, html};
use serde::Serialize;
use web::components::{Button, Page, State as PageState, Tab, Tone, csrf_field, heading, notice, page, state};
use web::view::{PageContext, View};

/// Somebody's place.
#[derive(Debug, Serialize)]
pub(crate) struct PlaceView {
    patient: String,
    name: String,
    /// Only for this half hour; absent for any.
    #[serde(skip_serializing_if = "Option::is_none")]
    band: Option<String>,
    ahead: usize,
}

impl PlaceView {
    /// From a place and how many are before it.
    pub(crate) fn of(waiting: &Waiting, ahead: usize) -> Self {
        Self {
            patient: waiting.patient.to_string(),
            name: waiting.patient_name_masked.clone(),
            band: waiting.start.map(SlotStart::band_text),
            ahead,
        }
    }
}

/// The reader's places in the line of a clinic.
#[derive(Debug, Serialize)]
pub(crate) struct WaitlistView {
    clinic: String,
    who: String,
    day: String,
    places: Vec<PlaceView>,
    /// Until when numbers are offered.
    ends: String,
}

impl WaitlistView {
    /// From a clinic and the reader's places.
    pub(crate) fn of(clinic: &Clinic, places: Vec<PlaceView>, policy: &WaitlistPolicy, now: Timestamp) -> Self {
        let ends = time::wall_clock(policy.ends_at(clinic.date));
        Self {
            clinic: clinic.id.to_string(),
            who: format!("{} {}", clinic.department_name, clinic.who_text()),
            day: format!("{} {}", time::day_text(clinic.date, time::today(now)), clinic.period.text()),
            places,
            ends: format!("{} {}", time::day_text(ends.date(), time::today(now)), ends.strftime("%H:%M")),
        }
    }

    fn row(&self, context: &PageContext<'_>, place: &PlaceView) -> Markup {
        html! {
            form.cell method="post" action={ "/clinics/" (self.clinic) "/waitlist/leave" } {
                @if let Some(token) = context.csrf { (csrf_field(token)) }
                input type="hidden" name="patient" value=(place.patient);
                span.main {
                    (place.name) " 前面还有 " b { (place.ahead) } " 人"
                    span.soft { (place.band.as_deref().unwrap_or("任意时段")) }
                }
                (Button::submit("退出候补").look(web::components::Look::Plain))
            }
        }
    }
}

impl View for WaitlistView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let below = format!("{} · {}", self.day, self.who);
        let back = format!("/clinics/{}", self.clinic);
        let body = html! {
            (heading("候补", Some(&below)))
            @if self.places.is_empty() {
                (state(PageState::Empty, "没有候补", "约满的门诊可以登记候补，有号时微信通知您",
                    &[Button::primary_link("返回门诊", &back)]))
            } @else {
                ul.cells { @for place in &self.places { li { (self.row(context, place)) } } }
                (notice(Tone::Plain, &format!("有人退号时按先后顺序为您保留号源，微信通知后请在规定时间内支付，逾期顺延给下一位。候补于{}截止。", self.ends)))
            }
        };
        page(context, &Page::new("候补").tab(Tab::Booking), body)
    }
}
