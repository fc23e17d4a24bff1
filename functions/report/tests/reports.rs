//! Who reads what, against a real engine of the table.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use domain::Timestamp;
use domain::civil::date;
use domain::event::Actor;
use domain::id::{OpenId, PatientId, ReportId};
use domain::person::{DocumentKind, IdDocument, PersonName, Phone};
use domain::report::filed::{Deed, Intake};
use domain::report::{
    Category, Concept, FamilyScope, Flag, Item, Policy, ReferenceRange, Report, ReportKey, Section, Status, Text,
    Transmission, Unit, Value, When, Wire,
};
use domain::time::add_seconds;
use lambda_http::Body;
use lambda_http::http::{Request, header};
use report::{App, ROUTES, handle};
use runtime::secrets::{Secret, StaffTokens};
use runtime::{Clock, Desk};
use std::sync::atomic::{AtomicU8, Ordering};
use store::account::{PROOFS_MAX, Relation};
use store::identity::{Identity, IdentityNonces};
use store::patients::{Registered, Registrar, Registration};
use store::reading::PROOF_IDLE_S;
use store::reports::{Nonces, PutReport};
use store::seal::{Keyring, SealNonce};
use store::signin::Session;
use store::{StoreError, Table};
use web::pass::PassKeys;
use web::route::Access;
use web::session::SessionSecret;

const URL: &str = "http://127.0.0.1:8000";
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const KEYS: &str = r#"{"current":1,"keys":{"1":{"seal":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "index":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}}}"#;
/// An adult, and a child of twelve.
const ADULT: (&str, &str) = ("11010519491231002X", "31002X");
const CHILD: (&str, &str) = ("110101201401010014", "010014");
const MACHINE: &str = "doctor-token";

fn now() -> Timestamp {
    "2026-11-23T02:00:00Z".parse().unwrap()
}

fn keys() -> Keyring {
    Keyring::from_secret(KEYS).unwrap()
}

/// Bytes that no two sealings share.
struct Counting;

impl Nonces for Counting {
    fn fresh(&self) -> Result<SealNonce, StoreError> {
        static NEXT: AtomicU8 = AtomicU8::new(0);
        Ok([NEXT.fetch_add(1, Ordering::SeqCst); 12])
    }
}

struct Hospital {
    table: Table,
}

/// What came back.
struct Answer {
    status: u16,
    location: String,
    cache: String,
    body: String,
}

impl Answer {
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{}", self.body))
    }

    fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl Hospital {
    async fn new() -> Self {
        let table = kit::table().await;
        let profile = include_str!("../../../infra/hospital/profile.json");
        table.put_profile(&serde_json::from_str(profile).unwrap()).await.unwrap();
        Self { table }
    }

    fn app(&self, now: Timestamp) -> App {
        let tokens = format!(
            r#"{{"tokens":[{{"name":"ward","sha256":"{}","scopes":["results"]}}]}}"#,
            runtime::random::hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, MACHINE.as_bytes()).as_ref())
        );
        let staff: StaffTokens = serde_json::from_str(&tokens).unwrap();
        App {
            desk: Desk::new(self.table.clone(), Clock::standing_at(now), URL),
            identity: Secret::fixed(keys()),
            passes: Secret::fixed(PassKeys::parse(&[KEY]).unwrap()),
            staff: Secret::fixed(staff),
        }
    }

    /// Somebody who has just signed in, registered for a person.
    async fn reader(&self, seed: u8, relation: Relation, document: (&'static str, &'static str)) -> Reader<'_> {
        let account: OpenId = format!("o{seed}").parse().unwrap();
        let registration = Registration {
            by: Registrar::Account { account: account.clone(), relation },
            patient: PatientId::from_bytes([seed; 10]),
            consent_version: "1".into(),
            at: add_seconds(now(), i64::from(seed)),
        };
        let secret = SessionSecret::from_random([seed; 32]);
        self.table.put_session(&secret.key(), &Session::begin(account.clone(), now())).await.unwrap();
        let nonces = IdentityNonces { name: [seed; 12], document: [seed; 12], phone: [seed; 12] };
        let identity = Identity {
            name: PersonName::parse("李晓梅").unwrap(),
            document: IdDocument::parse(DocumentKind::ResidentId, document.0, date(2026, 11, 22)).unwrap(),
            phone: Phone::parse("19900000001").unwrap(),
        };
        let registered = self.table.register(&keys(), &identity, &nonces, &registration).await.unwrap();
        let (Registered::New(patient) | Registered::Linked(patient)) = registered else { panic!("not registered") };
        Reader { hospital: self, secret, account, patient, tail: document.1 }
    }

    async fn arrives(&self, patient: &PatientId, report: &Report) -> ReportId {
        let (policy, actor) = (Policy::default(), Actor::Schedule);
        let intake = Intake { policy: &policy, by: &actor, now: now() };
        let put = self.table.put_report(&keys(), patient, report, intake, &Counting).await.unwrap();
        assert!(matches!(put, PutReport::Done { .. }));
        ReportId::of(&report.key)
    }

    async fn staff(&self, method: &str, path: &str, token: &str) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("{URL}{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::ACCEPT, "application/json");
        answer(Box::pin(handle(&self.app(now()), request.body(Body::Empty).unwrap())).await.unwrap())
    }
}

