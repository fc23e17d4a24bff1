//! A hospital with one clinic this morning, its table in memory, and browsers in which staff have signed in.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use desk::{App, handle};
use domain::appointment::{Appointment, Booker};
use domain::civil::{Date, date};
use domain::clinic::{Clinic, Slot};
use domain::id::{AppointmentId, CardNo, PatientId};
use domain::person::{DocumentKind, IdDocument, PersonName, Phone};
use domain::profile::HospitalProfile;
use domain::staff::{Role, StaffAccount, StaffSession};
use domain::time::{self, add_seconds};
use domain::{Timestamp, catalog::Department};
use kit::TABLE;
use lambda_http::http::{Method, Request};
use lambda_http::{Body, RequestExt};
use runtime::secrets::{Secret, StaffToken, StaffTokens};
use runtime::{Clock, Desk};
use serde_json::Value;
use std::sync::atomic::{AtomicU32, Ordering};
use store::Table;
use store::identity::{Identity, IdentityNonces};
use store::patients::{Registered, Registrar, Registration};
use store::registration::HoldRequest;
use store::seal::Keyring;
use web::Response;
use web::pass::PassKeys;
use web::session::{SessionSecret, cookie_name};
use web::view::Site;

const URL: &str = "https://desk.example.com";
/// Nine in the morning of a Monday.
pub(crate) const NOW: &str = "2026-11-23T01:00:00Z";
pub(crate) const TODAY: Date = date(2026, 11, 23);
/// A machine that may show screens and nothing else.
pub(crate) const SCREENS: &str = "token-of-the-television";

pub(crate) struct World {
    pub(crate) app: App,
    pub(crate) clock: Clock,
    pub(crate) clinic: Clinic,
    serial: AtomicU32,
}

