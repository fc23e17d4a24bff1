//! The queue as the desk sees it: usable with keys alone, and with plain forms without script.

use crate::Action;
use crate::queue::{Deed, PRIORITIES, priority_code};
use domain::appointment::{Appointment, AppointmentKey};
use domain::clinic::{Clinic, ClinicState};
use domain::queue::line::line;
use domain::queue::{Entry, Priority, Queue, QueueOwner, QueuePolicy, Room, Stage, Turn};
use domain::time;
use jiff::Timestamp;
use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use runtime::http::Call;
use serde::Serialize;
use web::components::{Button, Link, Page, Script, Tone, badge, form_start_fields, heading, notice, page};
use web::negotiate::Cache;
use web::route::Scope;
use web::session::IdempotencyKey;
use web::view::{PageContext, View};

/// Reasons for a pause that need no typing.
const PAUSES: [&str; 4] = ["医生暂时离开", "医生查房", "设备检修", "抢救患者"];

/// Somebody in the queue.
#[derive(Debug, Serialize)]
struct PersonView {
    /// The appointment's id: what deeds name.
    id: String,
    /// Its whole key: what addresses carry.
    appointment: String,
    number: u16,
    band: String,
    /// Masked; empty before check-in.
    name: String,
    badge: Option<&'static str>,
    /// 回诊 or 过号.
    turn: Option<&'static str>,
    /// Checked in at, on the wall clock.
    since: Option<String>,
    missed: u8,
    #[serde(skip)]
    priority: Priority,
}

impl PersonView {
    fn of(entry: &Entry, queue: &Queue) -> Self {
        let checked_in = Timestamp::from_second(entry.checked_in_s).ok().filter(|_| entry.checked_in_s > 0);
        Self {
            id: entry.appointment.to_string(),
            appointment: entry.key(queue.date).to_string(),
            number: entry.number,
            band: entry.start.band_text(),
            name: entry.name_masked.clone(),
            badge: entry.priority.badge(),
            turn: match entry.turn {
                Turn::Ordinary => None,
                Turn::Results => Some("回诊"),
                Turn::Behind(_) | Turn::Last => Some("过号"),
            },
            since: checked_in.map(|at| time::wall_clock(at).strftime("%-H:%M").to_string()),
            missed: entry.missed,
            priority: entry.priority,
        }
    }

    fn badges(&self) -> Markup {
        html! {
            @if let Some(text) = self.badge { (badge(Tone::Bad, text)) }
            @if let Some(text) = self.turn { (badge(Tone::Wait, text)) }
        }
    }
}

/// A room and who is called to it or in it.
#[derive(Debug, Serialize)]
struct RoomView {
    name: String,
    doctor: String,
    paused: Option<String>,
    current: Option<PersonView>,
    /// How often the person was called; none once they are in the room.
    calls: Option<u8>,
}

impl RoomView {
    fn of(room: &Room, queue: &Queue) -> Self {
        let current = queue.in_room(&room.name);
        let calls = current.and_then(|entry| match entry.stage {
            Stage::Called { times, .. } => Some(times),
            _ => None,
        });
        Self {
            name: room.name.clone(),
            doctor: room.doctor.clone(),
            paused: room.paused.clone(),
            current: current.map(|entry| PersonView::of(entry, queue)),
            calls,
        }
    }
}

/// The queue of a clinic.
#[derive(Debug, Serialize)]
pub struct QueueView {
    clinic: String,
    queue: String,
    /// Grows with each change.
    ver: u64,
    department: String,
    who: String,
    open: bool,
    /// Whether the hospital's own system calls.
    his: bool,
    /// The room the reader works in.
    room: String,
    rooms: Vec<RoomView>,
    /// In the order in which they come up.
    waiting: Vec<PersonView>,
    missed: Vec<PersonView>,
    expected: Vec<PersonView>,
    done: Vec<PersonView>,
    left: Vec<PersonView>,
    /// What has just been done, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    said: Option<String>,
    #[serde(skip)]
    key: IdempotencyKey,
    #[serde(skip)]
    read_at: String,
    /// Where else the reader may go, in words.
    #[serde(skip)]
    links: Vec<Link>,
    /// Whether the reader may look at results.
    #[serde(skip)]
    sees_results: bool,
}

