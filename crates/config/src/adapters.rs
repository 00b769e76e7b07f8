//! From a section with a `kind` to an adapter with checked settings. The kinds come from the
//! catalogue; their own rules live with them.

use serde_json::Value;
use towpath_ports::catalogue::{Catalogue, Family, Field, KindState};
use towpath_ports::settings;

use crate::codes::Code;
use crate::elsewhere;
use crate::lane::Reading;
use crate::problem::Problem;
use crate::repair::{nearest_word, repair};
use crate::scalar;
use crate::secrecy;
use crate::shape::{Key, Shape};
use crate::source::Extent;
use crate::synonyms::nearest_key;
use crate::tree::{Entry, Node, printable};
use crate::value;

/// An adapter as far as it could be read.
pub(crate) struct Adapter {
    pub(crate) kind: &'static str,
    pub(crate) state: KindState,
    pub(crate) fields: &'static [Field],
    /// None when something about them was refused.
    pub(crate) settings: Option<Value>,
}

/// Reads the adapter in `node`; `place` is where a missing kind is reported. `common` are the keys
/// that all kinds share.
pub(crate) fn read(
    node: &Node,
    place: Extent,
    family: Family,
    common: &[Key],
    reading: &mut Reading<'_>,
) -> Option<Adapter> {
    let word = if family == Family::Check { "check" } else { "kind" };
    if node.is_broken() || (node.entries().is_empty() && node.text().is_some()) {
        return None;
    }
    let Some(kind) = node.get(word) else {
        without_kind(node, place, (family, word), common, reading);
        return None;
    };
    let entry = reading.catalogue.find(family, kind.text()?)?;
    let is_common = |it: &Entry| common.iter().any(|key| key.name == &*it.key);
    let own = node.entries().iter().filter(|it| !it.value.is_broken() && !is_common(it));
    // Of the keys that were told of in another lane one is enough to know that something is wrong.
    let mut told = false;
    let own = own.filter(|it| {
        let is_known = it.key.starts_with("x-") || entry.fields.iter().any(|f| f.name == &*it.key);
        let again = !is_known && reading.problems.knows(it.key_extent, Code::UnknownKey);
        !(again && std::mem::replace(&mut told, true))
    });
    let own = node.with_entries(own.cloned().collect());
    let settings = match settings::check(entry, &own.to_json()) {
        Ok(settings) => Some(settings),
        Err(problems) => {
            let keys = common.iter().map(|key| key.name);
            let known = keys.chain(entry.fields.iter().map(|field| field.name));
            for problem in problems {
                let first = first_key(&problem.path);
                if node.get(first).is_none() && value::is_mistyped(node, first, &known) {
                    continue;
                }
                let is_known = known.clone().any(|key| key == first);
                let strange = node.entry(first).filter(|_| !is_known);
                let knows = |it: &Entry| reading.problems.knows(it.key_extent, Code::UnknownKey);
                if strange.is_some_and(knows) {
                    continue;
                }
                let problem = placed(problem, node, kind, entry.fields, common);
                let problem = match strange {
                    Some(strange) => {
                        let key = &*strange.key;
                        let problem = value::elsewhere(key, problem, |it| {
                            of_other_kind(key, (family, entry.name), reading.catalogue, it)
                                .or_else(|| elsewhere::of_map(key, family.as_str(), common, it))
                        });
                        secrecy::of_unknown(strange, problem, reading.problems)
                    }
                    None => problem,
                };
                reading.problems.add(problem);
            }
            None
        }
    };
    Some(Adapter { kind: entry.name, state: entry.state, fields: entry.fields, settings })
}

/// What to say of a setting of the adapter `kind` that only others of its family have.
fn of_other_kind(
    key: &str,
    (family, kind): (Family, &str),
    catalogue: &Catalogue,
    problem: &Problem,
) -> Option<Problem> {
    let others = catalogue.family(family).filter(|it| it.name != kind);
    let others = others.filter(|it| it.fields.iter().any(|field| field.name == key));
    elsewhere::with_kinds(key, &others.map(|it| it.name).collect::<Vec<_>>(), problem)
}

