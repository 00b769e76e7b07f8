//! Secrets that stand in the file, and how often secrets change. Opens no store; what makes a name
//! or a value a secret is in `telltale`.

use std::collections::{BTreeMap, BTreeSet};

use towpath_core::matrix::Tier;
use towpath_core::units::Span;

use super::values::span;
use super::{Lane, Whole};
use crate::codes::Code;
use crate::problem::{Problem, Problems};
use crate::secrecy::{in_development, in_plain_text};
use crate::tree::{Entry, Node, printable};

mod telltale;

pub(crate) use telltale::{is_header_secret, is_no_name, is_secret, names_a_secret};

/// Variables whose value is a secret. Outside development an error; in development a warning,
/// unless its test credentials are public. The value is shown nowhere.
pub(crate) fn plaintext(whole: &Whole<'_>, problems: &mut Problems) {
    let mut lanes = whole.read();
    lanes.sort_by_key(|lane| lane.environment.tier == Tier::Development);
    let at_top = whole.keys("secrets");
    let mut refused = BTreeSet::new();
    let mut telling = BTreeMap::new();
    for lane in lanes.iter().filter(|lane| lane.judges("settings")) {
        let own = lane.node.node.get("secrets").map(Node::entries).unwrap_or_default();
        let variables = lane.node.node.get("settings").map(Node::entries).unwrap_or_default();
        for variable in variables {
            let Some(text) = variable.value.text() else { continue };
            let telling = telling
                .entry(variable.value.extent)
                .or_insert_with(|| is_secret(&variable.key, text));
            // The name of a secret where its value should be is no secret.
            let named = || at_top.contains(&text) || own.iter().any(|it| &*it.key == text);
            if !*telling || named() {
                continue;
            }
            if lane.environment.tier != Tier::Development {
                refused.insert(variable.key_extent);
                if !problems.knows(variable.key_extent, Code::PlaintextSecret) {
                    problems.add(in_plain_text(&variable.key, variable.key_extent));
                }
            } else if !refused.contains(&variable.key_extent) && !has_public_credentials(lane) {
                lane.add(in_development(&variable.key, variable.key_extent), problems);
            }
        }
    }
}

/// A key for the name of a secret that holds the secret. It is not repeated.
pub(super) fn not_named(key: &str, value: &Node) -> Problem {
    let problem = in_plain_text(key, value.extent).expected("a name from `secrets`");
    problem.next("take it out and replace it: it is known now; then name it in `secrets`")
}

fn has_public_credentials(lane: &Lane<'_>) -> bool {
    lane.get("data", "test_credentials").and_then(Node::text) == Some("public")
}

/// Secrets of one type that are replaced at different intervals, or by a store that replaces none.
pub(super) fn rotation_disagrees(lane: &Lane<'_>, problems: &mut Problems) {
    let mut by_type: BTreeMap<&str, Rotation<'_>> = BTreeMap::new();
    for secret in declared(lane) {
        let Some(rotation) = Rotation::of(secret) else { continue };
        if let Some(problem) = rotation.never_done(lane) {
            lane.add(problem, problems);
        }
        let of = secret.value.get("type").and_then(Node::text).filter(|of| *of != "other");
        let Some(of) = of else { continue };
        let first = by_type.entry(of).or_insert(rotation);
        if first.every != rotation.every {
            lane.add(first.disagrees(&rotation, of), problems);
        }
    }
}

/// One secret that two environments replace at different intervals. Where people develop and test
/// secrets guard nothing, so those environments are left out.
pub(super) fn rotation_differs(whole: &Whole<'_>, problems: &mut Problems) {
    let mut seen: BTreeMap<&str, (Rotation<'_>, &str)> = BTreeMap::new();
    let mut before = None;
    for lane in whole.read() {
        let first = before.replace(&lane.node.id.environment) != Some(&lane.node.id.environment);
        let guarded = matches!(lane.environment.tier, Tier::Staging | Tier::Production);
        if !first || !guarded {
            continue;
        }
        for secret in declared(&lane) {
            let Some(rotation) = Rotation::of(secret) else { continue };
            let (known, other) = *seen.entry(&secret.key).or_insert((rotation, lane.name()));
            if known.every != rotation.every {
                lane.add(known.differs(other, &rotation, lane.name()), problems);
            }
        }
    }
}

/// The secrets of an environment, and those at the top that it says nothing of.
fn declared<'a>(lane: &Lane<'a>) -> Vec<&'a Entry> {
    let own = lane.node.node.get("secrets").map(Node::entries).unwrap_or_default();
    let top = lane.whole.root.get("secrets").map(Node::entries).unwrap_or_default();
    let named: BTreeSet<&str> = own.iter().map(|entry| &*entry.key).collect();
    top.iter().filter(|entry| !named.contains(&*entry.key)).chain(own).collect()
}

/// How often one secret is replaced.
#[derive(Clone, Copy)]
struct Rotation<'a> {
    secret: &'a Entry,
    place: &'a Node,
    every: Span,
}

impl<'a> Rotation<'a> {
    fn of(secret: &'a Entry) -> Option<Self> {
        let place = secret.value.get("rotate_every")?;
        Some(Self { secret, place, every: span(place)? })
    }

    fn disagrees(&self, later: &Self, of: &str) -> Problem {
        let (one, two) = (printable(&self.secret.key), printable(&later.secret.key));
        let (every, other) = (self.every, later.every);
        let message = format!(
            "{one} and {two} are both of the type {of}, replaced every {every} and {other}"
        );
        Problem::new(Code::RotationDisagrees, later.place.extent, message)
            .label(format!("every {other} here"))
            .related(self.place.extent, format!("every {every} here"))
            .next(format!("take the shorter for both: `rotate_every: {}`", every.min(other)))
    }

    fn differs(&self, here: &str, later: &Self, there: &str) -> Problem {
        let name = printable(&self.secret.key);
        let (every, other) = (self.every, later.every);
        let message =
            format!("{name} is replaced every {every} in {here}, and every {other} in {there}");
        Problem::new(Code::RotationDisagrees, later.place.extent, message)
            .label(format!("every {other} in {there}"))
            .related(self.place.extent, format!("every {every} in {here}"))
            .next(format!("take the shorter for both: `rotate_every: {}`", every.min(other)))
    }

    /// What is wrong when the store that keeps it replaces nothing.
    fn never_done(&self, lane: &Lane<'_>) -> Option<Problem> {
        let store = lane.node.node.get("secret_store")?;
        let none = store.get("rotation").filter(|it| it.text() == Some("none"))?;
        let elsewhere = self.secret.value.get("kind").and_then(Node::text);
        if elsewhere.is_some() && elsewhere != store.get("kind").and_then(Node::text) {
            return None;
        }
        let (name, every) = (printable(&self.secret.key), self.every);
        let message =
            format!("{name} is to be replaced every {every}, and its store replaces nothing");
        let problem = Problem::new(Code::RotationDisagrees, self.place.extent, message)
            .label("nobody will do this")
            .related(none.extent, "no rotation")
            .next("write `rotation: manual` or `rotation: automatic`");
        Some(problem)
    }
}
