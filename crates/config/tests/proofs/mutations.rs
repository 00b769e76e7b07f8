//! Every key of every example, dropped, renamed, given another type, and doubled: each such file is
//! refused at the right line, or borne for a reason that stands below. Changes nothing else, and
//! says nothing of what a refusal reads like.

use std::collections::BTreeMap;
use std::fmt::Write as _;
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

/// Where a refusal may stand that is not on the line of the change: what it makes wrong elsewhere.
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
    if mutation == Mutation::Drop && !entry.path.contains('.') && only(Code::UnknownName) {
        return Some("told where its names are used");
    }
    let ends = |key: &str| entry.path.ends_with(key);
    match mutation {
        Mutation::Drop if ends(".router") && told(Code::StepsWithoutRouter, "") => {
            Some("told at the steps that need a router")
        }
        Mutation::Drop if told(Code::CheckTime, "") && entry.path.contains("rollout") => {
            Some("told at the check that asks at a step")
        }
        Mutation::Drop if told(Code::StrategySteps, "") && ends("rollout.strategy") => {
            Some("told at the steps of another strategy")
        }
        _ => None,
    }
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
    let own = tables.standing(&entry.path, json);
    if checked.errors.is_empty() {
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
    if let Some(reason) = follows(mutation, entry, entry.name(text), &checked) {
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

/// Changes every `stride`th key of each example and answers the counts.
fn pass(stride: usize) -> String {
    let tables = Tables::new();
    let (mut counts, mut wrong) = (BTreeMap::<_, usize>::new(), Vec::new());
    let mut all = 0;
    for example in examples() {
        for (place, mutation) in MUTATIONS.into_iter().enumerate() {
            for index in (place % stride..example.all.len()).step_by(stride) {
                let (became, reason) = match outcome(&example, index, mutation, &tables) {
                    Outcome::Refused(reason) => ("refused", reason),
                    Outcome::Borne(reason) => ("borne", reason),
                    Outcome::Wrong(told) => {
                        wrong.push(format!("{}: {told}", example.name));
                        continue;
                    }
                };
                all += 1;
                let name = format!("{mutation:?}");
                *counts.entry((example.name.clone(), name, became, reason)).or_default() += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {all}:\n{}", wrong.len(), wrong.join("\n"));
    let mut table = String::new();
    for ((example, mutation, became, reason), many) in counts {
        let _ = writeln!(table, "{example:<26} {mutation:<14} {became:<8} {many:>5}  {reason}");
    }
    let _ = writeln!(table, "all {all:>54}");
    table
}

/// Every seventh key, each kind of change beginning at another one: all of them take a quarter of an
/// hour without optimisation, and `TOWPATH_EVERY_KEY=1` asks for them.
#[test]
fn a_changed_key_is_refused_at_its_line_or_borne_for_a_reason() {
    if std::env::var_os("TOWPATH_EVERY_KEY").is_some() {
        println!("{}", pass(1));
    } else {
        insta::assert_snapshot!("mutations", pass(7));
    }
}
