//! Front-end machines as they send.

use crate::samples;
use domain::person::Sex;
use domain::report::{Category, Meaning, Report, Status, Text, TextKind, When, release::texts_of};
use results::front_end::{self, Codes};
use results::{Charset, Fault, FaultKind};

/// The numbers of one hospital's machine.
fn codes() -> Codes {
    serde_json::from_str(r#"{"categories":{"1":"laboratory"},"flags":{"0":"normal","1":"low","2":"high"}}"#).unwrap()
}

fn read(bytes: &[u8]) -> Report {
    front_end::read(bytes, None, &codes()).unwrap().reports.remove(0)
}

fn refused(text: &str) -> Fault {
    front_end::read(text.as_bytes(), None, &codes()).unwrap_err()
}

#[test]
fn a_blood_count_in_json() {
    let report = read(&samples::one("front-end", "lab.json"));
    assert_eq!((report.key.sender.as_str(), report.key.number.as_str()), ("H001", "L2026112300017"));
    assert_eq!((report.status, report.category), (Status::Final, Category::Laboratory));
    assert_eq!(report.transmission.control_id.as_ref().map(Text::as_str), Some("M20261123-1"));
    assert_eq!(report.subject.sex, Some(Sex::Female));
    assert_eq!(report.times.received.as_ref().map(When::iso).as_deref(), Some("2026-11-23T08:30:00+08:00"));
    let items: Vec<_> = report.items().collect();
    let about = report.about();
    assert_eq!(
        items.iter().map(|item| item.values[0].sent.as_str()).collect::<Vec<_>>(),
        ["9.0", "108", "<0.5", "阴性(-)", "7.1"]
    );
    let shown: Vec<_> = items.iter().map(|item| item.assess(about).shown()).collect();
    let expected = [Meaning::Normal, Meaning::Low, Meaning::Normal, Meaning::Normal, Meaning::CriticalHigh];
    assert_eq!(shown, expected.map(Some));
    assert!(items.iter().all(|item| !item.assess(about).disagrees()));
    assert!(report.is_critical());
    assert_eq!(items[0].extras[0].place, "sort");
}

#[test]
fn a_culture_in_json() {
    let report = read(&samples::one("front-end", "culture.json"));
    assert_eq!(report.category, Category::Microbiology);
    let organism = &report.sections[0].items[0];
    assert_eq!(organism.values[0].sent.as_str(), "大肠埃希菌");
    let tried: Vec<_> = organism.susceptibilities().map(|(item, meaning)| (item.code.name(), meaning)).collect();
    assert_eq!(
        tried,
        [("氨苄西林", Meaning::Resistant), ("美罗培南", Meaning::Susceptible), ("庆大霉素", Meaning::Resistant)]
    );
    assert_eq!(organism.members[0].values[0].sent.as_str(), ">=32");
}

#[test]
fn an_imaging_report_in_xml_of_either_encoding() {
    let utf8 = samples::one("front-end", "imaging.xml");
    let report = read(&utf8);
    let text = |kind| texts_of(&report, kind).map(Text::as_str).collect::<String>();
    assert_eq!(text(TextKind::Findings), "双肺纹理清晰，\n未见实变影 <5mm。");
    assert_eq!(text(TextKind::Impression), "双肺未见明显异常。");
    assert_eq!(report.images[0].reference.as_ref().map(Text::as_str), Some("http://10.0.0.8/wado?study=1"));
    let declared = String::from_utf8(utf8).unwrap().replace("UTF-8", "GB2312");
    let bytes = Charset::Gb18030.encode(&declared).unwrap();
    let results = front_end::read(&bytes, None, &codes()).unwrap();
    assert_eq!((results.charset, &results.reports[0]), (Charset::Gb18030, &report));
}

#[test]
fn identity_and_codes_are_read_strictly() {
    for (text, place, kind) in [
        ("{}", "reportId", FaultKind::Missing),
        (r#"{"reportId":""}"#, "reportId", FaultKind::Missing),
        (r#"{"reportId":"1","report_no":"2"}"#, "reportId", FaultKind::Twice),
        (r#"{"reportId":"1","cardNo":"A","card_no":"B"}"#, "cardNo", FaultKind::Twice),
        (r#"[{"reportId":"1"},{"reportId":"1"}]"#, "reportId", FaultKind::Twice),
        (r#"[{"reportId":"1"},{"items":[{"itemName":"a","result":"1"}]}]"#, "reportId", FaultKind::Missing),
        (r#"{"reports":[{"reportId":"1"}],"others":{"more":[{"reportNo":"2"}]}}"#, "reports", FaultKind::Unsupported),
        (r#"{"reportId":"1","reportType":"9"}"#, "reportType", FaultKind::UnknownCode),
        (r#"{"reportId":"1","status":"9"}"#, "status", FaultKind::UnknownCode),
        (r#"{"reportId":"1","items":[{"result":"1"}]}"#, "items[0].itemName", FaultKind::Missing),
        ("<a><b></a>", "/", FaultKind::Syntax),
    ] {
        assert_eq!(refused(text), Fault::at(place, kind), "{text}");
    }
    let bytes = Charset::Gb18030.encode(r#"{"reportId":"1","patientName":"林小梅"}"#).unwrap();
    assert_eq!(front_end::read(&bytes, Some("utf-8"), &codes()).unwrap_err(), Fault::at("$", FaultKind::Encoding));
    assert!(front_end::read(&bytes, Some("gbk"), &codes()).is_ok());
}

#[test]
fn whose_reports_they_are_may_be_said_once_around_them() {
    let told = r#"{"data":{"patient":{"cardNo":"K1","name":"测试甲","sex":"女","level":"普通"},
        "reports":[{"reportId":"R1","checkName":"血常规"},{"reportId":"R2","cardNo":"K1"}]}}"#;
    let read = front_end::read(told.as_bytes(), None, &codes()).unwrap().reports;
    for report in &read {
        let cards: Vec<_> = report.subject.identifiers.iter().filter_map(|id| id.value.as_ref()).collect();
        assert_eq!(cards.iter().map(|card| card.as_str()).collect::<Vec<_>>(), ["K1"]);
        assert_eq!(report.subject.name.as_ref().map(Text::as_str), Some("测试甲"));
        assert_eq!(report.subject.sex, Some(Sex::Female));
        assert!(report.extras.iter().any(|extra| extra.value.as_str() == "普通"), "{:?}", report.extras);
    }
    let beside = r#"{"cardNo":"K2","status":"0","reports":[{"reportId":"R1"}]}"#;
    let report = front_end::read(beside.as_bytes(), None, &codes()).unwrap().reports.remove(0);
    assert_eq!(report.subject.identifiers[0].value.as_ref().map(Text::as_str), Some("K2"));
    assert_eq!(report.status, Status::Final, "what an envelope says of itself is not the report's");
    let another = r#"{"patient":{"cardNo":"K1"},"reports":[{"reportId":"R1","cardNo":"K2"}]}"#;
    assert_eq!(refused(another), Fault::at("cardNo", FaultKind::Twice));
    let two = r#"{"patient":[{"cardNo":"K1"},{"cardNo":"K2"}],"reports":[{"reportId":"R1"}]}"#;
    assert_eq!(refused(two), Fault::at("patient", FaultKind::Twice));
    let within = r#"{"patient":{"cardNo":"K1","reports":[{"reportId":"R1"}]}}"#;
    assert_eq!(refused(within), Fault::at("reports", FaultKind::Unsupported));
}

#[test]
fn envelopes_may_say_more_than_reports() {
    let text = r#"{"head":{"transCode":"9","list":[]},"body":{"reports":[{"reportId":"1"}]},"code":0,"items":null}"#;
    assert_eq!(read(text.as_bytes()).key.number.as_str(), "1");
}

/// A report with one item of potassium that says this besides.
fn potassium(more: &str) -> Report {
    let item = format!(r#"{{"itemName":"血钾","result":"4.1","refRange":"3.5-5.5"{more}}}"#);
    read(format!(r#"{{"reportId":"R1","cardNo":"V1","status":"已审核","items":[{item}]}}"#).as_bytes())
}

#[test]
fn an_item_may_be_taken_back_alone() {
    for (more, status) in [
        (r#","status":"已撤回""#, Status::EnteredInError),
        (r#","itemStatus":"检验中""#, Status::Registered),
        (r#","status":"H""#, Status::Final),
        (r#","state":"1""#, Status::Final),
        ("", Status::Final),
    ] {
        assert_eq!(potassium(more).items().next().unwrap().status, status, "{more}");
    }
}

#[test]
fn a_critical_value_is_seen_however_it_is_marked() {
    for (mark, is_critical) in [
        ("1", true),
        ("TRUE", true),
        ("危急值", true),
        ("HH", true),
        ("H", true),
        ("0", false),
        ("N", false),
        ("否", false),
        ("非危急值", false),
    ] {
        assert_eq!(potassium(&format!(r#","criticalFlag":"{mark}""#)).is_critical(), is_critical, "{mark}");
    }
}

#[test]
fn ends_that_leave_nothing_between_them_are_none() {
    for (more, own) in [
        (r#","low":"0","high":"0""#, Meaning::Normal),
        (r#","low":"5.5","high":"3.5""#, Meaning::Normal),
        (r#","low":4.2,"high":5.50"#, Meaning::Low),
    ] {
        let report = potassium(more);
        assert_eq!(report.items().next().unwrap().assess(report.about()).own, Some(own), "{more}");
    }
}

#[test]
fn items_without_a_list_around_them_are_items_and_none_is_passed_over() {
    let item = |name: &str| format!("<item><itemName>{name}</itemName><result>1</result></item>");
    let two = format!("<report><reportId>R1</reportId><cardNo>V1</cardNo>{}{}</report>", item("a"), item("b"));
    assert_eq!(read(two.as_bytes()).items().count(), 2);
    let words = r#"{"reportId":"R1","cardNo":"V1","item":"血常规","items":[{"itemName":"a","result":"1"}]}"#;
    assert_eq!(read(words.as_bytes()).items().count(), 1);
    let elsewhere =
        r#"{"reportId":"R1","cardNo":"V1","groups":[{"title":"g","list":[{"itemName":"a","result":"1"}]}]}"#;
    assert_eq!(refused(elsewhere), Fault::at("items", FaultKind::Unsupported));
    let below = r#"{"reportId":"R1","items":[{"itemName":"a","parts":[{"itemName":"b","result":"1"}]}]}"#;
    assert_eq!(refused(below), Fault::at("items[0]", FaultKind::Unsupported));
}
