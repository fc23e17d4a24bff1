//! ORU^R01 as senders write it.

use crate::samples;
use domain::report::{
    Arrival, Category, History, Meaning, Overall, Reading, Report, Role, Status, Text, When, release::texts_of,
};
use results::fault::{Fault, FaultKind};
use results::hl7::{frame, oru};

fn read(bytes: &[u8]) -> Vec<Report> {
    let message = frame::read(bytes).unwrap().messages.remove(0).unwrap();
    oru::read(&message).unwrap().reports
}

fn sample(name: &str) -> Vec<Report> {
    read(&samples::one("hl7v2", name))
}

fn text(text: Option<&Text>) -> &str {
    text.map_or("", Text::as_str)
}

/// A message with these segments after MSH.
fn message(segments: &str) -> Vec<u8> {
    let header = "MSH|^~\\&|LIS|LAB|DESK|H|20261123100000+0800||ORU^R01^ORU_R01|M1|P|2.5.1\r";
    let lines: Vec<&str> = segments.trim().lines().map(str::trim).collect();
    format!("{header}{}\r", lines.join("\r")).into_bytes()
}

fn refused(segments: &str) -> Fault {
    let read = frame::read(&message(segments)).unwrap().messages.remove(0).unwrap();
    oru::read(&read).unwrap_err()
}

#[test]
fn a_part_of_a_message_is_not_taken_for_the_whole() {
    let part = |end: &str| refused(&format!("PID|1||K1\nOBR|1||F1|X^CT\nOBX|1|TX|X||half a finding||||||F\n{end}"));
    assert_eq!(part("ADD|the other half"), Fault::at("ADD[1]", FaultKind::Dangling));
    assert_eq!(part("DSC|M2|F"), Fault::at("DSC[1]", FaultKind::Dangling));
}

#[test]
fn a_blood_count_comes_in_whole() {
    let reports = sample("LRI_2.0-NG_CBC_Typ_Message.hl7");
    let [report] = reports.as_slice() else { panic!("one order is one report") };
    assert_eq!(report.key.number.as_str(), "R-991133");
    assert_eq!(report.key.sender.as_str(), "NIST Lab Filler");
    assert_eq!((report.status, report.category), (Status::Final, Category::Laboratory));
    assert_eq!(text(report.subject.identifiers[0].value.as_ref()), "PATID1234");
    assert_eq!(report.times.collected.as_ref().map(When::iso).as_deref(), Some("2011-01-03T14:34:28-08:00"));
    let items: Vec<_> = report.items().collect();
    assert_eq!(items.len(), 28);
    let about = report.about();
    assert_eq!(items[0].code.loinc(), Some("26453-1"));
    assert_eq!(items[0].values[0].sent.as_str(), "4.41");
    assert_eq!(text(items[0].range_sent.as_ref()), "4.3 to 6.2");
    assert_eq!(items[0].assess(about).own, Some(Meaning::Normal));
    assert_eq!(items[3].assess(about).sent, Some(Meaning::CriticalHigh));
    assert!(items[3].assess(about).own == Some(Meaning::High) && !items[3].assess(about).disagrees());
    assert_eq!(items[0].unit.as_ref().unwrap().ucum(), Some("10*6/uL"));
    assert!(report.is_critical());
    assert!(matches!(report.overall(), Overall::StandOut(_)));
    assert!(
        report
            .parties
            .iter()
            .any(|party| party.role == Role::Orderer && text(party.name.as_ref()) == "Nicholas A Radon"
                || text(party.name.as_ref()) == "Nicholas Radon")
    );
}

#[test]
fn preliminary_then_final_of_the_same_order() {
    let (first, second) = (sample("LAB-ORU-1.hl7"), sample("LAB-ORU-2.hl7"));
    assert_eq!((first.len(), second.len()), (2, 2));
    for early in &first {
        assert!(!early.status.is_settled(), "it calls itself final, its items do not");
        let late = second.iter().find(|late| late.key == early.key).unwrap();
        assert_eq!(late.status, Status::Final);
        let (straight, _) = History::of(early.clone()).with(late.clone()).unwrap();
        let (reverse, arrival) = History::of(late.clone()).with(early.clone()).unwrap();
        assert_eq!(straight.current(), Some(late));
        assert_eq!((straight, Arrival::Older), (reverse, arrival));
    }
    let blood = first.iter().find(|report| report.key.number.as_str() == "82503246").unwrap();
    let items: Vec<_> = blood.items().collect();
    assert_eq!(items[0].status, Status::Registered);
    assert!(!items[0].has_result());
    assert_eq!(items[1].values[0].sent.as_str(), "4.06");
    assert_eq!(text(blood.specimens[0].id.as_ref()), "SpecimenID");
    assert_eq!(blood.specimens[0].received.as_ref().map(When::iso).as_deref(), Some("2014-10-06T08:21:00+07:00"));
}

