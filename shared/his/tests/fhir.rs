//! The port in FHIR R4 against the stand-in HIS, which reads resources with a reader of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "what other languages need")]
mod desk;

use desk::{Desk, Heard, code};
use domain::Timestamp;
use domain::his::{CodeKind, HisAdapter, HisOperation, HisPolicy};
use domain::money::Fen;
use domain::person::{DocumentKind, IdDocument, PersonName, Phone};
use domain::time::{add_seconds, today};
use his::{
    Call, CardBinding, FAILURES_IN_A_ROW_MAX, Guardian, His, HisError, Hospital, Keys, NumberLock, PaidBy, PersonPost,
    PersonQuery, Refusal, Registration, ReportsQuery, ScheduleQuery, Standing, VisitBooking, VisitQuery, VisitStatus,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Whom the desk calls `XNK`, the hospital calls `0203`.
const THEIRS: &str = "20270104-am-0203-D1";
const OURS: &str = "20270104-am-XNK-D1";
const PAPER: &str = "11010519491231002X";

/// Whatever FHIR carries goes in it, the rest in JSON.
fn policy() -> HisPolicy {
    let carried = HisOperation::ALL.into_iter().filter(|operation| HisAdapter::Fhir.carries(*operation));
    HisPolicy {
        operations: carried.map(|operation| (operation, HisAdapter::Fhir)).collect::<BTreeMap<_, _>>(),
        mapped_only: BTreeSet::from([CodeKind::Department]),
        ..HisPolicy::default()
    }
}

fn clinic(change: &Value) -> Value {
    let mut clinic = json!({
        "date": "2027-01-04", "period": "morning", "department": "0203", "doctor": "D1", "kind": "expert", "fee": "25.50",
        "room": "305", "campus": "东院区", "closed": false,
        "slots": [{ "start": "0800", "numbers": [1, 2] }, { "start": "0830", "numbers": [3] }],
    });
    for (name, value) in change.as_object().unwrap() {
        clinic[name] = value.clone();
    }
    clinic
}

async fn open(name: &str) -> Desk {
    let department = json!({ "code": "0203", "name": "心血管内科", "parent": null, "location": "3 层", "campus": "东院区", "intro": "心脏与血管" });
    let doctor = json!({ "code": "D1", "name": "沈怀远", "pinyin": "shen huaiyuan", "title": "主任医师", "department": "0203", "expert": true, "specialty": "高血压", "intro": "从医三十年" });
    let timetable = json!({ "departments": [department], "doctors": [doctor], "schedules": [clinic(&json!({}))] });
    let desk = Desk::open(&format!("fhir-{name}"), policy(), vec![code()], timetable).await;
    let person = json!({ "name": "周建国", "documents": [{ "kind": "01", "number": PAPER }], "phone": "19900000031", "cards": [{ "card_no": "V1" }] });
    desk.stand_in.post("persons", person).await;
    desk
}

impl Desk {
    /// A fault at the first request that is such: `POST /Appointment`, `* /Appointment*`.
    async fn fault(&self, request: &str, mut fault: Value) {
        let (method, path) = request.split_once(' ').unwrap();
        fault["path"] = json!(format!("{method} /his/v1/fhir{path}"));
        self.stand_in.post("faults", fault).await;
    }

    async fn find(&self, query: PersonQuery) -> Vec<his::Person> {
        self.his.person_find(&query, self.call()).await.unwrap()
    }
}

fn visit(serial: &str, number: u16) -> VisitBooking {
    let registration = Registration {
        appointment: serial.parse().unwrap(),
        clinic: OURS.parse().unwrap(),
        number,
        department: "XNK".parse().unwrap(),
        doctor: Some("D1".parse().unwrap()),
        date: "2027-01-04".parse().unwrap(),
    };
    let paid_by = Some(PaidBy { order: format!("{serial}_01").parse().unwrap(), total: Fen::new(2550).unwrap() });
    VisitBooking { registration, start: "0800".parse().unwrap(), card_no: Some("V1".parse().unwrap()), paid_by }
}

fn refused<T>(code: Refusal) -> Result<T, HisError> {
    Err(HisError::Refused { code })
}

fn paper(number: &str) -> IdDocument {
    IdDocument::parse(DocumentKind::ResidentId, number, today(Timestamp::from_second(1_795_000_000).unwrap())).unwrap()
}

fn newcomer(serial: &str, name: &str, document: IdDocument) -> PersonPost {
    PersonPost {
        serial: serial.parse().unwrap(),
        name: PersonName::parse(name).unwrap(),
        document,
        phone: Phone::parse("19900000088").ok(),
        guardian: None,
    }
}

// Timetable ----------------------------------------------------------------------------------

#[tokio::test]
async fn the_timetable_is_read_whole() {
    let desk = open("timetable").await;
    let departments = desk.his.departments(desk.call()).await.unwrap();
    let department = &departments.entries[0];
    assert_eq!((department.id.as_str(), department.name.as_str(), departments.rejected), ("XNK", "心血管内科", 0));
    assert_eq!(
        (department.location.as_str(), department.campus.as_str(), department.intro.as_str()),
        ("3 层", "东院区", "心脏与血管")
    );
    let doctors = desk.his.doctors(desk.call()).await.unwrap();
    let doctor = &doctors.entries[0];
    assert_eq!((doctor.id.as_str(), doctor.department.as_str(), doctor.expert), ("D1", "XNK", true));
    assert_eq!(
        (doctor.name.as_str(), doctor.pinyin.as_str(), doctor.title.as_str()),
        ("沈怀远", "shen huaiyuan", "主任医师")
    );
    assert_eq!((doctor.specialty.as_str(), doctor.intro.as_str()), ("高血压", "从医三十年"));

    let mut query =
        ScheduleQuery { from: "2027-01-01".parse().unwrap(), to: "2027-01-31".parse().unwrap(), since: None };
    let first = desk.his.schedules(&query, desk.call()).await.unwrap();
    let schedule = &first.list.entries[0];
    assert_eq!((schedule.clinic().unwrap().as_str(), schedule.fee.get(), schedule.is_closed), (OURS, 2550, false));
    assert_eq!((schedule.room.as_str(), schedule.campus.as_str()), ("305", "东院区"));
    query.since = first.mark;
    assert_eq!(desk.his.schedules(&query, desk.call()).await.unwrap().list.entries, []);
    desk.stand_in.post("sell", json!({ "clinic": THEIRS, "number": 2 })).await;
    assert_eq!(desk.his.schedules(&query, desk.call()).await.unwrap().list.entries.len(), 1);
    let slots = desk.his.slots(&OURS.parse().unwrap(), desk.call()).await.unwrap();
    let told: Vec<_> =
        slots.entries.iter().map(|half| (half.start.to_string(), half.free.len(), half.taken.len())).collect();
    assert_eq!((told, slots.rejected), (vec![("0800".into(), 1, 1), ("0830".into(), 1, 0)], 0));
    let afternoon = "20270104-pm-XNK-D1".parse().unwrap();
    assert_eq!(desk.his.slots(&afternoon, desk.call()).await, refused(Refusal::NoSuchClinic));
    desk.stand_in.post("close", json!({ "clinic": THEIRS })).await;
    assert!(desk.his.schedules(&query, desk.call()).await.unwrap().list.entries[0].is_closed);
}

#[tokio::test]
async fn a_long_list_has_pages_and_an_unmapped_department_is_noted() {
    let desk = open("pages").await;
    let days = (1..=25).map(|day| clinic(&json!({ "date": format!("2027-02-{day:02}") })));
    let strange = clinic(&json!({ "department": "77", "date": "2027-02-26" }));
    let schedules: Vec<Value> = days.chain([strange]).collect();
    desk.stand_in.post("timetable", json!({ "schedules": schedules })).await;
    let query = ScheduleQuery { from: "2027-02-01".parse().unwrap(), to: "2027-02-28".parse().unwrap(), since: None };
    let listed = desk.his.schedules(&query, desk.call()).await.unwrap().list;
    assert_eq!((listed.entries.len(), listed.rejected), (25, 1));
    assert_eq!(*desk.heard.unknown.lock().unwrap(), [(CodeKind::Department, "77".to_owned())]);
    assert_eq!(desk.heard.calls.lock().unwrap().len(), 3);
    let elsewhere = "20270104-am-PFK-D1".parse().unwrap();
    assert_eq!(desk.his.slots(&elsewhere, desk.call()).await, Err(HisError::Unmapped));
}

// Visits -------------------------------------------------------------------------------------

#[tokio::test]
async fn a_number_goes_from_lock_to_visit_and_back() {
    let desk = open("way").await;
    let his = &desk.his;
    assert_eq!(desk.standing("a").await, None);
    for _ in 0..2 {
        his.lock(&desk.lock("a", OURS, 1), desk.call()).await.unwrap();
    }
    assert_eq!(desk.standing("a").await, Some(Standing::Locked));
    assert_eq!(his.lock(&desk.lock("b", OURS, 1), desk.call()).await, refused(Refusal::NumberTaken));
    assert_eq!(his.lock(&desk.lock("a", OURS, 2), desk.call()).await, refused(Refusal::SerialReused));
    assert_eq!(his.lock(&desk.lock("z", OURS, 9), desk.call()).await, refused(Refusal::NoSuchClinic));
    for _ in 0..2 {
        his.confirm(&visit("a", 1), desk.call()).await.unwrap();
    }
    assert_eq!(desk.standing("a").await, Some(Standing::Confirmed));
    let books = desk.stand_in.get("timetable").await["registrations"][0].clone();
    assert_eq!(
        (&books["card_no"], &books["payment"]["total"], &books["payment"]["serial"]),
        (&json!("V1"), &json!("25.50"), &json!("a_01"))
    );
    for serial in ["a", "a", "never"] {
        his.cancel(&serial.parse().unwrap(), desk.call()).await.unwrap();
    }
    assert_eq!(desk.standing("a").await, Some(Standing::Over));
    assert_eq!(his.confirm(&visit("a", 1), desk.call()).await, refused(Refusal::SerialOver));
    assert_eq!(his.lock(&desk.lock("a", OURS, 1), desk.call()).await, refused(Refusal::SerialOver));
    his.lock(&desk.lock("c", OURS, 1), desk.call()).await.unwrap();
    his.unlock(&"c".parse().unwrap(), desk.call()).await.unwrap();
    let mut stranger = visit("d", 1);
    stranger.card_no = Some("V0".parse().unwrap());
    assert_eq!(his.confirm(&stranger, desk.call()).await, refused(Refusal::NoSuchCard));
    his.confirm(&VisitBooking { card_no: None, paid_by: None, ..visit("d", 1) }, desk.call()).await.unwrap();
}

#[tokio::test]
async fn a_visit_moves_whole_or_not_at_all() {
    let desk = open("move").await;
    let (his, a, b) = (&desk.his, "a".parse().unwrap(), "b".parse().unwrap());
    assert_eq!(his.reschedule(&a, &visit("b", 2), desk.call()).await, refused(Refusal::NoSuchSerial));
    his.confirm(&visit("a", 1), desk.call()).await.unwrap();
    desk.stand_in.post("sell", json!({ "clinic": THEIRS, "number": 2 })).await;
    assert_eq!(his.reschedule(&a, &visit("b", 2), desk.call()).await, refused(Refusal::NumberTaken));
    assert_eq!((desk.standing("a").await, desk.standing("b").await), (Some(Standing::Confirmed), None));
    desk.stand_in.post("numbers", json!({ "clinic": THEIRS, "start": "0800", "numbers": [1, 2, 4, 5] })).await;
    // Taken in one step, or kept before.
    for _ in 0..2 {
        his.reschedule(&a, &visit("b", 4), desk.call()).await.unwrap();
    }
    assert_eq!((desk.standing("a").await, desk.standing("b").await), (Some(Standing::Over), Some(Standing::Confirmed)));
    his.lock(&desk.lock("c", OURS, 5), desk.call()).await.unwrap();
    his.reschedule(&b, &visit("c", 5), desk.call()).await.unwrap();
    assert_eq!((desk.standing("b").await, desk.standing("c").await), (Some(Standing::Over), Some(Standing::Confirmed)));
    assert_eq!(his.reschedule(&a, &visit("d", 1), desk.call()).await, refused(Refusal::NoSuchSerial));
    assert_eq!(his.reschedule(&"c".parse().unwrap(), &visit("b", 4), desk.call()).await, refused(Refusal::SerialOver));
}

#[tokio::test]
async fn whether_somebody_came_is_told() {
    let desk = open("came").await;
    let query = |serial: &str| VisitQuery {
        appointment: serial.parse().unwrap(),
        clinic: OURS.parse().unwrap(),
        number: 1,
        date: "2027-01-04".parse().unwrap(),
    };
    assert_eq!(desk.his.visit_status(&query("a"), desk.call()).await, Ok(None));
    desk.his.lock(&desk.lock("a", OURS, 1), desk.call()).await.unwrap();
    assert_eq!(desk.his.visit_status(&query("a"), desk.call()).await, Ok(None));
    desk.his.confirm(&visit("a", 1), desk.call()).await.unwrap();
    assert_eq!(desk.his.visit_status(&query("a"), desk.call()).await, Ok(Some(VisitStatus::NotVisited)));
    for (visited, status) in [(false, VisitStatus::NotVisited), (true, VisitStatus::Visited)] {
        desk.stand_in.post("visits", json!({ "appointment": "a", "visited": visited })).await;
        assert_eq!(desk.his.visit_status(&query("a"), desk.call()).await, Ok(Some(status)));
    }
}

// What goes wrong ----------------------------------------------------------------------------

#[tokio::test]
async fn a_fault_at_every_request_leaves_no_doubt_that_asking_does_not_settle() {
    let desk = open("faults").await;
    desk.stand_in
        .post("numbers", json!({ "clinic": THEIRS, "start": "0800", "numbers": (1..=40).collect::<Vec<_>>() }))
        .await;
    let mut number = 0;
    for request in ["POST /Appointment", "GET /Appointment", "PUT /Appointment/*", "POST "] {
        for kind in ["fail_before", "fail_after", "forged"] {
            number += 2;
            let [first, second] = [number - 1, number].map(|number| format!("n{number}"));
            desk.fault(request, json!({ "kind": kind })).await;
            let first_id = first.parse().unwrap();
            // Each step once, and once more after asking where it stands, as the desk does.
            let mut lost = 0;
            if desk
                .his
                .lock(&desk.lock(&first, OURS, number - 1), desk.call())
                .await
                .is_err_and(|e| e.is_outcome_unknown())
            {
                lost += 1;
                if desk.standing(&first).await.is_none() {
                    desk.his.lock(&desk.lock(&first, OURS, number - 1), desk.call()).await.unwrap();
                }
            }
            if desk.his.confirm(&visit(&first, number - 1), desk.call()).await.is_err_and(|e| e.is_outcome_unknown()) {
                lost += 1;
                desk.his.confirm(&visit(&first, number - 1), desk.call()).await.unwrap();
            }
            if desk
                .his
                .reschedule(&first_id, &visit(&second, number), desk.call())
                .await
                .is_err_and(|e| e.is_outcome_unknown())
            {
                lost += 1;
                desk.his.reschedule(&first_id, &visit(&second, number), desk.call()).await.unwrap();
            }
            assert_eq!(lost, 1, "{request} {kind}");
            let standings = (desk.standing(&first).await, desk.standing(&second).await);
            assert_eq!(standings, (Some(Standing::Over), Some(Standing::Confirmed)), "{request} {kind}");
        }
    }
    desk.fault("PUT /Appointment/*", json!({ "kind": "fail_after" })).await;
    let last = format!("n{number}").parse().unwrap();
    assert_eq!(desk.his.cancel(&last, desk.call()).await, Err(HisError::UnknownOutcome));
    assert_eq!(desk.standing(last.as_str()).await, Some(Standing::Over));
}

#[tokio::test]
async fn a_server_that_is_busy_refuses_or_is_down_is_told_apart() {
    let desk = open("busy").await;
    let lock = desk.lock("a", OURS, 1);
    desk.fault("POST /Appointment", json!({ "kind": "refuse", "error": "BUSY" })).await;
    assert_eq!(desk.his.lock(&lock, desk.call()).await, refused(Refusal::Other("BUSY".into())));
    let early = Call { now: add_seconds(desk.now, -3_600), ..desk.call() };
    let code = Refusal::Other("TIMESTAMP".into());
    assert_eq!(desk.his.lock(&lock, early).await, Err(HisError::Unauthorized { code }));
    desk.stand_in.post("down", json!({ "on": true })).await;
    for _ in 0..FAILURES_IN_A_ROW_MAX {
        assert_eq!(desk.his.lock(&lock, desk.call()).await, Err(HisError::UnknownOutcome));
    }
    assert_eq!(desk.his.lock(&lock, desk.call()).await, Err(HisError::Unavailable));
    desk.stand_in.post("down", json!({ "on": false })).await;
    let nobody = Hospital::described(
        "http://127.0.0.1:9",
        Keys::new("menzhen", &["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()]).unwrap(),
        (policy(), Vec::new()),
        Arc::new(Heard::default()),
    );
    let unmapped = NumberLock { clinic: "20270104-am-XNK-D1".parse().unwrap(), ..lock };
    assert_eq!(nobody.unwrap().lock(&unmapped, desk.call()).await, Err(HisError::Unmapped));
}

#[tokio::test]
async fn what_is_kept_of_calls_names_nobody() {
    let desk = open("kept").await;
    desk.his.confirm(&visit("a", 1), desk.call()).await.unwrap();
    desk.find(PersonQuery::Document(paper(PAPER))).await;
    let calls = desk.heard.calls.lock().unwrap().clone();
    let told: Vec<_> = calls.iter().map(|call| (call.operation.as_str(), call.outcome.as_str())).collect();
    assert_eq!(told, [("confirm", "ok"), ("confirm", "ok"), ("person-find", "ok")]);
    assert!(calls.iter().all(|call| call.adapter == HisAdapter::Fhir));
    assert_eq!(calls[1].serial.as_deref(), Some("a"));
    let all = format!("{calls:?}");
    for secret in ["V1", PAPER, "周建国", "19900000031"] {
        assert!(!all.contains(&format!("\"{secret}\"")) && !all.contains(&format!("|{secret}")), "{secret}: {all}");
    }
    let asked = desk.stand_in.get("calls").await["calls"].to_string();
    let addresses: Vec<_> =
        asked.match_indices("\"query\":\"").map(|(at, _)| &asked[at..(at + 200).min(asked.len())]).collect();
    assert!(addresses.iter().all(|address| !address.split("\",").next().unwrap().contains(PAPER)));
}

// People -------------------------------------------------------------------------------------

#[tokio::test]
async fn a_person_is_found_by_whatever_is_known() {
    let desk = open("find").await;
    let by_paper = desk.find(PersonQuery::Document(paper(PAPER))).await;
    assert_eq!(by_paper[0].name.as_ref().unwrap().expose(), "周建国");
    assert!(by_paper[0].has_card(&"V1".parse().unwrap()) && by_paper[0].has_document(&paper(PAPER)));
    assert_eq!(by_paper, desk.find(PersonQuery::Card("V1".parse().unwrap())).await);
    assert_eq!(by_paper, desk.find(PersonQuery::Phone(Phone::parse("19900000031").unwrap())).await);
    assert_eq!(desk.find(PersonQuery::Card("V9".parse().unwrap())).await, []);
    let guardian = json!({ "name": "周建国", "document": { "kind": "01", "number": PAPER } });
    let child = json!({ "name": "周?", "documents": [], "guardian": guardian, "cards": [{ "card_no": "V7", "active": false, "digital": true }] });
    desk.stand_in.post("persons", child).await;
    let children = desk.find(PersonQuery::Guardian(paper(PAPER))).await;
    assert_eq!(children[0].guardian.as_ref().unwrap().document, paper(PAPER));
    assert!(children[0].name.as_ref().unwrap().needs_window_check());
    assert_eq!((children[0].cards[0].active, children[0].cards[0].digital), (false, true));
}

#[tokio::test]
async fn who_was_merged_is_found_as_who_stays() {
    let desk = open("merged").await;
    let keeper = desk.stand_in.get("persons").await["persons"][0]["person_no"].clone();
    let gone = desk
        .stand_in
        .post("persons", json!({ "name": "周建国", "documents": [], "cards": [{ "card_no": "V2" }] }))
        .await;
    desk.stand_in.post("persons/merge", json!({ "into": keeper, "from": gone["person_no"] })).await;
    let found = desk.find(PersonQuery::Card("V2".parse().unwrap())).await;
    assert_eq!((found.len(), json!(found[0].no.as_str()), found[0].cards.len()), (1, keeper, 2));
    desk.stand_in.post("persons/unmerge", json!({ "from": gone["person_no"] })).await;
    let found = desk.find(PersonQuery::Card("V2".parse().unwrap())).await;
    assert_eq!((json!(found[0].no.as_str()), found[0].cards.len()), (gone["person_no"].clone(), 1));
}

#[tokio::test]
async fn a_person_is_made_once_whatever_fails() {
    let desk = open("make").await;
    let his = &desk.his;
    let known = his.person_create(&newcomer("p-1", "周建国", paper(PAPER)), desk.call()).await.unwrap();
    assert_eq!(known, his.person_create(&newcomer("p-1", "周建国", paper(PAPER)), desk.call()).await.unwrap());
    let other = newcomer("p-2", "周建军", paper(PAPER));
    assert_eq!(his.person_create(&other, desk.call()).await, refused(Refusal::PersonDiffers));
    let fresh = IdDocument::parse(DocumentKind::HongKongMacauPermit, "H0000000001", today(desk.now)).unwrap();
    for (serial, request, kind) in [
        ("p-3", "POST /Patient", "fail_before"),
        ("p-3", "POST /Patient", "fail_after"),
        ("p-3", "POST /Patient/_search", "fail_after"),
    ] {
        desk.fault(request, json!({ "kind": kind })).await;
        let made = his.person_create(&newcomer(serial, "江望", fresh.clone()), desk.call()).await;
        assert_eq!(made, Err(HisError::UnknownOutcome), "{request} {kind}");
    }
    let serial = "p-3".parse().unwrap();
    let made = his.person_create(&newcomer("p-3", "江望", fresh.clone()), desk.call()).await.unwrap();
    assert_eq!(his.person_posted(&serial, desk.call()).await.unwrap(), Some(made.clone()));
    assert_eq!(his.person_posted(&"p-9".parse().unwrap(), desk.call()).await, Ok(None));
    assert_eq!(desk.stand_in.get("persons").await["persons"].as_array().unwrap().len(), 2);
    let found = desk.find(PersonQuery::Document(fresh)).await;
    assert_eq!(
        (found.len(), &found[0].no, found[0].phone.as_ref().map(Phone::expose)),
        (1, &made.person, Some("19900000088"))
    );
}

#[tokio::test]
async fn a_child_is_made_known_with_its_guardian() {
    let desk = open("child").await;
    let birth = IdDocument::parse(DocumentKind::BirthCertificate, "Q330000001", today(desk.now)).unwrap();
    let guardian = Guardian { name: PersonName::parse("周建国").unwrap(), document: paper(PAPER) };
    let post = PersonPost { guardian: Some(guardian.clone()), ..newcomer("p-4", "周小满", birth) };
    let made = desk.his.person_create(&post, desk.call()).await.unwrap();
    let children = desk.find(PersonQuery::Guardian(paper(PAPER))).await;
    assert_eq!((&children[0].no, children[0].guardian.as_ref()), (&made.person, Some(&guardian)));
}

#[tokio::test]
async fn a_card_is_bound_to_its_own_person_only() {
    let desk = open("bind").await;
    desk.stand_in.post("persons", json!({ "name": "江望", "documents": [], "cards": [{ "card_no": "V2" }] })).await;
    let person = desk.find(PersonQuery::Card("V1".parse().unwrap())).await[0].no.clone();
    let binding = |serial: &str, card: &str| CardBinding {
        serial: serial.parse().unwrap(),
        person: person.clone(),
        card: card.parse().unwrap(),
    };
    let bound = desk.his.card_bind(&binding("b-1", "V1"), desk.call()).await.unwrap();
    assert_eq!(desk.his.card_bind(&binding("b-1", "V1"), desk.call()).await.unwrap(), bound);
    assert_eq!(desk.his.person_posted(&"b-1".parse().unwrap(), desk.call()).await.unwrap(), Some(bound));
    assert_eq!(desk.his.card_bind(&binding("b-2", "V2"), desk.call()).await, refused(Refusal::CardBound));
    assert_eq!(desk.his.card_bind(&binding("b-3", "V9"), desk.call()).await, refused(Refusal::NoSuchCard));
    let nobody = CardBinding { person: "P0".parse().unwrap(), ..binding("b-4", "V1") };
    assert_eq!(desk.his.card_bind(&nobody, desk.call()).await, refused(Refusal::NoSuchPerson));
}

#[tokio::test]
async fn what_fhir_does_not_have_is_not_offered() {
    let desk = open("not-offered").await;
    let keys = Keys::new("menzhen", &["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()]).unwrap();
    let everything = HisPolicy { default: HisAdapter::Fhir, ..HisPolicy::default() };
    let his =
        Hospital::described(&desk.stand_in.url, keys, (everything, Vec::new()), Arc::new(Heard::default())).unwrap();
    assert_eq!(his.fees_unpaid(&"V1".parse().unwrap(), desk.call()).await, Err(HisError::NotOffered));
    assert_eq!(his.events(None, desk.call()).await, Err(HisError::NotOffered));
    assert_eq!(his.day_file(today(desk.now), desk.call()).await.unwrap_err(), HisError::NotOffered);
    assert_eq!(desk.stand_in.get("calls").await["calls"], json!([]));
}

// Reports ------------------------------------------------------------------------------------

fn report_of(number: &str, card: &str, value: f64) -> Value {
    let observation = |id: &str, member: Option<&str>| {
        json!({
            "resourceType": "Observation", "id": id, "status": "final", "code": { "text": "总胆固醇" },
            "valueQuantity": { "value": value, "unit": "mmol/L" },
            "hasMember": member.map(|member| vec![json!({ "reference": format!("Observation/{member}") })]),
        })
    };
    let (first, second) = (format!("{number}-1"), format!("{number}-2"));
    let report = json!({
        "resourceType": "DiagnosticReport", "id": number, "status": "final", "code": { "text": "血脂" },
        "identifier": [{ "system": "urn:lis", "value": number }],
        "subject": { "type": "Patient", "identifier": { "system": "urn:menzhen:fhir:card", "value": card } },
        "result": [{ "reference": format!("Observation/{first}") }],
    });
    let mut entries = vec![json!({ "resource": report }), json!({ "resource": observation(&first, Some(&second)) })];
    let mut leaf = observation(&second, None);
    leaf.as_object_mut().unwrap().remove("hasMember");
    entries.push(json!({ "resource": leaf }));
    json!({ "bundle": { "resourceType": "Bundle", "type": "collection", "entry": entries } })
}

fn read_again(report: &his::SentReport) -> results::fhir::Results {
    assert_eq!(report.wire, domain::report::Wire::Fhir);
    results::fhir::read(std::str::from_utf8(&report.body).unwrap()).unwrap()
}

#[tokio::test]
async fn reports_that_were_missed_are_fetched() {
    let desk = open("reports").await;
    let query = |card: Option<&str>, since| ReportsQuery { card_no: card.map(|card| card.parse().unwrap()), since };
    assert!(desk.his.reports(&query(None, None), desk.call()).await.unwrap().reports.is_empty());
    desk.stand_in.post("fhir-reports", report_of("R1", "V1", 5.6)).await;
    desk.stand_in.post("fhir-reports", report_of("R2", "V2", 4.1)).await;
    let all = desk.his.reports(&query(None, None), desk.call()).await.unwrap();
    assert_eq!((all.reports.len(), all.has_more), (2, false));
    let read = read_again(&all.reports[0].report);
    assert_eq!((read.reports[0].key.number.as_str(), read.reports[0].items().count()), ("R1", 2));
    let theirs = desk.his.reports(&query(Some("V2"), None), desk.call()).await.unwrap();
    assert_eq!(theirs.reports.iter().map(|heard| &heard.mark).collect::<Vec<_>>(), [&all.reports[1].mark]);
    let since = Some(all.reports[1].mark.clone());
    assert!(desk.his.reports(&query(None, since.clone()), desk.call()).await.unwrap().reports.is_empty());
    // Corrected: it stands at the end of the list again, whole.
    desk.stand_in.post("fhir-reports", report_of("R1", "V1", 5.9)).await;
    let later = desk.his.reports(&query(None, since), desk.call()).await.unwrap();
    assert_eq!(read_again(&later.reports[0].report).reports[0].items().next().unwrap().values[0].sent.as_str(), "5.9");
    for number in 3..=13 {
        desk.stand_in.post("fhir-reports", report_of(&format!("R{number}"), "V1", 5.0)).await;
    }
    let first = desk.his.reports(&query(None, None), desk.call()).await.unwrap();
    assert_eq!((first.reports.len(), first.has_more), (10, true));
    let last = first.reports.last().map(|heard| heard.mark.clone());
    let second = desk.his.reports(&query(None, last), desk.call()).await.unwrap();
    assert_eq!((second.reports.len(), second.has_more), (3, false));
    let one = desk.his.report(&"R2".parse().unwrap(), desk.call()).await.unwrap().unwrap();
    assert_eq!(read_again(&one).reports[0].key.number.as_str(), "R2");
    let calls = desk.heard.calls.lock().unwrap().clone();
    assert!(calls.iter().all(|call| call.operation.starts_with("report") && call.response.is_none()));
    assert_eq!(desk.his.report(&"R99".parse().unwrap(), desk.call()).await.unwrap(), None);
}

// What is sent -------------------------------------------------------------------------------

/// Every request of every operation, in order: what is of the day or of the server's own making is a sign.
#[tokio::test]
async fn what_is_sent_is_what_was_agreed() {
    let desk = open("sent").await;
    let (his, until) = (&desk.his, "2027-01-03T00:10:00Z".parse().unwrap());
    let lock = |serial: &str, number: u16| NumberLock { until, ..desk.lock(serial, OURS, number) };
    let query = ScheduleQuery {
        from: "2027-01-01".parse().unwrap(),
        to: "2027-01-31".parse().unwrap(),
        since: "2026-11-23T00:00:00Z".parse().ok(),
    };
    his.departments(desk.call()).await.unwrap();
    his.doctors(desk.call()).await.unwrap();
    his.schedules(&query, desk.call()).await.unwrap();
    his.slots(&OURS.parse().unwrap(), desk.call()).await.unwrap();
    his.lock(&lock("a", 1), desk.call()).await.unwrap();
    his.confirm(&visit("a", 1), desk.call()).await.unwrap();
    his.reschedule(&"a".parse().unwrap(), &visit("b", 2), desk.call()).await.unwrap();
    his.cancel(&"b".parse().unwrap(), desk.call()).await.unwrap();
    let unpaid = VisitBooking { card_no: None, paid_by: None, ..visit("c", 1) };
    his.confirm(&unpaid, desk.call()).await.unwrap();
    desk.standing("c").await;
    let registration = unpaid.registration;
    let came = VisitQuery {
        appointment: registration.appointment,
        clinic: registration.clinic,
        number: 1,
        date: registration.date,
    };
    his.visit_status(&came, desk.call()).await.unwrap();
    desk.find(PersonQuery::Document(paper(PAPER))).await;
    desk.find(PersonQuery::Phone(Phone::parse("19900000031").unwrap())).await;
    desk.find(PersonQuery::Guardian(paper(PAPER))).await;
    let permit = |number: &str| IdDocument::parse(DocumentKind::HongKongMacauPermit, number, today(desk.now)).unwrap();
    his.person_create(&newcomer("p-1", "江望", permit("H0000000001")), desk.call()).await.unwrap();
    let guardian = Guardian { name: PersonName::parse("周建国").unwrap(), document: paper(PAPER) };
    let child = PersonPost { guardian: Some(guardian), ..newcomer("p-2", "周小满", permit("H1000000001")) };
    his.person_create(&child, desk.call()).await.unwrap();
    let person = desk.find(PersonQuery::Card("V1".parse().unwrap())).await[0].no.clone();
    let binding = CardBinding { serial: "b-1".parse().unwrap(), person, card: "V1".parse().unwrap() };
    his.card_bind(&binding, desk.call()).await.unwrap();
    let reports = ReportsQuery { card_no: "V1".parse().ok(), since: "2026-11-23T00:00:00Z".parse().ok() };
    his.reports(&reports, desk.call()).await.unwrap();
    his.report(&"R1".parse().unwrap(), desk.call()).await.unwrap();

    let calls = desk.stand_in.get("calls").await["calls"].clone();
    let sent: Vec<String> = calls.as_array().unwrap().iter().map(shown).collect();
    insta::assert_snapshot!(sent.join("\n"));
}

/// A request as it was sent: line of the address, then the body.
fn shown(call: &Value) -> String {
    let text = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
    let body = text("body");
    let body = match serde_json::from_str::<Value>(&body) {
        Ok(resource) => serde_json::to_string_pretty(&without_versions(resource)).unwrap(),
        Err(_) => body,
    };
    without_numbers(&format!("{} {}{}\n{body}\n", text("method"), text("path"), text("query")))
}

/// What a server says of its versions changes from day to day.
fn without_versions(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            fields.remove("meta");
            if fields.contains_key("ifMatch") {
                fields.insert("ifMatch".into(), json!("W/\"1\""));
            }
            for (_, field) in fields.iter_mut() {
                *field = without_versions(field.take());
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(|entry| *entry = without_versions(entry.take())),
        _ => {}
    }
    value
}

/// The hospital's numbers have the day in them: `P20261123000001`; a name within a transaction is of chance.
fn without_numbers(text: &str) -> String {
    let parts = text.split("P2").enumerate().map(|(at, part)| match (at, part.get(..13)) {
        (1.., Some(digits)) if digits.bytes().all(|b| b.is_ascii_digit()) => format!("P{}", &part[9..]),
        (1.., _) => format!("P2{part}"),
        _ => part.to_owned(),
    });
    let joined = parts.collect::<String>();
    let uuid = joined.match_indices("urn:uuid:").next().and_then(|(at, _)| joined.get(at..at + 45)).map(str::to_owned);
    uuid.map_or(joined.clone(), |uuid| joined.replace(&uuid, "urn:uuid:00000000-0000-4000-8000-000000000000"))
}