fn answer(response: web::Response) -> Answer {
    let (head, body) = response.into_parts();
    let text = |name: header::HeaderName| {
        head.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    };
    Answer {
        status: head.status.as_u16(),
        location: text(header::LOCATION),
        cache: text(header::CACHE_CONTROL),
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

struct Reader<'a> {
    hospital: &'a Hospital,
    secret: SessionSecret,
    account: OpenId,
    patient: PatientId,
    tail: &'static str,
}

impl Reader<'_> {
    async fn send(&self, now: Timestamp, method: &str, path: &str, accept: &str, fields: &[(&str, &str)]) -> Answer {
        let request = kit::form(&self.secret, method, &format!("{URL}{path}"), accept, fields);
        answer(Box::pin(handle(&self.hospital.app(now), request)).await.unwrap())
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(now(), "GET", path, "application/json", &[]).await
    }

    async fn page(&self, path: &str) -> Answer {
        self.send(now(), "GET", path, "text/html", &[]).await
    }

    async fn prove(&self, tail: &str) -> Answer {
        let fields = [("patient", self.patient.as_str()), ("tail", tail)];
        self.send(now(), "POST", "/reports/proof?to=%2Freports", "application/json", &fields).await
    }

    /// As in the life of somebody who knows their document.
    async fn proven(self) -> Self {
        assert_eq!(self.prove(self.tail).await.status, 303);
        self
    }

    fn list_path(&self) -> String {
        format!("/reports?patient={}", self.patient)
    }
}

fn item(name: &str, value: &str, range: &str) -> Item {
    let mut item = Item::new(Concept::words(name), Status::Final);
    item.unit = Unit::words("mmol/L");
    item.values = vec![Value::read(value, item.unit.as_ref())];
    item.range_sent = Text::some(range);
    item.ranges = ReferenceRange::read(range);
    item
}

fn lab(number: &str, day: &str, items: Vec<Item>) -> Report {
    let key = ReportKey { sender: "LIS".into(), number: number.into(), service: "".into() };
    let transmission = Transmission { wire: Wire::FrontEnd, control_id: None, sent_at: When::from_iso(day).ok() };
    let mut report = Report::new(key, transmission, Status::Final);
    report.category = Category::Laboratory;
    report.code = Concept::words("生化检验");
    report.times.collected = When::from_iso(day).ok();
    report.times.issued = When::from_iso(day).ok();
    report.sections = vec![Section { title: None, items }];
    report
}

