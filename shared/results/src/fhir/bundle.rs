//! A bundle: its resources, and what a reference in one of them means.

use crate::fault::{Fault, FaultKind};
use crate::tree::Node;
use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};

/// The most entries of a bundle.
pub(super) const ENTRIES_MAX: usize = 20_000;

/// How many bytes of resources references may call for in all: one large resource that everything refers to is copied for
/// each of them.
const RESOLVED_BYTES_MAX: usize = 64 * 1024 * 1024;

fn is_bundle(document: &Node) -> bool {
    document.get("resourceType").and_then(Node::as_text) == Some("Bundle")
}

/// Resources that are results: of two under one address, chance would decide which one counts.
const RESULTS: [&str; 2] = ["DiagnosticReport", "Observation"];

/// What looking at a resource and passing on counts as, in bytes.
const LOOKED_AT_BYTES: usize = 32;

/// A resource with where it stands.
pub(super) struct Resource {
    pub(super) node: Node,
    pub(super) full_url: String,
    pub(super) place: String,
    /// Where in the bundle it stands, or the one that contains it.
    at: usize,
}

/// What a reference means.
pub(super) struct Found<'a> {
    pub(super) node: &'a Node,
    full_url: &'a str,
    pub(super) place: String,
    at: usize,
}

impl Resource {
    pub(super) fn kind(&self) -> &str {
        self.node.get("resourceType").and_then(Node::as_text).unwrap_or_default()
    }

    fn id(&self) -> &str {
        self.node.get("id").and_then(Node::as_text).unwrap_or_default()
    }

    /// What its relative references are relative to.
    pub(super) fn base(&self) -> &str {
        let end = format!("/{}/{}", self.kind(), self.id());
        self.full_url.strip_suffix(&end).unwrap_or_default()
    }
}

/// The resources of a message.
pub(super) struct Bundle {
    pub(super) resources: Vec<Resource>,
    by_url: HashMap<String, usize>,
    by_type: HashMap<String, usize>,
    /// What the bundle says of itself: id, time.
    pub(super) id: Option<String>,
    pub(super) timestamp: Option<String>,
    resolved_bytes: Cell<usize>,
}

impl Bundle {
    /// The resources of a bundle, or one resource alone; a bundle within a bundle is one of its own, and means by its
    /// references what it holds itself.
    pub(super) fn all(document: Node) -> Result<Vec<Self>, Fault> {
        let mut found = Vec::new();
        let mut open = vec![(document, String::new())];
        while let Some((document, place)) = open.pop() {
            if !is_bundle(&document) {
                let resource = Resource { node: document, full_url: String::new(), place, at: 0 };
                found.push(Self::indexed(vec![resource], None, None)?);
                continue;
            }
            let (bundle, inner) = Self::of(document, &place)?;
            found.push(bundle);
            open.extend(inner.into_iter().rev());
        }
        Ok(found)
    }

    /// A bundle, and the bundles it holds with their places.
    fn of(mut document: Node, place: &str) -> Result<(Self, Vec<(Node, String)>), Fault> {
        refuse_rules(&document, place)?;
        let identifier = document.take("identifier").and_then(|mut identifier| identifier.take_text("value"));
        let id = identifier.or_else(|| document.take_text("id"));
        let timestamp = document.take_text("timestamp");
        let entries = document.take_list("entry");
        let entry_at =
            |at: usize| if place.is_empty() { format!("entry[{at}]") } else { format!("{place}.entry[{at}]") };
        if entries.len() > ENTRIES_MAX {
            return Err(Fault::at(entry_at(ENTRIES_MAX), FaultKind::TooMany));
        }
        let (mut resources, mut inner) = (Vec::new(), Vec::new());
        for (at, mut entry) in entries.into_iter().enumerate() {
            let full_url = entry.take_text("fullUrl").unwrap_or_default();
            let place = format!("{}.resource", entry_at(at));
            match entry.take("resource") {
                Some(bundle) if is_bundle(&bundle) => inner.push((bundle, place)),
                Some(node) => resources.push(Resource { node, full_url, place, at: resources.len() }),
                // To delete a result is to take it back, and that is said by its status.
                None if deletes(&entry) => {
                    return Err(Fault::at(format!("{}.request", entry_at(at)), FaultKind::Unsupported));
                }
                None => {}
            }
        }
        Ok((Self::indexed(resources, id, timestamp)?, inner))
    }

    fn indexed(resources: Vec<Resource>, id: Option<String>, timestamp: Option<String>) -> Result<Self, Fault> {
        let (mut by_url, mut by_type) = (HashMap::new(), HashMap::new());
        for (at, resource) in resources.iter().enumerate() {
            refuse_unclear(resource)?;
            let by_id = format!("{}/{}", resource.kind(), resource.id());
            let former = match resource.full_url.as_str() {
                "" if resource.id().is_empty() => None,
                "" => by_type.get(&by_id),
                url => by_url.get(url),
            };
            let is_other = |former: &usize| resources.get(*former).is_some_and(|former| former.node != resource.node);
            if RESULTS.contains(&resource.kind()) && former.is_some_and(is_other) {
                return Err(Fault::at(resource.place.as_str(), FaultKind::Twice));
            }
            if !resource.full_url.is_empty() {
                by_url.entry(resource.full_url.clone()).or_insert(at);
            }
            by_type.entry(by_id).or_insert(at);
        }
        Ok(Self { resources, by_url, by_type, id, timestamp, resolved_bytes: Cell::new(0) })
    }

