//! The window: a person to find, and what they have.

use domain::Timestamp;
use domain::appointment::{Appointment, State};
use domain::booking::window;
use domain::catalog::Department;
use domain::civil::Date;
use domain::clinic::Slot;
use domain::profile::HospitalProfile;
use maud::{Markup, html};
use runtime::window::CancelReason;
use serde::Serialize;
use store::clinics::ClinicWithSlots;
use store::patients::Patient;
use web::StatusCode;
use web::components::{
    Button, Field, FieldKind, Look, Page, Tone, badge, csrf_field, fee_text, field, form_start_fields, heading,
    key_values, notice, page, tick, title,
};
use web::form::Form;
use web::identity;
use web::problem::Problem;
use web::session::IdempotencyKey;
use web::view::{PageContext, View};

const CARD_CHARS_MAX: u16 = 64;

/// The forms to find or register a person.
#[derive(Debug, Serialize)]
pub struct FindView {
    #[serde(skip)]
    form: Form,
    #[serde(skip)]
    problem: Option<Problem>,
}

impl FindView {
    /// With what was typed before.
    pub fn of(form: Form) -> Self {
        Self { form, problem: None }
    }

    /// With why it was refused.
    #[must_use]
    pub fn refused(mut self, problem: Problem) -> Self {
        self.problem = Some(problem);
        self
    }

    /// One of the three forms. Only the one that was sent shows what was typed: their fields have the same names.
    fn part(
        &self,
        context: &PageContext<'_>,
        by: &'static str,
        submit: &str,
        inside: &dyn Fn(&Form) -> Markup,
    ) -> Markup {
        let blank = Form::default();
        let form = if self.form.value("by") == by { &self.form } else { &blank };
        html! {
            form method="post" action="/desk/people" {
                @if let Some(token) = context.csrf { (csrf_field(token)) }
                input type="hidden" name="by" value=(by);
                (inside(form))
                div.acts { (Button::submit(submit)) }
            }
        }
    }
}

fn card_field(label: &str, form: &Form) -> Markup {
    let card = Field { name: "card", label, kind: FieldKind::Document, hint: None, max_chars: CARD_CHARS_MAX };
    html! { div.cells { (field(form, &card)) } }
}

impl View for FindView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let by = self.form.value("by");
        let body = html! {
            (heading("窗口", Some("挂号、取消、打印")))
            @if let Some(problem) = &self.problem { (notice(Tone::Bad, &problem.text)) }
            (self.part(context, "card", "查找", &|form| card_field("就诊卡号（可刷卡）", form)))
            details.fold open[by == "document"] {
                summary { "按证件查找" }
                (self.part(context, "document", "查找", &|form| html! { div.cells { (identity::document_fields(form)) } }))
            }
            details.fold open[by == "new"] {
                summary { "登记新就诊人" }
                (self.part(context, "new", "登记", &|form| html! {
                    div.cells { (identity::fields(form)) }
                    (card_field("实体就诊卡号（可不填）", form))
                    (tick(form, "consent", &html! { "已核对证件原件，已说明个人信息处理规则并取得同意" }))
                    (tick(form, "guardian", &html! { "就诊人未满 18 周岁：已核对监护人身份并取得其同意（成年人不用勾选）" }))
                }))
            }
        };
        page(context, &Page::new("窗口"), body)
    }

    fn status(&self) -> StatusCode {
        self.problem.as_ref().map_or(StatusCode::OK, |problem| problem.status)
    }
}

/// A number of the person.
#[derive(Debug, Serialize)]
struct NumberView {
    appointment: String,
    date: String,
    band: String,
    number: u16,
    department: String,
    who: String,
    room: String,
    state: &'static str,
    /// Whether the window can give it back.
    can_cancel: bool,
    #[serde(skip)]
    state_text: &'static str,
    #[serde(skip)]
    has_slip: bool,
}

impl NumberView {
    fn of(appointment: &Appointment, now: Timestamp) -> Self {
        let place = &appointment.place;
        let (state, state_text) = state_words(appointment.state);
        let is_held = matches!(appointment.state, State::Held { .. });
        let is_booked = appointment.state == State::Booked;
        Self {
            appointment: appointment.key().to_string(),
            date: place.date.to_string(),
            band: place.start.band_text(),
            number: place.number,
            department: place.department_name.clone(),
            who: place.who.clone(),
            room: place.room.clone(),
            state,
            can_cancel: is_held
                || matches!(appointment.state, State::Confirming { .. })
                || (is_booked && now <= place.starts_at()),
            state_text,
            has_slip: is_booked || appointment.state == State::CheckedIn,
        }
    }
}