/// Somebody of staff at a browser.
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    secret: SessionSecret,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: lambda_http::http::HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Answer {
    fn of(response: &Response) -> Self {
        let text = String::from_utf8(response.body().as_ref().to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or_default();
        Self { status: response.status().as_u16(), headers: response.headers().clone(), text, body }
    }

    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The numbers of a list of people.
    pub(crate) fn numbers(&self, list: &str) -> Vec<u64> {
        let people = self.body[list].as_array().unwrap_or_else(|| panic!("no {list}: {}", self.text));
        people.iter().map(|person| person["number"].as_u64().unwrap()).collect()
    }

    /// The number in the room of this index.
    pub(crate) fn in_room(&self, at: usize) -> Option<u64> {
        self.body["rooms"][at]["current"]["number"].as_u64()
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn site() -> Site {
    Site {
        public_url: URL.into(),
        hospital_name: String::new(),
        hospital_phone: String::new(),
        frame_ancestors: String::new(),
    }
}

impl World {
    /// A clinic of heart medicine: 9:00 and 9:30, five numbers each, free of charge.
    pub(crate) async fn open() -> Self {
        let clock = Clock::standing_at(at(NOW));
        let table = Table::new(kit::client(&kit::engine().await), TABLE);
        let profile = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/hospital/profile.json")).unwrap();
        let profile: HospitalProfile = serde_json::from_slice(&profile).unwrap();
        table.put_profile(&profile).await.unwrap();
        let app = App {
            desk: Desk::new(table, clock.clone(), URL),
            staff: Secret::fixed(tokens()),
            identity: Secret::fixed(keyring()),
            codes: Secret::fixed(codes()),
        };
        let clinic = Clinic { room: "201 诊室".into(), ..kit::clinic("XNK", TODAY, 0, at("2026-11-16T00:00:00Z")) };
        let world = Self { app, clock, clinic: clinic.clone(), serial: AtomicU32::new(1) };
        world.add(&clinic, &["0900", "0930"], 5).await;
        world
    }

    /// One more clinic, with slots of so many numbers.
    pub(crate) async fn add(&self, clinic: &Clinic, starts: &[&str], numbers: u16) {
        let mut first = 1;
        let mut slots = Vec::new();
        for start in starts {
            slots.push(Slot::fresh(clinic, start.parse().unwrap(), first, numbers));
            first += numbers;
        }
        let department = Department {
            id: clinic.department.clone(),
            name: clinic.department_name.clone(),
            parent: None,
            location: "门诊楼 3 层".into(),
            campus: clinic.campus.clone(),
            intro: String::new(),
        };
        self.table().put_department(&department).await.unwrap();
        assert!(self.table().put_schedule(clinic, &slots, &[]).await.unwrap().is_done());
    }

    pub(crate) fn table(&self) -> &Table {
        &self.app.desk.table
    }

    pub(crate) async fn profile(&self) -> HospitalProfile {
        self.table().profile().await.unwrap().unwrap()
    }

    pub(crate) fn later(&self, seconds: i64) {
        self.clock.set(add_seconds(self.clock.now(), seconds));
    }

    fn next(&self) -> u32 {
        self.serial.fetch_add(1, Ordering::SeqCst)
    }

    /// Somebody of staff signs in.
    pub(crate) async fn browser(&self, login: &str, roles: &[Role]) -> Browser {
        let account = StaffAccount {
            login: login.parse().unwrap(),
            name: "刘芳".into(),
            roles: roles.iter().copied().collect(),
            departments: std::collections::BTreeSet::new(),
            doctor: None,
            password: String::new(),
            must_change: false,
            disabled: false,
            sessions: 1,
            created_at: self.clock.now(),
            ver: 1,
        };
        assert!(self.table().create_staff_account(&account).await.unwrap().is_done());
        let secret = SessionSecret::from_random([u8::try_from(self.next()).unwrap(); 32]);
        let session = StaffSession::begin(&account, self.clock.now());
        self.table().put_staff_session(&secret.key(), &session).await.unwrap();
        Browser { secret }
    }

    /// The nurse.
    pub(crate) async fn nurse(&self) -> Browser {
        self.browser("nurse", &[Role::TriageNurse]).await
    }

    /// A person with a card, born on this day of the thirties or later.
    pub(crate) async fn person(&self, name: &str, document: &str, card: &str) -> PatientId {
        let serial = u8::try_from(self.next()).unwrap();
        let identity = Identity {
            name: PersonName::parse(name).unwrap(),
            document: IdDocument::parse(DocumentKind::ResidentId, document, TODAY).unwrap(),
            phone: Phone::parse("19900000001").unwrap(),
        };
        let registration = Registration {
            by: Registrar::Staff("setup".into()),
            patient: PatientId::from_bytes([serial; 10]),
            consent_version: "1".into(),
            at: self.clock.now(),
        };
        let nonces = IdentityNonces { name: [serial; 12], document: [serial; 12], phone: [serial; 12] };
        let registered = self.table().register(&keyring(), &identity, &nonces, &registration).await.unwrap();
        let (Registered::New(patient) | Registered::Linked(patient)) = registered else { panic!("not registered") };
        let no: CardNo = card.parse().unwrap();
        assert_eq!(self.table().create_card(&patient, &no).await.unwrap(), Some(no));
        patient
    }

    /// An invented person books on the phone.
    pub(crate) async fn book(&self, start: &str) -> Appointment {
        let serial = u8::try_from(self.next()).unwrap();
        self.book_for(&PatientId::from_bytes([serial; 10]), &self.clinic, start).await
    }

    /// Books for a person, in a clinic.
    pub(crate) async fn book_for(&self, patient: &PatientId, clinic: &Clinic, start: &str) -> Appointment {
        let serial = u8::try_from(self.next()).unwrap();
        let request = HoldRequest {
            appointment: AppointmentId::from_bytes([serial; 10]),
            booker: Booker::Account("o-lin".parse().unwrap()),
            patient: patient.clone(),
            patient_name_masked: "林*梅".into(),
            clinic: clinic.clone(),
            start: start.parse().unwrap(),
            channel: domain::clinic::Channel::Wechat,
            rest_min: 0,
            follow_up_of: None,
        };
        self.table().hold(&self.profile().await, &request, self.clock.now()).await.unwrap()
    }

    pub(crate) fn queue_path(&self) -> String {
        format!("/desk/clinics/{}", self.clinic.id)
    }

    pub(crate) async fn get(&self, browser: &Browser, path: &str) -> Answer {
        self.send(Method::GET, path, Some(browser), &[("accept", "application/json")], "").await
    }

    pub(crate) async fn page(&self, browser: &Browser, path: &str) -> Answer {
        self.send(Method::GET, path, Some(browser), &[("accept", "text/html")], "").await
    }

    /// Sends a form under a key of its own.
    pub(crate) async fn post(&self, browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_keyed(browser, path, fields, &format!("key-of-request-{:04}", self.next())).await
    }

    pub(crate) async fn post_keyed(&self, browser: &Browser, path: &str, fields: &[(&str, &str)], key: &str) -> Answer {
        let body = encoded(fields, key);
        let token = browser.secret.csrf_token();
        let headers = [("accept", "application/json"), ("x-csrf-token", token.as_str())];
        self.send(Method::POST, path, Some(browser), &headers, &body).await
    }

    /// Sends a form as a page without script does.
    pub(crate) async fn submit(&self, browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = browser.secret.csrf_token();
        let mut fields = fields.to_vec();
        fields.push(("csrf", token.as_str()));
        let body = encoded(&fields, &format!("key-of-request-{:04}", self.next()));
        self.send(Method::POST, path, Some(browser), &[("accept", "text/html")], &body).await
    }

    /// A deed in the queue.
    pub(crate) async fn deed(&self, browser: &Browser, deed: &str, more: &[(&str, &str)]) -> Answer {
        let mut fields = vec![("deed", deed), ("room", self.clinic.room.as_str())];
        fields.extend_from_slice(more);
        self.post(browser, &format!("{}/queue", self.queue_path()), &fields).await
    }

    pub(crate) async fn check_in(&self, browser: &Browser, who: &str) -> Answer {
        self.post(browser, &format!("{}/check-in", self.queue_path()), &[("who", who)]).await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        browser: Option<&Browser>,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("{URL}{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(browser) = browser {
            let set = browser.secret.staff_cookie(&site(), 60);
            assert!(set.starts_with(&cookie_name(&site(), "staff")));
            request = request.header("cookie", set.split(';').next().unwrap());
        }
        request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = request.body(Body::Text(body.to_owned())).unwrap();
        let response = handle(&self.app, request.with_raw_http_path(path.split('?').next().unwrap())).await.unwrap();
        Answer::of(&response)
    }

    /// What was done today, as `who what`.
    pub(crate) async fn deeds(&self) -> Vec<String> {
        let entries = self.table().audit_of(time::today(self.clock.now())).await.unwrap();
        entries.into_iter().map(|entry| format!("{} {}", entry.who, entry.what)).collect()
    }
}

fn encoded(fields: &[(&str, &str)], key: &str) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields).append_pair("idempotency_key", key);
    form.finish()
}

fn tokens() -> StaffTokens {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, SCREENS.as_bytes());
    let sha256 = runtime::random::hex(digest.as_ref());
    StaffTokens { tokens: vec![StaffToken { name: "television".into(), sha256, scopes: vec!["screens".into()] }] }
}

/// What signs the codes of desks.
pub(crate) fn codes() -> PassKeys {
    PassKeys::parse(&[STANDARD.encode([3; 32])]).unwrap()
}

pub(crate) fn keyring() -> Keyring {
    let key = |byte: u8| STANDARD.encode([byte; 32]);
    Keyring::from_secret(&format!(r#"{{"current":1,"keys":{{"1":{{"seal":"{}","index":"{}"}}}}}}"#, key(1), key(2)))
        .unwrap()
}
