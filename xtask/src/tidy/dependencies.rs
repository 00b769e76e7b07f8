//! Which crate of the workspace may depend on which: a crate exists only to forbid a dependency,
//! so the table below is the shape of the product. Third-party crates are not its business.

use toml::{Table, Value};

use super::finding::Finding;
use super::tree::{SourceFile, Tree};

/// What one crate may depend on. Development dependencies are apart.
struct Allowance {
    name: &'static str,
    may_use: May,
}

enum May {
    Use(&'static [&'static str]),
    UseAll,
}

const GUARD: &str = "towpath-guard";
const ACCESS: &str = "towpath-access";
const AUDIT: &str = "towpath-audit";
const CORE: &str = "towpath-core";
const PORTS: &str = "towpath-ports";
const CONFIG: &str = "towpath-config";
const ENGINE: &str = "towpath-engine";
const PROXY: &str = "towpath-proxy";
const SIMULATE: &str = "towpath-simulate";
/// Test equipment: a development dependency everywhere but in the crates that exist to test.
const TESTKIT: &str = "towpath-testkit";

/// The direction of dependencies; ARCHITECTURE.md explains each line.
const TABLE: &[Allowance] = &[
    allow(GUARD, &[]),
    allow(CORE, &[GUARD]),
    allow(PROXY, &[GUARD]),
    allow(PORTS, &[CORE, GUARD]),
    allow(CONFIG, &[PORTS, CORE, GUARD]),
    allow(ACCESS, &[CORE]),
    allow(AUDIT, &[PORTS, CORE]),
    allow(ENGINE, &[ACCESS, AUDIT, PORTS, CORE, GUARD]),
    allow(SIMULATE, &[GUARD]),
    allow("towpath-store", &[AUDIT, PORTS, CORE, GUARD]),
    allow("towpath-adapters", &[AUDIT, PORTS, CORE, PROXY, GUARD]),
    allow("towpath-aws", &[PORTS, CORE, PROXY, GUARD]),
    allow("towpath-server", &[ENGINE, AUDIT, PORTS, CONFIG, CORE, SIMULATE]),
    Allowance { name: "towpath", may_use: May::UseAll },
    Allowance { name: TESTKIT, may_use: May::UseAll },
    Allowance { name: "towpath-e2e", may_use: May::UseAll },
    Allowance { name: "xtask", may_use: May::UseAll },
    allow("soundbite", &[]),
    allow("towpath-fuzz", &["towpath-adapters", CONFIG, CORE, PORTS]),
];

/// The crates that may use the test equipment in earnest.
const TEST_CRATES: &[&str] = &[TESTKIT, "towpath-e2e", "xtask"];

const fn allow(name: &'static str, crates: &'static [&'static str]) -> Allowance {
    Allowance { name, may_use: May::Use(crates) }
}

/// Every dependency that points in a forbidden direction.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.manifests().flat_map(check_manifest).collect()
}

fn check_manifest(file: &SourceFile) -> Vec<Finding> {
    let table: Table = match file.text.parse() {
        Ok(table) => table,
        Err(error) => {
            let problem = format!("cannot be read: {}", error.message());
            let remedy = "make `cargo metadata` pass first";
            return vec![Finding::new("direction", &file.path, 1, problem, remedy)];
        }
    };
    let package = table.get("package").and_then(|package| package.get("name")?.as_str());
    let Some(package) = package else { return Vec::new() };
    let Some(allowance) = TABLE.iter().find(|row| row.name == package) else {
        let problem = format!("`{package}` is not in the table of dependencies");
        let remedy = "say in xtask/src/tidy/dependencies.rs what it may depend on";
        return vec![Finding::new("direction", &file.path, 1, problem, remedy)];
    };
    workspace_dependencies(&table)
        .into_iter()
        .filter_map(|(key, name)| judge(file, allowance, &key, &name))
        .collect()
}

