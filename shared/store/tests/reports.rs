//! Reports on a real engine: filed whole, once, whatever comes twice or at the same time; sealed; listed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs, reason = "tests")]

use base64::Engine;
use domain::event::{Actor, EventKind};
use domain::id::{PatientId, ReportId};
use domain::report::filed::{Deed, Intake};
use domain::report::{
    Arrival, Category, Concept, Flag, Item, Policy, Report, ReportKey, Section, Status, Text, Transmission, Value,
    When, Wire,
};
use domain::{Timestamp, time};
use std::sync::atomic::{AtomicU64, Ordering};
use store::reports::{Nonces, PutReport, ReportFile};
use store::seal::{Keyring, SealNonce};
use store::{StoreError, Table};

fn now() -> Timestamp {
    "2026-11-25T09:00:00+08:00".parse().unwrap()
}

fn keys() -> Keyring {
    let key = base64::engine::general_purpose::STANDARD.encode([1; 32]);
    let json = serde_json::json!({"current": 1, "keys": {"1": {"seal": key, "index": key}}});
    Keyring::from_secret(&json.to_string()).unwrap()
}

#[derive(Default)]
struct Counting(AtomicU64);

impl Nonces for Counting {
    fn fresh(&self) -> Result<SealNonce, StoreError> {
        let mut nonce = SealNonce::default();
        nonce[..8].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        Ok(nonce)
    }
}

fn patient(n: u8) -> PatientId {
    PatientId::from_bytes([n; 10])
}

fn version(number: &str, status: Status, sent_s: i64, value: &str) -> Report {
    let key = ReportKey { sender: "LIS".into(), number: number.into(), service: "".into() };
    let when = When::of(time::add_seconds(now(), sent_s - 7200));
    let control_id = Some(Text::new(format!("M{sent_s}")));
    let transmission = Transmission { wire: Wire::Hl7, control_id, sent_at: Some(when.clone()) };
    let mut report = Report::new(key, transmission, status);
    report.category = Category::Laboratory;
    report.code = Concept::words("血钾测定");
    report.times.issued = Some(when.clone());
    report.times.collected = Some(when);
    let mut item = Item::new(Concept::words("血钾"), status);
    item.values = vec![Value::text(value)];
    report.sections = vec![Section { title: None, items: vec![item] }];
    report
}

struct Desk {
    table: Table,
    keys: Keyring,
    policy: Policy,
    nonces: Counting,
}

impl Desk {
    async fn new() -> Self {
        Self { table: kit::table().await, keys: keys(), policy: Policy::default(), nonces: Counting::default() }
    }

    async fn put(&self, patient: &PatientId, report: &Report) -> PutReport {
        let by = Actor::Staff("lis".into());
        let intake = Intake { policy: &self.policy, by: &by, now: now() };
        self.table.put_report(&self.keys, patient, report, intake, &self.nonces).await.unwrap()
    }
}

fn arrival(put: &PutReport) -> Arrival {
    let PutReport::Done { arrival, .. } = put else { panic!("{put:?}") };
    *arrival
}

#[tokio::test]
async fn a_report_is_filed_once_and_read_back_whole() {
    let desk = Desk::new().await;
    let (p, f) = (version("R1", Status::Preliminary, 1, "4.1"), version("R1", Status::Final, 2, "4.1"));
    assert_eq!(arrival(&desk.put(&patient(1), &f).await), Arrival::Current);
    assert_eq!(arrival(&desk.put(&patient(1), &p).await), Arrival::Older);
    for _ in 0..2 {
        assert_eq!(arrival(&desk.put(&patient(1), &f).await), Arrival::Duplicate);
    }
    let known = desk.table.report(&desk.keys, &ReportId::of(&f.key)).await.unwrap().unwrap();
    assert_eq!(known.dossier.history.current(), Some(&f));
    assert_eq!(known.dossier.history.earlier(), [p]);
    assert_eq!(known.filed.ver, 2, "a repeat writes nothing");
    assert_eq!(known.filed.ev.unwrap().kind, EventKind::ReportReady);
}

