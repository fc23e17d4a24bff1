//! Timetable, numbers, visits and changes through the adapter, against the stand-in HIS.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "what other languages need")]
mod desk;

use desk::Desk;
use domain::his::HisPolicy;
use his::{Change, His, HisError, Refusal, Registration, ScheduleQuery, Standing, VisitBooking};
use serde_json::{Value, json};

const CLINIC: &str = "20270104-am-XNK-pool";

async fn open(name: &str) -> Desk {
    let clinic = json!({
        "date": "2027-01-04", "period": "morning", "department": "XNK", "doctor": null, "kind": "ordinary", "fee": "10.00",
        "slots": [{ "start": "0800", "numbers": [1, 2, 3] }],
    });
    let department =
        json!({ "code": "XNK", "name": "心血管内科", "parent": null, "location": "3 层", "campus": "", "intro": "" });
    let timetable = json!({ "departments": [department], "schedules": [clinic] });
    Desk::open(&format!("numbers-{name}"), HisPolicy::default(), Vec::new(), timetable).await
}

impl Desk {
    async fn fault(&self, path: &str, kind: &str) {
        self.stand_in.post("faults", json!({ "path": path, "kind": kind })).await;
    }
}

fn visit(serial: &str, number: u16) -> VisitBooking {
    let registration = Registration {
        appointment: serial.parse().unwrap(),
        clinic: CLINIC.parse().unwrap(),
        number,
        department: "XNK".parse().unwrap(),
        doctor: None,
        date: "2027-01-04".parse().unwrap(),
    };
    VisitBooking { registration, start: "0800".parse().unwrap(), card_no: None, paid_by: None }
}

fn refused(code: Refusal) -> Result<(), HisError> {
    Err(HisError::Refused { code })
}

#[tokio::test]
async fn a_number_goes_from_lock_to_visit_and_back() {
    let desk = open("way").await;
    let (his, a, b) = (&desk.his, "a".parse().unwrap(), "b".parse().unwrap());
    assert_eq!(desk.standing("a").await, None);
    his.lock(&desk.lock("a", CLINIC, 1), desk.call()).await.unwrap();
    assert_eq!(desk.standing("a").await, Some(Standing::Locked));
    assert_eq!(his.lock(&desk.lock("b", CLINIC, 1), desk.call()).await, refused(Refusal::NumberTaken));
    his.confirm(&visit("a", 1), desk.call()).await.unwrap();
    assert_eq!(desk.standing("a").await, Some(Standing::Confirmed));
    his.reschedule(&a, &visit("b", 2), desk.call()).await.unwrap();
    assert_eq!((desk.standing("a").await, desk.standing("b").await), (Some(Standing::Over), Some(Standing::Confirmed)));
    assert_eq!(his.confirm(&visit("a", 1), desk.call()).await, refused(Refusal::SerialOver));
    assert_eq!(
        his.reschedule(&"x".parse().unwrap(), &visit("c", 3), desk.call()).await,
        refused(Refusal::NoSuchSerial)
    );
    his.cancel(&b, desk.call()).await.unwrap();
    his.unlock(&"x".parse().unwrap(), desk.call()).await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_is_settled_by_asking_where_it_stands() {
    let desk = open("lost").await;
    for (kind, there) in [("fail_before", None), ("fail_after", Some(Standing::Locked))] {
        desk.fault("/his/v1/lock", kind).await;
        assert_eq!(desk.his.lock(&desk.lock(kind, CLINIC, 1), desk.call()).await, Err(HisError::UnknownOutcome));
        assert_eq!(desk.standing(kind).await, there);
    }
}

#[tokio::test]
async fn what_changed_is_told_once() {
    let desk = open("changes").await;
    let (his, clinic) = (&desk.his, CLINIC.parse().unwrap());
    let departments = his.departments(desk.call()).await.unwrap();
    assert_eq!((departments.entries[0].name.as_str(), departments.rejected), ("心血管内科", 0));
    let mut query =
        ScheduleQuery { from: "2027-01-01".parse().unwrap(), to: "2027-01-31".parse().unwrap(), since: None };
    let first = his.schedules(&query, desk.call()).await.unwrap();
    assert_eq!(first.list.entries[0].clinic().unwrap(), clinic);
    query.since = first.mark;
    assert!(his.schedules(&query, desk.call()).await.unwrap().list.entries.is_empty());
    desk.stand_in.post("sell", json!({ "clinic": CLINIC, "number": 2 })).await;
    assert_eq!(his.schedules(&query, desk.call()).await.unwrap().list.entries.len(), 1);
    let slots = his.slots(&clinic, desk.call()).await.unwrap();
    assert_eq!((slots.entries[0].free.len(), slots.entries[0].taken.contains(&2)), (2, true));
    assert_eq!(
        his.slots(&"20270104-pm-XNK-pool".parse().unwrap(), desk.call()).await,
        Err(HisError::Refused { code: Refusal::NoSuchClinic })
    );
    desk.stand_in.post("fee", json!({ "clinic": CLINIC, "fee": "12.00" })).await;
    desk.stand_in.post("surprise", Value::Object(serde_json::Map::new())).await;
    let events = his.events(None, desk.call()).await.unwrap();
    assert!(matches!(events.events[0].change, Some(Change::Fee { .. })) && events.events[1].change.is_none());
    let later = his.events(Some(&events.events[1].mark), desk.call()).await.unwrap();
    assert!(later.events.is_empty() && !later.has_more);
}
