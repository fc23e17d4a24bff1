//! What is kept of each call, and what of it must never be.

use crate::error::HisError;
use domain::Timestamp;
use domain::his::{CodeKind, HisAdapter, HisCall};
use results::tree::Node;
use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;

/// The longest masked text that is kept, in characters.
pub const KEPT_CHARS_MAX: usize = 6_000;

/// Keeps calls, and codes nobody has mapped. Failing to is its own business: the call has been made.
pub trait CallLog: Debug + Send + Sync {
    /// Milliseconds of a clock that only runs forward.
    fn monotonic_ms(&self) -> u64;

    /// Keeps a call.
    fn keep(&self, call: HisCall) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Notes a code that was met in an operation and that nobody has mapped.
    fn note_unknown<'a>(
        &'a self,
        kind: CodeKind,
        theirs: &'a str,
        operation: &'a str,
        at: Timestamp,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
}

/// A call that is under way.
#[derive(Debug)]
pub(crate) struct Noted {
    log: Option<Arc<dyn CallLog>>,
    started_ms: u64,
    at: Timestamp,
    adapter: HisAdapter,
    operation: String,
    serial: Option<String>,
    request: String,
}

impl Noted {
    /// A call begins. `request` is masked already; it is made only if somebody keeps it.
    pub(crate) fn begin(
        log: Option<&Arc<dyn CallLog>>,
        at: Timestamp,
        (adapter, operation): (HisAdapter, &str),
        serial: Option<&str>,
        request: impl FnOnce() -> String,
    ) -> Self {
        Self {
            log: log.cloned(),
            started_ms: log.map_or(0, |log| log.monotonic_ms()),
            at,
            adapter,
            operation: operation.to_owned(),
            serial: serial.map(str::to_owned),
            request: if log.is_some() { cut(request()) } else { String::new() },
        }
    }

    /// It ended, with an answer that can be shown or without.
    pub(crate) async fn end(self, outcome: Result<Outcome, &HisError>, response: impl FnOnce() -> Option<String>) {
        let Some(log) = &self.log else { return };
        let outcome = match outcome {
            Ok(Outcome::Told) => "ok".to_owned(),
            Ok(Outcome::Empty) => "empty".to_owned(),
            Err(error) => code_of(error),
        };
        let call = HisCall {
            at: self.at,
            operation: self.operation,
            adapter: self.adapter,
            serial: self.serial,
            outcome,
            took_ms: log.monotonic_ms().saturating_sub(self.started_ms),
            request: self.request,
            response: response().map(cut),
        };
        log.keep(call).await;
    }
}

/// A call that did what it was for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome {
    Told,
    Empty,
}

fn code_of(error: &HisError) -> String {
    match error {
        HisError::Refused { code } => format!("refused {code}"),
        HisError::Unauthorized { code } => format!("unauthorized {code}"),
        HisError::UnknownOutcome => "unknown_outcome".into(),
        HisError::Unavailable => "unavailable".into(),
        HisError::Forged => "forged".into(),
        HisError::Unreadable => "unreadable".into(),
        HisError::TooLarge => "too_large".into(),
        HisError::NotOffered => "not_offered".into(),
        HisError::Unmapped => "unmapped".into(),
    }
}

fn cut(text: String) -> String {
    if text.chars().count() <= KEPT_CHARS_MAX {
        return text;
    }
    text.chars().take(KEPT_CHARS_MAX - 1).chain(['…']).collect()
}

/// Fields whose values are kept, if they are plain codes, numbers of ours or the hospital's, times or amounts. Whatever is
/// not named here is masked: a field that is new says nothing until somebody has looked at it.
const SHOWN: [&str; 58] = [
    "amount",
    "appointment",
    "at",
    "bill_no",
    "called",
    "capacity",
    "channel",
    "clinic",
    "code",
    "cursor",
    "date",
    "day",
    "department",
    "doctor",
    "end",
    "ends_at",
    "error",
    "fee",
    "free",
    "from",
    "fullUrl",
    "intent",
    "invoice_no",
    "item_no",
    "kind",
    "lastUpdated",
    "mark",
    "method",
    "more",
    "next",
    "number",
    "original_serial",
    "paid_at",
    "period",
    "quantity",
    "receipt_no",
    "reference",
    "refund_no",
    "refunded_at",
    "resourceType",
    "schedule",
    "serial",
    "severity",
    "since",
    "slot",
    "slots",
    "start",
    "starts_at",
    "state",
    "status",
    "system",
    "taken",
    "times",
    "to",
    "total",
    "transaction_id",
    "until",
    "visited",
];
/// A report: what was examined says as much as the result, so nothing of it is kept.
const REPORT: &str = "report";
/// The longest value that is a code, in bytes.
const CODE_BYTES_MAX: usize = 64;

/// A body without what it says about people: of a masked text its length is left.
pub(crate) fn masked(body: &Node) -> String {
    mask("", body).to_json()
}

fn mask(name: &str, node: &Node) -> Node {
    match node {
        Node::Object(_) | Node::List(_) if name == REPORT => hidden(&node.to_json()),
        Node::Object(fields) => {
            Node::Object(fields.iter().map(|(name, field)| (name.clone(), mask(name, field))).collect())
        }
        Node::List(entries) => Node::List(entries.iter().map(|entry| mask(name, entry)).collect()),
        Node::Null => Node::Null,
        leaf => {
            let text = leaf.as_text().unwrap_or_default();
            if text.is_empty() || (SHOWN.contains(&name) && is_code(text)) { leaf.clone() } else { hidden(text) }
        }
    }
}

/// Only how long it was.
pub(crate) fn hidden(text: &str) -> Node {
    Node::Text(format!("*{}", text.chars().count()))
}

fn is_code(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:+/|".contains(&byte);
    text.len() <= CODE_BYTES_MAX && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_masked_and_codes_are_kept() {
        let body = r#"{"serial":"a_01","card_no":"V20180031","name":"周建国","total":"12.50","phone":"13800000000","bills":[{"bill_no":"B1","items":[{"name":"血脂","amount":"48.00"}]}],"department":"心血管内科","note":null,"number":3,"value":5.6}"#;
        assert_eq!(
            masked(&Node::from_json(body).unwrap()),
            r#"{"serial":"a_01","card_no":"*9","name":"*3","total":"12.50","phone":"*11","bills":[{"bill_no":"B1","items":[{"name":"*2","amount":"48.00"}]}],"department":"*5","note":null,"number":3,"value":"*3"}"#
        );
        assert_eq!(masked(&Node::from_json(r#"{"code":"张三"}"#).unwrap()), r#"{"code":"*2"}"#);
    }

    #[test]
    fn nothing_of_a_report_is_kept() {
        let body = r#"{"reports":[{"mark":"7","report":{"code":"HIV","status":"final","items":[{"code":"K"}]}}]}"#;
        assert_eq!(masked(&Node::from_json(body).unwrap()), r#"{"reports":[{"mark":"7","report":"*54"}]}"#);
    }

    #[test]
    fn what_is_shown_is_listed_once() {
        assert!(SHOWN.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(cut("x".repeat(KEPT_CHARS_MAX + 1)).chars().count(), KEPT_CHARS_MAX);
    }
}
