//! What changes from one matrix to another, and what is said about it.

mod guards;
mod judged;

use std::collections::BTreeSet;

use proptest::prelude::*;
use towpath_config::{Change, Diff, diff};

use crate::{SOUNDBITE, check, check_as_the_program};

fn between(old: &str, new: &str) -> Diff {
    let (old_checked, new_checked) = (check(old), check(new));
    assert_eq!(old_checked.errors, [], "{old}");
    assert_eq!(new_checked.errors, [], "{new}");
    diff(&old_checked, &new_checked).expect("both are right")
}

/// A matrix of which the environment `live` has these sections, one or more lines.
fn with(sections: &str) -> String {
    let indented: Vec<String> = sections.lines().map(|line| format!("    {line}\n")).collect();
    let lines = indented.concat();
    let after = if sections.starts_with("after") { "" } else { "    after: dev\n" };
    let command = "    target: { kind: process, command: [./app] }\n";
    let own = if sections.starts_with("target") { "" } else { command };
    let notifiers = "notifiers:\n  email: { kind: smtp, server: a.b:587, from: a@b.c, to: [a@b.c] }\n  \
                     slack: { kind: webhook, url_secret: S }\n  phone: { kind: phone, numbers_secret: S }\n\
                     secrets: { S: { kind: env, variable: S } }\n\
                     metrics_sources: { jobs: { kind: nginx-log, path: access.log } }\n";
    format!(
        "version: 1\nproject: shop\n{notifiers}environments:\n  dev:\n    tier: development\n{command}  qa:\n    \
         tier: testing\n{command}  live:\n    tier: production\n{after}{own}    \
         router: {{ kind: towpath, listen: 127.0.0.1:3000 }}\n{lines}"
    )
}

fn only(diff: &Diff) -> &Change {
    assert_eq!(diff.changes.len(), 1, "{:#?}", diff.changes);
    &diff.changes[0]
}

fn sentences(diff: &Diff) -> Vec<&str> {
    diff.changes.iter().map(|it| it.sentence.as_str()).collect()
}

/// Pieces of the example and what may stand there instead.
const EDITS: &[(&str, &str)] = &[
    (
        "rollback: { mode: manual, within: 5m, when: { error_rate: \"> 5%\"",
        "rollback: { mode: manual, within: 9m, when: { error_rate: \"> 8%\"",
    ),
    ("promote: automatic", "promote: manual"),
    ("standby: 24h", "standby: 12h"),
    ("- { weight: 1%,   bake: 3m }", "- { weight: 5%,   bake: 1m }"),
    ("        - { weight: 50%,  bake: 5m }\n", ""),
    ("channels: [email, slack, pagerduty, phone]", "channels: [pagerduty, slack]"),
    (
        "iam: { role: ProdRole, permissions: maximum, mfa: true, session: 15m }",
        "iam: { role: ProdRole, permissions: high, mfa: false, session: 15m }",
    ),
    ("iam: { role: StagingRole, permissions: high, mfa: true, session: 30m }", "x-iam: none"),
    ("all: { business: 1 }", "hotfix: { business: 1, lead-developer: 1 }"),
    ("latency_p99: \"< 1000ms\"\n      error_rate", "latency_p99: \"< 2s\"\n      error_rate"),
    (
        "        - { check: http, name: Monitoring configured, url: \"{green}/metrics\", expect: 200 }\n",
        "",
    ),
    ("tier: staging", "tier: testing"),
    ("roles: [developer, lead-developer]", "roles: [developer, business]"),
    (
        "signals: [security-incident, business-impact] }\n    notify: { rolled_back",
        "signals: [security-incident] }\n    notify: { rolled_back",
    ),
    ("freeze: [devops, qa] }", "thaw: [qa] }"),
    ("    after: dev-aws\n", "    after: [dev-aws, dev-localstack]\n"),
    ("  dev-aws-deployed:\n", "  dev-deployed:\n"),
    ("api:\n    purpose", "backend:\n    purpose"),
    ("lifecycle: standard", "lifecycle: none"),
];

