//! FHIR R4 as senders write it, and as we do.

use crate::samples;
use domain::report::{Category, Meaning, Report, Status, Text};
use results::fault::{Fault, FaultKind};
use results::fhir;

fn read(text: &str) -> fhir::Results {
    fhir::read(text).unwrap()
}

fn sample(name: &str) -> fhir::Results {
    read(std::str::from_utf8(&samples::one("fhir-r4", name)).unwrap())
}

#[test]
fn every_example_comes_in() {
    let files = samples::all("fhir-r4", "json");
    assert_eq!(files.len(), 82);
    for (name, bytes) in files {
        let results = fhir::read(std::str::from_utf8(&bytes).unwrap());
        assert!(results.is_ok(), "{name}: {:?}", results.err());
    }
}

#[test]
fn flags_that_are_missing_are_seen() {
    let results = sample("Bundle-101.json");
    let report = &results.reports[0];
    let about = report.about();
    let disagree: Vec<&str> =
        report.items().filter(|item| item.assess(about).disagrees()).map(|item| item.code.name()).collect();
    assert!(disagree.contains(&"Basophils"), "{disagree:?}");
    let haemoglobin = report.items().find(|item| item.code.loinc() == Some("718-7")).unwrap();
    assert_eq!(haemoglobin.assess(about).own, Some(Meaning::Normal));
    assert_eq!(results.files.len(), 1);
    assert_eq!(report.files[0].sha256_hex, Some(results.files[0].sha256_hex.clone()));
}

#[test]
fn a_culture_with_its_antibiotics() {
    for (name, resistant) in [("Bundle-lri-example.json", 0), ("Bundle-micro.json", 3)] {
        let results = sample(name);
        let report = &results.reports[0];
        assert_eq!((results.reports.len(), report.category), (1, Category::Microbiology), "{name}");
        let organisms: Vec<_> =
            report.sections[0].items.iter().filter(|item| item.susceptibilities().count() > 0).collect();
        assert!(!organisms.is_empty(), "{name}");
        let tried = organisms.iter().flat_map(|item| item.susceptibilities());
        assert!(tried.filter(|(_, meaning)| *meaning == Meaning::Resistant).count() == resistant, "{name}");
    }
}

#[test]
fn digits_are_kept() {
    let results = sample("Bundle-101.json");
    let ranges = results.reports[0].items().flat_map(|item| item.ranges.clone());
    let highs: Vec<String> =
        ranges.filter_map(|range| range.high).map(|high| high.number.as_str().to_owned()).collect();
    assert!(highs.contains(&"6.0".to_owned()), "6.0 is not 6");
}

#[test]
fn what_is_not_in_the_message_is_not_followed() {
    let results = sample("DiagnosticReport-f201.json");
    let item = results.reports[0].items().next().map(|item| item.absent.is_some());
    assert!(item.is_none() || item == Some(true));
}

fn observation(id: &str, more: &str) -> String {
    format!(
        r#"{{"fullUrl":"http://h/Observation/{id}","resource":{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"text":"{id}"}}{more}}}}}"#
    )
}

