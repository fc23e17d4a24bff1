//! 诊间缴费: the unpaid bills of a visit card, and one order for those that are chosen. Bills and amounts come from the
//! hospital's own system at the moment of choosing; what a form says of amounts is not read.

use crate::views::{BillsView, ChooserView, PaidRow};
use crate::{Action, App, orders, paying};
use domain::Timestamp;
use domain::booking::PREPAY_MARGIN_S;
use domain::event::Actor;
use domain::id::{BillNo, CardNo, OpenId, OutTradeNo, PAY_ATTEMPTS_MAX, PatientId};
use domain::order::{BillItem, Line, NewOrder, Order, OrderState, Subject};
use domain::time;
use futures_util::future::try_join_all;
use his::{BILLS_PER_POST_MAX, Bill, His, HisError, Refusal as HisRefusal, UnpaidBills};
use runtime::http::Call;
use runtime::payments::Followed;
use runtime::{Refusal, posting};
use std::collections::BTreeSet;
use store::account::Link;
use web::Response;
use web::components::Link as PageLink;
use web::form::{Form, respond_invalid};
use web::negotiate::Face;
use web::problem::Problem;
use web::session::IdempotencyKey;

/// Field: the bills to pay.
pub(crate) const BILL: &str = "bill";
/// Orders shown below the unpaid bills; the newest come first.
const RECENT_MAX: usize = 20;

/// A person the caller may act for, with their card.
struct Payee {
    link: Link,
    card: Option<CardNo>,
}

async fn payee(app: &App, call: &Call<Action>, patient: &PatientId) -> Result<Payee, Refusal> {
    let link = app.desk.table.link(call.account()?, patient).await?.ok_or_else(Problem::not_found)?;
    let patient = app.desk.table.patient(patient).await?.ok_or_else(Problem::not_found)?;
    Ok(Payee { link, card: patient.card })
}

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let links = app.desk.table.links_of(call.account()?).await?;
    let chosen = match (call.meta.query("patient"), links.as_slice()) {
        (Some(text), _) => text.parse::<PatientId>().map_err(|_| Problem::not_found())?,
        (None, [only]) => only.patient.clone(),
        (None, links) => return Ok(call.show(&ChooserView::of(links))),
    };
    let payee = payee(app, call, &chosen).await?;
    Ok(call.show(&view(app, call, &payee, Form::default()).await?))
}

/// What the HIS has to be paid, and what was paid lately. When the HIS does not answer, what we know stays visible.
async fn view(app: &App, call: &Call<Action>, payee: &Payee, form: Form) -> Result<BillsView, Refusal> {
    let key = IdempotencyKey::from_random(app.desk.random.bytes()?);
    let orders = recent_orders(app, &payee.link.patient).await?;
    let paid = orders.iter().filter_map(|order| PaidRow::of(order, call.now)).collect();
    let view = BillsView::new(&payee.link, key, paid, form);
    let Some(card) = &payee.card else { return Ok(view.without_card()) };
    match unpaid(app, call, card).await {
        Ok(unpaid) => Ok(view.with_bills(&unpaid, &orders, time::today(call.now))),
        Err(Refusal(problem)) => Ok(view.without_bills(problem)),
    }
}

/// The unpaid bills of a card. A card the HIS has not met has none.
async fn unpaid(app: &App, call: &Call<Action>, card: &CardNo) -> Result<UnpaidBills, Refusal> {
    let his = app.his.get(call.now).await?;
    let asked = his::Call { now: call.now, random: app.desk.random.bytes()? };
    match his.client.fees_unpaid(card, asked).await {
        Ok(unpaid) => {
            for rejected in &unpaid.rejected {
                tracing::error!(%rejected, "a bill of the HIS is wrong and is not shown");
            }
            Ok(unpaid)
        }
        Err(HisError::Refused { code: HisRefusal::NoSuchCard }) => Ok(UnpaidBills::default()),
        Err(error) => Err(error.into()),
    }
}

