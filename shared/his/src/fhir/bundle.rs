//! Bundles: what a search found, page by page, and what moves together.

use super::resource::{entries, kind, own_reference, reference, text};
use crate::error::HisError;
use results::tree::Node;
use std::collections::HashMap;

/// The most resources one search may find.
pub(super) const FOUND_MAX: usize = 10_000;

/// What a search found: resources by type and id.
#[derive(Debug, Default)]
pub(super) struct Found {
    resources: Vec<Node>,
    places: HashMap<String, usize>,
    updated: Option<String>,
}

impl Found {
    /// Adds a page; answers where the next one is.
    pub(super) fn add(&mut self, page: &Node) -> Result<Option<String>, HisError> {
        if kind(page) != "Bundle" {
            return Err(HisError::Unreadable);
        }
        let updated = page.get("meta").and_then(|meta| text(meta, "lastUpdated"));
        self.updated = self.updated.take().or(updated.map(str::to_owned));
        for resource in entries(page, "entry").iter().filter_map(|entry| entry.get("resource")) {
            if self.resources.len() >= FOUND_MAX {
                return Err(HisError::TooLarge);
            }
            self.keep(resource);
        }
        let is_next = |link: &&Node| text(link, "relation") == Some("next");
        let next = entries(page, "link").iter().find(is_next);
        Ok(next.and_then(|link| text(link, "url")).map(str::to_owned))
    }

    /// The same resource on two pages is one.
    fn keep(&mut self, resource: &Node) {
        let place = own_reference(resource);
        if place.as_ref().is_some_and(|place| self.places.contains_key(place)) {
            return;
        }
        self.places.extend(place.map(|place| (place, self.resources.len())));
        self.resources.push(resource.clone());
    }

    /// The resources of a type.
    pub(super) fn all<'a>(&'a self, of: &'static str) -> impl Iterator<Item = &'a Node> {
        self.resources.iter().filter(move |resource| kind(resource) == of)
    }

    /// What a reference points at, if it was found too.
    pub(super) fn at(&self, holder: &Node) -> Option<&Node> {
        self.resources.get(*self.places.get(&reference(holder)?)?)
    }

    /// When the server looked; else the last change it found.
    pub(super) fn looked_at(&self) -> Option<&str> {
        let changed =
            self.resources.iter().filter_map(|found| found.get("meta").and_then(|meta| text(meta, "lastUpdated")));
        self.updated.as_deref().or_else(|| changed.max())
    }
}

/// A change that goes with others or not at all.
pub(super) enum Step {
    /// Another state of what was read, by its place and tag.
    Put { place: String, tag: String, resource: Node },
    /// Something new, unless there is one of this condition.
    Post { kind: &'static str, unless: Option<String>, full_url: Option<String>, resource: Node },
}

/// A transaction.
pub(super) fn transaction(steps: Vec<Step>) -> Node {
    let entry = |step: Step| {
        let (full_url, resource, request) = match step {
            Step::Put { place, tag, resource } => {
                (None, resource, [("method", Some("PUT".to_owned())), ("url", Some(place)), ("ifMatch", Some(tag))])
            }
            Step::Post { kind, unless, full_url, resource } => {
                let kind = Some(kind.to_owned());
                (full_url, resource, [("method", Some("POST".to_owned())), ("url", kind), ("ifNoneExist", unless)])
            }
        };
        let request = request.map(|(name, value)| (name, value.map(Node::Text)));
        Node::object([
            ("fullUrl", full_url.map(Node::Text)),
            ("resource", Some(resource)),
            ("request", Some(Node::object(request))),
        ])
    };
    super::resource::resource(
        "Bundle",
        [("type", Some(Node::text("transaction"))), ("entry", Node::list(steps.into_iter().map(entry)))],
    )
}

/// Whether each of so many steps was done now: one that met something there already was not.
pub(super) fn is_all_done(answer: &Node, steps: usize) -> bool {
    let status = |entry: &Node| entry.get("response").and_then(|response| text(response, "status")).map(str::to_owned);
    let statuses: Vec<String> = entries(answer, "entry").iter().filter_map(status).collect();
    kind(answer) == "Bundle" && statuses.len() == steps && statuses.iter().all(|status| status.starts_with("20"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_become_one_list() {
        let mut found = Found::default();
        let page = |text: &str| Node::from_json(text).unwrap();
        let first = page(
            r#"{"resourceType":"Bundle","meta":{"lastUpdated":"2026-11-23T01:00:00Z"},"link":[{"relation":"self","url":"a"},{"relation":"next","url":"b"}],"entry":[{"resource":{"resourceType":"Slot","id":"1"}}]}"#,
        );
        assert_eq!(found.add(&first).unwrap().as_deref(), Some("b"));
        let second = page(
            r#"{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Slot","id":"1"}},{"resource":{"resourceType":"Slot","id":"2","schedule":{"reference":"Slot/1"}}},{"search":{"mode":"outcome"}}]}"#,
        );
        assert_eq!(found.add(&second).unwrap(), None);
        assert_eq!((found.all("Slot").count(), found.looked_at()), (2, Some("2026-11-23T01:00:00Z")));
        let holder = found.all("Slot").nth(1).unwrap().get("schedule").unwrap();
        assert_eq!(found.at(holder).and_then(|slot| text(slot, "id")), Some("1"));
        assert_eq!(found.add(&page(r#"{"resourceType":"Slot"}"#)), Err(HisError::Unreadable));
    }

    #[test]
    fn a_transaction_is_done_whole() {
        let answer = |statuses: [&str; 2]| {
            let entries = statuses.map(|status| format!(r#"{{"response":{{"status":"{status}"}}}}"#)).join(",");
            Node::from_json(&format!(r#"{{"resourceType":"Bundle","entry":[{entries}]}}"#)).unwrap()
        };
        assert!(is_all_done(&answer(["200 OK", "201"]), 2));
        assert!(!is_all_done(&answer(["200 OK", "412"]), 2) && !is_all_done(&answer(["200", "201"]), 3));
    }
}
