//! Cookies, forgery protection and idempotency keys. Randomness and time come from the caller; sessions are kept by
//! the store, under [`SessionSecret::key`], so that a copy of the table opens no session.

use std::fmt;

use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderName, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{form::Fields, problem::Problem, request::RequestMeta, view::Site};

/// The cookie that holds the session secret (with the `__Host-` prefix on https).
pub const SESSION_COOKIE: &str = "sid";
/// The cookie of a member of staff's session: apart from a patient's, for staff are patients too.
pub const STAFF_COOKIE: &str = "staff";
/// The cookie that binds a WeChat sign-in to the browser that began it.
pub const SIGN_IN_COOKIE: &str = "signin";
/// The cookie of a reader who wants large type: `1`. Not a secret, so it carries no prefix.
pub const LARGE_TYPE_COOKIE: &str = "large";
/// The form field of the CSRF token.
pub const CSRF_FIELD: &str = "csrf";
/// The header of the CSRF token, for scripts.
pub const CSRF_HEADER: HeaderName = HeaderName::from_static("x-csrf-token");
/// The form field of the idempotency key.
pub const IDEMPOTENCY_FIELD: &str = "idempotency_key";
/// The header of the idempotency key, for programs.
pub const IDEMPOTENCY_HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// The query parameter of `/signin` that says where to go afterwards.
pub const RETURN_TO_PARAM: &str = "to";

/// The query parameter of `/signin` that asks WeChat again although there is a session.
pub const AGAIN_PARAM: &str = "again";

const SECRET_BYTES: usize = 32;

/// The name of a protected cookie. `__Host-` makes browsers refuse it from other hosts or over plain http; local
/// runs without https use the plain name.
pub fn cookie_name(site: &Site, name: &str) -> String {
    if site.is_https() { format!("__Host-{name}") } else { name.to_owned() }
}

/// A `Set-Cookie` value for a protected cookie. `value` is cookie-safe text (base64url, digits); `max_age_s` in
/// seconds.
pub fn cookie(site: &Site, name: &str, value: &str, max_age_s: u32) -> String {
    let secure = if site.is_https() { "; Secure" } else { "" };
    let name = cookie_name(site, name);
    // Lax, not Strict: patients arrive from links in WeChat messages and from WeChat's sign-in page.
    format!("{name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}")
}

/// A `Set-Cookie` value that removes a protected cookie.
pub fn clear_cookie(site: &Site, name: &str) -> String {
    cookie(site, name, "", 0)
}

/// A `Set-Cookie` value that keeps the choice of large type for a year. It says nothing about a person and is read
/// by no script, but needs no protection either.
pub fn large_type_cookie(large: bool) -> String {
    let (value, max_age_s) = if large { ("1", 31_536_000) } else { ("", 0) };
    format!("{LARGE_TYPE_COOKIE}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax")
}

/// What a signed-in browser holds: 256 random bits. Prints masked.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionSecret([u8; SECRET_BYTES]);

impl fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionSecret(…)")
    }
}

impl SessionSecret {
    /// A new session's secret from 32 random bytes.
    pub const fn from_random(bytes: [u8; SECRET_BYTES]) -> Self {
        Self(bytes)
    }

    /// The secret in a patient's cookie; nothing when absent or malformed.
    pub fn of(request: &RequestMeta, site: &Site) -> Option<Self> {
        Self::of_cookie(request, site, SESSION_COOKIE)
    }

    /// The secret in a member of staff's cookie; nothing when absent or malformed.
    pub fn of_staff(request: &RequestMeta, site: &Site) -> Option<Self> {
        Self::of_cookie(request, site, STAFF_COOKIE)
    }

    fn of_cookie(request: &RequestMeta, site: &Site, name: &str) -> Option<Self> {
        let text = request.cookie(&cookie_name(site, name))?;
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The `Set-Cookie` value that starts a patient's session.
    pub fn cookie(&self, site: &Site, max_age_s: u32) -> String {
        cookie(site, SESSION_COOKIE, &URL_SAFE_NO_PAD.encode(self.0), max_age_s)
    }

    /// The `Set-Cookie` value that starts a member of staff's session.
    pub fn staff_cookie(&self, site: &Site, max_age_s: u32) -> String {
        cookie(site, STAFF_COOKIE, &URL_SAFE_NO_PAD.encode(self.0), max_age_s)
    }

    /// The name the store keeps the session under: a one-way image of the secret.
    pub fn key(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, &self.0))
    }

    /// The token that proves a form came from a page of this session.
    pub fn csrf_token(&self) -> CsrfToken {
        CsrfToken(URL_SAFE_NO_PAD.encode(hmac::sign(&self.hmac_key(), CSRF_CONTEXT)))
    }

    fn hmac_key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.0)
    }
}

