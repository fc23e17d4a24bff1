//! Every call of hold, pay, expire and cancel fails once before it takes effect, once after, once by time-out; alone, or
//! with the process gone after it. Whatever happens, the sweeper brings everything to an end that adds up.

use crate::visit::hospital::{Captured, Hospital, Person, appointment_key, slot};
use crate::visit::proxy::{Fault, Plan};
use domain::appointment::{Appointment, State};
use domain::clinic::Claim;
use domain::due::Worker;
use domain::enrolment::NumberOwner;
use domain::id::ClinicId;
use domain::order::{OrderState, RefundState};
use domain::profile::NumbersPolicy;
use serde_json::Value;
use std::collections::BTreeSet;
use store::due::SHARDS;

const NUMBERS: u16 = 3;

/// The step of a visit that is disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Hold,
    HoldFree,
    Prepay,
    Notify,
    Check,
    Cancel,
    CancelUnpaid,
    Expire,
    ExpirePaid,
    Refund,
    Post,
}

/// One visit with its own clinic and patient, up to (not including) the disturbed step.
struct Visit {
    person: Person,
    clinic: ClinicId,
    key: String,
    prepay: Option<Value>,
    notification: Option<Captured>,
    appointment: Option<domain::appointment::AppointmentKey>,
}

async fn prepare(hospital: &Hospital, step: Step, key: String) -> Visit {
    let person = hospital.patient("lin").await;
    let clinic = hospital.clinic_at(NUMBERS, if step == Step::HoldFree { 0 } else { 2500 }).await;
    let mut visit = Visit { person, clinic, key, prepay: None, notification: None, appointment: None };
    if matches!(step, Step::Hold | Step::HoldFree) {
        return visit;
    }
    let (status, held) = hospital.hold(&visit.person, &visit.clinic, &visit.key).await;
    assert_eq!(status, 200, "{held}");
    let appointment = appointment_key(&held);
    visit.appointment = Some(appointment.clone());
    if matches!(step, Step::Prepay | Step::CancelUnpaid) {
        return visit;
    }
    let (status, prepay) = hospital.prepay(&visit.person, &appointment).await;
    assert_eq!(status, 200, "{prepay}");
    visit.prepay = Some(prepay.clone());
    if step == Step::Expire {
        hospital.pass_minutes(11).await;
        return visit;
    }
    visit.notification = Some(hospital.pay(&visit.person, &prepay).await);
    match step {
        // Paid, and no notification ever came.
        Step::ExpirePaid => hospital.pass_minutes(11).await,
        Step::Cancel | Step::Refund | Step::Post => {
            assert_eq!(hospital.notify(visit.notification.as_ref().unwrap()).await, 200);
        }
        _ => {}
    }
    if matches!(step, Step::Cancel | Step::Refund) && hospital.profile.numbers.owner == NumberOwner::His {
        hospital.tick().await;
    }
    if step == Step::Refund {
        let (status, cancelled) = hospital.cancel(&visit.person, &appointment).await;
        assert_eq!((status, cancelled["state"].as_str()), (200, Some("cancelled")), "{cancelled}");
    }
    visit
}

async fn disturbed(hospital: &Hospital, step: Step, visit: &Visit) {
    let appointment = visit.appointment.as_ref();
    match step {
        Step::Hold | Step::HoldFree => drop(hospital.hold(&visit.person, &visit.clinic, &visit.key).await),
        Step::Prepay => drop(hospital.prepay(&visit.person, appointment.unwrap()).await),
        Step::Notify => drop(hospital.notify(visit.notification.as_ref().unwrap()).await),
        Step::Check => drop(hospital.check(&visit.person, appointment.unwrap()).await),
        Step::Cancel | Step::CancelUnpaid => drop(hospital.cancel(&visit.person, appointment.unwrap()).await),
        Step::Expire | Step::ExpirePaid => drop(sweeper::handle(&hospital.sweeper).await),
        Step::Refund => drop(reconcile::handle(&hospital.reconcile).await),
        Step::Post => drop(his_sync::handle(&hospital.his_sync).await),
    }
}

/// Lets time pass and the sweeper run until nothing is due any more.
async fn settle(hospital: &Hospital) {
    for minutes in [2, 11, 35, 35] {
        hospital.pass_minutes(minutes).await;
        hospital.tick().await;
        hospital.tick().await;
    }
    for worker in [Worker::Sweeper, Worker::Reconcile, Worker::HisSync] {
        for shard in 0..SHARDS {
            let due = hospital.table.due(worker, shard, hospital.now(), 10).await.unwrap();
            assert!(due.iter().all(|key| key.pk.starts_with("RECON#")), "still due: {due:?}");
        }
    }
}

