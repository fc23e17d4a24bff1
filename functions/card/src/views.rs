//! What the pages of this function show: each view is the page and the JSON alike.

use crate::cards::CARD_NO;
use maud::{Markup, html};
use serde::Serialize;
use store::account::Link;
use store::patients::Patient;
use web::components::{
    Button, Field, FieldKind, Look, Page, Tab, Tone, csrf_field, field, heading, key_values, notice, page, prose, qr,
};
use web::form::Form;
use web::problem::Problem;
use web::view::{PageContext, View};
use web::{StatusCode, identity};

const CARD_CHARS_MAX: u16 = 64;
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
            needs_window: patient.needs_window,
            form,
            problem: None,
        }
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

    fn ways(&self, context: &PageContext<'_>) -> Markup {
        let create = format!("/patients/{}/card", self.patient);
        let typing = self.problem.is_some() || !self.form.is_valid();
        html! {
            @if self.needs_window {
                (notice(Tone::Wait, "该就诊人的证件需先由窗口核验，暂不能在线领取电子就诊卡。\
                    请携带证件原件到挂号窗口办理，儿童请由监护人同行。"))
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
            @match &self.card { Some(no) => (self.shown(no)), None => (self.ways(context)) }
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
