//! The page to pay a held number on.

use domain::appointment::Appointment;
use domain::{Timestamp, time};
use maud::{Markup, html};
use serde::Serialize;
use web::components::{
    Button, Look, Page, Script, Step, Tab, Tone, countdown, fee, heading, key_values, notice, page, steps,
};
use web::pay::{PayPanel, pay_panel};
use web::view::{PageContext, View};

/// A held number to be paid.
#[derive(Debug, Serialize)]
pub struct PayView {
    appointment: String,
    patient: String,
    department: String,
    who: String,
    when: String,
    number: u16,
    fee_fen: i64,
    pay_until: String,
    remaining_s: u32,
}

impl PayView {
    /// From a hold that runs until `expires_at`.
    pub fn of(appointment: &Appointment, expires_at: Timestamp, now: Timestamp) -> Self {
        let place = &appointment.place;
        let day = time::day_text(place.date, time::today(now));
        Self {
            appointment: appointment.key().to_string(),
            patient: appointment.patient_name_masked.clone(),
            department: place.department_name.clone(),
            who: place.who.clone(),
            when: format!("{day} {}", place.start.band_text()),
            number: place.number,
            fee_fen: appointment.fee.get(),
            pay_until: time::wall_clock(expires_at).strftime("%H:%M:%S").to_string(),
            remaining_s: u32::try_from(expires_at.as_second() - now.as_second()).unwrap_or(0),
        }
    }
}

impl View for PayView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let base = format!("/appointments/{}", self.appointment);
        let (prepay, check, cancel) =
            (format!("{base}/prepay"), format!("{base}/payment-check"), format!("{base}/cancel"));
        let panel = PayPanel { prepay: &prepay, check: &check, done: &base, fee_fen: self.fee_fen };
        let body = html! {
            (steps(Step::Pay))
            (heading("确认并支付", None))
            (key_values(&[
                ("就诊人", html! { (self.patient) }),
                ("科室", html! { (self.department) }),
                ("医生", html! { (self.who) }),
                ("时间", html! { (self.when) }),
                ("序号", html! { (self.number) "号" }),
                ("挂号费", fee(self.fee_fen)),
            ]))
            (countdown(&self.pay_until, self.remaining_s))
            (pay_panel(context, &panel))
            div.acts { (Button::post(context, "不要了，取消", &cancel, Look::Warn)) }
            (notice(Tone::Plain, "逾期未支付，号源自动释放，不影响信用记录。"))
        };
        page(context, &Page::new("支付").tab(Tab::Appointments).scripts(&[Script::Pay, Script::Countdown]), body)
    }
}
