//! The waiting-room screen: big, dark, masked, and spoken.

use crate::Action;
use domain::civil::Date;
use domain::queue::line::line;
use domain::queue::{Entry, Queue, QueuePolicy, Room, Stage};
use domain::time;
use maud::{Markup, html};
use runtime::http::Call;
use serde::Serialize;
use web::components::{Button, Page, Script, Tone, heading, key_values, notice, page, qr};
use web::negotiate::Cache;
use web::view::{PageContext, View};

/// People announced as next, per queue.
const NEXT_SHOWN: usize = 3;

/// Somebody called or next: what may stand on a wall.
#[derive(Debug, Serialize)]
struct Called {
    number: u16,
    /// Masked.
    name: String,
    badge: Option<&'static str>,
}

impl Called {
    fn of(entry: &Entry) -> Self {
        Self { number: entry.number, name: entry.name_masked.clone(), badge: entry.priority.badge() }
    }

    fn html(&self) -> Markup {
        html! {
            b { (self.number) " 号" } " " span { (self.name) }
            @if let Some(badge) = self.badge { " " i { (badge) } }
        }
    }
}

#[derive(Debug, Serialize)]
struct RoomView {
    name: String,
    doctor: String,
    paused: Option<String>,
    /// Who is called to it; none while somebody is in it.
    called: Option<Called>,
    in_room: Option<Called>,
}

impl RoomView {
    fn of(room: &Room, queue: &Queue) -> Self {
        let current = queue.in_room(&room.name);
        let (called, in_room) = match current.map(|entry| (&entry.stage, Called::of(entry))) {
            Some((Stage::Called { .. }, person)) => (Some(person), None),
            Some((_, person)) => (None, Some(person)),
            None => (None, None),
        };
        Self { name: room.name.clone(), doctor: room.doctor.clone(), paused: room.paused.clone(), called, in_room }
    }
}

/// What is said aloud: once, when `ver` has grown.
#[derive(Debug, Serialize)]
struct Spoken {
    ver: u64,
    text: String,
}

/// One queue on the screen.
#[derive(Debug, Serialize)]
struct Section {
    queue: String,
    name: String,
    ver: u64,
    rooms: Vec<RoomView>,
    next: Vec<Called>,
    waiting: usize,
    call: Option<Spoken>,
}

impl Section {
    fn of(name: &str, queue: &Queue, policy: &QueuePolicy) -> Self {
        let waiting = line(queue, policy);
        Self {
            queue: queue.id.to_string(),
            name: name.to_owned(),
            ver: queue.ver,
            rooms: queue.rooms.iter().map(|room| RoomView::of(room, queue)).collect(),
            next: waiting.iter().take(NEXT_SHOWN).map(|entry| Called::of(entry)).collect(),
            waiting: waiting.len(),
            call: spoken(queue),
        }
    }
}

/// The last call in words, while the person is still being called. A masked name cannot be read aloud: the number is.
fn spoken(queue: &Queue) -> Option<Spoken> {
    let last = queue.last_call.as_ref()?;
    let entry = queue.entry(&last.appointment)?;
    let Stage::Called { room, .. } = &entry.stage else { return None };
    let family = entry.name_masked.chars().next().map(|c| format!("{c}姓患者，")).unwrap_or_default();
    Some(Spoken { ver: last.ver, text: format!("请 {} 号，{family}到 {room} 就诊", entry.number) })
}

/// Checking in without the desk: scanned, or typed on the page of one's phone.
#[derive(Debug, Serialize)]
pub struct CheckInCode {
    code: String,
    /// The page with the code filled in.
    url: String,
}

impl CheckInCode {
    /// Of a desk.
    pub fn of(public_url: &str, desk: &str, code: String) -> Self {
        let url = format!("{public_url}/visits/checkin?at={desk}&code={code}");
        Self { code, url }
    }

