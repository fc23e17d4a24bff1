//! What the chat says: decided from the message, the profile and what the account has. No I/O.

use domain::appointment::{Appointment, State};
use domain::id::{ClinicId, DepartmentId};
use domain::profile::{HospitalProfile, MenuAction, MenuItem, Reply};
use domain::queue::CheckInPoint;
use domain::{Timestamp, time};
use wechat::message::{Event, Kind, Message};
use wechat::scene::SceneKey;

/// Links below a welcome at most.
const WELCOME_LINKS_MAX: usize = 4;
/// The page of the account's own appointments. An answer that leads there tells the next ones at once.
const OWN_NUMBERS: &str = "/appointments";
/// Words that ask for the own appointments in every hospital, when the profile says nothing of them.
const OWN_NUMBERS_WORDS: [&str; 6] = ["我的号", "取消", "退号", "排队", "候诊", "叫号"];
/// What the scene of a desk's code begins with; the desk follows.
const CHECK_IN_SCENE: &str = "checkin:";
/// Where the code on a desk's screen is typed.
pub(crate) const CHECK_IN_PAGE: &str = "/visits/checkin";
const NO_PRINTED_CODE: &str = "本院使用候诊大屏上的签到码签到，请扫描大屏上的二维码或输入 6 位签到码。";
const TEXT_ONLY: &str = "这里是自动回复，目前只能看懂文字。";
const NO_NUMBERS: &str = "您目前没有待就诊的号。";

/// A page of ours offered below a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What is tapped.
    pub label: String,
    /// Path below the public URL.
    pub path: String,
}

impl Link {
    fn new(label: impl Into<String>, path: impl Into<String>) -> Self {
        Self { label: label.into(), path: path.into() }
    }

    /// As the chat shows a link.
    fn text(&self, public_url: &str) -> String {
        format!("<a href=\"{public_url}{}\">{}</a>", self.path, self.label)
    }
}

/// An answer before it is put into words for one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The text, with `{name}` and `{phone}` standing for the hospital's.
    pub text: String,
    /// Pages offered below it.
    pub links: Vec<Link>,
    /// Whether the account's next appointments are told too.
    pub with_numbers: bool,
    /// Where the sender stands and wants to be checked in.
    pub check_in: Option<CheckInPoint>,
}

/// One of the sender's next appointments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// The appointment.
    pub appointment: Appointment,
    /// Where it stands in its queue, in words; only on its day.
    pub standing: Option<String>,
}

impl Answer {
    fn new(text: impl Into<String>, links: Vec<Link>) -> Self {
        let with_numbers = links.iter().any(|link| link.path == OWN_NUMBERS);
        Self { text: text.into(), links, with_numbers, check_in: None }
    }

    /// An answer that leads to the own appointments without telling them.
    fn plain(text: impl Into<String>, links: Vec<Link>) -> Self {
        Self { text: text.into(), links, with_numbers: false, check_in: None }
    }

    /// The whole text of the message. `numbers`: the account's next appointments, if they are known.
    pub fn text(
        &self,
        profile: &HospitalProfile,
        public_url: &str,
        numbers: Option<&[Number]>,
        now: Timestamp,
    ) -> String {
        let text = self.text.replace("{name}", &profile.name).replace("{phone}", &profile.phone);
        let numbers = match numbers {
            None => Vec::new(),
            Some([]) => vec![NO_NUMBERS.to_owned()],
            Some(numbers) => numbers.iter().map(|number| number_text(number, public_url, now)).collect(),
        };
        let links = self.links.iter().map(|link| link.text(public_url));
        std::iter::once(text).chain(numbers).chain(links).collect::<Vec<_>>().join("\n")
    }
}

/// One appointment in a line: when and where, linked to its page, and for whom.
fn number_text(number: &Number, public_url: &str, now: Timestamp) -> String {
    let Number { appointment, standing } = number;
    let place = &appointment.place;
    let label = label_of(appointment, now);
    let page =
        if standing.is_some() { visit_page(appointment) } else { format!("{OWN_NUMBERS}/{}", appointment.key()) };
    let link = Link::new(label, page).text(public_url);
    let unpaid = match appointment.state {
        State::Held { .. } => "（待支付）",
        State::Confirming { .. } => "（医院确认中）",
        _ => "",
    };
    let standing = standing.as_deref().map(|text| format!("\n{text}")).unwrap_or_default();
    format!("{link} {}{unpaid} {}{standing}", appointment.patient_name_masked, place.room)
}

/// When and where, in a line.
pub(crate) fn label_of(appointment: &Appointment, now: Timestamp) -> String {
    let place = &appointment.place;
    let day = time::day_text(place.date, time::today(now));
    format!("{day} {} {} {} {}号", place.start.band_text(), place.department_name, place.who, place.number)
}

/// The page of a visit on its day.
pub(crate) fn visit_page(appointment: &Appointment) -> String {
    format!("/visits/{}", appointment.key())
}

/// The answer when there is no profile: a way to the pages.
pub fn without_profile(public_url: &str) -> String {
    format!("暂时不能回答您，请点下面的链接继续。\n{}", Link::new("门诊首页", "/").text(public_url))
}

