//! Checking in and looking again, against a real engine of the table that counts what it is asked.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use domain::appointment::{Appointment, Booker};
use domain::clinic::{Clinic, Slot};
use domain::id::{AppointmentId, OpenId, PatientId};
use domain::profile::HospitalProfile;
use domain::queue::Command;
use domain::queue::check_in::CampusCode;
use domain::time::{add_seconds, today};
use domain::{Timestamp, time};
use lambda_http::Body;
use lambda_http::http::{Request, header};
use runtime::secrets::{HisAccount, Secret};
use runtime::{Clock, Desk};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use store::Table;
use store::account::Relation;
use store::identity::{Identity, IdentityNonces};
use store::patients::{Registered, Registrar, Registration};
use store::registration::HoldRequest;
use store::seal::Keyring;
use store::signin::Session;
use visit::{App, ROUTES, handle};
use web::pass::{PASS_S, PassKeys};
use web::session::SessionSecret;

const URL: &str = "https://desk.example.com";
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const IDENTITY: &str = r#"{"current":1,"keys":{"1":{"seal":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "index":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}}}"#;
const ROOM: &str = "201";
/// What a refresh may cost on the wire, head and body.
const REFRESH_BYTES_MAX: usize = 1_024;

/// Counts what the table is asked.
#[derive(Clone, Debug, Default)]
struct Meter(Arc<AtomicUsize>);

impl Meter {
    fn take(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "meter"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

fn now() -> Timestamp {
    "2026-11-25T08:40:00+08:00".parse().unwrap()
}

fn profile() -> HospitalProfile {
    serde_json::from_str(include_str!("../../../infra/hospital/profile.json")).unwrap()
}

fn keys() -> PassKeys {
    PassKeys::parse(&[KEY]).unwrap()
}

/// A clinic of this morning, the function, and how often it asks the table.
struct Morning {
    meter: Meter,
    table: Table,
    clinic: Clinic,
}

/// What came back: status, head and body.
struct Answer {
    status: u16,
    headers: header::HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{}", self.body))
    }

    fn bytes(&self) -> usize {
        let head = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>();
        head + self.body.len()
    }
}

impl Morning {
    async fn new() -> Self {
        let meter = Meter::default();
        let engine = kit::engine().await;
        let config = kit::client(&engine).config().to_builder().interceptor(meter.clone()).build();
        let table = Table::new(aws_sdk_dynamodb::Client::from_conf(config), kit::TABLE);
        table.put_profile(&profile()).await.unwrap();
        let day = today(now());
        let clinic = kit::clinic("NK", day, 0, profile().booking.release_at(day));
        let slots = [Slot::fresh(&clinic, "0900".parse().unwrap(), 1, 8)];
        assert!(table.put_schedule(&clinic, &slots, &[]).await.unwrap().is_done());
        Self { meter, table, clinic }
    }

    fn app(&self, now: Timestamp) -> App {
        let his = his::SignedJson::new("http://127.0.0.1:9", his::Keys::new("t", &[KEY.to_owned()]).unwrap()).unwrap();
        App {
            desk: Desk::new(self.table.clone(), Clock::standing_at(now), URL),
            keys: Secret::fixed(keys()),
            his: Secret::fixed(HisAccount { client: his }),
        }
    }

