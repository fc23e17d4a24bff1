//! A desk with people whose results come in, and a machine that sends them.

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;
use domain::id::{CardNo, PatientId};
use domain::person::{IdDocument, PersonName, Phone};
use domain::profile::HospitalProfile;
use lambda_http::http::HeaderMap;
use lambda_http::{Body, Request};
use result_notify::{App, handle};
use runtime::secrets::Secret;
use runtime::{Clock, Desk};
use std::sync::atomic::{AtomicU64, Ordering};
use store::Table;
use store::identity::{Identity, IdentityNonces};
use store::patients::{Registrar, Registration};
use store::seal::Keyring;
use web::StatusCode;

const MACHINE_KEY: [u8; 32] = [9; 32];
pub const MACHINE: &str = "menzhen-test";

pub fn now() -> Timestamp {
    "2026-11-25T09:00:00+08:00".parse().unwrap()
}

pub fn keys() -> Keyring {
    let key = STANDARD.encode([1; 32]);
    let json = serde_json::json!({"current": 1, "keys": {"1": {"seal": key, "index": key}}});
    Keyring::from_secret(&json.to_string()).unwrap()
}

pub fn profile() -> HospitalProfile {
    serde_json::from_str(include_str!("../../../../infra/hospital/profile.json")).unwrap()
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    /// MSA-1 of every acknowledgement.
    pub fn codes(&self) -> Vec<String> {
        let body = results::hl7::frame::read(&self.bytes).unwrap();
        let code = |message: &results::hl7::message::Message| message.segments[1].text(1, 1).to_owned();
        body.messages.iter().map(|message| code(message.as_ref().unwrap())).collect()
    }
}

/// A request before it is signed.
pub struct Sending<'a> {
    pub path: &'a str,
    pub content_type: &'a str,
    pub body: &'a [u8],
    pub nonce: Option<&'a str>,
    pub at: Timestamp,
    pub app: &'a str,
    pub key: [u8; 32],
}

impl<'a> Sending<'a> {
    pub fn of(path: &'a str, content_type: &'a str, body: &'a [u8]) -> Self {
        Self { path, content_type, body, nonce: None, at: now(), app: MACHINE, key: MACHINE_KEY }
    }
}

pub struct World {
    pub app: App,
    pub keys: Keyring,
    nonces: AtomicU64,
}

impl World {
    pub async fn new() -> Self {
        Self::on(kit::table().await).await
    }

    pub async fn on(table: Table) -> Self {
        table.put_profile(&profile()).await.unwrap();
        Self::with(table)
    }

    /// On a table that has its profile already.
    pub fn with(table: Table) -> Self {
        let desk = Desk::new(table, Clock::standing_at(now()), "https://desk.example.com");
        let machine = his::Keys::new(MACHINE, &[STANDARD.encode(MACHINE_KEY)]).unwrap();
        let app = App { desk, identity: Secret::fixed(keys()), machine: Secret::fixed(machine) };
        Self { app, keys: keys(), nonces: AtomicU64::new(0) }
    }

    pub fn table(&self) -> &Table {
        &self.app.desk.table
    }

    /// A person with a hospital card bound to them.
    pub async fn person(&self, n: u8, name: &str, card: &str) -> PatientId {
        let patient = self.register(n, name).await;
        self.bind(&patient, card).await;
        patient
    }

    pub async fn register(&self, n: u8, name: &str) -> PatientId {
        let document = IdDocument::passport("GBR", &format!("P{n:07}")).unwrap();
        let phone = Phone::parse(&format!("138000000{n:02}")).unwrap();
        let identity = Identity { name: PersonName::parse(name).unwrap(), document, phone };
        let nonces = IdentityNonces { name: [n; 12], document: [n; 12], phone: [n; 12] };
        let patient = PatientId::from_bytes([n; 10]);
        let registration = Registration {
            by: Registrar::Staff("window".into()),
            patient: patient.clone(),
            consent_version: "1".into(),
            at: now(),
        };
        self.table().register(&self.keys, &identity, &nonces, &registration).await.unwrap();
        patient
    }

    /// Binds a card the hospital has issued.
    pub async fn bind(&self, patient: &PatientId, card: &str) {
        let card: CardNo = card.parse().unwrap();
        let found = self.table().patient(patient).await.unwrap().unwrap();
        self.table().put_hospital_card(&card, found.identity).await.unwrap();
        assert!(self.table().bind_card(patient, &card).await.unwrap());
    }

    pub async fn send(&self, sending: &Sending<'_>) -> Answer {
        let fresh = format!("{:032x}", self.nonces.fetch_add(1, Ordering::Relaxed));
        let nonce = sending.nonce.unwrap_or(&fresh);
        let hash = hex(digest::digest(&digest::SHA256, sending.body).as_ref());
        let text = format!("POST\n{}\n{}\n{nonce}\n{hash}", sending.path, sending.at.as_second());
        let key = hmac::Key::new(hmac::HMAC_SHA256, &sending.key);
        let signature = hex(hmac::sign(&key, text.as_bytes()).as_ref());
        self.send_signed(sending, nonce, &signature).await
    }

    pub async fn send_signed(&self, sending: &Sending<'_>, nonce: &str, signature: &str) -> Answer {
        let request = Request::new(Body::Binary(sending.body.to_vec()));
        let (mut parts, body) = request.into_parts();
        parts.method = lambda_http::http::Method::POST;
        parts.uri = format!("https://desk.example.com{}", sending.path).parse().unwrap();
        let timestamp = sending.at.as_second().to_string();
        for (name, value) in [
            ("content-type", sending.content_type),
            ("x-his-app", sending.app),
            ("x-his-timestamp", timestamp.as_str()),
            ("x-his-nonce", nonce),
            ("x-his-signature", signature),
        ] {
            parts.headers.insert(name, value.parse().unwrap());
        }
        let response = handle(&self.app, Request::from_parts(parts, body)).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer { status: parts.status, headers: parts.headers, bytes: body.to_vec() }
    }

    pub async fn hl7(&self, body: &[u8]) -> Answer {
        self.send(&Sending::of("/results/hl7v2", "application/hl7-v2", body)).await
    }

    pub async fn fhir(&self, body: &[u8]) -> Answer {
        self.send(&Sending::of("/results/fhir", "application/fhir+json", body)).await
    }

    pub async fn front_end(&self, content_type: &str, body: &[u8]) -> Answer {
        self.send(&Sending::of("/results/front-end", content_type, body)).await
    }
}

fn hex(bytes: &[u8]) -> String {
    runtime::random::hex(bytes)
}