    fn html(&self) -> Markup {
        html! {
            aside #checkin aria-label="签到" {
                @match qr(&self.url, &self.code) { Ok(code) => (code), Err(_) => b { (self.code) } }
                p { "到院请签到：微信扫码，或在“候诊”页输入签到码" }
            }
        }
    }
}

/// The waiting-room screen.
#[derive(Debug, Serialize)]
pub struct ScreenView {
    sections: Vec<Section>,
    check_in: CheckInCode,
    #[serde(skip)]
    here: String,
    #[serde(skip)]
    read_at: String,
}

impl ScreenView {
    /// From the queues with their names.
    pub fn of(queues: &[(String, Queue)], policy: &QueuePolicy, check_in: CheckInCode, call: &Call<Action>) -> Self {
        Self {
            sections: queues.iter().map(|(name, queue)| Section::of(name, queue, policy)).collect(),
            check_in,
            here: call.meta.path_and_query(),
            read_at: time::wall_clock(call.now).strftime("%H:%M:%S").to_string(),
        }
    }
}

impl View for ScreenView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let body = html! {
            div #screen.wide data-state=(self.here) {
                header {
                    h1 { (context.site.hospital_name) }
                    button #sound type="button" aria-pressed="false" { "开启语音" }
                    p #age role="status" { (self.read_at) }
                }
                p #stale.alarm role="alert" hidden { "信号中断，显示的可能不是最新叫号，请留意工作人员" }
                div #live {
                    @if self.sections.is_empty() { p.empty { "暂无叫号" } }
                    @for section in &self.sections {
                        section data-queue=(section.queue) data-call=[section.call.as_ref().map(|call| call.ver)]
                            data-say=[section.call.as_ref().map(|call| &call.text)] {
                            h2 { (section.name) small { "候诊 " (section.waiting) " 人" } }
                            @for room in &section.rooms { (room_html(room)) }
                            p.next {
                                span { "准备 " }
                                @for person in &section.next { em { (person.html()) } }
                                @if section.next.is_empty() { em { "—" } }
                            }
                        }
                    }
                    (self.check_in.html())
                }
            }
        };
        page(context, &Page::new("候诊大屏").scripts(&[Script::Screen]), body)
    }

    fn cache(&self) -> Cache {
        Cache::Watched
    }
}

fn room_html(room: &RoomView) -> Markup {
    html! {
        div.call.fresh[room.called.is_some()] {
            p.who {
                @if let Some(person) = &room.called { "请 " (person.html()) }
                @else if let Some(person) = &room.in_room { small { "就诊中 " } (person.html()) }
                @else if let Some(reason) = &room.paused { small { "暂停叫号 " (reason) } }
                @else { small { "请等候叫号" } }
            }
            p.where { b { (room.name) } small { (room.doctor) } }
        }
    }
}

/// The address of a screen.
#[derive(Debug, Serialize)]
pub struct LinkView {
    name: String,
    url: String,
    until: String,
    #[serde(skip)]
    path: String,
}

impl LinkView {
    /// From what is signed.
    pub fn of(name: &str, public_url: &str, screen: &str, until: Date, sign: &str) -> Self {
        let path = format!("/desk/screens/{screen}?until={until}&sign={sign}");
        Self { name: name.to_owned(), url: format!("{public_url}{path}"), until: until.to_string(), path }
    }
}

impl View for LinkView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let facts = [
            ("显示", html! { (self.name) }),
            ("有效至", html! { (self.until) }),
            ("网址", html! { code { (self.url) } }),
        ];
        let body = html! {
            (heading("候诊大屏", Some("在电视的浏览器里打开这个网址即可，不用登录")))
            (key_values(&facts))
            (notice(Tone::Plain, "只显示序号和隐去的姓名。第一次打开时请点一下“开启语音”。"))
            div.acts { (Button::primary_link("打开大屏", &self.path)) }
        };
        page(context, &Page::new("候诊大屏"), body)
    }
}
