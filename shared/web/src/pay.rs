//! Paying inside WeChat: the panel of the page, and what its script (`assets/pay.js`) and the server say to each
//! other.
//!
//! The script posts `{}` with the CSRF header to `prepay`; it is answered with a [`Prepay`]. After the payment sheet
//! closes, whatever it reported, the script posts to `payment-check` until a [`PaymentCheck`] is no longer pending.

use std::fmt;

use maud::{Markup, html};
use serde::{Serialize, Serializer};

use crate::{components::fee_text, view::PageContext};

/// What WeChat's payment sheet is opened with: `getBrandWCPayRequest`, in its own spelling. The signature makes it a
/// permission to pay, so it prints masked.
#[derive(Clone, Serialize)]
pub struct SheetRequest {
    /// The account the payer follows.
    #[serde(rename = "appId")]
    pub app_id: String,
    /// Epoch seconds, as text.
    #[serde(rename = "timeStamp")]
    pub time_stamp: String,
    /// Random text.
    #[serde(rename = "nonceStr")]
    pub nonce_str: String,
    /// `prepay_id=…`
    pub package: String,
    /// `RSA`
    #[serde(rename = "signType")]
    pub sign_type: String,
    /// Base64.
    #[serde(rename = "paySign")]
    pub pay_sign: String,
}

impl fmt::Debug for SheetRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SheetRequest(…)")
    }
}

/// The answer to `prepay`: open the sheet, or (nothing to pay any more) ask for the outcome.
#[derive(Debug, Clone, Serialize)]
pub struct Prepay {
    /// What to open the sheet with; absent when the order is already settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<SheetRequest>,
}

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentState {
    /// Not known yet, or not paid: the script asks again, or lets the payer try again.
    Pending,
    /// Paid; what was paid for is the payer's.
    Paid,
    /// The time to pay ended without a payment.
    Closed,
    /// Paid, but what was paid for could not be had: the money goes back.
    Refunding,
}

impl Serialize for PaymentState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Pending => "pending",
            Self::Paid => "paid",
            Self::Closed => "closed",
            Self::Refunding => "refunding",
        })
    }
}

/// The answer to `payment-check`.
#[derive(Debug, Clone, Serialize)]
pub struct PaymentCheck {
    /// Where it stands.
    pub state: PaymentState,
    /// The same in words for the payer.
    pub text: &'static str,
}

/// The part of the page that pays. The page needs [`crate::components::Script::Pay`]. The button comes alive with the
/// script, so that it never does nothing.
#[derive(Debug, Clone, Copy)]
pub struct PayPanel<'a> {
    /// POST here for a [`Prepay`].
    pub prepay: &'a str,
    /// POST here for a [`PaymentCheck`].
    pub check: &'a str,
    /// The page of the outcome.
    pub done: &'a str,
    /// What is to be paid, in fen.
    pub fee_fen: i64,
}

/// Shows the panel.
pub fn pay_panel(context: &PageContext<'_>, panel: &PayPanel<'_>) -> Markup {
    let csrf = context.csrf.map_or("", |token| token.as_str());
    html! {
        section data-pay data-prepay=(panel.prepay) data-check=(panel.check) data-done=(panel.done) data-csrf=(csrf) {
            div.acts { button.btn type="button" disabled { "微信支付 " (fee_text(panel.fee_fen)) } }
            p.live role="status" aria-live="polite" {}
            noscript { p.note.wait role="alert" { "支付需要微信的脚本功能。请在微信中打开本页面，或到医院窗口缴费。" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_spelt_as_the_script_reads_them() {
        let request = SheetRequest {
            app_id: "wx0".into(),
            time_stamp: "1".into(),
            nonce_str: "n".into(),
            package: "prepay_id=p".into(),
            sign_type: "RSA".into(),
            pay_sign: "s".into(),
        };
        assert_eq!(format!("{request:?}"), "SheetRequest(…)");
        assert_eq!(
            serde_json::to_string(&Prepay { request: Some(request) }).unwrap(),
            r#"{"request":{"appId":"wx0","timeStamp":"1","nonceStr":"n","package":"prepay_id=p","signType":"RSA","paySign":"s"}}"#
        );
        assert_eq!(serde_json::to_string(&Prepay { request: None }).unwrap(), "{}");
        let check = PaymentCheck { state: PaymentState::Pending, text: "等待支付" };
        assert_eq!(serde_json::to_string(&check).unwrap(), r#"{"state":"pending","text":"等待支付"}"#);
    }
}
