//! Bad input, section by section: which code, at which path, in which words.

use towpath_config::Code;

use crate::check;

const ENVIRONMENT: &str = "version: 1
project: shop
environments:
  dev:
    tier: development
    target: { kind: process, command: [./app] }
  live:
    after: dev
    tier: production
    target: { kind: process, command: [./app] }
    router: { kind: towpath, listen: 127.0.0.1:3000 }
";

/// A line of an environment, and what is said about it: code, path, part of the message.
type Case = (&'static str, Code, &'static str, &'static str);

fn refused(cases: &[Case]) {
    for (line, code, path, message) in cases {
        let key = format!("    {}:", line.split(':').next().unwrap_or_default());
        let kept = ENVIRONMENT.lines().enumerate();
        let kept = kept.filter(|(at, it)| *at < 7 || !it.starts_with(&key)).map(|(_, it)| it);
        let text = format!("{}\n    {line}\n", kept.collect::<Vec<_>>().join("\n"));
        let checked = check(&text);
        let found = checked.errors.iter().find(|it| it.code == *code);
        let found = found.unwrap_or_else(|| panic!("{line}: {:#?}", checked.errors));
        assert_eq!(found.path, format!("environments.live.{path}"), "{line}");
        assert!(found.message.contains(message), "{line}: {}", found.message);
        assert!(found.next.is_some(), "{line}: somebody must know what to do");
        assert!(checked.matrix.is_none());
    }
}

#[test]
fn durations_that_are_negative_unitless_or_overflow_are_refused() {
    use Code::WrongValue;
    refused(&[
        ("standby: -5m", WrongValue, "standby", "`-5m` is not a duration"),
        ("standby: 5", WrongValue, "standby", "the number `5`"),
        ("standby: 1.5h", WrongValue, "standby", "`1.5h` is not a duration"),
        ("standby: 9999999999999999999d", WrongValue, "standby", "longer than 100 years"),
        ("standby: 99999999999999999999999s", WrongValue, "standby", "longer than 100 years"),
        ("standby: 36501d", WrongValue, "standby", "longer than 100 years"),
        ("standby: [5m]", Code::WrongType, "standby", "a list"),
        ("standby:", WrongValue, "standby", "empty"),
        ("standby: true", WrongValue, "standby", "yes-no value"),
    ]);
}

#[test]
fn a_time_in_which_nothing_can_happen_is_refused() {
    refused(&[
        ("health: { timeout: 0s }", Code::WrongValue, "health.timeout", "lasts no time"),
        ("health: { every: 0s }", Code::WrongValue, "health.every", "lasts no time"),
        (
            "gate: { validation: [{ check: http, url: \"{green}/\", timeout: 0s }] }",
            Code::WrongValue,
            "gate.validation[0].timeout",
            "lasts no time",
        ),
    ]);
}

#[test]
fn a_command_of_no_program_is_refused() {
    let command = "target: { kind: process, command: [\"\"] }";
    refused(&[(command, Code::WrongValue, "target.command", "names no program")]);
}

#[test]
fn a_mistyped_key_is_told_once() {
    let checked = check(&ENVIRONMENT.replace("environments:", "enviroments:"));
    let codes: Vec<_> = checked.errors.iter().map(|error| error.code).collect();
    assert_eq!(codes, [Code::UnknownKey]);
}

#[test]
fn the_pipeline_is_checked() {
    refused(&[
        ("after: []", Code::WrongType, "after", "an empty list"),
        ("after: [dev, Dev]", Code::WrongValue, "after[1]", "`Dev` cannot be a name"),
        ("after: nowhere", Code::UnknownName, "after", "called `nowhere`"),
        ("after: live", Code::PipelineCycle, "after", "in a circle"),
        ("tier: prod", Code::WrongValue, "tier", "cannot be `prod`"),
        ("promote: auto", Code::WrongValue, "promote", "cannot be `auto`"),
        ("supersede: latest", Code::WrongValue, "supersede", "cannot be `latest`"),
        ("preempt: [fix]", Code::WrongValue, "preempt[0]", "cannot be `fix`"),
        ("url: live.example.com", Code::WrongValue, "url", "`live.example.com`"),
    ]);
}

#[test]
fn targets_and_routers_are_checked_by_their_kind() {
    refused(&[
        ("target: { kind: proces, command: [x] }", Code::UnknownKind, "target.kind", "`proces`"),
        ("target: { command: [x] }", Code::MissingKey, "target.kind", "needs the key `kind`"),
        ("target: { kind: process }", Code::MissingKey, "target.command", "needs `command`"),
        ("target: { kind: process, command: [] }", Code::WrongValue, "target.command", "a list"),
        ("target: { kind: process, command: x }", Code::WrongValue, "target.command", "text `x`"),
        (
            "target: { kind: process, command: [x], comand: [y] }",
            Code::UnknownKey,
            "target.comand",
            "target `process` has no key `comand`",
        ),
        (
            "target: { kind: process, command: [x], folder: ../../etc }",
            Code::WrongValue,
            "target.folder",
            "leaves the project",
        ),
        (
            "target: { kind: process, command: [x], instances: 0 }",
            Code::WrongValue,
            "target.instances",
            "the number `0`",
        ),
        ("target: process", Code::WrongType, "target", "the text `process`"),
        ("router: { kind: towpath, listen: 3000 }", Code::WrongValue, "router.listen", "3000"),
        (
            "router: { kind: towpath, listen: 127.0.0.1:99999 }",
            Code::WrongValue,
            "router.listen",
            "127.0.0.1:99999",
        ),
    ]);
}

#[test]
fn health_and_settings_are_checked() {
    refused(&[
        ("health: { every: sometimes }", Code::WrongValue, "health.every", "`sometimes`"),
        ("health: { retries: 0 }", Code::WrongValue, "health.retries", "the number `0`"),
        ("health: { retries: -1 }", Code::WrongValue, "health.retries", "the number `-1`"),
        ("health: { endpoints: [health] }", Code::WrongValue, "health.endpoints[0]", "`health`"),
        (
            "settings: { LEVEL: [a] }",
            Code::WrongValue,
            "settings.LEVEL",
            "`settings.LEVEL` is a list",
        ),
        ("settings: { LEVEL: }", Code::WrongValue, "settings.LEVEL", "`settings.LEVEL` is empty"),
        ("settings: { LEVEL: on }", Code::YesNoWord, "settings.LEVEL", "`on`"),
    ]);
}

#[test]
fn gates_are_checked() {
    refused(&[
        (
            "gate: { validation: [{ name: A }] }",
            Code::MissingKey,
            "gate.validation[0].check",
            "`check`",
        ),
        ("gate: { validation: [http] }", Code::WrongType, "gate.validation[0]", "text `http`"),
        (
            "gate: { validation: [{ check: htp, url: x }] }",
            Code::UnknownKind,
            "gate.validation[0].check",
            "no check called `htp`",
        ),
        (
            "gate: { validation: [{ check: http, url: \"ftp://x\" }] }",
            Code::WrongValue,
            "gate.validation[0].url",
            "ftp://x",
        ),
        (
            "gate: { prerequisites: [{ check: attested, at: 10% }] }",
            Code::CheckTime,
            "gate.prerequisites[0].at",
            "before anything changes",
        ),
        ("gate: { validations: [] }", Code::UnknownKey, "gate.validations", "`validations`"),
    ]);
}

#[test]
fn rollouts_are_checked() {
    refused(&[
        ("rollout: { strategy: bluegreen }", Code::WrongValue, "rollout.strategy", "`bluegreen`"),
        ("rollout: { steps: [] }", Code::LastWeight, "rollout.steps", "never ends"),
        (
            "rollout: { steps: [{ weight: 0%, bake: 1m }, { weight: 100%, bake: 1m }] }",
            Code::WeightOrder,
            "rollout.steps[0].weight",
            "0%",
        ),
        (
            "rollout: { steps: [{ weight: 50%, bake: 1m }, { weight: 50%, bake: 1m }] }",
            Code::WeightOrder,
            "rollout.steps[1].weight",
            "50% follows 50%",
        ),
        (
            "rollout: { steps: [{ weight: 100 }] }",
            Code::WrongValue,
            "rollout.steps[0].weight",
            "100",
        ),
        (
            "rollout: { steps: [{ weight: 100% }] }",
            Code::MissingKey,
            "rollout.steps[0].bake",
            "`bake`",
        ),
        (
            "rollout: { steps: [{ weight: 101%, bake: 1m }] }",
            Code::WrongValue,
            "rollout.steps[0].weight",
            "more than 100%",
        ),
        (
            "rollout: { steps: [{ weight: 100%, bake: { min: 1m } }] }",
            Code::MissingKey,
            "rollout.steps[0].bake.max",
            "`max`",
        ),
        (
            "rollout: { strategy: adaptive, steps: [{ weight: 100%, bake: 10m }] }",
            Code::BakeRange,
            "rollout.steps[0].bake",
            "ends when enough is known",
        ),
        (
            "rollout: { strategy: linear, steps: [{ weight: 40%, bake: 1m }, { weight: 100%, bake: 1m }] }",
            Code::StrategySteps,
            "rollout.steps[1].weight",
            "`linear`",
        ),
        ("rollout: { lease: 1s }", Code::WrongValue, "rollout.lease", "between two renewals"),
        ("rollout: { minimum_sample: 20 }", Code::WrongValue, "rollout.minimum_sample", "`20`"),
        ("rollout: { on_blind: hope }", Code::WrongValue, "rollout.on_blind", "`hope`"),
    ]);
}

#[test]
fn budgets_of_harm_are_checked() {
    refused(&[
        (
            "rollout: { strategy: canary, harm_budget: 20 requests }",
            Code::StrategySteps,
            "rollout.harm_budget",
            "`canary` takes its steps whatever",
        ),
        (
            "rollout: { strategy: adaptive, harm_budget: 20 }",
            Code::WrongValue,
            "rollout.harm_budget",
            "`20`",
        ),
        (
            "rollout: { strategy: adaptive, harm_budget: 0 requests }",
            Code::WrongValue,
            "rollout.harm_budget",
            "0 requests",
        ),
    ]);
}

#[test]
fn the_rollout_of_a_change_type_is_checked_as_that_of_its_environment() {
    let of = |rollout: &str| format!("change_types: {{ hotfix: {{ rollout: {{ {rollout} }} }} }}");
    let steps = "change_types.hotfix.rollout.steps";
    for (rollout, code, place, message) in [
        ("steps: []", Code::LastWeight, "", "never ends"),
        ("steps: [{ weight: 50%, bake: 1m }]", Code::LastWeight, "[0].weight", "it is 50%"),
        (
            "steps: [{ weight: 100%, bake: 1m }, { weight: 50%, bake: 1m }]",
            Code::WeightOrder,
            "[1].weight",
            "50% follows 100%",
        ),
        (
            "steps: [{ weight: 100%, bake: { min: 9m, max: 1m } }]",
            Code::BakeRange,
            "[0].bake",
            "at least 9m",
        ),
        (
            "strategy: linear, steps: [{ weight: 40%, bake: 1m }, { weight: 100%, bake: 1m }]",
            Code::StrategySteps,
            "[1].weight",
            "`linear`",
        ),
    ] {
        let line: &'static str = of(rollout).leak();
        let path: &'static str = format!("{steps}{place}").leak();
        refused(&[(line, code, path, message)]);
    }
    let right = "steps: [{ weight: 30%, bake: 1m }, { weight: 100%, bake: 1m }]";
    let lane = |rest: &str| check(&format!("{ENVIRONMENT}    {}\n    {rest}\n", of(right))).errors;
    assert_eq!(lane(""), [], "blue-green has any steps");
    let linear = lane("rollout: { strategy: linear }");
    assert_eq!(linear[0].code, Code::StrategySteps, "without its own it has the lane's strategy");
    let unrouted = ENVIRONMENT.lines().filter(|line| !line.contains("router")).collect::<Vec<_>>();
    let text = format!("{}\n    {}\n", unrouted.join("\n"), of(right));
    let codes: Vec<_> = check(&text).errors.iter().map(|it| it.code).collect();
    assert!(codes.contains(&Code::StepsWithoutRouter), "{codes:?}");
}

#[test]
fn rollbacks_are_checked() {
    refused(&[
        ("rollback: { mode: yes }", Code::YesNoWord, "rollback.mode", "`yes`"),
        (
            "rollback: { when: { error_rate: 5% } }",
            Code::WrongValue,
            "rollback.when.error_rate",
            "the text `5%`",
        ),
        (
            "rollback: { when: { error_rate: \"< 5%\" } }",
            Code::WrongValue,
            "rollback.when.error_rate",
            "the text `< 5%`",
        ),
        (
            "rollback: { when: { latency_p99: 300ms } }",
            Code::WrongValue,
            "rollback.when.latency_p99",
            "`300ms`",
        ),
        (
            "rollback: { when: { latency_p98: \"+20%\" } }",
            Code::UnknownKey,
            "rollback.when.latency_p98",
            "`latency_p98`",
        ),
        (
            "rollback: { when: { signals: [bad-weather] } }",
            Code::WrongValue,
            "rollback.when.signals[0]",
            "`bad-weather`",
        ),
    ]);
}

#[test]
fn services_and_declared_sections_are_checked() {
    refused(&[
        ("services: { shp: { standby: 1h } }", Code::UnknownName, "services.shp", "`shp`"),
        (
            "services: { shop: { tier: staging } }",
            Code::UnknownKey,
            "services.shop.tier",
            "has no key `tier`",
        ),
        ("databse: { kind: x }", Code::UnknownKey, "databse", "has no key `databse`"),
        ("database: big", Code::WrongType, "database", "the text `big`"),
        ("goals: { waste: \"< 10%\" }", Code::UnknownKey, "goals", "has no key `goals`"),
        (
            "accept_warnings: [slo]",
            Code::UnknownName,
            "accept_warnings[0]",
            "no warning called `slo`",
        ),
    ]);
}

#[test]
fn the_top_of_the_file_is_checked() {
    for (from, to, code, message) in [
        ("version: 1", "version: 2", Code::WrongValue, "is of version 2 of the format"),
        ("version: 1\n", "", Code::MissingKey, "the file has no `version`"),
        ("project: shop", "project: My Shop", Code::WrongValue, "`My Shop` cannot be a name"),
        ("  dev:\n", "  Dev:\n", Code::WrongValue, "`Dev` cannot be a name"),
        ("    tier: development\n", "", Code::MissingKey, "dev has no `tier`"),
        ("project: shop", "project: shop\ndefaults: { prod: {} }", Code::UnknownKey, "`prod`"),
        ("project: shop", "project: shop\nrollout: {}", Code::UnknownKey, "has no key `rollout`"),
    ] {
        let checked = check(&ENVIRONMENT.replacen(from, to, 1));
        let found =
            checked.errors.iter().find(|it| it.code == code && it.message.contains(message));
        assert!(found.is_some(), "{to}: {:#?}", checked.errors);
    }
    for empty in ["", "\n# only a comment\n", "[]", "just text", "environments: {}"] {
        assert!(!check(empty).errors.is_empty(), "{empty:?}");
    }
}

#[test]
fn own_keys_are_left_alone_everywhere() {
    let text = ENVIRONMENT
        .replace("project: shop", "project: shop\nx-top: { a: [b] }")
        .replace("[./app] }", "[./app], x-own: 1 }")
        .replace(
            "    after: dev",
            "    after: dev\n    x-team: platform\n    health: { x-why: z }",
        );
    assert_eq!(check(&text).errors, []);
}

#[test]
fn warnings_that_are_meant_so_are_not_repeated() {
    let text = format!("{ENVIRONMENT}    slo: {{ error_rate: \"< 1%\" }}\n");
    assert_eq!(check(&text).warnings.len(), 1);
    let accepted = format!("{text}    accept_warnings: [trigger-looser-than-slo]\n");
    assert_eq!(check(&accepted).warnings, []);
}