/// The example with the edits whose bits are set. What names an environment follows its name.
fn edited(bits: u32) -> String {
    let chosen = EDITS.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
    let text = chosen.fold(SOUNDBITE.to_owned(), |text, (_, (from, to))| {
        assert!(SOUNDBITE.contains(from), "{from}");
        text.replace(from, to)
    });
    if text.contains("  dev-deployed:\n") {
        text.replace("after: dev-aws-deployed", "after: dev-deployed")
            .replace("in: dev-aws-deployed", "in: dev-deployed")
    } else {
        text
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn nothing_differs_from_itself_and_the_way_back_has_the_same_paths_reversed(
        old in 0u32..1 << 19,
        new in 0u32..1 << 19,
    ) {
        let (old, new) = (check(&edited(old)), check(&edited(new)));
        let between = |old, new| diff(old, new).expect("every edit leaves the example right");
        prop_assert_eq!(between(&old, &old).changes, vec![]);
        let told = |diff: &Diff, reversed: bool| {
            let mut told: Vec<_> = diff.changes.iter().map(|it| {
                let judgement = if reversed { it.judgement.reversed() } else { it.judgement };
                let (was, now) = (it.was.clone(), it.now.clone());
                let (was, now) = if reversed { (now, was) } else { (was, now) };
                (it.path.clone(), was, now, judgement)
            }).collect();
            told.sort();
            told
        };
        prop_assert_eq!(told(&between(&old, &new), false), told(&between(&new, &old), true));
    }
}

#[test]
fn every_edit_of_the_property_makes_a_difference() {
    assert_eq!(EDITS.len(), 19, "as many as the property draws bits");
    for (at, edit) in EDITS.iter().enumerate() {
        assert!(!between(SOUNDBITE, &edited(1 << at)).changes.is_empty(), "{edit:?}");
    }
}

#[test]
fn what_is_written_otherwise_and_means_the_same_is_no_change() {
    for (old, new) in [
        ("standby: 24h", ""),
        ("standby: 48h", "standby: 2d"),
        ("after: dev", "after: [dev]"),
        ("health: { endpoints: [/a, /b] }", "health: { every: 1m, endpoints: [/b, /a] }"),
        (
            "costs: { budget: $12/month, compute: $1/month }",
            "costs: { compute: $1/month, budget: $12/month }",
        ),
        ("accept_warnings: [same-address]", "# a word about it\naccept_warnings: same-address"),
    ] {
        assert_eq!(sentences(&between(&with(old), &with(new))), Vec::<&str>::new(), "{old}");
    }
}

const SHARED: &str = "
version: 1
project: shop
defaults:
  production:
    standby: 24h
environments:
  dev:
    tier: development
    target: { kind: process, command: [./app] }
  eu:
    after: dev
    tier: production
    target: { kind: process, command: [./app] }
    router: { kind: towpath, listen: 127.0.0.1:3000 }
  us:
    after: dev
    tier: production
    target: { kind: process, command: [./app] }
    router: { kind: towpath, listen: 127.0.0.1:3001 }
    standby: 6h
";

#[test]
fn a_shared_line_changes_every_environment_that_it_reaches_and_a_removed_one_falls_back() {
    let said = |new: &str| {
        let diff = between(SHARED, new);
        sentences(&diff).iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        said(&SHARED.replace("    standby: 24h\n", "    standby: 1h\n")),
        ["eu: standby of the old release 24h -> 1h, from defaults.production (looser)"]
    );
    assert_eq!(
        said(&SHARED.replace("    standby: 6h\n", "")),
        ["us: standby of the old release 6h -> 24h, from defaults.production (stricter)"]
    );
    let none = said(&SHARED.replace("standby: 24h", "supersede: queue"));
    assert_eq!(
        none,
        [
            "eu: supersede: newest -> queue, from defaults.production",
            "us: supersede: newest -> queue, from defaults.production"
        ],
        "24h is what is built in"
    );
}

#[test]
fn a_change_says_where_both_values_come_from() {
    let diff = between(SHARED, &SHARED.replace("    standby: 6h\n", ""));
    let change = only(&diff);
    assert_eq!(change.path, "environments.us.standby");
    assert_eq!((change.environment.as_deref(), change.service.as_deref()), (Some("us"), None));
    assert_eq!(change.was_from.as_deref(), Some("line 21"));
    assert_eq!(change.now_from.as_deref(), Some("defaults.production, line 6"));
}

#[test]
fn an_environment_that_another_one_came_after_is_missed() {
    let between_them = "  qa:\n    after: dev\n    tier: testing\n    target: { kind: process, command: [./app] }\n";
    let new = SHARED.replacen(
        "  eu:\n    after: dev\n",
        &format!("{between_them}  eu:\n    after: [dev, qa]\n"),
        1,
    );
    assert_eq!(
        sentences(&between(&new, SHARED)),
        [
            "eu: what comes before: qa is removed (looser)",
            "qa: the environment is removed (looser)"
        ]
    );
    let aside = SHARED.to_owned() + between_them;
    let diff = between(SHARED, &aside);
    assert_eq!(only(&diff).sentence, "qa: the environment is added");
    assert_eq!(only(&diff).now.as_deref(), Some("{ tier: testing, after: dev, promote: manual }"));
}

#[test]
fn a_change_of_one_service_is_told_of_it_alone_and_a_change_of_all_once() {
    let two = SHARED.replace("defaults:", "services: { api: {}, worker: {} }\ndefaults:");
    let own = two.replace(
        "    standby: 6h\n",
        "    standby: 6h\n    services: { worker: { standby: 1h } }\n",
    );
    let diff = between(&two, &own);
    let change = only(&diff);
    assert_eq!(change.sentence, "us, worker: standby of the old release 6h -> 1h (looser)");
    assert_eq!(change.path, "environments.us.services.worker.standby");
    assert_eq!(change.service.as_deref(), Some("worker"));
    let all = two.replace("    standby: 6h\n", "    standby: 1h\n");
    assert_eq!(
        sentences(&between(&two, &all)),
        ["us: standby of the old release 6h -> 1h (looser)"]
    );
    let more = two.replace("worker: {}", "worker: {}, mail: { purpose: Sends }");
    assert_eq!(
        sentences(&between(&two, &more)),
        ["everywhere: services mail: not set -> { purpose: Sends }"]
    );
}

#[test]
fn people_with_more_roles_may_more() {
    let ada = SHARED.replace("defaults:", "people: { ada: { roles: [developer] } }\ndefaults:");
    assert_eq!(between(SHARED, &ada).looser, 1);
    let both = ada.replace("[developer]", "[developer, devops]");
    assert_eq!(
        sentences(&between(&ada, &both)),
        ["everywhere: roles of ada: devops is added (looser)"]
    );
}

#[test]
fn a_lower_tier_is_looser_with_all_its_defaults() {
    let lower = SHARED.replacen("tier: production", "tier: staging", 1);
    insta::assert_snapshot!(sentences(&between(SHARED, &lower)).join("\n"));
}

#[test]
fn what_a_file_says_moves_no_cursor() {
    let new = SHARED.replace("standby: 6h", "standby: 6h\n    title: \"a\\e[2J\\u202Eb\"");
    let diff = between(SHARED, &new);
    assert_eq!(only(&diff).sentence, "us: title: not set -> a\\u{1b}[2J\\u{202e}b");
    assert_eq!(only(&diff).now.as_deref(), Some("a\\u{1b}[2J\\u{202e}b"));
}

#[test]
fn a_secret_that_changes_is_told_and_not_shown() {
    let with_secret = |secret: &str| {
        let own = format!(
            "tier: development\n    settings: {{ DB_PASSWORD: {secret}d }}\n    x-token: {secret}a\n    \
             x-list: [{{ password: {secret}e }}]\n    queue: {{ kind: sqs, queue: q, x-password: {secret}c }}"
        );
        with("").replacen("tier: development", &own, 1)
    };
    let (old, new) = (with_secret("Zq7hunter2"), with_secret("Yq8hunter3"));
    let diff = between(&old, &new);
    let hidden = |key: &str| format!("dev: {key} changed, and is not shown: it is a secret");
    let expected = ["settings DB_PASSWORD", "x-token", "x-list", "queue x-password"].map(hidden);
    let told = BTreeSet::from_iter(sentences(&diff));
    assert_eq!(told, expected.iter().map(String::as_str).collect());
    let all = format!("{diff:?} {:?}", between(&old, &with("")));
    assert!(!all.contains("hunter"), "{all}");
}

#[test]
fn a_secret_that_changes_is_told_with_its_place_and_its_judgement() {
    let with_secret = |secret: &str| {
        let check = |name: &str| {
            format!(
                "{{ check: http, name: {name}, url: '{{green}}/', headers: {{ Authorization: {secret} }} }}"
            )
        };
        let own = format!(
            "tier: development\n    gate: {{ validation: [{}, {}] }}",
            check("first"),
            check("second")
        );
        let text = with("").replacen("tier: development", &own, 1);
        check_as_the_program(&text)
    };
    let diff = diff(&with_secret("Zq7hunter2"), &with_secret("Yq8hunter3"));
    let diff = diff.expect("both are right");
    assert_eq!(
        sentences(&diff),
        [
            "dev: gate validation first headers Authorization changed, and is not shown: it is a secret (check it)",
            "dev: gate validation second headers Authorization changed, and is not shown: it is a secret (check it)",
        ]
    );
}

#[test]
fn a_matrix_with_an_error_is_not_compared() {
    let wrong = check("version: 1\n");
    assert_eq!(diff(&wrong, &check(SHARED)), None);
    assert_eq!(diff(&check(SHARED), &wrong), None);
}

/// The example as a hurried team might change it.
#[test]
fn a_change_of_the_example_is_told_environment_by_environment() {
    let old = include_str!("../../../../examples/soundbite/towpath.yaml");
    let new = [
        (
            "mode: manual\n      within: 5m\n      when: { error_rate: \"> 5%\"",
            "mode: manual\n      within: 5m\n      when: { error_rate: \"> 8%\"",
        ),
        ("    promote: manual\n", "    promote: automatic\n"),
        ("        - { weight: 1%,   bake: 3m }\n", ""),
        (
            "        - { check: http, name: Monitoring configured, url: \"{green}/metrics\", expect: 200 }\n",
            "",
        ),
        ("every: 30s, timeout: 5s", "every: 15s, timeout: 5s"),
        ("AUDIO_BITRATE: 64", "AUDIO_BITRATE: 96"),
        (
            "level: critical, channels: [email, slack, pagerduty, phone]",
            "level: critical, channels: [email, slack]",
        ),
        (
            "latency_p99: \"< 1000ms\", error_rate: \"< 0.1%\" }",
            "latency_p99: \"< 500ms\", error_rate: \"< 1%\" }",
        ),
        ("budget: $420/month", "budget: $600/month"),
    ];
    let new = new.iter().fold(old.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    // With the kinds that there really are.
    let check = |text: &str| check_as_the_program(text);
    let diff = diff(&check(old), &check(&new)).expect("both are right");
    insta::assert_snapshot!(sentences(&diff).join("\n"));
    insta::assert_json_snapshot!(diff.changes.last());
}
