//! What changes from one matrix to another, in words for a reviewer, and whether it demands less.
//! Compares what holds in the end, defaults filled in; reads no files.

mod amount;
mod compare;
mod judge;
mod neutral;
mod path;
mod rules;
mod side;
mod steps;
mod table;
mod words;

use std::collections::BTreeMap;

use serde::Serialize;

use self::compare::{Found, differences, same};
use self::side::{Environment, Side};
use crate::Checked;
use crate::secrecy::MASK;
use crate::show::flow;

pub use self::judge::Judgement;

/// Everything that differs between two matrices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// First what holds for the whole project, then the environments in the order of the new file,
    /// then those that it has no longer.
    pub changes: Vec<Change>,
    /// How many of them are looser.
    pub looser: usize,
    /// How many of them may be looser, which cannot be told.
    pub unclear: usize,
}

/// One difference. One that holds for every service of an environment is told once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Where it stands in the resolved form, entries of lists by name:
    /// `environments.staging.gate.validation.all-tests-passing`, `environments.staging.after[dev]`.
    pub path: String,
    /// None for what holds for the whole project.
    pub environment: Option<String>,
    /// None for what holds for all services.
    pub service: Option<String>,
    /// The old value as it is written, on one line; none when there was none.
    pub was: Option<String>,
    /// The new value as it is written, on one line; none when there is none any more.
    pub now: Option<String>,
    /// Where the old value came from: `line 12`, `defaults.production, line 20`, `built-in default`.
    /// None for what stands on several lines.
    pub was_from: Option<String>,
    /// Where the new value comes from, likewise.
    pub now_from: Option<String>,
    /// All of this for a reviewer, with the place in front and the judgement behind.
    pub sentence: String,
    /// Whether it demands less.
    pub judgement: Judgement,
}

/// Compares two matrices. None when one has errors, or maps inside each other so deep that its
/// resolved form cannot be read again. Never panics; safe to repeat.
pub fn diff(old: &Checked, new: &Checked) -> Option<Diff> {
    let shown = between(Side::new(old, &old.resolved)?, Side::new(new, &new.resolved)?);
    if old.with_secrets.is_none() && new.with_secrets.is_none() {
        return Some(shown);
    }
    let real = between(Side::new(old, old.lines())?, Side::new(new, new.lines())?);
    Some(with_hidden(real, &shown))
}

/// What really changed, in the words of what is shown of it; where nothing shown changed, a secret did.
fn with_hidden(real: Diff, shown: &Diff) -> Diff {
    let mut changes = Vec::new();
    let is_same = |a: &Change, b: &Change| (&a.path, &a.service) == (&b.path, &b.service);
    for change in real.changes {
        let found = shown.changes.iter().find(|it| is_same(it, &change));
        changes.push(found.cloned().unwrap_or_else(|| hidden(change)));
    }
    counted(changes)
}

fn counted(changes: Vec<Change>) -> Diff {
    let count = |judgement| changes.iter().filter(|it| it.judgement == judgement).count();
    let (looser, unclear) = (count(Judgement::Looser), count(Judgement::Unclear));
    Diff { changes, looser, unclear }
}

fn hidden(change: Change) -> Change {
    let place =
        Place { environment: change.environment.as_deref(), service: change.service.as_deref() };
    // Entries of lists stand in a path by what they are called.
    let path = change.path.split('[').next().unwrap_or_default().to_owned();
    let inner = path.strip_prefix(&place.path("")).unwrap_or(&path).split('.');
    let inner: Vec<String> = inner.map(path::words_of_key).collect();
    let sentence =
        format!("{}: {} changed, and is not shown: it is a secret", place.words(), inner.join(" "));
    let sentence = words::judged(sentence, change.judgement);
    let stars = |value: Option<String>| value.map(|_| MASK.to_owned());
    let (was, now) = (stars(change.was), stars(change.now));
    let (environment, service) = (change.environment, change.service);
    Change { path, environment, service, was, now, sentence, ..change }
}

fn between(old: Side<'_>, new: Side<'_>) -> Diff {
    let sides = Sides { old, new };
    let mut changes = Vec::new();
    for found in differences(&sides.old.project, &sides.new.project) {
        changes.push(sides.change(&Place::default(), &found));
    }
    for (name, now) in &sides.new.environments {
        match sides.old.environment(name) {
            Some(was) => sides.environment(name, was, now, &mut changes),
            None => changes.push(sides.whole_environment(name, None, Some(now))),
        }
    }
    for (name, was) in &sides.old.environments {
        if sides.new.environment(name).is_none() {
            changes.push(sides.whole_environment(name, Some(was), None));
        }
    }
    counted(changes)
}

/// Of which environment and service something is told.
#[derive(Clone, Copy, Default)]
struct Place<'a> {
    environment: Option<&'a str>,
    service: Option<&'a str>,
}