impl QueueView {
    /// From the queue, at a room.
    pub fn of(
        clinic: &Clinic,
        queue: &Queue,
        policy: &QueuePolicy,
        room: &str,
        key: IdempotencyKey,
        call: &Call<Action>,
    ) -> Self {
        let people = |fits: &dyn Fn(&Stage) -> bool| {
            let mut fitting: Vec<_> = queue.entries.iter().filter(|entry| fits(&entry.stage)).collect();
            fitting.sort_by_key(|entry| (entry.start, entry.number));
            fitting.into_iter().map(|entry| PersonView::of(entry, queue)).collect()
        };
        let room = queue.room(room).or_else(|| queue.rooms.first());
        Self {
            clinic: clinic.id.to_string(),
            queue: queue.id.to_string(),
            ver: queue.ver,
            department: clinic.department_name.clone(),
            who: clinic.who_text(),
            open: clinic.state == ClinicState::Open,
            his: policy.owner == QueueOwner::His,
            room: room.map(|room| room.name.clone()).unwrap_or_default(),
            rooms: queue.rooms.iter().map(|room| RoomView::of(room, queue)).collect(),
            waiting: line(queue, policy).into_iter().map(|entry| PersonView::of(entry, queue)).collect(),
            missed: people(&|stage| *stage == Stage::Missed),
            expected: people(&|stage| *stage == Stage::Expected),
            done: people(&|stage| *stage == Stage::Done),
            left: people(&|stage| *stage == Stage::Left),
            said: None,
            key,
            read_at: time::wall_clock(call.now).strftime("%H:%M:%S").to_string(),
            links: links(clinic, call),
            sees_results: call.may(Scope::Results),
        }
    }

    /// With what has just been done.
    #[must_use]
    pub fn said(mut self, text: String) -> Self {
        self.said = Some(text);
        self
    }

    fn action(&self) -> String {
        format!("/desk/clinics/{}/queue", self.clinic)
    }

    /// A form of deeds about a person, or about the room.
    fn form(&self, context: &PageContext<'_>, person: Option<&PersonView>, inside: &Markup) -> Markup {
        html! {
            form.deeds method="post" action=(self.action()) {
                (form_start_fields(context, &self.key))
                input type="hidden" name="room" value=(self.room);
                @if let Some(person) = person { input type="hidden" name="appointment" value=(person.id); }
                (inside)
            }
        }
    }

    fn toolbar(&self) -> Markup {
        html! {
            nav.links aria-label="其他页面" {
                @for link in &self.links { a href=(link.href) { (link.text) } }
                details.keys {
                    summary { "快捷键" }
                    dl {
                        @for (key, text) in KEYS { div { dt { kbd { (key) } } dd { (text) } } }
                    }
                }
            }
        }
    }

    fn arrival(&self, context: &PageContext<'_>) -> Markup {
        let room = utf8_percent_encode(&self.room, NON_ALPHANUMERIC);
        html! {
            form.arrive method="post" action={ "/desk/clinics/" (self.clinic) "/check-in?room=" (room) } {
                (form_start_fields(context, &self.key))
                label for="who" { "报到" }
                input #who name="who" autocomplete="off" autocapitalize="off" spellcheck="false" maxlength="256" autofocus
                    placeholder="扫码、刷卡，或输入序号、姓名" enterkeyhint="done";
                select name="priority" aria-label="优先" {
                    @for (priority, text) in PRIORITIES { option value=(priority_code(priority)) { (text) } }
                }
                button.go { "报到" }
            }
        }
    }

    /// The rooms: where the reader works, and what happens in the others.
    fn rooms(&self) -> Markup {
        html! {
            @if self.rooms.len() > 1 {
                nav.rooms aria-label="诊室" {
                    @for (at, room) in self.rooms.iter().enumerate() {
                        @let href = format!("/desk/clinics/{}?room={}", self.clinic, utf8_percent_encode(&room.name, NON_ALPHANUMERIC));
                        a href=(href) aria-current=[(room.name == self.room).then_some("true")] data-key=(at + 1) {
                            b { (room.name) }
                            span {
                                @if let Some(person) = &room.current { (person.number) " 号" }
                                @else if room.paused.is_some() { "暂停" }
                                @else { "空闲" }
                            }
                        }
                    }
                }
            }
        }
    }

