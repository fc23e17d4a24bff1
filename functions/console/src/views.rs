//! What this function answers: each view is the JSON for programs and a plain page for people alike.

use crate::filing::{Filed, Kind};
use crate::import::RowError;
use domain::Timestamp;
use domain::appointment::{Appointment, CancelledBy, State};
use domain::clinic::{Claim, ClinicState, Slot};
use domain::order::{Order, RefundState};
use maud::{Markup, html};
use serde::Serialize;
use store::clinics::ClinicWithSlots;
use web::StatusCode;
use web::components::{Cell, Page, Tone, key_values, list, notice, page, title};
use web::view::{PageContext, View};
use wechat::api::Menu;

fn facts_page(context: &PageContext<'_>, name: &str, facts: &[(&str, Markup)]) -> Markup {
    page(context, &Page::new(name), html! { (title(name)) (key_values(facts)) })
}

/// What an import did, or would do.
#[derive(Debug, Serialize)]
pub struct ImportView {
    /// What was imported.
    pub kind: Kind,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// What became of the rows.
    #[serde(flatten)]
    pub filed: Filed,
}

impl View for ImportView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let count = |count: usize| html! { (count) };
        let mut facts = vec![("行数", count(self.filed.rows))];
        let names = [("新增", "新增时段"), ("更改", "更改时段"), ("不变", "不变时段"), ("保留", "保留时段")];
        let counts = |tally: &crate::filing::Tally| [tally.new, tally.changed, tally.unchanged, tally.kept];
        facts.extend(names.iter().zip(counts(&self.filed.items)).map(|((name, _), n)| (*name, count(n))));
        if let Some(slots) = &self.filed.slots {
            facts.extend(names.iter().zip(counts(slots)).map(|((_, name), n)| (*name, count(n))));
            facts.push(("删除时段", count(slots.removed)));
        }
        facts_page(context, if self.dry_run { "试导入（未写入）" } else { "已导入" }, &facts)
    }
}

/// Everything that is wrong with what was sent; nothing was written.
#[derive(Debug, Serialize)]
pub struct ErrorsView<E> {
    error: Summary,
    errors: Vec<E>,
}

#[derive(Debug, Serialize)]
struct Summary {
    code: &'static str,
    text: String,
}

/// One mistake, as staff read it.
pub trait Mistake: Serialize {
    /// Where and what.
    fn text(&self) -> String;
}

impl Mistake for RowError {
    fn text(&self) -> String {
        Self::text(self)
    }
}

impl<E: Mistake> ErrorsView<E> {
    /// All mistakes under one stable code.
    pub fn new(code: &'static str, errors: Vec<E>) -> Self {
        Self {
            error: Summary { code, text: format!("发现 {} 处错误，未写入任何内容", errors.len()) }, errors
        }
    }
}

impl<E: Mistake> View for ErrorsView<E> {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let texts: Vec<_> = self.errors.iter().map(Mistake::text).collect();
        let cells: Vec<_> = texts.iter().map(|text| Cell { text, below: None, side: None, href: None }).collect();
        page(context, &Page::new("未写入"), html! { (notice(Tone::Bad, &self.error.text)) (list(&cells)) })
    }

    fn status(&self) -> StatusCode {
        StatusCode::UNPROCESSABLE_ENTITY
    }
}

/// The profile was replaced.
#[derive(Debug, Serialize)]
pub struct ProfileView {
    /// The hospital's name.
    pub name: String,
    /// Seconds until every part works with it.
    pub effective_within_s: i64,
}

impl View for ProfileView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let within = html! { (self.effective_within_s) " 秒内" };
        facts_page(context, "医院信息已保存", &[("医院", html! { (self.name) }), ("生效", within)])
    }
}

/// The menu was published.
#[derive(Debug, Serialize)]
pub struct MenuView {
    /// Names of the buttons.
    buttons: Vec<String>,
    /// Seconds after which a phone that opens the chat shows it.
    visible_within_s: u32,
}

/// A phone asks for the menu again after five minutes, on entering the chat.
const MENU_REFRESH_S: u32 = 300;

impl MenuView {
    /// From what was sent.
    pub fn of(menu: &Menu) -> Self {
        let buttons = menu.buttons.iter().map(|button| button.name.clone()).collect();
        Self { buttons, visible_within_s: MENU_REFRESH_S }
    }
}

impl View for MenuView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        facts_page(context, "菜单已发布", &[("按钮", html! { (self.buttons.join("、")) })])
    }
}

/// A QR code was made.
#[derive(Debug, Serialize)]
pub struct QrCodeView {
    /// What a scan brings back: the payload and its signature.
    pub scene: String,
    /// WeChat's name for the code.
    pub ticket: String,
    /// What the code says, to draw it.
    pub url: String,
    /// The code as a picture.
    pub image_url: String,
    /// How long it works, in seconds; absent for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expire_s: Option<u32>,
}

impl View for QrCodeView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let image = html! { a href=(self.image_url) { "打开" } };
        let facts = [("场景", html! { (self.scene) }), ("内容", html! { (self.url) }), ("图片", image)];
        facts_page(context, "二维码", &facts)
    }
}

/// An appointment as the window sees it: no clear name, no document.
#[derive(Debug, Serialize)]
pub struct StaffAppointmentView {
    appointment: String,
    patient_name_masked: String,
    department: String,
    who: String,
    date: String,
    band: String,
    number: u16,
    room: String,
    fee_fen: i64,
    state: &'static str,
    state_text: &'static str,
    /// How far the money is on its way back, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    refund: Option<RefundState>,
}