/// Design invariants: numbers, gate, money and appointment agree, with each other and with WeChat's own books.
async fn check(hospital: &Hospital, visit: &Visit, what: &str) {
    let slot = hospital.table.slot(&visit.clinic, slot()).await.unwrap().unwrap();
    let taken: BTreeSet<u16> = slot.taken.values().map(|taken| taken.number).collect();
    let all: BTreeSet<u16> = slot.free_numbers.union(&taken).copied().collect();
    assert_eq!(all, (1..=NUMBERS).collect(), "{what}: a number was lost or made");
    assert_eq!(slot.free_numbers.len() + slot.taken.len(), usize::from(NUMBERS), "{what}: a number is doubled");
    let appointments = hospital.table.appointments_of(&visit.person.patient).await.unwrap();
    let booked: Vec<&Appointment> = appointments.iter().filter(|a| a.state == State::Booked).collect();
    for appointment in &booked {
        let mine = slot.taken.get(&appointment.id).unwrap_or_else(|| panic!("{what}: booked without a number"));
        assert_eq!((mine.claim, mine.number), (Claim::Booked, appointment.place.number), "{what}");
    }
    assert_eq!(slot.taken.len(), booked.len(), "{what}: a number is held by nobody: {slot:?} {appointments:?}");
    let gate = hospital.table.gate(&visit.person.patient).await.unwrap();
    let passed: BTreeSet<_> = gate.entries.keys().collect();
    let live: BTreeSet<_> = booked.iter().map(|a| &a.id).collect();
    assert!(live.is_subset(&passed), "{what}: booked past the gate");
    for appointment in &appointments {
        money_adds_up(hospital, appointment, what).await;
        the_his_knows(hospital, appointment, what).await;
    }
    if booked.is_empty() {
        let (status, held) = hospital.hold(&visit.person, &visit.clinic, &format!("{}again", visit.key)).await;
        assert_eq!(status, 200, "{what}: locked out after a crash: {held}");
        let (status, _) = hospital.cancel(&visit.person, &appointment_key(&held)).await;
        assert_eq!(status, 200, "{what}");
    }
}

async fn money_adds_up(hospital: &Hospital, appointment: &Appointment, what: &str) {
    let books = hospital.wechat.get("books").await;
    let number = appointment.out_trade_no();
    let at_wechat =
        books["orders"].as_array().unwrap().iter().find(|order| order["body"]["out_trade_no"] == number.as_str());
    let wechat_was_paid = at_wechat.is_some_and(|order| matches!(order["state"].as_str(), Some("SUCCESS" | "REFUND")));
    let wechat_returned: i64 = books["refunds"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|refund| refund["out_trade_no"] == number.as_str() && refund["status"] == "SUCCESS")
        .map(|refund| refund["body"]["amount"]["refund"].as_i64().unwrap())
        .sum();
    let order = hospital.table.order(&number).await.unwrap();
    let we_were_paid = order.as_ref().is_some_and(|order| matches!(order.state, OrderState::Paid { .. }));
    assert_eq!(we_were_paid, wechat_was_paid, "{what}: our books and WeChat's differ: {order:?}");
    let refunds: Vec<_> = order.iter().flat_map(|order| order.refunds.values()).collect();
    assert!(refunds.iter().all(|refund| refund.state == RefundState::Succeeded), "{what}: {refunds:?}");
    let we_returned: i64 = refunds.iter().map(|refund| refund.amount.get()).sum();
    assert_eq!(we_returned, wechat_returned, "{what}: refunds differ");
    let kept = if appointment.state == State::Booked { appointment.fee.get() } else { 0 };
    let paid = if we_were_paid { appointment.fee.get() } else { 0 };
    assert_eq!(paid, kept + we_returned, "{what}: money lost or made: {appointment:?} {order:?}");
    assert_eq!(at_the_his(hospital, number.as_str()).await, kept, "{what}: the HIS has something else: {order:?}");
}

/// The HIS has the visits there are: those whose number it gives, and those it cannot know by a payment.
async fn the_his_knows(hospital: &Hospital, appointment: &Appointment, what: &str) {
    let has = hospital.at_the_his(&appointment.id).await;
    let is_known_apart = appointment.is_number_of_his() || appointment.payable().is_zero();
    let is_there = appointment.state == State::Booked && is_known_apart;
    assert_eq!(has.as_deref() == Some("confirmed"), is_there, "{what}: {has:?} {appointment:?}");
    let is_open = has.as_deref() == Some("locked");
    assert!(!is_open, "{what}: a number is kept at the HIS for nobody: {appointment:?}");
}

