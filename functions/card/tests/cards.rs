//! Making and binding visit cards, against a real engine of the table.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use card::{App, ROUTES, handle};
use domain::Timestamp;
use domain::civil::date;
use domain::id::{OpenId, PatientId};
use domain::person::{DocumentKind, IdDocument, PersonName, Phone};
use domain::time::add_seconds;
use lambda_http::Body;
use lambda_http::http::{Request, header};
use runtime::secrets::Secret;
use runtime::{Clock, Desk};
use store::account::{PROOFS_MAX, Relation};
use store::patients::{Identity, IdentityNonces, Registered, Registrar, Registration, SealedIdentity};
use store::seal::Keyring;
use store::signin::Session;
use web::session::SessionSecret;

const URL: &str = "http://127.0.0.1:8000";
const KEYS: &str = r#"{"current":1,"keys":{"1":{"seal":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "index":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}}}"#;
const NUMBER: &str = "11010519491231002X";
const PHONE: &str = "19900000001";
const OLD_PHONE: &str = "19900000002";
const CARD: &str = "V20180031";

fn now() -> Timestamp {
    "2026-11-22T02:00:00Z".parse().unwrap()
}

fn keys() -> Keyring {
    Keyring::from_secret(KEYS).unwrap()
}

fn nonces(seed: u8) -> IdentityNonces {
    IdentityNonces { name: [seed; 12], document: [seed; 12], phone: [seed; 12] }
}

fn identity(kind: DocumentKind, number: &str, phone: &str) -> Identity {
    let document = IdDocument::parse(kind, number, date(2026, 11, 22)).unwrap();
    Identity { name: PersonName::parse("李梅").unwrap(), document, phone: Phone::parse(phone).unwrap() }
}

async fn app() -> App {
    let desk = Desk::new(kit::table().await, Clock::standing_at(now()), URL);
    let app = App { desk, identity: Secret::fixed(keys()) };
    // What the hospital has on file: an older phone.
    let holder = identity(DocumentKind::ResidentId, NUMBER, OLD_PHONE);
    let holder = SealedIdentity::seal(&keys(), &holder, &nonces(9)).unwrap();
    app.desk.table.put_hospital_card(&CARD.parse().unwrap(), holder).await.unwrap();
    app
}

/// Somebody signed in, registered with a document.
struct Reader<'a> {
    app: &'a App,
    secret: SessionSecret,
    patient: PatientId,
}

impl<'a> Reader<'a> {
    async fn of(app: &'a App, seed: u8, kind: DocumentKind, number: &str) -> Self {
        let account: OpenId = format!("o{seed}").parse().unwrap();
        let registration = Registration {
            by: Registrar::Account { account: account.clone(), relation: Relation::Oneself },
            patient: PatientId::from_bytes([seed; 10]),
            consent_version: "1".into(),
            at: now(),
        };
        let secret = SessionSecret::from_random([seed; 32]);
        let session = Session { account, expires_at: add_seconds(now(), 60) };
        app.desk.table.put_session(&secret.key(), &session).await.unwrap();
        let identity = identity(kind, number, PHONE);
        let registered = app.desk.table.register(&keys(), &identity, &nonces(seed), &registration).await.unwrap();
        let (Registered::New(patient) | Registered::Linked(patient)) = registered else { panic!("not registered") };
        Self { app, secret, patient }
    }

    /// Status and JSON.
    async fn send(&self, method: &str, below: &str, fields: &[(&str, &str)]) -> (u16, serde_json::Value) {
        self.send_about(&self.patient, method, below, fields).await
    }

    async fn send_about(
        &self,
        patient: &PatientId,
        method: &str,
        below: &str,
        fields: &[(&str, &str)],
    ) -> (u16, serde_json::Value) {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields).append_pair("csrf", self.secret.csrf_token().as_str());
        let site = web::view::Site {
            public_url: URL.into(),
            hospital_name: String::new(),
            hospital_phone: String::new(),
            frame_ancestors: String::new(),
        };
        let cookie = self.secret.cookie(&site, 60);
        let request = Request::builder()
            .method(method)
            .uri(format!("{URL}/patients/{patient}/card{below}"))
            .header(header::COOKIE, cookie.split(';').next().unwrap())
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::Text(body.finish()))
            .unwrap();
        let response = handle(self.app, request).await.unwrap();
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
    }

    /// Binds the hospital's card, with changes to what is typed.
    async fn bind(&self, changes: &[(&str, &str)]) -> (u16, serde_json::Value) {
        let mut fields =
            vec![("card", CARD), ("name", "李梅"), ("document_kind", "01"), ("document", NUMBER), ("phone", OLD_PHONE)];
        fields.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        fields.extend_from_slice(changes);
        self.send("POST", "/bind", &fields).await
    }
}

