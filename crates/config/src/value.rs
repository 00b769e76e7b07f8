//! Checks a value against what may stand there. Owns the messages about keys; those about a single
//! text are in `scalar`.

use towpath_core::ids::Name;
use towpath_ports::catalogue::{Catalogue, Family, FieldType};
use towpath_ports::settings;

use crate::PROGRAM;
use crate::cause::of_endpoint;
use crate::codes::Code;
use crate::elsewhere;
use crate::lists;
use crate::problem::{Problem, Problems};
use crate::repair::{as_name, as_roles, endpoint, nearest, repair, variable};
use crate::routes;
use crate::scalar;
use crate::secrecy;
use crate::shape::{Default, Key, KeyRule, ROLES, Shape, Variant, described, expected};
use crate::source::Extent;
use crate::synonyms::{nearest_key, reason};
use crate::tree::{Entry, Node, Scalar, Tree, printable};

/// What a value is checked against.
#[derive(Clone, Copy)]
pub(crate) struct Against<'a> {
    /// The kinds of adapters that there are.
    pub(crate) catalogue: &'a Catalogue,
    /// Whether this is a part of a section: what is missing in it may stand in a shared one.
    pub(crate) part: bool,
}

/// Checks `node` against `shape`. `name` is what the value is called in messages.
pub(crate) fn verify(
    node: &Node,
    shape: Shape,
    name: &str,
    against: Against<'_>,
    problems: &mut Problems,
) {
    if node.is_broken() {
        return;
    }
    match shape {
        Shape::Sections => {
            wants(matches!(node.tree, Tree::Map(_)), node, name, shape, problems);
        }
        Shape::Bake if matches!(node.tree, Tree::Map(_)) => {
            verify_keys(node, crate::sections::rollout::BAKE_RANGE, name, true, against, problems);
        }
        Shape::WordOrMap(_, keys) if matches!(node.tree, Tree::Map(_)) => {
            verify_keys(node, keys, name, true, against, problems);
        }
        Shape::Map(keys) => {
            if wants(matches!(node.tree, Tree::Map(_)), node, name, shape, problems) {
                verify_keys(node, keys, name, true, against, problems);
            }
        }
        Shape::Adapter(family, keys) => {
            if matches!(node.tree, Tree::Map(_)) {
                verify_keys(node, keys, name, false, against, problems);
                verify_kind(node, family, against.catalogue, problems);
            } else if family == Family::Secrets && node.text().is_some() {
                problems.add(secret_itself(node, name));
            } else {
                wants(false, node, name, shape, problems);
            }
        }
        Shape::List(inner) => {
            if wants(matches!(node.tree, Tree::List(_)), node, name, shape, problems) {
                verify_list(node, *inner, name, against, problems);
            }
        }
        Shape::Kinds(kinds, common) => {
            if wants(matches!(node.tree, Tree::Map(_)), node, name, shape, problems) {
                verify_variant(node, kinds, common, name, against, problems);
            }
        }
        Shape::MapOf(rule, inner) => {
            if wants(matches!(node.tree, Tree::Map(_)), node, name, shape, problems) {
                for entry in node.entries().iter().filter(|entry| !entry.key.starts_with("x-")) {
                    verify_key(&entry.key, entry.key_extent, rule, problems);
                    // A name alone is enough where nothing about it must be said.
                    if entry.value.scalar() == Some(Scalar::Null) && is_optional(*inner) {
                        continue;
                    }
                    verify(&entry.value, *inner, &printable(&entry.key), against, problems);
                }
            }
        }
        Shape::Names => verify_names(node, name, problems),
        Shape::Of(FieldType::Roles) => verify_roles(node, name, problems),
        Shape::Variables => verify_variables(node, name, problems),
        Shape::Endpoints => verify_endpoints(node, name, problems),
        Shape::Routes => verify_routes(node, name, problems),
        _ => scalar::verify(node, shape, name, problems),
    }
}

