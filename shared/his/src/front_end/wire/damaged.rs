//! Every answer of the HIS, damaged, in every format: it is read or refused.

use super::*;
use crate::bill::UnpaidBills;
use crate::fees::Receipt;
use crate::front_end::format::{Format, Syntax, params_of};
use crate::numbers::Standing;
use crate::person::Person;
use crate::queues::{CardQueue, Told};
use crate::refund::Refundability;
use crate::timetable::{Department, Doctor, Listed};
use crate::visit::VisitStatus;
use results::Charset;
use serde_json::{Value, json};

#[path = "../../../../results/tests/suite/damage.rs"]
mod damage;

const FORMATS: [Format; 4] = [
    Format { syntax: Syntax::Json, charset: Charset::Utf8 },
    Format { syntax: Syntax::Json, charset: Charset::Gb18030 },
    Format { syntax: Syntax::Xml, charset: Charset::Utf8 },
    Format { syntax: Syntax::Xml, charset: Charset::Gb18030 },
];

/// What a HIS tells, a kind of data each.
fn told() -> Vec<Value> {
    let place = json!({ "building": "门诊楼", "floor": "2 层", "window": "3 号窗口", "note": "空腹" });
    let document = json!({ "kind": "resident_id", "number": "11010519491231002X" });
    let item =
        json!({ "item_no": "B1-1", "name": "血脂四项", "spec": "", "quantity": 1, "unit": "次", "amount": "48.00" });
    let visit = json!({ "visit_no": "V1", "department": "心血管内科", "doctor": "沈怀远", "date": "2026-11-23" });
    vec![
        json!({ "bills": [{ "bill_no": "B1", "visit": visit, "kind": "lab", "total": "48.00", "items": [item], "place": place }] }),
        json!({ "receipt_no": "R1", "places": [{ "bill_no": "B1", "building": "门诊楼", "floor": "2 层", "window": "3", "note": "" }], "invoice_url": "https://fp.example.com/1" }),
        json!({ "standing": "locked" }),
        json!({ "persons": [{
            "person_no": "P1", "name": "林晓梅", "documents": [document], "phone": "19900000001",
            "cards": [{ "card_no": "C1", "digital": true, "active": true }],
            "guardian": { "name": "林建国", "document": document }, "deceased": false,
        }] }),
        json!({ "person_no": "P1", "card_no": "C1" }),
        json!({ "entries": [{ "appointment": "0000000000000000", "state": "called", "room": "3", "times": 1 }] }),
        json!({ "queues": [{ "kind": "lab", "place": "二楼", "number": "A12", "ahead": 3, "called": false }] }),
        json!({ "refundable": [{ "bill_no": "B1", "item_no": "B1-1" }], "performed": [] }),
        json!({ "refund_no": "RF1" }),
        json!({ "visited": true }),
        json!({ "departments": [{ "code": "XNK", "name": "心内科", "parent": null, "location": "3 层", "campus": "本部", "intro": "" }] }),
        json!({ "doctors": [{
            "code": "D1", "name": "沈怀远", "pinyin": "shy", "title": "主任医师", "department": "XNK", "expert": true,
            "specialty": "", "intro": "",
        }] }),
        json!({ "schedules": [{
            "date": "2026-11-23", "period": "am", "department": "XNK", "doctor": null, "kind": "ordinary", "fee": "25.00",
            "room": "201", "campus": "本部", "closed": false,
        }], "mark": "1" }),
        json!({ "slots": [{ "start": "0800", "free": [1, 2], "taken": [3] }] }),
        json!({ "events": [{ "kind": "clinic_closed", "clinic": "20261123-am-XNK-pool" }], "more": false }),
    ]
}

/// The bytes of an answer in a format.
fn answer(format: Format, data: &Value) -> Vec<u8> {
    let body = json!({ "code": 0, "error": "", "message": "", "data": data });
    let bytes = format.encode(&params_of(&body).unwrap()).unwrap();
    if format.syntax == Syntax::Json {
        return bytes;
    }
    let xml = format.charset.decode(&bytes).unwrap();
    let xml = xml.replace("<request><params>", "<response>").replace("</params></request>", "</response>");
    format.charset.encode(&xml).unwrap()
}

/// Whether it is data of a kind, and of which it is made.
fn is<T: DeserializeOwned, U: From<T>>(data: &Data) -> bool {
    data_of::<T>(data.clone()).is_ok_and(|data| data.map(U::from).is_some())
}

/// How many kinds of data an answer is.
fn kinds(data: &Data) -> usize {
    [
        is::<BillsData, UnpaidBills>(data),
        is::<ReceiptData, Receipt>(data),
        is::<StandingData, Standing>(data),
        is::<PeopleData, Vec<Person>>(data),
        is::<PersonReceiptData, PersonReceiptData>(data),
        is::<ClinicQueueData, Vec<Told>>(data),
        is::<CardQueuesData, Vec<CardQueue>>(data),
        is::<RefundabilityData, Refundability>(data),
        is::<RefundNoData, RefundNoData>(data),
        is::<VisitStatusData, VisitStatus>(data),
        is::<DepartmentsData, Listed<Department>>(data),
        is::<DoctorsData, Listed<Doctor>>(data),
        is::<SchedulesData, SchedulesData>(data),
        is::<SlotsData, SlotsData>(data),
        is::<EventsData, EventsData>(data),
    ]
    .into_iter()
    .filter(|is| *is)
    .count()
}

#[test]
fn every_answer_is_read() {
    for format in FORMATS {
        for data in told() {
            let read = format.decode(&answer(format, &data), "").unwrap();
            assert!(kinds(&read) > 0, "{format:?}: {data}");
        }
    }
}

#[test]
fn damaged_answers_are_answered() {
    for format in FORMATS {
        damage::run(told().iter().map(|data| answer(format, data)).collect(), |bytes| {
            if let Some(data) = format.decode(bytes, "") {
                let _ = (kinds(&data), unauthorized(data));
            }
            Ok(())
        });
    }
}
