//! Front-end machines (前置机): JSON or XML, answered in the language and the encoding of the question with a result
//! code: 0 taken, 1 nothing new, -1 not taken.

use crate::answer;
use crate::signed::Signed;
use domain::report::{Arrival, Wire};
use intake::{Delivery, FiledReport, Inbox, Taken};
use lambda_http::Body;
use results::front_end::charset_of;
use results::{Charset, fhir};
use serde_json::json;
use web::{Response, StatusCode};

/// Taken.
const TAKEN: i8 = 0;
/// Taken; it says nothing new.
const NOTHING_NEW: i8 = 1;
/// Not taken.
const FAILED: i8 = -1;

/// What is said of a body.
struct Verdict {
    status: StatusCode,
    code: i8,
    /// A stable code, empty on success.
    error: &'static str,
    /// Words, empty on success.
    message: &'static str,
}

pub(crate) async fn take(inbox: &Inbox<'_>, signed: &Signed<'_>) -> Response {
    let charset = signed.charset.as_deref();
    let delivery = Delivery { wire: Wire::FrontEnd, sender: &signed.sender, charset, body: signed.body };
    let verdict = match inbox.take(&delivery).await {
        Ok(Taken { kept: Some(kept), .. }) => {
            let why = kept.obstacle.why;
            Verdict { status: StatusCode::OK, code: FAILED, error: why.code(), message: why.text() }
        }
        Ok(Taken { filed, kept: None }) => {
            Verdict { status: StatusCode::OK, code: code_of(&filed), error: "", message: "" }
        }
        Err(error) => {
            crate::later("table", &error);
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Verdict { status, code: FAILED, error: "unavailable", message: "系统繁忙，请稍后重发" }
        }
    };
    say(signed, &verdict)
}

fn code_of(filed: &[FiledReport]) -> i8 {
    if filed.iter().all(|report| report.arrival == Arrival::Duplicate) { NOTHING_NEW } else { TAKEN }
}

fn say(signed: &Signed<'_>, verdict: &Verdict) -> Response {
    let charset = charset_of(signed.body, signed.charset.as_deref()).unwrap_or(Charset::Utf8);
    let name = if charset == Charset::Gb18030 { "gb18030" } else { "utf-8" };
    let is_xml = charset.decode(signed.body).is_ok_and(|text| fhir::is_xml(&text));
    let Verdict { status, code, error, message } = verdict;
    // Codes and words of ours: nothing in them needs an escape.
    let (text, kind) = if is_xml {
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"{name}\"?><response><code>{code}</code><error>{error}</error>\
             <message>{message}</message></response>"
        );
        (text, "application/xml")
    } else {
        (json!({ "code": code, "error": error, "message": message }).to_string(), "application/json")
    };
    let bytes = charset.encode(&text).unwrap_or_else(|_| text.into_bytes());
    answer(*status, &format!("{kind}; charset={name}"), Body::Binary(bytes))
}