    async fn send(&self, now: Timestamp, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let app = self.app(now);
        app.desk.profile().await.unwrap();
        self.meter.take();
        let mut request = Request::builder().method(method).uri(format!("{URL}{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = handle(&app, request.body(Body::Text(body.into())).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    }

    /// Somebody signed in, with a number of nine o'clock.
    async fn somebody(&self, seed: u8) -> Somebody<'_> {
        let account: OpenId = format!("o{seed}").parse().unwrap();
        let nonces = IdentityNonces { name: [seed; 12], document: [seed; 12], phone: [seed; 12] };
        let document = domain::person::IdDocument::passport("FRA", &format!("19XY{seed:05}")).unwrap();
        let identity = Identity {
            name: domain::person::PersonName::parse("林晓梅").unwrap(),
            document,
            phone: domain::person::Phone::parse("19900000001").unwrap(),
        };
        let registration = Registration {
            by: Registrar::Account { account: account.clone(), relation: Relation::Oneself },
            patient: PatientId::from_bytes([seed; 10]),
            consent_version: "1".into(),
            at: now(),
        };
        let keyring = Keyring::from_secret(IDENTITY).unwrap();
        let registered = self.table.register(&keyring, &identity, &nonces, &registration).await.unwrap();
        let (Registered::New(patient) | Registered::Linked(patient)) = registered else { panic!("not registered") };
        let secret = SessionSecret::from_random([seed; 32]);
        let session = Session { account: account.clone(), expires_at: add_seconds(now(), 7_200) };
        self.table.put_session(&secret.key(), &session).await.unwrap();
        let request = HoldRequest {
            appointment: AppointmentId::from_bytes([seed; 10]),
            booker: Booker::Account(account.clone()),
            patient,
            patient_name_masked: "林*梅".into(),
            clinic: self.clinic.clone(),
            start: "0900".parse().unwrap(),
            channel: domain::clinic::Channel::Wechat,
            rest_min: 0,
            follow_up_of: None,
        };
        let yesterday = time::add_seconds(now(), -24 * 3600);
        let appointment = self.table.hold(&profile(), &request, yesterday).await.unwrap();
        Somebody { morning: self, secret, account, appointment }
    }
}

struct Somebody<'a> {
    morning: &'a Morning,
    secret: SessionSecret,
    account: OpenId,
    appointment: Appointment,
}

impl Somebody<'_> {
    fn cookie(&self) -> String {
        kit::cookie(&self.secret, URL)
    }

    async fn get(&self, now: Timestamp, path: &str, accept: &str) -> Answer {
        let cookie = self.cookie();
        self.morning.send(now, "GET", path, &[("cookie", &cookie), ("accept", accept)], "").await
    }

    async fn check_in(&self, now: Timestamp, code: &str, at: &str) -> Answer {
        self.check_in_at(now, code, at, "application/json").await
    }

    async fn check_in_at(&self, now: Timestamp, code: &str, at: &str, accept: &str) -> Answer {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.append_pair("appointment", &self.appointment.key().to_string()).append_pair("code", code);
        body.append_pair("at", at).append_pair("csrf", self.secret.csrf_token().as_str());
        let cookie = self.cookie();
        let form = "application/x-www-form-urlencoded";
        let headers = [("cookie", cookie.as_str()), ("accept", accept), ("content-type", form)];
        self.morning.send(now, "POST", "/visits/checkin", &headers, &body.finish()).await
    }

    fn page(&self) -> String {
        format!("/visits/{}", self.appointment.key())
    }
}

/// What the desk of the clinic's department shows.
fn code() -> String {
    keys().desk_code("dept:NK", now().as_second())
}

#[test]
fn a_page_of_somebody_is_for_who_may_act_for_them() {
    use web::route::Access;
    let open: Vec<_> = ROUTES.iter().filter(|route| route.access != Access::Account).map(|route| route.path).collect();
    assert_eq!(open, ["/visits/live"]);
}

#[tokio::test]
async fn from_the_desks_code_to_the_room() {
    let morning = Morning::new().await;
    let (first, second) = (morning.somebody(1).await, morning.somebody(2).await);
    let before = first.get(now(), &first.page(), "application/json").await.json();
    assert_eq!(before["place"]["state"], "unknown");
    for (code, at) in [("000000", ""), (&*keys().desk_code("dept:WK", now().as_second()), "")] {
        let refused = first.check_in(now(), code, at).await;
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (409, &"wrong_code".into()));
    }
    let wrong = first.check_in(now(), &keys().desk_code("dept:WK", now().as_second()), "dept:WK").await;
    assert_eq!(wrong.json()["error"]["code"], "wrong_desk");
    for somebody in [&first, &second] {
        let here = somebody.check_in(now(), &code(), "").await;
        assert_eq!((here.status, here.headers["location"].to_str().unwrap()), (303, &*somebody.page()));
    }
    let place = second.get(now(), &second.page(), "application/json").await.json();
    assert_eq!((&place["place"]["state"], &place["place"]["ahead"]), (&"waiting".into(), &"1 人".into()));
    let call = Command::CallNext { room: ROOM.into() };
    let id = morning.clinic.queue_id().unwrap();
    morning.table.move_queue(&id, &profile().queue, &call, now()).await.unwrap();
    let called = first.get(now(), &first.page(), "application/json").await.json();
    assert_eq!((&called["place"]["state"], &called["place"]["room"]), (&"called".into(), &ROOM.into()));
    let page = first.get(now(), &first.page(), "text/html").await;
    assert!(page.body.contains("请到 201 就诊！") && page.body.contains("/visits/live?pass="), "{}", page.body);
}

