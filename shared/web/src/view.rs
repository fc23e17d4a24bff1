//! One public view type per answer, shown as a page or as JSON.

use http::{HeaderName, HeaderValue, StatusCode, header};
use lambda_http::Body;
use maud::Markup;
use serde::Serialize;

use crate::{
    Response, headers,
    negotiate::{Cache, Face, etag, unchanged},
    problem::Problem,
    request::RequestMeta,
    session::{CsrfToken, LARGE_TYPE_COOKIE},
};

/// What is the same for every page of one deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The https origin patients see, without a trailing slash.
    pub public_url: String,
    /// The hospital's name.
    pub hospital_name: String,
    /// The telephone of the outpatient desk, on every page; empty until the hospital's profile is known.
    pub hospital_phone: String,
    /// Who may frame the pages: a CSP source list, ordinarily [`headers::FRAME_ANCESTORS_DEFAULT`].
    pub frame_ancestors: String,
}

impl Site {
    /// Whether patients reach the site over https; decides cookie attributes and HSTS.
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

/// All a page may know besides its own view.
#[derive(Clone, Copy)]
pub struct PageContext<'a> {
    /// The deployment.
    pub site: &'a Site,
    /// The request answered.
    pub request: &'a RequestMeta,
    /// The token for the page's forms; nothing when nobody is signed in.
    pub csrf: Option<&'a CsrfToken>,
}

impl PageContext<'_> {
    /// Whether the reader asked for large type.
    pub fn large_type(&self) -> bool {
        self.request.cookie(LARGE_TYPE_COOKIE) == Some("1")
    }
}

/// An answer that can be shown as a page or serialised as JSON: exactly the fields the public may see.
pub trait View: Serialize {
    /// The whole page, made with [`crate::components::page`].
    fn page(&self, context: &PageContext<'_>) -> Markup;

    /// The HTTP status.
    fn status(&self) -> StatusCode {
        StatusCode::OK
    }

    /// Who may keep the answer. Personal unless a view says otherwise.
    fn cache(&self) -> Cache {
        Cache::Personal
    }
}

/// Answers with a view in the face the request asks for.
pub fn respond<V: View>(context: &PageContext<'_>, view: &V) -> Response {
    let face = context.request.face();
    let body = match face {
        Face::Page => view.page(context).into_string(),
        Face::Json => match serde_json::to_string(view) {
            Ok(json) => json,
            Err(_) => return Problem::internal(context.request.trace_id()).respond(context),
        },
    };
    answer(context, view.status(), face, view.cache(), body)
}

/// Puts status, body and all headers of a negotiated answer together.
pub(crate) fn answer(
    context: &PageContext<'_>,
    status: StatusCode,
    face: Face,
    cache: Cache,
    body: String,
) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    headers::secure(&mut response, context.site, &body);
    let content_type = match face {
        Face::Page => "text/html; charset=utf-8",
        Face::Json => "application/json",
    };
    set(&mut response, header::CONTENT_TYPE, content_type);
    set(&mut response, header::CACHE_CONTROL, &cache.header());
    set(&mut response, header::VARY, "Accept");
    if cache != Cache::Personal {
        // The cookie chooses the type size of a page, and who sees what is watched.
        set(&mut response, header::VARY, "Accept, Cookie");
    }
    if cache != Cache::Personal {
        let tag = etag(body.as_bytes());
        set(&mut response, header::ETAG, &tag);
        if status == StatusCode::OK && unchanged(context.request.header(&header::IF_NONE_MATCH), &tag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
    }
    *response.body_mut() = Body::Text(body);
    response
}

/// Answers with a file to keep, byte by byte as it is. `file_name` is plain ASCII without quotes.
pub fn download(context: &PageContext<'_>, file_name: &str, bytes: Vec<u8>) -> Response {
    let mut response = Response::default();
    headers::secure(&mut response, context.site, "");
    // A text type would be read and written again on the way out, and lose the byte order mark that Excel needs.
    set(&mut response, header::CONTENT_TYPE, "application/octet-stream");
    set(&mut response, header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{file_name}\""));
    set(&mut response, header::CACHE_CONTROL, &Cache::Personal.header());
    *response.body_mut() = Body::Binary(bytes);
    response
}

