//! An order: to be paid, on its way into the hospital's books, its receipt, and what goes back.

use crate::refunds::LINE;
use domain::id::BillNo;
use domain::order::refund::HisTold;
use domain::order::{Cause, Order, OrderState, Place, Posting, Receipt, Refund, RefundState, Subject};
use domain::{Timestamp, time};
use maud::{Markup, html};
use serde::Serialize;
use std::collections::BTreeMap;
use web::components::{
    Button, Cell, Look, Page, Script, State as PageState, Tab, Tick, Tone, countdown, form_start_fields, heading,
    key_values, list, notice, page, state, sum, ticks, title, yuan,
};
use web::pay::{PayPanel, pay_panel};
use web::session::IdempotencyKey;
use web::view::{PageContext, View};

use super::bills::is_open;

/// The page of a payment that the hospital has not booked yet looks again after this long.
const LOOK_AGAIN_S: u32 = 8;

/// How far an order is, as its payer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Can be paid.
    AwaitingPay,
    /// Came to nothing.
    Closed,
    /// Paid; the hospital has not booked it yet.
    Posting,
    /// Paid and booked.
    Posted,
    /// The hospital did not take it: everything goes back.
    Refused,
    /// The hospital did not answer in time: everything goes back.
    Silent,
    /// Given back as a whole for another reason.
    GivenBack,
}

impl Stage {
    pub(super) fn of(order: &Order, now: Timestamp) -> Self {
        let has = |cause: Cause| order.in_sequence().any(|refund| refund.is_live() && refund.cause == cause);
        match (&order.state, &order.posting) {
            (OrderState::AwaitingPay, _) if is_open(order, now) => Self::AwaitingPay,
            (OrderState::AwaitingPay | OrderState::Closed, _) => Self::Closed,
            (OrderState::Paid { .. }, _) if has(Cause::HisRefused) => Self::Refused,
            (OrderState::Paid { .. }, _) if has(Cause::HisSilent) => Self::Silent,
            (OrderState::Paid { .. }, _) if order.lines_left().is_empty() => Self::GivenBack,
            (OrderState::Paid { .. }, Posting::Posted { .. }) => Self::Posted,
            (OrderState::Paid { .. }, _) if matches!(order.subject, Subject::Registration { .. }) => Self::Posted,
            (OrderState::Paid { .. }, _) => Self::Posting,
        }
    }

    pub(super) fn code(self) -> &'static str {
        match self {
            Self::AwaitingPay => "awaiting_pay",
            Self::Closed => "closed",
            Self::Posting => "posting",
            Self::Posted => "posted",
            Self::Refused => "refused",
            Self::Silent => "silent",
            Self::GivenBack => "given_back",
        }
    }

    pub(super) fn text(self) -> &'static str {
        match self {
            Self::AwaitingPay => "待支付",
            Self::Closed => "未支付，已结束",
            Self::Posting => "已支付，医院正在入账",
            Self::Posted => "已缴费",
            Self::Refused | Self::Silent => "医院未能入账，费用退回",
            Self::GivenBack => "已全部退费",
        }
    }
}

/// `11月23日 10:05`
pub(super) fn moment_text(at: Timestamp) -> String {
    time::wall_clock(at).strftime("%m月%d日 %H:%M").to_string()
}

