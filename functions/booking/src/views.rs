//! What the pages of this function show: each view is the page and the JSON alike.

use crate::admission::{ADMISSION, Entry, clock_text, full_minute, is_crowded};
use crate::freshness::Freshness;
use crate::set_apart::SetApart;
use domain::appointment::{Appointment, CancelledBy, RefusedWhy, State};
use domain::board::{Board, BoardClinic};
use domain::booking::{BookingPolicy, WindowError, window};
use domain::catalog::Department;
use domain::civil::Date;
use domain::clinic::{Clinic, ClinicState, SlotStart};
use domain::enrolment::Known;
use domain::order::{Order, RefundState};
use domain::profile::HospitalProfile;
use domain::waitlist::Waiting;
use domain::{Timestamp, time};
use maud::{Markup, html};
use serde::Serialize;
use store::account::Link;
use web::components::{
    Button, Cell, Choice, Day, DayState, Look, Page, State as PageState, Step, Tab, Tile, TileTarget, Tone, badge,
    choices, days, fee, form_start_fields, heading, key_values, list, notice, page, state, steps, tiles, title,
};
use web::form::Form;
use web::negotiate::Cache;
use web::session::IdempotencyKey;
use web::view::{PageContext, View};

/// How long a public list may be kept by browsers and the edge.
const PUBLIC_AGE_S: u32 = 10;
/// How long a list may be kept while numbers go by the second.
const CROWDED_AGE_S: u32 = 1;
/// How long a list may be kept that has nothing left: unpaid numbers come back after minutes.
const SOLD_OUT_AGE_S: u32 = 30;

/// Departments to choose from.
#[derive(Debug, Serialize)]
pub struct DepartmentsView {
    departments: Vec<DepartmentRow>,
}

#[derive(Debug, Serialize)]
struct DepartmentRow {
    id: String,
    name: String,
    location: String,
    #[serde(skip)]
    href: String,
}

impl DepartmentsView {
    /// From the catalogue.
    pub fn of(departments: &[Department]) -> Self {
        let row = |department: &Department| DepartmentRow {
            id: department.id.to_string(),
            name: department.name.clone(),
            location: department.location.clone(),
            href: format!("/booking/{}", department.id),
        };
        Self { departments: departments.iter().map(row).collect() }
    }
}

impl View for DepartmentsView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let cell = |row: &'_ DepartmentRow| (row.name.clone(), row.location.clone(), row.href.clone());
        let rows: Vec<_> = self.departments.iter().map(cell).collect();
        let cells: Vec<_> = rows
            .iter()
            .map(|(name, location, href)| Cell { text: name, below: Some(location), side: None, href: Some(href) })
            .collect();
        let body = html! {
            (steps(Step::Choose))
            (heading("选择科室", Some("不清楚挂哪个科？请拨打医院电话或到导诊台咨询")))
            @if cells.is_empty() { (state(PageState::Empty, "暂无科室", "医院尚未公布科室", &[])) } @else { (list(&cells)) }
        };
        page(context, &Page::new("预约挂号").tab(Tab::Booking), body)
    }

    fn cache(&self) -> Cache {
        Cache::Public { max_age_s: PUBLIC_AGE_S }
    }
}

/// A day to choose.
#[derive(Debug, Serialize)]
pub struct DayChoice {
    date: Date,
    text: String,
    short: String,
    open: bool,
    closed: bool,
    chosen: bool,
}

impl DayChoice {
    /// From the board of the day.
    pub fn of(board: &Board, chosen: Date, now: Timestamp) -> Self {
        let date = board.date;
        let states = || board.clinics.iter().map(|found| found.clinic.state);
        let today = time::today(now);
        let text = match date {
            date if date == today => "今天",
            date if date == time::add_days(today, 1) => "明天",
            date => time::weekday_text(date),
        };
        Self {
            date,
            text: text.to_owned(),
            short: format!("{}/{}", date.month(), date.day()),
            open: states().any(|state| state == ClinicState::Open),
            closed: !board.clinics.is_empty() && states().all(|state| state == ClinicState::Closed),
            chosen: date == chosen,
        }
    }

