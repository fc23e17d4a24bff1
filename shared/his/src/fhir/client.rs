//! Exchanges with a FHIR server: searches page by page, conditional writes, transactions.

use super::bundle::{Found, Step, is_all_done, transaction};
use super::codebook::Codebook;
use super::outcome;
use super::resource::Versioned;
use crate::call_log::{Outcome, masked};
use crate::error::HisError;
use crate::machine::{ANSWER_BYTES_MAX, Machine, Outgoing, READ_TIMEOUT_MS, WRITE_TIMEOUT_MS};
use crate::port::Call;
use domain::his::HisAdapter;
use reqwest::header::{ACCEPT, CONTENT_TYPE, IF_MATCH};
use reqwest::{Method, Url};
use results::tree::Node;
use std::sync::Arc;

/// Where the server's resources are.
const BASE: &str = "/his/v1/fhir";
const JSON: &str = "application/fhir+json; charset=utf-8";
const FORM: &str = "application/x-www-form-urlencoded";
const IF_NONE_EXIST: &str = "if-none-exist";
const PREFER: &str = "prefer";
const REPRESENTATION: &str = "return=representation";
/// The most pages of one search.
const PAGES_MAX: usize = 50;
/// The longest address of a next page, in bytes.
const NEXT_BYTES_MAX: usize = 2_000;
/// What was examined says as much as the result: nothing of a report is kept.
pub(super) const DIAGNOSTIC_REPORT: &str = "DiagnosticReport";
/// How often what somebody else changed in between is looked at anew.
pub(super) const TRIES_MAX: usize = 3;

const OK: u16 = 200;
const CONFLICT: u16 = 409;
const PRECONDITION_FAILED: u16 = 412;

/// The adapter: the machine behind which the server is.
#[derive(Debug, Clone)]
pub(crate) struct Fhir {
    pub(super) machine: Arc<Machine>,
}

/// One operation of the port; it may take several exchanges.
pub(super) struct Errand<'a> {
    operation: &'static str,
    serial: Option<&'a str>,
    call: Call,
    steps: u8,
}

impl<'a> Errand<'a> {
    /// Begins.
    pub(super) fn new(operation: &'static str, serial: Option<&'a str>, call: Call) -> Self {
        Self { operation, serial, call, steps: 0 }
    }

    /// What the next exchange is signed with: each has a nonce of its own.
    fn next_call(&mut self) -> Call {
        let call = self.call.at_step(self.steps);
        self.steps = self.steps.saturating_add(1);
        call
    }
}

/// What came of a write.
#[derive(Debug)]
pub(super) enum Written {
    /// Done; the resource as it is now, if the server shows it.
    Done(Option<Node>),
    /// There was one already.
    Existed(Option<Node>),
    /// Somebody else changed it in between: nothing was done.
    Stale,
}

/// A write of one resource.
enum Write<'a> {
    Create { kind: &'static str, unless: &'a str },
    Update { place: &'a str, tag: &'a str },
    Transact,
}

/// What the server says.
#[derive(Clone)]
struct Answer {
    status: u16,
    body: Option<Node>,
}

impl Answer {
    /// What was done; an error if it was refused.
    fn done(self, kind: &str) -> Result<Option<Node>, HisError> {
        if outcome::is_done(self.status) {
            Ok(self.body)
        } else {
            Err(outcome::error(self.status, kind, self.body.as_ref()))
        }
    }

    /// What was found.
    fn found(self, kind: &str) -> Result<Node, HisError> {
        self.done(kind)?.ok_or(HisError::Unreadable)
    }

    /// Whether a refusal names a reason of the hospital's own.
    fn has_own_reason(&self) -> bool {
        self.body.as_ref().and_then(outcome::own_reason).is_some()
    }
}

impl Fhir {
    /// The server behind a machine.
    pub(crate) fn new(machine: Arc<Machine>) -> Self {
        Self { machine }
    }

    /// Searches, with all pages. No parameter says anything about people.
    pub(super) async fn search(
        &self,
        errand: &mut Errand<'_>,
        kind: &'static str,
        params: &[(&str, &str)],
    ) -> Result<Found, HisError> {
        let mut found = Found::default();
        let mut target = format!("{BASE}/{kind}?{}", encoded(params));
        for _ in 0..PAGES_MAX {
            let outgoing = reading(Method::GET, target, Vec::new());
            let page = self.exchange(errand, outgoing, kind, &outline(kind, params)).await?.found(kind)?;
            let Some(next) = found.add(&page)? else { return Ok(found) };
            target = self.own_target(&next)?;
        }
        Err(HisError::TooLarge)
    }

