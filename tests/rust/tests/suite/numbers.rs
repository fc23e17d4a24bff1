//! Who gives the numbers: the same visit from hold to refund where we do and where the hospital's own system does; what is
//! pulled from that, and what happens while it is down, slow to say yes, or says no.

use crate::visit::his::speaking;
use crate::visit::hospital::{Hospital, Person, appointment_key, slot};
use domain::appointment::{Appointment, AppointmentKey, RefusedWhy, State};
use domain::catalog::Department;
use domain::clinic::ClinicState;
use domain::enrolment::NumberOwner;
use domain::his::HisAdapter;
use domain::id::ClinicId;
use domain::notice::NoticeKind;
use domain::profile::{NumbersPolicy, PullPolicy};
use domain::time;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// More than a number rests.
const REST_MIN: i64 = 31;
/// A little more than a paid visit waits for its confirmation.
const CONFIRM_MIN: i64 = 16;

async fn open(owner: NumberOwner) -> Hospital {
    open_speaking(owner, HisAdapter::SignedJson).await
}

async fn open_speaking(owner: NumberOwner, adapter: HisAdapter) -> Hospital {
    let mut hospital = Hospital::open_speaking(&speaking(adapter)).await;
    let pull = Some(PullPolicy::default());
    hospital.set_numbers(NumbersPolicy { owner, pull, ..NumbersPolicy::default() }).await;
    hospital
}

async fn visit(hospital: &Hospital, key: &AppointmentKey) -> Appointment {
    hospital.table.appointment(key).await.unwrap().unwrap()
}

/// Holds a number and pays for it; nobody has told the hospital of the payment yet.
async fn paid(hospital: &Hospital, person: &Person, clinic: &ClinicId, key: &str) -> AppointmentKey {
    let (status, held) = hospital.hold(person, clinic, key).await;
    assert_eq!(status, 200, "{held}");
    let appointment = appointment_key(&held);
    let (status, prepay) = hospital.prepay(person, &appointment).await;
    assert_eq!(status, 200, "{prepay}");
    let notification = hospital.pay(person, &prepay).await;
    assert_eq!(hospital.notify(&notification).await, 200);
    appointment
}

async fn settle(hospital: &Hospital) {
    for minutes in [2, 11, REST_MIN, REST_MIN] {
        hospital.pass_minutes(minutes).await;
        hospital.tick().await;
        hospital.tick().await;
    }
}

/// What the desk keeps of what was paid for a visit, in fen.
async fn kept_fen(hospital: &Hospital, visit: &Appointment) -> i64 {
    let order = hospital.table.order(&visit.out_trade_no()).await.unwrap().unwrap();
    assert!(order.is_paid());
    order.kept().unwrap().get()
}

async fn refuse_once(hospital: &Hospital, operation: &str, error: &str) {
    let fault = json!({ "path": format!("/his/v1/{operation}"), "kind": "refuse", "error": error, "count": 1 });
    hospital.his.post("faults", fault).await;
}

