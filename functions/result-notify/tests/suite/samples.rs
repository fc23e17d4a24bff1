//! Every sample goes in through the function and lies in the table as the codec read it, field by field.

use crate::world::{Answer, World};
use domain::id::{CardNo, PatientId, ReportId};
use domain::person::PersonName;
use domain::report::{Report, Subject};
use std::collections::BTreeMap;
use std::path::PathBuf;

fn samples(folder: &str, ending: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/results/tests/samples").join(folder);
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let named = entries.filter(|path| path.extension().is_some_and(|found| found == ending));
    let mut found: Vec<_> = named
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect();
    found.sort();
    found
}

/// The people of the samples: one for each set of numbers, under the name the sample gives.
#[derive(Default)]
struct People {
    by_number: BTreeMap<String, PatientId>,
}

impl People {
    /// The samples' numbers are no card numbers of ours: their patient is known by a card put in their place.
    async fn card_of(&mut self, world: &World, subject: &Subject) -> CardNo {
        let number = subject.identifiers.iter().find_map(|identifier| identifier.value.clone());
        let number = number.map(|number| number.as_str().to_owned());
        let key = number.or(subject.reference.clone().map(|text| text.as_str().to_owned())).unwrap_or_default();
        let n = u8::try_from(self.by_number.len() + 1).unwrap();
        let card =
            format!("S{:03}", self.by_number.keys().position(|known| *known == key).unwrap_or(usize::MAX % 1000));
        if let Some(patient) = self.by_number.get(&key) {
            let found = world.table().patient(patient).await.unwrap().unwrap();
            return found.card.unwrap();
        }
        let name = subject.name.as_ref().and_then(|name| PersonName::parse(name.as_str()).ok());
        let name = name.map_or("林晓梅".to_owned(), |name| name.expose().to_owned());
        let card = format!("{card}-{n}");
        let patient = world.person(n, &name, &card).await;
        self.by_number.insert(key, patient);
        card.parse().unwrap()
    }
}

/// Files what the function kept by the card staff would find the patient by, then compares.
async fn is_filed(world: &World, people: &mut People, name: &str, expected: &[Report], answer: &Answer) {
    let profile = crate::world::profile();
    let desk = &world.app.desk;
    let inbox = intake::Inbox {
        table: &desk.table,
        keys: &world.keys,
        profile: &profile,
        nonces: &desk.random,
        now: crate::world::now(),
    };
    let card = people.card_of(world, &expected[0].subject).await;
    for kept in world.table().open_unplaced().await.unwrap() {
        assert!(kept.obstacle.why.may_mend() || kept.obstacle.why.code() == "no_number", "{name}: {kept:?}");
        let replayed = inbox.replay(&kept.id, "window", Some(&card)).await.unwrap();
        assert!(matches!(replayed, intake::Replayed::Placed(_)), "{name}: {replayed:?}");
    }
    assert!(answer.status.as_u16() < 500, "{name}");
    for report in expected {
        let known = world.table().report(&world.keys, &ReportId::of(&report.key)).await.unwrap();
        let known = known.unwrap_or_else(|| panic!("{name}: a report is not filed"));
        let history = &known.dossier.history;
        let all: Vec<&Report> = history.current().into_iter().chain(history.earlier()).collect();
        assert!(all.contains(&report), "{name}: what is filed is not what was read");
    }
}

/// How a sample that is no result is acknowledged: somebody new is nobody's trouble, nor is a booking that was made
/// elsewhere, and an order of somebody unknown waits.
fn is_no_result(name: &str) -> Option<&'static str> {
    [("ADT", "AA"), ("ORM", "AE"), ("SIU", "AA")]
        .into_iter()
        .find(|(kind, _)| name.contains(kind))
        .map(|(_, code)| code)
}

#[tokio::test]
async fn every_sample_of_hl7() {
    let (world, mut people) = (World::new().await, People::default());
    let mut seen = 0;
    for (name, bytes) in samples("hl7v2", "hl7") {
        let body = results::hl7::frame::read(&bytes).unwrap();
        let message = body.messages[0].as_ref().unwrap();
        if let Some(code) = is_no_result(&name) {
            assert_eq!(world.hl7(&bytes).await.codes(), [code], "{name}");
            continue;
        }
        let read = results::hl7::oru::read(message).unwrap();
        let answer = world.hl7(&bytes).await;
        is_filed(&world, &mut people, &name, &read.reports, &answer).await;
        assert_eq!(world.hl7(&bytes).await.status.as_u16(), 200, "{name}");
        seen += 1;
    }
    assert_eq!(seen, 3);
}

#[tokio::test]
async fn every_sample_of_fhir() {
    let mut seen = 0;
    for (name, bytes) in samples("fhir-r4", "json") {
        // A table for each: the samples use each other's numbers.
        let (world, mut people) = (World::new().await, People::default());
        let Ok(read) = results::fhir::read(std::str::from_utf8(&bytes).unwrap()) else {
            panic!("{name} is not read");
        };
        let answer = world.fhir(&bytes).await;
        is_filed(&world, &mut people, &name, &read.reports, &answer).await;
        for file in &read.files {
            let reports = read.reports.iter().map(|report| ReportId::of(&report.key));
            let mut found = 0;
            for id in reports {
                let stored = world.table().report_file(&world.keys, &id, file.sha256_hex.as_str()).await.unwrap();
                found += usize::from(stored.is_some_and(|stored| stored == file.bytes));
            }
            assert!(found > 0, "{name}: a file is lost");
        }
        seen += 1;
    }
    assert!(seen > 70, "{seen}");
}

#[tokio::test]
async fn every_sample_of_front_end_machines() {
    let (world, mut people) = (World::new().await, People::default());
    for (ending, content_type) in [("json", "application/json"), ("xml", "application/xml")] {
        for (name, bytes) in samples("front-end", ending) {
            let read = results::front_end::read(&bytes, None, &crate::world::profile().reports.codes).unwrap();
            let answer = world.front_end(content_type, &bytes).await;
            is_filed(&world, &mut people, &name, &read.reports, &answer).await;
        }
    }
}