/// The orders of a person's bills, newest first.
async fn recent_orders(app: &App, patient: &PatientId) -> Result<Vec<Order>, Refusal> {
    let entries = app.desk.table.bill_orders(patient).await?;
    let mut seen = BTreeSet::new();
    let newest = entries.into_iter().map(|entry| entry.order).filter(|no| seen.insert(no.clone()));
    let mut orders = orders_numbered(app, newest.take(RECENT_MAX)).await?;
    orders.sort_by_key(|order| std::cmp::Reverse(order.created_at));
    Ok(orders)
}

async fn orders_numbered(app: &App, numbers: impl Iterator<Item = OutTradeNo>) -> Result<Vec<Order>, Refusal> {
    let reads = numbers.map(|no| async move { app.desk.table.order(&no).await });
    Ok(try_join_all(reads).await?.into_iter().flatten().collect())
}

pub(crate) async fn choose(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let fields = call.fields()?;
    let patient: PatientId =
        fields.text("patient").and_then(|text| text.parse().ok()).ok_or_else(Problem::not_found)?;
    let payee = payee(app, call, &patient).await?;
    let chosen: Option<BTreeSet<BillNo>> = fields.all(BILL).map(|text| text.parse().ok()).collect();
    let chosen = chosen.ok_or_else(Problem::bad_request)?;
    let mut form = Form::new(fields);
    if chosen.is_empty() {
        form.reject(BILL, "请勾选要缴费的账单");
        let view = view(app, call, &payee, form.clone()).await?;
        return Ok(respond_invalid(&call.context(), &form, &view));
    }
    match order_for(app, call, &payee, &chosen).await {
        Ok(order) => orders::answer(call, &order),
        // On a page the list is shown again, as it is now.
        Err(Refusal(problem)) if call.meta.face() == Face::Page && problem.code == "bills_changed" => {
            Ok(call.show(&view(app, call, &payee, form).await?.refused(problem)))
        }
        Err(refusal) => Err(refusal),
    }
}

/// The order that pays these bills: the one already there, or a new one.
async fn order_for(app: &App, call: &Call<Action>, payee: &Payee, chosen: &BTreeSet<BillNo>) -> Result<Order, Refusal> {
    let card = payee.card.as_ref().ok_or_else(|| no_card(&payee.link.patient))?;
    if chosen.len() > BILLS_PER_POST_MAX {
        return Err(his::RequestError::TooMany.into());
    }
    let others = orders_of_bills(app, &payee.link.patient, chosen).await?;
    if let Some(paid) = others.iter().find(|order| holds(order, chosen)) {
        return Ok(paid.clone());
    }
    let wish = Wish {
        patient: &payee.link.patient,
        patient_name_masked: &payee.link.name_masked,
        card,
        bills: chosen,
        lines: lines(&unpaid(app, call, card).await?, chosen)?,
        payer: call.account()?,
        expires_at: time::add_minutes(call.now, call.profile()?.money.bills_pay_min),
    };
    // Orders that would pay one of these bills too must not be payable any more. Should two people choose in the very
    // same moment, the HIS takes one payment and the other goes back.
    for order in
        others.iter().filter(|order| order.state == OrderState::AwaitingPay && !wish.is_served_by(order, call.now))
    {
        if let Followed::Settled(_) = paying::close(app, order, call.now).await? {
            return settled(app, call, order).await;
        }
    }
    first_open(app, call, &wish).await
}

fn no_card(patient: &PatientId) -> Problem {
    Problem::conflict("no_card", "缴费需要就诊卡，请先领取或绑定就诊卡")
        .with_action(PageLink::new("领取就诊卡", format!("/patients/{patient}/card")))
}

/// The orders that are noted for any of these bills.
async fn orders_of_bills(app: &App, patient: &PatientId, bills: &BTreeSet<BillNo>) -> Result<Vec<Order>, Refusal> {
    let noted = try_join_all(bills.iter().map(|bill| app.desk.table.bill_order(patient, bill))).await?;
    let numbers: BTreeSet<OutTradeNo> = noted.into_iter().flatten().map(|entry| entry.order).collect();
    orders_numbered(app, numbers.into_iter()).await
}

