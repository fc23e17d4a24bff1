//! Results from the wire to the page: every sample goes in through `result-notify`, is placed by staff where its numbers
//! are nobody's, and comes out of `report`, as JSON and as HTML, with every field that readers who share nothing with us
//! found in it (`shared/results/tests/samples/independent.jsonl`).

use crate::sender::{Sending, World, keys, now, profile};
use domain::civil::date;
use domain::id::{OpenId, PatientId, ReportId};
use domain::person::{DocumentKind, IdDocument, PersonName, Phone};
use domain::report::Status;
use domain::report::filed::Filed;
use lambda_http::Body;
use lambda_http::http::{Request, header};
use runtime::secrets::{Secret, StaffTokens};
use runtime::{Clock, Desk};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use store::Table;
use store::account::Relation;
use store::identity::{Identity, IdentityNonces};
use store::patients::{Registrar, Registration};
use store::signin::Session;
use web::pass::PassKeys;
use web::session::SessionSecret;

const URL: &str = "https://desk.example.com";
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
/// A doctor's token, and its SHA-256.
const DOCTOR: &str = "doctor-token";
const DOCTOR_SHA256: &str = "485c86e719d988011372c009d74838fe4c66e8c2f82108228af1db3db6a59058";
const DOCUMENT: &str = "11010519491231002X";
const DOCUMENT_END: &str = "31002X";
const CARD: &str = "V20180031";
/// What stands behind this line is not in sight at once.
const OUT_OF_SIGHT: &str = "编码与其他原始记录";

/// What stands for a curve, which has no value to read.
const CURVE: &str = "波形数据，请由医生解读";

/// A person with a card, signed in, who has proven who they are.
struct Reader {
    table: Table,
    secret: SessionSecret,
    patient: PatientId,
}

impl Reader {
    async fn new() -> Self {
        let table = kit::table().await;
        table.put_profile(&profile()).await.unwrap();
        let account: OpenId = "o1".parse().unwrap();
        let registration = Registration {
            by: Registrar::Account { account: account.clone(), relation: Relation::Oneself },
            patient: PatientId::from_bytes([1; 10]),
            consent_version: "1".into(),
            at: now(),
        };
        let identity = Identity {
            name: PersonName::parse("李晓梅").unwrap(),
            document: IdDocument::parse(DocumentKind::ResidentId, DOCUMENT, date(2026, 11, 22)).unwrap(),
            phone: Phone::parse("19900000001").unwrap(),
        };
        let nonces = IdentityNonces { name: [1; 12], document: [2; 12], phone: [3; 12] };
        table.register(&keys(), &identity, &nonces, &registration).await.unwrap();
        let patient = registration.patient;
        let found = table.patient(&patient).await.unwrap().unwrap();
        let card = CARD.parse().unwrap();
        table.put_hospital_card(&card, found.identity).await.unwrap();
        assert!(table.bind_card(&patient, &card).await.unwrap());
        let secret = SessionSecret::from_random([1; 32]);
        table.put_session(&secret.key(), &Session::begin(account, now())).await.unwrap();
        let reader = Self { table, secret, patient };
        let proof = [("patient", reader.patient.as_str()), ("tail", DOCUMENT_END)];
        assert_eq!(reader.ask("POST", "/reports/proof?to=%2Freports", "application/json", &proof).await.0, 303);
        reader
    }

    fn desk(&self) -> Desk {
        Desk::new(self.table.clone(), Clock::standing_at(now()), URL)
    }

    /// Staff find the patient of what was kept by the card on the paper.
    async fn placed(&self, name: &str) {
        let (desk, keys, profile) = (self.desk(), keys(), profile());
        let inbox =
            intake::Inbox { table: &self.table, keys: &keys, profile: &profile, nonces: &desk.random, now: now() };
        for kept in self.table.open_unplaced().await.unwrap() {
            let placed = inbox.replay(&kept.id, "window", Some(&CARD.parse().unwrap())).await.unwrap();
            assert!(matches!(placed, intake::Replayed::Placed(_)), "{name}: {placed:?}");
        }
    }

