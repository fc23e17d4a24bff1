//! What the pages of this function show: each view is the page and the JSON alike.

use crate::cards::{CARD_NO, CODE};
use maud::{Markup, html};
use serde::Serialize;
use store::account::Link;
use store::cards::{CardClaim, Errand, HeldCard, Stage};
use store::patients::Patient;
use web::components::{
    Button, Field, FieldKind, Look, Page, Tab, Tone, csrf_field, field, heading, key_values, notice, page, prose, qr,
};
use web::form::Form;
use web::problem::Problem;
use web::view::{PageContext, View};
use web::{StatusCode, identity};

const CARD_CHARS_MAX: u16 = 64;
const CODE_CHARS_MAX: u16 = 6;
/// Characters of a card number read out in one breath.
const GROUP_CHARS: usize = 4;

/// The visit card of a person, or the ways to one.
#[derive(Debug, Serialize)]
pub struct CardView {
    patient: String,
    name: String,
    relation: &'static str,
    /// The number, once there is one.
    card: Option<String>,
    /// All numbers, where there are several.
    cards: Vec<String>,
    /// Whether the hospital's own system has yet to issue it.
    pending: bool,
    /// The phone a code was sent to, masked, while it is awaited.
    code_sent_to: Option<String>,
    /// Whether the window has to look at the document first.
    needs_window: bool,
    #[serde(skip)]
    form: Form,
    #[serde(skip)]
    problem: Option<Problem>,
}

impl CardView {
    /// From the person and the reader's link, with what was typed before.
    pub fn of(link: &Link, patient: &Patient, form: Form) -> Self {
        Self {
            patient: patient.id.to_string(),
            name: link.name_masked.clone(),
            relation: link.relation.text(),
            card: patient.card.as_ref().map(ToString::to_string),
            cards: Vec::new(),
            pending: false,
            code_sent_to: None,
            needs_window: patient.needs_window,
            form,
            problem: None,
        }
    }

    /// With all cards, how far the hospital's own system is with one, and the code that is awaited.
    #[must_use]
    pub fn with(mut self, cards: &[HeldCard], errand: Option<&Errand>, claim: Option<&CardClaim>) -> Self {
        self.cards = cards.iter().map(|card| card.no.to_string()).collect();
        self.pending = self.card.is_none() && errand.is_some_and(|errand| errand.stage == Stage::Wanted);
        self.needs_window |= errand.is_some_and(|errand| errand.stage == Stage::NeedsWindow);
        self.code_sent_to = claim.map(|claim| claim.phone_masked.clone());
        self
    }

    /// With why it was refused.
    #[must_use]
    pub fn refused(mut self, problem: Problem) -> Self {
        self.problem = Some(problem);
        self
    }

    fn shown(&self, no: &str) -> Markup {
        let caption = grouped(no);
        html! {
            // Without a code the number still serves at the desk.
            @match qr(no, &caption) { Ok(code) => (code), Err(_) => (heading(&caption, None)) }
            (key_values(&[("就诊人", html! { (self.name) }), ("关系", html! { (self.relation) })]))
            (notice(Tone::Plain, "到院后在窗口、诊室或自助机出示此码，也可报出卡号。"))
        }
    }

    /// The other cards, to be used instead.
    fn others(&self, context: &PageContext<'_>) -> Markup {
        let path = format!("/patients/{}/card/main", self.patient);
        let others = || self.cards.iter().filter(|no| self.card.as_ref() != Some(*no));
        html! {
            @if others().next().is_some() {
                (heading("其他就诊卡", None))
                @for no in others() {
                    form.acts method="post" action=(path) {
                        @if let Some(token) = context.csrf { (csrf_field(token)) }
                        input type="hidden" name=(CARD_NO) value=(no);
                        (Button::submit(&format!("改用 {}", grouped(no))))
                    }
                }
            }
        }
    }

    fn code_form(&self, context: &PageContext<'_>, phone: &str) -> Markup {
        let action = format!("/patients/{}/card/code", self.patient);
        let code = Field {
            name: CODE,
            label: "短信验证码",
            kind: FieldKind::Digits,
            hint: Some("6 位数字，5 分钟内有效"),
            max_chars: CODE_CHARS_MAX,
        };
        html! {
            (notice(Tone::Wait, &format!("验证码已发送至医院登记的手机号 {phone}。收不到或号码已停用，请携带证件到窗口办理。")))
            form method="post" action=(action) {
                @if let Some(token) = context.csrf { (csrf_field(token)) }
                (field(&self.form, &code))
                div.acts { (Button::submit("确认")) }
            }
        }
    }

    fn ways(&self, context: &PageContext<'_>) -> Markup {
        let create = format!("/patients/{}/card", self.patient);
        let typing = self.problem.is_some() || !self.form.is_valid();
        html! {
            @if self.needs_window {
                (notice(Tone::Wait, "该就诊人的证件需先由窗口核验，暂不能在线领取电子就诊卡。\
                    请携带证件原件到挂号窗口办理，儿童请由监护人同行。"))
            } @else if self.pending {
                (notice(Tone::Wait, "电子就诊卡正在办理，通常几分钟内完成，请稍后刷新本页。"))
            } @else if self.code_sent_to.is_some() {
                div.acts { (Button::post(context, "重新获取验证码", &create, Look::Plain)) }
            } @else {
                (prose(&["没有实体就诊卡？在线领取电子就诊卡，免费，立即可用。"]))
                div.acts { (Button::post(context, "领取电子就诊卡", &create, Look::Primary)) }
            }
            details.cells open[typing] {
                summary.cell { span.main { "已有实体就诊卡，绑定" } span.side aria-hidden="true" { "▾" } }
                (self.bind_form(context))
            }
        }
    }

    fn bind_form(&self, context: &PageContext<'_>) -> Markup {
        let action = format!("/patients/{}/card/bind", self.patient);
        let card = Field {
            name: CARD_NO,
            label: "就诊卡号",
            kind: FieldKind::Document,
            hint: Some("印在卡面上"),
            max_chars: CARD_CHARS_MAX,
        };
        html! {
            form method="post" action=(action) {
                @if let Some(token) = context.csrf { (csrf_field(token)) }
                (field(&self.form, &card))
                (identity::fields(&self.form))
                div.acts { (Button::submit("绑定")) }
            }
        }
    }
}

/// `V201 8003 1`: easier to read out at a window.
fn grouped(no: &str) -> String {
    let letters: Vec<char> = no.chars().collect();
    letters.chunks(GROUP_CHARS).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

impl View for CardView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let body = html! {
            (heading("就诊卡", Some(&self.name)))
            @if let Some(problem) = &self.problem { (notice(Tone::Bad, &problem.text)) }
            @if let Some(phone) = &self.code_sent_to { (self.code_form(context, phone)) }
            @match &self.card { Some(no) => { (self.shown(no)) (self.others(context)) }, None => (self.ways(context)) }
            div.acts { (Button::plain_link("返回就诊人", "/patients")) }
        };
        page(context, &Page::new("就诊卡").tab(Tab::Patients), body)
    }

    fn status(&self) -> StatusCode {
        self.problem.as_ref().map_or(StatusCode::OK, |problem| problem.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_shown_in_groups() {
        assert_eq!(grouped("V20180031"), "V201 8003 1");
        assert_eq!(grouped(""), "");
    }
}