/// What the HIS's own books keep of a payment.
async fn at_the_his(hospital: &Hospital, serial: &str) -> i64 {
    let books = hospital.his.get("books").await;
    let sum = |list: &Value, field: &str| -> i64 {
        let entries = list.as_array().unwrap().iter().filter(|entry| entry[field] == serial);
        entries.map(|entry| entry["fen"].as_i64().unwrap()).sum()
    };
    sum(&books["payments"], "serial") - sum(&books["refunds"], "original_serial")
}

/// The calls a step makes when nothing fails: whether each changes anything.
async fn calls_of(hospital: &Hospital, step: Step) -> Vec<bool> {
    let visit = prepare(hospital, step, format!("clean-{step:?}")).await;
    hospital.switch.arm(None);
    disturbed(hospital, step, &visit).await;
    let calls = hospital.switch.calls();
    settle(hospital).await;
    check(hospital, &visit, &format!("{step:?} undisturbed")).await;
    calls
}

async fn walk(owner: NumberOwner, step: Step) {
    let mut hospital = Hospital::open().await;
    hospital.set_numbers(NumbersPolicy { owner, ..NumbersPolicy::default() }).await;
    let calls = calls_of(&hospital, step).await;
    let writes = calls.iter().filter(|writes| **writes).count();
    assert!(writes >= 2, "{step:?} makes {writes} writes: the walk would prove nothing");
    let mut run = 0;
    for (at, writes) in calls.iter().enumerate() {
        for &fault in Fault::of(*writes) {
            for crash in [false, true] {
                run += 1;
                let visit = prepare(&hospital, step, format!("{run}-{step:?}")).await;
                let plan = Plan { at, fault, crash };
                hospital.switch.arm(Some(plan));
                disturbed(&hospital, step, &visit).await;
                hospital.switch.arm(None);
                // Half of the patients try again at once, half walk away.
                if run % 2 == 0 {
                    disturbed(&hospital, step, &visit).await;
                }
                settle(&hospital).await;
                check(&hospital, &visit, &format!("{step:?} with {plan:?}, of {} calls", calls.len())).await;
            }
        }
    }
}

macro_rules! walks {
    ($($name:ident: $owner:expr, $step:expr;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            walk($owner, $step).await;
        }
    )*};
}

walks! {
    holding_survives_every_fault: NumberOwner::Menzhen, Step::Hold;
    a_free_visit_survives_every_fault: NumberOwner::Menzhen, Step::HoldFree;
    preparing_a_payment_survives_every_fault: NumberOwner::Menzhen, Step::Prepay;
    being_notified_survives_every_fault: NumberOwner::Menzhen, Step::Notify;
    asking_wechat_survives_every_fault: NumberOwner::Menzhen, Step::Check;
    cancelling_survives_every_fault: NumberOwner::Menzhen, Step::Cancel;
    cancelling_unpaid_survives_every_fault: NumberOwner::Menzhen, Step::CancelUnpaid;
    expiring_survives_every_fault: NumberOwner::Menzhen, Step::Expire;
    expiring_while_paid_survives_every_fault: NumberOwner::Menzhen, Step::ExpirePaid;
    refunding_survives_every_fault: NumberOwner::Menzhen, Step::Refund;
    telling_the_hospital_survives_every_fault: NumberOwner::Menzhen, Step::Post;
    holding_a_number_of_the_hospital_survives_every_fault: NumberOwner::His, Step::Hold;
    a_free_number_of_the_hospital_survives_every_fault: NumberOwner::His, Step::HoldFree;
    asking_wechat_for_a_number_of_the_hospital_survives_every_fault: NumberOwner::His, Step::Check;
    cancelling_a_number_of_the_hospital_survives_every_fault: NumberOwner::His, Step::Cancel;
    cancelling_an_unpaid_number_of_the_hospital_survives_every_fault: NumberOwner::His, Step::CancelUnpaid;
    expiring_of_a_number_of_the_hospital_survives_every_fault: NumberOwner::His, Step::Expire;
    expiring_while_paid_of_a_number_of_the_hospital_survives_every_fault: NumberOwner::His, Step::ExpirePaid;
    confirming_at_the_hospital_survives_every_fault: NumberOwner::His, Step::Post;
}