    fn app(&self) -> report::App {
        let tokens = format!(r#"{{"tokens":[{{"name":"ward","sha256":"{DOCTOR_SHA256}","scopes":["results"]}}]}}"#);
        let staff: StaffTokens = serde_json::from_str(&tokens).unwrap();
        report::App {
            desk: self.desk(),
            identity: Secret::fixed(keys()),
            passes: Secret::fixed(PassKeys::parse(&[KEY]).unwrap()),
            staff: Secret::fixed(staff),
        }
    }

    async fn ask(&self, method: &str, path: &str, accept: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let request = kit::form(&self.secret, method, &format!("{URL}{path}"), accept, fields);
        answered(report::handle(&self.app(), request).await.unwrap())
    }

    /// A doctor has told the patient what waited for that.
    async fn released(&self, id: &ReportId) {
        let request = Request::builder()
            .method("POST")
            .uri(format!("{URL}/staff/reports/{id}/release"))
            .header(header::AUTHORIZATION, format!("Bearer {DOCTOR}"))
            .header(header::ACCEPT, "application/json");
        let answer = report::handle(&self.app(), request.body(Body::Empty).unwrap()).await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
    }

    async fn filed(&self) -> Vec<Filed> {
        let mut filed = Vec::new();
        for listed in self.table.reports_of(&keys(), &self.patient).await.unwrap() {
            filed.push(self.table.report(&keys(), &listed.id).await.unwrap().unwrap().filed);
        }
        filed
    }

    /// Every report that counts, as JSON and as people read it; the others as they must not be read.
    async fn pages(&self) -> Pages {
        let mut pages = Pages::default();
        for filed in self.filed().await {
            if filed.status.is_settled() {
                self.released(&filed.id).await;
            }
            let path = format!("/reports/{}", filed.id);
            let (status, json) = self.ask("GET", &path, "application/json", &[]).await;
            let (page_status, html) = self.ask("GET", &path, "text/html", &[]).await;
            assert_eq!((status, page_status), (200, 200));
            let text = text(&html);
            if filed.status.is_valid() {
                pages.views.push(serde_json::from_str(&json).unwrap());
                pages.texts.push(text);
            } else {
                pages.is_whole = false;
            }
        }
        pages
    }
}

fn answered(response: web::Response) -> (u16, String) {
    let status = response.status().as_u16();
    (status, String::from_utf8(response.into_body().to_vec()).unwrap())
}

/// What people read of the pages of a person.
struct Pages {
    views: Vec<Value>,
    texts: Vec<String>,
    /// Whether every report may be read.
    is_whole: bool,
}

impl Default for Pages {
    fn default() -> Self {
        Self { views: Vec::new(), texts: Vec::new(), is_whole: true }
    }
}

impl Pages {
    /// Every line of every report, antibiotics of organisms among them.
    fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        let sections = self.views.iter().flat_map(|view| view["sections"].as_array().unwrap());
        for item in sections.flat_map(|section| section["items"].as_array().unwrap()) {
            add_rows(item, &mut rows);
        }
        rows
    }

    fn is_in_sight(&self, said: &str) -> bool {
        let said = plain(said);
        self.texts.iter().any(|text| text.split(OUT_OF_SIGHT).next().unwrap().contains(said.trim()))
    }

    fn is_there(&self, said: &str) -> bool {
        self.texts.iter().any(|text| text.contains(plain(said).trim()))
    }
}

/// A line of a page, or of a sample, as both say it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    name: String,
    values: String,
    unit: String,
    range: String,
    flag: String,
    notes: Vec<String>,
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn add_rows(item: &Value, rows: &mut Vec<Row>) {
    let flag = &item["flag"];
    rows.push(Row {
        name: word(&item["name"]),
        values: texts(&item["values"]).join("、"),
        unit: word(&item["unit"]),
        range: word(&item["range"]),
        flag: if flag["is_sent"] == true { word(&flag["text"]) } else { String::new() },
        notes: texts(&item["notes"]),
    });
    for drug in item["drugs"].as_array().into_iter().flatten() {
        let text = word(&drug["text"]);
        rows.push(Row {
            name: word(&drug["name"]),
            values: word(&drug["value"]),
            unit: String::new(),
            range: String::new(),
            flag: text.rsplit_once(' ').unwrap().0.to_owned(),
            notes: Vec::new(),
        });
    }
    for part in item["parts"].as_array().into_iter().flatten() {
        add_rows(part, rows);
    }
}