#[test]
fn a_culture_with_its_antibiotics_in_one_order() {
    let reports = read(&message(
        "PID|1||V20180031^^^H^MR||林^小梅||19900101|F
         OBR|1|P1|F1|600-7^Bacteria identified^LN|||20261120|||||||||||||||20261122||MB|F
         OBX|1|CWE|600-7^Microorganism^LN|1|112283007^Escherichia coli^SCT||||||F
         OBX|2|SN|28-1^Ampicillin^LN|1.1|>=^32|ug/mL|||||F
         OBX|3|SN|28-1^Ampicillin^LN|1|>=^32|ug/mL||R|||F
         OBX|4|SN|6652-2^Meropenem^LN|1|<=^0.25|ug/mL||S|||F",
    ));
    let report = &reports[0];
    assert_eq!(report.category, Category::Microbiology);
    let organism = &report.sections[0].items[0];
    assert_eq!(organism.values[0].sent.as_str(), "Escherichia coli");
    let tried: Vec<_> =
        organism.susceptibilities().map(|(item, meaning)| (item.values[0].sent.as_str(), meaning)).collect();
    assert_eq!(tried, [(">=32", Meaning::Resistant), ("<=0.25", Meaning::Susceptible)]);
}

#[test]
fn a_culture_with_its_antibiotics_in_a_child_order() {
    let reports = read(&message(
        "PID|1||V20180031^^^H^MR||林^小梅||19900101|F
         OBR|1|P1|F1|625-4^Culture^LN|||20261120|||||||||||||||20261122||MB|F
         OBX|1|CWE|11475-1^Microorganism^LN|1|E1^Salmonella^L||||||F
         OBX|2|CWE|11475-1^Microorganism^LN|2|E2^Shigella^L||||||F
         OBR|2|P2|F2|50545-3^Susceptibility^LN|||20261120|||||||||||||||20261122||MB|F|11475-1&Microorganism&LN^2^Shigella|||P1^F1
         OBX|1|SN|28-1^Ampicillin^LN|1|<^2|ug/mL||S|||F",
    ));
    let [report] = reports.as_slice() else { panic!("the child hangs on its parent") };
    let [first, second] = report.sections[0].items.as_slice() else { panic!("two organisms") };
    assert_eq!((first.members.len(), second.susceptibilities().count()), (0, 1));
}

#[test]
fn children_share_the_number_of_the_request_and_never_a_patient() {
    let parent = "OBR|1|P1|F1|625-4^Culture^LN|||20261120|||||||||||||||20261122||MB|F
         OBX|1|CWE|11475-1^Microorganism^LN|1|E1^Salmonella^L||||||F";
    let child = "OBR|2|P1|F2|50545-3^Susceptibility^LN|||20261120|||||||||||||||20261122||MB|F|11475-1^1|||P1^F1
         OBX|1|SN|28-1^Ampicillin^LN|1|<^2|ug/mL||S|||F";
    let reports = read(&message(&format!("PID|1||V1\n{parent}\n{child}")));
    let [report] = reports.as_slice() else { panic!("the child hangs on its parent") };
    assert_eq!(report.sections[0].items[0].susceptibilities().count(), 1);
    let reports = read(&message(&format!("PID|1||V1\n{parent}\nPID|2||V2\n{child}")));
    let [first, second] = reports.as_slice() else { panic!("each patient has a report") };
    assert_eq!((first.items().count(), text(second.subject.identifiers[0].value.as_ref())), (1, "V2"));
    let kept = |place: &str| second.extras.iter().find(|extra| extra.place == place).map(|extra| extra.value.as_str());
    assert_eq!((kept("OBR[2]-26"), kept("OBR[2]-29")), (Some("11475-1^1"), Some("P1^F1")));
}

#[test]
fn what_stands_before_an_order_is_not_of_the_one_before() {
    let order = |number: &str| {
        format!("OBR|1||{number}|X^Panel^L|||20261120|||||||||||||||20261122||LAB|F\nOBX|1|NM|1^a^L||9||||||F")
    };
    let second = "PID|2||V2\nPD1||||7^Li\nNTE|1||of the second\nNK1|1|Wang\nPV1|1|O|ward";
    let reports = read(&message(&format!("PID|1||V1\nNTE|1||of the first\n{}\n{second}\n{}", order("1"), order("2"))));
    let [first, second] = reports.as_slice() else { panic!("each patient has a report") };
    for (report, note) in [(first, "of the first"), (second, "of the second")] {
        let notes: Vec<_> = texts_of(report, domain::report::TextKind::Note).map(Text::as_str).collect();
        assert_eq!(notes, [note]);
        assert!(report.items().all(|item| item.notes.is_empty()));
        assert!(report.extras.iter().all(|extra| extra.place.starts_with("OBR")), "{:?}", report.extras);
    }
    for next in ["PID|2||V2", "ORC|RE||2"] {
        let segments = format!("PID|1||V1\n{}\n{next}\nOBX|1|NM|8302-2^Height^LN||180|cm|||||F", order("1"));
        assert_eq!(refused(&segments), Fault::at("OBX[2]", FaultKind::Missing), "{next}");
    }
}

