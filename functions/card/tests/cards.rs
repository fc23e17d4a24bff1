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
use domain::cards::{CLAIMS_PER_CARD_MAX, CODE_TRIES_MAX, CODES_PER_PERSON_MAX, Issuer};
use domain::civil::date;
use domain::id::{OpenId, PatientId};
use domain::person::{DocumentKind, IdDocument, PersonName, Phone};
use domain::profile::HospitalProfile;
use domain::time::add_seconds;
use kit::StandIn;
use runtime::secrets::{HisAccount, Secret, SmsAccount};
use runtime::{Clock, Desk, errands};
use serde_json::{Value, json};
use std::path::PathBuf;
use store::account::{PROOFS_MAX, Relation};
use store::cards::{Errand, Stage, Wish};
use store::identity::{Identity, IdentityNonces, SealedIdentity};
use store::patients::{Registered, Registrar, Registration};
use store::seal::Keyring;
use store::signin::Session;
use web::session::SessionSecret;

const URL: &str = "http://127.0.0.1:8000";
const KEYS: &str = r#"{"current":1,"keys":{"1":{"seal":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "index":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}}}"#;
const NUMBER: &str = "11010519491231002X";
/// Another person's.
const OTHER: &str = "110101200002290018";
const PHONE: &str = "19900000001";
const OLD_PHONE: &str = "19900000002";
const CARD: &str = "V20180031";

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

/// A folder of a test's own.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("card-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The card function between a table, a HIS and an SMS service of its own. Their clock is this machine's, and so is ours.
struct World {
    app: App,
    his: StandIn,
    sms: StandIn,
    folder: PathBuf,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn his_account(his: &StandIn) -> HisAccount {
    let config = his.config();
    let keys = his::Keys::new(config["app_id"].as_str().unwrap(), &[config["key"].as_str().unwrap().to_owned()]);
    HisAccount { client: his::SignedJson::new(&his.url, keys.unwrap()).unwrap() }
}

fn sms_account(sms: &StandIn) -> SmsAccount {
    let config = sms.config();
    let text = |name: &str| config[name].as_str().unwrap().to_owned();
    let account = sms::TencentAccount {
        secret_id: text("secret_id"),
        secret_key: sms::SecretKey::new(text("secret_key")),
        sdk_app_id: text("sdk_app_id"),
        region: text("region"),
    };
    SmsAccount { client: sms::TencentSms::new(&sms.url, account).unwrap() }
}

fn profile(issuer: Issuer) -> HospitalProfile {
    let mut profile: HospitalProfile =
        serde_json::from_str(include_str!("../../../infra/hospital/profile.json")).unwrap();
    profile.cards.issuer = issuer;
    let sms = json!({ "signature": "云杉市人民医院", "templates": {}, "code_template_id": "2000009" });
    profile.messages.sms = serde_json::from_value(sms).unwrap();
    profile
}

impl World {
    /// The hospital knows one card: its holder 李梅, with an older phone.
    async fn of(name: &str, issuer: Issuer) -> Self {
        let folder = folder(name);
        let his = StandIn::start("his", &folder.join("his"), &[]).await;
        let sms = StandIn::start("sms", &folder.join("sms"), &[]).await;
        let now: Timestamp = his.get("clock").await["now"].as_str().unwrap().parse().unwrap();
        let desk = Desk::new(kit::table().await, Clock::standing_at(now), URL);
        desk.table.put_profile(&profile(issuer)).await.unwrap();
        let (his_account, sms_account) = (Secret::fixed(his_account(&his)), Secret::fixed(sms_account(&sms)));
        let app = App { desk, identity: Secret::fixed(keys()), his: his_account, sms: sms_account };
        let world = Self { app, his, sms, folder };
        let holder = identity(DocumentKind::ResidentId, NUMBER, OLD_PHONE);
        let holder = SealedIdentity::seal(&keys(), &holder, &nonces(9)).unwrap();
        world.app.desk.table.put_hospital_card(&CARD.parse().unwrap(), holder).await.unwrap();
        world.add("李梅", NUMBER, OLD_PHONE, &[CARD]).await;
        world
    }

