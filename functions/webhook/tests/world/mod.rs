//! A hospital with its table in memory, and WeChat's side of the cipher, written apart from the code under test.

use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use domain::Timestamp;
use domain::appointment::{Appointment, Booker, State};
use domain::clinic::Slot;
use domain::id::{AppointmentId, PatientId};
use kit::TABLE;
use lambda_http::http::{Method, Request};
use lambda_http::{Body, RequestExt};
use runtime::secrets::{Secret, WechatAccount};
use runtime::{Clock, Desk};
use std::sync::Mutex;
use std::time::Duration;
use store::Table;
use store::account::{Link, Relation};
use store::key::Key;
use store::registration::HoldRequest;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use webhook::{App, handle};
use wechat::api::AppSecret;
use wechat::callback::{AesKey, Callback, Mode};
use wechat::scene::SceneKey;

pub(crate) const NOW_S: i64 = 1_795_320_000;
pub(crate) const APP_ID: &str = "wx00000000000000ff";
pub(crate) const FOLLOWER: &str = "o-follower";
pub(crate) const KEY: &str = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR";
pub(crate) const OLD_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
pub(crate) const TOKEN: &str = "a-token-of-tests";
const NONCE: &str = "n1";
const URL: &str = "https://desk.example.com";
/// A busy machine must not make a test fail.
const PATIENT_TIMEOUT_MS: u64 = 20_000;

pub(crate) struct World {
    app: App,
    client: Client,
    port: u16,
    stop: Mutex<Option<oneshot::Sender<()>>>,
    stopped: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl World {
    /// With a table, and the profile of the demo hospital already read: scans count what deliveries store.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = client(port, PATIENT_TIMEOUT_MS);
        let (stop, stopping) = oneshot::channel();
        let database = dynoxide::Database::memory().unwrap();
        let serving = tokio::spawn(async move {
            let until = async { stopping.await.unwrap_or(()) };
            dynoxide::server::serve_with_shutdown(listener, database, until).await.unwrap();
        });
        kit::create(&client, TABLE).await;
        let world =
            Self { app: app(&client), client, port, stop: Mutex::new(Some(stop)), stopped: Mutex::new(Some(serving)) };
        world.read_profile().await;
        world
    }

