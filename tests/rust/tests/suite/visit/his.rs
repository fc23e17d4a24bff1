//! The stand-in HIS as its own process: strict, with its own books.

use serde_json::Value;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A running stand-in; it ends with the test.
pub(crate) struct His {
    pub(crate) url: String,
    state: PathBuf,
    _process: Child,
    http: reqwest::Client,
}

impl His {
    /// Starts one with the clock of `clock_file`.
    pub(crate) async fn start(clock_file: &str, state: PathBuf) -> Self {
        let server = concat!(env!("CARGO_MANIFEST_DIR"), "/../his/server.mjs");
        let mut process = Command::new("node")
            .args([server, "--port", "0", "--clock-file", clock_file, "--state"])
            .arg(&state)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node runs the stand-in HIS");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().expect("the stand-in says where it listens");
        let told: Value = serde_json::from_str(&line).unwrap();
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let url = told["url"].as_str().unwrap().to_owned();
        Self { url, state, _process: process, http: reqwest::Client::new() }
    }

    /// What the desk signs with, at `url`.
    pub(crate) fn client(&self, url: &str) -> his::SignedJson {
        let config: Value =
            serde_json::from_str(&std::fs::read_to_string(self.state.join("config.json")).unwrap()).unwrap();
        let key = config["key"].as_str().unwrap().to_owned();
        his::SignedJson::new(url, his::Keys::new(config["app_id"].as_str().unwrap(), &[key]).unwrap()).unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let sent = self.http.post(format!("{}/control/{path}", self.url)).json(&body).send().await.unwrap();
        sent.json().await.unwrap()
    }

    pub(crate) async fn books(&self) -> Value {
        self.http.get(format!("{}/control/books", self.url)).send().await.unwrap().json().await.unwrap()
    }
}
