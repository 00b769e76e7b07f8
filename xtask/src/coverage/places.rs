//! What the program says of an example's matrix: which paths its resolved form has, which of them
//! nothing acts on, which are words for people, and in which environments nothing runs. Owns the
//! comparison with the ledger; it reads no matrix by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::ledger::{Entry, State, finding};
use super::reference::Reference;
use crate::reference::towpath_in;
use crate::tidy::finding::Finding;

/// Sections that `matrix check` lists by one of their keys although nothing acts on the others
/// either.
const LISTED_BY_ONE_KEY: &[&str] = &["budget"];

/// The pages that the program writes about its sections.
const SECTIONS: &str = "docs/src/reference/matrix";

/// How such a page says that a section is words for people.
const FOR_PEOPLE: &str = "- Today: **for people**";

/// The places of one matrix, as dotted paths.
#[derive(Debug)]
pub(crate) struct Places {
    paths: BTreeSet<String>,
    not_enforced: BTreeSet<String>,
    /// Sections of an environment that are shown and that nothing judges.
    for_people: BTreeSet<String>,
}

impl Places {
    /// Asks the program, built from `root` first.
    ///
    /// # Errors
    /// When the program cannot be built or run, when the matrix has errors, or when the answer has
    /// another form.
    pub(crate) fn ask(root: &Path, example: &str) -> Result<Self> {
        let directory = root.join("examples").join(example);
        if !directory.join("towpath.yaml").is_file() {
            bail!("it is not there");
        }
        let checked = towpath_in(root, &directory, &["matrix", "check", "--json"])?;
        let resolved = towpath_in(root, &directory, &["matrix", "show", "--resolved"])?;
        let mut for_people = BTreeSet::new();
        for page in fs::read_dir(root.join(SECTIONS)).context("there are no pages of sections")? {
            for_people.extend(sections_for_people(&fs::read_to_string(page?.path())?));
        }
        Self::read(&checked, &resolved, for_people)
    }

    fn read(checked: &str, resolved: &str, for_people: BTreeSet<String>) -> Result<Self> {
        let checked: Value = serde_json::from_str(checked)?;
        let listed = checked["not_enforced"].as_array().context("there is no `not_enforced`")?;
        let mut not_enforced = BTreeSet::new();
        for path in listed {
            let path = path.as_str().context("`not_enforced` holds something that is no path")?;
            not_enforced.insert(whole_section(path).to_owned());
        }
        let resolved: Value =
            serde_saphyr::from_str(resolved).context("the resolved form is no YAML")?;
        let mut paths = BTreeSet::new();
        collect("", &resolved, &mut paths);
        if paths.is_empty() {
            bail!("the resolved form is empty");
        }
        if for_people.is_empty() {
            bail!("no page says which sections are for people");
        }
        Ok(Self { paths, not_enforced, for_people })
    }

    /// The listed paths at, above or below `path`.
    fn listed(&self, path: &str) -> impl Iterator<Item = &str> {
        let all = self.not_enforced.iter().map(String::as_str);
        all.filter(move |listed| holds(listed, path) || holds(path, listed))
    }

    /// Whether something is done because of what stands at `path`.
    fn acts(&self, path: &str) -> bool {
        self.listed(path).next().is_none() && !self.is_for_people(path) && self.idle(path).is_none()
    }

    /// Whether `path` lies in words for people.
    fn is_for_people(&self, path: &str) -> bool {
        let section = path.splitn(3, '.').nth(2).and_then(|rest| rest.split(['.', '[']).next());
        environment(path).is_some() && section.is_some_and(|it| self.for_people.contains(it))
    }

    /// The environment of `path` if nothing runs there, its target being of a kind that is planned.
    fn idle<'a>(&self, path: &'a str) -> Option<&'a str> {
        environment(path).filter(|it| self.not_enforced.contains(&format!("{it}.target")))
    }
}

/// Every row that the matrices of the examples contradict.
pub(crate) fn judge(entries: &[Entry], examples: &BTreeMap<&str, Places>) -> Vec<Finding> {
    entries.iter().flat_map(|entry| judge_entry(entry, examples)).collect()
}

fn judge_entry(entry: &Entry, examples: &BTreeMap<&str, Places>) -> Vec<Finding> {
    let named: Vec<_> = entry.by.iter().filter_map(|it| place(it, examples)).collect();
    let mut findings = Vec::new();
    for (reference, places, path) in &named {
        if !places.paths.contains(*path) {
            let problem = format!("{}: the resolved matrix has no place `{reference}`", entry.id);
            findings.push(finding(entry.line, problem, nearest(places, path)));
        }
    }
    if !findings.is_empty() {
        return findings;
    }
    match entry.state {
        State::Covered => too_much(entry, &named),
        State::Declared if named.iter().all(|(_, places, path)| places.acts(path)) => {
            let problem = format!("{}: everything it names in a matrix is enforced", entry.id);
            vec![finding(entry.line, problem, "call it covered")]
        }
        _ => Vec::new(),
    }
}

