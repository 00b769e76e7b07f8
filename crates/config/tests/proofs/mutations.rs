//! Every key of every example, dropped, renamed, given another type, and doubled: each such file is
//! refused at the right line, or borne for a reason that stands below. Changes nothing else, and
//! says nothing of what a refusal reads like.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use towpath_config::{Checked, Code, to_json};

use crate::check;
use crate::entries::{Entry, Holds, MUTATIONS, Mutation, entries, line_of, mutated};
use crate::tables::{Standing, Tables};

/// Why a changed file is still right. There are no others.
fn borne(mutation: Mutation, entry: &Entry, own: &Standing, all: &[Entry]) -> Option<&'static str> {
    let is_own = entry.path.split('.').any(|key| key.starts_with("x-"));
    match mutation {
        _ if is_own && mutation != Mutation::Duplicate => Some("a key of one's own"),
        Mutation::Drop if own.named => Some("one fewer of what people name"),
        Mutation::Drop if !own.required => Some("a key that may be left out"),
        Mutation::Drop if is_shared(entry, all) => Some("stands in a shared section too"),
        Mutation::Rename if own.named => Some("a name that people choose"),
        Mutation::RetypeScalar | Mutation::RetypeWhole if own.setting && is_scalar(entry) => {
            (mutation == Mutation::RetypeScalar).then_some("a variable is a text as it is written")
        }
        Mutation::RetypeWhole if entry.holds == Holds::List && own.one_for_all => {
            Some("one text stands for a list of one")
        }
        Mutation::RetypeScalar if own.name && entry.holds != Holds::Bare => {
            Some("a name may be made of digits")
        }
        Mutation::RetypeScalar if entry.holds == Holds::Bare && own.text => {
            Some("a text where any text may stand")
        }
        _ => None,
    }
}

fn is_scalar(entry: &Entry) -> bool {
    matches!(entry.holds, Holds::Text | Holds::Bare)
}

/// Whether the same key stands in a section that is joined with this one.
fn is_shared(entry: &Entry, all: &[Entry]) -> bool {
    let within = |path: &str| {
        let mut parts = path.splitn(3, '.');
        let top = parts.next().filter(|it| ["environments", "defaults"].contains(it));
        top.and_then(|_| parts.nth(1)).map(|rest| match rest.strip_prefix("services.") {
            Some(service) => service.split_once('.').map_or("", |(_, rest)| rest).to_owned(),
            None => rest.to_owned(),
        })
    };
    let Some(rest) = within(&entry.path) else { return false };
    all.iter().any(|it| it.path != entry.path && within(&it.path).as_ref() == Some(&rest))
}

/// Why a refusal rightly stands on another line than the change: it is told where something is now
/// wrong, and what made it right is gone. None where no such reason is known.
fn follows(
    mutation: Mutation,
    entry: &Entry,
    name: &str,
    checked: &Checked,
) -> Option<&'static str> {
    let told = |code: Code, part: &str| {
        checked.errors.iter().any(|it| it.code == code && it.message.contains(part))
    };
    let gone = matches!(mutation, Mutation::Drop | Mutation::Rename);
    if gone && told(Code::UnknownName, &format!("`{name}`")) {
        return Some("told where the name is used");
    }
    let only = |code: Code| checked.errors.iter().all(|it| it.code == code);
    if gone && entry.path.starts_with("defaults.") && only(Code::MissingKey) {
        return Some("told in each environment that shares it");
    }
    if mutation != Mutation::Drop {
        return None;
    }
    // Only what stands in the environments is left, and that is where something is missing now: a
    // `target`, the `kind` of a section, a router under steps.
    let inside = checked.errors.iter().all(|it| it.path.starts_with("environments."));
    if entry.path == "defaults" && inside {
        return Some("told in each environment that shared what is gone");
    }
    if !entry.path.contains('.') && only(Code::UnknownName) {
        return Some("told where its names are used");
    }
    let ends = |key: &str| entry.path.ends_with(key);
    let at =
        |code: Code, path: &str| checked.errors.iter().any(|it| it.code == code && it.path == path);
    let parent = entry.path.rsplit_once('.').map_or("", |(parent, _)| parent);
    if ends(".router") && told(Code::StepsWithoutRouter, "") {
        Some("told at the steps that need a router")
    } else if told(Code::CheckTime, "") && entry.path.contains("rollout") {
        Some("told at the check that asks at a step")
    } else if told(Code::StrategySteps, "") && ends("rollout.strategy") {
        Some("told at the steps of another strategy")
    } else if ends(".after") && at(Code::AutomaticRoot, &format!("{parent}.promote")) {
        // Without a predecessor the environment is a root, which is no mistake; that it takes
        // releases from nowhere by itself is one, and `promote` says so.
        Some("told at the `promote: automatic` that has nothing to follow any more")
    } else if only(Code::MissingKey)
        && checked.errors.iter().all(|it| is_shared_part(&it.path, name))
    {
        // The environment's own part is gone, so the shared one is all there is of the section, and
        // its kind is what asks for the key.
        Some("told at the shared kind whose settings the environment no longer has")
    } else {
        None
    }
}

/// Whether `path` leads into the section `name` of what environments share.
fn is_shared_part(path: &str, name: &str) -> bool {
    let mut parts = path.split('.');
    parts.next() == Some("defaults") && parts.nth(1) == Some(name)
}

