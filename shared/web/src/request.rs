//! What a handler needs to know of a request apart from its body.

use http::{HeaderMap, HeaderName, Method, header};
use lambda_http::{Request, RequestExt};

use crate::negotiate::{Face, face};

/// Longest query string looked at, in bytes; the rest of a longer one is ignored.
pub const QUERY_MAX_BYTES: usize = 2048;

const TRACE_HEADER: HeaderName = HeaderName::from_static("x-amzn-trace-id");
/// `1-67891233-abcdef012345678912345678` has 35 characters.
const TRACE_ID_MAX_BYTES: usize = 64;

fn is_trace_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

/// The head of a request. It can hold a session cookie or a token, so it has no `Debug`.
#[derive(Clone)]
pub struct RequestMeta {
    /// The HTTP method.
    pub method: Method,
    /// The path without the query, still percent-encoded.
    pub path: String,
    query: String,
    headers: HeaderMap,
}

impl RequestMeta {
    /// Takes the head of a request.
    pub fn of(request: &Request) -> Self {
        // API Gateway puts the stage in front of the path of a non-default stage; routes and links know nothing of it.
        let raw = request.raw_http_path();
        let path = if raw.is_empty() { request.uri().path() } else { raw };
        Self {
            method: request.method().clone(),
            path: path.to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            headers: request.headers().clone(),
        }
    }

    /// A header as text; nothing when absent or not ASCII.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A decoded query parameter: the first of that name.
    pub fn query(&self, name: &str) -> Option<String> {
        let bytes = self.query.as_bytes();
        let bounded = bytes.get(..QUERY_MAX_BYTES).unwrap_or(bytes);
        form_urlencoded::parse(bounded).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// Path and query, to come back to.
    pub fn path_and_query(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }

    /// A cookie's value: the first of that name.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The token of `Authorization: Bearer …`.
    pub fn bearer_token(&self) -> Option<&str> {
        let (scheme, token) = self.header(&header::AUTHORIZATION)?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    }

    /// The id the gateway gave this request, to be quoted on the telephone and searched in the log; `-` without one.
    pub fn trace_id(&self) -> &str {
        let header = self.header(&TRACE_HEADER).unwrap_or_default();
        let root = header.split(';').find_map(|part| part.trim().strip_prefix("Root=")).unwrap_or_default();
        let legal = |id: &&str| (1..=TRACE_ID_MAX_BYTES).contains(&id.len()) && id.bytes().all(is_trace_byte);
        Some(root).filter(legal).unwrap_or("-")
    }

    /// Page or JSON, by `Accept`.
    pub fn face(&self) -> Face {
        face(self.header(&header::ACCEPT))
    }

    /// Whether the page opens inside WeChat, where payment is possible.
    pub fn in_wechat(&self) -> bool {
        self.header(&header::USER_AGENT).is_some_and(|agent| agent.contains("MicroMessenger"))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use lambda_http::Body;

    use super::*;

    pub(crate) fn meta(method: &str, uri: &str, headers: &[(&str, &str)]) -> RequestMeta {
        let mut request = http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        RequestMeta::of(&request.body(Body::Empty).unwrap())
    }

    #[test]
    fn reads_cookies_query_and_token() {
        let meta = meta(
            "GET",
            "/booking/internal?date=2026-11-23&q=%E5%86%85",
            &[("cookie", "a=1; __Host-sid=xyz"), ("cookie", "large=1"), ("authorization", "bearer  t0ken")],
        );
        assert_eq!(meta.cookie("__Host-sid"), Some("xyz"));
        assert_eq!(meta.cookie("large"), Some("1"));
        assert_eq!(meta.cookie("sid"), None);
        assert_eq!(meta.query("q").as_deref(), Some("内"));
        assert_eq!(meta.query("date").as_deref(), Some("2026-11-23"));
        assert_eq!(meta.bearer_token(), Some("t0ken"));
        assert_eq!(meta.path_and_query(), "/booking/internal?date=2026-11-23&q=%E5%86%85");
    }

    #[test]
    fn the_stage_is_no_part_of_the_path() {
        let request = http::Request::get("/test/booking").body(Body::Empty).unwrap().with_raw_http_path("/booking");
        assert_eq!(RequestMeta::of(&request).path, "/booking");
    }

    #[test]
    fn the_trace_id_comes_from_the_gateway_or_not_at_all() {
        let id = |value: &str| meta("GET", "/", &[("x-amzn-trace-id", value)]).trace_id().to_owned();
        assert_eq!(id("Root=1-67891233-abcdef012345678912345678;Sampled=0"), "1-67891233-abcdef012345678912345678");
        assert_eq!(id("Self=1-a; Root=1-b"), "1-b");
        for bad in ["", "Root=", "Root=<b>", &format!("Root={}", "a".repeat(65))] {
            assert_eq!(id(bad), "-", "{bad}");
        }
    }

    #[test]
    fn an_overlong_query_is_cut() {
        let meta = meta("GET", &format!("/?pad={}&late=1", "x".repeat(QUERY_MAX_BYTES)), &[]);
        assert_eq!(meta.query("late"), None);
    }

    #[test]
    fn knows_wechat_by_its_user_agent() {
        assert!(meta("GET", "/", &[("user-agent", "Mozilla/5.0 MicroMessenger/8.0.49")]).in_wechat());
        assert!(!meta("GET", "/", &[("user-agent", "Mozilla/5.0")]).in_wechat());
    }
}