#[test]
fn a_power_in_a_unit_needs_no_escape() {
    for (sent, unit) in [
        ("10^9/L", "10^9/L"),
        ("10\\S\\9/L", "10^9/L"),
        ("x10^12/L", "x10^12/L"),
        ("10*9/L^10*9/L^UCUM", "10*9/L"),
        ("%^percent^L", "%"),
    ] {
        let reports = read(&message(&format!(
            "OBR|1|P1|F1|X^Panel^L|||20261120|||||||||||||||20261122||LAB|F\nOBX|1|NM|1^a^L||9.0|{sent}|3.5-9.5||||F"
        )));
        let item = reports[0].items().next().unwrap().clone();
        assert_eq!(item.unit.as_ref().map(domain::report::Unit::as_str), Some(unit));
        assert!(
            item.extras.iter().all(|extra| !extra.place.ends_with("-6") || !unit.contains('^')),
            "{:?}",
            item.extras
        );
    }
}

#[test]
fn values_of_every_type() {
    let reports = read(&message(
        "OBR|1|P1|F1|X^Panel^L|||20261120|||||||||||||||20261122||LAB|F
         OBX|1|NM|1^a^L||9.0|g/L|8.5-10||||F
         OBX|2|SN|2^b^L||^1^:^80||||||F
         OBX|3|SN|3^c^L||^3^-^5||||||F
         OBX|4|ST|4^d^L||<0.01|mg/L||N|||F
         OBX|5|TX|5^e^L||one~two||||||F
         OBX|6|FT|6^f^L||one\\.br\\two||||||F
         OBX|7|CE|7^g^L||POS^Positive^L||||||F
         OBX|8|DT|8^h^L||20261120||||||F
         OBX|9|TM|9^i^L||0930||||||F
         OBX|10|TS|10^j^L||20261120093000||||||F
         OBX|11|ED|11^k^L||LIS^AP^PDF^Base64^JVBERi0x||||||F
         OBX|12|RP|12^l^L||http://10.0.0.8/study?1^PACS^image^JPEG||||||F
         OBX|13|NM|13^m^L||1.2.3||||||F
         OBX|14|NM|14^n^L||||||||X",
    ));
    let items: Vec<_> = reports[0].items().collect();
    let kind = |at: usize| match &items[at].values[0].reading {
        Reading::Quantity(quantity) => format!("quantity {}", quantity.text()),
        Reading::Titer(..) => "titer".into(),
        Reading::Range(..) => "range".into(),
        Reading::Text => "text".into(),
        Reading::Coded(concept) => concept.name().to_owned(),
        Reading::When(when) => when.iso(),
        Reading::Clock => "clock".into(),
        Reading::File(file) => format!("{}{}", text(file.content_type.as_ref()), text(file.location.as_ref())),
        other => panic!("{other:?}"),
    };
    let kinds: Vec<String> = (0..13).map(kind).collect();
    assert_eq!(
        kinds,
        [
            "quantity 9.0",
            "titer",
            "range",
            "quantity <0.01",
            "text",
            "text",
            "Positive",
            "2026-11-20",
            "clock",
            "2026-11-20T09:30:00+08:00",
            "application/pdf",
            "image/jpeghttp://10.0.0.8/study?1",
            "text",
        ]
    );
    assert_eq!(items[4].values.len(), 2);
    assert_eq!(items[5].values[0].sent.as_str(), "one\ntwo");
    assert_eq!((items[13].status, items[13].values.len()), (Status::Cancelled, 0));
    assert_eq!(items[0].assess(reports[0].about()).own, Some(Meaning::Normal));
}

#[test]
fn what_is_deleted_is_not_there() {
    let reports = read(&message(
        "PID|1||X||林^小梅|\"\"|\"\"|F
         OBR|1|P1|F1|X^Panel^L|||20261120|||||||||||||||20261122||LAB|F
         OBX|1|NM|1^a^L|\"\"|\"\"|\"\"|\"\"|\"\"|||F
         OBX|2|CE|2^b^L||\"\"^\"\"^L||||||F
         NTE|1||\"\"",
    ));
    let items: Vec<_> = reports[0].items().collect();
    assert!(items[0].values.is_empty() && items[0].flags.is_empty() && items[0].notes.is_empty());
    assert_eq!((&items[0].sub_id, &items[0].range_sent, &items[0].unit), (&None, &None, &None));
    assert_eq!(items[1].values[0].sent.as_str(), "");
    let is_null = |extra: &domain::report::Extra| extra.value.as_str().contains('"');
    assert!(!reports[0].extras.iter().chain(&items[1].extras).any(is_null), "{:?}", reports[0].extras);
}

