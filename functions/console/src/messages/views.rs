//! Messages and calls as staff see them: no clear name, no openid, a phone only for who makes the call.

use domain::appointment::AppointmentKey;
use domain::notice::{About, Recipient};
use domain::person::Phone;
use domain::{Timestamp, time};
use maud::{Markup, html};
use serde::Serialize;
use store::calls::{CallOutcome, CallToMake};
use store::notices::{NoticeRecord, Outcome};
use web::components::{Cell, Page, Tone, key_values, list, notice, page, title};
use web::view::{PageContext, View};

fn clock(at: Timestamp) -> String {
    time::wall_clock(at).strftime("%Y-%m-%d %H:%M").to_string()
}

/// What was told about a visit.
#[derive(Debug, Serialize)]
pub struct MessagesView {
    appointment: String,
    messages: Vec<MessageView>,
}

#[derive(Debug, Serialize)]
struct MessageView {
    kind: &'static str,
    text: &'static str,
    /// `wechat` or `sms`.
    by: &'static str,
    is_copy: bool,
    state: &'static str,
    state_text: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    tries: u32,
    at: String,
}

impl MessagesView {
    /// From the ledger, oldest first.
    pub fn of(key: &AppointmentKey, records: &[NoticeRecord]) -> Self {
        Self { appointment: key.to_string(), messages: records.iter().map(MessageView::of).collect() }
    }
}

impl MessageView {
    fn of(record: &NoticeRecord) -> Self {
        let (state, state_text, why) = match &record.outcome {
            Outcome::Sending { .. } => ("sending", "正在发送", None),
            Outcome::Waiting { .. } => ("waiting", "等待发送", None),
            Outcome::Sent { .. } => ("sent", "已发出", None),
            Outcome::Delivered => ("delivered", "已送达", None),
            Outcome::Failed { why } => ("failed", "未送达", Some(why.clone())),
            Outcome::Dropped { why } => ("dropped", "未发送", Some(why.clone())),
        };
        Self {
            kind: record.letter.kind.code(),
            text: record.letter.kind.text(),
            by: if record.letter.to == Recipient::Phone { "sms" } else { "wechat" },
            is_copy: record.letter.is_copy,
            state,
            state_text,
            why,
            tries: record.tries,
            at: clock(record.at),
        }
    }
}

impl View for MessagesView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let texts: Vec<_> = self
            .messages
            .iter()
            .map(|one| {
                let by = if one.by == "sms" { "短信" } else { "微信" };
                let why = one.why.as_deref().map(|why| format!("（{why}）")).unwrap_or_default();
                (format!("{} {by}", one.text), format!("{} {}{why}", one.at, one.state_text))
            })
            .collect();
        let cells: Vec<_> =
            texts.iter().map(|(text, below)| Cell { text, below: Some(below), side: None, href: None }).collect();
        page(context, &Page::new("消息记录"), html! { (title("消息记录")) (list(&cells)) })
    }
}

/// Whom to ring up, the most urgent first.
#[derive(Debug, Serialize)]
pub struct CallsView {
    calls: Vec<CallView>,
}

impl CallsView {
    /// From the list and what each call is about.
    pub fn of(calls: &[CallToMake], abouts: &[Option<About>], now: Timestamp) -> Self {
        let both = calls.iter().zip(abouts);
        Self { calls: both.map(|(call, about)| CallView::of(call, about.as_ref(), now)).collect() }
    }
}

impl View for CallsView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let texts: Vec<_> = self
            .calls
            .iter()
            .map(|call| {
                let below = format!("{} 前告知 · 已拨 {} 次", call.due_by, call.tries);
                (format!("{} {}", call.patient_name_masked, call.text), below, format!("/staff/calls/{}", call.call))
            })
            .collect();
        let cells: Vec<_> = texts
            .iter()
            .map(|(text, below, href)| Cell { text, below: Some(below), side: None, href: Some(href) })
            .collect();
        let body = html! {
            (title("电话通知"))
            @if cells.is_empty() { (notice(Tone::Good, "没有需要电话通知的患者。")) } @else { (list(&cells)) }
        };
        page(context, &Page::new("电话通知"), body)
    }
}

/// Somebody to ring up.
#[derive(Debug, Serialize)]
pub struct CallView {
    call: String,
    kind: &'static str,
    text: &'static str,
    /// The visit it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    appointment: Option<String>,
    patient_name_masked: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    department: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    visit_time: Option<String>,
    /// Why no message arrived.
    why: String,
    since: String,
    due_by: String,
    is_late: bool,
    tries: usize,
    reached: bool,
    /// Only in the answer for one call.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
}

impl CallView {
    /// From a call and what it is about.
    pub fn of(call: &CallToMake, about: Option<&About>, now: Timestamp) -> Self {
        let visit = match about {
            Some(About::Appointment(visit)) => Some(visit),
            _ => None,
        };
        let name = match about {
            Some(About::Appointment(visit)) => visit.patient_name_masked.clone(),
            Some(About::Order(order)) => order.patient_name_masked.clone(),
            Some(About::Waiting(waiting)) => waiting.patient_name_masked.clone(),
            Some(About::Credit(news)) => news.0.owner.patient_name_masked.clone(),
            Some(About::Person(news)) => news.name_masked.clone(),
            Some(About::Report(news)) => news.name_masked.clone(),
            None => String::new(),
        };
        Self {
            call: call.id(),
            kind: call.kind.code(),
            text: call.kind.text(),
            appointment: visit.map(|visit| visit.key().to_string()),
            patient_name_masked: name,
            department: visit.map(|visit| visit.place.department_name.clone()),
            visit_time: visit.map(|visit| format!("{} {}", visit.place.date, visit.place.start.band_text())),
            why: call.why.clone(),
            since: clock(call.since),
            due_by: clock(call.due_by),
            is_late: call.due_by <= now,
            tries: call.made.len(),
            reached: call.made.iter().any(|made| made.outcome == CallOutcome::Reached),
            phone: None,
        }
    }

    /// With the number to ring.
    #[must_use]
    pub fn with_phone(mut self, phone: Option<&Phone>) -> Self {
        self.phone = phone.map(|phone| phone.expose().to_owned());
        self
    }
}

impl View for CallView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let or_nothing = |text: &Option<String>| html! { (text.as_deref().unwrap_or("—")) };
        let facts = [
            ("患者", html! { (self.patient_name_masked) }),
            ("电话", or_nothing(&self.phone)),
            ("告知", html! { (self.text) }),
            ("科室", or_nothing(&self.department)),
            ("就诊时间", or_nothing(&self.visit_time)),
            ("截止", html! { (self.due_by) @if self.is_late { "（已过）" } }),
            ("已拨", html! { (self.tries) " 次" @if self.reached { "，已告知" } }),
        ];
        page(context, &Page::new("电话通知"), html! { (title("电话通知")) (key_values(&facts)) })
    }
}

/// Whether anybody is still told anything about a patient.
#[derive(Debug, Serialize)]
pub struct SilenceView {
    /// Whom.
    pub patient: String,
    /// Whether nobody is.
    pub silenced: bool,
}

impl View for SilenceView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let text = if self.silenced { "不再发送任何消息。" } else { "恢复发送消息。" };
        page(context, &Page::new("消息"), html! { (notice(Tone::Plain, text)) })
    }
}
