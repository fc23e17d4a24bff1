//! Messages that were not taken in, as staff see them.

use domain::id::UnplacedId;
use domain::report::unplaced::Unplaced;
use domain::{Timestamp, time};
use intake::wire_code;
use maud::{Markup, html};
use results::Charset;
use serde::Serialize;
use web::components::{Button, Cell, Look, Page, Tone, csrf_field, key_values, list, notice, page, title};
use web::view::{PageContext, View};

/// The most characters of a message that are shown.
const SHOWN_CHARS_MAX: usize = 20_000;

fn clock(at: Timestamp) -> String {
    time::wall_clock(at).strftime("%Y-%m-%d %H:%M").to_string()
}

/// Messages that staff have to look at, first come first.
#[derive(Debug, Serialize)]
pub struct KeptListView {
    messages: Vec<FactsView>,
}

/// What is known of one.
#[derive(Debug, Serialize)]
struct FactsView {
    message: String,
    wire: &'static str,
    sender: String,
    why: &'static str,
    why_text: &'static str,
    /// The place in the message, never what stands there.
    place: String,
    received_at: String,
    tries: u32,
    is_open: bool,
}

impl FactsView {
    fn of(message: &Unplaced) -> Self {
        Self {
            message: message.id.to_string(),
            wire: wire_code(message.wire),
            sender: message.sender.clone(),
            why: message.obstacle.why.code(),
            why_text: message.obstacle.why.text(),
            place: message.obstacle.place.clone(),
            received_at: clock(message.received_at),
            tries: message.tries,
            is_open: message.is_open(),
        }
    }
}

impl KeptListView {
    /// From the list.
    pub fn of(messages: &[Unplaced]) -> Self {
        Self { messages: messages.iter().map(FactsView::of).collect() }
    }
}

impl View for KeptListView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let texts: Vec<_> = self
            .messages
            .iter()
            .map(|one| {
                let below = format!("{} · {} · {} · 已重试 {} 次", one.received_at, one.sender, one.wire, one.tries);
                (one.why_text, below, format!("/staff/results/{}", one.message))
            })
            .collect();
        let cells: Vec<_> = texts
            .iter()
            .map(|(text, below, href)| Cell { text, below: Some(below), side: None, href: Some(href) })
            .collect();
        let body = html! {
            (title("未入库的报告"))
            @if cells.is_empty() { (notice(Tone::Good, "没有未入库的报告。")) } @else { (list(&cells)) }
        };
        page(context, &Page::new("未入库的报告"), body)
    }
}

/// One message, with what was sent.
#[derive(Debug, Serialize)]
pub struct KeptView {
    #[serde(flatten)]
    facts: FactsView,
    /// As text, as far as its bytes are text.
    body: String,
    is_cut: bool,
}

impl KeptView {
    /// From a message and what was sent.
    pub fn of(message: &Unplaced, body: &[u8]) -> Self {
        let charset = message.charset.as_deref().and_then(Charset::named).or_else(|| Charset::detect(body));
        let text = charset.and_then(|charset| charset.decode(body).ok());
        let text = text.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned()).replace('\r', "\n");
        let shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
        Self { facts: FactsView::of(message), is_cut: shown.len() < text.len(), body: shown }
    }

    fn acts(&self, context: &PageContext<'_>) -> Markup {
        let action = format!("/staff/results/{}", self.facts.message);
        let hidden = |what: &str| {
            html! {
                @if let Some(token) = context.csrf { (csrf_field(token)) }
                input type="hidden" name="action" value=(what);
            }
        };
        html! {
            form method="post" action=(action) {
                (hidden("replay"))
                div.acts { (Button::submit("原因已处理，重新入库")) }
            }
            form method="post" action=(action) {
                (hidden("replay"))
                div.field {
                    label for="card" { "经核对，归入就诊卡" }
                    input #card name="card" required maxlength="64" autocomplete="off";
                }
                div.acts { (Button::submit("归入该患者").look(Look::Plain)) }
            }
            form method="post" action=(action) {
                (hidden("dismiss"))
                div.acts { (Button::submit("作废，不入库").look(Look::Warn)) }
            }
        }
    }
}

impl View for KeptView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let facts = &self.facts;
        let rows = [
            ("原因", html! { (facts.why_text) }),
            ("位置", html! { (facts.place) }),
            ("来源", html! { (facts.sender) " " (facts.wire) }),
            ("收到", html! { (facts.received_at) }),
            ("已重试", html! { (facts.tries) " 次" }),
        ];
        let body = html! {
            (title("未入库的报告"))
            (key_values(&rows))
            @if facts.is_open { (self.acts(context)) } @else { (notice(Tone::Good, "已处理。")) }
            (title("报文"))
            pre { (self.body) @if self.is_cut { "…" } }
        };
        page(context, &Page::new("未入库的报告"), body)
    }
}

/// What became of a message.
#[derive(Debug, Serialize)]
pub struct OutcomeView {
    message: String,
    is_open: bool,
    /// Reports that are filed now.
    filed: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
}

impl OutcomeView {
    /// It is taken in.
    pub fn placed(message: &UnplacedId, filed: usize) -> Self {
        Self { message: message.to_string(), is_open: false, filed, why: None }
    }

    /// Something stands against it still.
    pub fn kept(message: &Unplaced) -> Self {
        let why = Some(message.obstacle.why.code());
        Self { message: message.id.to_string(), is_open: true, filed: 0, why }
    }

    /// It is laid aside, or was brought to its end before.
    pub fn over(message: &UnplacedId) -> Self {
        Self { message: message.to_string(), is_open: false, filed: 0, why: None }
    }
}

impl View for OutcomeView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let text = if self.is_open { "仍不能入库。" } else { "已处理。" };
        page(context, &Page::new("未入库的报告"), html! { (notice(Tone::Plain, text)) })
    }
}