/// An order, as its payer or family sees it.
#[derive(Debug, Serialize)]
pub struct OrderView {
    order: String,
    state: &'static str,
    text: &'static str,
    /// Why the hospital did not take it, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    patient: String,
    name: String,
    amount_fen: i64,
    lines: Vec<LineRow>,
    /// Whether the reader is the one who pays.
    is_payer: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pay_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paid_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<ReceiptPart>,
    refunds: Vec<RefundRow>,
    #[serde(skip)]
    stage: Stage,
    #[serde(skip)]
    remaining_s: u32,
    #[serde(skip)]
    appointment: Option<String>,
    #[serde(skip)]
    key: Option<IdempotencyKey>,
    #[serde(skip)]
    error: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct LineRow {
    line: usize,
    name: String,
    amount_fen: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bill: Option<String>,
    /// Whether it can be asked back.
    refundable: bool,
    /// Whether it went back, or is about to.
    returned: bool,
    #[serde(skip)]
    value: String,
}

#[derive(Debug, Serialize)]
struct ReceiptPart {
    receipt_no: String,
    places: Vec<PlaceRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invoice_url: Option<String>,
}

#[derive(Debug, Serialize)]
struct PlaceRow {
    /// For which items.
    items: String,
    text: String,
}

#[derive(Debug, Serialize)]
struct RefundRow {
    refund: String,
    state: &'static str,
    text: &'static str,
    amount_fen: i64,
    at: String,
    items: String,
    #[serde(skip)]
    tone: Tone,
}

impl OrderView {
    /// Of an order, read by its payer or by somebody who acts for the patient.
    pub fn of(order: &Order, is_payer: bool, now: Timestamp) -> Self {
        let stage = Stage::of(order, now);
        let receipt = match &order.posting {
            Posting::Posted { receipt } => Some(receipt_part(order, receipt)),
            _ => None,
        };
        let is_open = stage == Stage::AwaitingPay;
        Self {
            order: order.out_trade_no.to_string(),
            state: stage.code(),
            text: stage.text(),
            why: why(order, stage),
            patient: order.patient.to_string(),
            name: order.patient_name_masked.clone(),
            amount_fen: order.amount.get(),
            lines: line_rows(order, stage),
            is_payer,
            pay_until: is_open.then(|| time::wall_clock(order.expires_at).strftime("%H:%M:%S").to_string()),
            paid_at: order.paid_at().map(moment_text),
            receipt,
            refunds: order
                .in_sequence()
                .filter(|refund| is_told(refund))
                .map(|refund| refund_row(order, refund))
                .collect(),
            stage,
            remaining_s: u32::try_from(order.expires_at.as_second() - now.as_second()).unwrap_or(0),
            appointment: order.appointment_key().map(|key| key.to_string()),
            key: None,
            error: None,
        }
    }

    /// With the form to give items back.
    #[must_use]
    pub fn with_form(self, key: IdempotencyKey) -> Self {
        Self { key: Some(key), ..self }
    }

    /// With what is wrong with that form.
    #[must_use]
    pub fn with_error(self, error: &'static str) -> Self {
        Self { error: Some(error), ..self }
    }

    fn facts(&self) -> Markup {
        let mut rows = vec![("就诊人", html! { (self.name) }), ("金额", yuan(self.amount_fen))];
        if let Some(at) = &self.paid_at {
            rows.push(("支付时间", html! { (at) }));
        }
        if let Some(receipt) = &self.receipt {
            rows.push(("收据号", html! { (receipt.receipt_no) }));
        }
        key_values(&rows)
    }

    fn items(&self) -> Markup {
        let cells: Vec<_> = self
            .lines
            .iter()
            .map(|line| Cell {
                text: &line.name,
                below: line.returned.then_some("已申请退费"),
                side: Some(yuan(line.amount_fen)),
                href: None,
            })
            .collect();
        html! { (title("项目")) (list(&cells)) }
    }

    fn to_pay(&self, context: &PageContext<'_>) -> Markup {
        let base = format!("/orders/{}", self.order);
        let (prepay, check, cancel) =
            (format!("{base}/prepay"), format!("{base}/payment-check"), format!("{base}/cancel"));
        let panel = PayPanel { prepay: &prepay, check: &check, done: &base, fee_fen: self.amount_fen };
        html! {
            (heading("确认并支付", None))
            (self.facts())
            (self.items())
            (countdown(self.pay_until.as_deref().unwrap_or_default(), self.remaining_s))
            @if self.is_payer {
                (pay_panel(context, &panel))
            } @else {
                (notice(Tone::Wait, "这笔缴费由家人发起，正在等待家人支付。要由您支付，请重新选择账单。"))
                div.acts { (Button::primary_link("重新选择账单", &self.bills())) }
            }
            div.acts { (Button::post(context, "不付了，取消", &cancel, Look::Warn)) }
            (notice(Tone::Plain, "取消或逾期未支付，账单仍在，可以重新缴费，也可以到人工窗口缴费。"))
        }
    }

    fn bills(&self) -> String {
        format!("/bills?patient={}", self.patient)
    }

