use super::*;
use crate::report::{Concept, Flag, Item, ReportKey, Transmission, Value, Wire};
use crate::time::{add_minutes, add_seconds};
use proptest::prelude::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

fn patient() -> PatientId {
    PatientId::from_bytes([1; 10])
}

/// A version with one item of this name, value and flag, sent at this second.
fn version(status: Status, sent: i64, name: &str, value: &str, flag: &str) -> Report {
    let key = ReportKey { sender: "LIS".into(), number: "R1".into(), service: "".into() };
    let when = When::of(at(sent));
    let transmission = Transmission { wire: Wire::Hl7, control_id: None, sent_at: Some(when.clone()) };
    let mut report = Report::new(key, transmission, status);
    report.category = Category::Laboratory;
    report.times.issued = Some(when);
    let mut item = Item::new(Concept::words(name), status);
    item.values = vec![Value::text(value)];
    item.flags = vec![Flag::of(flag)];
    report.sections = vec![crate::report::Section { title: None, items: vec![item] }];
    report
}

/// A desk that takes in versions.
struct Desk {
    policy: Policy,
    filed: Filed,
    dossier: Option<Dossier>,
    alarms: usize,
    told: Vec<EventKind>,
}

impl Desk {
    fn new(first: &Report) -> Self {
        let filed = Filed::expected(patient(), first, at(0));
        Self { policy: Policy::default(), filed, dossier: None, alarms: 0, told: Vec::new() }
    }

    fn note(&mut self, next: Filed) {
        let seq = |filed: &Filed| filed.ev.as_ref().map_or(0, |event| event.seq);
        if seq(&next) != seq(&self.filed) {
            self.told.extend(next.ev.as_ref().map(|event| event.kind));
        }
        self.filed = next;
    }

    fn take(&mut self, report: Report, now: i64) -> Arrival {
        let intake = Intake { policy: &self.policy, by: &Actor::Staff("lis".into()), now: at(now) };
        let arrived = self.filed.arrived(self.dossier.as_ref(), report, intake).unwrap();
        self.dossier = Some(arrived.dossier);
        self.alarms += usize::from(arrived.alarms);
        self.note(arrived.filed);
        arrived.arrival
    }
}

fn desk_with(versions: &[Report]) -> Desk {
    let mut desk = Desk::new(&versions[0]);
    for (place, report) in versions.iter().enumerate() {
        desk.take(report.clone(), i64::try_from(place).unwrap() * 60);
    }
    desk
}

#[test]
fn a_patient_is_told_once_and_of_each_correction() {
    let p = version(Status::Preliminary, 1, "K", "4.1", "N");
    let f = version(Status::Final, 2, "K", "4.1", "N");
    let c = version(Status::Corrected, 3, "K", "4.4", "N");
    let x = version(Status::EnteredInError, 4, "K", "4.4", "N");
    let desk = desk_with(&[p.clone(), f.clone(), f.clone(), c.clone(), f.clone(), p.clone(), x]);
    assert_eq!(desk.told, [EventKind::ReportReady, EventKind::ReportCorrected, EventKind::ReportRecalled]);
    assert_eq!(desk_with(&[c, f, p]).told, [EventKind::ReportReady]);
}

#[test]
fn what_is_sensitive_is_never_told() {
    let f = version(Status::Final, 1, "HIV抗体", "阴性", "N");
    let c = version(Status::Corrected, 2, "HIV抗体", "阳性", "A");
    let x = version(Status::EnteredInError, 3, "HIV抗体", "阳性", "A");
    let desk = desk_with(&[f, c, x]);
    assert_eq!(desk.told, []);
    assert!(desk.filed.deadlines.earliest().is_none());
}

#[test]
fn imaging_waits_a_day_or_for_a_doctor() {
    let mut f = version(Status::Final, 1, "胸部CT", "未见异常", "");
    f.category = Category::Imaging;
    let mut desk = desk_with(std::slice::from_ref(&f));
    assert_eq!(desk.told, []);
    let from = desk.filed.deadlines.get(Deadline::Publish).unwrap();
    assert_eq!(from, add_seconds(at(0), 24 * 3600));
    let early = desk.filed.published(at(60));
    assert!(!early.is_announced);
    let published = desk.filed.published(from);
    assert!(published.news.contains_key(&EventKind::ReportReady));
    assert!(published.deadlines.get(Deadline::Publish).is_none());

    let confirmed = desk.filed.confirmed(desk.dossier.as_ref().unwrap(), &desk.policy, "dr-chen", at(120));
    desk.note(confirmed.clone());
    assert_eq!(desk.told, [EventKind::ReportReady]);
    assert_eq!(confirmed.confirmed(desk.dossier.as_ref().unwrap(), &desk.policy, "dr-li", at(180)), confirmed);
}