    /// The resource a reference means: within the bundle only, by full address, else beside the one that refers, else
    /// by type and id.
    pub(super) fn find(&self, from: &Resource, reference: &str) -> Option<usize> {
        let reference = reference.split_once("/_history/").map_or(reference, |(reference, _)| reference);
        let beside = || self.by_url.get(&format!("{}/{reference}", from.base()));
        let is_relative = !reference.contains(':');
        let by_type = || if is_relative { self.by_type.get(reference) } else { None };
        self.by_url.get(reference).or_else(beside).or_else(by_type).copied()
    }

    /// Whether references called for more than can be copied: what was read is then not whole.
    pub(super) fn is_exhausted(&self) -> bool {
        self.resolved_bytes.get() > RESOLVED_BYTES_MAX
    }

    /// Goes on with what another bundle of the same message has left: the bound is of the message.
    pub(super) fn continue_from(&self, other: &Self) {
        self.resolved_bytes.set(other.resolved_bytes.get());
    }

    /// A copy, paid for.
    fn copy(&self, node: &Node) -> Option<Node> {
        if self.is_exhausted() {
            return None;
        }
        self.pay(node.size_bytes());
        (!self.is_exhausted()).then(|| node.clone())
    }

    fn pay(&self, bytes: usize) {
        self.resolved_bytes.set(self.resolved_bytes.get().saturating_add(bytes));
    }

    /// A resource by reference: contained beside or in the one that refers, or in the bundle.
    pub(super) fn resolve(&self, from: &Resource, reference: &str) -> Option<Resource> {
        let Found { node, full_url, place, at } = self.look(from, reference)?;
        Some(Resource { node: self.copy(node)?, full_url: full_url.to_owned(), place, at })
    }

    /// The same without a copy.
    pub(super) fn look(&self, from: &Resource, reference: &str) -> Option<Found<'_>> {
        let Some(id) = reference.strip_prefix('#') else {
            let at = self.find(from, reference)?;
            let found = self.resources.get(at)?;
            return Some(Found { node: &found.node, full_url: &found.full_url, place: found.place.clone(), at });
        };
        let holder = self.resources.get(from.at)?;
        let contained = contained_in(holder);
        let number = contained.iter().position(|node| node.get("id").and_then(Node::as_text) == Some(id));
        // Looking is paid for too: every reference may look through all of them.
        self.pay(number.unwrap_or(contained.len()).saturating_mul(LOOKED_AT_BYTES));
        let number = number?;
        let place = format!("{}.contained[{number}]", holder.place).trim_start_matches('.').to_owned();
        Some(Found { node: contained.get(number)?, full_url: &holder.full_url, place, at: from.at })
    }
}

fn contained_in(resource: &Resource) -> &[Node] {
    match resource.node.get("contained") {
        Some(Node::List(nodes)) => nodes,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}

/// Whether an entry without a resource deletes a result.
fn deletes(entry: &Node) -> bool {
    let of_request = |name: &str| entry.get("request").and_then(|request| request.get(name)?.as_text());
    let is_result = |url: &str| url.contains("DiagnosticReport") || url.contains("Observation");
    of_request("method") == Some("DELETE") && of_request("url").is_some_and(is_result)
}

/// Rules by which a resource is to be understood: none are known here.
fn refuse_rules(node: &Node, place: &str) -> Result<(), Fault> {
    let place = format!("{place}.implicitRules");
    match node.get("implicitRules") {
        None | Some(Node::Null) => Ok(()),
        Some(_) => Err(Fault::at(place.trim_start_matches('.'), FaultKind::Unsupported)),
    }
}

/// Refuses what FHIR forbids to read on: an extension that changes what is said (`modifierExtension`), rules unknown here,
/// two contained resources under one id.
fn refuse_unclear(resource: &Resource) -> Result<(), Fault> {
    if !RESULTS.contains(&resource.kind()) && resource.kind() != "Patient" {
        return Ok(());
    }
    refuse_rules(&resource.node, &resource.place)?;
    if has_modifier(&resource.node) {
        let place = format!("{}.modifierExtension", resource.place);
        return Err(Fault::at(place.trim_start_matches('.'), FaultKind::Unsupported));
    }
    let mut ids = BTreeSet::new();
    let mut named = contained_in(resource).iter().filter_map(|node| node.get("id")?.as_text());
    if named.any(|id| !ids.insert(id)) {
        let place = format!("{}.contained", resource.place);
        return Err(Fault::at(place.trim_start_matches('.'), FaultKind::Twice));
    }
    Ok(())
}

fn has_modifier(node: &Node) -> bool {
    match node {
        Node::List(nodes) => nodes.iter().any(has_modifier),
        Node::Object(fields) => {
            fields.iter().any(|(name, node)| (name == "modifierExtension" && *node != Node::Null) || has_modifier(node))
        }
        _ => false,
    }
}
