//! What can happen, in any order.

use super::dice::Dice;
use crate::visit::hospital::{Captured, Hospital, Person, appointment_key};
use crate::visit::proxy::{Fault, Plan};
use domain::appointment::{AppointmentKey, CancelledBy};
use domain::event::Actor;
use domain::id::{CardNo, ClinicId, OutTradeNo};
use domain::order::{Cause, ManualWhy, Order, OrderError, RefundRequest, RefundState, Share};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Numbers of the one clinic of a seed: fewer than people who want one.
pub(super) const NUMBERS: u16 = 2;
const FEE_FEN: i64 = 2500;
/// A call disturbed by a fault is among the first so many.
const DISTURBED_CALLS: usize = 30;
/// A request without an answer arrives within this time or never: less than the desk waits for it.
const UNDERWAY_MAX_MIN: i64 = 5;
/// Turns everything has to settle in.
const TURNS_MAX: usize = 120;

pub(super) struct World<'a> {
    pub(super) hospital: &'a Hospital,
    pub(super) people: Vec<Person>,
    pub(super) clinic: ClinicId,
    pub(super) bills: Vec<(String, Vec<String>)>,
    pub(super) orders: BTreeSet<OutTradeNo>,
    pub(super) trace: Vec<String>,
    seed: u64,
    card: CardNo,
    appointments: Vec<(usize, AppointmentKey)>,
    bill_orders: Vec<(usize, OutTradeNo)>,
    sheets: Vec<(usize, Value)>,
    notifications: Vec<Captured>,
    serial: u64,
    /// For how long a request may have been underway to the HIS.
    underway_min: i64,
}

impl<'a> World<'a> {
    /// Two people who both look after a patient of their own, a third who looks after the first one's; a clinic with two
    /// numbers; a card with three bills.
    pub(super) async fn open(hospital: &'a Hospital, seed: u64, dice: &mut Dice) -> Self {
        let first = hospital.patient("lin").await;
        let second = hospital.patient("chen").await;
        let relative = hospital.linked("zhou", &first).await;
        let clinic = hospital.clinic_at(NUMBERS, FEE_FEN).await;
        hospital.list_at_the_his(&clinic).await;
        let card: CardNo = format!("V{seed:08}").parse().unwrap();
        hospital.give_card(&first, &card).await;
        let mut world = Self {
            hospital,
            people: vec![first, second, relative],
            clinic,
            bills: Vec::new(),
            orders: BTreeSet::new(),
            trace: Vec::new(),
            seed,
            card,
            appointments: Vec::new(),
            bill_orders: Vec::new(),
            sheets: Vec::new(),
            notifications: Vec::new(),
            serial: 0,
            underway_min: 0,
        };
        for _ in 0..=dice.below(3) {
            world.write_bill(dice).await;
        }
        world
    }

    fn key(&mut self) -> String {
        self.serial += 1;
        format!("{:016}", self.seed * 1000 + self.serial)
    }

    async fn write_bill(&mut self, dice: &mut Dice) {
        let items: Vec<Value> = (0..=dice.below(3))
            .map(|at| {
                let fen = if dice.one_in(12) { 0 } else { 100 + dice.below(9000) };
                let amount = format!("{}.{:02}", fen / 100, fen % 100);
                json!({ "name": format!("项目{at}"), "amount": amount, "spec": "", "quantity": 1, "unit": "次" })
            })
            .collect();
        let bill = self.hospital.his.post("bills", json!({ "card_no": self.card.as_str(), "items": items })).await;
        let items = bill["items"].as_array().unwrap_or_else(|| panic!("no bill: {bill}"));
        let numbers = items.iter().map(|item| item["item_no"].as_str().unwrap().to_owned()).collect();
        self.bills.push((bill["bill_no"].as_str().unwrap().to_owned(), numbers));
    }

