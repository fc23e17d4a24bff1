//! Records of people that turn out to be one person, and two again, on a real engine: nothing is lost, nothing counts
//! twice, and who may see what follows.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs, reason = "tests")]

use domain::Timestamp;
use domain::appointment::{Appointment, Booker, CancelledBy};
use domain::booking::GateError;
use domain::civil::date;
use domain::clinic::{Channel, Clinic, Slot};
use domain::event::Actor;
use domain::id::{AppointmentId, CardNo, OpenId, PatientId};
use domain::person::{DocumentKind, IdDocument, PersonName, Phone};
use domain::profile::HospitalProfile;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeSet;
use store::Table;
use store::account::{Link, Relation};
use store::cards::HeldCard;
use store::identity::{Identity, IdentityNonces};
use store::merges::MergeStage;
use store::patients::{Registered, Registrar, Registration};
use store::registration::{HoldError, HoldRequest};
use store::seal::Keyring;

const PEOPLE: usize = 4;
/// Documents of invented people.
const PERMITS: [&str; PEOPLE] = ["01234560", "01234561", "01234562", "01234563"];

fn now() -> Timestamp {
    "2026-11-24T02:00:00Z".parse().unwrap()
}

fn profile() -> HospitalProfile {
    serde_json::from_str(include_str!("../../../infra/hospital/profile.json")).unwrap()
}

