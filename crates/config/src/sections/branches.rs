//! What the forge asks before a change may enter a branch, and where branches start. The forge holds these
//! doors, not this program: a check with `protection` compares page and forge.

use serde_json::{Value, json};
use towpath_core::branches::BranchRule;
use towpath_core::matrix::{AdapterSpec, CheckSpec};
use towpath_core::units::{Span, Weight};

use super::gate::slug;
use super::{Section, TOP};
use crate::shape::{FLAG, Key, KeyRule, Shape, TEXT, count};
use crate::tree::Node;

/// Most approvals that one change can ask for; the forges take no more than 6 to 10.
const MOST_APPROVALS: u64 = 20;

const KEYS: &[Key] = &[
    Key::optional("purpose", TEXT, "What the branch is for."),
    Key::optional(
        "from",
        TEXT,
        "The branch that it starts from. Of a pattern such as `hotfix/*` each release from such a branch is \
         asked in every environment, of the git repository around the matrix. Of one that lives on, such as \
         `main`, a check `github` with `branch` asks each pull request whether it comes from there, or from a \
         branch for one change that starts here.",
    ),
    Key::optional("approvals", count(0, MOST_APPROVALS), "People who must approve a change."),
    Key::optional("status_checks", FLAG, "Whether the checks of a change must pass."),
    Key::optional("up_to_date", FLAG, "Whether a change must contain the newest commit."),
    Key::optional("code_owners", FLAG, "Whether the owners of the changed paths must approve."),
    Key::optional("signed_commits", FLAG, "Whether every commit must be signed."),
    Key::optional(
        "dismiss_stale_reviews",
        FLAG,
        "Whether an approval ends when new commits are pushed.",
    ),
];

/// Keys that are for people.
const FOR_PEOPLE: [&str; 2] = ["purpose", "from"];

/// What a change must show before it may enter the branch of this name; none when the matrix says
/// nothing of it.
pub(crate) fn rules(root: &Node, branch: &str) -> Option<Value> {
    let mut rules = root.get("branches")?.get(branch)?.to_json();
    let is_rule = |key: &String| !FOR_PEOPLE.contains(&key.as_str()) && !key.starts_with("x-");
    rules.as_object_mut()?.retain(|key, _| is_rule(key));
    Some(rules)
}

/// Where the changes of a branch that lives on come from: the branch that it names, and those that are made
/// for one change and start from itself. Empty where the matrix does not say it.
pub(crate) fn come_from(root: &Node, branch: &str) -> Vec<Value> {
    let from = |node: &Node| node.get("from").and_then(Node::text).map(str::to_owned);
    let entries = root.get("branches").map(Node::entries).unwrap_or_default();
    let own = entries.iter().find(|entry| &*entry.key == branch && !is_pattern(branch));
    let Some(own) = own.and_then(|entry| from(&entry.value)) else { return Vec::new() };
    let starts_here = |entry: &&crate::tree::Entry| {
        is_pattern(&entry.key) && from(&entry.value).as_deref() == Some(branch)
    };
    let patterns = entries.iter().filter(starts_here).map(|entry| entry.key.to_string());
    std::iter::once(own).chain(patterns).map(Value::from).collect()
}

/// How long an answer may take: git reads what came since, however long the history is.
const TIMEOUT: Span = Span::seconds(30);

/// The question whether a release was made on or from the branch `from`, under a name that no check among
/// `taken` has.
pub(crate) fn cut_from(title: &str, from: &str, taken: &[CheckSpec]) -> CheckSpec {
    asked(title, "git", json!({ "cut_from": from }), taken)
}

/// A question of a kind that the file does not name, under a name that no check among `taken` has.
pub(crate) fn asked(title: &str, kind: &str, settings: Value, taken: &[CheckSpec]) -> CheckSpec {
    let own = slug(title).unwrap_or_else(|| kind.to_owned());
    let is_free = |slug: &String| taken.iter().all(|check| check.slug != *slug);
    let numbered = (2..).map(|number| format!("{own}-{number}"));
    let slug = std::iter::once(own.clone()).chain(numbered).find(is_free).unwrap_or(own);
    CheckSpec {
        slug,
        title: title.to_owned(),
        check: AdapterSpec { kind: kind.to_owned(), settings },
        timeout: TIMEOUT,
        at: Weight::ZERO,
    }
}

/// Where branches that are made for one change must start. One that lives on, with a name of its own,
/// started once, and that says nothing of a release.
pub(crate) fn starts(root: &Node, taken: &[CheckSpec]) -> Vec<BranchRule> {
    let entries = root.get("branches").map(Node::entries).unwrap_or_default();
    let rule = |entry: &crate::tree::Entry| {
        let from = entry.value.get("from")?.text()?;
        let title = format!("{} starts from {from}", entry.key);
        let check = cut_from(&title, from, taken);
        is_pattern(&entry.key).then(|| BranchRule { pattern: entry.key.to_string(), check })
    };
    entries.iter().filter_map(rule).collect()
}

/// Whether the name of a branch stands for many.
pub(crate) fn is_pattern(name: &str) -> bool {
    name.contains('*') && !name.starts_with("x-")
}

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::apart(
    Key::optional(
        "branches",
        Shape::MapOf(KeyRule::Branch, &Shape::Map(KEYS)),
        "Rules of the branches that releases come from, by branch or pattern.",
    ),
    TOP,
    "branches:\n  main: { approvals: 2, status_checks: true, code_owners: true, signed_commits: true }\n",
)];
