//! 改约, 候补 and 停诊 on the real handlers: a moved visit is one visit with its payment whatever fails; a number that comes
//! back goes to who waited; a clinic that closes leaves nobody behind.

use crate::visit::hospital::{Hospital, Person, appointment_key, slot};
use crate::visit::proxy::{Fault, Plan};
use domain::appointment::{Appointment, AppointmentKey, Command, State};
use domain::clinic::{Claim, ClinicState, Slot};
use domain::closure::{Closure, ClosureKind};
use domain::event::Actor;
use domain::id::ClinicId;
use domain::notice::NoticeKind;
use domain::time;
use serde_json::json;

const FEE_FEN: i64 = 2500;
/// More than a number rests.
const REST_MIN: i64 = 31;

/// A paid visit of a new patient.
async fn booked(hospital: &Hospital, clinic: &ClinicId, key: &str) -> (Person, AppointmentKey) {
    let person = hospital.patient("lin").await;
    let (status, held) = hospital.hold(&person, clinic, key).await;
    assert_eq!(status, 200, "{held}");
    let appointment = appointment_key(&held);
    let (status, prepay) = hospital.prepay(&person, &appointment).await;
    assert_eq!(status, 200, "{prepay}");
    let notification = hospital.pay(&person, &prepay).await;
    assert_eq!(hospital.notify(&notification).await, 200);
    (person, appointment)
}

async fn move_to(
    hospital: &Hospital,
    person: &Person,
    from: &AppointmentKey,
    clinic: &ClinicId,
    key: &str,
) -> (u16, serde_json::Value) {
    let body = json!({
        "clinic": clinic.as_str(), "slot": slot().to_string(), "idempotency_key": format!("{key:0>16}"),
    });
    hospital.book_post(person, &format!("/appointments/{from}/reschedule"), &body).await
}

async fn all_of(hospital: &Hospital, person: &Person) -> Vec<Appointment> {
    hospital.table.appointments_of(&person.patient).await.unwrap()
}

/// Exactly one live visit, with its number, gate entry and order; the other clinic's number is free again.
async fn one_visit(hospital: &Hospital, person: &Person, clinics: [&ClinicId; 2], what: &str) -> Appointment {
    let all = all_of(hospital, person).await;
    let live: Vec<_> = all.iter().filter(|a| a.state == State::Booked).collect();
    assert_eq!(live.len(), 1, "{what}: {all:?}");
    let visit = live[0].clone();
    for clinic in clinics {
        let slot = hospital.table.slot(clinic, slot()).await.unwrap().unwrap();
        let is_its = *clinic == visit.place.clinic;
        assert_eq!(slot.holders().count(), usize::from(is_its), "{what}: {slot:?}");
        assert_eq!(slot.free_numbers.len(), usize::from(!is_its), "{what}: {slot:?}");
        let mine = slot.holder(&visit.id).map(|taken| taken.claim);
        assert_eq!(mine, is_its.then_some(Claim::Booked), "{what}");
    }
    let gate = hospital.table.gate(&person.patient).await.unwrap();
    assert_eq!(gate.entries.keys().collect::<Vec<_>>(), [&visit.id], "{what}");
    let order = hospital.table.order(&visit.out_trade_no()).await.unwrap().unwrap();
    assert_eq!(order.appointment_key(), Some(visit.key()), "{what}");
    assert!(order.is_paid() && order.refunds.is_empty(), "{what}: {order:?}");
    visit
}

