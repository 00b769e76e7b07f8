//! Standing consent in the matrix: `accept_unenforced` and `accept_warnings`. Owns what a name in
//! them means; the consent that is given for one promotion is the engine's.

use std::collections::BTreeSet;

use towpath_core::matrix::{ACCEPTED, Unenforced};
use towpath_ports::settings;

use crate::codes::{Code, Severity};
use crate::problem::{Problem, Problems};
use crate::source::Extent;
use crate::tree::{Node, printable};

/// Applies the `accept_unenforced` of one environment, whose paths begin with `prefix`, to what
/// was found to be not enforced. A name is a path, or the end of it that says enough.
pub(crate) fn apply(
    names: Option<&Node>,
    prefix: &str,
    found: &mut [Unenforced],
    problems: &mut Problems,
) {
    for node in names.map(texts).unwrap_or_default() {
        let Some(name) = node.text() else { continue };
        let mut matched = false;
        for item in found.iter_mut().filter(|item| item.is_named(name)) {
            matched = true;
            if item.is_runner() {
                refuse(node, &item.path, problems);
            } else if !item.is_accepted() {
                item.refuses = false;
                item.reason.push_str(ACCEPTED);
            }
        }
        // With errors not every demand was read, so nobody knows what a name would accept.
        if !matched && !problems.has_errors() {
            let short = found.iter().filter_map(|item| item.path.strip_prefix(prefix));
            let nearest = settings::nearest(name, short.map(|path| path.trim_start_matches('.')));
            problems.add(
                Problem::new(
                    Code::AcceptsNothing,
                    node.extent,
                    format!("nothing here is called `{}`, so nothing is accepted", printable(name)),
                )
                .label(
                    nearest
                        .as_ref()
                        .map_or_else(String::new, |near| format!("the nearest is `{near}`")),
                )
                .nearest(nearest)
                .next("remove it, if what it accepted is enforced by now"),
            );
        }
    }
}

fn refuse(node: &Node, path: &str, problems: &mut Problems) {
    problems.add(
        Problem::new(
            Code::CannotAccept,
            node.extent,
            format!("`{path}` cannot be accepted: without it nothing could run"),
        )
        .expected("paths of demands that can be left out")
        .next("choose a kind that is built: towpath adapters"),
    );
}

fn texts(node: &Node) -> Vec<&Node> {
    if node.text().is_some() { vec![node] } else { node.items().iter().collect() }
}

/// Where `node`, an `accept_warnings`, names `code`.
pub(crate) fn accepting(node: Option<&Node>, code: Code) -> Option<Extent> {
    let names = node.map(texts).unwrap_or_default();
    names.iter().find(|name| name.text() == Some(code.as_str())).map(|name| name.extent)
}

/// What to say of the names in an `accept_warnings` that are not among `used`: nothing is told by
/// them, and whatever comes later would pass unseen.
pub(crate) fn unused(node: Option<&Node>, used: &BTreeSet<Extent>) -> Vec<Problem> {
    let names = node.map(texts).unwrap_or_default().into_iter();
    let unused = names.filter(|name| !used.contains(&name.extent)).filter_map(|name| {
        let text = name.text().filter(|text| *text != Code::AcceptsNothing.as_str())?;
        let message = format!("`{}` is accepted, and nothing here is told by it", printable(text));
        let problem = Problem::new(Code::AcceptsNothing, name.extent, message);
        Some(problem.label("a later one would pass unseen").next("remove it"))
    });
    unused.collect()
}

/// Refuses names in an `accept_warnings` that are no warnings.
pub(crate) fn check_warnings(node: Option<&Node>, problems: &mut Problems) {
    let warnings = || Code::ALL.iter().filter(|code| code.severity() == Severity::Warning);
    for node in node.map(texts).unwrap_or_default() {
        let Some(name) = node.text() else { continue };
        if warnings().any(|code| code.as_str() == name) {
            continue;
        }
        let known: Vec<_> = warnings().map(|code| code.as_str()).collect();
        let nearest = settings::nearest(name, known.iter().copied());
        problems.add(
            Problem::new(
                Code::UnknownName,
                node.extent,
                format!("there is no warning called `{}`", printable(name)),
            )
            .expected(known.join(", "))
            .nearest(nearest),
        );
    }
}
