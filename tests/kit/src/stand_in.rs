//! A stand-in of the outside (`tests/wechat`, `tests/his`) as its own process: strict, with its own books.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A running stand-in; it ends with the test.
#[derive(Debug)]
pub struct StandIn {
    /// Where it answers.
    pub url: String,
    /// Where it keeps what it knows.
    pub state: PathBuf,
    http: reqwest::Client,
    process: Child,
}

impl StandIn {
    /// Starts `tests/<name>/server.mjs` on a port of its own with more arguments.
    pub async fn start(name: &str, state: &Path, more: &[&str]) -> Self {
        let server = format!("{}/../{name}/server.mjs", env!("CARGO_MANIFEST_DIR"));
        let mut process = Command::new("node")
            .args([&server, "--port", "0", "--state"])
            .arg(state)
            .args(more)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let told: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
        // Read on, or the pipe fills up and the stand-in stops.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let url = told["url"].as_str().unwrap().to_owned();
        Self { url, state: state.to_owned(), http: reqwest::Client::new(), process }
    }

    /// Number of its process.
    pub fn process_id(&self) -> u32 {
        self.process.id().unwrap()
    }

    /// Its identities: what the hospital's secrets are made of.
    pub fn config(&self) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.state.join("config.json")).unwrap()).unwrap()
    }

    /// What it answers to a question of the tests, below `/control/`.
    pub async fn get(&self, path: &str) -> Value {
        self.http.get(self.control(path)).send().await.unwrap().json().await.unwrap()
    }

    /// Does what the tests ask, below `/control/`.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        let (is_done, answer) = self.try_post(path, body).await;
        assert!(is_done, "{path}: {answer}");
        answer
    }

    /// The same where it may say no: whether it did it, and its answer.
    pub async fn try_post(&self, path: &str, body: Value) -> (bool, Value) {
        let sent = self.http.post(self.control(path)).json(&body).send().await.unwrap();
        (sent.status().is_success(), sent.json().await.unwrap())
    }

    fn control(&self, path: &str) -> String {
        format!("{}/control/{path}", self.url)
    }

    /// Asks it to end and waits: it writes down what it knows.
    pub async fn stop(mut self) {
        let id = self.process_id().to_string();
        assert!(Command::new("kill").arg(id).status().await.unwrap().success());
        self.process.wait().await.unwrap();
    }
}
