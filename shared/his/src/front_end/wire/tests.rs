//! Bodies as they are sent and read, in the format that shows them best.

use super::*;
use crate::bill::{BillFault, BillKind, RejectedBill, UnpaidBills};
use crate::fees::{BillAmount, FeesPost, Paid, Receipt, Registration};
use crate::front_end::format::Format;
use crate::refund::{BillLine, Lines, RefundPost, RefundReason};
use proptest::prelude::*;
use serde_json::{Value, json};

fn answer<T: DeserializeOwned>(body: &[u8]) -> Result<Option<T>, HisError> {
    data_of(Format::default().decode(body, "").ok_or(HisError::Unreadable)?)
}

fn bill(change: impl FnOnce(&mut Value)) -> Value {
    let mut bill = json!({
        "bill_no": "B1",
        "visit": { "visit_no": "V1", "department": "心血管内科", "doctor": "沈怀远", "date": "2026-11-23" },
        "kind": "lab",
        "total": "56.50",
        "items": [
            { "item_no": "B1-1", "name": "血脂四项", "spec": "", "quantity": 1, "unit": "次", "amount": "48.00" },
            { "item_no": "B1-2", "name": "空腹血糖", "spec": "", "quantity": 1, "unit": "次", "amount": "8.50" },
        ],
        "place": { "building": "门诊楼", "floor": "2 层", "window": "3 号窗口", "note": "" },
    });
    change(&mut bill);
    bill
}

fn read(bills: &[Value]) -> UnpaidBills {
    let body = json!({ "code": 0, "error": "", "message": "", "data": { "bills": bills } });
    let data: Option<BillsData> = answer(&serde_json::to_vec(&body).unwrap()).unwrap();
    data.unwrap().into()
}

#[test]
fn payments_and_refunds_as_they_are_sent() {
    let at = "2026-11-23T02:00:00Z".parse().unwrap();
    let fen = |amount| Fen::new(amount).unwrap();
    let paid = || Paid { at, transaction_id: Some("4200000000202611230000000001".parse().unwrap()) };
    let bills = vec![
        BillAmount { bill_no: "B1".parse().unwrap(), amount: fen(5_650) },
        BillAmount { bill_no: "B2".parse().unwrap(), amount: fen(8_005) },
    ];
    let bills = FeesPost::bills("Babc_01".parse().unwrap(), "C1".parse().unwrap(), bills, paid()).unwrap();
    let visit = |doctor: Option<&str>| Registration {
        appointment: domain::id::AppointmentId::from_bytes([1; 10]),
        clinic: "20261123-am-XNK-pool".parse().unwrap(),
        number: 3,
        department: "XNK".parse().unwrap(),
        doctor: doctor.map(|doctor| doctor.parse().unwrap()),
        date: domain::civil::date(2026, 11, 23),
    };
    let post = |card: Option<&str>, doctor, fee, paid| {
        let card = card.map(|card| card.parse().unwrap());
        FeesPost::registration("abc_01".parse().unwrap(), card, visit(doctor), fen(fee), paid).unwrap()
    };
    let registration = post(Some("C1"), Some("D0101"), 2_500, paid());
    let free = post(None, None, 0, Paid { at, transaction_id: None });
    let refund = |lines| RefundPost {
        serial: "Babc_01_R1".parse().unwrap(),
        original: "Babc_01".parse().unwrap(),
        lines,
        amount: fen(4_800),
        refunded_at: at,
        reason: RefundReason::new("患者申请").unwrap(),
    };
    let line = BillLine { bill_no: "B1".parse().unwrap(), item_no: "B1-1".parse().unwrap() };
    let (some, all) = (refund(Lines::some(vec![line]).unwrap()), refund(Lines::everything()));
    insta::assert_json_snapshot!(json!({
        "fees-post, bills": FeesBody::from(&bills),
        "fees-post, registration": FeesBody::from(&registration),
        "fees-post, free visit without a card": FeesBody::from(&free),
        "refund-post, one item": RefundBody::from(&some),
        "refund-post, everything left": RefundBody::from(&all),
    }));
}

#[test]
fn a_bill_that_adds_up_is_read() {
    let unpaid = read(&[bill(|_| ())]);
    assert_eq!(unpaid.rejected, []);
    let bill = &unpaid.bills[0];
    assert_eq!(bill.total(), Fen::new(5650).unwrap());
    assert_eq!(bill.kind(), BillKind::Lab);
    assert_eq!(bill.items()[1].name.as_str(), "空腹血糖");
    assert_eq!(bill.place().floor.as_str(), "2 层");
    assert_eq!(bill.visit().date, domain::civil::date(2026, 11, 23));
}