/// Whether each error stands inside of what its path names, in the changed text: whoever opens the
/// file at that line sees it.
fn stands_in_its_path(checked: &Checked, changed: &str) -> bool {
    let all = entries(changed);
    checked.errors.iter().all(|error| {
        let within = |it: &&Entry| {
            let rest = error.path.strip_prefix(&it.path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let nearest = all.iter().filter(within).max_by_key(|it| it.path.len());
        nearest.is_some_and(|it| it.lines(changed).contains(&error.line))
    })
}

/// What became of one changed file.
enum Outcome {
    Refused(&'static str),
    Borne(&'static str),
    Wrong(String),
}

struct Example {
    name: String,
    text: String,
    all: Vec<Entry>,
    json: Value,
}

fn examples() -> Vec<Example> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut all: Vec<Example> = std::fs::read_dir(folder)
        .expect("the examples are there")
        .filter_map(|it| {
            let path = it.expect("the folder can be read").path();
            let text = std::fs::read_to_string(path.join("towpath.yaml")).ok()?;
            let name = path.file_name()?.to_str()?.to_owned();
            let json = to_json(&text).expect("an example is YAML");
            Some(Example { name, all: entries(&text), json, text })
        })
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(all.iter().any(|it| it.name == "soundbite"), "the examples are found");
    all
}

fn outcome(example: &Example, index: usize, mutation: Mutation, tables: &Tables) -> Outcome {
    let Example { text, all, json, .. } = example;
    let entry = &all[index];
    let (changed, line) = mutated(text, all, index, mutation);
    let checked = check(&changed);
    if checked.errors.is_empty() {
        let own = tables.standing(&entry.path, json);
        return match borne(mutation, entry, &own, all) {
            Some(reason) => Outcome::Borne(reason),
            None => Outcome::Wrong(format!("{mutation:?} {} is borne without reason", entry.path)),
        };
    }
    let (lines, place) = if mutation == Mutation::Drop {
        let above = entry.above.map_or(1, |it| all[it].line(text));
        (vec![above, line_of(text, entry.map)], "told at its map")
    } else {
        (vec![line], "told at its line")
    };
    if checked.errors.iter().any(|error| lines.contains(&error.line)) {
        return Outcome::Refused(place);
    }
    let reason = follows(mutation, entry, entry.name(text), &checked);
    if let Some(reason) = reason.filter(|_| stands_in_its_path(&checked, &changed)) {
        return Outcome::Refused(reason);
    }
    let told: Vec<_> = checked
        .errors
        .iter()
        .map(|error| format!("line {}: [{}] {}", error.line, error.code.as_str(), error.message))
        .collect();
    let told = told.join("; ");
    Outcome::Wrong(format!("{mutation:?} {} in line {line}: {told}", entry.path))
}

/// One change of one key of one example.
struct Case<'a> {
    example: &'a Example,
    index: usize,
    mutation: Mutation,
}

/// Every `stride`th key of each example, each kind of change beginning at another one.
fn cases(examples: &[Example], stride: usize) -> Vec<Case<'_>> {
    let changes = |example| {
        MUTATIONS.into_iter().enumerate().flat_map(move |(place, mutation)| {
            let all: &Example = example;
            let indices = (place % stride..all.all.len()).step_by(stride);
            indices.map(move |index| Case { example: all, index, mutation })
        })
    };
    examples.iter().flat_map(changes).collect()
}

/// Changes every `stride`th key of each example, and fails where one is neither refused nor borne. The cases are shared out to
/// as many threads as there are processors.
fn pass(stride: usize) {
    let (tables, examples) = (Tables::new(), examples());
    let cases = cases(&examples, stride);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let outcomes: Vec<(&Case<'_>, Outcome)> = std::thread::scope(|scope| {
        let share = |first: usize| {
            let (cases, tables) = (&cases, &tables);
            scope.spawn(move || {
                let own = cases.iter().skip(first).step_by(threads);
                own.map(|it| (it, outcome(it.example, it.index, it.mutation, tables))).collect()
            })
        };
        let started: Vec<_> = (0..threads).map(share).collect();
        let done = started.into_iter().map(|it| it.join().expect("no case panics"));
        done.flat_map(|it: Vec<_>| it).collect()
    });
    let (mut counts, mut wrong) = (BTreeMap::<_, usize>::new(), Vec::new());
    for (case, outcome) in outcomes {
        let example = case.example.name.as_str();
        let (became, reason) = match outcome {
            Outcome::Refused(reason) => ("refused", reason),
            Outcome::Borne(reason) => ("borne", reason),
            Outcome::Wrong(told) => {
                wrong.push(format!("{example}: {told}"));
                continue;
            }
        };
        let mutation = format!("{:?}", case.mutation);
        *counts.entry((example, mutation, became, reason)).or_default() += 1;
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    // How many of which is no promise: the examples grow. That each change is refused somewhere is.
    for (example, mutation) in examples.iter().flat_map(|it| MUTATIONS.map(|kind| (it, kind))) {
        let key = (example.name.as_str(), format!("{mutation:?}"));
        let refused = counts.keys().any(|it| (it.0, &it.1) == (key.0, &key.1) && it.2 == "refused");
        assert!(refused, "{}: no {mutation:?} is refused: {counts:#?}", example.name);
    }
}

#[test]
fn a_changed_key_is_refused_at_its_line_or_borne_for_a_reason() {
    pass(7);
}

#[test]
#[ignore = "heavy"]
fn every_changed_key_is_refused_at_its_line_or_borne_for_a_reason() {
    pass(1);
}