/// The state of an appointment, for programs and for staff.
pub(crate) fn state_words(state: State) -> (&'static str, &'static str) {
    match state {
        State::Held { .. } => ("held", "待支付"),
        State::Confirming { .. } => ("confirming", "待医院确认"),
        State::Booked => ("booked", "已挂号"),
        State::CheckedIn => ("checked_in", "已报到"),
        State::Fulfilled => ("fulfilled", "已就诊"),
        State::NoShow => ("no_show", "未到"),
        State::Expired => ("expired", "超时未支付"),
        State::Cancelled { .. } => ("cancelled", "已取消"),
        State::Refused { .. } => ("refused", "未能保留"),
    }
}

/// A clinic with what can be registered now.
#[derive(Debug, Serialize)]
struct FreeView {
    clinic: String,
    who: String,
    period: &'static str,
    room: String,
    fee: i64,
    slots: Vec<SlotView>,
}

#[derive(Debug, Serialize)]
struct SlotView {
    slot: String,
    band: String,
    free: usize,
}

impl FreeView {
    fn of(found: &ClinicWithSlots, profile: &HospitalProfile, now: Timestamp) -> Self {
        let clinic = &found.clinic;
        let is_free =
            |slot: &&Slot| !slot.free_numbers.is_empty() && window(clinic, slot.start, &profile.booking, now).is_ok();
        let slots = found.slots.iter().filter(is_free).map(|slot| SlotView {
            slot: slot.start.to_string(),
            band: slot.start.band_text(),
            free: slot.free_numbers.len(),
        });
        Self {
            clinic: clinic.id.to_string(),
            who: clinic.who_text(),
            period: clinic.period.text(),
            room: clinic.room.clone(),
            fee: clinic.fee.get(),
            slots: slots.collect(),
        }
    }
}

/// The department and the day a number is looked for.
#[derive(Clone, Debug)]
pub struct DayChoice {
    /// Its code as asked for, or empty.
    pub department: String,
    /// The day.
    pub date: Date,
    /// The first day that can be chosen.
    pub today: Date,
    /// The last.
    pub last: Date,
}

/// A person at the window.
#[derive(Debug, Serialize)]
pub struct PersonView {
    patient: String,
    name: String,
    document: String,
    phone: String,
    card: Option<String>,
    needs_window: bool,
    appointments: Vec<NumberView>,
    clinics: Vec<FreeView>,
    #[serde(skip)]
    departments: Vec<(String, String)>,
    #[serde(skip)]
    day: Option<DayChoice>,
    #[serde(skip)]
    key: Option<IdempotencyKey>,
    #[serde(skip)]
    renewal: Form,
}

impl PersonView {
    /// From the person and their numbers from today on.
    pub fn of(patient: &Patient, numbers: &[Appointment], now: Timestamp) -> Self {
        Self {
            patient: patient.id.to_string(),
            name: patient.identity.name_masked.clone(),
            document: patient.identity.document_masked.clone(),
            phone: patient.identity.phone_masked.clone(),
            card: patient.card.as_ref().map(ToString::to_string),
            needs_window: patient.needs_window,
            appointments: numbers.iter().map(|one| NumberView::of(one, now)).collect(),
            clinics: Vec::new(),
            departments: Vec::new(),
            day: None,
            key: None,
            renewal: Form::default(),
        }
    }

    /// With what can be registered in a department on a day.
    #[must_use]
    pub fn with_choice(
        mut self,
        departments: &[Department],
        day: DayChoice,
        clinics: &[ClinicWithSlots],
        profile: &HospitalProfile,
        now: Timestamp,
    ) -> Self {
        self.departments = departments.iter().map(|one| (one.id.to_string(), one.name.clone())).collect();
        self.clinics = clinics.iter().map(|clinic| FreeView::of(clinic, profile, now)).collect();
        self.day = Some(day);
        self
    }

    /// With the key of its forms.
    #[must_use]
    pub fn keyed(mut self, key: IdempotencyKey) -> Self {
        self.key = Some(key);
        self
    }