#[test]
fn a_bill_that_is_wrong_is_left_out_and_named() {
    type Change = fn(&mut Value);
    let cases: [(Change, BillFault); 12] = [
        (|bill| bill["total"] = json!("56.51"), BillFault::Total),
        (|bill| bill["total"] = json!("0.00"), BillFault::Total),
        (|bill| bill["total"] = json!(56.5), BillFault::Shape),
        (|bill| bill["items"][0]["amount"] = json!("-48.00"), BillFault::Amount),
        (|bill| bill["items"][0]["amount"] = json!("4.8e1"), BillFault::Amount),
        (|bill| bill["items"][0]["quantity"] = json!(0), BillFault::Amount),
        (|bill| bill["items"][0]["quantity"] = json!(-1), BillFault::Shape),
        (|bill| bill["items"][1]["item_no"] = json!("B1-1"), BillFault::ItemTwice),
        (|bill| bill["items"] = json!([]), BillFault::Empty),
        (|bill| bill["kind"] = json!("meal"), BillFault::Kind),
        (|bill| bill["visit"]["visit_no"] = json!("V 1"), BillFault::Number),
        (|bill| bill["place"] = json!(null), BillFault::Shape),
    ];
    for (change, fault) in cases {
        let other = bill(|bill| bill["bill_no"] = json!("B2"));
        let unpaid = read(&[bill(change), other]);
        assert_eq!(unpaid.rejected, [RejectedBill { bill_no: "B1".parse().ok(), fault }]);
        assert_eq!(unpaid.bills.len(), 1);
    }
    let nameless = read(&[bill(|bill| bill["bill_no"] = json!("账单"))]);
    assert_eq!(nameless.rejected, [RejectedBill { bill_no: None, fault: BillFault::Number }]);
    assert_eq!(nameless.rejected[0].to_string(), "bill without number: one of its numbers is not an identifier");
    let twice = read(&[bill(|_| ()), bill(|_| ())]);
    assert_eq!((twice.bills.len(), twice.rejected[0].fault), (1, BillFault::Twice));
}

proptest! {
    #[test]
    fn a_bill_is_shown_only_if_it_adds_up(fens in prop::collection::vec(0..10_000_i64, 1..5), more in -2..=2_i64) {
        let yuan = |fen: i64| Fen::new(fen).map(|fen| fen.to_string());
        let item = |(number, fen): (usize, &i64)| json!({
            "item_no": number.to_string(), "name": "项目", "spec": "", "quantity": 1, "unit": "次",
            "amount": yuan(*fen).unwrap(),
        });
        let total = yuan(fens.iter().sum::<i64>() + more).unwrap_or_else(|_| "-0.01".into());
        let unpaid = read(&[bill(|bill| {
            bill["items"] = fens.iter().enumerate().map(item).collect();
            bill["total"] = json!(total);
        })]);
        prop_assert_eq!((unpaid.bills.len(), unpaid.rejected.len()), if more == 0 { (1, 0) } else { (0, 1) });
    }

    #[test]
    fn any_answer_ends(body: Vec<u8>, text in "\\PC*") {
        prop_assert!(answer::<BillsData>(&body).is_err());
        let envelope = json!({ "code": 0, "error": "", "data": { "bills": [text, { "bill_no": text }] } });
        let data: Option<BillsData> = answer(&serde_json::to_vec(&envelope).unwrap()).unwrap();
        prop_assert_eq!(UnpaidBills::from(data.unwrap()).rejected.len(), 2);
    }
}

#[test]
fn a_free_bill_is_a_bill() {
    let unpaid = read(&[bill(|bill| {
        bill["total"] = json!("0.00");
        bill["items"] = json!([
            { "item_no": "1", "name": "复查", "spec": "", "quantity": 1, "unit": "次", "amount": "0.00" }
        ]);
    })]);
    assert!(unpaid.bills[0].total().is_zero());
}

fn outcome(body: &str) -> Result<Option<RefundNoData>, HisError> {
    answer(body.as_bytes())
}

#[test]
fn an_answer_is_data_nothing_or_a_refusal() {
    let data = outcome(r#"{"code":0,"error":"","message":"","data":{"refund_no":"T1"}}"#).unwrap().unwrap();
    assert_eq!(data.refund_no.as_str(), "T1");
    assert!(outcome(r#"{"code":1,"error":"","message":"","data":null}"#).unwrap().is_none());
    let refused = outcome(r#"{"code":-1,"error":"PERFORMED","message":"项目已执行","data":null}"#).err().unwrap();
    assert_eq!(refused, HisError::Refused { code: Refusal::Performed });
    assert_eq!(refused.to_string(), "the HIS refuses: PERFORMED");
    for unreadable in [
        "",
        "[]",
        r#"{"code":2,"error":"","data":null}"#,
        r#"{"code":0,"error":"","data":null}"#,
        r#"{"code":-1,"error":"张三的账单","data":null}"#,
    ] {
        assert_eq!(outcome(unreadable).err(), Some(HisError::Unreadable), "{unreadable}");
    }
}

#[test]
fn a_bad_invoice_link_costs_no_receipt() {
    let body = json!({ "receipt_no": "R1", "places": [], "invoice_url": "javascript:alert(1)" });
    let receipt: Receipt = serde_json::from_value::<ReceiptData>(body).unwrap().into();
    assert_eq!((receipt.receipt_no.as_str(), receipt.invoice_url), ("R1", None));
}