fn sugar(number: &str, day: &str, value: &str) -> Report {
    lab(number, day, vec![item("血糖", value, "3.9-6.1")])
}

#[tokio::test]
async fn reading_takes_a_proof_that_dies_when_nobody_reads() {
    let hospital = Hospital::new().await;
    let reader = hospital.reader(1, Relation::Oneself, ADULT).await;
    let id = hospital.arrives(&reader.patient, &sugar("R1", "2026-11-22T09:00", "5.6")).await;
    let path = format!("/reports/{id}");
    for asked in [reader.list_path(), path.clone(), format!("{path}/versions"), format!("{path}/print")] {
        let answer = reader.get(&asked).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "proof_required"), "{asked}");
        let page = reader.page(&asked).await;
        assert_eq!(page.status, 303);
        assert!(page.location.starts_with("/reports/proof?patient="), "{}", page.location);
    }
    let reader = reader.proven().await;
    let seen = reader.get(&path).await;
    assert_eq!((seen.status, seen.cache.as_str()), (200, "no-store"));
    assert_eq!(seen.json()["sections"][0]["items"][0]["values"][0], "5.6");
    assert_eq!(seen.json()["overall"], "全部项目均在参考范围内");
    let page = reader.page(&path).await.body;
    assert!(page.contains("<title>报告</title>") && page.contains("在参考范围内"), "{page}");
    let later =
        async |second: i64| reader.send(add_seconds(now(), second), "GET", &path, "application/json", &[]).await;
    assert_eq!(later(PROOF_IDLE_S - 1).await.status, 200);
    assert_eq!(later(2 * PROOF_IDLE_S - 2).await.status, 200, "reading keeps it");
    assert_eq!(later(3 * PROOF_IDLE_S).await.code(), "proof_required");
}

#[tokio::test]
async fn an_old_session_goes_to_wechat_first() {
    let hospital = Hospital::new().await;
    let reader = hospital.reader(1, Relation::Oneself, ADULT).await;
    let later = add_seconds(now(), PROOF_IDLE_S);
    let path = format!("/reports/proof?patient={}", reader.patient);
    let asked = reader.send(later, "GET", &path, "text/html", &[]).await;
    assert_eq!(asked.status, 303);
    assert!(asked.location.starts_with("/signin?to=") && asked.location.contains("&again=1"), "{}", asked.location);
    let fields = [("patient", reader.patient.as_str()), ("tail", ADULT.1)];
    let sent = reader.send(later, "POST", "/reports/proof", "application/json", &fields).await;
    assert_eq!((sent.status, sent.code().as_str()), (403, "sign_in_again"));
    assert_eq!(reader.send(now(), "GET", &path, "text/html", &[]).await.status, 200);
}

#[tokio::test]
async fn wrong_ends_are_counted_and_shown_to_nobody() {
    let hospital = Hospital::new().await;
    let reader = hospital.reader(1, Relation::Oneself, ADULT).await;
    for _ in 0..PROOFS_MAX {
        let answer = reader.prove("310021").await;
        assert_eq!((answer.status, answer.code().as_str()), (409, "not_proven"));
    }
    let locked = reader.prove(ADULT.1).await;
    assert_eq!((locked.status, locked.code().as_str()), (429, "too_many_proofs"), "right, but too late");
    let fields = [("patient", reader.patient.as_str()), ("tail", "424242")];
    let page = reader.send(now(), "POST", "/reports/proof", "text/html", &fields).await;
    assert!(!page.body.contains("424242"), "{}", page.body);
}

