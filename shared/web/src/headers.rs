//! Security headers, on every answer.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderName, header};

use crate::{
    Response,
    components::{REPORT_STYLE, STAFF_STYLE, STYLE},
    view::{Site, set},
};

/// Who may frame a page unless the deployment says otherwise.
pub const FRAME_ANCESTORS_DEFAULT: &str = "'self'";

/// The inline style sheets with their hashes: the first paint needs no second request, and no other inline style or
/// script can ever run.
static STYLES: LazyLock<[(&str, String); 3]> =
    LazyLock::new(|| [STYLE, STAFF_STYLE, REPORT_STYLE].map(|sheet| (sheet, source(sheet))));

fn source(sheet: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(digest(&SHA256, sheet.as_bytes())))
}

/// The sheets in `body`, as a directive; a sheet is allowed only where it is, for an answer may be smaller than its headers.
fn style_directive(body: &str) -> String {
    let found = STYLES.iter().filter(|(sheet, _)| body.contains(sheet));
    let sources: Vec<_> = found.map(|(_, source)| source.as_str()).collect();
    if sources.is_empty() { String::new() } else { format!("style-src {}; ", sources.join(" ")) }
}

/// Adds the headers every answer carries. `body` is what the answer shows, also where it is left out as unchanged.
pub fn secure(response: &mut Response, site: &Site, body: &str) {
    let policy = format!(
        "default-src 'none'; {}script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; \
         base-uri 'none'; frame-ancestors {}",
        style_directive(body),
        site.frame_ancestors
    );
    set(response, header::CONTENT_SECURITY_POLICY, &policy);
    set(response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // Not `no-referrer`: browsers would then send `Origin: null` with our own forms, and the origin check needs it.
    set(response, header::REFERRER_POLICY, "same-origin");
    set(response, HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()");
    if site.is_https() {
        set(response, header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::site;

    #[test]
    fn no_inline_script_and_only_our_own_style() {
        let mut response = Response::default();
        secure(&mut response, &Site { frame_ancestors: "'self' https://phone.example.org".into(), ..site() }, STYLE);
        let policy = response.headers().get("content-security-policy").unwrap().to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(policy.contains("script-src 'self';") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.ends_with("frame-ancestors 'self' https://phone.example.org"), "{policy}");
        assert!(response.headers().contains_key("strict-transport-security"));
    }

    #[test]
    fn a_sheet_is_allowed_where_it_is() {
        let sheets = |page: &str| style_directive(page).matches("sha256-").count();
        assert_eq!((sheets(""), sheets(STYLE), sheets(&[STYLE, STAFF_STYLE, REPORT_STYLE].concat())), (0, 1, 3));
        assert_eq!(style_directive("{}"), "");
    }

    #[test]
    fn plain_http_promises_no_https() {
        let mut response = Response::default();
        secure(&mut response, &Site { public_url: "http://127.0.0.1:8080".into(), ..site() }, "");
        assert!(!response.headers().contains_key("strict-transport-security"));
    }
}