    async fn add(&self, name: &str, number: &str, phone: &str, cards: &[&str]) -> Value {
        let cards: Vec<_> = cards.iter().map(|no| json!({ "card_no": no })).collect();
        let documents = json!([{ "kind": "01", "number": number }]);
        self.his.post("persons", json!({ "name": name, "documents": documents, "phone": phone, "cards": cards })).await
    }

    fn now(&self) -> Timestamp {
        self.app.desk.clock.now()
    }

    /// The last code that reached a phone.
    async fn code(&self, phone: &str) -> String {
        let messages = self.sms.get(&format!("messages?phone={phone}")).await;
        let text =
            messages["messages"].as_array().unwrap().last().expect("a message")["text"].as_str().unwrap().to_owned();
        text.chars().filter(char::is_ascii_digit).take(6).collect()
    }

    async fn messages(&self, phone: &str) -> usize {
        self.sms.get(&format!("messages?phone={phone}")).await["messages"].as_array().unwrap().len()
    }

    /// What the HIS was asked, without the numbers that differ.
    async fn calls(&self) -> Vec<String> {
        let calls = self.his.get("calls").await;
        calls["calls"].as_array().unwrap().iter().map(|call| call["path"].as_str().unwrap().to_owned()).collect()
    }
}

/// Somebody signed in, registered with a document.
struct Reader<'a> {
    world: &'a World,
    secret: SessionSecret,
    patient: PatientId,
}

impl<'a> Reader<'a> {
    async fn of(world: &'a World, seed: u8, kind: DocumentKind, number: &str) -> Self {
        let account: OpenId = format!("o{seed}").parse().unwrap();
        let registration = Registration {
            by: Registrar::Account { account: account.clone(), relation: Relation::Oneself },
            patient: PatientId::from_bytes([seed; 10]),
            consent_version: "1".into(),
            at: world.now(),
        };
        let secret = SessionSecret::from_random([seed; 32]);
        let session = Session { account, expires_at: add_seconds(world.now(), 60) };
        let table = &world.app.desk.table;
        table.put_session(&secret.key(), &session).await.unwrap();
        let identity = identity(kind, number, PHONE);
        let registered = table.register(&keys(), &identity, &nonces(seed), &registration).await.unwrap();
        let (Registered::New(patient) | Registered::Linked(patient)) = registered else { panic!("not registered") };
        Self { world, secret, patient }
    }

    /// Status and JSON.
    async fn send(&self, method: &str, below: &str, fields: &[(&str, &str)]) -> (u16, Value) {
        self.send_about(&self.patient, method, below, fields).await
    }

    async fn send_about(
        &self,
        patient: &PatientId,
        method: &str,
        below: &str,
        fields: &[(&str, &str)],
    ) -> (u16, Value) {
        let url = format!("{URL}/patients/{patient}/card{below}");
        let request = kit::form(&self.secret, method, &url, "application/json", fields);
        let response = handle(&self.world.app, request).await.unwrap();
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
    }

    /// Binds the hospital's card, with changes to what is typed.
    async fn bind(&self, changes: &[(&str, &str)]) -> (u16, Value) {
        let mut fields =
            vec![("card", CARD), ("name", "李梅"), ("document_kind", "01"), ("document", NUMBER), ("phone", OLD_PHONE)];
        fields.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        fields.extend_from_slice(changes);
        self.send("POST", "/bind", &fields).await
    }
}

fn code(answer: &(u16, Value)) -> &str {
    answer.1["error"]["code"].as_str().unwrap_or_default()
}

/// What the page of the card says.
fn card_of(answer: &(u16, Value)) -> (Option<&str>, bool, Option<&str>) {
    let text = |name: &str| answer.1[name].as_str();
    (text("card"), answer.1["pending"].as_bool().unwrap(), text("code_sent_to"))
}

#[tokio::test]
async fn a_digital_card_of_the_desk_is_made_once() {
    let world = World::of("desk", Issuer::Menzhen).await;
    let reader = Reader::of(&world, 1, DocumentKind::ResidentId, OTHER).await;
    assert!(reader.send("GET", "", &[]).await.1["card"].is_null());
    let made = reader.send("POST", "", &[]).await;
    assert_eq!(made.0, 200);
    assert!(made.1["card"].as_str().unwrap().starts_with('D'));
    assert_eq!(reader.send("POST", "", &[]).await.1, made.1);
    assert_eq!(reader.send("GET", "", &[]).await.1, made.1);
    assert!(world.calls().await.is_empty());
}