/// What independent readers found in a sample.
struct Sample {
    file: String,
    leaves: Vec<(String, String)>,
    items: Vec<Value>,
}

fn samples() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/results/tests/samples")
}

fn independent(ending: &str) -> Vec<Sample> {
    let lines = std::fs::read_to_string(samples().join("independent.jsonl")).unwrap();
    let read = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let leaves = serde_json::from_value(line["leaves"].clone()).unwrap();
        Sample { file: word(&line["file"]), leaves, items: line["items"].as_array().unwrap().clone() }
    };
    lines.lines().map(read).filter(|sample| sample.file.ends_with(ending)).collect()
}

/// The gravest of the flags, in the words of a page: a list of its own, not that of the domain.
fn flag_words(codes: &[String]) -> &'static str {
    const WORDS: [(&str, &str); 14] = [
        ("HH", "危急 ↑↑"),
        ("LL", "危急 ↓↓"),
        ("AA", "危急"),
        ("H", "偏高 ↑"),
        ("L", "偏低 ↓"),
        ("R", "耐药"),
        ("I", "中介"),
        ("S", "敏感"),
        ("POS", "阳性"),
        ("IND", "可疑"),
        ("A", "异常"),
        ("NEG", "阴性"),
        ("N", "正常"),
        ("Normal", "正常"),
    ];
    let found = WORDS.iter().find(|(code, _)| codes.iter().any(|sent| sent == code));
    found.map_or("", |(_, words)| words)
}

/// What a page has to say of an item that was found: `None` where it is not for reading yet, or no more.
fn expected(item: &Value) -> Option<Row> {
    let status: Status = serde_json::from_value(item["status"].clone()).unwrap();
    if !status.is_valid() {
        return None;
    }
    let in_words = |value: String| match value.as_str() {
        "true" => "是".to_owned(),
        "false" => "否".to_owned(),
        _ => value,
    };
    let values: Vec<String> =
        texts(&item["values"]).into_iter().map(in_words).filter(|value| !value.is_empty()).collect();
    Some(Row {
        name: word(&item["name"]),
        values: values.join("、"),
        unit: word(&item["unit"]),
        range: word(&item["range"]),
        flag: flag_words(&texts(&item["flags"])).to_owned(),
        notes: texts(&item["notes"]),
    })
}

/// Compares one sample, and says how many fields it compared.
fn compare(sample: &Sample, pages: &Pages) -> usize {
    let mut rows = pages.rows();
    let mut compared = 0;
    for row in sample.items.iter().filter_map(expected) {
        let at = rows.iter().position(|shown| says(shown, &row));
        let at = at.unwrap_or_else(|| panic!("{}: not on the page: {row:?}\nof {rows:?}", sample.file));
        rows.remove(at);
        let words = [&row.name, &row.unit, &row.range];
        let values = row.values.split('、').filter(|value| !is_time(value));
        for said in words.into_iter().map(String::as_str).chain(values).chain(row.notes.iter().map(String::as_str)) {
            assert!(pages.is_in_sight(said), "{}: {said:?} is not in sight", sample.file);
            compared += 1;
        }
        compared += usize::from(!row.flag.is_empty());
    }
    for (place, leaf) in &sample.leaves {
        if is_of_the_result(place) {
            assert!(pages.is_there(leaf), "{}: {place} is not on the page", sample.file);
            compared += 1;
        }
    }
    compared
}

