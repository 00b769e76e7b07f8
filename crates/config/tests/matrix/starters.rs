//! The starter passes the check that it is a start for.

use std::collections::BTreeMap;

use proptest::prelude::*;
use towpath_config::{
    FIRST_PORT, StarterEnvironment, StarterHealth, StarterInput, StarterLane, StarterSection,
    StarterService, StarterTarget, StarterValue, Symbols, report, starter,
};

use crate::{check, name};

fn service(called: &str) -> StarterService {
    StarterService { name: name(called), purpose: "What is released from this folder".to_owned() }
}

fn lane(index: u16) -> StarterLane {
    let command = ["node", "dist/main.js"].map(str::to_owned).to_vec();
    StarterLane {
        port: Some(FIRST_PORT + index),
        health: Some(StarterHealth::at("/health")),
        ..StarterLane::of(StarterTarget::Process(command))
    }
}

fn environment(called: &str, lanes: Vec<StarterLane>) -> StarterEnvironment {
    StarterEnvironment {
        name: name(called),
        url: None,
        notes: Vec::new(),
        sections: Vec::new(),
        alarms: Vec::new(),
        secrets: BTreeMap::new(),
        lanes,
    }
}

fn input(environments: &[&str]) -> StarterInput {
    let environments =
        environments.iter().zip(0..).map(|(it, index)| environment(it, vec![lane(index)]));
    StarterInput {
        project: name("soundbite"),
        notes: Vec::new(),
        services: vec![service("api")],
        environments: environments.collect(),
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

#[test]
fn several_services_have_their_own_lanes_whether_visitors_reach_them_or_not() {
    let mut input = input(&["dev", "staging", "production"]);
    input.notes = vec!["Read from `compose.yaml`: everything below. ".repeat(4)];
    input.services = vec![service("api"), service("worker"), service("resize")];
    for (environment, index) in input.environments.iter_mut().zip(0..) {
        let worker = StarterLane {
            target: StarterTarget::Docker(
                "worker".to_owned(),
                Some("ghcr.io/soundbite/worker:latest".to_owned()),
            ),
            port: None,
            health: None,
            ..lane(index)
        };
        let function = StarterTarget::Lambda("resize".to_owned(), Some("us-east-1".to_owned()));
        let resize = StarterLane { target: function, ..worker.clone() };
        environment.lanes = vec![lane(index), worker, resize];
        environment.url = Some("https://soundbite.example".to_owned());
        environment.notes = vec!["Its database is that of the compose file.".to_owned()];
        let fields = vec![
            ("kind", StarterValue::text("postgres")),
            ("name", StarterValue::text("app")),
            ("version", StarterValue::text("16")),
        ];
        environment.sections.push(StarterSection { name: "database", fields });
    }
    let text = starter(&input);
    let checked = check(&text);
    assert_eq!((checked.errors.len(), checked.warnings.len()), (0, 0), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_section_that_the_format_does_not_take_is_a_comment_with_the_reason() {
    let mut input = input(&["dev"]);
    let fields = vec![("memory", StarterValue::text("512MB")), ("spot", StarterValue::Flag(true))];
    input.environments[0].sections.push(StarterSection { name: "unknown", fields });
    let text = starter(&input);
    assert!(text.contains("\n    # unknown: { memory: 512MB, spot: true }\n"), "{text}");
    let fields = vec![("kind", StarterValue::text("rabbitmq"))];
    input.environments[0].sections = vec![StarterSection { name: "queue", fields }];
    let text = starter(&input);
    let comment = "\n    # To be completed, for `queue` needs the key `queue`:\n    # queue: { kind: rabbitmq }\n";
    assert!(text.contains(comment), "{text}");
    assert_eq!(check(&text).errors, []);
}

proptest! {
    #[test]
    fn whatever_the_command_and_the_names_are_the_starter_is_right(
        names in proptest::collection::btree_set("(dev|test|qa|uat|staging|prod|live|[a-z0-9]{1,9})", 1..6),
        program in "[ -~äµ→]{0,6}[!-~äµ→][ -~äµ→]{0,6}",
        arguments in proptest::collection::vec("[ -~äµ→]{1,12}", 0..3),
        path in "/[ -~]{0,12}",
        note in "\\PC{0,200}",
        texts in proptest::collection::vec("\\PC{0,40}", 3),
        mut times in proptest::collection::vec(1_u64..10_000_000, 2),
    ) {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let command: Vec<_> = std::iter::once(program).chain(arguments).collect();
        let mut input = input(&names);
        // Who waits for an answer beyond the next round is warned of it.
        times.sort_unstable();
        input.notes = vec![note.clone()];
        input.services[0].purpose.clone_from(&texts[0]);
        for environment in &mut input.environments {
            environment.notes = vec![note.clone()];
            let fields = vec![("kind", StarterValue::text("other")), ("name", StarterValue::text(&texts[1]))];
            environment.sections = vec![StarterSection { name: "database", fields }];
            let lane = &mut environment.lanes[0];
            lane.target = StarterTarget::Process(command.clone());
            let mut health = StarterHealth::at(&path);
            health.every = towpath_core::units::Span(times[1]);
            health.timeout = towpath_core::units::Span(times[0]);
            lane.health = Some(health);
        }
        let text = starter(&input);
        let checked = check(&text);
        prop_assert_eq!(&checked.errors, &[], "{}", text);
        prop_assert_eq!(&checked.warnings, &[], "{}", text);
        let matrix = checked.matrix.expect("no errors");
        let lane = matrix.environments[0].lanes.values().next().expect("one lane");
        prop_assert_eq!(&lane.target.settings["command"], &serde_json::json!(command));
    }
}