#[test]
fn a_critical_value_goes_to_the_clinician_first() {
    let f = version(Status::Final, 1, "K", "7.9", "HH");
    let mut desk = desk_with(&[f.clone(), f]);
    assert_eq!((desk.alarms, desk.told.clone()), (1, vec![]));
    assert_eq!(desk.filed.deadlines.get(Deadline::Escalate), Some(add_minutes(at(0), 30)));
    let acknowledged = desk.filed.acknowledged("nurse-li", Deed::PatientReached, at(300)).unwrap();
    desk.note(acknowledged);
    assert_eq!(desk.told, [EventKind::ReportCritical]);
    assert!(desk.filed.is_announced && desk.filed.deadlines.get(Deadline::Escalate).is_none());
    assert_eq!(desk.filed.acknowledged("nurse-wu", Deed::Treated, at(400)), None);
    assert_eq!(desk.filed.escalated(at(4000)), None);
    // The same value again is the same alarm; another one is another.
    desk.take(version(Status::Corrected, 9, "K", "8.1", "HH"), 500);
    assert_eq!(desk.alarms, 1);
    desk.take(version(Status::Corrected, 10, "Na", "105", "LL"), 600);
    assert_eq!(desk.alarms, 2);
    assert!(desk.filed.awaits_clinician());
}

#[test]
fn a_critical_value_is_shown_once_a_clinician_knows_or_has_had_the_time() {
    let mut f = version(Status::Final, 1, "K", "7.9", "HH");
    let harmless = version(Status::Final, 1, "Na", "140", "N");
    f.sections.extend(harmless.sections);
    let desk = desk_with(&[f.clone()]);
    let seen = |filed: &Filed, now: i64| {
        let progress = filed.progress_for_reader(at(now));
        f.items().map(|item| desk.policy.item(&f, item, progress, at(now))).collect::<Vec<_>>()
    };
    let both = [Visibility::Visible, Visibility::Visible];
    assert_eq!(seen(&desk.filed, 60), [Visibility::AfterDoctor, Visibility::Visible]);
    assert_eq!(desk.policy.texts(&f, desk.filed.progress_for_reader(at(60)), at(60)), Visibility::AfterDoctor);
    assert_eq!(seen(&desk.filed, 1800), both, "whoever escalates may be down");
    assert_eq!(seen(&desk.filed.acknowledged("nurse-li", Deed::PatientReached, at(60)).unwrap(), 60), both);
    assert_eq!(seen(&desk.filed.confirmed(desk.dossier.as_ref().unwrap(), &desk.policy, "dr-chen", at(60)), 60), both);
}

#[test]
fn nobody_in_time_is_told_once_and_stays_open() {
    let f = version(Status::Final, 1, "K", "7.9", "HH");
    let mut desk = desk_with(&[f]);
    assert_eq!(desk.filed.escalated(at(1799)), None);
    let escalated = desk.filed.escalated(at(1800)).unwrap();
    desk.note(escalated);
    assert!(desk.filed.critical.as_ref().unwrap().is_open());
    let late = desk.filed.acknowledged("nurse-li", Deed::DoctorInformed, at(3000)).unwrap();
    desk.note(late);
    assert_eq!(desk.told, [EventKind::ReportCritical]);
}

#[test]
fn a_critical_value_that_is_corrected_away_ends_its_alarm() {
    let f = version(Status::Final, 1, "K", "7.9", "HH");
    let c = version(Status::Corrected, 2, "K", "4.4", "N");
    let mut desk = desk_with(&[f, c]);
    assert!(!desk.filed.awaits_clinician());
    assert!(desk.filed.deadlines.get(Deadline::Escalate).is_none());
    assert_eq!(desk.told, [EventKind::ReportReady]);
    desk.take(version(Status::Corrected, 3, "K", "7.8", "HH"), 300);
    assert_eq!(desk.alarms, 2);
}

#[test]
fn a_sensitive_critical_value_alarms_and_is_not_pushed() {
    let f = version(Status::Final, 1, "HIV RNA", "900000", "HH");
    let mut desk = desk_with(&[f]);
    assert_eq!(desk.alarms, 1);
    let acknowledged = desk.filed.acknowledged("nurse-li", Deed::DoctorInformed, at(300)).unwrap();
    desk.note(acknowledged);
    assert_eq!(desk.told, []);
}

#[test]
fn a_message_under_way_leaves_the_others() {
    let f = version(Status::Final, 1, "K", "4.1", "N");
    let c = version(Status::Corrected, 2, "K", "4.4", "N");
    let filed = desk_with(&[f, c]).filed;
    let seq = filed.news[&EventKind::ReportReady];
    let told = filed.told(EventKind::ReportReady, seq);
    assert!(told.deadlines.get(Deadline::Notify).is_some());
    let told = told.told(EventKind::ReportCorrected, told.news[&EventKind::ReportCorrected]);
    assert_eq!((told.untold.len(), told.deadlines.get(Deadline::Notify)), (0, None));
}

