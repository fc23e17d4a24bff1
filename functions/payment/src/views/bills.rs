//! The unpaid bills of a person, and what was paid lately.

use crate::bills::{BILL, holds};
use domain::civil::Date;
use domain::id::BillNo;
use domain::order::{Order, OrderState};
use domain::{Timestamp, time};
use his::{Bill, BillItem, UnpaidBills};
use maud::{Markup, html};
use serde::Serialize;
use std::collections::BTreeSet;
use store::account::Link;
use web::StatusCode;
use web::components::{
    Button, Cell, Page, Person, Script, State as PageState, Tab, Tick, Tone, form_start_fields, heading, list, notice,
    page, people, state, sum, ticks, title, yuan,
};
use web::form::Form;
use web::problem::Problem;
use web::session::IdempotencyKey;
use web::view::{PageContext, View};

use super::order::{Stage, moment_text};

/// For whom to pay.
#[derive(Debug, Serialize)]
pub struct ChooserView {
    patients: Vec<PatientRow>,
}

#[derive(Debug, Serialize)]
struct PatientRow {
    patient: String,
    name: String,
    relation: &'static str,
    #[serde(skip)]
    href: String,
}

impl ChooserView {
    /// From the people the reader acts for.
    pub fn of(links: &[Link]) -> Self {
        let row = |link: &Link| PatientRow {
            patient: link.patient.to_string(),
            name: link.name_masked.clone(),
            relation: link.relation.text(),
            href: format!("/bills?patient={}", link.patient),
        };
        Self { patients: links.iter().map(row).collect() }
    }
}

impl View for ChooserView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let persons: Vec<_> = self
            .patients
            .iter()
            .map(|row| Person { name: &row.name, role: row.relation, href: Some(&row.href), ..Person::default() })
            .collect();
        let body = html! {
            @if persons.is_empty() {
                (state(PageState::Empty, "还没有就诊人", "登记就诊人并领取就诊卡后，可以在这里缴费。",
                    &[Button::primary_link("登记就诊人", "/patients/new")]))
            } @else {
                (heading("缴费", Some("请选择就诊人")))
                (people(&persons))
            }
        };
        page(context, &Page::new("缴费").tab(Tab::Home), body)
    }
}

/// The unpaid bills of a person by visit, and what was paid lately.
#[derive(Debug, Serialize)]
pub struct BillsView {
    patient: String,
    name: String,
    has_card: bool,
    /// Why the bills are not known, if they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    unavailable: Option<&'static str>,
    visits: Vec<VisitRow>,
    total_fen: i64,
    /// Bills that the hospital has to look at before they can be paid.
    wrong_bills: usize,
    orders: Vec<PaidRow>,
    #[serde(skip)]
    key: IdempotencyKey,
    #[serde(skip)]
    form: Form,
    #[serde(skip)]
    problem: Option<Problem>,
}

#[derive(Debug, Serialize)]
struct VisitRow {
    department: String,
    doctor: String,
    date: Date,
    when: String,
    bills: Vec<BillRow>,
    #[serde(skip)]
    visit_no: String,
}

#[derive(Debug, Serialize)]
struct BillRow {
    bill: String,
    kind: &'static str,
    amount_fen: i64,
    /// Paid already, and not known to the hospital yet.
    paid: bool,
    items: Vec<ItemRow>,
    #[serde(skip)]
    below: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ItemRow {
    name: String,
    spec: String,
    quantity: u32,
    unit: String,
    amount_fen: i64,
}

impl BillRow {
    fn of(bill: &Bill, orders: &[Order]) -> Self {
        let number = BTreeSet::<BillNo>::from([bill.bill_no().clone()]);
        Self {
            bill: bill.bill_no().to_string(),
            kind: bill.kind().patient_text(),
            amount_fen: bill.total().get(),
            paid: orders.iter().any(|order| holds(order, &number)),
            items: bill.items().iter().map(ItemRow::of).collect(),
            below: bill.items().iter().map(|item| item_text(item, bill.items().len() > 1)).collect(),
        }
    }
}

impl ItemRow {
    fn of(item: &BillItem) -> Self {
        Self {
            name: item.name.as_str().to_owned(),
            spec: item.spec.as_str().to_owned(),
            quantity: item.quantity,
            unit: item.unit.as_str().to_owned(),
            amount_fen: item.amount.get(),
        }
    }
}

/// `阿托伐他汀钙片 20mg×7片 2盒 61.80元`; the amount of a bill's only item stands beside it already.
fn item_text(item: &BillItem, with_amount: bool) -> String {
    let spec = if item.spec.is_empty() { String::new() } else { format!(" {}", item.spec.as_str()) };
    let amount = if with_amount { format!(" {}元", item.amount) } else { String::new() };
    format!("{}{spec} {}{}{amount}", item.name.as_str(), item.quantity, item.unit.as_str())
}

/// An order of bills, to be found again.
#[derive(Debug, Serialize)]
pub struct PaidRow {
    order: String,
    state: &'static str,
    amount_fen: i64,
    text: String,
    #[serde(skip)]
    below: String,
    #[serde(skip)]
    href: String,
}

impl PaidRow {
    /// From an order; none when it came to nothing.
    pub fn of(order: &Order, now: Timestamp) -> Option<Self> {
        let stage = Stage::of(order, now);
        if stage == Stage::Closed {
            return None;
        }
        let first = order.lines.first().map(|line| line.name.clone()).unwrap_or_default();
        let text = if order.lines.len() > 1 { format!("{first} 等{}项", order.lines.len()) } else { first };
        let at = order.paid_at().unwrap_or(order.created_at);
        Some(Self {
            order: order.out_trade_no.to_string(),
            state: stage.code(),
            amount_fen: order.amount.get(),
            text,
            below: format!("{} {}", moment_text(at), stage.text()),
            href: format!("/orders/{}", order.out_trade_no),
        })
    }
}

impl BillsView {
    /// Of a person, nothing known yet of their bills.
    pub fn new(link: &Link, key: IdempotencyKey, orders: Vec<PaidRow>, form: Form) -> Self {
        Self {
            patient: link.patient.to_string(),
            name: link.name_masked.clone(),
            has_card: true,
            unavailable: None,
            visits: Vec::new(),
            total_fen: 0,
            wrong_bills: 0,
            orders,
            key,
            form,
            problem: None,
        }
    }

