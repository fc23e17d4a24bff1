//! The books of all three, once everything has settled.

use super::steps::{NUMBERS, World};
use crate::visit::enrolled;
use crate::visit::hospital::{Hospital, slot};
use domain::appointment::{Appointment, State};
use domain::clinic::Claim;
use domain::credit::{Breach, StrikeState};
use domain::id::OutTradeNo;
use domain::order::refund::HisTold;
use domain::order::{Order, OrderState, Posting, RefundState, Subject};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Visits whose number the HIS gives, at their end: its word on them stands, or all of it is over there.
const CONFIRMED: &str = "visit confirmed by the HIS";
const UNDONE: &str = "visit over at the HIS";

/// What the three books say of all orders of the seed.
pub(super) async fn check(world: &World<'_>) -> Result<Sums, String> {
    let mut sums = books(world.hospital, &world.orders).await?;
    let visits = visits(world).await;
    numbers(world, &visits).await?;
    let confirmed = enrolled::agree(world.hospital, std::slice::from_ref(&world.clinic), &visits).await?;
    sums.ways.insert(CONFIRMED.to_owned(), confirmed);
    let undone = visits.iter().filter(|visit| visit.is_number_of_his() && !is_the_patients(visit));
    sums.ways.insert(UNDONE.to_owned(), undone.count());
    Ok(sums)
}

/// What the three books say of these orders.
pub(crate) async fn books(hospital: &Hospital, orders: &BTreeSet<OutTradeNo>) -> Result<Sums, String> {
    let wechat = hospital.wechat.get("books").await;
    let his = hospital.his.get("books").await;
    let mut sums = Sums::default();
    let mut paid_items: BTreeMap<(String, String), usize> = BTreeMap::new();
    for no in orders {
        let at_wechat = at_wechat(&wechat, no.as_str());
        let Some(order) = hospital.table.order(no).await.unwrap() else {
            ensure(at_wechat.paid == 0, || format!("{no}: WeChat has money for an order we do not know"))?;
            continue;
        };
        sums.add(&one(hospital, &order, &at_wechat, at_his(&his, no.as_str())).await?);
        sums.note(&order);
        for item in order.lines_left().into_iter().filter_map(|place| order.lines[place - 1].item.clone()) {
            if order.is_paid() {
                *paid_items.entry((item.bill.to_string(), item.item.to_string())).or_default() += 1;
            }
        }
    }
    ensure(sums.paid == sums.kept + sums.back, || format!("in all: {sums:?}"))?;
    ensure(paid_items.values().all(|times| *times == 1), || format!("an item is paid for twice: {paid_items:?}"))?;
    Ok(sums)
}

/// What came together over all orders of a walk, in fen, and how often money went which way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums {
    paid: i64,
    pub(crate) kept: i64,
    pub(crate) back: i64,
    ways: BTreeMap<String, usize>,
}

impl Sums {
    pub(crate) fn add(&mut self, other: &Self) {
        self.paid += other.paid;
        self.kept += other.kept;
        self.back += other.back;
        for (way, times) in &other.ways {
            *self.ways.entry(way.clone()).or_default() += times;
        }
    }

    /// Every cause of a refund, every end of a posting, both kinds of thing paid for, and both ends with the HIS.
    pub(super) fn saw_everything(&self) -> bool {
        let causes = ["VisitOff", "HisRefused", "HisSilent", "PatientAsked", "Staff", "Outside"];
        let ways = ["bills kept", "visit kept", CONFIRMED, UNDONE];
        let came_about = |way: &&str| self.ways.get(*way).is_some_and(|times| *times > 0);
        self.kept > 0 && self.back > 0 && causes.iter().chain(&ways).all(came_about)
    }

    fn note(&mut self, order: &Order) {
        let mut way = |way: String| *self.ways.entry(way).or_default() += 1;
        for refund in order.in_sequence() {
            way(if refund.state == RefundState::Outside { "Outside".into() } else { format!("{:?}", refund.cause) });
        }
        if order.kept().is_ok_and(|kept| !kept.is_zero()) {
            let is_visit = order.appointment_key().is_some();
            way(if is_visit { "visit kept".into() } else { "bills kept".into() });
        }
    }
}

fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

struct AtWechat {
    paid: i64,
    back: i64,
    can_be_paid: bool,
}

fn at_wechat(books: &Value, no: &str) -> AtWechat {
    let order = books["orders"].as_array().unwrap().iter().find(|order| order["body"]["out_trade_no"] == no);
    let state = order.and_then(|order| order["state"].as_str()).unwrap_or_default();
    let paid = if matches!(state, "SUCCESS" | "REFUND") {
        order.unwrap()["body"]["amount"]["total"].as_i64().unwrap()
    } else {
        0
    };
    let refunds = books["refunds"].as_array().unwrap().iter();
    let back = refunds.filter(|refund| refund["out_trade_no"] == no && refund["status"] == "SUCCESS");
    let back = back.map(|refund| refund["body"]["amount"]["refund"].as_i64().unwrap()).sum();
    AtWechat { paid, back, can_be_paid: state == "NOTPAY" }
}

fn at_his(books: &Value, serial: &str) -> i64 {
    let sum = |list: &Value, field: &str| -> i64 {
        let entries = list.as_array().unwrap().iter().filter(|entry| entry[field] == serial);
        entries.map(|entry| entry["fen"].as_i64().unwrap()).sum()
    };
    sum(&books["payments"], "serial") - sum(&books["refunds"], "original_serial")
}