/// Says that the kind is missing, or which key was meant to be it.
fn without_kind(
    node: &Node,
    place: Extent,
    (family, word): (Family, &str),
    common: &[Key],
    reading: &mut Reading<'_>,
) {
    let known: Vec<_> = reading.catalogue.family(family).map(|entry| entry.name).collect();
    let fields = || reading.catalogue.family(family).flat_map(|entry| entry.fields);
    let strange = |it: &&Entry| {
        let known = common.iter().map(|key| key.name).chain(fields().map(|field| field.name));
        !known.into_iter().any(|name| name == &*it.key)
    };
    let mut strange = node.entries().iter().filter(strange);
    if let Some(typo) = strange.find(|it| nearest_key(&it.key, [word]).is_some()) {
        let (nearest, of) = (Some(word.to_owned()), format!("a {}", called(family)));
        let shown = printable(&typo.key);
        let expected = format!("{word}: one of {}", known.join(", "));
        reading.problems.add(value::unknown(&shown, typo.key_extent, nearest, expected, of));
        return;
    }
    reading.problems.add(
        Problem::new(
            Code::MissingKey,
            place,
            format!("a {} needs the key `{word}`", called(family)),
        )
        .missing(node.extent, word)
        .expected(format!("{word}: one of {}", known.join(", ")))
        .next(format!("add `{word}:` as the first key")),
    );
}

/// What one adapter of a family is called in a sentence.
fn called(family: Family) -> &'static str {
    match family {
        Family::Metrics => "metrics source",
        Family::Secrets => "secret store",
        other => other.as_str(),
    }
}

/// Finds the place of a problem that the kind's own parser found.
fn placed(
    problem: settings::Problem,
    node: &Node,
    kind: &Node,
    fields: &[Field],
    common: &[Key],
) -> Problem {
    let first = first_key(&problem.path);
    let Some(entry) = node.entry(first) else {
        // The kind may come from a shared section, and what it asks for is missing here.
        let own = node.extent.start <= kind.extent.start && kind.extent.end <= node.extent.end;
        let place = if own { kind.extent } else { node.extent };
        let mut found =
            Problem::new(Code::MissingKey, place, problem.message).missing(node.extent, first);
        if let Some(expected) = problem.expected {
            found = found.expected(format!("{first}: {expected}"));
        }
        return found.next(format!("add `{first}:`"));
    };
    let Some(field) = fields.iter().find(|field| field.name == first) else {
        let known = common.iter().map(|key| key.name).chain(fields.iter().map(|it| it.name));
        let nearest = nearest_key(first, known.clone());
        let known = known.collect::<Vec<_>>().join(", ");
        let of = problem.message.split(" has no key").next().unwrap_or_default().to_owned();
        return value::unknown(&printable(first), entry.key_extent, nearest, known, of);
    };
    let shape = Shape::Of(field.of);
    let nearest = problem.nearest.or_else(|| nearest_word(&entry.value, shape));
    let whole = problem.path == first;
    let message =
        if whole { scalar::because(problem.message, &entry.value, shape) } else { problem.message };
    let mut found = Problem::new(Code::WrongValue, inner(&entry.value, &problem.path), message);
    found.next = repair(&entry.value, shape, nearest.as_deref()).filter(|_| whole);
    found.expected = problem.expected;
    found.nearest(nearest)
}

/// The key of the adapter's own map that a path begins with.
fn first_key(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or_default()
}

/// The place of `path` below `node`, as near as it can be told.
fn inner(node: &Node, path: &str) -> Extent {
    let rest = path.split(['.', '[']).skip(1).map(|part| part.trim_end_matches(']'));
    let mut place = node;
    for part in rest {
        let index = part.parse::<usize>().ok();
        let next = place.get(part).or_else(|| index.and_then(|index| place.items().get(index)));
        let Some(next) = next else { break };
        place = next;
    }
    place.extent
}