/// Ranges of numbers alone, and values that are times, are put into the page's words; everything else is as it was sent.
fn says(shown: &Row, sent: &Row) -> bool {
    let is_same_range = sent.range.is_empty() || shown.range == sent.range;
    let is_drug = shown.unit.is_empty() && !sent.unit.is_empty() && shown.values.ends_with(&sent.unit);
    let values = if is_drug { format!("{} {}", sent.values, sent.unit) } else { sent.values.clone() };
    let is_curve = sent.values.is_empty() && shown.values == CURVE;
    let is_same_value = is_curve || shown.values == values || is_time(&sent.values) && !shown.values.is_empty();
    shown.name == sent.name
        && is_same_value
        && (is_drug || shown.unit == sent.unit)
        && is_same_range
        && shown.flag == sent.flag
        && shown.notes == sent.notes
}

fn is_time(value: &str) -> bool {
    value.len() > 4
        && value.starts_with(|c: char| c.is_ascii_digit())
        && value[..4].parse::<u16>().is_ok()
        && value.contains('-')
}

/// Texts, conclusions, specimens and remarks: whatever a reader of the paper would miss.
fn is_of_the_result(place: &str) -> bool {
    const PLACES: [&str; 7] =
        [".conclusion", ".conclusionCode.text", ".note.text", ".method.text", ".bodySite.text", "]-3", "SPM[1]-4"];
    let is_of_segment = place.starts_with("NTE") || place.starts_with("SPM") || place.starts_with("OBX");
    PLACES
        .iter()
        .any(|one| place.ends_with(one) && (!one.starts_with(']') || is_of_segment && place.starts_with("NTE")))
}