#[tokio::test]
async fn a_list_is_newest_first_and_of_one_patient() {
    let desk = Desk::new().await;
    for (number, sent_s) in [("R1", 100), ("R3", 300), ("R2", 200)] {
        desk.put(&patient(1), &version(number, Status::Final, sent_s, "4.1")).await;
    }
    desk.put(&patient(2), &version("R9", Status::Final, 900, "4.1")).await;
    let listed = desk.table.reports_of(&desk.keys, &patient(1)).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|listed| listed.id.clone()).collect();
    let id = |number: &str| ReportId::of(&version(number, Status::Final, 1, "").key);
    assert_eq!(ids, [id("R3"), id("R2"), id("R1")]);
    assert_eq!(listed[0].line.name.as_str(), "血钾测定");
}

#[tokio::test]
async fn nothing_of_what_a_report_says_lies_open_in_the_table() {
    let desk = Desk::new().await;
    desk.put(&patient(1), &version("R1", Status::Final, 1, "SECRET-VALUE")).await;
    let id = ReportId::of(&version("R1", Status::Final, 1, "").key);
    let bytes = format!("{:?}", desk.table.filed_report(&id).await.unwrap());
    assert!(!bytes.contains("SECRET-VALUE") && !bytes.contains("血钾"));
    assert!(Keyring::from_secret("{}").is_err());
}

#[tokio::test]
async fn a_number_that_is_taken_by_another_patient_changes_nothing() {
    let desk = Desk::new().await;
    let f = version("R1", Status::Final, 1, "4.1");
    desk.put(&patient(1), &f).await;
    let other = desk.put(&patient(2), &version("R1", Status::Final, 9, "4.4")).await;
    assert!(matches!(other, PutReport::OtherPatient(filed) if filed.patient == patient(1)));
    assert_eq!(desk.table.reports_of(&desk.keys, &patient(2)).await.unwrap(), []);
}

#[tokio::test]
async fn a_corrected_patient_moves_the_report_and_leaves_a_recall() {
    let desk = Desk::new().await;
    let mut f = version("R1", Status::Final, 1, "7.9");
    f.sections[0].items[0].flags = vec![Flag::of("HH")];
    desk.put(&patient(1), &f).await;
    let id = ReportId::of(&f.key);
    desk.table.acknowledge_critical(&id, "nurse-li", Deed::PatientReached, now()).await.unwrap().unwrap();
    let c = version("R1", Status::Corrected, 9, "4.4");
    for _ in 0..2 {
        desk.put(&patient(2), &c).await;
    }
    // The old version, sent once more, does not bring it back.
    assert_eq!(arrival(&desk.put(&patient(1), &f).await), Arrival::Older);
    let known = desk.table.report(&desk.keys, &id).await.unwrap().unwrap();
    assert_eq!((known.filed.patient.clone(), known.dossier.history.current()), (patient(2), Some(&c)));
    assert!(known.dossier.history.earlier().is_empty(), "nothing of the first patient's");
    assert!(known.filed.news.contains_key(&EventKind::ReportReady));
    assert_eq!(desk.table.reports_of(&desk.keys, &patient(2)).await.unwrap().len(), 1);
    let left = desk.table.reports_of(&desk.keys, &patient(1)).await.unwrap();
    assert_eq!(left.iter().map(|left| left.line.status).collect::<Vec<_>>(), [Status::EnteredInError]);
    let trace = desk.table.report(&desk.keys, &left[0].id).await.unwrap().unwrap();
    assert_eq!(trace.filed.ev.unwrap().kind, EventKind::ReportRecalled);
    assert_eq!(trace.dossier.history.current().unwrap().items().count(), 0);
}

#[tokio::test]
async fn versions_that_come_at_once_all_count() {
    let desk = Desk::new().await;
    let versions: Vec<_> = (0..6).map(|n| version("R1", Status::Corrected, n, &format!("4.{n}"))).collect();
    let lin = patient(1);
    let puts = versions.iter().map(|report| desk.put(&lin, report));
    futures_util::future::join_all(puts).await;
    let known = desk.table.report(&desk.keys, &ReportId::of(&versions[0].key)).await.unwrap().unwrap();
    assert_eq!(known.dossier.history.current(), versions.last());
    assert_eq!(known.dossier.history.earlier().len(), 5);
}

