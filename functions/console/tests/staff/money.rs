//! Refunds by two people, the worklist, and closing a clinic (F16, F34).

use crate::world::{ALL, Answer, BOSS, World, at, demo_schedules};
use domain::event::Actor;
use domain::id::{AppointmentId, OutTradeNo, PatientId};
use domain::money::Fen;
use domain::order::{
    BillItem, HisAnswer, HisTask, Line, ManualWhy, NewOrder, Order, Payment, Receipt, RefundAnswer, RefundReport,
    Subject,
};
use domain::time;
use lambda_http::http::Method;
use serde_json::{Value, json};

const NOW: &str = crate::world::NOW;
/// Line 1 is below what the profile lets one person decide, line 2 above.
const CHEAP_FEN: u16 = 4_800;
const DEAR_FEN: u16 = 18_600;

fn order(subject: Subject, number: OutTradeNo, lines: Vec<Line>) -> Order {
    let new = NewOrder {
        out_trade_no: number,
        subject,
        patient: PatientId::from_bytes([2; 10]),
        patient_name_masked: "林*梅".into(),
        payer: "o-lin".parse().unwrap(),
        lines,
        expires_at: time::add_minutes(at(NOW), 30),
    };
    Order::open(new, at(NOW)).unwrap()
}

fn line(name: &str, fen: u16, item: &str) -> Line {
    let item = BillItem { bill: "B1".parse().unwrap(), item: item.parse().unwrap() };
    Line { name: name.into(), amount: Fen::of(fen), item: Some(item) }
}

fn bills() -> Order {
    let subject = Subject::Bills { card: "C1".parse().unwrap(), bills: vec!["B1".parse().unwrap()] };
    let lines = vec![line("血脂四项", CHEAP_FEN, "B1-1"), line("心脏彩超", DEAR_FEN, "B1-2")];
    order(subject, OutTradeNo::of_bills([1; 10], 1), lines)
}

fn paid(order: &Order) -> Order {
    let payment = Payment { transaction_id: "4200".into(), total: order.amount, paid_at: Some(at(NOW)) };
    order.paid(&payment, Actor::WechatPay, at(NOW)).unwrap().settled(at(NOW)).unwrap()
}

fn answered(order: &Order, answer: HisAnswer) -> Order {
    let asked = order.his_asked(&HisTask::Post, at(NOW)).unwrap();
    asked.his_answered(&HisTask::Post, answer, at(NOW)).unwrap()
}

fn posted(order: &Order) -> Order {
    let receipt = Receipt { receipt_no: "R1".into(), places: Vec::new(), invoice_url: None };
    answered(order, HisAnswer::Posted(receipt))
}

struct Desk {
    world: World,
    path: String,
    number: OutTradeNo,
}

impl Desk {
    /// With this order in the table.
    async fn with(order: Order) -> Self {
        let world = World::with_catalog().await;
        world.table().create_order(&order).await.unwrap();
        Self { world, path: format!("/staff/orders/{}", order.out_trade_no), number: order.out_trade_no }
    }

    async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        self.world.send(Method::POST, &format!("{}{path}", self.path), token, body.to_string()).await
    }

    async fn refund(&self, lines: Value, key: &str, token: &str) -> Answer {
        self.post("/refunds", token, json!({ "lines": lines, "idempotency_key": key })).await
    }

    async fn decide(&self, sequence: usize, word: &str, token: &str) -> Answer {
        self.post(&format!("/refunds/{}_R{sequence}/{word}", self.number), token, json!({})).await
    }

    /// WeChat answers about the first refund.
    async fn wechat_says(&self, answer: RefundAnswer) {
        let (number, now) = (format!("{}_R1", self.number).parse().unwrap(), at(NOW));
        let amount = self.order().await.refund_of(&number).unwrap().amount;
        let report = RefundReport { answer, amount, accepted_at: None, refund_id: Some("5030".into()) };
        self.world
            .table()
            .move_order(&self.number, |order| order.refund_answered(&number, &report, now))
            .await
            .unwrap();
    }

    async fn order(&self) -> Order {
        self.world.table().order(&self.number).await.unwrap().unwrap()
    }

    async fn work(&self) -> Vec<String> {
        let listed = self.world.send(Method::GET, "/staff/worklist", ALL, "").await;
        assert_eq!(listed.status, 200);
        let orders = listed.body["orders"].as_array().unwrap().iter();
        let work = orders.flat_map(|order| order["work"].as_array().unwrap().clone());
        work.map(|work| work["work"].as_str().unwrap().to_owned()).collect()
    }
}

