//! The ledger of messages on a real engine: one sender at a time, waiting, and how a message ended.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use domain::Timestamp;
use domain::due::Worker;
use domain::notice::{NoticeKind, Recipient};
use store::key::Key;
use store::notices::{Begin, End, Letter, NoticeRecord, Outcome, SEND_LEASE_S};
use store::{Table, due};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_393_800 + second).unwrap()
}

fn letter(to: &str) -> Letter {
    Letter {
        kind: NoticeKind::TurnSoon,
        about: "a1".into(),
        item: Key::new("PATIENT#p", "APPT#2026-11-23#a1"),
        to: Recipient::Account(to.parse().unwrap()),
        is_copy: false,
    }
}

async fn begun(table: &Table, letter: &Letter, second: i64) -> NoticeRecord {
    match table.begin_notice(letter, at(second)).await.unwrap() {
        Begin::Send(record) | Begin::Again(record) => record,
        other => panic!("{other:?}"),
    }
}

async fn count_due(table: &Table, second: i64) -> usize {
    let mut count = 0;
    for shard in 0..due::SHARDS {
        count += table.due(Worker::Reminder, shard, at(second), 10).await.unwrap().len();
    }
    count
}

fn sent(msgid: &str) -> Outcome {
    Outcome::Sent { msgid: msgid.into() }
}

#[tokio::test]
async fn one_may_send_and_a_dead_sender_is_followed() {
    let (table, letter) = (kit::table().await, letter("o1"));
    let first = begun(&table, &letter, 0).await;
    assert_eq!(table.begin_notice(&letter, at(1)).await.unwrap(), Begin::Busy);
    let second = match table.begin_notice(&letter, at(SEND_LEASE_S)).await.unwrap() {
        Begin::Again(record) => record,
        other => panic!("{other:?}"),
    };
    assert_eq!(second.tries, 2);
    // The dead one wakes up: the newer holder's word counts.
    table.finish_notice(&first, Outcome::Dropped { why: "late".into() }, at(70)).await.unwrap();
    table.finish_notice(&second, sent("7"), at(71)).await.unwrap();
    assert_eq!(table.begin_notice(&letter, at(99)).await.unwrap(), Begin::Settled(sent("7")));
    assert_eq!(table.notices_about("a1").await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_waits_is_due_then_and_begun_once() {
    let (table, letter) = (kit::table().await, letter("o1"));
    let first = begun(&table, &letter, 0).await;
    table.finish_notice(&first, Outcome::Waiting { until: at(600) }, at(0)).await.unwrap();
    assert_eq!(table.begin_notice(&letter, at(599)).await.unwrap(), Begin::Waiting);
    assert_eq!((count_due(&table, 599).await, count_due(&table, 600).await), (0, 1));
    let seen = table.notice(&letter.key()).await.unwrap().unwrap();
    let mine = begun(&table, &letter, 600).await;
    assert_eq!(count_due(&table, 5_000).await, 0);
    // The reminder queued it from what it had read before: the sender's entry stays as it is.
    table.postpone_notice(&seen, at(1_200)).await.unwrap();
    table.finish_notice(&mine, sent("8"), at(602)).await.unwrap();
    assert_eq!(table.notice(&letter.key()).await.unwrap().unwrap().outcome, sent("8"));
}

#[tokio::test]
async fn the_end_is_noted_whichever_comes_first() {
    let table = kit::table().await;
    for (msgid, to, end_first) in [("11", "o1", false), ("12", "o2", true)] {
        let letter = letter(to);
        let mine = begun(&table, &letter, 0).await;
        if end_first {
            table.note_end(msgid, End::Blocked, at(1)).await.unwrap();
        }
        table.finish_notice(&mine, sent(msgid), at(1)).await.unwrap();
        table.note_end(msgid, End::Blocked, at(2)).await.unwrap();
        let record = table.notice(&letter.key()).await.unwrap().unwrap();
        assert_eq!(record.outcome, Outcome::Failed { why: "blocked".into() });
    }
    assert_eq!(count_due(&table, 2).await, 2, "what did not arrive is looked at again");
    let record = table.notice(&letter("o1").key()).await.unwrap().unwrap();
    table.leave_notice(&record).await.unwrap();
    assert_eq!(count_due(&table, 9).await, 1);
}
