//! The environment variables of a release. Secrets do not belong here.

use std::collections::BTreeMap;

use super::{LANE, Section};
use crate::shape::{Default, Key, Shape};
use crate::tree::Node;

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::enforced(
    Key::new(
        "settings",
        Shape::Variables,
        Default::Absent,
        "Environment variables; they win over those of the release. A number stands as it is \
         written.",
    ),
    LANE,
    "settings: { NODE_ENV: production }\n",
)];

/// The variables by name.
pub(crate) fn read(node: Option<&Node>) -> BTreeMap<String, String> {
    let entries = node.map(Node::entries).unwrap_or_default();
    let texts = entries
        .iter()
        .filter(|entry| !entry.key.starts_with("x-"))
        .filter_map(|entry| Some((entry.key.to_string(), entry.value.text()?.to_owned())));
    texts.collect()
}
