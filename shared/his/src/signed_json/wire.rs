//! The bodies as they travel, and how they become types.

use crate::bill::{Bill, BillFault, BillItem, BillKind, Place, RejectedBill, UnpaidBills, Visit};
use crate::error::{HisError, Refusal};
use crate::fees::{BillPlace, Charge, FeesPost, InvoiceUrl, Receipt, Registration};
use crate::label::Label;
use crate::queues::{CARD_QUEUES_MAX, CLINIC_QUEUE_MAX, CardQueue, QueueKind, Told, ToldStage};
use crate::refund::{BillLine, Lines, RefundCheck, RefundPost, Refundability};
use crate::visit::{VisitQuery, VisitStatus};
use domain::Timestamp;
use domain::civil::Date;
use domain::id::{AppointmentId, BillNo, ReceiptNo, RefundReceiptNo};
use domain::money::Fen;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

/// How every answer begins. Its `message` is for people at the HIS and is not read.
#[derive(Deserialize)]
struct Envelope {
    code: i64,
    error: String,
    data: Value,
}

const CODE_OK: i64 = 0;
const CODE_EMPTY: i64 = 1;
const CODE_REFUSED: i64 = -1;

/// The data of an answer; none when the HIS has nothing to tell.
pub(super) fn data_of<T: DeserializeOwned>(body: &[u8]) -> Result<Option<T>, HisError> {
    let Envelope { code, error, data } = serde_json::from_slice(body).map_err(|_| HisError::Unreadable)?;
    match code {
        CODE_OK => serde_json::from_value(data).map(Some).map_err(|_| HisError::Unreadable),
        CODE_EMPTY => Ok(None),
        CODE_REFUSED => Err(Refusal::from_code(&error).map_or(HisError::Unreadable, |code| HisError::Refused { code })),
        _ => Err(HisError::Unreadable),
    }
}

/// The code of a refused signature.
pub(super) fn unauthorized(body: &[u8]) -> HisError {
    let code = serde_json::from_slice::<Envelope>(body).ok().and_then(|envelope| Refusal::from_code(&envelope.error));
    code.map_or(HisError::Unreadable, |code| HisError::Unauthorized { code })
}

/// Yuan with two decimals.
pub(super) struct Yuan(pub(super) Fen);

impl Serialize for Yuan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

// Requests ------------------------------------------------------------------------------------

#[derive(Serialize)]
pub(super) struct CardBody<'a> {
    pub(super) card_no: &'a str,
}

#[derive(Serialize)]
pub(super) struct SerialBody<'a> {
    pub(super) serial: &'a str,
}

/// The only way patients pay here so far.
const CHANNEL: &str = "wechat";

#[derive(Serialize)]
pub(super) struct FeesBody<'a> {
    serial: &'a str,
    card_no: Option<&'a str>,
    #[serde(flatten)]
    charge: ChargeBody<'a>,
    total: Yuan,
    paid_at: Timestamp,
    transaction_id: Option<&'a str>,
    channel: &'static str,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum ChargeBody<'a> {
    Bills { bills: Vec<AmountBody<'a>> },
    Registration { registration: RegistrationBody<'a> },
}

#[derive(Serialize)]
struct AmountBody<'a> {
    bill_no: &'a str,
    amount: Yuan,
}

#[derive(Serialize)]
pub(super) struct RegistrationBody<'a> {
    appointment: &'a str,
    clinic: &'a str,
    number: u16,
    department: &'a str,
    doctor: Option<&'a str>,
    date: Date,
}

impl<'a> From<&'a FeesPost> for FeesBody<'a> {
    fn from(post: &'a FeesPost) -> Self {
        Self {
            serial: post.serial.as_str(),
            card_no: post.card_no.as_ref().map(domain::id::CardNo::as_str),
            charge: ChargeBody::from(&post.charge),
            total: Yuan(post.total),
            paid_at: post.paid.at,
            transaction_id: post.paid.transaction_id.as_ref().map(domain::id::TransactionId::as_str),
            channel: CHANNEL,
        }
    }
}

impl<'a> From<&'a Charge> for ChargeBody<'a> {
    fn from(charge: &'a Charge) -> Self {
        match charge {
            Charge::Bills(bills) => {
                let body = |bill: &'a crate::fees::BillAmount| AmountBody {
                    bill_no: bill.bill_no.as_str(),
                    amount: Yuan(bill.amount),
                };
                Self::Bills { bills: bills.iter().map(body).collect() }
            }
            Charge::Registration(registration) => Self::Registration { registration: registration.into() },
        }
    }
}

impl<'a> From<&'a Registration> for RegistrationBody<'a> {
    fn from(registration: &'a Registration) -> Self {
        Self {
            appointment: registration.appointment.as_str(),
            clinic: registration.clinic.as_str(),
            number: registration.number,
            department: registration.department.as_str(),
            doctor: registration.doctor.as_ref().map(domain::id::DoctorId::as_str),
            date: registration.date,
        }
    }
}

#[derive(Serialize)]
struct LineBody<'a> {
    bill_no: &'a str,
    item_no: &'a str,
}

