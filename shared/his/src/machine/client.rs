//! One signed exchange.

use super::breaker::Breaker;
use super::keys::{Answer, Keys, Request, hex};
use crate::call_log::{CallLog, Noted};
use crate::error::HisError;
use crate::port::Call;
use domain::Timestamp;
use domain::his::{CodeKind, Codes, HisAdapter};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, Url};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long connecting may take, in milliseconds.
pub const CONNECT_TIMEOUT_MS: u64 = 2_000;
/// How long a connection waits for its next request: shorter than servers keep it (Node 5 s, nginx 75 s). A request written
/// into one that is just being closed has an unknown outcome.
const IDLE_MAX: Duration = Duration::from_secs(4);
/// How long a read may take, in milliseconds.
pub const READ_TIMEOUT_MS: u64 = 4_000;
/// How long a write may take, in milliseconds. After it the outcome is unknown.
pub const WRITE_TIMEOUT_MS: u64 = 8_000;
/// The largest answer but for files, in bytes.
pub const ANSWER_BYTES_MAX: usize = 1024 * 1024;

const AGENT: &str = concat!("menzhen/", env!("CARGO_PKG_VERSION"));
const APP_HEADER: &str = "x-his-app";
const TIMESTAMP_HEADER: &str = "x-his-timestamp";
const NONCE_HEADER: &str = "x-his-nonce";
const SIGNATURE_HEADER: &str = "x-his-signature";

/// Settings that make no client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The address is an https origin: no path, no credentials. On this machine itself http will do.
    #[error("the address of the HIS is not an https origin")]
    Address,
    /// The TLS settings of this machine do not work.
    #[error("no connections can be made")]
    Connections,
}

/// The front-end machine. One per process: it keeps connections, and remembers how the HIS has fared.
#[derive(Debug)]
pub struct Machine {
    http: reqwest::Client,
    origin: String,
    keys: Keys,
    breaker: Mutex<Breaker>,
    codes: Codes,
    log: Option<Arc<dyn CallLog>>,
    keeps_calls: bool,
}

/// One request before it is signed.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    /// Path with query.
    pub(crate) target: String,
    /// Headers of its language, beside those of the signature.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) timeout_ms: u64,
    pub(crate) answer_bytes_max: usize,
}

/// An answer whose signature holds.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answered {
    /// A header's text; empty when it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        text_of(&self.headers, name)
    }

    /// The type of the body, with its encoding.
    pub(crate) fn content_type(&self) -> &str {
        self.header(CONTENT_TYPE.as_str())
    }
}