/// Whoever was led here by a code on a screen and took longer than it lived types the one that stands there now.
#[tokio::test]
async fn an_old_code_is_typed_anew_on_the_same_page() {
    let morning = Morning::new().await;
    let first = morning.somebody(1).await;
    let later = time::add_seconds(now(), 11 * 60);
    let again = first.check_in_at(later, &code(), "dept:NK", "text/html").await;
    assert_eq!(again.status, 422, "{}", again.body);
    let typed = format!("value=\"{}\"", code());
    for text in ["签到码不对或已更新", "name=\"code\"", &typed, "name=\"at\" value=\"dept:NK\""] {
        assert!(again.body.contains(text), "{text}: {}", again.body);
    }
    assert!(!again.body.contains("type=\"hidden\" name=\"code\""), "{}", again.body);
    let newer = keys().desk_code("dept:NK", later.as_second());
    let full_width: String = newer.chars().filter_map(|c| char::from_u32(u32::from(c) + 0xFEE0)).collect();
    let other = first.check_in(later, &full_width, "dept:WK").await;
    assert_eq!(other.status, 303, "the desk of the visit counts, whatever the address said: {}", other.body);
}

/// A department may be on two campuses: the code of its screen on the other one does not do, scanned or typed.
#[tokio::test]
async fn the_code_of_another_campus_is_refused_with_the_campus_to_go_to() {
    let morning = Morning::new().await;
    let first = morning.somebody(1).await;
    let desk_on = |campus| format!("dept:NK:{}", CampusCode::of(campus));
    let code_on = |campus| keys().desk_code(&desk_on(campus), now().as_second());
    let scanned = first.check_in(now(), &code_on("东院区"), &desk_on("东院区")).await.json();
    assert_eq!(scanned["error"]["code"], "wrong_campus", "{scanned}");
    assert!(scanned.to_string().contains("请到本部签到"), "{scanned}");
    let typed = first.check_in(now(), &code_on("东院区"), "").await.json();
    assert!(typed.to_string().contains("请看本部内科候诊大屏"), "{typed}");
    assert_eq!(first.check_in(now(), &code_on("本部"), "").await.status, 303);
}