impl StaffAppointmentView {
    /// From an appointment and its order.
    pub fn of(appointment: &Appointment, order: Option<&Order>, now: Timestamp) -> Self {
        let place = &appointment.place;
        let (state, state_text) = state_words(appointment.state, now);
        Self {
            appointment: appointment.key().to_string(),
            patient_name_masked: appointment.patient_name_masked.clone(),
            department: place.department_name.clone(),
            who: place.who.clone(),
            date: place.date.to_string(),
            band: place.start.band_text(),
            number: place.number,
            room: place.room.clone(),
            fee_fen: appointment.fee.get(),
            state,
            state_text,
            refund: order.and_then(|order| order.refunds.values().last()).map(|refund| refund.state),
        }
    }
}

pub(crate) fn state_words(state: State, now: Timestamp) -> (&'static str, &'static str) {
    match state {
        State::Held { expires_at } if expires_at > now => ("held", "待支付"),
        State::Held { .. } | State::Expired => ("expired", "超时未支付"),
        State::Confirming { .. } => ("confirming", "待医院确认"),
        State::Booked => ("booked", "已挂号"),
        State::CheckedIn => ("checked_in", "已报到"),
        State::Fulfilled => ("fulfilled", "已就诊"),
        State::NoShow => ("no_show", "爽约"),
        State::Cancelled { by: CancelledBy::Patient, .. } => ("cancelled", "患者取消"),
        State::Cancelled { by: CancelledBy::Window, .. } => ("cancelled", "窗口取消"),
        State::Cancelled { by: CancelledBy::Hospital, .. } => ("cancelled", "医院取消"),
        State::Refused { .. } => ("refused", "未能保留号源"),
    }
}

impl View for StaffAppointmentView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let facts = [
            ("状态", html! { (self.state_text) }),
            ("就诊人", html! { (self.patient_name_masked) }),
            ("科室", html! { (self.department) " " (self.who) }),
            ("时间", html! { (self.date) " " (self.band) }),
            ("序号", html! { (self.number) "号" }),
            ("地点", html! { (self.room) }),
        ];
        facts_page(context, "挂号", &facts)
    }
}

/// A clinic with its numbers.
#[derive(Debug, Serialize)]
pub struct ClinicView {
    clinic: String,
    department: String,
    who: String,
    date: String,
    period: &'static str,
    room: String,
    open: bool,
    slots: Vec<SlotView>,
}

#[derive(Debug, Serialize)]
struct SlotView {
    slot: String,
    band: String,
    free: usize,
    /// Given back, and nobody's for the moment.
    resting: usize,
    taken: Vec<TakenView>,
}

#[derive(Debug, Serialize)]
struct TakenView {
    number: u16,
    appointment: String,
    patient_name_masked: String,
    state: &'static str,
    state_text: &'static str,
}

impl ClinicView {
    /// From a clinic and the appointments behind its taken numbers.
    pub fn of(found: &ClinicWithSlots, appointments: &[Appointment], now: Timestamp) -> Self {
        let clinic = &found.clinic;
        Self {
            clinic: clinic.id.to_string(),
            department: clinic.department_name.clone(),
            who: clinic.who_text(),
            date: clinic.date.to_string(),
            period: clinic.period.text(),
            room: clinic.room.clone(),
            open: clinic.state == ClinicState::Open,
            slots: found.slots.iter().map(|slot| SlotView::of(slot, appointments, now)).collect(),
        }
    }
}

impl SlotView {
    fn of(slot: &Slot, appointments: &[Appointment], now: Timestamp) -> Self {
        let known = appointments.iter().filter(|appointment| slot.holder(&appointment.id).is_some());
        let mut taken: Vec<_> = known.map(|appointment| TakenView::of(slot, appointment, now)).collect();
        taken.sort_by_key(|taken| taken.number);
        Self {
            slot: slot.start.to_string(),
            band: slot.start.band_text(),
            free: slot.free_numbers.len(),
            resting: slot.taken.len() - slot.holders().count(),
            taken,
        }
    }
}

impl TakenView {
    fn of(slot: &Slot, appointment: &Appointment, now: Timestamp) -> Self {
        // The slot is the truth about the number; the appointment about the person.
        let claim = slot.taken.get(&appointment.id).map(|taken| taken.claim);
        let (state, state_text) = match (claim, appointment.state) {
            (Some(Claim::Held { expires_at }), State::Held { .. }) => state_words(State::Held { expires_at }, now),
            (_, state) => state_words(state, now),
        };
        Self {
            number: appointment.place.number,
            appointment: appointment.key().to_string(),
            patient_name_masked: appointment.patient_name_masked.clone(),
            state,
            state_text,
        }
    }
}

impl View for ClinicView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let facts = [
            ("科室", html! { (self.department) " " (self.who) }),
            ("时间", html! { (self.date) " " (self.period) }),
            ("地点", html! { (self.room) }),
            ("状态", html! { (if self.open { "开放" } else { "停诊" }) }),
        ];
        let rows = self.slots.iter().flat_map(|slot| slot.taken.iter().map(move |taken| (slot, taken)));
        let texts: Vec<_> = rows
            .map(|(slot, taken)| {
                let text = format!("{} {}号 {}", slot.band, taken.number, taken.patient_name_masked);
                (text, taken.state_text, format!("/staff/appointments/{}", taken.appointment))
            })
            .collect();
        let cells: Vec<_> = texts
            .iter()
            .map(|(text, below, href)| Cell { text, below: Some(below), side: None, href: Some(href) })
            .collect();
        page(context, &Page::new("门诊号源"), html! { (title("门诊号源")) (key_values(&facts)) (list(&cells)) })
    }
}