    /// The person has no card to write bills on.
    #[must_use]
    pub fn without_card(self) -> Self {
        Self { has_card: false, ..self }
    }

    /// The hospital's system does not say.
    #[must_use]
    pub fn without_bills(self, problem: Problem) -> Self {
        Self { unavailable: Some(problem.code), problem: Some(problem), ..self }
    }

    /// With what the hospital's system says; a bill that an order of ours has paid is not offered again.
    #[must_use]
    pub fn with_bills(mut self, unpaid: &UnpaidBills, orders: &[Order], today: Date) -> Self {
        for bill in &unpaid.bills {
            let row = BillRow::of(bill, orders);
            if !row.paid {
                self.total_fen += row.amount_fen;
            }
            let visit = bill.visit();
            let place = self.visits.iter_mut().find(|known| known.visit_no == visit.visit_no.as_str());
            match place {
                Some(known) => known.bills.push(row),
                None => self.visits.push(VisitRow {
                    department: visit.department.as_str().to_owned(),
                    doctor: visit.doctor.as_str().to_owned(),
                    date: visit.date,
                    when: time::day_text(visit.date, today),
                    bills: vec![row],
                    visit_no: visit.visit_no.to_string(),
                }),
            }
        }
        self.visits.sort_by_key(|visit| std::cmp::Reverse(visit.date));
        self.wrong_bills = unpaid.rejected.len();
        self
    }

    /// With why choosing was refused.
    #[must_use]
    pub fn refused(mut self, problem: Problem) -> Self {
        self.problem = Some(problem);
        self
    }

    fn chooser(&self, context: &PageContext<'_>) -> Markup {
        let can_pay = self.visits.iter().flat_map(|visit| &visit.bills).any(|bill| !bill.paid);
        html! {
            form method="post" action="/bills/orders" {
                (form_start_fields(context, &self.key))
                input type="hidden" name="patient" value=(self.patient);
                @if let Some(error) = self.form.error(BILL) { (notice(Tone::Bad, error)) }
                @for visit in &self.visits { (visit_part(visit)) }
                @if can_pay {
                    (sum("合计", self.total_fen))
                    div.acts { (Button::submit("去缴费")) }
                    (notice(Tone::Plain, "支付前会再次显示金额。支付后请按收据上的指引前往检查、采血或取药。"))
                }
            }
        }
    }

    fn known(&self, context: &PageContext<'_>) -> Markup {
        html! {
            @if self.visits.is_empty() && self.wrong_bills == 0 {
                (state(PageState::Empty, "没有待缴费的账单", "医生开单后几分钟内会显示在这里。", &[]))
            } @else {
                (self.chooser(context))
            }
            @if self.wrong_bills > 0 {
                (notice(Tone::Wait, &format!("另有 {} 张账单暂时不能在网上缴费，请到人工窗口核对。", self.wrong_bills)))
            }
        }
    }
}

fn visit_part(visit: &VisitRow) -> Markup {
    let rows: Vec<_> = visit
        .bills
        .iter()
        .map(|bill| Tick {
            value: &bill.bill,
            text: bill.kind,
            below: &bill.below,
            amount_fen: bill.amount_fen,
            ticked: true,
            blocked: bill.paid.then_some("已支付，医院正在入账"),
        })
        .collect();
    html! {
        fieldset {
            legend.title { (visit.department) " " (visit.doctor) " " (visit.when) }
            (ticks(BILL, &rows))
        }
    }
}

impl View for BillsView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let card = format!("/patients/{}/card", self.patient);
        let paid: Vec<_> = self
            .orders
            .iter()
            .map(|row| Cell {
                text: &row.text,
                below: Some(&row.below),
                side: Some(yuan(row.amount_fen)),
                href: Some(&row.href),
            })
            .collect();
        let body = html! {
            (heading("缴费", Some(&self.name)))
            @if let Some(problem) = &self.problem { (notice(Tone::Bad, &problem.text)) }
            @if !self.has_card {
                (state(PageState::Empty, "还没有就诊卡", "医院的账单记在就诊卡上。领取或绑定就诊卡后，可以在这里缴费。",
                    &[Button::primary_link("领取就诊卡", &card)]))
            } @else if self.unavailable.is_none() {
                (self.known(context))
            }
            @if !paid.is_empty() { (title("最近的缴费")) (list(&paid)) }
        };
        page(context, &Page::new("缴费").tab(Tab::Home).scripts(&[Script::Sum]), body)
    }

    fn status(&self) -> StatusCode {
        // What we know is shown even when the hospital's system does not answer.
        match (&self.problem, self.unavailable) {
            (Some(problem), None) => problem.status,
            _ => StatusCode::OK,
        }
    }
}

/// Whether an order still waits to be paid.
pub(super) fn is_open(order: &Order, now: Timestamp) -> bool {
    order.state == OrderState::AwaitingPay && order.expires_at > now
}
