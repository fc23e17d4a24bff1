//! The stand-in WeChat as its own process: strict, with its own books.

use super::hospital::PUBLIC_URL;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A running stand-in; it ends with the test.
pub(crate) struct StandIn {
    pub(crate) url: String,
    pub(crate) state: PathBuf,
    _process: Child,
    http: reqwest::Client,
}

impl StandIn {
    /// Starts one for a hospital at `menzhen_url`, with the clock of `clock_file`.
    pub(crate) async fn start(menzhen_url: &str, clock_file: &str, state: PathBuf) -> Self {
        let server = concat!(env!("CARGO_MANIFEST_DIR"), "/../wechat/server.mjs");
        let mut process = Command::new("node")
            .args([server, "--port", "0", "--menzhen-url", menzhen_url, "--public-url", PUBLIC_URL])
            .args(["--clock-file", clock_file, "--state"])
            .arg(&state)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node runs the stand-in WeChat");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().expect("the stand-in says where it listens");
        let told: Value = serde_json::from_str(&line).unwrap();
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let url = told["url"].as_str().unwrap().to_owned();
        Self { url, state, _process: process, http: reqwest::Client::new() }
    }

    /// Its identities: what the hospital's secrets are made of.
    pub(crate) fn config(&self) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.state.join("config.json")).unwrap()).unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let sent = self.http.post(format!("{}{path}", self.url)).json(&body).send().await.unwrap();
        sent.json().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.http.get(format!("{}{path}", self.url)).send().await.unwrap().json().await.unwrap()
    }

    /// Openid of a person of the demo.
    pub(crate) async fn openid(&self, person: &str) -> String {
        self.get(&format!("/control/people/{person}")).await["openid"].as_str().unwrap().to_owned()
    }
}
