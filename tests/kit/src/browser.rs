//! What the browser of somebody who is signed in sends.

use lambda_http::http::{Request as Builder, header};
use lambda_http::{Body, Request};
use web::session::SessionSecret;
use web::view::Site;

/// The cookie header of a session at a desk with this address.
pub fn cookie(secret: &SessionSecret, url: &str) -> String {
    let site = Site {
        public_url: url.to_owned(),
        hospital_name: String::new(),
        hospital_phone: String::new(),
        frame_ancestors: String::new(),
    };
    secret.cookie(&site, 60).split(';').next().unwrap().to_owned()
}

/// A form as a page without script sends it, its forgery token among the fields; with GET, the page itself.
pub fn form(secret: &SessionSecret, method: &str, url: &str, accept: &str, fields: &[(&str, &str)]) -> Request {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(fields).append_pair("csrf", secret.csrf_token().as_str());
    let body = if method == "GET" { Body::Empty } else { Body::Text(body.finish()) };
    let request = Builder::builder()
        .method(method)
        .uri(url)
        .header(header::COOKIE, cookie(secret, url))
        .header(header::ACCEPT, accept)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    request.body(body).unwrap()
}