    /// One thing happens, once in four with a fault or a crash at some call of it.
    pub(super) async fn step(&mut self, dice: &mut Dice) {
        let plan = dice.one_in(4).then(|| {
            let fault = *dice.pick(&[Fault::Before, Fault::After]).unwrap();
            Plan { at: dice.below(DISTURBED_CALLS), fault, crash: dice.one_in(2) }
        });
        self.hospital.switch.arm(plan);
        let mut what = self.happen(dice).await;
        // What had nothing to work on is no step.
        while what.starts_with("no") {
            what = self.happen(dice).await;
        }
        self.hospital.switch.arm(None);
        self.collect();
        self.trace.push(match plan {
            Some(plan) => format!("{what} with {plan:?}"),
            None => what,
        });
    }

    async fn happen(&mut self, dice: &mut Dice) -> String {
        match dice.below(40) {
            0..4 => Box::pin(self.hold(dice)).await,
            4..9 => Box::pin(self.open_sheet(dice)).await,
            9..15 => Box::pin(self.pay(dice)).await,
            15..18 => Box::pin(self.notify(dice)).await,
            18..21 => Box::pin(self.check(dice)).await,
            21 => Box::pin(self.cancel(dice)).await,
            22..26 => Box::pin(self.choose_bills(dice)).await,
            26..29 => Box::pin(self.give_back(dice)).await,
            29 => Box::pin(self.staff_refund(dice)).await,
            30 => Box::pin(self.at_the_hospital(dice)).await,
            31 => Box::pin(self.his_trouble(dice)).await,
            32..34 => Box::pin(self.wechat_trouble(dice)).await,
            34 => Box::pin(self.policy(dice)).await,
            35..38 => Box::pin(self.tick(dice)).await,
            _ => Box::pin(self.pass(dice)).await,
        }
    }

    /// Both of the first patient's people act for the first patient.
    async fn hold(&mut self, dice: &mut Dice) -> String {
        let who = dice.below(self.people.len());
        let key = self.key();
        let (status, held) = self.hospital.hold(&self.people[who], &self.clinic, &key).await;
        if status == 200 {
            self.appointments.push((who, appointment_key(&held)));
        }
        format!("person {who} holds: {status}")
    }

    async fn open_sheet(&mut self, dice: &mut Dice) -> String {
        let Some((what, who, path)) = self.payable(dice) else { return "nothing to pay".into() };
        let (status, answer) = self.hospital.post(&self.people[who], &format!("{path}/prepay"), &[]).await;
        if status == 200 && answer["request"].is_object() {
            self.sheets.push((who, answer));
        }
        format!("person {who} opens the sheet of {what}: {status}")
    }

    fn payable(&self, dice: &mut Dice) -> Option<(String, usize, String)> {
        if dice.one_in(2) {
            let (who, key) = dice.pick(&self.appointments)?;
            // The relative may pay for the first patient's visit.
            let who = if *who != 1 && dice.one_in(4) { 2 - *who } else { *who };
            return Some((format!("visit {}", key.id), who, format!("/appointments/{key}")));
        }
        let (who, order) = dice.pick(&self.bill_orders)?;
        Some((format!("order {order}"), *who, format!("/orders/{order}")))
    }

    async fn pay(&mut self, dice: &mut Dice) -> String {
        let Some((who, sheet)) = dice.pick(&self.sheets).cloned() else { return "no sheet is open".into() };
        let mut body = sheet["request"].clone();
        body["decision"] = json!(if dice.one_in(8) { "cancel" } else { "pay" });
        let paid = self.hospital.wechat.post(&format!("people/{}/pay", self.people[who].wechat), body).await;
        if paid["result"] == "ok" {
            self.notifications.push(self.hospital.notification().await);
        }
        format!("person {who} pays: {}", paid["result"])
    }

    async fn notify(&mut self, dice: &mut Dice) -> String {
        self.collect();
        let Some(captured) = dice.pick(&self.notifications).cloned() else { return "no notification".into() };
        format!("WeChat notifies: {}", self.hospital.notify(&captured).await)
    }

    async fn check(&mut self, dice: &mut Dice) -> String {
        let Some((what, who, path)) = self.payable(dice) else { return "nothing to check".into() };
        let (status, answer) = self.hospital.post(&self.people[who], &format!("{path}/payment-check"), &[]).await;
        format!("person {who} checks {what}: {status} {}", answer["state"])
    }

