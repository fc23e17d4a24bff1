//! A hospital with its table in memory, a WeChat that says what the test tells it, and three staff tokens.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use console::{App, handle};
use domain::Timestamp;
use domain::appointment::{Appointment, Booker, Command};
use domain::clinic::{Channel, SlotStart};
use domain::event::Actor;
use domain::id::{AppointmentId, PatientId};
use domain::profile::HospitalProfile;
use domain::staff::Role;
use kit::TABLE;
use lambda_http::http::{Method, Request};
use lambda_http::{Body, RequestExt};
use runtime::secrets::{Secret, StaffToken, StaffTokens, WechatAccount};
use runtime::tokens::SharedTokens;
use runtime::{Clock, Desk};
use serde_json::Value;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use store::Table;
use store::registration::HoldRequest;
use store::seal::Keyring;
use store::signin::SharedToken;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wechat::api::{Api, AppSecret, Timeouts};
use wechat::callback::{Callback, Mode};
use wechat::scene::SceneKey;

const URL: &str = "https://desk.example.com";
/// May do everything.
pub(crate) const ALL: &str = "token-of-the-office";
/// May do finance only.
pub(crate) const BOSS: &str = "token-of-the-head-of-finance";
/// May import only.
pub(crate) const CATALOG: &str = "token-of-the-his";
/// What everybody here chooses for a password.
pub(crate) const PASSWORD: &str = "a-long-one-of-mine";
const FORM: &str = "application/x-www-form-urlencoded";
pub(crate) const SCENE_KEY: [u8; 32] = [7; 32];
/// Ten in the morning, a Sunday.
pub(crate) const NOW: &str = "2026-11-22T02:00:00Z";

pub(crate) struct World {
    pub(crate) app: App,
    pub(crate) clock: Clock,
    client: Client,
    /// What WeChat was asked, heads and bodies.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

/// A browser with a session of staff.
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    pub(crate) cookie: String,
    pub(crate) csrf: String,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A file of the demo hospital.
pub(crate) fn demo(name: &str) -> Vec<u8> {
    std::fs::read(hospital().join(name)).unwrap()
}

fn hospital() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../infra/hospital")
}

/// Two weeks of the demo hospital's clinics, as its own script writes them.
pub(crate) fn demo_schedules() -> Vec<u8> {
    let mut run = std::process::Command::new("python3");
    run.arg(hospital().join("make_schedules.py")).args(["--from", "2026-11-22", "--out", "-"]);
    let output = run.output().unwrap();
    assert!(output.status.success());
    output.stdout
}

impl World {
    /// With an empty table and a WeChat that gives this answer.
    pub(crate) async fn start(wechat_answer: &'static str) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let wechat = stand_in(wechat_answer, Arc::clone(&asked)).await;
        let (client, clock) = (kit::client(&kit::engine().await), Clock::standing_at(at(NOW)));
        let app = App {
            desk: Desk::new(Table::new(client.clone(), TABLE), clock.clone(), URL),
            staff: Secret::fixed(staff()),
            identity: Secret::fixed(keyring()),
            wechat: Secret::fixed(account()),
            api: Api::new(wechat, Timeouts::default()).unwrap(),
            tokens: SharedTokens::default(),
        };
        Self { app, clock, client, asked }
    }

    /// With the demo hospital's profile, departments and doctors.
    pub(crate) async fn with_catalog() -> Self {
        let world = Self::start("{}").await;
        assert_eq!(world.send(Method::PUT, "/staff/profile", ALL, demo("profile.json")).await.status, 200);
        for (kind, file) in [("departments", "departments.csv"), ("doctors", "doctors.csv")] {
            assert_eq!(world.import(kind, demo(file)).await.status, 200);
        }
        world
    }

    pub(crate) fn table(&self) -> &Table {
        &self.app.desk.table
    }

    pub(crate) async fn profile(&self) -> HospitalProfile {
        self.table().profile().await.unwrap().unwrap()
    }

    pub(crate) async fn import(&self, kind: &str, file: impl Into<Vec<u8>>) -> Answer {
        self.send(Method::POST, &format!("/staff/import/{kind}"), ALL, file.into()).await
    }

