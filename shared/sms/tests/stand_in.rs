//! The adapter against the stand-in SMS service, which runs as its own process and shares no code with it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use domain::Timestamp;
use domain::person::Phone;
use domain::time::add_seconds;
use serde_json::{Value, json};
use sms::{Delivery, SecretKey, Sms, SmsError, SmsMessage, TakenSms, TencentAccount, TencentSms};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

const PHONE: &str = "19900000001";

/// A running stand-in with its folder; both end with the test.
struct StandIn {
    url: String,
    folder: PathBuf,
    http: reqwest::Client,
    _process: Child,
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl StandIn {
    async fn start() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = format!("sms-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/sms/server.mjs");
        let mut process = Command::new("node")
            .args([script, "--port", "0", "--state"])
            .arg(&folder)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node runs the stand-in");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().expect("the stand-in says where it listens");
        let told: Value = serde_json::from_str(&line).unwrap();
        Self { url: told["url"].as_str().unwrap().to_owned(), folder, http: reqwest::Client::new(), _process: process }
    }

    fn client(&self, key: Option<&str>) -> TencentSms {
        let config: Value = serde_json::from_slice(&std::fs::read(self.folder.join("config.json")).unwrap()).unwrap();
        let text = |name: &str| config[name].as_str().unwrap().to_owned();
        let account = TencentAccount {
            secret_id: text("secret_id"),
            secret_key: SecretKey::new(key.map_or_else(|| text("secret_key"), str::to_owned)),
            sdk_app_id: text("sdk_app_id"),
            region: text("region"),
        };
        TencentSms::new(&self.url, account).unwrap()
    }

    async fn post(&self, path: &str, body: Value) {
        let sent = self.http.post(format!("{}/control/{path}", self.url)).json(&body).send().await.unwrap();
        assert!(sent.status().is_success());
    }

    /// Its own clock: a signature is good for five minutes.
    async fn now(&self) -> Timestamp {
        let answer = self.http.get(format!("{}/control/clock", self.url)).send().await.unwrap();
        answer.json::<Value>().await.unwrap()["now"].as_str().unwrap().parse().unwrap()
    }

    async fn messages(&self) -> Vec<Value> {
        let answer = self.http.get(format!("{}/control/messages", self.url)).send().await.unwrap();
        answer.json::<Value>().await.unwrap()["messages"].as_array().unwrap().clone()
    }
}

fn message(template: &str, values: usize) -> SmsMessage {
    let values = vec!["内科".to_owned(); values];
    SmsMessage::new(Phone::parse(PHONE).unwrap(), "云杉市人民医院", template, values).unwrap()
}

#[tokio::test]
async fn a_message_arrives_as_it_was_approved() {
    let stand_in = StandIn::start().await;
    let now = stand_in.now().await;
    let serial = stand_in.client(None).send(&message("2000004", 4), now).await.unwrap();
    assert!(!serial.is_empty());
    let messages = stand_in.messages().await;
    assert_eq!((&messages[0]["phone"], &messages[0]["template"]), (&json!(PHONE), &json!("turn_soon")));
    assert_eq!(messages[0]["text"], "【云杉市人民医院】内科在内科的就诊约30分钟后开始（内科），请到内科候诊。");
}

#[tokio::test]
async fn refusals_are_sorted_by_what_there_is_to_do() {
    let stand_in = StandIn::start().await;
    let now = stand_in.now().await;
    let client = stand_in.client(None);
    let code = |code: &str| code.to_owned();
    let forged = stand_in.client(Some("another key")).send(&message("2000004", 4), now).await;
    assert_eq!(forged, Err(SmsError::Configuration(code("AuthFailure.SignatureFailure"))));
    let late = client.send(&message("2000004", 4), add_seconds(now, -600)).await;
    assert_eq!(late, Err(SmsError::Configuration(code("AuthFailure.SignatureExpire"))));
    let unknown = client.send(&message("1", 4), now).await;
    assert_eq!(unknown, Err(SmsError::Configuration(code("FailedOperation.TemplateIncorrectOrUnapproved"))));
    let few = client.send(&message("2000004", 1), now).await;
    let mismatch = "FailedOperation.TemplateParamSetNotMatchApprovedTemplate";
    assert_eq!(few, Err(SmsError::Configuration(code(mismatch))));
    stand_in.post("block", json!({ "phone": PHONE })).await;
    let blocked = client.send(&message("2000004", 4), now).await;
    assert_eq!(blocked, Err(SmsError::Number(code("FailedOperation.PhoneNumberInBlacklist"))));
    stand_in.post("block", json!({ "phone": PHONE, "on": false })).await;
    for _ in 0..10 {
        client.send(&message("2000004", 4), now).await.unwrap();
    }
    let daily = client.send(&message("2000004", 4), now).await;
    assert_eq!(daily, Err(SmsError::Number(code("LimitExceeded.PhoneNumberDailyLimit"))));
}

#[tokio::test]
async fn whether_a_message_arrived_is_asked_and_told_again() {
    let stand_in = StandIn::start().await;
    let now = stand_in.now().await;
    let client = stand_in.client(None);
    let to = Phone::parse(PHONE).unwrap();
    let mut found = Vec::new();
    for status in ["NONE", "FAIL", "SUCCESS"] {
        stand_in.post("delivery", json!({ "phone": PHONE, "status": status })).await;
        let serial = client.send(&message("2000004", 4), now).await.unwrap();
        found.push(TakenSms { to: to.clone(), serial, at: now });
    }
    let wanted = [None, Some(Delivery::Failed), Some(Delivery::Arrived)];
    for _ in 0..2 {
        for (taken, wanted) in found.iter().zip(wanted) {
            assert_eq!(client.delivery(taken, now).await, Ok(wanted));
        }
    }
    let nobodys = TakenSms { serial: "0:0".into(), ..found[1].clone() };
    assert_eq!(client.delivery(&nobodys, now).await, Ok(None));
    let forged = stand_in.client(Some("another key")).delivery(&found[1], now).await;
    assert_eq!(forged, Err(SmsError::Configuration("AuthFailure.SignatureFailure".into())));
    let old = TakenSms { at: add_seconds(now, -8 * 24 * 3600), ..found[1].clone() };
    assert!(matches!(client.delivery(&old, now).await, Err(SmsError::Configuration(_))), "kept for seven days");
}

#[tokio::test]
async fn without_an_answer_nobody_knows() {
    let stand_in = StandIn::start().await;
    let now = stand_in.now().await;
    let client = stand_in.client(None);
    stand_in.post("faults", json!({ "kind": "fail_after" })).await;
    assert_eq!(client.send(&message("2000004", 4), now).await, Err(SmsError::UnknownOutcome));
    assert_eq!(stand_in.messages().await.len(), 1);
    stand_in.post("down", json!({ "on": true })).await;
    assert_eq!(client.send(&message("2000004", 4), now).await, Err(SmsError::UnknownOutcome));
    let nobody = TencentSms::new("http://127.0.0.1:9", account()).unwrap();
    assert_eq!(nobody.send(&message("2000004", 4), now).await, Err(SmsError::NotSent));
}

fn account() -> TencentAccount {
    let text = || "x".to_owned();
    TencentAccount { secret_id: text(), secret_key: SecretKey::new("x"), sdk_app_id: text(), region: text() }
}