fn verify_list(
    node: &Node,
    inner: Shape,
    name: &str,
    against: Against<'_>,
    problems: &mut Problems,
) {
    if matches!(inner, Shape::Map(keys) if keys.iter().any(|key| key.name == "name")) {
        lists::names_twice(node, name, problems);
    }
    // Lists are replaced, never joined.
    let against = Against { part: false, ..against };
    for (index, item) in node.items().iter().enumerate() {
        let name = format!("{name}[{index}]");
        if !lists::several_days(node, item, inner, &name, problems) {
            verify(item, inner, &name, against, problems);
        }
    }
}

/// What looks like a secret where the matrix says only where it is kept. It is not repeated.
fn secret_itself(node: &Node, name: &str) -> Problem {
    Problem::new(Code::WrongType, node.extent, format!("`{name}` is a text"))
        .expected("a map that says where it is kept, never its value")
        .next(format!("write {name}: {{ kind: env }}, and replace the secret if this was it"))
}

fn is_optional(shape: Shape) -> bool {
    let required = |key: &Key| matches!(key.default, Default::Required);
    matches!(shape, Shape::Map(keys) if !keys.iter().any(required))
}

fn wants(fits: bool, node: &Node, name: &str, shape: Shape, problems: &mut Problems) -> bool {
    if !fits {
        let mut problem =
            Problem::new(Code::WrongType, node.extent, format!("`{name}` is {}", described(node)))
                .expected(expected(shape));
        problem.next = repair(node, shape, None);
        problems.add(problem);
    }
    fits
}

/// Checks the keys of a map. `closed` refuses keys that are not among `keys`.
pub(crate) fn verify_keys(
    node: &Node,
    keys: &[Key],
    name: &str,
    closed: bool,
    against: Against<'_>,
    problems: &mut Problems,
) {
    for entry in node.entries() {
        match keys.iter().find(|key| key.name == &*entry.key) {
            Some(key) => verify(&entry.value, key.shape, key.name, against, problems),
            None if !closed || entry.key.starts_with("x-") => {}
            None => unknown_key(entry, keys, name, problems),
        }
    }
    for key in keys.iter().filter(|key| matches!(key.default, Default::Required)) {
        // What an adapter needs may come from the shared section; that is checked when joined.
        let is_missing = closed && !against.part && node.get(key.name).is_none();
        if is_missing && !is_mistyped(node, key.name, &keys.iter().map(|key| key.name)) {
            problems.add(
                Problem::new(
                    Code::MissingKey,
                    node.extent,
                    format!("`{name}` needs the key `{}`", key.name),
                )
                .missing(node.extent, key.name)
                .expected(format!("{}: {}", key.name, expected(key.shape)))
                .next(format!("add `{}`: {}", key.name, key.doc)),
            );
        }
    }
}

/// Whether a key that is not known was most likely meant to be `key`. Then the mistake is told, and
/// not that the key is missing as well.
pub(crate) fn is_mistyped<'a>(
    node: &Node,
    key: &str,
    known: &(impl Iterator<Item = &'a str> + Clone),
) -> bool {
    /// Unknown keys of one map that are looked at: the longest map of the tables has 41 keys.
    const MOST: usize = 64;
    node.entries()
        .iter()
        .filter(|entry| !known.clone().any(|name| name == &*entry.key))
        .take(MOST)
        .any(|entry| nearest_key(&entry.key, known.clone()).as_deref() == Some(key))
}

fn unknown_key(entry: &Entry, keys: &[Key], name: &str, problems: &mut Problems) {
    if problems.knows(entry.key_extent, Code::UnknownKey) {
        return;
    }
    let shown = printable(&entry.key);
    let nearest = nearest_key(&entry.key, keys.iter().map(|key| key.name));
    let known: Vec<_> = keys.iter().map(|key| key.name).collect();
    let of = format!("`{name}`");
    let problem = unknown(&shown, entry.key_extent, nearest, known.join(", "), of);
    let problem =
        elsewhere(&entry.key, problem, |it| elsewhere::of_map(&entry.key, name, keys, it));
    let problem = secrecy::of_unknown(entry, problem, problems);
    problems.add(problem);
}