#[tokio::test]
async fn whoever_has_no_link_learns_nothing() {
    let hospital = Hospital::new().await;
    let owner = hospital.reader(1, Relation::Oneself, ADULT).await;
    let stranger = hospital.reader(2, Relation::Oneself, CHILD).await.proven().await;
    let id = hospital.arrives(&owner.patient, &sugar("R1", "2026-11-22", "5.6")).await;
    for path in [
        owner.list_path(),
        format!("/reports/{id}"),
        format!("/reports/{id}/versions"),
        format!("/reports/{id}/print"),
        format!("/reports/trend?patient={}&item=x", owner.patient),
        format!("/reports/proof?patient={}", owner.patient),
        format!("/reports/consent?patient={}", owner.patient),
        "/reports/nothing".into(),
    ] {
        let answer = stranger.get(&path).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{path}");
    }
    let fields = [("patient", owner.patient.as_str()), ("tail", ADULT.1), ("consent", "on")];
    for path in ["/reports/proof", "/reports/consent"] {
        assert_eq!(stranger.send(now(), "POST", path, "application/json", &fields).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn family_reads_what_the_person_lets_it_and_loses_it_at_once() {
    let hospital = Hospital::new().await;
    let mother = hospital.reader(1, Relation::Oneself, ADULT).await.proven().await;
    let daughter = hospital.reader(2, Relation::Family, ADULT).await.proven().await;
    let items = vec![item("血糖", "5.6", "3.9-6.1"), item("梅毒螺旋体抗体", "1.2", "0-1")];
    let id = hospital.arrives(&mother.patient, &lab("R1", "2026-11-22", items)).await;
    let path = format!("/reports/{id}");
    let scope = async |scope| hospital.table.put_report_scope(&daughter.account, &mother.patient, scope).await.unwrap();
    assert_eq!(daughter.get(&path).await.code(), "consent_required");
    let fields = [("patient", mother.patient.as_str()), ("consent", "on")];
    let claimed = daughter.send(now(), "POST", "/reports/consent", "application/json", &fields).await;
    assert_eq!(claimed.code(), "consent_required", "the mother can say so herself");
    scope(FamilyScope::Granted).await;
    assert_eq!(hospital.staff("POST", &format!("/staff/reports/{id}/release"), MACHINE).await.status, 200);
    let seen = daughter.get(&path).await.body;
    assert!(seen.contains("血糖") && !seen.contains("梅毒"), "{seen}");
    assert!(mother.get(&path).await.body.contains("梅毒"), "told by the doctor");
    let printed = daughter.get(&format!("{path}/print")).await.location;
    assert_eq!(daughter.get(&printed).await.status, 200);
    scope(FamilyScope::Refused).await;
    assert_eq!(daughter.get(&path).await.code(), "consent_required");
    assert_eq!(daughter.get(&printed).await.status, 404, "paper, too");
    scope(FamilyScope::Granted).await;
    hospital.table.unlink(&daughter.account, &mother.patient).await.unwrap();
    assert_eq!(daughter.get(&path).await.status, 404);
}

#[tokio::test]
async fn who_has_no_account_is_spoken_for_and_a_child_by_its_guardian() {
    let hospital = Hospital::new().await;
    let daughter = hospital.reader(1, Relation::Family, ADULT).await.proven().await;
    let page = daughter.page(&daughter.list_path()).await;
    assert!(page.location.starts_with("/reports/consent?patient="), "{}", page.location);
    let consent = async |ticked: &[(&str, &str)]| {
        let fields = [&[("patient", daughter.patient.as_str())], ticked].concat();
        daughter.send(now(), "POST", "/reports/consent", "application/json", &fields).await.status
    };
    assert_eq!(consent(&[]).await, 422);
    assert_eq!(consent(&[("consent", "on")]).await, 303);
    assert_eq!(daughter.get(&daughter.list_path()).await.status, 200);
    let father = hospital.reader(2, Relation::Family, CHILD).await.proven().await;
    assert_eq!(father.get(&father.list_path()).await.status, 200);
}

#[tokio::test]
async fn what_a_doctor_has_to_tell_is_withheld_until_then_and_tells_nothing() {
    let hospital = Hospital::new().await;
    let reader = hospital.reader(1, Relation::Oneself, ADULT).await.proven().await;
    let mut report = lab("R1", "2026-11-22", vec![item("人类免疫缺陷病毒抗体", "0.1", "0-1")]);
    report.code = Concept::words("HIV 抗体检测");
    let id = hospital.arrives(&reader.patient, &report).await;
    let path = format!("/reports/{id}");
    for told in
        [reader.get(&path).await.body, reader.page(&path).await.body, reader.get(&reader.list_path()).await.body]
    {
        assert!(!told.contains("HIV") && !told.contains("免疫缺陷") && !told.contains("0.1"), "{told}");
    }
    let list = reader.get(&reader.list_path()).await.json();
    assert_eq!((&list["reports"][0]["text"], &list["unread"]), (&"医生与您面谈".into(), &0.into()));
    assert!(reader.page(&path).await.body.contains("医生与您面谈"));
    assert_eq!(
        hospital.staff("POST", &format!("{path}/release").replace("/reports", "/staff/reports"), "x").await.status,
        401
    );
    let waiting = hospital.staff("GET", &format!("/staff/patients/{}/reports", reader.patient), MACHINE).await.json();
    assert_eq!(waiting["rows"][0]["awaits"], true);
    let released = hospital.staff("POST", &format!("/staff/reports/{id}/release"), MACHINE).await;
    assert_eq!((released.status, &released.json()["rows"][0]["awaits"]), (200, &false.into()));
    assert!(reader.get(&path).await.body.contains("免疫缺陷"));
    let nobody = hospital.staff("POST", "/staff/reports/nothing/release", MACHINE).await;
    assert_eq!(nobody.status, 404);
}

#[tokio::test]
async fn a_critical_value_is_the_clinicians_to_tell() {
    let hospital = Hospital::new().await;
    let reader = hospital.reader(1, Relation::Oneself, ADULT).await.proven().await;
    let mut potassium = item("血钾", "7.9", "3.5-5.3");
    potassium.flags = vec![Flag::of("HH")];
    let report = lab("R1", "2026-11-22", vec![potassium, item("血钠", "140", "137-147")]);
    let id = hospital.arrives(&reader.patient, &report).await;
    let path = format!("/reports/{id}");
    for told in [reader.get(&path).await.body, reader.page(&path).await.body] {
        assert!(told.contains("140") && !told.contains("7.9") && !told.contains("血钾"), "{told}");
    }
    let unread = async || reader.get(&reader.list_path()).await.json()["unread"].clone();
    assert_eq!(unread().await, 1, "who saw the rest has not read it");
    hospital.table.acknowledge_critical(&id, "nurse-li", Deed::PatientReached, now()).await.unwrap();
    assert!(reader.get(&path).await.body.contains("7.9"));
    assert_eq!(unread().await, 0);
}

#[tokio::test]
async fn a_list_says_what_is_waited_for_and_what_is_unread() {
    let hospital = Hospital::new().await;
    let reader = hospital.reader(1, Relation::Oneself, ADULT).await.proven().await;
    let mut open = lab("R9", "2026-11-23T08:00", Vec::new());
    open.status = Status::Registered;
    open.sections.clear();
    open.times.expected = When::from_iso("2026-11-24T16:00").ok();
    hospital.arrives(&reader.patient, &open).await;
    let mut ids = Vec::new();
    for day in 1..=22 {
        let report = sugar(&format!("R{day}00"), &format!("2026-10-{day:02}T09:00"), "5.6");
        ids.push(hospital.arrives(&reader.patient, &report).await);
    }
    let list = reader.get(&reader.list_path()).await.json();
    assert_eq!(list["waiting"][0]["expected"], "2026年11月24日 16:00");
    assert_eq!((list["reports"].as_array().unwrap().len(), &list["unread"]), (20, &22.into()));
    assert_eq!(list["reports"][0]["report"], ids[21].as_str(), "newest first");
    let next = reader.get(list["next"].as_str().unwrap()).await.json();
    assert_eq!((next["reports"].as_array().unwrap().len(), &next["next"]), (2, &serde_json::Value::Null));
    assert_eq!(reader.get(&format!("/reports/{}", ids[21])).await.status, 200);
    let read = reader.get(&reader.list_path()).await.json();
    assert_eq!((&read["unread"], &read["reports"][0]["is_unread"]), (&21.into(), &false.into()));
    let mut corrected = sugar("R2200", "2026-10-22T09:00", "6.5");
    corrected.status = Status::Corrected;
    corrected.times.issued = When::from_iso("2026-10-23").ok();
    hospital.arrives(&reader.patient, &corrected).await;
    let again = reader.get(&reader.list_path()).await.json();
    assert_eq!((&again["unread"], &again["reports"][0]["is_corrected"]), (&22.into(), &true.into()));
}

#[tokio::test]
async fn a_correction_is_shown_beside_what_was_read() {
    let hospital = Hospital::new().await;
    let reader = hospital.reader(1, Relation::Oneself, ADULT).await.proven().await;
    let id = hospital.arrives(&reader.patient, &sugar("R1", "2026-11-20", "5.6")).await;
    let path = format!("/reports/{id}/versions");
    assert_eq!(reader.get(&path).await.status, 404, "nothing to compare with");
    let mut corrected = sugar("R1", "2026-11-20", "7.6");
    corrected.status = Status::Corrected;
    corrected.times.issued = When::from_iso("2026-11-21").ok();
    hospital.arrives(&reader.patient, &corrected).await;
    let seen = reader.get(&path).await.json();
    let change = &seen["changed"][0];
    assert_eq!((&change["before"]["value"], &change["after"]["value"]), (&"5.6 mmol/L".into(), &"7.6 mmol/L".into()));
    assert!(reader.page(&format!("/reports/{id}")).await.body.contains("与更正前对照"));
    let mut recalled = sugar("R1", "2026-11-20", "7.6");
    recalled.status = Status::EnteredInError;
    recalled.times.issued = When::from_iso("2026-11-22").ok();
    hospital.arrives(&reader.patient, &recalled).await;
    let gone = reader.page(&format!("/reports/{id}")).await.body;
    assert!(gone.contains("已撤回") && !gone.contains("7.6"), "{gone}");
    assert_eq!(reader.get(&path).await.status, 404);
}

#[tokio::test]
async fn the_course_of_an_item_is_addressed_without_its_name() {
    let hospital = Hospital::new().await;
    let reader = hospital.reader(1, Relation::Oneself, ADULT).await.proven().await;
    let mut last = None;
    for (number, day, value) in [("R1", "2026-09-01", "5.1"), ("R2", "2026-11-01", "7.0"), ("R3", "2026-10-01", "5.8")]
    {
        last = Some(hospital.arrives(&reader.patient, &sugar(number, day, value)).await);
    }
    let report = reader.get(&format!("/reports/{}", last.unwrap())).await.json();
    let path = report["sections"][0]["items"][0]["trend"].as_str().unwrap().to_owned();
    assert!(path.is_ascii(), "{path}");
    let values = |answer: serde_json::Value| {
        let points = answer["points"].as_array().unwrap().clone();
        points.iter().map(|point| point["value"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(values(reader.get(&path).await.json()), ["7.0", "5.8", "5.1"]);
    let page = reader.page(&path).await.body;
    assert!(page.contains("比上一次高（5.8）") && page.contains("<circle"), "{page}");
    assert_eq!(reader.get(&format!("{path}x")).await.status, 404);
}

#[tokio::test]
async fn paper_opens_anywhere_for_five_minutes() {
    let hospital = Hospital::new().await;
    let reader = hospital.reader(1, Relation::Oneself, ADULT).await.proven().await;
    let id = hospital.arrives(&reader.patient, &sugar("R1", "2026-11-22", "5.6")).await;
    let printed = reader.page(&format!("/reports/{id}/print")).await.location;
    assert!(printed.starts_with("/reports/paper?pass="), "{printed}");
    let elsewhere = async |second: i64, path: &str| {
        let request = Request::builder().uri(format!("{URL}{path}")).header(header::ACCEPT, "text/html");
        let app = hospital.app(add_seconds(now(), second));
        answer(Box::pin(handle(&app, request.body(Body::Empty).unwrap())).await.unwrap())
    };
    let sheet = elsewhere(60, &printed).await;
    assert_eq!((sheet.status, sheet.cache.as_str()), (200, "no-store"));
    assert!(sheet.body.contains("李晓梅") && sheet.body.contains("5.6"), "{}", sheet.body);
    assert_eq!(elsewhere(301, &printed).await.status, 410);
    assert_eq!(elsewhere(0, &printed.replace("pass=1", "pass=2")).await.status, 410);
    hospital.table.end_session(&reader.secret.key()).await.unwrap();
    assert_eq!(elsewhere(60, &printed).await.status, 404, "it dies with the session");
}

#[tokio::test]
async fn nothing_is_kept_and_everything_wants_to_know_who_asks() {
    let hospital = Hospital::new().await;
    for route in &ROUTES {
        let path = route.path.replace("{report}", "nothing").replace("{patient}", "nothing");
        let request = Request::builder().method(route.method.as_str()).uri(format!("{URL}{path}"));
        let request = request.header(header::ACCEPT, "application/json").body(Body::Empty).unwrap();
        let answer = answer(Box::pin(handle(&hospital.app(now()), request)).await.unwrap());
        let wanted = if route.access == Access::Signed { 410 } else { 401 };
        assert_eq!((answer.status, answer.cache.as_str()), (wanted, "no-store"), "{path}");
    }
}

#[tokio::test]
async fn reports_of_a_record_that_was_merged_are_the_persons_until_they_are_parted() {
    let hospital = Hospital::new().await;
    let gone = hospital.reader(1, Relation::Oneself, CHILD).await;
    let stays = hospital.reader(2, Relation::Oneself, ADULT).await;
    let first = hospital.arrives(&gone.patient, &sugar("R1", "2026-11-21T09:00", "5.6")).await;
    let second = hospital.arrives(&stays.patient, &sugar("R2", "2026-11-22T09:00", "5.7")).await;
    let profile = serde_json::from_str(include_str!("../../../infra/hospital/profile.json")).unwrap();
    let (pair, by) = ((&gone.patient, &stays.patient), Actor::Staff("HIS".into()));
    assert!(hospital.table.merge_people(&profile, pair, &by, now()).await.unwrap());

    let stays = stays.proven().await;
    let listed = stays.get(&stays.list_path()).await.json();
    let ids: Vec<_> = listed["reports"].as_array().unwrap().iter().map(|row| row["report"].clone()).collect();
    assert_eq!(ids, [second.to_string(), first.to_string()], "newest first");
    let seen = stays.get(&format!("/reports/{first}")).await;
    assert_eq!(seen.status, 200, "one proof opens all of a person's: {}", seen.body);
    let trend = seen.json()["sections"][0]["items"][0]["trend"].as_str().unwrap().to_owned();
    assert_eq!(stays.get(&trend).await.json()["points"].as_array().unwrap().len(), 2);
    assert_eq!(stays.get(&stays.list_path()).await.json()["unread"], 1, "what was read counts as read");
    let staff = hospital.staff("GET", &format!("/staff/patients/{}/reports", stays.patient), MACHINE).await;
    assert!(staff.body.contains(first.as_str()), "{}", staff.body);

    assert!(hospital.table.unmerge_people(&profile, &gone.patient, &by, now()).await.unwrap());
    assert_eq!(stays.get(&format!("/reports/{first}")).await.status, 404);
    assert_eq!(stays.get(&stays.list_path()).await.json()["reports"].as_array().unwrap().len(), 1);
}
