//! The starter passes the check that it is a start for.

use proptest::prelude::*;
use towpath_config::{FIRST_PORT, StarterInput, Symbols, report, starter};

use crate::{check, name};

fn input(environments: &[&str]) -> StarterInput {
    StarterInput {
        project: name("soundbite"),
        service: name("api"),
        environments: environments.iter().map(|it| name(it)).collect(),
        command: ["node", "dist/main.js"].map(str::to_owned).to_vec(),
        health_path: "/health".to_owned(),
        first_port: FIRST_PORT,
    }
}

#[test]
fn a_starter_has_neither_errors_nor_warnings_and_enforces_all_it_says() {
    let text = starter(&input(&["dev-localstack", "staging", "production"]));
    let checked = check(&text);
    assert_eq!(
        report(&checked, Symbols::Unicode),
        "✓ towpath.yaml is right: 3 environments, 1 service, 0 errors, 0 warnings\n"
    );
    insta::assert_snapshot!(text);
}

proptest! {
    #[test]
    fn whatever_the_command_and_the_names_are_the_starter_is_right(
        names in proptest::collection::btree_set("(dev|test|qa|uat|staging|prod|live|[a-z0-9]{1,9})", 1..6),
        program in "[ -~äµ→]{0,6}[!-~äµ→][ -~äµ→]{0,6}",
        arguments in proptest::collection::vec("[ -~äµ→]{1,12}", 0..3),
        path in "/[ -~]{0,12}",
    ) {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let command: Vec<_> = std::iter::once(program).chain(arguments).collect();
        let text = starter(&StarterInput { command: command.clone(), health_path: path, ..input(&names) });
        let checked = check(&text);
        prop_assert_eq!(&checked.errors, &[], "{}", text);
        prop_assert_eq!(&checked.warnings, &[], "{}", text);
        let matrix = checked.matrix.expect("no errors");
        let lane = matrix.environments[0].lanes.values().next().expect("one lane");
        prop_assert_eq!(&lane.target.settings["command"], &serde_json::json!(command));
    }
}
