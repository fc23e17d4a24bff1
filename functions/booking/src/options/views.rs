//! The page of other numbers, and its JSON.

use super::Purpose;
use domain::appointment::Appointment;
use domain::clinic::{Clinic, SlotStart};
use domain::{Timestamp, time};
use maud::{Markup, html};
use serde::Serialize;
use web::components::{
    Button, Page, State as PageState, Tab, Tone, badge, fee, form_start_fields, heading, notice, page, state,
};
use web::session::IdempotencyKey;
use web::view::{PageContext, View};

/// A number somebody may take with one tap.
#[derive(Debug, Serialize)]
pub(crate) struct OptionView {
    clinic: String,
    slot: String,
    who: String,
    day: String,
    band: String,
    room: String,
    fee_fen: i64,
    remaining: usize,
}

impl OptionView {
    /// From a slot with free numbers.
    pub(crate) fn of(clinic: &Clinic, start: SlotStart, remaining: usize, now: Timestamp) -> Self {
        Self {
            clinic: clinic.id.to_string(),
            slot: start.to_string(),
            who: clinic.who_text(),
            day: time::day_text(clinic.date, time::today(now)),
            band: start.band_text(),
            room: format!("{} {}", clinic.campus, clinic.room).trim().to_owned(),
            fee_fen: clinic.fee.get(),
            remaining,
        }
    }
}

/// Other numbers for one appointment.
#[derive(Debug, Serialize)]
pub(crate) struct OptionsView {
    appointment: String,
    purpose: &'static str,
    options: Vec<OptionView>,
    idempotency_key: String,
    #[serde(skip)]
    wanted: Purpose,
    #[serde(skip)]
    patient: String,
    #[serde(skip)]
    now_booked: String,
    #[serde(skip)]
    key: IdempotencyKey,
}

impl OptionsView {
    /// From an appointment and what can be had instead.
    pub(crate) fn of(
        appointment: &Appointment,
        wanted: Purpose,
        mut options: Vec<OptionView>,
        key: IdempotencyKey,
        now: Timestamp,
    ) -> Self {
        let place = &appointment.place;
        if wanted == Purpose::FollowUp {
            for option in &mut options {
                option.fee_fen = 0;
            }
        }
        Self {
            appointment: appointment.key().to_string(),
            purpose: match wanted {
                Purpose::Move => "reschedule",
                Purpose::Replace => "replace",
                Purpose::FollowUp => "follow_up",
            },
            options,
            idempotency_key: key.as_str().to_owned(),
            wanted,
            patient: appointment.patient.to_string(),
            now_booked: format!(
                "{} · {} {} · {} {}",
                appointment.patient_name_masked,
                place.department_name,
                place.who,
                time::day_text(place.date, time::today(now)),
                place.start.band_text()
            ),
            key,
        }
    }

    fn title(&self) -> &'static str {
        match self.wanted {
            Purpose::Move => "改约",
            Purpose::Replace => "改挂其他时间",
            Purpose::FollowUp => "免费复诊",
        }
    }

    fn rule(&self) -> &'static str {
        match self.wanted {
            Purpose::Move => "选择新的时间后立即生效，原号同时退回，挂号费不变，不必重新支付。",
            Purpose::Replace => "原号已由医院取消并退费。选择一个同类的号，支付后即挂号成功，不占用每日限额。",
            Purpose::FollowUp => "三日内到同一科室的普通门诊复诊免挂号费，每次就诊可用一次。",
        }
    }

    fn action(&self) -> String {
        match self.wanted {
            Purpose::Move => format!("/appointments/{}/reschedule", self.appointment),
            Purpose::Replace | Purpose::FollowUp => "/appointments".to_owned(),
        }
    }

    fn row(&self, context: &PageContext<'_>, option: &OptionView) -> Markup {
        let below = format!("{} · {}", option.who, option.room);
        html! {
            form.cell method="post" action=(self.action()) {
                (form_start_fields(context, &self.key))
                input type="hidden" name="clinic" value=(option.clinic);
                input type="hidden" name="slot" value=(option.slot);
                @if self.wanted != Purpose::Move {
                    input type="hidden" name="patient" value=(self.patient);
                }
                @if self.wanted == Purpose::FollowUp {
                    input type="hidden" name="follow_up" value=(self.appointment);
                }
                span.main { (option.day) " " (option.band) span.soft { (below) } }
                span.side { (fee(option.fee_fen)) " " (badge(Tone::Good, &format!("余 {}", option.remaining))) }
                (Button::submit("选这个"))
            }
        }
    }
}

impl View for OptionsView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let body = html! {
            (heading(self.title(), Some(&self.now_booked)))
            (notice(Tone::Plain, self.rule()))
            @if self.options.is_empty() {
                (state(PageState::Empty, "暂时没有合适的号", "可以看看其他日期或科室",
                    &[Button::primary_link("去挂号", "/booking")]))
            } @else {
                ul.cells { @for option in &self.options { li { (self.row(context, option)) } } }
            }
        };
        page(context, &Page::new(self.title()).tab(Tab::Appointments), body)
    }
}