    /// With an address where nothing answers.
    pub(crate) async fn without_table() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let client = client(port, PATIENT_TIMEOUT_MS);
        Self { app: app(&client), client, port, stop: Mutex::new(None), stopped: Mutex::new(None) }
    }

    /// Ends the table.
    pub(crate) async fn stop_table(&self) {
        let serving = self.stopped.lock().unwrap().take().unwrap();
        drop(self.stop.lock().unwrap().take());
        serving.await.unwrap();
    }

    /// Ends the table and leaves its address open without answers, for as long as the result is kept.
    pub(crate) async fn hang_table(&self) -> TcpListener {
        self.stop_table().await;
        TcpListener::bind(("127.0.0.1", self.port)).await.unwrap()
    }

    async fn read_profile(&self) {
        let text = include_str!("../../../../infra/hospital/profile.json");
        let profile = serde_json::from_str(text).unwrap();
        self.table().put_profile(&profile).await.unwrap();
        self.app.desk.profile().await.unwrap();
        let all = self.client.scan().table_name(TABLE).send().await.unwrap().items.unwrap();
        for item in all {
            let key = |name: &str| item.get(name).cloned().unwrap();
            let delete = self.client.delete_item().table_name(TABLE).key("pk", key("pk")).key("sk", key("sk"));
            delete.send().await.unwrap();
        }
    }

    pub(crate) fn table(&self) -> &Table {
        &self.app.desk.table
    }

    /// The same hospital with the time-outs it is deployed with.
    pub(crate) fn in_a_hurry(mut self) -> Self {
        self.app.desk.table = Table::new(client(self.port, webhook::AWS_TIMEOUT_MS), TABLE);
        self
    }

    /// How many items there are.
    pub(crate) async fn items(&self) -> usize {
        self.client.scan().table_name(TABLE).send().await.unwrap().items.unwrap_or_default().len()
    }

    pub(crate) async fn has(&self, key: &Key) -> bool {
        use aws_sdk_dynamodb::types::AttributeValue::S;
        let get = self.client.get_item().table_name(TABLE).key("pk", S(key.pk.clone())).key("sk", S(key.sk.clone()));
        get.send().await.unwrap().item.is_some()
    }

    pub(crate) async fn follows(&self) -> bool {
        self.table().account(&FOLLOWER.parse().unwrap()).await.unwrap().is_some_and(|account| account.followed)
    }

    /// Links as registration would.
    pub(crate) async fn link(&self, link: &Link) {
        use aws_sdk_dynamodb::types::AttributeValue::{N, S};
        let put = self.client.put_item().table_name(TABLE);
        let put = put.item("pk", S(format!("WX#{}", link.account))).item("sk", S(format!("LINK#{}", link.patient)));
        let put = put.item("patient", S(link.patient.to_string())).item("account", S(link.account.to_string()));
        let put = put.item("relation", S("oneself".into())).item("name_masked", S(link.name_masked.clone()));
        put.item("since", N(link.since.as_second().to_string())).send().await.unwrap();
    }

    /// A number of today that the follower's person has, booked the day before.
    pub(crate) async fn booked_today(&self, start: &str) -> Appointment {
        let patient = PatientId::from_bytes([2; 10]);
        let (account, since) = (FOLLOWER.parse().unwrap(), now());
        let link = Link {
            patient: patient.clone(),
            account,
            relation: Relation::Oneself,
            name_masked: "林*梅".into(),
            copies: false,
            reports: domain::report::FamilyScope::Unsaid,
            since,
            by_merge: false,
            former: false,
        };
        self.link(&link).await;
        let profile = self.app.desk.profile().await.unwrap();
        let today = domain::time::today(now());
        let clinic = kit::clinic("NK", today, 0, profile.booking.release_at(today));
        let start = start.parse().unwrap();
        let slot = Slot::fresh(&clinic, start, 1, 4);
        assert!(self.table().put_schedule(&clinic, &[slot], &[]).await.unwrap().is_done());
        let request = HoldRequest {
            appointment: AppointmentId::from_bytes([5; 10]),
            booker: Booker::Staff("window".into()),
            patient,
            patient_name_masked: "林*梅".into(),
            clinic,
            start,
            channel: domain::clinic::Channel::Window,
            rest_min: 0,
            follow_up_of: None,
        };
        let yesterday = domain::time::add_seconds(now(), -24 * 3600);
        self.table().hold(&profile, &request, yesterday).await.unwrap()
    }

    /// Sends a request to the function.
    pub(crate) async fn send(&self, method: Method, query: &str, body: Vec<u8>) -> Answer {
        let request = Request::builder().method(method).uri(format!("{URL}/wechat?{query}"));
        let request = request.body(Body::Binary(body)).unwrap().with_raw_http_path("/wechat");
        let response = handle(&self.app, request).await.unwrap();
        let status = response.status().as_u16();
        Answer { status, body: String::from_utf8(response.body().to_vec()).unwrap() }
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(NOW_S).unwrap()
}

fn app(client: &Client) -> App {
    let keys = [KEY, OLD_KEY].map(|key| AesKey::parse(key).unwrap()).to_vec();
    let account = WechatAccount {
        app_id: APP_ID.into(),
        app_secret: AppSecret::new("not used here"),
        callback: Callback::new(TOKEN, keys, APP_ID, Mode::Safe).unwrap(),
        scene_key: SceneKey::new([7; 32]),
    };
    let table = Table::new(client.clone(), TABLE);
    App { desk: Desk::new(table, Clock::standing_at(now()), URL), account: Secret::fixed(account) }
}

fn client(port: u16, timeout_ms: u64) -> Client {
    let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_millis(timeout_ms));
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(format!("http://127.0.0.1:{port}"))
        .region(Region::new("local"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts.build())
        .build();
    Client::from_conf(config)
}

/// A booked visit the morning after.
pub(crate) fn appointment(patient: &PatientId) -> Appointment {
    let mut visit = kit::visit(State::Booked, now());
    visit.patient = patient.clone();
    visit.booker = Booker::Account(FOLLOWER.parse().unwrap());
    visit.place.date = domain::time::add_days(domain::time::today(now()), 1);
    visit
}

