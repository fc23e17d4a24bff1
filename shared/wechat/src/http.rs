//! What both clients share of HTTP.

use std::time::Duration;

/// How long a connection waits for its next request: shorter than servers keep it (Node 5 s, nginx 75 s). A request written
/// into one that is just being closed has an unknown outcome.
const IDLE_MAX: Duration = Duration::from_secs(4);

/// How long one request may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until connected, in milliseconds.
    pub connect_ms: u64,
    /// Until answered, in milliseconds.
    pub request_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect_ms: 2_000, request_ms: 5_000 }
    }
}

/// Why no whole answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// Without a connection nothing was sent.
    NotSent,
    /// Sent, and then nothing or half an answer: nobody knows what became of it.
    Unknown,
    /// Longer than any documented answer.
    TooLong,
}

/// A client that follows no redirect: neither API uses one, and a followed one would carry a token elsewhere.
pub(crate) fn client(timeouts: Timeouts) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .connect_timeout(Duration::from_millis(timeouts.connect_ms))
        .timeout(Duration::from_millis(timeouts.request_ms))
        .pool_idle_timeout(IDLE_MAX)
        .redirect(reqwest::redirect::Policy::none())
        .build()
}

/// Sends once. The library's error is dropped on purpose: it holds the URL, and the URL the token.
pub(crate) async fn send(request: reqwest::RequestBuilder) -> Result<reqwest::Response, NoAnswer> {
    request.send().await.map_err(|error| if error.is_connect() { NoAnswer::NotSent } else { NoAnswer::Unknown })
}

/// Reads a body of at most `max_bytes`.
pub(crate) async fn read_body(mut response: reqwest::Response, max_bytes: usize) -> Result<Vec<u8>, NoAnswer> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| NoAnswer::Unknown)? {
        if body.len() + chunk.len() > max_bytes {
            return Err(NoAnswer::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