#[tokio::test]
async fn looking_again_is_one_read_one_kilobyte_and_304() {
    let morning = Morning::new().await;
    let (first, other) = (morning.somebody(1).await, morning.somebody(2).await);
    first.check_in(now(), &code(), "dept:NK").await;
    other.check_in(now(), &code(), "dept:NK").await;
    let live = other.get(now(), &other.page(), "application/json").await.json()["live"].as_str().unwrap().to_owned();
    let ask = async |now, headers: &[(&str, &str)]| {
        let answer = morning.send(now, "GET", &live, headers, "").await;
        assert!(morning.meter.take() <= 1, "one read at most");
        assert!(answer.bytes() <= REFRESH_BYTES_MAX, "{} bytes", answer.bytes());
        answer
    };
    let json = [("accept", "application/json")];
    let seen = ask(now(), &json).await;
    assert_eq!((seen.status, &seen.json()["ahead"]), (200, &"1 人".into()));
    assert_eq!(seen.headers["cache-control"], "private, no-cache");
    assert!(!seen.body.contains("林") && !live.contains('林'), "no name travels");
    let tag = seen.headers["etag"].to_str().unwrap();
    let same = ask(add_seconds(now(), 15), &[json[0], ("if-none-match", tag)]).await;
    assert_eq!((same.status, same.body.as_str()), (304, ""));
    let id = morning.clinic.queue_id().unwrap();
    let call = Command::CallNext { room: ROOM.into() };
    morning.table.move_queue(&id, &profile().queue, &call, now()).await.unwrap();
    let moved = ask(add_seconds(now(), 30), &[json[0], ("if-none-match", tag)]).await;
    assert_eq!((moved.status, &moved.json()["ahead"]), (200, &"0 人".into()));
    let page = ask(now(), &[("accept", "text/html")]).await;
    assert!(page.body.contains("http-equiv=\"refresh\"") && page.body.contains("前面 0 人"), "{}", page.body);
}

#[tokio::test]
async fn a_pass_dies_and_so_does_the_page_of_a_link_taken_back() {
    let morning = Morning::new().await;
    let somebody = morning.somebody(1).await;
    let page = somebody.get(now(), &somebody.page(), "application/json").await.json();
    let live = page["live"].as_str().unwrap();
    let later = add_seconds(now(), PASS_S);
    let over = morning.send(later, "GET", live, &[("accept", "application/json")], "").await;
    assert_eq!((over.status, &over.json()["error"]["code"]), (410, &"pass_expired".into()));
    let page = morning.send(later, "GET", live, &[("accept", "text/html")], "").await;
    assert_eq!((page.status, page.headers["location"].to_str().unwrap()), (303, &*somebody.page()));
    let forged = live.replace("pass=1", "pass=9");
    assert_eq!(morning.send(now(), "GET", &forged, &[("accept", "application/json")], "").await.status, 404);
    morning.table.unlink(&somebody.account, &somebody.appointment.patient).await.unwrap();
    for path in [somebody.page(), format!("{}/elsewhere", somebody.page())] {
        assert_eq!(somebody.get(later, &path, "application/json").await.status, 404);
    }
}

#[tokio::test]
async fn codes_cannot_be_guessed() {
    let morning = Morning::new().await;
    let somebody = morning.somebody(1).await;
    for _ in 0..store::account::TRIES_OF_A_CODE_MAX {
        assert_eq!(somebody.check_in(now(), "000000", "").await.status, 409);
    }
    let locked = somebody.check_in(now(), &code(), "").await;
    assert_eq!((locked.status, &locked.json()["error"]["code"]), (429, &"too_many_codes".into()));
}

#[tokio::test]
async fn the_page_of_today_offers_what_can_be_checked_in() {
    let morning = Morning::new().await;
    let somebody = morning.somebody(1).await;
    let page = somebody.get(now(), "/visits/checkin?at=dept:NK&code=123456", "text/html").await;
    assert!(page.body.contains("9:00-9:30 内科") && page.body.contains(r#"value="123456""#), "{}", page.body);
    let other = morning.somebody(2).await;
    morning.table.unlink(&other.account, &other.appointment.patient).await.unwrap();
    let none = other.get(now(), "/visits/checkin", "application/json").await;
    assert_eq!(none.json()["waiting"], serde_json::json!([]));
}

#[tokio::test]
async fn a_hospital_system_that_is_down_holds_nobody_up() {
    let morning = Morning::new().await;
    let somebody = morning.somebody(1).await;
    let elsewhere = somebody.get(now(), &format!("{}/elsewhere", somebody.page()), "application/json").await;
    assert_eq!(elsewhere.status, 200);
    assert_eq!(elsewhere.json()["queues"], serde_json::json!([]));
}
