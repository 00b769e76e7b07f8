//! The example is followed as its README says, command by command, with its own program.

use std::path::PathBuf;
use std::process::Command;

use towpath_e2e::{Folder, Script, steps, towpath};

const PLACE: &str = "examples/soundbite";

/// Asked for when the test runs: clones that share a target directory share what is compiled in.
fn checkout() -> PathBuf {
    let own = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let own = own.expect("cargo says where the package is");
    own.parent().expect("the package lies in the workspace").to_path_buf()
}

#[test]
fn the_matrix_of_the_example_is_right_and_what_is_not_enforced_is_accepted_by_name() {
    let mut command = Command::new(towpath());
    command.current_dir(checkout().join(PLACE));
    let output = command.args(["matrix", "check", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["errors"].as_array().map(Vec::len), Some(0), "{said}");
    let warnings = said["warnings"].as_array().expect("a list");
    let codes: std::collections::BTreeSet<_> =
        warnings.iter().map(|one| one["code"].as_str()).collect();
    let known = ["alerts-off-but-declared", "shared-resource", "slo-order"];
    assert!(codes.into_iter().eq(known.map(Some)), "the page contradicts itself in these: {said}");
    let paths = said["not_enforced"].as_array().expect("a list");
    let is_of_a_gate =
        |path: &&serde_json::Value| path.as_str().is_some_and(|it| it.contains(".gate."));
    assert_eq!(paths.iter().find(is_of_a_gate), None, "every check of every gate acts: {said}");
    let gone_without = said["unenforced"].as_array().expect("a list");
    assert_eq!(gone_without.len(), paths.len(), "{said}");
    let refusing: Vec<_> = gone_without.iter().filter(|one| one["refuses"] != false).collect();
    assert_eq!(refusing, Vec::<&serde_json::Value>::new(), "all of it is accepted by name");
}

#[test]
fn the_readmes_of_the_examples_that_cannot_run_can_be_followed() {
    for place in ["examples/web-service", "examples/security-design-assistant"] {
        let folder = Folder::new();
        let copy = folder.copy(&checkout(), place);
        let page = std::fs::read_to_string(checkout().join(place).join("README.md")).unwrap();
        let steps = steps(&page);
        assert!(steps.len() > 1, "the README has only {} commands", steps.len());
        let mut script = Script::begin(&copy, &[towpath().parent().expect("a folder")]);
        script.follow(&format!("{place}/README.md"), &steps, |text| folder.here(text));
    }
}

#[test]
#[ignore = "heavy"]
fn the_readme_of_the_example_can_be_followed_to_the_letter() {
    let folder = Folder::new();
    let copy = folder.copy(&checkout(), PLACE);
    let bin = folder.cargo(&checkout());
    let page = std::fs::read_to_string(checkout().join(PLACE).join("README.md")).unwrap();
    let steps = steps(&page);
    assert!(steps.len() > 20, "the README has only {} commands", steps.len());
    let mut script = Script::begin(&copy, &[&bin]);
    script.follow("examples/soundbite/README.md", &steps, |text| folder.here(text));
}