async fn one(hospital: &Hospital, order: &Order, wechat: &AtWechat, his: i64) -> Result<Sums, String> {
    let no = &order.out_trade_no;
    let say =
        |what: &str| format!("{no}: {what}: {order:?}, WeChat paid {} back {}, HIS {his}", wechat.paid, wechat.back);
    ensure(!wechat.can_be_paid, || say("can still be paid at WeChat"))?;
    ensure(order.state != OrderState::AwaitingPay, || say("still awaits payment"))?;
    let paid = if order.is_paid() { order.amount.get() } else { 0 };
    ensure(paid == wechat.paid, || say("WeChat's books differ on the payment"))?;
    let in_state = |wanted: fn(RefundState) -> bool| -> i64 {
        order.in_sequence().filter(|refund| wanted(refund.state)).map(|refund| refund.amount.get()).sum()
    };
    let (back, outside) = (in_state(|s| s == RefundState::Succeeded), in_state(|s| s == RefundState::Outside));
    let open = in_state(|s| !matches!(s, RefundState::Succeeded | RefundState::Outside | RefundState::Declined));
    ensure(open == 0, || say("a refund is not finished"))?;
    ensure(back == wechat.back, || say("WeChat's books differ on the refunds"))?;
    let kept = order.kept().unwrap().get();
    ensure(paid == kept + back + outside, || say("money was lost or made"))?;
    let refused = |refund: &&domain::order::Refund| refund.his == HisTold::Refused && refund.is_live();
    let untold: i64 = order.in_sequence().filter(refused).map(|refund| refund.amount.get()).sum();
    let expected = if matches!(order.posting, Posting::Refused { .. }) { 0 } else { kept + untold };
    ensure(his == expected, || say("the HIS's books differ"))?;
    subject(hospital, order, kept).await?;
    Ok(Sums { paid, kept, back: back + outside, ..Sums::default() })
}

/// Money is kept for a visit that is the patient's, or for bills the hospital has booked, and for nothing else.
async fn subject(hospital: &Hospital, order: &Order, kept: i64) -> Result<(), String> {
    let no = &order.out_trade_no;
    match &order.subject {
        Subject::Bills { .. } => {
            let booked = matches!(order.posting, Posting::Posted { .. });
            ensure(kept == 0 || booked, || format!("{no}: kept without the hospital's receipt: {order:?}"))
        }
        Subject::Registration { .. } => {
            let key = order.appointment_key().unwrap();
            let appointment = hospital.table.appointment(&key).await.unwrap();
            let visit = appointment.is_some_and(|a| is_the_patients(&a) && a.out_trade_no() == *no);
            ensure((kept > 0) == visit, || format!("{no}: kept {kept}, visit {visit}"))
        }
    }
}

/// Whether the number is, or was to the end, the patient's.
fn is_the_patients(appointment: &Appointment) -> bool {
    matches!(appointment.state, State::Booked | State::CheckedIn | State::Fulfilled | State::NoShow)
}

/// Who did not come has one strike for it, settled by the nights; whoever had no number to the end has none that counts.
async fn missed_once(world: &World<'_>, appointment: &Appointment) -> Result<(), String> {
    let record = world.hospital.table.gate(&appointment.patient).await.unwrap().record;
    let strike = record.strikes.get(&appointment.id).filter(|strike| strike.breach == Breach::Missed);
    let state = strike.map(|strike| strike.state);
    let fits = match appointment.state {
        // What the hospital has refused to book it knows nothing of.
        State::NoShow => matches!(state, Some(StrikeState::Final | StrikeState::Voided)),
        _ => state.is_none_or(|state| !state.counts()),
    };
    ensure(fits, || format!("on record {strike:?}: {appointment:?}"))
}

/// All visits of the people of the seed.
async fn visits(world: &World<'_>) -> Vec<Appointment> {
    let patients: BTreeSet<_> = world.people.iter().map(|person| person.patient.clone()).collect();
    let mut visits = Vec::new();
    for patient in patients {
        visits.extend(world.hospital.table.appointments_of(&patient).await.unwrap());
    }
    visits
}

/// No number is lost, made, doubled, or held by nobody.
async fn numbers(world: &World<'_>, visits: &[Appointment]) -> Result<(), String> {
    let slot = world.hospital.table.slot(&world.clinic, slot()).await.unwrap().unwrap();
    let several = slot.free_numbers.len() + slot.taken.len() + slot.elsewhere.len();
    ensure(slot.numbers() == (1..=NUMBERS).collect(), || format!("a number was lost or made: {slot:?}"))?;
    ensure(several == usize::from(NUMBERS), || format!("doubled: {slot:?}"))?;
    let mut booked = 0;
    for appointment in visits {
        missed_once(world, appointment).await?;
        if is_the_patients(appointment) {
            booked += 1;
            let mine = slot.taken.get(&appointment.id).map(|taken| (taken.claim, taken.number));
            let wanted = Some((Claim::Booked, appointment.place.number));
            ensure(mine == wanted, || format!("booked without its number: {appointment:?} {slot:?}"))?;
        }
    }
    ensure(slot.taken.len() == booked, || format!("a number is held by nobody: {slot:?}"))
}