    fn outcome(&self) -> Markup {
        let (icon, text) = match self.stage {
            Stage::Posted if self.receipt.as_ref().is_some_and(|receipt| !receipt.places.is_empty()) => {
                (PageState::Success, "请按下面的指引前往，出示就诊卡即可。")
            }
            Stage::Posted => (PageState::Success, "费用已经支付。"),
            Stage::Posting => {
                (PageState::Waiting, "一般一分钟内完成，请不要重复缴费。医院迟迟不能入账时，费用会自动全额退回。")
            }
            Stage::Refused | Stage::Silent => (PageState::Failure, self.why.unwrap_or_default()),
            Stage::GivenBack => (PageState::Success, "费用原路退回，进度见下。"),
            Stage::AwaitingPay | Stage::Closed => {
                (PageState::Failure, "这笔缴费没有支付。账单仍在，可以重新选择。如已扣款，稍后会显示在这里。")
            }
        };
        let bills = self.bills();
        let again = [Button::primary_link("重新选择账单", &bills)];
        state(
            icon,
            self.text,
            text,
            if self.stage == Stage::Closed && self.appointment.is_none() { &again } else { &[] },
        )
    }

    fn looks_again(&self) -> Markup {
        let here = format!("/orders/{}", self.order);
        html! {
            p.left role="timer" { "本页将在 " b data-left-s=(LOOK_AGAIN_S) { (LOOK_AGAIN_S) " 秒" } " 后自动更新" }
            div.acts { (Button::plain_link("立即更新", &here)) }
        }
    }

    fn places(&self) -> Markup {
        let Some(receipt) = &self.receipt else { return html! {} };
        let cells: Vec<_> = receipt
            .places
            .iter()
            .map(|place| Cell { text: &place.text, below: Some(&place.items), ..Cell::default() })
            .collect();
        html! {
            @if !cells.is_empty() && self.stage == Stage::Posted { (title("接下来去哪里")) (list(&cells)) }
            @if let Some(url) = &receipt.invoice_url {
                (title("电子票据"))
                (list(&[Cell { text: "查看电子票据", href: Some(url), ..Cell::default() }]))
            }
        }
    }

    fn refund_part(&self) -> Markup {
        html! {
            @if !self.refunds.is_empty() {
                (title("退费"))
                @for refund in &self.refunds {
                    (key_values(&[
                        ("项目", html! { (refund.items) }),
                        ("金额", yuan(refund.amount_fen)),
                        ("申请时间", html! { (refund.at) }),
                        ("进度", html! { (web::components::badge(refund.tone, refund.text)) }),
                    ]))
                }
            }
        }
    }

    fn give_back(&self, context: &PageContext<'_>, key: &IdempotencyKey) -> Markup {
        let action = format!("/orders/{}/refunds", self.order);
        let rows: Vec<_> = self
            .lines
            .iter()
            .filter(|line| line.refundable)
            .map(|line| Tick {
                value: &line.value,
                text: &line.name,
                below: &[],
                amount_fen: line.amount_fen,
                ticked: false,
                blocked: None,
            })
            .collect();
        html! {
            @if !rows.is_empty() {
                details.cells open[self.error.is_some()] {
                    summary.cell { span.main { "申请退费" } span.side aria-hidden="true" { "▾" } }
                    form method="post" action=(action) {
                        (form_start_fields(context, key))
                        @if let Some(error) = self.error { (notice(Tone::Bad, error)) }
                        (ticks(LINE, &rows))
                        (sum("退费合计", 0))
                        div.acts { (Button::submit("申请退费").look(Look::Warn)) }
                        (notice(Tone::Plain, "没有检查、没有取药、没有执行的项目可以退费，费用原路退回。"))
                    }
                }
            }
        }
    }
}

/// A held number is paid on its own page.
fn held(appointment: &str) -> Markup {
    let pay = format!("/appointments/{appointment}/pay");
    state(PageState::Waiting, "待支付", "这个号还没有支付。", &[Button::primary_link("去支付", &pay)])
}

fn line_rows(order: &Order, stage: Stage) -> Vec<LineRow> {
    let left = order.lines_left();
    let open = stage == Stage::Posted && matches!(order.subject, Subject::Bills { .. });
    let row = |(line, place): (&domain::order::Line, usize)| LineRow {
        line: place,
        name: line.name.clone(),
        amount_fen: line.amount.get(),
        bill: line.item.as_ref().map(|item| item.bill.to_string()),
        returned: order.is_paid() && !left.contains(&place),
        refundable: open && left.contains(&place) && !line.amount.is_zero(),
        value: place.to_string(),
    };
    order.lines.iter().zip(1..).map(row).collect()
}

/// Why the money comes back, and that all of it does.
fn why(order: &Order, stage: Stage) -> Option<&'static str> {
    let code = match &order.posting {
        Posting::Refused { code } => code.as_str(),
        _ => "",
    };
    match (stage, code) {
        (Stage::Refused, "BILL_PAID") => Some("账单已在窗口或别处缴清，本次支付的费用全额原路退回。"),
        (Stage::Refused, "BILL_CHANGED" | "AMOUNT") => Some("账单金额已变更，本次支付的费用全额原路退回。请重新缴费。"),
        (Stage::Refused, "BILL_VOID" | "NO_SUCH_BILL") => Some("账单已作废，本次支付的费用全额原路退回。"),
        (Stage::Refused, _) => Some("医院系统没有接受这笔缴费，费用全额原路退回。请到人工窗口咨询。"),
        (Stage::Silent, _) => Some("医院系统长时间没有确认入账，费用全额原路退回。请稍后重新缴费，或到人工窗口办理。"),
        _ => None,
    }
}