    fn own_room(&self, context: &PageContext<'_>) -> Markup {
        let Some(room) = self.rooms.iter().find(|room| room.name == self.room) else { return html! {} };
        html! {
            section.room aria-label="本诊室" {
                header { h2 { (room.name) } p { (room.doctor) } }
                @match &room.current {
                    Some(person) => (self.current(context, room, person)),
                    None => (self.free(context, room)),
                }
                (self.more(context, room))
            }
        }
    }

    fn current(&self, context: &PageContext<'_>, room: &RoomView, person: &PersonView) -> Markup {
        html! {
            p.now {
                b { (person.number) " 号" } " " span { (person.name) } " " (person.badges())
                (next_link(person))
                small {
                    @match room.calls { Some(calls) => { "已叫 " (calls) " 次" } None => "就诊中" }
                }
            }
            @if let Some(key) = self.sees_results.then(|| person.appointment.parse::<AppointmentKey>().ok()).flatten() {
                p.links { a href={ "/staff/patients/" (key.patient) "/reports" } { "检验检查报告" } }
            }
            @if !self.his {
                (self.form(context, Some(person), &html! {
                    @if room.calls.is_some() {
                        (deed(Deed::CallAgain, "重叫", Some("r"), ""))
                        (deed(Deed::Enter, "进诊室", Some("e"), ""))
                        (deed(Deed::Miss, "过号", Some("m"), ""))
                    }
                    (deed(Deed::Finish, "完成", Some("f"), ""))
                    (deed(Deed::FinishNext, "完成并叫下一位", Some("n"), "main"))
                }))
            }
        }
    }

    fn free(&self, context: &PageContext<'_>, room: &RoomView) -> Markup {
        html! {
            @if let Some(reason) = &room.paused {
                p.now { b { "暂停叫号" } " " (reason) }
                @if !self.his { (self.form(context, None, &deed(Deed::Resume, "恢复叫号", Some("p"), "main"))) }
            } @else {
                p.now { "诊室空闲，" (self.waiting.len()) " 人候诊" }
                @if !self.his { (self.form(context, None, &deed(Deed::CallNext, "叫下一位", Some("n"), "main"))) }
            }
        }
    }

    fn more(&self, context: &PageContext<'_>, room: &RoomView) -> Markup {
        let line = |name: &'static str, label: &'static str, given: &str| {
            html! { label { (label) input name=(name) value=(given) maxlength="40" required autocomplete="off"; } }
        };
        html! {
            @if !self.his {
                details.more {
                    summary { "暂停、换诊室、替诊" }
                    @if room.paused.is_none() {
                        (self.form(context, None, &html! {
                            label { "暂停原因"
                                input name="words" list="pauses" maxlength="40" required autocomplete="off" value=(PAUSES[0]);
                            }
                            datalist #pauses { @for reason in PAUSES { option value=(reason); } }
                            (deed(Deed::Pause, "暂停叫号", None, ""))
                        }))
                    }
                    (self.form(context, None, &html! { (line("to", "换到诊室", "")) (deed(Deed::MoveRoom, "换诊室", None, "")) }))
                    (self.form(context, None, &html! { (line("words", "替诊医生", "")) (deed(Deed::Substitute, "替诊", None, "")) }))
                    (self.form(context, None, &html! {
                        (line("to", "增开诊室", "")) (line("words", "医生", &room.doctor)) (deed(Deed::OpenRoom, "增开", None, ""))
                    }))
                    @if self.rooms.len() > 1 && room.current.is_none() {
                        (self.form(context, None, &deed(Deed::CloseRoom, "关闭本诊室", None, "")))
                    }
                }
            }
        }
    }