/// Whether an order has been paid for one of these bills and keeps it.
pub(crate) fn holds(order: &Order, bills: &BTreeSet<BillNo>) -> bool {
    let left = order.lines_left();
    let mut lines = order.lines.iter().zip(1..);
    order.is_paid()
        && lines.any(|(line, place)| {
            left.contains(&place) && line.item.as_ref().is_some_and(|item| bills.contains(&item.bill))
        })
}

/// One line per item of the chosen bills.
fn lines(unpaid: &UnpaidBills, chosen: &BTreeSet<BillNo>) -> Result<Vec<Line>, Problem> {
    let bills: Vec<&Bill> = unpaid.bills.iter().filter(|bill| chosen.contains(bill.bill_no())).collect();
    if bills.len() < chosen.len() {
        return Err(Problem::conflict(
            "bills_changed",
            "所选账单有变化：可能已在窗口缴费、已作废或金额已调整。请核对下面的账单后重新选择",
        ));
    }
    Ok(bills.into_iter().flat_map(lines_of).collect())
}

fn lines_of(bill: &Bill) -> impl Iterator<Item = Line> {
    bill.items().iter().map(|item| Line {
        name: item.name.as_str().to_owned(),
        amount: item.amount,
        item: Some(BillItem { bill: bill.bill_no().clone(), item: item.item_no.clone() }),
    })
}

/// What somebody wants to pay.
struct Wish<'a> {
    patient: &'a PatientId,
    patient_name_masked: &'a str,
    card: &'a CardNo,
    bills: &'a BTreeSet<BillNo>,
    lines: Vec<Line>,
    payer: &'a OpenId,
    expires_at: Timestamp,
}

impl Wish<'_> {
    /// The number of its `attempt`-th order: a repeat is the same order.
    fn number(&self, attempt: u8) -> OutTradeNo {
        let bills: Vec<&str> = self.bills.iter().map(BillNo::as_str).collect();
        let message = format!("bills\n{}\n{}\n{}", self.patient, self.card, bills.join("\n"));
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, message.as_bytes());
        let mut bytes = [0; 10];
        bytes.iter_mut().zip(digest.as_ref()).for_each(|(byte, hash)| *byte = *hash);
        OutTradeNo::of_bills(bytes, attempt)
    }

    fn order(&self, number: OutTradeNo, now: Timestamp) -> Result<Order, Refusal> {
        let bills = self.bills.iter().cloned().collect();
        let new = NewOrder {
            out_trade_no: number,
            subject: Subject::Bills { card: self.card.clone(), bills },
            patient: self.patient.clone(),
            patient_name_masked: self.patient_name_masked.to_owned(),
            payer: self.payer.clone(),
            lines: self.lines.clone(),
            expires_at: self.expires_at,
        };
        Ok(Order::open(new, now)?)
    }

    /// Whether paying this order is just what is wanted, and there is time for it.
    fn is_served_by(&self, order: &Order, now: Timestamp) -> bool {
        order.state == OrderState::AwaitingPay
            && order.payer == *self.payer
            && order.lines == self.lines
            && time::add_seconds(now, PREPAY_MARGIN_S) <= order.expires_at
    }
}

/// The first attempt that is not finished: what was closed, or has gone back as a whole, takes the next number.
async fn first_open(app: &App, call: &Call<Action>, wish: &Wish<'_>) -> Result<Order, Refusal> {
    for attempt in 1..=PAY_ATTEMPTS_MAX {
        let number = wish.number(attempt);
        let order = match app.desk.table.order(&number).await? {
            Some(order) => order,
            None => created(app, call, wish, number).await?,
        };
        if wish.is_served_by(&order, call.now) {
            return Ok(order);
        }
        match order.state {
            OrderState::Paid { .. } if holds(&order, wish.bills) => return settled(app, call, &order).await,
            OrderState::Paid { .. } | OrderState::Closed => {}
            OrderState::AwaitingPay => {
                if let Followed::Settled(_) = paying::close(app, &order, call.now).await? {
                    return settled(app, call, &order).await;
                }
            }
        }
    }
    Err(Problem::conflict("too_many_bills", "这些账单在网上尝试缴费的次数过多，请到人工窗口缴费").into())
}

