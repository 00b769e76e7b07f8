//! Where a key stands that may not stand where it was written, by the tables of the sections. Owns the
//! search; what is merely spelled alike is found in `synonyms`.

use towpath_ports::catalogue::FieldType;

use crate::problem::Problem;
use crate::sections::{self, Where};
use crate::shape::{Key, Shape, Variant};

/// Most places that are named; a key of more is so common that none of them says anything.
const MOST_PLACES: usize = 3;
/// Levels below a section in which a key is looked for: `rollout.steps` holds the deepest.
const DEEPEST: usize = 3;

/// Says of the unknown key `name` of `owner`, whose keys are `keys`, where it belongs; none where no
/// table tells. A section belongs where it may stand, every other key below one of `keys` or beside
/// `owner`.
pub(crate) fn of_map(name: &str, owner: &str, keys: &[Key], problem: &Problem) -> Option<Problem> {
    let below = below(name, keys, 1);
    if !below.is_empty() {
        return belongs(name, &below, Some(owner), problem);
    }
    if let Some(section) = sections::all().find(|section| section.key.name == name) {
        let known = sections::all().any(|it| it.key.name == owner && it.places == section.places);
        let beside = if known { format!("beside `{owner}`, ") } else { String::new() };
        return Some(moved(name, &beside, section.places, problem));
    }
    belongs(name, &above(name, keys), None, problem)
}

/// The same of an unknown section at `place`.
pub(crate) fn of_section(name: &str, place: Where, problem: &Problem) -> Option<Problem> {
    if let Some(section) = sections::all().find(|section| section.key.name == name) {
        return Some(moved(name, "", section.places, problem));
    }
    let found = below(name, &keys_at(place), DEEPEST);
    if place == Where::Top && found.is_empty() {
        let mut found = below(name, &keys_at(Where::Environment), 1);
        for path in &mut found {
            path.insert_str(0, "environments.NAME.");
        }
        return belongs(name, &found, None, problem);
    }
    belongs(name, &found, None, problem)
}

fn keys_at(place: Where) -> Vec<Key> {
    sections::all().filter(|it| it.may_stand(place)).map(|section| section.key).collect()
}

/// A key of another kind of the same section, with what it is called here where that can be told.
pub(crate) fn of_kind(
    name: &str,
    chosen: &str,
    kinds: &[Variant],
    problem: &Problem,
) -> Option<Problem> {
    let has = |kind: &&Variant| kind.keys.iter().any(|key| key.name == name);
    let others: Vec<&str> = kinds.iter().filter(has).map(|kind| kind.name).collect();
    let here = counterpart(name, chosen, kinds);
    let problem = with_kinds(name, &others, problem)?;
    Some(match here {
        None => problem,
        Some(here) => {
            let label = format!("{}; of this kind it is `{here}`", problem.label);
            problem.label(label).nearest(Some(here.to_owned())).next(format!("write `{here}`"))
        }
    })
}

/// A key of these other kinds; none when there are none, or too many.
pub(crate) fn with_kinds(name: &str, others: &[&str], problem: &Problem) -> Option<Problem> {
    if others.is_empty() || others.len() > MOST_PLACES {
        return None;
    }
    let kinds = if others.len() == 1 { "kind" } else { "kinds" };
    let others: Vec<_> = others.iter().map(|it| format!("`{it}`")).collect();
    let problem = problem.clone().nearest(None);
    let label = format!("`{name}` is a key of {kinds} {}", others.join(", "));
    Some(problem.label(label).next("remove it, or write another `kind`"))
}

/// What the kind `chosen` calls the thing that other kinds call `name`: the text by which each of
/// them names what it is about.
pub(crate) fn counterpart(name: &str, chosen: &str, kinds: &[Variant]) -> Option<&'static str> {
    let mut others = kinds.iter().filter(|kind| kind.name != chosen);
    let is_name = others.any(|kind| names_itself(kind) == Some(name));
    let here = kinds.iter().find(|kind| kind.name == chosen).and_then(names_itself);
    here.filter(|here| is_name && *here != name)
}

/// The text that a kind needs, or the first of its keys where it needs none.
fn names_itself(kind: &Variant) -> Option<&'static str> {
    let is_required = |key: &&Key| matches!(key.default, crate::shape::Default::Required);
    let mut required = kind.keys.iter().filter(is_required);
    let key = match (required.next(), required.next()) {
        (Some(one), None) => Some(one),
        (None, _) => kind.keys.first(),
        (Some(_), Some(_)) => None,
    };
    key.filter(|key| matches!(key.shape, Shape::Of(FieldType::Text))).map(|key| key.name)
}

