//! Two records that are one person, with a fault at every call: the sweeper brings it to its end, nothing counts twice.

use crate::visit::hospital::{Hospital, Person, appointment_key};
use crate::visit::proxy::{Fault, Plan};
use domain::event::Actor;
use store::merges::MergeStage;

fn by() -> Actor {
    Actor::Staff("records".into())
}

/// Two people, each with a booked visit; the second is to be merged into the first.
async fn pair(hospital: &Hospital, run: &str) -> [Person; 2] {
    let clinic = hospital.clinic_at(4, 0).await;
    let pair = [hospital.patient("lin").await, hospital.patient("chen").await];
    for (n, person) in pair.iter().enumerate() {
        let (status, held) = hospital.hold(person, &clinic, &format!("{run}-{n}")).await;
        assert_eq!((status, held["state"].as_str()), (200, Some("booked")), "{held}");
        hospital.tell(&store::key::Key::appointment(&appointment_key(&held))).await;
    }
    pair
}

async fn merge(hospital: &Hospital, [stays, gone]: &[Person; 2]) -> bool {
    let table = &hospital.sweeper.desk.table;
    let merged = table.merge_people(&hospital.profile, (&gone.patient, &stays.patient), &by(), hospital.now()).await;
    merged.is_ok()
}

async fn unmerge(hospital: &Hospital, [_, gone]: &[Person; 2]) -> bool {
    let table = &hospital.sweeper.desk.table;
    table.unmerge_people(&hospital.profile, &gone.patient, &by(), hospital.now()).await.is_ok()
}

/// Live numbers on the gates as they stand for either.
async fn entries(hospital: &Hospital, pair: &[Person; 2]) -> [usize; 2] {
    let [stays, gone] = pair;
    let count = async |person: &Person| hospital.table.gate(&person.patient).await.unwrap().entries.len();
    [count(stays).await, count(gone).await]
}

async fn end(hospital: &Hospital) {
    for _ in 0..3 {
        hospital.pass_minutes(2).await;
        sweeper::handle(&hospital.sweeper).await;
    }
}

async fn stage(hospital: &Hospital, [_, gone]: &[Person; 2]) -> Option<MergeStage> {
    let merge = hospital.table.merge_of(&gone.patient).await.unwrap()?;
    assert_eq!(merge.deadlines.earliest(), None);
    Some(merge.stage)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merging_and_parting_survive_every_fault() {
    let hospital = Hospital::open().await;
    let clean = pair(&hospital, "clean").await;
    hospital.switch.arm(None);
    assert!(merge(&hospital, &clean).await);
    let joining = hospital.switch.calls();
    hospital.switch.arm(None);
    assert!(unmerge(&hospital, &clean).await);
    let parting = hospital.switch.calls();
    for (number, calls) in [joining, parting].iter().enumerate() {
        for (at, writes) in calls.iter().enumerate() {
            for &fault in Fault::of(*writes) {
                let what = format!("{number}: {fault:?} at {at} of {}", calls.len());
                let pair = pair(&hospital, &format!("{number}-{at}-{fault:?}")).await;
                if number == 1 {
                    assert!(merge(&hospital, &pair).await, "{what}");
                }
                hospital.switch.arm(Some(Plan { at, fault, crash: true }));
                let _ = if number == 0 { merge(&hospital, &pair).await } else { unmerge(&hospital, &pair).await };
                hospital.switch.arm(None);
                end(&hospital).await;
                // Either it never began, or it is at its end.
                let is_one = hospital.table.root_of(&pair[1].patient).await.unwrap() == pair[0].patient;
                let expected = if is_one { Some(MergeStage::Joined) } else { stage(&hospital, &pair).await };
                assert_eq!(stage(&hospital, &pair).await, expected, "{what}");
                assert_eq!(entries(&hospital, &pair).await, if is_one { [2, 2] } else { [1, 1] }, "{what}");
                let (stays, gone) = (&pair[0].patient, &pair[1].patient);
                let shared = hospital.table.links_to(stays).await.unwrap();
                assert_eq!(shared.len(), if is_one { 2 } else { 1 }, "{what}");
                assert_eq!(hospital.table.links_to(gone).await.unwrap().len(), shared.len(), "{what}");
            }
        }
    }
}