/// Where to go for what is left: nobody queues for what was given back.
fn receipt_part(order: &Order, receipt: &Receipt) -> ReceiptPart {
    let left = order.lines_left();
    let mut names: BTreeMap<&BillNo, Vec<&str>> = BTreeMap::new();
    for (line, _) in order.lines.iter().zip(1..).filter(|(_, place)| left.contains(place)) {
        if let Some(item) = &line.item {
            names.entry(&item.bill).or_default().push(&line.name);
        }
    }
    let place_row = |place: &Place| {
        let items = match &place.bill {
            Some(bill) => names.get(bill)?.join("、"),
            None => String::new(),
        };
        Some(PlaceRow { items, text: place.text.clone() })
    };
    ReceiptPart {
        receipt_no: receipt.receipt_no.clone(),
        places: receipt.places.iter().filter_map(place_row).collect(),
        invoice_url: receipt.invoice_url.clone(),
    }
}

/// A refund that was asked for again under a new number is told of once, under the new one; one of nothing is no news.
fn is_told(refund: &Refund) -> bool {
    let is_replaced = refund.state == RefundState::Declined && refund.refund_id.is_some();
    !is_replaced && !refund.amount.is_zero()
}

fn refund_row(order: &Order, refund: &Refund) -> RefundRow {
    let names = order.lines.iter().zip(1..).filter(|(_, place)| refund.lines.contains(place));
    let names: Vec<&str> = names.map(|(line, _)| line.name.as_str()).collect();
    let (state, text, tone) = match refund.state {
        RefundState::Proposed => ("proposed", "审核中", Tone::Wait),
        RefundState::Releasing => ("releasing", "等待医院确认", Tone::Wait),
        RefundState::Requested => ("requested", "退款处理中", Tone::Wait),
        RefundState::Accepted => ("accepted", "已受理，预计三个工作日内到账", Tone::Wait),
        RefundState::Succeeded => ("succeeded", "已到账", Tone::Good),
        RefundState::Declined if refund.his == HisTold::Refused => {
            ("declined", "未通过：医院确认项目已执行或已取走", Tone::Bad)
        }
        RefundState::Declined => ("declined", "未通过", Tone::Bad),
        RefundState::Manual { .. } => ("manual", "未能自动退回，请联系收费处", Tone::Bad),
        RefundState::Outside => ("outside", "已由收费处退回", Tone::Good),
    };
    RefundRow {
        refund: refund.out_refund_no.to_string(),
        state,
        text,
        amount_fen: refund.amount.get(),
        at: moment_text(refund.decided_at),
        items: names.join("、"),
        tone,
    }
}

