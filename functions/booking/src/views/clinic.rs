//! A clinic: its slots, and whom to book for.

use crate::admission::{ADMISSION, Entry, clock_text, full_minute};
use crate::freshness::Freshness;
use crate::set_apart::SetApart;
use domain::board::BoardClinic;
use domain::booking::{BookingPolicy, WindowError, window};
use domain::clinic::{Clinic, SlotStart};
use domain::{Timestamp, time};
use maud::{Markup, html};
use serde::Serialize;
use store::account::Link;
use web::components::{
    Button, Choice, Page, State as PageState, Step, Tab, Tile, TileTarget, Tone, choices, fee, form_start_fields,
    heading, key_values, notice, page, state, steps, tiles,
};
use web::form::Form;
use web::session::IdempotencyKey;
use web::view::{PageContext, View};

/// Why a slot cannot be chosen of which every number is taken.
const FULL: &str = "已约满";

/// A slot to choose.
#[derive(Debug, Serialize)]
pub struct SlotChoice {
    slot: String,
    band: String,
    remaining: usize,
    fee_fen: i64,
    /// Why it cannot be chosen; absent when it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    off: Option<&'static str>,
}

impl SlotChoice {
    /// From a slot's start and free numbers.
    pub fn of(clinic: &Clinic, start: SlotStart, free: usize, policy: &BookingPolicy, now: Timestamp) -> Self {
        let off = match window(clinic, start, policy, now) {
            Ok(_) if free == 0 => Some(FULL),
            Ok(_) => None,
            Err(WindowError::Closed) => Some("停诊"),
            Err(WindowError::Over) => Some("已截止"),
            Err(WindowError::NotReleased(_)) => Some("未放号"),
            Err(WindowError::SameDayOnly) => Some("仅限当日"),
            Err(WindowError::AdvanceClosed) => Some("预约已截止"),
        };
        Self { slot: start.to_string(), band: start.band_text(), remaining: free, fee_fen: clinic.fee.get(), off }
    }

    /// The same closed, if it is: the last hours of a clinic may be closed alone.
    #[must_use]
    pub fn closed(self, is_closed: bool) -> Self {
        if is_closed { Self { off: Some("停诊"), ..self } } else { self }
    }

    /// Whether it can be chosen.
    pub(crate) fn is_open(&self) -> bool {
        self.off.is_none()
    }

    /// To choose from.
    pub(crate) fn tile(&self) -> Tile<'_> {
        let target = self.off.map_or(TileTarget::Choice(&self.slot), TileTarget::Off);
        let remaining = u32::try_from(self.remaining).unwrap_or(u32::MAX);
        Tile { band: &self.band, remaining, fee_fen: self.fee_fen, target }
    }
}

/// A person to book for.
#[derive(Debug, Serialize)]
pub struct PatientChoice {
    patient: String,
    name: String,
    relation: &'static str,
}

impl PatientChoice {
    /// From a link.
    pub fn of(link: &Link) -> Self {
        let (patient, name) = (link.patient.to_string(), link.name_masked.clone());
        Self { patient, name, relation: link.relation.text() }
    }

    /// To choose from.
    pub(crate) fn choice(&self) -> Choice<'_> {
        Choice { value: &self.patient, text: &self.name, below: Some(self.relation), disabled: false }
    }
}

/// A clinic with its slots, to hold a number of.
#[derive(Debug, Serialize)]
pub struct ClinicView {
    clinic: String,
    who: String,
    department: String,
    day: String,
    period: &'static str,
    room: String,
    campus: String,
    fee_fen: i64,
    slots: Vec<SlotChoice>,
    patients: Vec<PatientChoice>,
    /// Numbers set apart that somebody of the reader's people may take.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    set_apart: Vec<SetApart>,
    /// Whether one can wait for a number.
    can_wait: bool,
    idempotency_key: String,
    /// In the rush: what a request for a number must carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    admission: Option<String>,
    /// In the rush, for who was not let in: when to look again.
    #[serde(skip_serializing_if = "Option::is_none")]
    look_again: Option<String>,
    /// When everything is taken: when the next unpaid number may come back.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_back: Option<String>,
    /// How old what is known of the numbers is, where the hospital's own system gives them.
    #[serde(skip_serializing_if = "Option::is_none")]
    freshness: Option<Freshness>,
    #[serde(skip)]
    key: IdempotencyKey,
    #[serde(skip)]
    form: Form,
}

impl ClinicView {
    /// From a clinic and what can be chosen.
    pub fn of(
        found: &BoardClinic,
        slots: Vec<SlotChoice>,
        patients: Vec<PatientChoice>,
        key: IdempotencyKey,
        form: Form,
        now: Timestamp,
    ) -> Self {
        let clinic = &found.clinic;
        let next_back = found.next_back_at.filter(|at| *at > now && slots.iter().all(|slot| slot.remaining == 0));
        Self {
            clinic: clinic.id.to_string(),
            who: clinic.who_text(),
            department: clinic.department_name.clone(),
            day: time::day_text(clinic.date, time::today(now)),
            period: clinic.period.text(),
            room: clinic.room.clone(),
            campus: clinic.campus.clone(),
            fee_fen: clinic.fee.get(),
            slots,
            patients,
            set_apart: Vec::new(),
            can_wait: false,
            idempotency_key: key.as_str().to_owned(),
            admission: None,
            look_again: None,
            next_back: next_back.map(|at| clock_text(full_minute(at))),
            freshness: None,
            key,
            form,
        }
    }