/// A message of the follower.
pub(crate) fn message(msg_type: &str, fields: &str, id: u64) -> String {
    format!(
        "<xml><ToUserName>gh_x</ToUserName><FromUserName>{FOLLOWER}</FromUserName><CreateTime>{NOW_S}</CreateTime>\
         <MsgType>{msg_type}</MsgType>{fields}<MsgId>{id}</MsgId></xml>"
    )
}

/// An event of the follower.
pub(crate) fn event(name: &str, key: &str, at_s: i64) -> String {
    format!(
        "<xml><ToUserName>gh_x</ToUserName><FromUserName>{FOLLOWER}</FromUserName><CreateTime>{at_s}</CreateTime>\
         <MsgType>event</MsgType><Event>{name}</Event><EventKey><![CDATA[{key}]]></EventKey></xml>"
    )
}

/// Query and body of an encrypted request.
pub(crate) fn signed(clear: &str, at_s: i64) -> (String, Vec<u8>) {
    signed_with(KEY, clear, at_s)
}

/// The same with a key of choice.
pub(crate) fn signed_with(key: &str, clear: &str, at_s: i64) -> (String, Vec<u8>) {
    sign(&seal(key, &layout(clear, APP_ID)), at_s)
}

/// What is encrypted: 16 bytes of noise, the length, the message, the app id.
pub(crate) fn layout(clear: &str, app_id: &str) -> Vec<u8> {
    let length = u32::try_from(clear.len()).unwrap().to_be_bytes();
    [b"0123456789abcdef", &length[..], clear.as_bytes(), app_id.as_bytes()].concat()
}

/// Pads to 32 and encrypts.
pub(crate) fn seal(key: &str, clear: &[u8]) -> String {
    let key = key_bytes(key);
    let padding = 32 - clear.len() % 32;
    let padded = [clear, &vec![u8::try_from(padding).unwrap(); padding]].concat();
    let cipher = cbc::Encryptor::<aes::Aes256>::new_from_slices(&key, &key[..16]).unwrap();
    STANDARD.encode(cipher.encrypt_padded_vec::<NoPadding>(&padded))
}

/// Query and body around an encrypted text.
pub(crate) fn sign(sealed: &str, at_s: i64) -> (String, Vec<u8>) {
    let signature = sha1_of(&mut [TOKEN, &at_s.to_string(), NONCE, sealed]);
    let query = format!("{}&openid={FOLLOWER}&encrypt_type=aes&msg_signature={signature}", query_signature(at_s));
    let body = format!("<xml><ToUserName>gh_x</ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>");
    (query, body.into_bytes())
}

/// The part of the query every request has.
pub(crate) fn query_signature(at_s: i64) -> String {
    let signature = sha1_of(&mut [TOKEN, &at_s.to_string(), NONCE]);
    format!("signature={signature}&timestamp={at_s}&nonce={NONCE}")
}

/// The clear answer of a request that was sealed with the current key.
pub(crate) fn answered(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    clear_text_of(KEY, &answer.body)
}

/// The text of a sealed answer, addressed to the follower or whoever asked.
pub(crate) fn clear_text_of(key: &str, body: &str) -> String {
    let sealed = between(body, "<Encrypt><![CDATA[", "]]>");
    let timestamp = between(body, "<TimeStamp>", "</TimeStamp>");
    let signature = sha1_of(&mut [TOKEN, timestamp, NONCE, sealed]);
    assert_eq!(between(body, "<MsgSignature><![CDATA[", "]]>"), signature);
    let key = key_bytes(key);
    let cipher = cbc::Decryptor::<aes::Aes256>::new_from_slices(&key, &key[..16]).unwrap();
    let clear = cipher.decrypt_padded_vec::<NoPadding>(&STANDARD.decode(sealed).unwrap()).unwrap();
    let length = usize::try_from(u32::from_be_bytes(clear[16..20].try_into().unwrap())).unwrap();
    let xml = String::from_utf8(clear[20..20 + length].to_vec()).unwrap();
    assert!(xml.contains("<FromUserName><![CDATA[gh_x]]>"), "{xml}");
    between(&xml, "<Content><![CDATA[", "]]></Content>").to_owned()
}

fn key_bytes(key: &str) -> Vec<u8> {
    let engine =
        GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));
    engine.decode(format!("{key}=")).unwrap()
}

fn sha1_of(parts: &mut [&str]) -> String {
    parts.sort_unstable();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, parts.concat().as_bytes());
    digest.as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split_once(after).unwrap().0
}