/// Refused by the HIS: everything is on its way back, at WeChat and nowhere else.
fn dropped() -> Order {
    answered(&paid(&bills()), HisAnswer::Refused("BILL_VOID".into()))
}

#[tokio::test]
async fn below_the_amount_one_person_decides_and_a_repeat_is_the_same() {
    let desk = Desk::with(posted(&paid(&bills()))).await;
    let asked = desk.refund(json!([1]), "k1", ALL).await;
    assert_eq!((asked.status, &asked.body["refunds"][0]["state"]), (200, &json!("releasing")));
    assert_eq!((&asked.body["refunds"][0]["by"], &asked.body["kept_fen"]), (&json!("office"), &json!(DEAR_FEN)));
    assert_eq!(asked.body["lines"][0]["given_back"], json!(true));
    assert_eq!(desk.refund(json!([1]), "k1", ALL).await.body, asked.body);
    let other_key = desk.refund(json!([1]), "k2", ALL).await;
    assert_eq!((other_key.status, other_key.code()), (409, "not_refundable"));
    assert!(desk.work().await.is_empty());
}

#[tokio::test]
async fn above_the_amount_a_second_person_agrees_or_says_no() {
    let desk = Desk::with(posted(&paid(&bills()))).await;
    let asked = desk.refund(json!([2]), "k1", ALL).await;
    assert_eq!(asked.body["refunds"][0]["state"], json!("proposed"));
    assert_eq!(desk.work().await, [format!("approve-{}_R1", desk.number)]);
    for word in ["approve", "decline"] {
        let own = desk.decide(1, word, ALL).await;
        assert_eq!((own.status, own.code()), (403, "same_person"), "{word}");
    }
    let declined = desk.decide(1, "decline", BOSS).await;
    assert_eq!((declined.status, &declined.body["refunds"][0]["state"]), (200, &json!("declined")));
    assert_eq!(desk.decide(1, "decline", BOSS).await.body, declined.body, "a repeat says the same");
    assert_eq!(desk.refund(json!([2]), "k2", ALL).await.status, 200, "the line is still paid for");
    let agreed = desk.decide(2, "approve", BOSS).await;
    assert_eq!(agreed.body["refunds"][1]["state"], json!("releasing"));
    assert!(desk.work().await.is_empty());
    for (sequence, word) in [(9, "approve"), (9, "decline"), (2, "retry"), (2, "returned-outside")] {
        let answer = desk.decide(sequence, word, BOSS).await;
        assert_eq!((answer.status, answer.code()), (409, "cannot_refund"), "{sequence} {word}");
    }
}

#[tokio::test]
async fn everything_at_once_counts_as_its_sum() {
    let desk = Desk::with(posted(&paid(&bills()))).await;
    let asked = desk.post("/refunds", ALL, json!({ "idempotency_key": "k1" })).await;
    assert_eq!(asked.body["refunds"][0]["state"], json!("proposed"));
    assert_eq!(asked.body["refunds"][0]["amount_fen"], json!(CHEAP_FEN + DEAR_FEN));
    let own = desk.decide(1, "approve", ALL).await;
    assert_eq!(own.code(), "same_person");
}

#[tokio::test]
async fn the_amount_is_the_hospitals_to_set() {
    let desk = Desk::with(posted(&paid(&bills()))).await;
    let mut profile: Value = serde_json::from_slice(&crate::world::demo("profile.json")).unwrap();
    profile["money"] = json!({ "checker_above_fen": CHEAP_FEN - 1 });
    let put = desk.world.send(Method::PUT, "/staff/profile", ALL, profile.to_string()).await;
    assert_eq!(put.status, 200, "{put:?}");
    assert_eq!(desk.refund(json!([1]), "k1", ALL).await.body["refunds"][0]["state"], json!("proposed"));
}

