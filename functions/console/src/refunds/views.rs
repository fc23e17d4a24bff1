//! What staff read of an order: its lines, its refunds, what the hospital's own system knows, what needs people.

use domain::clinic::Clinic;
use domain::event::Actor;
use domain::order::{Cause, Order, OrderState, Posting, Refund, RefundState, Subject};
use domain::time;
use maud::{Markup, html};
use serde::Serialize;
use web::components::{Page, key_values, page, title};
use web::view::{PageContext, View};

/// One line.
#[derive(Debug, Serialize)]
pub struct LineView {
    line: usize,
    name: String,
    amount_fen: i64,
    /// True when a refund covers it.
    given_back: bool,
}

/// One refund.
#[derive(Debug, Serialize)]
pub struct RefundView {
    out_refund_no: String,
    lines: Vec<usize>,
    amount_fen: i64,
    cause: &'static str,
    by: String,
    state: &'static str,
    state_text: &'static str,
    decided_at: String,
}

/// Something to do.
#[derive(Debug, Serialize)]
pub struct WorkView {
    work: String,
    text: String,
}

/// What was noted.
#[derive(Debug, Serialize)]
pub struct RemarkView {
    work: String,
    by: String,
    at: String,
    text: String,
}

/// An order.
#[derive(Debug, Serialize)]
pub struct OrderView {
    out_trade_no: String,
    of: &'static str,
    patient_name_masked: String,
    amount_fen: i64,
    kept_fen: i64,
    state: &'static str,
    state_text: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paid_at: Option<String>,
    his: &'static str,
    his_text: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt_no: Option<String>,
    lines: Vec<LineView>,
    refunds: Vec<RefundView>,
    work: Vec<WorkView>,
    remarks: Vec<RemarkView>,
}

impl OrderView {
    /// From an order.
    pub fn of(order: &Order) -> Self {
        let (state, state_text) = state_words(&order.state);
        let (his, his_text) = posting_words(&order.posting);
        let left = order.lines_left();
        let transaction_id = match &order.state {
            OrderState::Paid { transaction_id, .. } => transaction_id.clone(),
            OrderState::AwaitingPay | OrderState::Closed => None,
        };
        let receipt_no = match &order.posting {
            Posting::Posted { receipt } => Some(receipt.receipt_no.clone()),
            _ => None,
        };
        let line = |(at, line): (usize, &domain::order::Line)| LineView {
            line: at + 1,
            name: line.name.clone(),
            amount_fen: line.amount.get(),
            given_back: order.is_paid() && !left.contains(&(at + 1)),
        };
        Self {
            out_trade_no: order.out_trade_no.to_string(),
            of: match order.subject {
                Subject::Registration { .. } => "registration",
                Subject::Bills { .. } => "bills",
            },
            patient_name_masked: order.patient_name_masked.clone(),
            amount_fen: order.amount.get(),
            kept_fen: order.kept().map_or(0, domain::money::Fen::get),
            state,
            state_text,
            transaction_id,
            paid_at: order.paid_at().map(clock_text),
            his,
            his_text,
            receipt_no,
            lines: order.lines.iter().enumerate().map(line).collect(),
            refunds: order.in_sequence().map(refund_view).collect(),
            work: order.work().iter().map(|work| WorkView { work: work.key(), text: work.text() }).collect(),
            remarks: order.remarks.iter().map(remark_view).collect(),
        }
    }
}

fn refund_view(refund: &Refund) -> RefundView {
    let (state, state_text) = refund_words(refund.state);
    RefundView {
        out_refund_no: refund.out_refund_no.to_string(),
        lines: refund.lines.iter().copied().collect(),
        amount_fen: refund.amount.get(),
        cause: cause_text(refund.cause),
        by: actor_text(&refund.by),
        state,
        state_text,
        decided_at: clock_text(refund.decided_at),
    }
}

fn remark_view(remark: &domain::order::Remark) -> RemarkView {
    RemarkView {
        work: remark.work.clone(),
        by: actor_text(&remark.by),
        at: clock_text(remark.at),
        text: remark.text.clone(),
    }
}