    /// One page of what is about people, and whether there are more: what is known of them stands in the body, never in an
    /// address.
    pub(super) async fn search_page(
        &self,
        errand: &mut Errand<'_>,
        kind: &'static str,
        params: &[(&str, &str)],
    ) -> Result<(Found, bool), HisError> {
        let mut outgoing = reading(Method::POST, format!("{BASE}/{kind}/_search"), encoded(params).into_bytes());
        outgoing.headers.push((CONTENT_TYPE.as_str(), FORM.to_owned()));
        let page = self.exchange(errand, outgoing, kind, &outline(kind, params)).await?.found(kind)?;
        let mut found = Found::default();
        let next = found.add(&page)?;
        Ok((found, next.is_some()))
    }

    /// Makes a resource unless there is one with this identifier.
    pub(super) async fn create(
        &self,
        errand: &mut Errand<'_>,
        kind: &'static str,
        resource: &Node,
        unless: (&str, &str),
        timeout_ms: u64,
    ) -> Result<Written, HisError> {
        let unless = condition(unless);
        self.write(errand, (Write::Create { kind, unless: &unless }, kind), resource, timeout_ms).await
    }

    /// Changes a resource that nobody has changed since it was read.
    pub(super) async fn update(
        &self,
        errand: &mut Errand<'_>,
        kind: &'static str,
        read: &Versioned,
        resource: &Node,
    ) -> Result<Written, HisError> {
        let write = Write::Update { place: &read.place, tag: &read.tag };
        self.write(errand, (write, kind), resource, WRITE_TIMEOUT_MS).await
    }

    /// Does all of it or nothing. What was only partly done now leaves the outcome open.
    pub(super) async fn transact(
        &self,
        errand: &mut Errand<'_>,
        kind: &'static str,
        steps: Vec<Step>,
    ) -> Result<Written, HisError> {
        let count = steps.len();
        match self.write(errand, (Write::Transact, kind), &transaction(steps), WRITE_TIMEOUT_MS).await? {
            Written::Done(Some(answer)) | Written::Existed(Some(answer)) if is_all_done(&answer, count) => {
                Ok(Written::Done(Some(answer)))
            }
            Written::Stale => Ok(Written::Stale),
            Written::Done(_) | Written::Existed(_) => Err(HisError::Unreadable),
        }
    }

    /// Notes the codes nobody has mapped.
    pub(super) async fn note_unknown(&self, codebook: Codebook<'_>, errand: &Errand<'_>) {
        for (kind, theirs) in codebook.into_unknown() {
            self.machine.note_unknown(kind, &theirs, errand.operation, errand.call).await;
        }
    }

    /// Sent once.
    async fn write(
        &self,
        errand: &mut Errand<'_>,
        (write, kind): (Write<'_>, &'static str),
        resource: &Node,
        timeout_ms: u64,
    ) -> Result<Written, HisError> {
        let (method, target, condition) = match &write {
            Write::Create { kind, unless } => {
                (Method::POST, format!("{BASE}/{kind}"), Some((IF_NONE_EXIST, (*unless).to_owned())))
            }
            Write::Update { place, tag } => {
                (Method::PUT, format!("{BASE}/{place}"), Some((IF_MATCH.as_str(), (*tag).to_owned())))
            }
            Write::Transact => (Method::POST, BASE.to_owned(), None),
        };
        let mut outgoing = reading(method, target, resource.to_json().into_bytes());
        outgoing.timeout_ms = timeout_ms;
        outgoing.headers.extend([(CONTENT_TYPE.as_str(), JSON.to_owned()), (PREFER, REPRESENTATION.to_owned())]);
        outgoing.headers.extend(condition);
        let answer = self.exchange(errand, outgoing, kind, resource).await?;
        match (&write, answer.status) {
            (Write::Update { .. } | Write::Transact, PRECONDITION_FAILED) => Ok(Written::Stale),
            // Some servers say of another version that it is a conflict.
            (Write::Update { .. }, CONFLICT) if !answer.has_own_reason() => Ok(Written::Stale),
            (Write::Create { .. }, OK) => Ok(Written::Existed(answer.body)),
            _ => answer.done(kind).map(Written::Done),
        }
    }

    /// One exchange, noted.
    async fn exchange(
        &self,
        errand: &mut Errand<'_>,
        outgoing: Outgoing,
        kind: &'static str,
        outline: &Node,
    ) -> Result<Answer, HisError> {
        let call = errand.next_call();
        let name = (HisAdapter::Fhir, errand.operation);
        let noted = self.machine.note(name, errand.serial, || masked(outline), call);
        let answer = self.read(outgoing, call).await;
        let told = answer.clone().and_then(|answer| answer.done(kind));
        let is_kept = kind != DIAGNOSTIC_REPORT;
        let body = || Some(masked(answer.as_ref().ok()?.body.as_ref()?)).filter(|_| is_kept);
        noted.end(told.as_ref().map(|_| Outcome::Told), body).await;
        answer
    }