    pub(crate) async fn try_import(&self, kind: &str, file: impl Into<Vec<u8>>) -> Answer {
        self.send(Method::POST, &format!("/staff/import/{kind}?dry_run=true"), ALL, file.into()).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, token: &str, body: impl Into<Vec<u8>>) -> Answer {
        let response = self.ask(method, path, token, body.into()).await;
        let status = response.status().as_u16();
        Answer { status, body: serde_json::from_slice(response.body()).unwrap_or_default() }
    }

    /// An account with these roles, opened by the office: its first password.
    pub(crate) async fn open_account(&self, login: &str, roles: &[Role]) -> String {
        let roles: Vec<_> = roles.iter().map(|role| role.code()).collect();
        let body = serde_json::json!({"login": login, "name": "刘芳", "roles": roles}).to_string();
        let answer = self.send_json("/staff/accounts", ALL, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["initial_password"].as_str().unwrap().to_owned()
    }

    /// As [`open_account`](Self::open_account), signed in, with a password of their own.
    pub(crate) async fn signed_in(&self, login: &str, roles: &[Role]) -> Browser {
        let initial = self.open_account(login, roles).await;
        let first = self.sign_in(login, &initial).await.unwrap();
        let fields = format!("password={initial}&new_password={PASSWORD}&repeated={PASSWORD}");
        let answer = self.browse(Method::POST, "/staff/password", &first, &fields).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        self.sign_in(login, PASSWORD).await.unwrap()
    }

    /// A browser in which somebody has signed in, or the answer why not.
    pub(crate) async fn sign_in(&self, login: &str, password: &str) -> Result<Browser, Answer> {
        let body = format!("login={login}&password={password}");
        let request = Request::builder().method(Method::POST).uri(format!("{URL}/staff/signin"));
        let request = request.header("accept", "application/json").header("content-type", FORM);
        let request = request.body(Body::Text(body)).unwrap().with_raw_http_path("/staff/signin");
        let response = handle(&self.app, request).await.unwrap();
        let cookie = response.headers().get("set-cookie").map(|value| value.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        match (cookie, body["csrf"].as_str()) {
            (Some(cookie), Some(csrf)) => {
                let cookie = cookie.split(';').next().unwrap().to_owned();
                Ok(Browser { cookie, csrf: csrf.to_owned() })
            }
            _ => Err(Answer { status, body }),
        }
    }

    /// What a signed-in browser's script gets.
    pub(crate) async fn browse(&self, method: Method, path: &str, browser: &Browser, fields: &str) -> Answer {
        let request = Request::builder().method(method).uri(format!("{URL}{path}"));
        let request = request.header("accept", "application/json").header("cookie", &browser.cookie);
        let request = request.header("x-csrf-token", &browser.csrf).header("content-type", FORM);
        let request = request.body(Body::Text(fields.to_owned())).unwrap();
        let request = request.with_raw_http_path(path.split('?').next().unwrap());
        let response = handle(&self.app, request).await.unwrap();
        let status = response.status().as_u16();
        Answer { status, body: serde_json::from_slice(response.body()).unwrap_or_default() }
    }

    /// A form sent with the office's token.
    pub(crate) async fn send_form(&self, path: &str, fields: &str) -> Answer {
        self.send_typed(path, ALL, FORM, fields).await
    }

    async fn send_json(&self, path: &str, token: &str, body: &str) -> Answer {
        self.send_typed(path, token, "application/json", body).await
    }

    async fn send_typed(&self, path: &str, token: &str, content_type: &str, body: &str) -> Answer {
        let request = Request::builder().method(Method::POST).uri(format!("{URL}{path}"));
        let request = request.header("accept", "application/json").header("authorization", format!("Bearer {token}"));
        let request = request.header("content-type", content_type).body(Body::Text(body.to_owned())).unwrap();
        let response = handle(&self.app, request.with_raw_http_path(path)).await.unwrap();
        let status = response.status().as_u16();
        Answer { status, body: serde_json::from_slice(response.body()).unwrap_or_default() }
    }

    /// The answer as it is.
    pub(crate) async fn download(&self, path: &str, token: &str) -> web::Response {
        self.ask(Method::GET, path, token, Vec::new()).await
    }

    async fn ask(&self, method: Method, path: &str, token: &str, body: Vec<u8>) -> web::Response {
        let request = Request::builder().method(method).uri(format!("{URL}{path}"));
        let request = request.header("accept", "application/json").header("authorization", format!("Bearer {token}"));
        let kind = if body.starts_with(b"{") { "application/json" } else { "text/csv" };
        let request = request.header("content-type", kind);
        let request = request.body(Body::Binary(body)).unwrap();
        handle(&self.app, request.with_raw_http_path(path.split('?').next().unwrap())).await.unwrap()
    }

    /// Everything in the table, by key, but who did what: a dry run is nobody's deed, a repeat is one.
    pub(crate) async fn items(&self) -> HashMap<String, HashMap<String, AttributeValue>> {
        let mut items = HashMap::new();
        let mut pages = self.client.scan().table_name(TABLE).into_paginator().items().send();
        while let Some(item) = pages.next().await {
            let item = item.unwrap();
            let (pk, sk) = (item["pk"].as_s().unwrap(), item["sk"].as_s().unwrap());
            if !pk.starts_with("AUDIT#") {
                items.insert(format!("{pk} {sk}"), item.clone());
            }
        }
        items
    }

    /// A patient of `n` holds a number.
    pub(crate) async fn hold(&self, clinic: &str, start: &str, n: u8) -> Appointment {
        let found = self.table().clinic(&clinic.parse().unwrap()).await.unwrap().unwrap();
        let request = HoldRequest {
            appointment: AppointmentId::from_bytes([n; 10]),
            booker: Booker::Account("o-lin".parse().unwrap()),
            patient: PatientId::from_bytes([n; 10]),
            patient_name_masked: "林*梅".into(),
            clinic: found.clinic,
            start: start.parse::<SlotStart>().unwrap(),
            channel: Channel::Wechat,
            rest_min: 0,
            follow_up_of: None,
        };
        self.table().hold(&self.profile().await, &request, self.clock.now()).await.unwrap()
    }

    /// As [`hold`](Self::hold), and pays.
    pub(crate) async fn book(&self, clinic: &str, start: &str, n: u8) -> Appointment {
        let held = self.hold(clinic, start, n).await;
        self.table().keep_number(&held.place.clinic, held.place.start, &held.id).await.unwrap();
        let policy = self.profile().await.cancel;
        self.table().move_appointment(&held.key(), Command::Book, &Actor::WechatPay, policy, at(NOW)).await.unwrap()
    }

    /// `wechat-token` has been here.
    pub(crate) async fn keep_token(&self) {
        let token = SharedToken { token: "kept-token".into(), expires_at: at("2026-11-22T03:30:00Z"), ver: 1 };
        assert!(self.table().put_wechat_token(&token, 0).await.unwrap().is_done());
    }
}

fn staff() -> StaffTokens {
    let token = |name: &str, token: &str, scopes: &[&str]| StaffToken {
        name: name.into(),
        sha256: sha256(token),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
    };
    let all = ["catalog", "wechat", "appointments", "refunds", "finance", "accounts", "credit"];
    StaffTokens {
        tokens: vec![
            token("office", ALL, &all),
            token("head", BOSS, &["finance"]),
            token("his", CATALOG, &["catalog"]),
        ],
    }
}

fn sha256(text: &str) -> String {
    use std::fmt::Write;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

pub(crate) fn keyring() -> Keyring {
    let key = |byte: u8| STANDARD.encode([byte; 32]);
    Keyring::from_secret(&format!(r#"{{"current":1,"keys":{{"1":{{"seal":"{}","index":"{}"}}}}}}"#, key(1), key(2)))
        .unwrap()
}

fn account() -> WechatAccount {
    let app_id = "wx00000000000000ff";
    WechatAccount {
        app_id: app_id.into(),
        app_secret: AppSecret::new("secret"),
        callback: Callback::new("token", Vec::new(), app_id, Mode::Plain).unwrap(),
        scene_key: SceneKey::new(SCENE_KEY),
    }
}

/// Answers every request alike; its address.
async fn stand_in(answer: &'static str, asked: Arc<Mutex<Vec<String>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let request = read(&mut stream).await;
            asked.lock().unwrap().push(request);
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
            stream.write_all(format!("{head}{answer}").as_bytes()).await.unwrap();
        }
    });
    url
}

/// A whole request: head, then as many bytes as it announces.
async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        stream.read_buf(&mut bytes).await.unwrap();
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()).unwrap();
        if bytes.len() >= end + 4 + length.parse::<usize>().unwrap() {
            return String::from_utf8(bytes).unwrap();
        }
    }
}