#[tokio::test]
async fn what_wechat_cannot_return_is_settled_by_people() {
    let desk = Desk::with(dropped()).await;
    assert_eq!(desk.order().await.in_sequence().count(), 1, "refused by the HIS: on its way back");
    desk.wechat_says(RefundAnswer::Failed(ManualWhy::Abnormal)).await;
    let work = format!("return-{}_R1", desk.number);
    assert_eq!(desk.work().await, [work.as_str()]);
    let remark = desk.post("/remarks", ALL, json!({ "work": work, "text": "已退" })).await;
    assert_eq!((remark.status, remark.code()), (409, "cannot_refund"), "words are no money");
    assert_eq!(desk.decide(1, "retry", ALL).await.body["refunds"][0]["state"], json!("accepted"));
    desk.wechat_says(RefundAnswer::Failed(ManualWhy::Abnormal)).await;
    let outside = desk.decide(1, "returned-outside", BOSS).await;
    assert_eq!(outside.body["refunds"][0]["state"], json!("outside"));
    assert_eq!(desk.decide(1, "returned-outside", BOSS).await.body, outside.body);
    assert!(desk.work().await.is_empty());
}

#[tokio::test]
async fn a_refund_wechat_closed_gets_a_new_number_once() {
    let desk = Desk::with(dropped()).await;
    desk.wechat_says(RefundAnswer::Failed(ManualWhy::Closed)).await;
    let again = desk.decide(1, "retry", ALL).await;
    let refunds = again.body["refunds"].as_array().unwrap();
    let seen: Vec<_> = refunds.iter().map(|refund| refund["state"].as_str().unwrap()).collect();
    assert_eq!(seen, ["declined", "requested"]);
    assert_eq!(desk.decide(1, "retry", ALL).await.code(), "cannot_refund");
    assert_eq!(desk.order().await.kept().unwrap(), Fen::ZERO);
}

#[tokio::test]
async fn a_refused_registration_stands_until_a_remark_settles_it() {
    let subject = Subject::Registration { appointment: AppointmentId::from_bytes([3; 10]), date: time::today(at(NOW)) };
    let number = OutTradeNo::of(&AppointmentId::from_bytes([3; 10]), 1);
    let fee = Line { name: "挂号费".into(), amount: Fen::of(2_500), item: None };
    let refused = answered(&paid(&order(subject, number, vec![fee])), HisAnswer::Refused("NO_SUCH_CARD".into()));
    let desk = Desk::with(refused).await;
    let money_back = desk.post("/refunds", ALL, json!({ "idempotency_key": "k1" })).await;
    assert_eq!((money_back.status, money_back.code()), (409, "cancel_instead"));
    let remark = async |work: &str, text: &str| desk.post("/remarks", ALL, json!({ "work": work, "text": text })).await;
    for text in ["", "  ", &"长".repeat(201)] {
        let answer = remark("his_refused", text).await;
        assert_eq!((answer.status, answer.code()), (422, "bad_remark"));
    }
    assert_eq!(remark("disputed-4200", "查").await.code(), "cannot_refund");
    assert_eq!(remark("stuck", "再试").await.status, 200, "nothing is stuck: nothing to do");
    let settled = remark("his_refused", "已在窗口补录").await;
    assert_eq!((settled.status, &settled.body["remarks"][0]["by"]), (200, &json!("office")));
    assert_eq!(settled.body["work"], json!([]));
    assert_eq!(remark("his_refused", "再写").await.code(), "cannot_refund");
}

#[tokio::test]
async fn a_disputed_payment_moves_nothing_and_is_listed() {
    let desk = Desk::with(bills()).await;
    let payment = Payment { transaction_id: "4299".into(), total: Fen::of(1), paid_at: Some(at(NOW)) };
    let (table, profile) = (desk.world.table(), desk.world.profile().await);
    let settled = table.settle_payment(&profile, &desk.number, &payment, &Actor::WechatPay, at(NOW)).await;
    assert!(settled.is_err());
    assert!(!desk.order().await.is_paid());
    assert_eq!(desk.work().await, ["disputed-4299"]);
    let unpaid = desk.refund(json!([1]), "k1", ALL).await;
    assert_eq!((unpaid.status, unpaid.code()), (409, "cannot_refund"));
    let settled = desk.post("/remarks", BOSS, json!({ "work": "disputed-4299", "text": "微信侧已退" })).await;
    assert_eq!((settled.status, desk.work().await.len()), (200, 0));
}

