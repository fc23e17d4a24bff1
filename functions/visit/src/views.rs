//! What the pages of this function show: each view is the page and the JSON alike.

use crate::check_in::{APPOINTMENT, AT, CODE};
use domain::appointment::{Appointment, State};
use domain::catalog::Department;
use domain::id::AppointmentId;
use domain::profile::HospitalProfile;
use domain::queue::{Entry, Queue, QueuePolicy};
use domain::{Timestamp, time};
use his::CardQueue;
use maud::{DOCTYPE, Markup, html};
use serde::Serialize;
use web::components::{
    Button, Choice, Field, FieldKind, Page, Script, State as PageState, Tab, Tone, choices, csrf_field, field, heading,
    key_values, notice, page, prose, state, title,
};
use web::form::Form;
use web::negotiate::Cache;
use web::view::{PageContext, View};

/// Seconds after which a browser without script asks again.
const ASK_AGAIN_S: u32 = 20;
/// Nothing is waited for outside the consulting room.
pub(crate) const NOWHERE: &str = "目前没有检查、取药等排队信息。";
/// The hospital's own system does not answer.
pub(crate) const NOT_NOW: &str = "暂时查不到检查、取药的排队信息，请留意现场叫号。";

/// A place in a queue, as small as it can be: it is asked for again and again.
#[derive(Debug, Serialize)]
pub struct PlaceView {
    /// `unknown`, `expected`, `waiting`, `called`, `in_room`, `missed`, `done` or `left`.
    state: &'static str,
    /// The state in words.
    text: String,
    /// People who are called before.
    #[serde(skip_serializing_if = "Option::is_none")]
    ahead: Option<String>,
    /// The wait in words: a range, for nobody knows better.
    #[serde(skip_serializing_if = "Option::is_none")]
    wait: Option<String>,
    /// Where to go.
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<String>,
    /// Who is seen there.
    #[serde(skip_serializing_if = "Option::is_none")]
    doctor: Option<String>,
    /// When the queue last moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<String>,
    /// Version of the queue: a lower one is older.
    ver: u64,
}

impl PlaceView {
    /// Of an appointment in a queue, if there is one.
    pub fn of(queue: Option<&Queue>, appointment: &AppointmentId, policy: &QueuePolicy, now: Timestamp) -> Self {
        let found = queue.and_then(|queue| Some((queue, queue.entry(appointment)?)));
        found.map_or_else(Self::unknown, |(queue, entry)| Self::in_queue(queue, entry, policy, now))
    }

    fn unknown() -> Self {
        Self {
            state: "unknown",
            text: "诊室尚未开始叫号，到院后请先签到。".into(),
            ahead: None,
            wait: None,
            room: None,
            doctor: None,
            updated: None,
            ver: 0,
        }
    }

    fn in_queue(queue: &Queue, entry: &Entry, policy: &QueuePolicy, now: Timestamp) -> Self {
        let doctor = match (entry.stage.room(), queue.rooms.as_slice()) {
            (Some((room, _)), _) => queue.room(room),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        Self {
            state: entry.stage.code(),
            text: queue.patient_text(entry),
            ahead: queue.estimate(entry, policy, now).map(|estimate| format!("{} 人", estimate.ahead)),
            wait: queue.wait_text(entry, policy, now),
            room: Some(queue.rooms_text(entry)),
            doctor: doctor.map(|room| room.doctor.clone()),
            updated: Some(clock_text(queue.changed_at)),
            ver: queue.ver,
        }
    }
}

fn clock_text(at: Timestamp) -> String {
    time::wall_clock(at).strftime("%H:%M").to_string()
}

/// The place alone, for looking again.
#[derive(Debug, Serialize)]
pub struct LiveView {
    /// The place.
    #[serde(flatten)]
    pub place: PlaceView,
    /// The page it belongs to.
    #[serde(skip)]
    pub back: String,
}

impl View for LiveView {
    /// For browsers without script: as little as possible, again and again.
    fn page(&self, _: &PageContext<'_>) -> Markup {
        let place = &self.place;
        html! {
            (DOCTYPE)
            html lang="zh-CN" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width";
                    meta http-equiv="refresh" content=(ASK_AGAIN_S);
                    title { "候诊" }
                }
                body {
                    h1 { (place.text) }
                    @if let Some(ahead) = &place.ahead { p { "前面 " (ahead) } }
                    @if let Some(wait) = &place.wait { p { "预计 " (wait) } }
                    @if let Some(updated) = &place.updated { p { "更新于 " (updated) } }
                    p { a href=(self.back) { "返回" } }
                }
            }
        }
    }

    fn cache(&self) -> Cache {
        Cache::Watched
    }
}