#[tokio::test]
async fn a_person_and_a_card_are_made_in_the_his_once() {
    let world = World::of("issued", Issuer::His).await;
    let reader = Reader::of(&world, 1, DocumentKind::ResidentId, OTHER).await;
    let made = reader.send("POST", "", &[]).await;
    let (card, ..) = card_of(&made);
    assert!(card.unwrap().starts_with('E'));
    assert_eq!(reader.send("POST", "", &[]).await, made);
    let persons = world.his.get("persons").await;
    let known: Vec<_> =
        persons["persons"].as_array().unwrap().iter().filter(|person| person["phone"] == PHONE).collect();
    assert_eq!((known.len(), known[0]["cards"].as_array().unwrap().len()), (1, 1));
}

/// Whatever call of the HIS fails, before or after the deed: there is one person and one card in the end.
#[tokio::test]
async fn a_card_is_made_once_whatever_fails() {
    let paths = ["person-find", "person-create", "person-posted", "card-create"];
    for (number, path) in paths.iter().enumerate() {
        for kind in ["fail_before", "fail_after", "forged"] {
            let world = World::of(&format!("fault-{number}-{kind}"), Issuer::His).await;
            let reader = Reader::of(&world, 1, DocumentKind::ResidentId, OTHER).await;
            world.his.post("faults", json!({ "path": format!("/his/v1/{path}"), "kind": kind })).await;
            let first = reader.send("POST", "", &[]).await;
            assert_eq!((first.0, card_of(&first).1), (200, true), "{path} {kind}: it is under way");
            let made = reader.send("POST", "", &[]).await;
            assert!(card_of(&made).0.is_some_and(|no| no.starts_with('E')), "{path} {kind}");
            let persons = world.his.get("persons").await;
            let all = persons["persons"].as_array().unwrap();
            let cards: usize = all.iter().map(|person| person["cards"].as_array().unwrap().len()).sum();
            assert_eq!((all.len(), cards), (2, 2), "{path} {kind}");
        }
    }
}

#[tokio::test]
async fn while_the_his_is_down_the_card_is_under_way() {
    let world = World::of("down", Issuer::His).await;
    let reader = Reader::of(&world, 1, DocumentKind::ResidentId, OTHER).await;
    world.his.post("down", json!({ "on": true })).await;
    let asked = reader.send("POST", "", &[]).await;
    assert_eq!(card_of(&asked), (None, true, None));
    world.his.post("down", json!({ "on": false })).await;
    assert!(card_of(&reader.send("POST", "", &[]).await).0.is_some());
}

#[tokio::test]
async fn whom_the_his_knows_gets_nothing_without_the_code() {
    let world = World::of("known", Issuer::His).await;
    world.add("李梅", OTHER, PHONE, &["V1", "V2"]).await;
    let reader = Reader::of(&world, 1, DocumentKind::ResidentId, OTHER).await;
    let asked = reader.send("POST", "", &[]).await;
    assert_eq!(card_of(&asked), (None, false, Some("199****0001")));
    assert_eq!(code(&reader.send("POST", "/code", &[("code", "000")]).await), "wrong_code");
    let proven = reader.send("POST", "/code", &[("code", &world.code(PHONE).await)]).await;
    assert_eq!(card_of(&proven), (Some("V1"), false, None));
    assert_eq!(proven.1["cards"], json!(["V1", "V2"]));
    let other = reader.send("POST", "/main", &[("card", "V2")]).await;
    assert_eq!(other.1["card"], "V2");
    assert_eq!(reader.send("POST", "/main", &[("card", CARD)]).await.0, 404, "somebody else's");
}

#[tokio::test]
async fn whom_the_his_knows_by_another_phone_goes_to_the_window() {
    let world = World::of("phone", Issuer::His).await;
    let reader = Reader::of(&world, 1, DocumentKind::ResidentId, NUMBER).await;
    assert_eq!(code(&reader.send("POST", "", &[]).await), "needs_window");
    assert_eq!(world.messages(OLD_PHONE).await, 0);
}

