//! Static files, embedded in the binary and named by their content, so that they may be kept for ever.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{StatusCode, header};
use lambda_http::Body;

use crate::{
    Response,
    components::Script,
    headers,
    negotiate::{etag, unchanged},
    problem::Problem,
    view::{PageContext, set},
};

struct Asset {
    script: Script,
    stem: &'static str,
    text: &'static str,
    /// `pay.k3_9Qz0A.js`
    file: String,
}

static ASSETS: LazyLock<[Asset; 7]> = LazyLock::new(|| {
    [
        asset(Script::Pay, "pay", include_str!("../assets/pay.js")),
        asset(Script::Countdown, "countdown", include_str!("../assets/countdown.js")),
        asset(Script::Sum, "sum", include_str!("../assets/sum.js")),
        asset(Script::Visit, "visit", include_str!("../assets/visit.js")),
        asset(Script::Desk, "desk", include_str!("../assets/desk.js")),
        asset(Script::Screen, "screen", include_str!("../assets/screen.js")),
        asset(Script::Print, "print", include_str!("../assets/print.js")),
    ]
});

fn asset(script: Script, stem: &'static str, text: &'static str) -> Asset {
    let digest = digest(&SHA256, text.as_bytes());
    let hash = URL_SAFE_NO_PAD.encode(digest.as_ref().get(..6).unwrap_or_default());
    Asset { script, stem, text, file: format!("{stem}.{hash}.js") }
}

/// Where a page finds a script.
pub fn script_url(script: Script) -> String {
    ASSETS.iter().find(|asset| asset.script == script).map_or_else(String::new, |it| format!("/assets/{}", it.file))
}

/// Answers `GET /assets/{file}`. During a deployment a page of another version may ask for another hash of the same
/// script: it gets the present one, but only for a minute, so that no cache keeps it under the wrong name.
pub fn respond(context: &PageContext<'_>, file: &str) -> Response {
    let mut parts = file.split('.');
    let (stem, kind) = (parts.next().unwrap_or_default(), parts.next_back());
    let Some(asset) = ASSETS.iter().find(|asset| asset.stem == stem && kind == Some("js")) else {
        return Problem::not_found().respond(context);
    };
    let lasting = asset.file == file;
    let (cache, tag) = (
        if lasting { "public, max-age=31536000, immutable" } else { "public, max-age=60" },
        etag(asset.text.as_bytes()),
    );
    let mut response = Response::default();
    headers::secure(&mut response, context.site, "");
    set(&mut response, header::CACHE_CONTROL, cache);
    set(&mut response, header::ETAG, &tag);
    if unchanged(context.request.header(&header::IF_NONE_MATCH), &tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    set(&mut response, header::CONTENT_TYPE, "text/javascript; charset=utf-8");
    *response.body_mut() = Body::from(asset.text);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{request::tests::meta, view::tests::site};

    fn get(file: &str, headers: &[(&str, &str)]) -> Response {
        let (site, request) = (site(), meta("GET", "/", headers));
        respond(&PageContext { site: &site, request: &request, csrf: None }, file)
    }

    fn header<'a>(response: &'a Response, name: &str) -> &'a str {
        response.headers().get(name).unwrap().to_str().unwrap()
    }

    #[test]
    fn a_script_is_kept_for_ever_under_its_own_name_only() {
        let url = script_url(Script::Pay);
        let file = url.strip_prefix("/assets/").unwrap();
        let exact = get(file, &[]);
        assert_eq!(header(&exact, "cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(header(&exact, "content-type"), "text/javascript; charset=utf-8");
        let other_version = get("pay.AAAAAAAA.js", &[]);
        assert_eq!(header(&other_version, "cache-control"), "public, max-age=60");
        assert_eq!(exact.body(), other_version.body());
        let again = get(file, &[("if-none-match", header(&exact, "etag"))]);
        assert_eq!((again.status(), again.body()), (StatusCode::NOT_MODIFIED, &Body::Empty));
    }

    #[test]
    fn what_is_no_asset_is_not_found() {
        for file in ["", "pay", "pay.AAAAAAAA.css", "../pay.js", "style.css", ".js"] {
            assert_eq!(get(file, &[]).status(), StatusCode::NOT_FOUND, "{file}");
        }
    }
}
