//! A small hospital in this process: real handlers on a real engine and the stand-in WeChat, with every call between
//! them going through a switch that can fail it.

use super::his::client as his_client;
use super::letters::{self, Letters};
use super::proxy::{self, Switch};
use super::wechat::openid;
use aws_sdk_dynamodb::types::AttributeValue;
use axum::Router;
use axum::extract::{Request as HttpRequest, State};
use domain::appointment::AppointmentKey;
use domain::booking::Gate;
use domain::clinic::{ClinicKind, Slot, SlotStart};
use domain::credit::{Breach, Record, Strike, StrikeState, Strikes};
use domain::due::Deadline;
use domain::enrolment::NumberOwner;
use domain::his::HisPolicy;
use domain::id::{AppointmentId, CardNo, ClinicId, OpenId, PatientId};
use domain::notice::{About, NoticeKind};
use domain::person::{DocumentKind, IdDocument, PersonName, Phone};
use domain::profile::{HospitalProfile, NumbersPolicy};
use domain::{Timestamp, civil, time};
use kit::StandIn;
use lambda_http::http::Request as HttpBuilder;
use lambda_http::{Body, Request};
use runtime::secrets::{HisAccount, PayAccount, Secret};
use runtime::{Clock, Desk};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use store::Table;
use store::account::Relation;
use store::identity::{Identity, IdentityNonces};
use store::key::Key;
use store::patients::{Registered, Registrar, Registration};
use store::seal::Keyring;
use store::signin::Session;
use web::session::SessionSecret;
use wechat::pay::{ApiV3Key, Client, Hosts, Merchant, Notifications, PlatformKey, Timeouts, Verifier};

/// A patient with a signed-in WeChat user who acts for them.
#[derive(Clone)]
pub(crate) struct Person {
    /// Name of the demo person in the stand-in.
    pub(crate) wechat: &'static str,
    passport: String,
    pub(crate) patient: PatientId,
    secret: SessionSecret,
}

/// A notification as the stand-in sent it.
pub(crate) type Captured = (lambda_http::http::HeaderMap, Vec<u8>);

pub(crate) struct Hospital {
    pub(crate) switch: Switch,
    /// The table without the switch in between: to set up and to look.
    pub(crate) table: Table,
    pub(crate) wechat: StandIn,
    pub(crate) his: StandIn,
    pub(crate) booking: booking::App,
    pub(crate) payment: payment::App,
    pub(crate) pay_notify: pay_notify::App,
    pub(crate) sweeper: sweeper::App,
    pub(crate) reconcile: reconcile::App,
    pub(crate) his_sync: his_sync::App,
    pub(crate) reminder: reminder::App,
    /// What the reminder has queued.
    pub(crate) letters: Letters,
    pub(crate) profile: HospitalProfile,
    captured: Arc<Mutex<Vec<Captured>>>,
    clock: Clock,
    clock_file: PathBuf,
    keys: Keyring,
    serial: AtomicU32,
    engine: String,
}

/// Where patients believe the hospital to be; the stand-in is told where it really listens.
pub(crate) const PUBLIC_URL: &str = "http://127.0.0.1:9000";

/// When the hospital's first day begins for a test.
const MORNING: civil::Time = civil::time(10, 0, 0, 0);

impl Hospital {
    /// On an engine of its own.
    pub(crate) async fn open() -> Self {
        Self::open_on(&kit::engine().await).await
    }

    /// Whose own system speaks these languages.
    pub(crate) async fn open_speaking(policy: &HisPolicy) -> Self {
        Self::open_with(&kit::engine().await, policy).await
    }

    /// Whose numbers are given by `owner`.
    pub(crate) async fn open_where(owner: NumberOwner) -> Self {
        let mut hospital = Self::open().await;
        if owner == NumberOwner::His {
            hospital.set_numbers(NumbersPolicy { owner, ..NumbersPolicy::default() }).await;
        }
        hospital
    }

    /// On an engine that already has the table.
    pub(crate) async fn open_on(engine: &str) -> Self {
        Self::open_with(engine, &HisPolicy::default()).await
    }

