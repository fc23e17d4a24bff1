//! Who sends: the front-end machine, by its signature over time, nonce and body; each nonce once.
//!
//! The headers are those of our calls to the machine, the other way round (`tests/his/README.md`).

use crate::{Action, App, later};
use domain::Timestamp;
use lambda_http::Body;
use lambda_http::http::header::{CONTENT_TYPE, RETRY_AFTER};
use runtime::http::Call;
use web::form::bounded_body;
use web::{Response, StatusCode};

/// The largest body, in bytes: what Lambda hands over, less its wrapping.
pub(crate) const BODY_BYTES_MAX: usize = 5 * 1024 * 1024;
/// How far the sender's clock may be off, in seconds.
const CLOCK_OFF_S: i64 = 300;
/// How long a nonce is remembered, in seconds: as long as its request could be taken, twice.
const NONCE_KEPT_S: i64 = 2 * CLOCK_OFF_S;
/// Shortest and longest nonce, in characters.
const NONCE_CHARS: std::ops::RangeInclusive<usize> = 16..=64;
/// Seconds after which a sender tries again.
const AGAIN_S: &str = "10";

/// Why a request is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the body is too large")]
    TooLarge,
    #[error("the signature or its headers are wrong")]
    Signature,
    /// The gateway has put another character in the place of every byte that is no UTF-8.
    #[error("this content type goes for UTF-8: send other encodings as application/octet-stream")]
    Spoilt,
    #[error("the time is too far from ours")]
    Clock,
    #[error("the nonce was used before")]
    Replayed,
    #[error("it cannot be taken now")]
    Unavailable,
}

impl Refused {
    fn status_and_code(self) -> (StatusCode, &'static str) {
        match self {
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE"),
            Self::Signature => (StatusCode::UNAUTHORIZED, "SIGN_ERROR"),
            Self::Spoilt => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "CHARSET"),
            Self::Clock => (StatusCode::UNAUTHORIZED, "TIMESTAMP"),
            Self::Replayed => (StatusCode::UNAUTHORIZED, "NONCE_USED"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "SYSTEM_ERROR"),
        }
    }

    pub(crate) fn answer(self) -> Response {
        let (status, code) = self.status_and_code();
        tracing::warn!(code, error = %self, "a request with results is refused");
        let body = serde_json::json!({ "code": -1, "error": code, "message": self.to_string() });
        let mut response = crate::answer(status, "application/json", Body::Text(body.to_string()));
        if self == Self::Unavailable {
            let again = lambda_http::http::HeaderValue::from_static(AGAIN_S);
            response.headers_mut().insert(RETRY_AFTER, again);
        }
        response
    }
}

/// A request whose sender is known.
pub(crate) struct Signed<'a> {
    /// The name of the machine.
    pub(crate) sender: String,
    /// The charset of its content type.
    pub(crate) charset: Option<String>,
    /// What it sends.
    pub(crate) body: &'a [u8],
}

struct Headers<'a> {
    app: &'a str,
    timestamp: &'a str,
    nonce: &'a str,
    signature: &'a str,
}

impl<'a> Headers<'a> {
    fn of(call: &'a Call<Action>) -> Result<Self, Refused> {
        let header = |name: &str| {
            let mut values = call.request.headers().get_all(name).iter();
            let value = values.next().filter(|_| values.next().is_none());
            value.and_then(|value| value.to_str().ok()).ok_or(Refused::Signature)
        };
        let [app, timestamp] = [header("x-his-app")?, header("x-his-timestamp")?];
        let [nonce, signature] = [header("x-his-nonce")?, header("x-his-signature")?];
        let is_plain = NONCE_CHARS.contains(&nonce.len()) && nonce.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_plain { Ok(Self { app, timestamp, nonce, signature }) } else { Err(Refused::Signature) }
    }

    /// When the sender says it is, if that is near enough.
    fn sent_at(&self, now: Timestamp) -> Result<Timestamp, Refused> {
        let second: i64 = self.timestamp.parse().map_err(|_| Refused::Signature)?;
        let is_near = now.as_second().abs_diff(second) <= CLOCK_OFF_S.unsigned_abs();
        Timestamp::from_second(second).ok().filter(|_| is_near).ok_or(Refused::Clock)
    }
}

/// Lets in what the machine has signed, once.
pub(crate) async fn check<'a>(app: &App, call: &'a Call<Action>) -> Result<Signed<'a>, Refused> {
    let body = bounded_body(&call.request, BODY_BYTES_MAX).map_err(|_| Refused::TooLarge)?;
    let headers = Headers::of(call)?;
    let sent_at = headers.sent_at(call.now)?;
    let machine = app.machine.get(call.now).await.map_err(|error| later("secret", &error))?;
    let target = call.request.uri().path_and_query().map_or(call.request.uri().path(), |target| target.as_str());
    let request = his::SignedRequest { method: "POST", target, now: sent_at, nonce: headers.nonce, body };
    if headers.app != machine.app_id() || !machine.has_signed(request, headers.signature) {
        return Err(if is_spoilt(body) { Refused::Spoilt } else { Refused::Signature });
    }
    let until = domain::time::add_seconds(call.now, NONCE_KEPT_S);
    let is_first = app.desk.table.take_nonce(headers.app, headers.nonce, until).await;
    if !is_first.map_err(|error| later("table", &error))? {
        return Err(Refused::Replayed);
    }
    Ok(Signed { sender: headers.app.to_owned(), charset: charset_of(call), body })
}

/// Whether the gateway has read bytes of another encoding as UTF-8, as it does under `text/…`, JSON and XML: a signature
/// over what was sent cannot match any more.
fn is_spoilt(body: &[u8]) -> bool {
    std::str::from_utf8(body).is_ok_and(|text| text.contains(char::REPLACEMENT_CHARACTER))
}

/// `application/json; charset=gb18030`.
fn charset_of(call: &Call<Action>) -> Option<String> {
    let content_type = call.request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let charset = parameters.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    charset.map(|(_, value)| value.trim().trim_matches('"').to_owned())
}