    async fn read(&self, outgoing: Outgoing, call: Call) -> Result<Answer, HisError> {
        let answer = self.machine.exchange(outgoing, outcome::is_of_fhir, call).await?;
        let read = std::str::from_utf8(&answer.body).ok().and_then(|text| Node::from_json(text).ok());
        // A refusal is one without its reason too; a deed whose answer cannot be read is not known to be one.
        if read.is_none() && !answer.body.is_empty() && outcome::is_done(answer.status) {
            return Err(HisError::Unreadable);
        }
        Ok(Answer { status: answer.status, body: read })
    }

    /// The target of a next page, if it is on this very server.
    fn own_target(&self, next: &str) -> Result<String, HisError> {
        let origin = Url::parse(self.machine.origin()).map_err(|_| HisError::Unreadable)?;
        let base = origin.join(&format!("{BASE}/")).map_err(|_| HisError::Unreadable)?;
        let url = base.join(next).map_err(|_| HisError::Unreadable)?;
        let is_below = url.path() == BASE || url.path().starts_with(base.path());
        let is_own = url.origin() == origin.origin() && is_below && url.username().is_empty();
        if !is_own || next.len() > NEXT_BYTES_MAX {
            return Err(HisError::Unreadable);
        }
        Ok(url.query().map_or(url.path().to_owned(), |query| format!("{}?{query}", url.path())))
    }
}

fn reading(method: Method, target: String, body: Vec<u8>) -> Outgoing {
    Outgoing {
        method,
        target,
        headers: vec![(ACCEPT.as_str(), JSON.to_owned())],
        body,
        timeout_ms: READ_TIMEOUT_MS,
        answer_bytes_max: ANSWER_BYTES_MAX,
    }
}

fn encoded(params: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish()
}

/// The condition that an identifier is there.
pub(super) fn condition((system, value): (&str, &str)) -> String {
    encoded(&[("identifier", &token(system, value))])
}

/// A token as searches write it: what means something in them is escaped.
pub(super) fn token(system: &str, value: &str) -> String {
    let escaped: String =
        value.chars().flat_map(|c| if r"\,|$".contains(c) { vec!['\\', c] } else { vec![c] }).collect();
    format!("{system}|{escaped}")
}

/// What is kept of a search.
fn outline(kind: &str, params: &[(&str, &str)]) -> Node {
    let params = params.iter().map(|(name, value)| (*name, Some(Node::text(*value))));
    Node::object([("resourceType", Some(Node::text(kind)))].into_iter().chain(params))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Keys;

    #[test]
    fn a_next_page_is_on_the_same_server() {
        let keys = Keys::new("menzhen", &["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()]).unwrap();
        let fhir = Fhir::new(Arc::new(Machine::new("https://his.example", keys).unwrap()));
        for own in ["https://his.example/his/v1/fhir?page=2", "/his/v1/fhir/Slot?page=2", "Slot?page=2"] {
            assert!(fhir.own_target(own).unwrap().ends_with("?page=2"), "{own}");
        }
        for other in [
            "https://evil.example/his/v1/fhir?page=2",
            "http://his.example/his/v1/fhir?page=2",
            "https://his.example:444/his/v1/fhir/Slot",
            "https://a@his.example/his/v1/fhir/Slot",
            "../fees-post",
            "/his/v1/fhirs",
            "file:///etc/passwd",
        ] {
            assert_eq!(fhir.own_target(other), Err(HisError::Unreadable), "{other}");
        }
    }

    #[test]
    fn what_means_something_in_a_search_is_escaped() {
        assert_eq!(token("urn:x", r"a,b|c\d$e"), r"urn:x|a\,b\|c\\d\$e");
        assert_eq!(condition(("urn:x", "a b")), "identifier=urn%3Ax%7Ca+b");
    }

    #[test]
    fn each_exchange_has_a_nonce_of_its_own() {
        let call = Call { now: domain::Timestamp::UNIX_EPOCH, random: [7; 16] };
        let mut errand = Errand::new("confirm", None, call);
        let nonces: std::collections::BTreeSet<_> = (0..5).map(|_| errand.next_call().random).collect();
        assert!(nonces.len() == 5 && nonces.contains(&call.random));
    }
}