/// A value of a matrix that a row names.
type Place<'a> = (&'a Reference, &'a Places, &'a str);

fn place<'a>(reference: &'a Reference, examples: &'a BTreeMap<&str, Places>) -> Option<Place<'a>> {
    let Reference::Matrix { example, path } = reference else { return None };
    Some((reference, examples.get(example.as_str())?, path))
}

/// What a covered row claims and the program does not do.
fn too_much(entry: &Entry, named: &[Place<'_>]) -> Vec<Finding> {
    let listed = named.iter().filter_map(|(reference, places, path)| {
        let listed = places.listed(path).next()?;
        Some(format!("{}: nothing acts on `{listed}`, which `{reference}` names", entry.id))
    });
    let remedy = "call it declared, or name what is enforced";
    let mut findings: Vec<_> = listed.map(|problem| finding(entry.line, problem, remedy)).collect();
    let mut acting = named.iter().filter(|(_, places, path)| !places.is_for_people(path));
    let idle = acting.clone().find_map(|(_, places, path)| places.idle(path));
    let all_idle = acting.all(|(_, places, path)| places.idle(path).is_some());
    if let Some(idle) = idle.filter(|_| all_idle && !entry.by.iter().any(Reference::proves)) {
        let problem = format!("{}: nothing runs in `{idle}`: its target is planned", entry.id);
        let remedy = "name the test that shows the same elsewhere, or call it declared";
        findings.push(finding(entry.line, problem, remedy));
    }
    findings
}

/// The environment that a path lies in, as a path.
fn environment(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("environments.")?;
    let name = rest.split(['.', '[']).next()?;
    Some(&path[..path.len() - rest.len() + name.len()])
}

/// The sections that a page of the reference calls words for people.
fn sections_for_people(page: &str) -> BTreeSet<String> {
    let parts = page.split("\n## `").skip(1).filter(|part| part.contains(FOR_PEOPLE));
    parts.filter_map(|part| Some(part.split_once('`')?.0.to_owned())).collect()
}

/// The path of the section where one key is listed for all of it.
fn whole_section(path: &str) -> &str {
    match path.rsplit_once('.') {
        Some((section, key)) if LISTED_BY_ONE_KEY.contains(&key) => section,
        _ => path,
    }
}

/// Whether `outer` is `inner` or something around it.
fn holds(outer: &str, inner: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// What a person who wrote `path` may have meant.
fn nearest(places: &Places, path: &str) -> String {
    let mut known = path;
    while let Some((outer, _)) = known.rsplit_once('.') {
        if places.paths.contains(outer) {
            let names: Vec<&str> = places
                .paths
                .iter()
                .filter_map(|it| it.strip_prefix(outer)?.strip_prefix('.'))
                .filter(|it| !it.contains(['.', '[']))
                .collect();
            return format!("`{outer}` is there, with {}", names.join(", "));
        }
        known = outer;
    }
    "`towpath matrix show --resolved` lists the places".to_owned()
}

/// Every path of the value: an entry of a list has two, one by its place and one by its name.
fn collect(path: &str, value: &Value, paths: &mut BTreeSet<String>) {
    if !path.is_empty() {
        paths.insert(path.to_owned());
    }
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                collect(&path, value, paths);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(&format!("{path}[{index}]"), item, paths);
                if let Some(name) = name(item) {
                    collect(&format!("{path}.{name}"), item, paths);
                }
            }
        }
        _ => {}
    }
}

/// The name of an entry of a list in lower case with hyphens, as paths have it.
fn name(item: &Value) -> Option<String> {
    let title = match item {
        Value::String(text) => text,
        _ => item.get("name").or_else(|| item.get("check"))?.as_str()?,
    };
    let lower = title.to_ascii_lowercase();
    let words = lower.split(|character: char| !character.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    (!words.is_empty()).then(|| words.join("-"))
}

#[cfg(test)]
mod tests {
    use super::super::ledger;
    use super::*;

    const CHECKED: &str = r#"{ "not_enforced": [
        "environments.prod.alerting",
        "environments.prod.costs.budget",
        "environments.prod.gate.validation.p99-met",
        "environments.prod.gate.validation.read-by-qa.by",
        "environments.idle.target"
    ] }"#;

    const RESOLVED: &str = r"