fn plain(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// What people read of a page.
fn text(html: &str) -> String {
    let main = html.split_once("<main>").unwrap().1.split_once("</main>").unwrap().0;
    let mut text = String::new();
    for (at, part) in main.split('<').enumerate() {
        let words = if at == 0 { part } else { part.split_once('>').map_or("", |(_, words)| words) };
        text.push_str(words);
        text.push('\u{1}');
    }
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    plain(&text)
}

/// Samples whose reports are not all valid: what they hold is not for reading.
#[derive(Default)]
struct Tally {
    samples: usize,
    fields: usize,
    withheld: BTreeMap<String, usize>,
}

async fn goes_through(sample: &Sample, sending: Sending<'_>, tally: &mut Tally) {
    let reader = Reader::new().await;
    let status = World::with(reader.table.clone()).send(&sending).await.status.as_u16();
    assert!(status < 500, "{}: {status}", sample.file);
    reader.placed(&sample.file).await;
    let pages = reader.pages().await;
    tally.samples += 1;
    if pages.is_whole {
        tally.fields += compare(sample, &pages);
    } else {
        tally.withheld.insert(sample.file.clone(), pages.views.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sample_of_hl7_comes_out_as_it_went_in() {
    let mut tally = Tally::default();
    for sample in independent(".hl7") {
        let bytes = std::fs::read(samples().join("hl7v2").join(&sample.file)).unwrap();
        goes_through(&sample, Sending::of("/results/hl7v2", "application/hl7-v2", &bytes), &mut tally).await;
    }
    assert_eq!(tally.samples, 3);
    assert_eq!(tally.withheld.keys().collect::<Vec<_>>(), ["LAB-ORU-1.hl7"], "preliminary");
    assert!(tally.fields > 150, "{}", tally.fields);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sample_of_fhir_comes_out_as_it_went_in() {
    let mut tally = Tally::default();
    for sample in independent(".json") {
        let bytes = std::fs::read(samples().join("fhir-r4").join(&sample.file)).unwrap();
        goes_through(&sample, Sending::of("/results/fhir", "application/fhir+json", &bytes), &mut tally).await;
    }
    assert!(tally.samples >= 82 && tally.withheld.len() < 15, "{:?}", tally.withheld);
    assert!(tally.fields > 700, "{}", tally.fields);
}

/// What a reader of the message finds in it, line by line: name, value, unit, range, flag, remark.
const FRONT_END: [(&str, &str, &[[&str; 6]]); 3] = [
    (
        "lab.json",
        "application/json",
        &[
            ["白细胞", "9.0", "10^9/L", "3.5～9.5", "正常", ""],
            ["血红蛋白", "108", "g/L", "男 130-175 女 115-150", "偏低 ↓", ""],
            ["C反应蛋白", "<0.5", "mg/L", "0–8", "", ""],
            ["人类免疫缺陷病毒抗体", "阴性(-)", "", "阴性", "", ""],
            ["钾", "7.1", "mmol/L", "3.5-5.3", "危急 ↑↑", "已复查"],
        ],
    ),
    (
        "culture.json",
        "application/json",
        &[
            ["氨苄西林", ">=32", "", "", "耐药", ""],
            ["美罗培南", "<=0.25", "", "", "敏感", ""],
            ["庆大霉素", "", "", "", "耐药", ""],
        ],
    ),
    ("imaging.xml", "application/xml", &[]),
];
/// What else a reader finds: organism, findings, impression, who and when.
const FRONT_END_WORDS: [(&str, &[&str]); 3] = [
    ("lab.json", &["血常规", "全血", "内科", "周一", "吴二", "郑三"]),
    ("culture.json", &["大肠埃希菌", "10^5", "痰"]),
    ("imaging.xml", &["胸部CT平扫", "双肺纹理清晰，\n未见实变影 <5mm。", "双肺未见明显异常。", "冯四", "陈五"]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sample_of_front_ends_comes_out_as_it_went_in() {
    for ((file, content_type, lines), (_, words)) in FRONT_END.iter().zip(FRONT_END_WORDS) {
        let bytes = std::fs::read(samples().join("front-end").join(file)).unwrap();
        let reader = Reader::new().await;
        let sender = World::with(reader.table.clone());
        sender.send(&Sending::of("/results/front-end", content_type, &bytes)).await;
        reader.placed(file).await;
        let pages = reader.pages().await;
        assert_eq!((pages.views.len(), pages.is_whole), (1, true), "{file}");
        let rows = pages.rows();
        for [name, value, unit, range, flag, note] in *lines {
            let notes = Some((*note).to_owned()).filter(|note| !note.is_empty());
            let line = Row {
                name: (*name).to_owned(),
                values: (*value).to_owned(),
                unit: (*unit).to_owned(),
                range: (*range).to_owned(),
                flag: (*flag).to_owned(),
                notes: notes.into_iter().collect(),
            };
            assert!(rows.contains(&line), "{file}: {line:?} is not among {rows:?}");
            assert!(
                [name, value, unit, range, flag, note].iter().all(|said| pages.is_in_sight(said)),
                "{file}: {name}"
            );
        }
        assert!(words.iter().all(|said| pages.is_there(said)), "{file}: {}", pages.texts[0]);
    }
}

/// A comparison that could not fail would prove nothing: each field of each kind is missed when it is another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_comparison_misses_what_is_lost() {
    for (file, path) in [("LRI_2.0-NG_CBC_Typ_Message.hl7", "hl7v2"), ("Bundle-lri-example.json", "fhir-r4")] {
        let ending = if path == "hl7v2" { ".hl7" } else { ".json" };
        let sample = independent(ending).into_iter().find(|sample| sample.file == file).unwrap();
        let bytes = std::fs::read(samples().join(path).join(file)).unwrap();
        let sending = match path {
            "hl7v2" => Sending::of("/results/hl7v2", "application/hl7-v2", &bytes),
            _ => Sending::of("/results/fhir", "application/fhir+json", &bytes),
        };
        let reader = Reader::new().await;
        World::with(reader.table.clone()).send(&sending).await;
        reader.placed(file).await;
        let pages = reader.pages().await;
        compare(&sample, &pages);
        for at in 0..sample.items.len() {
            for (field, other) in [
                ("name", Value::from("another")),
                ("values", serde_json::json!(["another"])),
                ("unit", "another".into()),
                ("range", "another".into()),
                ("flags", serde_json::json!(["POS"])),
                ("notes", serde_json::json!(["another"])),
            ] {
                let mut items = sample.items.clone();
                items[at][field] = other;
                let broken = Sample { file: sample.file.clone(), leaves: Vec::new(), items };
                let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| compare(&broken, &pages)));
                assert!(outcome.is_err(), "{file}: {field} of {at} is not compared");
            }
        }
    }
}