#[test]
fn a_correction_may_name_another_patient_a_used_number_may_not() {
    let dossier = |report: Report| Dossier { history: History::of(report), alarmed: BTreeSet::new() };
    let f = version(Status::Final, 2, "K", "4.1", "N");
    assert_eq!(dossier(f.clone()).claim(&version(Status::Corrected, 3, "K", "4.1", "N")), Claim::Mends);
    assert_eq!(dossier(f.clone()).claim(&version(Status::Final, 3, "Na", "140", "N")), Claim::Clashes);
    assert_eq!(dossier(f.clone()).claim(&version(Status::Corrected, 1, "K", "4.1", "N")), Claim::Outdated);
    assert_eq!(dossier(f.clone()).claim(&f), Claim::Outdated);
    let recalled = version(Status::EnteredInError, 3, "K", "4.1", "N");
    assert_eq!(dossier(recalled).claim(&version(Status::Final, 4, "K", "4.1", "N")), Claim::Mends);
}

#[test]
fn who_was_told_of_anothers_report_is_told_that_it_was_taken_back() {
    let desk = desk_with(&[version(Status::Final, 1, "K", "4.1", "N")]);
    let dossier = desk.dossier.as_ref().unwrap();
    let (left, trace) = desk.filed.left_behind(dossier, &Actor::Staff("lis".into()), at(60)).unwrap();
    assert_ne!(left.id, desk.filed.id);
    assert_eq!(left.id, ReportId::of(&trace.history.current().unwrap().key));
    assert!(left.news.contains_key(&EventKind::ReportRecalled));
    assert_eq!(trace.history.current().unwrap().items().count(), 0);
    let other = desk.filed.of_another(PatientId::from_bytes([2; 10]), dossier.history.current().unwrap(), at(60));
    assert_eq!((other.id.clone(), other.ver, other.is_announced), (desk.filed.id.clone(), desk.filed.ver, false));
}

#[derive(Clone, Debug)]
enum Step {
    Arrive(Status, i64, &'static str),
    Acknowledge,
    Escalate,
    Publish,
    Confirm,
}

fn any_step() -> impl Strategy<Value = Step> {
    use Status::{Cancelled, Corrected, EnteredInError, Final, Preliminary};
    let status = prop::sample::select(vec![Preliminary, Final, Corrected, Cancelled, EnteredInError]);
    prop_oneof![
        4 => (status, 0_i64..6, prop::sample::select(vec!["N", "H", "HH", "LL"]))
            .prop_map(|(status, sent, flag)| Step::Arrive(status, sent, flag)),
        1 => Just(Step::Acknowledge),
        1 => Just(Step::Escalate),
        1 => Just(Step::Publish),
        1 => Just(Step::Confirm),
    ]
}

proptest! {
    #[test]
    fn the_patient_hears_nothing_while_a_clinician_is_awaited_and_calls_match_alarms(
        steps in prop::collection::vec(any_step(), 1..30)
    ) {
        let mut desk = Desk::new(&version(Status::Preliminary, 0, "K", "1", "N"));
        let mut now = 0;
        for step in steps {
            now += 1_000;
            let (before, spoken) = (desk.filed.clone(), desk.told.len());
            match step {
                Step::Arrive(status, sent, flag) => { desk.take(version(status, sent, "K", "1", flag), now); }
                Step::Acknowledge => if let Some(next) = desk.filed.acknowledged("n", Deed::Treated, at(now)) { desk.note(next) },
                Step::Escalate => if let Some(next) = desk.filed.escalated(at(now)) { desk.note(next) },
                Step::Publish => { let next = desk.filed.published(at(now)); desk.note(next) }
                Step::Confirm => if let Some(dossier) = desk.dossier.clone() {
                    let next = desk.filed.confirmed(&dossier, &desk.policy, "d", at(now));
                    desk.note(next);
                },
            }
            let told = &desk.told[spoken..];
            if before.awaits_clinician() && desk.filed.awaits_clinician() {
                prop_assert!(!told.contains(&EventKind::ReportReady) && !told.contains(&EventKind::ReportCorrected));
            }
            let open = desk.filed.critical.as_ref().is_some_and(|critical| critical.is_open() && critical.escalated_at.is_none());
            prop_assert_eq!(open, desk.filed.deadlines.get(Deadline::Escalate).is_some());
            prop_assert!(!desk.filed.is_announced || desk.filed.status.is_valid());
            prop_assert!(desk.filed.untold.iter().all(|kind| *kind == EventKind::ReportCritical || desk.filed.bears_out(*kind)));
            prop_assert_eq!(desk.filed.untold.is_empty(), desk.filed.deadlines.get(Deadline::Notify).is_none());
        }
        let calls = desk.told.iter().filter(|kind| **kind == EventKind::ReportCritical).count();
        prop_assert!(calls <= desk.alarms);
        let (mut ready, mut recalled) = (0_i64, 0_i64);
        for kind in &desk.told {
            ready += i64::from(*kind == EventKind::ReportReady);
            recalled += i64::from(*kind == EventKind::ReportRecalled);
        }
        prop_assert!(recalled <= ready + i64::try_from(calls).unwrap());
    }
}