fn code(answer: &(u16, serde_json::Value)) -> &str {
    answer.1["error"]["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_digital_card_is_made_once() {
    let app = app().await;
    let reader = Reader::of(&app, 1, DocumentKind::ResidentId, NUMBER).await;
    assert!(reader.send("GET", "", &[]).await.1["card"].is_null());
    let made = reader.send("POST", "", &[]).await;
    assert_eq!(made.0, 200);
    assert!(made.1["card"].as_str().unwrap().starts_with('D'));
    assert_eq!(reader.send("POST", "", &[]).await.1, made.1);
    assert_eq!(reader.send("GET", "", &[]).await.1, made.1);
    assert_eq!(code(&reader.bind(&[]).await), "has_card");
}

#[tokio::test]
async fn a_card_of_the_hospital_is_bound_to_its_holder() {
    let app = app().await;
    let reader = Reader::of(&app, 1, DocumentKind::ResidentId, NUMBER).await;
    let bound = reader.bind(&[("card", "v2018 0031")]).await;
    assert_eq!((bound.0, bound.1["card"].as_str()), (200, Some(CARD)));
    assert_eq!(reader.bind(&[]).await, bound, "a repeat");
    assert_eq!(reader.send("POST", "", &[]).await, bound, "whoever has a card keeps it");
}

#[tokio::test]
async fn whatever_differs_the_answer_is_the_same() {
    let app = app().await;
    let reader = Reader::of(&app, 1, DocumentKind::ResidentId, NUMBER).await;
    let first = reader.bind(&[("card", "V9")]).await;
    assert_eq!((first.0, code(&first)), (409, "not_proven"));
    for change in [("name", "王芳"), ("phone", PHONE), ("document", "110101200002290018")] {
        let other = reader.bind(&[change]).await;
        assert_eq!(other, first, "{change:?}");
    }
    assert_eq!(code(&reader.bind(&[("phone", "")]).await), "bad_form");
}

#[tokio::test]
async fn a_card_is_not_bound_to_somebody_else() {
    let app = app().await;
    let other = Reader::of(&app, 2, DocumentKind::TaiwanPermit, "01234567").await;
    assert_eq!(code(&other.bind(&[]).await), "not_proven", "all is right, but they are not the holder");
    assert!(other.send("GET", "", &[]).await.1["card"].is_null());
}

#[tokio::test]
async fn proofs_are_limited() {
    let app = app().await;
    let reader = Reader::of(&app, 1, DocumentKind::ResidentId, NUMBER).await;
    for _ in 0..PROOFS_MAX {
        assert_eq!(code(&reader.bind(&[("card", "V9")]).await), "not_proven");
    }
    assert_eq!(code(&reader.bind(&[]).await), "too_many_proofs");
}

#[tokio::test]
async fn who_needs_the_window_gets_no_digital_card() {
    let app = app().await;
    let reader = Reader::of(&app, 1, DocumentKind::BirthCertificate, "Q110000001").await;
    assert_eq!(code(&reader.send("POST", "", &[]).await), "needs_window");
}

#[tokio::test]
async fn without_a_link_a_person_does_not_exist() {
    let app = app().await;
    let reader = Reader::of(&app, 1, DocumentKind::ResidentId, NUMBER).await;
    let stranger = Reader::of(&app, 2, DocumentKind::TaiwanPermit, "01234567").await;
    let nobody = PatientId::from_bytes([7; 10]);
    for route in &ROUTES {
        let (method, below) = (route.method.as_str(), if route.path.ends_with("bind") { "/bind" } else { "" });
        let known = stranger.send_about(&reader.patient, method, below, &[]).await;
        assert_eq!((known.0, code(&known)), (404, "not_found"), "{}", route.path);
        assert_eq!(known, stranger.send_about(&nobody, method, below, &[]).await);
    }
}
