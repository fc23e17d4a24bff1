//! What cannot be placed is kept whole, and filed once the cause is mended.

use crate::world::{World, now};
use domain::due::Deadline;
use domain::his::{CodeEntry, CodeKind};
use domain::person::Sex;
use domain::report::unplaced::Why;
use domain::report::{Arrival, Wire};
use domain::time::add_minutes;
use intake::{Delivery, Inbox, Replayed};
use store::Table;

const CARD: &str = "V20180031";

fn oru(card: &str, name: &str, number: &str) -> String {
    format!(
        "MSH|^~\\&|LIS|LAB|DESK|H|20261125080000||ORU^R01|M-{number}|P|2.5\r\
         PID|1||{card}^^^H^MR||{name}||19800101|F\r\
         OBR|1|O1|{number}|K^血钾^L|||20261125070000|||||||||||||||20261125080000|||F\r\
         OBX|1|NM|K^血钾^L||4.1|mmol/L|3.5-5.5|N|||F|||20261125070000\r"
    )
}

fn inbox<'a>(world: &'a World, profile: &'a domain::profile::HospitalProfile) -> Inbox<'a> {
    let desk = &world.app.desk;
    Inbox { table: &desk.table, keys: &world.keys, profile, nonces: &desk.random, now: now() }
}

async fn open(table: &Table) -> Vec<(Why, u32)> {
    let kept = table.open_unplaced().await.unwrap();
    kept.into_iter().map(|kept| (kept.obstacle.why, kept.tries)).collect()
}

