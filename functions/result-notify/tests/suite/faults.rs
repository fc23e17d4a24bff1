//! What a report costs, and a fault at every call to the table: what was not acknowledged is sent again, and ends filed
//! or kept exactly once.

use crate::proxy::{self, Fault, Plan, Switch};
use crate::world::{World, profile};
use domain::event::EventKind;
use domain::id::PatientId;
use store::Table;

const CARD: &str = "V20180031";

fn oru(card: &str, number: &str) -> String {
    format!(
        "MSH|^~\\&|LIS|LAB|DESK|H|20261125080000||ORU^R01|M-{number}|P|2.5\r\
         PID|1||{card}^^^H^MR||林^晓梅||19800101|F\r\
         OBR|1|O1|{number}|K^血钾^L|||20261125070000|||||||||||||||20261125080000|||F\r\
         OBX|1|NM|K^血钾^L||7.9|mmol/L|3.5-5.5|HH|||F|||20261125070000\r"
    )
}

#[tokio::test]
async fn a_report_costs_few_units_and_a_repeat_one() {
    let meter = kit::Meter::start(&kit::engine().await).await;
    let table = Table::new(kit::client(&meter.url), kit::TABLE);
    table.put_profile(&profile()).await.unwrap();
    let world = World::with(table);
    let patient = world.person(1, "林晓梅", CARD).await;
    // The first request reads the profile.
    world.hl7(oru(CARD, "F0").as_bytes()).await;
    meter.take();
    assert_eq!(world.hl7(oru(CARD, "F1").as_bytes()).await.codes(), ["AA"]);
    let first = meter.take();
    assert!(first.calls <= 8 && first.write <= 20.0, "{first:?}");
    assert_eq!(world.hl7(oru(CARD, "F1").as_bytes()).await.codes(), ["AA"]);
    let again = meter.take();
    assert!(again.calls <= 7 && again.write <= 1.0, "{again:?}");
    assert_eq!(world.table().reports_of(&world.keys, &patient).await.unwrap().len(), 2);
}

/// One message, one call failing as planned; then everything works, and the sender sends it until it is acknowledged.
async fn sent_with(plan: Option<Plan>, card: &str) -> (World, PatientId, Vec<bool>) {
    let (engine, switch) = (kit::engine().await, Switch::default());
    let clear = World::on(Table::new(kit::client(&engine), kit::TABLE)).await;
    let patient = clear.person(1, "林晓梅", CARD).await;
    let url = proxy::start(&engine, &switch).await;
    let world = World::with(Table::new(kit::impatient_client(&url), kit::TABLE));
    // Profiles are cached per instance.
    world.app.desk.profile().await.unwrap();
    switch.arm(plan);
    let first = world.hl7(oru(card, "F1").as_bytes()).await;
    let calls = switch.calls();
    switch.arm(None);
    if first.status.as_u16() != 200 || first.codes() == ["AR"] {
        let expected = if card == CARD { "AA" } else { "AE" };
        assert_eq!(world.hl7(oru(card, "F1").as_bytes()).await.codes(), [expected], "{plan:?}");
    }
    (clear, patient, calls)
}

fn plans(calls: &[bool]) -> Vec<Plan> {
    let of_call = |(at, writes): (usize, &bool)| {
        Fault::of(*writes).iter().flat_map(move |fault| [false, true].map(|crash| Plan { at, fault: *fault, crash }))
    };
    calls.iter().enumerate().flat_map(of_call).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_is_filed_once_and_alarms_once_whatever_call_fails() {
    let (_, _, calls) = sent_with(None, CARD).await;
    for plan in plans(&calls) {
        let (world, patient, _) = sent_with(Some(plan), CARD).await;
        let listed = world.table().reports_of(&world.keys, &patient).await.unwrap();
        assert_eq!(listed.len(), 1, "{plan:?}");
        let known = world.table().report(&world.keys, &listed[0].id).await.unwrap().unwrap();
        assert_eq!((known.filed.ver, known.dossier.history.earlier().len()), (1, 0), "{plan:?}");
        assert_eq!(world.table().critical_reports().await.unwrap().len(), 1, "{plan:?}");
        assert!(known.filed.ev.is_none_or(|event| event.kind != EventKind::ReportReady), "{plan:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_placed_is_kept_once_whatever_call_fails() {
    let (_, _, calls) = sent_with(None, "V99999999").await;
    for plan in plans(&calls) {
        let (world, ..) = sent_with(Some(plan), "V99999999").await;
        let kept = world.table().open_unplaced().await.unwrap();
        assert_eq!(kept.len(), 1, "{plan:?}");
        let body = world.table().unplaced_body(&world.keys, &kept[0].id).await.unwrap().unwrap();
        assert_eq!(body, oru("V99999999", "F1").as_bytes(), "{plan:?}");
        assert_eq!(world.table().hurry_unplaced(&world.keys, "V99999999", crate::world::now()).await.unwrap(), 1);
    }
}