/// Booked, moved, cancelled, the money back, and the hospital's books alike.
async fn a_whole_visit(owner: NumberOwner, adapter: HisAdapter) {
    let hospital = open_speaking(owner, adapter).await;
    let person = hospital.patient("lin").await;
    let (first, second) = (hospital.clinic(1).await, hospital.clinic(1).await);
    let booked = paid(&hospital, &person, &first, "visit").await;
    hospital.tick().await;
    assert_eq!(visit(&hospital, &booked).await.state, State::Booked);
    assert_eq!(hospital.notices(&booked).await, [NoticeKind::Booked]);
    let body =
        json!({ "clinic": second.as_str(), "slot": slot().to_string(), "idempotency_key": "move-move-move-move" });
    let (status, moved) = hospital.book_post(&person, &format!("/appointments/{booked}/reschedule"), &body).await;
    assert_eq!((status, moved["state"].as_str()), (200, Some("booked")), "{owner:?} {moved}");
    let moved = appointment_key(&moved);
    hospital.pass_minutes(2).await;
    hospital.tick().await;
    assert_eq!(hospital.at_the_his(&moved.id).await.as_deref(), Some("confirmed"), "{owner:?}");
    assert_eq!(hospital.at_the_his(&booked.id).await.as_deref(), Some("over"), "{owner:?}");
    assert_eq!(kept_fen(&hospital, &visit(&hospital, &moved).await).await, 2500);
    assert_eq!(hospital.cancel(&person, &moved).await.0, 200);
    settle(&hospital).await;
    assert_eq!(hospital.at_the_his(&moved.id).await.as_deref(), Some("over"), "{owner:?}");
    assert_eq!(kept_fen(&hospital, &visit(&hospital, &moved).await).await, 0);
    assert!(hospital.table.gate(&person.patient).await.unwrap().entries.is_empty());
    for clinic in [first, second] {
        let slot = hospital.table.slot(&clinic, slot()).await.unwrap().unwrap();
        assert_eq!((slot.free_numbers, slot.taken.len()), ([1].into(), 0), "{owner:?}: had again by others");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visit_whose_number_we_give() {
    a_whole_visit(NumberOwner::Menzhen, HisAdapter::SignedJson).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visit_whose_number_the_hospital_gives() {
    a_whole_visit(NumberOwner::His, HisAdapter::SignedJson).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visit_whose_number_we_give_told_in_fhir() {
    a_whole_visit(NumberOwner::Menzhen, HisAdapter::Fhir).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visit_whose_number_the_hospital_gives_in_fhir() {
    a_whole_visit(NumberOwner::His, HisAdapter::Fhir).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hospital_hears_of_a_visit_nobody_pays_for() {
    for owner in [NumberOwner::Menzhen, NumberOwner::His] {
        let hospital = open(owner).await;
        let person = hospital.patient("lin").await;
        let clinic = hospital.clinic_at(1, 0).await;
        let (status, held) = hospital.hold(&person, &clinic, "free").await;
        assert_eq!((status, held["state"].as_str()), (200, Some("booked")), "{owner:?} {held}");
        let key = appointment_key(&held);
        hospital.tick().await;
        assert_eq!(hospital.at_the_his(&key.id).await.as_deref(), Some("confirmed"), "{owner:?}");
        assert_eq!(hospital.cancel(&person, &key).await.0, 200);
        settle(&hospital).await;
        assert_eq!(hospital.at_the_his(&key.id).await.as_deref(), Some("over"), "{owner:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_sold_at_the_hospital_is_gone_and_a_lock_nobody_pays_for_is_given_back() {
    let hospital = open(NumberOwner::His).await;
    let person = hospital.patient("lin").await;
    let clinic = hospital.clinic(2).await;
    refuse_once(&hospital, "lock", "NUMBER_TAKEN").await;
    let (status, refusal) = hospital.hold(&person, &clinic, "gone").await;
    assert_eq!((status, refusal["error"]["code"].as_str()), (409, Some("number_taken")), "{refusal}");
    let seen = hospital.table.slot(&clinic, slot()).await.unwrap().unwrap();
    assert_eq!((seen.free_numbers.len(), seen.taken.len(), seen.elsewhere.len()), (1, 0, 1), "{seen:?}");
    let (status, held) = hospital.hold(&person, &clinic, "other").await;
    assert_eq!((status, held["state"].as_str()), (200, Some("held")), "the gate is free: {held}");
    let key = appointment_key(&held);
    assert_eq!(hospital.at_the_his(&key.id).await.as_deref(), Some("locked"));
    settle(&hospital).await;
    assert_eq!(visit(&hospital, &key).await.state, State::Expired);
    assert_eq!(hospital.at_the_his(&key.id).await.as_deref(), Some("over"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_pays_while_the_hospital_does_not_answer_and_all_goes_on_once_it_does() {
    let hospital = open(NumberOwner::His).await;
    let (person, other) = (hospital.patient("lin").await, hospital.patient("chen").await);
    let clinic = hospital.clinic(2).await;
    let before = paid(&hospital, &other, &clinic, "before").await;
    hospital.his.post("down", json!({ "on": true })).await;
    let (status, refusal) = hospital.hold(&person, &clinic, "down").await;
    assert_eq!((status, refusal["error"]["code"].as_str()), (503, Some("his_down")), "{refusal}");
    assert!(hospital.table.gate(&person.patient).await.unwrap().entries.is_empty(), "nobody waits in a line");
    hospital.tick().await;
    assert!(matches!(visit(&hospital, &before).await.state, State::Confirming { .. }));
    hospital.his.post("down", json!({ "on": false })).await;
    // The first call after a while of silence tries whether anybody is there; the others go with the next tick.
    for _ in 0..2 {
        hospital.pass_minutes(2).await;
        hospital.tick().await;
    }
    assert_eq!(visit(&hospital, &before).await.state, State::Booked);
    let (status, held) = hospital.hold(&person, &clinic, "again").await;
    assert_eq!((status, held["state"].as_str()), (200, Some("held")), "{held}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_confirmed_in_time_goes_back_and_a_late_yes_is_undone() {
    let hospital = open(NumberOwner::His).await;
    let person = hospital.patient("lin").await;
    let clinic = hospital.clinic(1).await;
    let key = paid(&hospital, &person, &clinic, "late").await;
    hospital.his.post("faults", json!({ "path": "/his/v1/confirm", "kind": "late", "count": 99 })).await;
    hospital.his.post("faults", json!({ "path": "/his/v1/standing", "kind": "fail_before", "count": 99 })).await;
    hospital.tick().await;
    assert!(matches!(visit(&hospital, &key).await.state, State::Confirming { .. }));
    hospital.pass_minutes(CONFIRM_MIN).await;
    hospital.tick().await;
    assert_eq!(visit(&hospital, &key).await.state, State::Refused { why: RefusedWhy::HisSilent });
    assert!(!hospital.notices(&key).await.is_empty(), "the patient is told");
    hospital.his.post("faults", json!({ "clear": true })).await;
    hospital.his.post("late", json!({})).await;
    assert_eq!(hospital.at_the_his(&key.id).await.as_deref(), Some("confirmed"), "its yes came late");
    settle(&hospital).await;
    assert_eq!(hospital.at_the_his(&key.id).await.as_deref(), Some("over"));
    assert_eq!(kept_fen(&hospital, &visit(&hospital, &key).await).await, 0);
    assert!(hospital.table.gate(&person.patient).await.unwrap().entries.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paid_visit_the_hospital_refuses_goes_back_at_once() {
    let hospital = open(NumberOwner::His).await;
    let person = hospital.patient("lin").await;
    let clinic = hospital.clinic(1).await;
    let key = paid(&hospital, &person, &clinic, "refused").await;
    refuse_once(&hospital, "confirm", "CLINIC_CLOSED").await;
    hospital.tick().await;
    assert_eq!(visit(&hospital, &key).await.state, State::Refused { why: RefusedWhy::HisRefused });
    settle(&hospital).await;
    assert_eq!(kept_fen(&hospital, &visit(&hospital, &key).await).await, 0);
    assert_eq!(hospital.at_the_his(&key.id).await.as_deref(), Some("over"), "its lock has ended");
}

// What is pulled --------------------------------------------------------------------------------

fn department(name: &str) -> Value {
    json!({ "code": "XNK", "name": name, "parent": null, "location": "二楼", "campus": "本部", "intro": "" })
}

async fn told(hospital: &Hospital, name: &str, fee: &str) -> ClinicId {
    let date = time::add_days(time::today(hospital.now()), 2);
    let clinic = json!({
        "date": date, "period": "morning", "department": "XNK", "doctor": null, "kind": "ordinary", "fee": fee,
        "slots": [{ "start": slot().to_string(), "numbers": [1, 2, 3] }],
    });
    let timetable = json!({ "departments": [department(name)], "doctors": [], "schedules": [clinic] });
    hospital.his.post("timetable", timetable).await["clinics"][0].as_str().unwrap().parse().unwrap()
}

async fn pulled(hospital: &Hospital) -> domain::pull::PullReport {
    hospital.table.ask_for_pull(hospital.now()).await.unwrap();
    hospital.tick().await;
    let report = hospital.table.pull().await.unwrap().report;
    assert!(report.is_complete, "{report:?}");
    report
}

async fn numbers(hospital: &Hospital, clinic: &ClinicId) -> (BTreeSet<u16>, BTreeSet<u16>, usize) {
    let slot = hospital.table.slot(clinic, slot()).await.unwrap().unwrap();
    (slot.free_numbers.clone(), slot.elsewhere.clone(), slot.holders().count())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_timetable_comes_from_the_hospital_and_takes_nothing_from_anybody() {
    the_timetable_is_pulled(HisAdapter::SignedJson).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_timetable_comes_in_fhir_and_takes_nothing_from_anybody() {
    the_timetable_is_pulled(HisAdapter::Fhir).await;
}

async fn the_timetable_is_pulled(adapter: HisAdapter) {
    let hospital = open_speaking(NumberOwner::His, adapter).await;
    let clinic = told(&hospital, "心血管内科", "25.00").await;
    assert_eq!(pulled(&hospital).await.clinics_changed, 1);
    assert_eq!(numbers(&hospital, &clinic).await, ([1, 2, 3].into(), [].into(), 0));
    let again = pulled(&hospital).await;
    assert_eq!((again.catalog_changed, again.clinics_changed), (0, 0), "the same again changes nothing");

    let person = hospital.patient("lin").await;
    let key = paid(&hospital, &person, &clinic, "visit").await;
    hospital.tick().await;
    let mine = visit(&hospital, &key).await.place.number;
    let other = (1..=3).find(|number| *number != mine).unwrap();
    hospital.his.post("sell", json!({ "clinic": clinic, "number": other })).await;
    pulled(&hospital).await;
    assert_eq!(numbers(&hospital, &clinic).await.1, [other].into(), "sold at a window");

    // Shrunk below what is sold: kept, and for people to look at.
    hospital.his.post("numbers", json!({ "clinic": clinic, "start": slot().to_string(), "numbers": [other] })).await;
    assert_eq!(pulled(&hospital).await.oversold, [clinic.clone()].into());
    assert_eq!(numbers(&hospital, &clinic).await, ([].into(), [other].into(), 1));
    assert_eq!(visit(&hospital, &key).await.state, State::Booked);

    hospital.his.post("fee", json!({ "clinic": clinic, "fee": "30.00" })).await;
    hospital.his.post("surprise", json!({})).await;
    hospital.his.post("close", json!({ "clinic": clinic })).await;
    let report = pulled(&hospital).await;
    assert_eq!((report.events, report.rejected), (2, 1), "what nobody knows holds nothing up");
    assert_eq!(pulled(&hospital).await.events, 0, "each once");
    let closed = hospital.table.clinic_alone(&clinic).await.unwrap().unwrap();
    assert_eq!((closed.state, closed.fee.get()), (ClinicState::Closed, 3000));
    assert_eq!(hospital.table.closures(&clinic).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clinic_of_a_department_nobody_knows_is_there_once_somebody_does() {
    let hospital = open(NumberOwner::His).await;
    let date = time::add_days(time::today(hospital.now()), 2);
    let clinic = json!({
        "date": date, "period": "morning", "department": "NEU", "doctor": null, "kind": "ordinary", "fee": "25.00",
        "slots": [{ "start": slot().to_string(), "numbers": [1, 2] }],
    });
    hospital.his.post("timetable", json!({ "departments": [], "doctors": [], "schedules": [clinic] })).await;
    assert_eq!(pulled(&hospital).await.rejected, 1);
    let known = json!({ "code": "NEU", "name": "新设科", "parent": null, "location": "", "campus": "", "intro": "" });
    hospital.his.post("timetable", json!({ "departments": [known], "doctors": [] })).await;
    let report = pulled(&hospital).await;
    assert_eq!((report.catalog_changed, report.clinics_changed, report.rejected), (1, 1, 0), "not lost");
    assert_eq!(pulled(&hospital).await.clinics_changed, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_staff_edited_stays_and_the_rest_follows_the_hospital() {
    let hospital = open(NumberOwner::Menzhen).await;
    let clinic = told(&hospital, "心血管内科", "25.00").await;
    pulled(&hospital).await;
    assert_eq!(numbers(&hospital, &clinic).await.0, [1, 2, 3].into());
    let ours = hospital.table.departments().await.unwrap().into_iter().find(|one| one.id.as_str() == "XNK").unwrap();
    hospital.table.put_department(&Department { intro: "高血压、冠心病".into(), ..ours }).await.unwrap();
    told(&hospital, "心血管病中心", "25.00").await;
    assert_eq!(pulled(&hospital).await.catalog_changed, 1);
    let after = hospital.table.departments().await.unwrap().into_iter().find(|one| one.id.as_str() == "XNK").unwrap();
    assert_eq!((after.name.as_str(), after.intro.as_str()), ("心血管病中心", "高血压、冠心病"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_known_is_shown_with_its_age_while_the_hospital_does_not_answer() {
    let hospital = open(NumberOwner::His).await;
    let person = hospital.patient("lin").await;
    let clinic = told(&hospital, "心血管内科", "25.00").await;
    pulled(&hospital).await;
    let page = async || {
        let (status, page) = hospital.book_get(&person, &format!("/clinics/{clinic}")).await;
        assert_eq!(status, 200, "{page}");
        (page["freshness"]["text"].as_str().unwrap().to_owned(), page["freshness"]["is_old"].clone())
    };
    let (fresh, is_old) = page().await;
    assert!(fresh.starts_with("号源更新于 ") && is_old == false, "{fresh}");
    hospital.his.post("down", json!({ "on": true })).await;
    hospital.pass_minutes(CONFIRM_MIN).await;
    hospital.tick().await;
    let (old, is_old) = page().await;
    let clock = fresh.split(' ').next_back().unwrap();
    assert!(old.ends_with(clock) && is_old == true, "as of when it last answered: {fresh}, {old}");
}