#[test]
fn notes_stand_where_they_were_written() {
    let reports = read(&message(
        "OBR|1|P1|F1|X^Panel^L|||20261120|||||||||||||||20261122||LAB|F
         NTE|1||of the order
         OBX|1|NM|1^a^L||9||||||F
         NTE|1||of the item
         NTE|2||second line",
    ));
    let notes: Vec<_> = texts_of(&reports[0], domain::report::TextKind::Note).map(Text::as_str).collect();
    assert_eq!(notes, ["of the order"]);
    assert_eq!(reports[0].items().next().unwrap().notes.len(), 2);
}

#[test]
fn a_result_taken_back_takes_the_report_back() {
    let reports = read(&message(
        "OBR|1|P1|F1|X^Panel^L|||20261120|||||||||||||||20261122||LAB|C
         OBX|1|NM|1^a^L||9||||||W
         OBX|2|NM|2^b^L||9||||||D",
    ));
    assert_eq!(reports[0].status, Status::EnteredInError);
}

#[test]
fn what_describes_the_order_keeps_no_report_open() {
    let reports = read(&message(
        "OBR|1|P1|F1|X^Panel^L|||20261120|||||||||||||||20261122||LAB|F
         OBX|1|ST|1^Fasting^L||yes||||||O
         OBX|2|NM|2^b^L||9||||||F",
    ));
    assert_eq!(reports[0].status, Status::Final);
}

#[test]
fn what_identifies_a_result_is_required() {
    for (segments, place, kind) in [
        ("PID|1||X", "OBR", FaultKind::Missing),
        ("OBX|1|NM|1^a||9||||||F", "OBX[1]", FaultKind::Missing),
        ("OBR|1|||X^Panel|||||||||||||||||||||F", "OBR[1]-3", FaultKind::Missing),
        ("OBR|1||F1||||||||||||||||||||||F", "OBR[1]-4", FaultKind::Missing),
        ("OBR|1||F1|X^P|||||||||||||||||||||Q", "OBR[1]-25", FaultKind::UnknownCode),
        ("OBR|1||F1|X^P|||||||||||||||||||||F\nOBX|1|NM|||9||||||F", "OBX[1]-3", FaultKind::Missing),
        ("OBR|1||F1|X^P|||||||||||||||||||||F\nOBX|1|NM|1^a||9||||||?", "OBX[1]-11", FaultKind::UnknownCode),
        ("OBR|1||F1|X^P|||||||||||||||||||||F\nOBX|1|ED|1^a||a^b^c^Base64^!!|||||||F", "OBX[1]-5", FaultKind::Syntax),
        ("OBR|1||F1|X^P|||||||||||||||||||||F\nOBR|2||F1|X^P|||||||||||||||||||||F", "OBR-3", FaultKind::Twice),
    ] {
        assert_eq!(refused(segments), Fault::at(place, kind), "{segments}");
    }
    let order = samples::one("hl7v2", "LAB-ORM-1.hl7");
    let message = frame::read(&order).unwrap().messages.remove(0).unwrap();
    assert_eq!(oru::read(&message).unwrap_err(), Fault::at("MSH-9", FaultKind::Unsupported));
}

#[test]
fn a_broken_time_is_kept_as_sent() {
    let reports = read(&message(
        "PID|1||X||林^小梅||196203520|F
         OBR|1|P1|F1|X^Panel^L|||2026112099|||||||||||||||20261122||LAB|F
         OBX|1|NM|1^a^L||9||||||F",
    ));
    let kept: Vec<_> = reports[0].extras.iter().map(|extra| (extra.place.as_str(), extra.value.as_str())).collect();
    assert!(
        kept.contains(&("PID[1]-7", "196203520")) && kept.contains(&("OBR[1]-7", "2026112099")),
        "a broken time is an extra"
    );
}

#[test]
fn gb18030_comes_in_whole() {
    let utf8 = String::from_utf8(message(
        "PID|1||V1^^^H^MR||王^\u{20BB7}明||19900101|M
         OBR|1|P1|F1|XCG^血常规^L|||20261120|||||||||||||||20261122||LAB|F
         OBX|1|NM|WBC^白细胞^L||9.0|10^9/L|3.5～9.5|↑|||F",
    ))
    .unwrap();
    let bytes = results::Charset::Gb18030.encode(&utf8).unwrap();
    assert_eq!(read(&bytes), read(utf8.as_bytes()));
}