impl<'a> From<&'a BillLine> for LineBody<'a> {
    fn from(line: &'a BillLine) -> Self {
        Self { bill_no: line.bill_no.as_str(), item_no: line.item_no.as_str() }
    }
}

fn lines_body(lines: &Lines) -> Vec<LineBody<'_>> {
    lines.as_slice().iter().map(LineBody::from).collect()
}

#[derive(Serialize)]
pub(super) struct RefundCheckBody<'a> {
    serial: &'a str,
    items: Vec<LineBody<'a>>,
}

impl<'a> From<&'a RefundCheck> for RefundCheckBody<'a> {
    fn from(check: &'a RefundCheck) -> Self {
        Self { serial: check.original.as_str(), items: lines_body(&check.lines) }
    }
}

#[derive(Serialize)]
pub(super) struct RefundBody<'a> {
    serial: &'a str,
    original_serial: &'a str,
    items: Vec<LineBody<'a>>,
    amount: Yuan,
    refunded_at: Timestamp,
    reason: &'a str,
}

impl<'a> From<&'a RefundPost> for RefundBody<'a> {
    fn from(post: &'a RefundPost) -> Self {
        Self {
            serial: post.serial.as_str(),
            original_serial: post.original.as_str(),
            items: lines_body(&post.lines),
            amount: Yuan(post.amount),
            refunded_at: post.refunded_at,
            reason: post.reason.as_str(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct ClinicBody<'a> {
    pub(super) clinic: &'a str,
}

#[derive(Serialize)]
pub(super) struct VisitBody<'a> {
    appointment: &'a str,
    clinic: &'a str,
    number: u16,
    date: Date,
}

impl<'a> From<&'a VisitQuery> for VisitBody<'a> {
    fn from(visit: &'a VisitQuery) -> Self {
        let VisitQuery { appointment, clinic, number, date } = visit;
        Self { appointment: appointment.as_str(), clinic: clinic.as_str(), number: *number, date: *date }
    }
}

// Answers -------------------------------------------------------------------------------------

/// Bills are read one by one: one that is wrong does not hide the others.
#[derive(Deserialize)]
pub(super) struct BillsData {
    bills: Vec<Value>,
}

#[derive(Deserialize)]
struct BillData {
    bill_no: String,
    visit: VisitData,
    kind: String,
    total: String,
    items: Vec<ItemData>,
    place: PlaceData,
}

#[derive(Deserialize)]
struct VisitData {
    visit_no: String,
    department: Label,
    doctor: Label,
    date: Date,
}

#[derive(Deserialize)]
struct ItemData {
    item_no: String,
    name: Label,
    spec: Label,
    quantity: u32,
    unit: Label,
    amount: String,
}

#[derive(Deserialize)]
struct PlaceData {
    building: Label,
    floor: Label,
    window: Label,
    note: Label,
}

/// Entries are read one by one: one that is wrong does not hide the others.
#[derive(Deserialize)]
pub(super) struct ClinicQueueData {
    entries: Vec<Value>,
}

#[derive(Deserialize)]
struct ToldData {
    appointment: AppointmentId,
    state: ToldState,
    room: Label,
    times: u8,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ToldState {
    Waiting,
    Called,
    InRoom,
    Missed,
    Done,
}

impl From<ClinicQueueData> for Vec<Told> {
    fn from(data: ClinicQueueData) -> Self {
        let entries = data.entries.into_iter().take(CLINIC_QUEUE_MAX);
        entries.filter_map(|entry| serde_json::from_value::<ToldData>(entry).ok()).map(Told::from).collect()
    }
}

impl From<ToldData> for Told {
    fn from(data: ToldData) -> Self {
        let room = || data.room.as_str().to_owned();
        let stage = match data.state {
            ToldState::Waiting => ToldStage::Waiting,
            ToldState::Called => ToldStage::Called { room: room(), times: data.times.max(1) },
            ToldState::InRoom => ToldStage::InRoom { room: room() },
            ToldState::Missed => ToldStage::Missed,
            ToldState::Done => ToldStage::Done,
        };
        Self { appointment: data.appointment, stage }
    }
}

/// As above.
#[derive(Deserialize)]
pub(super) struct CardQueuesData {
    queues: Vec<Value>,
}

#[derive(Deserialize)]
struct CardQueueData {
    kind: CardQueueKind,
    place: Label,
    number: Label,
    ahead: Option<u16>,
    called: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum CardQueueKind {
    Pharmacy,
    Exam,
    Lab,
    Treatment,
}

impl From<CardQueuesData> for Vec<CardQueue> {
    fn from(data: CardQueuesData) -> Self {
        let queues = data.queues.into_iter().take(CARD_QUEUES_MAX);
        queues.filter_map(|queue| serde_json::from_value::<CardQueueData>(queue).ok()).map(CardQueue::from).collect()
    }
}

impl From<CardQueueData> for CardQueue {
    fn from(data: CardQueueData) -> Self {
        let CardQueueData { kind, place, number, ahead, called } = data;
        let kind = match kind {
            CardQueueKind::Pharmacy => QueueKind::Pharmacy,
            CardQueueKind::Exam => QueueKind::Exam,
            CardQueueKind::Lab => QueueKind::Lab,
            CardQueueKind::Treatment => QueueKind::Treatment,
        };
        Self { kind, place, number, ahead, is_called: called }
    }
}

impl From<BillsData> for UnpaidBills {
    fn from(data: BillsData) -> Self {
        Self::sorted(data.bills.into_iter().map(read_bill))
    }
}

fn read_bill(value: Value) -> Result<Bill, RejectedBill> {
    let bill_no = value.get("bill_no").and_then(Value::as_str).and_then(|number| number.parse::<BillNo>().ok());
    let data = serde_json::from_value::<BillData>(value).map_err(|_| BillFault::Shape);
    data.and_then(Bill::try_from).map_err(|fault| RejectedBill { bill_no, fault })
}

impl TryFrom<BillData> for Bill {
    type Error = BillFault;