/// 303 to a path of ours (or a URL built by us): after a form, and to sign in.
pub fn see_other(context: &PageContext<'_>, location: &str) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::SEE_OTHER;
    headers::secure(&mut response, context.site, "");
    set(&mut response, header::CACHE_CONTROL, "no-store");
    set(&mut response, header::LOCATION, &ascii_url(location));
    response
}

/// Adds one `Set-Cookie` header, made by [`crate::session`].
pub fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Sets a header. A value that is no legal header text is left out, never sent mangled.
pub(crate) fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// Percent-encodes what may not stand in a header (Chinese, spaces, line ends) and leaves the rest as it is.
fn ascii_url(url: &str) -> String {
    const UNSAFE: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS.add(b' ').add(b'"');
    percent_encoding::utf8_percent_encode(url, UNSAFE).to_string()
}

#[cfg(test)]
pub(crate) mod tests {
    use maud::html;

    use super::*;
    use crate::request::tests::meta;

    #[derive(Serialize)]
    struct Hello {
        name: &'static str,
        #[serde(skip)]
        cache: Cache,
    }

    impl View for Hello {
        fn page(&self, _: &PageContext<'_>) -> Markup {
            html! { p { (self.name) } }
        }

        fn cache(&self) -> Cache {
            self.cache
        }
    }

    const PUBLIC: Hello = Hello { name: "<张>", cache: Cache::Public { max_age_s: 60 } };

    pub(crate) fn site() -> Site {
        Site {
            public_url: "https://desk.example.org".into(),
            hospital_name: "示例医院".into(),
            hospital_phone: "021-00000000".into(),
            frame_ancestors: headers::FRAME_ANCESTORS_DEFAULT.into(),
        }
    }

    fn get(request_headers: &[(&str, &str)], view: &Hello) -> Response {
        let (site, request) = (site(), meta("GET", "/", request_headers));
        respond(&PageContext { site: &site, request: &request, csrf: None }, view)
    }

    fn text<'a>(response: &'a Response, name: &str) -> &'a str {
        response.headers().get(name).unwrap().to_str().unwrap()
    }

    #[test]
    fn one_view_has_two_faces() {
        let page = get(&[], &PUBLIC);
        assert_eq!(page.body(), &Body::Text("<p>&lt;张&gt;</p>".into()));
        assert_eq!(text(&page, "content-type"), "text/html; charset=utf-8");
        let json = get(&[("accept", "application/json")], &PUBLIC);
        assert_eq!(json.body(), &Body::Text(r#"{"name":"<张>"}"#.into()));
        assert_eq!(text(&json, "content-type"), "application/json");
    }

    #[test]
    fn personal_answers_are_never_stored() {
        let answer = get(&[], &Hello { cache: Cache::Personal, ..PUBLIC });
        assert_eq!(text(&answer, "cache-control"), "no-store");
        assert_eq!(text(&answer, "vary"), "Accept");
        assert!(!answer.headers().contains_key("etag"));
    }

    #[test]
    fn a_public_answer_is_sent_once() {
        let first = get(&[], &PUBLIC);
        assert_eq!(
            text(&first, "cache-control"),
            "public, max-age=60, stale-while-revalidate=60, stale-if-error=86400"
        );
        let tag = text(&first, "etag").to_owned();
        let again = get(&[("if-none-match", &tag)], &PUBLIC);
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(again.body(), &Body::Empty);
        let json = get(&[("if-none-match", &tag), ("accept", "application/json")], &PUBLIC);
        assert_eq!(json.status(), StatusCode::OK);
    }

    #[test]
    fn what_is_watched_is_sent_when_it_has_changed_and_kept_by_one_browser() {
        let watched = Hello { cache: Cache::Watched, ..PUBLIC };
        let first = get(&[], &watched);
        assert_eq!(text(&first, "cache-control"), "private, no-cache");
        let again = get(&[("if-none-match", text(&first, "etag"))], &watched);
        assert_eq!((again.status(), again.body()), (StatusCode::NOT_MODIFIED, &Body::Empty));
    }

    #[test]
    fn a_redirect_cannot_carry_a_second_header() {
        let (site, request) = (site(), meta("POST", "/", &[]));
        let context = PageContext { site: &site, request: &request, csrf: None };
        let answer = see_other(&context, "/patients?名=a\r\nset-cookie: x");
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        assert_eq!(text(&answer, "location"), "/patients?%E5%90%8D=a%0D%0Aset-cookie:%20x");
    }
}
