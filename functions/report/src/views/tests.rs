//! Nothing that was sent is lost on the way to the page: every sample, field by field.

use super::list::{ListView, Progress, RowParts, RowView};
use super::report::{About, ReportView};
use super::versions::{Heading, VersionsView};
use domain::report::{Item, Reading, Report, Shown, Status, Value as Found};
use lambda_http::Body;
use lambda_http::http::Request;
use results::{fhir, front_end, hl7};
use serde_json::Value;
use std::path::PathBuf;
use web::request::RequestMeta;
use web::view::{PageContext, Site, View};

/// What a page of a list may weigh besides the style sheets, which every page has.
const LIST_BYTES_MAX: usize = 10 * 1024;

fn samples(folder: &str, ending: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/results/tests/samples").join(folder);
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect();
    found.sort();
    found
}

fn named(name: &str, reports: Vec<Report>) -> impl Iterator<Item = (String, Report)> {
    reports.into_iter().map(move |report| (name.to_owned(), report))
}

/// Every report of every sample.
fn reports() -> Vec<(String, Report)> {
    let mut all = Vec::new();
    for (name, bytes) in samples("fhir-r4", "json") {
        all.extend(named(&name, fhir::read(std::str::from_utf8(&bytes).unwrap()).unwrap().reports));
    }
    for (name, bytes) in samples("hl7v2", "hl7") {
        let messages = hl7::frame::read(&bytes).unwrap().messages;
        for message in messages.into_iter().flatten() {
            if let Ok(results) = hl7::oru::read(&message) {
                all.extend(named(&name, results.reports));
            }
        }
    }
    for (name, bytes) in ["json", "xml"].into_iter().flat_map(|ending| samples("front-end", ending)) {
        if let Ok(results) = front_end::read(&bytes, None, &front_end::Codes::default()) {
            all.extend(named(&name, results.reports));
        }
    }
    all
}

fn one(name: &str) -> Report {
    reports().into_iter().find(|(found, _)| found == name).unwrap().1
}

/// A report of which nothing is withheld.
fn whole(report: Report) -> Shown {
    Shown { report, withheld: Vec::new(), is_named: true }
}

fn about() -> About {
    About { report: "r1".into(), patient: "p1".into(), name_masked: "李*".into(), is_corrected: false }
}

fn view(report: &Report) -> ReportView {
    ReportView::of(&whole(report.clone()), about(), &|_| None)
}

fn page(view: &impl View) -> String {
    let site = Site {
        public_url: "https://desk.example.com".into(),
        hospital_name: "云杉医院".into(),
        hospital_phone: "021-00000000".into(),
        frame_ancestors: "'self'".into(),
    };
    let request =
        RequestMeta::of(&Request::builder().uri("https://desk.example.com/reports/r1").body(Body::Empty).unwrap());
    view.page(&PageContext { site: &site, request: &request, csrf: None }).into_string()
}

