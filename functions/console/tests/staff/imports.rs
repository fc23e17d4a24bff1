//! Files in, once and for all.

use crate::world::{ALL, World, demo, demo_schedules, keyring};
use domain::id::{CardNo, PatientId};
use lambda_http::http::Method;
use serde_json::{Value, json};
use std::time::Instant;

/// What an answer may take at most, with room to spare for a slower table.
const ANSWER_MAX_S: u64 = 25;

fn tally(new: usize, changed: usize, unchanged: usize, removed: usize, kept: usize) -> Value {
    json!({"new": new, "changed": changed, "unchanged": unchanged, "removed": removed, "kept": kept})
}

fn lines(file: &[u8]) -> usize {
    std::str::from_utf8(file).unwrap().lines().count() - 1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_writes_nothing_and_a_repeat_changes_nothing() {
    let world = World::start("{}").await;
    assert_eq!(world.send(Method::PUT, "/staff/profile", ALL, demo("profile.json")).await.status, 200);
    let files = [
        ("departments", demo("departments.csv")),
        ("doctors", demo("doctors.csv")),
        ("schedules", demo_schedules()),
        ("cards", demo("cards.csv")),
    ];
    for (kind, file) in files {
        let (count, before) = (lines(&file), world.items().await);
        let tried = world.try_import(kind, file.clone()).await;
        assert_eq!((tried.status, &tried.body["dry_run"]), (200, &json!(true)), "{tried:?}");
        assert_eq!(tried.body["items"], tally(count, 0, 0, 0, 0));
        assert!(world.items().await == before, "{kind}");

        let began = Instant::now();
        let first = world.import(kind, file.clone()).await;
        println!("{kind}: {count} rows in {:?}", began.elapsed());
        assert!(began.elapsed().as_secs() < ANSWER_MAX_S);
        assert_eq!((&first.body["items"], &first.body["slots"]), (&tried.body["items"], &tried.body["slots"]));
        let after = world.items().await;
        assert!(after.len() >= before.len() + count);

        let again = world.import(kind, file).await;
        assert_eq!(again.body["items"], tally(0, 0, count, 0, 0));
        assert!(world.items().await == after, "{kind}");
    }
}

#[tokio::test]
async fn excels_own_encoding_says_the_same() {
    let world = World::with_catalog().await;
    let before = world.items().await;
    for (kind, name) in [("departments", "departments.csv"), ("doctors", "doctors.csv")] {
        let file = demo(name);
        let (gb18030, _, _) = encoding_rs::GB18030.encode(std::str::from_utf8(&file).unwrap());
        let answer = world.import(kind, gb18030.into_owned()).await;
        assert_eq!(answer.body["items"], tally(0, 0, lines(&file), 0, 0));
    }
    assert!(world.items().await == before);
}

#[tokio::test]
async fn every_mistake_is_told_by_line_and_nothing_is_written() {
    let world = World::with_catalog().await;
    let before = world.items().await;
    let file = "医生编码,姓名,职称,科室编码\nD1,甲,主治医师,XNK\nD2,,主治医师,NOPE\nD1,丙,主治医师,XNK\n";
    let answer = world.import("doctors", file).await;
    assert_eq!((answer.status, answer.code()), (422, "import_errors"));
    let found: Vec<_> = answer.body["errors"].as_array().unwrap().iter().map(|e| (&e["line"], &e["code"])).collect();
    let expected =
        [(json!(3), json!("value_empty")), (json!(3), json!("value_not_found")), (json!(4), json!("value_repeated"))];
    assert_eq!(found, expected.iter().map(|(line, code)| (line, code)).collect::<Vec<_>>());
    assert!(world.items().await == before);
}

#[tokio::test]
async fn a_file_whose_characters_were_lost_on_the_way_is_refused() {
    let world = World::with_catalog().await;
    let answer = world.import("departments", "科室编码,科室名称\nX1,\u{FFFD}\u{FFFD}科\n").await;
    assert_eq!((answer.status, &answer.body["errors"][0]["code"]), (422, &json!("file_encoding")));
    let answer = world.import("departments", vec![b'x'; console::import::FILE_BYTES_MAX + 1]).await;
    assert_eq!(answer.body["errors"][0]["code"], json!("file_too_large"));
}

const HEADER: &str = "日期,科室编码,医生编码,时段,开始时间,结束时间,每半小时号数,挂号费,诊室,院区,号别";
const CLINIC: &str = "20261123-am-XNK-pool";

fn schedule(end: &str, numbers: u16, room: &str) -> String {
    format!("{HEADER}\n2026-11-23,XNK,,上午,8:00,{end},{numbers},10,{room},主院区,普通\n")
}

#[tokio::test]
async fn a_claimed_number_is_never_touched() {
    let world = World::with_catalog().await;
    world.import("schedules", schedule("12:00", 5, "301 诊室")).await;
    let held = world.hold(CLINIC, "0830", 1).await;
    let slot = async || world.table().slot(&CLINIC.parse().unwrap(), held.place.start).await.unwrap().unwrap();
    let claimed = slot().await;

    // Another room: the clinic changes, its slots do not.
    let moved = world.import("schedules", schedule("12:00", 5, "302 诊室")).await;
    assert_eq!((&moved.body["items"], &moved.body["slots"]), (&tally(0, 1, 0, 0, 0), &tally(0, 0, 8, 0, 0)));
    // A shorter morning: what nobody claimed goes.
    let shorter = world.import("schedules", schedule("8:30", 5, "302 诊室")).await;
    assert_eq!(shorter.body["slots"], tally(0, 0, 1, 6, 1));
    // Other counts would give a number out twice: the slots stay.
    let fewer = world.import("schedules", schedule("9:30", 4, "302 诊室")).await;
    assert_eq!(fewer.body["slots"], tally(0, 0, 0, 0, 3));
    assert_eq!(slot().await, claimed);
    let clinic = world.table().clinic(&CLINIC.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((clinic.slots.len(), clinic.clinic.room.as_str()), (2, "302 诊室"));
    assert_eq!(clinic.clinic.department_name, "心血管内科");
}

#[tokio::test]
async fn schedules_need_a_profile() {
    let world = World::start("{}").await;
    world.import("departments", demo("departments.csv")).await;
    let answer = world.import("schedules", schedule("12:00", 4, "")).await;
    assert_eq!((answer.status, answer.code()), (503, "not_set_up"));
}

const CARDS: &str = "就诊卡号,姓名,证件类型,证件号码,手机号\n";

#[tokio::test]
async fn cards_are_sealed_and_a_bound_card_stays() {
    let world = World::with_catalog().await;
    let one = format!("{CARDS}V1,周建国,,899999195603020017,\n");
    assert_eq!(world.import("cards", one.clone()).await.body["items"], tally(1, 0, 0, 0, 0));
    let stored = format!("{:?}", world.items().await["CARD#V1 SELF"]);
    assert!(!stored.contains("周建国") && !stored.contains("899999195603020017"), "{stored}");

    let no: CardNo = "V1".parse().unwrap();
    let with_phone = format!("{CARDS}V1,周建国,,899999195603020017,19900000002\n");
    assert_eq!(world.import("cards", with_phone.clone()).await.body["items"], tally(0, 1, 0, 0, 0));
    assert_eq!(world.import("cards", with_phone).await.body["items"], tally(0, 0, 1, 0, 0));

    let patient = register(&world).await;
    assert!(world.table().bind_card(&patient, &no).await.unwrap());
    assert_eq!(world.import("cards", one).await.body["items"], tally(0, 0, 0, 0, 1));
    assert_eq!(world.table().card(&no).await.unwrap().unwrap().patient, Some(patient));
}

async fn register(world: &World) -> PatientId {
    use domain::person::{DocumentKind, IdDocument, PersonName, Phone};
    use store::account::Relation;
    use store::identity::{Identity, IdentityNonces};
    use store::patients::{Registrar, Registration};
    let now = world.clock.now();
    let identity = Identity {
        name: PersonName::parse("周建国").unwrap(),
        document: IdDocument::parse(DocumentKind::ResidentId, "899999195603020017", domain::time::today(now)).unwrap(),
        phone: Phone::parse("19900000002").unwrap(),
    };
    let patient = PatientId::from_bytes([9; 10]);
    let registration = Registration {
        by: Registrar::Account { account: "o-zhou".parse().unwrap(), relation: Relation::Oneself },
        patient: patient.clone(),
        consent_version: "2026-11".into(),
        at: now,
    };
    let nonces = IdentityNonces { name: [1; 12], document: [2; 12], phone: [3; 12] };
    world.table().register(&keyring(), &identity, &nonces, &registration).await.unwrap();
    patient
}