    /// With numbers set apart.
    #[must_use]
    pub(crate) fn with_set_apart(self, set_apart: Vec<SetApart>) -> Self {
        Self { set_apart, ..self }
    }

    /// With the age of what is known.
    #[must_use]
    pub fn with_freshness(mut self, freshness: Option<Freshness>) -> Self {
        self.freshness = freshness;
        self
    }

    /// With the way to the waitlist, when the clinic takes people who wait and all of it is taken.
    #[must_use]
    pub fn with_waitlist(mut self, is_open: bool) -> Self {
        let nothing_to_try = self.admission.is_none() && self.look_again.is_none();
        self.can_wait =
            is_open && nothing_to_try && !self.is_open() && self.slots.iter().any(|slot| slot.off == Some(FULL));
        self
    }

    /// Whether the page carries a form.
    #[must_use]
    pub fn with_entry(mut self, entry: Entry) -> Self {
        match entry {
            Entry::Open => {}
            Entry::Admitted(admission) => self.admission = Some(admission),
            Entry::Wait(until) => self.look_again = Some(clock_text(until)),
        }
        self
    }

    fn is_open(&self) -> bool {
        self.slots.iter().any(|slot| slot.off.is_none())
    }

    fn waitlist(&self, context: &PageContext<'_>, people: &[Choice<'_>]) -> Markup {
        let path = format!("/clinics/{}/waitlist", self.clinic);
        html! {
            form method="post" action=(path) {
                (form_start_fields(context, &self.key))
                (choices(&self.form, "patient", "候补就诊人", people))
                div.acts { (Button::submit("登记候补")) (Button::plain_link("我的候补", &path)) }
                (notice(Tone::Plain, "号已约满。登记候补后，有人退号时按先后顺序为您保留号源，并用微信通知您支付。"))
            }
        }
    }

    fn facts(&self) -> Markup {
        key_values(&[
            ("科室", html! { (self.department) }),
            ("时间", html! { (self.day) " " (self.period) }),
            ("地点", html! { (self.campus) " " (self.room) }),
            ("挂号费", fee(self.fee_fen)),
        ])
    }

    fn chooser(&self, context: &PageContext<'_>) -> Markup {
        let tile_list: Vec<_> = self.slots.iter().map(SlotChoice::tile).collect();
        let people: Vec<_> = self.patients.iter().map(PatientChoice::choice).collect();
        if self.can_wait {
            return html! { (tiles(&self.form, "slot", &tile_list)) (self.waitlist(context, &people)) };
        }
        html! {
            form method="post" action="/appointments" {
                (form_start_fields(context, &self.key))
                input type="hidden" name="clinic" value=(self.clinic);
                @if let Some(admission) = &self.admission {
                    input type="hidden" name=(ADMISSION) value=(admission);
                }
                (tiles(&self.form, "slot", &tile_list))
                @if self.is_open() {
                    (choices(&self.form, "patient", "就诊人", &people))
                    div.acts { (Button::submit("确认挂号")) }
                    (notice(Tone::Plain, "确认后号源为您保留，请在规定时间内完成支付，逾期自动释放。"))
                } @else {
                    (notice(Tone::Wait, "本次门诊现在没有可挂的号，请选择其他日期或医生。"))
                    @if let Some(at) = &self.next_back {
                        (notice(Tone::Plain, &format!("如有人未按时支付，{at} 以后可能有号退回，届时可再来看看。")))
                    }
                }
            }
        }
    }

    /// Told to who was not let in: what is so, and when it may be otherwise.
    fn held_back(&self, look_again: &str) -> Markup {
        let words = format!("本分钟的进入名额已发完，号源仍在挂出。请于 {look_again} 再打开本页，不必反复刷新。");
        state(
            PageState::Empty,
            "抢号人数较多",
            &words,
            &[Button::primary_link("再看一次", &format!("/clinics/{}", self.clinic))],
        )
    }
}

impl View for ClinicView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let body = html! {
            (steps(Step::Choose))
            (heading(&self.who, None))
            (self.facts())
            @if let Some(freshness) = &self.freshness { (freshness.line()) }
            @if self.patients.is_empty() {
                (state(PageState::Empty, "还没有就诊人", "实名登记后即可挂号，只需一次",
                    &[Button::primary_link("添加就诊人", "/patients/new")]))
            } @else if let Some(look_again) = &self.look_again {
                (self.held_back(look_again))
            } @else {
                (self.chooser(context))
                @for apart in &self.set_apart { (apart.form(context, &self.clinic, &self.key, &self.form)) }
            }
        };
        page(context, &Page::new("选择时段").tab(Tab::Booking), body)
    }
}