    /// With what was typed of a newer document, and what is wrong with it.
    #[must_use]
    pub fn renewing(mut self, form: Form) -> Self {
        self.renewal = form;
        self
    }

    fn start(&self, context: &PageContext<'_>) -> Markup {
        html! { @if let Some(key) = &self.key { (form_start_fields(context, key)) } }
    }

    fn facts(&self) -> Markup {
        key_values(&[
            ("证件", html! { (self.document) }),
            ("手机", html! { (self.phone) }),
            ("就诊卡", html! { @if let Some(card) = &self.card { (card) } @else { "无" } }),
        ])
    }

    /// A renewed permit, or the first identity card of a child.
    fn renewal(&self, context: &PageContext<'_>) -> Markup {
        html! {
            details open[!self.renewal.is_valid()] {
                summary.small { "更换证件" }
                form.deeds method="post" action={ "/desk/people/" (self.patient) "/document" } {
                    (self.start(context))
                    (identity::document_fields(&self.renewal))
                    button { "已核对原件，更换" }
                }
            }
        }
    }

    fn number(&self, context: &PageContext<'_>, one: &NumberView) -> Markup {
        html! {
            li.cell {
                span.main {
                    b { (one.department) " " (one.who) } " " (badge(Tone::Plain, one.state_text))
                    span.soft { (one.date) " " (one.band) " " (one.number) " 号 " (one.room) }
                }
                @if one.has_slip { a.small href={ "/desk/appointments/" (one.appointment) "/slip" } { "打印" } }
                @if one.can_cancel {
                    details {
                        summary.small { "取消" }
                        form.deeds method="post" action={ "/desk/appointments/" (one.appointment) "/cancel" } {
                            (self.start(context))
                            select name="reason" aria-label="原因" {
                                @for reason in CancelReason::ALL { option value=(reason.code()) { (reason.text()) } }
                            }
                            button { "确认取消" }
                        }
                    }
                }
            }
        }
    }

    fn choose(&self, day: &DayChoice) -> Markup {
        html! {
            form.search action={ "/desk/people/" (self.patient) } {
                select name="department" aria-label="科室" required {
                    option value="" { "选择科室" }
                    @for (code, name) in &self.departments {
                        option value=(code) selected[*code == day.department] { (name) }
                    }
                }
                input type="date" name="date" aria-label="日期" value=(day.date) min=(day.today) max=(day.last);
                button { "查号源" }
            }
        }
    }

    fn free(&self, context: &PageContext<'_>, clinic: &FreeView) -> Markup {
        html! {
            section.list {
                h2 {
                    (clinic.period) " " (clinic.who) " " small { (clinic.room) " · " (fee_text(clinic.fee)) } " "
                    a.small href={ "/desk/clinics/" (clinic.clinic) "/referrals?patient=" (self.patient) } { "转诊码" }
                }
                @if clinic.slots.is_empty() { p.none { "没有可挂的号" } } @else {
                    form.slots method="post" action="/desk/appointments" {
                        (self.start(context))
                        input type="hidden" name="patient" value=(self.patient);
                        input type="hidden" name="clinic" value=(clinic.clinic);
                        @for slot in &clinic.slots {
                            button name="slot" value=(slot.slot) { (slot.band) small { "余 " (slot.free) } }
                        }
                    }
                }
            }
        }
    }
}

impl View for PersonView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let body = html! {
            (heading(&self.name, None))
            (self.facts())
            (self.renewal(context))
            @if self.needs_window { (notice(Tone::Wait, "该就诊人待窗口核验：请用“登记新就诊人”按证件原件录入一次，即完成核验。")) }
            (title("今天及以后的号"))
            @if self.appointments.is_empty() { p.none { "没有" } } @else {
                ul.cells { @for one in &self.appointments { (self.number(context, one)) } }
            }
            (title("挂号"))
            @if let Some(day) = &self.day {
                (self.choose(day))
                @if !day.department.is_empty() && self.clinics.is_empty() { p.none { "当天该科室没有门诊" } }
            }
            @for clinic in &self.clinics { (self.free(context, clinic)) }
            (notice(Tone::Plain, "窗口挂号的费用在收费窗口缴纳，不经过微信支付。"))
            div.acts { (Button::plain_link("下一位", "/desk/people").look(Look::Plain)) }
        };
        page(context, &Page::new("就诊人"), body)
    }
}