    fn state(&self) -> DayState {
        match (self.open, self.closed) {
            (true, _) => DayState::Held,
            (false, true) => DayState::Closed,
            (false, false) => DayState::None,
        }
    }
}

/// A clinic to choose.
#[derive(Debug, Serialize)]
pub struct ClinicRow {
    clinic: String,
    who: String,
    kind: &'static str,
    period: &'static str,
    room: String,
    fee_fen: i64,
    remaining: usize,
    state: &'static str,
    /// When its numbers are released, if that is still to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    released_later: Option<String>,
    #[serde(skip)]
    is_crowded: bool,
    #[serde(skip)]
    href: String,
}

impl ClinicRow {
    /// From a clinic of the board.
    pub fn of(found: &BoardClinic, policy: &BookingPolicy, now: Timestamp) -> Self {
        let (clinic, remaining) = (&found.clinic, found.bookable(policy, now));
        let released_later = found.released_later(policy, now);
        let state = match (clinic.state, remaining) {
            (ClinicState::Closed, _) => "停诊",
            (ClinicState::Open, 0) if released_later.is_some() => "待放号",
            (ClinicState::Open, 0) => "无号",
            (ClinicState::Open, _) => "有号",
        };
        Self {
            clinic: clinic.id.to_string(),
            who: clinic.who_text(),
            kind: clinic.kind.text(),
            period: clinic.period.text(),
            room: clinic.room.clone(),
            fee_fen: clinic.fee.get(),
            remaining,
            state,
            released_later: released_later.map(|at| release_text(at, now)),
            is_crowded: is_crowded(clinic, now),
            href: format!("/clinics/{}", clinic.id),
        }
    }
}

/// A department's days and the clinics of one of them.
#[derive(Debug, Serialize)]
pub struct DepartmentView {
    /// Code.
    pub department: String,
    /// Name.
    pub name: String,
    /// Days to choose from.
    pub days: Vec<DayChoice>,
    /// Clinics of the chosen day.
    pub clinics: Vec<ClinicRow>,
    /// How old what is known of their numbers is, where the hospital's own system gives them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freshness: Option<Freshness>,
}

impl View for DepartmentView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let links: Vec<_> =
            self.days.iter().map(|day| format!("/booking/{}?date={}", self.department, day.date)).collect();
        let strip: Vec<_> = self
            .days
            .iter()
            .zip(&links)
            .map(|(day, href)| Day { name: &day.text, date: &day.short, state: day.state(), href, current: day.chosen })
            .collect();
        let texts: Vec<_> = self.clinics.iter().map(row_texts).collect();
        let cells: Vec<_> =
            self.clinics.iter().zip(&texts).map(|(row, (text, below))| row_cell(row, text, below)).collect();
        let body = html! {
            (steps(Step::Choose))
            (heading(&self.name, Some("选择日期和医生")))
            (days(&strip))
            @if let Some(freshness) = &self.freshness { (freshness.line()) }
            @if cells.is_empty() {
                (state(PageState::Empty, "当天没有门诊", "请选择其他日期", &[]))
            } @else {
                (list(&cells))
            }
        };
        page(context, &Page::new(&self.name).tab(Tab::Booking), body)
    }

    fn cache(&self) -> Cache {
        let is_crowded = self.clinics.iter().any(|row| row.is_crowded);
        let is_sold_out = self.clinics.iter().all(|row| row.remaining == 0 && row.released_later.is_none());
        let max_age_s = match (is_sold_out, is_crowded) {
            (true, true) => SOLD_OUT_AGE_S,
            (false, true) => CROWDED_AGE_S,
            (_, false) => PUBLIC_AGE_S,
        };
        Cache::Public { max_age_s }
    }
}

fn row_texts(row: &ClinicRow) -> (String, String) {
    (format!("{} {}", row.period, row.who), format!("{} · {}", row.kind, row.room))
}

fn row_cell<'a>(row: &'a ClinicRow, text: &'a str, below: &'a str) -> Cell<'a> {
    let tone = if row.remaining > 0 { Tone::Good } else { Tone::Plain };
    let words = match &row.released_later {
        Some(at) => format!("{at} 放号"),
        None if row.remaining > 0 => format!("余 {}", row.remaining),
        None => row.state.to_owned(),
    };
    let side = html! { (fee(row.fee_fen)) " " (badge(tone, &words)) };
    Cell { text, below: Some(below), side: Some(side), href: Some(&row.href) }
}

