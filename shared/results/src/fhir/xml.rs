//! FHIR XML as the tree of its JSON: values are attributes, resources are elements within `resource` and `contained`.

use crate::fault::{Fault, FaultKind};
use crate::tree::Node;

/// Elements that hold a resource.
const HOLDERS: [&str; 2] = ["resource", "contained"];

/// Reads an XML document.
pub(super) fn read(text: &str) -> Result<Node, Fault> {
    let (name, node) = Node::from_xml(text)?;
    match resource(name, node) {
        Some(node @ Node::Object(_)) => Ok(node),
        _ => Err(Fault::at("/", FaultKind::Syntax)),
    }
}

fn resource(name: String, node: Node) -> Option<Node> {
    let Node::Object(fields) = node else { return None };
    let mut read = vec![("resourceType".to_owned(), Node::Text(name))];
    read.extend(fields.into_iter().filter_map(|(name, node)| field(&name, node)));
    Some(Node::Object(read))
}

fn field(name: &str, node: Node) -> Option<(String, Node)> {
    let held = HOLDERS.contains(&name);
    let read = match node {
        Node::List(nodes) => Node::List(nodes.into_iter().filter_map(|node| element(held, node)).collect()),
        one => element(held, one)?,
    };
    Some((name.trim_start_matches('@').to_owned(), read))
}

fn element(held: bool, node: Node) -> Option<Node> {
    match node {
        Node::Object(mut fields) if held => {
            let (name, node) = (!fields.is_empty()).then(|| fields.remove(0))?;
            resource(name, node)
        }
        Node::Object(fields) => {
            let is_value = |(name, _): &(String, Node)| name == "@value";
            match fields.iter().position(is_value) {
                // A value with an extension of its own: the value counts, the extension would hang on `_name`.
                Some(at) => fields.into_iter().nth(at).map(|(_, value)| value),
                None => Some(Node::Object(fields.into_iter().filter_map(|(name, node)| field(&name, node)).collect())),
            }
        }
        leaf => Some(leaf),
    }
}