impl Machine {
    /// The machine at `origin`.
    pub fn new(origin: &str, keys: Keys) -> Result<Self, SettingsError> {
        let url = Url::parse(origin).map_err(|_| SettingsError::Address)?;
        let is_local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let is_anonymous = url.username().is_empty() && url.password().is_none();
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_local);
        if !(is_bare && is_anonymous && is_safe) {
            return Err(SettingsError::Address);
        }
        let http = http_client().map_err(|_| SettingsError::Connections)?;
        Ok(Self {
            http,
            origin: url.origin().ascii_serialization(),
            keys,
            breaker: Mutex::default(),
            codes: Codes::default(),
            log: None,
            keeps_calls: false,
        })
    }

    /// The same, with the hospital's codes translated and unknown ones noted in `log`, and calls too if they are kept.
    #[must_use]
    pub fn noting(self, codes: Codes, log: Arc<dyn CallLog>, keeps_calls: bool) -> Self {
        Self { codes, log: Some(log), keeps_calls, ..self }
    }

    /// Where it is, without a path.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// The hospital's codes.
    pub(crate) fn codes(&self) -> &Codes {
        &self.codes
    }

    /// Notes a code nobody has mapped.
    pub(crate) async fn note_unknown(&self, kind: CodeKind, theirs: &str, operation: &str, call: Call) {
        if let Some(log) = &self.log {
            log.note_unknown(kind, theirs, operation, call.now).await;
        }
    }

    /// Notes that a call begins.
    pub(crate) fn note(
        &self,
        name: (HisAdapter, &str),
        serial: Option<&str>,
        request: impl FnOnce() -> String,
        call: Call,
    ) -> Noted {
        Noted::begin(self.log.as_ref().filter(|_| self.keeps_calls), call.now, name, serial, request)
    }

    /// Sends once, unless the circuit is open. An answer of a status the language does not have (`expects`) is not from
    /// the HIS but from something before it.
    pub(crate) async fn exchange(
        &self,
        outgoing: Outgoing,
        expects: fn(u16) -> bool,
        call: Call,
    ) -> Result<Answered, HisError> {
        self.breaker().admit(call.now)?;
        let outcome = self.attempt(outgoing, expects, call).await;
        self.breaker().learn(&outcome, call.now);
        outcome
    }

    /// A panic elsewhere leaves at worst a wrong count.
    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn attempt(&self, outgoing: Outgoing, expects: fn(u16) -> bool, call: Call) -> Result<Answered, HisError> {
        let nonce = hex(&call.random);
        let bytes_max = outgoing.answer_bytes_max;
        // The library's error is dropped on purpose: its text holds the address.
        let response = self.request(outgoing, &nonce, call.now).send().await.map_err(|error| {
            if error.is_connect() || error.is_builder() { HisError::Unavailable } else { HisError::UnknownOutcome }
        })?;
        let status = response.status().as_u16();
        if !expects(status) {
            return Err(HisError::UnknownOutcome);
        }
        let headers = response.headers().clone();
        let body = read_body(response, bytes_max).await?;
        let signature = text_of(&headers, SIGNATURE_HEADER);
        if !self.keys.verifies(Answer { status, nonce: &nonce, body: &body }, signature) {
            return Err(HisError::Forged);
        }
        Ok(Answered { status, headers, body })
    }

    fn request(&self, outgoing: Outgoing, nonce: &str, now: Timestamp) -> reqwest::RequestBuilder {
        let Outgoing { method, target, headers, body, timeout_ms, .. } = outgoing;
        let signature = self.keys.sign(Request { method: method.as_str(), target: &target, now, nonce, body: &body });
        let request = self
            .http
            .request(method, format!("{}{target}", self.origin))
            .timeout(Duration::from_millis(timeout_ms))
            .header(APP_HEADER, self.keys.app_id())
            .header(TIMESTAMP_HEADER, now.as_second())
            .header(NONCE_HEADER, nonce)
            .header(SIGNATURE_HEADER, signature)
            .body(body);
        headers.into_iter().fold(request, |request, (name, value)| request.header(name, value))
    }
}

/// Follows no redirect: the protocol has none, and a followed one would take the request elsewhere.
fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .user_agent(AGENT)
        .connect_timeout(Duration::from_millis(CONNECT_TIMEOUT_MS))
        .pool_idle_timeout(IDLE_MAX)
        .redirect(reqwest::redirect::Policy::none())
        .build()
}

fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

async fn read_body(mut response: reqwest::Response, bytes_max: usize) -> Result<Vec<u8>, HisError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| HisError::UnknownOutcome)? {
        if body.len() + chunk.len() > bytes_max {
            return Err(HisError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_an_https_origin() {
        let machine = |origin: &str| {
            let keys = Keys::new("menzhen", &["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()]).unwrap();
            Machine::new(origin, keys).map(|machine| machine.origin)
        };
        assert_eq!(machine("https://his.hospital.example:8443/").unwrap(), "https://his.hospital.example:8443");
        assert_eq!(machine("http://127.0.0.1:9200").unwrap(), "http://127.0.0.1:9200");
        for wrong in [
            "",
            "his.hospital.example",
            "http://his.hospital.example",
            "https://his.hospital.example/gateway",
            "https://a:b@his.hospital.example",
            "ftp://127.0.0.1",
        ] {
            assert_eq!(machine(wrong).unwrap_err(), SettingsError::Address, "{wrong}");
        }
    }
}
