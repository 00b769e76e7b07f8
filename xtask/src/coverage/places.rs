//! What the program says of an example's matrix: which paths its resolved form has, and which of
//! them nothing acts on. Owns the comparison with the ledger; it reads no matrix by itself.

use std::collections::{BTreeMap, BTreeSet};
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

/// The places of one matrix, as dotted paths.
#[derive(Debug)]
pub(crate) struct Places {
    paths: BTreeSet<String>,
    not_enforced: BTreeSet<String>,
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
        Self::read(&checked, &resolved)
    }

    fn read(checked: &str, resolved: &str) -> Result<Self> {
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
        Ok(Self { paths, not_enforced })
    }

    /// The listed path at or above `path`, if any.
    fn listed_above(&self, path: &str) -> Option<&str> {
        let mut listed = self.not_enforced.iter().map(String::as_str);
        listed.find(|listed| holds(listed, path))
    }

    /// Whether nothing acts on some part of what stands at `path`.
    fn is_listed_in_part(&self, path: &str) -> bool {
        self.listed_above(path).is_some() || self.not_enforced.iter().any(|it| holds(path, it))
    }
}

/// Every row that the matrices of the examples contradict.
pub(crate) fn judge(entries: &[Entry], examples: &BTreeMap<&str, Places>) -> Vec<Finding> {
    entries.iter().flat_map(|entry| judge_entry(entry, examples)).collect()
}

fn judge_entry(entry: &Entry, examples: &BTreeMap<&str, Places>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut is_listed = false;
    for reference in &entry.by {
        let Reference::Matrix { example, path } = reference else { continue };
        let Some(places) = examples.get(example.as_str()) else { continue };
        is_listed |= places.is_listed_in_part(path);
        if !places.paths.contains(path) {
            let problem = format!("{}: the resolved matrix has no place `{reference}`", entry.id);
            let remedy = nearest(places, path);
            findings.push(finding(entry.line, problem, remedy));
        } else if let (State::Covered, Some(listed)) = (entry.state, places.listed_above(path)) {
            let problem = format!("{}: nothing acts on `{listed}` of {example} yet", entry.id);
            let remedy = "call it declared, or name what enforces it";
            findings.push(finding(entry.line, problem, remedy));
        }
    }
    if entry.state == State::Declared && findings.is_empty() && !is_listed {
        let problem = format!("{}: everything it names in a matrix is enforced", entry.id);
        findings.push(finding(entry.line, problem, "call it covered"));
    }
    findings
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
        "environments.prod.gate.validation.read-by-qa.by"
    ] }"#;

    const RESOLVED: &str = r"
environments:
  prod:
    title: Production                     # line 3
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
";

    fn problems(state: &str, by: &str) -> Vec<String> {
        let text =
            format!("id,kind,requirement,state,by,note\n000-004,config,Title,{state},{by},why\n");
        let entries = ledger::read(&text).entries;
        assert_eq!(entries.len(), 1, "{by}");
        let examples = BTreeMap::from([("soundbite", Places::read(CHECKED, RESOLVED).unwrap())]);
        judge(&entries, &examples).into_iter().map(|found| found.problem).collect()
    }

    #[test]
    fn what_is_enforced_may_be_called_covered() {
        for path in
            ["title", "rollout.steps[0].bake", "gate.validation.tcp", "gate.validation.read-by-qa"]
        {
            let by = format!("matrix:soundbite:environments.prod.{path}");
            assert_eq!(problems("covered", &by), Vec::<String>::new(), "{path}");
        }
    }

    #[test]
    fn what_nothing_acts_on_is_not_covered() {
        for (path, listed) in [
            ("alerting", "alerting"),
            ("alerting.level", "alerting"),
            ("alerting.channels.mail", "alerting"),
            ("costs.compute", "costs"),
            ("gate.validation.p99-met", "gate.validation.p99-met"),
            ("gate.validation.read-by-qa.by", "gate.validation.read-by-qa.by"),
        ] {
            let by = format!("matrix:soundbite:environments.prod.{path}");
            let wanted =
                format!("000-004: nothing acts on `environments.prod.{listed}` of soundbite yet");
            assert_eq!(problems("covered", &by), [wanted]);
            assert_eq!(problems("declared", &by), Vec::<String>::new(), "{path}");
        }
    }

    #[test]
    fn a_place_that_is_not_there_is_found_in_every_state() {
        let by = "matrix:soundbite:environments.prod.gate.validation.p98-met";
        for state in ["covered", "declared", "planned"] {
            let wanted = format!("000-004: the resolved matrix has no place `{by}`");
            assert_eq!(problems(state, by), [wanted]);
        }
    }

    #[test]
    fn what_is_enforced_is_more_than_declared() {
        let title = "matrix:soundbite:environments.prod.title";
        let wanted = "000-004: everything it names in a matrix is enforced";
        assert_eq!(problems("declared", title), [wanted]);
        let both = format!("{title} matrix:soundbite:environments.prod.alerting");
        assert!(problems("declared", &both).is_empty());
        let whole = "matrix:soundbite:environments.prod";
        assert!(problems("declared", whole).is_empty());
    }
}