#[tokio::test]
async fn a_number_used_twice_is_seen_and_loses_nothing() {
    let desk = Desk::new().await;
    let first = version("R1", Status::Final, 1, "4.1");
    let mut second = version("R1", Status::Corrected, 2, "4.9");
    second.transmission.control_id = first.transmission.control_id.clone();
    desk.put(&patient(1), &first).await;
    let put = desk.put(&patient(1), &second).await;
    assert!(matches!(put, PutReport::Done { is_number_reused: true, arrival: Arrival::Current, .. }), "{put:?}");
    let again = desk.put(&patient(1), &first).await;
    assert_eq!(arrival(&again), Arrival::Duplicate);
}

#[tokio::test]
async fn a_large_report_is_cut_and_put_together() {
    let desk = Desk::new().await;
    let mut large = version("R1", Status::Final, 1, "4.1");
    // Nothing that compresses: hashes as text.
    let item = |n: u32| {
        let mut item = Item::new(Concept::words(format!("项目{n}")), Status::Final);
        let hash: String = (0..8).map(|part| domain::id::hashed_text(&[&format!("{n}-{part}")])).collect();
        item.values = vec![Value::text(hash)];
        item
    };
    large.sections = vec![Section { title: None, items: (0..6_000).map(item).collect() }];
    desk.put(&patient(1), &large).await;
    let mut corrected = large.clone();
    corrected.status = Status::Corrected;
    desk.put(&patient(1), &corrected).await;
    let known = desk.table.report(&desk.keys, &ReportId::of(&large.key)).await.unwrap().unwrap();
    assert_eq!(known.dossier.history.current(), Some(&corrected));
    assert_eq!(known.dossier.history.earlier(), [large.clone()]);

    let bytes: Vec<u8> = (0..700_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
    let (id, file) = (ReportId::of(&large.key), ReportFile { sha256_hex: "ab12", bytes: &bytes });
    for _ in 0..2 {
        let nonce = desk.nonces.fresh().unwrap();
        desk.table.put_report_file(&desk.keys, &id, file, nonce, now()).await.unwrap();
    }
    assert_eq!(desk.table.report_file(&desk.keys, &id, "ab12").await.unwrap().unwrap(), bytes);
    assert_eq!(desk.table.report_file(&desk.keys, &id, "ab13").await.unwrap(), None);
}

#[tokio::test]
async fn a_critical_value_stands_on_the_list_until_somebody_takes_it_on() {
    let desk = Desk::new().await;
    let mut f = version("R1", Status::Final, 1, "7.9");
    f.sections[0].items[0].flags = vec![Flag::of("HH")];
    let id = ReportId::of(&f.key);
    for _ in 0..2 {
        desk.put(&patient(1), &f).await;
    }
    let open = desk.table.critical_reports().await.unwrap();
    assert_eq!(open.iter().map(|filed| filed.id.clone()).collect::<Vec<_>>(), std::slice::from_ref(&id));
    let late = time::add_minutes(now(), 30);
    assert!(desk.table.escalate_critical(&id, late).await.unwrap().is_some());
    assert_eq!(desk.table.critical_reports().await.unwrap().len(), 1);
    let taken = desk.table.acknowledge_critical(&id, "nurse-li", Deed::PatientReached, late).await.unwrap();
    assert_eq!(taken.unwrap().critical.unwrap().acknowledged.unwrap().by, "nurse-li");
    assert!(desk.table.acknowledge_critical(&id, "nurse-wu", Deed::Treated, late).await.unwrap().is_none());
    assert_eq!(desk.table.critical_reports().await.unwrap(), []);
    let filed = desk.table.filed_report(&id).await.unwrap().unwrap();
    let (kind, seq) = filed.news.first_key_value().map(|(kind, seq)| (*kind, *seq)).unwrap();
    assert_eq!(kind, EventKind::ReportCritical);
    desk.table.clear_report_notice(&id, kind, seq).await.unwrap();
    assert!(desk.table.filed_report(&id).await.unwrap().unwrap().untold.is_empty());
}