/// Where the unknown key `name` stands by `place`, unless other tools call by it what stands here, or
/// it differs from that in a plural alone.
pub(crate) fn elsewhere(
    name: &str,
    problem: Problem,
    place: impl Fn(&Problem) -> Option<Problem>,
) -> Problem {
    let is_plural = |near: &str| {
        let rest = near.strip_prefix(name).or(name.strip_prefix(near));
        rest.is_some_and(|rest| ["s", "es"].contains(&rest))
    };
    let is_meant = |near: &String| reason(name, near).is_some() || is_plural(near);
    if problem.nearest.as_ref().is_some_and(is_meant) {
        return problem;
    }
    place(&problem).unwrap_or(problem)
}

/// A key that is not known, with its nearest name. `of` says whose key it would be.
pub(crate) fn unknown(
    shown: &str,
    extent: Extent,
    nearest: Option<String>,
    known: String,
    of: impl Into<String>,
) -> Problem {
    // What is a key elsewhere was meant to be one, and not a key of one's own.
    let own = if elsewhere::is_known(shown) {
        String::new()
    } else {
        format!(" `x-{shown}` to keep a key of your own")
    };
    let (label, next) = match &nearest {
        Some(near) => (
            match reason(shown, near) {
                Some(reason) => format!("`{near}` here: {reason}"),
                None => format!("the nearest key is `{near}`"),
            },
            if own.is_empty() {
                format!("write `{near}`")
            } else {
                format!("write `{near}`, or{own}")
            },
        ),
        None => (
            "no key is called anything like it".to_owned(),
            match own.as_str() {
                "" => "remove it".to_owned(),
                own => format!(
                    "remove it, write{own}, or read the file with a newer version that knows it: this is \
                     {PROGRAM}"
                ),
            },
        ),
    };
    Problem::new(Code::UnknownKey, extent, format!("{} has no key `{shown}`", of.into()))
        .label(label)
        .expected(known)
        .nearest(nearest)
        .next(next)
}

/// Checks a section that has kinds of its own. Where the kind comes from a shared section, any key
/// of any kind may stand here; the joined section is checked again.
fn verify_variant(
    node: &Node,
    kinds: &[Variant],
    common: &[Key],
    name: &str,
    against: Against<'_>,
    problems: &mut Problems,
) {
    let kind = node.get("kind");
    let chosen = kind.and_then(Node::text);
    let known = |text| kinds.iter().find(|it| it.name == text);
    if let (Some(kind), true) = (kind, chosen.and_then(known).is_none()) {
        let names: Vec<_> = kinds.iter().map(|kind| kind.name).collect();
        let text = chosen.map_or_else(|| described(kind), |text| format!("`{}`", printable(text)));
        let nearest = chosen.and_then(|text| nearest(text, &names));
        let next = nearest.as_ref().map_or_else(
            || "write `kind: other` with a `name`, if it is none of these".to_owned(),
            |near| format!("write `{near}`"),
        );
        problems.add(
            Problem::new(Code::UnknownKind, kind.extent, format!("no {name} has the kind {text}"))
                .expected(names.join(", "))
                .nearest(nearest)
                .next(next),
        );
        return;
    }
    let own = kinds.iter().filter(|kind| chosen.is_none_or(|text| kind.name == text));
    let mut keys = vec![Key::optional("kind", Shape::Of(FieldType::Text), "Which kind it is.")];
    keys.extend(own.flat_map(|kind| kind.keys).chain(common).copied());
    let node = match chosen {
        Some(chosen) => &as_kind(node, name, (chosen, kinds), &keys, problems),
        None => node,
    };
    verify_keys(node, &keys, name, true, against, problems);
}