    fn try_from(data: BillData) -> Result<Self, BillFault> {
        let items = data.items.into_iter().map(BillItem::try_from).collect::<Result<Vec<_>, _>>()?;
        Self::new(
            number(data.bill_no)?,
            Visit::try_from(data.visit)?,
            kind_of(&data.kind)?,
            amount_of(&data.total)?,
            items,
            data.place.into(),
        )
    }
}

impl TryFrom<VisitData> for Visit {
    type Error = BillFault;

    fn try_from(data: VisitData) -> Result<Self, BillFault> {
        let VisitData { visit_no, department, doctor, date } = data;
        Ok(Self { visit_no: number(visit_no)?, department, doctor, date })
    }
}

impl TryFrom<ItemData> for BillItem {
    type Error = BillFault;

    fn try_from(data: ItemData) -> Result<Self, BillFault> {
        let ItemData { item_no, name, spec, quantity, unit, amount } = data;
        if quantity == 0 {
            return Err(BillFault::Amount);
        }
        Ok(Self { item_no: number(item_no)?, name, spec, quantity, unit, amount: amount_of(&amount)? })
    }
}

impl From<PlaceData> for Place {
    fn from(data: PlaceData) -> Self {
        let PlaceData { building, floor, window, note } = data;
        Self { building, floor, window, note }
    }
}

fn number<T: TryFrom<String>>(text: String) -> Result<T, BillFault> {
    T::try_from(text).map_err(|_| BillFault::Number)
}

fn amount_of(text: &str) -> Result<Fen, BillFault> {
    Fen::from_yuan(text).map_err(|_| BillFault::Amount)
}

fn kind_of(code: &str) -> Result<BillKind, BillFault> {
    match code {
        "exam" => Ok(BillKind::Exam),
        "lab" => Ok(BillKind::Lab),
        "drug" => Ok(BillKind::Drug),
        "treatment" => Ok(BillKind::Treatment),
        _ => Err(BillFault::Kind),
    }
}

#[derive(Deserialize)]
pub(super) struct ReceiptData {
    receipt_no: ReceiptNo,
    places: Vec<BillPlaceData>,
    invoice_url: Option<String>,
}

#[derive(Deserialize)]
struct BillPlaceData {
    bill_no: BillNo,
    #[serde(flatten)]
    place: PlaceData,
}

impl From<ReceiptData> for Receipt {
    /// A link that is none is left out: the money is booked all the same.
    fn from(data: ReceiptData) -> Self {
        let place = |data: BillPlaceData| BillPlace { bill_no: data.bill_no, place: data.place.into() };
        Self {
            receipt_no: data.receipt_no,
            places: data.places.into_iter().map(place).collect(),
            invoice_url: data.invoice_url.as_deref().and_then(InvoiceUrl::parse),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct RefundabilityData {
    refundable: Vec<BillLine>,
    performed: Vec<BillLine>,
}

impl From<RefundabilityData> for Refundability {
    fn from(data: RefundabilityData) -> Self {
        Self { refundable: data.refundable, performed: data.performed }
    }
}

#[derive(Deserialize)]
pub(super) struct RefundNoData {
    pub(super) refund_no: RefundReceiptNo,
}

#[derive(Deserialize)]
pub(super) struct VisitStatusData {
    visited: bool,
}

impl From<VisitStatusData> for VisitStatus {
    fn from(data: VisitStatusData) -> Self {
        if data.visited { Self::Visited } else { Self::NotVisited }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fees::{BillAmount, Paid};
    use crate::refund::RefundReason;
    use proptest::prelude::*;
    use serde_json::json;

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
        let data: Option<BillsData> = data_of(&serde_json::to_vec(&body).unwrap()).unwrap();
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
            prop_assert!(data_of::<BillsData>(&body).is_err());
            let answer = json!({ "code": 0, "error": "", "data": { "bills": [text, { "bill_no": text }] } });
            let data: Option<BillsData> = data_of(&serde_json::to_vec(&answer).unwrap()).unwrap();
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
        data_of(body.as_bytes())
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
}
