//! The forms for numbers set apart.

use super::{CHANNEL, ELDER, REFERRAL};
use crate::views::{PatientChoice, SlotChoice};
use domain::clinic::Channel;
use maud::{Markup, html};
use serde::Serialize;
use web::components::{Button, Choice, Field, FieldKind, Tile, choices, field, form_start_fields, tiles};
use web::form::Form;
use web::session::IdempotencyKey;
use web::view::PageContext;

/// The eight letters of a code, with what people write between them.
const CODE_TYPED_CHARS_MAX: u16 = 12;

/// Numbers set apart that the reader's people may take.
#[derive(Debug, Serialize)]
pub(crate) struct SetApart {
    /// For whom.
    pub(crate) channel: Channel,
    /// Half hours with such numbers.
    pub(crate) slots: Vec<SlotChoice>,
    /// Who may have one.
    pub(crate) patients: Vec<PatientChoice>,
}

impl SetApart {
    pub(crate) fn form(&self, context: &PageContext<'_>, clinic: &str, key: &IdempotencyKey, form: &Form) -> Markup {
        let tile_list: Vec<Tile<'_>> = self.slots.iter().map(SlotChoice::tile).collect();
        let people: Vec<Choice<'_>> = self.patients.iter().map(PatientChoice::choice).collect();
        let is_elder = self.channel == Channel::Elder;
        let code = Field {
            name: REFERRAL,
            label: "转诊码",
            kind: FieldKind::Document,
            hint: Some("由医生或分诊台开具，8 位"),
            max_chars: CODE_TYPED_CHARS_MAX,
        };
        html! {
            details.fold open[!is_elder && !form.value(REFERRAL).is_empty()] {
                summary { @if is_elder { "长者号" } @else { "有转诊码" } }
                form method="post" action="/appointments" {
                    (form_start_fields(context, key))
                    input type="hidden" name="clinic" value=(clinic);
                    @if is_elder { input type="hidden" name=(CHANNEL) value=(ELDER); } @else { div.cells { (field(form, &code)) } }
                    (tiles(form, "slot", &tile_list))
                    (choices(form, "patient", "就诊人", &people))
                    div.acts { (Button::submit(if is_elder { "挂长者号" } else { "用转诊码挂号" })) }
                }
            }
        }
    }
}
