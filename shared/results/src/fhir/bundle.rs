//! A bundle: its resources, and what a reference in one of them means.

use crate::fault::{Fault, FaultKind};
use crate::tree::Node;
use std::cell::Cell;
use std::collections::HashMap;

/// The most entries of a bundle.
pub(super) const ENTRIES_MAX: usize = 20_000;

/// How many bytes of resources references may call for in all: one large resource that everything refers to is copied for
/// each of them.
const RESOLVED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A resource with where it stands.
pub(super) struct Resource {
    pub(super) node: Node,
    pub(super) full_url: String,
    pub(super) place: String,
}

impl Resource {
    pub(super) fn kind(&self) -> &str {
        self.node.get("resourceType").and_then(Node::as_text).unwrap_or_default()
    }

    fn id(&self) -> &str {
        self.node.get("id").and_then(Node::as_text).unwrap_or_default()
    }

    /// What its relative references are relative to.
    fn base(&self) -> &str {
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
    /// The resources of a bundle, or one resource alone.
    pub(super) fn of(mut document: Node) -> Result<Self, Fault> {
        if document.get("resourceType").and_then(Node::as_text) != Some("Bundle") {
            let resource = Resource { node: document, full_url: String::new(), place: String::new() };
            return Ok(Self::indexed(vec![resource], None, None));
        }
        let identifier = document.take("identifier").and_then(|mut identifier| identifier.take_text("value"));
        let id = identifier.or_else(|| document.take_text("id"));
        let timestamp = document.take_text("timestamp");
        let entries = document.take_list("entry");
        if entries.len() > ENTRIES_MAX {
            return Err(Fault::at("entry", FaultKind::TooMany));
        }
        let resources = entries.into_iter().enumerate().filter_map(|(at, mut entry)| {
            let full_url = entry.take_text("fullUrl").unwrap_or_default();
            Some(Resource { node: entry.take("resource")?, full_url, place: format!("entry[{at}].resource") })
        });
        Ok(Self::indexed(resources.collect(), id, timestamp))
    }

    fn indexed(resources: Vec<Resource>, id: Option<String>, timestamp: Option<String>) -> Self {
        let (mut by_url, mut by_type) = (HashMap::new(), HashMap::new());
        for (at, resource) in resources.iter().enumerate() {
            if !resource.full_url.is_empty() {
                by_url.entry(resource.full_url.clone()).or_insert(at);
            }
            by_type.entry(format!("{}/{}", resource.kind(), resource.id())).or_insert(at);
        }
        Self { resources, by_url, by_type, id, timestamp, resolved_bytes: Cell::new(0) }
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

    /// A copy, paid for.
    fn copy(&self, node: &Node) -> Option<Node> {
        if self.is_exhausted() {
            return None;
        }
        self.resolved_bytes.set(self.resolved_bytes.get().saturating_add(node.size_bytes()));
        (!self.is_exhausted()).then(|| node.clone())
    }

    /// A resource by reference: contained in the one that refers, or in the bundle.
    pub(super) fn resolve(&self, from: &Resource, reference: &str) -> Option<Resource> {
        let Some(id) = reference.strip_prefix('#') else {
            let found = self.resources.get(self.find(from, reference)?)?;
            let (full_url, place) = (found.full_url.clone(), found.place.clone());
            return Some(Resource { node: self.copy(&found.node)?, full_url, place });
        };
        let contained = match from.node.get("contained")? {
            Node::List(nodes) => nodes.as_slice(),
            one => std::slice::from_ref(one),
        };
        let has_id = |node: &&Node| node.get("id").and_then(Node::as_text) == Some(id);
        let at = contained.iter().position(|node| has_id(&node))?;
        let node = self.copy(contained.get(at)?)?;
        Some(Resource { node, full_url: from.full_url.clone(), place: format!("{}.contained[{at}]", from.place) })
    }
}
