//! Asking who somebody is before results are read, and whether the person agrees.

use crate::access::{CONSENT, PATIENT, TAIL};
use domain::person::TAIL_CHARS;
use maud::{Markup, html};
use serde::Serialize;
use web::components::{
    Button, Field, FieldKind, Page, Tab, Tone, csrf_field, field, heading, notice, page, prose, tick,
};
use web::form::Form;
use web::problem::Problem;
use web::session::RETURN_TO_PARAM;
use web::view::{PageContext, View};

/// What is agreed to when family may see results.
const CONSENT_TEXT: &str = "本人已知情并同意我查看其检验检查报告";

/// Who somebody is, asked again.
#[derive(Debug, Serialize)]
pub(crate) struct ProofView {
    /// Whose results are to be read, masked.
    name: String,
    #[serde(skip)]
    patient: String,
    #[serde(skip)]
    return_to: String,
    #[serde(skip)]
    form: Form,
    #[serde(skip)]
    refused: Option<Problem>,
}

impl ProofView {
    /// The empty form, or the one that was sent.
    pub(crate) fn of(name: &str, patient: &str, return_to: &str, form: Form) -> Self {
        let (name, patient, return_to) = (name.to_owned(), patient.to_owned(), return_to.to_owned());
        Self { name, patient, return_to, form, refused: None }
    }

    /// With what went wrong.
    #[must_use]
    pub(crate) fn refused(self, problem: Problem) -> Self {
        Self { refused: Some(problem), ..self }
    }
}

impl View for ProofView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let label = format!("{} 的证件号码后 {TAIL_CHARS} 位", self.name);
        let tail = Field {
            name: TAIL,
            label: &label,
            kind: FieldKind::Document,
            hint: Some("登记时使用的证件；末位是 X 的请输入 X"),
            max_chars: 12,
        };
        let action = format!(
            "/reports/proof?{RETURN_TO_PARAM}={}",
            percent_encoding::utf8_percent_encode(&self.return_to, percent_encoding::NON_ALPHANUMERIC)
        );
        let body = html! {
            (heading("请再确认一次身份", Some("报告涉及个人隐私。停止查看 15 分钟后，需要重新确认")))
            @if let Some(problem) = &self.refused { (notice(Tone::Bad, &problem.text)) }
            form method="post" action=(action) {
                @if let Some(token) = context.csrf { (csrf_field(token)) }
                input type="hidden" name=(PATIENT) value=(self.patient);
                div.cells { (field(&self.form, &tail)) }
                div.acts { (Button::submit("确认并查看")) }
            }
        };
        page(context, &Page::new("确认身份").tab(Tab::Appointments), body)
    }
}

/// Whether somebody of age lets family see their results.
#[derive(Debug, Serialize)]
pub(crate) struct ConsentView {
    name: String,
    /// Whether the reader may say so, because the person has no account of their own here.
    can_consent: bool,
    #[serde(skip)]
    patient: String,
    #[serde(skip)]
    form: Form,
}

impl ConsentView {
    /// Asks, or says who has to be asked.
    pub(crate) fn of(name: &str, patient: &str, can_consent: bool, form: Form) -> Self {
        Self { name: name.to_owned(), can_consent, patient: patient.to_owned(), form }
    }

    fn asks(&self, context: &PageContext<'_>) -> Markup {
        html! {
            form method="post" action="/reports/consent" {
                @if let Some(token) = context.csrf { (csrf_field(token)) }
                input type="hidden" name=(PATIENT) value=(self.patient);
                (tick(&self.form, CONSENT, &html! { (CONSENT_TEXT) }))
                div.acts { (Button::submit("确认")) }
            }
        }
    }
}

impl View for ConsentView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let below = format!("查看 {} 的报告", self.name);
        let body = html! {
            (heading("需要本人同意", Some(&below)))
            (prose(&[
                "检验检查报告属于敏感个人信息，只在本人同意后才向家人开放。",
                "同意后，您可以查看常规检验、检查报告；须由医生当面告知的结果不向家人显示。",
                "本人可随时收回同意，收回后立即不能再查看。",
            ]))
            @if self.can_consent { (self.asks(context)) }
            @else {
                (notice(Tone::Wait, "请本人在自己的微信中打开“就诊人”，在“绑定的微信”里允许您查看报告。"))
            }
        };
        page(context, &Page::new("报告").tab(Tab::Appointments), body)
    }
}