/// What to answer; nothing when the kind is unknown or is not one that gets an answer.
pub fn decide(kind: &Kind, profile: &HospitalProfile, scenes: &SceneKey) -> Option<Answer> {
    match kind {
        Kind::Message(message) => to_message(message, profile),
        Kind::Event(event) => to_event(event, profile, scenes),
    }
}

fn to_message(message: &Message, profile: &HospitalProfile) -> Option<Answer> {
    match message {
        Message::Text { content, .. } | Message::Voice { recognition: Some(content), .. } => {
            Some(to_words(content.trim(), profile))
        }
        Message::Voice { recognition: None, .. }
        | Message::Image { .. }
        | Message::Video { .. }
        | Message::ShortVideo { .. }
        | Message::Location(_)
        | Message::Link { .. } => Some(Answer::plain(format!("{TEXT_ONLY}\n{}", profile.fallback), Vec::new())),
        Message::Unknown { .. } => None,
    }
}

fn to_event(event: &Event, profile: &HospitalProfile, scenes: &SceneKey) -> Option<Answer> {
    match event {
        Event::Subscribe { scene, .. } => Some(scanned(scene.as_deref(), profile, scenes)),
        Event::Scan { scene, .. } => Some(scanned(Some(scene), profile, scenes)),
        Event::Click { key } => Some(to_key(key, profile)),
        Event::ScanCodeWait(scanned) => Some(to_key(&scanned.key, profile)),
        _ => None,
    }
}

/// First match wins, so the hospital's order counts: emergencies come before everything.
fn to_words(content: &str, profile: &HospitalProfile) -> Answer {
    let matches = |reply: &&Reply| reply.words.iter().any(|word| !word.is_empty() && content.contains(word.as_str()));
    match profile.replies.iter().find(matches) {
        Some(reply) => of_reply(reply),
        None if OWN_NUMBERS_WORDS.iter().any(|word| content.contains(word)) => {
            Answer::new("您的挂号在这里查看和取消。", vec![Link::new("查看我的挂号", OWN_NUMBERS)])
        }
        None => fallback(profile),
    }
}

fn to_key(key: &str, profile: &HospitalProfile) -> Answer {
    let answers = |reply: &&Reply| reply.keys.iter().any(|known| known == key);
    profile.replies.iter().find(answers).map_or_else(|| fallback(profile), of_reply)
}

fn of_reply(reply: &Reply) -> Answer {
    let link = reply.link.as_ref().map(|(label, path)| Link::new(label, path));
    Answer::new(&reply.text, link.into_iter().collect())
}

fn fallback(profile: &HospitalProfile) -> Answer {
    Answer::plain(&profile.fallback, Vec::new())
}

/// A code that was scanned: the one of a desk checks in, any other leads to its page below the welcome.
fn scanned(scene: Option<&str>, profile: &HospitalProfile, scenes: &SceneKey) -> Answer {
    let payload = scene.and_then(|scene| scenes.verify(scene).ok());
    let point = payload.and_then(|payload| payload.strip_prefix(CHECK_IN_SCENE)).and_then(|point| point.parse().ok());
    match point {
        Some(point) if profile.queue.printed_code => {
            Answer { check_in: Some(point), ..Answer::plain(String::new(), Vec::new()) }
        }
        Some(_) => Answer::plain(NO_PRINTED_CODE, vec![Link::new("输入签到码", CHECK_IN_PAGE)]),
        None => welcome(scene, profile, scenes),
    }
}

/// The welcome, with the page of the scanned code first. A scene that is not ours means nothing.
fn welcome(scene: Option<&str>, profile: &HospitalProfile, scenes: &SceneKey) -> Answer {
    let scanned = scene.and_then(|scene| scenes.verify(scene).ok()).and_then(scene_link);
    let mut links: Vec<Link> = scanned.into_iter().collect();
    for link in profile.menu.iter().flat_map(menu_links) {
        if links.len() < WELCOME_LINKS_MAX && !links.iter().any(|listed| listed.path == link.path) {
            links.push(link);
        }
    }
    Answer::plain(&profile.welcome, links)
}

/// What a signed scene leads to: `clinic:<id>`, `dept:<code>` or `desk`.
fn scene_link(payload: &str) -> Option<Link> {
    match payload.split_once(':') {
        Some(("clinic", id)) => {
            let id: ClinicId = id.parse().ok()?;
            Some(Link::new("挂您扫码的门诊", format!("/clinics/{id}")))
        }
        Some(("dept", code)) => {
            let code: DepartmentId = code.parse().ok()?;
            Some(Link::new("挂您扫码的科室", format!("/booking/{code}")))
        }
        None if payload == "desk" => Some(Link::new("查看我的挂号", OWN_NUMBERS)),
        _ => None,
    }
}

fn menu_links(item: &MenuItem) -> Vec<Link> {
    match &item.action {
        MenuAction::Page { path } => vec![Link::new(&item.name, path)],
        MenuAction::Ask { .. } => Vec::new(),
        MenuAction::List { items } => items.iter().flat_map(menu_links).collect(),
    }
}

#[cfg(test)]
mod tests;