    fn table(
        &self,
        context: &PageContext<'_>,
        name: &str,
        people: &[PersonView],
        deeds: &dyn Fn(&PersonView) -> Markup,
    ) -> Markup {
        html! {
            section.list {
                h2 { (name) " " small { (people.len()) " 人" } }
                @if people.is_empty() { p.none { "无" } } @else {
                    table.records {
                        tbody {
                            @for person in people {
                                tr id={ "a-" (person.id) } tabindex="-1" {
                                    td.no { (person.number) }
                                    td { (person.name) @if person.name.is_empty() { span.soft { "未报到" } } " " (person.badges()) }
                                    td.soft { (person.band) @if let Some(since) = &person.since { " · " (since) " 报到" } }
                                    td { @if !self.his { (self.form(context, Some(person), &deeds(person))) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn lists(&self, context: &PageContext<'_>) -> Markup {
        let wait = |person: &PersonView| html! { (deed(Deed::Call, "叫号", None, "")) (priorities(person)) (deed(Deed::Leave, "离开", None, "")) };
        let back =
            |_: &PersonView| html! { (deed(Deed::Return, "返回队列", None, "")) (deed(Deed::Call, "叫号", None, "")) };
        let returned = |_: &PersonView| deed(Deed::Return, "返回队列", None, "");
        let results = |person: &PersonView| html! { (deed(Deed::Results, "回诊", None, "")) (next_link(person)) };
        html! {
            (self.table(context, "候诊", &self.waiting, &wait))
            @if !self.missed.is_empty() { (self.table(context, "过号", &self.missed, &back)) }
            details.fold open[self.expected.len() <= EXPECTED_SHOWN_MAX] {
                summary { "未报到 " (self.expected.len()) " 人" }
                (self.expected_list(context))
            }
            details.fold {
                summary { "已就诊 " (self.done.len()) " 人" }
                (self.table(context, "已就诊", &self.done, &results))
            }
            @if !self.left.is_empty() { (self.table(context, "已离开", &self.left, &returned)) }
        }
    }

    fn expected_list(&self, context: &PageContext<'_>) -> Markup {
        let room = utf8_percent_encode(&self.room, NON_ALPHANUMERIC);
        html! {
            table.records {
                tbody {
                    @for person in &self.expected {
                        tr {
                            td.no { (person.number) }
                            td.soft { (person.band) }
                            td {
                                form.deeds method="post" action={ "/desk/clinics/" (self.clinic) "/check-in?room=" (room) } {
                                    (form_start_fields(context, &self.key))
                                    input type="hidden" name="who" value=(person.appointment);
                                    button { "报到" }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn links(clinic: &Clinic, call: &Call<Action>) -> Vec<Link> {
    let mut links = vec![
        Link::new("换门诊", "/desk"),
        Link::new("打印名单", format!("/desk/clinics/{}/paper", clinic.id)),
        Link::new("转诊码", format!("/desk/clinics/{}/referrals", clinic.id)),
    ];
    if call.may(Scope::Window) {
        links.push(Link::new("窗口挂号", "/desk/people"));
    }
    if call.may(Scope::Screens) {
        links.push(Link::new("候诊大屏", format!("/desk/screens/{}/link", clinic.id)));
    }
    if call.may(Scope::Closures) {
        links.push(Link::new("停诊、替诊", format!("/staff/clinics/{}/closure", clinic.id)));
    }
    links
}

/// 诊间预约: the person's next visit.
fn next_link(person: &PersonView) -> Markup {
    html! { a.small href={ "/desk/appointments/" (person.appointment) "/next" } { "预约下次" } }
}

/// More than this many are folded away.
const EXPECTED_SHOWN_MAX: usize = 12;

/// What the keys do; the script finds the buttons by `data-key`.
const KEYS: [(&str, &str); 8] = [
    ("N", "叫下一位（有人时：完成并叫下一位）"),
    ("R", "重叫"),
    ("E", "进诊室"),
    ("M", "过号"),
    ("F", "完成"),
    ("P", "恢复叫号"),
    ("1–9", "换到第几个诊室"),
    ("/", "到报到输入框；Esc 离开"),
];

fn deed(deed: Deed, text: &str, key: Option<&str>, class: &str) -> Markup {
    html! {
        button class=(class) name="deed" value=(deed.code()) data-key=[key] {
            (text) @if let Some(key) = key { kbd { (key.to_uppercase()) } }
        }
    }
}

fn priorities(person: &PersonView) -> Markup {
    html! {
        select name="priority" aria-label="优先" {
            @for (priority, text) in PRIORITIES {
                option value=(priority_code(priority)) selected[priority == person.priority] { (text) }
            }
        }
        (deed(Deed::Prioritise, "改", None, ""))
    }
}

impl View for QueueView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let name = format!("{} {}", self.department, self.who);
        let body = html! {
            div.wide #desk data-state={ "/desk/clinics/" (self.clinic) } {
                header.desk {
                    h1 { (name) }
                    p #age role="status" { "更新于 " (self.read_at) }
                    (self.toolbar())
                }
                p #stale.alarm role="alert" hidden { "画面可能已过期，正在重新连接…" }
                p #said.said role="status" aria-live="polite" { @if let Some(said) = &self.said { (said) } }
                @if !self.open { (notice(Tone::Bad, "该门诊已停诊。")) }
                @if self.his { (notice(Tone::Plain, "叫号由医院系统控制；这里可以报到和查看。")) }
                (self.arrival(context))
                div #live data-ver=(self.ver) {
                    (self.rooms())
                    div.columns {
                        (self.own_room(context))
                        div.lists { (self.lists(context)) }
                    }
                }
                noscript { p.none { "未启用脚本：画面不会自动更新，请按 F5 刷新。" } }
            }
        };
        page(context, &Page::new(&name).scripts(&[Script::Desk]), body)
    }

    fn cache(&self) -> Cache {
        Cache::Watched
    }
}

/// Somebody who fits what was typed.
#[derive(Debug, Serialize)]
pub struct Candidate {
    appointment: String,
    number: u16,
    band: String,
    name: String,
    who: String,
}

impl Candidate {
    /// From the appointment.
    pub fn of(appointment: &Appointment) -> Self {
        Self {
            appointment: appointment.key().to_string(),
            number: appointment.place.number,
            band: appointment.place.start.band_text(),
            name: appointment.patient_name_masked.clone(),
            who: appointment.place.who.clone(),
        }
    }

    fn text(&self) -> String {
        format!("{} 号 {} {} {}", self.number, self.name, self.band, self.who)
    }
}

/// Several fit: staff choose.
#[derive(Debug, Serialize)]
pub struct ChoicesView {
    clinic: String,
    choices: Vec<Candidate>,
    /// What was asked for with the name.
    #[serde(skip)]
    priority: Priority,
    #[serde(skip)]
    room: Option<String>,
    #[serde(skip)]
    key: IdempotencyKey,
}

impl ChoicesView {
    /// From those who fit.
    pub fn of(clinic: &Clinic, choices: Vec<Candidate>, random: [u8; 16]) -> Self {
        let key = IdempotencyKey::from_random(random);
        Self { clinic: clinic.id.to_string(), choices, priority: Priority::None, room: None, key }
    }

    /// Whoever is chosen goes first for this reason, and the reader goes on in this room.
    #[must_use]
    pub fn with(mut self, priority: Priority, room: Option<String>) -> Self {
        (self.priority, self.room) = (priority, room);
        self
    }

    /// An address of the desk, at the reader's room.
    fn path(&self, end: &str) -> String {
        let path = format!("/desk/clinics/{}{end}", self.clinic);
        match &self.room {
            Some(room) => format!("{path}?room={}", utf8_percent_encode(room, NON_ALPHANUMERIC)),
            None => path,
        }
    }
}

impl View for ChoicesView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let back = self.path("");
        let body = html! {
            (heading("是哪一位？", Some("请核对证件或卡号后选择")))
            div.acts {
                @for one in &self.choices {
                    form method="post" action=(self.path("/check-in")) {
                        (form_start_fields(context, &self.key))
                        input type="hidden" name="who" value=(one.appointment);
                        input type="hidden" name="priority" value=(priority_code(self.priority));
                        (Button::submit(&one.text()))
                    }
                }
                (Button::plain_link("返回", &back))
            }
        };
        page(context, &Page::new("报到"), body)
    }
}
