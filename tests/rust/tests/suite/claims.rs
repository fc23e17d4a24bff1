//! A number is claimed once, whoever asks and however many at once.

use domain::appointment::Booker;
use domain::civil::date;
use domain::clinic::{Channel, Clinic, Slot, SlotStart};
use domain::id::{AppointmentId, PatientId};
use domain::profile::HospitalProfile;
use domain::{Timestamp, time};
use futures_util::future::join_all;
use std::collections::BTreeSet;
use store::Table;
use store::registration::{HoldError, HoldRequest};

const NUMBERS: u16 = 6;
const CALLERS: u32 = 1_000;

fn now() -> Timestamp {
    "2026-11-22T02:00:00Z".parse().unwrap()
}

fn profile() -> HospitalProfile {
    serde_json::from_str(include_str!("../../../../infra/hospital/profile.json")).unwrap()
}

fn start() -> SlotStart {
    "0900".parse().unwrap()
}

async fn clinic(table: &Table) -> Clinic {
    let day = date(2026, 11, 25);
    let clinic = kit::clinic("NK", day, 2500, profile().booking.release_at(day));
    let slots = [Slot::fresh(&clinic, start(), 1, NUMBERS)];
    assert!(table.put_schedule(&clinic, &slots, &[]).await.unwrap().is_done());
    clinic
}

fn bytes(n: u32) -> [u8; 10] {
    let mut bytes = [0; 10];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    bytes
}

fn request(clinic: &Clinic, appointment: u32, patient: u32, account: &str) -> HoldRequest {
    HoldRequest {
        appointment: AppointmentId::from_bytes(bytes(appointment)),
        booker: Booker::Account(account.parse().unwrap()),
        patient: PatientId::from_bytes(bytes(patient)),
        patient_name_masked: "林*梅".into(),
        clinic: clinic.clone(),
        start: start(),
        channel: Channel::Wechat,
        rest_min: 0,
        follow_up_of: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_callers_for_six_numbers() {
    let table = kit::table().await;
    let (profile, clinic) = (profile(), clinic(&table).await);
    let calls = (0..CALLERS).map(|n| {
        let (table, profile, request) = (&table, &profile, request(&clinic, n, n, &format!("o{n}")));
        async move { table.hold(profile, &request, now()).await }
    });
    let answers = join_all(calls).await;
    let numbers: Vec<u16> = answers.iter().flatten().map(|held| held.place.number).collect();
    let distinct: BTreeSet<u16> = numbers.iter().copied().collect();
    assert_eq!(distinct, (1..=NUMBERS).collect::<BTreeSet<_>>(), "each number once: {numbers:?}");
    assert_eq!(numbers.len(), usize::from(NUMBERS));
    let clean = answers.iter().filter(|answer| matches!(answer, Err(HoldError::SoldOut))).count();
    assert_eq!(clean, 994, "{:?}", answers.iter().find(|a| !matches!(a, Ok(_) | Err(HoldError::SoldOut))));
    let slot = table.slot(&clinic.id, start()).await.unwrap().unwrap();
    assert!(slot.free_numbers.is_empty() && slot.taken.len() == 6);
    // A loser is free to book elsewhere at once.
    let loser = (0..CALLERS).find(|n| answers[usize::try_from(*n).unwrap()].is_err()).unwrap();
    assert!(table.gate(&PatientId::from_bytes(bytes(loser))).await.unwrap().entries.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_person_from_two_accounts_gets_one_number() {
    let table = kit::table().await;
    let (profile, clinic) = (profile(), clinic(&table).await);
    for round in 0..20 {
        let patient = 10_000 + round;
        let (a, b) =
            (request(&clinic, round * 2, patient, "oSelf"), request(&clinic, round * 2 + 1, patient, "oDaughter"));
        let (first, second) = tokio::join!(table.hold(&profile, &a, now()), table.hold(&profile, &b, now()));
        let held = [first.is_ok(), second.is_ok()].iter().filter(|ok| **ok).count();
        let sold_out = u32::from(NUMBERS) <= round;
        assert_eq!(held, usize::from(!sold_out), "round {round}");
        assert_eq!(table.gate(&PatientId::from_bytes(bytes(patient))).await.unwrap().entries.len(), held);
    }
}

#[tokio::test]
async fn a_repeat_is_the_same_appointment() {
    let table = kit::table().await;
    let (profile, clinic) = (profile(), clinic(&table).await);
    let request = request(&clinic, 1, 1, "oLin");
    let first = table.hold(&profile, &request, now()).await.unwrap();
    let again = table.hold(&profile, &request, time::add_minutes(now(), 5)).await.unwrap();
    assert_eq!(first, again);
    let slot = table.slot(&clinic.id, start()).await.unwrap().unwrap();
    assert_eq!(slot.taken.len(), 1);
    let late = table.hold(&profile, &request, time::add_minutes(now(), 11)).await;
    assert!(matches!(late, Err(HoldError::Over(_))), "{late:?}");
}

#[tokio::test]
async fn an_import_never_touches_what_was_claimed() {
    let table = kit::table().await;
    let (profile, clinic) = (profile(), clinic(&table).await);
    let fresh = [Slot::fresh(&clinic, start(), 1, NUMBERS)];
    assert!(table.put_schedule(&clinic, &fresh, &[]).await.unwrap().is_done(), "nobody claimed anything yet");
    table.hold(&profile, &request(&clinic, 1, 1, "oLin"), now()).await.unwrap();
    assert!(!table.put_schedule(&clinic, &fresh, &[]).await.unwrap().is_done());
    assert_eq!(table.slot(&clinic.id, start()).await.unwrap().unwrap().taken.len(), 1);
}