/// A visit on its day.
#[derive(Debug, Serialize)]
pub struct VisitView {
    appointment: String,
    patient: String,
    department: String,
    who: String,
    day: String,
    band: String,
    number: u16,
    campus: String,
    location: Option<String>,
    place: PlaceView,
    /// Where to look again, for some minutes; absent when nothing changes any more.
    live: Option<String>,
    #[serde(skip)]
    over: Option<&'static str>,
    #[serde(skip)]
    guide: Vec<(String, Vec<String>)>,
    #[serde(skip)]
    can_check_in: bool,
}

impl VisitView {
    /// From an appointment and its place.
    pub fn of(
        appointment: &Appointment,
        department: Option<&Department>,
        place: PlaceView,
        live: Option<String>,
        profile: &HospitalProfile,
        now: Timestamp,
    ) -> Self {
        let booked = &appointment.place;
        let over = over_text(appointment);
        // Whoever stands in line, or was called, has been checked in by somebody.
        let is_awaited = matches!(place.state, "unknown" | "expected");
        let guide = profile.guide.iter().map(|section| (section.title.clone(), section.paragraphs.clone()));
        Self {
            appointment: appointment.key().to_string(),
            patient: appointment.patient_name_masked.clone(),
            department: booked.department_name.clone(),
            who: booked.who.clone(),
            day: time::day_text(booked.date, time::today(now)),
            band: booked.start.band_text(),
            number: booked.number,
            campus: booked.campus.clone(),
            location: department.map(|department| department.location.clone()),
            place,
            live: live.filter(|_| over.is_none()),
            over,
            guide: guide.collect(),
            can_check_in: appointment.state == State::Booked && booked.date == time::today(now) && is_awaited,
        }
    }

    fn standing(&self) -> Markup {
        let part = |name: &str, value: &Option<String>| {
            html! { span data-part=(name) { (value.as_deref().unwrap_or("—")) } }
        };
        html! {
            section data-live=[self.live.as_deref()] data-ver=(self.place.ver) data-state=(self.place.state) {
                div.note role="status" aria-live="polite" { b { (self.number) "号" } p data-part="text" { (self.place.text) } }
                (key_values(&[
                    ("前面还有", part("ahead", &self.place.ahead)),
                    ("预计等候", part("wait", &self.place.wait)),
                    ("诊室", part("room", &self.place.room)),
                    ("医生", part("doctor", &self.place.doctor)),
                    ("更新于", part("updated", &self.place.updated)),
                ]))
                p data-age {}
            }
        }
    }
}

/// Why there is nothing to wait for.
fn over_text(appointment: &Appointment) -> Option<&'static str> {
    match appointment.state {
        State::Booked | State::CheckedIn | State::Fulfilled => None,
        State::Held { .. } => Some("该号尚未支付，支付后才能候诊。"),
        State::Confirming { .. } => Some("医院正在确认该号，确认后才能候诊。"),
        State::NoShow => Some("该号已过就诊时间。如您已到院，请到分诊台。"),
        State::Expired | State::Cancelled { .. } | State::Refused { .. } => Some("该号已取消，无需候诊。"),
    }
}

impl View for VisitView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let elsewhere = format!("/visits/{}/elsewhere", self.appointment);
        let body = html! {
            (heading(&format!("{} {}", self.department, self.who), Some(&format!("{} · {}", self.patient, self.band))))
            @if let Some(over) = self.over { (notice(Tone::Wait, over)) } @else { (self.standing()) }
            @if self.can_check_in {
                div.acts data-awaited { (Button::primary_link("我已到院，去签到", "/visits/checkin")) }
            }
            (title("怎么走"))
            (key_values(&[
                ("时间", html! { (self.day) " " (self.band) }),
                ("地点", html! { (self.campus) " " (self.location.as_deref().unwrap_or_default()) }),
            ]))
            @for (heading, paragraphs) in &self.guide {
                details.cells { summary.cell { span.main { (heading) } } (prose(paragraphs)) }
            }
            @if self.over.is_none() {
                (title("检查、取药排队"))
                div data-elsewhere=(elsewhere) { a href=(elsewhere) { "查看" } }
            }
            div.acts {
                (Button::plain_link("挂号详情", &format!("/appointments/{}", self.appointment)))
                (Button::plain_link("检验检查报告", "/reports"))
            }
        };
        let shell = Page::new("候诊").tab(Tab::Appointments).scripts(&[Script::Visit]);
        page(context, &shell.without_script(self.live.as_deref()), body)
    }
}