/// Whoever reads the list takes off it what needs nobody, at the very moment an order begins to need somebody.
#[tokio::test]
async fn reading_the_list_loses_no_order() {
    let desk = Desk::with(bills()).await;
    for round in 0..30_u16 {
        let disputed = Payment { transaction_id: format!("42{round:02}"), total: Fen::of(1), paid_at: Some(at(NOW)) };
        let table = desk.world.table();
        let dispute = table.move_order(&desk.number, |order| {
            // As staff settle each at once, the order is on the list and needs nobody when the next comes.
            let mut settled = order.clone();
            settled.disputes.clear();
            settled.disputed(&disputed, at(NOW))
        });
        let (moved, ()) = tokio::join!(dispute, async {
            for _ in 0..4 {
                table.worklist().await.unwrap();
            }
        });
        moved.unwrap();
        let work = format!("disputed-42{round:02}");
        assert_eq!(desk.work().await, [work.as_str()], "round {round}");
        assert_eq!(desk.post("/remarks", ALL, json!({ "work": work, "text": "查" })).await.status, 200);
    }
}

#[tokio::test]
async fn what_is_not_there_or_not_understood() {
    let desk = Desk::with(posted(&paid(&bills()))).await;
    let nobody = "/staff/orders/nobody_01";
    for path in [nobody.to_owned(), "/staff/orders/x%20y".to_owned()] {
        assert_eq!(desk.world.send(Method::GET, &path, ALL, "").await.status, 404, "{path}");
    }
    for path in ["/refunds", "/refunds/nobody_01_R1/approve", "/remarks"] {
        let body = json!({ "idempotency_key": "k", "work": "stuck", "text": "查" });
        let answer = desk.world.send(Method::POST, &format!("{nobody}{path}"), ALL, body.to_string()).await;
        assert!([400, 404].contains(&answer.status), "{path}: {answer:?}");
    }
    for key in ["", &"k".repeat(65)] {
        assert_eq!(desk.refund(json!([1]), key, ALL).await.status, 400);
    }
    for lines in [json!([0]), json!([3]), json!([])] {
        assert_eq!(desk.refund(lines.clone(), "k", ALL).await.code(), "not_refundable", "{lines}");
    }
    for body in
        [json!({}), json!({ "idempotency_key": "k", "line": [1] }), json!({ "idempotency_key": "k", "lines": ["1"] })]
    {
        assert_eq!(desk.post("/refunds", ALL, body.clone()).await.status, 400, "{body}");
    }
}

#[tokio::test]
async fn a_closed_clinic_says_how_many_it_concerns_and_takes_nobody_more() {
    let world = World::with_catalog().await;
    assert_eq!(world.import("schedules", demo_schedules()).await.status, 200);
    let clinic = "20261123-am-XNK-pool";
    world.book(clinic, "0800", 1).await;
    let held = world.hold(clinic, "0900", 2).await;
    let path = format!("/staff/clinics/{clinic}/close");
    for _ in 0..2 {
        let closed = world.send(Method::POST, &path, ALL, "").await;
        assert_eq!((closed.status, &closed.body["affected"]), (200, &json!(2)));
    }
    let profile = world.profile().await;
    let table = world.table();
    let cancelled = table.empty_closed_clinic(&profile, &clinic.parse().unwrap(), &Actor::Schedule, at(NOW)).await;
    assert_eq!(cancelled.unwrap(), 2);
    assert!(!table.appointment(&held.key()).await.unwrap().unwrap().is_live(at(NOW)));
    let again = world.send(Method::POST, &path, ALL, "").await;
    assert_eq!((again.status, &again.body["affected"]), (200, &json!(0)));
    assert_eq!(world.send(Method::POST, "/staff/clinics/20261123-am-NOPE-pool/close", ALL, "").await.status, 404);
}
