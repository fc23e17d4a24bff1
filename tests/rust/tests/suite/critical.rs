//! What the sweeper does for reports, with a fault at every call: a critical value nobody takes on is one call to make,
//! and a report is published once, when its time has come.

use crate::visit::hospital::{Hospital, keyring};
use crate::visit::proxy::{Fault, Plan};
use domain::event::{Actor, EventKind};
use domain::id::{PatientId, ReportId};
use domain::report::filed::{ACKNOWLEDGE_WITHIN_MIN, Deed, Filed, Intake};
use domain::report::release::WAIT_MINUTES;
use domain::report::{
    Category, Concept, Flag, Item, Policy, Report, ReportKey, Section, Status, Transmission, Value, When, Wire,
};
use store::key::Key;

/// A potassium that cannot wait, or a picture that may.
fn report(hospital: &Hospital, number: &str, category: Category) -> Report {
    let key = ReportKey { sender: "LIS".into(), number: number.into(), service: "".into() };
    let transmission = Transmission { wire: Wire::Hl7, control_id: None, sent_at: Some(When::of(hospital.now())) };
    let mut report = Report::new(key, transmission, Status::Final);
    report.category = category;
    report.code = Concept::words("检查");
    let mut item = Item::new(Concept::words("项目"), Status::Final);
    item.values = vec![Value::read("7.9", None)];
    if category == Category::Laboratory {
        item.flags = vec![Flag::of("HH")];
    }
    report.sections = vec![Section { title: None, items: vec![item] }];
    report
}

async fn arrives(hospital: &Hospital, patient: &PatientId, number: &str, category: Category) -> ReportId {
    let report = report(hospital, number, category);
    let (policy, by) = (Policy::default(), Actor::Staff("lis".into()));
    let intake = Intake { policy: &policy, by: &by, now: hospital.now() };
    let nonces = &hospital.sweeper.desk.random;
    hospital.table.put_report(&keyring(), patient, &report, intake, nonces).await.unwrap();
    ReportId::of(&report.key)
}

async fn filed(hospital: &Hospital, id: &ReportId) -> Filed {
    hospital.table.filed_report(id).await.unwrap().unwrap()
}

async fn calls_about(hospital: &Hospital, id: &ReportId) -> usize {
    let calls = hospital.table.calls_to_make().await.unwrap();
    calls.iter().filter(|call| call.item == Key::report(id)).count()
}

/// What one tick calls, and every way each of these can fail.
async fn plans(hospital: &Hospital) -> Vec<Plan> {
    hospital.switch.arm(None);
    sweeper::handle(&hospital.sweeper).await;
    let calls = hospital.switch.calls();
    let of_call = |(at, writes): (usize, &bool)| {
        Fault::of(*writes).iter().map(move |fault| Plan { at, fault: *fault, crash: true })
    };
    calls.iter().enumerate().flat_map(of_call).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_critical_value_nobody_takes_on_is_one_call_to_make() {
    let hospital = Hospital::open().await;
    let patient = hospital.patient("lin").await.patient;
    let clean = arrives(&hospital, &patient, "R", Category::Laboratory).await;
    hospital.pass_minutes(ACKNOWLEDGE_WITHIN_MIN - 1).await;
    sweeper::handle(&hospital.sweeper).await;
    assert_eq!(calls_about(&hospital, &clean).await, 0, "there is time");
    hospital.pass_minutes(1).await;
    let plans = plans(&hospital).await;
    assert_eq!(calls_about(&hospital, &clean).await, 1);
    assert!(plans.len() > 3, "{plans:?}");
    for (run, plan) in plans.into_iter().enumerate() {
        let id = arrives(&hospital, &patient, &format!("R{run}"), Category::Laboratory).await;
        hospital.pass_minutes(ACKNOWLEDGE_WITHIN_MIN).await;
        hospital.switch.arm(Some(plan));
        sweeper::handle(&hospital.sweeper).await;
        hospital.switch.arm(None);
        for _ in 0..2 {
            hospital.pass_minutes(1).await;
            sweeper::handle(&hospital.sweeper).await;
        }
        assert_eq!(calls_about(&hospital, &id).await, 1, "{plan:?}");
        let critical = filed(&hospital, &id).await.critical.unwrap();
        assert!(critical.escalated_at.is_some() && critical.is_open(), "{plan:?}: it waits for somebody still");
    }
    let taken = arrives(&hospital, &patient, "T", Category::Laboratory).await;
    hospital.table.acknowledge_critical(&taken, "wang", Deed::Treated, hospital.now()).await.unwrap().unwrap();
    hospital.pass_minutes(ACKNOWLEDGE_WITHIN_MIN + 1).await;
    sweeper::handle(&hospital.sweeper).await;
    assert_eq!(calls_about(&hospital, &taken).await, 0, "somebody has it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_is_published_once_when_its_time_has_come() {
    let hospital = Hospital::open().await;
    let patient = hospital.patient("lin").await.patient;
    let clean = arrives(&hospital, &patient, "R", Category::Imaging).await;
    let is_told = |filed: &Filed| filed.ev.as_ref().is_some_and(|event| event.kind == EventKind::ReportReady);
    hospital.pass_minutes(i64::from(WAIT_MINUTES) - 1).await;
    sweeper::handle(&hospital.sweeper).await;
    assert!(!is_told(&filed(&hospital, &clean).await), "its time has not come");
    hospital.pass_minutes(1).await;
    let plans = plans(&hospital).await;
    assert!(is_told(&filed(&hospital, &clean).await));
    for (run, plan) in plans.into_iter().enumerate() {
        let id = arrives(&hospital, &patient, &format!("R{run}"), Category::Imaging).await;
        hospital.pass_minutes(i64::from(WAIT_MINUTES)).await;
        hospital.switch.arm(Some(plan));
        sweeper::handle(&hospital.sweeper).await;
        hospital.switch.arm(None);
        sweeper::handle(&hospital.sweeper).await;
        let told = filed(&hospital, &id).await;
        assert!(is_told(&told), "{plan:?}");
        sweeper::handle(&hospital.sweeper).await;
        assert_eq!(filed(&hospital, &id).await.ver, told.ver, "{plan:?}: once");
    }
}