    async fn cancel(&mut self, dice: &mut Dice) -> String {
        if dice.one_in(3) {
            let Some((who, order)) = dice.pick(&self.bill_orders).cloned() else { return "no order to close".into() };
            let (status, _) = self.hospital.post(&self.people[who], &format!("/orders/{order}/cancel"), &[]).await;
            return format!("person {who} closes order {order}: {status}");
        }
        let Some((who, key)) = dice.pick(&self.appointments).cloned() else { return "nothing to cancel".into() };
        let (status, _) = self.hospital.cancel(&self.people[who], &key).await;
        format!("person {who} cancels {}: {status}", key.id)
    }

    async fn choose_bills(&mut self, dice: &mut Dice) -> String {
        let who = if dice.one_in(3) { 2 } else { 0 };
        let all = self.bills.clone();
        let mut chosen: Vec<&String> = all.iter().map(|(bill, _)| bill).filter(|_| !dice.one_in(3)).collect();
        if chosen.is_empty() {
            chosen.extend(all.first().map(|(bill, _)| bill));
        }
        let key = self.key();
        let patient = self.people[0].patient.to_string();
        let mut fields = vec![("patient", patient.as_str()), ("idempotency_key", &key)];
        fields.extend(chosen.iter().map(|bill| ("bill", bill.as_str())));
        let (status, answer) = self.hospital.post(&self.people[who], "/bills/orders", &fields).await;
        if let Some(order) = answer["order"].as_str().filter(|_| status == 200) {
            self.bill_orders.push((who, order.parse().unwrap()));
        }
        format!("person {who} chooses {} bills: {status} {}", chosen.len(), answer["code"])
    }

    async fn give_back(&mut self, dice: &mut Dice) -> String {
        let Some((who, order)) = dice.pick(&self.bill_orders).cloned() else { return "nothing to give back".into() };
        let (key, line) = (self.key(), (1 + dice.below(3)).to_string());
        let fields = [("line", line.as_str()), ("idempotency_key", &key)];
        let (status, answer) =
            self.hospital.post(&self.people[who], &format!("/orders/{order}/refunds"), &fields).await;
        format!("person {who} gives back line {line} of {order}: {status} {}", answer["code"])
    }

    /// What the console does when staff ask for a refund, agree to it, or do not.
    async fn staff_refund(&mut self, dice: &mut Dice) -> String {
        let Some((_, order)) = dice.pick(&self.bill_orders).cloned() else { return "nothing to refund".into() };
        let share = if dice.one_in(2) { Share::Everything } else { Share::Lines([1 + dice.below(3)].into()) };
        let request = RefundRequest {
            share,
            cause: Cause::Staff,
            by: Actor::Staff("maker".into()),
            key: Some(self.key()),
            needs_checker: dice.one_in(2),
        };
        let now = self.hospital.now();
        let yes = dice.one_in(2);
        let asked = self.hospital.table.move_order(&order, |order| order.refund(&request, now)).await;
        let checked = self.hospital.table.move_order(&order, |order| answer_proposals(order, yes, now)).await;
        format!("staff refund of {order}: {}, checked: {}", asked.is_ok(), checked.is_ok())
    }

    async fn at_the_hospital(&mut self, dice: &mut Dice) -> String {
        let Some((bill, items)) = dice.pick(&self.bills).cloned() else { return "no bill".into() };
        let item = dice.pick(&items).cloned().unwrap_or_default();
        let (what, body) = match dice.below(9) {
            // Of a clinic it does not list it has nothing to sell.
            8 => ("sell", json!({ "clinic": self.clinic.as_str(), "number": 1 + dice.below(usize::from(NUMBERS)) })),
            0 => ("pay-at-window", json!({ "bill_no": bill })),
            1 => ("void", json!({ "bill_no": bill })),
            2 => ("change", json!({ "bill_no": bill, "item_no": item, "amount": "77.77" })),
            _ => ("perform", json!({ "bill_no": bill, "item_no": item })),
        };
        self.hospital.his.try_post(what, body).await;
        format!("at the hospital: {what} {bill}/{item}")
    }