/// Separates this use of the secret from any other.
const CSRF_CONTEXT: &[u8] = b"csrf";

/// HMAC of the session, as text for a form field or header. Prints masked.
#[derive(Clone, PartialEq, Eq)]
pub struct CsrfToken(String);

impl CsrfToken {
    /// The text to put into the page.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfToken(…)")
    }
}

/// Lets a change through only from our own page in the same session: the origin must be ours, the token must fit.
pub fn check_csrf(request: &RequestMeta, site: &Site, fields: &Fields, secret: &SessionSecret) -> Result<(), Problem> {
    check_origin(request, site)?;
    let given = request.header(&CSRF_HEADER).or_else(|| fields.text(CSRF_FIELD)).unwrap_or_default();
    let given = URL_SAFE_NO_PAD.decode(given).map_err(|_| Problem::csrf())?;
    // Constant time inside.
    hmac::verify(&secret.hmac_key(), CSRF_CONTEXT, &given).map_err(|_| Problem::csrf())
}

/// Refuses a change that a browser says comes from elsewhere. Old web views send neither header; the token decides.
pub fn check_origin(request: &RequestMeta, site: &Site) -> Result<(), Problem> {
    let ours = match (request.header(&header::ORIGIN), request.header(&header::REFERER)) {
        (Some(origin), _) => origin == site.public_url,
        (None, Some(referer)) => {
            referer.strip_prefix(&site.public_url).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
        (None, None) => true,
    };
    if ours { Ok(()) } else { Err(Problem::csrf()) }
}

/// A key under which one intention takes effect once, however often it is sent: made with the page, sent with the
/// form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Fewest and most characters of a key.
    const LENGTH: std::ops::RangeInclusive<usize> = 16..=64;

    /// A new key from 16 random bytes.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The key of a submitted form or of the header; nothing when absent or malformed.
    pub fn of(request: &RequestMeta, fields: &Fields) -> Option<Self> {
        let text = request.header(&IDEMPOTENCY_HEADER).or_else(|| fields.text(IDEMPOTENCY_FIELD))?;
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        (Self::LENGTH.contains(&text.len()) && text.chars().all(legal)).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where staff sign in.
pub const STAFF_SIGN_IN: &str = "/staff/signin";

/// The path of patients' sign-in that comes back to `return_to`.
pub fn sign_in_path(return_to: &str) -> String {
    back_to("/signin", return_to)
}

/// The path of patients' sign-in that asks WeChat even of those who are signed in, and comes back to `return_to`.
pub fn sign_in_again_path(return_to: &str) -> String {
    format!("{}&{AGAIN_PARAM}=1", sign_in_path(return_to))
}

/// The path of staff's sign-in that comes back to `return_to`.
pub fn staff_sign_in_path(return_to: &str) -> String {
    back_to(STAFF_SIGN_IN, return_to)
}

fn back_to(path: &str, return_to: &str) -> String {
    format!("{path}?{RETURN_TO_PARAM}={}", utf8_percent_encode(return_to, NON_ALPHANUMERIC))
}

/// Where to go after sign-in: a path of this site, never another one (`//host`, `/\host` and schemes are refused).
pub fn return_path(request: &RequestMeta) -> String {
    let wanted = request.query(RETURN_TO_PARAM).unwrap_or_default();
    let second = wanted.chars().nth(1);
    let ours = wanted.starts_with('/') && !matches!(second, Some('/' | '\\'));
    let plain = wanted.len() <= crate::route::PATH_MAX_BYTES && !wanted.chars().any(char::is_control);
    if ours && plain { wanted } else { "/".into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::meta;

    fn site(public_url: &str) -> Site {
        Site { public_url: public_url.into(), ..crate::view::tests::site() }
    }

    fn https() -> Site {
        site("https://desk.example.org")
    }

    const SECRET: SessionSecret = SessionSecret::from_random([7; 32]);

    fn form(csrf: &str) -> Fields {
        Fields::from_pairs([(CSRF_FIELD.to_owned(), csrf.to_owned())].into_iter()).unwrap()
    }

    #[test]
    fn the_session_cookie_is_bound_to_host_and_scheme() {
        let set = SECRET.cookie(&https(), 3600);
        assert!(set.starts_with("__Host-sid="));
        assert!(set.ends_with("; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax; Secure"), "{set}");
        let local = SECRET.cookie(&site("http://127.0.0.1:8080"), 3600);
        assert!(local.starts_with("sid=") && !local.contains("Secure"));
    }

    #[test]
    fn the_cookie_round_trips_and_bad_ones_are_nobody() {
        let set = SECRET.cookie(&https(), 1);
        let pair = set.split(';').next().unwrap();
        assert_eq!(SessionSecret::of(&meta("GET", "/", &[("cookie", pair)]), &https()), Some(SECRET));
        for bad in ["__Host-sid=", "__Host-sid=abc", "__Host-sid=???", "sid=x"] {
            assert_eq!(SessionSecret::of(&meta("GET", "/", &[("cookie", bad)]), &https()), None, "{bad}");
        }
        assert!(!SECRET.key().contains(pair.split_once('=').unwrap().1));
    }

    #[test]
    fn only_the_own_token_from_the_own_origin_passes() {
        let token = SECRET.csrf_token();
        let origin = ("origin", "https://desk.example.org");
        let post = |headers: &[(&str, &str)], field: &str| {
            check_csrf(&meta("POST", "/", headers), &https(), &form(field), &SECRET).map_err(|problem| problem.code)
        };
        assert_eq!(post(&[origin], token.as_str()), Ok(()));
        assert_eq!(post(&[], token.as_str()), Ok(()));
        assert_eq!(post(&[("referer", "https://desk.example.org/a")], token.as_str()), Ok(()));
        assert_eq!(post(&[origin, ("x-csrf-token", token.as_str())], ""), Ok(()));
        let other = SessionSecret::from_random([8; 32]).csrf_token();
        assert_eq!(post(&[origin], other.as_str()), Err("csrf"));
        assert_eq!(post(&[origin], ""), Err("csrf"));
        assert_eq!(post(&[origin], "?"), Err("csrf"));
        for foreign in ["https://evil.example", "null", "https://desk.example.org.evil.example"] {
            assert_eq!(post(&[("origin", foreign)], token.as_str()), Err("csrf"), "{foreign}");
            assert_eq!(post(&[("referer", foreign)], token.as_str()), Err("csrf"), "{foreign}");
        }
    }

    #[test]
    fn idempotency_keys_are_bounded() {
        let key = IdempotencyKey::from_random([1; 16]);
        let request = meta("POST", "/", &[]);
        let field = |text: &str| Fields::from_pairs([(IDEMPOTENCY_FIELD.into(), text.to_owned())].into_iter()).unwrap();
        assert_eq!(IdempotencyKey::of(&request, &field(key.as_str())), Some(key));
        for bad in ["", "short", "has blanks in it all", &"x".repeat(65)] {
            assert_eq!(IdempotencyKey::of(&request, &field(bad)), None, "{bad}");
        }
        let header = meta("POST", "/", &[("idempotency-key", "0123456789abcdef")]);
        assert!(IdempotencyKey::of(&header, &Fields::default()).is_some());
    }

    #[test]
    fn sign_in_returns_only_to_this_site() {
        let back = |path: &str| return_path(&meta("GET", &sign_in_path(path), &[]));
        assert_eq!(back("/clinics/c-1?day=2"), "/clinics/c-1?day=2");
        for bad in ["//evil.example", "/\\evil.example", "https://evil.example", "", "/a\nb"] {
            assert_eq!(back(bad), "/", "{bad}");
        }
    }

    #[test]
    fn secrets_print_masked() {
        assert_eq!(format!("{SECRET:?} {:?}", SECRET.csrf_token()), "SessionSecret(…) CsrfToken(…)");
    }
}
