//! Nothing is lost: every leaf an independent reader finds in a sample is in its reports, as often and to the letter.
//!
//! `samples/independent.jsonl` is what hl7apy and `fhir.resources` say of the samples (`tests/independent_reader.py`).

use crate::samples;
use domain::report::Report;
use results::{fhir, hl7};
use serde_json::Value;
use std::collections::BTreeMap;

/// Places whose value became something else than a text: a state, a type, a sex, a position.
const HL7_TRANSLATED: [&str; 8] = ["OBX-1", "OBX-2", "OBX-11", "OBR-25", "SPM-1", "OBR-1", "NTE-1", "NTE-2"];
/// Segments that say nothing of a result, or more of the patient than a report needs.
const HL7_OTHERS: [&str; 3] = ["MSH", "PID", "PV1"];
/// States, what only links resources of the message, the resources' own ids, and the patient within an observation.
const FHIR_TRANSLATED: [&str; 15] = [
    ".resourceType",
    ".status",
    ".id",
    ".subject.",
    ".result.reference",
    ".result.id",
    ".hasMember.",
    ".contained.",
    ".specimen.",
    ".basedOn.",
    ".comparator",
    ".performer.",
    // Both ends of a range are of one unit, kept once.
    ".high.unit",
    ".high.system",
    ".high.code",
];

#[derive(serde::Deserialize)]
struct Sample {
    file: String,
    leaves: Vec<(String, String)>,
}

/// What the independent readers found in the samples of one ending.
fn independent(ending: &str) -> Vec<Sample> {
    let lines = String::from_utf8(samples::one("", "independent.jsonl")).unwrap();
    let samples = lines.lines().map(|line| serde_json::from_str::<Sample>(line).unwrap());
    samples.filter(|sample| sample.file.rsplit('.').next() == Some(ending)).collect()
}

/// How often each text is in the reports.
fn texts(reports: &[Report]) -> BTreeMap<String, usize> {
    fn walk(value: Value, found: &mut BTreeMap<String, usize>) {
        match value {
            Value::String(text) => *found.entry(text).or_default() += 1,
            Value::Array(values) => values.into_iter().for_each(|value| walk(value, found)),
            Value::Object(fields) => fields.into_iter().for_each(|(_, value)| walk(value, found)),
            Value::Bool(boolean) => *found.entry(boolean.to_string()).or_default() += 1,
            Value::Number(number) => *found.entry(number.to_string()).or_default() += 1,
            Value::Null => {}
        }
    }
    let mut found = BTreeMap::new();
    for report in reports {
        walk(serde_json::to_value(report).unwrap(), &mut found);
    }
    found
}

#[test]
fn every_leaf_of_hl7_is_in_the_report() {
    for sample in independent("hl7") {
        let bytes = samples::one("hl7v2", &sample.file);
        let message = hl7::frame::read(&bytes).unwrap().messages.remove(0).unwrap();
        let reports = hl7::oru::read(&message).unwrap().reports;
        let found = texts(&reports);
        let mut compared = 0;
        for (place, leaf) in &sample.leaves {
            let (segment, field) = place.split_once('[').unwrap();
            let general = format!("{segment}{}", field.split_once(']').unwrap().1);
            if HL7_OTHERS.contains(&segment) || HL7_TRANSLATED.contains(&general.as_str()) {
                continue;
            }
            let leaf = leaf.replace("\\T\\", "&");
            let is_kept = found.keys().any(|text| {
                // Names are joined, and what no field is made for keeps its delimiters.
                text.split(['^', '&', '~', ' ']).any(|part| part == leaf.trim()) || text.contains(leaf.trim())
            });
            assert!(is_kept, "{}: {place}", sample.file);
            compared += 1;
        }
        assert!(compared > 100, "{}: {compared}", sample.file);
        // What was found, in order and to the digit.
        let values: Vec<&str> = reports
            .iter()
            .flat_map(Report::items)
            .flat_map(|item| &item.values)
            .map(|value| value.sent.as_str())
            .collect();
        let sent = message.named("OBX").filter_map(|obx| obx.field(5)).flat_map(hl7::message::Field::repetitions);
        assert_eq!(values.len(), sent.count(), "{}", sample.file);
        let of = |field: &str| {
            let is_field = |place: &str| place.starts_with("OBX[") && place.ends_with(field);
            sample.leaves.iter().filter(|(place, _)| is_field(place)).map(|(_, leaf)| leaf.clone()).collect::<Vec<_>>()
        };
        let ranges: Vec<String> = reports
            .iter()
            .flat_map(Report::items)
            .filter_map(|item| item.range_sent.as_ref())
            .map(|text| text.as_str().to_owned())
            .collect();
        assert_eq!(ranges, of("]-7"), "{}", sample.file);
        let flags: Vec<String> = reports
            .iter()
            .flat_map(Report::items)
            .flat_map(|item| &item.flags)
            .filter_map(|flag| flag.code.as_ref())
            .map(|code| code.as_str().to_owned())
            .collect();
        assert_eq!(flags, of("]-8"), "{}", sample.file);
    }
}

#[test]
fn every_leaf_of_fhir_is_in_the_report() {
    let mut compared = 0;
    let mut lost = Vec::new();
    for sample in independent("json") {
        let bytes = samples::one("fhir-r4", &sample.file);
        let reports = fhir::read(std::str::from_utf8(&bytes).unwrap()).unwrap().reports;
        let found = texts(&reports);
        let mut wanted: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        for (place, leaf) in &sample.leaves {
            let whole = format!("{place}.");
            if FHIR_TRANSLATED.iter().any(|part| whole.contains(part) || place.ends_with(part)) {
                continue;
            }
            let entry = wanted.entry(leaf).or_insert((0, place));
            entry.0 += 1;
            compared += 1;
        }
        for (leaf, (times, place)) in wanted {
            if found.get(leaf).is_none_or(|found| *found < times) {
                lost.push(format!("{} {place} {times} {:?}", sample.file, found.get(leaf)));
            }
        }
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
    assert!(compared > 3_000, "{compared}");
}