/// Whether some table has a key called so, wherever it stands.
pub(crate) fn is_known(name: &str) -> bool {
    let all: Vec<Key> = sections::all().map(|section| section.key).collect();
    all.iter().any(|key| key.name == name) || !below(name, &all, DEEPEST).is_empty()
}

fn moved(name: &str, beside: &str, places: &[Where], problem: &Problem) -> Problem {
    let place = match places {
        [Where::Top, ..] => "at the top of the file",
        _ => "in an environment",
    };
    let problem = problem.clone().nearest(None).label(format!("this belongs {beside}{place}"));
    let to = beside.trim_end_matches(", ");
    let to = if to.is_empty() { String::new() } else { format!(" {to}") };
    problem.next(format!("move `{name}`{to}: it stands {place}"))
}

fn belongs(
    name: &str,
    places: &[String],
    owner: Option<&str>,
    problem: &Problem,
) -> Option<Problem> {
    if places.is_empty() || places.len() > MOST_PLACES {
        return None;
    }
    let whole = |place: &String| match owner {
        Some(owner) => format!("`{owner}.{place}`"),
        None => format!("`{place}`"),
    };
    let places: Vec<_> = places.iter().map(whole).collect();
    let places = match places.as_slice() {
        [before @ .., last] if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        _ => places.concat(),
    };
    let problem = problem.clone().nearest(None).label(format!("this belongs in {places}"));
    Some(problem.next(format!("move `{name}` into {places}")))
}

/// The paths below `keys`, of at most `levels` levels and all as near as the nearest, at which a map
/// has a key called `name`.
fn below(name: &str, keys: &[Key], levels: usize) -> Vec<String> {
    let mut level: Vec<(String, Key)> =
        keys.iter().map(|key| (key.name.to_owned(), *key)).collect();
    for _ in 0..levels {
        let inner: Vec<_> = level.into_iter().map(|(path, key)| opened(path, key.shape)).collect();
        let has = |keys: &[Key]| keys.iter().any(|key| key.name == name);
        let found: Vec<_> = inner.iter().filter(|(_, keys)| has(keys)).collect();
        if !found.is_empty() {
            return found.into_iter().map(|(path, _)| path.clone()).collect();
        }
        let deeper = inner.into_iter().flat_map(|(path, keys)| {
            keys.into_iter().map(move |key| (format!("{path}.{}", key.name), key))
        });
        level = deeper.collect();
    }
    Vec::new()
}

/// The paths of the maps that have a key called `name` and beside it one whose keys are `keys`.
fn above(name: &str, keys: &[Key]) -> Vec<String> {
    let same = |inner: &[Key]| inner.iter().map(|key| key.name).eq(keys.iter().map(|it| it.name));
    let mut found = Vec::new();
    let mut level: Vec<(String, Key)> =
        sections::all().map(|section| (section.key.name.to_owned(), section.key)).collect();
    for _ in 0..DEEPEST {
        let mut deeper = Vec::new();
        for (path, key) in level {
            let (path, table) = opened(path, key.shape);
            let holds = table.iter().any(|key| same(&opened(String::new(), key.shape).1));
            if holds && table.iter().any(|key| key.name == name) {
                found.push(path.clone());
            }
            deeper.extend(table.into_iter().map(|key| (format!("{path}.{}", key.name), key)));
        }
        level = deeper;
    }
    found
}

/// The keys of the map that a value of this shape is or holds, with its path.
fn opened(path: String, shape: Shape) -> (String, Vec<Key>) {
    match shape {
        Shape::Map(keys) | Shape::WordOrMap(_, keys) | Shape::Adapter(_, keys) => {
            (path, keys.to_vec())
        }
        Shape::Kinds(kinds, common) => {
            (path, kinds.iter().flat_map(|kind| kind.keys).chain(common).copied().collect())
        }
        Shape::List(inner) => opened(path, *inner),
        Shape::MapOf(_, inner) => opened(format!("{path}.NAME"), *inner),
        _ => (path, Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sections::rollback;

    #[test]
    fn a_key_is_looked_for_below_then_above_and_as_near_as_it_stands() {
        let here = keys_at(Where::Environment);
        assert_eq!(below("steps", &here, DEEPEST), ["migrations", "rollout"]);
        assert_eq!(below("bake", &here, DEEPEST), ["rollout.steps"]);
        assert_eq!(below("error_rate", rollback::KEYS, 1), ["when"]);
        assert_eq!(above("mode", rollback::WHEN), ["rollback"]);
        assert_eq!(below("nothing", &here, DEEPEST), [""; 0]);
        assert!(is_known("table") && is_known("bake") && !is_known("no_such_key"));
    }
}
