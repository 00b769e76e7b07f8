//! Two lists of rollout steps beside each other. Steps of the same weight belong together; of what is
//! left on both sides, the first to the first and so on, for the weight was changed then. Owns the
//! pairs; their keys are judged like all others.

use towpath_core::units::Weight;

use super::path::Path;
use crate::tree::Node;

/// What becomes of one step.
pub(crate) enum Fate<'a> {
    /// It is in both lists.
    Kept(Path, &'a Node, &'a Node),
    /// It is in the old list only.
    Removed(Path, &'a Node),
    /// It is in the new list only.
    Added(Path, &'a Node),
}

/// A step with its place in its list, from 0.
type Step<'a> = (usize, &'a Node);

/// The steps of both lists. A step is called by its weight, a changed one by the smaller of the two,
/// so that it is called the same when the change is taken back.
pub(crate) fn beside<'a>(path: &Path, was: &'a Node, now: &'a Node) -> Vec<Fate<'a>> {
    let (mut gone, mut come): (Vec<Step<'a>>, Vec<Step<'a>>) =
        (was.items().iter().enumerate().collect(), now.items().iter().enumerate().collect());
    let mut pairs: Vec<(Step<'a>, Step<'a>)> = Vec::new();
    gone.retain(|before| {
        let same = come.iter().position(|after| weight(after.1) == weight(before.1));
        pairs.extend(same.map(|at| (*before, come.remove(at))));
        same.is_none()
    });
    let changed = gone.len().min(come.len());
    pairs.extend(gone.drain(..changed).zip(come.drain(..changed)));
    pairs.sort_by_key(|(before, after)| before.0.min(after.0));
    let called =
        |node: &Node| path.entry(node.get("weight").and_then(Node::text).unwrap_or("?").to_owned());
    let kept = pairs.into_iter().map(|((_, before), (_, after))| {
        let lighter = if weight(after) < weight(before) { after } else { before };
        Fate::Kept(called(lighter), before, after)
    });
    let removed = gone.iter().map(|(_, step)| Fate::Removed(called(step), step));
    let added = come.iter().map(|(_, step)| Fate::Added(called(step), step));
    kept.chain(removed).chain(added).collect()
}

fn weight(step: &Node) -> Option<Weight> {
    step.get("weight")?.text()?.parse().ok()
}
