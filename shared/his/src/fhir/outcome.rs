//! Refusals: what an `OperationOutcome` says, as the port's own.

use super::resource::{entries, kind, text};
use crate::error::{HisError, Refusal};
use results::tree::Node;

const UNAUTHORIZED: u16 = 401;
const TOO_MANY: u16 = 429;

/// Statuses FHIR has. Another comes from something before the server.
pub(super) fn is_of_fhir(status: u16) -> bool {
    matches!(status, 200 | 201 | 400 | UNAUTHORIZED | 404 | 409 | 410 | 412 | 422 | TOO_MANY)
}

/// Whether it says that nothing was refused.
pub(super) fn is_done(status: u16) -> bool {
    matches!(status, 200 | 201)
}

/// Why nothing was done. A server that has too much to do has not begun: it may be asked again later.
pub(super) fn error(status: u16, about: &str, body: Option<&Node>) -> HisError {
    let told = body.and_then(|outcome| refusal(outcome, about));
    let code = told.unwrap_or_else(|| Refusal::Other(format!("HTTP_{status}")));
    match status {
        UNAUTHORIZED => HisError::Unauthorized { code },
        TOO_MANY => HisError::Unavailable,
        _ => HisError::Refused { code },
    }
}

/// The first reason that is an error: a code of the hospital's own if it gives one, else FHIR's kind of the issue.
fn refusal(outcome: &Node, about: &str) -> Option<Refusal> {
    first_error(outcome).and_then(|issue| own_code(issue).or_else(|| meant(issue, about)))
}

/// The hospital's own code of the first error.
pub(super) fn own_reason(outcome: &Node) -> Option<Refusal> {
    first_error(outcome).and_then(own_code)
}

fn first_error(outcome: &Node) -> Option<&Node> {
    let is_error = |issue: &&Node| matches!(text(issue, "severity"), Some("error" | "fatal"));
    entries(outcome, "issue").iter().find(is_error).filter(|_| kind(outcome) == "OperationOutcome")
}

fn own_code(issue: &Node) -> Option<Refusal> {
    let codings = issue.get("details").map_or(&[][..], |details| entries(details, "coding"));
    codings.iter().filter_map(|coding| text(coding, "code")).find_map(Refusal::from_code)
}

/// What a kind of issue means for a resource.
fn meant(issue: &Node, about: &str) -> Option<Refusal> {
    let code = text(issue, "code")?;
    match (about, code) {
        ("Appointment", "conflict") => Some(Refusal::NumberTaken),
        ("Appointment", "duplicate") => Some(Refusal::SerialReused),
        ("Appointment", "not-found") => Some(Refusal::NoSuchClinic),
        ("Patient", "not-found") => Some(Refusal::NoSuchPerson),
        _ => Refusal::from_code(&code.to_ascii_uppercase().replace('-', "_")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(about: &str, issue: &str) -> HisError {
        let body = format!(
            r#"{{"resourceType":"OperationOutcome","issue":[{{"severity":"warning","code":"informational"}},{issue}]}}"#
        );
        error(422, about, Some(&Node::from_json(&body).unwrap()))
    }

    #[test]
    fn a_reason_is_the_hospitals_own_or_fhirs() {
        let own = r#"{"severity":"error","code":"business-rule","details":{"coding":[{"system":"x","code":"NUMBER_TAKEN"}],"text":"号源已被占用"}}"#;
        assert_eq!(refused("Appointment", own), HisError::Refused { code: Refusal::NumberTaken });
        let conflict = r#"{"severity":"error","code":"conflict"}"#;
        assert_eq!(refused("Appointment", conflict), HisError::Refused { code: Refusal::NumberTaken });
        assert_eq!(refused("Patient", conflict), HisError::Refused { code: Refusal::Other("CONFLICT".into()) });
        let rule = r#"{"severity":"fatal","code":"business-rule","details":{"text":"周建国欠费"}}"#;
        assert_eq!(refused("Patient", rule), HisError::Refused { code: Refusal::Other("BUSINESS_RULE".into()) });
    }

    #[test]
    fn without_a_reason_the_status_is_one() {
        let code = Refusal::Other("HTTP_422".into());
        assert_eq!(error(422, "Patient", None), HisError::Refused { code });
        assert_eq!(error(TOO_MANY, "Patient", None), HisError::Unavailable);
        let code = Refusal::Other("HTTP_401".into());
        assert_eq!(error(UNAUTHORIZED, "Patient", None), HisError::Unauthorized { code });
        assert!(!is_of_fhir(502) && !is_of_fhir(302) && is_of_fhir(429) && !is_done(429));
    }
}