/// A new order. The bills name it before it exists: a crash in between leaves a name without an order, which hinders
/// nobody, and never an order that no bill knows of.
async fn created(app: &App, call: &Call<Action>, wish: &Wish<'_>, number: OutTradeNo) -> Result<Order, Refusal> {
    let order = wish.order(number, call.now)?;
    let bills: Vec<BillNo> = wish.bills.iter().cloned().collect();
    app.desk.table.put_bill_orders(wish.patient, &bills, &order.out_trade_no).await?;
    Ok(app.desk.table.create_order(&order).await?)
}

/// An order that is paid, as it stands after all that follows from it: with nothing to pay it has not been settled yet.
async fn settled(app: &App, call: &Call<Action>, order: &Order) -> Result<Order, Refusal> {
    let order = app.desk.table.order(&order.out_trade_no).await?.ok_or_else(Problem::not_found)?;
    if order.amount.is_zero() {
        let actor = Actor::Account(call.account()?.clone());
        let settled = app.desk.table.settle_order(call.profile()?, &order, &actor, call.now).await;
        settled.map_err(runtime::payments::FollowError::from)?;
        let order = app.desk.table.order(&order.out_trade_no).await?.ok_or_else(Problem::not_found)?;
        return Ok(posting::at_once(&app.desk, &app.his, order, call.now).await);
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{now, paid, unpaid};
    use domain::order::{RefundRequest, Share};

    fn bills(numbers: &[&str]) -> BTreeSet<BillNo> {
        numbers.iter().map(|number| number.parse().unwrap()).collect()
    }

    fn wish<'a>(order: &'a Order, card: &'a CardNo, bills: &'a BTreeSet<BillNo>, payer: &'a OpenId) -> Wish<'a> {
        let (patient, patient_name_masked) = (&order.patient, order.patient_name_masked.as_str());
        let (lines, expires_at) = (order.lines.clone(), order.expires_at);
        Wish { patient, patient_name_masked, card, bills, lines, payer, expires_at }
    }

    #[test]
    fn the_same_bills_are_the_same_order_and_others_are_not() {
        let (order, card, payer) = (unpaid(), "C1".parse().unwrap(), "oLin".parse().unwrap());
        let number = |numbers: &[&str], attempt| wish(&order, &card, &bills(numbers), &payer).number(attempt);
        assert_eq!(number(&["B1", "B2"], 1), number(&["B2", "B1"], 1));
        assert_ne!(number(&["B1", "B2"], 1), number(&["B1", "B2"], 2));
        assert_ne!(number(&["B1", "B2"], 1), number(&["B1"], 1));
        assert!((6..=32).contains(&number(&["B1"], 99).as_str().len()));
    }

    #[test]
    fn an_order_serves_its_payer_with_these_amounts_and_in_time() {
        let (order, card, chosen) = (unpaid(), "C1".parse().unwrap(), bills(&["B1", "B2"]));
        let (payer, other) = ("oLin".parse().unwrap(), "oChen".parse().unwrap());
        let own = wish(&order, &card, &chosen, &payer);
        assert!(own.is_served_by(&order, now()));
        assert!(!own.is_served_by(&order, time::add_minutes(now(), 29)), "too late to begin");
        assert!(!own.is_served_by(&order.closed(now()).unwrap(), now()));
        assert!(!wish(&order, &card, &chosen, &other).is_served_by(&order, now()), "another payer");
        let dearer = Wish { lines: order.lines.iter().rev().cloned().collect(), ..own };
        assert!(!dearer.is_served_by(&order, now()), "other lines");
    }

    #[test]
    fn a_paid_order_keeps_its_bills_until_they_went_back() {
        let order = paid();
        assert!(!holds(&unpaid(), &bills(&["B1"])));
        assert!(holds(&order, &bills(&["B1"])) && holds(&order, &bills(&["B2", "B9"])));
        assert!(!holds(&order, &bills(&["B9"])));
        let request = RefundRequest {
            share: Share::Lines(BTreeSet::from([3])),
            cause: domain::order::Cause::Staff,
            by: Actor::Staff("shou".into()),
            key: None,
            needs_checker: false,
        };
        let after = order.refund(&request, now()).unwrap();
        assert!(holds(&after, &bills(&["B1"])) && !holds(&after, &bills(&["B2"])));
    }
}
