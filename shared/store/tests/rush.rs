//! Board and admission, on a real engine.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

use domain::Timestamp;
use domain::admission::{TRY_S, Try, Turn};
use domain::board::{AGE_MAX_S, Board};
use domain::civil::{Date, date};
use domain::clinic::{Channel, Clinic, Slot};
use domain::id::{AppointmentId, DepartmentId, PatientId};
use domain::time::{add_minutes, add_seconds};
use futures_util::future::join_all;
use store::Table;
use store::admission::AdmissionKey;
use store::clinics::{Claimed, hold};

const FRESH: AdmissionKey = AdmissionKey::from_random([7; 32]);

fn now() -> Timestamp {
    "2026-11-22T23:00:00Z".parse().unwrap()
}

fn day() -> Date {
    date(2026, 11, 30)
}

fn department() -> DepartmentId {
    "NK".parse().unwrap()
}

fn patient(n: u8) -> PatientId {
    PatientId::from_bytes([n; 10])
}

async fn open(table: &Table) -> Clinic {
    let clinic = kit::clinic("NK", day(), 2500, now());
    let slots = [Slot::fresh(&clinic, "0900".parse().unwrap(), 1, 2)];
    assert!(table.put_schedule(&clinic, &slots, &[]).await.unwrap().is_done());
    clinic
}

async fn claim(table: &Table, clinic: &Clinic, n: u8) {
    let slot = table.slot(&clinic.id, "0900".parse().unwrap()).await.unwrap().unwrap();
    let taken = |number| hold(&patient(n), number, add_minutes(now(), 10), 0);
    let appointment = AppointmentId::from_bytes([n; 10]);
    let claimed = table.claim_number(&slot, &appointment, taken, 0, Channel::Wechat, now()).await.unwrap();
    assert!(matches!(claimed, Claimed::Number(_)), "{claimed:?}");
}

async fn young(table: &Table, at: Timestamp) -> Board {
    let department = department();
    let seen = table.boards(&[day()], &department).await.unwrap().pop();
    table.young_board(seen, (day(), &department), AGE_MAX_S, at).await.unwrap()
}

fn free(board: &Board) -> usize {
    board.clinics.iter().flat_map(|found| found.free.values()).sum()
}

#[tokio::test]
async fn a_board_is_built_when_it_is_old_and_read_by_everybody() {
    let table = kit::table().await;
    let clinic = open(&table).await;
    assert_eq!(free(&young(&table, now()).await), 2);
    claim(&table, &clinic, 1).await;
    assert_eq!(free(&young(&table, add_seconds(now(), AGE_MAX_S - 1)).await), 2, "young enough");
    let next = young(&table, add_seconds(now(), AGE_MAX_S)).await;
    assert_eq!((free(&next), next.clinics[0].next_back_at), (1, Some(add_minutes(now(), 10))));
    let both = [day(), domain::time::add_days(day(), 1)];
    assert_eq!(table.boards(&both, &department()).await.unwrap(), [next]);
}

#[tokio::test]
async fn while_one_builds_the_others_show_the_old_one() {
    let table = kit::table().await;
    let clinic = open(&table).await;
    let old = young(&table, now()).await;
    claim(&table, &clinic, 1).await;
    let later = add_seconds(now(), AGE_MAX_S);
    let read = || table.young_board(Some(old.clone()), (day(), &old.department), AGE_MAX_S, later);
    let boards = join_all((0..20).map(|_| read())).await;
    let built = boards.iter().flatten().filter(|board| board.built_at == later).count();
    assert_eq!(built, 1, "one of all");
}

#[tokio::test]
async fn what_was_begun_before_an_import_is_not_kept() {
    let table = kit::table().await;
    open(&table).await;
    let old = young(&table, now()).await;
    table.forget_board(day(), &department(), add_seconds(now(), 1)).await.unwrap();
    assert_eq!(table.boards(&[day()], &department()).await.unwrap(), []);
    // Built by a clock that is behind: shown, not kept.
    assert_eq!(young(&table, add_seconds(now(), 1)).await.clinics, old.clinics);
    assert_eq!(table.boards(&[day()], &department()).await.unwrap(), []);
    let next = young(&table, add_seconds(now(), 10)).await;
    assert_eq!(table.boards(&[day()], &department()).await.unwrap(), [next]);
}

#[tokio::test]
async fn a_turn_gives_as_many_tries_as_it_has() {
    let table = kit::table().await;
    let clinic = kit::clinic("NK", day(), 2500, now()).id;
    assert_eq!(table.admit(&clinic, &patient(0), 0, &FRESH, now()).await.unwrap(), None);
    assert_eq!(table.admission_key(&clinic).await.unwrap(), None, "nothing to give, nothing written");
    let who: Vec<PatientId> = (1..=40).map(patient).collect();
    let asked = join_all(who.iter().map(|patient| table.admit(&clinic, patient, 6, &FRESH, now()))).await;
    assert_eq!(asked.iter().filter(|given| matches!(given, Ok(Some(_)))).count(), 6);
    assert!(asked.iter().all(Result::is_ok));
    let other = AdmissionKey::from_random([8; 32]);
    let next = Turn::at(now()).next_at();
    assert_eq!(table.admit(&clinic, &patient(50), 1, &other, next).await.unwrap(), Some(Try::given(next)));
    assert_eq!(table.admit(&clinic, &patient(51), 1, &other, next).await.unwrap(), None);
    assert_eq!(table.admission_key(&clinic).await.unwrap(), Some(FRESH), "the key stays");
    let had = table.try_of(&clinic, &patient(50)).await.unwrap().unwrap();
    assert_eq!(had.until, add_seconds(next, TRY_S));
}

#[tokio::test]
async fn attempts_are_counted_by_the_minute() {
    let table = kit::table().await;
    let count = async |at| table.count_attempt("oLin", at).await.unwrap();
    assert_eq!(
        [count(now()).await, count(add_seconds(now(), 59)).await, count(add_seconds(now(), 60)).await],
        [1, 2, 1]
    );
}