    async fn his_trouble(&mut self, dice: &mut Dice) -> String {
        let fees = ["/his/v1/fees-post", "/his/v1/refund-post", "/his/v1/fees-posted", "/his/v1/*"];
        let visits = ["/his/v1/lock", "/his/v1/confirm", "/his/v1/cancel", "/his/v1/standing"];
        let paths = if dice.one_in(2) { fees } else { visits };
        let kinds = ["fail_before", "fail_after", "forged", "refuse", "late"];
        let (path, kind) = (dice.pick(&paths).unwrap(), *dice.pick(&kinds).unwrap());
        if dice.one_in(2) {
            self.hospital.his.post("down", json!({ "on": !dice.one_in(3) })).await;
            return "the HIS goes down or comes back".into();
        }
        let body = json!({ "path": path, "kind": kind, "count": 1 + dice.below(3), "error": "BUSY" });
        self.hospital.his.post("faults", body).await;
        format!("HIS trouble: {kind} of {path}")
    }

    async fn wechat_trouble(&mut self, dice: &mut Dice) -> String {
        let (path, kind) = *dice
            .pick(&[
                ("refund", "abnormal"),
                ("refund", "abnormal"),
                ("refund", "closed"),
                ("pay-response", "forged"),
                ("pay-response", "unsigned"),
                ("/v3/*", "fail_after"),
            ])
            .unwrap();
        self.hospital.wechat.post("faults", json!({ "path": path, "kind": kind, "count": 2 })).await;
        format!("WeChat trouble: {kind} of {path}")
    }

    /// The clinic closes, changes its fee, or somebody is banned, whatever is being paid at that moment.
    async fn policy(&mut self, dice: &mut Dice) -> String {
        let (hospital, now) = (self.hospital, self.hospital.now());
        match dice.below(4) {
            0 => {
                hospital.table.close_clinic(&self.clinic, now).await.unwrap();
                "the clinic closes".into()
            }
            1 => {
                hospital.change_fee(&self.clinic, FEE_FEN + 500).await;
                "the clinic's fee changes".into()
            }
            2 => {
                let who = dice.below(2);
                hospital.ban(&self.people[who]).await;
                format!("person {who} is banned")
            }
            _ => {
                let Some((_, key)) = dice.pick(&self.appointments) else { return "nothing to cancel".into() };
                let (by, actor) = (CancelledBy::Hospital, Actor::Staff("window".into()));
                let done = hospital.table.cancel(&hospital.profile, key, by, &actor, now).await;
                format!("the hospital cancels {}: {}", key.id, done.is_ok())
            }
        }
    }

    async fn tick(&mut self, dice: &mut Dice) -> String {
        match dice.below(4) {
            0 => drop(sweeper::handle(&self.hospital.sweeper).await),
            1 => drop(reconcile::handle(&self.hospital.reconcile).await),
            2 => drop(his_sync::handle(&self.hospital.his_sync).await),
            _ => drop(self.hospital.tick().await),
        }
        "a tick".into()
    }

    async fn pass(&mut self, dice: &mut Dice) -> String {
        let minutes = *dice.pick(&[1, 2, 5, 9, 20]).unwrap();
        self.underway_min += minutes;
        if self.underway_min > UNDERWAY_MAX_MIN {
            self.arrive().await;
        }
        self.hospital.pass_minutes(minutes).await;
        format!("{minutes} minutes pass")
    }

    /// Requests the HIS has taken in without an answer take effect.
    async fn arrive(&mut self) {
        self.underway_min = 0;
        self.hospital.his.post("late", json!({})).await;
    }

    /// Notifications that have come in the meantime (refunds), for later.
    fn collect(&mut self) {
        self.notifications.extend(self.hospital.captured());
    }

