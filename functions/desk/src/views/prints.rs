//! Pages made for a printer.

use super::people::state_words;
use crate::Action;
use domain::appointment::{Appointment, Booker};
use domain::clinic::Clinic;
use domain::id::CardNo;
use domain::profile::HospitalProfile;
use domain::queue::{Entry, Queue, Stage};
use domain::time;
use maud::{Markup, html};
use runtime::http::Call;
use serde::Serialize;
use web::components::{Page, Script, fee_text, page, qr};
use web::view::{PageContext, View};

/// Digits of a card shown: enough to tell two people of one name apart, too few to use the card.
const CARD_DIGITS: usize = 4;

fn last_digits(card: &CardNo) -> String {
    let text = card.as_str();
    let hidden = text.chars().count().saturating_sub(CARD_DIGITS);
    text.chars().skip(hidden).collect()
}

/// A number, to print.
#[derive(Debug, Serialize)]
pub struct SlipView {
    appointment: String,
    state: &'static str,
    number: u16,
    date: String,
    band: String,
    department: String,
    who: String,
    room: String,
    campus: String,
    name: String,
    card_last: Option<String>,
    fee: i64,
    /// Whether the fee is taken by the hospital's own system.
    pay_at_window: bool,
    #[serde(skip)]
    arrive: String,
    #[serde(skip)]
    state_text: &'static str,
}

impl SlipView {
    /// From the appointment.
    pub fn of(appointment: &Appointment, card: Option<&CardNo>, profile: &HospitalProfile) -> Self {
        let place = &appointment.place;
        let (state, state_text) = state_words(appointment.state);
        let before = profile.queue.check_in_before_min;
        let opens = time::wall_clock(time::add_minutes(place.starts_at(), -before)).strftime("%-H:%M").to_string();
        Self {
            appointment: appointment.key().to_string(),
            state,
            number: place.number,
            date: place.date.to_string(),
            band: place.start.band_text(),
            department: place.department_name.clone(),
            who: place.who.clone(),
            room: place.room.clone(),
            campus: place.campus.clone(),
            name: appointment.patient_name_masked.clone(),
            card_last: card.map(last_digits),
            fee: appointment.fee.get(),
            pay_at_window: matches!(appointment.booker, Booker::Staff(_)) && !appointment.fee.is_zero(),
            arrive: format!("请在 {opens} 之后到诊区报到，凭本单或就诊卡候诊"),
            state_text,
        }
    }
}

impl View for SlipView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let caption = format!("{} 号", self.number);
        let patient = self.appointment.split('-').next().unwrap_or_default();
        let body = html! {
            article.slip {
                h1 { (context.site.hospital_name) }
                p { "挂号凭条 · " (self.state_text) }
                p.number { (self.number) " 号" }
                p.when { (self.date) " " (self.band) }
                p { (self.department) " " (self.who) }
                p { (self.campus) " " (self.room) }
                p { (self.name) @if let Some(last) = &self.card_last { " 卡尾号 " (last) } }
                @if self.pay_at_window { p { "挂号费 " (fee_text(self.fee)) "，请到收费窗口缴纳" } }
                @if let Ok(code) = qr(&self.appointment, &caption) { (code) }
                p { (self.arrive) }
            }
            div.acts { a.btn href={ "/desk/people/" (patient) } { "返回就诊人" } a.btn.plain href="" data-print { "打印（Ctrl+P）" } }
        };
        page(context, &Page::new("挂号凭条").scripts(&[Script::Print]), body)
    }
}

/// A line of the paper list.
#[derive(Debug, Serialize)]
pub struct PaperRow {
    number: u16,
    band: String,
    name: String,
    card_last: Option<String>,
    badge: Option<&'static str>,
    state: &'static str,
}

impl PaperRow {
    /// From a number, and where its person stands in the queue if that is known.
    pub fn of(appointment: &Appointment, entry: Option<&Entry>, card: Option<&CardNo>) -> Self {
        let place = &appointment.place;
        let state = match entry.map(|entry| &entry.stage) {
            None | Some(Stage::Expected) => "未报到",
            Some(Stage::Waiting) => "候诊",
            Some(Stage::Called { .. }) => "已叫",
            Some(Stage::InRoom { .. }) => "就诊中",
            Some(Stage::Missed) => "过号",
            Some(Stage::Done) => "已就诊",
            Some(Stage::Left) => "已离开",
        };
        Self {
            number: place.number,
            band: place.start.band_text(),
            name: appointment.patient_name_masked.clone(),
            card_last: card.map(last_digits),
            badge: entry.and_then(|entry| entry.priority.badge()),
            state,
        }
    }
}

/// Everybody of the day, to go on with on paper.
#[derive(Debug, Serialize)]
pub struct PaperView {
    clinic: String,
    department: String,
    who: String,
    date: String,
    rooms: Vec<String>,
    people: Vec<PaperRow>,
    printed_at: String,
}

impl PaperView {
    /// From the queue.
    pub fn of(clinic: &Clinic, queue: &Queue, people: Vec<PaperRow>, call: &Call<Action>) -> Self {
        Self {
            clinic: clinic.id.to_string(),
            department: clinic.department_name.clone(),
            who: clinic.who_text(),
            date: queue.date.to_string(),
            rooms: queue.rooms.iter().map(|room| format!("{} {}", room.name, room.doctor)).collect(),
            people,
            printed_at: time::wall_clock(call.now).strftime("%Y-%m-%d %H:%M").to_string(),
        }
    }
}

impl View for PaperView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let body = html! {
            article.paper.wide {
                h1 { (self.department) " " (self.who) " 候诊名单" }
                p { (self.date) " · " (self.rooms.join("；")) " · 打印于 " (self.printed_at) }
                table.records {
                    thead { tr { th { "序号" } th { "时段" } th { "姓名" } th { "卡尾号" } th { "状态" } th { "报到" } th { "就诊" } th { "备注" } } }
                    tbody {
                        @for row in &self.people {
                            tr {
                                td.no { (row.number) }
                                td { (row.band) }
                                td { (row.name) @if let Some(badge) = row.badge { " [" (badge) "]" } }
                                td { (row.card_last.as_deref().unwrap_or_default()) }
                                td { (row.state) }
                                td { span.box {} } td { span.box {} } td.blank {}
                            }
                        }
                    }
                }
            }
            div.acts { a.btn.plain href="" data-print { "打印（Ctrl+P）" } a.btn.plain href={ "/desk/clinics/" (self.clinic) } { "返回" } }
        };
        page(context, &Page::new("候诊名单").scripts(&[Script::Print]), body)
    }
}