fn bundle(entries: &[String]) -> String {
    format!(r#"{{"resourceType":"Bundle","type":"collection","entry":[{}]}}"#, entries.join(","))
}

fn report(results: &str) -> String {
    format!(
        r#"{{"resource":{{"resourceType":"DiagnosticReport","id":"r","status":"final","code":{{"text":"r"}},"subject":{{"reference":"Patient/1"}},"result":[{results}]}}}}"#
    )
}

#[test]
fn panels_hold_their_members_once_and_circles_are_refused() {
    let panel = observation("p", r#","hasMember":[{"reference":"Observation/a"}]"#);
    let both = report(r#"{"reference":"Observation/p"},{"reference":"Observation/a"}"#);
    let results = read(&bundle(&[both, panel, observation("a", "")]));
    assert_eq!(results.reports.len(), 1);
    assert_eq!(results.reports[0].items().count(), 2);
    let circle = observation("a", r#","hasMember":[{"reference":"Observation/p"}]"#);
    let panel = observation("p", r#","hasMember":[{"reference":"Observation/a"}]"#);
    let listed = report(r#"{"reference":"Observation/p"}"#);
    assert_eq!(fhir::read(&bundle(&[listed, panel, circle])).unwrap_err().kind, FaultKind::Dangling);
}

#[test]
fn bundles_within_a_bundle_are_each_their_own() {
    let inner = |number: &str, result: &str| {
        let report = report(result).replace(r#""id":"r""#, &format!(r#""id":"{number}""#));
        let observation = observation("a", &format!(r#","valueString":"of {number}""#));
        format!(r#"{{"resource":{}}}"#, bundle(&[report, observation]))
    };
    let listed = r#"{"reference":"Observation/a"}"#;
    let results = read(&bundle(&[inner("1", listed), inner("2", listed)]));
    let values: Vec<&str> =
        results.reports.iter().flat_map(Report::items).map(|item| item.values[0].sent.as_str()).collect();
    assert_eq!(values, ["of 1", "of 2"], "the same address in each means its own");
    let fault = fhir::read(&bundle(&[inner("1", listed), inner("2", listed).replace("final", "done")])).unwrap_err();
    assert_eq!(fault, Fault::at("entry[1].resource.entry[0].resource.status", FaultKind::UnknownCode));
    // One number for two reports of one message says of neither which it is (as in an example of HL7's own).
    assert_eq!(fhir::read(&bundle(&[inner("1", listed), inner("1", listed)])).unwrap_err().kind, FaultKind::Twice);
}

#[test]
fn another_patients_result_is_refused() {
    let foreign = observation("a", r#","subject":{"reference":"Patient/2"}"#);
    let fault = fhir::read(&bundle(&[report(r#"{"reference":"Observation/a"}"#), foreign])).unwrap_err();
    assert_eq!(fault, Fault::at("entry[1].resource.subject", FaultKind::OtherPatient));
}

#[test]
fn a_tower_of_panels_costs_no_more_than_its_bound() {
    let level = |at: usize| {
        let member = format!(r#"{{"reference":"Observation/l{}"}}"#, at + 1);
        observation(&format!("l{at}"), &format!(r#","hasMember":[{}]"#, vec![member; 10].join(",")))
    };
    let mut entries: Vec<String> = (0..9).map(level).collect();
    entries.push(observation("l9", ""));
    entries.push(report(r#"{"reference":"Observation/l0"}"#));
    assert_eq!(fhir::read(&bundle(&entries)).unwrap_err().kind, FaultKind::TooMany);
}

#[test]
fn one_large_result_that_everything_refers_to_is_refused() {
    let members = vec![r#"{"reference":"Observation/a"}"#; 1_000].join(",");
    let panel = observation("p", &format!(r#","hasMember":[{members}]"#));
    let large = observation("a", &format!(r#","note":[{{"text":"{}"}}]"#, "x".repeat(100_000)));
    let listed = report(r#"{"reference":"Observation/p"}"#);
    assert_eq!(fhir::read(&bundle(&[listed, panel, large])).unwrap_err(), Fault::at("entry", FaultKind::TooLarge));
}

#[test]
fn refusals_name_the_place() {
    for (text, place, kind) in [
        (r#"{"resourceType":"Patient","id":"1"}"#, "entry", FaultKind::Unsupported),
        (r#"{"resourceType":"DiagnosticReport","id":"1"}"#, ".status", FaultKind::Missing),
        (
            r#"{"resourceType":"DiagnosticReport","id":"1","status":"done","code":{"text":"x"}}"#,
            ".status",
            FaultKind::UnknownCode,
        ),
        (
            r#"{"resourceType":"DiagnosticReport","status":"final","code":{"text":"x"}}"#,
            "identifier",
            FaultKind::Missing,
        ),
        ("[", "$", FaultKind::Syntax),
    ] {
        let fault = fhir::read(text).unwrap_err();
        assert_eq!((fault.place.trim_start_matches('.'), fault.kind), (place.trim_start_matches('.'), kind), "{text}");
    }
    let outcome = fhir::operation_outcome(&Fault::at("entry[1].resource.status", FaultKind::UnknownCode));
    assert_eq!(
        outcome,
        r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"code-invalid","details":{"text":"its code is unknown"},"expression":["entry[1].resource.status"]}]}"#
    );
}

#[test]
fn xml_says_the_same() {
    let json = r#"{"resourceType":"Observation","id":"a","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"718-7"}],"text":"Hb"},"valueQuantity":{"value":9.0,"unit":"g/L"},"referenceRange":[{"low":{"value":8.5},"high":{"value":10}}]}"#;
    let xml = r#"<?xml version="1.0" encoding="UTF-8"?><Observation xmlns="http://hl7.org/fhir"><id value="a"/><status value="final"/><code><coding><system value="http://loinc.org"/><code value="718-7"/></coding><text value="Hb"/></code><valueQuantity><value value="9.0"/><unit value="g/L"/></valueQuantity><referenceRange><low><value value="8.5"/></low><high><value value="10"/></high></referenceRange></Observation>"#;
    assert_eq!(read(json), read(xml));
    let bundled = xml.split_once("?>").unwrap().1;
    let bundle = format!(
        r#"<Bundle xmlns="http://hl7.org/fhir"><type value="collection"/><entry><resource>{bundled}</resource></entry></Bundle>"#
    );
    assert_eq!(read(&bundle).reports[0].sections, read(json).reports[0].sections);
}

/// What of a report FHIR has fields for, item by item.
fn core(report: &Report) -> Vec<String> {
    let mut lines = vec![format!(
        "{} {} {:?} {}",
        report.key.sender.as_str(),
        report.key.number.as_str(),
        report.status,
        report.code.name()
    )];
    lines.extend(report.items().map(|item| {
        let value = item.values.first().map_or("", |value| value.sent.as_str());
        let unit = item.unit.as_ref().map_or("", |unit| unit.as_str());
        let ranges: Vec<String> = item
            .ranges
            .iter()
            .map(|range| {
                let end = |bound: &Option<domain::report::Bound>| {
                    bound.as_ref().map_or(String::new(), |bound| bound.number.as_str().to_owned())
                };
                format!("{}..{}", end(&range.low), end(&range.high))
            })
            .collect();
        let flags: Vec<&str> = item.flags.iter().filter_map(|flag| flag.code.as_ref()).map(Text::as_str).collect();
        format!("{} {value} {unit} {ranges:?} {flags:?} {:?}", item.code.name(), item.status)
    }));
    lines
}

#[test]
fn what_is_written_reads_back() {
    for (name, bytes) in samples::all("fhir-r4", "json") {
        for report in read(std::str::from_utf8(&bytes).unwrap()).reports {
            let again = read(&fhir::write(&report));
            assert_eq!(again.reports.len(), 1, "{name}");
            assert_eq!(core(&again.reports[0]), core(&report), "{name}");
            // Once more: what FHIR holds does not change.
            let twice = read(&fhir::write(&again.reports[0]));
            assert_eq!(fhir::write(&twice.reports[0]), fhir::write(&again.reports[0]), "{name}");
        }
    }
}

#[test]
fn a_status_alone_is_a_report_too() {
    let results = read(r#"{"resourceType":"DiagnosticReport","id":"1","status":"registered","code":{"text":"x"}}"#);
    assert_eq!(results.reports[0].status, Status::Registered);
}

/// A report of one result about `V1`, as a bundle: what the report, the result and further resources say besides.
fn of_v1(report: &str, result: &str, more: &str) -> String {
    format!(
        r#"{{"resourceType":"Bundle","type":"collection","entry":[
            {{"fullUrl":"http://lab/fhir/Patient/p","resource":{{"resourceType":"Patient","id":"p","identifier":[{{"system":"h","value":"V1"}}]}}}},
            {{"fullUrl":"http://lab/fhir/DiagnosticReport/r","resource":{{"resourceType":"DiagnosticReport","id":"r","status":"final","code":{{"text":"K"}},"subject":{{"reference":"http://lab/fhir/Patient/p"}},"result":[{{"reference":"Observation/o"}}]{report}}}}},
            {{"fullUrl":"http://lab/fhir/Observation/o","resource":{{"resourceType":"Observation","id":"o","status":"final","code":{{"text":"K"}},"valueString":"1"{result}}}}}{more}]}}"#
    )
}

#[test]
fn one_patient_is_one_whichever_way_they_are_named() {
    for (subject, is_other) in [
        (r#"{"reference":"Patient/p"}"#, false),
        (r#"{"reference":"http://lab/fhir/Patient/p/_history/2"}"#, false),
        (r#"{"identifier":{"system":"h","value":"V1"}}"#, false),
        (r#"{"identifier":{"system":"insurer","value":"9"}}"#, true),
        (r#"{"identifier":{"system":"h","value":"V2"}}"#, true),
        (r#"{"reference":"Patient/q"}"#, true),
        (r#"{"reference":"http://other/fhir/Patient/p"}"#, true),
    ] {
        let read = fhir::read(&of_v1("", &format!(r#","subject":{subject}"#), ""));
        let refused = read.err().map(|fault| (fault.place, fault.kind));
        let other = ("entry[2].resource.subject".to_owned(), FaultKind::OtherPatient);
        assert_eq!(refused, is_other.then_some(other), "{subject}");
    }
    let contained = r##","contained":[{"resourceType":"Patient","id":"p","identifier":[{"system":"h","value":"V2"}]}],"subject":{"reference":"#p"}"##;
    assert_eq!(fhir::read(&of_v1("", contained, "")).unwrap_err().kind, FaultKind::OtherPatient);
}

#[test]
fn a_form_of_nothing_but_words_is_shown_as_words() {
    let form = |kind: &str| {
        let report = format!(
            r#"{{"resourceType":"DiagnosticReport","status":"final","identifier":[{{"value":"R1"}}],
            "code":{{"text":"胸片"}},"presentedForm":[{{"contentType":"{kind}","data":"5Y+M6IK657q555CG5riF5pmw44CC"}}]}}"#
        );
        read(&report).reports.remove(0)
    };
    let words = form("text/plain; charset=utf-8");
    assert_eq!(words.texts.iter().map(|text| text.text.as_str()).collect::<Vec<_>>(), ["双肺纹理清晰。"]);
    assert_eq!(words.files.len(), 1, "and kept as it came");
    assert!(form("application/pdf").texts.is_empty());
}

#[test]
fn what_must_not_be_ignored_is_refused() {
    let modifier = r#","modifierExtension":[{"url":"http://lab/not","valueBoolean":true}]"#;
    let component = format!(r#","component":[{{"code":{{"text":"a"}},"valueString":"1"{modifier}}}]"#);
    let twice = r#",{"fullUrl":"http://lab/fhir/Observation/o","resource":{"resourceType":"Observation","id":"o","status":"final","code":{"text":"Na"},"valueString":"2"}}"#;
    let contained = r#","contained":[{"resourceType":"Observation","id":"a"},{"resourceType":"Observation","id":"a"}]"#;
    let delete = r#",{"request":{"method":"DELETE","url":"DiagnosticReport/9"}}"#;
    for (report, result, more, place, kind) in [
        (modifier, "", "", "entry[1].resource.modifierExtension", FaultKind::Unsupported),
        ("", modifier, "", "entry[2].resource.modifierExtension", FaultKind::Unsupported),
        ("", component.as_str(), "", "entry[2].resource.modifierExtension", FaultKind::Unsupported),
        (r#","implicitRules":"http://lab/rules""#, "", "", "entry[1].resource.implicitRules", FaultKind::Unsupported),
        ("", "", twice, "entry[3].resource", FaultKind::Twice),
        (contained, "", "", "entry[1].resource.contained", FaultKind::Twice),
        ("", "", delete, "entry[3].request", FaultKind::Unsupported),
    ] {
        assert_eq!(fhir::read(&of_v1(report, result, more)).unwrap_err(), Fault::at(place, kind));
    }
}

#[test]
fn contained_resources_refer_to_each_other() {
    let text = r##"{"resourceType":"DiagnosticReport","id":"r","status":"final","code":{"text":"P"},"result":[{"reference":"#panel"}],
        "contained":[{"resourceType":"Observation","id":"panel","status":"final","code":{"text":"P"},"hasMember":[{"reference":"#k"}],"performer":[{"reference":"#who"}]},
            {"resourceType":"Observation","id":"k","status":"final","code":{"text":"K"},"valueQuantity":{"value":4.10}},
            {"resourceType":"Practitioner","id":"who","name":[{"text":"Zhao"}]}]}"##;
    let report = read(text).reports.remove(0);
    let panel = &report.sections[0].items[0];
    assert_eq!(panel.members[0].values[0].sent.as_str(), "4.10");
    assert_eq!(panel.performers[0].name.as_ref().map(Text::as_str), Some("Zhao"));
}

#[test]
fn every_range_is_shown_numbers_or_words() {
    let ranges = r#","referenceRange":[{"low":{"value":3.5},"high":{"value":5.5}},{"text":"> 6.5 critical"}]"#;
    let report = read(&of_v1("", ranges, "")).reports.remove(0);
    assert_eq!(report.items().next().unwrap().range_text(), "3.5–5.5；> 6.5 critical");
}
