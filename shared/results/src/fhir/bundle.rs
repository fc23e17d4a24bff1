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

fn is_bundle(document: &Node) -> bool {
    document.get("resourceType").and_then(Node::as_text) == Some("Bundle")
}

/// What looking at a resource and passing on counts as, in bytes.
const LOOKED_AT_BYTES: usize = 32;

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
    /// The resources of a bundle, or one resource alone; a bundle within a bundle is one of its own, and means by its
    /// references what it holds itself.
    pub(super) fn all(document: Node) -> Result<Vec<Self>, Fault> {
        let mut found = Vec::new();
        let mut open = vec![(document, String::new())];
        while let Some((document, place)) = open.pop() {
            if !is_bundle(&document) {
                let resource = Resource { node: document, full_url: String::new(), place };
                found.push(Self::indexed(vec![resource], None, None));
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
                Some(node) => resources.push(Resource { node, full_url, place }),
                None => {}
            }
        }
        Ok((Self::indexed(resources, id, timestamp), inner))
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
        let at = contained.iter().position(|node| has_id(&node));
        // Looking is paid for too: every reference may look through all of them.
        self.pay(at.unwrap_or(contained.len()).saturating_mul(LOOKED_AT_BYTES));
        let at = at?;
        let node = self.copy(contained.get(at)?)?;
        Some(Resource { node, full_url: from.full_url.clone(), place: format!("{}.contained[{at}]", from.place) })
    }
}