impl View for OrderView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let body = match (self.stage, &self.appointment) {
            (Stage::AwaitingPay, None) => self.to_pay(context),
            (Stage::AwaitingPay, Some(appointment)) => held(appointment),
            _ => html! {
                (self.outcome())
                @if self.stage == Stage::Posting { (self.looks_again()) }
                (self.places())
                (self.refund_part())
                (title("缴费明细"))
                (self.facts())
                (self.items())
                @if let Some(key) = &self.key { (self.give_back(context, key)) }
                div.acts { (Button::plain_link("返回缴费", &self.bills())) }
            },
        };
        let scripts: &[Script] = match self.stage {
            Stage::AwaitingPay => &[Script::Pay, Script::Countdown],
            Stage::Posting => &[Script::Countdown],
            _ => &[Script::Sum],
        };
        page(context, &Page::new("缴费").tab(Tab::Home).scripts(scripts), body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{answered, now, paid, posted, unpaid};
    use domain::event::Actor;
    use domain::order::{HisAnswer, RefundRequest, Share};

    fn json(order: &Order) -> serde_json::Value {
        serde_json::to_value(OrderView::of(order, true, now())).unwrap()
    }

    fn given_back(order: &Order, places: &[usize]) -> Order {
        let request = RefundRequest {
            share: Share::Lines(places.iter().copied().collect()),
            cause: Cause::PatientAsked,
            by: Actor::Account("oLin".parse().unwrap()),
            key: None,
            needs_checker: false,
        };
        order.refund(&request, now()).unwrap()
    }

    #[test]
    fn an_order_says_how_far_it_is() {
        let closed = unpaid().closed(now()).unwrap();
        let orders = [(unpaid(), "awaiting_pay"), (closed, "closed"), (paid(), "posting"), (posted(), "posted")];
        for (order, state) in orders {
            assert_eq!(json(&order)["state"], state);
        }
        let late = OrderView::of(&unpaid(), true, time::add_minutes(now(), 31));
        assert_eq!(late.state, "closed");
    }

    #[test]
    fn a_receipt_says_where_to_go_and_with_what() {
        let json = json(&posted());
        assert_eq!(json["receipt"]["places"][0]["text"], "门诊楼 2 层 3 号窗口（空腹）");
        assert_eq!(json["receipt"]["places"][0]["items"], "血脂四项、空腹血糖");
        assert_eq!(json["receipt"]["invoice_url"], "https://invoice.hospital.example/R1");
    }

    #[test]
    fn nobody_queues_for_what_was_given_back() {
        let places = |places: &[usize]| json(&given_back(&posted(), places))["receipt"]["places"].clone();
        assert_eq!(places(&[1])[0]["items"], "空腹血糖");
        assert_eq!(places(&[1, 2]), serde_json::json!([]));
    }

    #[test]
    fn what_the_hospital_refuses_goes_back_and_says_why() {
        for (code, words) in [("BILL_PAID", "已在窗口或别处缴清"), ("BILL_CHANGED", "金额已变更"), ("BUSY", "没有接受")]
        {
            let json = json(&answered(HisAnswer::Refused(code.into())));
            assert_eq!(json["state"], "refused");
            let why = json["why"].as_str().unwrap();
            assert!(why.contains(words) && why.contains("全额原路退回"), "{why}");
            assert_eq!(json["refunds"][0]["amount_fen"], 8_650);
        }
    }

    #[test]
    fn only_what_is_left_of_a_booked_payment_can_be_asked_back() {
        let offered = |order: &Order| -> Vec<u64> {
            let json = json(order);
            let lines = json["lines"].as_array().unwrap().iter();
            lines.filter(|line| line["refundable"] == true).filter_map(|line| line["line"].as_u64()).collect()
        };
        assert_eq!(offered(&paid()), Vec::<u64>::new());
        assert_eq!(offered(&posted()), [1, 2, 3]);
        let back = given_back(&posted(), &[2]);
        assert_eq!(offered(&back), [1, 3]);
        let refund = &json(&back)["refunds"][0];
        assert_eq!((refund["text"].as_str(), refund["items"].as_str()), (Some("等待医院确认"), Some("空腹血糖")));
        assert_eq!(json(&given_back(&posted(), &[1, 2, 3]))["state"], "given_back");
    }
}
