//! Orders of three bill items, as the tests of this function need them.

use domain::event::Actor;
use domain::id::{OutTradeNo, PatientId};
use domain::money::Fen;
use domain::order::{BillItem, HisAnswer, HisTask, Line, NewOrder, Order, Payment, Place, Receipt, Subject};
use domain::{Timestamp, time};

pub(crate) fn now() -> Timestamp {
    "2026-11-23T02:00:00Z".parse().unwrap()
}

fn line(name: &str, fen: u16, bill: &str, item: &str) -> Line {
    let item = BillItem { bill: bill.parse().unwrap(), item: item.parse().unwrap() };
    Line { name: name.into(), amount: Fen::of(fen), item: Some(item) }
}

/// 血脂四项 and 空腹血糖 on bill B1, 心电图 on bill B2.
pub(crate) fn unpaid() -> Order {
    let new = NewOrder {
        out_trade_no: OutTradeNo::of_bills([1; 10], 1),
        subject: Subject::Bills {
            card: "C1".parse().unwrap(),
            bills: vec!["B1".parse().unwrap(), "B2".parse().unwrap()],
        },
        patient: PatientId::from_bytes([2; 10]),
        patient_name_masked: "林*梅".into(),
        payer: "oLin".parse().unwrap(),
        lines: vec![
            line("血脂四项", 4_800, "B1", "B1-1"),
            line("空腹血糖", 850, "B1", "B1-2"),
            line("常规心电图", 3_000, "B2", "B2-1"),
        ],
        expires_at: time::add_minutes(now(), 30),
    };
    Order::open(new, now()).unwrap()
}

pub(crate) fn paid() -> Order {
    let order = unpaid();
    let payment = Payment { transaction_id: "4200".into(), total: order.amount, paid_at: None };
    order.paid(&payment, Actor::WechatPay, now()).unwrap().settled(now()).unwrap()
}

/// Paid, with what the hospital answers.
pub(crate) fn answered(answer: HisAnswer) -> Order {
    let asked = paid().his_asked(&HisTask::Post, now()).unwrap();
    asked.his_answered(&HisTask::Post, answer, now()).unwrap()
}

pub(crate) fn posted() -> Order {
    let place = Place { bill: Some("B1".parse().unwrap()), text: "门诊楼 2 层 3 号窗口（空腹）".into() };
    let invoice_url = Some("https://invoice.hospital.example/R1".into());
    answered(HisAnswer::Posted(Receipt { receipt_no: "R1".into(), places: vec![place], invoice_url }))
}