/// Why a slot cannot be chosen of which every number is taken.
const FULL: &str = "已约满";
/// `7:00` for today, `11月24日 7:00` for another day.
fn release_text(at: Timestamp, now: Timestamp) -> String {
    let (clock, date) = (clock_text(at), time::today(at));
    if date == time::today(now) { clock } else { format!("{}月{}日 {clock}", date.month(), date.day()) }
}

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

/// One appointment of the reader's.
#[derive(Debug, Serialize)]
pub struct AppointmentView {
    appointment: String,
    patient: String,
    department: String,
    who: String,
    day: String,
    band: String,
    number: u16,
    room: String,
    campus: String,
    fee_fen: i64,
    state: &'static str,
    text: &'static str,
    /// Until when it must be paid, while it is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pay_until: Option<String>,
    /// Until when it can be cancelled online, while it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_until: Option<String>,
    /// Whether cancelling now goes on the credit record.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cancel_counts: bool,
    /// Where a missed visit is objected to.
    #[serde(skip_serializing_if = "Option::is_none")]
    appeal: Option<String>,
    /// How far the refund is, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    refund: Option<&'static str>,
    /// What another number could be had for: to move the visit, to replace or to follow it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<&'static str>,
    /// Where the visit has been moved to.
    #[serde(skip_serializing_if = "Option::is_none")]
    moved_to: Option<String>,
    /// Another doctor sees the patient than the one who was booked.
    substituted: bool,
    #[serde(skip)]
    tone: Tone,
    #[serde(skip)]
    next: String,
}

impl AppointmentView {
    /// From an appointment as it is at `now`.
    pub fn of(appointment: &Appointment, profile: &HospitalProfile, now: Timestamp) -> Self {
        let place = &appointment.place;
        let (state, text, tone) = state_words(appointment, now);
        let key = appointment.key().to_string();
        let held = state == "held";
        let cancel_until = appointment.cancel_until(profile.cancel);
        let is_paid = matches!(appointment.state, State::Booked | State::Confirming { .. });
        let cancellable = held || (is_paid && now <= cancel_until);
        let clock = |at: Timestamp| {
            let wall = time::wall_clock(at);
            format!("{} {}", time::day_text(wall.date(), time::today(now)), wall.strftime("%H:%M"))
        };
        Self {
            patient: appointment.patient_name_masked.clone(),
            department: place.department_name.clone(),
            who: place.who.clone(),
            day: time::day_text(place.date, time::today(now)),
            band: place.start.band_text(),
            number: place.number,
            room: place.room.clone(),
            campus: place.campus.clone(),
            fee_fen: appointment.fee.get(),
            state,
            text,
            pay_until: match appointment.state {
                State::Held { expires_at } if held => Some(clock(expires_at)),
                _ => None,
            },
            cancel_until: (cancellable && !held).then(|| clock(cancel_until)),
            cancel_counts: cancellable
                && !held
                && profile.judge().cancelling_counts(place.kind, place.starts_at(), now),
            appeal: (appointment.state == State::NoShow)
                .then(|| format!("/patients/{}/credit/{}", appointment.patient, appointment.id)),
            refund: window_refund(appointment),
            options: options_words(appointment, profile, now),
            substituted: appointment.history.substituted,
            moved_to: appointment.history.moved_to.as_ref().map(ToString::to_string),
            tone,
            next: if held { format!("/appointments/{key}/pay") } else { format!("/appointments/{key}") },
            appointment: key,
        }
    }

    /// With the state of the money, if any goes back.
    #[must_use]
    pub fn with_order(mut self, order: Option<&Order>) -> Self {
        let refund = order.and_then(|order| order.in_sequence().last());
        let words = refund.map(|refund| match refund.state {
            RefundState::Proposed => "退款审核中",
            RefundState::Declined => "退款未通过",
            RefundState::Outside => "已由收费处退回",
            RefundState::Releasing | RefundState::Requested => "退款处理中",
            RefundState::Accepted => "退款已受理，将原路退回",
            RefundState::Succeeded => "已退款，原路退回",
            RefundState::Manual { .. } => "退款需人工处理，工作人员会与您联系",
        });
        self.refund = words.or(self.refund);
        self
    }

