//! What the pages of this function show: each view is the page and the JSON alike.

mod bills;
mod order;
mod registration;

pub use bills::{BillsView, ChooserView, PaidRow};
pub use order::OrderView;
pub use registration::PayView;

use maud::Markup;
use serde::Serialize;
use web::components::{Page, Tone, notice, page};
use web::pay::{PaymentCheck, PaymentState, Prepay, SheetRequest};
use web::view::{PageContext, View};

/// The answer to a prepay request. Asked for by the script; as a page it only says what to do.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct PrepayView(Prepay);

impl PrepayView {
    /// Open the payment sheet with this.
    pub fn open(request: SheetRequest) -> Self {
        Self(Prepay { request: Some(request) })
    }

    /// Nothing to pay any more.
    pub fn settled() -> Self {
        Self(Prepay { request: None })
    }
}

impl View for PrepayView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        page(context, &Page::new("支付"), notice(Tone::Plain, "请返回支付页面，在微信中完成支付。"))
    }
}

/// Where a payment stands.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct CheckView(PaymentCheck);

impl CheckView {
    /// Of a held number, in words.
    pub fn of_registration(state: PaymentState) -> Self {
        let text = match state {
            PaymentState::Pending => "等待支付",
            PaymentState::Paid => "支付成功，挂号成功",
            PaymentState::Closed => "未支付，号源已释放",
            PaymentState::Refunding => "未能保留号源，费用将原路退回",
        };
        Self(PaymentCheck { state, text })
    }

    /// Of bills, in words.
    pub fn of_bills(state: PaymentState) -> Self {
        let text = match state {
            PaymentState::Pending => "等待支付",
            PaymentState::Paid => "支付成功",
            PaymentState::Closed => "未支付，可重新选择账单",
            PaymentState::Refunding => "医院未能入账，费用将原路退回",
        };
        Self(PaymentCheck { state, text })
    }
}

impl View for CheckView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        page(context, &Page::new("支付结果"), notice(Tone::Plain, self.0.text))
    }
}