/// A queue outside the consulting rooms.
#[derive(Debug, Serialize)]
pub struct OtherQueue {
    text: String,
    ahead: Option<u16>,
}

/// Where else the person waits.
#[derive(Debug, Serialize)]
pub struct ElsewhereView {
    queues: Vec<OtherQueue>,
    /// What to say when there is none.
    text: &'static str,
}

impl ElsewhereView {
    /// Nothing, and why.
    pub fn empty(text: &'static str) -> Self {
        Self { queues: Vec::new(), text }
    }

    /// What the hospital says.
    pub fn of(queues: &[CardQueue]) -> Self {
        Self { queues: queues.iter().map(OtherQueue::of).collect(), text: NOWHERE }
    }
}

impl OtherQueue {
    fn of(queue: &CardQueue) -> Self {
        let number = if queue.number.is_empty() { String::new() } else { format!(" {}号", queue.number.as_str()) };
        let progress = match (queue.is_called, queue.ahead) {
            (true, _) => "，已叫到您，请前往".to_owned(),
            (false, Some(ahead)) => format!("，前面 {ahead} 人"),
            (false, None) => String::new(),
        };
        let text = format!("{}{number}：{}{progress}", queue.kind.patient_text(), queue.place.as_str());
        Self { text, ahead: queue.ahead }
    }
}

impl View for ElsewhereView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let lines: Vec<&str> = self.queues.iter().map(|queue| queue.text.as_str()).collect();
        let body = html! {
            (heading("检查、取药排队", None))
            @if lines.is_empty() { (notice(Tone::Plain, self.text)) } @else { (prose(&lines)) }
        };
        page(context, &Page::new("排队").tab(Tab::Appointments), body)
    }
}

/// A visit that can be checked in.
#[derive(Debug, Serialize)]
pub struct Waiting {
    appointment: String,
    patient: String,
    text: String,
    checked_in: bool,
}

impl Waiting {
    /// From an appointment of today.
    pub fn of(appointment: &Appointment) -> Self {
        let place = &appointment.place;
        Self {
            appointment: appointment.key().to_string(),
            patient: appointment.patient_name_masked.clone(),
            text: format!("{} {} {} {}号", place.start.band_text(), place.department_name, place.who, place.number),
            checked_in: appointment.state == State::CheckedIn,
        }
    }
}

/// Checking in with the code of a desk.
#[derive(Debug, Serialize)]
pub struct CheckInView {
    waiting: Vec<Waiting>,
    #[serde(skip)]
    at: String,
    #[serde(skip)]
    code: String,
    #[serde(skip)]
    form: Form,
}

impl CheckInView {
    /// From today's visits and what the address or the form says.
    pub fn of(waiting: Vec<Waiting>, at: String, code: String, form: Form) -> Self {
        let at = if form.value(AT).is_empty() { at } else { form.value(AT).to_owned() };
        Self { waiting, at, code, form }
    }

    fn chooser(&self, context: &PageContext<'_>) -> Markup {
        let texts: Vec<_> = self.waiting.iter().map(|one| format!("{} · {}", one.patient, one.text)).collect();
        let below = |one: &Waiting| one.checked_in.then_some("已签到");
        let offered: Vec<_> = self
            .waiting
            .iter()
            .zip(&texts)
            .map(|(one, text)| Choice { value: &one.appointment, text, below: below(one), disabled: one.checked_in })
            .collect();
        let digits = Field {
            name: CODE,
            label: "签到码",
            kind: FieldKind::Digits,
            hint: Some("候诊大屏上的 6 位数字，每 5 分钟更换"),
            max_chars: 8,
        };
        html! {
            form method="post" action="/visits/checkin" {
                @if let Some(token) = context.csrf { (csrf_field(token)) }
                @if !self.at.is_empty() { input type="hidden" name=(AT) value=(self.at); }
                (choices(&self.form, APPOINTMENT, "今天的号", &offered))
                @if self.code.is_empty() { (field(&self.form, &digits)) }
                @else { input type="hidden" name=(CODE) value=(self.code); }
                div.acts { (Button::submit("签到")) }
            }
        }
    }
}

impl View for CheckInView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let body = html! {
            (heading("签到", Some("到达分诊台后签到，签到后按顺序叫号")))
            @if self.waiting.is_empty() {
                (state(PageState::Empty, "今天没有可签到的号", "如您在窗口挂号，请到分诊台由工作人员签到",
                    &[Button::plain_link("查看我的挂号", "/appointments")]))
            } @else {
                (self.chooser(context))
            }
        };
        page(context, &Page::new("签到").tab(Tab::Appointments), body)
    }
}