    /// Where the patient goes on: to the payment while it is awaited.
    pub fn next_path(&self) -> &str {
        &self.next
    }

    fn path(&self) -> String {
        format!("/appointments/{}", self.appointment)
    }

    fn actions(&self, context: &PageContext<'_>) -> Markup {
        let cancel = format!("{}/cancel", self.path());
        let visit = format!("/visits/{}", self.appointment);
        let options = format!("/appointments/{}/options", self.appointment);
        let moved_to = self.moved_to.as_ref().map(|key| format!("/appointments/{key}"));
        html! {
            div.acts {
                @if matches!(self.state, "booked" | "checked_in") { (Button::primary_link("签到与候诊", &visit)) }
                @if self.pay_until.is_some() { (Button::primary_link("去支付", &self.next)) }
                @if let Some(appeal) = &self.appeal { (Button::plain_link("查看诚信记录或申诉", appeal)) }
                @if let Some(href) = &moved_to { (Button::primary_link("查看新的号", href)) }
                @if let Some(words) = self.options { (Button::plain_link(words, &options)) }
                @if self.pay_until.is_some() || self.cancel_until.is_some() {
                    (Button::post(context, "取消挂号", &cancel, Look::Warn))
                }
            }
        }
    }
}

/// What was paid at the window is returned there (E47).
fn window_refund(appointment: &Appointment) -> Option<&'static str> {
    let is_off = matches!(appointment.state, State::Cancelled { .. }) && appointment.history.moved_to.is_none();
    let at_window = appointment.booker.account().is_none() && !appointment.fee.is_zero();
    (is_off && at_window).then_some("在窗口缴的挂号费，请到窗口退费")
}

fn options_words(appointment: &Appointment, profile: &HospitalProfile, now: Timestamp) -> Option<&'static str> {
    match appointment.state {
        State::Booked => appointment.may_move(profile.cancel, profile.booking.moves_max, now).ok().map(|()| "改约"),
        State::Cancelled { by: CancelledBy::Hospital, .. } | State::Refused { why: RefusedWhy::ClinicClosed } => {
            Some("改挂其他时间")
        }
        State::Fulfilled if appointment.history.followed_up_by.is_none() => {
            let days = profile.booking.free_followup_days + profile.booking.horizon_days;
            let is_near = time::today(now) < time::add_days(appointment.place.date, days);
            (is_near && profile.booking.free_followup_days > 0).then_some("免费复诊")
        }
        _ => None,
    }
}

fn state_words(appointment: &Appointment, now: Timestamp) -> (&'static str, &'static str, Tone) {
    match appointment.state {
        State::Cancelled { .. } if appointment.history.moved_to.is_some() => ("moved", "已改约", Tone::Plain),
        State::Held { expires_at } if expires_at > now => ("held", "待支付", Tone::Wait),
        State::Expired if matches!(appointment.enrolment.known, Known::Refused { .. }) => {
            ("expired", "该号已被他人在医院挂走，没有扣费", Tone::Plain)
        }
        State::Held { .. } | State::Expired => ("expired", "超时未支付，号源已释放", Tone::Plain),
        State::Confirming { .. } => ("confirming", "已支付，医院正在确认，请稍候", Tone::Wait),
        State::Booked => ("booked", "挂号成功", Tone::Good),
        State::CheckedIn => ("checked_in", "已报到", Tone::Good),
        State::Fulfilled => ("fulfilled", "已就诊", Tone::Plain),
        State::NoShow => ("no_show", "爽约", Tone::Bad),
        State::Cancelled { by: CancelledBy::Hospital, .. } => ("cancelled", "医院取消", Tone::Bad),
        State::Cancelled { .. } => ("cancelled", "已取消", Tone::Plain),
        State::Refused { why: RefusedWhy::ClinicClosed } => ("refused", "医生停诊，费用退回", Tone::Bad),
        State::Refused { why: RefusedWhy::HisRefused | RefusedWhy::HisSilent } => {
            ("refused", "医院未能确认，费用退回", Tone::Bad)
        }
        State::Refused { .. } => ("refused", "未能保留号源，费用退回", Tone::Bad),
    }
}

