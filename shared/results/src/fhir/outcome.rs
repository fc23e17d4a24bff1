//! Refusals as FHIR says them.

use crate::fault::{Fault, FaultKind};
use crate::tree::Node;

/// An `OperationOutcome` with the rule that was broken and its place; nothing of what was there.
pub fn operation_outcome(fault: &Fault) -> String {
    let issue = Node::object([
        ("severity", Some(Node::text("error"))),
        ("code", Some(Node::text(issue_type(fault.kind)))),
        ("details", Some(Node::object([("text", Some(Node::text(fault.kind.to_string())))]))),
        ("expression", Some(Node::List(vec![Node::text(fault.place.as_str())]))),
    ]);
    Node::object([("resourceType", Some(Node::text("OperationOutcome"))), ("issue", Some(Node::List(vec![issue])))])
        .to_json()
}

/// The code of value set `issue-type`.
fn issue_type(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::TooLarge | FaultKind::TooMany => "too-long",
        FaultKind::TooDeep | FaultKind::Syntax | FaultKind::Encoding => "structure",
        FaultKind::Missing => "required",
        FaultKind::UnknownCode => "code-invalid",
        FaultKind::Twice => "duplicate",
        FaultKind::OtherPatient => "business-rule",
        FaultKind::Dangling => "not-found",
        FaultKind::Unsupported => "not-supported",
        FaultKind::Disagrees => "conflict",
        FaultKind::Unavailable => "transient",
    }
}