    async fn open_with(engine: &str, policy: &HisPolicy) -> Self {
        let state = std::env::temp_dir().join(format!("menzhen-{}-{}", std::process::id(), unique()));
        // A process of the same number may have left its books behind.
        let _ = std::fs::remove_dir_all(&state);
        std::fs::create_dir_all(&state).unwrap();
        let clock_file = state.join("clock");
        kit::start_clock(&clock_file, MORNING);
        let (recorder, captured) = recorder().await;
        let clock_arguments = ["--clock-file", clock_file.to_str().unwrap()];
        let hospital = [&clock_arguments[..], &["--menzhen-url", &recorder, "--public-url", PUBLIC_URL]].concat();
        let wechat = StandIn::start("wechat", &state.join("wechat"), &hospital).await;
        let his = StandIn::start("his", &state.join("his"), &clock_arguments).await;
        let switch = Switch::default();
        let his_url = proxy::start(&his.url, &switch).await;
        let (table_url, pay_url) = (proxy::start(engine, &switch).await, proxy::start(&wechat.url, &switch).await);
        let letters = Letters::open().await;
        let queue_url = proxy::start(&letters.url, &switch).await;
        let clock = Clock::moved_by(&clock_file);
        let desk = || Desk::new(Table::new(kit::impatient_client(&table_url), kit::TABLE), clock.clone(), PUBLIC_URL);
        let pay = || Secret::fixed(pay_account(&wechat, &pay_url));
        let his_account = || Secret::fixed(HisAccount { client: his_client(&his, &his_url, policy) });
        let table = Table::new(kit::client(engine), kit::TABLE);
        let profile = profile();
        table.put_profile(&profile).await.unwrap();
        let hospital = Self {
            booking: booking::App::new(desk(), his_account()),
            payment: payment::App { desk: desk(), pay: pay(), his: his_account() },
            pay_notify: pay_notify::App { desk: desk(), pay: pay() },
            sweeper: sweeper::App { desk: desk(), pay: pay() },
            reconcile: reconcile::App::new(desk(), pay(), his_account()),
            his_sync: his_sync::App { desk: desk(), his: his_account(), identity: Secret::fixed(keyring()) },
            reminder: reminder::App { desk: desk(), queue: letters::client(&queue_url), queue_url },
            letters,
            switch,
            table,
            wechat,
            his,
            profile,
            captured,
            clock,
            clock_file,
            keys: keyring(),
            serial: AtomicU32::new(0),
            engine: engine.to_owned(),
        };
        // Profiles are cached per instance: the walk counts the calls of a warm function.
        let (payment, notify) = (&hospital.payment.desk, &hospital.pay_notify.desk);
        let (sweeper, reconcile, his_sync) =
            (&hospital.sweeper.desk, &hospital.reconcile.desk, &hospital.his_sync.desk);
        let (booking, reminder) = (&hospital.booking.desk, &hospital.reminder.desk);
        for desk in [booking, payment, notify, sweeper, reconcile, his_sync, reminder] {
            desk.profile().await.unwrap();
        }
        hospital
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the one clock of hospital and WeChat.
    pub(crate) async fn pass_minutes(&self, minutes: i64) {
        let before: i64 =
            std::fs::read_to_string(&self.clock_file).ok().and_then(|s| s.trim().parse().ok()).unwrap_or(0);
        self.wechat.post("clock", json!({ "advance_s": minutes * 60 })).await;
        let after: i64 = std::fs::read_to_string(&self.clock_file).unwrap().trim().parse().unwrap();
        assert_eq!(after, before + minutes * 60, "both read the same clock");
    }

    /// A new patient, looked after by a demo person of the stand-in.
    pub(crate) async fn patient(&self, wechat: &'static str) -> Person {
        let serial = self.serial.fetch_add(1, Ordering::SeqCst);
        self.patient_with(wechat, &format!("GBR/P{serial:07}")).await
    }

    /// A patient with a passport of this number, looked after by a demo person.
    pub(crate) async fn patient_with(&self, wechat: &'static str, passport: &str) -> Person {
        let account: OpenId = openid(&self.wechat, wechat).await.parse().unwrap();
        let now = self.now();
        let identity = Identity {
            name: PersonName::parse("林晓梅").unwrap(),
            document: IdDocument::parse(DocumentKind::Passport, passport, time::today(now)).unwrap(),
            phone: Phone::parse("19900000001").unwrap(),
        };
        let nonces = IdentityNonces { name: [1; 12], document: [2; 12], phone: [3; 12] };
        let registration = Registration {
            by: Registrar::Account { account: account.clone(), relation: Relation::Family },
            patient: PatientId::from_bytes(bytes(unique())),
            consent_version: "1".into(),
            at: now,
        };
        let registered = self.table.register(&self.keys, &identity, &nonces, &registration).await.unwrap();
        let (Registered::New(patient) | Registered::Linked(patient)) = registered else { panic!("not registered") };
        let mut random = [0; 32];
        random[..10].copy_from_slice(&bytes(unique()));
        let secret = SessionSecret::from_random(random);
        let session = Session { account, expires_at: time::add_minutes(now, 1_000_000) };
        self.table.put_session(&secret.key(), &session).await.unwrap();
        Person { wechat, passport: passport.to_owned(), patient, secret }
    }

    /// Three missed visits on record: no booking ahead any more.
    pub(crate) async fn ban(&self, person: &Person) {
        let (breach, state, kind) = (Breach::Missed, StrikeState::Final, ClinicKind::Ordinary);
        let strike = Strike { breach, at: self.now(), visit: self.now(), kind, state, seq: 1, decision: None };
        let strikes: Strikes = (1..=3).map(|at| (AppointmentId::from_bytes([at; 10]), strike.clone())).collect();
        let key = Key::gate(&person.patient);
        let banned = self.table.change_gate(&key, |gate| {
            let record = Record { strikes: strikes.clone(), ..Record::default() };
            Ok::<_, store::StoreError>(Some(Gate { record, ..gate.clone() }))
        });
        banned.await.unwrap();
    }

    /// A demo person who also acts for the patient of another.
    pub(crate) async fn linked(&self, wechat: &'static str, other: &Person) -> Person {
        let linked = self.patient_with(wechat, &other.passport).await;
        assert_eq!(linked.patient, other.patient);
        linked
    }

    /// From now on numbers are given as `policy` says.
    pub(crate) async fn set_numbers(&mut self, policy: NumbersPolicy) {
        self.profile.numbers = policy;
        self.table.put_profile(&self.profile).await.unwrap();
        // Functions keep a profile for a while; they are warm again before anything is counted.
        self.pass_minutes(2).await;
        let (payment, notify) = (&self.payment.desk, &self.pay_notify.desk);
        let (sweeper, reconcile, his_sync) = (&self.sweeper.desk, &self.reconcile.desk, &self.his_sync.desk);
        for desk in [&self.booking.desk, payment, notify, sweeper, reconcile, his_sync, &self.reminder.desk] {
            desk.profile().await.unwrap();
        }
    }

    /// Where a visit stands at the hospital's own system; none when that knows nothing of it.
    pub(crate) async fn at_the_his(&self, visit: &AppointmentId) -> Option<String> {
        let books = self.his.get("timetable").await;
        let entries = books["registrations"].as_array().unwrap();
        let found = entries.iter().find(|entry| entry["serial"] == visit.as_str())?;
        // A lock ends by itself.
        let is_over = found["until_ms"].as_i64().is_some_and(|until| until <= self.now().as_millisecond());
        Some(if is_over { "over" } else { found["standing"].as_str().unwrap() }.to_owned())
    }

    /// Where the hospital's own system gives the numbers, it has the clinic in its timetable.
    pub(crate) async fn list_at_the_his(&self, clinic: &ClinicId) {
        if self.profile.numbers.owner == NumberOwner::Menzhen {
            return;
        }
        let store::clinics::ClinicWithSlots { clinic, slots } = self.table.clinic(clinic).await.unwrap().unwrap();
        let half_hours: Vec<Value> =
            slots.iter().map(|slot| json!({ "start": slot.start.to_string(), "numbers": slot.free_numbers })).collect();
        let schedule = json!({
            "date": clinic.date, "period": "morning", "department": clinic.department, "doctor": null,
            "kind": "ordinary", "fee": clinic.fee.to_string(), "slots": half_hours,
        });
        self.his.post("timetable", json!({ "schedules": [schedule] })).await;
    }

    /// Gives a patient a card the hospital issued.
    pub(crate) async fn give_card(&self, person: &Person, card: &CardNo) {
        assert_eq!(self.table.create_card(&person.patient, card).await.unwrap().as_ref(), Some(card));
    }

    /// Changes the fee of a clinic, whoever holds a number of it.
    pub(crate) async fn change_fee(&self, clinic: &ClinicId, fee_fen: i64) {
        let key = |text: String| AttributeValue::S(text);
        let fee = AttributeValue::N(fee_fen.to_string());
        let request = kit::client(&self.engine).update_item().table_name(kit::TABLE);
        let request = request.key("pk", key(format!("CLINIC#{clinic}"))).key("sk", key("SELF".into()));
        let request = request.update_expression("SET fee = :fee").expression_attribute_values(":fee", fee);
        request.send().await.unwrap();
    }

    /// A clinic the day after tomorrow with one slot of `numbers` numbers.
    pub(crate) async fn clinic(&self, numbers: u16) -> ClinicId {
        self.clinic_at(numbers, 2500).await
    }

    /// Asks for a number as a page does: status, when to come back, and the page.
    pub(crate) async fn hold_page(&self, person: &Person, clinic: &ClinicId, key: &str) -> (u16, String, String) {
        let body = json!({
            "clinic": clinic.as_str(), "slot": slot().to_string(), "patient": person.patient.as_str(),
            "idempotency_key": format!("{key:0>16}"),
        });
        let mut request = Self::request(person, "POST", "/appointments", &body);
        request.headers_mut().insert("accept", "text/html".parse().unwrap());
        let answer = booking::handle(&self.booking, request).await.unwrap();
        let retry = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        let page = String::from_utf8(answer.body().as_ref().to_vec()).unwrap();
        (answer.status().as_u16(), retry.unwrap_or_default(), page)
    }

    /// The same at another fee.
    pub(crate) async fn clinic_at(&self, numbers: u16, fee_fen: i64) -> ClinicId {
        let date = time::add_days(time::today(self.now()), 2);
        let serial = self.serial.fetch_add(1, Ordering::SeqCst);
        let release_at = self.profile.booking.release_at(date);
        let clinic = kit::clinic(&format!("D{serial}"), date, fee_fen, release_at);
        let slots = [Slot::fresh(&clinic, slot(), 1, numbers)];
        assert!(self.table.put_schedule(&clinic, &slots, &[]).await.unwrap().is_done());
        clinic.id
    }

    /// A request of a person's browser, asking for JSON.
    fn request(person: &Person, method: &str, path: &str, body: &Value) -> Request {
        signed_in(&person.secret, method, path, body)
    }

    /// Asks for a number; the same `key` is the same request.
    pub(crate) async fn hold(&self, person: &Person, clinic: &ClinicId, key: &str) -> (u16, Value) {
        let body = json!({
            "clinic": clinic.as_str(), "slot": slot().to_string(), "patient": person.patient.as_str(),
            "idempotency_key": format!("{key:0>16}"),
        });
        let request = Self::request(person, "POST", "/appointments", &body);
        read(&booking::handle(&self.booking, request).await.unwrap())
    }

    pub(crate) async fn cancel(&self, person: &Person, appointment: &AppointmentKey) -> (u16, Value) {
        let request = Self::request(person, "POST", &format!("/appointments/{appointment}/cancel"), &json!({}));
        read(&booking::handle(&self.booking, request).await.unwrap())
    }

    /// A change of a person's browser at the booking function, asking for JSON.
    pub(crate) async fn book_post(&self, person: &Person, path: &str, body: &Value) -> (u16, Value) {
        let request = Self::request(person, "POST", path, body);
        read(&booking::handle(&self.booking, request).await.unwrap())
    }

    /// A page of the booking function as JSON.
    pub(crate) async fn book_get(&self, person: &Person, path: &str) -> (u16, Value) {
        let request = Self::request(person, "GET", path, &Value::Null);
        read(&booking::handle(&self.booking, request).await.unwrap())
    }

    pub(crate) async fn prepay(&self, person: &Person, appointment: &AppointmentKey) -> (u16, Value) {
        let request = Self::request(person, "POST", &format!("/appointments/{appointment}/prepay"), &json!({}));
        read(&payment::handle(&self.payment, request).await.unwrap())
    }

    pub(crate) async fn check(&self, person: &Person, appointment: &AppointmentKey) -> (u16, Value) {
        let request = Self::request(person, "POST", &format!("/appointments/{appointment}/payment-check"), &json!({}));
        read(&payment::handle(&self.payment, request).await.unwrap())
    }

    /// A form of a person's browser to the payment function, asking for JSON.
    pub(crate) async fn post(&self, person: &Person, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
        let mut request = Self::request(person, "POST", path, &json!({}));
        let form = reqwest::Url::parse_with_params("http://x/", fields).unwrap().query().unwrap_or_default().to_owned();
        let form_type = "application/x-www-form-urlencoded".parse().unwrap();
        request.headers_mut().insert("content-type", form_type);
        *request.body_mut() = Body::Text(form);
        read(&payment::handle(&self.payment, request).await.unwrap())
    }

    /// The messages that follow from what happened to an appointment last.
    pub(crate) async fn notices(&self, key: &AppointmentKey) -> Vec<NoticeKind> {
        let appointment = self.table.appointment(key).await.unwrap().unwrap();
        let happened = appointment.ev.clone().map(|event| event.kind);
        let about = About::Appointment(Box::new(appointment));
        happened.and_then(NoticeKind::of).into_iter().filter(|kind| about.bears_out(*kind)).collect()
    }

    /// Tries to pay in the payment sheet: what the phone says.
    pub(crate) async fn try_to_pay(&self, person: &Person, prepay: &Value) -> Value {
        let mut body = prepay["request"].clone();
        body["decision"] = json!("pay");
        self.wechat.post(&format!("people/{}/pay", person.wechat), body).await
    }

    /// Pays in the payment sheet, and hands over the notification WeChat sent.
    pub(crate) async fn pay(&self, person: &Person, prepay: &Value) -> Captured {
        self.captured.lock().unwrap().clear();
        let paid = self.try_to_pay(person, prepay).await;
        assert_eq!(paid["result"], "ok", "{paid}");
        self.notification().await
    }

    /// The notifications that have come since.
    pub(crate) fn captured(&self) -> Vec<Captured> {
        std::mem::take(&mut *self.captured.lock().unwrap())
    }

    /// The next notification WeChat sends.
    pub(crate) async fn notification(&self) -> Captured {
        for _ in 0..200 {
            if let Some(captured) = self.captured.lock().unwrap().pop() {
                return captured;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("no notification came")
    }

    /// Delivers a notification; the status answered.
    pub(crate) async fn notify(&self, (headers, body): &Captured) -> u16 {
        let mut request =
            HttpBuilder::builder().method("POST").uri("/pay/notify").body(Body::Binary(body.clone())).unwrap();
        *request.headers_mut() = headers.clone();
        pay_notify::handle(&self.pay_notify, request).await.unwrap().status().as_u16()
    }

    /// What is due of visits and orders, now or later: the second, the worker and the item, earliest first.
    pub(crate) async fn due(&self) -> Vec<(i64, String, Key)> {
        let request = kit::client(&self.engine).scan().table_name(kit::TABLE).index_name(store::due::INDEX);
        let items = request.send().await.unwrap().items.unwrap_or_default();
        let text = |item: &HashMap<String, AttributeValue>, name: &str| item[name].as_s().unwrap().clone();
        let due = items.iter().map(|item| {
            let worker = text(item, "due_pk").split('#').next().unwrap().to_owned();
            (item["due_at"].as_n().unwrap().parse().unwrap(), worker, Key::new(text(item, "pk"), text(item, "sk")))
        });
        let mut due: Vec<_> = due.filter(|(_, _, key)| !key.pk.starts_with("RECON#")).collect();
        due.sort();
        due
    }

    /// What the reminder does once its queue has the messages.
    pub(crate) async fn tell(&self, key: &Key) {
        match self.table.about(key).await.unwrap() {
            Some(About::Order(order)) => {
                for kind in &order.untold {
                    self.table.clear_notice(&order.out_trade_no, *kind).await.unwrap();
                }
            }
            Some(About::Appointment(visit)) => {
                for kind in [Deadline::Notify, Deadline::Remind, Deadline::DayBefore] {
                    self.table.clear_deadline(&visit.key(), kind).await.unwrap();
                }
            }
            Some(About::Credit(news)) => self.table.clear_gate_notice(key, news.1.seq).await.unwrap(),
            Some(About::Person(news)) => {
                self.table.clear_patient_notice(&news.patient, news.ev.seq).await.unwrap();
            }
            Some(About::Waiting(waiting)) => self.table.forget_ended(&waiting).await.unwrap(),
            Some(About::Report(_)) | None => panic!("nothing to tell at {key:?}"),
        }
    }

    /// A minute's tick of every function that acts on deadlines of visits and orders: what was done, what failed.
    pub(crate) async fn tick(&self) -> (usize, usize) {
        let swept = sweeper::handle(&self.sweeper).await;
        let reconciled = reconcile::handle(&self.reconcile).await;
        let synced = his_sync::handle(&self.his_sync).await;
        (swept.done + reconciled.done + synced.done, swept.failed + reconciled.failed + synced.failed)
    }
}

/// A request of a browser that is signed in, asking for JSON.
pub(crate) fn signed_in(secret: &SessionSecret, method: &str, path: &str, body: &Value) -> Request {
    HttpBuilder::builder()
        .method(method)
        .uri(path)
        .header("cookie", kit::cookie(secret, PUBLIC_URL))
        .header("accept", "application/json")
        .header("content-type", "application/json")
        .header("x-csrf-token", secret.csrf_token().as_str())
        .body(Body::Text(body.to_string()))
        .unwrap()
}

pub(crate) fn slot() -> SlotStart {
    "0900".parse().unwrap()
}

pub(crate) fn appointment_key(answer: &Value) -> AppointmentKey {
    answer["appointment"].as_str().unwrap_or_else(|| panic!("no appointment in {answer}")).parse().unwrap()
}

pub(crate) fn read(response: &web::Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let body = match response.body() {
        Body::Text(text) => serde_json::from_str(text).unwrap_or(Value::Null),
        _ => Value::Null,
    };
    (status, body)
}

pub(crate) fn profile() -> HospitalProfile {
    serde_json::from_str(include_str!("../../../../../infra/hospital/profile.json")).unwrap()
}

pub(crate) fn keyring() -> Keyring {
    let key = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    Keyring::from_secret(&json!({"current": 1, "keys": {"1": {"seal": key, "index": key}}}).to_string()).unwrap()
}

/// A merchant whose calls go through the switch.
fn pay_account(wechat: &StandIn, pay_url: &str) -> PayAccount {
    let config = wechat.config();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let file = |value: &Value| std::fs::read_to_string(wechat.state.join(text(value))).unwrap();
    let (mch_id, app_id) = (text(&config["mch_id"]), text(&config["app_id"]));
    let key = file(&config["merchant"]["private_key_file"]);
    let merchant = Merchant::new(&mch_id, &app_id, text(&config["merchant_serial"]), &key).unwrap();
    let public = &config["platform_public_key"];
    let certificate = &config["platform_certificate"];
    let keys = vec![
        PlatformKey::public_key(text(&public["id"]), &file(&public["public_key_file"])).unwrap(),
        PlatformKey::certificate(&text(&certificate["serial"]), &file(&certificate["certificate_file"])).unwrap(),
    ];
    let hosts = Hosts { primary: pay_url.to_owned(), fallback: pay_url.to_owned() };
    let timeouts = Timeouts { connect_ms: 400, request_ms: 400 };
    let client = Client::new(hosts, timeouts, merchant, Verifier::new(keys).unwrap()).unwrap();
    let v3 = ApiV3Key::parse(&text(&config["api_v3_key"])).unwrap();
    PayAccount { client, notifications: Notifications::new(mch_id, app_id, vec![v3]) }
}

/// Takes what the stand-in sends to the hospital and keeps it for the test to deliver.
async fn recorder() -> (String, Arc<Mutex<Vec<Captured>>>) {
    let captured = Arc::new(Mutex::new(Vec::new()));
    let keep = |State(captured): State<Arc<Mutex<Vec<Captured>>>>, request: HttpRequest| async move {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap().to_vec();
        if head.uri.path() == "/pay/notify" {
            captured.lock().unwrap().push((head.headers, body));
        }
        "success"
    };
    let app = Router::new().fallback(keep).with_state(captured.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, captured)
}

fn unique() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::SeqCst)
}

fn bytes(number: u32) -> [u8; 10] {
    let mut bytes = [7; 10];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    bytes
}
