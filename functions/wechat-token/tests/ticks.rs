//! Ticks against a table in memory and a WeChat that says what the test tells it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use domain::Timestamp;
use runtime::secrets::{Secret, WechatAccount};
use runtime::{Clock, Desk};
use std::sync::{Arc, Mutex};
use store::signin::SharedToken;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wechat::api::{Api, AppSecret, Timeouts};
use wechat::callback::{Callback, Mode};
use wechat::scene::SceneKey;
use wechat_token::{App, KeepError, REFRESH_BEFORE_S, keep};

const NOW_S: i64 = 1_795_320_000;
const FRESH: &str = r#"{"access_token":"fresh","expires_in":7200}"#;

struct World {
    app: App,
    clock: Clock,
    /// Bodies WeChat was asked with.
    asked: Arc<Mutex<Vec<String>>>,
}

impl World {
    async fn start(status: u16, answer: &'static str) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let wechat = stand_in(status, answer, Arc::clone(&asked)).await;
        let account = WechatAccount {
            app_id: "wx00000000000000ff".into(),
            app_secret: AppSecret::new("secret"),
            callback: Callback::new("token", Vec::new(), "wx00000000000000ff", Mode::Plain).unwrap(),
            scene_key: SceneKey::new([7; 32]),
        };
        let clock = Clock::standing_at(at(NOW_S));
        let desk = Desk::new(kit::table().await, clock.clone(), "https://desk.example.com");
        let api = Api::new(wechat, Timeouts::default()).unwrap();
        Self { app: App { desk, account: Secret::fixed(account), api }, clock, asked }
    }

    async fn keep_one(&self, left_s: i64) -> SharedToken {
        let token = SharedToken { token: "kept".into(), expires_at: at(NOW_S + left_s), ver: 1 };
        assert!(self.app.desk.table.put_wechat_token(&token, 0).await.unwrap().is_done());
        token
    }

    async fn kept(&self) -> Option<SharedToken> {
        self.app.desk.table.wechat_token().await.unwrap()
    }

    fn calls(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Answers every request alike; its address.
async fn stand_in(status: u16, answer: &'static str, asked: Arc<Mutex<Vec<String>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let asked = Arc::clone(&asked);
            tokio::spawn(async move {
                let request = read(&mut stream).await;
                asked.lock().unwrap().push(request);
                let head =
                    format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
                stream.write_all(format!("{head}{answer}").as_bytes()).await.unwrap();
            });
        }
    });
    url
}

/// A whole request: head, then as many bytes as it announces.
async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        stream.read_buf(&mut bytes).await.unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .to_lowercase()
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.lines().next().map(str::to_owned));
        if body.len() >= length.unwrap().parse().unwrap() {
            return text;
        }
    }
}

#[tokio::test]
async fn the_first_tick_fetches_and_the_next_ones_do_not() {
    let world = World::start(200, FRESH).await;
    keep(&world.app).await.unwrap();
    let expected = SharedToken { token: "fresh".into(), expires_at: at(NOW_S + 7200), ver: 1 };
    assert_eq!(world.kept().await, Some(expected));
    world.clock.set(at(NOW_S + 7200 - REFRESH_BEFORE_S));
    keep(&world.app).await.unwrap();
    assert_eq!(world.calls(), 1);
    world.clock.set(at(NOW_S + 7200 - REFRESH_BEFORE_S + 1));
    keep(&world.app).await.unwrap();
    assert_eq!((world.calls(), world.kept().await.unwrap().ver), (2, 2));
}

#[tokio::test]
async fn a_refused_token_is_replaced_and_never_by_force() {
    let world = World::start(200, FRESH).await;
    world.keep_one(7200).await;
    world.app.desk.table.expire_wechat_token("kept").await.unwrap();
    keep(&world.app).await.unwrap();
    assert_eq!(world.kept().await.unwrap().token, "fresh");
    let asked = world.asked.lock().unwrap().join("\n");
    assert!(asked.starts_with("POST /cgi-bin/stable_token ") && asked.contains(r#""force_refresh":false"#), "{asked}");
}

#[tokio::test]
async fn two_runs_at_once_leave_one_token() {
    let world = World::start(200, FRESH).await;
    let (one, two) = tokio::join!(keep(&world.app), keep(&world.app));
    assert!(one.is_ok() && two.is_ok());
    let kept = world.kept().await.unwrap();
    assert_eq!((kept.token.as_str(), kept.ver), ("fresh", 1));
}

#[tokio::test]
async fn an_unlisted_address_fails_the_invocation_although_the_kept_token_works() {
    let world = World::start(200, r#"{"errcode":40164,"errmsg":"invalid ip 192.0.2.7"}"#).await;
    let kept = world.keep_one(300).await;
    let outcome = keep(&world.app).await;
    assert!(matches!(outcome, Err(KeepError::Wechat { code: "wechat_ip_not_listed", .. })), "{outcome:?}");
    assert_eq!(world.kept().await, Some(kept));
}

#[tokio::test]
async fn a_busy_wechat_fails_the_invocation_only_without_a_working_token() {
    for (status, answer) in [(502, ""), (200, r#"{"errcode":-1,"errmsg":"system error"}"#), (200, "<html>")] {
        let world = World::start(status, answer).await;
        let kept = world.keep_one(60).await;
        keep(&world.app).await.unwrap();
        assert_eq!(world.kept().await, Some(kept));
        world.clock.set(at(NOW_S + 60));
        let outcome = keep(&world.app).await;
        assert!(matches!(outcome, Err(KeepError::Wechat { code: "wechat_no_answer", .. })), "{outcome:?}");
    }
}