environments:
  prod:
    title: Production                     # line 3
    target: { kind: process }
    alerting: { level: high, channels: [mail] }
    costs: { compute: $10/month, budget: $20/month }
    rollout:
      steps:
        - { weight: 100%, bake: 0s }      # built-in default
    gate:
      validation:
        - check: performance
          name: p99 met
        - check: attested
          name: Read by QA
          by: [qa]
        - check: tcp
  idle:
    title: Idle
    target: { kind: docker }
    standby: 24h
";

    const PAGE: &str = "# About\n\n## `title`\n\nFull name.\n\n- Today: **for people**. It is shown.\n\n\
                        ## `standby`\n\nHow long.\n\n- Today: **enforced**. It is what happens.\n";

    /// What is wrong with a row of this kind and state that names this.
    fn problems(kind: &str, state: &str, by: &str) -> Vec<String> {
        let text =
            format!("id,kind,requirement,state,by,note\n000-004,{kind},Title,{state},{by},why\n");
        let entries = ledger::read(&text).entries;
        assert_eq!(entries.len(), 1, "{by}");
        let places = Places::read(CHECKED, RESOLVED, sections_for_people(PAGE)).unwrap();
        let examples = BTreeMap::from([("soundbite", places)]);
        judge(&entries, &examples).into_iter().map(|found| found.problem).collect()
    }

    #[test]
    fn what_is_enforced_may_be_called_covered() {
        for path in ["title", "target.kind", "rollout.steps[0].bake", "gate.validation.tcp"] {
            let by = format!("matrix:soundbite:environments.prod.{path}");
            assert_eq!(problems("config", "covered", &by), Vec::<String>::new(), "{path}");
        }
    }

    #[test]
    fn what_nothing_acts_on_is_not_covered_nor_what_holds_it() {
        for (path, listed) in [
            ("gate.validation", "gate.validation.p99-met"),
            ("alerting", "alerting"),
            ("alerting.level", "alerting"),
            ("alerting.channels.mail", "alerting"),
            ("costs.compute", "costs"),
            ("gate.validation.p99-met", "gate.validation.p99-met"),
            ("gate.validation.read-by-qa", "gate.validation.read-by-qa.by"),
            ("gate.validation.read-by-qa.by", "gate.validation.read-by-qa.by"),
        ] {
            let by = format!("matrix:soundbite:environments.prod.{path}");
            let wanted = format!(
                "000-004: nothing acts on `environments.prod.{listed}`, which `{by}` names"
            );
            for proof in ["", " scenario:lapse"] {
                let found = problems("config", "covered", &format!("{by}{proof}"));
                assert_eq!(found, [wanted.as_str()], "{path}");
            }
            assert_eq!(problems("config", "declared", &by), Vec::<String>::new(), "{path}");
        }
    }

    #[test]
    fn a_value_where_nothing_runs_is_covered_only_by_what_shows_the_same_elsewhere() {
        let standby = "matrix:soundbite:environments.idle.standby";
        let wanted = "000-004: nothing runs in `environments.idle`: its target is planned";
        assert_eq!(problems("config", "covered", standby), [wanted]);
        let title = "matrix:soundbite:environments.idle.title";
        assert_eq!(problems("config", "covered", &format!("{standby} {title}")), [wanted]);
        for kind in ["config", "number", "feature"] {
            let proven = format!("{standby} test:a.rs::it_stands_by");
            assert_eq!(problems(kind, "covered", &proven), Vec::<String>::new());
            assert_eq!(problems(kind, "declared", standby), Vec::<String>::new());
        }
        let elsewhere = format!("{standby} matrix:soundbite:environments.prod.rollout");
        assert_eq!(problems("config", "covered", &elsewhere), Vec::<String>::new());
        assert_eq!(problems("config", "covered", title), Vec::<String>::new());
    }

    #[test]
    fn a_place_that_is_not_there_is_found_in_every_state() {
        let by = "matrix:soundbite:environments.prod.gate.validation.p98-met";
        for state in ["covered", "declared", "planned"] {
            let wanted = format!("000-004: the resolved matrix has no place `{by}`");
            assert_eq!(problems("config", state, by), [wanted]);
        }
    }

    #[test]
    fn what_is_enforced_is_more_than_declared_and_words_for_people_are_not() {
        let rollout = "matrix:soundbite:environments.prod.rollout";
        let wanted = "000-004: everything it names in a matrix is enforced";
        assert_eq!(problems("config", "declared", rollout), [wanted]);
        for beside in ["alerting", "title"] {
            let both = format!("{rollout} matrix:soundbite:environments.prod.{beside}");
            assert_eq!(problems("config", "declared", &both), Vec::<String>::new());
        }
        let whole = "matrix:soundbite:environments.prod";
        assert_eq!(problems("config", "declared", whole), Vec::<String>::new());
    }
}