/// The section without the keys that only other kinds have, which are told of; what is merely called
/// otherwise by this kind is read as if it were called so.
fn as_kind(
    node: &Node,
    name: &str,
    (chosen, kinds): (&str, &[Variant]),
    keys: &[Key],
    problems: &mut Problems,
) -> Node {
    let mut own = Vec::with_capacity(node.entries().len());
    for entry in node.entries() {
        let is_own = keys.iter().any(|key| key.name == &*entry.key);
        let of = format!("`{name}` of the kind `{chosen}`");
        let known = || keys.iter().map(|key| key.name).collect::<Vec<_>>().join(", ");
        let problem = || unknown(&printable(&entry.key), entry.key_extent, None, known(), of);
        let other = || elsewhere::of_kind(&entry.key, chosen, kinds, &problem());
        match (!is_own).then(other).flatten() {
            None => own.push(entry.clone()),
            Some(problem) => {
                problems.add(secrecy::of_unknown(entry, problem, problems));
                let here = elsewhere::counterpart(&entry.key, chosen, kinds);
                if let Some(here) = here.filter(|here| node.get(here).is_none()) {
                    own.push(Entry { key: here.into(), ..entry.clone() });
                }
            }
        }
    }
    node.with_entries(own)
}

fn verify_key(text: &str, extent: Extent, rule: KeyRule, problems: &mut Problems) {
    let (fits, expected) = match rule {
        KeyRule::Name => return verify_name(text, extent, problems),
        KeyRule::Variable => (is_variable(text), "a name such as API_KEY: letters, digits and _"),
        KeyRule::Branch => {
            (is_branch(text), "a branch such as main, or a pattern such as release/*")
        }
    };
    if !fits {
        let message = format!("`{}` cannot be a name here", printable(text));
        problems.add(Problem::new(Code::WrongValue, extent, message).expected(expected));
    }
}

/// Letters, digits and underscores, as POSIX allows for environment variables (IEEE 1003.1-2024,
/// section 8.1).
fn is_variable(text: &str) -> bool {
    text.len() <= LONGEST_KEY
        && text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(|it| it.is_ascii_alphanumeric() || it == '_')
}

/// What `git check-ref-format` allows and a terminal shows, and `*` for a pattern.
fn is_branch(text: &str) -> bool {
    let parts = || text.split('/');
    text.len() <= LONGEST_KEY
        && parts().all(|part| !part.is_empty() && !part.starts_with('.'))
        && !text.contains("..")
        && !text.ends_with('.')
        && text.chars().all(|it| it.is_ascii_alphanumeric() || "-_./*+#@".contains(it))
}

/// Longest name of a variable or branch: git and the forges take no more than 255.
pub(crate) const LONGEST_KEY: usize = 255;

fn verify_kind(node: &Node, family: Family, catalogue: &Catalogue, problems: &mut Problems) {
    let word = if family == Family::Check { "check" } else { "kind" };
    let Some(kind) = node.get(word) else { return };
    let name = kind.text().unwrap_or_default();
    if kind.is_broken() || catalogue.find(family, name).is_some() {
        return;
    }
    let known: Vec<_> = catalogue.family(family).map(|entry| entry.name).collect();
    let nearest = settings::nearest(name, known.iter().copied());
    let mut problem = Problem::new(
        Code::UnknownKind,
        kind.extent,
        format!("there is no {} called `{}`", family.as_str(), printable(name)),
    )
    .expected(known.join(", "))
    .nearest(nearest.clone());
    problem = match nearest {
        Some(near) => {
            problem.label(format!("the nearest is `{near}`")).next(format!("write `{near}`"))
        }
        None => problem.next("towpath adapters     lists what there is"),
    };
    problems.add(problem);
}