/// What people read of a page, each piece of text on a line of its own.
fn text(html: &str) -> String {
    let main = html.split_once("<main>").unwrap().1.split_once("</main>").unwrap().0;
    let mut text = String::new();
    let mut is_tag = false;
    for c in main.chars() {
        match c {
            '<' => is_tag = true,
            '>' if is_tag => {
                is_tag = false;
                text.push('\u{1}');
            }
            c if !is_tag => text.push(c),
            _ => {}
        }
    }
    let lines: Vec<&str> = text.split('\u{1}').filter(|line| !line.trim().is_empty()).collect();
    let text = lines.join("\n");
    plain(&text).replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

fn plain(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Values that pages put into other words than were sent.
fn is_put_into_words(value: &Found) -> bool {
    matches!(value.reading, Reading::Boolean(_) | Reading::When(_) | Reading::Period(..) | Reading::File(_))
}

/// Every leaf of what a report says, but for the patient and for tokens that say how another leaf is meant.
fn leaves(value: &Value, found: &mut Vec<String>) {
    const TOKENS: [&str; 10] =
        ["status", "precision", "at", "offset_minutes", "inclusive", "wire", "role", "expected", "category", "kind"];
    match value {
        Value::String(text) if !text.trim().is_empty() => found.push(text.clone()),
        Value::Number(number) => found.push(number.to_string()),
        Value::Array(values) => values.iter().for_each(|value| leaves(value, found)),
        Value::Object(fields) => {
            for (name, value) in fields {
                let is_leaf = !value.is_object() && !value.is_array();
                let is_token = (is_leaf && TOKENS.contains(&name.as_str())) || name == "subject";
                // Where an extra stood is a place, not something that was said.
                if !is_token && name != "place" {
                    leaves(value, found);
                }
            }
        }
        Value::String(_) | Value::Bool(_) | Value::Null => {}
    }
}

#[test]
fn every_leaf_of_every_sample_is_on_its_page() {
    let reports = reports();
    assert!(reports.len() > 90, "{}", reports.len());
    let mut compared = 0;
    for (name, report) in &reports {
        let text = text(&page(&view(report)));
        let mut found = Vec::new();
        leaves(&serde_json::to_value(report).unwrap(), &mut found);
        for leaf in found {
            assert!(text.contains(plain(&leaf).trim()), "{name}: a leaf of {} characters is not there", leaf.len());
            compared += 1;
        }
    }
    assert!(compared > 5_000, "{compared}");
}

#[test]
fn what_was_found_stands_in_sight_with_unit_range_and_remarks() {
    let mut compared = 0;
    for (name, report) in reports() {
        let html = page(&view(&report));
        let text = text(&html);
        let in_sight = text.split("编码与其他原始记录").next().unwrap();
        let mut see = |what: &str, said: &str| {
            assert!(in_sight.contains(plain(said).trim()), "{name}: {what} {said:?}");
            compared += 1;
        };
        for item in report.items() {
            see("name", item.code.name());
            see("range", &item.range_text());
            for value in item.values.iter().filter(|value| !is_put_into_words(value)) {
                see("value", value.sent.as_str());
            }
            if let Some(unit) = &item.unit {
                see("unit", unit.as_str());
            }
            for note in &item.notes {
                see("note", note.as_str());
            }
            let is_marked =
                item.assess(report.about()).shown().is_none_or(|shown| in_sight.contains(shown.patient_text()));
            assert!(is_marked, "{name}: flag");
        }
        for told in &report.texts {
            see("text", told.text.as_str());
        }
        assert!(!html.contains("href=\"http"), "{name}: nobody's address is followed");
        assert!(html.contains("<title>报告</title>"), "{name}: the title tells nothing");
    }
    assert!(compared > 1_000, "{compared}");
}

/// What people read of pages of every kind.
#[test]
fn pages_as_people_read_them() {
    let pages = [
        ("cbc", "Bundle-101.json"),
        ("culture", "Bundle-micro.json"),
        ("ultrasound", "DiagnosticReport-ultrasound.json"),
        ("lipids", "Bundle-lipids.json"),
        ("laboratory", "LAB-ORU-1.hl7"),
    ];
    for (snapshot, sample) in pages {
        insta::assert_snapshot!(snapshot, text(&page(&view(&one(sample)))));
    }
}

fn changed() -> (Report, Report) {
    let before = one("LAB-ORU-1.hl7");
    let mut after = Report { status: Status::Corrected, ..before.clone() };
    let items: Vec<&mut Item> = after.sections.iter_mut().flat_map(|section| &mut section.items).collect();
    let numbers = items
        .into_iter()
        .filter(|item| matches!(item.values.as_slice(), [value] if matches!(value.reading, Reading::Quantity(_))));
    for item in numbers.take(1) {
        item.values = vec![Found::read("7.25", None)];
    }
    (before, after)
}

#[test]
fn a_correction_stands_beside_what_it_corrects() {
    let (before, after) = changed();
    let heading =
        Heading { report: "r1".into(), title: "生化".into(), before: "更正前".into(), after: "更正后".into() };
    let text = text(&page(&VersionsView::of(heading, &before, &after)));
    let old = before.items().find_map(|item| match item.values.as_slice() {
        [value] if matches!(value.reading, Reading::Quantity(_)) => Some(value.sent.as_str()),
        _ => None,
    });
    assert!(text.contains("已更正") && text.contains("7.25") && text.contains(old.unwrap()), "{text}");
    assert!(text.contains("没有变化的项目"));
}

#[test]
fn a_list_is_small() {
    let row = |at: usize| {
        RowView::of(RowParts {
            report: format!("7gr4v8kcmjmme3x{at}"),
            title: "血常规（五分类）+ 超敏 C 反应蛋白".into(),
            day: "2026年11月23日 09:30".into(),
            progress: Progress::Ready,
            expected: None,
            is_corrected: at.is_multiple_of(5),
            is_unread: at.is_multiple_of(2),
        })
    };
    let list = ListView {
        patient: "p1".into(),
        name: "李*".into(),
        unread: 10,
        waiting: vec![row(98)],
        reports: (0..20).map(row).collect(),
        next: Some("/reports?patient=p1&page=2".into()),
        others: Vec::new(),
    };
    let html = page(&list);
    let styles: usize = html.split("<style>").skip(1).map(|rest| rest.split("</style>").next().unwrap().len()).sum();
    assert!(html.len() - styles <= LIST_BYTES_MAX, "{} bytes", html.len() - styles);
}
