//! What a check of the forge takes from the rest of the matrix: which repository, and what is said of
//! branches. Owns what is handed on; asks no forge.
//!
//! It becomes part of the check's settings, so that a plan that was agreed to holds it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use towpath_core::ids::Name;
use towpath_core::matrix::{CheckSpec, Gate, Unenforced};
use towpath_ports::catalogue::Family;

use crate::lane::Reading;
use crate::sections::branches;
use crate::tree::Node;

/// The setting of a check that the section `repository` stands in for.
const REPOSITORY: &str = "repository";
/// The setting of a check that names branches whose rules it compares with the forge's.
pub(crate) const PROTECTION: &str = "protection";
/// The setting in which those rules are handed on.
const BRANCHES: &str = "branches";

/// The setting of a check that names where the changes of its branch come from.
const FROM: &str = "from";
/// Settings by which it asks about one change.
const OF_A_CHANGE: [&str; 4] = ["reviews", "code_owners", "up_to_date", "signed"];

/// The gate of a service with what its checks take from elsewhere.
pub(crate) fn completed(mut gate: Gate, service: &Name, reading: &mut Reading<'_>) -> Gate {
    for check in gate.prerequisites.iter_mut().chain(&mut gate.validation) {
        complete(check, service, reading);
    }
    gate
}

fn complete(check: &mut CheckSpec, service: &Name, reading: &mut Reading<'_>) {
    let (root, kind) = (reading.root, check.check.kind.as_str());
    let Some(entry) = reading.catalogue.find(Family::Check, kind) else { return };
    let takes = |name: &str| entry.fields.iter().any(|field| field.name == name);
    let Some(settings) = check.check.settings.as_object_mut() else { return };
    let declared = root.get(REPOSITORY);
    let is_of_kind = declared.and_then(|it| it.get("kind")).and_then(Node::text) == Some(kind);
    if takes(REPOSITORY) && is_of_kind && !settings.contains_key(REPOSITORY) {
        let name = declared.and_then(|it| it.get("name")).and_then(Node::text);
        if let Some(name) = of_service(root, service).map_or(name, |own| name_in(own, kind)) {
            settings.insert(REPOSITORY.to_owned(), name.into());
            reading.use_of(REPOSITORY);
        }
    }
    if takes(FROM)
        && OF_A_CHANGE.iter().any(|key| settings.contains_key(*key))
        && !settings.contains_key(FROM)
        && let Some(branch) = settings.get("branch").and_then(Value::as_str).map(str::to_owned)
    {
        let from = branches::come_from(root, &branch);
        if !from.is_empty() {
            settings.insert(FROM.to_owned(), from.into());
            reading.come_from.insert(branch);
        }
    }
    if takes(PROTECTION)
        && let Some(named) = settings.get(PROTECTION).and_then(Value::as_array)
    {
        let named: Vec<String> =
            named.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let rules: Map<String, Value> = named
            .iter()
            .filter_map(|name| Some((name.clone(), branches::rules(root, name)?)))
            .collect();
        settings.insert(BRANCHES.to_owned(), rules.into());
        reading.compared.extend(named);
    }
}

/// Where the code of one service is, when that is not the project's.
fn of_service<'a>(root: &'a Node, service: &Name) -> Option<&'a str> {
    root.get("services")?.get(service.as_str())?.get(REPOSITORY)?.text()
}

/// The owner and name in what a service says of its repository; none where it is of another forge: the
/// same name may be somebody else's there.
fn name_in<'a>(text: &'a str, kind: &str) -> Option<&'a str> {
    if !text.contains(':') {
        return Some(text);
    }
    let path = text.strip_prefix("https://")?.strip_prefix(kind)?.strip_prefix(".com/")?;
    let path = path.trim_end_matches('/');
    Some(path.strip_suffix(".git").unwrap_or(path))
}

/// Of what the matrix says of branches, what nothing acts on although checks compare some of them
/// with the forge: paths of branches that none compares, and of where branches start.
pub(crate) fn not_compared(
    root: &Node,
    compared: &BTreeSet<String>,
    come_from: &BTreeSet<String>,
) -> Vec<Unenforced> {
    let entries = root.get(BRANCHES).map(Node::entries).unwrap_or_default();
    let mut found = Vec::new();
    for entry in entries.iter().filter(|it| !it.key.starts_with("x-")) {
        let branch = &entry.key;
        let rules = branches::rules(root, branch);
        let has_rules = rules.as_ref().and_then(Value::as_object).is_some_and(|it| !it.is_empty());
        let (path, reason) = if has_rules && !compared.contains(&**branch) {
            (format!("{BRANCHES}.{branch}"), "no check compares it with the forge")
        } else if entry.value.get("from").is_some()
            && !branches::is_pattern(branch)
            && !come_from.contains(&**branch)
        {
            (format!("{BRANCHES}.{branch}.from"), "no check asks about a pull request into it")
        } else {
            continue;
        };
        found.push(Unenforced { path, reason: reason.to_owned(), refuses: false });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::name_in;

    #[test]
    fn a_repository_of_another_forge_is_nobodys_here() {
        for (text, wanted) in [
            ("shop/api", Some("shop/api")),
            ("https://github.com/shop/api", Some("shop/api")),
            ("https://github.com/shop/api.git", Some("shop/api")),
            ("https://git.example.com/shop/api", None),
            ("https://github.com.example.com/shop/api", None),
            ("git@example.com:shop/api", None),
        ] {
            assert_eq!(name_in(text, "github"), wanted, "{text}");
        }
    }
}
