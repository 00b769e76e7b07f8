//! Reading a checked map key by key, with the defaults of its table. A value that does not fit was
//! reported when the shapes were checked, and reads as if it were left out.

use towpath_core::units::Span;

use crate::problem::Problems;
use crate::shape::{Key, Place};
use crate::source::Source;
use crate::tree::{Node, Tree};

/// One map with its table.
pub(crate) struct Fields<'a> {
    node: Option<&'a Node>,
    keys: &'a [Key],
    place: Place,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(node: Option<&'a Node>, keys: &'a [Key], place: Place) -> Self {
        Self { node, keys, place }
    }

    /// The value as it stands in the file.
    pub(crate) fn given(&self, name: &str) -> Option<&'a Node> {
        self.node?.get(name)
    }

    /// The value as text, or its default.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let given = self.given(name).and_then(Node::text).map(str::to_owned);
        given.or_else(|| self.default(name).map(str::to_owned))
    }

    /// A duration, or its default.
    pub(crate) fn span(&self, name: &str) -> Option<Span> {
        self.text(name)?.parse().ok()
    }

    /// A count, or its default; 0 when there is neither.
    pub(crate) fn count(&self, name: &str) -> u64 {
        self.text(name).and_then(|text| text.parse().ok()).unwrap_or_default()
    }

    /// A list of texts, of which one may stand alone.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let Some(given) = self.given(name) else { return Vec::new() };
        match given.text() {
            Some(one) => vec![one.to_owned()],
            None => given.items().iter().filter_map(Node::text).map(str::to_owned).collect(),
        }
    }

    fn default(&self, name: &str) -> Option<&'static str> {
        self.keys.iter().find(|key| key.name == name)?.default_at(self.place)
    }
}

/// The tree of a default that is a list or a map.
pub(crate) fn from_default(text: &str) -> Node {
    let mut problems = Problems::default();
    let source = Source::new(text.as_bytes(), &mut problems);
    crate::yaml::read(&source, &mut problems)
        .unwrap_or(Node { tree: Tree::Broken, extent: crate::source::Extent::default() })
}