#[tokio::test]
async fn a_card_of_the_hospital_is_bound_by_the_code_alone() {
    let world = World::of("bound", Issuer::His).await;
    let reader = Reader::of(&world, 1, DocumentKind::ResidentId, NUMBER).await;
    let claimed = reader.bind(&[("card", "v2018 0031")]).await;
    assert_eq!((claimed.0, card_of(&claimed)), (200, (None, false, Some("199****0002"))));
    let sent = world.code(OLD_PHONE).await;
    let bound = reader.send("POST", "/code", &[("code", &sent)]).await;
    assert_eq!((bound.0, card_of(&bound)), (200, (Some(CARD), false, None)));
    assert_eq!(code(&reader.send("POST", "/code", &[("code", &sent)]).await), "code_over", "good once");
    assert_eq!(reader.bind(&[]).await, bound, "a repeat");
    assert_eq!(reader.send("POST", "", &[]).await, bound, "whoever has a card keeps it");
    assert!(world.calls().await.contains(&"/his/v1/card-bind".to_owned()));
}

#[tokio::test]
async fn while_the_his_is_down_its_list_says_whose_a_card_is() {
    let world = World::of("list", Issuer::His).await;
    let reader = Reader::of(&world, 1, DocumentKind::ResidentId, NUMBER).await;
    world.his.post("down", json!({ "on": true })).await;
    assert_eq!(code(&reader.bind(&[("phone", PHONE)]).await), "not_proven");
    assert_eq!(reader.bind(&[]).await.0, 200);
    let bound = reader.send("POST", "/code", &[("code", &world.code(OLD_PHONE).await)]).await;
    assert_eq!(card_of(&bound).0, Some(CARD));
}

#[tokio::test]
async fn a_code_is_good_for_three_tries_of_one_account() {
    let world = World::of("tries", Issuer::His).await;
    let reader = Reader::of(&world, 1, DocumentKind::ResidentId, NUMBER).await;
    assert_eq!(code(&reader.send("POST", "/code", &[("code", "123456")]).await), "code_over", "none was sent");
    reader.bind(&[]).await;
    let sent = world.code(OLD_PHONE).await;
    let other = Reader::of(&world, 2, DocumentKind::TaiwanPermit, "01234567").await;
    assert_eq!(code(&other.send("POST", "/code", &[("code", &sent)]).await), "code_over");
    for _ in 0..CODE_TRIES_MAX {
        assert_eq!(code(&reader.send("POST", "/code", &[("code", "12345")]).await), "wrong_code");
    }
    assert_eq!(code(&reader.send("POST", "/code", &[("code", &sent)]).await), "code_over");
    for _ in 1..CODES_PER_PERSON_MAX {
        assert_eq!(reader.bind(&[]).await.0, 200);
    }
    assert_eq!(code(&reader.bind(&[]).await), "too_many_codes");
    assert_eq!(world.messages(OLD_PHONE).await, usize::try_from(CODES_PER_PERSON_MAX).unwrap());
}

/// Same words, same calls outside, whatever differs and whether there is such a card or not (E73).
#[tokio::test]
async fn whatever_differs_the_way_and_the_answer_are_the_same() {
    let world = World::of("alike", Issuer::His).await;
    let reader = Reader::of(&world, 1, DocumentKind::ResidentId, NUMBER).await;
    let asked = async |change: (&str, &str)| {
        let before = world.calls().await.len();
        let answer = reader.bind(&[change]).await;
        (answer, world.calls().await.split_off(before))
    };
    let first = asked(("card", "V9")).await;
    assert_eq!((first.0.0, code(&first.0)), (409, "not_proven"));
    assert_eq!(first.1, ["/his/v1/person-find"]);
    for change in [("name", "王芳"), ("phone", PHONE), ("document", OTHER)] {
        assert_eq!(asked(change).await, first, "{change:?}");
    }
    assert_eq!((world.messages(PHONE).await, world.messages(OLD_PHONE).await), (0, 0));
    assert_eq!(code(&reader.bind(&[("phone", "")]).await), "bad_form");
}

#[tokio::test]
async fn a_name_that_computers_lose_goes_to_the_window() {
    let world = World::of("rare", Issuer::His).await;
    world.add("李?", OTHER, PHONE, &["V7"]).await;
    let reader = Reader::of(&world, 1, DocumentKind::ResidentId, OTHER).await;
    let typed = [("card", "V7"), ("document", OTHER), ("phone", PHONE)];
    assert_eq!(code(&reader.bind(&typed).await), "needs_window");
}