impl View for AppointmentView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let mut facts = vec![
            ("状态", badge(self.tone, self.text)),
            ("就诊人", html! { (self.patient) }),
            ("科室", html! { (self.department) }),
            ("医生", html! { (self.who) }),
            ("时间", html! { (self.day) " " (self.band) }),
            ("序号", html! { (self.number) "号" }),
            ("地点", html! { (self.campus) " " (self.room) }),
            ("挂号费", fee(self.fee_fen)),
        ];
        if let Some(until) = &self.pay_until {
            facts.push(("请支付", html! { (until) " 前" }));
        }
        if let Some(until) = &self.cancel_until {
            facts.push(("可取消至", html! { (until) }));
        }
        if let Some(refund) = self.refund {
            facts.push(("退款", html! { (refund) }));
        }
        let body = html! {
            @if self.state == "held" { (steps(Step::Pay)) }
            @if self.state == "booked" {
                (steps(Step::Visit))
                (notice(Tone::Good, "挂号成功。就诊前 30 分钟会收到提醒，请按时到院。"))
            }
            (key_values(&facts))
            @if self.cancel_counts { (notice(Tone::Wait, "已过免责取消时间，现在取消将计入诚信记录。")) }
            (self.actions(context))
            @if self.substituted { (notice(Tone::Wait, "医生有事，改由上面的医生出诊。如不方便，就诊开始前可随时免费取消。")) }
            @if self.state == "booked" && self.cancel_until.is_none() {
                (notice(Tone::Plain, "已超过网上取消时间。如不能就诊，请拨打医院电话或到窗口办理。"))
            }
        };
        page(context, &Page::new("挂号详情").tab(Tab::Appointments), body)
    }
}

/// The question whether to come or to cancel: one touch either way.
#[derive(Debug, Serialize)]
pub struct CancelView {
    #[serde(flatten)]
    visit: AppointmentView,
}

impl CancelView {
    /// From an appointment as it is at `now`.
    pub fn of(appointment: &Appointment, profile: &HospitalProfile, now: Timestamp) -> Self {
        Self { visit: AppointmentView::of(appointment, profile, now) }
    }
}

impl View for CancelView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let visit = &self.visit;
        let (come, cancel) = (visit.path(), format!("{}/cancel", visit.path()));
        let facts = [
            ("就诊人", html! { (visit.patient) }),
            ("科室", html! { (visit.department) " " (visit.who) }),
            ("时间", html! { (visit.day) " " (visit.band) }),
            ("地点", html! { (visit.campus) " " (visit.room) }),
        ];
        let body = html! {
            (heading("能按时来就诊吗？", None))
            (key_values(&facts))
            @if let Some(until) = &visit.cancel_until {
                div.acts {
                    (Button::primary_link("按时就诊", &come))
                    (Button::post(context, "来不了，取消挂号", &cancel, Look::Warn))
                }
                (notice(Tone::Plain, &format!("{until} 前可以取消，费用原路退回，号源留给其他患者。")))
            } @else {
                div.acts { (Button::primary_link("查看挂号", &come)) }
                (notice(Tone::Plain, "这个号现在不能在网上取消。如不能就诊，请拨打医院电话或到窗口办理。"))
            }
        };
        page(context, &Page::new("确认就诊").tab(Tab::Appointments), body)
    }
}

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
        let texts: Vec<_> = self
            .appointments
            .iter()
            .map(|a| {
                let text = format!("{} {}", a.day, a.band);
                let below = format!("{} {} · {} · {}号", a.department, a.who, a.patient, a.number);
                (text, below, format!("/appointments/{}", a.appointment))
            })
            .collect();
        let cells: Vec<_> = self
            .appointments
            .iter()
            .zip(&texts)
            .map(|(a, (text, below, href))| Cell {
                text,
                below: Some(below),
                side: Some(badge(a.tone, a.text)),
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