fn verify_name(text: &str, extent: Extent, problems: &mut Problems) {
    if Name::new(text).is_err() {
        let message = format!("`{}` cannot be a name", printable(text));
        let mut problem =
            Problem::new(Code::WrongValue, extent, message).expected(expected(Shape::Name));
        problem.next = as_name(text);
        problems.add(problem);
    }
}

fn verify_names(node: &Node, name: &str, problems: &mut Problems) {
    // A name of digits needs no quotes, for it is never taken for a number here.
    let one = |node: &Node, name: &str, problems: &mut Problems| match node.text() {
        Some(text) => verify_name(text, node.extent, problems),
        None => {
            wants(node.is_broken(), node, name, Shape::Names, problems);
        }
    };
    match &node.tree {
        Tree::List(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                one(item, &format!("{name}[{index}]"), problems);
            }
        }
        _ => one(node, name, problems),
    }
}

/// Each role is told of where it stands. What is no text is told of as a whole.
fn verify_roles(node: &Node, name: &str, problems: &mut Problems) {
    let is_text = |node: &Node| matches!(node.scalar(), Some(Scalar::Text(_))) || node.is_broken();
    let alone = node.text().is_some_and(|text| !text.is_empty()) && is_text(node);
    if !alone && (node.items().is_empty() || !node.items().iter().all(is_text)) {
        return scalar::verify(node, ROLES, name, problems);
    }
    let one = std::slice::from_ref(node);
    for role in if alone { one } else { node.items() } {
        let Some(text) = role.text().filter(|text| Name::new(text).is_err()) else { continue };
        let message = if text.is_empty() {
            format!("a role of `{name}` is empty")
        } else {
            format!("`{}` cannot be the name of a role", printable(text))
        };
        let mut problem =
            Problem::new(Code::WrongValue, role.extent, message).expected(expected(Shape::Name));
        problem.next = as_roles(text, alone);
        problems.add(problem);
    }
}

fn verify_variables(node: &Node, name: &str, problems: &mut Problems) {
    if !wants(matches!(node.tree, Tree::Map(_)), node, name, Shape::Variables, problems) {
        return;
    }
    for entry in node.entries().iter().filter(|entry| !entry.value.is_broken()) {
        let key = printable(&entry.key);
        if entry.key.is_empty() || entry.key.contains(['=', '\0']) {
            let message = format!("`{key}` cannot be the name of an environment variable");
            problems.add(
                Problem::new(Code::WrongValue, entry.key_extent, message)
                    .expected("a name without `=`"),
            );
        }
        if entry.value.text().is_none_or(|text| text.contains('\0')) {
            let message = format!("`{name}.{key}` is {}", described(&entry.value));
            problems.add(
                Problem::new(Code::WrongValue, entry.value.extent, message)
                    .expected("a text")
                    .next(variable(&key, &entry.value)),
            );
        }
    }
}

fn verify_routes(node: &Node, name: &str, problems: &mut Problems) {
    let all = if node.text().is_some() { std::slice::from_ref(node) } else { node.items() };
    if wants(!all.is_empty(), node, name, Shape::Routes, problems) {
        routes::verify(all, name, problems);
    }
}

fn verify_endpoints(node: &Node, name: &str, problems: &mut Problems) {
    let one = std::slice::from_ref(node);
    let all = if node.text().is_some() { one } else { node.items() };
    if all.is_empty() {
        wants(false, node, name, Shape::Endpoints, problems);
    }
    for item in all.iter().filter(|item| !item.is_broken()) {
        if item.text().is_some_and(|text| text.starts_with('/')) {
            continue;
        }
        let why = item.text().and_then(of_endpoint).map(|why| format!(": {why}"));
        let message = format!("an endpoint is {}{}", described(item), why.unwrap_or_default());
        let mut problem =
            Problem::new(Code::WrongValue, item.extent, message).expected("a path such as /health");
        problem.next = item.text().map(endpoint);
        problems.add(problem);
    }
}