#[tokio::test]
async fn a_card_is_not_bound_to_somebody_else() {
    let world = World::of("else", Issuer::His).await;
    let other = Reader::of(&world, 2, DocumentKind::TaiwanPermit, "01234567").await;
    assert_eq!(code(&other.bind(&[]).await), "not_proven", "all is right, but they are not the holder");
    assert!(other.send("GET", "", &[]).await.1["card"].is_null());
}

#[tokio::test]
async fn proofs_are_limited() {
    let world = World::of("limited", Issuer::His).await;
    let reader = Reader::of(&world, 1, DocumentKind::ResidentId, NUMBER).await;
    for _ in 0..PROOFS_MAX {
        assert_eq!(code(&reader.bind(&[("card", "V9")]).await), "not_proven");
    }
    assert_eq!(code(&reader.bind(&[]).await), "too_many_proofs");
}

/// However many accounts try: a card has an end to it.
#[tokio::test]
async fn claims_to_a_card_are_limited() {
    let world = World::of("claims", Issuer::His).await;
    let (no, now) = (CARD.parse().unwrap(), world.now());
    let day = domain::time::today(now);
    for _ in 0..CLAIMS_PER_CARD_MAX {
        assert!(world.app.desk.table.take_claim_to(&no, day, now).await.unwrap());
    }
    let reader = Reader::of(&world, 1, DocumentKind::ResidentId, NUMBER).await;
    assert_eq!(code(&reader.bind(&[]).await), "not_proven");
}

#[tokio::test]
async fn who_needs_the_window_gets_no_digital_card() {
    let world = World::of("window", Issuer::His).await;
    let reader = Reader::of(&world, 1, DocumentKind::BirthCertificate, "Q110000001").await;
    assert_eq!(code(&reader.send("POST", "", &[]).await), "needs_window");
}

#[tokio::test]
async fn without_a_link_a_person_does_not_exist() {
    let world = World::of("link", Issuer::His).await;
    let reader = Reader::of(&world, 1, DocumentKind::ResidentId, NUMBER).await;
    let stranger = Reader::of(&world, 2, DocumentKind::TaiwanPermit, "01234567").await;
    let nobody = PatientId::from_bytes([7; 10]);
    for route in &ROUTES {
        let below = route.path.trim_start_matches("/patients/{patient}/card");
        let known = stranger.send_about(&reader.patient, route.method.as_str(), below, &[]).await;
        assert_eq!((known.0, code(&known)), (404, "not_found"), "{}", route.path);
        assert_eq!(known, stranger.send_about(&nobody, route.method.as_str(), below, &[]).await);
    }
}

/// A child without a document of its own is known by its guardian: nobody is made twice.
#[tokio::test]
async fn a_child_is_known_by_its_guardian() {
    let world = World::of("child", Issuer::His).await;
    let parent = Reader::of(&world, 1, DocumentKind::ResidentId, OTHER).await;
    let guardian = json!({ "name": "李梅", "document": { "kind": "01", "number": OTHER } });
    let child = json!({ "name": "李梅", "documents": [], "guardian": guardian, "cards": [{ "card_no": "V8" }] });
    let held = world.his.post("persons", child).await;
    let registration = Registration {
        by: Registrar::Account { account: "o1".parse().unwrap(), relation: Relation::Family },
        patient: PatientId::from_bytes([5; 10]),
        consent_version: "1".into(),
        at: world.now(),
    };
    let table = &world.app.desk.table;
    let paper = identity(DocumentKind::BirthCertificate, "Q110000001", PHONE);
    table.register(&keys(), &paper, &nonces(5), &registration).await.unwrap();
    let his = his_account(&world.his);
    for proven in [false, true] {
        let errand = Errand::new(registration.patient.clone(), Wish::Card, None, proven, world.now());
        let errand = table.begin_errand(&errand).await.unwrap();
        let after = errands::follow(&world.app.desk, &his.client, &keys(), errand, world.now()).await.unwrap();
        let expected = if proven { Stage::Done } else { Stage::NeedsProof };
        assert_eq!(after.stage, expected);
        assert_eq!(after.person.is_some_and(|no| held["person_no"] == no.as_str()), proven);
    }
    assert_ne!(parent.patient, registration.patient);
}