impl Place<'_> {
    fn path(self, inner: &str) -> String {
        match (self.environment, self.service) {
            (None, _) => inner.to_owned(),
            (Some(environment), None) => format!("environments.{environment}.{inner}"),
            (Some(environment), Some(service)) => {
                format!("environments.{environment}.services.{service}.{inner}")
            }
        }
    }

    fn words(self) -> String {
        match (self.environment, self.service) {
            (None, _) => "everywhere".to_owned(),
            (Some(environment), None) => environment.to_owned(),
            (Some(environment), Some(service)) => format!("{environment}, {service}"),
        }
    }
}

struct Sides<'a> {
    old: Side<'a>,
    new: Side<'a>,
}

impl Sides<'_> {
    fn environment(
        &self,
        name: &str,
        was: &Environment,
        now: &Environment,
        changes: &mut Vec<Change>,
    ) {
        let everywhere = Place { environment: Some(name), service: None };
        for found in differences(&was.common, &now.common) {
            changes.push(self.change(&everywhere, &found));
        }
        let both = self.new.services.iter().filter(|it| self.old.services.contains(it));
        let of_services: Vec<(&str, Vec<Found>)> = both
            .filter_map(|it| {
                let found = differences(was.services.get(it)?, now.services.get(it)?);
                Some((it.as_str(), found))
            })
            .collect();
        let Some((_, first)) = of_services.first() else { return };
        let others: Vec<ByPath<'_>> = of_services.iter().skip(1).map(|it| by_path(&it.1)).collect();
        let is_common = |found: &&Found| others.iter().all(|it| has(it, found));
        let common: Vec<&Found> = first.iter().filter(is_common).collect();
        changes.extend(common.iter().map(|it| self.change(&everywhere, it)));
        let common = by_path(common);
        for (service, found) in &of_services {
            let place = Place { environment: Some(name), service: Some(service) };
            let own = found.iter().filter(|it| !has(&common, it));
            changes.extend(own.map(|it| self.change(&place, it)));
        }
    }

    fn change(&self, place: &Place<'_>, found: &Found) -> Change {
        let was_from = found.was.as_ref().and_then(|it| self.old.origin(it));
        let now_from = found.now.as_ref().and_then(|it| self.new.origin(it));
        Change {
            path: place.path(&found.path.to_string()),
            environment: place.environment.map(str::to_owned),
            service: place.service.map(str::to_owned),
            was: found.was.as_ref().map(words::value),
            now: found.now.as_ref().map(words::value),
            sentence: words::sentence(&place.words(), found, now_from.as_ref()),
            was_from: was_from.map(|it| it.to_string()),
            now_from: now_from.map(|it| it.to_string()),
            judgement: found.judgement,
        }
    }

    /// An environment that is only in one of the two. It is looser without it where another one came
    /// after it: what a release had to show there it need not show any more.
    fn whole_environment(
        &self,
        name: &str,
        was: Option<&Environment>,
        now: Option<&Environment>,
    ) -> Change {
        let (side, other, judgement) = match was {
            Some(_) => (&self.old, &self.new, Judgement::Looser),
            None => (&self.new, &self.old, Judgement::Stricter),
        };
        let follows = |(of, it): &(String, Environment)| {
            let after = it.whole.get("after").into_iter();
            let mut names = after.flat_map(|it| {
                it.text().into_iter().chain(it.items().iter().filter_map(|it| it.text()))
            });
            other.environment(of).is_some() && names.any(|before| before == name)
        };
        let judgement =
            if side.environments.iter().any(follows) { judgement } else { Judgement::Neutral };
        let verb = if was.is_some() { "removed" } else { "added" };
        let about = |it: &Environment| {
            let keys = it.whole.entries().iter().filter(|it| ABOUT.contains(&&*it.key));
            flow(&it.whole.with_entries(keys.cloned().collect()))
        };
        Change {
            path: format!("environments.{name}"),
            environment: Some(name.to_owned()),
            service: None,
            was: was.map(about),
            now: now.map(about),
            was_from: None,
            now_from: None,
            sentence: words::judged(format!("{name}: the environment is {verb}"), judgement),
            judgement,
        }
    }
}

/// What is told of an environment that is only in one of the two.
const ABOUT: [&str; 4] = ["tier", "after", "after_any", "promote"];

/// Differences by their paths.
type ByPath<'a> = BTreeMap<String, Vec<&'a Found>>;

fn by_path<'a>(found: impl IntoIterator<Item = &'a Found>) -> ByPath<'a> {
    let mut by_path = ByPath::new();
    for one in found {
        by_path.entry(one.path.to_string()).or_default().push(one);
    }
    by_path
}

/// Whether the same differs there.
fn has(there: &ByPath<'_>, found: &Found) -> bool {
    there.get(&found.path.to_string()).is_some_and(|all| all.iter().any(|it| alike(it, found)))
}

fn alike(one: &Found, other: &Found) -> bool {
    let values = |one: &Option<_>, other: &Option<_>| match (one, other) {
        (Some(one), Some(other)) => same(one, other),
        (None, None) => true,
        _ => false,
    };
    values(&one.was, &other.was) && values(&one.now, &other.now)
}
