//! Codes and calls of the hospital's own system, on a real engine.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use domain::Timestamp;
use domain::his::{CodeEntry, CodeKind, HisAdapter, HisCall};
use domain::time;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_393_800 + second).unwrap()
}

fn entry(kind: CodeKind, theirs: &str, ours: &str) -> CodeEntry {
    CodeEntry { kind, theirs: theirs.into(), ours: ours.into(), name: "心内".into() }
}

#[tokio::test]
async fn an_unknown_code_waits_until_it_is_mapped() {
    let table = kit::table().await;
    let code = (CodeKind::Department, "0203");
    assert!(table.note_unknown_code(code, "schedules", at(0)).await.unwrap());
    assert!(!table.note_unknown_code(code, "doctors", at(60)).await.unwrap());
    let [unknown] = table.unknown_codes().await.unwrap().try_into().unwrap();
    assert_eq!((unknown.first_at, unknown.last_at, unknown.times), (at(0), at(60), 2));
    assert_eq!((unknown.theirs.as_str(), unknown.seen_in.as_str()), ("0203", "doctors"));

    table.put_code(&entry(CodeKind::Department, "0203", "XNK")).await.unwrap();
    table.put_code(&entry(CodeKind::Doctor, "0203", "D0101")).await.unwrap();
    assert_eq!(table.unknown_codes().await.unwrap(), []);
    assert_eq!(table.codes_of(CodeKind::Department).await.unwrap(), [entry(CodeKind::Department, "0203", "XNK")]);
    table.remove_code(CodeKind::Department, "0203").await.unwrap();
    assert_eq!(table.codes_of(CodeKind::Department).await.unwrap(), []);
}

#[tokio::test]
async fn calls_are_found_by_day_latest_first() {
    let table = kit::table().await;
    let call = |second: i64| HisCall {
        at: at(second),
        operation: "fees-post".into(),
        adapter: HisAdapter::SignedXml,
        serial: Some(format!("a_{second}")),
        outcome: "ok".into(),
        took_ms: 12,
        request: "{}".into(),
        response: None,
    };
    for second in [0, 5, 86_400] {
        table.put_his_call(&call(second), &format!("id{second}"), 60).await.unwrap();
    }
    assert_eq!(table.his_calls_of(time::today(at(0))).await.unwrap(), [call(5), call(0)]);
}