fn clock_text(at: domain::Timestamp) -> String {
    time::wall_clock(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn actor_text(actor: &Actor) -> String {
    match actor {
        Actor::Account(_) => "患者".to_owned(),
        Actor::Staff(name) => name.clone(),
        Actor::WechatPay => "微信支付".to_owned(),
        Actor::Schedule => "系统".to_owned(),
    }
}

fn state_words(state: &OrderState) -> (&'static str, &'static str) {
    match state {
        OrderState::AwaitingPay => ("awaiting_pay", "待支付"),
        OrderState::Closed => ("closed", "已关闭，未支付"),
        OrderState::Paid { .. } => ("paid", "已支付"),
    }
}

fn posting_words(posting: &Posting) -> (&'static str, &'static str) {
    match posting {
        Posting::NotNeeded => ("not_needed", "无需入账"),
        Posting::Due => ("due", "待入账"),
        Posting::Unknown { .. } => ("unknown", "入账结果待查"),
        Posting::Posted { .. } => ("posted", "已入账"),
        Posting::Refused { .. } => ("refused", "医院系统拒绝入账"),
        Posting::Dropped => ("dropped", "未入账，已退回"),
    }
}

fn refund_words(state: RefundState) -> (&'static str, &'static str) {
    match state {
        RefundState::Proposed => ("proposed", "待复核"),
        RefundState::Releasing => ("releasing", "等待医院系统确认"),
        RefundState::Requested => ("requested", "待微信受理"),
        RefundState::Accepted => ("accepted", "微信处理中"),
        RefundState::Succeeded => ("succeeded", "已到账"),
        RefundState::Declined => ("declined", "未通过"),
        RefundState::Manual { .. } => ("manual", "需人工处理"),
        RefundState::Outside => ("outside", "已线下退回"),
    }
}

fn cause_text(cause: Cause) -> &'static str {
    match cause {
        Cause::VisitOff => "就诊取消或号源未保留",
        Cause::HisRefused => "医院系统拒绝入账",
        Cause::HisSilent => "医院系统未及时入账",
        Cause::PatientAsked => "患者申请",
        Cause::Staff => "医院退费",
    }
}

fn yuan(fen: i64) -> Markup {
    html! { (web::components::fee(fen)) }
}

impl View for OrderView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        page(context, &Page::new("订单"), html! { (title("订单")) (self.facts()) })
    }
}

impl OrderView {
    fn facts(&self) -> Markup {
        let mut facts = vec![
            ("订单号", html! { (self.out_trade_no) }),
            ("就诊人", html! { (self.patient_name_masked) }),
            ("金额", yuan(self.amount_fen)),
            ("未退金额", yuan(self.kept_fen)),
            ("支付", html! { (self.state_text) }),
            ("医院系统", html! { (self.his_text) }),
        ];
        facts.extend(
            self.lines.iter().map(|line| ("项目", html! { (line.line) ". " (line.name) " " (yuan(line.amount_fen)) })),
        );
        facts.extend(self.refunds.iter().map(|refund| {
            ("退款", html! { (refund.out_refund_no) " " (yuan(refund.amount_fen)) " " (refund.cause) " " (refund.state_text) })
        }));
        facts.extend(self.work.iter().map(|work| ("待处理", html! { (work.text) "（" (work.work) "）" })));
        facts.extend(
            self.remarks.iter().map(|remark| ("处理说明", html! { (remark.at) " " (remark.by) "：" (remark.text) })),
        );
        key_values(&facts)
    }
}

/// Orders that need people.
#[derive(Debug, Serialize)]
pub struct WorklistView {
    orders: Vec<OrderView>,
}

impl WorklistView {
    /// From the orders.
    pub fn of(orders: &[Order]) -> Self {
        Self { orders: orders.iter().map(OrderView::of).collect() }
    }
}

impl View for WorklistView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let body = html! {
            (title("待处理的款项"))
            @if self.orders.is_empty() { p { "目前没有需要人工处理的款项。" } }
            @for order in &self.orders { section { (order.facts()) } }
        };
        page(context, &Page::new("待处理的款项"), body)
    }
}

/// A clinic that was closed.
#[derive(Debug, Serialize)]
pub struct ClosedClinicView {
    clinic: String,
    who: String,
    date: String,
    /// Appointments that are cancelled, told and refunded within minutes.
    affected: usize,
}

impl ClosedClinicView {
    /// From the clinic.
    pub fn of(clinic: &Clinic, affected: usize) -> Self {
        Self { clinic: clinic.id.to_string(), who: clinic.who_text(), date: clinic.date.to_string(), affected }
    }
}

impl View for ClosedClinicView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let facts = [
            ("门诊", html! { (self.who) }),
            ("日期", html! { (self.date) }),
            ("将取消并退款的号", html! { (self.affected) }),
        ];
        page(context, &Page::new("停诊"), html! { (title("已停诊")) (key_values(&facts)) })
    }
}
