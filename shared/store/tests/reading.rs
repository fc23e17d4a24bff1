//! Proofs before reading and what was read, on a real engine.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use domain::Timestamp;
use domain::id::{OpenId, PatientId};
use domain::report::FamilyScope;
use store::reading::{PROOF_IDLE_S, PROOF_TOUCH_S};
use store::signin::{SESSION_LIFE_S, Session};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_393_800 + second).unwrap()
}

fn patient(seed: u8) -> PatientId {
    PatientId::from_bytes([seed; 10])
}

#[tokio::test]
async fn a_proof_is_over_after_a_quarter_of_an_hour_without_reading() {
    let table = kit::table().await;
    let used = async |session: &str, seed: u8, second: i64| {
        table.use_reading_proof(session, &patient(seed), at(second)).await.unwrap()
    };
    assert!(!used("s", 1, 0).await);
    table.put_reading_proof("s", &patient(1), at(0)).await.unwrap();
    assert!(used("s", 1, PROOF_TOUCH_S - 1).await, "too early to be noted");
    assert!(!used("s", 1, PROOF_IDLE_S).await, "over");
    assert!(!used("s", 2, 1).await && !used("t", 1, 1).await, "of one person, in one session");
    table.put_reading_proof("s", &patient(1), at(0)).await.unwrap();
    assert!(used("s", 1, PROOF_IDLE_S - 1).await, "reading keeps it");
    assert!(used("s", 1, 2 * PROOF_IDLE_S - 2).await);
    assert!(!used("s", 1, 3 * PROOF_IDLE_S).await);
}

#[tokio::test]
async fn what_was_read_is_known_by_its_version() {
    let (table, account) = (kit::table().await, "o1".parse::<OpenId>().unwrap());
    for (report, version) in [("r1", "a"), ("r2", "a"), ("r1", "b")] {
        table.put_read_mark(&account, &patient(1), report, version, at(0)).await.unwrap();
    }
    let marks = table.read_marks(&account, &patient(1)).await.unwrap();
    assert_eq!((marks.len(), marks["r1"].as_str(), marks["r2"].as_str()), (2, "b", "a"));
    assert!(table.read_marks(&account, &patient(2)).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_scope_without_a_link_is_nothing() {
    let (table, account) = (kit::table().await, "o1".parse::<OpenId>().unwrap());
    table.put_report_scope(&account, &patient(1), FamilyScope::Granted).await.unwrap();
    assert_eq!(table.link(&account, &patient(1)).await.unwrap(), None);
}

#[test]
fn the_end_of_a_session_tells_when_it_began() {
    let session = Session::begin("o1".parse().unwrap(), at(0));
    assert_eq!((session.began_at(), session.expires_at), (at(0), at(SESSION_LIFE_S.into())));
}