fn judge(file: &SourceFile, from: &Allowance, key: &str, to: &str) -> Option<Finding> {
    let is_allowed = match from.may_use {
        May::Use(crates) => crates.contains(&to),
        May::UseAll => to != TESTKIT || TEST_CRATES.contains(&from.name),
    };
    if is_allowed {
        return None;
    }
    let line = file.lines().find(|(_, line)| names_key(line, key)).map_or(1, |(number, _)| number);
    let problem = format!("`{}` must not depend on `{to}`", from.name);
    let remedy = match from.may_use {
        May::Use([]) => "it may depend on no crate of the workspace; move the code".to_owned(),
        May::Use(crates) => format!("it may depend on {}; move the code", crates.join(", ")),
        May::UseAll => "test equipment is a dev-dependency".to_owned(),
    };
    Some(Finding::new("direction", &file.path, line, problem, remedy))
}

/// Whether a manifest line sets `key` or opens its table.
fn names_key(line: &str, key: &str) -> bool {
    let line = line.trim_start();
    let rest = match line.strip_prefix('[') {
        Some(table) => table.split("dependencies.").nth(1).and_then(|rest| rest.strip_prefix(key)),
        None => line.trim_start_matches('"').strip_prefix(key),
    };
    rest.is_some_and(|rest| rest.starts_with([' ', '.', '=', ']', '"']))
}

/// Key and package name of each dependency on a crate of the table, for every platform, build
/// dependencies included and development dependencies left out.
fn workspace_dependencies(manifest: &Table) -> Vec<(String, String)> {
    let mut tables: Vec<&Table> = sections(manifest);
    let platforms = manifest.get("target").and_then(Value::as_table);
    tables.extend(
        platforms.into_iter().flatten().filter_map(|(_, one)| one.as_table()).flat_map(sections),
    );
    let package_of = |key: &str, value: &Value| {
        value.get("package").and_then(Value::as_str).unwrap_or(key).to_owned()
    };
    tables
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), package_of(key, value)))
        .filter(|(_, name)| TABLE.iter().any(|row| row.name == name))
        .collect()
}

fn sections(table: &Table) -> Vec<&Table> {
    let one = |name: &str| table.get(name).and_then(Value::as_table);
    ["dependencies", "build-dependencies"].into_iter().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::sample::{places, tree};

    fn manifest(name: &str, rest: &str) -> String {
        format!("[package]\nname = \"{name}\"\n\n{rest}")
    }

    fn judge_one(name: &str, rest: &str) -> Vec<Finding> {
        check(&tree(&[("crates/a/Cargo.toml", &manifest(name, rest))]))
    }

    #[test]
    fn a_dependency_against_the_direction_is_found_with_its_line() {
        let found =
            judge_one(CORE, "[dependencies]\nserde = \"1\"\ntowpath-engine.workspace = true\n");
        assert_eq!(places(&found), ["crates/a/Cargo.toml:6: direction"]);
        assert!(found[0].to_string().contains("must not depend on `towpath-engine`"));
        assert!(found[0].to_string().contains("it may depend on towpath-guard"));
    }

    #[test]
    fn a_renamed_platform_or_build_dependency_is_found_too() {
        let renamed =
            "[dependencies]\nmachine = { package = \"towpath-engine\", path = \"../e\" }\n";
        assert_eq!(judge_one(PROXY, renamed)[0].line, 5);
        let platform = "[target.'cfg(unix)'.dependencies]\ntowpath-core = { workspace = true }\n";
        assert_eq!(judge_one(PROXY, platform)[0].line, 5);
        let build = "[build-dependencies.towpath-core]\nworkspace = true\n";
        assert_eq!(judge_one(PROXY, build)[0].line, 4);
    }

    #[test]
    fn allowed_and_development_dependencies_are_fine() {
        let rest = "[dependencies]\ntowpath-core.workspace = true\n\n\
                    [dev-dependencies]\ntowpath-testkit.workspace = true\n";
        assert!(judge_one(ENGINE, rest).is_empty());
    }

    #[test]
    fn test_equipment_in_the_product_is_found() {
        let rest = "[dependencies]\ntowpath-testkit.workspace = true\n";
        assert_eq!(judge_one("towpath", rest).len(), 1);
        assert!(judge_one("towpath-e2e", rest).is_empty());
    }

    #[test]
    fn a_crate_that_the_table_does_not_know_is_found() {
        let found = judge_one("towpath-surprise", "");
        assert!(found[0].problem.contains("`towpath-surprise` is not in the table"));
    }
}