async fn settle(hospital: &Hospital) {
    for minutes in [2, 11, REST_MIN, REST_MIN] {
        hospital.pass_minutes(minutes).await;
        hospital.tick().await;
        hospital.tick().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_moved_visit_takes_its_payment_along() {
    let hospital = Hospital::open().await;
    let (old, new) = (hospital.clinic_at(1, FEE_FEN).await, hospital.clinic_at(1, FEE_FEN).await);
    let (person, from) = booked(&hospital, &old, "first").await;
    let (status, moved) = move_to(&hospital, &person, &from, &new, "move").await;
    assert_eq!((status, moved["state"].as_str()), (200, Some("booked")), "{moved}");
    let (again, same) = move_to(&hospital, &person, &from, &new, "move").await;
    assert_eq!((again, &same["appointment"]), (200, &moved["appointment"]), "a repeat is the same move");
    settle(&hospital).await;
    let visit = one_visit(&hospital, &person, [&old, &new], "moved").await;
    assert_eq!(hospital.notices(&visit.key()).await, [NoticeKind::Moved]);
    let (status, refusal) = move_to(&hospital, &person, &visit.key(), &old, "back").await;
    assert_eq!((status, refusal["error"]["code"].as_str()), (409, Some("moved_too_often")), "{refusal}");
    let (status, cancelled) = hospital.cancel(&person, &visit.key()).await;
    assert_eq!(status, 200, "{cancelled}");
    settle(&hospital).await;
    let order = hospital.table.order(&visit.out_trade_no()).await.unwrap().unwrap();
    assert_eq!(order.kept().unwrap().get(), 0, "cancelled after the move, it all goes back: {order:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_fee_or_a_full_clinic_leaves_the_visit_as_it_is() {
    let hospital = Hospital::open().await;
    let (old, dear, full) =
        (hospital.clinic_at(1, FEE_FEN).await, hospital.clinic_at(1, 5000).await, hospital.clinic_at(1, FEE_FEN).await);
    let (person, from) = booked(&hospital, &old, "first").await;
    let (_, taken) = hospital.hold(&hospital.patient("chen").await, &full, "other").await;
    assert_eq!(taken["state"], "held");
    for (clinic, code) in [(&dear, "other_fee"), (&full, "sold_out")] {
        let (status, refusal) = move_to(&hospital, &person, &from, clinic, code).await;
        assert_eq!((status, refusal["error"]["code"].as_str()), (409, Some(code)), "{refusal}");
    }
    one_visit(&hospital, &person, [&old, &dear], "refused").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn moving_survives_every_fault() {
    let hospital = Hospital::open().await;
    let prepare = async |key: &str| {
        let (old, new) = (hospital.clinic_at(1, FEE_FEN).await, hospital.clinic_at(1, FEE_FEN).await);
        let (person, from) = booked(&hospital, &old, key).await;
        (person, from, old, new)
    };
    let (person, from, _, new) = prepare("clean").await;
    hospital.switch.arm(None);
    move_to(&hospital, &person, &from, &new, "clean").await;
    let calls = hospital.switch.calls();
    assert!(calls.iter().filter(|writes| **writes).count() >= 5, "{calls:?}");
    for (at, writes) in calls.iter().enumerate() {
        for &fault in Fault::of(*writes) {
            for crash in [false, true] {
                let what = format!("call {at}, {fault:?}, crash {crash}");
                let (person, from, old, new) = prepare(&format!("{at}{fault:?}{crash}")).await;
                hospital.switch.arm(Some(Plan { at, fault, crash }));
                move_to(&hospital, &person, &from, &new, &what[..6]).await;
                hospital.switch.arm(None);
                settle(&hospital).await;
                one_visit(&hospital, &person, [&old, &new], &what).await;
            }
        }
    }
}

async fn wait_for(hospital: &Hospital, person: &Person, clinic: &ClinicId, key: &str) -> (u16, serde_json::Value) {
    let body = json!({ "patient": person.patient.as_str(), "idempotency_key": format!("{key:0>16}") });
    hospital.book_post(person, &format!("/clinics/{clinic}/waitlist"), &body).await
}

async fn offer_to(hospital: &Hospital, person: &Person) -> Option<Appointment> {
    let all = all_of(hospital, person).await;
    all.into_iter().find(|a| a.history.offered && a.is_live(hospital.now()))
}

/// Every number of the clinic's one slot is somebody's or free, and only one live claim holds it.
async fn one_number(hospital: &Hospital, clinic: &ClinicId) {
    let slot = hospital.table.slot(clinic, slot()).await.unwrap().unwrap();
    assert_eq!(slot.numbers(), [1].into());
    assert_eq!(slot.free_numbers.len() + slot.taken.len(), 1, "{slot:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_comes_back_is_offered_to_who_waits_and_then_to_the_next() {
    let hospital = Hospital::open().await;
    let clinic = hospital.clinic_at(1, FEE_FEN).await;
    let (person, visit) = booked(&hospital, &clinic, "first").await;
    let (second, third) = (hospital.patient("chen").await, hospital.patient("zhou").await);
    for (waiting, key) in [(&second, "two"), (&third, "three")] {
        let (status, place) = wait_for(&hospital, waiting, &clinic, key).await;
        assert_eq!(status, 200, "{place}");
        let (_, again) = wait_for(&hospital, waiting, &clinic, &format!("{key}b")).await;
        assert_eq!(again["places"], place["places"], "one place per person");
    }
    hospital.pass_minutes(2).await;
    hospital.tick().await;
    assert!(offer_to(&hospital, &second).await.is_none(), "nothing has come back");
    assert_eq!(hospital.cancel(&person, &visit).await.0, 200);
    hospital.pass_minutes(REST_MIN).await;
    hospital.tick().await;
    one_number(&hospital, &clinic).await;
    let offer = offer_to(&hospital, &second).await.expect("the first in line is offered the number");
    assert_eq!(hospital.notices(&offer.key()).await, [NoticeKind::WaitlistOffered]);
    assert!(offer_to(&hospital, &third).await.is_none());
    let State::Held { expires_at } = offer.state else { panic!("{offer:?}") };
    assert!(expires_at > time::add_minutes(hospital.now(), 120), "hours, not minutes");
    // Who says no passes it on.
    assert_eq!(hospital.cancel(&second, &offer.key()).await.0, 200);
    hospital.pass_minutes(1).await;
    hospital.tick().await;
    one_number(&hospital, &clinic).await;
    let offer = offer_to(&hospital, &third).await.expect("the next in line");
    let (status, prepay) = hospital.prepay(&third, &offer.key()).await;
    assert_eq!(status, 200, "{prepay}");
    let notification = hospital.pay(&third, &prepay).await;
    assert_eq!(hospital.notify(&notification).await, 200);
    assert_eq!(hospital.table.appointment(&offer.key()).await.unwrap().unwrap().state, State::Booked);
    assert!(hospital.table.line(&clinic).await.unwrap().is_empty());
    one_number(&hospital, &clinic).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_while_there_are_numbers() {
    let hospital = Hospital::open().await;
    let clinic = hospital.clinic_at(2, FEE_FEN).await;
    let (_, _) = booked(&hospital, &clinic, "first").await;
    let (status, refusal) = wait_for(&hospital, &hospital.patient("chen").await, &clinic, "two").await;
    assert_eq!((status, refusal["error"]["code"].as_str()), (409, Some("not_full")), "{refusal}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clinic_that_closes_leaves_nobody_behind_and_opens_again() {
    let hospital = Hospital::open().await;
    let clinic = hospital.clinic_at(1, FEE_FEN).await;
    let (person, visit) = booked(&hospital, &clinic, "first").await;
    let waiting = hospital.patient("chen").await;
    assert_eq!(wait_for(&hospital, &waiting, &clinic, "two").await.0, 200);
    let (table, now) = (&hospital.table, hospital.now());
    let closure = Closure::decided(clinic.clone(), None, ClosureKind::Close, "office".into(), now);
    table.decide_closure(&closure, now).await.unwrap().unwrap();
    assert!(table.reopen_clinic(&clinic, now).await.is_err(), "not before everybody has been cancelled");
    settle(&hospital).await;
    assert!(matches!(table.appointment(&visit).await.unwrap().unwrap().state, State::Cancelled { refund: true, .. }));
    let order = table.order(&table.appointment(&visit).await.unwrap().unwrap().out_trade_no()).await.unwrap().unwrap();
    assert_eq!(order.kept().unwrap().get(), 0, "{order:?}");
    let noted = table.closures(&clinic).await.unwrap();
    assert!(noted[0].is_done() && noted[0].people.contains(&visit), "{noted:?}");
    assert!(table.line(&clinic).await.unwrap().iter().all(|waiting| waiting.ended.is_some()));
    assert!(table.gate(&waiting.patient).await.unwrap().waiting.is_empty());
    // E43: open again, with its numbers; who was cancelled stays cancelled.
    table.reopen_clinic(&clinic, hospital.now()).await.unwrap();
    let slot = table.slot(&clinic, slot()).await.unwrap().unwrap();
    assert_eq!((slot.state, slot.free_numbers.len()), (ClinicState::Open, 1));
    assert_eq!(hospital.hold(&person, &clinic, "again").await.0, 200);
}

/// A clinic of the same department a day later, with one number.
async fn next_day(hospital: &Hospital, of: &Appointment) -> ClinicId {
    let date = time::add_days(of.place.date, 1);
    let release_at = hospital.profile.booking.release_at(date);
    let clinic = kit::clinic(of.place.department.as_str(), date, FEE_FEN, release_at);
    let slots = [Slot::fresh(&clinic, slot(), 1, 1)];
    assert!(hospital.table.put_schedule(&clinic, &slots, &[]).await.unwrap().is_done());
    clinic.id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visit_is_followed_up_once_free_of_charge() {
    let hospital = Hospital::open().await;
    let clinic = hospital.clinic_at(1, FEE_FEN).await;
    let (person, visit) = booked(&hospital, &clinic, "first").await;
    let seen = hospital.table.appointment(&visit).await.unwrap().unwrap();
    let next = next_day(&hospital, &seen).await;
    let ask = async |clinic: &ClinicId, key: &str| {
        let body = json!({
            "clinic": clinic.as_str(), "slot": slot().to_string(), "patient": person.patient.as_str(),
            "follow_up": visit.to_string(), "idempotency_key": format!("{key:0>16}"),
        });
        hospital.book_post(&person, "/appointments", &body).await
    };
    let (status, refusal) = ask(&next, "early").await;
    assert_eq!((status, refusal["error"]["code"].as_str()), (409, Some("no_follow_up")), "not seen yet: {refusal}");
    let policy = hospital.profile.cancel;
    let now = hospital.now();
    hospital.table.move_appointment(&visit, Command::Fulfil, &Actor::Schedule, policy, now).await.unwrap();
    let (status, free) = ask(&next, "free").await;
    assert_eq!((status, free["state"].as_str(), &free["fee_fen"]), (200, Some("booked"), &json!(0)), "{free}");
    let (again, same) = ask(&next, "free").await;
    assert_eq!((again, &same["appointment"]), (200, &free["appointment"]), "a repeat is the same");
    let elsewhere = hospital.clinic_at(1, FEE_FEN).await;
    let (status, refusal) = ask(&elsewhere, "other").await;
    assert_eq!(
        (status, refusal["error"]["code"].as_str()),
        (409, Some("no_follow_up")),
        "another department: {refusal}"
    );
    let (status, _) = hospital.cancel(&person, &appointment_key(&free)).await;
    assert_eq!(status, 200);
    hospital.pass_minutes(REST_MIN).await;
    hospital.tick().await;
    let (status, free) = ask(&next, "more").await;
    assert_eq!(
        (status, free["state"].as_str()),
        (200, Some("booked")),
        "one that was given back does not count: {free}"
    );
}