fn keys() -> Keyring {
    let key = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    let secret = format!(r#"{{"current":1,"keys":{{"1":{{"seal":"{key}","index":"{key}"}}}}}}"#);
    Keyring::from_secret(&secret).unwrap()
}

fn by() -> Actor {
    Actor::Staff("records".into())
}

fn person(n: usize) -> PatientId {
    PatientId::from_bytes([u8::try_from(n).unwrap(); 10])
}

fn account(n: usize) -> OpenId {
    format!("o{n}").parse().unwrap()
}

fn card(n: usize) -> CardNo {
    format!("V{n}").parse().unwrap()
}

/// Some people, each with an account and a card of their own.
struct Records {
    table: Table,
    profile: HospitalProfile,
    clinics: Vec<Clinic>,
}

impl Records {
    async fn new() -> Self {
        let (table, profile) = (kit::table().await, profile());
        table.put_profile(&profile).await.unwrap();
        let mut clinics = Vec::new();
        for day in [25, 26, 27] {
            let day = date(2026, 11, day);
            let clinic = kit::clinic("NK", day, 0, profile.booking.release_at(day));
            let slot = Slot::fresh(&clinic, "0900".parse().unwrap(), 1, 40);
            assert!(table.put_schedule(&clinic, &[slot], &[]).await.unwrap().is_done());
            clinics.push(clinic);
        }
        let records = Self { table, profile, clinics };
        for n in 0..PEOPLE {
            assert_eq!(records.register(n, account(n)).await, Registered::New(person(n)));
            records.table.hold_card(&person(n), &HeldCard { no: card(n), digital: false }).await.unwrap();
        }
        records
    }

    async fn register(&self, n: usize, account: OpenId) -> Registered {
        let registration = Registration {
            by: Registrar::Account { account, relation: Relation::Family },
            patient: person(n),
            consent_version: "1".into(),
            at: now(),
        };
        let identity = Identity {
            name: PersonName::parse("林志远").unwrap(),
            document: IdDocument::parse(DocumentKind::TaiwanPermit, PERMITS[n], date(2026, 11, 24)).unwrap(),
            phone: Phone::parse("19900000017").unwrap(),
        };
        let nonces = IdentityNonces { name: [1; 12], document: [2; 12], phone: [3; 12] };
        self.table.register(&keys(), &identity, &nonces, &registration).await.unwrap()
    }

    async fn book(&self, n: usize, day: usize, seed: u8) -> Result<Appointment, HoldError> {
        let request = HoldRequest {
            appointment: AppointmentId::from_bytes([seed; 10]),
            booker: Booker::Account(account(n)),
            patient: person(n),
            patient_name_masked: "林*远".into(),
            clinic: self.clinics[day].clone(),
            start: "0900".parse().unwrap(),
            channel: Channel::Wechat,
            rest_min: 0,
            follow_up_of: None,
        };
        self.table.hold(&self.profile, &request, now()).await
    }

    async fn cancel(&self, appointment: &Appointment) {
        let key = appointment.key();
        self.table.cancel(&self.profile, &key, CancelledBy::Patient, &by(), now()).await.unwrap();
    }

    async fn merge(&self, gone: usize, into: usize) -> bool {
        self.table.merge_people(&self.profile, (&person(gone), &person(into)), &by(), now()).await.unwrap()
    }

    async fn unmerge(&self, gone: usize) -> bool {
        self.table.unmerge_people(&self.profile, &person(gone), &by(), now()).await.unwrap()
    }

    async fn entries(&self, n: usize) -> BTreeSet<AppointmentId> {
        self.table.gate(&person(n)).await.unwrap().entries.into_keys().collect()
    }

    async fn strikes(&self, n: usize) -> BTreeSet<AppointmentId> {
        self.table.gate(&person(n)).await.unwrap().record.strikes.into_keys().collect()
    }

    async fn people_of(&self, n: usize) -> Vec<PatientId> {
        let links = self.table.links_of(&account(n)).await.unwrap();
        links.into_iter().map(|link| link.patient).collect()
    }

    async fn may(&self, n: usize, about: usize) -> Option<Link> {
        self.table.link(&account(n), &person(about)).await.unwrap()
    }
}

#[tokio::test]
async fn two_records_are_one_person_and_two_again() {
    let records = Records::new().await;
    let theirs = records.book(1, 0, 1).await.unwrap();
    let gone = records.book(1, 1, 2).await.unwrap();
    records.cancel(&gone).await;
    let own = records.book(0, 2, 3).await.unwrap();
    assert!(records.merge(1, 0).await);
    assert!(!records.merge(1, 0).await, "a repeat");
    assert!(!records.merge(0, 1).await, "they are one already");
    // One gate, whoever is asked for.
    for n in [0, 1] {
        assert_eq!(records.entries(n).await, [theirs.id.clone(), own.id.clone()].into());
        assert_eq!(records.strikes(n).await, [gone.id.clone()].into());
    }
    let again = records.book(0, 0, 4).await.unwrap_err();
    assert!(matches!(again, HoldError::Gate(GateError::SameClinic)), "{again:?}");
    // Either account acts for the person, and reads what lies with the other record.
    for n in [0, 1] {
        assert_eq!(records.people_of(n).await, [person(0)]);
        assert!(records.may(n, 0).await.is_some() && records.may(n, 1).await.unwrap().former);
    }
    let root = records.table.root_of(&person(1)).await.unwrap();
    assert_eq!(root, person(0));
    assert_eq!(records.table.cards_of(&root).await.unwrap().len(), 2);
    // Moves of what lies with the other record reach the one gate.
    records.cancel(&theirs).await;
    assert_eq!(records.entries(0).await, [own.id.clone()].into());
    let since = records.book(0, 0, 5).await.unwrap();

    assert!(records.unmerge(1).await);
    assert!(!records.unmerge(1).await, "a repeat");
    assert_eq!(records.entries(0).await, [own.id, since.id].into());
    assert_eq!(records.entries(1).await, BTreeSet::new());
    assert_eq!(records.strikes(0).await, BTreeSet::new());
    assert_eq!(records.strikes(1).await, [gone.id, theirs.id].into());
    for n in [0, 1] {
        assert_eq!(records.people_of(n).await, [person(n)]);
        assert!(records.may(n, 1 - n).await.is_none());
        assert_eq!(records.table.cards_of(&person(n)).await.unwrap().len(), 1);
        assert_eq!(records.table.patient(&person(n)).await.unwrap().unwrap().card, Some(card(n)));
    }
    let merge = records.table.merge_of(&person(1)).await.unwrap().unwrap();
    assert_eq!((merge.stage, merge.deadlines.earliest()), (MergeStage::Parted, None));
}

#[tokio::test]
async fn a_revoked_right_is_gone_by_every_record() {
    let records = Records::new().await;
    records.merge(1, 0).await;
    records.table.unlink(&account(1), &person(0)).await.unwrap();
    assert!(records.may(1, 0).await.is_none() && records.may(1, 1).await.is_none());
    // Who comes later sees all of it, by whichever document.
    let newcomer: OpenId = "o9".parse().unwrap();
    assert_eq!(records.register(1, newcomer.clone()).await, Registered::Linked(person(0)));
    assert!(records.table.link(&newcomer, &person(1)).await.unwrap().is_some_and(|link| link.former && link.by_merge));
    records.unmerge(1).await;
    assert!(records.table.link(&newcomer, &person(1)).await.unwrap().is_none(), "they proved the other record");
    assert!(records.table.link(&newcomer, &person(0)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_number_may_name_a_person_without_being_a_card_of_theirs() {
    let records = Records::new().await;
    let ended: CardNo = "V99".parse().unwrap();
    assert!(records.table.name_person(&ended, &person(0)).await.unwrap());
    assert!(!records.table.name_person(&ended, &person(1)).await.unwrap(), "it means somebody");
    assert!(!records.table.name_person(&card(1), &person(0)).await.unwrap(), "so does a card in use");
    assert_eq!(records.table.holder_of(&ended).await.unwrap(), Some(person(0)));
    assert_eq!(records.table.cards_of(&person(0)).await.unwrap().len(), 1, "nobody can use it");
    assert!(
        records.table.unname_person(&ended).await.unwrap() && !records.table.unname_person(&card(0)).await.unwrap()
    );
    assert_eq!(records.table.holder_of(&ended).await.unwrap(), None);
}

#[tokio::test]
async fn a_card_belongs_to_one_person() {
    let records = Records::new().await;
    let no: CardNo = "V7".parse().unwrap();
    let held = HeldCard { no: no.clone(), digital: false };
    assert!(records.table.hold_card(&person(0), &held).await.unwrap());
    assert!(records.table.hold_card(&person(0), &held).await.unwrap(), "a repeat");
    assert!(!records.table.hold_card(&person(1), &held).await.unwrap());
    assert_eq!(records.table.cards_of(&person(0)).await.unwrap().len(), 2);
    assert_eq!(records.table.patient(&person(0)).await.unwrap().unwrap().card, Some(card(0)), "the first is used");
    assert!(records.table.use_card(&person(0), &no).await.unwrap());
    assert!(!records.table.use_card(&person(1), &no).await.unwrap());
    assert_eq!(records.table.patient(&person(0)).await.unwrap().unwrap().card, Some(no));
}

/// One step: somebody gives a number back (a strike), two are merged, one is parted.
#[derive(Clone, Copy, Debug)]
enum Step {
    Strike(usize),
    Merge(usize, usize),
    Unmerge(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..PEOPLE).prop_map(Step::Strike),
        (0..PEOPLE, 0..PEOPLE).prop_map(|(gone, into)| Step::Merge(gone, into)),
        (0..PEOPLE).prop_map(Step::Unmerge),
    ];
    prop::collection::vec(step, 1..14)
}

/// Whatever the order: a strike is on exactly the gate of whom its visit lies with, and an account reads what the people
/// it was linked to are, no more.
async fn sound_after(steps: &[Step]) {
    let records = Records::new().await;
    let mut struck: Vec<(usize, AppointmentId)> = Vec::new();
    let mut into = [None; PEOPLE];
    let root = |into: &[Option<usize>; PEOPLE], mut n: usize| {
        while let Some(next) = into[n] {
            n = next;
        }
        n
    };
    for (seed, step) in (1_u8..).zip(steps) {
        match *step {
            Step::Strike(n) => {
                let Ok(visit) = records.book(n, usize::from(seed) % 3, seed).await else { continue };
                records.cancel(&visit).await;
                struck.push((n, visit.id));
            }
            Step::Merge(gone, stays) => {
                let (gone, stays) = (root(&into, gone), root(&into, stays));
                assert_eq!(records.merge(gone, stays).await, gone != stays);
                if gone != stays {
                    into[gone] = Some(stays);
                }
            }
            Step::Unmerge(n) => {
                assert_eq!(records.unmerge(n).await, into[n].is_some());
                into[n] = None;
            }
        }
        for n in 0..PEOPLE {
            let same = |other: &usize| root(&into, *other) == root(&into, n);
            let expected = struck.iter().filter(|(owner, _)| same(owner)).map(|(_, id)| id.clone()).collect();
            assert_eq!(records.strikes(n).await, expected, "{n} after {steps:?}");
            for other in 0..PEOPLE {
                assert_eq!(records.may(n, other).await.is_some(), same(&other), "{n} {other} after {steps:?}");
            }
            assert_eq!(records.people_of(n).await, [person(root(&into, n))], "{n} after {steps:?}");
        }
    }
}

#[test]
fn merging_in_any_order_loses_and_doubles_nothing() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&steps(), |steps| {
        runtime.block_on(sound_after(&steps));
        Ok(())
    });
    outcome.unwrap();
}

#[tokio::test]
async fn a_newer_document_leads_to_the_same_person_as_the_former() {
    let records = Records::new().await;
    let table = &records.table;
    let renewed = IdDocument::parse(DocumentKind::Passport, "GBR/123456789", date(2026, 11, 24)).unwrap();
    assert!(table.renew_document(&keys(), &person(0), &renewed, [4; 12]).await.unwrap());
    assert!(table.renew_document(&keys(), &person(0), &renewed, [5; 12]).await.unwrap(), "a repeat");
    assert!(!table.renew_document(&keys(), &person(1), &renewed, [6; 12]).await.unwrap(), "somebody else's");
    let former = IdDocument::parse(DocumentKind::TaiwanPermit, PERMITS[0], date(2026, 11, 24)).unwrap();
    for document in [&renewed, &former] {
        assert_eq!(table.patient_by_document(&keys(), document).await.unwrap(), Some(person(0)));
    }
    let known = table.patient(&person(0)).await.unwrap().unwrap().identity.clear(&keys()).unwrap().unwrap();
    assert_eq!(known.document, renewed);
}