#[tokio::test]
async fn a_result_of_somebody_unknown_waits_for_the_card() {
    let world = World::new().await;
    let message = oru(CARD, "林^晓梅", "F1");
    for _ in 0..2 {
        assert_eq!(world.hl7(message.as_bytes()).await.codes(), ["AE"]);
    }
    assert_eq!(open(world.table()).await, [(Why::UnknownPatient, 1)], "the same again is one more try");
    let kept = world.table().open_unplaced().await.unwrap().remove(0);
    assert_eq!(kept.deadlines.get(Deadline::Replay), Some(add_minutes(now(), 4)));

    let patient = world.person(1, "林晓梅", CARD).await;
    assert_eq!(world.table().hurry_unplaced(&world.keys, CARD, now()).await.unwrap(), 1);
    let due = world.table().unplaced(&kept.id).await.unwrap().unwrap().deadlines.get(Deadline::Replay);
    assert_eq!(due, Some(now()));
    let profile = crate::world::profile();
    let replayed = inbox(&world, &profile).replay(&kept.id, "his-sync", None).await.unwrap();
    assert!(matches!(replayed, Replayed::Placed(filed) if filed.len() == 1));
    assert_eq!(inbox(&world, &profile).replay(&kept.id, "liu", None).await.unwrap(), Replayed::Over);
    assert_eq!(open(world.table()).await, []);
    assert_eq!(world.table().reports_of(&world.keys, &patient).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_name_may_not_contradict_and_is_never_enough() {
    let world = World::new().await;
    let patient = world.person(1, "林晓梅", CARD).await;
    world.hl7(oru(CARD, "王^建国", "F1").as_bytes()).await;
    world.hl7(oru("", "林^晓梅", "F2").as_bytes()).await;
    world.person(2, "周志强", "V20180032").await;
    let two = oru(CARD, "林^晓梅", "F3").replace("||V20180031^^^H^MR|", "||V20180031^^^H^MR~V20180032^^^H^MR|");
    world.hl7(two.as_bytes()).await;
    let mut found = open(world.table()).await;
    found.sort();
    assert_eq!(found, [(Why::NoNumber, 0), (Why::OtherName, 0), (Why::TwoPatients, 0)]);
    // What is no name stands against others all the same.
    for other in ["王", "王*国", "王建国2"] {
        assert_eq!(world.hl7(oru(CARD, other, &format!("F-{other}")).as_bytes()).await.codes(), ["AE"], "{other}");
    }
    assert_eq!(world.table().reports_of(&world.keys, &patient).await.unwrap(), []);
    assert_eq!(world.hl7(oru(CARD, "林*梅", "F4").as_bytes()).await.codes(), ["AA"], "masked");
}

#[tokio::test]
async fn staff_who_have_seen_the_paper_place_a_report_by_card() {
    let world = World::new().await;
    let patient = world.person(1, "林晓梅", CARD).await;
    world.hl7(oru("OLD-7", "林^小梅", "F1").as_bytes()).await;
    let kept = world.table().open_unplaced().await.unwrap().remove(0);
    let profile = crate::world::profile();
    let card = CARD.parse().unwrap();
    let replayed = inbox(&world, &profile).replay(&kept.id, "liu", Some(&card)).await.unwrap();
    assert!(matches!(replayed, Replayed::Placed(_)), "{replayed:?}");
    assert_eq!(world.table().reports_of(&world.keys, &patient).await.unwrap().len(), 1);
    let settled = world.table().unplaced(&kept.id).await.unwrap().unwrap().settled.unwrap();
    assert_eq!((settled.by.as_str(), settled.is_placed), ("liu", true));
}

#[tokio::test]
async fn garbage_and_wrong_encodings_are_kept_whole() {
    let world = World::new().await;
    world.person(1, "林晓梅", CARD).await;
    let garbage: [&[u8]; 3] = [b"garbage", b"MSH|^~\\&|LIS", &[0xFF, 0x20, 0x20, 0xFE]];
    for body in garbage {
        let codes = world.hl7(body).await.codes();
        assert_eq!(codes, ["AE"], "{body:?}");
    }
    let declared = oru(CARD, "林^晓梅", "F1").replace("|P|2.5", "|P|2.5||||||UNICODE UTF-8");
    let wrong = results::Charset::Gb18030.encode(&declared).unwrap();
    let answer = world.hl7(&wrong).await;
    assert_eq!(answer.codes(), ["AE"]);
    assert!(answer.text().contains("MSA|AE|M-F1\r"), "{}", answer.text());
    let kept = world.table().open_unplaced().await.unwrap();
    assert_eq!(kept.len(), 4);
    let mut bodies = Vec::new();
    for message in &kept {
        bodies.push(world.table().unplaced_body(&world.keys, &message.id).await.unwrap().unwrap());
        assert!(message.deadlines.earliest().is_none(), "nothing mends by itself");
    }
    for body in garbage.into_iter().chain([wrong.as_slice()]) {
        assert!(bodies.iter().any(|kept| kept == body), "{body:?}");
    }
}

#[tokio::test]
async fn a_used_number_of_another_patient_is_for_people_to_look_at() {
    let world = World::new().await;
    let first = world.person(1, "林晓梅", CARD).await;
    let second = world.person(2, "周志强", "V20180032").await;
    world.hl7(oru(CARD, "林^晓梅", "F1").as_bytes()).await;
    let clash = oru("V20180032", "周^志强", "F1").replace("20261125080000", "20261125083000");
    assert_eq!(world.hl7(clash.as_bytes()).await.codes(), ["AE"]);
    assert_eq!(open(world.table()).await, [(Why::OthersReport, 0)]);
    // A correction does mend the patient.
    let mends = clash.replace("|||F\r", "|||C\r").replace("M-F1", "M-F1b");
    assert_eq!(world.hl7(mends.as_bytes()).await.codes(), ["AA"]);
    assert_eq!(world.table().reports_of(&world.keys, &second).await.unwrap().len(), 1);
    let left = world.table().reports_of(&world.keys, &first).await.unwrap();
    assert_eq!(left[0].line.status, domain::report::Status::EnteredInError);
}

#[tokio::test]
async fn a_code_nobody_has_mapped_waits_until_somebody_does() {
    let world = World::new().await;
    let patient = world.person(1, "林晓梅", CARD).await;
    let body = format!(r#"{{"reportId":"R1","cardNo":"{CARD}","reportType":"77","reportStatus":"已审核"}}"#);
    let answer = world.front_end("application/json", body.as_bytes()).await;
    assert_eq!((answer.json()["code"].clone(), answer.json()["error"].clone()), ((-1).into(), "unknown_code".into()));
    let kept = world.table().open_unplaced().await.unwrap().remove(0);
    assert_eq!((kept.obstacle.why, kept.obstacle.place.as_str()), (Why::UnknownCode, "reportType"));
    let mut profile = crate::world::profile();
    let still = inbox(&world, &profile).replay(&kept.id, "liu", None).await.unwrap();
    assert!(matches!(still, Replayed::Kept(_)));
    profile.reports.codes.categories.insert("77".into(), domain::report::Category::Other);
    let replayed = inbox(&world, &profile).replay(&kept.id, "liu", None).await.unwrap();
    assert!(matches!(replayed, Replayed::Placed(_)), "{replayed:?}");
    assert_eq!(world.table().reports_of(&world.keys, &patient).await.unwrap().len(), 1);
}

#[tokio::test]
async fn items_and_sexes_go_by_the_tables_where_the_profile_says_so() {
    let world = World::new().await;
    let patient = world.person(1, "林晓梅", CARD).await;
    let mut profile = crate::world::profile();
    profile.reports.by_code_tables = true;
    profile.his.mapped_only.insert(CodeKind::Item);
    let entry = |kind, theirs: &str, ours: &str| CodeEntry {
        kind,
        theirs: theirs.into(),
        ours: ours.into(),
        name: String::new(),
    };
    world.table().put_code(&entry(CodeKind::Sex, "02", "female")).await.unwrap();
    let body = format!(
        r#"{{"reportId":"R1","cardNo":"{CARD}","patientName":"林晓梅","sex":"02","reportType":"检验",
        "reportStatus":"已审核","items":[{{"itemCode":"L77","itemName":"血钾","result":"4.1"}}]}}"#
    );
    let delivery = Delivery { wire: Wire::FrontEnd, sender: "lis", charset: None, body: body.as_bytes() };
    let kept = inbox(&world, &profile).take(&delivery).await.unwrap().kept.unwrap();
    assert_eq!((kept.obstacle.why, kept.obstacle.place.as_str()), (Why::UnknownCode, "item"));
    let unknown = world.table().unknown_codes().await.unwrap();
    assert_eq!((unknown[0].kind, unknown[0].theirs.as_str(), unknown.len()), (CodeKind::Item, "L77", 1));

    world.table().put_code(&entry(CodeKind::Item, "L77", "K")).await.unwrap();
    let replayed = inbox(&world, &profile).replay(&kept.id, "liu", None).await.unwrap();
    let Replayed::Placed(filed) = replayed else { panic!("{replayed:?}") };
    let known = world.table().report(&world.keys, &filed[0].id).await.unwrap().unwrap();
    assert_eq!(known.filed.patient, patient);
    let report = known.dossier.history.current().unwrap();
    assert_eq!(report.subject.sex, Some(Sex::Female));
    let codes: Vec<_> = report.items().flat_map(|item| item.code.codes()).collect();
    assert_eq!(codes, ["K", "L77"], "ours, and what was sent");
}

/// A laboratory that repeats a message after staff have mapped its codes says nothing new, and alarms nobody again.
#[tokio::test]
async fn a_message_repeated_after_its_codes_were_mapped_is_no_new_version() {
    let world = World::new().await;
    world.person(1, "林晓梅", CARD).await;
    let mut profile = crate::world::profile();
    profile.reports.by_code_tables = true;
    let entry = |kind, theirs: &str, ours: &str| CodeEntry {
        kind,
        theirs: theirs.into(),
        ours: ours.into(),
        name: String::new(),
    };
    let body = format!(
        r#"{{"reportId":"R1","cardNo":"{CARD}","patientName":"林晓梅","sex":"02","reportType":"检验",
        "reportStatus":"已审核","items":[{{"itemCode":"L77","itemName":"血钾","result":"7.9","abnormalFlag":"HH"}}]}}"#
    );
    let delivery = Delivery { wire: Wire::FrontEnd, sender: "lis", charset: None, body: body.as_bytes() };
    let first = inbox(&world, &profile).take(&delivery).await.unwrap().filed.remove(0);
    let critical = || async { world.table().report(&world.keys, &first.id).await.unwrap().unwrap().filed.critical };
    let alarm = critical().await;
    assert!(alarm.is_some());
    for (kind, theirs, ours) in [(CodeKind::Item, "L77", "K"), (CodeKind::Sex, "02", "female")] {
        world.table().put_code(&entry(kind, theirs, ours)).await.unwrap();
        let again = inbox(&world, &profile).take(&delivery).await.unwrap().filed.remove(0);
        assert_eq!((again.arrival, &again.id), (Arrival::Duplicate, &first.id));
    }
    let known = world.table().report(&world.keys, &first.id).await.unwrap().unwrap();
    assert_eq!(known.dossier.history.earlier(), []);
    let report = known.dossier.history.current().unwrap();
    assert_eq!(report.items().flat_map(|item| item.code.codes()).collect::<Vec<_>>(), ["K", "L77"], "read anew");
    assert_eq!(report.subject.sex, Some(Sex::Female));
    let said_later = body.replace("7.9", "8.1").replace("已审核", "已更正");
    let other = Delivery { body: said_later.as_bytes(), ..delivery };
    inbox(&world, &profile).take(&other).await.unwrap();
    let known = world.table().report(&world.keys, &first.id).await.unwrap().unwrap();
    assert_eq!(
        (known.dossier.history.earlier().len(), known.filed.critical),
        (1, alarm),
        "corrected, and no new alarm"
    );
}
