//! Where a path stands in the file, for everything that names a path later: refusals, plans, what
//! is not enforced. Owns the way from names to lines; the way back is `Node::path_to`.

use crate::Checked;
use crate::sections::{gate, order};
use crate::source::Extent;
use crate::tree::Node;

/// Line of `path`, from 1: `environments.staging.gate.validation.all-tests-passing`, list entries
/// by name or as `[0]`. A section that an environment shares is found where it is shared; of a path
/// that goes deeper than the file, the last part that is there. None when nothing of it is there.
pub fn line_of(checked: &Checked, path: &str) -> Option<usize> {
    let root = checked.root.as_ref()?;
    let parts: Vec<&str> = path.split(['.', '[']).map(|part| part.trim_end_matches(']')).collect();
    let mut found = walk(root, &parts);
    if let ["environments", name, section @ ..] = parts.as_slice() {
        let own = root.get("environments").and_then(|it| it.get(name));
        for shared in own.map(|own| shared(root, own)).unwrap_or_default() {
            let other = walk(shared, section);
            // What is nearer to the whole path; an environment's own wins.
            if other.depth > 0 && other.depth + 2 > found.depth {
                found = Found { depth: other.depth + 2, ..other };
            }
        }
    }
    (found.depth > 0).then(|| checked.source.line_of(found.extent.start))
}

/// The shared sections of an environment, the nearer first.
fn shared<'a>(root: &'a Node, own: &Node) -> Vec<&'a Node> {
    let defaults = root.get("defaults");
    let tier = order::tier(own).and_then(|tier| defaults?.get(tier.as_str()));
    [tier, defaults.and_then(|it| it.get("all"))].into_iter().flatten().collect()
}

/// How far one got, and where that is.
struct Found {
    depth: usize,
    extent: Extent,
}

fn walk(root: &Node, parts: &[&str]) -> Found {
    let (mut node, mut found) = (root, Found { depth: 0, extent: root.extent });
    for part in parts {
        let next = match node.entry(part) {
            Some(entry) => Some((entry.key_extent, &entry.value)),
            None => item(node, part).map(|item| (item.extent, item)),
        };
        let Some((extent, value)) = next else { break };
        found = Found { depth: found.depth + 1, extent };
        node = value;
    }
    found
}

fn item<'a>(list: &'a Node, part: &str) -> Option<&'a Node> {
    let named = |item: &&Node| {
        let title = item.get("name").or_else(|| item.get("check")).and_then(Node::text);
        title.and_then(gate::slug).as_deref() == Some(part)
    };
    let index = part.parse::<usize>().ok();
    list.items().iter().find(named).or_else(|| list.items().get(index?))
}