    /// The troubles end, staff work off their list, and the schedules run until nothing is due.
    pub(super) async fn settle(&mut self) {
        self.arrive().await;
        self.hospital.his.post("faults", json!({ "clear": true })).await;
        self.hospital.wechat.post("faults", json!({ "clear": true })).await;
        if self.seed.is_multiple_of(5) {
            // Some cards have been closed meanwhile: finance returns that money by another way.
            let closed_card = json!({ "path": "refund", "kind": "abnormal", "count": 1 });
            self.hospital.wechat.post("faults", closed_card).await;
        }
        for _ in 0..TURNS_MAX {
            self.work_off().await;
            let due = self.hospital.due().await;
            let Some((at, worker, key)) = due.into_iter().next() else { break };
            let wait_s = at - self.hospital.now().as_second();
            if wait_s > 0 {
                self.hospital.pass_minutes(wait_s / 60 + 1).await;
            }
            match worker.as_str() {
                "sweeper" => drop(sweeper::handle(&self.hospital.sweeper).await),
                "reconcile" => drop(reconcile::handle(&self.hospital.reconcile).await),
                "his-sync" => drop(his_sync::handle(&self.hospital.his_sync).await),
                _ => self.hospital.tell(&key).await,
            }
        }
        // The next seed begins without troubles of this one.
        self.hospital.wechat.post("faults", json!({ "clear": true })).await;
        let Some((at, worker, key)) = self.hospital.due().await.into_iter().next() else {
            self.note_orders().await;
            return;
        };
        let order = self.hospital.table.order_at(&key).await;
        let steps = self.trace.join("\n");
        panic!("MONEY_SEED={}: does not settle: {at} {worker} {key:?} {order:?}\n{steps}", self.seed);
    }

    async fn work_off(&self) {
        let now = self.hospital.now();
        for order in self.hospital.table.worklist().await.unwrap() {
            let no = &order.out_trade_no;
            for refund in order.in_sequence() {
                let number = refund.out_refund_no.clone();
                let by = Actor::Staff("checker".into());
                let moved = match refund.state {
                    RefundState::Proposed => {
                        self.hospital.table.move_order(no, |order| order.approved(&number, &by, now)).await
                    }
                    RefundState::Manual { why: ManualWhy::Abnormal | ManualWhy::TooMany | ManualWhy::TooOld } => {
                        self.hospital.table.move_order(no, |order| order.returned_outside(&number, now)).await
                    }
                    RefundState::Manual { .. } => {
                        self.hospital.table.move_order(no, |order| order.retried(&number, &by, now)).await
                    }
                    _ => continue,
                };
                moved.unwrap();
            }
        }
    }

    async fn note_orders(&mut self) {
        let books = self.hospital.wechat.get("books").await;
        for (who, key) in &self.appointments {
            let _ = who;
            let Some(appointment) = self.hospital.table.appointment(key).await.unwrap() else { continue };
            self.orders.extend((1..=appointment.pay_attempt).map(|attempt| OutTradeNo::of(&appointment.id, attempt)));
        }
        self.orders.extend(self.bill_orders.iter().map(|(_, order)| order.clone()));
        // Held by a request whose answer was lost: WeChat knows the order all the same.
        let theirs =
            books["orders"].as_array().unwrap().iter().filter_map(|order| order["body"]["out_trade_no"].as_str());
        for no in theirs.filter_map(|no| no.parse::<OutTradeNo>().ok()) {
            let order = self.hospital.table.order(&no).await.unwrap();
            let mine = |order: &Order| self.people.iter().any(|person| person.patient == order.patient);
            if order.as_ref().is_none_or(mine) {
                self.orders.insert(no);
            }
        }
    }
}

fn answer_proposals(order: &Order, yes: bool, now: domain::Timestamp) -> Result<Order, OrderError> {
    let checker = Actor::Staff("checker".into());
    let proposed = order.in_sequence().find(|refund| refund.state == RefundState::Proposed);
    let number = proposed.ok_or(OrderError::AlreadyDone)?.out_refund_no.clone();
    if yes { order.approved(&number, &checker, now) } else { order.declined(&number, &checker, now) }
}
