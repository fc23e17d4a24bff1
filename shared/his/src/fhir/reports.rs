//! Reports as the server keeps them: each with what it refers to, as a bundle of its own.

use super::bundle::Found;
use super::client::{DIAGNOSTIC_REPORT, Errand, Fhir, token};
use super::resource::{entries, kind, own_reference, resource, text};
use super::systems;
use crate::error::HisError;
use crate::port::Call;
use crate::reports::{HeardReport, HeardReports, ReportNo, ReportsQuery, SentReport};
use domain::report::Wire;
use results::tree::Node;
use std::collections::HashSet;

/// How many reports are asked for at once: with their results they are far larger than what else is listed.
const PAGE: &str = "20";
/// What goes with a report: whom it is about, its results and what is behind them.
const WITH: [(&str, &str); 5] = [
    ("_include", "DiagnosticReport:subject"),
    ("_include", "DiagnosticReport:result"),
    ("_include", "DiagnosticReport:specimen"),
    ("_include", "DiagnosticReport:based-on"),
    ("_include:iterate", "Observation:has-member"),
];

/// Fields that refer to what belongs to a report.
const REFERRED: [&str; 5] = ["subject", "result", "specimen", "basedOn", "hasMember"];

impl Fhir {
    /// `DiagnosticReport`s in the order of their changes, a page at a time.
    pub(crate) async fn reports(&self, query: &ReportsQuery, call: Call) -> Result<HeardReports, HisError> {
        let mut errand = Errand::new("reports", None, call);
        let since = query.since.as_ref().map(|mark| format!("gt{}", mark.as_str()));
        let card = query.card_no.as_ref().map(|card| token(systems::CARD, card.as_str()));
        let mut params = vec![("_sort", "_lastUpdated"), ("_count", PAGE)];
        params.extend(since.as_deref().map(|since| ("_lastUpdated", since)));
        params.extend(card.as_deref().map(|card| ("subject:Patient.identifier", card)));
        params.extend(WITH);
        let (found, has_more) = self.search_page(&mut errand, DIAGNOSTIC_REPORT, &params).await?;
        let reports = found.all(DIAGNOSTIC_REPORT).map(|report| heard(&found, report));
        Ok(HeardReports { reports: reports.collect::<Result<_, _>>()?, has_more })
    }

    /// A `DiagnosticReport` by its number.
    pub(crate) async fn report(&self, number: &ReportNo, call: Call) -> Result<Option<SentReport>, HisError> {
        let mut errand = Errand::new("report", None, call);
        let mut params = vec![("identifier", number.as_str())];
        params.extend(WITH);
        let (found, _) = self.search_page(&mut errand, DIAGNOSTIC_REPORT, &params).await?;
        Ok(found.all(DIAGNOSTIC_REPORT).next().map(|report| sent(&found, report)))
    }
}

/// Without its mark nobody could ask on behind it.
fn heard(found: &Found, report: &Node) -> Result<HeardReport, HisError> {
    let mark = report.get("meta").and_then(|meta| text(meta, "lastUpdated")).and_then(|mark| mark.parse().ok());
    Ok(HeardReport { mark: mark.ok_or(HisError::Unreadable)?, report: sent(found, report) })
}

fn sent(found: &Found, report: &Node) -> SentReport {
    let with = gathered(found, report).into_iter();
    let entries = with.map(|node| Node::object([("resource", Some(node.clone()))]));
    let bundle = resource("Bundle", [("type", Some(Node::text("collection"))), ("entry", Node::list(entries))]);
    SentReport { wire: Wire::Fhir, body: bundle.to_json().into_bytes() }
}

/// A report and, each once, what it refers to of what was found with it. Other reports are told on their own.
fn gathered<'a>(found: &'a Found, report: &'a Node) -> Vec<&'a Node> {
    let mut seen: HashSet<String> = own_reference(report).into_iter().collect();
    let mut with = vec![report];
    let mut at = 0;
    while let Some(node) = with.get(at).copied() {
        let holders = REFERRED.iter().flat_map(|name| entries(node, name));
        let others = holders.filter_map(|holder| found.at(holder)).filter(|other| kind(other) != DIAGNOSTIC_REPORT);
        with.extend(
            others.filter(|other| own_reference(other).is_some_and(|place| seen.insert(place))).collect::<Vec<_>>(),
        );
        at += 1;
    }
    with
}
