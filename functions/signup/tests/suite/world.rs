//! A hospital with its table in memory, a WeChat that knows codes, and a browser with cookies.

use domain::Timestamp;
use lambda_http::Body;
use lambda_http::http::{Request, header};
use runtime::secrets::{Secret, WechatAccount};
use runtime::{Clock, Desk};
use signup::{App, handle};
use std::collections::{BTreeMap, BTreeSet};
use store::seal::Keyring;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wechat::api::{Api, AppSecret, Timeouts};
use wechat::callback::{Callback, Mode};
use wechat::scene::SceneKey;

pub(crate) const URL: &str = "https://desk.example.com";
const OPEN_URL: &str = "https://open.example.com";
const KEYS: &str = r#"{"current":1,"keys":{"1":{"seal":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "index":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}}}"#;

pub(crate) struct World {
    pub(crate) app: App,
    pub(crate) clock: Clock,
}

pub(crate) fn now() -> Timestamp {
    "2026-11-22T02:00:00Z".parse().unwrap()
}

impl World {
    pub(crate) async fn start() -> Self {
        let table = kit::table().await;
        let profile = include_str!("../../../../infra/hospital/profile.json");
        table.put_profile(&serde_json::from_str(profile).unwrap()).await.unwrap();
        let clock = Clock::standing_at(now());
        let account = WechatAccount {
            app_id: "wx0000000000000001".into(),
            app_secret: AppSecret::new("not checked here"),
            callback: Callback::new("token", vec![], "wx0000000000000001", Mode::Plain).unwrap(),
            scene_key: SceneKey::new([7; 32]),
        };
        let app = App {
            desk: Desk::new(table, clock.clone(), URL),
            account: Secret::fixed(account),
            identity: Secret::fixed(Keyring::from_secret(KEYS).unwrap()),
            api: Api::new(wechat().await, Timeouts::default()).unwrap(),
            open_url: OPEN_URL.into(),
        };
        Self { app, clock }
    }
}

/// WeChat's exchange of codes: `CODE.openid` works once, `CODE.openid.snapshot` is a preview's, others never work.
async fn wechat() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut used = BTreeSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            answer(stream, &mut used).await;
        }
    });
    url
}

async fn answer(mut stream: TcpStream, used: &mut BTreeSet<String>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let head = String::from_utf8(head).unwrap();
    let query = head.split(' ').nth(1).unwrap().split_once('?').unwrap().1.to_owned();
    let code = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "code").unwrap().1.into_owned();
    let parts: Vec<&str> = code.split('.').collect();
    let body = match parts[..] {
        [_, _, ..] if !used.insert(code.clone()) => r#"{"errcode":40163,"errmsg":"code been used"}"#.to_owned(),
        [_, openid] => format!(r#"{{"access_token":"t","openid":"{openid}","scope":"snsapi_base"}}"#),
        [_, openid, _] => format!(r#"{{"access_token":"t","openid":"{openid}","is_snapshotuser":1}}"#),
        _ => r#"{"errcode":40029,"errmsg":"invalid code"}"#.to_owned(),
    };
    let text = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// A browser: keeps cookies, follows nothing.
#[derive(Clone, Default)]
pub(crate) struct Browser {
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) json: bool,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{}", self.body))
    }

    /// The code of a JSON problem.
    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// A parameter of the address it leads to.
    pub(crate) fn param(&self, name: &str) -> String {
        let query = self.location.split(['?', '#']).nth(1).unwrap();
        form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).unwrap().1.into_owned()
    }
}

impl Browser {
    pub(crate) async fn get(&mut self, world: &World, path: &str) -> Answer {
        self.send(world, "GET", path, String::new()).await
    }

    pub(crate) async fn post(&mut self, world: &World, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf(world).await;
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields).append_pair("csrf", &csrf);
        self.send(world, "POST", path, body.finish()).await
    }

    /// The forgery token as a page carries it; none when nobody is signed in.
    async fn csrf(&self, world: &World) -> String {
        let mut page = Self { json: false, ..self.clone() };
        let body = page.get(world, "/patients").await.body;
        let token = body.split_once("name=\"csrf\" value=\"").and_then(|(_, rest)| rest.split_once('"'));
        token.map_or_else(String::new, |(token, _)| token.to_owned())
    }

    pub(crate) async fn send(&mut self, world: &World, method: &str, path: &str, body: String) -> Answer {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::builder()
            .method(method)
            .uri(format!("{URL}{path}"))
            .header(header::COOKIE, cookies.join("; "))
            .header(header::ACCEPT, if self.json { "application/json" } else { "text/html" })
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::Text(body))
            .unwrap();
        let response = handle(&world.app, request).await.unwrap();
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), rest.split(';').next().unwrap().to_owned());
        }
        let location = response.headers().get(header::LOCATION).map(|value| value.to_str().unwrap().to_owned());
        let body = String::from_utf8(response.body().to_vec()).unwrap();
        Answer { status: response.status().as_u16(), location: location.unwrap_or_default(), body }
    }

    /// Begins to sign in; the state WeChat would bring back.
    pub(crate) async fn begin(&mut self, world: &World, path: &str) -> String {
        let away = self.get(world, path).await;
        assert_eq!(away.status, 303);
        assert!(away.location.starts_with(OPEN_URL), "{}", away.location);
        away.param("state")
    }

    /// A browser signed in as `openid`.
    pub(crate) async fn signed_in(world: &World, openid: &str) -> Self {
        let mut browser = Self::default();
        let state = browser.begin(world, "/signin").await;
        let back = browser.get(world, &format!("/signin/callback?code=C.{openid}&state={state}")).await;
        assert_eq!((back.status, back.location.as_str()), (303, "/"));
        Self { json: true, ..browser }
    }
}
