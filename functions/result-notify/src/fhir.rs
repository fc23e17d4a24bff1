//! FHIR R4: a `DiagnosticReport`, an `Observation` or a bundle of them; answered with an `OperationOutcome`.

use crate::signed::Signed;
use crate::{App, answer};
use domain::report::unplaced::{Unplaced, Why};
use domain::report::{Arrival, Wire};
use intake::{Delivery, FiledReport, Inbox, Taken};
use lambda_http::Body;
use lambda_http::http::header::{HeaderValue, LOCATION};
use serde_json::{Value, json};
use web::{Response, StatusCode};

const CONTENT_TYPE: &str = "application/fhir+json; charset=utf-8";

pub(crate) async fn take(app: &App, inbox: &Inbox<'_>, signed: &Signed<'_>) -> Response {
    let charset = signed.charset.as_deref();
    let delivery = Delivery { wire: Wire::Fhir, sender: &signed.sender, charset, body: signed.body };
    match inbox.take(&delivery).await {
        Ok(Taken { kept: Some(kept), .. }) => refusal(&kept),
        Ok(Taken { filed, kept: None }) => success(app, &filed),
        Err(error) => {
            crate::later("table", &error);
            outcome(StatusCode::SERVICE_UNAVAILABLE, "error", "transient", "it cannot be taken now", None)
        }
    }
}

fn success(app: &App, filed: &[FiledReport]) -> Response {
    let fresh = filed.iter().filter(|report| report.arrival != Arrival::Duplicate).count();
    let status = if fresh > 0 { StatusCode::CREATED } else { StatusCode::OK };
    let text = format!("{fresh} filed, {} known before", filed.len() - fresh);
    let mut response = outcome(status, "information", "informational", &text, None);
    if let [only] = filed
        && let Ok(value) =
            HeaderValue::from_str(&format!("{}/results/fhir/DiagnosticReport/{}", app.desk.public_url, only.id))
    {
        response.headers_mut().insert(LOCATION, value);
    }
    response
}

/// 400 for what is no FHIR, 422 for what is and cannot be taken in. Either way it is kept whole.
fn refusal(kept: &Unplaced) -> Response {
    let (status, code) = match kept.obstacle.why {
        Why::Unreadable | Why::Encoding => (StatusCode::BAD_REQUEST, "structure"),
        Why::UnknownCode => (StatusCode::UNPROCESSABLE_ENTITY, "code-invalid"),
        Why::NoNumber => (StatusCode::UNPROCESSABLE_ENTITY, "required"),
        Why::UnknownPatient | Why::UnknownVisit => (StatusCode::UNPROCESSABLE_ENTITY, "not-found"),
        Why::OtherName | Why::TwoPatients => (StatusCode::UNPROCESSABLE_ENTITY, "business-rule"),
        Why::OthersReport | Why::OtherTime => (StatusCode::UNPROCESSABLE_ENTITY, "conflict"),
    };
    let text = format!("kept for the hospital's staff: {}", kept.obstacle.why.code());
    outcome(status, "error", code, &text, Some(&kept.obstacle.place))
}

fn outcome(status: StatusCode, severity: &str, code: &str, text: &str, place: Option<&str>) -> Response {
    let mut issue = json!({ "severity": severity, "code": code, "details": { "text": text } });
    if let (Some(place), Value::Object(fields)) = (place, &mut issue) {
        fields.insert("expression".into(), json!([place]));
    }
    let body = json!({ "resourceType": "OperationOutcome", "issue": [issue] });
    answer(status, CONTENT_TYPE, Body::Text(body.to_string()))
}
